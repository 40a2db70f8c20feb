"""One object of every kind that an address names, to fill the places of the address with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coding_review.models import (
    Adjudication,
    Codebook,
    CodeSet,
    DocumentAlert,
    DocumentVersion,
    Encounter,
    EvaluationJob,
    GoldAddition,
    GoldChart,
    GoldLabel,
    GoldProject,
    GoldReader,
    GoldReading,
    GoldRuling,
    GoldSet,
)
from modelops.models import ModelVersion
from tests.catalog.test_index_pages import load_index
from tests.coding_review.api_cases import Case
from tests.coding_review.evaluation_rows import stored
from tests.coding_review.learning_rows import dataset_build, dataset_version, synthesis_run, training_job


@pytest.fixture
def ids(
    case: Case, coder: User, other_coder: User, adjudicator: User, settings: Any, tmp_path: Path
) -> dict[str, Any]:
    settings.EVALUATION_DIR = tmp_path / "kept"
    settings.TRAINING_DIR = tmp_path / "training"
    DocumentVersion.objects.filter(pk=case.version.pk).update(is_latest=False)
    changed = DocumentVersion.objects.create(
        document=case.version.document,
        version=2,
        text=case.version.text + " ",
        sha256="0" * 64,
        line_count=case.version.line_count,
    )
    alert = DocumentAlert.objects.create(
        encounter=case.encounter, document_version=changed, kind="new_version"
    )
    Encounter.objects.filter(pk=case.encounter.pk).update(open_alerts=1)
    return {
        "encounter": case.encounter.pk,
        "code_set": case.code_set.pk,
        "entry": case.entries["I50.23"].pk,
        "alert": alert.pk,
        "document_id": case.version.document_id,
        "version": 2,
        "claim_type": "facility_inpatient",
        "format": "csv",
        "system": "icd10cm",
        "code": "E11.22",
        "kind": "index",
        "run_id": stored(tmp_path).pk,
        "chart_position": 1,
        "job_id": job_of(other_coder).pk,
        "entry_id": load_index().index_entries.earliest("position").pk,
        "other_coder": other_coder.pk,
        "synthesis_id": synthesis_run().pk,
        "synthetic_position": 0,
        "dataset_id": dataset_version().pk,
        "build_id": dataset_build().pk,
        "training_id": training_job().pk,
        "model_version": ModelVersion.objects.create(engine="vllm", name="coder", version="1").pk,
    } | gold_ids(case.code_set, case.version)


def job_of(user: User) -> EvaluationJob:
    gold_set = GoldSet.objects.create(
        name="Job", kind="gold", purpose="evaluation", manifest={}, sha256="1" * 64
    )
    return EvaluationJob.objects.create(gold_set=gold_set, engine="embedded", created_by=user)


def gold_ids(code_set: CodeSet, version: DocumentVersion) -> dict[str, int]:
    """One project that the coder reads in and one in adjudication, both of the same chart, and a frozen set."""
    people = {user.username: user for user in User.objects.filter(username__in=("coder", "adjudicator"))}
    codebook = Codebook.objects.create(name="Codebook", text="Code what is documented.")
    projects = {
        status: GoldProject.objects.create(
            name=status, status=status, codebook=codebook, readings_per_chart=2
        )
        for status in ("open", "adjudicating")
    }
    charts = {
        status: GoldChart.objects.create(project=project, code_set=code_set, position=1, readings_wanted=2)
        for status, project in projects.items()
    }
    for chart in charts.values():
        chart.documents.add(version)
    reader = GoldReader.objects.create(
        project=projects["open"],
        user=people["coder"],
        profession="coder",
        credential="CCS",
        pseudonym="Reader 1",
        qualified_at=timezone.now(),
    )
    reading = GoldReading.objects.create(
        chart=charts["open"], reader=reader, lease_until=timezone.now() + timedelta(minutes=30)
    )
    label = GoldLabel.objects.create(chart=charts["open"], code="E11.22", rank=1, source="engine")
    addition = GoldAddition.objects.create(reading=reading, code="I10")
    adjudication = Adjudication.objects.create(
        chart=charts["adjudicating"], adjudicator=people["adjudicator"]
    )
    ruling = GoldRuling.objects.create(adjudication=adjudication, number=1, code="E11.22", ruling="keep")
    frozen = GoldSet.objects.create(
        project=projects["adjudicating"],
        name="Set",
        kind="gold",
        purpose="evaluation",
        manifest={},
        sha256="0" * 64,
    )
    return {
        "gold_project": projects["open"].pk,
        "gold_closed": projects["adjudicating"].pk,
        "gold_chart": charts["open"].pk,
        "gold_closed_chart": charts["adjudicating"].pk,
        "gold_reading": reading.pk,
        "gold_label": label.pk,
        "gold_place": 1,
        "gold_addition": addition.pk,
        "gold_adjudication": adjudication.pk,
        "gold_ruling": ruling.pk,
        "gold_gold_set": frozen.pk,
    }
