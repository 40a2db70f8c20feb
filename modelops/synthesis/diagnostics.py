"""What a run of synthetic charts is like: how often each code comes, how long notes are, what was discarded and why,
which notes are nearly the same. Counted while the charts are made; no text is kept but for the likeness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

from modelops.datasets.likeness import LikeTexts
from modelops.synthesis.domains import DOMAINS, beginnings
from modelops.synthesis.types import SyntheticDraft

# Likeness costs more than writing: of larger runs only the first notes are compared.
COMPARED = 2_000
_SHOWN = 50
_BANDS: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)


class Diagnostics:
    def __init__(self, compared: int = COMPARED) -> None:
        self._codes: Counter[str] = Counter()
        self._labels: list[int] = []
        self._words: list[int] = []
        self._traps: Counter[str] = Counter()
        self._styles: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._drawn: Counter[str] = Counter()
        self._charts = 0
        self._compared = compared
        self._texts = LikeTexts()
        self._alike: list[tuple[str, str, float]] = []
        self._looked = 0

    def add(self, draft: SyntheticDraft) -> None:
        self._charts += 1
        self._drawn.update(d.reason for d in (*draft.order.discards, *draft.labelled.discards))
        if draft.discarded:
            self._reasons[draft.discarded] += 1
            return
        gold = [code.code for code in draft.labelled.codes if not code.optional]
        self._codes.update(gold)
        self._labels.append(len(gold))
        self._words.append(len(draft.written.text.split()))
        self._traps.update(trap.kind for trap in draft.labelled.traps)
        self._styles[draft.written.note_type] += 1
        if self._looked < self._compared:
            self._looked += 1
            for key, share in self._texts.like(draft.written.text):
                self._alike.append((draft.order.id, key, round(share, 3)))
            self._texts.add(draft.order.id, draft.written.text)

    def rows(self) -> dict[str, Any]:
        """As stored with the run. Shares are of the charts made."""
        kept = len(self._labels)
        return {
            "charts": self._charts,
            "kept": kept,
            "discarded": dict(self._reasons.most_common()),
            "discard_rate": round(1 - kept / self._charts, 4) if self._charts else 0.0,
            "distinct_codes": len(self._codes),
            "distinct_by_domain": {
                domain: sum(code.startswith(beginnings(domain)) for code in self._codes) for domain in DOMAINS
            },
            "code_frequency": dict(self._codes.most_common(_SHOWN)),
            "codes_by_frequency": _banded(self._codes.values()),
            "labels_per_note": _spread(self._labels),
            "words_per_note": _spread(self._words),
            "traps": dict(self._traps.most_common()),
            "note_types": dict(self._styles.most_common()),
            "codes_not_kept": dict(self._drawn.most_common()),
            "compared": self._looked,
            "near_duplicates": len(self._alike),
            "near_duplicate_pairs": [list(pair) for pair in self._alike[:_SHOWN]],
        }


def _banded(counts: Iterable[int]) -> dict[str, int]:
    """How many codes come so often: "1", "2-4", …"""
    found: Counter[str] = Counter()
    for count in counts:
        at = max(number for number, least in enumerate(_BANDS) if count >= least)
        least = _BANDS[at]
        after = _BANDS[at + 1] if at + 1 < len(_BANDS) else None
        name = f"{least}+" if after is None else str(least) if after == least + 1 else f"{least}-{after - 1}"
        found[name] += 1
    return dict(found)


def _spread(values: list[int]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "least": ordered[0],
        "median": median(ordered),
        "mean": round(sum(ordered) / len(ordered), 2),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "most": ordered[-1],
    }
