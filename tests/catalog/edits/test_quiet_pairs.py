"""What the engine remembers of pairs changes no report."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from catalog.choices import ClaimType
from catalog.edits import engine
from catalog.edits.engine import check
from catalog.edits.types import CodeLine
from tests.catalog.edits.conftest import Edits, facts_of

# Each meets one of the others in a pair check, some only in one order.
MEETING = (
    "I10", "I11.0", "I50.23", "N18.30", "N18.6", "E11.9", "E11.22", "E10.9", "J20.9", "J41.0", "J44.9", "J44.1",
    "K81.0", "K81.1", "K81.2", "N30.00", "N30.10", "M17.11", "M17.12", "H25.11", "H25.12", "R06.02", "R53.1", "R54",
    "Z37.0", "O80", "A41.9", "R65.20", "S52.501A", "S52.502A",
)  # fmt: skip


def claims(chance: random.Random) -> list[list[CodeLine]]:
    found = []
    for number in range(400):
        codes = chance.choices(MEETING, k=chance.randint(2, 9))
        ordered = number % 3 > 0
        lines = [CodeLine(code, sequence=place * ordered) for place, code in enumerate(codes, start=1)]
        if number % 3 == 2:
            first = chance.randrange(len(lines))
            lines[first] = replace(lines[first], role="principal", poa="Y")
        found.append(lines)
    return found


def test_reports_are_the_same_as_without_it(edits: Edits) -> None:
    assert edits.knowledge.tabular is not None
    remembering = replace(edits.knowledge, tabular=replace(edits.knowledge.tabular, quiet={}))
    told: set[str] = set()
    for lines in claims(random.Random(20261121)):
        for claim_type in (ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL):
            facts = facts_of(claim_type, {})
            forgetful = replace(edits.knowledge, tabular=replace(edits.knowledge.tabular, quiet={}))
            fresh = check(lines, facts, forgetful)
            assert check(lines, facts, remembering) == fresh
            told |= {f.check for f in fresh.findings}
    pair_checks = {row.id for row in engine.PAIR_CHECKS if row.on}
    assert pair_checks <= told


def test_a_pair_without_a_finding_is_asked_once(edits: Edits, monkeypatch) -> None:
    assert edits.knowledge.tabular is not None
    knowledge = replace(edits.knowledge, tabular=replace(edits.knowledge.tabular, quiet={}))
    facts, asked = facts_of(ClaimType.PROFESSIONAL, {}), []
    whole = engine.check_pairs
    monkeypatch.setattr(
        engine, "check_pairs", lambda case, pairs, rows: whole(case, asked.extend(pairs) or asked[:], rows)
    )
    codes = ("E11.9", "E10.9", "H25.11", "Z37.0")
    lines = [CodeLine(code, sequence=number) for number, code in enumerate(codes, start=1)]
    check(lines[:3], facts, knowledge)
    assert [(a.code, b.code) for a, b in asked] == [
        ("E11.9", "E10.9"),
        ("E11.9", "H25.11"),
        ("E10.9", "H25.11"),
    ]
    asked.clear()
    check(lines, facts, knowledge)
    # The one that was found something about, and those of the new line.
    assert [(a.code, b.code) for a, b in asked] == [
        ("E11.9", "E10.9"),
        ("E11.9", "Z37.0"),
        ("E10.9", "Z37.0"),
        ("H25.11", "Z37.0"),
    ]


def test_it_is_given_up_when_it_grows_too_large(edits: Edits, monkeypatch) -> None:
    assert edits.knowledge.tabular is not None
    knowledge = replace(edits.knowledge, tabular=replace(edits.knowledge.tabular, quiet={}))
    assert knowledge.tabular is not None
    monkeypatch.setattr(engine, "_QUIET_KEPT", 2)
    facts = facts_of(ClaimType.PROFESSIONAL, {})
    for one, other in pairwise(("H25.11", "Z37.0", "R54", "K81.0", "O80")):
        check([CodeLine(one, sequence=1), CodeLine(other, sequence=2)], facts, knowledge)
    assert [len(pairs) for pairs in knowledge.tabular.quiet.values()] == [1]
