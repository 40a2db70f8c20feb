"""A re-run shows only what changed: decisions stand, a refused code returns only on new evidence."""

from __future__ import annotations

import pytest

from catalog.choices import ClaimType
from coding_review.actions.accept import accept
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.actions.reject import reject
from coding_review.choices import (
    Assistance,
    DecisionAction,
    EncounterStatus,
    EntryNote,
    EntryOrigin,
    EntryState,
    RunTrigger,
)
from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.models import (
    AuditEvent,
    CodeEntry,
    CodeSet,
    Decision,
    EntryEvidence,
    Exposure,
    PredictionRun,
    Reading,
)
from coding_review.prediction import predict_run
from tests.prediction_steps import entries, predicted, replace_text, taken_by

pytestmark = pytest.mark.django_db
FIRST = "Hypertension. [I10 0.95]\nAnemia. [D64.9 0.70]"


@pytest.fixture
def encounter(icd10cm, marked_engine, make_encounter, coder):
    """Predicted from FIRST and taken by the coder."""
    encounter = make_encounter(
        {"clinic note": FIRST}, status=EncounterStatus.RECEIVED, claim_types=(ClaimType.PROFESSIONAL,)
    )
    predicted(encounter)
    return taken_by(encounter, coder)


@pytest.fixture
def code_set(encounter):
    return CodeSet.objects.get(encounter=encounter)


def rerun(encounter, text):
    replace_text(encounter, text)
    predicted(encounter, RunTrigger.DOCUMENT)
    return AuditEvent.objects.filter(type="prediction.finished").latest("pk").data


def figures(data):
    return (data["new"], data["changed"], data["gone"])


def quotes(entry):
    return [e.quote for e in entry.evidence.all()]


def test_the_first_run_marks_nothing_as_new(encounter):
    found = entries(encounter)
    assert {code: (e.state, e.note) for code, e in found.items()} == {
        "I10": (EntryState.UNDECIDED, EntryNote.NONE),
        "D64.9": (EntryState.UNDECIDED, EntryNote.NONE),
    }
    assert not Decision.objects.exists()
    assert CodeSet.objects.get(encounter=encounter).revision == 1


def test_the_same_answer_changes_nothing(encounter, marked_engine):
    versions = {e.code: e.version for e in entries(encounter).values()}
    marked_engine.model_version = "marked-2"
    runs = predicted(encounter, RunTrigger.MODEL)

    found = entries(encounter)
    assert {e.code: e.version for e in found.values()} == versions
    assert {e.suggestion.run for e in found.values()} == set(runs)
    assert EntryEvidence.objects.count() == 2
    assert not Decision.objects.exists()
    assert CodeSet.objects.get(encounter=encounter).revision == 1
    assert figures(AuditEvent.objects.filter(type="prediction.finished").latest("pk").data) == (0, 0, 0)


def test_the_same_words_in_a_newer_version_follow_without_a_note(encounter):
    data = rerun(encounter, f"A new heading.\n{FIRST}")
    entry = entries(encounter)["I10"]
    evidence = entry.evidence.get()
    assert (evidence.line_start, evidence.document_version.version) == (2, 2)
    assert (entry.note, entry.version) == (EntryNote.NONE, 0)
    assert figures(data) == (0, 0, 0)


def test_a_code_that_comes_later_is_marked_new(encounter):
    data = rerun(encounter, f"{FIRST}\nHypokalemia. [E87.6 0.93]")
    entry = entries(encounter)["E87.6"]
    assert (entry.state, entry.note, entry.rank) == (EntryState.UNDECIDED, EntryNote.NEW, 3)
    assert figures(data) == (1, 0, 0)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.high_count, encounter.medium_count) == (
        EncounterStatus.IN_REVIEW,
        2,
        1,
    )
    assert CodeSet.objects.get(encounter=encounter).revision == 2


