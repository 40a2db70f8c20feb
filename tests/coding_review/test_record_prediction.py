"""Recording: what an engine says is checked again, written once, and what is not shown is kept with its reason."""

from __future__ import annotations

import re
import time
from traceback import format_exception

import pytest
from django.db import connection
from django.utils import timezone

from catalog.choices import ClaimType
from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.record_prediction import record_prediction
from coding_review.actions.start_prediction import start_prediction
from coding_review.choices import CodeSetStatus, EncounterStatus, EntryState, RunStatus, RunTrigger
from coding_review.models import (
    AuditEvent,
    CodeEntry,
    CodeSet,
    ContextMention,
    DiscardedOutput,
    DocumentVersion,
    EntryEvidence,
    PredictionRun,
    Suggestion,
)
from coding_review.prediction import PredictionCrashed, predict_run
from modelops.engines.bands import band_of
from modelops.engines.types import (
    CodeSuggestion,
    Discarded,
    EngineInfo,
    EngineResult,
    Evidence,
)
from modelops.engines.types import ContextMention as Mention
from tests.prediction_steps import SUMMARY, entries, predicted, queue, replace_text

pytestmark = pytest.mark.django_db
TEXT = "Essential hypertension 🙂 noted.\nNo evidence of\npneumonia today."
INFO = EngineInfo("marked", "marked-1", prompt_version="p3")


@pytest.fixture
def encounter(icd10cm, marked_engine, make_encounter):
    return make_encounter({"clinic note": TEXT}, status=EncounterStatus.RECEIVED)


@pytest.fixture
def attempt(encounter):
    (run,) = queue(encounter)
    return start_prediction(run.pk)


def at(attempt, quote="Essential hypertension", line=1, start=0, document=None):
    key = attempt.chart.documents[0].document_id if document is None else document
    return Evidence(key, line, line, start, start + len(quote), quote)


def said(code, *evidence, confidence=0.95, context=(), system="icd10cm"):
    return CodeSuggestion(system, code, "the engine's title", confidence, "Because.", evidence, context)


def record(attempt, *suggestions, context=(), discarded=()):
    result = EngineResult(tuple(suggestions), tuple(context), tuple(discarded))
    return record_prediction(attempt.run_id, attempt.number, result, INFO, seconds=0.5)


def reasons(attempt):
    rows = DiscardedOutput.objects.filter(run_id=attempt.run_id)
    return sorted(rows.values_list("code", "reason"))


def test_a_suggestion_is_written_with_title_band_and_place(encounter, attempt):
    assert record(attempt, said("I10", at(attempt), confidence=0.6))

    suggestion = Suggestion.objects.get()
    assert (suggestion.code, suggestion.title) == ("I10", "Essential (primary) hypertension")
    assert (suggestion.confidence, suggestion.band, suggestion.rank) == (0.6, "medium", 1)
    assert suggestion.rationale == "Because."
    evidence = suggestion.evidence.get()
    version = DocumentVersion.objects.get(document__encounter=encounter)
    assert evidence.document_version == version
    assert (evidence.line_start, evidence.line_end, evidence.col_start, evidence.col_end) == (1, 1, 0, 22)
    run = PredictionRun.objects.get()
    assert (run.status, run.prompt_version, run.engine_seconds) == (RunStatus.DONE, "p3", 0.5)
    assert run.calibration_id == ""
    entry = CodeEntry.objects.get()
    assert (entry.state, entry.suggestion, entry.suggested_code) == (EntryState.UNDECIDED, suggestion, "I10")
    assert entry.evidence.get().quote == "Essential hypertension"
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.READY
    assert (encounter.high_count, encounter.medium_count, encounter.low_count) == (0, 1, 0)
    event = AuditEvent.objects.get(type="prediction.finished")
    assert event.data == {
        "run_id": run.pk,
        "engine": "marked",
        "model_version": "marked-1",
        "release": str(run.release),
        "suggestions": 1,
        "discarded": 0,
        "new": 1,
        "changed": 0,
        "gone": 0,
    }


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda a: said("I11", at(a)), ("I11", "header")),
        (lambda a: said("X99.ZZ", at(a)), ("X99.ZZ", "fabricated")),
        (lambda a: said("I10"), ("I10", "no_evidence")),
        (lambda a: said("I10", at(a, quote="Essential Hypertension")), ("I10", "no_evidence")),
        (lambda a: said("I10", at(a, start=1)), ("I10", "no_evidence")),
        (lambda a: said("I10", at(a, line=9)), ("I10", "no_evidence")),
        (lambda a: said("I10", at(a, document="0")), ("I10", "no_evidence")),
        (lambda a: said("I10", at(a), confidence=1.2), ("I10", "no_confidence")),
        (lambda a: said("I10", at(a), confidence=float("nan")), ("I10", "no_confidence")),
        (lambda a: said("I10", at(a), context=("negated",)), ("I10", "context")),
        (lambda a: said("99213", at(a), system="cpt"), ("99213", "other_system")),
    ],
)
def test_what_does_not_hold_is_discarded_with_its_reason(attempt, make, expected):
    assert record(attempt, make(attempt))
    assert reasons(attempt) == [expected]
    assert not Suggestion.objects.exists()
    assert not CodeEntry.objects.exists()


