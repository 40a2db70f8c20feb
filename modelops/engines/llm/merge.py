"""What windows and passes said, to one suggestion a code. Pure; the order in which they said it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from modelops.engines.llm.confidence import combined
from modelops.engines.types import CodeSuggestion, Evidence

# More places than five show nothing more, and evaluation does not count them.
MOST_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class Said:
    """One code of one answer, its quote found and its code in the release. `number` is the evidence's first line
    over all documents; `probability` None where nothing was measured."""

    system: str
    code: str
    description: str
    rationale: str = field(repr=False)
    evidence: Evidence = field(repr=False)
    number: int
    probability: float | None
    turn: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Suggestions in the order of the chart. `duplicates`: the same code said again in a pass; `evidence_left_out`:
    places beyond those kept."""

    suggestions: tuple[CodeSuggestion, ...]
    duplicates: int
    evidence_left_out: int


def merge(said: Iterable[Said], passes: int) -> Merged:
    by_code: dict[tuple[str, str], list[Said]] = {}
    for one in said:
        by_code.setdefault((one.system, one.code), []).append(one)
    placed: list[tuple[int, int, str, str, CodeSuggestion]] = []
    duplicates = left_out = 0
    for (system, code), them in by_code.items():
        ranked = sorted(them, key=_rank)
        by_turn: dict[int, list[float | None]] = {}
        for one in ranked:
            by_turn.setdefault(one.turn, []).append(one.probability)
        duplicates += len(ranked) - len(by_turn)
        kept, others = _places(ranked)
        left_out += others
        best = ranked[0]
        suggestion = CodeSuggestion(
            system=system,
            code=code,
            description=best.description,
            confidence=combined([by_turn[turn] for turn in sorted(by_turn)], passes),
            rationale=best.rationale,
            evidence=tuple(one.evidence for one in kept),
        )
        placed.append((kept[0].number, kept[0].evidence.col_start, system, code, suggestion))
    return Merged(tuple(row[-1] for row in sorted(placed, key=lambda row: row[:4])), duplicates, left_out)


def _rank(one: Said) -> tuple[float, int, int, int, str, str, int]:
    """The surest first, then by place; the texts settle what is left, so that no order of arrival shows."""
    sure = -1.0 if one.probability is None else one.probability
    evidence = one.evidence
    return -sure, one.number, evidence.col_start, evidence.col_end, one.rationale, one.description, one.turn


def _places(ranked: Sequence[Said]) -> tuple[list[Said], int]:
    """The surest place of each first line, at most five, in the order of the chart; and how many were left out."""
    by_line: dict[int, Said] = {}
    for one in ranked:
        by_line.setdefault(one.number, one)
    kept = sorted(list(by_line.values())[:MOST_EVIDENCE], key=lambda one: one.number)
    return kept, len(by_line) - len(kept)
