"""Queuing: one run a code set, the same question once, no coding without a release for the date."""

from __future__ import annotations

from datetime import date

import pytest

from catalog.choices import ClaimType
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.choices import CodeSetStatus, EncounterStatus, RunStatus, RunTrigger
from coding_review.errors import NotAllowed, WrongStatus
from coding_review.models import AuditEvent, CodeSet, PredictionRun
from tests.prediction_steps import SUMMARY, predicted, queue, replace_text, taken_by

pytestmark = pytest.mark.django_db
OUTSIDE = date(2026, 10, 14)
NO_RELEASE = "No loaded ICD-10-CM release covers 14 Oct 2026; load one that does, then retry."


def received(make_encounter, **values):
    return make_encounter({"discharge summary": SUMMARY}, status=EncounterStatus.RECEIVED, **values)


def test_one_run_for_each_code_set_of_the_encounter(icd10cm, marked_engine, make_encounter, lead):
    both = (ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL)
    encounter = received(make_encounter, claim_types=both)

    runs = queue(encounter, actor=lead)

    assert [run.code_set.claim_type for run in runs] == list(both)
    for run in runs:
        assert (run.status, run.engine, run.model_version) == (RunStatus.QUEUED, "marked", "marked-1")
        assert run.release == icd10cm
        assert [v.text for v in run.documents.all()] == [SUMMARY]
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.QUEUED
    event = AuditEvent.objects.get(type="prediction.queued")
    assert event.actor == lead
    assert event.data == {"run_ids": [r.pk for r in runs], "trigger": "arrival", "engine": "marked"}


def test_the_task_carries_the_id_and_is_sent_after_the_commit(
    icd10cm, marked_engine, make_encounter, django_capture_on_commit_callbacks, monkeypatch
):
    sent = []
    monkeypatch.setattr("coding_review.tasks.predict.delay", lambda *args: sent.append(args))
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        (run,) = queue(received(make_encounter))
        assert sent == []
    for callback in callbacks:
        callback()
    assert sent == [(run.pk,)]


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.DONE])
@pytest.mark.parametrize("trigger", [RunTrigger.DOCUMENT, RunTrigger.MODEL, RunTrigger.RETRY])
def test_the_same_question_is_asked_once(icd10cm, marked_engine, make_encounter, status, trigger):
    encounter = received(make_encounter)
    (run,) = queue(encounter)
    PredictionRun.objects.filter(pk=run.pk).update(status=status)
    events = AuditEvent.objects.count()

    assert queue(encounter, trigger) == []

    assert PredictionRun.objects.count() == 1
    assert AuditEvent.objects.count() == events


def test_a_failed_question_may_be_asked_again(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter)
    (run,) = queue(encounter)
    PredictionRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    (again,) = queue(encounter, RunTrigger.RETRY)
    assert again.pk != run.pk
    assert again.question_hash == run.question_hash


def test_another_model_version_is_another_question(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter)
    (first,) = predicted(encounter)
    marked_engine.model_version = "marked-2"
    (second,) = queue(encounter, RunTrigger.MODEL)
    assert second.question_hash != first.question_hash
    assert second.model_version == "marked-2"


def test_a_run_not_begun_is_asked_the_newer_question(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter)
    (run,) = queue(encounter)
    version = replace_text(encounter, "Essential hypertension. [I10 0.95]")

    (same,) = queue(encounter, RunTrigger.DOCUMENT)

    assert same.pk == run.pk
    assert list(same.documents.all()) == [version]
    assert same.question_hash != run.question_hash
    assert PredictionRun.objects.count() == 1


def test_a_run_already_begun_keeps_its_question(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter)
    (run,) = queue(encounter)
    PredictionRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)
    replace_text(encounter, "Essential hypertension. [I10 0.95]")

    (newer,) = queue(encounter, RunTrigger.DOCUMENT)

    assert newer.pk != run.pk
    run.refresh_from_db()
    assert [v.version for v in run.documents.all()] == [1]


def test_an_untouched_ready_encounter_goes_back_to_the_queue(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter)
    predicted(encounter)
    assert encounter.status == EncounterStatus.READY
    replace_text(encounter, "Essential hypertension. [I10 0.95]")
    queue(encounter, RunTrigger.DOCUMENT)
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.QUEUED


@pytest.mark.parametrize(
    "status",
    [
        EncounterStatus.READY,
        EncounterStatus.IN_REVIEW,
        EncounterStatus.ON_HOLD,
        EncounterStatus.RETURNED,
    ],
)
def test_beside_a_coders_work_the_status_stays(icd10cm, marked_engine, make_encounter, coder, status):
    encounter = make_encounter({"discharge summary": SUMMARY}, status=status, owner=coder)
    since = encounter.status_since
    (run,) = queue(encounter, RunTrigger.DOCUMENT)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_since) == (status, since)
    predicted_run = PredictionRun.objects.get(pk=run.pk)
    assert predicted_run.status == RunStatus.QUEUED