def test_one_suggestion_a_code_and_the_engines_own_discards_are_kept(attempt):
    record(
        attempt, said("I10", at(attempt)), said("i10", at(attempt)), discarded=[Discarded("E11.9", "context")]
    )
    assert reasons(attempt) == [("E11.9", "context"), ("i10", "duplicate")]
    assert Suggestion.objects.get().code == "I10"


def test_evidence_that_does_not_stand_goes_the_rest_stays(attempt):
    noted = at(attempt, quote="noted", start=25)
    record(attempt, said("I10", at(attempt, start=3), noted))
    assert Suggestion.objects.get().evidence.get().quote == "noted"


def test_a_quote_over_two_lines(attempt):
    key = attempt.chart.documents[0].document_id
    evidence = Evidence(key, 2, 3, 3, 9, "evidence of\npneumonia")
    record(attempt, said("J18.9", evidence))
    assert Suggestion.objects.get().evidence.get().quote == "evidence of\npneumonia"


def test_context_mentions_are_kept_for_the_text(attempt):
    key = attempt.chart.documents[0].document_id
    here = Evidence(key, 3, 3, 0, 9, "pneumonia")
    elsewhere = Evidence(key, 3, 3, 1, 10, "pneumonia")
    record(attempt, context=[Mention(here, "negated", "J18.9"), Mention(elsewhere, "family", "I10")])
    mention = ContextMention.objects.get()
    assert (mention.tag, mention.code, mention.line_start, mention.quote) == (
        "negated",
        "J18.9",
        3,
        "pneumonia",
    )
    assert reasons(attempt) == [("I10", "no_evidence")]


