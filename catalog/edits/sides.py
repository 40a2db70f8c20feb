"""Checks of laterality, read from the titles: a side left unspecified, and left beside right where a bilateral
code exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.choices import GROUP_KINDS, NodeKind
from catalog.edits.rows import Case, Check, Hit, Placed
from catalog.edits.tree import Node, Tree
from catalog.edits.types import Severity

_CITATION = "ICD-10-CM Official Guidelines I.B.13"
_UNSPECIFIED = re.compile(r"\bunspecified\b", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:bilateral|both)\b", re.IGNORECASE)
_SIDE = re.compile(r"\b(?:right|left)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")
_NOT_TELLING = frozenset({"of", "the", "and", "in", "unilateral", "bilateral", "both", "right", "left"})


def _unspecified(case: Case) -> Iterator[Hit]:
    for placed in case.known:
        sided = None if placed.node is None else sided_siblings(case.tabular.tree, placed.node)
        if sided:
            yield Hit(
                f"{placed.code} leaves the side unspecified; {', '.join(n.code for n in sided)} say it.",
                (placed,),
            )


def sided_siblings(tree: Tree, node: Node) -> list[Node]:
    """The right and left siblings, at the level where the side is told, of a code that leaves it unspecified."""
    for each in tree.lineage(node):
        if each.kind in GROUP_KINDS or each.kind == NodeKind.CATEGORY:
            return []
        places = list(_UNSPECIFIED.finditer(each.title)) if each.kind != NodeKind.EXTENDED else []
        if not places:
            continue
        wanted = {
            f"{each.title[: m.start()]}{side}{each.title[m.end() :]}".lower()
            for m in places
            for side in ("right", "left", "right dominant", "left dominant")
        }
        found = [other for other in tree.siblings(each) if other.title.lower() in wanted]
        if found:
            return found
    return []


def _left_and_right(case: Case, one: Placed, other: Placed) -> Hit | None:
    if one.node is None or other.node is None:
        return None
    tree = case.tabular.tree
    a, b = _stem(tree, one.node), _stem(tree, other.node)
    if a.parent != b.parent or a is b:
        return None
    sides = {m.group().lower() for title in (a.title, b.title) for m in _SIDE.finditer(title)}
    if sides != {"right", "left"} or _SIDE.sub("-", a.title) != _SIDE.sub("-", b.title):
        return None
    both = bilateral(tree, a)
    if both is None:
        return None
    return Hit(f"{one.code} and {other.code} are the two sides of {both.code} {both.title}.", (one, other))


def bilateral(tree: Tree, sided: Node) -> Node | None:
    """The code for both sides of what a sided code names, beside it or beside its parent."""
    told = _words(sided.title)
    around = [*tree.siblings(sided), *tree.siblings(tree.nodes[sided.parent])]
    return next((n for n in around if _BOTH.search(n.title) and _words(n.title) <= told), None)


def _stem(tree: Tree, node: Node) -> Node:
    return tree.nodes[node.parent] if node.kind == NodeKind.EXTENDED else node


def _words(title: str) -> set[str]:
    return {word.rstrip("s") for word in _WORD.findall(title.lower()) if word not in _NOT_TELLING}


CHECKS: tuple[Check, ...] = (
    Check(
        "laterality_unspecified",
        "Side not specified",
        Severity.WARN,
        _CITATION,
        case=_unspecified,
        yields_to=("mce_laterality",),
    ),
    Check(
        "left_and_right",
        "Both sides have a code of their own",
        Severity.WARN,
        _CITATION,
        pair=_left_and_right,
    ),
)
