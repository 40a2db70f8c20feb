"""Ask for a dataset, first to look at what it would have, then to build it; and take that back."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.actions.asked_twice import still_open
from coding_review.actions.build_dataset import check_name
from coding_review.actions.work_steps import cancel
from coding_review.auth import require
from coding_review.choices import GoldSetPurpose
from coding_review.dataset_asked import AskedDataset, as_json
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.models import DatasetBuild, GoldSet
from coding_review.rules.permissions import BUILD_DATASET
from coding_review.tasks import make_dataset
from modelops.choices import WORK_OPEN, SynthesisKind, WorkStatus
from modelops.datasets.build import UNLABELLED
from modelops.engines.llm.code_prompts import CODE_PROMPTS
from modelops.jobs import base_roots
from modelops.models import SynthesisRun
from modelops.training.base import found_below

MOST_PACK = 131_072


@transaction.atomic
def queue_dataset(actor: Any, name: str, asked: AskedDataset, *, only_looks: bool) -> DatasetBuild:
    """`only_looks`: counts what it would have, and builds nothing. Asked twice while it is open, it is one build.

    Raises NotAllowed, InvalidDecision (data: field).
    """
    require(actor, BUILD_DATASET)
    check_name(name)
    _check(asked)
    wanted = {"name": name, "asked": as_json(asked), "only_looks": only_looks}
    before = still_open(DatasetBuild, actor, WORK_OPEN, **wanted)
    if before is not None:
        return before
    build = DatasetBuild.objects.create(**wanted, created_by=actor)
    audit.record(
        "dataset.asked",
        actor=actor,
        data={
            "build_id": build.pk,
            "name": name,
            "only_looks": only_looks,
            "signed_off": asked.signed_off,
            "gold_sets": list(asked.gold_sets),
            "runs": list(asked.runs),
            "left_out": len(asked.leave_out),
        },
    )
    make_dataset.delay_on_commit(build.pk)
    return build


def cancel_dataset(actor: Any, build_id: int) -> DatasetBuild:
    """Raises NotAllowed, WrongStatus."""
    require(actor, BUILD_DATASET)
    build = cancel(actor, DatasetBuild, build_id)
    if build is None:
        raise NotAllowed("There is no such build for you.")
    return build


def _check(asked: AskedDataset) -> None:
    """What is known before anything is read."""
    options, chosen = asked.options, asked.chosen
    if not (asked.signed_off or asked.gold_sets or asked.runs):
        raise InvalidDecision("Choose what it is built from.", field="signed_off")
    if chosen.since and chosen.until and chosen.until < chosen.since:
        raise InvalidDecision("The last day is before the first.", field="until")
    training = GoldSet.objects.filter(pk__in=asked.gold_sets, purpose=GoldSetPurpose.TRAIN)
    if training.count() != len(set(asked.gold_sets)):
        raise InvalidDecision("Only sets that were frozen for training are learned from.", field="gold_sets")
    done = SynthesisRun.objects.filter(pk__in=asked.runs, status=WorkStatus.DONE, kind=SynthesisKind.ICD10CM)
    if done.count() != len(set(asked.runs)):
        raise InvalidDecision("Only runs about diagnoses that ended well are learned from.", field="runs")
    if asked.folder not in found_below(base_roots()):
        raise InvalidDecision("There is no such base.", field="tokenizer")
    if options.prompt not in CODE_PROMPTS:
        raise InvalidDecision("There is no such prompt.", field="prompt")
    if not 1 <= options.pack_tokens <= MOST_PACK:
        raise InvalidDecision(f"From 1 to {MOST_PACK:,} tokens.", field="pack_tokens")
    if not 0 <= options.augment <= 1:
        raise InvalidDecision("From 0 to 100 %.", field="augment")
    if options.unlabelled not in UNLABELLED:
        raise InvalidDecision("Choose what becomes of undecided codes.", field="unlabelled")
