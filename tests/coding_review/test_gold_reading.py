"""Reading gold charts: who gets which chart, what a reader may do, and that nobody sees another's reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog.models import Release
from coding_review.actions.gold_adjudication import start_adjudication
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import (
    add_gold_code,
    finish_gold_reading,
    judge_label,
    withdraw_gold_addition,
)
from coding_review.actions.gold_project import add_gold_reader, close_gold_reading, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.errors import (
    InvalidCode,
    InvalidDecision,
    InvalidEvidence,
    NotAllowed,
    NothingToDo,
    NotYours,
    StalePage,
    WrongStatus,
)
from coding_review.gold.population import ChartFilters
from coding_review.gold.queries import (
    additions_shown,
    chart_to_adjudicate,
    labels_shown,
    may_see_figures,
    my_progress,
    overrulings_for,
    reader_of,
    reading_for,
    visible_readings,
)
from coding_review.models import (
    AuditEvent,
    CodeLine,
    CodeSet,
    GoldAddition,
    GoldJudgement,
    GoldReader,
    GoldReading,
    Membership,
    RoleAssignment,
)
from coding_review.rules.gold_presets import Protocol
from coding_review.web.history import event_rows
from tests.coding_review.entries import CKD, DM, HF, suggest
from tests.coding_review.gold_rows import (
    DYSPNEA,
    ONCE,
    TWICE,
    Study,
    blind,
    charts_with_labels,
    draft,
    label_of,
    lines,
    open_study,
    read_chart,
)
from tests.personas import MakeEncounter, person


@pytest.fixture
def study(icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter) -> Study:
    return open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")], count=2)


# --- Assignment ----------------------------------------------------------------------------------------------


def test_two_professions_read_each_chart_and_nobody_twice(study: Study, coder: User, expert: User) -> None:
    charts = [read_chart(coder, study.project, {}).chart_id for _ in study.charts]
    assert charts == [chart.pk for chart in study.charts]
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    assert [read_chart(expert, study.project, {}).chart_id for _ in study.charts] == charts
    assert GoldReading.objects.count() == 4


def test_a_second_coder_gets_no_place_kept_for_a_clinician(
    study: Study, coder: User, other_coder: User, lead: User
) -> None:

    add_gold_reader(lead, study.project.pk, user_id=other_coder.pk, profession="coder")
    first = next_gold_chart(coder, study.project.pk)
    assert next_gold_chart(other_coder, study.project.pk).chart_id == study.charts[1].pk
    assert first.chart_id == study.charts[0].pk


def test_asking_again_gives_the_open_reading_with_a_longer_lease(study: Study, coder: User) -> None:
    first = next_gold_chart(coder, study.project.pk)
    assert first.lease_until is not None
    again = next_gold_chart(coder, study.project.pk)
    assert again.pk == first.pk
    assert again.lease_until is not None
    assert again.lease_until > first.lease_until
    assert AuditEvent.objects.filter(type="gold.reading_started").count() == 1


def test_who_is_no_reader_gets_nothing(study: Study, other_coder: User, lead: User, admin: User) -> None:
    for user in (other_coder, lead, admin):
        with pytest.raises(NotAllowed):
            next_gold_chart(user, study.project.pk)
    assert not GoldReading.objects.exists()


def test_a_chart_beyond_the_readers_memberships_is_never_offered(
    icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(
        lead, make_encounter, [(coder, "coder"), (expert, "clinician")], confidentiality="very_restricted"
    )
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    assert not GoldReading.objects.exists()


def test_a_place_without_a_lease_goes_to_who_asks_and_the_first_may_not_go_on(
    icd10cm: Release, lead: User, coder: User, other_coder: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder"), (other_coder, "coder")], protocol=ONCE)
    first = next_gold_chart(coder, study.project.pk)
    with pytest.raises(NothingToDo):
        next_gold_chart(other_coder, study.project.pk)
    GoldReading.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    # Nobody needs the place: the reader goes on.
    judge_label(coder, first.pk, label_of(first, "I50.23").pk, verdict="approve")
    GoldReading.objects.filter(pk=first.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    assert next_gold_chart(other_coder, study.project.pk).chart_id == first.chart_id
    with pytest.raises(NotYours):
        judge_label(coder, first.pk, label_of(first, "E11.22").pk, verdict="approve")
    assert GoldJudgement.objects.count() == 1


def test_repeats_come_after_their_days_and_once(
    icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter
) -> None:
    protocol = replace(ONCE, repeat_share=1.0)
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=protocol)
    first = read_chart(coder, study.project, {})
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    early = timezone.now() - timedelta(days=13, hours=23)
    GoldReading.objects.filter(pk=first.pk).update(finished_at=early)
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    GoldReading.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(days=14))
    again = next_gold_chart(coder, study.project.pk)
    assert (again.kind, again.repeat_of_id, again.chart_id) == ("repeat", first.pk, first.chart_id)
    # What was said before is not shown.
    assert {label.verdict for label in labels_shown(again)} == {""}
    for label in labels_shown(again):
        judge_label(coder, again.pk, label.id, verdict="approve")
    reader = reader_of(coder, study.project)
    assert reader is not None
    before = my_progress(reader)
    finish_gold_reading(coder, again.pk)
    with pytest.raises(NothingToDo):
        next_gold_chart(coder, study.project.pk)
    charts = study.project.charts.count()
    # A repeat is a reading that was to come: never more of them than there are.
    assert (before.finished, before.wanted) == (charts, 2 * charts)
    assert my_progress(reader).finished == charts + 1


# --- Judging -------------------------------------------------------------------------------------------------


def test_the_latest_verdict_stands_and_earlier_ones_stay(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    judge_label(coder, reading.pk, label.pk, verdict="approve")
    judge_label(coder, reading.pk, label.pk, verdict="reject", reason="not_specific", comment="Type unclear")
    assert [(j.number, j.verdict) for j in reading.judgements.all()] == [(1, "approve"), (2, "reject")]
    shown = next(row for row in labels_shown(reading) if row.id == label.pk)
    assert (shown.verdict, shown.reason, shown.comment, shown.number) == (
        "reject",
        "not_specific",
        "Type unclear",
        2,
    )
    assert (shown.confidence, shown.band, shown.rationale, shown.others) == (None, "", "", ())
    event = AuditEvent.objects.filter(type="gold.judged").latest("pk")
    assert (event.data["verdict"], event.data["reason"], event.encounter) == ("reject", "not_specific", None)
    assert event.payload.body == {"comment": "Type unclear"}


def test_the_same_verdict_again_is_one_judgement(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    first = judge_label(coder, reading.pk, label.pk, verdict="approve")
    assert judge_label(coder, reading.pk, label.pk, verdict="approve").pk == first.pk
    assert GoldJudgement.objects.count() == 1


@pytest.mark.parametrize(
    ("verdict", "reason", "comment"),
    [("reject", "", ""), ("reject", "nonsense", ""), ("reject", "other", "  "), ("accept", "", "")],
)
def test_incomplete_judgements_are_refused(
    study: Study, coder: User, verdict: str, reason: str, comment: str
) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    with pytest.raises(InvalidDecision):
        judge_label(coder, reading.pk, label.pk, verdict=verdict, reason=reason, comment=comment)
    assert not GoldJudgement.objects.exists()


def test_a_page_that_is_behind_is_refused(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    judge_label(coder, reading.pk, label.pk, verdict="approve", seen_number=0)
    with pytest.raises(StalePage):
        judge_label(coder, reading.pk, label.pk, verdict="undecidable", seen_number=0)
    assert GoldJudgement.objects.get().verdict == "approve"


def test_nobody_judges_in_anothers_reading_or_a_label_of_another_chart(
    study: Study, coder: User, expert: User, lead: User
) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    label = label_of(reading, "I50.23")
    for user in (expert, lead):
        with pytest.raises(NotAllowed):
            judge_label(user, reading.pk, label.pk, verdict="approve")
    foreign = study.charts[1].labels.get(code="I50.23")
    with pytest.raises(InvalidDecision):
        judge_label(coder, reading.pk, foreign.pk, verdict="approve")
    assert not GoldJudgement.objects.exists()


def test_who_lost_the_membership_judges_no_more(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    Membership.objects.filter(user=coder).delete()
    again = User.objects.get(pk=coder.pk)
    with pytest.raises(NotAllowed):
        judge_label(again, reading.pk, label_of(reading, "I50.23").pk, verdict="approve")
    assert reading_for(again, reading.pk) is None
    assert not GoldJudgement.objects.exists()


# --- Additions -----------------------------------------------------------------------------------------------


def test_a_missed_code_is_added_with_evidence_and_taken_back(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    addition = add_gold_code(coder, reading.pk, code="r0602", selections=lines(reading, 2), comment="At rest")
    (shown,) = additions_shown(reading)
    assert (shown.code, shown.title, shown.comment) == ("R06.02", "Shortness of breath", "At rest")
    assert [(p.line_start, p.quote) for p in shown.evidence] == [(2, "Admitted with shortness of breath.")]
    with pytest.raises(InvalidDecision):
        add_gold_code(coder, reading.pk, code="R06.02", selections=lines(reading, 2))
    withdraw_gold_addition(coder, reading.pk, addition.pk)
    assert additions_shown(reading) == []
    # And once more: the earlier row stays withdrawn.
    add_gold_code(coder, reading.pk, code="R06.02", selections=lines(reading, 2))
    assert GoldAddition.objects.count() == 2


@pytest.mark.parametrize(
    ("code", "selected", "error"),
    [
        ("I50.23", True, InvalidDecision),
        ("R06", True, InvalidCode),
        ("Q99.XX", True, InvalidCode),
        ("R06.02", False, InvalidEvidence),
    ],
)
def test_additions_that_are_refused(
    study: Study, coder: User, code: str, selected: bool, error: type[Exception]
) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    with pytest.raises(error):
        add_gold_code(coder, reading.pk, code=code, selections=lines(reading, 2) if selected else ())
    assert not GoldAddition.objects.exists()


def test_approve_only_has_no_adding(
    icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=replace(ONCE, mode="approve_only"))
    reading = next_gold_chart(coder, study.project.pk)
    with pytest.raises(InvalidDecision):
        add_gold_code(coder, reading.pk, code="R06.02", selections=lines(reading, 2))
    assert not GoldAddition.objects.exists()


def test_blind_coding_shows_no_labels(
    icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter
) -> None:
    study = open_study(lead, make_encounter, [(coder, "coder")], protocol=blind(ONCE))
    reading = read_chart(coder, study.project, {}, [DYSPNEA])
    assert labels_shown(reading) == []
    assert [row.code for row in additions_shown(reading)] == ["R06.02"]


# --- Finishing -----------------------------------------------------------------------------------------------


def test_every_label_needs_a_verdict_and_a_finished_reading_stays(study: Study, coder: User) -> None:
    reading = next_gold_chart(coder, study.project.pk)
    judge_label(coder, reading.pk, label_of(reading, "I50.23").pk, verdict="approve")
    with pytest.raises(InvalidDecision) as refused:
        finish_gold_reading(coder, reading.pk)
    assert refused.value.data == {"left": 2}
    for code in ("E11.22", "N18.32"):
        judge_label(coder, reading.pk, label_of(reading, code).pk, verdict="approve")
    assert finish_gold_reading(coder, reading.pk).status == "finished"
    with pytest.raises(WrongStatus):
        judge_label(coder, reading.pk, label_of(reading, "I50.23").pk, verdict="undecidable")
    assert GoldJudgement.objects.count() == 3


def test_reading_ends_only_when_every_chart_is_read(
    study: Study, lead: User, coder: User, expert: User
) -> None:
    read_chart(coder, study.project, {})
    with pytest.raises(WrongStatus) as refused:
        close_gold_reading(lead, study.project.pk)
    assert sorted(refused.value.data["chart_ids"]) == sorted(chart.pk for chart in study.charts)
    with pytest.raises(NotAllowed):
        close_gold_reading(coder, study.project.pk)
    study.project.refresh_from_db()
    assert study.project.status == "open"


# --- Blindness -----------------------------------------------------------------------------------------------


def test_a_reader_sees_nothing_of_the_other_reading(
    study: Study, lead: User, coder: User, expert: User, adjudicator: User
) -> None:
    theirs = read_chart(coder, study.project, {"N18.32": "reject"}, [DYSPNEA])
    mine = next_gold_chart(expert, study.project.pk)
    assert mine.chart_id == theirs.chart_id
    assert reading_for(expert, theirs.pk) is None
    assert [r.pk for r in visible_readings(expert)] == [mine.pk]
    assert {(row.verdict, row.others) for row in labels_shown(mine)} == {("", ())}
    assert additions_shown(mine) == []
    assert overrulings_for(expert, study.project) == []
    assert not may_see_figures(expert, study.project)
    reader = reader_of(expert, study.project)
    assert reader is not None
    assert my_progress(reader).finished == 0
    # The adjudicator waits too, and a lead who reads in the project sees no figures while reading goes on.
    assert chart_to_adjudicate(adjudicator, mine.chart_id) is None
    assert visible_readings(adjudicator).count() == 0
    with pytest.raises(NotAllowed):
        start_adjudication(adjudicator, mine.chart_id)
    assert may_see_figures(lead, study.project)

    add_gold_reader(lead, study.project.pk, user_id=lead.pk, profession="coder")
    assert not may_see_figures(lead, study.project)


def test_the_history_of_an_encounter_tells_readers_nothing(
    study: Study, coder: User, expert: User, auditor: User
) -> None:
    reading = read_chart(coder, study.project, {"N18.32": "reject"})
    encounter = reading.chart.code_set.encounter
    told = AuditEvent.objects.filter(encounter=encounter, type__startswith="gold.")
    assert [event.type for event in told] == ["gold.reading_started"]
    assert [row.what for row in event_rows(encounter, expert)] == []
    assert [row.what for row in event_rows(encounter, auditor)] == ["Opened for a gold reading"]


def test_the_other_reading_is_shown_where_the_protocol_says_so(
    icd10cm: Release, lead: User, coder: User, expert: User, make_encounter: MakeEncounter
) -> None:
    protocol = replace(TWICE, show_other_reading=True, show_confidence=True, show_rationale=True)
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")], protocol=protocol)
    read_chart(coder, study.project, {"N18.32": "reject"})
    reading = next_gold_chart(expert, study.project.pk)
    shown = {row.code: row for row in labels_shown(reading)}
    assert [(o.number, o.verdict, o.reason) for o in shown["N18.32"].others] == [
        (1, "reject", "not_documented")
    ]
    assert (shown["I50.23"].confidence, shown["I50.23"].rationale) == (0.93, "Stated.")


# --- Qualification -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "f1", "qualified"), [("reject", 1.0, True), ("approve", 0.8, False)])
def test_qualification_charts_come_first_and_decide_who_counts(
    icd10cm: Release,
    lead: User,
    coder: User,
    make_encounter: MakeEncounter,
    verdict: str,
    f1: float,
    qualified: bool,
) -> None:

    charts_with_labels(make_encounter, 1)
    signed = _signed_chart(make_encounter, lead)
    protocol: Protocol = replace(ONCE, qualification_threshold=0.9)
    project = draft(lead, protocol)
    add_gold_reader(lead, project.pk, user_id=coder.pk, profession="coder")
    (chart,) = sample_gold_charts(
        lead,
        project.pk,
        size=1,
        purpose="qualification",
        filters=ChartFilters(source_ids=(signed.source_id,)),
    )
    assert chart.key == ["icd10cm:E11.22", "icd10cm:I50.23"]
    sample_gold_charts(lead, project.pk, size=1)
    open_gold_project(lead, project.pk)
    reading = read_chart(coder, project, {"N18.32": verdict})
    assert (reading.kind, reading.chart_id) == ("qualification", chart.pk)
    reader = reader_of(coder, project)
    assert reader is not None
    assert reader.qualification_f1 == pytest.approx(f1)
    assert (reader.qualified_at is not None) is qualified
    if qualified:
        assert next_gold_chart(coder, project.pk).kind == "independent"
    else:
        with pytest.raises(NotAllowed):
            next_gold_chart(coder, project.pk)


def _signed_chart(make_encounter: MakeEncounter, lead: User) -> Any:
    """With heart failure and diabetes on its signed lines, and kidney disease only suggested."""

    encounter = make_encounter(status="signed_off", synthetic=True)
    code_set = encounter.code_sets.get()
    entries = suggest(code_set, HF, DM, CKD)
    for number, entry in enumerate(entries[:2], start=1):
        CodeLine.objects.create(
            code_set=code_set, entry=entry, sequence=number, code=entry.code, title=entry.title
        )
    CodeSet.objects.filter(pk=code_set.pk).update(
        status="signed", signed_by=lead, signed_at=timezone.now(), sha256="0" * 64
    )
    return encounter


def test_a_reader_of_the_projects_own_cannot_search_the_audit_log(
    icd10cm: Release, lead: User, auditor: User, privacy_officer: User, work_group: Any
) -> None:

    both = person("both", "expert", work_group)
    RoleAssignment.objects.create(user=both, role="privacy_officer")
    project = draft(lead, TWICE)
    for user in (auditor, privacy_officer, both):
        with pytest.raises(NotAllowed):
            add_gold_reader(lead, project.pk, user_id=user.pk, profession="clinician")
    assert not GoldReader.objects.exists()
