"""Confidence to band: what a coder must decide on (high, medium) and what may be dismissed (low)."""

from __future__ import annotations

from modelops.choices import Band


def band_of(confidence: float, *, high: float, medium: float) -> Band:
    """`high` and `medium` are the lowest confidence of their band (settings BAND_HIGH, BAND_MEDIUM)."""
    if confidence >= high:
        return Band.HIGH
    return Band.MEDIUM if confidence >= medium else Band.LOW
