"""What the rest of the product asks the catalog: releases by date, nodes, and what surrounds them.

Every answer comes from one stated release. Codes go in as typed (any case, with or without the dot)
and come out canonical, with the dot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.utils import timezone

from catalog.choices import OWN_NOTE_KINDS, CodeSystem, NodeKind, NoteKind
from catalog.errors import NoRelease, UnknownCode, UnknownSystem
from catalog.keys import code_key
from catalog.models import Code, Note, Release, SeventhCharacter

# The order in which a coder wants to read instructions.
_NOTE_ORDER = {
    NoteKind.CODE_FIRST: 0,
    NoteKind.USE_ADDITIONAL_CODE: 1,
    NoteKind.CODE_ALSO: 2,
    NoteKind.EXCLUDES1: 3,
    NoteKind.EXCLUDES2: 4,
    NoteKind.INCLUDES: 5,
    NoteKind.INCLUSION_TERM: 6,
    NoteKind.SEVENTH_CHARACTER: 7,
    NoteKind.NOTE: 8,
}


@dataclass(frozen=True)
class Instruction:
    """One printed note as it applies to a node: `source` is where it stands, lines as printed."""

    kind: NoteKind
    source: Code
    inherited: bool
    lines: tuple[str, ...]

    @property
    def label(self) -> str:
        return str(self.kind.label)


@dataclass(frozen=True)
class SeventhChoice:
    """A 7th character that the definition in force allows.

    `code` is the complete code, None where the node is too short to carry one yet, or where the
    published list does not have this combination.
    """

    character: str
    meaning: str
    also: str
    code: str | None


def release_for(system: str, on: dt.date | None) -> Release:
    """The release valid on that day (both ends inclusive).

    Raises NoRelease without a date or where none covers it: never another release in its place.
    """
    _known(system)
    release = Release.objects.usable(system).valid_on(on).first() if on is not None else None
    if release is None:
        raise NoRelease(system, on)
    return release


def latest_release(system: str) -> Release:
    """The release with the newest first day of validity. Raises NoRelease where none is loaded."""
    _known(system)
    release = Release.objects.usable(system).first()
    if release is None:
        raise NoRelease(system, None)
    return release


def release_today_or_latest(system: str) -> Release:
    """For looking things up, never for coding: the release valid today, else the newest loaded one."""
    _known(system)
    usable = Release.objects.usable(system)
    release = usable.valid_on(timezone.localdate()).first() or usable.first()
    if release is None:
        raise NoRelease(system, None)
    return release


def _known(system: str) -> None:
    if system not in CodeSystem.values:
        raise UnknownSystem(system)


def get_node(release: Release, code: str, kind: str | None = None) -> Code:
    """The node of that name; B20 gives the category, unless the block is asked for. Raises UnknownCode."""
    nodes = Code.objects.of(release).named(code)
    node = (nodes.filter(kind=kind) if kind else nodes).first()
    if node is None:
        raise UnknownCode(release.system, release.edition, code)
    return node


def get_nodes(release: Release, codes: Iterable[str]) -> dict[str, Code]:
    """Nodes by the name they were asked for; unknown ones are absent. One query."""
    asked = list(codes)
    found: dict[str, Code] = {}
    for node in Code.objects.of(release).named(*asked):
        found.setdefault(node.key, node)
    return {code: found[key] for code in asked if (key := code_key(code)) in found}


def is_billable(release: Release, code: str) -> bool:
    """False for a header, an incomplete code and a name that the release does not have."""
    return Code.objects.of(release).billable().named(code).exists()


def ancestors(node: Code) -> list[Code]:
    """Chapter first, parent last."""
    return list(Code.objects.lineage_of(node))


def chapters(release: Release) -> list[Code]:
    return list(Code.objects.chapters(release))


def children(node: Code) -> list[Code]:
    return list(Code.objects.children_of(node))


def siblings(node: Code) -> list[Code]:
    return list(Code.objects.siblings_of(node))


def instructions(node: Code) -> list[Instruction]:
    """All notes that apply to the node, own and inherited, each with the node it stands on.

    By kind in reading order, the nearest node first. An ancestor's inclusion terms name the
    ancestor, not the codes below it, so they are left out — except for the code that a 7th
    character is added to, whose terms hold for each of its extensions.
    """
    found: list[Instruction] = []
    for (_, _), lines in groupby(Note.objects.along(node), key=lambda note: (note.node_id, note.block)):
        printed = list(lines)
        first = printed[0]
        inherited = first.node_id != node.pk
        if inherited and first.kind in OWN_NOTE_KINDS and not _extends(node, first.node):
            continue
        text = tuple(note.text for note in printed)
        found.append(Instruction(NoteKind(first.kind), first.node, inherited, text))
    return sorted(found, key=lambda note: _NOTE_ORDER[note.kind])


def _extends(node: Code, other: Code) -> bool:
    return node.kind == NodeKind.EXTENDED and node.parent_id == other.pk


def seventh_choices(node: Code) -> list[SeventhChoice]:
    """The 7th characters in force at a node, from the nearest definition; none defined: empty.

    For a code that needs one, and for a code that has one, each choice carries its complete code.
    """
    definitions = list(SeventhCharacter.objects.along(node))
    if not definitions:
        return []
    stem_id = node.parent_id if node.kind == NodeKind.EXTENDED else node.pk
    complete = {
        code.code[-1]: code.code
        for code in Code.objects.filter(parent_id=stem_id, kind=NodeKind.EXTENDED).only("code")
    }
    nearest = definitions[0].node_id
    return [
        SeventhChoice(row.character, row.meaning, row.also, complete.get(row.character))
        for row in definitions
        if row.node_id == nearest
    ]


def with_seventh(release: Release, code: str, character: str) -> Code:
    """The code completed by placeholders X and that 7th character. Raises UnknownCode."""
    key = code_key(code)
    return get_node(release, f"{key[:6].ljust(6, 'X')}{character}")
