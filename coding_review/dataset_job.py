"""What a worker does with a dataset that was asked for: looks or builds, and says plainly what stood against it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from coding_review.actions.build_dataset import build_dataset, look_at_dataset
from coding_review.actions.work_steps import Cancelled, begin, end, go_on, show_life
from coding_review.at_work import Unforeseen, life_shown
from coding_review.dataset_asked import from_json
from coding_review.errors import Altered, DatasetRefused, InvalidDecision, NotAllowed
from coding_review.models import DatasetBuild
from modelops.choices import WorkStatus
from modelops.datasets.build import STEPS
from modelops.datasets.leaks import Leak

log = logging.getLogger(__name__)


def run_build(build_id: int) -> bool:
    """Whether this call did what was asked. Calling it again for a build that was begun does nothing.

    Raises WorkCrashed for what is a bug, after the build was told as failed.
    """
    build = begin(DatasetBuild, build_id)
    if build is None:
        return False

    def failed(code: str, why: str, **found: Any) -> bool:
        end(build, WorkStatus.FAILED, error_code=code, error=why, found=found, step="")
        return False

    with (
        Unforeseen(lambda why: failed("crashed", why), f"build {build.pk}"),
        life_shown(lambda: show_life(build)),
    ):
        try:
            fields = _made(build)
        except Cancelled:
            log.info("build %s was cancelled", build.pk)
            end(build, WorkStatus.CANCELLED, step="")
            return False
        except DatasetRefused as error:
            leaks: Sequence[Leak] = error.data.get("leaks", ())
            if leaks:
                return failed("dataset_leaks", _told(leaks), leaks=_counted(leaks))
            return failed(error.code, error.message)
        except NotAllowed:
            return failed("not_allowed", "Who asked for it has no longer the right to build datasets.")
        except (InvalidDecision, Altered) as error:
            return failed(error.code, error.message)
        except OSError as error:
            return failed(
                "cannot_be_written",
                f"The files could not be written below DATASETS_DIR: {(error.strerror or 'no word why').lower()}.",
            )
        except SoftTimeLimitExceeded:
            return failed(
                "too_slow",
                f"It took longer than {settings.DATASET_SECONDS} s. The operator builds larger datasets with "
                "manage.py build_dataset.",
            )
        return end(build, WorkStatus.DONE, step="", percent=100, **fields)


def _made(build: DatasetBuild) -> dict[str, Any]:
    """What of the row changes with the end."""
    asked = from_json(build.asked)

    def at(step: str) -> None:
        go_on(build, step=step, percent=round(100 * STEPS.index(step) / len(STEPS)))

    if build.only_looks:
        found = look_at_dataset(
            build.created_by,
            build.name,
            asked.sources(),
            tokenizer=asked.folder,
            options=asked.options,
            at=at,
        )
        return {"found": found}
    version, new = build_dataset(
        build.created_by, build.name, asked.sources(), tokenizer=asked.folder, options=asked.options, at=at
    )
    return {"dataset": version, "found": {"new": new}}


def _counted(leaks: Sequence[Leak]) -> dict[str, Any]:
    """Ids alone. `sets`: examples by the gold set that they are in."""
    return {
        "examples": sorted({leak.example for leak in leaks}),
        "sets": _by_set(leaks),
        "how": dict(Counter(leak.how for leak in leaks).most_common()),
    }


def _by_set(leaks: Sequence[Leak]) -> dict[str, int]:
    return dict(Counter(name for name, _ in {(leak.set_name, leak.example) for leak in leaks}).most_common())


def _told(leaks: Sequence[Leak]) -> str:
    number = len({leak.example for leak in leaks})
    sets = ", ".join(f"{name} ({count})" for name, count in _by_set(leaks).items())
    return (
        f"{number} {'chart is' if number == 1 else 'charts are'} in gold sets that models are measured on: {sets}. "
        "Nothing was built."
    )
