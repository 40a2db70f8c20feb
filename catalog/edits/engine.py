"""Code edits: code lines and encounter facts in, findings out. Pure: all that is known comes as Knowledge.

CHECKS is the whole table; what a check needs and says stands in its row, what it does in its function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from catalog.edits import (
    documentation,
    guideline_order,
    guidelines,
    instructions,
    mce,
    procedures,
    sides,
    site,
    validity,
)
from catalog.edits.knowledge import Knowledge
from catalog.edits.rows import Case, Check, Hit, Placed
from catalog.edits.types import CodeLine, EncounterFacts, Finding, Report, Result, Severity, Tally

EDITION = "2026-2"

CHECKS: tuple[Check, ...] = (
    *validity.CHECKS,
    *instructions.CHECKS,
    *sides.CHECKS,
    *guidelines.CHECKS,
    *guideline_order.CHECKS,
    *documentation.CHECKS,
    *mce.CHECKS,
    *procedures.CHECKS,
    *site.CHECKS,
)

BY_ID: dict[str, Check] = {check.id: check for check in CHECKS}
# The checks of two diagnoses beside each other.
PAIR_CHECKS: tuple[Check, ...] = tuple(row for row in CHECKS if row.pair is not None)
# Of one release; as ids of positions about 10 MB. A long claim of 100 diagnoses has 4,950 pairs.
_QUIET_KEPT = 100_000
_ORDER: dict[Severity, int] = {Severity.HARD: 0, Severity.WARN: 1, Severity.INFO: 2}


def check(
    lines: Sequence[CodeLine],
    facts: EncounterFacts,
    knowledge: Knowledge,
    *,
    checks: Iterable[Check] | None = None,
) -> Report:
    """What failed and what had no data, hard findings first; passes are only counted.

    `checks`: those to run, whether on by default or not; None: all that are on, by default or because the site's
    table has rows for them. Findings of one check over the same codes are one finding; what another check tells with
    more to go by is told by that one alone, though each counts what it found.
    """
    case = Case(lines, facts, knowledge)
    systems = {line.system for line in lines}
    findings: dict[tuple[str, tuple[str, ...]], Finding] = {}
    counts: dict[str, Tally] = {}
    pair_rows: list[Check] = []
    wanted = [row for row in CHECKS if row.on or row.id in knowledge.site] if checks is None else checks
    for row in wanted:
        if facts.claim_type not in row.claim_types or systems.isdisjoint(row.systems):
            continue
        if row.needs and getattr(knowledge, row.needs) is None:
            # Said once for all by `release`, `mce_table` and `poa_table`.
            counts[row.id] = Tally(no_data=1)
        elif row.case is None:
            pair_rows.append(row)
        else:
            hits = list(row.case(case))
            failed = sum(hit.result is Result.FAIL for hit in hits)
            counts[row.id] = Tally(not hits, failed, len(hits) - failed)
            for hit in hits:
                _add(findings, _finding(row, hit, knowledge))
    if pair_rows:
        found = _of_all_pairs(case, pair_rows)
        looked = len(case.known) * (len(case.known) - 1) // 2
        for row in pair_rows:
            of_row = found.get(row.id, ())
            counts[row.id] = Tally(looked - len(of_row), len(of_row))
            for hit in of_row:
                _add(findings, _finding(row, hit, knowledge))
    ordered = sorted(
        _told_once(findings.values()), key=lambda f: (f.result is Result.NO_DATA, _ORDER[f.severity])
    )
    return Report(tuple(ordered), counts)


def _of_all_pairs(case: Case, rows: Sequence[Check]) -> dict[str, list[Hit]]:
    """As check_pairs for each two diagnoses; asked again only of those that something was found about before, or that
    never met: of the thousands of pairs of a long claim an act changes a few."""
    quiet = case.tabular.quiet.setdefault((case.ordered, tuple(row.pair for row in rows)), set())
    loud = [pair for pair in combinations(case.known, 2) if _positions(pair) not in quiet]
    found, _ = check_pairs(case, loud, rows)
    told = {frozenset(placed.index for placed in hit.lines) for hits in found.values() for hit in hits}
    if len(quiet) > _QUIET_KEPT:
        quiet.clear()
    quiet.update(_positions(pair) for pair in loud if frozenset(p.index for p in pair) not in told)
    return found


def _positions(pair: tuple[Placed, Placed]) -> tuple[int, int]:
    one, other = pair
    # Only diagnoses that the release has are paired; -1 is no position.
    return one.node.position if one.node else -1, other.node.position if other.node else -1


def check_pairs(
    case: Case, pairs: Iterable[tuple[Placed, Placed]], rows: Sequence[Check]
) -> tuple[dict[str, list[Hit]], int]:
    """What the pair checks of `rows` find in each pair, by check, and how many pairs there were."""
    functions = [(row.id, row.pair) for row in rows if row.pair is not None]
    found: dict[str, list[Hit]] = {}
    looked = 0
    for one, other in pairs:
        looked += 1
        for check_id, function in functions:
            hit = function(case, one, other)
            if hit is not None:
                found.setdefault(check_id, []).append(hit)
    return found, looked


def _told_once(findings: Collection[Finding]) -> list[Finding]:
    """Without those that yield to another one about the same line."""
    lines: dict[str, set[int]] = {}
    for finding in findings:
        if finding.result is Result.FAIL:
            lines.setdefault(finding.check, set()).update(finding.lines)
    return [
        f
        for f in findings
        if not any(set(f.lines[:1]) & lines.get(check_id, set()) for check_id in BY_ID[f.check].yields_to)
    ]


def _finding(row: Check, hit: Hit, knowledge: Knowledge) -> Finding:
    edition = hit.edition
    if not edition and row.needs and (known := getattr(knowledge, row.needs)) is not None:
        edition = known.edition
    codes = dict.fromkeys(placed.code for placed in hit.lines)
    no_data = hit.result is Result.NO_DATA
    return Finding(
        check=row.id,
        severity=Severity.INFO if no_data else hit.severity or row.severity,
        result=hit.result,
        title=row.title,
        message=hit.message,
        codes=tuple(codes),
        lines=tuple(dict.fromkeys(placed.index for placed in hit.lines)),
        citation=hit.citation or row.citation,
        edition=edition,
        outcomes=() if no_data else row.outcomes if hit.outcomes is None else hit.outcomes,
    )


def _add(findings: dict[tuple[str, tuple[str, ...]], Finding], new: Finding) -> None:
    key = (new.check, tuple(sorted(new.codes)))
    old = findings.get(key)
    if old is None:
        findings[key] = new
        return
    # The worse of the two, saying both.
    worse, other = sorted((old, new), key=lambda f: (f.result is Result.NO_DATA, _ORDER[f.severity]))
    message = worse.message if other.message == worse.message else f"{worse.message} {other.message}"
    findings[key] = Finding(
        worse.check,
        worse.severity,
        worse.result,
        worse.title,
        message,
        worse.codes,
        tuple(dict.fromkeys((*worse.lines, *other.lines))),
        worse.citation,
        worse.edition,
        worse.outcomes,
    )
