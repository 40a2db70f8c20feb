"""Evidence, answers, traps, confidence, outliers, order and roles: by hand and by recomputation."""

import math
import statistics

import pytest

from modelops.evaluation.charts import GoldChart, GoldCode, Options, PredictedChart, PredictedCode, Trap
from modelops.evaluation.metrics import evaluate
from tests.modelops import plain_evaluation as plain

GOLD, PREDICTED = plain.random_charts(11, 120)
FIGURES = evaluate(GOLD, PREDICTED, Options(resamples=50))
BY_ID = plain.answers(PREDICTED)
PAIRS = [plain.kept(chart, BY_ID.get(chart.id)) for chart in GOLD]


def near(expected):
    return pytest.approx(expected, abs=1e-9)


def lines(*numbers):
    return frozenset(("1", number) for number in numbers)


def one(gold, predicted, **chart):
    """A single chart's figures."""
    return evaluate(
        [GoldChart("a", tuple(gold), **chart)], [PredictedChart("a", tuple(predicted))], Options(resamples=0)
    )


def test_evidence_where_the_codes_agree():
    shared = [
        (mine[k].lines, theirs[k].lines)
        for mine, theirs in PAIRS
        for k in mine
        if k in theirs and theirs[k].lines
    ]
    jaccard = [len(a & b) / len(a | b) for a, b in shared]
    found = FIGURES["evidence"]
    assert found["codes"] == len(shared) > 50
    assert found["jaccard"] == near(statistics.mean(jaccard))
    assert found["jaccard_se"] == near(statistics.stdev(jaccard) / math.sqrt(len(jaccard)))
    union = sum(len(a | b) for a, b in shared)
    assert found["jaccard_micro"] == near(sum(len(a & b) for a, b in shared) / union)
    assert found["shared"] == near(sum(bool(a & b) for a, b in shared) / len(shared))
    assert found["identical"] == near(sum(a == b for a, b in shared) / len(shared))
    cited = [len(code.lines) for mine, _ in PAIRS for code in mine.values()]
    spread = found["lines_cited"]
    assert (spread["mean"], spread["median"], spread["max"]) == near(
        (statistics.mean(cited), statistics.median(cited), max(cited))
    )
    assert (spread["above_five"], spread["none"]) == (sum(n > 5 for n in cited), cited.count(0))
    assert spread["histogram"] == {
        **{str(n): cited.count(n) for n in range(6)},
        "6+": sum(n > 5 for n in cited),
    }


def test_evidence_counts_lines_of_the_same_document_only():
    found = one([GoldCode("I10", lines(3))], [PredictedCode("I10", frozenset({("2", 3)}))])
    assert found["levels"]["L4"]["micro"]["hits"] == 0
    assert found["evidence"]["jaccard"] == 0.0


def test_l4_with_identical_lines_is_stricter():
    found = one(
        [GoldCode("I10", lines(3)), GoldCode("R54", lines(1, 2))],
        [PredictedCode("I10", lines(3, 4)), PredictedCode("R54", lines(2, 1))],
    )["levels"]
    assert [found[level]["micro"]["hits"] for level in ("L3", "L4", "L4_identical")] == [2, 2, 1]


def test_what_came_back():
    found = FIGURES["response"]
    answered = {chart.id for chart in PREDICTED}
    missing = sum(chart.id not in answered for chart in GOLD)
    errors = sum(bool(chart.error) for chart in PREDICTED)
    silent = [chart for chart in PREDICTED if not chart.error and not chart.codes]
    discarded = sum(bool(chart.discarded) for chart in silent)
    assert found == {
        "charts": 120,
        "missing": missing,
        "errors": errors,
        "all_discarded": discarded,
        "without_valid_prediction": missing + errors + discarded,
        "share": near((missing + errors + discarded) / 120),
        "empty": len(silent) - discarded,
    }
    assert missing > 0 < errors


def test_what_was_left_aside():
    reasons = [reason for chart in BY_ID.values() for reason in chart.discarded]
    out = sum(len(chart.codes) for chart in BY_ID.values())
    assert FIGURES["discarded"] == {
        "total": len(reasons),
        "share": near(len(reasons) / (len(reasons) + out)),
        "charts": sum(bool(chart.discarded) for chart in BY_ID.values()),
        "by_reason": {"fabricated": reasons.count("fabricated"), "header": reasons.count("header")},
    }


