"""No engine output with a fabricated, header, incomplete or expired code becomes a suggestion, in any system.

Each is recorded as discarded, with its reason, and counted.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from catalog.choices import CodeSystem
from catalog.models import Code, Release
from coding_review.actions.record_prediction import record_prediction
from coding_review.actions.start_prediction import start_prediction
from coding_review.choices import EncounterStatus
from coding_review.models import AuditEvent, CodeEntry, DiscardedOutput, PredictionRun, Suggestion
from modelops.engines.types import CodeSuggestion, EngineInfo, EngineResult, Evidence
from tests.prediction_steps import queue
from tests.procedure_releases import load_procedures, procedure_rows

pytestmark = pytest.mark.django_db
TEXT = "Laparoscopic cholecystectomy was performed."
INFO = EngineInfo("marked", "marked-1")


@pytest.fixture
def releases(icd10cm, small_release):
    """Beside ICD-10-CM of 2026 and 2027: CPT and HCPCS of 2026, a CPT of 2025 and one of 2027."""
    for year, codes in ((2025, ("00001", "00009")), (2026, ("00001",)), (2027, ("00001", "00007"))):
        load_procedures(
            CodeSystem.CPT, procedure_rows(*codes), begins=date(year, 1, 1), ends=date(year, 12, 31)
        )
    load_procedures(
        CodeSystem.HCPCS,
        procedure_rows("A0001")
        + procedure_rows("A0002", valid_to=date(2026, 6, 8))
        + procedure_rows("A0003", valid_from=date(2026, 6, 10)),
    )


@pytest.fixture
def recorded(releases, marked_engine, make_encounter):
    """Runs one answer over an encounter of 9 June 2026; gives the run."""

    def run(*said: tuple[str, str], claim_type: str = "professional") -> PredictionRun:
        encounter = make_encounter(
            {"operative report": TEXT}, status=EncounterStatus.RECEIVED, claim_types=(claim_type,)
        )
        (queued,) = queue(encounter)
        attempt = start_prediction(queued.pk)
        evidence = Evidence(attempt.chart.documents[0].document_id, 1, 1, 0, len(TEXT), TEXT)
        suggestions = tuple(
            CodeSuggestion(system, code, "", 0.9, "Stated.", (evidence,)) for system, code in said
        )
        assert record_prediction(queued.pk, attempt.number, EngineResult(suggestions), INFO, seconds=0.1)
        return queued

    return run


@pytest.mark.parametrize(
    ("system", "code", "reason"),
    [
        ("icd10cm", "X99.ZZ", "fabricated"),
        ("icd10cm", "K80", "header"),
        ("icd10cm", "S72.001", "incomplete"),
        # Only in the release that begins on 1 October 2026.
        ("icd10cm", "E11.7", "not_yet_valid"),
        ("cpt", "00008", "fabricated"),
        ("cpt", "00009", "expired"),
        ("cpt", "00007", "not_yet_valid"),
        ("hcpcs", "A0009", "fabricated"),
        ("hcpcs", "A0002", "expired"),
        ("hcpcs", "A0003", "not_yet_valid"),
        ("icd10pcs", "0FT44ZZ", "other_system"),
        ("loinc", "4548-4", "other_system"),
    ],
)
def test_what_is_not_valid_is_kept_with_its_reason_and_never_shown(recorded, system, code, reason):
    run = recorded((system, code))
    assert list(run.discarded.values_list("code", "reason")) == [(code, reason)]
    assert (Suggestion.objects.count(), CodeEntry.objects.count()) == (0, 0)
    event = AuditEvent.objects.get(type="prediction.finished")
    assert (event.data["suggestions"], event.data["discarded"]) == (0, 1)


def test_what_is_valid_beside_it_stays(recorded):
    run = recorded(("icd10cm", "K80.20"), ("cpt", "00009"), ("cpt", "00001"), ("hcpcs", "A0001"))
    shown = Suggestion.objects.order_by("system").values_list("system", "code", "title")
    assert [(system, code) for system, code, _ in shown] == [
        ("cpt", "00001"),
        ("hcpcs", "A0001"),
        ("icd10cm", "K80.20"),
    ]
    assert next(title for _, _, title in shown) == "Made up 00001"
    assert list(run.discarded.values_list("code", "reason")) == [("00009", "expired")]


def test_no_procedure_release_no_procedure(recorded):
    Release.objects.filter(system__in=(CodeSystem.CPT, CodeSystem.HCPCS)).delete()
    run = recorded(("cpt", "00001"))
    assert list(run.discarded.values_list("code", "reason")) == [("00001", "no_release")]
    assert Suggestion.objects.count() == 0


def test_procedures_never_stand_on_facility_inpatient(recorded):
    run = recorded(("cpt", "00001"), ("hcpcs", "A0001"), claim_type="facility_inpatient")
    assert Counter(run.discarded.values_list("reason", flat=True)) == {"other_system": 2}
    assert run.procedure_releases.count() == 0
    assert Suggestion.objects.count() == 0


def test_every_title_of_the_release_that_is_no_code_is_discarded(recorded, icd10cm):
    """All 900-odd headers of a chapter at once: none slips through, and the count is the audit log's."""
    headers = list(
        Code.objects.of(icd10cm).filter(chapter="19", billable=False).values_list("code", flat=True)
    )
    run = recorded(*(("icd10cm", code) for code in headers))
    assert set(run.discarded.values_list("reason", flat=True)) == {"header", "incomplete"}
    assert DiscardedOutput.objects.filter(run=run).count() == len(headers)
    assert Suggestion.objects.count() == 0
    event = AuditEvent.objects.get(type="prediction.finished")
    assert event.data["discarded"] == len(headers)
