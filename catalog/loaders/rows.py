"""What a loader of one published format hands to the writer: plain rows, in published order.

A reader yields rows; for a row that is wrong it yields a RowError (catalog/errors.py) and reads on, so that
one run names everything to be repaired. A source with any RowError is refused whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from catalog.choices import NodeKind, NoteKind, Origin
from catalog.errors import RowError


@dataclass(frozen=True)
class NoteRow:
    kind: NoteKind
    # Lines of one printed note share it.
    block: int
    text: str


@dataclass(frozen=True)
class SeventhRow:
    character: str
    meaning: str
    also: str = ""


@dataclass(frozen=True)
class NodeRow:
    """A node after its parent and before its children; `depth` counts from 0 and gives the parent:
    the nearest row above with depth − 1."""

    code: str
    kind: NodeKind
    title: str
    depth: int
    billable: bool
    placeholder: bool = False
    notes: tuple[NoteRow, ...] = ()
    seventh: tuple[SeventhRow, ...] = ()
    # Of systems whose codes come and go within an edition: the code's own first and last day.
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True)
class Expected:
    """What a source must hold to be believed; None: not known beforehand."""

    billable: int | None = None
    billable_codes: tuple[str, ...] = ()
    duplicate_names: int | None = None


@dataclass(frozen=True)
class Source:
    """One edition of one system, ready to be read.

    `read` raises LoadRefused on a damaged source. `fingerprint` is the SHA-256 over the bytes read.
    """

    system: str
    edition: str
    valid_from: dt.date
    valid_to: dt.date | None
    name: str
    fingerprint: str
    read: Callable[[], Iterator[NodeRow | RowError]]
    # About how many rows come, for the progress bar.
    size: int
    expected: Expected = field(default_factory=Expected)
    origin: Origin = Origin.PUBLISHED
