"""What a worker does with one run of synthetic charts: draw, write, label, look, store, a batch at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from coding_review.actions.work_steps import Cancelled, begin, end, go_on, show_life
from coding_review.at_work import Unforeseen, life_shown
from coding_review.auth import RoleBackend
from coding_review.rules.permissions import WRITE_CHARTS
from modelops.choices import SynthesisWriter, WorkStatus
from modelops.errors import ModelopsError
from modelops.models import SynthesisRun
from modelops.synthesis.diagnostics import Diagnostics
from modelops.synthesis.drawing import NothingFits
from modelops.synthesis.sources import asked_of, drafts_of
from modelops.synthesis.store import batches
from modelops.synthesis.types import SyntheticDraft

log = logging.getLogger(__name__)

# How many charts are stored at once: a model takes long over each.
_AT_ONCE = {SynthesisWriter.EMBEDDED: 100, SynthesisWriter.LLM: 1}
# So many notes in a row that a server did not write end the run.
_PATIENCE = 3


class WriterSilent(ModelopsError):
    """The writer gave nothing several times in a row."""

    code = "writer_silent"


def run_synthesis(run_id: int) -> bool:
    """Whether this call made the charts. Calling it again for a run that was begun does nothing.

    Raises WorkCrashed for what is a bug, after the run was told as failed.
    """
    run = begin(SynthesisRun, run_id)
    if run is None:
        return False
    diagnostics = Diagnostics()

    def ended(status: str, error_code: str = "", error: str = "") -> bool:
        return end(run, status, error_code=error_code, error=error, counts=diagnostics.rows())

    def failed(code: str, why: str) -> bool:
        ended(WorkStatus.FAILED, code, why)
        return False

    with Unforeseen(lambda why: failed("crashed", why), f"run {run.pk}"), life_shown(lambda: show_life(run)):
        try:
            if not RoleBackend().has_perm(run.created_by, WRITE_CHARTS):
                return failed("not_allowed", "Who asked for it has no longer the right to write charts.")
            _write(run, diagnostics)
        except Cancelled:
            log.info("run %s was cancelled", run.pk)
            ended(WorkStatus.CANCELLED)
            return False
        except NothingFits as error:
            return failed("nothing_fits", f"No chart can be drawn: {error}.")
        except NoRelease as error:
            return failed("no_release", str(error))
        except ModelopsError as error:
            return failed(error.code, str(error))
        except SoftTimeLimitExceeded:
            return failed(
                "too_slow",
                f"It took longer than {settings.SYNTHESIS_SECONDS} s. The charts written so far are kept; "
                "the operator makes larger runs with manage.py synthesize.",
            )
        return ended(WorkStatus.DONE)


def _write(run: SynthesisRun, diagnostics: Diagnostics) -> None:
    """Raises Cancelled, and what the making raises."""
    drafts = drafts_of(asked_of(run), latest_release(CodeSystem.ICD10CM))
    if run.writer == SynthesisWriter.LLM:
        drafts = _impatient(drafts)
    for _ in batches(run, drafts, diagnostics, at_once=_AT_ONCE[SynthesisWriter(run.writer)]):
        go_on(run)


def _impatient(drafts: Iterator[SyntheticDraft]) -> Iterator[SyntheticDraft]:
    """Raises WriterSilent."""
    silent = 0
    for draft in drafts:
        silent = silent + 1 if draft.discarded.startswith("not_written") else 0
        yield draft
        if silent >= _PATIENCE:
            why = draft.discarded.partition(": ")[2]
            raise WriterSilent(
                f"The language model's server wrote none of {_PATIENCE} notes in a row"
                f" ({why.replace('_', ' ')}). See whether a server of LLM_BASE_URLS answers, then start again."
            )