def test_nothing_is_new_to_someone_who_never_looked(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter({"clinic note": FIRST}, status=EncounterStatus.RECEIVED)
    predicted(encounter)
    rerun(encounter, f"{FIRST}\nHypokalemia. [E87.6 0.93]")
    assert entries(encounter)["E87.6"].note == EntryNote.NONE


def test_an_accepted_code_stands_and_tells_of_new_evidence(encounter, code_set, coder):
    accept(coder, code_set.pk, entries(encounter)["I10"].pk)
    data = rerun(encounter, f"{FIRST}\nBlood pressure remains high. [I10 0.95]")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.note) == (EntryState.ACCEPTED, EntryNote.NEW_EVIDENCE)
    assert quotes(entry) == ["Hypertension.", "Blood pressure remains high."]
    assert entry.version == 2
    assert Decision.objects.count() == 1
    assert figures(data) == (0, 1, 0)


def test_a_rejected_code_stays_rejected_on_the_same_evidence(encounter, code_set, coder):
    reject(coder, code_set.pk, entries(encounter)["I10"].pk, reason="not_documented")
    data = rerun(encounter, f"A new heading.\n{FIRST}")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.reason) == (EntryState.REJECTED, "not_documented")
    assert entry.note == EntryNote.NONE
    assert Decision.objects.count() == 1
    assert figures(data) == (0, 0, 0)


def test_the_same_words_at_another_line_are_no_new_evidence(encounter, code_set, coder):
    reject(coder, code_set.pk, entries(encounter)["I10"].pk, reason="not_documented")
    rerun(encounter, f"{FIRST}\nHypertension. [I10 0.95]")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.note) == (EntryState.REJECTED, EntryNote.NONE)


def test_a_rejected_code_returns_on_new_evidence_and_says_so(encounter, code_set, coder):
    reject(coder, code_set.pk, entries(encounter)["I10"].pk, reason="not_documented")
    data = rerun(encounter, f"{FIRST}\nBlood pressure remains high. [I10 0.95]")

    entry = entries(encounter)["I10"]
    assert (entry.state, entry.reason) == (EntryState.UNDECIDED, "")
    assert entry.note == EntryNote.NEW_EVIDENCE_AFTER_REJECTION
    assert quotes(entry) == ["Hypertension.", "Blood pressure remains high."]
    decision = Decision.objects.latest("number")
    assert (decision.action, decision.actor, decision.number) == (DecisionAction.CARRY_OVER, None, 2)
    assert (decision.before["state"], decision.after["state"]) == ("rejected", "undecided")
    assert (decision.before["reason"], decision.after["reason"]) == ("not_documented", "")
    event = AuditEvent.objects.filter(type="decision").latest("pk")
    assert (event.actor, event.data["decision_id"]) == (None, decision.pk)
    assert figures(data) == (0, 1, 0)
    encounter.refresh_from_db()
    assert encounter.decided_count == 0


def test_evidence_once_refused_does_not_bring_a_code_back_later(encounter, code_set, coder):
    """It went with one version of the document and came back with the next."""
    reject(coder, code_set.pk, entries(encounter)["I10"].pk, reason="not_documented")
    rerun(encounter, "Anemia. [D64.9 0.70]")
    rerun(encounter, FIRST + "\n")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.note) == (EntryState.REJECTED, EntryNote.NONE)


def test_a_quote_of_an_earlier_run_is_not_new_though_the_entry_has_lost_it(encounter, code_set, coder):
    rerun(encounter, "Blood pressure remains high. [I10 0.95]")
    assert quotes(entries(encounter)["I10"]) == ["Blood pressure remains high."]
    reject(coder, code_set.pk, entries(encounter)["I10"].pk, reason="not_documented")
    rerun(encounter, "Hypertension. [I10 0.95]")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.note) == (EntryState.REJECTED, EntryNote.NONE)
    assert quotes(entry) == ["Blood pressure remains high.", "Hypertension."]