def test_traps():
    total, fallen, band, also_gold = {}, {}, {}, 0
    for chart in GOLD:
        theirs, mine = plain.golden(chart), plain.given(BY_ID.get(chart.id))
        for trap in chart.traps:
            name = plain.key(trap.code)
            if name in theirs:
                also_gold += 1
                continue
            total[trap.kind] = total.get(trap.kind, 0) + 1
            if name in mine:
                fallen[trap.kind] = fallen.get(trap.kind, 0) + 1
                band[mine[name].band] = band.get(mine[name].band, 0) + 1
    found = FIGURES["traps"]
    assert (found["total"], found["predicted"]) == (sum(total.values()), sum(fallen.values()))
    assert found["also_gold"] == also_gold > 0
    assert {kind: (row["total"], row["predicted"]) for kind, row in found["by_kind"].items()} == {
        kind: (total[kind], fallen.get(kind, 0)) for kind in sorted(total)
    }
    assert {name: row["predicted"] for name, row in found["by_band"].items()} == band


def test_a_trap_among_procedures():
    gold = GoldChart("a", traps=(Trap("99215", "upcoded", "cpt"), Trap("J11.00", "negated")))
    predicted = PredictedChart(
        "a", (PredictedCode("99215", system="cpt"), PredictedCode("J1100", system="hcpcs"))
    )
    assert evaluate([gold], [predicted], Options(resamples=0))["traps"]["by_kind"] == {
        "negated": {"total": 1, "predicted": 0, "share": 0.0},
        "upcoded": {"total": 1, "predicted": 1, "share": 1.0},
    }


def sure_and_right():
    return [
        (code.confidence, k in theirs)
        for mine, theirs in PAIRS
        for k, code in mine.items()
        if code.confidence is not None
    ]


def test_calibration():
    pairs = sure_and_right()
    found = FIGURES["calibration"]
    assert found["predictions"] == len(pairs)
    assert found["without_confidence"] == sum(len(mine) for mine, _ in PAIRS) - len(pairs)
    assert found["brier"] == near(statistics.mean((sure - right) ** 2 for sure, right in pairs))
    error = 0.0
    for place, row in enumerate(found["bins"]):
        here = [(s, r) for s, r in pairs if min(int(s * 10), 9) == place]
        assert row["count"] == len(here)
        if here:
            sure, right = statistics.mean(s for s, _ in here), statistics.mean(r for _, r in here)
            assert (row["confidence"], row["correct"]) == near((sure, right))
            error += len(here) / len(pairs) * abs(sure - right)
    assert found["ece"] == near(error)


def test_risk_by_coverage():
    pairs = sure_and_right()
    found = FIGURES["risk_coverage"]
    for point in found["points"]:
        kept = [right for sure, right in pairs if sure >= point["threshold"]]
        assert point["coverage"] == near(len(kept) / len(pairs))
        assert point["risk"] == near(1 - sum(kept) / len(kept))
    assert found["points"][-1]["coverage"] == 1.0
    area, before = 0.0, 0
    for step in sorted({sure for sure, _ in pairs}, reverse=True):
        kept = [right for sure, right in pairs if sure >= step]
        area += (1 - sum(kept) / len(kept)) * (len(kept) - before) / len(pairs)
        before = len(kept)
    assert found["area"] == near(area)


def test_thresholds():
    gold = sum(len(theirs) for _, theirs in PAIRS)
    for row in FIGURES["thresholds"]:
        kept = [
            (
                {k: c for k, c in mine.items() if c.confidence is None or c.confidence >= row["threshold"]},
                theirs,
            )
            for mine, theirs in PAIRS
        ]
        predicted = sum(len(mine) for mine, _ in kept)
        assert row["predicted"] == predicted
        for level in ("L3", "L4"):
            hits = sum(plain.counts(mine, theirs, level)[0] for mine, theirs in kept)
            assert row[level] == near(plain.figures(hits, predicted, gold))
    assert [row["threshold"] for row in FIGURES["thresholds"]] == near([n / 20 for n in range(21)])


