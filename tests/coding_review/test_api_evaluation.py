"""Evaluation runs and agreement by the API: what is answered, page by page, and to whom."""

from __future__ import annotations

import pytest

from coding_review.models import GoldReading
from coding_review.web.gold_figures import kept_figures
from modelops.evaluation.agreement import summary
from tests.coding_review.api_cases import client_of, refused
from tests.coding_review.evaluation_rows import FIRST, stored
from tests.coding_review.gold_rows import open_study

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"


def test_runs_come_newest_first_by_cursor(expert, tmp_path):
    runs = [stored(tmp_path, name=name) for name in ("one", "two", "three")]
    client = client_of(expert)
    first = client.get("/api/evaluations/?limit=2").json()
    assert [row["id"] for row in first["results"]] == [runs[2].pk, runs[1].pk]
    assert first["results"][0] == {
        "id": runs[2].pk,
        "engine": "embedded",
        "model_version": None,
        "gold_set": "Frailty v1",
        "gold_set_sha256": "a" * 64,
        "predictions_sha256": runs[2].predictions_sha256,
        "catalog_release": "2026-04",
        "charts": runs[2].charts_count,
        "f1_exact": runs[2].metrics["levels"]["L3"]["micro"]["f1"],
        "f1_with_evidence": runs[2].metrics["levels"]["L4"]["micro"]["f1"],
        "created_at": first["results"][0]["created_at"],
    }
    second = client.get(first["next"]).json()
    assert ([row["id"] for row in second["results"]], second["next"]) == ([runs[0].pk], None)


def test_a_run_has_all_its_figures_and_its_charts_without_text(expert, tmp_path):
    run = stored(tmp_path)
    client = client_of(expert)
    found = client.get(f"/api/evaluations/{run.pk}/").json()
    assert found["metrics"] == run.metrics
    assert "drawings" not in found
    charts = client.get(f"/api/evaluations/{run.pk}/charts/?limit=1").json()
    (chart,) = charts["results"]
    assert (chart["position"], chart["chart"], chart["f1"]) == (1, "c-1", 0.5)
    assert (chart["met"], chart["missed"]) == (FIRST["met"], FIRST["missed"])
    assert [row["chart"] for row in client.get(charts["next"]).json()["results"]] == ["c-2"]


@pytest.mark.parametrize("who", ["coder", "outsider"])
def test_who_may_not_see_evaluations_reads_none(request, who, tmp_path):
    run = stored(tmp_path)
    client = client_of(request.getfixturevalue(who))
    for address in ("", f"{run.pk}/", f"{run.pk}/charts/"):
        refused(client.get(f"/api/evaluations/{address}"), 403, "not_allowed")


def test_agreement_is_for_who_oversees_and_not_for_a_reader_before_adjudication(
    icd10cm, lead, coder, expert, outsider, make_encounter
):
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    address = f"/api/gold-projects/{study.project.pk}/agreement/"
    found = client_of(lead).get(address).json()
    assert found["project"] == study.project.pk
    assert found["figures"]["counts"]["readings"] == 0 == GoldReading.objects.count()
    assert "per_code" not in found["figures"]
    for reader in (coder, expert):
        refused(client_of(reader).get(address), 403, "not_allowed")
    refused(client_of(outsider).get(address), 404, "not_found")


def test_the_figures_are_those_of_the_project(lead, make_encounter, coder, expert, icd10cm):
    study = open_study(lead, make_encounter, [(coder, "coder"), (expert, "clinician")])
    found = client_of(lead).get(f"/api/gold-projects/{study.project.pk}/agreement/").json()
    assert found["figures"] == summary(kept_figures(study.project))
