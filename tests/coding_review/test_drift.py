"""Drift: the limits over weeks, the counts behind them, the page without records, the monthly audit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from coding_review.actions.accept import accept
from coding_review.actions.audit_month import audit_month
from coding_review.actions.claim import claim
from coding_review.actions.reject import reject
from coding_review.actions.undo import undo
from coding_review.drift import audits, by_code, by_reason, judged, month_of, since, weeks
from coding_review.models import AuditEvent, CodeEntry, Decision
from coding_review.rules.drift import LIMITS, Alert, Week, alerts, interval
from coding_review.web.drift import _audits, _plots
from tests.coding_review.decision_rows import make_decision
from tests.coding_review.entries import HF, suggest

MONDAY = date(2026, 11, 2)
OPEN = pytest.mark.django_db


def week(
    number: int, accepted: int, rejected: int, *, error: float | None = None, model: str = "m 1"
) -> Week:
    return Week(MONDAY + timedelta(weeks=number), model, accepted, 0, rejected, error)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([week(0, 90, 10), week(1, 80, 20)], []),
        ([week(0, 90, 10), week(1, 79, 21)], [("accept_drop", 0.11, 0.10)]),
        ([week(0, 60, 40)], []),
        ([week(0, 59, 41)], [("override_rate", 0.41, 0.40)]),
        ([week(0, 90, 10, error=0.10)], []),
        ([week(0, 90, 10, error=0.11)], [("calibration_error", 0.11, 0.10)]),
        ([week(0, 0, 49, error=1.0)], []),
        ([week(0, 90, 10), week(1, 70, 30, model="m 2")], []),
    ],
)
def test_what_is_beyond_a_limit_is_told_and_what_is_at_it_is_not(told, expected) -> None:
    assert [(one.id, one.figure, one.limit) for one in alerts(told)] == expected


def test_the_newest_week_of_each_model_counts_against_its_four_before() -> None:
    told = [week(0, 0, 100), *(week(number, 90, 10) for number in range(1, 5)), week(5, 70, 30)]
    assert alerts(told) == [Alert("accept_drop", MONDAY + timedelta(weeks=5), "m 1", 0.2, 0.1)]


def test_a_site_sets_its_own_limits() -> None:
    assert alerts([week(0, 7, 3)], {"least_decisions": 10, "override_rate": 0.2})[0].limit == 0.2
    assert set(LIMITS) == {"least_decisions", "accept_drop", "override_rate", "calibration_error"}


@pytest.mark.parametrize(
    ("count", "of", "ends"),
    # Of none of n: 0 to z²/(n + z²).
    [(0, 0, (0, 1)), (0, 10, (0, 0.2775)), (10, 10, (0.7225, 1)), (84, 100, (0.7558, 0.8990))],
)
def test_a_share_has_its_interval(count, of, ends) -> None:
    assert interval(count, of) == pytest.approx(ends, abs=5e-5)


@OPEN
def test_a_week_without_a_confidence_says_so(expert, make_encounter, coder) -> None:
    decide(make_encounter(), coder, timezone.now() - timedelta(days=1), "accept", sure=None)
    assert [w.calibration_error for w in page(expert).context["weeks"]] == ["no confidence shown"]


def test_months_and_weeks_begin_where_they_should() -> None:
    assert month_of(date(2026, 12, 31)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert since(7, date(2026, 11, 21)) == date(2026, 11, 9)


def decide(encounter, actor, at, action, *, code="I50.22", reason="", sure=None, model="m 1"):
    decision = make_decision(
        encounter, actor, at, action=action, before=code, after=code, reason=reason,
        confidence_shown=sure, engine="vllm", model_version=model,
    )  # fmt: skip
    state = {"accept": "accepted", "modify": "modified", "reject": "rejected"}.get(action, "undecided")
    CodeEntry.objects.filter(pk=decision.entry_id).update(state=state)
    return decision


@pytest.fixture
def decided(make_encounter, coder):
    encounter, at = make_encounter(), datetime(2026, 11, 4, 12, tzinfo=UTC)
    for action, reason, sure in (
        ("accept", "", 0.95),
        ("accept", "", 1.0),
        ("reject", "negated", 0.95),
        ("modify", "wrong_evidence", 0.45),
    ):
        decide(encounter, coder, at, action, reason=reason, sure=sure)
    decide(encounter, coder, at + timedelta(weeks=1), "accept", model="m 2")
    # Undone since, and a code that a person added: neither is a judgement of a suggestion.
    undone = decide(encounter, coder, at, "accept")
    CodeEntry.objects.filter(pk=undone.entry_id).update(state="undecided")
    added = decide(encounter, coder, at, "accept")
    CodeEntry.objects.filter(pk=added.entry_id).update(origin="added")
    return judged(date(2026, 11, 2), date(2026, 11, 21))


@OPEN
def test_decisions_are_counted_by_week_and_model(decided) -> None:
    error = (abs(2.9 - 2) + abs(0.45 - 0)) / 4
    assert weeks(decided) == [
        Week(date(2026, 11, 9), "vllm m 2", 1, 0, 0, None),
        Week(date(2026, 11, 2), "vllm m 1", 2, 1, 1, pytest.approx(error)),
    ]


@OPEN
def test_a_decision_that_was_undone_gives_way_to_the_one_before(icd10cm, make_encounter, coder) -> None:
    code_set = make_encounter().code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, code_set.encounter_id)
    accept(coder, code_set.pk, entry.pk)
    first = Decision.objects.get()
    reject(coder, code_set.pk, entry.pk, reason="negated")
    first_day, last_day = (timezone.now().date() + timedelta(days=step) for step in (-1, 1))
    assert [one.action for one in judged(first_day, last_day)] == ["reject"]
    undo(coder, code_set.pk)
    found = judged(first_day, last_day)
    assert [(one.pk, one.action) for one in found] == [(first.pk, "accept")]
    assert by_reason(found) == []


@OPEN
def test_overrides_are_counted_by_reason_and_code(decided) -> None:
    assert [(of.key, of.overridden, of.decisions) for of in by_reason(decided)] == [
        ("negated", 1, 2),
        ("wrong_evidence", 1, 2),
    ]
    assert sum(of.overridden for of in by_code(decided)) == 2
    assert sum(of.decisions for of in by_code(decided)) == 5


@OPEN
def test_days_outside_are_left_out(decided) -> None:
    assert judged(date(2026, 11, 9), date(2026, 11, 21)).count() == 1


def page(user):
    client = Client()
    client.force_login(user)
    return client.get("/models/drift/")


@OPEN
def test_the_page_tells_counts_and_no_record(expert, make_encounter, coder, settings) -> None:
    settings.DRIFT_LIMITS = {"least_decisions": 2}
    encounter, at = make_encounter(), timezone.now() - timedelta(days=1)
    for _ in range(2):
        decide(encounter, coder, at, "reject", reason="negated", sure=0.9)
    response = page(expert)
    assert [(w.decisions, w.rejected, w.calibration_error) for w in response.context["weeks"]] == [
        (2, "100.0%", "0.900")
    ]
    # Wilson's 95% interval of none of two; two of two are 34.2% to 100%.
    assert [w.interval for w in response.context["weeks"]] == ["0.0 to 65.8%"]
    assert [(a.figure, a.limit) for a in response.context["alerts"]] == [("100.0%", "40%"), ("90.0%", "10%")]
    assert [(r.label, r.overridden) for r in response.context["reasons"]] == [("Context: negated", 2)]
    body = response.content.decode()
    assert encounter.source_id not in body
    assert "coder" not in body.split("<main", 1)[1]


@OPEN
@pytest.mark.parametrize("who", ["coder", "privacy_officer", "outsider"])
def test_without_the_right_no_page(request, who) -> None:
    assert page(request.getfixturevalue(who)).status_code == 403


@OPEN
def test_a_month_without_code_sets_is_kept_as_such(expert) -> None:
    event = audit_month(date(2026, 10, 15))
    assert event.data == {
        "month": "2026-10", "code_sets": 0, "lines": 0, "procedures": 0, "validity": 0, "bundling": 0,
        "unbundling_modifiers": 0, "overridden": 0, "no_data": 0,
    }  # fmt: skip
    assert [line.validity for line in page(expert).context["audits"]] == ["—"]


@OPEN
def test_the_last_audit_of_a_month_stands_and_the_trend_is_told(expert, capsys) -> None:
    call_command("audit_month", "--month", "2026-09")
    told = capsys.readouterr().out.splitlines()
    assert (len(told), told[1], told[3]) == (9, "code sets: 0", "month: 2026-09")
    call_command("audit_month", "--month", "2026-10")
    call_command("audit_month", "--month", "2026-10")
    assert [data["month"] for data in audits(12)] == ["2026-10", "2026-09"]
    assert AuditEvent.objects.filter(type="quality.audited").count() == 3
    with pytest.raises(CommandError, match="not a month"):
        call_command("audit_month", "--month", "October")


def test_a_months_change_is_told_against_the_month_before_it_alone() -> None:
    def audited(month: str, validity: int) -> dict[str, object]:
        counts = {"code_sets": 10, "validity": validity, "bundling": 0, "unbundling_modifiers": 0}
        return {"month": month, **counts, "procedures": 0, "overridden": 0, "no_data": 0}

    told = [audited("2026-01", 3), audited("2025-12", 1), audited("2025-10", 2)]
    assert [line.validity for line in _audits(told)] == ["3 (30.0%, +20.0 points)", "1 (10.0%)", "2 (20.0%)"]
    assert [line.modifiers for line in _audits(told)] == ["—"] * 3


def test_weeks_are_drawn_for_the_two_models_that_decisions_are_about() -> None:
    told = [
        week(2, 3, 1, model="rare"),
        week(2, 40, 60, error=0.2, model="new"),
        week(1, 80, 20, model="new"),
        week(0, 90, 10, model="old"),
    ]
    accepted, error = _plots(told)
    assert [(curve.label, curve.last) for curve in accepted.curves] == [("new", "0.40"), ("old", "0.90")]
    assert [(curve.label, curve.last) for curve in error.curves] == [("new", "0.20"), ("old", "")]
    assert accepted.words == (
        "Accepted by week of: new 0.80 at week of 2026-11-09, 0.40 at week of 2026-11-16; "
        "old 0.90 at week of 2026-11-02, 0.90 at week of 2026-11-02."
    )
    assert (accepted.first_step, accepted.last_step) == ("2026-11-02", "2026-11-16")
    assert _plots(told[:3]) == ()