@pytest.mark.parametrize("level", ["L0", "L3", "L4"])
def test_outliers_lie_beyond_the_whiskers(level):
    found = FIGURES["outliers"][level]
    cut = plain.CUTS.get(level, 99)
    expected = {}
    for category in {k[:3] for k in map(plain.key, plain.CODES)}:
        cell = [0, 0, 0]
        for mine, theirs in PAIRS:
            sides = ({k: c for k, c in side.items() if k[:3] == category} for side in (mine, theirs))
            cell = [x + y for x, y in zip(cell, plain.counts(*sides, level), strict=True)]
        if cell[2] >= 10:
            expected[category] = (cell[2], plain.figures(*cell)["f1"])
    assert cut
    assert {row["category"]: (row["cases"], near(row["f1"])) for row in found["categories"]} == expected
    q1, median, q3 = statistics.quantiles((f1 for _, f1 in expected.values()), n=4, method="inclusive")
    assert (found["q1"], found["median"], found["q3"]) == near((q1, median, q3))
    assert found["low_fence"] == near(q1 - 1.5 * (q3 - q1))
    assert found["below"] == sorted(c for c, (_, f1) in expected.items() if f1 < found["low_fence"])
    assert found["above"] == sorted(c for c, (_, f1) in expected.items() if f1 > found["high_fence"])


def test_an_outlier_is_named():
    codes = ["A41.9", "B20", "E66.9", "I10", "R54"]
    gold = [GoldChart(str(n), tuple(GoldCode(code) for code in codes)) for n in range(10)]
    predicted = [PredictedChart(str(n), tuple(PredictedCode(code) for code in codes[1:])) for n in range(10)]
    found = evaluate(gold, predicted, Options(resamples=0))["outliers"]["L3"]
    assert (found["below"], found["above"]) == (["A41"], [])


def test_the_principal_code():
    gold = [
        GoldChart("a", (GoldCode("I10", role="secondary"), GoldCode("R54", role="principal"))),
        GoldChart("b", (GoldCode("I10", role="first_listed"),)),
        GoldChart("c", (GoldCode("I10", role="principal"),)),
        GoldChart("d", (GoldCode("I10"),)),
    ]
    predicted = [
        PredictedChart("a", (PredictedCode("I10", role="principal"), PredictedCode("R54"))),
        PredictedChart("b", (PredictedCode("R54"), PredictedCode("I10", role="first_listed"))),
        PredictedChart("c", (PredictedCode("I10"),)),
    ]
    assert evaluate(gold, predicted, Options(resamples=0))["coding"]["principal"] == {
        "charts": 3,
        "stated": 2,
        "correct": 1,
        "accuracy": near(1 / 3),
        "among_predicted": 1.0,
        "first_in_order": near(1 / 3),
    }


def test_a_first_row_is_no_statement():
    found = one([GoldCode("I10", role="principal")], [PredictedCode("I10")])
    assert found["coding"]["principal"]["accuracy"] is None
    assert found["undefined"]["coding.principal.accuracy"] == "no prediction names one"


def test_the_order_of_codes():
    codes = ["A41.9", "B20", "E66.9", "I10"]
    gold = [GoldCode(code, sequence=n) for n, code in enumerate(codes)]
    swapped = [PredictedCode(code) for code in ("B20", "A41.9", "R54", "E66.9", "I10")]
    found = one(gold, swapped)["coding"]["sequence"]
    assert (found["charts"], found["tau"], found["same_order"]) == (1, near(4 / 6), 0.0)
    stated = [PredictedCode(code, sequence=9 - n) for n, code in enumerate(codes)]
    assert one(gold, stated)["coding"]["sequence"]["tau"] == -1.0
    assert one([GoldCode("I10")], swapped)["coding"]["sequence"]["tau"] is None


def test_the_order_agrees_with_a_count_of_pairs():
    taus = []
    for mine, theirs in PAIRS:
        met = [k for k in mine if k in theirs]
        pairs = [(a, b) for at, a in enumerate(met) for b in met[at + 1 :]]
        if pairs:
            agree = sum(1 if theirs[a].sequence < theirs[b].sequence else -1 for a, b in pairs)
            taus.append(agree / len(pairs))
    found = FIGURES["coding"]["sequence"]
    assert (found["charts"], found["tau"]) == (len(taus), near(statistics.mean(taus)))
    assert found["same_order"] == near(taus.count(1.0) / len(taus))


