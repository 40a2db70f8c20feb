"""A write whose SQL is made once leaves the row that save() leaves, and refuses what it could not write so."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, connections, models
from django.db.models import F
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.authtoken.models import TokenProxy

from coding_review.actions.reject import reject
from coding_review.counters import refresh_counters
from coding_review.kept_reads import prepared_cursor
from coding_review.kept_writes import KeptInsert, KeptUpdate
from coding_review.models import CodeEntry, CodeSet, Decision, DecisionPayload, Encounter
from tests.coding_review.api_cases import Case, case

__all__ = ["case"]
pytestmark = pytest.mark.django_db


def fields(row: models.Model, *without: str) -> dict[str, Any]:
    names = (field.attname for field in row._meta.concrete_fields)
    return {name: getattr(row, name) for name in names if name not in without}


def a_decision(entry: CodeEntry, actor: User, number: int) -> Decision:
    return Decision(
        entry=entry,
        reading=entry.reading,
        number=number,
        batch=uuid.UUID(int=number),
        action="reject",
        actor=actor,
        at=datetime(2026, 6, 9, 12, 30, 15, 123456, tzinfo=UTC),
        system="icd10cm",
        code_before="I50.23",
        reason="not_documented",
        before={"state": "undecided", "units": 1, "service_date": None},
        after={"state": "rejected", "modifiers": ["25", "%s"], "note": "50 % “sicher” \\ 'x'"},
        assistance="full",
        rank_shown=3,
        confidence_shown=0.1 + 0.2,
        first_shown_at=None,
        evidence_opened=True,
        evidence_place={"line_start": 7},
    )


def test_an_added_row_is_the_one_that_save_adds(case: Case, coder: User) -> None:
    entry = case.entries["I50.23"]
    saved = a_decision(entry, coder, 1)
    saved.save(force_insert=True)
    kept = KeptInsert(Decision).add(a_decision(entry, coder, 2))
    assert kept.pk is not None
    assert kept.pk != saved.pk
    assert (kept._state.adding, kept._state.db) == (False, connection.alias)
    own = ("id", "number", "batch")
    assert fields(Decision.objects.get(pk=kept.pk), *own) == fields(Decision.objects.get(pk=saved.pk), *own)
    assert fields(Decision.objects.get(pk=kept.pk)) == fields(kept)


def test_a_changed_row_is_the_one_that_save_leaves_and_no_other_changes(case: Case) -> None:
    entry, beside = case.entries["I50.23"], case.entries["N18.32"]
    stood = fields(CodeEntry.objects.get(pk=beside.pk))
    entry.state, entry.modifiers, entry.service_date = "accepted", ["LT", "59"], date(2026, 6, 9)
    entry.context, entry.confidence, entry.rationale = [], None, "100 % of it; %s stays"
    KeptUpdate(CodeEntry).save(entry)
    assert fields(CodeEntry.objects.get(pk=entry.pk)) == fields(entry)
    assert fields(CodeEntry.objects.get(pk=beside.pk)) == stood


def test_of_named_fields_only_those_are_written(case: Case) -> None:
    code_set = case.code_set
    stood = fields(CodeSet.objects.get(pk=code_set.pk))
    code_set.revision, code_set.status = 41, "signed_off"
    KeptUpdate(CodeSet, "revision").save(code_set)
    assert fields(CodeSet.objects.get(pk=code_set.pk)) == stood | {"revision": 41}


def test_a_row_that_is_gone_is_told(case: Case) -> None:
    case.code_set.pk += 1_000_000
    with pytest.raises(DatabaseError, match="no CodeSet has this key any more"):
        KeptUpdate(CodeSet, "revision").save(case.code_set)


def test_what_one_plain_statement_does_not_write_is_refused(case: Case) -> None:
    with pytest.raises(TypeError, match="not saved by one plain statement"):
        KeptInsert(TokenProxy)
    for names in (("revision", "no_such_field"), ("id", "revision")):
        with pytest.raises(TypeError, match="not all of them are fields of CodeSet to be written"):
            KeptUpdate(CodeSet, *names)
    case.code_set.revision = F("revision") + 1
    with pytest.raises(TypeError, match="revision is an expression"):
        KeptUpdate(CodeSet, "revision").save(case.code_set)

    def heard(**_: Any) -> None:
        pass

    post_save.connect(heard, sender=DecisionPayload)
    try:
        with pytest.raises(TypeError, match="a signal waits for each DecisionPayload"):
            KeptInsert(DecisionPayload).add(DecisionPayload(comment="x"))
    finally:
        post_save.disconnect(heard, sender=DecisionPayload)


def test_statements_of_a_decision_are_kept_planned(case: Case, coder: User) -> None:
    for entry in list(case.entries.values())[:4]:
        reject(coder, case.code_set.pk, entry.pk, reason="not_documented")
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        planned = [statement for (statement,) in cursor.fetchall()]
    for begin in (
        'INSERT INTO "coding_review_decision" ',
        'INSERT INTO "coding_review_auditevent" ',
        'UPDATE "coding_review_codeentry" ',
        'SELECT "coding_review_auditchain"',
    ):
        # One plan, whatever the size of the numbers.
        assert len([one for one in planned if one.startswith(begin)]) == 1, begin


def test_nothing_is_planned_ahead_where_a_pooler_forbids_it(case: Case) -> None:
    other = connections["default"].copy()
    other.settings_dict["OPTIONS"] = other.settings_dict["OPTIONS"] | {"prepare_threshold": None}
    other.connect()
    try:
        cursor: psycopg.Cursor[Any] = psycopg.Cursor(other.connection)
        for _ in range(4):
            cursor.execute("SELECT %s + 1", [1])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (0,)
    finally:
        other.close()


def test_errors_are_djangos_own(case: Case) -> None:
    with pytest.raises(DatabaseError), prepared_cursor() as cursor:
        cursor.execute("SELECT 1 / %s", [0])


def test_a_session_ends_when_it_has_run_out(case: Case, coder: User, client: Client) -> None:
    client.force_login(coder)
    assert client.get(reverse("web:worklist")).status_code == 200
    assert Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1)) == 1
    answer = client.get(reverse("web:worklist"))
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, reverse("web:sign-in"))


def test_figures_and_lease_are_written_together(case: Case, coder: User) -> None:
    refresh_counters(case.encounter)
    before = fields(Encounter.objects.get(pk=case.encounter.pk))
    reject(coder, case.code_set.pk, case.entries["I50.23"].pk, reason="not_documented")
    after = fields(Encounter.objects.get(pk=case.encounter.pk))
    assert {name for name in after if after[name] != before[name]} == {"lease_until", "decided_count"}
    assert (before["decided_count"], after["decided_count"]) == (0, 1)
