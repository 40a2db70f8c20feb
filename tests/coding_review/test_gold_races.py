"""Two people at once on one gold project: no place is given twice, nothing deadlocks, nothing slips past the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_freeze import freeze_gold_set, withdraw_gold_chart
from coding_review.actions.gold_judging import finish_gold_reading, judge_label
from coding_review.actions.gold_project import add_gold_reader, close_gold_reading, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.models import GoldJudgement, GoldReading, GoldSet
from tests.coding_review.gold_rows import ONCE, adjudicated, charts_with_labels, draft, open_study, read_chart
from tests.coding_review.test_races import at_once, log_is_whole

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("charts", "outcome"), [(1, {"done": 1, "nothing_waiting": 1}), (2, {"done": 2})])
def test_two_readers_who_ask_at_once_never_get_one_place(
    icd10cm: Any,
    lead: Any,
    coder: Any,
    other_coder: Any,
    make_encounter: Any,
    charts: int,
    outcome: dict[str, int],
) -> None:
    readers = [(coder, "coder"), (other_coder, "coder")]
    study = open_study(lead, make_encounter, readers, protocol=ONCE, count=charts)
    pk = study.project.pk
    found = at_once(lambda: next_gold_chart(coder, pk), lambda: next_gold_chart(other_coder, pk))
    assert Counter(found) == outcome
    assert GoldReading.objects.count() == GoldReading.objects.values("chart").distinct().count() == charts
    assert log_is_whole()


def test_one_reader_who_asks_twice_has_one_reading(
    icd10cm: Any, lead: Any, coder: Any, make_encounter: Any
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=ONCE, count=2)
    pk = study.project.pk
    assert at_once(*[lambda: next_gold_chart(coder, pk)] * 2) == ["done", "done"]
    assert GoldReading.objects.count() == 1


def test_both_readers_of_one_chart_get_it_at_once(
    icd10cm: Any, lead: Any, coder: Any, expert: Any, make_encounter: Any
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    pk = study.project.pk
    assert at_once(lambda: next_gold_chart(coder, pk), lambda: next_gold_chart(expert, pk)) == [
        "done",
        "done",
    ]
    assert GoldReading.objects.count() == 2


def test_a_double_click_is_one_judgement(icd10cm: Any, lead: Any, coder: Any, make_encounter: Any) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=ONCE)
    reading = next_gold_chart(coder, study.project.pk)
    label = study.charts[0].labels.get(code="I50.23")

    def click() -> None:
        judge_label(coder, reading.pk, label.pk, verdict="approve")

    assert at_once(click, click) == ["done", "done"]
    assert GoldJudgement.objects.count() == 1
    assert log_is_whole()


def test_nothing_is_judged_once_its_chart_is_withdrawn(
    icd10cm: Any, lead: Any, coder: Any, make_encounter: Any
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=ONCE)
    reading = next_gold_chart(coder, study.project.pk)
    label = study.charts[0].labels.get(code="I50.23")
    found = at_once(
        lambda: judge_label(coder, reading.pk, label.pk, verdict="approve"),
        lambda: withdraw_gold_chart(lead, study.charts[0].pk, reason="Consent withdrawn"),
    )
    assert found[1] == "done"
    assert GoldJudgement.objects.count() == (1 if found[0] == "done" else 0)
    assert found[0] in ("done", "not_yours")
    reading.refresh_from_db()
    assert reading.status == "lapsed"


def test_the_end_of_reading_waits_for_who_just_gets_a_chart(
    icd10cm: Any, lead: Any, coder: Any, other_coder: Any, make_encounter: Any
) -> None:
    """Whoever comes first: no reading stays open in a project in which reading has ended."""
    charts_with_labels(make_encounter, 1)
    project = draft(lead, ONCE)
    for user in (coder, other_coder):
        add_gold_reader(lead, project.pk, user_id=user.pk, profession="coder")
    sample_gold_charts(lead, project.pk, size=1)
    open_gold_project(lead, project.pk)
    read_chart(coder, project, {})
    found = at_once(
        lambda: next_gold_chart(other_coder, project.pk), lambda: close_gold_reading(lead, project.pk)
    )
    assert found[1] == "done"
    assert found[0] in ("nothing_waiting", "wrong_status")
    assert not GoldReading.objects.filter(status="open").exists()


def test_a_set_is_frozen_once(
    icd10cm: Any, lead: Any, coder: Any, expert: Any, adjudicator: Any, admin: Any, make_encounter: Any
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    pk = study.project.pk
    found = at_once(
        lambda: freeze_gold_set(adjudicator, pk, purpose="evaluation"),
        lambda: freeze_gold_set(admin, pk, purpose="train"),
    )
    assert Counter(found) == {"done": 1, "gold_frozen": 1}
    assert GoldSet.objects.count() == 1
    assert log_is_whole()


def test_finishing_and_asking_for_the_next_do_not_wait_for_each_other(
    icd10cm: Any, lead: Any, coder: Any, make_encounter: Any
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=ONCE, count=2)
    reading = next_gold_chart(coder, study.project.pk)
    for label in study.charts[0].labels.all():
        judge_label(coder, reading.pk, label.pk, verdict="approve")
    found = at_once(
        lambda: finish_gold_reading(coder, reading.pk), lambda: next_gold_chart(coder, study.project.pk)
    )
    assert found == ["done", "done"]
    reading.refresh_from_db()
    assert reading.status == "finished"
