"""Why a figure is not there, in words: a null without a reason would read as a mistake."""

from __future__ import annotations

from typing import Any

from modelops.evaluation.figures import Json

_NO_RELEASE = "no release was given that says which chapter and block a category lies in"
_NO_SETS = "no value sets were given"
_NO_TRAINING = "it was not said what was in training"
_ONE_CHART = "of fewer than two charts there is no standard error"

# Path and why it is null where it is; paths that are not null, or not there, are not told.
_REASONS: tuple[tuple[str, str], ...] = (
    ("levels.chapter", _NO_RELEASE),
    ("levels.block", _NO_RELEASE),
    ("by.chapter", _NO_RELEASE),
    ("by.block", _NO_RELEASE),
    ("domain_filter", _NO_SETS),
    ("expert.approve_only", "the gold set does not say which codes were judged and which were added"),
    ("expert.approve_only.filtered", _NO_SETS),
    ("expert.approve_and_add.filtered", _NO_SETS),
    ("by.seen", _NO_TRAINING),
    ("by.frequency", _NO_TRAINING),
    ("training", _NO_TRAINING),
    ("levels.L3.macro.f1", "there is no chart"),
    ("levels.L3.macro.f1_se", _ONE_CHART),
    ("levels.L3.weighted.f1", "there is no gold code"),
    ("levels.L3.can_differ", "there is no gold code"),
    ("charts.patients", "no chart names its patient: intervals take each chart for a patient of its own"),
    ("evidence.jaccard", "no code that was met has gold lines"),
    ("discarded.share", "nothing was put out"),
    ("traps.share", "the gold set has no traps"),
    *((f"outliers.L{n}.q1", "no category has ten gold cases") for n in range(5)),
    ("calibration.ece", "no prediction has a confidence"),
    ("risk_coverage.area", "no prediction has a confidence"),
    ("coding.sequence.tau", "no chart has two met codes whose place the gold set states"),
    ("coding.grouping.value", "not measured"),
)


def undefined(found: Json) -> dict[str, str]:
    told = {path: why for path, why in _REASONS if _is_null(found, path)}
    _tell(
        told,
        found,
        "principal",
        "charts",
        "the gold set marks no principal or first-listed code",
        "names one",
    )
    _tell(told, found, "poa", "codes", "no gold code that was met has an indicator", "states an indicator")
    return told


def _is_null(found: Json, path: str) -> bool:
    """Null, or a whole level that is not there."""
    at: Any = found
    *above, last = path.split(".")
    for name in above:
        at = at.get(name) if isinstance(at, dict) else None
    return isinstance(at, dict) and at.get(last) is None


def _tell(told: dict[str, str], found: Json, part: str, counted: str, nothing: str, stated: str) -> None:
    figures = found["coding"][part]
    if figures["accuracy"] is None:
        told[f"coding.{part}.accuracy"] = nothing if not figures[counted] else f"no prediction {stated}"
