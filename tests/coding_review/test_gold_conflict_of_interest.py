"""Who signed an encounter, or decided on it, does not read it for a study: not as the next chart, not by address;
nor does anybody adjudicate what they coded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Release
from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.gold_adjudication import finish_adjudication, rule_on_code, start_adjudication
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import finish_gold_reading, judge_label
from coding_review.actions.gold_project import add_gold_reader, close_gold_reading, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.errors import InvalidProtocol, NotAllowed, NothingToDo, NotYours
from coding_review.gold.queries import (
    chart_to_adjudicate,
    items_to_adjudicate,
    my_progress,
    reader_of,
    visible_readings,
)
from coding_review.models import (
    Adjudication,
    AuditEvent,
    CodeEntry,
    CodeSet,
    Decision,
    GoldChart,
    GoldJudgement,
    GoldReading,
    GoldRuling,
    WorkGroup,
)
from tests.coding_review.gold_rows import (
    ONCE,
    Study,
    charts_with_labels,
    draft,
    label_of,
    open_study,
    read_chart,
)
from tests.personas import MakeEncounter, person


@pytest.fixture
def study(
    icd10cm: Release, lead: User, coder: User, other_coder: User, make_encounter: MakeEncounter
) -> Study:
    """Two charts, each read once, by whoever comes first."""
    return open_study(
        lead, make_encounter, [(coder, "coder"), (other_coder, "coder")], protocol=ONCE, count=2
    )


def decide(user: User, chart: GoldChart) -> None:
    """By the real actions of coding: claimed, one code accepted."""
    code_set = chart.code_set
    claim(user, code_set.encounter_id)
    entry = CodeEntry.objects.filter(reading__code_set=code_set).earliest("rank")
    accept(user, code_set.pk, entry.pk, poa="Y")
    assert Decision.objects.filter(actor=user, reading__code_set=code_set).exists()


def sign(user: User, chart: GoldChart) -> None:
    CodeSet.objects.filter(pk=chart.code_set_id).update(
        status="signed", signed_by=user, signed_at=timezone.now(), sha256="0" * 64
    )


@pytest.mark.parametrize("coded", [decide, sign])
def test_who_coded_an_encounter_gets_another_chart_and_others_get_that_one(
    study: Study, coder: User, other_coder: User, coded: Any
) -> None:
    first, second = study.charts
    coded(coder, first)
    assert read_chart(coder, study.project, {}).chart_id == second.pk
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    assert not GoldReading.objects.filter(reader__user=coder, chart=first).exists()
    reader = reader_of(coder, study.project)
    assert reader is not None
    assert my_progress(reader).wanted == 1
    assert read_chart(other_coder, study.project, {}).chart_id == first.pk


@pytest.mark.parametrize("coded", [decide, sign])
def test_a_reading_begun_before_is_closed_to_who_coded_since(
    study: Study, coder: User, other_coder: User, coded: Any, client: Client
) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    coded(coder, reading.chart)
    client.force_login(coder)
    events = AuditEvent.objects.count()
    page = client.get(reverse("web:gold-reading", args=[reading.pk]))
    assert page.status_code == 403
    assert "You coded this encounter yourself" in page.content.decode()
    assert "title of I50.23" not in page.content.decode()
    judged = client.post(
        reverse("web:gold-judge", args=[reading.pk, label.pk]), {"action": "approve", "version": "0"}
    )
    assert judged.status_code == 403
    for act in (
        lambda: judge_label(coder, reading.pk, label.pk, verdict="approve"),
        lambda: finish_gold_reading(coder, reading.pk),
    ):
        with pytest.raises(NotAllowed, match="coded this encounter"):
            act()
    assert not GoldJudgement.objects.exists()
    assert AuditEvent.objects.count() == events
    # Asking for the next chart gives the place back, and another chart.
    assert next_gold_chart(coder, study.project.pk).chart_id == study.charts[1].pk
    reading.refresh_from_db()
    assert reading.status == "lapsed"
    assert next_gold_chart(other_coder, study.project.pk).chart_id == reading.chart_id


def test_a_finished_reading_stays_what_it_was(study: Study, coder: User, client: Client) -> None:
    reading = read_chart(coder, study.project, {})
    decide(coder, reading.chart)
    client.force_login(coder)
    assert client.get(reverse("web:gold-reading", args=[reading.pk])).status_code == 200
    reading.refresh_from_db()
    assert reading.status == "finished"


def test_a_project_whose_readers_coded_its_charts_does_not_open(
    icd10cm: Release, lead: User, coder: User, other_coder: User, make_encounter: MakeEncounter
) -> None:
    charts_with_labels(make_encounter, 1)
    project = draft(lead, replace(ONCE, readings_per_chart=2))
    (chart,) = sample_gold_charts(lead, project.pk, size=1)
    for user in (coder, other_coder):
        add_gold_reader(lead, project.pk, user_id=user.pk, profession="coder")
    decide(coder, chart)
    with pytest.raises(InvalidProtocol, match="1 chart has too few readers"):
        open_gold_project(lead, project.pk)
    project.refresh_from_db()
    assert project.status == "draft"


def test_a_qualification_chart_that_the_reader_signed_is_neither_offered_nor_waited_for(
    icd10cm: Release, lead: User, coder: User, other_coder: User, make_encounter: MakeEncounter
) -> None:
    charts_with_labels(make_encounter, 3)
    project = draft(lead, replace(ONCE, qualification_threshold=0.5))
    add_gold_reader(lead, project.pk, user_id=coder.pk, profession="coder")
    charts = sample_gold_charts(lead, project.pk, size=3)
    for chart, signer in ((charts[0], coder), (charts[1], other_coder)):
        sign(signer, chart)
        GoldChart.objects.filter(pk=chart.pk).update(purpose="qualification", key=["icd10cm:I50.23"])
    open_gold_project(lead, project.pk)
    assert read_chart(coder, project, {}).chart_id == charts[1].pk
    reader = reader_of(coder, project)
    assert reader is not None
    assert reader.qualified_at is not None
    assert read_chart(coder, project, {}).chart_id == charts[2].pk


@pytest.fixture
def closed(icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter) -> Study:
    """Two charts, each read by a coder and an expert who differ on the kidney disease; reading has ended."""
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")], count=2)
    for _ in study.charts:
        read_chart(coder, study.project, {"N18.32": "reject"})
        read_chart(expert, study.project, {})
    close_gold_reading(lead, study.project.pk)
    study.project.refresh_from_db()
    return study


def test_who_coded_an_encounter_does_not_adjudicate_it(
    closed: Study, adjudicator: User, work_group: WorkGroup, client: Client
) -> None:
    first, second = closed.charts
    sign(adjudicator, first)
    assert chart_to_adjudicate(adjudicator, first.pk) is None
    assert set(visible_readings(adjudicator).values_list("chart", flat=True)) == {second.pk}
    client.force_login(adjudicator)
    events = AuditEvent.objects.count()
    with pytest.raises(NotAllowed):
        start_adjudication(adjudicator, first.pk)
    page = client.get(reverse("web:gold-adjudication", args=[closed.project.pk, first.pk]))
    assert page.status_code == 404
    assert not Adjudication.objects.exists()
    assert AuditEvent.objects.count() == events
    # The next chart is the other one, then none: somebody else has to rule on the first.
    ask = reverse("web:gold-adjudicate-next", args=[closed.project.pk])
    there = reverse("web:gold-adjudication", args=[closed.project.pk, second.pk])
    assert client.post(ask)["Location"] == there
    _rule_all(adjudicator, second)
    answer = client.post(ask, follow=True)
    assert "No chart waits for you" in answer.content.decode()
    other = person("second_adjudicator", "adjudicator", work_group)
    assert start_adjudication(other, first.pk).adjudicator_id == other.pk


def test_an_adjudication_of_who_coded_since_is_gone_on_with_by_another(
    closed: Study, adjudicator: User, work_group: WorkGroup, client: Client
) -> None:
    first, second = closed.charts
    other = person("second_adjudicator", "adjudicator", work_group)
    begun = start_adjudication(adjudicator, first.pk)
    ruled = rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="keep")
    with pytest.raises(NotYours):
        start_adjudication(other, first.pk)
    sign(adjudicator, first)
    for act in (
        lambda: rule_on_code(adjudicator, begun.pk, code="N18.32", ruling="out"),
        lambda: finish_adjudication(adjudicator, begun.pk),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert list(GoldRuling.objects.values_list("pk", flat=True)) == [ruled.pk]
    _rule_all(other, second)
    client.force_login(other)
    asked = client.post(reverse("web:gold-adjudicate-next", args=[closed.project.pk]))
    assert asked["Location"] == reverse("web:gold-adjudication", args=[closed.project.pk, first.pk])
    begun.refresh_from_db()
    assert begun.adjudicator_id == other.pk
    event = AuditEvent.objects.latest("pk")
    assert (event.type, event.actor_id, event.data["again"]) == (
        "gold.adjudication_started",
        other.pk,
        True,
    )
    _rule_all(other, first)
    begun.refresh_from_db()
    assert begun.status == "finished"


def _rule_all(user: User, chart: GoldChart) -> None:
    begun = start_adjudication(user, chart.pk)
    for item in items_to_adjudicate(chart):
        if item.needs_ruling and not item.status:
            rule_on_code(user, begun.pk, code=item.code, ruling="out")
    finish_adjudication(user, begun.pk)