def test_a_rejected_code_that_stands_by_hand_does_not_return_beside_itself(encounter, code_set, coder):
    rejected = entries(encounter)["I10"]
    reject(coder, code_set.pk, rejected.pk, reason="wrong_evidence")
    added = CodeEntry.objects.create(
        reading=rejected.reading, origin=EntryOrigin.ADDED, state=EntryState.ADDED, code="I10", sequence=1
    )
    rerun(encounter, f"{FIRST}\nBlood pressure remains high. [I10 0.95]")
    rejected.refresh_from_db()
    assert (rejected.state, rejected.note) == (EntryState.REJECTED, EntryNote.NONE)
    added.refresh_from_db()
    assert (added.state, added.note) == (EntryState.ADDED, EntryNote.NEW_EVIDENCE)
    assert quotes(added) == ["Hypertension.", "Blood pressure remains high."]


def test_an_undecided_code_no_longer_suggested_is_withdrawn_by_the_system(encounter):
    data = rerun(encounter, "Hypertension. [I10 0.95]")
    entry = entries(encounter)["D64.9"]
    assert (entry.state, entry.note) == (EntryState.WITHDRAWN, EntryNote.NO_LONGER_SUGGESTED)
    decision = Decision.objects.get()
    assert (decision.action, decision.actor) == (DecisionAction.CARRY_OVER, None)
    assert decision.assistance == Assistance.NONE
    assert (decision.code_before, decision.code_after) == ("D64.9", "")
    assert figures(data) == (0, 0, 1)
    encounter.refresh_from_db()
    assert (encounter.high_count, encounter.medium_count) == (1, 0)


def test_a_withdrawn_code_suggested_again_comes_back_as_the_same_entry(encounter):
    before = entries(encounter)["D64.9"]
    rerun(encounter, "Hypertension. [I10 0.95]")
    data = rerun(encounter, FIRST + "\n")
    entry = entries(encounter)["D64.9"]
    assert (entry.pk, entry.state, entry.note) == (before.pk, EntryState.UNDECIDED, EntryNote.NEW)
    assert quotes(entry) == ["Anemia."]
    assert figures(data) == (0, 1, 0)


def test_a_decided_code_no_longer_suggested_stands_with_a_note(encounter, code_set, coder):
    accept(coder, code_set.pk, entries(encounter)["I10"].pk)
    data = rerun(encounter, "Anemia. [D64.9 0.70]")
    entry = entries(encounter)["I10"]
    assert (entry.state, entry.note) == (EntryState.ACCEPTED, EntryNote.NO_LONGER_SUGGESTED)
    assert quotes(entry) == ["Hypertension."]
    assert figures(data) == (0, 0, 1)

    assert figures(rerun(encounter, "Anemia still. [D64.9 0.70]"))[2] == 0
    rerun(encounter, FIRST + "\n")
    assert entries(encounter)["I10"].note == EntryNote.NONE


def test_a_code_added_by_hand_and_then_suggested_is_one_entry(encounter, code_set):
    reading = Reading.objects.get(code_set=code_set)
    added = CodeEntry.objects.create(
        reading=reading, origin=EntryOrigin.ADDED, state=EntryState.ADDED, code="E87.6", title="Hypokalemia"
    )
    data = rerun(encounter, f"{FIRST}\nPotassium was low, hypokalemia. [E87.6 0.93]")

    entry = CodeEntry.objects.get(reading=reading, code="E87.6")
    assert (entry.pk, entry.state, entry.origin) == (added.pk, EntryState.ADDED, EntryOrigin.ADDED)
    assert (entry.suggestion.code, entry.band, entry.note) == ("E87.6", "high", EntryNote.NEW_EVIDENCE)
    assert entry.suggested_code == ""
    assert quotes(entry) == ["Potassium was low, hypokalemia."]
    assert figures(data) == (0, 1, 0)


def test_a_code_that_a_coder_modified_to_and_now_suggested_is_one_entry(encounter, code_set):
    entry = entries(encounter)["D64.9"]
    CodeEntry.objects.filter(pk=entry.pk).update(state=EntryState.MODIFIED, code="D50.0", sequence=1)
    data = rerun(encounter, "Hypertension. [I10 0.95]\nIron deficiency anemia from bleeding. [D50.0 0.92]")
    assert set(entries(encounter)) == {"I10", "D64.9"}
    entry.refresh_from_db()
    assert (entry.state, entry.code, entry.note) == (EntryState.MODIFIED, "D50.0", EntryNote.NEW_EVIDENCE)
    assert quotes(entry) == ["Anemia.", "Iron deficiency anemia from bleeding."]
    assert figures(data) == (0, 1, 0)


