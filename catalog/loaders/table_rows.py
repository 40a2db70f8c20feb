"""Rows of the published tables as a loader hands them on: field names are the columns of catalog/models/tables.py."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from catalog.choices import CodeSystem


@dataclass(frozen=True)
class IndexRow:
    """A line of an index after its parent and before the lines below it; `depth` counts from 0 and gives the
    parent, as in NodeRow. The terms above are added by the writer."""

    depth: int
    term: str
    nonessential: str = ""
    codes: tuple[str, ...] = ()
    # For a drug or neoplasm: the name of the column each code stands in.
    columns: tuple[str, ...] = ()
    see: str = ""
    see_also: str = ""


@dataclass(frozen=True)
class NcciRow:
    column1: str
    column2: str
    effective: dt.date
    deleted: dt.date | None
    indicator: str
    rationale: str = ""


@dataclass(frozen=True)
class MueRow:
    code: str
    units: int
    mai: str
    rationale: str = ""


@dataclass(frozen=True)
class MceRow:
    list: str
    code: str
    system: str = CodeSystem.ICD10CM
    group: str = ""


@dataclass(frozen=True)
class HccRow:
    code: str
    category: str
    title: str = ""


@dataclass(frozen=True)
class MemberRow:
    """A member of a value set, or of the POA exempt list."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True)
class ModifierRow:
    code: str
    title: str
    ncci: bool = False


@dataclass(frozen=True)
class Remark:
    """What a loader left out and why, for catalog_status; never a row."""

    text: str


TableRow = IndexRow | NcciRow | MueRow | MceRow | HccRow | MemberRow | ModifierRow
