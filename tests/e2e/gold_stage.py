"""What the screenshots of gold show: one study being read and one in adjudication. Actions only, as people would."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from coding_review.actions.gold_adjudication import start_adjudication
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import finish_gold_reading, judge_label
from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    close_gold_reading,
    create_gold_project,
    open_gold_project,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.gold.population import ChartFilters
from coding_review.gold.queries import labels_shown
from coding_review.models import Adjudication, GoldProject, GoldReading
from coding_review.rules.gold_presets import Protocol

# Encounters on which neither reader has decided.
CHARTS = ("demo-07-geriatric-frailty", "demo-08-advanced-illness")


@dataclass(frozen=True, slots=True)
class GoldStage:
    reading: GoldReading
    adjudication: Adjudication
    project: GoldProject


def set_gold_stage(people: dict[str, User]) -> GoldStage:
    """The expert is a third through a chart of the first study; of the second both readers are done."""
    lead, expert = people["lead"], people["expert"]
    running = _opened(people, "Frailty, July")
    reading = next_gold_chart(expert, running.pk)
    labels = labels_shown(reading)
    for number, label in enumerate(labels[: len(labels) // 3]):
        _judge(expert, reading, label.id, reject=number % 4 == 2)
    done = _opened(people, "Frailty, June")
    for user, every in ((people["coder2"], 5), (expert, 4)):
        for _ in CHARTS:
            mine = next_gold_chart(user, done.pk)
            for number, label in enumerate(labels_shown(mine)):
                _judge(user, mine, label.id, reject=number % every == 2)
            finish_gold_reading(user, mine.pk)
    close_gold_reading(lead, done.pk)
    chart = done.charts.earliest("position")
    return GoldStage(reading, start_adjudication(people["adjudicator"], chart.pk), done)


def _opened(people: dict[str, User], name: str) -> GoldProject:
    lead = people["lead"]
    codebook = add_codebook_version(
        lead, name=name, text="Approve what a provider of this encounter documents."
    )
    protocol = Protocol(readings_per_chart=2, repeat_share=0.0)
    project = create_gold_project(lead, name=name, protocol=protocol, codebook_id=codebook.pk, seed=6)
    for username, profession in (("coder2", "coder"), ("expert", "clinician")):
        add_gold_reader(lead, project.pk, user_id=people[username].pk, profession=profession)
    sample_gold_charts(lead, project.pk, size=len(CHARTS), filters=ChartFilters(source_ids=CHARTS))
    return open_gold_project(lead, project.pk)


def _judge(user: User, reading: GoldReading, label: int, *, reject: bool) -> None:
    verdict, reason = ("reject", "not_reportable") if reject else ("approve", "")
    judge_label(user, reading.pk, label, verdict=verdict, reason=reason)
