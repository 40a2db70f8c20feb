"""Reads the addenda of the ICD-10-CM tabular list as XML: the tabular list's own layout, marked isAddenda="true".

Within names, titles, notes and 7th-character definitions the element `diff` holds what was (`old`), what is (`new`)
and what stays (`unc`); text outside it stays. An element with new text only is added, with old text only deleted.
Elements without any of these are there to show the place and change nothing, except below a code that is new as a
whole. The layout is that of the published schema; no published addenda in it has been met.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import IO

from catalog.choices import NoteKind
from catalog.errors import RowError
from catalog.loaders.icd10cm_tabular import NOTE_TAGS
from catalog.loaders.rows import NodeRow, NoteRow, SeventhRow
from catalog.loaders.xml_stream import clean, line_of, stream

_NODES = ("chapter", "section", "diag")


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line of a note. `before` empty: added; `after` empty: deleted. `behind`: the line above it in the addenda."""

    kind: NoteKind
    before: str
    after: str
    behind: str
    line: int | None


@dataclass(frozen=True, slots=True)
class SeventhChange:
    character: str
    before: str
    after: str
    line: int | None


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What the addenda says of one chapter, block or code. `there`: it is in the new edition."""

    tag: str
    code: str
    there: bool
    title: tuple[str, str]
    notes: tuple[LineChange, ...]
    sevenths: tuple[SeventhChange, ...]
    line: int | None

    @property
    def says_anything(self) -> bool:
        return not self.there or self.title[0] != self.title[1] or bool(self.notes or self.sevenths)


def read_changes(xml: IO[bytes], source: str) -> Iterator[NodeChange | RowError]:
    for chapter in stream(xml, source, "chapter"):
        yield from _node(chapter, source, whole=False)


def _node(element: ET.Element, source: str, *, whole: bool) -> Iterator[NodeChange | RowError]:
    """`whole`: what stands above is new as a whole, and so is this."""
    name, desc = element.find("name"), element.find("desc")
    names = versions(name) if name is not None else (element.get("id", ""),) * 2
    title = versions(desc) if desc is not None else ("", "")
    code = names[1] or names[0]
    if not code:
        yield RowError(source, f"an element <{element.tag}> without its name", line_of(element))
        return
    there = bool(names[1] and (title[1] or not title[0]))
    new = whole or (there and (not names[0] or bool(title[1] and not title[0])))
    if whole:
        title = ("", title[1])
    change = NodeChange(
        tag=element.tag,
        code=code,
        there=there,
        title=title,
        notes=tuple(_notes(element, new)) if there else (),
        sevenths=tuple(_sevenths(element, new)) if there else (),
        line=line_of(element),
    )
    if change.says_anything:
        yield change
    for part in element:
        if part.tag in _NODES:
            yield from _node(part, source, whole=new)


def versions(element: ET.Element) -> tuple[str, str]:
    """The words of mixed content as they were and as they are."""
    before, after = _parts(element)
    return clean(before), clean(after)


def _parts(element: ET.Element) -> tuple[str, str]:
    before, after = [element.text or ""], [element.text or ""]
    for part in element:
        was, now = _parts(part) if part.tag == "diff" else (part.text or "",) * 2
        before.append("" if part.tag == "new" else was)
        after.append("" if part.tag == "old" else now)
        for words in (before, after):
            words.append(part.tail or "")
    return "".join(before), "".join(after)


def _notes(element: ET.Element, new: bool) -> Iterator[LineChange]:
    for part in element:
        kind = NOTE_TAGS.get(part.tag)
        behind = ""
        for line in part if kind is not None else ():
            before, after = versions(line)
            before = "" if new else before
            if kind is not None and before != after:
                yield LineChange(kind, before, after, behind, line_of(line))
            behind = after or behind


def _sevenths(element: ET.Element, new: bool) -> Iterator[SeventhChange]:
    definition = element.find("sevenChrDef")
    for part in definition if definition is not None else ():
        if part.tag != "extension":
            continue
        before, after = versions(part)
        before = "" if new else before
        if before != after:
            yield SeventhChange(part.get("char", ""), before, after, line_of(part))


def changed(row: NodeRow, change: NodeChange, source: str) -> tuple[NodeRow, list[RowError]]:
    """The row with the notes and definitions of the addenda, and what of them does not fit."""
    errors: list[RowError] = []
    notes = list(row.notes)
    for line in change.notes:
        problem = _change_line(notes, line)
        if problem:
            errors.append(RowError(source, f"{row.code}: {problem}", line.line))
    sevenths = {each.character: each for each in row.seventh}
    for each in change.sevenths:
        known = sevenths.get(each.character)
        if (each.before or None) != (known.meaning if known else None):
            said = (
                f"7th character {each.character}: not {each.before!r} in the release" if each.before else ""
            )
            said = said or f"7th character {each.character} is there already"
            errors.append(RowError(source, f"{row.code}: {said}", each.line))
        elif each.after:
            sevenths[each.character] = SeventhRow(each.character, each.after, known.also if known else "")
        else:
            del sevenths[each.character]
    return replace(row, notes=tuple(notes), seventh=tuple(sevenths.values())), errors


def _change_line(notes: list[NoteRow], line: LineChange) -> str | None:
    """Changes the list in place; what is wrong, if anything."""
    label = NoteKind(line.kind).label
    if line.before:
        at = _place(notes, line.kind, line.before)
        if at is None:
            return f"{label} does not say {line.before!r} in the release"
        notes[at : at + 1] = [replace(notes[at], text=line.after)] if line.after else []
        return None
    if _place(notes, line.kind, line.after) is not None:
        return f"{label} says {line.after!r} already"
    own = [at for at, note in enumerate(notes) if note.kind == line.kind]
    above = _place(notes, line.kind, line.behind) if line.behind else None
    if above is not None or own:
        at = above if above is not None else own[-1]
        notes.insert(at + 1, NoteRow(line.kind, notes[at].block, line.after))
    else:
        block = max((note.block for note in notes), default=-1) + 1
        notes.append(NoteRow(line.kind, block, line.after))
    return None


def _place(notes: Iterable[NoteRow], kind: NoteKind, text: str) -> int | None:
    return next((at for at, note in enumerate(notes) if note.kind == kind and clean(note.text) == text), None)
