"""Evidence and a new version of its document: it moves where the quote stands, else it is listed as lost."""

from __future__ import annotations

import pytest
from django.db import transaction

from coding_review.actions.accept import accept
from coding_review.actions.carry_over import carry_over, catch_up
from coding_review.actions.claim import claim
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.actions.reject import reject
from coding_review.actions.reopen import reopen
from coding_review.actions.undo import undo
from coding_review.audit_check import verify
from coding_review.choices import CodeSetStatus, DecisionAction, EncounterStatus, EntryNote, EntryState
from coding_review.errors import NothingToUndo
from coding_review.locks import lock_encounter
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Decision,
    DocumentVersion,
    Encounter,
    EntryEvidence,
)
from tests.deliveries import delivery, document, predict_waiting
from tests.prediction_steps import entries, replace_text

pytestmark = pytest.mark.django_db

OLD = "SUMMARY\nType 2 diabetes. [E11.9 0.95]\nAsthma. [J45.909 0.80]\nGout. [M10.9 0.70]"


@pytest.fixture
def encounter(icd10cm, marked_engine, work_group, coder) -> Encounter:
    """Predicted and with a coder, who has accepted the diabetes and rejected the asthma."""
    receipt = receive_encounter(None, delivery(document(text=OLD)), via="command")
    encounter = Encounter.objects.get(pk=receipt.encounter_id)
    predict_waiting()
    code_set = CodeSet.objects.get()
    for entry in entries(encounter).values():
        assert entry.evidence.count() == 1
    claim(coder, encounter.pk)
    found = entries(encounter)
    accept(coder, code_set.pk, found["E11.9"].pk)
    reject(coder, code_set.pk, found["J45.909"].pk, reason="not_documented")
    encounter.refresh_from_db()
    return encounter


def place(code: str, encounter: Encounter) -> tuple[int, int, int, int, int, bool]:
    e = EntryEvidence.objects.get(entry=entries(encounter)[code])
    return e.document_version.version, e.line_start, e.line_end, e.col_start, e.col_end, e.stands


@transaction.atomic
def arrive(encounter: Encounter, text: str) -> DocumentVersion:
    """Another text of the document, carried over, without the prediction that follows."""
    lock_encounter(encounter.pk)
    old = DocumentVersion.objects.get(document__encounter=encounter, is_latest=True)
    new = replace_text(encounter, text, "d1")
    carry_over(encounter, old, new)
    return new


def test_quotes_that_stand_move_and_the_others_are_listed(encounter):
    new = "SUMMARY\nSeen today.\n\U0001f600 Known Type 2 diabetes.\nGout. [M10.9 0.70]"
    before = {code: entry.version for code, entry in entries(encounter).items()}
    receipt = receive_encounter(None, delivery(document(text=new)), via="command")

    assert receipt.outcome == "new_version"
    # Another line, the columns in code points; what no longer stands keeps its place in the old version.
    assert place("E11.9", encounter) == (2, 3, 3, 8, 24, True)
    assert place("M10.9", encounter) == (2, 4, 4, 0, 5, True)
    assert place("J45.909", encounter) == (1, 3, 3, 0, 7, False)
    found = entries(encounter)
    assert {code: str(entry.note) for code, entry in found.items()} == {
        "E11.9": "",
        "M10.9": "",
        "J45.909": "evidence_lost",
    }
    assert {code: str(entry.state) for code, entry in found.items()} == {
        "E11.9": "accepted",
        "M10.9": "undecided",
        "J45.909": "rejected",
    }
    assert {code: entry.version - before[code] for code, entry in found.items()} == {
        "E11.9": 1,
        "M10.9": 1,
        "J45.909": 1,
    }


def test_what_was_decided_is_decided_on_again_by_the_system_and_audited(encounter, coder):
    arrive(encounter, "SUMMARY\n\nType 2 diabetes.")

    carried = Decision.objects.filter(action=DecisionAction.CARRY_OVER).order_by("number")
    assert [(d.actor, d.code_before, d.code_after) for d in carried] == [
        (None, "E11.9", "E11.9"),
        (None, "J45.909", "J45.909"),
    ]
    moved, lost = carried
    assert moved.batch == lost.batch
    assert (moved.before["state"], moved.after["state"]) == ("accepted", "accepted")
    assert [(e["line_start"], e["stands"]) for e in moved.before["evidence"]] == [(2, True)]
    assert [(e["line_start"], e["stands"]) for e in moved.after["evidence"]] == [(3, True)]
    assert [(e["line_start"], e["stands"]) for e in lost.after["evidence"]] == [(3, False)]
    assert moved.evidence_place["version"] == 2
    events = AuditEvent.objects.filter(type="decision", data__action="carry_over")
    assert [e.data["entry_id"] for e in events.order_by("pk")] == [moved.entry_id, lost.entry_id]
    assert list(verify()) == []
    # The quotes of the old text are gone, so what was decided on them cannot be undone back to them.
    with pytest.raises(NothingToUndo):
        undo(coder, CodeSet.objects.get().pk)


