"""Levels, averages, filters and slices against an independent recomputation and against scikit-learn."""

import pytest
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from modelops.evaluation.charts import GoldChart, GoldCode, Options, PredictedChart, PredictedCode
from modelops.evaluation.metrics import evaluate
from tests.modelops import plain_evaluation as plain

GOLD, PREDICTED = plain.random_charts(7, 120)
DOMAINS = {"frailty": {"R26.81", "R54", "Z91.81", "W01.0XXA"}, "sdoh": {"Z59.00", "Z59.01"}}
PLACES = {
    **dict.fromkeys(("A41", "B20", "B96"), ("1", "A30-A49")),
    **dict.fromkeys(("E11", "E66"), ("4", "E08-E13")),
    **dict.fromkeys(("I10", "I50"), ("9", "I10-I1A")),
}
TRAINING = {"E11.9": 800, "E11.22": 300, "I50": 40, "I10": 9, "J44.9": 100}
FIGURES = evaluate(
    GOLD,
    PREDICTED,
    Options(domains=DOMAINS, places=PLACES, titles={"9": "Circulation"}, training=TRAINING, resamples=50),
)


def near(expected):
    return pytest.approx(expected, abs=1e-9)


def same(found, expected):
    for average, figures in expected.items():
        assert {name: found[average][name] for name in figures} == near(figures), average


@pytest.mark.parametrize("level", plain.LEVELS)
def test_levels_agree_with_the_recomputation(level):
    same(FIGURES["levels"][level], plain.level_figures(GOLD, PREDICTED, level))


@pytest.mark.parametrize("level", plain.LEVELS)
def test_so_they_do_with_optional_codes_counted(level):
    expected = plain.level_figures(GOLD, PREDICTED, level, optional_counts=True)
    same(FIGURES["optional_counted"]["levels"][level], expected)
    if level == "L3":
        assert expected["micro"]["precision"] < FIGURES["levels"]["L3"]["micro"]["precision"]


@pytest.mark.parametrize("level", plain.LEVELS)
def test_so_they_do_behind_the_domain_filter(level):
    all_codes = {plain.key(code) for codes in DOMAINS.values() for code in codes}
    found = FIGURES["domain_filter"]
    same(found["levels"][level], plain.level_figures(GOLD, PREDICTED, level, only=all_codes))
    only = {plain.key(code) for code in DOMAINS["sdoh"]}
    same(found["by_domain"]["sdoh"]["levels"][level], plain.level_figures(GOLD, PREDICTED, level, only=only))
    assert found["by_domain"]["sdoh"]["codes"] == 2


@pytest.mark.parametrize("level", plain.LEVELS)
def test_what_was_judged_stands_apart_from_what_was_added(level):
    judged = plain.level_figures(GOLD, PREDICTED, level, without_additions=True)
    del judged["weighted"], judged["unweighted"]
    same(FIGURES["expert"]["approve_only"]["unfiltered"][level], judged)
    both = FIGURES["expert"]["approve_and_add"]
    assert both["unfiltered"][level]["macro"] == FIGURES["levels"][level]["macro"]
    assert both["filtered"][level]["macro"] == FIGURES["domain_filter"]["levels"][level]["macro"]
    only = {plain.key(code) for codes in DOMAINS.values() for code in codes}
    filtered = plain.level_figures(GOLD, PREDICTED, level, without_additions=True, only=only)
    found = FIGURES["expert"]["approve_only"]["filtered"][level]
    assert found["macro"]["f1_se"] == near(filtered["macro"]["f1_se"])


