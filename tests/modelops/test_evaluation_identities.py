"""What must hold for any charts: the order of charts, repeated predictions, empty gold, optional codes."""

from hypothesis import given
from hypothesis import strategies as st

from modelops.evaluation.charts import GoldChart, GoldCode, Options, PredictedChart, PredictedCode
from modelops.evaluation.metrics import evaluate
from tests.generated import examples

OPTIONS = Options(resamples=0, domains={"some": {"E11.9", "E11.22"}})
CODES = st.sampled_from(["E11.9", "E11.22", "E11.21", "I10", "I50.22", "I50.23", "S72.001A", "S72.001D"])
LINES = st.frozensets(st.tuples(st.just("1"), st.integers(1, 8)), max_size=7)


@st.composite
def cases(draw, most=5):
    """Gold charts and predictions of some of them, each code once a chart."""
    gold, predicted = [], []
    for number in range(draw(st.integers(1, most))):
        golden = draw(st.dictionaries(CODES, LINES, max_size=4))
        optional = draw(st.frozensets(CODES, max_size=2))
        gold.append(
            GoldChart(
                f"c{number}",
                tuple(GoldCode(code, lines) for code, lines in golden.items()),
                optional=frozenset(("icd10cm", code) for code in optional),
            )
        )
        if draw(st.booleans()):
            found = draw(st.dictionaries(CODES, st.tuples(LINES, st.floats(0, 1)), max_size=4))
            predicted.append(
                PredictedChart(
                    f"c{number}",
                    tuple(
                        PredictedCode(code, lines, confidence=sure) for code, (lines, sure) in found.items()
                    ),
                )
            )
    return gold, predicted


def figures(gold, predicted):
    found = evaluate(gold, predicted, OPTIONS)
    parts = found["levels"], found["evidence"], found["response"], found["coding"]["changes"]
    return [rounded(part) for part in parts]


def rounded(value):
    """Sums depend on their order in the last digit."""
    if isinstance(value, dict):
        return {name: rounded(of) for name, of in value.items()}
    return round(value, 12) if isinstance(value, float) else value


@examples(30)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_charts_changes_nothing(case, chance):
    gold, predicted = case
    shuffled, answers = list(gold), list(predicted)
    chance.shuffle(shuffled)
    chance.shuffle(answers)
    assert figures(shuffled, answers) == figures(gold, predicted)


@examples(30)
@given(cases())
def test_a_prediction_given_twice_counts_once(case):
    gold, predicted = case
    twice = [chart._replace(codes=chart.codes + chart.codes) for chart in predicted]
    assert figures(gold, twice) == figures(gold, predicted)


@examples(30)
@given(cases())
def test_gold_given_twice_counts_once(case):
    gold, predicted = case
    twice = [chart._replace(codes=chart.codes + chart.codes) for chart in gold]
    assert figures(twice, predicted) == figures(gold, predicted)


@examples(30)
@given(cases())
def test_against_empty_gold_only_silence_is_right(case):
    gold, predicted = case
    empty = [GoldChart(chart.id) for chart in gold]
    level = evaluate(empty, predicted, OPTIONS)["levels"]["L3"]
    spoken = sum(1 for chart in predicted if chart.codes)
    assert level["macro"]["f1"] == (len(gold) - spoken) / len(gold)
    assert level["micro"]["f1"] == (0.0 if spoken else 1.0)


@examples(30)
@given(cases())
def test_gold_as_prediction_is_perfect(case):
    gold, _ = case
    same = [
        PredictedChart(chart.id, tuple(PredictedCode(c.code, c.lines) for c in chart.codes)) for chart in gold
    ]
    found = evaluate(gold, same, OPTIONS)
    for level in ("L0", "L1", "L2", "L3"):
        assert found["levels"][level]["micro"]["f1"] == found["levels"][level]["macro"]["f1"] == 1.0
    met = sum(0 < len(code.lines) <= 5 for chart in gold for code in chart.codes)
    assert found["levels"]["L4"]["micro"]["hits"] == met
    assert found["levels"]["L4_identical"]["micro"]["hits"] == met
    assert found["coding"]["changes"]["no_change"] == 1.0


@examples(30)
@given(cases())
def test_predicting_an_optional_code_counts_neither_way(case):
    gold, predicted = case
    by_id = {chart.id: chart for chart in gold}
    without = [
        chart._replace(
            codes=tuple(
                code
                for code in chart.codes
                if ("icd10cm", code.code) not in by_id[chart.id].optional
                or code.code in {c.code for c in by_id[chart.id].codes}
            )
        )
        for chart in predicted
    ]
    with_optional, left_out = figures(gold, predicted), figures(gold, without)
    assert with_optional[0] == left_out[0]
    assert with_optional[3] == left_out[3]


@examples(30)
@given(cases())
def test_levels_do_not_rise_as_they_get_finer(case):
    levels = evaluate(*case, OPTIONS)["levels"]
    hits = [levels[name]["micro"]["hits"] for name in ("L3", "L4", "L4_identical")]
    assert hits == sorted(hits, reverse=True)
    for level in levels.values():
        assert level["weighted"]["recall"] in (None, level["micro"]["recall"]) or (
            abs(level["weighted"]["recall"] - level["micro"]["recall"]) < 1e-12
        )


@examples(30)
@given(cases())
def test_the_filter_by_every_code_changes_nothing(case):
    every = {"E11.9", "E11.22", "E11.21", "I10", "I50.22", "I50.23", "S72.001A", "S72.001D"}
    found = evaluate(*case, Options(resamples=0, domains={"every": every}))
    for name, level in found["domain_filter"]["levels"].items():
        plain = found["levels"][name]
        assert (level["macro"], level["weighted"]) == (plain["macro"], plain["weighted"])


@examples(30)
@given(cases())
def test_the_lowest_threshold_keeps_everything(case):
    found = evaluate(*case, OPTIONS)
    first = found["thresholds"][0]
    for level in ("L3", "L4"):
        micro = found["levels"][level]["micro"]
        assert first[level] == {name: micro[name] for name in ("precision", "recall", "f1")}
    assert first["predicted"] == found["charts"]["predicted_codes"]
