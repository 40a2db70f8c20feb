"""A model version measured before it serves: asked through its engine on the frozen sets, and its confidences anew."""

from __future__ import annotations

import json

import pytest

from coding_review.actions.evaluate_version import evaluate_baseline, evaluate_version
from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.evaluation_job import run_evaluation
from coding_review.models import (
    AuditEvent,
    DocumentVersion,
    EvaluationJob,
    PredictionRun,
    Suggestion,
)
from coding_review.promotion import gate_of
from coding_review.shadow import score_in_shadow, wants_shadow
from modelops.engines.types import CodeSuggestion, EngineInfo, EngineResult, Evidence
from modelops.errors import EngineError
from modelops.models import Calibration, EvaluationRun, ModelVersion, ShadowScore
from tests.coding_review.gold_rows import adjudicated

pytestmark = pytest.mark.django_db
CHARTS = 30


class VersionEngine:
    """Version 1 finds hypertension, version 2 diabetes too; version 3 answers nothing."""

    def __init__(self, version: ModelVersion | None = None) -> None:
        self.version = version

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("coder", str(self.version), details={"passes": "1"})

    def predict(self, chart, release_id):
        if self.version is None or self.version.version == "3":
            raise EngineError("The server does not answer.")
        document = chart.documents[0]
        words = {"hypertension": "I10"} | ({"diabetes": "E11.9"} if self.version.version == "2" else {})
        found = []
        for number, line in enumerate(document.lines, start=1):
            for word, code in words.items():
                if word in line:
                    at = line.index(word)
                    place = Evidence(document.document_id, number, number, at, at + len(word), word)
                    found.append(CodeSuggestion("icd10cm", code, word, 0.8, "said", (place,)))
        return EngineResult(tuple(found))


class BaselineEngine(VersionEngine):
    """Without a version of its own: finds hypertension."""

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("baseline", "as set")


def baseline_engine() -> BaselineEngine:
    return BaselineEngine(ModelVersion(name="as set", version="1"))


def plain_engine() -> VersionEngine:
    return VersionEngine()


def versioned_engine(version: ModelVersion | None = None) -> VersionEngine:
    return VersionEngine(version)


@pytest.fixture(autouse=True)
def kept(settings, tmp_path, icd10cm):
    settings.EVALUATION_DIR = tmp_path / "kept"
    settings.ENGINES = {
        "coder": "tests.coding_review.test_candidate_evaluation.versioned_engine",
        "baseline": "tests.coding_review.test_candidate_evaluation.baseline_engine",
        "plain": "tests.coding_review.test_candidate_evaluation.plain_engine",
    }


def gold(name, purpose, kind="single_read_reference"):
    rows = [
        {
            "id": f"{name}-{number}",
            "text": "Has hypertension.\nHas diabetes.",
            "codes": [{"code": "I10", "lines": [1]}, {"code": "E11.9", "lines": [2]}],
        }
        for number in range(CHARTS)
    ]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    return import_gold(None, lines, name=name, purpose=purpose, kind=kind, without_phi=True)


def version(number, engine="coder", **more):
    return ModelVersion.objects.create(engine=engine, name="m", version=number, **more)


@pytest.fixture
def sets():
    return gold("Split", "calibration"), gold("Frozen", "evaluation")


def run_all():
    for job in EvaluationJob.objects.order_by("pk"):
        run_evaluation(job.pk)


def test_both_models_are_asked_and_the_candidates_confidences_fitted(lead, sets):
    serving, candidate = version("1", active=True), version("2")
    jobs = evaluate_version(lead, candidate.pk)
    assert [(job.model_version, job.gold_set) for job in jobs] == [
        (candidate, sets[0]),
        (candidate, sets[1]),
        (serving, sets[1]),
    ]
    run_all()
    assert set(EvaluationJob.objects.values_list("status", "error")) == {("done", "")}
    figures = {
        run.model_version.version: (run.metrics["levels"]["L3"]["micro"]["f1"], run.charts_count)
        for run in EvaluationRun.objects.all()
    }
    assert figures == {"1": (pytest.approx(2 / 3), CHARTS), "2": (1.0, CHARTS)}
    curve = Calibration.objects.get()
    assert (curve.engine, curve.model_version, curve.configuration) == ("coder", "m 2", "passes=1")
    assert (curve.split, curve.codes, curve.charts) == ("Split v1", 2 * CHARTS, CHARTS)
    # The set came from outside, so its kind decides whether it counts; without one that counts nothing passes.
    assert gate_of(candidate).passes is False
    events = AuditEvent.objects.filter(type="evaluation.queued").order_by("pk")
    assert [event.data["model_version_id"] for event in events] == [candidate.pk, candidate.pk, serving.pk]


def test_a_set_that_a_project_froze_is_asked_about_with_what_it_tells_of_its_documents(
    lead, coder, expert, adjudicator, make_encounter
):
    """Each document carries its hash, version and number of lines."""
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    frozen = freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    (job,) = evaluate_version(lead, version("2").pk)
    run_all()
    job.refresh_from_db()
    assert (job.gold_set, job.status, job.error) == (frozen, "done", "")
    assert job.run.charts_count == 1


