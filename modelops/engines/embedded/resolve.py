"""From a name's code to the one that may be billed: the most specific that the words near it allow."""

from __future__ import annotations

import re
from collections.abc import Collection

from modelops.engines.embedded.chart import ChartFacts
from modelops.engines.embedded.terms import Node, Vocabulary

_DEFAULT_TITLE = re.compile(
    r"(?i)\b(?:unspecified|uncomplicated|without complications?|not specified|NOS|without (?:mention|behavioral|"
    r"status|acute|angina|rupture|hemorrhage or perforation|obstruction|intractable|other)\b)"
)
# Words of a child's title that need not be said.
_IMPLIED = frozenset({"unspecified", "other", "specified", "due", "region", "type", "not", "part", "site"})
_SIDES = frozenset({"left", "right", "bilateral"})
_SEQUELA = frozenset({"sequela", "late", "residual"})
_LATER = frozenset({"healing", "aftercare", "subsequent", "healed", "union"})
_STAGES = {"mild": "1", "early": "1", "moderate": "2", "severe": "3", "advanced": "3", "indeterminate": "4"}


def settle(code: str, near: Collection[str], facts: ChartFacts, vocabulary: Vocabulary) -> str | None:
    """The billable code below (or at) `code` that fits the words `near` the mention, None where none does.

    A child is taken when all its further words are near; else the one that says "unspecified" or names no
    complication. `code` itself stays when it is billable and no word near asks for a sibling.
    """
    node = vocabulary.nodes.get(code)
    words = {*near, *facts.words}
    for _ in range(6):
        if node is None:
            return None
        if node.billable:
            return _at_delivery(node, facts, vocabulary).code
        node = _child(node, words, facts, vocabulary)
    return None


def _at_delivery(node: Node, facts: ChartFacts, vocabulary: Vocabulary) -> Node:
    """In the stay of the delivery, "complicating childbirth" stands in the place of a trimester (I.C.15.a.3)."""
    if not facts.delivered or not node.code.startswith("O") or "trimester" not in node.words:
        return node
    siblings = (vocabulary.nodes[code] for code in vocabulary.children[node.parent])
    return next((other for other in siblings if "childbirth" in other.words and other.billable), node)


def _child(node: Node, words: set[str], facts: ChartFacts, vocabulary: Vocabulary) -> Node | None:
    children = [vocabulary.nodes[code] for code in vocabulary.children.get(node.code, ())]
    if not children:
        return None
    if children[0].extended:
        return _extension(children, words, facts)
    best: tuple[int, Node] | None = None
    if node.code[0] == "O":
        stage = "complicating childbirth" if facts.delivered else "complicating pregnancy"
        for child in children:
            if child.title.lower().endswith(stage):
                return child
    vague = {child.code: child.title.lower().count("unspecified") for child in children}
    clearest = min(vague.values())
    common = frozenset.intersection(*(c.words for c in children if vague[c.code] == clearest))
    for child in children:
        extra = child.words - node.words - _IMPLIED - common
        weight = 2 * len(extra) + ("childbirth" in extra)
        if extra and extra <= words and (best is None or weight > best[0]) and "other" not in child.words:
            best = (weight, child)
    if best is not None:
        return best[1]
    plain = [child for child in children if _DEFAULT_TITLE.search(child.title) and not child.words & _SIDES]
    if plain:
        return max(plain, key=lambda child: (vague[child.code], child.code))
    return children[0] if len(children) == 1 else None


def _extension(children: list[Node], words: set[str], facts: ChartFacts) -> Node | None:
    by_letter = {child.code[-1]: child for child in children}
    wanted: list[str] = []
    if words & _SEQUELA:
        wanted.append("S")
    if facts.subsequent or words & _LATER:
        wanted.append("D")
    if "open" in words:
        wanted.append("B")
    wanted.append("A")
    if "0" in by_letter:
        wanted.extend(stage for word, stage in _STAGES.items() if word in words)
        wanted.append("0")
    return next((by_letter[letter] for letter in wanted if letter in by_letter), None)
