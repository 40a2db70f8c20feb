"""The evaluation pages: who sees runs, what stands in them, the report's own policy, and whose text is shown."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from coding_review.evaluation_comparison import comparison
from coding_review.models import AuditEvent, DocumentVersion, GoldSet, GoldSetChart, GoldSetText
from modelops.evaluation.charts import GoldChart, GoldCode, Options, PredictedChart, PredictedCode
from modelops.evaluation.metrics import evaluate
from modelops.evaluation.per_chart import chart_view
from modelops.evaluation.report.drawing import draw_all
from modelops.evaluation.report.page import CONTENT_POLICY
from modelops.evaluation.report.sections import sections
from modelops.models import ModelVersion
from tests.coding_review.evaluation_rows import FIRST, OTHER_CHART, SECOND, stored
from tests.modelops.report_sample import knowledge, metrics

pytestmark = pytest.mark.django_db
GOLD = "b" * 64


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"


def get(user, name, *args, **query):
    client = Client()
    client.force_login(user)
    return client.get(reverse(f"web:{name}", args=args), query)


def test_the_list_shows_each_run_with_its_figures(expert, lead, tmp_path):
    version = ModelVersion.objects.create(engine="embedded", name="rules", version="7")
    run = stored(tmp_path, actor=lead, model_version_id=version.pk)
    response = get(expert, "evaluations")
    (row,) = response.context["rows"]
    assert (row.pk, row.model, row.gold_set, row.charts, row.exact, row.with_evidence, row.by) == (
        run.pk,
        "embedded, rules 7",
        "Frailty v1",
        "60",
        "0.610",
        "0.560",
        "lead",
    )
    assert reverse("web:evaluation", args=[run.pk]) in response.content.decode()


@pytest.mark.parametrize("who", ["coder", "outsider", "privacy_officer"])
@pytest.mark.parametrize("page", ["evaluations", "evaluation", "evaluation-report", "evaluation-chart"])
def test_who_may_not_see_evaluations_sees_none(request, who, page, tmp_path):
    run = stored(tmp_path)
    args = {"evaluations": [], "evaluation-chart": [run.pk, 1]}.get(page, [run.pk])
    response = get(request.getfixturevalue(who), page, *args)
    assert response.status_code == 403
    assert "Frailty v1" not in response.content.decode()


@pytest.mark.parametrize("page", ["evaluation", "evaluation-report"])
def test_a_run_that_is_not_there_is_not_found(expert, page):
    assert get(expert, page, 999_999).status_code == 404


def test_a_run_shows_every_section_with_its_drawing_and_what_the_model_version_knows(expert, tmp_path):
    version = ModelVersion.objects.create(
        engine="vllm", name="coder", version="2", metrics={"general_knowledge": knowledge()}
    )
    found = sections(metrics(), knowledge())
    run = stored(tmp_path, model_version_id=version.pk, drawings=draw_all(found))
    response = get(expert, "evaluation", run.pk)
    body = response.content.decode()
    assert [shown.section.key for shown in response.context["sections"]] == [s.key for s in found]
    assert body.count('class="chart" role="img"') == len(draw_all(found))
    assert "MedQA, four options" in body
    assert " style=" not in body
    assert "circulatory system &lt;&amp;&gt;" in body


def test_the_report_is_served_under_a_policy_of_its_own(expert, tmp_path):
    run = stored(tmp_path, drawings=draw_all(sections(metrics())))
    response = get(expert, "evaluation-report", run.pk)
    assert response["Content-Security-Policy"] == CONTENT_POLICY
    assert response["X-Frame-Options"] == "DENY"
    assert response["Cache-Control"] == "no-store"
    assert "Content-Disposition" not in response
    assert response.content.decode().startswith("<!doctype html>")
    download = get(expert, "evaluation-report", run.pk, download="")
    assert download["Content-Disposition"] == f'attachment; filename="evaluation-{run.pk}.html"'
    page = get(expert, "evaluation", run.pk)["Content-Security-Policy"]
    assert {"style-src 'self'", "script-src 'self'"} < set(page.split("; "))


def test_a_single_read_reference_is_called_that(expert, tmp_path):
    run = stored(tmp_path, settings={"gold_kind": "single_read_reference"})
    for page in ("evaluation", "evaluation-report"):
        assert "not a gold set" in get(expert, page, run.pk).content.decode()


def test_two_runs_are_compared_down_to_the_chart(expert, tmp_path):
    better = metrics()
    better["levels"]["L3"]["micro"]["f1"] = 0.71
    a = stored(tmp_path, name="a")
    b = stored(tmp_path, name="b", charts={"c-2": OTHER_CHART, "c-1": SECOND}, metrics=better)
    response = get(expert, "evaluation-compare", a=a.pk, b=b.pk)
    compared = {row.label: (row.a, row.b, row.difference) for row in response.context["compared"]}
    assert compared["F1 L3 exact code (micro)"] == ("0.610", "0.710", "-0.100")
    assert compared["Traps predicted (lower is better)"] == ("7.5%", "7.5%", "+0.0 points")
    assert [
        (position, line.chart, line.f1_a, line.f1_b) for position, line in response.context["charts"]
    ] == [
        (1, "c-1", "0.500", "1.000"),
        (2, "c-2", "0.000", "0.000"),
    ]
    assert response.context["same_gold"] is True
    chart = get(expert, "evaluation-chart", a.pk, 1, b=b.pk)
    assert [
        (c.code, c.gold, c.a, c.b, c.lines_gold, c.lines_a, c.lines_b, c.differs)
        for c in chart.context["codes"]
    ] == [
        ("E11.22", "gold", "right, 0.93", "right, 0.70", "3", "3, 4", "4", False),
        ("I50.23", "gold", "missed", "right, 0.88", "2", "", "2", True),
    ]


def test_runs_against_other_gold_sets_are_told_apart(expert, tmp_path):
    a, b = stored(tmp_path, name="a"), stored(tmp_path, name="b", gold_sha256=GOLD)
    response = get(expert, "evaluation-compare", a=a.pk, b=b.pk)
    assert response.context["same_gold"] is False
    assert "may not be compared" in response.content.decode()


@pytest.mark.parametrize("query", [{}, {"a": "1"}, {"a": "x", "b": "²"}])
def test_without_two_runs_they_are_chosen_in_the_list(expert, query):
    response = get(expert, "evaluation-compare", **query)
    assert (response.status_code, response["Location"]) == (302, "/evaluation/")


# --- Text -----------------------------------------------------------------------------------------


@pytest.fixture
def frozen(make_encounter, admin):
    """A gold set of one encounter's chart; its only document is "d1"."""
    encounter = make_encounter()
    code_set = encounter.code_sets.first()
    version = DocumentVersion.objects.get(document__encounter=encounter)
    gold_set = GoldSet.objects.create(
        name="Frailty", kind="gold", purpose="evaluation", manifest={}, sha256=GOLD, frozen_by=admin
    )
    GoldSetChart.objects.create(
        gold_set=gold_set,
        chart_key="c-1",
        code_set=code_set,
        documents=[{"document_id": "d1", "document_version_id": version.pk, "version": 1}],
    )
    return encounter


