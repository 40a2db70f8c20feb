"""The audit log: append-only, in two chains, and every tampering named by verify_audit_log."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from coding_review import audit
from coding_review.audit_check import Counts, Verification, verify, verify_encounter
from coding_review.models import AuditChain, AuditEvent, AuditPayload, CodeEntry, Decision, Encounter, Reading

EVENT, PAYLOAD, CHAIN = (model._meta.db_table for model in (AuditEvent, AuditPayload, AuditChain))
REPLACED = "one of the two was replaced, moved or put in"
MakeEncounter = Callable[..., Encounter]


@dataclass(frozen=True)
class Log:
    coder: User
    lead: User
    one: Encounter
    two: Encounter
    events: list[AuditEvent]

    @property
    def c(self) -> str:
        return f"actor:{self.coder.pk}"

    @property
    def e(self) -> str:
        return f"encounter:{self.one.pk}"

    def pk(self, number: int) -> int:
        """Of the event with this number in the coder's chain."""
        return self.events[(0, 1, 2, 4, 6)[number - 1]].pk


@pytest.fixture
def log(make_encounter: MakeEncounter, coder: User, lead: User) -> Log:
    """Five events of the coder (1-4 on encounter one, 5 without), two of the lead (one on each encounter).

    Encounter one's chain: the coder's 1, 2, 3, the lead's 1, the coder's 4.
    """
    one, two = make_encounter(on=None), make_encounter(on=None)
    quotes = {"quotes": ["Acute on chronic systolic heart failure"], "comment": "see line 3"}
    data = {"action": "accept", "code_after": "I50.23", "code_before": ""}
    with transaction.atomic():
        events = [
            audit.record("encounter.claimed", actor=coder, encounter=one, data={"via": "next"}),
            audit.record("decision", actor=coder, encounter=one, data=data, payload=quotes),
            audit.record("decision", actor=coder, encounter=one, data={"action": "reject"}, payload=quotes),
            audit.record("encounter.reassigned", actor=lead, encounter=one, payload={"comment": "on leave"}),
            audit.record("encounter.held", actor=coder, encounter=one, data={"reason": "pending_result"}),
            audit.record("encounter.claimed", actor=lead, encounter=two),
            audit.record("session.signed_out", actor=coder),
        ]
    return Log(coder, lead, one, two, events)


@contextmanager
def as_owner() -> Iterator[Callable[..., None]]:
    """What a database administrator can do: triggers off, any SQL, triggers on."""

    def run(sql: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in (EVENT, PAYLOAD, CHAIN):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, values)
            changed = cursor.rowcount
            for table in (EVENT, PAYLOAD, CHAIN):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        assert changed > 0

    yield run


def verification(*options: str) -> tuple[int, list[str]]:
    """Exit code and lines of `manage.py verify_audit_log`."""
    out = io.StringIO()
    try:
        call_command("verify_audit_log", *options, stdout=out)
    except CommandError as error:
        return error.returncode, [*out.getvalue().splitlines(), str(error)]
    return 0, out.getvalue().splitlines()


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
            start.wait(timeout=20)
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
        thread.join(timeout=60)

    assert errors == []
    for encounter in encounters:
        numbers = AuditEvent.objects.filter(encounter=encounter).order_by("encounter_number")
        assert list(numbers.values_list("encounter_number", flat=True)) == list(range(1, 41))
    for actor in people:
        numbers = AuditEvent.objects.filter(actor=actor).order_by("actor_number")
        assert list(numbers.values_list("actor_number", flat=True)) == list(range(1, 21))
    assert verification() == (
        0,
        ["The audit log verifies: 80 events in 6 chains, 0 payloads (0 purged)."],
    )


# --- Verifying -----------------------------------------------------------------------------------------------


