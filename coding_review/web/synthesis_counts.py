"""What was counted over a run of synthetic charts, as groups of bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coding_review.web import words
from coding_review.web.datasets_page import Group, bars
from coding_review.web.synthesis_words import TRAPS, plain, reason_words

# A remark on a code, not a word against it.
_NOT_RETRIEVED = "not_retrieved"


def groups_of(counts: Mapping[str, Any]) -> tuple[Group, ...]:
    against = dict(counts.get("codes_not_kept", {}))
    kept = against.pop(_NOT_RETRIEVED, 0)
    found = (
        Group(
            "discards",
            "Charts discarded",
            bars(_in_words(counts.get("discarded", {}))),
            "A discarded chart is kept with its reason and is in no dataset.",
        ),
        Group(
            "not-kept",
            "Codes drawn or found, not kept",
            bars(_in_words(against)),
            f"By the rule that speaks against them.{_kept_all_the_same(kept)}",
        ),
        Group(
            "traps",
            "Traps set",
            bars({TRAPS.get(k, plain(k)): n for k, n in counts.get("traps", {}).items()}),
        ),
        Group("notes", "Kinds of notes", bars(_in_words(counts.get("note_types", {})))),
        Group(
            "bands",
            "How often a code comes",
            bars(
                {
                    "once" if band == "1" else f"{band} times": n
                    for band, n in sorted(counts.get("codes_by_frequency", {}).items(), key=_band)
                },
                ordered=False,
            ),
            "Codes, by how many notes have them.",
        ),
        Group(
            "frequent",
            "Most frequent codes",
            # A JSON object of PostgreSQL keeps no order.
            bars(counts.get("code_frequency", {}))[:12],
            codes=True,
        ),
    )
    return tuple(group for group in found if group.bars or group.key == "discards")


def _kept_all_the_same(number: int) -> str:
    return (
        f" {words.count(number, 'other was', 'others were')} written though retrieval did not find "
        f"{'it' if number == 1 else 'them'}: kept."
        if number
        else ""
    )


def _band(pair: tuple[str, int]) -> int:
    return int("".join(c for c in pair[0].partition("-")[0] if c.isdigit()) or 0)


def _in_words(counted: Mapping[str, int]) -> dict[str, int]:
    return {reason_words(key): n for key, n in counted.items()}
