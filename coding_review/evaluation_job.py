"""What a worker does with one evaluation job: write both files, reckon, draw, store.

Each step may find it cancelled.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from coding_review.actions.evaluation_steps import (
    Cancelled,
    begin_evaluation,
    fail_evaluation,
    finish_evaluation,
    note_step,
    show_life,
)
from coding_review.at_work import Unforeseen, WorkCrashed, life_shown
from coding_review.choices import GoldSetPurpose
from coding_review.errors import NotAllowed
from coding_review.evaluation_predictions import engine_lines, from_band
from coding_review.evaluation_store import Evaluated, store
from coding_review.exports.gold import write_gold
from coding_review.models import EvaluationJob
from coding_review.version_predictions import (
    CandidateFailed,
    asked_lines,
    engine_by_name,
    engine_of_version,
    fitted,
    keep_curve,
)
from modelops.choices import Band
from modelops.evaluation.charts import Options
from modelops.evaluation.metrics import evaluate_packed
from modelops.evaluation_catalog import by_own_release, domain_codes, places_of_latest
from modelops.evaluation_files import Lines
from modelops.evaluation_packing import read_gold, read_predictions

log = logging.getLogger(__name__)


class EvaluationCrashed(WorkCrashed):
    """Of an evaluation."""


def run_evaluation(job_id: int) -> bool:
    """Whether this call stored the run. Calling it again for a job that was begun does nothing.

    Raises EvaluationCrashed for what is a bug, after the job was told as failed.
    """
    job = begin_evaluation(job_id)
    if job is None:
        return False

    def crashed(why: str) -> None:
        fail_evaluation(job, "crashed", why)

    unforeseen = Unforeseen(crashed, f"job {job.pk}", EvaluationCrashed)
    with TemporaryDirectory() as folder, unforeseen, life_shown(lambda: show_life(job)):
        try:
            _evaluate(job, Path(folder))
        except Cancelled:
            log.info("evaluation job %s was cancelled", job.pk)
            return False
        except NotAllowed:
            fail_evaluation(
                job, "not_allowed", "Who asked for it has no longer the right to run evaluations."
            )
            return False
        except FileNotFoundError:
            fail_evaluation(
                job,
                "file_gone",
                "The file of predictions is no longer there. Send it again, or ask the operator whether "
                "EVALUATION_DIR is shared between the web server and the workers.",
            )
            return False
        except CandidateFailed as error:
            fail_evaluation(job, error.code, str(error))
            return False
        except SoftTimeLimitExceeded:
            fail_evaluation(
                job,
                "too_slow",
                f"It took longer than {settings.EVALUATION_SECONDS} s. "
                "The operator evaluates large sets with manage.py evaluate.",
            )
            return False
    return True


def _evaluate(job: EvaluationJob, folder: Path) -> None:
    note_step(job, "Writing the gold set's labels", 5)
    gold_file = folder / "gold.jsonl"
    with gold_file.open("wb") as out:
        write_gold(out, job.gold_set, with_text=False)
    note_step(job, "Collecting the predictions", 15)
    predicted_file = folder / "predictions.jsonl"
    told = {"bands": _BANDS[Band(job.least_band)], **_write_predictions(job, predicted_file)}
    note_step(job, "Reading both", 30)
    # No processes of its own: a worker's process may start none.
    gold = read_gold(gold_file, Lines("gold set"), processes=1)
    predictions = read_predictions(gold, predicted_file, Lines("predictions"), processes=1)
    if job.gold_set.purpose == GoldSetPurpose.CALIBRATION:
        note_step(job, "Fitting the confidences", 60)
        found = fitted(gold, predictions)
        finish_evaluation(job, lambda: keep_curve(job, found, predicted_file))
        return
    note_step(job, "Reckoning the figures", 50)
    places = places_of_latest()
    options = Options(
        domains=domain_codes(job.domains)[0] if job.domains else {},
        places=places.of,
        titles=places.titles,
        release=places.release,
    )
    figures = evaluate_packed(gold, predictions, by_own_release(options, gold.day))
    note_step(job, "Drawing and storing", 75)
    evaluated = Evaluated(gold_file, predicted_file, figures, job.gold_set, told)
    finish_evaluation(job, lambda: store(evaluated, job.created_by))


_BANDS = {Band.LOW: "all", Band.MEDIUM: "high and medium", Band.HIGH: "high"}


def _write_predictions(job: EvaluationJob, path: Path) -> dict[str, str]:
    """What is kept with the run of where they are from."""
    if job.model_version is not None:
        found = engine_of_version(job.model_version)
        with path.open("wb") as out:
            out.writelines(asked_lines(job, found.engine))
        return {"answered_by": found.by}
    if job.engine and job.asked:
        with path.open("wb") as out:
            out.writelines(asked_lines(job, engine_by_name(job.engine)))
        return {"answered_by": job.engine}
    if job.engine:
        with path.open("wb") as out:
            out.writelines(_counting(job, engine_lines(job.gold_set, job.engine)))
        return {}
    with (Path(settings.EVALUATION_DIR) / job.predictions_path).open("rb") as kept, path.open("wb") as out:
        out.writelines(_counting(job, kept))
    return {}


def _counting(job: EvaluationJob, lines: Iterable[bytes]) -> Iterable[bytes]:
    if job.least_band == Band.LOW:
        return lines
    return from_band(lines, job.least_band, high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)
