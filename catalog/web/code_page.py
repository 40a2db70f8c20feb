"""What the page of one code shows, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from catalog import queries
from catalog.choices import NodeKind, NoteKind
from catalog.history import Step, history_of
from catalog.models import Code, Release
from catalog.payment_facts import PaymentFact
from catalog.specificity import Neighbour, by_specificity
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
    around: tuple[Neighbour, ...]
    here: Code
    # Empty where the codes below differ by 7th character alone: `seventh` shows these.
    children: tuple[Neighbour, ...]
    # The neighbours of `here` in that order, for the keys that step through them.
    before: Code | None
    after: Code | None
    terms: tuple[NoteView, ...]
    notes: tuple[NoteView, ...]
    seventh: tuple[queries.SeventhChoice, ...]
    # Empty where no other release of the system is loaded.
    history: tuple[Step, ...]
    index: tuple[IndexLine, ...]
    # Why a header cannot be billed, in words; empty for a billable code.
    incomplete: str
    # Only on the full page, for people with the right; never where suggestions wait for a decision.
    payment: tuple[PaymentFact, ...] = ()


def build(release: Release, node: Code, payment: tuple[PaymentFact, ...] = ()) -> CodePage:
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
    around = by_specificity([here, *queries.siblings(here)])
    at = next(number for number, one in enumerate(around) if one.node.pk == here.pk)
    history = history_of(release.system, node.code, node.kind)
    over = [above for above in path if above.pk != here.pk]
    return CodePage(
        node=node,
        path=tuple(path),
        parent=over[-1] if over else None,
        around=around,
        before=around[at - 1].node if at else None,
        after=around[at + 1].node if at + 1 < len(around) else None,
        here=here,
        children=() if _differ_by_seventh(children) else by_specificity(children),
        terms=tuple(view for instruction, view in views if instruction.kind == NoteKind.INCLUSION_TERM),
        notes=tuple(view for instruction, view in views if instruction.kind != NoteKind.INCLUSION_TERM),
        seventh=tuple(seventh),
        history=history if len(history) > 1 or any(s.release != release for s in history) else (),
        index=index_of(release, node, here, over[-1] if over else None),
        incomplete=_incomplete(node, children),
        payment=payment,
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
