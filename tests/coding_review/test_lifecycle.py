"""Taking, parking, skipping, holding, reassigning, signing off, reopening, returning."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim, claim_next, park_expired_leases
from coding_review.actions.dismiss import dismiss_remaining_low
from coding_review.actions.hold import hold, resume
from coding_review.actions.modify import modify
from coding_review.actions.reassign import reassign
from coding_review.actions.record_activity import record_activity
from coding_review.actions.reject import reject
from coding_review.actions.reopen import reopen
from coding_review.actions.return_encounter import return_encounter
from coding_review.actions.set_line import set_poa, set_role
from coding_review.actions.sign_off import sign_off
from coding_review.actions.skip import skip
from coding_review.actions.undo import undo
from coding_review.choices import EncounterStatus
from coding_review.errors import (
    Frozen,
    InvalidDecision,
    NotAllowed,
    NothingToDo,
    NothingToUndo,
    NotYours,
    SignOffBlocked,
    StalePage,
)
from coding_review.models import AuditEvent, CodeSet, Decision, Encounter, Hold
from tests.coding_review.entries import CKD, DM, HF, PNEUMONIA, SOB, suggest

pytestmark = pytest.mark.django_db


def events(encounter: Encounter) -> list[str]:
    rows = AuditEvent.objects.filter(encounter=encounter).order_by("encounter_number")
    return list(rows.values_list("type", flat=True))


def test_claim_gives_a_lease_and_is_audited(make_encounter, coder, settings) -> None:
    settings.LEASE_MINUTES = 15
    encounter = claim(coder, make_encounter().pk)
    assert (encounter.status, encounter.owner) == ("in_review", coder)
    left = encounter.lease_until - timezone.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert events(encounter) == ["encounter.claimed"]


def test_a_second_coder_cannot_take_it_even_after_the_lease_ran_out(
    make_encounter, coder, other_coder
) -> None:
    encounter = claim(coder, make_encounter().pk)
    Encounter.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert park_expired_leases() == 1
    with pytest.raises(NotYours):
        claim(other_coder, encounter.pk)
    encounter.refresh_from_db()
    assert (encounter.owner, encounter.lease_until, encounter.status) == (coder, None, "in_review")
    assert events(encounter) == ["encounter.claimed", "encounter.parked"]
    claim(coder, encounter.pk)
    encounter.refresh_from_db()
    assert encounter.has_lease()


def test_who_may_not_see_it_cannot_take_it(make_encounter, coder, outsider, auditor) -> None:
    normal, restricted = make_encounter(), make_encounter(confidentiality="restricted")
    for user, encounter in [(outsider, normal), (auditor, normal), (coder, restricted)]:
        with pytest.raises(NotAllowed):
            claim(user, encounter.pk)
    assert set(Encounter.objects.values_list("status", flat=True)) == {"ready"}
    assert not AuditEvent.objects.exists()


def test_next_follows_priority_then_age_and_returned_comes_first(make_encounter, coder, other_coder) -> None:
    from datetime import date

    young = make_encounter(on=date(2026, 6, 20))
    old = make_encounter(on=date(2026, 6, 1))
    urgent = make_encounter(on=date(2026, 6, 25), priority=5)
    mine = make_encounter(on=date(2026, 6, 28), status=EncounterStatus.RETURNED, owner=coder)
    make_encounter(status=EncounterStatus.RETURNED, owner=other_coder)
    make_encounter(status=EncounterStatus.PREDICTING)
    got = [claim_next(coder).pk for _ in range(4)]
    assert got == [mine.pk, urgent.pk, old.pk, young.pk]
    with pytest.raises(NothingToDo):
        claim_next(coder)


def test_skip_needs_a_reason_and_is_not_offered_again(make_encounter, coder, other_coder) -> None:
    encounter = claim(coder, make_encounter().pk)
    with pytest.raises(InvalidDecision):
        skip(coder, encounter.pk, reason="")
    skip(coder, encounter.pk, reason="not_my_specialty")
    with pytest.raises(NothingToDo):
        claim_next(coder)
    assert claim_next(other_coder).pk == encounter.pk


def test_hold_keeps_owner_and_age_and_resumes(make_encounter, coder, other_coder) -> None:
    encounter = claim(coder, make_encounter().pk)
    held = hold(coder, encounter.pk, reason="provider_query", comment="Type of heart failure?")
    encounter.refresh_from_db()
    assert (encounter.status, encounter.owner, encounter.lease_until) == ("on_hold", coder, None)
    with pytest.raises(NotYours):
        resume(other_coder, encounter.pk)
    with pytest.raises(NotYours):
        claim(other_coder, encounter.pk)
    resume(coder, encounter.pk)
    held.refresh_from_db()
    assert held.ended_at is not None
    assert events(encounter) == ["encounter.claimed", "encounter.held", "encounter.resumed"]
    assert "heart failure" not in str(AuditEvent.objects.get(type="encounter.held").data)


def test_only_a_lead_reassigns_and_only_to_a_coder_of_the_group(
    make_encounter, coder, other_coder, outsider, lead, expert
) -> None:
    encounter = claim(coder, make_encounter().pk)
    hold(coder, encounter.pk, reason="pending_result")
    with pytest.raises(NotAllowed):
        reassign(other_coder, encounter.pk, to=other_coder)
    for person in (outsider, expert):
        with pytest.raises(InvalidDecision):
            reassign(lead, encounter.pk, to=person)
    assert Encounter.objects.get().owner == coder
    reassign(lead, encounter.pk, to=other_coder)
    assert Encounter.objects.get().owner == other_coder
    assert Hold.objects.get().owner == other_coder
    event = AuditEvent.objects.get(type="encounter.reassigned")
    assert (event.data["owner_before"], event.data["owner_after"]) == (coder.pk, other_coder.pk)


@pytest.fixture
def coded(icd10cm, make_encounter, coder):
    """Everything decided, principal and POA set: nothing blocks."""
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    hf, dm, ckd, *_ = suggest(code_set, HF, DM, CKD, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, dm.pk)
    accept(coder, code_set.pk, hf.pk)
    reject(coder, code_set.pk, ckd.pk, reason="not_specific")
    dismiss_remaining_low(coder, code_set.pk)
    set_role(coder, code_set.pk, hf.pk, role="principal")
    for entry in (hf, dm):
        set_poa(coder, code_set.pk, entry.pk, poa="Y")
    return CodeSet.objects.get()


def test_sign_off_names_what_blocks_and_freezes_nothing(icd10cm, make_encounter, coder) -> None:
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    hf, *_ = suggest(code_set, HF, CKD, SOB)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, hf.pk)
    with pytest.raises(SignOffBlocked) as caught:
        sign_off(coder, code_set.pk)
    assert [(b["id"], b["count"]) for b in caught.value.data["blockers"]] == [
        ("undecided", 1),
        ("no_principal", 1),
        ("poa", 1),
    ]
    code_set.refresh_from_db()
    assert (code_set.status, code_set.lines.count()) == ("open", 0)
    assert "codeset.signed" not in events(encounter)


def test_sign_off_freezes_lines_editions_and_signer(coded, coder, icd10cm) -> None:
    signed = sign_off(coder, coded.pk, seen_revision=coded.revision)
    lines = list(signed.lines.values_list("sequence", "code", "role", "poa"))
    assert lines == [(1, "I50.23", "principal", "Y"), (2, "E11.22", "secondary", "Y")]
    assert (signed.credential, signed.signed_by, signed.status) == ("CCS", coder, "signed")
    assert signed.editions["icd10cm"] == {"edition": str(icd10cm), "source_hash": icd10cm.source_hash}
    assert signed.editions["engines"] == [{"engine": "embedded", "model_version": "embedded-test"}]
    assert len(signed.sha256) == 64
    assert signed.encounter.status == "signed_off" or Encounter.objects.get().status == "signed_off"
    entry = signed.readings.get().entries.get(code="I50.23")
    with pytest.raises(Frozen):
        accept(coder, signed.pk, entry.pk)
    with pytest.raises(Frozen):
        undo(coder, signed.pk)
    with pytest.raises(Frozen):
        sign_off(coder, signed.pk)


def test_sign_off_of_a_page_that_is_behind_is_refused(coded, coder) -> None:
    with pytest.raises(StalePage):
        sign_off(coder, coded.pk, seen_revision=coded.revision - 1)
    assert CodeSet.objects.get().status == "open"


def test_experts_and_others_do_not_sign(coded, expert, other_coder, outsider) -> None:
    for user, error in [(expert, NotAllowed), (other_coder, NotYours), (outsider, NotAllowed)]:
        with pytest.raises(error):
            sign_off(user, coded.pk)
    assert CodeSet.objects.get().status == "open"


def test_an_encounter_outside_every_release_is_not_signed(icd10cm, make_encounter, coder) -> None:
    from datetime import date

    encounter = make_encounter(on=date(2026, 10, 14), claim_types=("professional",))
    code_set = encounter.code_sets.get()
    assert code_set.release is None
    claim(coder, encounter.pk)
    with pytest.raises(SignOffBlocked) as caught:
        sign_off(coder, code_set.pk)
    assert "no_release" in [b["id"] for b in caught.value.data["blockers"]]


def test_two_claim_types_are_signed_one_by_one(icd10cm, make_encounter, coder) -> None:
    encounter = make_encounter(claim_types=("facility_outpatient", "professional"))
    claim(coder, encounter.pk)
    for code_set in encounter.code_sets.order_by("pk"):
        (entry,) = suggest(code_set, HF)
        accept(coder, code_set.pk, entry.pk)
        set_role(coder, code_set.pk, entry.pk, role="first_listed")
    first, second = encounter.code_sets.order_by("pk")
    sign_off(coder, first.pk)
    assert Encounter.objects.get().status == "in_review"
    sign_off(coder, second.pk)
    assert Encounter.objects.get().status == "signed_off"


def test_reopening_makes_the_next_version_and_leaves_the_signed_one(coded, coder, other_coder) -> None:
    signed = sign_off(coder, coded.pk)
    sha = signed.sha256
    with pytest.raises(InvalidDecision):
        reopen(coder, signed.pk, reason="")
    with pytest.raises(NotYours):
        reopen(other_coder, signed.pk, reason="denial")
    new = reopen(coder, signed.pk, reason="denial", comment="Payer asks")
    assert (new.version, new.status, new.reopen_reason) == (2, "open", "denial")
    states = dict(new.readings.get().entries.values_list("code", "state"))
    assert states == {
        "I50.23": "accepted",
        "E11.22": "accepted",
        "N18.32": "rejected",
        "R06.02": "dismissed",
        "J18.9": "dismissed",
    }
    signed.refresh_from_db()
    assert (signed.status, signed.sha256, signed.lines.count()) == ("superseded", sha, 2)
    with pytest.raises(NothingToUndo):
        undo(coder, new.pk)
    entry = new.readings.get().entries.get(code="E11.22")
    modify(coder, new.pk, entry.pk, code="E11.21")
    again = sign_off(coder, new.pk)
    assert [line.code for line in again.lines.all()] == ["I50.23", "E11.21"]
    assert [line.code for line in signed.lines.all()] == ["I50.23", "E11.22"]


def test_a_lead_returns_a_signed_encounter_to_its_coder(coded, coder, lead, other_coder) -> None:
    sign_off(coder, coded.pk)
    with pytest.raises(NotAllowed):
        return_encounter(coder, coded.encounter_id, reason="audit", comment="x")
    with pytest.raises(InvalidDecision):
        return_encounter(lead, coded.encounter_id, reason="audit", comment=" ")
    encounter = return_encounter(lead, coded.encounter_id, reason="audit", comment="Check the principal")
    assert (encounter.status, encounter.owner, encounter.status_reason) == ("returned", coder, "Audit")
    assert CodeSet.objects.current().get().version == 2
    with pytest.raises(NothingToDo):
        claim_next(other_coder)
    assert claim_next(coder).pk == encounter.pk


def test_activity_counts_at_most_what_passed_and_slides_the_lease(
    coded, coder, other_coder, settings
) -> None:
    settings.IDLE_MINUTES = 5
    Encounter.objects.update(lease_until=None)
    began = time.monotonic()
    row = record_activity(coder, coded.pk, seconds=4000)
    assert row.seconds == 300
    row = record_activity(coder, coded.pk, seconds=4000)
    # And what passed between the two, in whole seconds.
    assert row.seconds <= 301 + time.monotonic() - began
    assert Encounter.objects.get().has_lease()
    assert record_activity(other_coder, coded.pk, seconds=30) is None


@pytest.mark.django_db(transaction=True)
def test_two_coders_asking_for_the_next_at_once_never_get_the_same(
    make_encounter, coder, other_coder
) -> None:
    for _ in range(6):
        make_encounter()
    got: dict[str, list[int]] = {"a": [], "b": []}
    start = threading.Barrier(2)

    def take(key: str, user) -> None:
        try:
            start.wait(timeout=60)
            for _ in range(3):
                got[key].append(claim_next(user).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=pair) for pair in (("a", coder), ("b", other_coder))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(got["a"]) == len(got["b"]) == 3
    assert not set(got["a"]) & set(got["b"])


@pytest.mark.django_db(transaction=True)
def test_two_acts_at_once_on_one_entry_leave_one_decision_and_one_refusal(
    icd10cm, make_encounter, coder
) -> None:
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, encounter.pk)
    start, outcome = threading.Barrier(2), []

    def act(do) -> None:
        try:
            start.wait(timeout=60)
            do()
            outcome.append("done")
        except StalePage:
            outcome.append("stale")
        finally:
            connection.close()

    acts = [
        lambda: accept(coder, code_set.pk, entry.pk, seen_version=0),
        lambda: reject(coder, code_set.pk, entry.pk, reason="negated", seen_version=0),
    ]
    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(outcome) == ["done", "stale"]
    assert Decision.objects.count() == 1
