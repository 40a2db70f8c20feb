"""A small gold project for tests: two readers, charts drawn and opened by the real actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    create_gold_project,
    open_gold_project,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.models import GoldChart, GoldProject, GoldReader
from coding_review.rules.gold_presets import Protocol
from tests.coding_review.entries import CKD, DM, HF, suggest


@dataclass(frozen=True, slots=True)
class Study:
    """`first` reads as a coder, `second` as a clinician."""

    project: GoldProject
    first: GoldReader
    second: GoldReader
    charts: tuple[GoldChart, ...]


def draft(lead: User, *, name: str = "Heart failure, November", **protocol: Any) -> GoldProject:
    codebook = add_codebook_version(lead, name=f"{name}, codebook", text="Code what a provider documents.")
    values = {"readings_per_chart": 2, "repeat_share": 0.0} | protocol
    return create_gold_project(lead, name=name, protocol=Protocol(**values), codebook_id=codebook.pk, seed=11)


def study(
    make_encounter: Any,
    lead: User,
    coder: User,
    expert: User,
    *,
    charts: int = 1,
    **protocol: Any,
) -> Study:
    """Opened: each chart has the labels I50.23, E11.22 and N18.32."""
    project = draft(lead, **protocol)
    for _ in range(charts):
        code_set = make_encounter(synthetic=True).code_sets.get()
        suggest(code_set, HF, DM, CKD)
    first = add_gold_reader(lead, project.pk, user_id=coder.pk, profession="coder")
    second = add_gold_reader(lead, project.pk, user_id=expert.pk, profession="clinician")
    drawn = sample_gold_charts(lead, project.pk, size=charts)
    open_gold_project(lead, project.pk)
    project.refresh_from_db()
    return Study(project, first, second, tuple(drawn))
