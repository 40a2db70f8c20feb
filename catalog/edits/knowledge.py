"""What the checks know besides the code lines: releases and published tables, as plain data.

Built by catalog/edits/loading.py; nothing here reads a database. A table that is not loaded is None or
absent, and a check that needs it answers no_data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from catalog.edits.notes import NoteBook
from catalog.edits.site_table import SiteTable
from catalog.edits.tree import Tree


@dataclass(frozen=True, slots=True)
class Tabular:
    """An ICD-10-CM release: its tree and its instructional notes.

    `quiet`: pairs of its codes, by position, that engine.py once found nothing to say to.
    """

    tree: Tree
    notes: NoteBook
    quiet: dict[Hashable, set[tuple[int, int]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def edition(self) -> str:
        return self.tree.edition


@dataclass(frozen=True, slots=True)
class Listed:
    """A code of a system other than ICD-10-CM, as its release lists it."""

    title: str
    billable: bool
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    def covers(self, on: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class CodeList:
    """Those codes of a release that the code lines ask about; what is missing is not in the release.

    Of a sample (not `complete`) nothing follows from that: it holds a few codes of its system.
    """

    edition: str
    codes: Mapping[str, Listed]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class MceTable:
    """`lists` maps a list of the Medicare Code Editor to its dotted ICD-10-CM codes."""

    edition: str
    valid_from: dt.date
    lists: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A published list of dotted ICD-10-CM codes."""

    edition: str
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class PairEdit:
    indicator: str
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class NcciTable:
    """The pairs in force on one day, of the procedures asked about; keyed by column 1 and column 2."""

    edition: str
    pairs: Mapping[tuple[str, str], PairEdit]


@dataclass(frozen=True, slots=True)
class UnitLimit:
    units: int
    mai: str
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class MueTable:
    edition: str
    limits: Mapping[str, UnitLimit]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything the checks need for one set of code lines.

    `stands_in`: no release covers the date, and the latest loaded one is used by permission of who asks.
    `code_lists` goes by code system and day, `ncci` and `mue` by day of service, each for the claim type's table.
    `ncci_modifiers` is None where no table of modifiers is loaded.
    """

    tabular: Tabular | None = None
    stands_in: bool = False
    code_lists: Mapping[tuple[str, dt.date | None], CodeList] = field(default_factory=dict)
    mce: MceTable | None = None
    poa_exempt: CodeTable | None = None
    ncci: Mapping[dt.date | None, NcciTable] = field(default_factory=dict)
    mue: Mapping[dt.date | None, MueTable] = field(default_factory=dict)
    ncci_modifiers: frozenset[str] | None = None
    site: SiteTable = field(default_factory=dict)