def test_a_whole_log_verifies_with_counts(log: Log) -> None:
    assert verification() == (0, ["The audit log verifies: 7 events in 4 chains, 3 payloads (0 purged)."])
    assert verification("--encounter", str(log.one.pk)) == (
        0,
        ["The audit log verifies: 5 events in 1 chains, 3 payloads (0 purged)."],
    )
    assert verify_encounter(log.one.pk) == Verification(Counts(events=5, chains=1, payloads=3), [])
    assert verify_encounter(log.two.pk + 1000) == Verification(Counts(), [])


def test_an_altered_row_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"""UPDATE {EVENT} SET data = data || '{{"code_after": "I50.22"}}' WHERE id = %s""", log.pk(2))
    assert verification() == (
        1,
        [
            f"{log.c} #2 (event {log.pk(2)}): row altered",
            "1 fault in 7 events in 4 chains, 3 payloads (0 purged).",
        ],
    )
    assert [str(f) for f in verify(log.one.pk)] == [f"{log.e} #2 (event {log.pk(2)}): row altered"]
    assert list(verify(log.two.pk)) == []


@pytest.mark.parametrize(
    "change", ["at = at - interval '1 day'", "actor_id = NULL", "type = 'encounter.opened'"]
)
def test_an_altered_time_person_or_type_is_named(log: Log, change: str) -> None:
    with as_owner() as run:
        run(f"UPDATE {EVENT} SET {change} WHERE id = %s", log.pk(3))
    assert [str(f) for f in verify()] == [f"{log.c} #3 (event {log.pk(3)}): row altered"]


def test_a_row_altered_and_hashed_anew_breaks_both_chains_after_it(log: Log) -> None:
    event = AuditEvent.objects.get(pk=log.pk(3))
    event.data = {"action": "accept"}
    with as_owner() as run:
        run(
            f"""UPDATE {EVENT} SET data = '{{"action": "accept"}}', hash = %s WHERE id = %s""",
            audit.row_hash(event),
            event.pk,
        )
    assert [str(f) for f in verify()] == [
        f"{log.c} #4 (event {log.pk(4)}): does not follow #3 (event {log.pk(3)}): {REPLACED}",
        f"{log.e} #4 (event {log.events[3].pk}): does not follow #3 (event {log.pk(3)}): {REPLACED}",
    ]


def test_a_removed_row_is_named_in_both_chains(log: Log) -> None:
    with as_owner() as run:
        run(f"DELETE FROM {EVENT} WHERE id = %s", log.pk(1))
    assert verification() == (
        1,
        [
            f"{log.c} #1 (no row): row removed",
            f"{log.e} #1 (no row): row removed",
            "2 faults in 6 events in 4 chains, 3 payloads (0 purged).",
        ],
    )


def test_a_cut_tail_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"DELETE FROM {EVENT} WHERE actor_id = %s AND actor_number >= 4", log.coder.pk)
    assert [str(f) for f in verify()] == [
        f"{log.c} #4 (no row): rows #4 to #5 removed (2)",
        f"{log.e} #5 (no row): row removed",
    ]


def test_a_chain_removed_with_its_head_is_named_by_the_other(log: Log) -> None:
    hash_ = log.events[5].hash
    with as_owner() as run:
        run(f"DELETE FROM {EVENT} WHERE encounter_id = %s", log.two.pk)
        run(f"DELETE FROM {CHAIN} WHERE key = %s", f"encounter:{log.two.pk}")
    assert len(hash_) == 64
    assert [str(f) for f in verify()] == [f"actor:{log.lead.pk} #2 (no row): row removed"]


def test_reordered_rows_are_named(log: Log) -> None:
    second, third = log.pk(2), log.pk(3)
    with as_owner() as run:
        for pk, number in ((second, 90), (third, 2), (second, 3)):
            run(
                f"UPDATE {EVENT} SET actor_number = %s, encounter_number = %s WHERE id = %s",
                number,
                number,
                pk,
            )
    faults = [str(f) for f in verify()]
    assert faults[:2] == [
        f"{log.c} #2 (event {third}): row altered",
        f"{log.c} #2 (event {third}): does not follow #1 (event {log.pk(1)}): {REPLACED}",
    ]
    assert f"{log.c} #3 (event {second}): row altered" in faults
    assert {f.chain for f in verify()} == {log.c, log.e}


