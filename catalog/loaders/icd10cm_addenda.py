"""Applies the addenda of the order file to a loaded release of ICD-10-CM; the result is a release of its own.

The addenda (icd10cm_order_addenda_YYYY.txt) names an action in each line, the flag 1 for billable, the code without
dot, a short title of up to 60 characters and the long title:

    Add:         1 E11A    Type 2 diabetes ... (short)     Type 2 diabetes ... (long)
    Delete:      0 ...
    Revise from: 1 ...
    Revise to:   1 ...

A code that is deleted and added has changed its flag. With the addenda of the tabular list as XML beside it
(icd10cm_note_addenda.py), notes, titles of chapters and blocks and 7th-character definitions change too; without,
they stay as they are in the release the addenda is applied to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby

from catalog.choices import CodeSystem, NodeKind, NoteKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.fiscal_year import release_dates
from catalog.loaders.icd10cm_codes import dotted, is_placeholder
from catalog.loaders.icd10cm_note_addenda import NodeChange, changed, read_changes
from catalog.loaders.rows import NodeRow, NoteRow, SeventhRow, Source
from catalog.models import Code, Note, Release, SeventhCharacter

_LINE = re.compile(
    r"(Add|Delete|Revise from|Revise to):?\s+(?:\d{5}\s+)?([01])\s+([A-Z][0-9][0-9A-Z]{1,5})\s+(\S.*)"
)
_GAP = re.compile(r"\s{2,}")
_SHORT = 60


@dataclass(frozen=True)
class Change:
    line: int
    action: str
    billable: bool
    key: str
    title: str


@dataclass
class _Node:
    row: NodeRow
    below: list[_Node] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.row.code.replace(".", "")

    @property
    def is_group(self) -> bool:
        return self.row.kind in (NodeKind.CHAPTER, NodeKind.BLOCK)


def holds_addenda(delivery: Delivery) -> bool:
    return bool(_names(delivery))


def open_source(delivery: Delivery, stated: Stated) -> Source:
    """Over the newest release that was in force before the addenda. Raises LoadRefused where none is loaded."""
    names = _names(delivery)
    if len(names) > 1:
        raise LoadRefused(names[0], f"more than one addenda: {', '.join(names)}")
    dates = release_dates(names[0], stated)
    base = Release.objects.usable(CodeSystem.ICD10CM).filter(valid_from__lt=dates.valid_from).first()
    if base is None:
        raise LoadRefused(names[0], f"no release from before {dates.valid_from} is loaded to apply it to")
    notes = _note_names(delivery)
    if len(notes) > 1:
        raise LoadRefused(notes[0], f"more than one addenda of the tabular list: {', '.join(notes)}")
    both = bytes.fromhex(base.source_hash) + bytes.fromhex(delivery.fingerprint(names[0], *notes))
    return Source(
        system=CodeSystem.ICD10CM,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        name=f"{' with '.join((names[0], *notes))} on {base.edition}",
        fingerprint=hashlib.sha256(both).hexdigest(),
        read=partial(_read, delivery, names[0], notes, base),
        size=base.node_count,
    )


def _names(delivery: Delivery) -> list[str]:
    named = delivery.named(r".*addenda.*\.txt") or (delivery.names if len(delivery.names) == 1 else [])
    return [name for name in named if _LINE.fullmatch(delivery.head(name).split("\n", 1)[0].rstrip())]


def _note_names(delivery: Delivery) -> list[str]:
    return [name for name in delivery.named(r".*\.xml") if is_note_addenda(delivery.head(name))]


def is_note_addenda(head: str) -> bool:
    """By the beginning of a file: the tabular list's layout, marked as an addenda."""
    return "<ICD10CM.tabular" in head and 'isAddenda="true"' in head


