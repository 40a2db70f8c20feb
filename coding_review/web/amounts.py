"""Figures of trainings as pages say them: bytes, spans of time, counts, rates. Each with its unit."""

from __future__ import annotations

import math

ABSENT = "–"
_GIB = 1024**3
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def count(value: float | None) -> str:
    """ "1,312"."""
    return ABSENT if value is None else f"{round(value):,}"


def short_count(value: float | None) -> str:
    """ "70.6 B": for parameters and tokens."""
    if value is None:
        return ABSENT
    for scale, sign in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.3g} {sign}"
    return f"{value:,.0f}"


def gib(value: float | None) -> str:
    """Bytes as "121 GiB", below 10 with one digit, below 0.1 in MiB."""
    if value is None:
        return ABSENT
    found = value / _GIB
    if found < 0.1:
        return f"{value / 1024**2:,.0f} MiB"
    return f"{found:,.1f} GiB" if found < 10 else f"{found:,.0f} GiB"


def loss(value: float | None) -> str:
    return ABSENT if value is None or not math.isfinite(value) else f"{value:.3f}"


def rate(value: float | None) -> str:
    """A learning rate: "2.8e-06"."""
    return ABSENT if value is None else f"{value:.1e}"


def share(value: float | None) -> str:
    return ABSENT if value is None else f"{100 * value:.1f}%"


def span(seconds: float | None) -> str:
    """ "1 h 48", "12 min", "45 s", "3 days 4 h"."""
    if seconds is None:
        return ABSENT
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"