def test_a_row_given_another_number_leaves_a_gap_that_is_named(log: Log) -> None:
    last = log.pk(5)
    with as_owner() as run:
        run(f"UPDATE {EVENT} SET actor_number = 9 WHERE id = %s", last)
    assert [str(f) for f in verify()] == [
        f"{log.c} #9 (event {last}): row altered",
        f"{log.c} #9 (event {last}): beyond the last row that the head of the chain knows (#5)",
        f"{log.c} #5 (no row): rows #5 to #8 removed (4)",
    ]


def test_a_row_put_in_at_the_end_is_named(log: Log) -> None:
    forged = AuditEvent(
        type="session.signed_in",
        actor=log.coder,
        actor_key=log.c,
        actor_number=6,
        actor_prev_hash=log.events[6].hash,
    )
    forged.hash = audit.row_hash(forged)
    forged.save(force_insert=True)
    assert [str(f) for f in verify()] == [
        f"{log.c} #6 (event {forged.pk}): beyond the last row that the head of the chain knows (#5)"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("last_number = 7", "#6 (no row): rows #6 to #7 removed (2)"),
        (
            "last_hash = repeat('a', 64)",
            "#5 (event {last}): not the last row that the head of the chain knows: the row or the head was replaced",
        ),
        ("last_number = 4", "#5 (event {last}): beyond the last row that the head of the chain knows (#4)"),
    ],
)
def test_an_altered_head_is_named(log: Log, change: str, fault: str) -> None:
    with as_owner() as run:
        run(f"UPDATE {CHAIN} SET {change} WHERE key = %s", log.c)
    assert [str(f) for f in verify()] == [f"{log.c} {fault.format(last=log.pk(5))}"]


def test_a_removed_head_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"DELETE FROM {CHAIN} WHERE key IN (%s, %s)", log.c, log.e)
    problem = "the head of this chain is missing"
    assert [str(f) for f in verify()] == [
        f"{log.c} #0 (no row): {problem}",
        f"{log.e} #0 (no row): {problem}",
    ]
    assert [str(f) for f in verify(log.one.pk)] == [f"{log.e} #0 (no row): {problem}"]


def test_an_altered_payload_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"""UPDATE {PAYLOAD} SET body = '{{"comment": "other words"}}' WHERE event_id = %s""", log.pk(2))
    assert [str(f) for f in verify()] == [f"{log.c} #2 (event {log.pk(2)}): payload altered"]
    assert [str(f) for f in verify(log.one.pk)] == [f"{log.e} #2 (event {log.pk(2)}): payload altered"]


def test_a_removed_payload_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"DELETE FROM {PAYLOAD} WHERE event_id = %s", log.pk(3))
    assert [str(f) for f in verify()] == [
        f"{log.c} #3 (event {log.pk(3)}): payload removed without a tombstone"
    ]


