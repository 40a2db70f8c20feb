"""A dataset in figures, for its manifest and its page. Plain numbers; shares from 0 to 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from modelops.datasets.packing import Packs
from modelops.datasets.split import SPLITS, TRAIN

if TYPE_CHECKING:
    from modelops.datasets.build import Row

_TOP = 30
_DIGITS = 4


def statistics(rows: Sequence[Row], packs: Packs) -> dict[str, Any]:
    """`packs` of the training rows."""
    own = [row for row in rows if not row.example.composite]
    codes = Counter(label.code for row in own for label in row.example.labels)
    train = Counter(label.code for row in own if row.split == TRAIN for label in row.example.labels)
    return {
        "examples": {split: sum(row.split == split for row in rows) for split in SPLITS},
        "patients": {
            split: len({row.example.patient for row in rows if row.split == split}) for split in SPLITS
        },
        "by_source": _counted(row.example.provenance.kind for row in own),
        "by_stage": _counted(row.example.stage for row in rows),
        "composites": len(rows) - len(own),
        "without_codes": sum(not row.example.labels for row in own),
        "labels": sum(len(row.example.labels) for row in own),
        "labels_per_example": _spread([len(row.example.labels) for row in own]),
        "negatives": sum(len(row.example.negatives) for row in own),
        "unlabelled": sum(len(row.example.unlabelled) for row in own),
        "codes": {
            "distinct": len(codes),
            "once": sum(count == 1 for count in codes.values()),
            "only_in_validation": len(set(codes) - set(train)),
            "chapters": _counted(code[:1] for code in codes.elements()),
            "most_frequent": [[code, count] for code, count in sorted(codes.items(), key=_most)[:_TOP]],
        },
        "assistance": _counted(label.assistance.shown for row in own for label in row.example.labels),
        "origins": _counted(label.origin for row in own for label in row.example.labels),
        "lines": _spread([sum(len(d.lines) for d in row.example.chart.documents) for row in own]),
        "tokens": {
            "all": sum(row.tokens.all for row in rows),
            "completion": sum(row.tokens.completion for row in rows),
            "per_example": _spread([row.tokens.all for row in rows]),
        },
        "packing": packing_figures(packs),
    }


def packing_figures(packs: Packs) -> dict[str, Any]:
    """`useful_unpacked`: rows of N tokens, one example each; `padded`: rows as long as the longest example."""
    return {
        "size": packs.size,
        "packs": len(packs.packs),
        "examples": sum(map(len, packs.packs)),
        "tokens": packs.tokens,
        "useful": round(packs.useful, _DIGITS),
        "useful_unpacked": round(packs.useful_unpacked, _DIGITS),
        "useful_padded_to_longest": round(packs.useful_padded_to_longest, _DIGITS),
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _most(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _spread(values: Sequence[int]) -> dict[str, float]:
    """Nearest ranks: a figure that some example has."""
    if not values:
        return {"min": 0, "median": 0, "mean": 0, "p95": 0, "max": 0}
    ordered = sorted(values)
    rank = {share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95)}
    return {
        "min": ordered[0],
        "median": rank[0.5],
        "mean": round(sum(ordered) / len(ordered), 2),
        "p95": rank[0.95],
        "max": ordered[-1],
    }
