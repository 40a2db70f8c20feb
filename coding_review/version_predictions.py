"""What one model version says to a gold set's charts, made while an evaluation job runs, through its own engine.

The version need not serve: that is how a candidate is measured before it answers anyone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten

from django.conf import settings

from coding_review.actions.evaluation_steps import note_step
from coding_review.actions.store_calibration import NewCalibration, store_calibration
from coding_review.choices import GoldSetPurpose
from coding_review.evaluation_predictions import bare_row
from coding_review.exports.gold import rows
from coding_review.models import EvaluationJob, GoldSet
from modelops.batch import Bands, predict_lines
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.local_transformers.choice import Answering, answering
from modelops.engines.registry import make_engine
from modelops.engines.types import Engine
from modelops.errors import ModelopsError
from modelops.evaluation.columns import Gold, Predictions
from modelops.evaluation.isotonic import Fit, fit, pairs_of
from modelops.evaluation.runs import sha256_of
from modelops.models import ModelVersion

# Above this share without an answer the figures would tell of the server, not of the model.
MOST_UNANSWERED = 0.1
_FROM, _TO = 15, 30
_TOLD_EACH = 5
# Characters of the reason that is told; what is stored has room for a sentence around it.
_REASON = 150


class CandidateFailed(Exception):
    """Why a model version could not be evaluated; no message holds text of a chart."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def engine_of_version(version: ModelVersion) -> Answering:
    """Raises CandidateFailed where nothing answers for the version."""
    try:
        return answering(version)
    except ModelopsError as error:
        raise CandidateFailed(error.code, str(error)) from error


def engine_by_name(name: str) -> Engine:
    """As the settings describe it. Raises CandidateFailed."""
    try:
        return make_engine(name, {})
    except ModelopsError as error:
        raise CandidateFailed(error.code, str(error)) from error


def asked_lines(job: EvaluationJob, engine: Engine) -> Iterator[bytes]:
    """A line a chart, without text, in the charts' order; for a calibration set with confidences as the engine gives
    them. Raises CandidateFailed, and Cancelled between charts."""
    total = job.gold_set.charts.standing().count()
    failed = 0
    reasons = Counter[str]()
    try:
        outcomes = predict_lines(
            _charts(job.gold_set),
            engine,
            Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM),
            at_once=engine.in_flight if isinstance(engine, LlmEngine) else settings.LLM_IN_FLIGHT,
            raw_confidence=job.gold_set.purpose == GoldSetPurpose.CALIBRATION,
        )
        for number, outcome in enumerate(outcomes, start=1):
            failed += outcome.failed
            if outcome.failed:
                reasons[str(outcome.row["error"])] += 1
            if number % _TOLD_EACH == 0:
                percent = _FROM + (_TO - _FROM) * number // max(total, 1)
                note_step(job, f"Asking the model: {number} of {total} charts", percent)
            configuration = {"configuration": outcome.row.get("configuration", "")}
            yield _line(bare_row(outcome.row) | configuration)
    finally:
        if isinstance(engine, LlmEngine):
            engine.leave()
    if failed > MOST_UNANSWERED * total:
        ((most, _),) = reasons.most_common(1)
        raise CandidateFailed(
            "not_answered",
            f"{failed} of {total} charts were not answered, most of them for this: {shorten(most, _REASON)} "
            "Look whether the model's server answers, then ask again.",
        )


def _charts(gold_set: GoldSet) -> Iterator[bytes]:
    for row in rows(gold_set, with_text=True):
        yield _line(row)


def _line(row: dict[str, object]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def fitted(gold: Gold, predictions: Predictions) -> Fit:
    """Raises CandidateFailed where there are too few codes to fit a curve on."""
    try:
        return fit(pairs_of(gold, predictions))
    except ValueError as error:
        raise CandidateFailed("too_few", str(error)) from error


def keep_curve(job: EvaluationJob, found: Fit, predicted: Path) -> None:
    """Puts the curve in force for the engine, version and configuration that the predictions are of."""
    engine, model_version, configuration = _maker(predicted)
    store_calibration(
        job.created_by,
        NewCalibration(
            engine=engine,
            model_version=model_version,
            configuration=configuration,
            split=str(job.gold_set),
            split_sha256=job.gold_set.sha256,
            predictions_sha256=sha256_of(predicted),
            fit=found,
        ),
    )


def _maker(predicted: Path) -> tuple[str, str, str]:
    """Of the answered charts, which one version made. Raises CandidateFailed where they differ."""
    with predicted.open("rb") as lines:
        read = [json.loads(raw) for raw in lines]
    makers = {
        (row["engine"], row["model_version"], row["configuration"]) for row in read if not row.get("error")
    }
    if len(makers) != 1:
        raise CandidateFailed("mixed", "The charts were not all answered by one model and configuration.")
    return makers.pop()
