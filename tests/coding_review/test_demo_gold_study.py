"""The demo's gold study: two readers, an adjudicator, a frozen set with its agreement; played once."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coding_review.audit_check import verify
from coding_review.gold.agreement import agreement_of, agreement_rows
from coding_review.models import (
    AuditEvent,
    CodeSet,
    GoldLabel,
    GoldProject,
    GoldReader,
    GoldReading,
    GoldReply,
    GoldSet,
    GoldSetLabel,
)
from modelops.models import EvaluationRun

pytestmark = pytest.mark.django_db


def say(*command, **options):
    said = StringIO()
    call_command(*command, stdout=said, **options)
    return said.getvalue()


@pytest.fixture
def played(icd10cm, settings, tmp_path):
    settings.VAR_DIR, settings.EVALUATION_DIR = tmp_path, tmp_path / "evaluations"
    say("create_demo_users")
    say("import_charts", "demo", stderr=StringIO())
    return say("demo_gold_study")


def test_the_study_is_played_frozen_and_evaluated_once(played):
    """One test: to play it takes half a minute, and what is asserted changes nothing."""
    played_by_the_products_actions_and_frozen(played)
    the_manifest_keeps_the_agreement_and_the_engine_is_evaluated_once(played)


def played_by_the_products_actions_and_frozen(played):
    gold_set = GoldSet.objects.get()
    assert f"{gold_set}: 7 charts" in played
    project = GoldProject.objects.get()
    assert (project.status, gold_set.kind, gold_set.purpose) == ("frozen", "gold", "evaluation")
    assert gold_set.without_phi
    labels = Counter(GoldSetLabel.objects.values_list("status", "origin"))
    assert labels["accepted", "label"] > 20
    assert labels["accepted", "addition"] > 3
    assert labels["rejected", "label"] > 0
    assert GoldReply.objects.count() == 1
    events = Counter(AuditEvent.objects.filter(type__startswith="gold.").values_list("type", flat=True))
    # Seven charts, one qualification chart and two repeats, by each of two readers.
    assert events["gold.reading_finished"] == 2 * (7 + 1 + 2)
    kinds = Counter(GoldReading.objects.values_list("kind", flat=True))
    assert kinds == {"independent": 14, "qualification": 2, "repeat": 4}
    qualified = GoldReader.objects.filter(qualified_at__isnull=False, qualification_f1__gte=0.8)
    assert qualified.count() == 2
    again = agreement_of(project)["repeats"]
    assert again["charts"] == 4
    assert 0 < again["overall"]["labels"]["positive_agreement"]["value"] <= 1
    assert list(again["by_reader"]) == ["Reader A", "Reader B"]
    assert CodeSet.objects.get(status="signed").encounter.source_id == "demo-13-clean-visit"
    assert events["gold.adjudication_finished"] == 7
    assert events["gold.frozen"] == 1
    assert list(verify()) == []
    rows = agreement_rows(project)
    assert {row.reader for row in rows} == {"Reader A", "Reader B"}
    assert {row.source for row in rows} == {"label", "addition", "seeded"}
    # Checks are in no label of the set, and neither reader passes all of them.
    checks = GoldLabel.objects.filter(source="seeded")
    assert 3 <= checks.count() <= 0.05 * GoldLabel.objects.count()
    bias = agreement_of(project)["seeded"]
    assert bias["checks"] == 2 * checks.count()
    codes = {(label.chart.code_set_id, label.code) for label in checks.select_related("chart")}
    frozen = GoldSetLabel.objects.values_list("gold_set_chart__code_set", "code", "origin")
    assert not {(chart, code) for chart, code, origin in frozen if origin == "label"} & codes
    assert all(row.evidence for row in rows if row.source == "addition")
    assert not [row for row in rows if row.verdict == "approve_evidence_wrong" and row.evidence]


def test_without_the_demos_people_nothing_is_played(icd10cm):
    assert say("demo_gold_study").startswith("Left out:")
    assert not GoldProject.objects.exists()


def the_manifest_keeps_the_agreement_and_the_engine_is_evaluated_once(played):
    project, gold_set = GoldProject.objects.get(), GoldSet.objects.get()
    kept, figures = gold_set.manifest["agreement"], agreement_of(project)
    assert kept["counts"] == figures["counts"]
    assert kept["counts"]["charts_read_twice"] == kept["counts"]["charts"] == 7
    assert list(kept["by_pair"]) == ["Reader A · Reader B"]
    for name in ("positive_agreement", "negative_agreement", "ac1", "cohen_kappa"):
        assert kept["overall"]["labels"][name]["value"] == pytest.approx(
            figures["overall"]["labels"][name]["value"], abs=1e-6
        )
    assert 0 < kept["overall"]["additions"]["f1"]["value"] < 1
    assert 0 < kept["overall"]["evidence"]["line_f1"]["value"] < 1
    assert kept["overall"]["evidence"]["alpha_of_lines"]["why"] == ""
    assert set(kept["by_domain"]) == {"advanced_illness", "frailty", "sdoh"} & set(kept["by_domain"])
    assert "icd10cm 9" in figures["by_chapter"]
    assert "not in the catalog" not in figures["by_chapter"]
    assert "per_code" not in kept
    assert json.loads(say("gold_agreement", "Demo study")) == json.loads(json.dumps(figures))
    with pytest.raises(CommandError, match=r"^There is no gold project of this name\.$"):
        say("gold_agreement", "Another")

    run = EvaluationRun.objects.get()
    assert (run.engine, run.gold_set_sha256, run.charts_count) == ("embedded", gold_set.sha256, 7)
    assert run.metrics["input"]["errors"] == []
    assert 0 < run.metrics["levels"]["L4"]["micro"]["f1"] <= run.metrics["levels"]["L3"]["micro"]["f1"] < 1
    assert played.endswith(f"exact F1 {run.metrics['levels']['L3']['micro']['f1']:.2f}\n")

    # A second start changes nothing.
    events = AuditEvent.objects.count()
    assert say("demo_gold_study") == played
    assert GoldSet.objects.count() == GoldProject.objects.count() == EvaluationRun.objects.count() == 1
    assert AuditEvent.objects.count() == events
