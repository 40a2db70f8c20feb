"""The evaluation: gold and predicted charts in, the public JSON of docs/evaluation.md out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from catalog.keys import code_key
from modelops.evaluation.answers import discarded, response, traps
from modelops.evaluation.charts import PROCEDURES, Edition, GoldChart, Options, PredictedChart
from modelops.evaluation.citing import evidence
from modelops.evaluation.coding import coding
from modelops.evaluation.columns import ADDED, UNTOLD, Flags, Gold, Predictions, pack_gold, pack_predictions
from modelops.evaluation.confidence import calibration, risk_coverage, thresholds
from modelops.evaluation.figures import Json, level_figures, macro, micro, share
from modelops.evaluation.keys import distinct
from modelops.evaluation.matching import CODE_LEVELS, GROUP_LEVELS, Match, Scale, Selection, Sets
from modelops.evaluation.procedures import procedures
from modelops.evaluation.releases import releases_of
from modelops.evaluation.resampling import Draws, add_intervals, compare_levels, mcnemar
from modelops.evaluation.slices import (
    Training,
    category_figures,
    chart_slices,
    charts_by,
    charts_by_domain,
    charts_by_length,
    code_slices,
    frequency_order,
    outliers,
)
from modelops.evaluation.undefined import undefined

SCHEMA = 1
# More characters than this let a code differ at the level from the level before.
_DIFFERS_ABOVE = {"L1": 3, "L2": 4, "L3": 5}
_DEFAULTS = Options()


def evaluate(
    gold: Iterable[GoldChart],
    predicted: Iterable[PredictedChart],
    options: Options = _DEFAULTS,
    against: Iterable[PredictedChart] | None = None,
) -> Json:
    """Every figure of `predicted` against `gold`, and with `against` the comparison of the two models.

    Streams are read once. Raises ValueError where a chart comes twice.
    """
    packed = pack_gold(gold)
    mine = pack_predictions(packed, predicted)
    theirs = None if against is None else pack_predictions(packed, against)
    return evaluate_packed(packed, mine, options, theirs)


def evaluate_packed(
    gold: Gold, predictions: Predictions, options: Options = _DEFAULTS, against: Predictions | None = None
) -> Json:
    scale = Scale(gold.words, releases_of(options, gold.day))
    match = Match(gold, predictions, scale)
    plain = match.select()
    sets = {level: match.sets(level, plain) for level in scale.levels}
    draws = Draws(gold.patient, resamples=options.resamples, seed=options.seed)
    levels: Json = {level: level_figures(at) for level, at in sets.items()}
    for level, at in levels.items():
        at["can_differ"] = _can_differ(level, match, plain)
    add_intervals(levels, list(sets.values()), draws)
    strict = match.select(optional_counts=True)
    filtered = _domain_filter(match, options)
    found: Json = {
        "schema": SCHEMA,
        "options": {
            "resamples": options.resamples,
            "seed": options.seed,
            "domains": sorted(options.domains),
            "thresholds": list(options.thresholds),
            "release": options.release,
            "releases": scale.releases.as_json(),
        },
        "charts": _charts(gold, predictions, match, plain),
        "levels": levels,
        "optional_counted": {
            "levels": {level: level_figures(match.sets(level, strict)) for level in CODE_LEVELS}
        },
        "domain_filter": filtered,
        "expert": _expert(match, options, levels, filtered),
        "by": _slices(gold, scale, sets, options),
        "training": _training(scale, sets, options),
        "procedures": {system: procedures(gold, predictions, system) for system in PROCEDURES},
        "evidence": evidence(match, plain),
        "response": response(predictions),
        "discarded": discarded(predictions),
        "traps": traps(gold, predictions),
        "outliers": {level: outliers(scale, sets[level]) for level in CODE_LEVELS[:5]},
        **_confidence(match, plain, options),
        "coding": coding(match, plain, sets),
    }
    if against is not None:
        found["comparison"] = _comparison(match, Match(gold, against, scale), draws)
    found["undefined"] = undefined(found)
    return found


def compare(
    gold: Iterable[GoldChart],
    a: Iterable[PredictedChart],
    b: Iterable[PredictedChart],
    options: Options = _DEFAULTS,
) -> Json:
    """The comparison of two models alone: `comparison` of evaluate. Raises ValueError where a chart comes twice."""
    packed = pack_gold(gold)
    first, second = pack_predictions(packed, a), pack_predictions(packed, b)
    scale = Scale(packed.words, releases_of(options, packed.day))
    draws = Draws(packed.patient, resamples=options.resamples, seed=options.seed)
    return _comparison(Match(packed, first, scale), Match(packed, second, scale), draws)


def _charts(gold: Gold, predictions: Predictions, match: Match, plain: Selection) -> Json:
    total = len(gold.charts)
    named = gold.patient[gold.patient >= 0]
    predicted = int(plain.predicted.sum())
    return {
        "total": total,
        "patients": len(distinct(named)) if len(named) else None,
        "gold_codes": len(match.gold),
        "predicted_codes": predicted,
        "codes_per_chart": share(len(match.gold), total),
        "predicted_per_chart": share(predicted, total),
        "optional_left_out": len(match.predicted) - predicted,
        "rejected_labels": gold.rejected,
        "other_systems": gold.other_systems,
        "predictions_without_gold": predictions.without_gold,
    }


def _can_differ(level: str, match: Match, plain: Selection) -> float | None:
    rows = match.gold.code[plain.gold]
    if level in _DIFFERS_ABOVE:
        return share((match.scale.length[rows] > _DIFFERS_ABOVE[level]).sum(), len(rows))
    if level in ("L4", "L4_identical"):
        return share((match.gold_cited[plain.gold] > 0).sum(), len(rows))
    return 1.0 if len(rows) else None


def _in_any_domain(edition: Edition) -> list[str]:
    return [code for codes in edition.domains.values() for code in codes]


def _in_domain(name: str) -> Callable[[Edition], Iterable[str]]:
    return lambda edition: edition.domains.get(name, ())


def _of_domains(
    match: Match, codes_of: Callable[[Edition], Iterable[str]], gold: Flags | None = None
) -> Selection:
    """Each chart's codes of the value sets that its own release has."""
    codes = match.scale.releases.members(match.scale.names["L3"], codes_of)
    return match.select(codes=codes, gold=gold)


