"""What the audit log tells of is compared with the rows: decisions, signed code sets, texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from catalog.models import Release
from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.actions.reject import reject
from coding_review.actions.set_line import set_poa, set_role
from coding_review.actions.sign_off import sign_off
from coding_review.actions.undo import redo, undo
from coding_review.audit import purge_payload
from coding_review.audit_rows import RowCounts, verify_rows
from coding_review.decision_hash import HASHED
from coding_review.models import (
    AuditEvent,
    CodeLine,
    CodeSet,
    Decision,
    DecisionPayload,
    DocumentVersion,
    Encounter,
)
from tests.coding_review.audit_sample import tamper, verification
from tests.coding_review.entries import DM, HF, suggest
from tests.deliveries import TEXT, delivery, document

MakeEncounter = Callable[..., Encounter]


@pytest.fixture
def signed(icd10cm: Release, make_encounter: MakeEncounter, coder: User) -> CodeSet:
    """Made by the product's own actions: a rejection undone and redone, role, POA, sign-off."""
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    heart_failure, diabetes = suggest(code_set, HF, DM)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, heart_failure.pk)
    reject(coder, code_set.pk, diabetes.pk, reason="other", comment="see the consult")
    undo(coder, code_set.pk)
    redo(coder, code_set.pk)
    set_role(coder, code_set.pk, heart_failure.pk, role="principal")
    set_poa(coder, code_set.pk, heart_failure.pk, poa="Y")
    return sign_off(coder, code_set.pk)


def faults() -> list[str]:
    return [str(fault) for fault in verify_rows(RowCounts())]


def event_of(decision: Decision) -> AuditEvent:
    return AuditEvent.objects.get(type="decision", data__decision_id=decision.pk)


def test_what_the_actions_write_agrees_with_the_log(signed: CodeSet) -> None:
    count = Decision.objects.count()
    assert count == 6
    code, lines = verification()
    assert (code, lines[1]) == (
        0,
        f"What it tells of is as it says: {count} decisions, 1 signed code sets, 0 overrides.",
    )


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("code_after = 'I50.22'", "code_after is 'I50.22', the log says 'I50.23'"),
        ("reason = 'negated'", "reason is 'negated', the log says ''"),
        (
            "action = 'add', assistance = 'full'",
            "action is 'add', the log says 'accept'; assistance is 'full', the log says 'none'",
        ),
        ("actor_id = NULL", "reviewer is None, the log says '{coder}'"),
    ],
)  # fmt: skip
def test_an_altered_decision_is_named(signed: CodeSet, coder: User, change: str, difference: str) -> None:
    decision = Decision.objects.get(number=1)
    event = event_of(decision)
    assert (event.data["assistance"], event.data["code_after"]) == ("none", HF[0])
    tamper(f"UPDATE {Decision._meta.db_table} SET {change} WHERE id = %s", decision.pk)
    fault = f"encounter:{signed.encounter_id} #{event.encounter_number} (event {event.pk}): decision {decision.pk}: "
    assert faults() == [fault + difference.format(coder=coder.pk)]
    assert verification()[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        """after = after || '{"role": "secondary", "poa": "N"}'""",
        """evidence_place = '{}'""",
        "at = at - interval '1 day'",
        "model_version = 'other'",
        "confidence_shown = 0.5",
    ],
)
def test_a_decision_altered_where_the_event_has_no_field_is_named(signed: CodeSet, change: str) -> None:
    decision = Decision.objects.get(number=1)
    event = event_of(decision)
    tamper(f"UPDATE {Decision._meta.db_table} SET {change} WHERE id = %s", decision.pk)
    assert faults() == [
        f"encounter:{signed.encounter_id} #{event.encounter_number} (event {event.pk}): "
        f"decision {decision.pk}: not what was decided"
    ]


