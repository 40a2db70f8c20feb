"""What an encounter lacked comes with a later delivery; what stands is never replaced, what is signed not touched."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User

from coding_review.actions.receive_encounter import Receipt, receive_encounter
from coding_review.choices import EncounterStatus
from coding_review.incoming import IncomingEncounter
from coding_review.models import AuditEvent, CodeSet, Encounter, WorkGroup
from tests.deliveries import delivery, predict_waiting, row_counts

pytestmark = pytest.mark.django_db


def send(incoming: IncomingEncounter, actor: User | None = None) -> Receipt:
    return receive_encounter(actor, incoming, via="command")


@pytest.fixture
def ready(icd10cm: Any, marked_engine: Any, work_group: WorkGroup) -> Encounter:
    """Taken in and predicted, waiting for a coder."""
    encounter = Encounter.objects.get(pk=send(delivery()).encounter_id)
    predict_waiting()
    encounter.refresh_from_db()
    return encounter


def test_a_discharge_that_comes_later_is_filled_in_and_the_prediction_runs(
    icd10cm, marked_engine, work_group, lead
):
    first = send(delivery(discharge_date=None, age=None, account_number="", payer=""))
    encounter = Encounter.objects.get(pk=first.encounter_id)
    assert (encounter.status, CodeSet.objects.get().release) == ("failed", None)

    receipt = send(delivery(payer="Medicare"), lead)

    filled = ("account_number", "discharge_date", "payer", "age")
    assert receipt == Receipt("filled_in", encounter.pk, updated=filled)
    encounter.refresh_from_db()
    assert (encounter.discharge_date, encounter.sort_date) == (date(2026, 6, 9), date(2026, 6, 9))
    assert (encounter.age, encounter.account_number, encounter.payer) == (78.0, "A1", "Medicare")
    assert (encounter.status, CodeSet.objects.get().release) == ("queued", icd10cm)
    event = AuditEvent.objects.get(type="encounter.updated")
    assert (event.actor, event.data) == (lead, {"fields": list(filled), "via": "command"})
    before = row_counts()
    assert send(delivery(payer="Medicare")).outcome == "unchanged"
    assert row_counts() == before


def test_a_later_discharge_before_the_admission_stays_out(icd10cm, marked_engine, work_group):
    encounter = Encounter.objects.get(pk=send(delivery(discharge_date=None)).encounter_id)
    receipt = send(delivery(admit_date=None, discharge_date=date(2026, 5, 30)))
    assert receipt == Receipt("unchanged", encounter.pk, kept=("discharge_date",))
    encounter.refresh_from_db()
    assert (encounter.admit_date, encounter.discharge_date) == (date(2026, 6, 1), None)


def test_nothing_is_filled_in_once_a_code_set_is_signed(ready):
    Encounter.objects.filter(pk=ready.pk).update(status=EncounterStatus.SIGNED_OFF, payer="")
    CodeSet.objects.update(status="signed")
    before = row_counts()
    assert send(delivery(payer="Medicare")) == Receipt("unchanged", ready.pk, kept=("payer",))
    assert row_counts() == before
    ready.refresh_from_db()
    assert ready.payer == ""
