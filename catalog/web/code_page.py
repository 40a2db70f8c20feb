"""What the page of one code shows, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from catalog import queries
from catalog.choices import NodeKind, NoteKind
from catalog.models import Code, Release
from catalog.web.index_lines import IndexLine, index_of
from catalog.web.references import Piece, named_codes, pieces

# How a note is marked at its edge: what it stops, what it wants first, what it wants besides.
_EDGES = {
    NoteKind.EXCLUDES1: "stop",
    NoteKind.EXCLUDES2: "also",
    NoteKind.CODE_FIRST: "first",
    NoteKind.USE_ADDITIONAL_CODE: "more",
    NoteKind.CODE_ALSO: "more",
}


@dataclass(frozen=True)
class NoteView:
    """`heading` ("code to identify control using:") stands over the lines where the print has one."""

    label: str
    edge: str
    source: Code | None
    heading: tuple[Piece, ...]
    lines: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True)
class CodePage:
    node: Code
    path: tuple[Code, ...]
    # What stands over `around`; `here` is the one of them that is, or carries, this code.
    parent: Code | None
    around: tuple[Code, ...]
    here: Code
    # Empty where the codes below differ by 7th character alone: `seventh` shows these.
    children: tuple[Code, ...]
    terms: tuple[NoteView, ...]
    notes: tuple[NoteView, ...]
    seventh: tuple[queries.SeventhChoice, ...]
    elsewhere: tuple[Code, ...]
    index: tuple[IndexLine, ...]
    # Why a header cannot be billed, in words; empty for a billable code.
    incomplete: str


def build(release: Release, node: Code) -> CodePage:
    # Saves a query for each place that asks the node for its release.
    node.release = release
    path = queries.ancestors(node)
    children = queries.children(node)
    instructions = queries.instructions(node)
    known = queries.get_nodes(
        release, named_codes(line for instruction in instructions for line in instruction.lines)
    )
    views = [(instruction, _note(instruction, known)) for instruction in instructions]
    seventh = queries.seventh_choices(node)
    # The other 7th characters stand in their own picker; around it are the codes they complete.
    here = path[-1] if node.kind == NodeKind.EXTENDED else node
    around = sorted([here, *queries.siblings(here)], key=lambda other: other.position)
    over = [above for above in path if above.pk != here.pk]
    return CodePage(
        node=node,
        path=tuple(path),
        parent=over[-1] if over else None,
        around=tuple(around),
        here=here,
        children=() if _differ_by_seventh(children) else tuple(children),
        terms=tuple(view for instruction, view in views if instruction.kind == NoteKind.INCLUSION_TERM),
        notes=tuple(view for instruction, view in views if instruction.kind != NoteKind.INCLUSION_TERM),
        seventh=tuple(seventh),
        elsewhere=tuple(queries.elsewhere(node)),
        index=index_of(release, node, here, over[-1] if over else None),
        incomplete=_incomplete(node, children),
    )


def _note(instruction: queries.Instruction, known: dict[str, Code]) -> NoteView:
    lines = [pieces(line, known) for line in instruction.lines]
    has_heading = len(lines) > 1 and instruction.lines[0].endswith((":", "such as"))
    return NoteView(
        label=instruction.label,
        edge=_EDGES.get(instruction.kind, ""),
        source=instruction.source if instruction.inherited else None,
        heading=lines[0] if has_heading else (),
        lines=tuple(lines[1:] if has_heading else lines),
    )


def _incomplete(node: Code, children: list[Code]) -> str:
    if node.billable:
        return ""
    return "needs a 7th character" if _differ_by_seventh(children) else "a more specific code is needed"


def _differ_by_seventh(children: list[Code]) -> bool:
    return {child.kind for child in children} == {NodeKind.EXTENDED}