def _read(delivery: Delivery, name: str, notes: list[str], base: Release) -> Iterator[NodeRow | RowError]:
    changes: list[Change] = []
    with delivery.text(name) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                found = _change(line.rstrip(), number)
                if found is None:
                    yield RowError(name, "not a line of an addenda", number)
                else:
                    changes.append(found)
    tree = _Tree(release_rows(base), name)
    for change in changes:
        problem = tree.apply(change)
        if problem:
            yield RowError(name, problem, change.line)
    yield from tree.left_open()
    for xml in notes:
        with delivery.open(xml) as file:
            for said in read_changes(file, xml):
                yield from [said] if isinstance(said, RowError) else tree.annotate(said, xml)
    yield from tree.rows()


def _change(line: str, number: int) -> Change | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    action, flag, key, titles = found.groups()
    # Short titles are padded to 60; one that fills its columns has a single space behind it.
    parts = _GAP.split(titles)
    long = parts[-1] if len(parts) > 1 else titles[_SHORT + 1 :] or titles
    return Change(number, action, flag == "1", key, " ".join(long.split()))


class _Tree:
    """The base release while it is changed. Codes are looked up by key; blocks by what they span."""

    def __init__(self, rows: Iterable[NodeRow], source: str) -> None:
        self.source = source
        self.roots: list[_Node] = []
        self.nodes: dict[str, _Node] = {}
        self.blocks: list[_Node] = []
        self.deleted: dict[str, _Node] = {}
        self.revised: dict[str, Change] = {}
        open_nodes: list[_Node] = []
        for row in rows:
            node = _Node(row)
            del open_nodes[row.depth :]
            (open_nodes[-1].below if open_nodes else self.roots).append(node)
            open_nodes.append(node)
            if row.kind == NodeKind.BLOCK:
                self.blocks.append(node)
            elif row.kind != NodeKind.CHAPTER:
                self.nodes[node.key] = node

    def apply(self, change: Change) -> str | None:
        """What is wrong with the change, if anything."""
        return {
            "Add": self._add,
            "Delete": self._delete,
            "Revise from": self._revise_from,
            "Revise to": self._revise_to,
        }[change.action](change)

    def left_open(self) -> Iterator[RowError]:
        for change in self.revised.values():
            yield RowError(self.source, f"{dotted(change.key)} is not revised to anything", change.line)

    def annotate(self, change: NodeChange, source: str) -> list[RowError]:
        """Notes, definitions and, of chapters and blocks, the title; codes and their titles are the order addenda's."""
        node = self._named(change)
        if node is None:
            if not change.there and change.tag == "diag":
                return []
            said = (
                "is not in the release" if change.tag == "diag" else "is a chapter or block the release lacks"
            )
            return [RowError(source, f"{change.code} {said}", change.line)]
        if not change.there:
            return [
                RowError(source, f"{change.code} is deleted here and not in the order addenda", change.line)
            ]
        node.row, errors = changed(node.row, change, source)
        if node.is_group and change.title[1]:
            node.row = replace(node.row, title=change.title[1])
        if change.sevenths:
            for below in _below(node):
                kind = self._kind(below.key)
                below.row = replace(below.row, kind=kind)
        return errors

    def _named(self, change: NodeChange) -> _Node | None:
        if change.tag == "diag":
            return self.nodes.get(change.code.replace(".", ""))
        groups = self.roots if change.tag == "chapter" else self.blocks
        return next((group for group in groups if group.row.code == change.code), None)

    def rows(self) -> Iterator[NodeRow]:
        for root in self.roots:
            yield from _depth_first(root, 0)

    def _add(self, change: Change) -> str | None:
        if change.key in self.nodes:
            return f"{dotted(change.key)} is there already"
        parent = self._parent(change.key)
        if parent is None:
            return f"{dotted(change.key)} has no category or block to stand in"
        before = self.deleted.pop(change.key, None)
        row = NodeRow(
            code=dotted(change.key),
            kind=self._kind(change.key),
            title=change.title,
            depth=0,
            billable=change.billable,
            placeholder=is_placeholder(change.key, change.billable),
        )
        if before is not None:
            row = replace(before.row, title=change.title, billable=change.billable)
        node = _Node(row)
        self.nodes[change.key] = node
        place = next(
            (at for at, other in enumerate(parent.below) if other.key > change.key), len(parent.below)
        )
        parent.below.insert(place, node)
        # A header may be added after the codes that belong below it.
        moved = [other for other in parent.below if other is not node and _under(other, change.key)]
        for other in moved:
            parent.below.remove(other)
            node.below.append(other)
        return None

    def _delete(self, change: Change) -> str | None:
        node = self.nodes.pop(change.key, None)
        if node is None:
            return f"{dotted(change.key)} is not in the release"
        parent = self._parent(change.key)
        if parent is None or node not in parent.below:
            return f"{dotted(change.key)} has no category or block to stand in"
        place = parent.below.index(node)
        # What stood below stands below its parent until it is deleted or its header is added again.
        parent.below[place : place + 1] = node.below
        self.deleted[change.key] = node
        return None

    def _revise_from(self, change: Change) -> str | None:
        if change.key not in self.nodes:
            return f"{dotted(change.key)} is not in the release"
        self.revised[change.key] = change
        return None

    def _revise_to(self, change: Change) -> str | None:
        if self.revised.pop(change.key, None) is None:
            return f"{dotted(change.key)} is revised to something without a line that says from what"
        node = self.nodes[change.key]
        node.row = replace(node.row, title=change.title, billable=change.billable)
        return None

    def _parent(self, key: str) -> _Node | None:
        for length in range(len(key) - 1, 2, -1):
            if key[:length] in self.nodes:
                return self.nodes[key[:length]]
        if len(key) > 3:
            return None
        spanning = [block for block in self.blocks if _spans(block.row.code, key)]
        # Later blocks lie within earlier ones; empty ones ("C00-C96") head several others and hold no code.
        holding = [block for block in spanning if block.below]
        return holding[-1] if holding else None

    def _kind(self, key: str) -> NodeKind:
        if len(key) == 3:
            return NodeKind.CATEGORY
        return NodeKind.EXTENDED if len(key) == 7 and self._defines_seventh(key) else NodeKind.SUBCATEGORY

    def _defines_seventh(self, key: str) -> bool:
        above = [self.nodes[key[:length]] for length in range(3, 7) if key[:length] in self.nodes]
        return any(node.row.seventh for node in above)


