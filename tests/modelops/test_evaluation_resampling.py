"""Bootstrap by patient, paired differences and McNemar's test."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from modelops.evaluation.charts import GoldChart, GoldCode, Options, PredictedChart, PredictedCode
from modelops.evaluation.metrics import evaluate
from modelops.evaluation.resampling import Draws, mcnemar
from tests.modelops import plain_evaluation as plain

GOLD, PREDICTED = plain.random_charts(3, 90)


def test_the_same_seed_gives_the_same_interval_around_the_figure():
    once, again = (evaluate(GOLD, PREDICTED, Options(resamples=200)) for _ in range(2))
    other = evaluate(GOLD, PREDICTED, Options(resamples=200, seed=5))
    for name, level in once["levels"].items():
        assert level["micro"]["interval"] == again["levels"][name]["micro"]["interval"]
        low, high = level["micro"]["interval"]["f1"]
        assert low < level["micro"]["f1"] < high
    assert once["levels"]["L3"]["micro"]["interval"] != other["levels"]["L3"]["micro"]["interval"]


def test_patients_are_drawn_whole():
    """Ten charts of one patient come all or not at all, so the sums are multiples of ten."""
    draws = Draws(np.array([7] * 10 + [8] * 10), resamples=50, seed=1)
    sums = draws.sums(np.array([[1.0]] * 10 + [[0.0]] * 10))
    assert draws.clusters == 2
    assert set(sums[:, 0]) == {0.0, 10.0, 20.0}


def test_charts_without_a_patient_are_drawn_alone():
    draws = Draws(np.array([-1, -1, 0, 0, -1]), resamples=10, seed=1)
    assert draws.clusters == 4
    assert len(set(draws.cluster.tolist())) == 4
    assert draws.cluster[2] == draws.cluster[3]


def test_the_spread_is_that_of_the_mean():
    """The bootstrap of a mean has the standard error that theory gives."""
    values = np.arange(400, dtype=float)[:, None]
    sums = Draws(np.full(400, -1), resamples=4000, seed=2).sums(values)
    assert np.std(sums / 400) == pytest.approx(np.std(values) / math.sqrt(400), rel=0.05)


def test_a_model_against_itself_does_not_differ():
    found = evaluate(GOLD, PREDICTED, Options(resamples=100), against=PREDICTED)["comparison"]
    figure = found["levels"]["L3"]["micro_f1"]
    assert figure["a"] == figure["b"]
    assert (figure["difference"], figure["low"], figure["high"], figure["p"]) == (0.0, 0.0, 0.0, 1.0)
    assert (found["mcnemar"]["codes"]["only_a"], found["mcnemar"]["codes"]["p"]) == (0, 1.0)


def test_a_better_model_is_told():
    gold = [GoldChart(str(n), (GoldCode("I10"), GoldCode("R54"))) for n in range(40)]
    right = [PredictedChart(str(n), (PredictedCode("I10"), PredictedCode("R54"))) for n in range(40)]
    half = [PredictedChart(str(n), (PredictedCode("I10"),)) for n in range(40)]
    found = evaluate(gold, right, Options(resamples=100), against=half)["comparison"]
    figure = found["levels"]["L3"]["micro_f1"]
    assert (figure["a"], figure["b"]) == (1.0, pytest.approx(2 / 3))
    assert figure["low"] == pytest.approx(1 / 3)
    assert figure["p"] == pytest.approx(2 / 101)
    assert found["levels"]["L3"]["macro_f1"]["difference"] == pytest.approx(1 / 3)
    codes, charts = found["mcnemar"]["codes"], found["mcnemar"]["charts"]
    assert (codes["both"], codes["only_a"], codes["only_b"], codes["neither"]) == (40, 40, 0, 0)
    assert (charts["both"], charts["only_a"], charts["p"]) == (0, 40, pytest.approx(2 / 2**40))


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (5, 12), (12, 5), (30, 30), (400, 480)])
def test_mcnemar_is_the_exact_binomial_test(only_a, only_b):
    a = np.array([1] * only_a + [0] * only_b + [1] * 7 + [0] * 3, dtype=bool)
    b = np.array([0] * only_a + [1] * only_b + [1] * 7 + [0] * 3, dtype=bool)
    found = mcnemar(a, b)
    assert (found["both"], found["neither"]) == (7, 3)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found["p"] == pytest.approx(expected, abs=1e-12)


def test_many_pairs_take_the_corrected_chi_square():
    a, b = np.array([1] * 900 + [0] * 1000, dtype=bool), np.array([0] * 900 + [1] * 1000, dtype=bool)
    assert mcnemar(a, b)["p"] == pytest.approx(chi2.sf(99**2 / 1900, 1))
