"""Who signed an encounter, or decided on it, does not read it for a study: not as the next chart, not by address."""

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
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import finish_gold_reading, judge_label
from coding_review.actions.gold_project import add_gold_reader, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.errors import InvalidProtocol, NotAllowed, NothingToDo
from coding_review.gold.queries import my_progress, reader_of
from coding_review.models import (
    AuditEvent,
    CodeEntry,
    CodeSet,
    Decision,
    GoldChart,
    GoldJudgement,
    GoldReading,
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
from tests.personas import MakeEncounter


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
    assert my_progress(reader).charts == 1
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
