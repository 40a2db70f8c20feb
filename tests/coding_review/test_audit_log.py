"""The audit log is append-only and written in two chains, in the transaction of the change."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from coding_review import audit
from coding_review.audit_check import verify
from coding_review.models import AuditChain, AuditEvent, CodeEntry, Decision, Reading
from tests.coding_review.audit_sample import CHAIN, EVENT, PAYLOAD, Log, MakeEncounter, verification

# --- Append-only ---------------------------------------------------------------------------------------------


def _rows() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        found: list[tuple[object, ...]] = []
        for table in (EVENT, PAYLOAD, CHAIN):
            cursor.execute(f"SELECT {table}::text FROM {table} ORDER BY 1")
            found += cursor.fetchall()
        return found


def _execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {EVENT} SET data = '{{}}'",
        f"UPDATE {EVENT} SET type = type",
        f"DELETE FROM {EVENT}",
        f"TRUNCATE {EVENT} CASCADE",
        f"""UPDATE {PAYLOAD} SET body = '{{"comment": "other words"}}'""",
        f"UPDATE {PAYLOAD} SET body = NULL",
        f"UPDATE {PAYLOAD} SET body = NULL, salt = '', purged_at = now(), event_id = event_id + 1",
        f"DELETE FROM {PAYLOAD}",
        f"TRUNCATE {PAYLOAD}",
        f"UPDATE {CHAIN} SET last_hash = repeat('0', 64)",
        f"UPDATE {CHAIN} SET last_number = last_number - 1",
        f"UPDATE {CHAIN} SET last_number = last_number + 2",
        f"DELETE FROM {CHAIN}",
        f"TRUNCATE {CHAIN}",
    ],
)
def test_rows_once_written_stay(log: Log, sql: str) -> None:
    before = _rows()
    assert len(before) == 14
    with pytest.raises(ProgrammingError, match="pgtrigger: Cannot"):
        _execute(sql)
    assert _rows() == before


@pytest.mark.parametrize("sql", ["UPDATE {} SET reason = 'other'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_decisions_stay(log: Log, sql: str) -> None:
    table = Decision._meta.db_table
    reading = Reading.objects.create(code_set=log.one.code_sets.get())
    entry = CodeEntry.objects.create(reading=reading, origin="added", code="I10")
    Decision.objects.create(
        entry=entry, reading=reading, number=1, action="add", actor=log.coder, system="icd10cm",
        code_after="I10", before={}, after={}, assistance="none",
    )  # fmt: skip
    with pytest.raises(ProgrammingError, match="pgtrigger: Cannot"):
        _execute(sql.format(table))
    assert list(Decision.objects.values_list("number", "reason", "code_after")) == [(1, "", "I10")]


def test_the_product_never_switches_the_triggers_off() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [p for name in ("coding_review", "catalog", "modelops") for p in (root / name).rglob("*.py")]
    assert len(files) > 50
    switches = re.compile(r"pgtrigger\.(ignore|disable|constraints)|DISABLE TRIGGER|session_replication_role")
    assert [str(p) for p in files if switches.search(p.read_text(encoding="utf-8"))] == []


# --- Writing -------------------------------------------------------------------------------------------------


def test_each_row_stands_numbered_in_both_chains(log: Log) -> None:
    rows = AuditEvent.objects.order_by("pk").values_list("actor_number", "encounter_number")
    assert list(rows) == [(1, 1), (2, 2), (3, 3), (1, 4), (4, 5), (2, 1), (5, None)]
    heads = {c.key: (c.last_number, c.last_hash) for c in AuditChain.objects.all()}
    assert heads == {
        log.c: (5, log.events[6].hash),
        f"actor:{log.lead.pk}": (2, log.events[5].hash),
        log.e: (5, log.events[4].hash),
        f"encounter:{log.two.pk}": (1, log.events[5].hash),
    }


@pytest.mark.parametrize(
    ("type_", "data", "payload", "message"),
    [
        ("encounter.eaten", {}, {}, "unknown audit event type 'encounter.eaten'"),
        ("decision", {"patient": "P1"}, {}, "audit event decision may not carry patient"),
        ("decision", {"comment": "words"}, {}, "audit event decision may not carry comment"),
        (
            "session.signed_in",
            {},
            {"comment": "words"},
            "audit event session.signed_in may not carry comment",
        ),
        (
            "decision",
            {"value_after": 1e20},
            {},
            "1e+20 does not come back from the database as it was written",
        ),
        ("decision", {"value_after": float("nan")}, {}, "NaN is not JSON"),
    ],
)
def test_what_an_event_may_carry_is_fixed(
    log: Log, type_: str, data: dict[str, object], payload: dict[str, object], message: str
) -> None:
    before = _rows()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"), transaction.atomic():
        audit.record(type_, actor=log.coder, encounter=log.one, data=data, payload=payload)
    assert _rows() == before


@pytest.mark.parametrize(
    "value", [0.1, 1e-7, 1.0, 12345678901234567890, "ß😀\t", {"2": 1, "10": [None, True]}]
)
def test_values_verify_as_the_database_returns_them(log: Log, value: object) -> None:
    with transaction.atomic():
        audit.record("decision", actor=log.coder, data={"value_after": value}, payload={"quotes": [value]})
    assert list(verify()) == []


@pytest.mark.django_db(transaction=True)
def test_a_change_rolled_back_leaves_no_event(coder: User, make_encounter: MakeEncounter) -> None:
    encounter = make_encounter(on=None)

    @transaction.atomic
    def change() -> None:
        audit.record("encounter.claimed", actor=coder, encounter=encounter)
        raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError, match="the change failed"):
        change()
    assert (AuditEvent.objects.count(), AuditChain.objects.count()) == (0, 0)
    with pytest.raises(transaction.TransactionManagementError):
        audit.record("encounter.claimed", actor=coder, encounter=encounter)
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_keep_both_chains_without_gaps(
    coder: User, other_coder: User, lead: User, make_encounter: MakeEncounter
) -> None:
    encounters = [make_encounter(on=None), make_encounter(on=None)]
    people = [coder, other_coder, lead, None]
    start = threading.Barrier(len(people))
    errors: list[BaseException] = []

    def write(actor: User | None) -> None:
        try:
            start.wait(timeout=60)
            for number in range(20):
                with transaction.atomic():
                    audit.record("encounter.opened", actor=actor, encounter=encounters[number % 2])
        except BaseException as error:  # noqa: BLE001 - shown by the assert below, in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(actor,)) for actor in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert errors == []
    for encounter in encounters:
        numbers = AuditEvent.objects.filter(encounter=encounter).order_by("encounter_number")
        assert list(numbers.values_list("encounter_number", flat=True)) == list(range(1, 41))
    for actor in people:
        numbers = AuditEvent.objects.filter(actor=actor).order_by("actor_number")
        assert list(numbers.values_list("actor_number", flat=True)) == list(range(1, 21))
    assert verification() == (
        0,
        [
            "The audit log verifies: 80 events in 6 chains, 0 payloads (0 purged).",
            "What it tells of is as it says: 0 decisions, 0 signed code sets, 0 overrides.",
        ],
    )