def test_who_may_read_the_encounter_reads_the_chart_and_it_is_an_event(expert, frozen, tmp_path):
    run = stored(tmp_path, gold_sha256=GOLD)
    response = get(expert, "evaluation-chart", run.pk, 1)
    (document,) = response.context["documents"]
    assert [(line.number, line.gold, line.a) for line in document.lines] == [
        (1, False, False),
        (2, True, False),
        (3, True, True),
        (4, False, True),
        (5, False, False),
        (6, False, False),
    ]
    assert "Acute on chronic systolic heart failure" in response.content.decode()
    event = AuditEvent.objects.get(type="encounter.opened")
    assert (event.actor, event.encounter) == (expert, frozen)
    assert event.data == {"code_set_id": frozen.code_sets.first().pk, "read_only": True}


@pytest.mark.parametrize("who", ["admin", "auditor"])
def test_who_may_not_read_documents_sees_codes_without_text(request, who, frozen, tmp_path):
    run = stored(tmp_path, gold_sha256=GOLD)
    response = get(request.getfixturevalue(who), "evaluation-chart", run.pk, 1)
    assert response.status_code == 200
    assert len(response.context["codes"]) == 2
    assert "heart failure" not in response.content.decode()
    assert not AuditEvent.objects.filter(type="encounter.opened").exists()


def test_an_encounter_above_the_readers_ceiling_shows_no_text(expert, frozen, tmp_path):
    run = stored(tmp_path, gold_sha256=GOLD)
    frozen.confidentiality = "restricted"
    frozen.save(update_fields=["confidentiality"])
    response = get(expert, "evaluation-chart", run.pk, 1)
    assert "heart failure" not in response.content.decode()
    assert response.context["documents"] == ()