@pytest.mark.parametrize("level", ["L0", "L1", "L2", "L3"])
def test_scikit_learn_gives_the_same_averages(level):
    by_id, cut = plain.answers(PREDICTED), plain.CUTS[level]
    pairs = [plain.kept(chart, by_id.get(chart.id)) for chart in GOLD]
    mine, theirs = ([{k[:cut] for k in side} for side in column] for column in zip(*pairs, strict=True))
    labels = sorted(set().union(*mine, *theirs))
    both = MultiLabelBinarizer(classes=labels)
    truth, prediction = both.fit_transform(theirs), both.transform(mine)
    names = ("precision", "recall", "f1")
    averages = {"micro": "micro", "weighted": "weighted"}
    for ours, average in averages.items():
        expected = precision_recall_fscore_support(truth, prediction, average=average, zero_division=0)
        assert [FIGURES["levels"][level][ours][name] for name in names] == pytest.approx(
            expected[:3], abs=1e-9
        )
    # "samples" is the average over charts, but for charts where both sets are empty.
    filled = [row for row in range(len(GOLD)) if mine[row] or theirs[row]]
    found = evaluate([GOLD[row] for row in filled], PREDICTED, Options(resamples=0))["levels"][level]["macro"]
    expected = precision_recall_fscore_support(
        truth[filled], prediction[filled], average="samples", zero_division=0
    )
    assert [found[name] for name in names] == pytest.approx(expected[:3], abs=1e-9)


def test_charts_with_nothing_on_either_side_are_told_apart():
    gold = [GoldChart("a", (GoldCode("I10"), GoldCode("R54"))), GoldChart("b"), GoldChart("c")]
    predicted = [PredictedChart("a", (PredictedCode("I10"),))]
    macro = evaluate(gold, predicted, Options(resamples=0))["levels"]["L3"]["macro"]
    assert (macro["charts"], macro["both_empty"]) == (3, 2)
    assert (macro["f1"], macro["f1_filled"], macro["f1_filled_se"]) == (
        near((2 + 2 / 3) / 3),
        near(2 / 3),
        None,
    )


def test_chapter_and_block_are_levels_and_slices():
    by_id = plain.answers(PREDICTED)
    hits = predicted = gold = 0
    for chart in GOLD:
        mine, theirs = plain.kept(chart, by_id.get(chart.id))
        a, b = ({PLACES.get(k[:3], (k[:3],))[0] for k in side} for side in (mine, theirs))
        hits, predicted, gold = hits + len(a & b), predicted + len(a), gold + len(b)
    found = FIGURES["levels"]["chapter"]["micro"]
    assert (found["hits"], found["predicted"], found["gold"]) == (hits, predicted, gold)
    slices = {row["key"]: row for row in FIGURES["by"]["chapter"]}
    assert slices["9"]["title"] == "Circulation"
    assert set(slices) == {"1", "4", "9"} | {
        k[:3] for k in map(plain.key, plain.CODES) if k[:3] not in PLACES
    }
    counts = [0, 0, 0]
    for chart in GOLD:
        sides = plain.kept(chart, by_id.get(chart.id))
        circulation = ({k: c for k, c in side.items() if k[:3] in ("I10", "I50")} for side in sides)
        counts = [x + y for x, y in zip(counts, plain.counts(*circulation, "L4"), strict=True)]
    expected = plain.figures(*counts)
    assert slices["9"]["levels"]["L4"] == near(expected)
    assert FIGURES["by"]["block"][0]["key"] == "A30-A49"


def test_slices_of_charts():
    by_id = plain.answers(PREDICTED)
    found = {row["key"]: row for row in FIGURES["by"]["setting"]}
    assert list(found) == ["inpatient", "outpatient", "not stated"]
    here = [chart for chart in GOLD if chart.setting == "inpatient"]
    expected = plain.level_figures(here, PREDICTED, "L1")
    level = found["inpatient"]["levels"]["L1"]
    assert (found["inpatient"]["charts"], level["f1"]) == (len(here), near(expected["micro"]["f1"]))
    assert (level["macro_f1"], level["macro_f1_se"]) == near(
        (expected["macro"]["f1"], expected["macro"]["f1_se"])
    )
    frail = [chart for chart in GOLD if "frailty" in chart.domains]
    domains = {row["key"]: row for row in FIGURES["by"]["domain"]}
    assert domains["frailty"]["charts"] == len(frail)
    assert domains["frailty"]["predicted"] == sum(len(plain.kept(c, by_id.get(c.id))[0]) for c in frail)
    lengths = {row["key"]: row["charts"] for row in FIGURES["by"]["length"]}
    of_gold = [chart.lines for chart in GOLD]
    assert lengths == {
        "1-25": of_gold.count(5),
        "26-50": of_gold.count(30),
        "51-100": of_gold.count(80),
        "101-200": of_gold.count(150),
        "201+": of_gold.count(400),
        "not stated": of_gold.count(None),
    }
    assert sum(row["charts"] for row in FIGURES["by"]["specialty"]) == len(GOLD)


