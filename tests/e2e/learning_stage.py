"""What the screenshots of the learning loop show: a run of written charts, a training at work, a candidate beside what
serves, and weeks of decisions on the suggestions of two versions. The run and the comparison are real; the training's
curves and the decisions of past weeks are rows made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.utils import timezone

from coding_review.actions.queue_synthesis import queue_synthesis
from coding_review.models import CodeEntry, Encounter
from coding_review.synthesis_job import run_synthesis
from modelops.models import ModelVersion, SynthesisRun, TrainingJob
from modelops.synthesis.seeded import seeded
from modelops.synthesis.sources import Asked
from tests.coding_review.decision_rows import make_decision
from tests.coding_review.learning_rows import dataset_version, training_job
from tests.coding_review.promotion_rows import gold_set, run_of, version

_WEEKS, _OF_A_WEEK = 9, 60
_STATES = {"accept": "accepted", "modify": "modified", "reject": "rejected"}
_CODES = ("I50.22", "N18.31", "E11.22", "J18.9", "R54", "Z59.02", "Z60.2", "L89.152")
_REASONS = ("not_documented", "historical", "not_specific", "negated")


@dataclass(frozen=True, slots=True)
class LearningStage:
    run: SynthesisRun
    job: TrainingJob
    candidate: ModelVersion


def set_learning_stage(people: Mapping[str, User], folder: Path) -> LearningStage:
    admin, lead = people["admin"], people["lead"]
    run = queue_synthesis(admin, "frailty-clinic", Asked(seed=21, count=400, domain="frailty"))
    assert run_synthesis(run.pk)
    run.refresh_from_db()
    dataset = dataset_version(user=admin)
    job = training_job(steps=656, of=912, user=admin, dataset=dataset)
    serving = version("31", by=lead, active=True)
    candidate = version("32", by=lead)
    for number, (name, right) in enumerate((("Frailty study", (14, 16)), ("Advanced illness", (15, 16))), 1):
        gold = gold_set(name, number=number)
        for model, met in zip((serving, candidate), right, strict=True):
            run_of(folder, model, gold, right=met, unsupported=20 - met, domain_f1=0.6 + met / 100)
    _decided(Encounter.objects.get(source_id__startswith="demo-11"), people["coder"])
    return LearningStage(run, job, candidate)


def _decided(encounter: Encounter, coder: User) -> None:
    """The newer version begins in the fifth week; in the last one fewer of its suggestions are accepted."""
    today = timezone.now().replace(hour=9, minute=0)
    for week in range(_WEEKS):
        day = today - timedelta(weeks=_WEEKS - 1 - week)
        model = "coder 31" if week > 3 else "coder 30"
        accepted = 0.72 if week == _WEEKS - 1 else 0.84 + 0.01 * (week % 3)
        for number in range(_OF_A_WEEK):
            _one(encounter, coder, day - timedelta(minutes=number), model, accepted, f"{week}/{number}")


def _one(encounter: Encounter, coder: User, at: datetime, model: str, accepted: float, key: str) -> None:
    random = seeded("drift", key)
    sure = random.choice((0.62, 0.71, 0.83, 0.9, 0.94, 0.97))
    action = "accept" if random.random() < accepted else random.choice(("modify", "reject", "reject"))
    code = random.choice(_CODES)
    reason = "" if action == "accept" else random.choice(_REASONS)
    decision = make_decision(
        encounter,
        coder,
        at,
        action=action,
        before=code,
        after=code,
        reason=reason,
        confidence_shown=sure,
        engine="vllm",
        model_version=model,
    )
    CodeEntry.objects.filter(pk=decision.entry_id).update(state=_STATES[action])