def test_a_payload_emptied_without_an_event_is_named(log: Log) -> None:
    """Even the change that the triggers allow needs its event."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {PAYLOAD} SET body = NULL, salt = '', purged_at = now() WHERE event_id = %s", [log.pk(2)]
        )
    assert [str(f) for f in verify()] == [
        f"{log.c} #2 (event {log.pk(2)}): payload emptied though no event tells of its purge"
    ]


def test_payloads_that_changed_places_are_named(log: Log) -> None:
    with as_owner() as run:
        run(f"UPDATE {PAYLOAD} SET event_id = %s WHERE event_id = %s", log.pk(4), log.pk(2))
    assert [str(f) for f in verify()] == [
        f"{log.c} #2 (event {log.pk(2)}): payload removed without a tombstone",
        f"{log.c} #4 (event {log.pk(4)}): payload added or moved here from another event",
    ]


def test_a_purge_leaves_a_tombstone_and_verifies(log: Log) -> None:
    reassigned = log.events[3]
    hash_before = reassigned.payload_hash
    assert audit.purge_payload(reassigned.pk, actor=log.lead) is True
    assert audit.purge_payload(reassigned.pk, actor=log.lead) is False

    payload = AuditPayload.objects.get(event=reassigned)
    assert (payload.body, payload.salt) == (None, "")
    assert payload.purged_at is not None
    reassigned.refresh_from_db()
    assert reassigned.payload_hash == hash_before != ""
    purges = AuditEvent.objects.filter(type="audit.payload_purged")
    assert [(p.actor, p.encounter, p.data) for p in purges] == [
        (log.lead, log.one, {"event_id": reassigned.pk})
    ]
    assert verification() == (0, ["The audit log verifies: 8 events in 4 chains, 3 payloads (1 purged)."])
    assert verify_encounter(log.one.pk).faults == []
    with pytest.raises(ProgrammingError, match="pgtrigger: Cannot update"), transaction.atomic():
        AuditPayload.objects.filter(pk=payload.pk).update(body={"comment": "back again"})


def test_nothing_is_purged_where_nothing_was(log: Log) -> None:
    assert audit.purge_payload(log.pk(1), actor=log.lead) is False
    assert AuditEvent.objects.count() == 7


# --- Heads kept outside --------------------------------------------------------------------------------------


def test_a_whole_chain_forged_anew_is_named_by_the_heads_kept_outside(log: Log, tmp_path: Path) -> None:
    kept = tmp_path / "heads.tsv"
    code, lines = verification("--heads", str(kept))
    digest = audit.hashlib.sha256(kept.read_bytes()).hexdigest()
    assert (code, lines[1]) == (0, f"Digest of 4 heads: {digest}")
    assert verification("--heads")[1][1] == lines[1]
    last = log.pk(5)
    event = AuditEvent.objects.get(pk=last)
    event.type = "session.signed_in"
    with as_owner() as run:
        run(f"UPDATE {EVENT} SET type = %s, hash = %s WHERE id = %s", event.type, audit.row_hash(event), last)
        run(f"UPDATE {CHAIN} SET last_hash = %s WHERE key = %s", audit.row_hash(event), log.c)
    assert list(verify()) == []
    assert verification("--against", str(kept)) == (
        1,
        [
            f"Digest of {kept}: {digest}",
            f"{log.c} #5 (event {last}): not the row that the heads kept outside name",
            "1 fault in 7 events in 4 chains, 3 payloads (0 purged).",
        ],
    )


def test_a_tail_cut_with_its_heads_is_named_by_the_heads_kept_outside(log: Log, tmp_path: Path) -> None:
    kept = tmp_path / "heads.tsv"
    verification("--heads", str(kept))
    with as_owner() as run:
        run(f"DELETE FROM {EVENT} WHERE id = %s", log.pk(5))
        run(f"UPDATE {CHAIN} SET last_number = 4, last_hash = %s WHERE key = %s", log.events[4].hash, log.c)
    assert list(verify()) == []
    code, lines = verification("--against", str(kept))
    assert (code, lines[1]) == (1, f"{log.c} #5 (no row): row removed: the heads kept outside name it")


def test_heads_kept_still_stand_after_more_events(log: Log, tmp_path: Path) -> None:
    kept = tmp_path / "heads.tsv"
    verification("--heads", str(kept))
    with transaction.atomic():
        audit.record("encounter.opened", actor=log.coder, encounter=log.two)
    code, lines = verification("--against", str(kept))
    assert (code, lines[-1]) == (0, f"All 4 rows named in {kept} stand unchanged.")


@pytest.mark.parametrize("line", ["actor:1 2 abc", "actor:1\tx\t" + "0" * 64, "encounter:x\t1\t" + "0" * 64])
def test_a_file_that_is_no_list_of_heads_is_refused(log: Log, tmp_path: Path, line: str) -> None:
    kept = tmp_path / "heads.tsv"
    kept.write_text(line + "\n")
    assert verification("--against", str(kept)) == (2, [f"{kept}, line 1: not a line of heads"])
    assert verification("--heads", str(kept))[0] == 2
    assert kept.read_text() == line + "\n"
