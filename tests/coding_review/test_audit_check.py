"""Every tampering with the audit log is named by verify_audit_log."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction

from coding_review import audit
from coding_review.audit_check import Counts, Verification, verify, verify_encounter
from coding_review.models import AuditEvent, AuditPayload
from tests.coding_review.audit_sample import CHAIN, EVENT, PAYLOAD, Log, as_owner, verification

REPLACED = "one of the two was replaced, moved or put in"
ROWS = "What it tells of is as it says: 0 decisions, 0 signed code sets, 0 overrides."


def test_a_whole_log_verifies_with_counts(log: Log) -> None:
    assert verification() == (
        0,
        ["The audit log verifies: 7 events in 4 chains, 3 payloads (0 purged).", ROWS],
    )
    assert verification("--encounter", str(log.one.pk)) == (
        0,
        ["The audit log verifies: 5 events in 1 chains, 3 payloads (0 purged)."],
    )
    assert verify_encounter(log.one.pk) == Verification(Counts(events=5, chains=1, payloads=3), [])
    assert verify_encounter(log.two.pk + 1000) == Verification(Counts(), [])


def test_an_altered_row_is_named(log: Log) -> None:
    with as_owner() as run:
        run(f"""UPDATE {EVENT} SET data = data || '{{"reason": "other"}}' WHERE id = %s""", log.pk(2))
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
    event.data = {"reason": "other"}
    with as_owner() as run:
        run(
            f"""UPDATE {EVENT} SET data = '{{"reason": "other"}}', hash = %s WHERE id = %s""",
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
    assert verification() == (
        0,
        ["The audit log verifies: 8 events in 4 chains, 3 payloads (1 purged).", ROWS],
    )
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
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert (code, lines[2]) == (0, f"Digest of 4 heads: {digest}")
    assert verification("--heads")[1][2] == lines[2]
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