def test_rank_is_document_order_then_confidence(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter(
        {
            "progress note": "Hypokalemia. [E87.6 0.99]",
            "discharge summary": "Anemia. [D64.9 0.30]\nHypertension. [I10 0.80]",
        },
        status=EncounterStatus.RECEIVED,
    )
    predicted(encounter)
    ranks = Suggestion.objects.order_by("rank").values_list("code", "band")
    assert list(ranks) == [("D64.9", "low"), ("I10", "medium"), ("E87.6", "high")]


@pytest.mark.parametrize(
    ("confidence", "band"),
    [(0.9, "high"), (0.8999, "medium"), (0.6, "medium"), (0.5999, "low"), (0.0, "low")],
)
def test_bands(confidence, band):
    assert band_of(confidence, high=0.90, medium=0.60) == band


@pytest.mark.parametrize(
    ("claim_type", "poa"), [(ClaimType.FACILITY_INPATIENT, "1"), (ClaimType.PROFESSIONAL, "")]
)
def test_poa_is_exempt_by_default_on_inpatient_claims_only(
    icd10cm, marked_engine, make_encounter, claim_type, poa
):
    encounter = make_encounter(
        {"discharge summary": SUMMARY}, status=EncounterStatus.RECEIVED, claim_types=(claim_type,)
    )
    predicted(encounter)
    found = entries(encounter)
    assert {code: e.poa for code, e in found.items()} == {
        "I50.23": "",
        "E11.22": "",
        "N18.32": "",
        "Z79.4": poa,
    }


def test_a_run_is_begun_once(encounter, attempt):
    assert start_prediction(attempt.run_id) is None
    run = PredictionRun.objects.get()
    assert (run.status, run.attempts) == (RunStatus.RUNNING, 1)
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.PREDICTING


def test_the_result_of_an_attempt_that_lost_the_run_is_not_written(attempt):
    PredictionRun.objects.filter(pk=attempt.run_id).update(attempts=2)
    assert record(attempt, said("I10", at(attempt))) is False
    assert not Suggestion.objects.exists()
    assert PredictionRun.objects.get().status == RunStatus.RUNNING


def test_a_result_is_written_once(attempt):
    assert record(attempt, said("I10", at(attempt)))
    assert record(attempt, said("I10", at(attempt)), said("J18.9", at(attempt))) is False
    assert Suggestion.objects.count() == CodeEntry.objects.count() == EntryEvidence.objects.count() == 1
    assert AuditEvent.objects.filter(type="prediction.finished").count() == 1


def test_predicting_again_does_nothing(encounter):
    (run,) = queue(encounter)
    assert predict_run(run.pk) is True
    assert predict_run(run.pk) is False
    assert predict_run(run.pk + 1000) is False


def test_a_code_set_signed_meanwhile_is_left_alone(encounter, attempt):
    CodeSet.objects.update(status=CodeSetStatus.SIGNED)
    assert record(attempt, said("I10", at(attempt))) is False
    run = PredictionRun.objects.get()
    assert (run.status, run.error_code) == (RunStatus.FAILED, "code_set_closed")
    assert not CodeEntry.objects.exists()


def test_an_older_answer_that_comes_late_does_not_touch_the_entries(encounter, attempt):
    replace_text(encounter, "Anemia. [D64.9 0.95]")
    (newer,) = queue(encounter, RunTrigger.DOCUMENT)
    assert predict_run(newer.pk)

    assert record(attempt, said("I10", at(attempt)))

    assert Suggestion.objects.filter(run_id=attempt.run_id).count() == 1
    assert set(entries(encounter)) == {"D64.9"}
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.READY


def test_ready_only_when_every_run_is_done(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter(
        {"discharge summary": SUMMARY},
        status=EncounterStatus.RECEIVED,
        claim_types=(ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL),
    )
    first, second = queue(encounter)
    predict_run(first.pk)
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.QUEUED
    predict_run(second.pk)
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.READY


def test_an_engine_that_gives_up_fails_the_run_at_once(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter({"note": "[fail]"}, status=EncounterStatus.RECEIVED)
    (run,) = queue(encounter)
    assert predict_run(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.attempts) == (RunStatus.FAILED, 1)
    assert (run.error_code, run.error) == ("engine_error", "The model gave no answer.")
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (
        EncounterStatus.FAILED,
        "The model gave no answer.",
    )
    event = AuditEvent.objects.get(type="prediction.failed")
    assert event.data == {"run_id": run.pk, "engine": "marked", "error_code": "engine_error", "attempts": 1}


def test_a_retryable_error_waits_longer_each_time_and_fails_in_the_end(
    icd10cm, marked_engine, make_encounter, monkeypatch
):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    encounter = make_encounter({"note": "[fail retryable]"}, status=EncounterStatus.RECEIVED)
    (run,) = queue(encounter)
    waits = []
    for _ in range(2):
        assert predict_run(run.pk) is False
        run.refresh_from_db()
        assert (run.status, run.error_code) == (RunStatus.QUEUED, "engine_error")
        waits.append((run.queued_at - now).total_seconds())
        encounter.refresh_from_db()
        assert encounter.status == EncounterStatus.QUEUED
    assert waits == [10, 20]
    assert predict_run(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.attempts, run.error) == (RunStatus.FAILED, 3, "The model server is busy.")
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.FAILED


def test_a_crash_puts_the_run_back_and_tells_class_and_place_but_no_words(
    icd10cm, marked_engine, make_encounter, caplog
):
    encounter = make_encounter({"note": "[crash] Quintero-Vance"}, status=EncounterStatus.RECEIVED)
    (run,) = queue(encounter)
    with pytest.raises(PredictionCrashed) as crash:
        predict_run(run.pk)
    assert re.fullmatch(rf"run {run.pk}: LookupError at engines\.py:\d+ in _obey", str(crash.value))
    assert "Quintero" not in "".join(format_exception(crash.value)) + caplog.text
    run.refresh_from_db()
    assert (run.status, run.error_code) == (RunStatus.QUEUED, "crashed")
    assert run.error == "The prediction stopped with an error (LookupError)."
    assert not Suggestion.objects.exists()


def test_the_end_of_an_attempt_that_lost_the_run_changes_nothing(attempt):
    PredictionRun.objects.filter(pk=attempt.run_id).update(attempts=2)
    end_prediction(attempt.run_id, attempt.number, code="x", message="x", retryable=False)
    run = PredictionRun.objects.get()
    assert (run.status, run.error_code) == (RunStatus.RUNNING, "")
    assert not AuditEvent.objects.filter(type="prediction.failed").exists()


def test_a_failed_run_beside_a_done_one_leaves_the_encounter_failed(icd10cm, marked_engine, make_encounter):
    encounter = make_encounter(
        {"note": SUMMARY},
        status=EncounterStatus.RECEIVED,
        claim_types=(ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL),
    )
    first, second = queue(encounter)
    attempt = start_prediction(first.pk)
    end_prediction(first.pk, attempt.number, code="engine_error", message="Broken.", retryable=False)
    assert predict_run(second.pk)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, "Broken.")

    (again,) = queue(encounter, RunTrigger.RETRY)

    assert again.code_set == first.code_set
    assert predict_run(again.pk)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.READY, "")


@pytest.mark.django_db(transaction=True)
def test_the_engine_works_outside_of_a_transaction_and_the_run_shows_signs_of_life(
    icd10cm, marked_engine, make_encounter, settings, monkeypatch
):
    settings.PREDICTION_HEARTBEAT_SECONDS = 1
    seen, beats = [], set()
    answer = marked_engine.predict

    def predict(self, chart, release_id):
        seen.append((connection.in_atomic_block, PredictionRun.objects.get().status))
        # However long a sign of life takes: that of the beginning, and two of the thread.
        until = time.monotonic() + 120
        while len(beats) < 3 and time.monotonic() < until:
            beats.add(PredictionRun.objects.get().heartbeat_at)
            time.sleep(0.02)
        return answer(self, chart, release_id)

    monkeypatch.setattr(marked_engine, "predict", predict)
    encounter = make_encounter({"note": "[wait 0.5]\nAnemia. [D64.9 0.7]"}, status=EncounterStatus.RECEIVED)
    (run,) = queue(encounter)

    assert predict_run(run.pk)

    assert seen == [(False, RunStatus.RUNNING)]
    assert len(beats) == 3
    run.refresh_from_db()
    assert min(beats) == run.started_at
    assert run.heartbeat_at >= max(beats)
    assert run.engine_seconds >= 0.5
