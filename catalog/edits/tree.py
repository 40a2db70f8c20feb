"""One ICD-10-CM release as the checks walk it: nodes in published order, read once and never changed.

A node is named by its position; what lies below it are the positions up to its `last`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.choices import GROUP_KINDS
from catalog.keys import code_key


@dataclass(frozen=True, slots=True)
class Node:
    """`parent` is the parent's position, -1 above a chapter."""

    code: str
    title: str
    kind: str
    billable: bool
    position: int
    last: int
    parent: int

    def holds(self, other: Node) -> bool:
        """Whether the other is this node or lies below it."""
        return self.position <= other.position <= self.last


def dotted(code: str) -> str:
    """'e1122' gives 'E11.22'; no claim that such a code exists."""
    key = code_key(code)
    return f"{key[:3]}.{key[3:]}" if len(key) > 3 else key


class Tree:
    """`nodes` in published order, each at the index of its position."""

    def __init__(self, edition: str, nodes: Iterable[Node]) -> None:
        self.edition = edition
        self.nodes: tuple[Node, ...] = tuple(nodes)
        # A code comes before a block of the same name (B20).
        self._groups = {n.code: n for n in self.nodes if n.kind in GROUP_KINDS}
        self._codes = {n.code: n for n in self.nodes if n.kind not in GROUP_KINDS}

    def code(self, dotted_code: str) -> Node | None:
        """A category, subcategory or code by its canonical name."""
        return self._codes.get(dotted_code)

    def named(self, name: str) -> Node | None:
        """As `code`, else a block or chapter of that name."""
        return self._codes.get(name) or self._groups.get(name)

    def codes(self) -> Iterator[Node]:
        return iter(self._codes.values())

    def lineage(self, node: Node) -> Iterator[Node]:
        """The node itself, then its ancestors up to the chapter."""
        yield node
        while node.parent >= 0:
            node = self.nodes[node.parent]
            yield node

    def children(self, node: Node) -> Iterator[Node]:
        position = node.position + 1
        while position <= node.last:
            child = self.nodes[position]
            yield child
            position = child.last + 1

    def siblings(self, node: Node) -> list[Node]:
        """The other children of its parent."""
        if node.parent < 0:
            return []
        return [other for other in self.children(self.nodes[node.parent]) if other is not node]
