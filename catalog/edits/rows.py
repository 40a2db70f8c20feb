"""The shape of a check: one row of a table, and what its function is handed and gives back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from catalog.choices import ClaimType, CodeSystem
from catalog.edits.knowledge import Knowledge, Tabular
from catalog.edits.sections import cited, sections_of, unverified
from catalog.edits.tree import Node, dotted
from catalog.edits.types import APART_ROLES, CodeLine, EncounterFacts, Result, Severity

ALL: frozenset[str] = frozenset(str(c) for c in ClaimType.values)
INPATIENT: frozenset[str] = frozenset({str(ClaimType.FACILITY_INPATIENT)})
OUTPATIENT: frozenset[str] = ALL - INPATIENT

DIAGNOSES: frozenset[str] = frozenset({str(CodeSystem.ICD10CM)})
PROCEDURES: frozenset[str] = frozenset({str(CodeSystem.CPT), str(CodeSystem.HCPCS)})
EVERY_SYSTEM: frozenset[str] = frozenset(str(s) for s in CodeSystem.values)

# What a reviewer may answer where a rule leaves room.
EXPLAIN: tuple[str, ...] = ("documented", "not_applicable", "answered_query", "table_error", "other")
EXCLUDES: tuple[str, ...] = ("unrelated", "remove_one", "query")


_SHAPE = re.compile(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?")


@dataclass(frozen=True, slots=True)
class Placed:
    """A code line in its place: `index` in what was given, the canonical code, and its node where the release
    has one."""

    index: int
    line: CodeLine
    code: str
    node: Node | None


class Case:
    """Code lines made ready for the checks.

    `diagnoses` are the ICD-10-CM lines without those that stand apart (admitting, reason for visit), in the
    order of the claim: first the principal or first-listed, then by sequence, as given among equals.
    """

    def __init__(self, lines: Sequence[CodeLine], facts: EncounterFacts, knowledge: Knowledge) -> None:
        self.facts = facts
        self.knowledge = knowledge
        tree = knowledge.tabular.tree if knowledge.tabular else None
        self.lines: list[Placed] = []
        diagnoses: list[Placed] = []
        for index, line in enumerate(lines):
            if line.system == CodeSystem.ICD10CM:
                node = tree.code(line.code) if tree else None
                code = line.code if node is not None else dotted(line.code)
                if node is None and tree is not None:
                    node = tree.code(code)
                if node is None and not _SHAPE.fullmatch(code):
                    # No code of this system at all: named as it was typed.
                    code = line.code.strip().upper()
                placed = Placed(index, line, code, node)
                if line.role not in APART_ROLES:
                    diagnoses.append(placed)
            else:
                placed = Placed(index, line, line.code.strip().upper(), None)
            self.lines.append(placed)
        diagnoses.sort(key=_claim_order)
        # Lines without role and sequence come in no order that means anything.
        self.ordered = any(p.line.first or p.line.sequence for p in diagnoses)
        self.diagnoses = diagnoses
        # Those a tabular check can say something about.
        self.known = [p for p in diagnoses if p.node is not None]

    @property
    def tabular(self) -> Tabular:
        """Only checks that need the tabular ask; the engine runs them only where it is there."""
        if self.knowledge.tabular is None:
            raise LookupError("no ICD-10-CM release in this case")
        return self.knowledge.tabular

    @property
    def first(self) -> Placed | None:
        """The principal or first-listed diagnosis, where one is marked."""
        return next((p for p in self.diagnoses if p.line.first), None)

    def before(self, one: Placed, other: Placed) -> bool:
        """Whether `one` is known to stand before `other` on the claim; False as well where no order is given."""
        return self.ordered and _claim_order(one) < _claim_order(other)

    def starting(self, *prefixes: str) -> list[Placed]:
        """Diagnoses that begin so; of one that the release lacks nothing is concluded but that it lacks it."""
        among = self.diagnoses if self.knowledge.tabular is None else self.known
        return [p for p in among if p.code.startswith(prefixes)]

    def means(self, *prefixes: str) -> bool:
        """Whether a diagnosis begins so, in the release or not: beside a mistyped code nothing is missed that it was
        meant for."""
        return any(p.code.startswith(prefixes) for p in self.diagnoses)


def _claim_order(placed: Placed) -> tuple[bool, bool, int, int]:
    line = placed.line
    # Lines without a sequence keep their place behind those with one.
    return (not line.first, line.sequence == 0, line.sequence, placed.index)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check found: the sentence and the lines it concerns; the rest comes from the check's row unless
    said here."""

    message: str
    lines: tuple[Placed, ...]
    result: Result = Result.FAIL
    severity: Severity | None = None
    edition: str = ""
    citation: str = ""
    outcomes: tuple[str, ...] | None = None


CaseFunction = Callable[[Case], Iterable[Hit]]
# A field of Knowledge, or nothing.
Needs = Literal["tabular", "mce", "poa_exempt", ""]
# Called for two diagnoses, the earlier on the claim first. Whether it finds anything rests on the release, the two
# codes, which comes first and whether an order is given, and on nothing else: engine.py remembers pairs without a
# finding. What it says may rest on all of the case.
PairFunction = Callable[[Case, Placed, Placed], Hit | None]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `systems`: it is run where a line is of one of them. `needs`: what Knowledge must hold, or it has
    no data; another check says so once for all. Exactly one of `case` and `pair` is set.

    `yields_to`: checks that tell the same with more to go by. Where one of them has a finding about the line that this
    one is about first, this one is not told beside it.

    `verified`: every guideline section cited was compared with published text (sections.py); None where none is
    cited. Where one was not, `citation` says so, and with it every finding.
    """

    id: str
    title: str
    severity: Severity
    citation: str
    case: CaseFunction | None = None
    pair: PairFunction | None = None
    claim_types: frozenset[str] = ALL
    systems: frozenset[str] = DIAGNOSES
    needs: Needs = "tabular"
    outcomes: tuple[str, ...] = EXPLAIN
    on: bool = True
    yields_to: tuple[str, ...] = ()
    verified: bool | None = field(init=False)

    def __post_init__(self) -> None:
        verified = not unverified(self.citation) if sections_of(self.citation) else None
        object.__setattr__(self, "verified", verified)
        object.__setattr__(self, "citation", cited(self.citation))
