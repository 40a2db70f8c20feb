"""Rows made so that the check itself would stop at them: they are named, and the others are still looked at."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from coding_review.audit_check import verify
from coding_review.audit_rows import RowCounts, verify_rows
from coding_review.models import AuditEvent, CodeEntry, CodeSet
from tests.coding_review.audit_sample import CHAIN, EVENT, Log, as_owner, log, verification
from tests.coding_review.test_audit_rows import event_of, signed

__all__ = ["log", "signed"]


def row_faults() -> list[str]:
    return [str(fault) for fault in verify_rows(RowCounts())]


@pytest.mark.parametrize(
    "data",
    ["{}", "[]", "null", '"text"', "7", '{"event_id": null}', '{"event_id": "x"}', '{"event_id": [1]}',
     '{"event_id": 99999999999999999999}', '{"decision_id": "x"}', '{"decision_id": {}}', '{"code_set_id": []}'],
)  # fmt: skip
@pytest.mark.parametrize("type_", ["decision", "codeset.signed", "audit.payload_purged"])
def test_data_that_is_none_is_an_altered_row(log: Log, type_: str, data: str) -> None:
    with as_owner() as run:
        run(f"UPDATE {EVENT} SET type = %s, data = %s WHERE id = %s", type_, data, log.pk(2))
        run(f"UPDATE {EVENT} SET data = '{{}}' WHERE id = %s", log.pk(5))
    code, lines = verification()
    assert code == 1
    # The row itself, and the one behind it.
    assert f"{log.c} #2 (event {log.pk(2)}): row altered" in lines
    assert lines[-1].endswith("in 7 events in 4 chains, 3 payloads (0 purged).")


@pytest.mark.parametrize("at", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC", "1066-10-14"])
def test_a_time_that_is_none_hides_nothing(log: Log, at: str) -> None:
    with as_owner() as run:
        run(f"UPDATE {EVENT} SET at = %s WHERE id = %s", at, log.pk(2))
        run(f"UPDATE {EVENT} SET data = '{{}}' WHERE id = %s", log.pk(1))
    code, lines = verification()
    assert code == 1
    assert f"{log.c} #2 (event {log.pk(2)}): row altered: its time is none" in lines
    assert f"{log.c} #1 (event {log.pk(1)}): row altered" in lines


@pytest.mark.parametrize(
    "key", ["encounter:x", "encounter:", "encounter:1 OR 1=1", "nobody", "actor:", "encounter:" + "9" * 30]
)
def test_a_head_with_another_name_is_named(log: Log, key: str) -> None:
    with as_owner() as run:
        run(f"INSERT INTO {CHAIN} (key, last_number, last_hash) VALUES (%s, 1, repeat('0', 64))", key)
    code, lines = verification()
    assert (code, lines[:-1]) == (1, [f"{key} #0 (no row): not the name of a chain"])


@pytest.mark.parametrize(
    "change",
    ["code = 'I50.22'", "state = 'rejected'", "poa = 'N'", "role = 'secondary'", "units = 2", "sequence = 9",
     "service_date = '2026-06-09'", "modifiers = '{LT}'", "state = 'undecided'"],
)  # fmt: skip
def test_a_code_changed_beside_its_decisions_is_named(signed: CodeSet, change: str) -> None:
    """Triggers do not guard these rows, which acts change: but what is signed next is made of them."""
    entry = CodeEntry.objects.get(suggested_code="I50.23")
    latest = entry.decisions.order_by("number").last()
    assert latest is not None
    assert row_faults() == []
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {CodeEntry._meta.db_table} SET {change} WHERE id = %s", [entry.pk])
    event = event_of(latest)
    assert row_faults() == [
        f"encounter:{signed.encounter_id} #{event.encounter_number} (event {event.pk}): "
        f"code entry {entry.pk}: not what its latest decision ({latest.pk}) left"
    ]


def test_a_code_put_in_without_a_decision_is_named(signed: CodeSet) -> None:
    reading = signed.readings.get()
    entry = CodeEntry.objects.create(reading=reading, origin="added", code="I10", state="added")
    assert row_faults() == [
        f"encounter:{signed.encounter_id} #0 (no row): code entry {entry.pk}: changed without a decision"
    ]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT set_config('session_replication_role', 'replica', true); UPDATE {EVENT} SET data = '{{}}'",
        f"SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {EVENT} DISABLE TRIGGER ALL; UPDATE {EVENT} SET data = '{{}}'",
    ],
)
def test_switches_of_a_superuser_are_not_the_applications(log: Log, sql: str) -> None:
    """The role of the application owns its tables in the demo, but is no superuser."""
    before: list[dict[str, Any]] = list(AuditEvent.objects.order_by("pk").values())
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert list(AuditEvent.objects.order_by("pk").values()) == before


def test_the_variable_of_the_triggers_opens_a_row_and_the_check_names_it(log: Log, coder: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger"
            " WHERE starts_with(tgname, 'pgtrigger_append_only') AND tgrelid = %s::regclass",
            [EVENT],
        )
        (name,) = cursor.fetchone()
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [f"{{{name}}}"])
        cursor.execute(f"UPDATE {EVENT} SET data = '{{}}' WHERE id = %s", [log.pk(2)])
        assert cursor.rowcount == 1
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")
    assert [str(fault) for fault in verify()] == [f"{log.c} #2 (event {log.pk(2)}): row altered"]
    assert AuditEvent.objects.filter(actor=coder).count() == 5