def test_present_on_admission():
    met = [
        (mine[k].poa, theirs[k].poa) for mine, theirs in PAIRS for k in mine if k in theirs and theirs[k].poa
    ]
    correct, stated = sum(a == b for a, b in met), sum(bool(a) for a, _ in met)
    assert FIGURES["coding"]["poa"] == {
        "codes": len(met),
        "stated": stated,
        "correct": correct,
        "accuracy": near(correct / len(met)),
        "accuracy_stated": near(correct / stated),
    }


def test_what_a_coder_would_have_to_change():
    found = one(
        [GoldCode("E11.22"), GoldCode("S72.001A"), GoldCode("I10"), GoldCode("R54", lines(1))],
        [
            PredictedCode("E11.9"),
            PredictedCode("S72.001D"),
            PredictedCode("Z66"),
            PredictedCode("R54", lines(1)),
        ],
    )["coding"]["changes"]
    assert found == {
        "no_change": 0.0,
        "no_change_with_evidence": 0.0,
        "unsupported": {
            "total": 3,
            "per_chart": 3.0,
            "minor": {"total": 1, "per_chart": 1.0},
            "moderate": {"total": 1, "per_chart": 1.0},
            "major": {"total": 1, "per_chart": 1.0},
        },
        "missed": {
            "total": 3,
            "per_chart": 3.0,
            "minor": {"total": 1, "per_chart": 1.0},
            "moderate": {"total": 1, "per_chart": 1.0},
            "major": {"total": 1, "per_chart": 1.0},
        },
    }
    same = one([GoldCode("I10", lines(1))], [PredictedCode("I10", lines(2))])["coding"]["changes"]
    assert (same["no_change"], same["no_change_with_evidence"]) == (1.0, 0.0)


def test_procedures_are_right_as_a_set():
    def chart(name, *codes):
        return GoldChart(name, tuple(GoldCode(c, system="cpt", modifiers=m, units=u) for c, m, u in codes))

    def answer(name, *codes):
        return PredictedChart(
            name, tuple(PredictedCode(c, system="cpt", modifiers=m, units=u) for c, m, u in codes)
        )

    gold = [
        chart("a", ("99213", ("25",), 1), ("93000", (), 1)),
        chart("b", ("99213", (), 1)),
        chart("c", ("71046", (), 2)),
        chart("d"),
    ]
    predicted = [
        answer("a", ("93000", (), 1), ("99213", ("25",), 1)),
        answer("b", ("99213", ("25",), 1)),
        answer("c", ("71046", (), 2), ("93000", (), 1)),
        answer("d", ("99213", (), 1)),
    ]
    found = evaluate(gold, predicted, Options(resamples=0))["procedures"]["cpt"]
    assert (found["charts_with_gold"], found["charts_with_predictions"]) == (3, 4)
    assert found["exact_set"] == {
        "hits": 2,
        "predicted": 4,
        "gold": 3,
        "precision": 0.5,
        "recall": near(2 / 3),
        "f1": near(4 / 7),
    }
    assert found["codes"]["hits"] == 4
    assert found["codes"]["predicted"] == 6
    assert found["with_modifiers_and_units"]["exact_set"]["hits"] == 1
    assert found["with_modifiers_and_units"]["codes"]["hits"] == 3
    assert evaluate(gold, predicted, Options(resamples=0))["procedures"]["hcpcs"]["exact_set"]["gold"] == 0


def test_rejected_labels_and_other_systems_are_counted_and_not_compared():
    found = one(
        [GoldCode("I10"), GoldCode("R54", rejected=True), GoldCode("0DTJ4ZZ", system="icd10pcs")],
        [PredictedCode("I10")],
    )
    assert found["levels"]["L3"]["micro"]["f1"] == 1.0
    assert (found["charts"]["rejected_labels"], found["charts"]["other_systems"]) == (1, 1)


def test_a_repeated_code_unites_its_lines_and_keeps_the_surest_word():
    found = one(
        [GoldCode("I10", lines(2))],
        [
            PredictedCode("I10", lines(1), confidence=0.2, band="low"),
            PredictedCode("I10", lines(2), confidence=0.8, band="high"),
            PredictedCode("i10", lines(3)),
        ],
        traps=(Trap("R54"),),
    )
    assert found["levels"]["L4"]["micro"]["hits"] == 1
    assert found["evidence"]["lines_cited"]["max"] == 3
    assert found["calibration"]["bins"][8]["count"] == 1
