"""The figures reckoned anew with sets and loops, from docs/evaluation.md alone: what the columns must agree with."""

from __future__ import annotations

import math
import random
import statistics

from modelops.evaluation.charts import GoldChart, GoldCode, PredictedChart, PredictedCode, Trap

CUTS = {"L0": 3, "L1": 4, "L2": 5, "L3": 99}
LEVELS = (*CUTS, "L4", "L4_identical")
CODES = (
    *("A41.9", "B20", "B96.20", "E11.9", "E11.22", "E11.65", "E11.649", "E66.9", "E66.01", "F03.90", "I10"),
    *("I50.22", "I50.23", "I50.9", "J44.9", "J44.1", "M54.50", "M54.51", "N18.4", "N18.31", "N18.32"),
    *("R26.81", "R54", "S72.001A", "S72.001D", "S72.002A", "W01.0XXA", "Z59.00", "Z59.01", "Z91.81"),
)
PROCEDURES = ("99213", "99214", "93000", "71046")
BANDS = ("high", "medium", "low")


def random_charts(seed: int, count: int) -> tuple[list[GoldChart], list[PredictedChart]]:
    """Charts of all the kinds there are: unanswered, failed, empty, with optional codes, traps and procedures."""
    chance = random.Random(seed)
    gold, predicted = [], []
    for number in range(count):
        codes = chance.sample(CODES, chance.choice((0, 1, 3, 6, 12)))
        golden = [
            GoldCode(
                code,
                lines=_lines(chance, 3),
                role="principal" if not place and chance.random() < 0.8 else "secondary",
                poa=chance.choice(("", "Y", "N", "1")),
                source=chance.choice(("label", "label", "addition")),
                sequence=place + 1,
            )
            for place, code in enumerate(codes)
        ]
        golden += [GoldCode(c, rejected=True) for c in chance.sample(CODES, 1) if c not in codes]
        golden += [
            GoldCode(c, system="cpt", modifiers=chance.choice(((), ("25",))), units=chance.choice((1, 2)))
            for c in chance.sample(PROCEDURES, chance.choice((0, 0, 1, 2)))
        ]
        others = [code for code in CODES if code not in codes]
        gold.append(
            GoldChart(
                id=f"c-{number}",
                codes=tuple(golden),
                optional=frozenset(("icd10cm", c) for c in chance.sample(CODES, 3)),
                traps=tuple(
                    Trap(c, chance.choice(("negated", "historical"))) for c in chance.sample(CODES, 3)
                ),
                domains=tuple(d for d in ("frailty", "sdoh") if chance.random() < 0.4),
                patient=chance.choice(("", f"p-{number // 3}")),
                setting=chance.choice(("inpatient", "outpatient", "")),
                specialty=chance.choice(("cardiology", "geriatrics")),
                lines=chance.choice((None, 5, 30, 80, 150, 400)),
            )
        )
        found = [c for c in codes if chance.random() < 0.6] + chance.sample(others, chance.choice((0, 1, 4)))
        chance.shuffle(found)
        kind = chance.random()
        if kind < 0.1:
            continue
        if kind < 0.2:
            predicted.append(PredictedChart(f"c-{number}", error="engine stopped"))
            continue
        predicted.append(
            PredictedChart(
                f"c-{number}",
                tuple(_prediction(chance, c, golden) for c in found)
                + tuple(
                    PredictedCode(c, system="cpt", modifiers=chance.choice(((), ("25",))))
                    for c in chance.sample(PROCEDURES, chance.choice((0, 1, 2)))
                ),
                discarded=tuple(
                    chance.choice(("fabricated", "header")) for _ in range(chance.choice((0, 0, 2)))
                ),
            )
        )
    return gold, predicted


def _lines(chance: random.Random, most: int) -> frozenset[tuple[str, int]]:
    return frozenset((chance.choice("12"), chance.randint(1, 9)) for _ in range(chance.randint(0, most)))


def _prediction(chance: random.Random, code: str, golden: list[GoldCode]) -> PredictedCode:
    right = next((c for c in golden if c.code == code and not c.rejected), None)
    sure = min(1.0, max(0.0, chance.gauss(0.75 if right else 0.45, 0.2)))
    return PredictedCode(
        code,
        lines=right.lines if right is not None and chance.random() < 0.4 else _lines(chance, 8),
        confidence=chance.choice((sure, round(sure, 1), None)),
        band=chance.choice(BANDS),
        role=chance.choice(("principal", "secondary", "")),
        poa=chance.choice(("", "Y", "N")),
    )


