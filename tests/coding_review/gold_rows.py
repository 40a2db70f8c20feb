"""A small gold study for tests, made by the product's own actions: charts with labels, two readers, an adjudicator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.add_code import Selection
from coding_review.actions.gold_adjudication import finish_adjudication, rule_on_code, start_adjudication
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import add_gold_code, finish_gold_reading, judge_label
from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    close_gold_reading,
    create_gold_project,
    open_gold_project,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.gold.queries import chart_to_adjudicate, charts_to_adjudicate, items_to_adjudicate
from coding_review.models import GoldChart, GoldLabel, GoldProject, GoldReading
from coding_review.rules.gold_presets import Protocol
from tests.coding_review.entries import CKD, DM, HF, suggest
from tests.personas import MakeEncounter

TWICE = Protocol(readings_per_chart=2, repeat_share=0.0)
ONCE = Protocol(readings_per_chart=1, repeat_share=0.0, mixed_readers=False)
# Line 2 of tests.personas.NOTE.
DYSPNEA = ("R06.02", 2)


@dataclass(frozen=True, slots=True)
class Study:
    project: GoldProject
    charts: list[GoldChart]


def draft(lead: User, protocol: Protocol, name: str = "Frailty 2026", **values: Any) -> GoldProject:
    codebook = add_codebook_version(lead, name=f"Codebook of {name}", text="Approve what the note supports.")
    return create_gold_project(lead, name=name, protocol=protocol, codebook_id=codebook.pk, seed=7, **values)


def charts_with_labels(make_encounter: MakeEncounter, count: int, **values: Any) -> None:
    """Encounters with a finished run each: heart failure, diabetes, kidney disease, in this order."""
    for _ in range(count):
        encounter = make_encounter(**{"synthetic": True, **values})
        suggest(encounter.code_sets.get(), HF, DM, CKD)


def open_study(
    lead: User,
    make_encounter: MakeEncounter,
    readers: Iterable[tuple[User, str]],
    *,
    protocol: Protocol = TWICE,
    count: int = 1,
    **values: Any,
) -> Study:
    charts_with_labels(make_encounter, count, **values)
    project = draft(lead, protocol)
    for user, profession in readers:
        add_gold_reader(lead, project.pk, user_id=user.pk, profession=profession)
    charts = sample_gold_charts(lead, project.pk, size=count)
    return Study(open_gold_project(lead, project.pk), charts)


def label_of(reading: GoldReading, code: str) -> GoldLabel:
    return GoldLabel.objects.get(chart=reading.chart, code=code)


def lines(reading: GoldReading, first: int, last: int | None = None) -> tuple[Selection, ...]:
    version = reading.chart.documents.get()
    return (Selection(version.pk, first, last or first),)


def read_chart(
    user: User,
    project: GoldProject,
    verdicts: dict[str, str],
    additions: Iterable[tuple[str, int]] = (),
) -> GoldReading:
    """The next chart, with these verdicts on its labels ("approve" unless given) and these codes by line, finished."""
    reading = next_gold_chart(user, project.pk)
    for label in GoldLabel.objects.filter(chart=reading.chart):
        verdict = verdicts.get(label.code, "approve")
        reason = "not_documented" if verdict == "reject" else ""
        judge_label(user, reading.pk, label.pk, verdict=verdict, reason=reason)
    for code, line in additions:
        add_gold_code(user, reading.pk, code=code, selections=lines(reading, line))
    return finish_gold_reading(user, reading.pk)


def adjudicate_all(
    user: User, project: GoldProject, ruling: Callable[[str], str] = lambda code: "keep"
) -> None:
    for chart in charts_to_adjudicate(project):
        begun = start_adjudication(user, chart.pk)
        for item in items_to_adjudicate(chart):
            if item.needs_ruling:
                rule_on_code(user, begun.pk, code=item.code, ruling=ruling(item.code))
        finish_adjudication(user, begun.pk)


def adjudicated(
    lead: User, coder: User, expert: User, adjudicator: User, make_encounter: MakeEncounter, **values: Any
) -> Study:
    """One chart read by both and adjudicated. The readers differ on the kidney disease, which is ruled out; the
    expert alone adds dyspnea, which is kept; both reject nothing else."""
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")], **values)
    read_chart(coder, study.project, {"N18.32": "reject"})
    read_chart(expert, study.project, {}, [DYSPNEA])
    close_gold_reading(lead, study.project.pk)
    adjudicate_all(adjudicator, study.project, lambda code: "out" if code == "N18.32" else "keep")
    study.project.refresh_from_db()
    assert chart_to_adjudicate(adjudicator, study.charts[0].pk) is not None
    return study


def blind(protocol: Protocol = TWICE) -> Protocol:
    return replace(protocol, mode="blind", label_source="none")
