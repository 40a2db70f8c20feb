"""What came back at all: charts without a valid answer, output left aside, traps that were fallen into."""

from __future__ import annotations

import numpy as np

from modelops.evaluation.columns import FAILED, MISSING, Gold, Ints, Numbered, Predictions, Rows
from modelops.evaluation.figures import Json, share
from modelops.evaluation.keys import among, distinct, places_of
from modelops.evaluation.slices import NOT_STATED


def response(predictions: Predictions) -> Json:
    status = predictions.status
    total = len(status)
    rows = predictions.diagnoses.chart, predictions.procedures.chart
    codes = np.bincount(np.concatenate(rows), minlength=total)
    answered = (status != MISSING) & (status != FAILED)
    silent = answered & (codes == 0)
    missing, errors = int((status == MISSING).sum()), int((status == FAILED).sum())
    all_discarded = int((silent & (predictions.left_aside > 0)).sum())
    invalid = missing + errors + all_discarded
    return {
        "charts": total,
        "missing": missing,
        "errors": errors,
        "all_discarded": all_discarded,
        "without_valid_prediction": invalid,
        "share": share(invalid, total),
        "empty": int((silent & (predictions.left_aside == 0)).sum()),
    }


def discarded(predictions: Predictions) -> Json:
    total = int(predictions.left_aside.sum())
    return {
        "total": total,
        "share": share(total, total + predictions.codes_put_out),
        "charts": int((predictions.left_aside > 0).sum()),
        "by_reason": dict(sorted(predictions.reasons.items())),
    }


def traps(gold: Gold, predictions: Predictions) -> Json:
    """A trap whose code is gold in its chart is no trap there; the same trap twice in a chart is one."""
    width = max(1, len(gold.words.codes))
    kinds, bands = Numbered(), gold.words.bands.names
    kind = np.array([kinds(name or NOT_STATED) for name in gold.trap_kind], dtype=np.int64)
    # Several kinds of one code in one chart are a trap each.
    both = distinct((gold.trap_chart * width + gold.trap_code) * max(1, len(kinds)) + kind)
    keys, kind = both // max(1, len(kinds)), both % max(1, len(kinds))
    golden = among(keys, np.concatenate([_keys(gold.diagnoses, width), _keys(gold.procedures, width)]))
    mine, first = np.unique(
        np.concatenate([_keys(predictions.diagnoses, width), _keys(predictions.procedures, width)]),
        return_index=True,
    )
    keys, kind = keys[~golden], kind[~golden]
    place = places_of(keys, mine)
    fallen = place >= 0
    band = np.concatenate([predictions.diagnoses.band, predictions.procedures.band])[first[place[fallen]]]
    total = np.bincount(kind, minlength=len(kinds))
    hits = np.bincount(kind[fallen], minlength=len(kinds))
    by_band = np.bincount(band, minlength=len(bands))
    return {
        "total": len(keys),
        "predicted": int(fallen.sum()),
        "share": share(fallen.sum(), len(keys)),
        "by_kind": {
            name: {
                "total": int(total[number]),
                "predicted": int(hits[number]),
                "share": share(hits[number], total[number]),
            }
            for number, name in sorted(enumerate(kinds.names), key=lambda item: item[1])
        },
        "by_band": {
            name or NOT_STATED: {"predicted": int(count), "share": share(count, len(keys))}
            for name, count in sorted(zip(bands, by_band, strict=True))
            if count
        },
        "also_gold": int(golden.sum()),
    }


def _keys(rows: Rows, width: int) -> Ints:
    return rows.chart * width + rows.code