@pytest.mark.parametrize(
    "change", ["comment = 'other words'", """quotes = '["other words"]'""", "purged_at = now()"]
)
def test_altered_words_of_a_decision_are_named(signed: CodeSet, change: str) -> None:
    decision = Decision.objects.get(number=2)
    event = event_of(decision)
    assert decision.payload.comment == "see the consult"
    tamper(f"UPDATE {DecisionPayload._meta.db_table} SET {change} WHERE decision_id = %s", decision.pk)
    assert faults() == [
        f"encounter:{signed.encounter_id} #{event.encounter_number} (event {event.pk}): "
        f"decision {decision.pk}: its comment or quotes are not those that the log keeps"
    ]


def test_words_purged_on_both_sides_are_no_fault(signed: CodeSet, coder: User) -> None:
    decision = Decision.objects.get(number=2)
    assert purge_payload(event_of(decision).pk, actor=coder) is True
    decision.payload.refresh_from_db()
    assert (decision.payload.comment, decision.payload.quotes) == ("", [])
    assert decision.payload.purged_at is not None
    assert (
        verification()[1][-1]
        == "What it tells of is as it says: 6 decisions, 1 signed code sets, 0 overrides."
    )


def test_every_column_of_a_decision_is_hashed() -> None:
    assert sorted(HASHED) == sorted(field.attname for field in Decision._meta.concrete_fields)


def test_a_removed_decision_is_named(signed: CodeSet) -> None:
    decision = Decision.objects.order_by("number").last()
    assert decision is not None
    event = event_of(decision)
    tamper(
        f"WITH words AS (DELETE FROM {DecisionPayload._meta.db_table} WHERE decision_id = %s)"
        f" DELETE FROM {Decision._meta.db_table} WHERE id = %s",
        decision.pk,
        decision.pk,
    )
    assert faults() == [
        f"encounter:{signed.encounter_id} #{event.encounter_number} (event {event.pk}): "
        "the decision that it tells of is gone"
    ]


def test_a_decision_put_in_beside_the_log_is_named(signed: CodeSet, coder: User) -> None:
    reading = signed.readings.get()
    decision = Decision.objects.create(
        entry=reading.entries.first(), reading=reading, number=99, action="accept", actor=coder,
        at=timezone.now(), system="icd10cm", code_after="I10", before={}, after={}, assistance="none",
    )  # fmt: skip
    assert faults() == [
        f"encounter:{signed.encounter_id} #0 (no row): decision {decision.pk}: no event tells of it"
    ]


@pytest.mark.parametrize(
    ("rows", "change"),
    [
        (CodeLine.objects, {"poa": "N"}),
        (CodeSet.objects, {"credential": "MD"}),
        (CodeSet.objects, {"signed_at": None}),
        (CodeSet.objects, {"release_stands_in": True}),
    ],
)
def test_what_is_signed_stays(signed: CodeSet, rows: Any, change: dict[str, object]) -> None:
    before = list(CodeLine.objects.values()), list(CodeSet.objects.values())
    for act in (lambda: rows.update(**change), lambda: rows.all().delete()):
        with pytest.raises((ProgrammingError, ProtectedError)), transaction.atomic():
            act()
    assert (list(CodeLine.objects.values()), list(CodeSet.objects.values())) == before
    CodeSet.objects.update(status="superseded")
    assert CodeSet.objects.get().status == "superseded"


@pytest.mark.parametrize("change", ["code = 'I50.22'", "poa = 'N'", "units = 2", "modifiers = '{LT}'"])
def test_an_altered_line_of_a_signed_code_set_is_named(signed: CodeSet, change: str) -> None:
    tamper(f"UPDATE {CodeLine._meta.db_table} SET {change}")
    _named(signed, f"code set {signed.pk}: not what was signed (version 1)")


