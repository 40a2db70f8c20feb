"""Bringing something in tells nothing about records that are not open to whoever brings it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coding_review.actions.receive_encounter import Outcome
from coding_review.choices import Role
from coding_review.errors import NotAllowed
from coding_review.incoming import IncomingIdentity, IncomingPatient
from coding_review.models import Encounter, Membership, Patient
from tests.deliveries import delivery, document, row_counts, send
from tests.personas import person

pytestmark = pytest.mark.usefixtures("icd10cm", "marked_engine", "work_group")
IDENTITY = IncomingIdentity("Vance, Mo", "M1", date(1948, 2, 11))
HERE: dict[str, Any] = {"source_id": "E2", "facility": "CEDAR", "work_group": "outpatient"}


@pytest.fixture
def stranger(other_work_group: Any) -> Any:
    """Imports and reads, at another facility than the encounters of `delivery`."""
    return person("stranger", Role.LEAD, other_work_group, "very_restricted")


@pytest.mark.parametrize(
    "identity",
    [None, replace(IDENTITY, name="Vance, Moe"), replace(IDENTITY, record_number="M2"),
     replace(IDENTITY, birth_date=None)],
)  # fmt: skip
def test_a_guessed_pseudonym_opens_no_name(stranger: Any, identity: IncomingIdentity | None) -> None:
    send(delivery())
    before = row_counts()
    with pytest.raises(NotAllowed, match="This patient is known from encounters that are not open to you"):
        send(delivery(**HERE, patient=IncomingPatient("P1", identity=identity)), stranger)
    assert row_counts() == before


def test_who_knows_the_patient_brings_a_further_encounter(stranger: Any, lead: Any) -> None:
    send(delivery())
    assert (
        send(delivery(**HERE, patient=IncomingPatient("P1", identity=IDENTITY)), stranger).outcome
        == "created"
    )
    # From then on the patient is among those the stranger sees, and to the lead it was all along.
    again = {**HERE, "source_id": "E3"}
    assert send(delivery(**again, patient=IncomingPatient("P1")), stranger).outcome == "created"
    assert send(delivery(source_id="E4", patient=IncomingPatient("P1")), lead).outcome == "created"
    assert Patient.objects.count() == 1
    assert Encounter.objects.filter(patient__pseudonym="P1").count() == 4


def test_a_label_above_ones_own_is_not_brought_in(lead: Any) -> None:
    Membership.objects.filter(user=lead).update(ceiling="normal")
    before = row_counts()
    with pytest.raises(NotAllowed, match="confidentiality label is above yours"):
        send(delivery(confidentiality="restricted"), lead)
    assert row_counts() == before


def test_nothing_is_told_of_an_encounter_with_a_label_above(lead: Any) -> None:
    send(delivery(confidentiality="restricted"))
    assert send(delivery(), lead).outcome == Outcome.UNCHANGED
    Membership.objects.filter(user=lead).update(ceiling="normal")
    before = row_counts()
    for incoming in (delivery(), delivery(document("d2", "Mine."))):
        with pytest.raises(NotAllowed, match="confidentiality label is above yours"):
            send(incoming, lead)
    assert row_counts() == before
