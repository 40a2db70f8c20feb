"""Checks of each code by itself: is it a code of the release, billable, complete, on the claim once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, ClaimType, CodeSystem
from catalog.edits.knowledge import Tabular
from catalog.edits.rows import ALL, EVERY_SYSTEM, Case, Check, Hit, Placed
from catalog.edits.tree import Node
from catalog.edits.types import Result, Severity

_SHAPE = re.compile(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?")


def _release(case: Case) -> Iterator[Hit]:
    """One answer for the whole set: which release the tabular checks used, where it is not the date's own."""
    diagnoses = tuple(p for p in case.lines if p.line.system == CodeSystem.ICD10CM)
    on = case.facts.coding_date
    when = "The encounter has no date that chooses a release" if on is None else f"No release covers {on}"
    if case.knowledge.tabular is None:
        yield Hit(f"{when}; the ICD-10-CM checks have nothing to go by.", diagnoses, Result.NO_DATA)
    elif case.knowledge.stands_in:
        edition = case.knowledge.tabular.edition
        yield Hit(
            f"{when}; checked with the latest loaded one, {edition}.",
            diagnoses,
            Result.NO_DATA,
            edition=edition,
        )


def _valid(case: Case) -> Iterator[Hit]:
    for placed in case.lines:
        if placed.line.system == CodeSystem.ICD10CM:
            if case.knowledge.tabular is not None and placed.node is None and not _seventh_of(case, placed):
                yield Hit(f"{placed.code} is not a code of the release.", (placed,))
        else:
            yield from _valid_procedure(case, placed)


def _valid_procedure(case: Case, placed: Placed) -> Iterator[Hit]:
    line = placed.line
    on = line.service_date or case.facts.coding_date
    if line.system == CodeSystem.ICD10PCS:
        on = case.facts.discharge_date or on
    known = case.knowledge.code_lists.get((line.system, on))
    label = CodeSystem(line.system).label
    if known is None:
        when = f"No loaded {label} release covers {on}" if on else f"No date to choose a {label} release by"
        yield Hit(f"{when}; {placed.code} cannot be checked.", (placed,), Result.NO_DATA)
        return
    listed = known.codes.get(placed.code)
    if listed is None and not known.complete:
        said = f"{placed.code} is not in the {label} {known.edition}; a sample cannot say more."
        yield Hit(said, (placed,), Result.NO_DATA, edition=known.edition)
    elif listed is None:
        yield Hit(
            f"{placed.code} is not a code of {label} {known.edition}.", (placed,), edition=known.edition
        )
    elif on is not None and not listed.covers(on):
        yield Hit(f"{placed.code} is not in force on {on}.", (placed,), edition=known.edition)
    elif not listed.billable:
        yield Hit(f"{placed.code} is a heading, not a code.", (placed,), edition=known.edition)


def _system(case: Case) -> Iterator[Hit]:
    carried = SYSTEMS_BY_CLAIM_TYPE[case.facts.claim_type]
    for placed in case.lines:
        if placed.line.system not in carried:
            label = CodeSystem(placed.line.system).label
            claim = ClaimType(case.facts.claim_type).label.lower()
            yield Hit(f"{placed.code} of {label} does not go on a {claim} claim.", (placed,))


def _billable(case: Case) -> Iterator[Hit]:
    tree = case.tabular.tree
    for placed in case.lines:
        node = placed.node
        if node is None or node.billable or _needs_seventh(case.tabular, node):
            continue
        below = [n.code for n in tree.children(node)][:6]
        yield Hit(
            f"{placed.code} {node.title} has codes below it and is not billable; "
            f"the next level is {', '.join(below)}.",
            (placed,),
        )


def _seventh(case: Case) -> Iterator[Hit]:
    """A code that needs a 7th character and has none, a wrong one, or one in the wrong place."""
    for placed in case.lines:
        node = placed.node
        if node is not None:
            if not node.billable and _needs_seventh(case.tabular, node):
                stem = (node.code if "." in node.code else f"{node.code}.").ljust(7, "X")
                allowed = ", ".join(_sevenths(case.tabular, node))
                yield Hit(
                    f"{placed.code} needs a 7th character: {stem} and one of {allowed}.",
                    (placed,),
                )
        elif stem_node := _seventh_of(case, placed):
            yield Hit(_wrong_seventh(case.tabular, placed.code, stem_node), (placed,))


def _wrong_seventh(tabular: Tabular, code: str, stem: Node) -> str:
    allowed = ", ".join(_sevenths(tabular, stem))
    filled = (stem.code if "." in stem.code else f"{stem.code}.").ljust(7, "X")
    if len(code.replace(".", "")) < 7:
        return f"{code} is too short for a 7th character, placeholders X come before it: {filled} and one of {allowed}."
    return f"{code} has no such combination: {filled} and one of {allowed}."


def _seventh_of(case: Case, placed: Placed) -> Node | None:
    """The code that an unknown one would be an extension of, where that one takes a 7th character."""
    if case.knowledge.tabular is None or not _SHAPE.fullmatch(placed.code):
        return None
    name = placed.code
    while len(name) > 3:
        name = name[:-1].rstrip(".")
        node = case.tabular.tree.code(name)
        if node is not None:
            return node if _needs_seventh(case.tabular, node) else None
    return None


def _sevenths(tabular: Tabular, node: Node) -> list[str]:
    """The characters that the release's own list has below the node."""
    return [child.code[-1] for child in tabular.tree.children(node) if _extended(child)]


def _needs_seventh(tabular: Tabular, node: Node) -> bool:
    return any(_extended(child) for child in tabular.tree.children(node))


def _extended(node: Node) -> bool:
    return node.kind == "extended"


def _duplicate(_: Case, one: Placed, other: Placed) -> Hit | None:
    if one.code != other.code:
        return None
    return Hit(f"{one.code} is on the claim twice; a diagnosis is reported once.", (one, other))


CHECKS: tuple[Check, ...] = (
    Check(
        "release",
        "Release of the date",
        Severity.INFO,
        "ICD-10-CM: the release in force on the date of discharge or service",
        case=_release,
        needs="",
        outcomes=(),
    ),
    Check(
        "valid_code",
        "Valid on the date",
        Severity.HARD,
        "The code system's release in force on the date",
        case=_valid,
        claim_types=ALL,
        systems=EVERY_SYSTEM,
        needs="",
        outcomes=(),
    ),
    Check(
        "code_system",
        "Code system of the claim type",
        Severity.HARD,
        "45 CFR 162.1002",
        case=_system,
        systems=EVERY_SYSTEM,
        needs="",
        outcomes=(),
    ),
    Check(
        "billable_code",
        "Coded to the highest level",
        Severity.HARD,
        "ICD-10-CM Official Guidelines I.B.2",
        case=_billable,
        outcomes=(),
    ),
    Check(
        "seventh_character",
        "7th character and placeholder",
        Severity.HARD,
        "ICD-10-CM Official Guidelines I.A.4, I.A.5",
        case=_seventh,
        outcomes=(),
    ),
    Check(
        "duplicate_diagnosis",
        "Diagnosis reported once",
        Severity.HARD,
        "ICD-10-CM Official Guidelines I.B.12",
        pair=_duplicate,
        outcomes=(),
    ),
)
