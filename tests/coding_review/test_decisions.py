"""Accept, modify, reject, add, dismiss, hold, undo and redo, line fields, evidence: rows and audit events."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from coding_review.actions.accept import accept
from coding_review.actions.add_code import Selection, add_code
from coding_review.actions.claim import claim
from coding_review.actions.dismiss import dismiss, dismiss_remaining_low
from coding_review.actions.hold_entry import hold_entry
from coding_review.actions.modify import modify
from coding_review.actions.record_exposure import record_exposure
from coding_review.actions.reject import reject
from coding_review.actions.set_evidence import set_evidence
from coding_review.actions.set_line import ProcedureDetails, set_poa, set_procedure, set_role
from coding_review.actions.set_sequence import move_line
from coding_review.actions.undo import redo, undo
from coding_review.audit_check import verify
from coding_review.errors import (
    InvalidCode,
    InvalidDecision,
    InvalidEvidence,
    NotAllowed,
    NothingToUndo,
    NotYours,
    StalePage,
    WrongStatus,
)
from coding_review.models import AuditEvent, CodeEntry, CodeSet, Decision, DocumentVersion
from tests.coding_review.entries import CKD, DM, HF, PNEUMONIA, SOB, suggest

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(icd10cm, make_encounter, coder):
    """A claimed inpatient stay with five suggestions."""
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    entries = suggest(code_set, HF, DM, CKD, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    return code_set, dict(zip(("hf", "dm", "ckd", "sob", "pneumonia"), entries, strict=True))


def state_of(entry: CodeEntry) -> str:
    return CodeEntry.objects.values_list("state", flat=True).get(pk=entry.pk)


def nothing_written(code_set: CodeSet) -> bool:
    return (
        not Decision.objects.filter(reading__code_set=code_set).exists()
        and not AuditEvent.objects.filter(type="decision").exists()
    )


def test_accept_keeps_title_of_the_release_and_writes_decision_and_event(case, coder, icd10cm) -> None:
    code_set, entries = case
    entry = accept(coder, code_set.pk, entries["hf"].pk, seen_version=0)
    assert (entry.state, entry.code, entry.version, entry.sequence) == ("accepted", "I50.23", 1, 1)
    assert entry.title == "Acute on chronic systolic (congestive) heart failure"
    decision = Decision.objects.get()
    assert (decision.action, decision.code_before, decision.code_after) == ("accept", "I50.23", "I50.23")
    assert (decision.engine, decision.model_version, decision.release_name) == (
        "embedded",
        "embedded-test",
        str(icd10cm),
    )
    assert decision.evidence_place["line_start"] == 3
    assert decision.payload.quotes == ["Acute on chronic systolic heart failure"]
    event = AuditEvent.objects.get(type="decision")
    assert event.data["decision_id"] == decision.pk
    assert (event.data["state_before"], event.data["state_after"]) == ("undecided", "accepted")
    assert "heart failure" not in str(event.data)
    code_set.refresh_from_db()
    code_set.encounter.refresh_from_db()
    assert code_set.revision == 1
    assert (code_set.encounter.decided_count, code_set.encounter.coded_count) == (1, 1)


def test_a_form_sent_twice_decides_once(case, coder) -> None:
    code_set, entries = case
    act = uuid4()
    accept(coder, code_set.pk, entries["hf"].pk, seen_version=0, batch=act)
    again = accept(coder, code_set.pk, entries["hf"].pk, seen_version=0, batch=act)
    assert (again.state, again.version) == ("accepted", 1)
    assert Decision.objects.count() == 1


def test_a_stale_page_changes_nothing_and_names_both_states(case, coder) -> None:
    code_set, entries = case
    accept(coder, code_set.pk, entries["hf"].pk, seen_version=0)
    with pytest.raises(StalePage) as caught:
        reject(coder, code_set.pk, entries["hf"].pk, reason="negated", seen_version=0)
    assert caught.value.data == {
        "entry_id": entries["hf"].pk,
        "seen_version": 0,
        "version": 1,
        "state": "accepted",
        "code": "I50.23",
    }
    assert state_of(entries["hf"]) == "accepted"
    assert Decision.objects.count() == 1


def test_only_who_has_the_encounter_decides(
    case, coder, other_coder, outsider, expert, auditor, admin
) -> None:
    code_set, entries = case
    for user, error in [
        (other_coder, NotYours),
        (outsider, NotAllowed),
        (expert, NotAllowed),
        (auditor, NotAllowed),
        (admin, NotAllowed),
    ]:
        with pytest.raises(error):
            accept(user, code_set.pk, entries["hf"].pk)
    assert state_of(entries["hf"]) == "undecided"
    assert nothing_written(code_set)


def test_an_encounter_must_be_taken_first(icd10cm, make_encounter, coder) -> None:
    code_set = make_encounter().code_sets.get()
    (entry,) = suggest(code_set, HF)
    with pytest.raises(WrongStatus, match="take it"):
        accept(coder, code_set.pk, entry.pk)
    assert nothing_written(code_set)


def test_reject_needs_a_known_reason_and_other_needs_words(case, coder) -> None:
    code_set, entries = case
    for reason, comment in [("", ""), ("because", "x"), ("other", "  ")]:
        with pytest.raises(InvalidDecision):
            reject(coder, code_set.pk, entries["pneumonia"].pk, reason=reason, comment=comment)
    assert nothing_written(code_set)
    entry = reject(coder, code_set.pk, entries["pneumonia"].pk, reason="other", comment="Not in this stay")
    assert (entry.state, entry.reason) == ("rejected", "other")
    decision = Decision.objects.get()
    assert decision.payload.comment == "Not in this stay"
    event = AuditEvent.objects.get(type="decision")
    assert event.payload.body["comment"] == "Not in this stay"
    assert "Not in this stay" not in str(event.data)


def test_modify_takes_a_billable_code_of_the_release_only(case, coder) -> None:
    code_set, entries = case
    for code, words in [("I50", "not billable"), ("I50.99", "not in"), ("I50.23", "suggested code")]:
        with pytest.raises((InvalidCode, InvalidDecision), match=words):
            modify(coder, code_set.pk, entries["hf"].pk, code=code)
    assert nothing_written(code_set)
    entry = modify(coder, code_set.pk, entries["hf"].pk, code="i5033", reason="not_specific")
    assert (entry.state, entry.code, entry.suggested_code) == ("modified", "I50.33", "I50.23")
    decision = Decision.objects.get()
    assert (decision.code_before, decision.code_after, decision.reason) == (
        "I50.23",
        "I50.33",
        "not_specific",
    )


def test_a_code_stands_once(case, coder) -> None:
    code_set, entries = case
    accept(coder, code_set.pk, entries["hf"].pk)
    with pytest.raises(InvalidDecision, match=r"I50\.23 is already"):
        modify(coder, code_set.pk, entries["sob"].pk, code="I50.23")
    assert state_of(entries["sob"]) == "undecided"


def test_only_low_is_dismissed_and_all_low_in_one_undoable_act(case, coder) -> None:
    code_set, entries = case
    with pytest.raises(InvalidDecision, match="LOW"):
        dismiss(coder, code_set.pk, entries["hf"].pk)
    dismissed = dismiss_remaining_low(coder, code_set.pk)
    assert [e.code for e in dismissed] == ["R06.02", "J18.9"]
    assert len({d.batch for d in Decision.objects.all()}) == 1
    undo(coder, code_set.pk)
    assert (state_of(entries["sob"]), state_of(entries["pneumonia"])) == ("undecided", "undecided")


def test_undo_and_redo_of_every_kind(case, coder) -> None:
    code_set, entries = case
    before = {k: state_of(e) for k, e in entries.items()}
    accept(coder, code_set.pk, entries["hf"].pk)
    modify(coder, code_set.pk, entries["dm"].pk, code="E11.21")
    reject(coder, code_set.pk, entries["pneumonia"].pk, reason="negated")
    hold_entry(coder, code_set.pk, entries["ckd"].pk, comment="Stage?")
    set_role(coder, code_set.pk, entries["hf"].pk, role="principal")
    after = {k: state_of(e) for k, e in entries.items()}
    assert after == {
        "hf": "accepted",
        "dm": "modified",
        "ckd": "held",
        "sob": "undecided",
        "pneumonia": "rejected",
    }
    for _ in range(5):
        undo(coder, code_set.pk)
    assert {k: state_of(e) for k, e in entries.items()} == before
    assert CodeEntry.objects.get(pk=entries["dm"].pk).code == "E11.22"
    with pytest.raises(NothingToUndo):
        undo(coder, code_set.pk)
    for _ in range(5):
        redo(coder, code_set.pk)
    assert {k: state_of(e) for k, e in entries.items()} == after
    hf = CodeEntry.objects.get(pk=entries["hf"].pk)
    assert hf.role == "principal"
    with pytest.raises(NothingToUndo):
        redo(coder, code_set.pk)
    assert Decision.objects.filter(action="withdraw").count() == 5
    assert list(Decision.objects.values_list("number", flat=True)) == list(range(1, 16))


def test_undo_leaves_someone_elses_decision_alone(case, coder, other_coder, lead) -> None:
    from coding_review.actions.reassign import reassign

    code_set, entries = case
    accept(coder, code_set.pk, entries["hf"].pk)
    reassign(lead, code_set.encounter_id, to=other_coder)
    with pytest.raises(NothingToUndo, match="someone else"):
        undo(other_coder, code_set.pk)
    assert state_of(entries["hf"]) == "accepted"


def version_of(code_set: CodeSet) -> DocumentVersion:
    return DocumentVersion.objects.get(document__encounter=code_set.encounter)


def test_add_with_selected_text_and_undo(case, coder) -> None:
    code_set, _ = case
    document = version_of(code_set)
    entry = add_code(
        coder,
        code_set.pk,
        code="Z79.4",
        selections=(Selection(document.pk, 4, 4, 0, 24, "Type 2 diabetes mellitus"),),
    )
    assert (entry.state, entry.title, entry.poa) == ("added", "Long term (current) use of insulin", "1")
    evidence = entry.evidence.get()
    assert (evidence.line_start, evidence.col_start, evidence.col_end) == (4, 0, 24)
    assert (evidence.quote, evidence.by_reviewer) == ("Type 2 diabetes mellitus", True)
    decision = Decision.objects.get()
    assert (decision.action, decision.code_before, decision.code_after) == ("add", "", "Z79.4")
    undo(coder, code_set.pk)
    assert state_of(entry) == "withdrawn"
    redo(coder, code_set.pk)
    assert state_of(entry) == "added"


@pytest.mark.parametrize("decided", ["", "reject", "hold"])
def test_adding_a_suggested_code_accepts_its_entry_and_keeps_the_evidence(case, coder, decided) -> None:
    code_set, entries = case
    document, ckd = version_of(code_set), entries["ckd"]
    if decided == "reject":
        reject(coder, code_set.pk, ckd.pk, reason="negated")
    elif decided == "hold":
        hold_entry(coder, code_set.pk, ckd.pk)
    state = state_of(ckd)
    count = CodeEntry.objects.count()
    selections = (Selection(document.pk, 5, 5), Selection(document.pk, 4, 4, 63, 75, "CKD stage 3b"))
    assert ckd.evidence.get().quote == "CKD stage 3b"
    entry = add_code(coder, code_set.pk, code="n1832", selections=selections, comment="Found by search")
    assert entry == ckd
    assert CodeEntry.objects.count() == count
    assert (entry.state, entry.origin, entry.code, entry.reason) == ("accepted", "suggested", "N18.32", "")
    assert entry.title == "Chronic kidney disease, stage 3b"
    places = [(e.line_start, e.order, e.by_reviewer) for e in entry.evidence.all()]
    # What the engine cited already is not there twice.
    assert places == [(4, 0, False), (5, 1, True)]
    decision = Decision.objects.order_by("number").last()
    assert (decision.action, decision.code_before, decision.code_after) == ("add", "N18.32", "N18.32")
    assert decision.payload.comment == "Found by search"
    event = AuditEvent.objects.filter(type="decision").last()
    assert (event.data["action"], event.data["state_before"], event.data["state_after"]) == (
        "add",
        state,
        "accepted",
    )
    assert list(verify()) == []
    undo(coder, code_set.pk)
    assert (state_of(ckd), ckd.evidence.count()) == (state, 1)
    redo(coder, code_set.pk)
    assert (state_of(ckd), ckd.evidence.count()) == ("accepted", 2)


def test_adding_a_code_that_stands_as_another_ones_modification_is_refused(case, coder) -> None:
    code_set, entries = case
    modify(coder, code_set.pk, entries["sob"].pk, code="N18.32")
    before = Decision.objects.count()
    place = Selection(version_of(code_set).pk, 5, 5)
    with pytest.raises(
        InvalidDecision, match=r"^N18\.32 is already in the code set\. Reject this one as a dup"
    ):
        add_code(coder, code_set.pk, code="N18.32", selections=(place,))
    assert state_of(entries["ckd"]) == "undecided"
    assert entries["ckd"].evidence.count() == 1
    assert Decision.objects.count() == before


def test_adding_a_code_twice_by_hand_says_only_that_it_is_there(case, coder) -> None:
    code_set, _ = case
    add_code(coder, code_set.pk, code="0DTN0ZZ", system="icd10pcs")
    with pytest.raises(InvalidDecision, match=r"^0DTN0ZZ is already in the code set\.$"):
        add_code(coder, code_set.pk, code="0DTN0ZZ", system="icd10pcs")
    assert Decision.objects.count() == 1


def test_adding_the_suggestion_that_was_modified_away_is_a_line_of_its_own(case, coder) -> None:
    code_set, entries = case
    modify(coder, code_set.pk, entries["ckd"].pk, code="N18.31")
    entry = add_code(
        coder, code_set.pk, code="N18.32", selections=(Selection(version_of(code_set).pk, 5, 5),)
    )
    assert (entry.origin, entry.state) == ("added", "added")
    assert state_of(entries["ckd"]) == "modified"


def test_evidence_that_is_there_already_changes_nothing(case, coder) -> None:
    code_set, entries = case
    place = Selection(version_of(code_set).pk, 4, 4)
    set_evidence(coder, code_set.pk, entries["ckd"].pk, add=(place, place))
    set_evidence(coder, code_set.pk, entries["ckd"].pk, add=(place,))
    assert entries["ckd"].evidence.count() == 2
    assert Decision.objects.count() == 1


def test_add_refuses_missing_and_wrong_evidence_and_other_systems(case, coder) -> None:
    code_set, _ = case
    document = version_of(code_set)
    count = CodeEntry.objects.count()
    with pytest.raises(InvalidEvidence):
        add_code(coder, code_set.pk, code="Z79.4")
    with pytest.raises(InvalidEvidence):
        add_code(
            coder, code_set.pk, code="Z79.4", selections=(Selection(document.pk, 4, 4, 0, 24, "Type 1"),)
        )
    with pytest.raises(InvalidCode, match="does not go on"):
        add_code(coder, code_set.pk, code="99213", system="cpt")
    with pytest.raises(InvalidCode, match="seven characters"):
        add_code(coder, code_set.pk, code="0QS6", system="icd10pcs")
    assert CodeEntry.objects.count() == count
    assert nothing_written(code_set)


def test_a_principal_unseats_the_one_before(case, coder) -> None:
    code_set, entries = case
    accept(coder, code_set.pk, entries["hf"].pk)
    accept(coder, code_set.pk, entries["dm"].pk)
    set_role(coder, code_set.pk, entries["hf"].pk, role="principal")
    changed = set_role(coder, code_set.pk, entries["dm"].pk, role="principal")
    assert [(e.code, e.role) for e in changed] == [("I50.23", "secondary"), ("E11.22", "principal")]
    undo(coder, code_set.pk)
    roles = dict(CodeEntry.objects.filter(state="accepted").values_list("code", "role"))
    assert roles == {"I50.23": "principal", "E11.22": "secondary"}


def test_roles_and_poa_go_with_the_claim_type(icd10cm, make_encounter, coder) -> None:
    encounter = make_encounter(claim_types=("professional",))
    code_set = encounter.code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, entry.pk)
    with pytest.raises(InvalidDecision):
        set_role(coder, code_set.pk, entry.pk, role="principal")
    with pytest.raises(InvalidDecision):
        set_poa(coder, code_set.pk, entry.pk, poa="Y")
    assert Decision.objects.count() == 1
    set_role(coder, code_set.pk, entry.pk, role="first_listed")
    assert CodeEntry.objects.get().role == "first_listed"


def test_poa_is_set_and_undone(case, coder) -> None:
    code_set, entries = case
    accept(coder, code_set.pk, entries["hf"].pk)
    set_poa(coder, code_set.pk, entries["hf"].pk, poa="Y")
    assert Decision.objects.last().after["poa"] == "Y"
    undo(coder, code_set.pk)
    assert CodeEntry.objects.get(pk=entries["hf"].pk).poa == ""
    with pytest.raises(InvalidDecision):
        set_poa(coder, code_set.pk, entries["hf"].pk, poa="Q")


def test_lines_move(case, coder) -> None:
    code_set, entries = case
    for key in ("hf", "dm", "ckd"):
        accept(coder, code_set.pk, entries[key].pk)
    changed = move_line(coder, code_set.pk, entries["ckd"].pk, by=-1)
    assert {(e.code, e.sequence) for e in changed} == {("N18.32", 2), ("E11.22", 3)}
    undo(coder, code_set.pk)
    order = CodeEntry.objects.coded().values_list("code", "sequence")
    assert list(order) == [("I50.23", 1), ("E11.22", 2), ("N18.32", 3)]


def test_procedure_details(icd10cm, make_encounter, coder) -> None:
    encounter = make_encounter(claim_types=("professional",))
    code_set = encounter.code_sets.get()
    claim(coder, encounter.pk)
    entry = add_code(coder, code_set.pk, code="99213", system="cpt")
    assert entry.role == ""
    with pytest.raises(InvalidDecision, match="role does not go"):
        set_role(coder, code_set.pk, entry.pk, role="secondary")
    details = ProcedureDetails(("25", "lt"), 2, date(2026, 6, 9), "Okafor", (1, 1, 2))
    changed = set_procedure(coder, code_set.pk, entry.pk, details=details)
    assert (changed.modifiers, changed.units, changed.diagnosis_pointers) == (["25", "LT"], 2, [1, 2])
    with pytest.raises(InvalidDecision, match="modifiers"):
        set_procedure(coder, code_set.pk, entry.pk, details=ProcedureDetails(("25", "LT", "59", "76", "77")))
    undo(coder, code_set.pk)
    assert CodeEntry.objects.get().modifiers == []
    reject(coder, code_set.pk, entry.pk, reason="duplicate")
    assert CodeEntry.objects.get().role == ""


def test_evidence_is_added_taken_away_and_brought_back(case, coder) -> None:
    code_set, entries = case
    entry, document = entries["ckd"], version_of(code_set)
    set_evidence(coder, code_set.pk, entry.pk, add=(Selection(document.pk, 4, 4),))
    assert [e.quote for e in entry.evidence.all()] == [
        "CKD stage 3b",
        "Type 2 diabetes mellitus with diabetic chronic kidney disease, CKD stage 3b.",
    ]
    first = entry.evidence.first()
    set_evidence(coder, code_set.pk, entry.pk, remove=(first.pk,))
    assert entry.evidence.count() == 1
    undo(coder, code_set.pk)
    undo(coder, code_set.pk)
    assert [e.quote for e in entry.evidence.all()] == ["CKD stage 3b"]
    with pytest.raises(InvalidDecision, match="at least one"):
        set_evidence(coder, code_set.pk, entry.pk, remove=tuple(entry.evidence.values_list("pk", flat=True)))
    assert entry.evidence.count() == 1


def test_a_decision_keeps_what_was_shown(case, coder) -> None:
    code_set, entries = case
    counted = record_exposure(
        coder, code_set.pk, shown=[e.pk for e in entries.values()] + [999_999], opened=[entries["hf"].pk]
    )
    assert counted == 5
    accept(coder, code_set.pk, entries["hf"].pk)
    reject(coder, code_set.pk, entries["pneumonia"].pk, reason="negated")
    hf, pneumonia = Decision.objects.order_by("number")
    assert (hf.assistance, hf.rank_shown, hf.band_shown, hf.evidence_opened) == ("full", 1, "high", True)
    assert (pneumonia.rank_shown, pneumonia.evidence_opened) == (5, False)
    assert hf.first_shown_at is not None
    code_set.readings.get().refresh_from_db()
    assert code_set.readings.get().assistance == "full"