def test_what_was_done_is_not_asked_again(lead, sets):
    version("1", active=True)
    candidate = version("2")
    assert len(evaluate_version(lead, candidate.pk)) == 3
    assert evaluate_version(lead, candidate.pk) == []
    run_all()
    assert evaluate_version(lead, candidate.pk) == []


def test_a_server_that_does_not_answer_gives_no_figures(lead, sets):
    candidate = version("3")
    evaluate_version(lead, candidate.pk)
    run_all()
    assert set(EvaluationJob.objects.values_list("status", "error_code")) == {("failed", "not_answered")}
    job = EvaluationJob.objects.first()
    assert job.error == (
        "30 of 30 charts were not answered, most of them for this: The server does not answer. Look whether the "
        "model's server answers, then ask again."
    )
    assert (EvaluationRun.objects.count(), Calibration.objects.count()) == (0, 0)


def test_an_engine_that_cannot_be_asked_about_one_version_is_said_so(lead, sets):
    with pytest.raises(InvalidDecision) as caught:
        evaluate_version(lead, version("1", engine="plain").pk)
    assert caught.value.data == {"field": "model_version"}
    assert EvaluationJob.objects.count() == 0


def test_without_a_frozen_set_there_is_nothing_to_ask(lead):
    gold("Split", "calibration")
    with pytest.raises(InvalidDecision):
        evaluate_version(lead, version("2").pk)
    assert EvaluationJob.objects.count() == 0


@pytest.mark.parametrize("who", ["coder", "expert", "auditor"])
def test_without_the_right_nobody_is_asked(request, who, sets):
    with pytest.raises(NotAllowed):
        evaluate_version(request.getfixturevalue(who), version("2").pk)
    assert EvaluationJob.objects.count() == 0


# --- What the first version is held against ---------------------------------------------------------


def test_the_first_version_is_held_against_an_engine_that_is_asked_anew(lead, sets, settings):
    settings.ENGINE = "baseline"
    # Read by two, as its makers say: it counts, and the other evaluation set does not.
    counted = gold("Counted", "evaluation", kind="gold")
    candidate = version("2")
    assert gate_of(candidate).baseline == "baseline"
    evaluate_version(lead, candidate.pk)
    job, other = evaluate_baseline(lead, candidate.pk, "baseline")
    assert (other.gold_set, other.asked) == (sets[1], True)
    assert (job.gold_set, job.engine, job.asked, job.model_version) == (counted, "baseline", True, None)
    assert evaluate_baseline(lead, candidate.pk, "baseline") == []
    run_all()
    job.refresh_from_db()
    assert (job.run.engine, job.run.model_version, job.run.settings["answered_by"]) == (
        "baseline",
        None,
        "baseline",
    )
    assert evaluate_baseline(lead, candidate.pk, "baseline") == []
    gate = gate_of(candidate)
    assert (gate.baseline, gate.serving, gate.pairs) == (
        "baseline",
        None,
        [(candidate.evaluation_runs.get(gold_set_sha256=counted.sha256).pk, job.run.pk)],
    )
    assert {row.id: row.verdict.value for row in gate.rows}["exact_f1"] == "pass"
    # Another engine may be looked at: it has no figures.
    assert gate_of(candidate, "plain").pairs == []


def test_a_baseline_is_for_the_first_version_and_for_an_engine_that_there_is(lead, coder, sets):
    candidate = version("2")
    for actor, engine, refused in ((coder, "baseline", NotAllowed), (lead, "nothing", InvalidDecision)):
        with pytest.raises(refused):
            evaluate_baseline(actor, candidate.pk, engine)
    version("1", active=True)
    with pytest.raises(WrongStatus):
        evaluate_baseline(lead, candidate.pk, "baseline")
    assert EvaluationJob.objects.count() == 0


# --- Shadow ---------------------------------------------------------------------------------------


@pytest.fixture
def answered(make_encounter, icd10cm):
    """A run of the engine that suggested diabetes and was shown."""
    encounter = make_encounter({"note": "Has hypertension.\nHas diabetes."})
    run = PredictionRun.objects.create(
        code_set=encounter.code_sets.get(), engine="coder", question_hash="1" * 64, status="done",
        release=icd10cm,
    )  # fmt: skip
    run.documents.set(DocumentVersion.objects.filter(document__encounter=encounter))
    Suggestion.objects.create(run=run, rank=1, code="E11.9", title="x", confidence=0.9, band="high")
    return run


def test_a_shadow_is_counted_once_beside_what_was_shown(answered):
    assert (wants_shadow(answered.pk), score_in_shadow(answered.pk)) == (False, False)
    shadow = version("1", shadow=True)
    assert wants_shadow(answered.pk) is True
    assert (score_in_shadow(answered.pk), score_in_shadow(answered.pk)) == (True, False)
    score = ShadowScore.objects.get()
    assert (score.model_version, score.question, score.error_code) == (shadow, answered.pk, "")
    assert (score.both, score.only_shadow, score.only_shown) == (0, 1, 1)
    assert score.codes == [{"system": "icd10cm", "code": "I10", "confidence": 0.8}]
    assert list(answered.suggestions.values_list("code", flat=True)) == ["E11.9"]


def test_a_shadow_that_fails_is_told_by_its_code(answered):
    version("3", shadow=True)
    assert score_in_shadow(answered.pk) is True
    score = ShadowScore.objects.get()
    assert (score.error_code, score.codes, score.both) == ("engine_error", [], 0)
