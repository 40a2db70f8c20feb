"""Confidences as shares that were right: the curve that a calibration split gave one engine, applied to what it says.

A curve belongs to one engine, model version and configuration (prompts, passes, grounding …): each of them gives other
confidences. Without one, an engine's confidences stay as they are and are shown as uncalibrated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from modelops.engines.types import EngineInfo, EngineResult
from modelops.models import Calibration

# (confidence as given, share that was right), both rising; at least one point.
Curve = Sequence[tuple[float, float]]


_OWN = "calibration_id"


def configuration(info: EngineInfo) -> str:
    """What of an engine, beside its model version, its confidences depend on; the same for the same."""
    details = (f"{name}={value}" for name, value in sorted(info.details.items()) if name != _OWN)
    return "; ".join(filter(None, (info.prompt_version, *details)))


def calibrated(info: EngineInfo, result: EngineResult) -> tuple[EngineInfo, EngineResult]:
    """Both as they are without a curve for this engine, model version and configuration; else the confidences by its
    latest curve, and the curve's number in `details["calibration_id"]`. `info`: of who made the result."""
    latest = Calibration.objects.latest_for(info.name, info.model_version, configuration(info))
    if latest is None or info.calibrated:
        return info, result
    curve = [(float(given), float(right)) for given, right in latest.points]
    suggestions = tuple(
        replace(said, confidence=on_curve(curve, said.confidence)) for said in result.suggestions
    )
    details = {**info.details, _OWN: str(latest.pk)}
    return replace(info, calibrated=True, details=details), replace(result, suggestions=suggestions)


def on_curve(curve: Curve, confidence: float) -> float:
    """Between two points in a straight line, beyond the ends as at the end."""
    at = bisect_left(curve, confidence, key=lambda point: point[0])
    if at == 0:
        return curve[0][1]
    if at == len(curve):
        return curve[-1][1]
    (below, low), (above, high) = curve[at - 1], curve[at]
    return round(low + (high - low) * (confidence - below) / (above - below), 6)
