"""Procedures: a note's CPT or HCPCS codes are right when the set is, with and without modifiers and units."""

from __future__ import annotations

import numpy as np

from modelops.evaluation.columns import Gold, Ints, Predictions
from modelops.evaluation.figures import Json, with_counts
from modelops.evaluation.keys import among, distinct


def procedures(gold: Gold, predictions: Predictions, system: str) -> Json:
    """Sets of one procedure system by note, with and without modifiers and units."""
    of_system = np.array([name[0] == system for name in gold.words.codes.names] or [False], dtype=np.bool_)
    theirs, mine = gold.procedures, predictions.procedures
    theirs_here, mine_here = of_system[theirs.code], of_system[mine.code]
    codes, details = max(1, len(gold.words.codes)), max(1, len(gold.words.details))
    their_codes = theirs.chart[theirs_here] * codes + theirs.code[theirs_here]
    my_codes = mine.chart[mine_here] * codes + mine.code[mine_here]
    optional = gold.optional_chart * codes + gold.optional_code
    kept = ~(among(my_codes, optional) & ~among(my_codes, their_codes))
    my_codes = my_codes[kept]
    my_details, their_details = mine.detail[mine_here][kept], theirs.detail[theirs_here]
    charts = len(gold.charts)
    plain = _set_figures(distinct(my_codes), distinct(their_codes), codes, charts)
    whole = _set_figures(
        my_codes * details + my_details, their_codes * details + their_details, codes * details, charts
    )
    return {
        "charts_with_gold": plain["exact_set"]["gold"],
        "charts_with_predictions": plain["exact_set"]["predicted"],
        **plain,
        "with_modifiers_and_units": whole,
    }


def _set_figures(mine: Ints, theirs: Ints, width: int, charts: int) -> Json:
    """`mine` and `theirs`: members as chart × width + member, each once."""
    from_both = among(theirs, mine)
    hits = np.bincount(theirs[from_both] // width, minlength=charts)
    predicted = np.bincount(mine // width, minlength=charts)
    gold = np.bincount(theirs // width, minlength=charts)
    same = (hits == predicted) & (hits == gold) & (gold > 0)
    return {
        "exact_set": with_counts(same.sum(), (predicted > 0).sum(), (gold > 0).sum()),
        "codes": with_counts(from_both.sum(), len(mine), len(theirs)),
    }
