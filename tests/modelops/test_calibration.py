"""Confidences by the curve of a calibration split: how it is fitted, which one is in force, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from django.db import ProgrammingError, transaction
from hypothesis import assume, given
from hypothesis import strategies as st

from modelops.engines.calibration import calibrated, configuration, on_curve
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.types import CodeSuggestion, Discarded, EngineInfo, EngineResult
from modelops.evaluation.charts import GoldChart, GoldCode, PredictedChart, PredictedCode
from modelops.evaluation.columns import pack_gold, pack_predictions
from modelops.evaluation.isotonic import Pairs, fit, pairs_of
from modelops.models import Calibration
from tests.modelops.llm.scripted import ScriptedServer

INFO = EngineInfo(name="vllm", model_version="llama-3", prompt_version="p:1", details={"base": "x"})
RESULT = EngineResult(
    (CodeSuggestion("icd10cm", "I10", "t", 0.75, "", ()),), discarded=(Discarded("E11", "header"),)
)


def row(**values) -> Calibration:
    fields = {
        "engine": "vllm",
        "model_version": "llama-3",
        "configuration": "p:1; base=x",
        "split": "s",
        "split_sha256": "a" * 64,
        "predictions_sha256": "b" * 64,
        "points": [[0.5, 0.2], [1.0, 0.8]],
        "codes": 100,
        "charts": 10,
        "error_before": 0.3,
        "error_after": 0.1,
    }
    return Calibration.objects.create(**fields | values)


@pytest.mark.parametrize(
    ("confidence", "right"), [(0.0, 0.2), (0.5, 0.2), (0.75, 0.5), (0.9, 0.68), (1.0, 0.8)]
)
def test_between_two_points_in_a_straight_line(confidence, right):
    assert on_curve([(0.5, 0.2), (1.0, 0.8)], confidence) == right


@pytest.mark.django_db
def test_the_newest_curve_of_the_engine_its_model_and_prompt_is_in_force():
    row(points=[[0.5, 0.1], [1.0, 0.1]])
    newest = row()
    row(configuration="p:2; base=x")
    info, result = calibrated(INFO, RESULT)
    assert [said.confidence for said in result.suggestions] == [0.5]
    assert result.discarded == RESULT.discarded
    assert info.calibrated
    assert info.details == {"base": "x", "calibration_id": str(newest.pk)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other", [{"engine": "hybrid"}, {"model_version": "llama-4"}, {"configuration": "p:1"}]
)
def test_another_engines_models_or_prompts_curve_is_not(other):
    row(**other)
    assert calibrated(INFO, RESULT) == (INFO, RESULT)


@dataclass
class NoCandidates:
    said: str = "6 a line, 120"

    def candidates(self, chart, lines, release_id):
        return ()


@pytest.mark.parametrize(
    "other",
    [
        {"said": "3 a line, 120"},
        {"grounding": "candidates+verify"},
        {"closed": True},
        {"passes": 3},
        {"temperature": 0.2},
    ],
)
def test_a_configuration_with_other_candidates_or_passes_is_another(other):
    def of(said="6 a line, 120", **values):
        config = LlmConfig(**{"grounding": "candidates", **values})
        return configuration(LlmEngine(ScriptedServer([]), config, grounding=NoCandidates(said)).info)

    assert of() == of(temperature=0)
    assert of(**other) != of()


@pytest.mark.django_db
def test_a_curve_neither_changes_nor_goes():
    stored = row()
    for change in (lambda: Calibration.objects.update(split="t"), stored.delete):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()
    assert Calibration.objects.get().split == "s"


def pairs(*groups: tuple[float, int, int]) -> Pairs:
    """(confidence, right, wrong) by groups, each code in a chart of its own."""
    confidence = [given for given, right, wrong in groups for _ in range(right + wrong)]
    correct = [n < right for _, right, wrong in groups for n in range(right + wrong)]
    return Pairs(np.arange(len(correct)), np.array(confidence), np.array(correct))


def test_each_confidence_becomes_the_share_that_was_right():
    found = fit(pairs((0.5, 10, 30), (0.8, 20, 20), (0.95, 36, 4)))
    assert found.points == ((0.5, 0.25), (0.8, 0.5), (0.95, 0.9))
    assert (found.codes, found.charts) == (120, 120)
    # (.25 + .3 + .05) / 3
    assert found.error_before == pytest.approx(0.2)
    assert found.error_after < found.error_before


def test_a_surer_group_that_was_right_less_often_is_joined_with_the_one_below():
    found = fit(pairs((0.5, 30, 10), (0.9, 20, 20)))
    assert found.points == ((0.5, 0.625), (0.9, 0.625))


def test_nobody_is_surer_than_so_many_codes_can_show():
    found = fit(pairs((0.1, 0, 49), (0.9, 49, 0)))
    assert found.points == ((0.1, 0.01), (0.9, 0.99))


def test_too_few_codes_give_no_curve():
    with pytest.raises(ValueError, match=r"^49 predicted codes with a confidence; at least 50 are needed\.$"):
        fit(pairs((0.5, 20, 29)))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.integers(0, 5)), min_size=30, max_size=60))
def test_the_curve_rises_and_stays_between_0_and_1(groups):
    measured = pairs(*groups)
    assume(len(measured) >= 50)
    points = fit(measured).points
    assert all(0 < right < 1 for _, right in points)
    assert [right for _, right in points] == sorted(right for _, right in points)
    steps = [on_curve(points, step / 50) for step in range(51)]
    assert steps == sorted(steps)


def test_codes_of_every_system_count_and_optional_ones_do_not():
    gold = pack_gold(
        [
            GoldChart(
                "a",
                (GoldCode("I10"), GoldCode("47562", system="cpt")),
                frozenset({("icd10cm", "Z87.891")}),
            ),
            GoldChart("b", (GoldCode("E11.9"),)),
        ]
    )
    predicted = pack_predictions(
        gold,
        [
            PredictedChart(
                "a",
                (
                    PredictedCode("I10", confidence=0.9),
                    PredictedCode("Z87.891", confidence=0.8),
                    PredictedCode("J18.9", confidence=0.7),
                    PredictedCode("E66.9"),
                    PredictedCode("47562", system="cpt", confidence=0.6),
                ),
            ),
            PredictedChart("b", (PredictedCode("I10", confidence=0.5),)),
        ],
    )
    found = pairs_of(gold, predicted)
    assert list(
        zip(found.chart.tolist(), found.confidence.tolist(), found.correct.tolist(), strict=True)
    ) == [
        (0, 0.9, True),
        (0, 0.7, False),
        (1, 0.5, False),
        (0, 0.6, True),
    ]