def _under(node: _Node, key: str) -> bool:
    return not node.is_group and node.key.startswith(key) and node.key != key


def _spans(block: str, key: str) -> bool:
    first, _, last = block.partition("-")
    return first <= key <= (last or first)


def _below(node: _Node) -> Iterator[_Node]:
    for below in node.below:
        yield below
        yield from _below(below)


def _depth_first(node: _Node, depth: int) -> Iterator[NodeRow]:
    yield replace(node.row, depth=depth)
    for below in node.below:
        yield from _depth_first(below, depth + 1)


def release_rows(release: Release) -> Iterator[NodeRow]:
    """A stored release as its loader read it."""
    notes = Note.objects.filter(node__release=release).order_by("node__position", "position")
    sevenths = SeventhCharacter.objects.filter(node__release=release).order_by("node__position", "position")
    notes_of = {
        node: tuple(found) for node, found in groupby(notes.iterator(), key=lambda note: note.node_id)
    }
    sevenths_of = {
        node: tuple(found) for node, found in groupby(sevenths.iterator(), key=lambda row: row.node_id)
    }
    for code in Code.objects.of(release).order_by("position").defer("search").iterator():
        yield NodeRow(
            code=code.code,
            kind=NodeKind(code.kind),
            title=code.title,
            depth=code.depth,
            billable=code.billable,
            placeholder=code.placeholder,
            notes=tuple(NoteRow(NoteKind(n.kind), n.block, n.text) for n in notes_of.get(code.pk, ())),
            seventh=tuple(SeventhRow(s.character, s.meaning, s.also) for s in sevenths_of.get(code.pk, ())),
            valid_from=code.valid_from,
            valid_to=code.valid_to,
        )