def key(code: str) -> str:
    return code.replace(".", "")


def golden(chart: GoldChart, *, without_additions: bool = False) -> dict[str, GoldCode]:
    return {
        key(c.code): c
        for c in chart.codes
        if c.system == "icd10cm" and not c.rejected and not (without_additions and c.source == "addition")
    }


def answers(predicted: list[PredictedChart]) -> dict[str, PredictedChart]:
    return {chart.id: chart for chart in predicted if not chart.error}


def given(chart: PredictedChart | None) -> dict[str, PredictedCode]:
    codes = () if chart is None else chart.codes
    return {key(c.code): c for c in codes if c.system == "icd10cm"}


def kept(
    chart: GoldChart,
    answer: PredictedChart | None,
    *,
    only: set[str] | None = None,
    optional_counts: bool = False,
    without_additions: bool = False,
) -> tuple[dict[str, PredictedCode], dict[str, GoldCode]]:
    """Predictions and gold of a chart as they are compared."""
    theirs = golden(chart, without_additions=without_additions)
    if only is not None:
        theirs = {k: c for k, c in theirs.items() if k in only}
    optional = {key(code) for _, code in chart.optional}
    mine = {
        k: c
        for k, c in given(answer).items()
        if (only is None or k in only) and (optional_counts or k in theirs or k not in optional)
    }
    return mine, theirs


def counts(mine: dict, theirs: dict, level: str) -> tuple[int, int, int]:
    if level in CUTS:
        a, b = {k[: CUTS[level]] for k in mine}, {k[: CUTS[level]] for k in theirs}
        return len(a & b), len(a), len(b)
    hits = 0
    for name, code in mine.items():
        if name not in theirs or len(code.lines) > 5 or not code.lines & theirs[name].lines:
            continue
        hits += level == "L4" or code.lines == theirs[name].lines
    return hits, len(mine), len(theirs)


def figures(hits: float, predicted: float, gold: float) -> dict[str, float]:
    if not predicted and not gold:
        return {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    precision = hits / predicted if predicted else 0.0
    recall = hits / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def level_figures(
    gold: list[GoldChart], predicted: list[PredictedChart], level: str, **how
) -> dict[str, dict]:
    """micro, macro, weighted and unweighted of one level."""
    by_id = answers(predicted)
    pairs = [kept(chart, by_id.get(chart.id), **how) for chart in gold]
    of_charts = [counts(mine, theirs, level) for mine, theirs in pairs]
    micro = figures(*(sum(column) for column in zip(*of_charts, strict=True)))
    macro: dict[str, float] = {}
    for name in ("precision", "recall", "f1"):
        values = [figures(*c)[name] for c in of_charts]
        macro[name] = statistics.mean(values)
        macro[f"{name}_se"] = statistics.stdev(values) / math.sqrt(len(values))
    return {"micro": micro, "macro": macro, **_over_codes(pairs, level)}


def _over_codes(pairs: list[tuple[dict, dict]], level: str) -> dict[str, dict]:
    table: dict[str, list[int]] = {}
    cut = CUTS.get(level, 99)
    for mine, theirs in pairs:
        a, b = {k[:cut] for k in mine}, {k[:cut] for k in theirs}
        for name in a | b:
            cell = table.setdefault(name, [0, 0, 0])
            cell[1] += name in a
            cell[2] += name in b
            if name in a and name in b:
                cell[0] += 1 if level in CUTS else counts({name: mine[name]}, {name: theirs[name]}, level)[0]
    cells = [cell for cell in table.values() if cell[2]]
    found = {}
    for kind in ("weighted", "unweighted"):
        weights = [cell[2] if kind == "weighted" else 1 for cell in cells]
        row = {}
        for name in ("precision", "recall", "f1"):
            values = [figures(*cell)[name] for cell in cells]
            mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
            spread = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)) / sum(weights)
            row[name], row[f"{name}_sd"] = mean, math.sqrt(spread)
        found[kind] = row
    return found
