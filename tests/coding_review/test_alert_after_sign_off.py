"""What the page offers about a document that came after sign-off, and what comes of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.set_line import set_role
from coding_review.actions.sign_off import sign_off
from coding_review.models import AuditEvent, DocumentAlert, DocumentVersion, Encounter
from tests.coding_review.entries import HF, suggest

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(icd10cm, make_encounter, coder, client):
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, entry.pk, poa="Y")
    set_role(coder, code_set.pk, entry.pk, role="principal")
    sign_off(coder, code_set.pk)
    Encounter.objects.filter(pk=encounter.pk).update(open_alerts=1)
    client.force_login(coder)
    return DocumentAlert.objects.create(
        encounter=encounter,
        document_version=DocumentVersion.objects.get(),
        kind="new_document",
        after_sign_off=True,
    )


def test_it_is_kept_or_reopened_not_only_seen(alert, client) -> None:
    html = client.get(reverse("web:review", args=[alert.encounter_id, "facility_inpatient"])).content.decode()
    assert '<a href="?panel=sign-off" data-panel="sign-off">Reopen as the next version</a>' in html
    assert 'name="resolution" value="no_change">Keep the codes as signed</button>' in html
    assert ">Seen</button>" not in html


def test_keeping_the_codes_is_said_in_the_log(alert, client) -> None:
    client.post(reverse("web:alert-seen", args=[alert.pk]), {"resolution": "no_change"})
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    event = AuditEvent.objects.get(type="document.alert_resolved")
    assert event.data == {"alert_id": alert.pk, "resolution": "no_change"}
    assert Encounter.objects.get().open_alerts == 0