def test_slices_by_what_was_in_training():
    seen = {row["key"]: row for row in FIGURES["by"]["seen"]}
    golden = [k for chart in GOLD for k in plain.golden(chart)]
    assert seen["seen"]["gold"] == sum(k[:3] in ("E11", "I50", "I10", "J44") for k in golden)
    assert seen["seen"]["gold"] + seen["unseen"]["gold"] == len(golden)
    frequency = {row["key"]: row["gold"] for row in FIGURES["by"]["frequency"]}
    assert list(frequency) == ["0", "1-9", "10-99", "100-999", "1000+"]
    assert frequency["1000+"] == sum(k[:3] == "E11" for k in golden)
    assert frequency["1-9"] == golden.count("I10")
    rows = {row["category"]: row for row in FIGURES["training"]["categories"]}
    assert (rows["E11"]["training"], rows["E11"]["cases"]) == (1100, frequency["1000+"])
    assert rows["N18"]["training"] == 0


def test_the_share_of_codes_that_can_differ():
    golden = [k for chart in GOLD for k in plain.golden(chart)]
    levels = FIGURES["levels"]
    for level, above in (("L1", 3), ("L2", 4), ("L3", 5)):
        assert levels[level]["can_differ"] == near(sum(len(k) > above for k in golden) / len(golden))
    with_lines = [c for chart in GOLD for c in plain.golden(chart).values() if c.lines]
    assert levels["L4"]["can_differ"] == near(len(with_lines) / len(golden))
    assert levels["L0"]["can_differ"] == 1.0


def test_a_category_that_the_release_lacks_meets_no_other_one():
    gold = [GoldChart("a", (GoldCode("Q00.0"),))]
    predicted = [PredictedChart("a", (PredictedCode("Q01.0"),))]
    found = evaluate(gold, predicted, Options(places=PLACES, resamples=0))["levels"]
    assert found["chapter"]["micro"]["hits"] == 0


def test_codes_are_compared_without_dot_blanks_and_case():
    gold = [GoldChart("a", (GoldCode("e11.22 "),))]
    predicted = [PredictedChart("a", (PredictedCode("E1122"),))]
    assert evaluate(gold, predicted, Options(resamples=0))["levels"]["L3"]["micro"]["f1"] == 1.0


def test_what_is_undefined_is_null_and_has_its_reason():
    found = evaluate([GoldChart("a", (GoldCode("I10"),))], [], Options(resamples=0))
    assert found["domain_filter"] is None
    assert "chapter" not in found["levels"]
    assert found["by"]["chapter"] is None
    assert found["levels"]["L3"]["macro"]["f1_se"] is None
    assert found["coding"]["grouping"] == {"value": None, "reason": "not measured"}
    assert set(found["undefined"]) == {
        *("levels.chapter", "levels.block", "by.chapter", "by.block", "by.seen", "by.frequency", "training"),
        *("domain_filter", "expert.approve_only", "expert.approve_and_add.filtered", "charts.patients"),
        *("levels.L3.macro.f1_se", "evidence.jaccard", "discarded.share", "traps.share", "calibration.ece"),
        *("risk_coverage.area", "coding.sequence.tau", "coding.grouping.value", "coding.principal.accuracy"),
        *("coding.poa.accuracy", *(f"outliers.L{n}.q1" for n in range(5))),
    }


def test_no_chart_at_all():
    found = evaluate([], [PredictedChart("a")], Options(domains=DOMAINS, places=PLACES, training={}))
    assert found["charts"]["predictions_without_gold"] == 1
    assert found["levels"]["L3"]["micro"]["interval"] == {"precision": None, "recall": None, "f1": None}
    assert found["levels"]["L3"]["macro"]["f1"] is None
    assert found["undefined"]["levels.L3.macro.f1"] == "there is no chart"


@pytest.mark.parametrize("twice", ["gold", "predicted"])
def test_a_chart_given_twice_is_refused(twice):
    gold, predicted = [GoldChart("a")], [PredictedChart("a")]
    with pytest.raises(ValueError, match="'a' is there twice"):
        evaluate(gold * (1 + (twice == "gold")), predicted * (1 + (twice == "predicted")))
