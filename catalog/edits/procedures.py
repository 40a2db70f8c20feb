"""NCCI procedure-to-procedure edits and medically unlikely edits: the practitioner tables on professional claims,
the outpatient hospital's on facility outpatient ones.

No message and no outcome ever proposes a modifier: whether one is right is for the documentation to say.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from catalog.choices import ClaimType
from catalog.edits.knowledge import NcciTable, PairEdit
from catalog.edits.rows import OUTPATIENT, PROCEDURES, Case, Check, Hit, Placed
from catalog.edits.types import Result, Severity

# Used where no table of modifiers is loaded: NCCI Policy Manual, chapter I, section E.
NCCI_MODIFIERS: frozenset[str] = frozenset(
    {
        *(
            "E1",
            "E2",
            "E3",
            "E4",
            "FA",
            *(f"F{n}" for n in range(1, 10)),
            "TA",
            *(f"T{n}" for n in range(1, 10)),
        ),
        *("LT", "RT", "LC", "LD", "RC", "LM", "RI"),
        *("24", "25", "57", "58", "78", "79"),
        *("27", "59", "91", "XE", "XS", "XP", "XU"),
    }
)
_NEVER, _WITH_MODIFIER = "0", "1"
_PER_LINE, _ABSOLUTE = "1", "2"


def _procedures(case: Case) -> list[Placed]:
    return [p for p in case.lines if p.line.system in PROCEDURES]


def _day(case: Case, placed: Placed) -> dt.date | None:
    return placed.line.service_date or case.facts.coding_date


def _same_provider(case: Case, one: Placed, other: Placed) -> bool:
    """One facility bills an outpatient claim; of professional lines an unnamed provider counts as the same."""
    if case.facts.claim_type != ClaimType.PROFESSIONAL:
        return True
    a, b = one.line.provider, other.line.provider
    return not a or not b or a == b


def _not_loaded(
    case: Case, placed: list[Placed], loaded: frozenset[dt.date | None], what: str
) -> Iterator[Hit]:
    missing = [p for p in placed if _day(case, p) not in loaded]
    if missing:
        days = sorted({str(_day(case, p) or "no date") for p in missing})
        yield Hit(f"No {what} are loaded for {', '.join(days)}.", tuple(missing), Result.NO_DATA)


def _ncci(case: Case) -> Iterator[Hit]:
    procedures = _procedures(case)
    tables = case.knowledge.ncci
    if len(procedures) > 1:
        yield from _not_loaded(case, procedures, frozenset(tables), "NCCI edits")
    for one, other in combinations(procedures, 2):
        day = _day(case, one)
        table = tables.get(day)
        if table is None or day != _day(case, other) or not _same_provider(case, one, other):
            continue
        for first, second in ((one, other), (other, one)):
            edit = table.pairs.get((first.code, second.code))
            hit = None if edit is None else _pair(case, first, second, edit, table)
            if hit is not None:
                yield hit


def _pair(case: Case, first: Placed, second: Placed, edit: PairEdit, table: NcciTable) -> Hit | None:
    why = f" ({edit.rationale})" if edit.rationale else ""
    pair = f"{second.code} is not reported beside {first.code} on one date{why}"
    if edit.indicator == _NEVER:
        return Hit(
            f"{pair}; no modifier changes that.",
            (first, second),
            severity=Severity.HARD,
            edition=table.edition,
            outcomes=("remove_one", "table_error"),
        )
    if edit.indicator != _WITH_MODIFIER:
        return None
    known = case.knowledge.ncci_modifiers
    used = [
        (placed, modifier)
        for placed in (second, first)
        for modifier in placed.line.modifiers
        if modifier in (NCCI_MODIFIERS if known is None else known)
    ]
    if not used:
        return Hit(
            f"{pair}, unless the documentation shows that they were separate.",
            (first, second),
            edition=table.edition,
        )
    placed, modifier = used[0]
    if placed.line.evidence:
        return None
    return Hit(
        f"{pair}; {placed.code} carries modifier {modifier}, and no documentation is cited for it.",
        (first, second),
        edition=table.edition,
    )


def _mue(case: Case) -> Iterator[Hit]:
    procedures = _procedures(case)
    tables = case.knowledge.mue
    yield from _not_loaded(case, procedures, frozenset(tables), "medically unlikely edits")
    by_day: dict[tuple[str, dt.date | None, str], list[Placed]] = defaultdict(list)
    for placed in procedures:
        day = _day(case, placed)
        provider = placed.line.provider if case.facts.claim_type == ClaimType.PROFESSIONAL else ""
        by_day[placed.code, day, provider].append(placed)
    for (code, day, _), lines in by_day.items():
        table = tables.get(day)
        limit = None if table is None else table.limits.get(code)
        if table is None or limit is None:
            continue
        if limit.mai == _PER_LINE:
            for placed in lines:
                if placed.line.units > limit.units:
                    yield Hit(
                        f"{code}: {placed.line.units} units on a line, at most {limit.units} are likely.",
                        (placed,),
                        edition=table.edition,
                    )
            continue
        units = sum(placed.line.units for placed in lines)
        if units <= limit.units:
            continue
        absolute = limit.mai == _ABSOLUTE
        words = "are possible; this limit is absolute" if absolute else "are likely; more needs a reason"
        yield Hit(
            f"{code}: {units} units on {day}, at most {limit.units} {words}.",
            tuple(lines),
            severity=Severity.HARD if absolute else None,
            edition=table.edition,
            outcomes=("table_error",) if absolute else None,
        )


CHECKS: tuple[Check, ...] = (
    Check(
        "ncci_pair",
        "NCCI procedure-to-procedure edit",
        Severity.WARN,
        "NCCI procedure-to-procedure edits; NCCI Policy Manual, chapter I",
        case=_ncci,
        claim_types=OUTPATIENT,
        systems=PROCEDURES,
        needs="",
        outcomes=("documented", "remove_one", "query", "table_error"),
    ),
    Check(
        "mue_units",
        "Medically unlikely units",
        Severity.WARN,
        "NCCI medically unlikely edits",
        case=_mue,
        claim_types=OUTPATIENT,
        systems=PROCEDURES,
        needs="",
        outcomes=("documented", "query", "payer_policy", "table_error"),
    ),
)