def test_a_stale_page_is_noticed(encounter, coder):
    revision = CodeSet.objects.get().revision
    arrive(encounter, "SUMMARY\nnothing")
    assert CodeSet.objects.get().revision == revision + 1


def test_a_quote_that_comes_back_stands_again(encounter):
    arrive(encounter, "SUMMARY\nAsthma.")
    assert place("E11.9", encounter) == (1, 2, 2, 0, 16, False)
    arrive(encounter, "SUMMARY\nAsthma.\nType 2 diabetes.")
    assert place("E11.9", encounter) == (3, 3, 3, 0, 16, True)
    assert entries(encounter)["E11.9"].note == EntryNote.NONE


def test_one_of_two_places_is_enough(encounter):
    entry = entries(encounter)["E11.9"]
    EntryEvidence.objects.create(
        entry=entry,
        document_version=DocumentVersion.objects.get(),
        line_start=4,
        line_end=4,
        col_start=0,
        col_end=4,
        quote="Gout",
        order=1,
    )
    arrive(encounter, "SUMMARY\nGout.")
    entry.refresh_from_db()
    assert entry.note == EntryNote.NONE
    assert list(entry.evidence.order_by("order").values_list("stands", "line_start")) == [
        (False, 2),
        (True, 2),
    ]


def test_a_document_entered_in_error_loses_all_its_evidence(encounter):
    receipt = receive_encounter(None, delivery(document(text=OLD, status="entered_in_error")), via="command")
    assert receipt.outcome == "new_version"
    assert set(EntryEvidence.objects.values_list("stands", flat=True)) == {False}
    assert {str(e.note) for e in entries(encounter).values()} == {"evidence_lost"}
    assert entries(encounter)["E11.9"].state == EntryState.ACCEPTED


def test_a_signed_code_set_keeps_its_evidence_until_it_is_reopened(encounter):
    CodeSet.objects.update(status=CodeSetStatus.SIGNED)
    Encounter.objects.update(status=EncounterStatus.SIGNED_OFF)
    decisions = Decision.objects.count()
    receipt = receive_encounter(None, delivery(document(text="SUMMARY\n\nType 2 diabetes.")), via="command")
    assert receipt.outcome == "late_after_sign_off"
    assert place("E11.9", encounter) == (1, 2, 2, 0, 16, True)
    assert Decision.objects.count() == decisions

    CodeSet.objects.update(status=CodeSetStatus.OPEN)
    with transaction.atomic():
        carried = catch_up(lock_encounter(encounter.pk))
    assert place("E11.9", encounter) == (2, 3, 3, 0, 16, True)
    assert place("J45.909", encounter) == (1, 3, 3, 0, 7, False)
    assert (len(carried.moved), len(carried.lost), len(carried.entries_without)) == (1, 2, 2)


def test_reopening_carries_the_evidence_over_and_the_signed_one_keeps_its_own(encounter, coder):
    signed = CodeSet.objects.get()
    CodeSet.objects.update(status=CodeSetStatus.SIGNED)
    Encounter.objects.update(status=EncounterStatus.SIGNED_OFF)
    receive_encounter(None, delivery(document(text="SUMMARY\n\nType 2 diabetes.")), via="command")

    new = reopen(coder, signed.pk, reason="late_document")

    def places(code_set: CodeSet) -> dict[str, tuple[int, int, bool]]:
        rows = EntryEvidence.objects.filter(entry__reading__code_set=code_set)
        return {
            e.entry.code: (e.document_version.version, e.line_start, e.stands)
            for e in rows.select_related("entry", "document_version")
        }

    assert places(new) == {"E11.9": (2, 3, True), "J45.909": (1, 3, False), "M10.9": (1, 4, False)}
    assert places(signed) == {"E11.9": (1, 2, True), "J45.909": (1, 3, True), "M10.9": (1, 4, True)}
    assert list(verify()) == []


def test_what_a_signed_code_set_was_read_from(encounter):
    first = DocumentVersion.objects.get()
    second = arrive(encounter, "SUMMARY")
    versions = DocumentVersion.objects
    assert list(versions.as_of(encounter, first.received_at)) == [first]
    assert list(versions.as_of(encounter, second.received_at)) == [second]


def test_evidence_in_other_documents_is_left_alone(encounter):
    receive_encounter(None, delivery(document("d2", "Gout is here. [M10.9 0.9]")), via="command")
    before = list(EntryEvidence.objects.order_by("pk").values())
    receive_encounter(None, delivery(document("d2", "Nothing.")), via="command")
    assert list(EntryEvidence.objects.order_by("pk").values()) == before