def _domain_filter(match: Match, options: Options) -> Json | None:
    """Post-processing as in Table 3: what lies outside the domains leaves both sides before mapping."""
    if not options.domains:
        return None

    def figures(codes_of: Callable[[Edition], Iterable[str]]) -> Json:
        kept = _of_domains(match, codes_of)
        return {level: level_figures(match.sets(level, kept)) for level in CODE_LEVELS}

    return {
        "domains": sorted(options.domains),
        "levels": figures(_in_any_domain),
        "by_domain": {
            name: {"codes": len({code_key(code) for code in codes}), "levels": figures(_in_domain(name))}
            for name, codes in sorted(options.domains.items())
        },
    }


def _expert(match: Match, options: Options, levels: Json, filtered: Json | None) -> Json:
    """Table 3. What was judged and what the experts added are told apart only where the gold set says so."""
    found: Json = {
        "approve_only": None,
        "approve_and_add": {
            "unfiltered": _two(levels),
            "filtered": None if filtered is None else _two(filtered["levels"]),
        },
    }
    if not (match.gold.source != UNTOLD).any():
        return found
    judged = match.gold.source != ADDED
    found["approve_only"] = {
        "unfiltered": _mean_figures(match, match.select(gold=judged)),
        "filtered": _mean_figures(match, _of_domains(match, _in_any_domain, judged))
        if options.domains
        else None,
    }
    return found


def _two(levels: Json) -> Json:
    return {
        level: {"micro": levels[level]["micro"], "macro": levels[level]["macro"]} for level in CODE_LEVELS
    }


def _mean_figures(match: Match, selection: Selection) -> Json:
    found: Json = {}
    for level in CODE_LEVELS:
        sets = match.sets(level, selection)
        found[level] = {"micro": micro(sets), "macro": macro(sets)}
    return found


def _slices(gold: Gold, scale: Scale, sets: Mapping[str, Sets], options: Options) -> Json:
    at_codes = {level: sets[level] for level in CODE_LEVELS}
    found: Json = {
        "domain": chart_slices(charts_by_domain(gold.domains), at_codes),
        "setting": chart_slices(charts_by(gold.setting), at_codes),
        "specialty": chart_slices(charts_by(gold.specialty), at_codes),
        "length": chart_slices(charts_by_length(gold.length), at_codes),
        "chapter": None,
        "block": None,
        "seen": None,
        "frequency": None,
    }
    categories = scale.categories("L0")[0]
    for place, name in enumerate(GROUP_LEVELS):
        if scale.releases.placed:
            groups = [
                {c: places[c][place] if c in places else c for c in categories if c}
                for places in (edition.places for edition in scale.releases.editions)
            ]
            found[name] = code_slices(scale, at_codes, groups, options.titles)
    if options.training is not None:
        training = Training(options.training)
        by: dict[str, Callable[[Iterable[str]], dict[str, str]]] = {
            "seen": training.seen,
            "frequency": training.frequency,
        }
        for name, group in by.items():
            found[name] = code_slices(scale, at_codes, [group(c for c in categories if c)], {})
        found["frequency"].sort(key=frequency_order)
    return found


def _training(scale: Scale, sets: Mapping[str, Sets], options: Options) -> Json | None:
    if options.training is None:
        return None
    cases = Training(options.training).cases
    return {
        "categories": [
            {**row, "training": cases.get(row["category"], 0)} for row in category_figures(scale, sets["L3"])
        ]
    }


def _confidence(match: Match, plain: Selection, options: Options) -> Json:
    stated = plain.predicted & ~np.isnan(match.predicted.confidence)
    confidence, correct = match.predicted.confidence[stated], match.met("L3", plain)[stated]
    return {
        "calibration": calibration(confidence, correct, without=int(plain.predicted.sum() - stated.sum())),
        "risk_coverage": risk_coverage(confidence, correct),
        "thresholds": thresholds(match, plain, options.thresholds),
    }


def _comparison(mine: Match, theirs: Match, draws: Draws) -> Json:
    """The same charts by two models: paired differences and McNemar."""
    here, there = mine.select(), theirs.select()
    a = [mine.sets(level, here) for level in mine.scale.levels]
    b = [theirs.sets(level, there) for level in theirs.scale.levels]
    exact_a = next(sets for sets in a if sets.level == "L3")
    exact_b = next(sets for sets in b if sets.level == "L3")
    whole_a, whole_b = (
        (counts[0] == counts[1]) & (counts[0] == counts[2])
        for counts in (exact_a.by_chart(), exact_b.by_chart())
    )
    return {
        "levels": compare_levels(a, b, draws),
        "mcnemar": {
            "codes": mcnemar(exact_a.gold_met, exact_b.gold_met),
            "charts": mcnemar(whole_a, whole_b),
        },
    }