def test_a_signed_code_set_gets_no_run(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter(status=EncounterStatus.SIGNED_OFF)
    CodeSet.objects.filter(encounter=encounter).update(status=CodeSetStatus.SIGNED)
    assert queue(encounter, RunTrigger.DOCUMENT) == []
    assert not PredictionRun.objects.exists()
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.SIGNED_OFF


def test_no_release_for_the_date_fails_and_says_so(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter, on=OUTSIDE)

    (run,) = queue(encounter)

    assert (run.status, run.error_code, run.error) == (RunStatus.FAILED, "no_release", NO_RELEASE)
    assert run.release is None
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, NO_RELEASE)
    code_set = CodeSet.objects.get(encounter=encounter)
    assert (code_set.release, code_set.release_stands_in) == (None, False)
    assert not AuditEvent.objects.filter(type="prediction.queued").exists()
    event = AuditEvent.objects.get(type="prediction.failed")
    assert event.data == {"run_id": run.pk, "engine": "marked", "error_code": "no_release", "attempts": 0}


@pytest.mark.parametrize(
    ("claim_type", "kind"),
    [(ClaimType.FACILITY_INPATIENT, "discharge date"), (ClaimType.PROFESSIONAL, "date of service")],
)
def test_no_date_is_no_release_either(icd10cm, marked_engine, make_encounter, claim_type, kind):
    encounter = received(make_encounter, on=None, claim_types=(claim_type,))
    (run,) = queue(encounter)
    assert run.error == f"The encounter has no {kind}, so no ICD-10-CM release can be chosen."


def test_the_same_refusal_is_not_repeated_with_every_import(icd10cm, marked_engine, make_encounter):
    encounter = received(make_encounter, on=OUTSIDE)
    queue(encounter)
    assert queue(encounter, RunTrigger.DOCUMENT) == []
    assert PredictionRun.objects.count() == 1
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, NO_RELEASE)


def test_the_latest_release_stands_in_only_where_the_site_allows(
    icd10cm, marked_engine, make_encounter, settings
):
    settings.ALLOW_LATEST_RELEASE = True
    encounter = received(make_encounter, on=OUTSIDE)
    (run,) = queue(encounter)
    assert (run.status, run.release) == (RunStatus.QUEUED, icd10cm)
    code_set = CodeSet.objects.get(encounter=encounter)
    assert (code_set.release, code_set.release_stands_in) == (icd10cm, True)


def test_retry_after_the_release_was_loaded(icd10cm, marked_engine, make_encounter, lead, small_release):
    small_release.delete()
    encounter = received(make_encounter, on=OUTSIDE)
    queue(encounter)
    small_release.pk = None
    small_release.save()

    (run,) = retry_prediction(lead, encounter.pk)

    assert (run.status, run.release) == (RunStatus.QUEUED, small_release)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.QUEUED, "")


def test_retry_without_a_release_fails_again(icd10cm, marked_engine, make_encounter, lead):
    encounter = received(make_encounter, on=OUTSIDE)
    queue(encounter)
    (run,) = retry_prediction(lead, encounter.pk)
    assert run.error_code == "no_release"
    assert PredictionRun.objects.count() == 2
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.FAILED


@pytest.mark.parametrize("persona", ["coder", "expert", "auditor", "outsider"])
def test_retry_needs_the_right(icd10cm, marked_engine, make_encounter, request, persona):
    encounter = received(make_encounter, on=OUTSIDE)
    queue(encounter)
    runs, events = PredictionRun.objects.count(), AuditEvent.objects.count()
    with pytest.raises(NotAllowed):
        retry_prediction(request.getfixturevalue(persona), encounter.pk)
    assert (PredictionRun.objects.count(), AuditEvent.objects.count()) == (runs, events)


def test_retry_of_an_encounter_out_of_reach_is_refused(
    icd10cm, marked_engine, make_encounter, lead, other_work_group
):
    encounter = received(make_encounter, on=OUTSIDE, group=other_work_group)
    queue(encounter)
    with pytest.raises(NotAllowed):
        retry_prediction(lead, encounter.pk)
    assert PredictionRun.objects.count() == 1


def test_only_what_failed_is_retried(icd10cm, marked_engine, make_encounter, lead):
    encounter = received(make_encounter)
    predicted(encounter)
    with pytest.raises(WrongStatus):
        retry_prediction(lead, encounter.pk)
    assert PredictionRun.objects.count() == 1


def test_a_run_that_failed_beside_a_coders_work_can_be_retried(
    icd10cm, marked_engine, make_encounter, lead, coder
):
    encounter = taken_by(received(make_encounter), coder)
    (run,) = queue(encounter)
    PredictionRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    (again,) = retry_prediction(lead, encounter.pk)
    assert again.status == RunStatus.QUEUED
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.IN_REVIEW
