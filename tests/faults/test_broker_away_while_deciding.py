"""Redis goes away while a coder decides: decisions stand, by page and by API, and what would have been sent is sent
when it is back, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from coding_review.actions.receive_encounter import Outcome, receive_encounter
from coding_review.audit_check import verify
from coding_review.choices import RunStatus
from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.models import AuditEvent, CodeEntry, Decision, PredictionRun
from tests.coding_review.api_cases import Case, case, client_of
from tests.coding_review.entries import DM, HF
from tests.faults.conftest import Broker, wait_until

__all__ = ["case"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def late(case: Case) -> IncomingEncounter:
    encounter = case.encounter
    return IncomingEncounter(
        source=encounter.source,
        source_id=encounter.source_id,
        facility=encounter.facility.code,
        work_group=encounter.work_group.code,
        documents=(IncomingDocument("late", "Anemia. [D64.9 0.70]", "clinic note"),),
    )


@pytest.mark.timeout(600)
def test_decisions_stand_and_what_was_not_sent_is_sent_later(
    marked_engine: Any,
    case: Case,
    coder: User,
    lead: User,
    broker: Broker,
    beat: Any,
    start_worker: Any,
    settings: Any,
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": broker.url}
    }
    browser = Client()
    browser.force_login(coder)
    api = client_of(coder)
    before = PredictionRun.objects.count()
    broker.stop()

    accept = {"action": "accept", "version": "0"}
    assert browser.post(case.url("/entries/{entry}/decide/"), accept).status_code == 302
    rejected = {
        "action": "reject",
        "reason": "not_documented",
        "version": 0,
        "act": "5f2b1f5e-5a0c-4f0e-9a53-0b6f3f6f7c11",
    }
    address = f"/api/entries/{case.entries[DM[0]].pk}/decide/"
    assert api.post(address, rejected, format="json").status_code == 200
    assert receive_encounter(lead, late(case), via="api").outcome == Outcome.NEW_DOCUMENT

    assert [case.entry(code[0]).state for code in (HF, DM)] == ["accepted", "rejected"]
    assert Decision.objects.count() == AuditEvent.objects.filter(type="decision").count() == 2
    decided = set(Decision.objects.values_list("pk", "entry", "action"))
    (run,) = PredictionRun.objects.order_by("pk")[before:]
    assert run.status == RunStatus.QUEUED

    broker.start()
    start_worker()
    wait_until(lambda: not PredictionRun.objects.filter(status=RunStatus.QUEUED).exists(), seconds=120)
    wait_until(lambda: PredictionRun.objects.get(pk=run.pk).status == RunStatus.DONE, seconds=120)
    finished = AuditEvent.objects.filter(type="prediction.finished", encounter=case.encounter)
    assert [event.data["run_id"] for event in finished] == [run.pk]
    assert [case.entry(code[0]).state for code in (HF, DM)] == ["accepted", "rejected"]
    assert CodeEntry.objects.filter(reading__code_set=case.code_set, code="D64.9").count() == 1
    # What came later stands beside them.
    assert decided <= set(Decision.objects.values_list("pk", "entry", "action"))
    assert list(verify()) == []