@pytest.mark.parametrize(
    "change",
    [
        "credential = 'MD'",
        "signed_at = signed_at - interval '1 day'",
        "release_stands_in = true",
        "statement = ''",
    ],
)
def test_an_altered_signature_is_named(signed: CodeSet, change: str) -> None:
    tamper(f"UPDATE {CodeSet._meta.db_table} SET {change} WHERE id = %s", signed.pk)
    _named(signed, f"code set {signed.pk}: not what was signed (version 1)")


def test_a_signature_taken_away_is_named(signed: CodeSet) -> None:
    tamper(f"UPDATE {CodeSet._meta.db_table} SET status = 'open', signed_at = NULL WHERE id = %s", signed.pk)
    _named(signed, f"code set {signed.pk}: it was signed and is not any more")


def _named(code_set: CodeSet, problem: str) -> None:
    event = AuditEvent.objects.get(type="codeset.signed")
    where = f"encounter:{code_set.encounter_id} #{event.encounter_number} (event {event.pk})"
    assert faults() == [f"{where}: {problem}"]


def test_texts_are_as_they_were_received(icd10cm: Release, work_group: object) -> None:
    receive_encounter(None, delivery(), via="command")
    code, lines = verification("--texts")
    count = DocumentVersion.objects.count()
    assert (code, lines[1]) == (
        0, f"What it tells of is as it says: 0 decisions, 0 signed code sets, 0 overrides, {count} texts.",
    )  # fmt: skip
    version = DocumentVersion.objects.latest("pk")
    tamper(f"UPDATE {DocumentVersion._meta.db_table} SET text = text || ' ' WHERE id = %s", version.pk)
    code, lines = verification("--texts")
    event = AuditEvent.objects.get(type="encounter.received")
    what = f"document {version.document_id} version 1"
    assert (code, lines[0]) == (
        1, f"encounter:{version.document.encounter_id} #1 (event {event.pk}): {what}: the text was altered",
    )  # fmt: skip
    assert verification()[0] == 0


@pytest.mark.parametrize(
    "change",
    [{"text": "other"}, {"sha256": "0" * 64}, {"version": 7}, {"line_count": 1}, {"received_at": None}],
)
def test_a_text_once_received_stays(icd10cm: Release, work_group: object, change: dict[str, object]) -> None:
    receive_encounter(None, delivery(), via="command")
    versions = DocumentVersion.objects.order_by("pk")
    before = list(versions.values())
    for act in (lambda: versions.update(**change), lambda: versions._raw_delete("default")):
        with pytest.raises(ProgrammingError, match="pgtrigger: Cannot"), transaction.atomic():
            act()
    empty = f"TRUNCATE {DocumentVersion._meta.db_table} CASCADE"
    refused = pytest.raises(ProgrammingError, match="Cannot truncate")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(empty)
    assert list(versions.values()) == before


def test_another_text_is_another_version(icd10cm: Release, work_group: object) -> None:
    receive_encounter(None, delivery(), via="command")
    first = DocumentVersion.objects.order_by("pk").first()
    assert first is not None
    receive_encounter(None, delivery(document(text=f"{TEXT}Addendum.")), via="command")
    versions = list(first.document.versions.order_by("version").values_list("version", "is_latest", "text"))
    assert versions == [(1, False, TEXT), (2, True, f"{TEXT}Addendum.")]
    assert verification("--texts")[0] == 0


def test_a_text_exchanged_with_its_hash_is_named(icd10cm: Release, work_group: object) -> None:
    receive_encounter(None, delivery(), via="command")
    version = DocumentVersion.objects.latest("pk")
    tamper(
        f"UPDATE {DocumentVersion._meta.db_table} SET text = 'x', sha256 = %s WHERE id = %s",
        hashlib.sha256(b"x").hexdigest(),
        version.pk,
    )
    code, lines = verification("--texts")
    what = f"document {version.document_id} version 1"
    assert (code, lines[0]) == (
        1, f"encounter:{version.document.encounter_id} #0 (no row): {what}: no event tells of this text",
    )  # fmt: skip