@pytest.mark.parametrize(("without_phi", "shown"), [(True, True), (False, False)])
def test_an_outside_sets_text_is_shown_only_where_it_is_free_of_phi(admin, tmp_path, without_phi, shown):
    gold_set = GoldSet.objects.create(
        name="Outside",
        kind="gold",
        purpose="evaluation",
        manifest={},
        sha256=GOLD,
        without_phi=without_phi,
    )
    chart = GoldSetChart.objects.create(gold_set=gold_set, chart_key="c-1", documents=[{"document_id": "d1"}])
    GoldSetText.objects.create(gold_set_chart=chart, document_id="d1", text="one\ntwo <b>\nthree")
    run = stored(tmp_path, gold_sha256=GOLD)
    body = get(admin, "evaluation-chart", run.pk, 1).content.decode()
    assert ("two &lt;b&gt;" in body) is shown
    assert "two <b>" not in body


def test_without_a_gold_set_of_this_system_no_text_is_known(expert, tmp_path):
    run = stored(tmp_path)
    response = get(expert, "evaluation-chart", run.pk, 2)
    assert response.context["documents"] == ()
    assert "scored against a file" in response.content.decode()
    assert get(expert, "evaluation-chart", run.pk, 3).status_code == 404


def test_a_chart_whose_run_b_lacks_it_says_so(expert, tmp_path):
    a = stored(tmp_path, name="a", charts={"c-1": FIRST})
    b = stored(tmp_path, name="b", charts={"c-2": FIRST})
    response = get(expert, "evaluation-chart", a.pk, 1, b=b.pk)
    assert f"Run {b.pk} has no such chart" in response.content.decode()


# --- Could it be chance? ------------------------------------------------------------------------------


def scored(tmp_path, name, gold, predicted):
    """A stored run of these charts, and its figures."""
    views = {chart.id: chart_view(chart, answer) for chart, answer in zip(gold, predicted, strict=True)}
    return stored(tmp_path, name=name, charts=views, gold_sha256=GOLD)


def two_models(patients=False):
    """Forty charts of two codes; A is right more often than B and cites other lines."""
    gold = [
        GoldChart(
            f"c-{n}",
            (GoldCode("I10", frozenset({("d1", 1)})), GoldCode("E11.9", frozenset({("d1", 2)}))),
            optional=frozenset({("icd10cm", "Z79.4")}),
            patient=f"p{n // 2}" if patients else "",
        )
        for n in range(40)
    ]

    def answers(share, line):
        return [
            PredictedChart(
                chart.id,
                tuple(
                    PredictedCode(code, frozenset({("d1", line)}), confidence=0.5)
                    for code in ("I10", "E11.9" if n % share else "E11.22", "Z79.4")
                ),
            )
            for n, chart in enumerate(gold)
        ]

    return gold, answers(5, 1), answers(2, 2)


def test_two_stored_runs_are_compared_as_their_files_would_be(expert, tmp_path):
    gold, a, b = two_models()
    first, second = scored(tmp_path, "a", gold, a), scored(tmp_path, "b", gold, b)
    response = get(expert, "evaluation-compare", a=first.pk, b=second.pk)
    expected = evaluate(gold, a, Options(), against=b)["comparison"]
    assert comparison(first, second) == expected | {"patients": None}
    row = expected["levels"]["L3"]["micro_f1"]
    content = response.content.decode()
    assert f"{row['low']:+.3f} to {row['high']:+.3f}" in content
    assert expected["mcnemar"]["codes"]["only_a"] == 16
    assert response.context["discordant"][0].only_a == "16"
    assert "drawn by chart" in content


def test_the_bootstrap_draws_the_patients_of_a_gold_set_of_this_system(expert, tmp_path, admin):
    gold, a, b = two_models(patients=True)
    gold_set = GoldSet.objects.create(
        name="Outside", kind="gold", purpose="evaluation", manifest={}, sha256=GOLD, frozen_by=admin
    )
    GoldSetChart.objects.bulk_create(
        GoldSetChart(gold_set=gold_set, chart_key=chart.id, facts={"patient_id": chart.patient})
        for chart in gold
    )
    first, second = scored(tmp_path, "a", gold, a), scored(tmp_path, "b", gold, b)
    expected = evaluate(gold, a, Options(), against=b)["comparison"]
    assert comparison(first, second) == expected | {"patients": 20}
    assert (
        "drawn by patient (20)" in get(expert, "evaluation-compare", a=first.pk, b=second.pk).content.decode()
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gold_sha256": "b" * 64}, "not scored against the same labels"),
        ({"charts": {}}, "No charts were kept"),
    ],
)
def test_where_runs_cannot_be_compared_it_says_why(expert, tmp_path, change, told):
    first, second = stored(tmp_path), stored(tmp_path, name="two", **change)
    response = get(expert, "evaluation-compare", a=first.pk, b=second.pk)
    assert told in response.content.decode()
    assert "intervals" not in response.context
