"""Beyond sets: the principal code, the order, present on admission, and what a coder would have to change."""

from __future__ import annotations

import numpy as np

from modelops.evaluation.columns import Flags, Ints, Rows
from modelops.evaluation.figures import Json, mean_and_error, share
from modelops.evaluation.keys import among
from modelops.evaluation.matching import Match, Selection, Sets

SEVERITIES = ("minor", "moderate", "major")
_NONE = -1


def principal(match: Match) -> Json:
    """Over charts whose gold names a principal or first-listed code. Optional codes may be named as any other."""
    theirs = _main(match.gold, match.charts)
    mine = _main(match.predicted, match.charts)
    first = _first(match.predicted, match.charts)
    here = theirs != _NONE
    charts = int(here.sum())
    wanted = theirs[here]
    width = match.scale.size
    predicted = match.predicted.chart * width + match.predicted.code
    here_too = among(np.flatnonzero(here) * width + wanted, predicted)
    correct, stated = int((mine[here] == wanted).sum()), int((mine[here] != _NONE).sum())
    return {
        "charts": charts,
        "stated": stated,
        "correct": correct,
        "accuracy": share(correct, charts) if stated else None,
        "among_predicted": share(here_too.sum(), charts),
        "first_in_order": share((first[here] == wanted).sum(), charts),
    }


def _main(rows: Rows, charts: int) -> Ints:
    """Each chart's principal or first-listed code; of several the first."""
    found = np.full(charts, _NONE, dtype=np.int64)
    main = np.flatnonzero(rows.main)[::-1]
    found[rows.chart[main]] = rows.code[main]
    return found


def _first(rows: Rows, charts: int) -> Ints:
    """Each chart's first code by its order."""
    found = np.full(charts, _NONE, dtype=np.int64)
    by_order = np.lexsort((rows.order, rows.chart))[::-1]
    found[rows.chart[by_order]] = rows.code[by_order]
    return found


def sequence(match: Match, selection: Selection) -> Json:
    """Kendall's tau (a): of all pairs of codes, those in the same order less those in the other, over all."""
    met = match.met("L3", selection)
    partner = match.partner[met]
    ordered = match.gold.order[partner] >= 0
    chart = match.predicted.chart[met][ordered]
    mine, theirs = match.predicted.order[met][ordered], match.gold.order[partner][ordered]
    by_gold = np.lexsort((theirs, chart))
    chart, mine, theirs = chart[by_gold], mine[by_gold], theirs[by_gold]
    sizes = np.bincount(chart, minlength=match.charts)
    agreeing = np.zeros(match.charts, dtype=np.int64)
    for apart in range(1, int(sizes.max()) if len(sizes) else 0):
        same = chart[apart:] == chart[:-apart]
        signs = np.sign(mine[apart:] - mine[:-apart]) * np.sign(theirs[apart:] - theirs[:-apart])
        agreeing += np.bincount(chart[apart:][same], weights=signs[same], minlength=match.charts).astype(
            np.int64
        )
    here = sizes > 1
    tau = agreeing[here] / (sizes[here] * (sizes[here] - 1) / 2)
    mean, error = mean_and_error(tau)
    return {"charts": len(tau), "tau": mean, "tau_se": error, "same_order": share((tau == 1).sum(), len(tau))}


def present_on_admission(match: Match, selection: Selection) -> Json:
    """Over codes met at L3 whose gold has an indicator (0 is the empty one)."""
    met = match.met("L3", selection)
    theirs = match.gold.poa[match.partner[met]]
    mine = match.predicted.poa[met][theirs > 0]
    theirs = theirs[theirs > 0]
    correct, stated = int((mine == theirs).sum()), int((mine > 0).sum())
    return {
        "codes": len(theirs),
        "stated": stated,
        "correct": correct,
        "accuracy": share(correct, len(theirs)) if stated else None,
        "accuracy_stated": share(correct, stated),
    }


def changes(match: Match, selection: Selection, sets: dict[str, Sets]) -> Json:
    """What would have to be taken out and put in, and how far off it is."""
    same = _same(sets["L3"])
    met = match.met("L3", selection)
    unsupported = selection.predicted & ~met
    answered = np.zeros(len(match.gold), dtype=np.bool_)
    answered[match.partner[met]] = True
    missed = selection.gold & ~answered
    return {
        "no_change": share(same.sum(), match.charts),
        "no_change_with_evidence": share(_same(sets["L4"]).sum(), match.charts),
        "unsupported": _by_severity(match, match.predicted, unsupported, match.gold, selection.gold),
        "missed": _by_severity(match, match.gold, missed, match.predicted, selection.predicted),
    }


def _same(sets: Sets) -> Flags:
    hits, predicted, gold = sets.by_chart()
    same: Flags = (hits == predicted) & (hits == gold)
    return same


def _by_severity(match: Match, rows: Rows, wrong: Flags, others: Rows, others_here: Flags) -> Json:
    """Minor: the other side has a code with the same first five characters; moderate: with the same category."""
    near: dict[str, Flags] = {}
    for level in ("L2", "L0"):
        of = match.scale.of[level]
        width = max(1, len(match.scale.names[level]))
        there = others.chart[others_here] * width + of[others.code[others_here]]
        near[level] = among(rows.chart[wrong] * width + of[rows.code[wrong]], there)
    counts = {
        "minor": near["L2"],
        "moderate": near["L0"] & ~near["L2"],
        "major": ~near["L0"],
    }
    found: Json = {"total": int(wrong.sum()), "per_chart": share(wrong.sum(), match.charts)}
    for name in SEVERITIES:
        total = int(counts[name].sum())
        found[name] = {"total": total, "per_chart": share(total, match.charts)}
    return found


def coding(match: Match, selection: Selection, sets: dict[str, Sets]) -> Json:
    return {
        "principal": principal(match),
        "sequence": sequence(match, selection),
        "poa": present_on_admission(match, selection),
        "changes": changes(match, selection, sets),
        "grouping": {"value": None, "reason": "not measured"},
    }
