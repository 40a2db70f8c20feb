"""A chart's chapters, blocks and domains are those of its own release."""

from dataclasses import replace

import pytest

from modelops.evaluation.charts import Edition, GoldChart, GoldCode, Options, PredictedChart, PredictedCode
from modelops.evaluation.metrics import evaluate
from tests.modelops import plain_evaluation as plain

# R65 lay in chapter 18 and moves to chapter 1; the domain gains it.
BEFORE = {"R65": ("18", "R50-R69"), "A41": ("1", "A30-A49")}
NOW = {"R65": ("1", "A30-A49"), "A41": ("1", "A30-A49")}
OLD = Edition("2025", BEFORE, {"some": {"A41.9"}})
OPTIONS = Options(
    places=NOW,
    titles={"1": "Infections", "18": "Symptoms"},
    domains={"some": {"A41.9", "R65.20"}},
    release="2026",
    editions={"2025-03-01": OLD, "2025-04-01": OLD},
    resamples=0,
)


def chart(name, day, *codes):
    return GoldChart(name, tuple(GoldCode(code) for code in codes), day=day)


def predicted(name, *codes):
    return PredictedChart(name, tuple(PredictedCode(code) for code in codes))


GOLD = [
    chart("a", "2025-03-01", "R65.20"),
    chart("b", "2025-04-01", "R65.20"),
    chart("c", "2026-03-01", "R65.20"),
    chart("d", "", "R65.20"),
]
PREDICTED = [predicted(name, "A41.9") for name in "abcd"]


def test_a_code_meets_another_of_its_chapter_where_the_charts_release_says_so():
    found = evaluate(GOLD, PREDICTED, OPTIONS)
    assert found["levels"]["chapter"]["micro"]["hits"] == 2
    assert found["levels"]["block"]["micro"]["hits"] == 2
    assert evaluate(GOLD, PREDICTED, replace(OPTIONS, editions={}))["levels"]["chapter"]["micro"]["hits"] == 4


def test_the_slices_by_chapter_follow():
    rows = {row["key"]: row for row in evaluate(GOLD, PREDICTED, OPTIONS)["by"]["chapter"]}
    assert {key: (row["title"], row["gold"], row["predicted"]) for key, row in rows.items()} == {
        "1": ("Infections", 2, 4),
        "18": ("Symptoms", 2, 0),
    }


def test_the_domain_filter_follows():
    found = evaluate(GOLD, PREDICTED, OPTIONS)["domain_filter"]
    micro = found["levels"]["L3"]["micro"]
    assert (micro["gold"], micro["predicted"]) == (2, 4)
    assert found["by_domain"]["some"]["levels"]["L3"]["micro"] == micro


def test_it_is_said_how_many_charts_go_by_which_release():
    assert evaluate(GOLD, PREDICTED, OPTIONS)["options"]["releases"] == [
        {"release": "2026", "charts": 2, "stands_in": True},
        {"release": "2025", "charts": 2, "stands_in": False},
    ]


@pytest.mark.parametrize("level", ["chapter", "block", "L0", "L3"])
def test_the_same_release_under_another_day_changes_no_figure(level):
    gold, answers = plain.random_charts(11, 60)
    places = {"A41": ("1", "A30-A49"), "E11": ("4", "E08-E13"), "E66": ("4", "E65-E68")}
    options = Options(places=places, resamples=0)
    dated = [one._replace(day="2026-01-01") if number % 2 else one for number, one in enumerate(gold)]
    twice = replace(options, editions={"2026-01-01": Edition("again", places)})
    assert (
        evaluate(gold, answers, options)["levels"][level] == evaluate(dated, answers, twice)["levels"][level]
    )
    assert evaluate(gold, answers, options)["by"] == evaluate(dated, answers, twice)["by"]
