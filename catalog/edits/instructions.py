"""Checks of what the tabular's notes say about codes beside each other: Excludes, code first, use additional code,
code also. A note without codes to go by is shown as its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.choices import NodeKind, NoteKind
from catalog.edits.notes import INTENT, Characters, NoteBlock
from catalog.edits.prompts import is_asked, is_told, repeats
from catalog.edits.rows import EXCLUDES, Case, CaseFunction, Check, Hit, PairFunction, Placed
from catalog.edits.tree import Node
from catalog.edits.types import Result, Severity

_CONVENTIONS = "ICD-10-CM Official Guidelines"
_MANIFESTATION = ("in diseases classified elsewhere", "in other diseases classified elsewhere")
_SHOWN = 8
_DIABETES_DRUGS = frozenset({"Z79.4", "Z79.84", "Z79.85"})
# Printed at chapter 15, naming a category and no code.
_WEEKS = "from category Z3A"
# What must stand before these codes is asked by a check of the guidelines, which knows more codes than the examples
# that the note prints.
_FIRST_BY_A_GUIDELINE = frozenset({"R65.2"})
# Notes printed for all of a block that speak of one intent only: adverse effect, underdosing.
_OF_INTENT: dict[tuple[str, str], Characters] = {
    ("T36-T50", NoteKind.CODE_FIRST): Characters(INTENT, ("5",)),
    ("T36-T50", NoteKind.USE_ADDITIONAL_CODE): Characters(INTENT, ("6",)),
}


def _excludes(kind: NoteKind, label: str, also: str = "") -> PairFunction:
    def pair(case: Case, one: Placed, other: Placed) -> Hit | None:
        first, second = one.node, other.node
        if first is None or second is None or first is second:
            return None
        reach = case.tabular.notes.reach
        if reach(first, kind).holds(second.position):
            hit = named(case, first, second, (one, other))
            if hit is not None:
                return hit
        if reach(second, kind).holds(first.position):
            return named(case, second, first, (one, other))
        return None

    def named(case: Case, a: Node, b: Node, lines: tuple[Placed, ...]) -> Hit | None:
        for block in case.tabular.notes.along(a, kind):
            target = block.target(b)
            # A range that holds the code itself speaks of what is elsewhere in it.
            if target is not None and not target.meets(a):
                place = _place(case, block)
                where = a.code if place == a.code else f"{place} of {a.code}"
                return Hit(f"{label} at {where} names {b.code}: {target.text}.{also}", lines)
        return None

    return pair


def _excludes_unread(case: Case) -> Iterator[Hit]:
    """Excludes1 lines that name no code: only a person can compare them with the other diagnoses."""
    if len(case.known) < 2:
        return
    for block, placed in _by_block(case, NoteKind.EXCLUDES1):
        # "Certain localized infections - see chapters of body systems" is true of every infection.
        if block.unread and case.tabular.tree.nodes[block.position].kind != NodeKind.CHAPTER:
            yield Hit(
                f"Excludes1 at {_place(case, block)} names no code to compare with: {'; '.join(block.unread)}.",
                tuple(placed),
                Result.NO_DATA,
            )


def is_manifestation(node: Node) -> bool:
    """The wording by which the tabular marks a manifestation (I.A.13)."""
    return any(words in node.title.lower() for words in _MANIFESTATION)


def _manifestation_first(case: Case) -> Iterator[Hit]:
    first = case.first
    if first is not None and first.node is not None and is_manifestation(first.node):
        yield Hit(f"{first.code} is a manifestation: its etiology is coded first.", (first,))


def _manifestation_alone(case: Case) -> Iterator[Hit]:
    for placed in case.known:
        if placed.node is not None and is_manifestation(placed.node) and len(case.known) == 1:
            yield Hit(
                f"{placed.code} is a manifestation and stands alone: its etiology is missing.", (placed,)
            )


def _code_first(case: Case) -> Iterator[Hit]:
    for block, carriers in _by_block(case, NoteKind.CODE_FIRST):
        if _place(case, block) in _FIRST_BY_A_GUIDELINE:
            continue
        for placed in carriers:
            hit = _not_first(case, block, placed)
            if hit is not None:
                yield hit


def _not_first(case: Case, block: NoteBlock, placed: Placed) -> Hit | None:
    named = _met(case, block, (placed,))
    where = f"Code first at {_place(case, block)}"
    if named:
        if not all(case.before(placed, other) for other in named):
            return None
        return Hit(
            f"{where}: {named[0].code} is to stand before {placed.code} ({block.text}).", (placed, named[0])
        )
    if block.conditional or any(repeats(t, case.tabular.tree.nodes[block.position]) for t in block.targets):
        return None
    if placed.line.first:
        return Hit(f"{where} of {placed.code}, which is marked first: {block.text}.", (placed,))
    if not block.targets:
        return Hit(f"{where} names no code to look for: {block.text}.", (placed,), Result.NO_DATA)
    # Only where its own title tells that one of them is there; else another cause may be behind it.
    manifests = placed.node is not None and is_manifestation(placed.node)
    if not manifests and (block.open or not any(is_told(t, placed) for t in block.targets)):
        return None
    return Hit(
        f"{where} of {placed.code}: none of {_names(case, block)} is on the claim ({block.text}).",
        (placed,),
        severity=Severity.INFO if block.open else None,
    )


def _prompt(kind: NoteKind, label: str) -> CaseFunction:
    def run(case: Case) -> Iterator[Hit]:
        for block, carriers in _asked_once(
            (block, carriers)
            for block, carriers in _by_block(case, kind)
            if not _met(case, block, tuple(carriers))
            and not _asked_by_a_guideline(case, block)
            and is_asked(case, block, carriers)
        ):
            note = f"The note at {_place(case, block)} says: {label} {block.text}."
            lines = tuple(carriers)
            if block.targets:
                yield Hit(f"{note} None of {_names(case, block)} is on the claim.", lines)
            elif block.unread:
                yield Hit(f"{note} It names no code to look for.", lines, Result.NO_DATA)

    return run


def _asked_once(
    asked: Iterable[tuple[NoteBlock, list[Placed]]],
) -> Iterator[tuple[NoteBlock, list[Placed]]]:
    """Without a note whose codes another one names too, for the same diagnoses and maybe more: tobacco is asked for
    at a chapter, its blocks and its categories."""
    kept: list[tuple[set[tuple[int, int]], set[str]]] = []
    widest_first = sorted(asked, key=lambda each: (-len(each[1]), -len(each[0].targets)))
    for block, carriers in widest_first:
        spans = {(target.first, target.last) for target in block.targets}
        codes = {placed.code for placed in carriers}
        if spans and any(spans <= more and codes <= of for more, of in kept):
            continue
        kept.append((spans, codes))
        yield block, carriers


def _asked_by_a_guideline(case: Case, block: NoteBlock) -> bool:
    """The drugs that control diabetes and the weeks of gestation are asked once, by the checks of the guidelines."""
    nodes = case.tabular.tree.nodes
    if not block.targets:
        return bool(block.unread) and all(_WEEKS in line for line in block.unread)
    return all(nodes[t.first].code in _DIABETES_DRUGS for t in block.targets)


def _by_block(case: Case, kind: NoteKind) -> list[tuple[NoteBlock, list[Placed]]]:
    """Each note that applies, with the diagnoses it applies to; a note printed once is asked once."""
    found: dict[int, tuple[NoteBlock, list[Placed]]] = {}
    for placed in case.known:
        if placed.node is None:
            continue
        for block in case.tabular.notes.along(placed.node, kind):
            intent = _OF_INTENT.get((_place(case, block), kind))
            if intent is not None and not intent.hold(placed.code):
                continue
            carriers = found.setdefault(id(block), (block, []))[1]
            if all(p.code != placed.code for p in carriers):
                carriers.append(placed)
    return list(found.values())


def _met(case: Case, block: NoteBlock, carriers: tuple[Placed, ...]) -> list[Placed]:
    """Other diagnoses that the note names."""
    own = {p.code for p in carriers}
    return [p for p in case.known if p.node is not None and p.code not in own and block.target(p.node)]


def _place(case: Case, block: NoteBlock) -> str:
    node = case.tabular.tree.nodes[block.position]
    return f"chapter {node.code}" if node.kind == NodeKind.CHAPTER else node.code


def _names(case: Case, block: NoteBlock) -> str:
    nodes = case.tabular.tree.nodes
    names: dict[str, None] = {}
    for target in block.targets:
        first, last = nodes[target.first], nodes[target.last]
        whole = first.last == target.last
        end = "" if first.billable else "-" if "." in first.code else ".-"
        names[f"{first.code}{end}" if whole else f"{first.code} to {last.code}"] = None
    shown = list(names)[:_SHOWN]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


CHECKS: tuple[Check, ...] = (
    Check(
        "excludes1",
        "Excludes1: not coded together",
        Severity.WARN,
        f"{_CONVENTIONS} I.A.12.a",
        pair=_excludes(NoteKind.EXCLUDES1, "Excludes1"),
        outcomes=EXCLUDES,
    ),
    Check(
        "excludes2",
        "Excludes2: not included here",
        Severity.INFO,
        f"{_CONVENTIONS} I.A.12.b",
        pair=_excludes(NoteKind.EXCLUDES2, "Excludes2", " Both stand where the patient has both."),
    ),
    Check(
        "excludes1_unread",
        "Excludes1 without codes",
        Severity.INFO,
        f"{_CONVENTIONS} I.A.12.a",
        case=_excludes_unread,
    ),
    Check(
        "manifestation_first",
        "Manifestation never first",
        Severity.HARD,
        f"{_CONVENTIONS} I.A.13",
        case=_manifestation_first,
        outcomes=(),
    ),
    Check(
        "manifestation_alone",
        "Manifestation with its etiology",
        Severity.WARN,
        f"{_CONVENTIONS} I.A.13",
        case=_manifestation_alone,
        yields_to=("manifestation_first",),
    ),
    Check(
        "code_first",
        "Code first",
        Severity.WARN,
        f"{_CONVENTIONS} I.A.13, I.B.7",
        case=_code_first,
        yields_to=(
            *("manifestation_first", "manifestation_alone", "hypertension_combined"),
            *("adverse_effect_second", "poisoning_first", "severe_sepsis", "sequela_second"),
        ),
    ),
    Check(
        "use_additional_code",
        "Use additional code",
        Severity.INFO,
        f"{_CONVENTIONS} I.A.13, I.B.7",
        case=_prompt(NoteKind.USE_ADDITIONAL_CODE, "use additional"),
    ),
    Check(
        "code_also",
        "Code also",
        Severity.INFO,
        f"{_CONVENTIONS} I.A.17",
        case=_prompt(NoteKind.CODE_ALSO, "code also"),
        yields_to=("therapy_first",),
    ),
)
