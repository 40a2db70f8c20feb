"""Taking in a delivery: created once, versions never overwritten, late documents flagged, bad ones leave nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from coding_review.actions.receive_encounter import Receipt
from coding_review.actions.resolve_alert import resolve_alert
from coding_review.audit_check import verify
from coding_review.choices import AlertKind, EncounterStatus
from coding_review.errors import InvalidDecision, InvalidImport, NotAllowed
from coding_review.incoming import IncomingIdentity, IncomingPatient
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Document,
    DocumentAlert,
    DocumentVersion,
    Encounter,
    Patient,
    PatientIdentity,
    PredictionRun,
    WorkGroup,
)
from tests.deliveries import TEXT, delivery, document, predict_waiting, row_counts, send, sha
from tests.prediction_steps import taken_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(icd10cm: Any, marked_engine: Any, work_group: WorkGroup) -> Encounter:
    """Taken in and predicted, waiting for a coder."""
    encounter = Encounter.objects.get(pk=send(delivery()).encounter_id)
    predict_waiting()
    encounter.refresh_from_db()
    return encounter


# --- A new encounter -----------------------------------------------------------------------------------


def test_a_new_encounter_is_stored_as_received_and_queued(icd10cm, marked_engine, work_group, lead):
    facility = work_group.facility
    facility.time_zone = "America/Chicago"
    facility.save()
    local = datetime(2026, 6, 9, 10, 30)  # noqa: DTZ001 - as a source without zones sends it
    receipt = send(
        delivery(
            document("d1", author="Dr. Roe", author_role="attending", authored_at=local),
            document("d2", "Consult.", type="consult", status="draft"),
            claim_types=("facility_inpatient", "professional"),
            confidentiality="restricted",
            priority=3,
            synthetic=True,
        ),
        lead,
    )

    encounter = Encounter.objects.get()
    first, second = DocumentVersion.objects.order_by("pk")
    assert receipt == Receipt("created", encounter.pk, (first.pk, second.pk))
    assert (encounter.source, encounter.source_id, encounter.account_number) == ("ehr", "E1", "A1")
    assert (encounter.facility, encounter.work_group) == (facility, work_group)
    assert (encounter.confidentiality, encounter.priority, encounter.synthetic) == ("restricted", 3, True)
    assert (encounter.setting, encounter.age, encounter.sex) == ("inpatient", 78.0, "F")
    assert (encounter.admit_date, encounter.discharge_date) == (date(2026, 6, 1), date(2026, 6, 9))
    assert (encounter.sort_date, encounter.document_count) == (date(2026, 6, 9), 2)
    assert encounter.status == EncounterStatus.QUEUED
    assert encounter.open_alerts == 0
    patient = Patient.objects.get()
    assert (encounter.patient, patient.source, patient.pseudonym, patient.sex) == (patient, "ehr", "P1", "F")
    identity = PatientIdentity.objects.get()
    assert (identity.patient, identity.name, identity.record_number) == (patient, "Vance, Mo", "M1")
    assert identity.birth_date == date(1948, 2, 11)
    assert (first.text, first.sha256, first.line_count) == (TEXT, sha(TEXT), 4)
    assert (first.version, first.is_latest) == (1, True)
    assert first.document.authored_at == datetime(2026, 6, 9, 15, 30, tzinfo=UTC)
    assert [d.position for d in Document.objects.order_by("pk")] == [10, 40]
    assert [d.status for d in Document.objects.order_by("pk")] == ["final", "draft"]
    code_sets = list(CodeSet.objects.order_by("pk"))
    assert [c.claim_type for c in code_sets] == ["facility_inpatient", "professional"]
    assert [(c.version, c.release, c.release_stands_in) for c in code_sets] == [(1, icd10cm, False)] * 2
    assert PredictionRun.objects.count() == 2

    event = AuditEvent.objects.get(type="encounter.received")
    assert event.actor == lead
    assert event.encounter == encounter
    assert event.data == {
        "source_id_hash": sha("ehr\nE1"),
        "documents": [first.pk, second.pk],
        "text_hashes": [sha(TEXT), sha("Consult.")],
        "claim_types": ["facility_inpatient", "professional"],
        "via": "command",
    }
    assert list(AuditEvent.objects.order_by("pk").values_list("type", flat=True)) == [
        "encounter.received",
        "prediction.queued",
    ]
    assert list(verify()) == []


def test_the_text_in_the_database_has_the_bytes_that_came(icd10cm, marked_engine, work_group):
    text = "a\r\nb\rc\n\td  \n\n😀 é é\ufeff\n"
    send(delivery(document(text=text)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT convert_to(text, 'UTF8') FROM coding_review_documentversion")
        assert bytes(cursor.fetchone()[0]) == text.encode()


def test_without_a_release_for_the_date_the_code_set_has_none(icd10cm, marked_engine, work_group):
    send(delivery(discharge_date=date(2026, 10, 14)))
    code_set = CodeSet.objects.get()
    assert (code_set.release, code_set.release_stands_in) == (None, False)


def test_the_latest_release_stands_in_where_the_site_allows_it(icd10cm, marked_engine, work_group, settings):
    settings.ALLOW_LATEST_RELEASE = True
    send(delivery(discharge_date=date(2026, 10, 14)))
    code_set = CodeSet.objects.get()
    assert (code_set.release, code_set.release_stands_in) == (icd10cm, True)


def test_two_encounters_of_one_patient_share_the_pseudonym(icd10cm, marked_engine, work_group):
    send(delivery())
    send(delivery(source_id="E2", patient=IncomingPatient("P1")))
    assert Patient.objects.count() == 1
    assert PatientIdentity.objects.count() == 1
    assert set(Encounter.objects.values_list("patient__pseudonym", flat=True)) == {"P1"}


# --- Refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("persona", ["coder", "expert", "auditor", "outsider"])
def test_who_may_not_import_stores_nothing(request, icd10cm, work_group, persona):
    user = request.getfixturevalue(persona)
    before = row_counts()
    with pytest.raises(NotAllowed):
        send(delivery(), user)
    assert row_counts() == before


def test_a_lead_imports_into_no_other_work_group(icd10cm, work_group, other_work_group, lead):
    before = row_counts()
    with pytest.raises(NotAllowed, match="You are not a member of this work group"):
        send(delivery(facility="CEDAR", work_group="outpatient"), lead)
    assert row_counts() == before


def test_a_lead_adds_nothing_to_an_encounter_of_another_work_group(
    icd10cm, marked_engine, work_group, other_work_group, lead
):
    send(delivery(facility="CEDAR", work_group="outpatient"))
    before = row_counts()
    with pytest.raises(NotAllowed):
        send(delivery(document("d2", "Mine.")), lead)
    assert row_counts() == before


@pytest.mark.parametrize(
    ("incoming", "message"),
    [
        (delivery(facility="NONE"), "There is no such facility and work group."),
        (delivery(work_group="surgery"), "There is no such facility and work group."),
        (delivery(document(text=" \n")), "the text is empty"),
        (delivery(document(text="a\x00")), "the text holds a NUL character (line 1 of the text)"),
        (delivery(document("d"), document("d")), "document 2: document_id is used twice"),
        (delivery(claim_types=("inpatient",)), "claim_type is not one of facility_inpatient"),
        (delivery(setting="ward"), "setting is not one of inpatient"),
        (delivery(confidentiality="secret"), "confidentiality is not one of normal"),
        (delivery(source_id=" "), "source_id is missing"),
        # It would look as another's number does.
        (delivery(source_id="A4\u202e71"), "source_id holds a character that cannot be seen (U+202E)"),
        (delivery(specialty="a\nb"), "specialty holds a character that cannot be seen (U+000A)"),
        (delivery(discharge_date=date(2026, 5, 1)), "discharge_date is before admit_date"),
    ],
)
def test_an_unfit_delivery_stores_nothing(icd10cm, work_group, incoming, message):
    before = row_counts()
    with pytest.raises(InvalidImport) as caught:
        send(incoming)
    assert caught.value.message.startswith(message)
    assert row_counts() == before


def test_documents_of_another_patient_are_not_mixed_in(ready):
    before = row_counts()
    with pytest.raises(InvalidImport, match="already here for another patient"):
        send(delivery(document("d2", "Other."), patient=IncomingPatient("P2")))
    assert row_counts() == before


# --- Again ---------------------------------------------------------------------------------------------


def test_the_same_delivery_again_changes_nothing(ready):
    before, status = row_counts(), ready.status
    assert send(delivery()) == Receipt("unchanged", ready.pk)
    assert row_counts() == before
    ready.refresh_from_db()
    assert (ready.status, ready.open_alerts) == (status, 0)


def test_a_text_that_is_an_older_version_is_not_stored_again(ready):
    send(delivery(document(text="Second.")))
    before = row_counts()
    assert send(delivery()) == Receipt(
        "unchanged", ready.pk, kept=("text of a document (it is its version 1; 2 is newer)",)
    )
    assert row_counts() == before
    assert DocumentVersion.objects.get(is_latest=True).text == "Second."


def test_other_attributes_are_kept_and_reported(ready):
    identity = IncomingIdentity("Vance-Roe, Mo", "M1", date(1948, 2, 11))
    receipt = send(
        delivery(
            document(type="consult", author="Dr. New"),
            discharge_date=date(2026, 6, 10),
            age=79,
            patient=IncomingPatient("P1", "F", identity),
        )
    )
    assert receipt == Receipt(
        "unchanged",
        ready.pk,
        kept=(
            "discharge_date",
            "age",
            "identity",
            "type of a document",
            "author of a document",
        ),
    )
    ready.refresh_from_db()
    assert (ready.discharge_date, ready.age) == (date(2026, 6, 9), 78.0)
    assert Document.objects.get().type == "discharge summary"
    assert PatientIdentity.objects.get().name == "Vance, Mo"


@pytest.mark.parametrize("status", ["ready", "in_review", "signed_off"])
def test_a_higher_label_closes_the_encounter_further(ready, coder, lead, status):
    Encounter.objects.filter(pk=ready.pk).update(status=status, owner=coder)
    assert Encounter.objects.visible_to(coder).filter(pk=ready.pk).exists()
    receipt = send(delivery(confidentiality="very_restricted"), lead)
    assert receipt == Receipt("unchanged", ready.pk, updated=("confidentiality",))
    ready.refresh_from_db()
    assert (ready.confidentiality, ready.status, ready.owner) == ("very_restricted", status, coder)
    assert not Encounter.objects.visible_to(coder).filter(pk=ready.pk).exists()
    event = AuditEvent.objects.get(type="encounter.label_raised")
    assert (event.actor, event.encounter) == (lead, ready)
    assert event.data == {"value_before": "normal", "value_after": "very_restricted", "via": "command"}
    # The same again finds nothing to raise.
    assert send(delivery(confidentiality="very_restricted"), lead) == Receipt("unchanged", ready.pk)
    assert AuditEvent.objects.filter(type="encounter.label_raised").count() == 1
    assert list(verify()) == []


@pytest.mark.parametrize("label", ["normal", "restricted"])
def test_a_lower_label_opens_nothing(ready, label):
    Encounter.objects.filter(pk=ready.pk).update(confidentiality="very_restricted")
    before = row_counts()
    assert send(delivery(confidentiality=label)) == Receipt("unchanged", ready.pk, kept=("confidentiality",))
    ready.refresh_from_db()
    assert ready.confidentiality == "very_restricted"
    assert row_counts() == before


def test_a_refused_delivery_raises_no_label(ready):
    with pytest.raises(InvalidImport):
        send(delivery(confidentiality="restricted", patient=IncomingPatient("P2")))
    ready.refresh_from_db()
    assert ready.confidentiality == "normal"
    assert not AuditEvent.objects.filter(type="encounter.label_raised").exists()


def test_status_and_signature_follow_the_source_and_are_audited(ready, lead):
    signed = datetime(2026, 6, 10, 8, tzinfo=UTC)
    receipt = send(delivery(document(status="amended", signed_at=signed)), lead)
    assert receipt == Receipt(
        "unchanged", ready.pk, updated=("status of a document", "signed_at of a document")
    )
    only = Document.objects.get()
    assert (only.status, only.signed_at) == ("amended", signed)
    assert [e.data for e in AuditEvent.objects.filter(type="document.updated").order_by("pk")] == [
        {
            "document_id": only.pk,
            "field": "status",
            "value_before": "final",
            "value_after": "amended",
            "via": "command",
        },
        {
            "document_id": only.pk,
            "field": "signed_at",
            "value_before": "",
            "value_after": "2026-06-10T08:00:00+00:00",
            "via": "command",
        },
    ]
    assert list(verify()) == []


# --- Late ----------------------------------------------------------------------------------------------


def test_a_new_document_before_anyone_looked_joins_the_prediction(icd10cm, marked_engine, work_group):
    encounter_id = send(delivery()).encounter_id
    receipt = send(delivery(document("d2", "Path.")))
    assert (receipt.outcome, len(receipt.document_version_ids)) == ("new_document", 1)
    assert DocumentAlert.objects.count() == 0
    run = PredictionRun.objects.get()
    assert [v.text for v in run.documents.order_by("pk")] == [TEXT, "Path."]
    encounter = Encounter.objects.get(pk=encounter_id)
    assert (encounter.status, encounter.document_count, encounter.open_alerts) == ("queued", 2, 0)


@pytest.mark.parametrize(
    "status",
    [EncounterStatus.READY, EncounterStatus.IN_REVIEW, EncounterStatus.ON_HOLD, EncounterStatus.RETURNED],
)
def test_a_late_document_is_an_alert_and_a_new_run(ready, coder, status):
    if status != EncounterStatus.READY:
        Encounter.objects.filter(pk=ready.pk).update(status=status, owner=coder)
    receipt = send(delivery(document("d2", "Path.", type="pathology report")))

    version = DocumentVersion.objects.get(pk=receipt.document_version_ids[0])
    assert receipt == Receipt("new_document", ready.pk, (version.pk,))
    assert (version.document.source_id, version.version, version.document.position) == ("d2", 1, 82)
    alert = DocumentAlert.objects.get()
    assert (alert.document_version, alert.kind, alert.after_sign_off) == (version, "new_document", False)
    ready.refresh_from_db()
    assert (ready.open_alerts, ready.document_count) == (1, 2)
    run = PredictionRun.objects.latest("pk")
    assert (run.trigger, run.status) == ("document", "queued")
    event = AuditEvent.objects.get(type="document.received")
    assert event.data == {
        "document_id": version.document_id,
        "document_version_id": version.pk,
        "version": 1,
        "text_hash": sha("Path."),
        "late": True,
        "via": "command",
    }


def test_another_text_is_a_new_version_beside_the_old_one(ready, coder):
    taken_by(ready, coder)
    receipt = send(delivery(document(text="Second.")))
    old, new = DocumentVersion.objects.order_by("version")
    assert receipt == Receipt("new_version", ready.pk, (new.pk,))
    assert (old.text, old.sha256, old.is_latest) == (TEXT, sha(TEXT), False)
    assert (new.text, new.version, new.is_latest) == ("Second.", 2, True)
    assert new.document == old.document
    alert = DocumentAlert.objects.get()
    assert (alert.document_version, alert.kind, alert.after_sign_off) == (
        new,
        AlertKind.NEW_VERSION,
        False,
    )
    run = PredictionRun.objects.latest("pk")
    assert [v.pk for v in run.documents.all()] == [new.pk]


def test_after_sign_off_it_is_an_alert_and_nothing_else(ready):
    CodeSet.objects.update(status="signed")
    Encounter.objects.filter(pk=ready.pk).update(status=EncounterStatus.SIGNED_OFF)
    runs = PredictionRun.objects.count()
    receipt = send(delivery(document(text="Second."), document("d2", "Addendum.", status="addendum")))

    assert receipt.outcome == "late_after_sign_off"
    second, addendum = DocumentVersion.objects.filter(pk__in=receipt.document_version_ids).order_by("pk")
    alerts = DocumentAlert.objects.order_by("pk").values_list("document_version", "kind", "after_sign_off")
    assert list(alerts) == [(second.pk, "new_version", True), (addendum.pk, "new_document", True)]
    ready.refresh_from_db()
    assert (ready.status, ready.open_alerts) == ("signed_off", 2)
    assert PredictionRun.objects.count() == runs
    assert CodeSet.objects.get().revision == 0


def test_a_document_entered_in_error_no_longer_counts(ready, coder):
    taken_by(ready, coder)
    send(delivery(document("d2", "Path.")))
    DocumentAlert.objects.all().delete()
    Encounter.objects.filter(pk=ready.pk).update(open_alerts=0)
    receipt = send(delivery(document("d2", "Path.", status="entered_in_error")))
    assert (receipt.outcome, receipt.updated) == ("new_version", ("status of a document",))
    assert [v.document.source_id for v in DocumentVersion.objects.latest_of(ready)] == ["d1"]
    assert DocumentAlert.objects.get().kind == "new_version"
    assert send(delivery(document("d2", "Path."))).outcome == "new_document"


# --- Alerts --------------------------------------------------------------------------------------------


@pytest.fixture
def alert(ready: Encounter) -> DocumentAlert:
    send(delivery(document("d2", "Path.")))
    return DocumentAlert.objects.get()


def test_an_alert_is_resolved_once_and_audited(alert, coder):
    assert resolve_alert(coder, alert.pk, resolution="no_change").resolved_by == coder
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    assert Encounter.objects.get().open_alerts == 0
    event = AuditEvent.objects.get(type="document.alert_resolved")
    assert (event.actor, event.data) == (coder, {"alert_id": alert.pk, "resolution": "no_change"})
    resolved_at = alert.resolved_at
    resolve_alert(coder, alert.pk)
    alert.refresh_from_db()
    assert alert.resolved_at == resolved_at
    assert AuditEvent.objects.filter(type="document.alert_resolved").count() == 1


@pytest.mark.parametrize("persona", ["outsider", "auditor", "admin", "expert"])
def test_an_alert_stays_for_those_who_may_not_code_here(request, alert, persona):
    with pytest.raises(NotAllowed):
        resolve_alert(request.getfixturevalue(persona), alert.pk)
    alert.refresh_from_db()
    assert alert.resolved_at is None
    assert Encounter.objects.get().open_alerts == 1


def test_an_unknown_resolution(alert, coder):
    with pytest.raises(InvalidDecision):
        resolve_alert(coder, alert.pk, resolution="whatever")
    alert.refresh_from_db()
    assert alert.resolved_at is None