def test_a_seen_suggestion_tells_of_new_evidence_and_drops_what_is_no_longer_cited(encounter, coder):
    entry = entries(encounter)["I10"]
    Exposure.objects.create(entry=entry, user=coder, assistance=Assistance.FULL, rank=1, band="high")
    rerun(encounter, "Anemia. [D64.9 0.70]\nBlood pressure remains high. [I10 0.95]")
    entry.refresh_from_db()
    assert (entry.state, entry.note, entry.rank) == (EntryState.UNDECIDED, EntryNote.NEW_EVIDENCE, 2)
    assert quotes(entry) == ["Blood pressure remains high."]


def test_a_reviewers_own_evidence_stays_where_it_was_put(encounter):
    entry = entries(encounter)["I10"]
    own = entry.evidence.get()
    own.by_reviewer = True
    own.save()
    rerun(encounter, f"A new heading.\n{FIRST}")
    places = entry.evidence.order_by("order").values_list("by_reviewer", "line_start", "stands")
    assert list(places) == [(True, 1, True), (False, 2, True)]


def test_a_band_that_changed_is_a_change(encounter):
    data = rerun(encounter, "Hypertension. [I10 0.65]\nAnemia. [D64.9 0.70]")
    entry = entries(encounter)["I10"]
    assert (entry.band, entry.confidence, entry.version) == ("medium", 0.65, 1)
    assert figures(data) == (0, 1, 0)


def test_evidence_found_again_clears_the_note_that_it_was_lost(encounter, code_set, coder):
    accept(coder, code_set.pk, entries(encounter)["I10"].pk)
    CodeEntry.objects.filter(suggested_code="I10").update(note=EntryNote.EVIDENCE_LOST)
    EntryEvidence.objects.filter(entry__suggested_code="I10").update(stands=False)
    rerun(encounter, f"A new heading.\n{FIRST}")
    entry = entries(encounter)["I10"]
    assert entry.note == EntryNote.NONE
    assert [(e.stands, e.line_start) for e in entry.evidence.all()] == [(True, 2)]


def test_a_changed_document_carries_over_merges_and_returns_what_has_new_evidence(
    encounter, code_set, coder, lead
):
    """The whole way: the newer text comes in, quotes that stand move, the run lays its answer over them."""
    accept(coder, code_set.pk, entries(encounter)["I10"].pk)
    reject(coder, code_set.pk, entries(encounter)["D64.9"].pk, reason="not_documented")
    document = encounter.documents.get()
    newer = "Addendum.\nHypertension. [I10 0.95]\nIron pills for anemia. [D64.9 0.80]"
    delivery = IncomingEncounter(
        source=encounter.source,
        source_id=encounter.source_id,
        facility=encounter.facility.code,
        work_group=encounter.work_group.code,
        documents=(IncomingDocument(document.source_id, newer, document.type),),
    )
    receive_encounter(lead, delivery, via="api")
    lost = entries(encounter)["D64.9"]
    assert (lost.state, lost.note) == (EntryState.REJECTED, EntryNote.EVIDENCE_LOST)

    run = PredictionRun.objects.latest("pk")
    assert predict_run(run.pk)

    found = entries(encounter)
    assert (found["I10"].state, found["I10"].note) == (EntryState.ACCEPTED, EntryNote.NONE)
    assert [(e.quote, e.line_start, e.stands) for e in found["I10"].evidence.all()] == [
        ("Hypertension.", 2, True)
    ]
    assert found["D64.9"].state == EntryState.UNDECIDED
    assert found["D64.9"].note == EntryNote.NEW_EVIDENCE_AFTER_REJECTION
    assert [(e.quote, e.stands) for e in found["D64.9"].evidence.all()] == [
        ("Anemia.", False),
        ("Iron pills for anemia.", True),
    ]
