"""Instructional notes as the checks use them: which codes a printed line points at.

The tabular prints references in words: "type 1 diabetes mellitus (E10.-)", "(N18.1-N18.4, N18.9)", "(E08-E13
with .21)", "(T36-T50 with fifth or sixth character 5)". What cannot be read with certainty is kept as its text,
so that a person is shown it instead of an answer.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from catalog.choices import GROUP_KINDS, NoteKind
from catalog.edits.tree import Node, Tree

READ_KINDS: tuple[NoteKind, ...] = (
    NoteKind.EXCLUDES1,
    NoteKind.EXCLUDES2,
    NoteKind.CODE_FIRST,
    NoteKind.USE_ADDITIONAL_CODE,
    NoteKind.CODE_ALSO,
)

_NAME = r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"
# A range first, then a lone code; each with the dots and dashes that stand for what follows.
_REFERENCE = re.compile(
    rf"(?<![0-9A-Z-])(?P<first>{_NAME})(?![0-9A-Z])"
    rf"(?:[.\-\s]*(?:-|–|\bto\b)\s*(?P<last>{_NAME})(?![0-9A-Z]))?[.\-]*"
)
_BRACKETS = re.compile(r"\(([^()]*)\)")
_BETWEEN = re.compile(r"(?:[\s,;.]|\band\b|\bor\b|\bsee\b|\balso\b|\bcategory\b|\bcategories\b)*")
_SUFFIXES = re.compile(r",?\s*with (?P<values>\.[0-9A-Z].*)")
_FINAL = re.compile(r",?\s*with final characters? (?P<values>[-.]?[0-9A-Z].*)")
_PLACES: dict[str, int] = {"fifth": 5, "5th": 5, "sixth": 6, "six": 6, "7th": 7, "seventh": 7}
_CHARACTER = re.compile(
    r",?\s*-?\s*with (?P<place>fifth|5th|sixth|7th|seventh)(?P<either> or (?:sixth|six))?[ -]characters? "
    r"\.?(?P<values>[0-9A-Z](?:-[0-9A-Z])?(?:(?:,| or| and) ?[0-9A-Z](?:-[0-9A-Z])?)*)"
)
_CHARACTERS = re.compile(r",?\s*with fifth to sixth characters (?P<values>[0-9A-Z]{2})")
_OPEN = re.compile(r"\bsuch as\b", re.IGNORECASE)
_CONDITIONAL = re.compile(
    r"\b(?:if|when|where) (?:applicable|known|any|present|desired|documented|specified|appropriate)\b|\bany\b",
    re.IGNORECASE,
)


ENDING, INTENT = 0, -1


@dataclass(frozen=True, slots=True)
class Characters:
    """A condition on a code's characters: those from `place` (1 is the first letter) are one of `values`.

    ENDING: the code ends so, its 7th character aside. INTENT: the character that tells the intent of a drug's
    code, the 6th, or the 5th where the 6th is a placeholder or missing.
    """

    place: int
    values: tuple[str, ...]

    def hold(self, code: str) -> bool:
        key = code.replace(".", "")
        if self.place == ENDING:
            return key[:6].endswith(self.values)
        if self.place == INTENT:
            place = 5 if len(key) < 6 or key[5] == "X" else 6
            return key[place - 1 : place] in self.values
        return key[self.place - 1 :].startswith(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """Codes that a line points at: those from one position to another, under a condition where one is printed."""

    first: int
    last: int
    characters: Characters | None
    # The line, behind the heading it stands under.
    text: str

    def meets(self, node: Node) -> bool:
        if not self.first <= node.position <= self.last:
            return False
        return self.characters is None or self.characters.hold(node.code)


@dataclass(frozen=True, slots=True)
class NoteBlock:
    """One printed note of a node. `open`: its list only gives examples ("such as"). `conditional`: it asks for a
    code only if there is one to give. `unread`: lines whose codes could not be told."""

    position: int
    kind: str
    lines: tuple[str, ...]
    targets: tuple[Target, ...]
    unread: tuple[str, ...]
    open: bool
    conditional: bool

    @property
    def text(self) -> str:
        return "; ".join(self.lines).replace(":; ", ": ").strip(" ,.")

    def target(self, node: Node) -> Target | None:
        return next((t for t in self.targets if t.meets(node)), None)


def read_block(tree: Tree, node: Node, kind: str, lines: tuple[str, ...]) -> NoteBlock:
    targets: list[Target] = []
    unread: list[str] = []
    heading = ""
    for line in lines:
        if line.rstrip().endswith(":"):
            heading = line.rstrip()
            continue
        text = f"{heading} {line}" if heading else line
        found, complete = _read_line(tree, line, text)
        targets += found
        if not complete:
            unread.append(text)
    whole = " ".join(lines)
    return NoteBlock(
        node.position,
        kind,
        lines,
        tuple(targets),
        tuple(unread),
        open=_OPEN.search(whole) is not None,
        conditional=_CONDITIONAL.search(whole) is not None,
    )


def _read_line(tree: Tree, line: str, text: str) -> tuple[list[Target], bool]:
    """The targets of a line, and whether nothing in it was left unread."""
    found: list[Target] = []
    complete = True
    inside = [part for part in _BRACKETS.findall(line) if _REFERENCE.search(part)]
    for part in inside or [line]:
        references = list(_REFERENCE.finditer(part))
        if not references:
            return found, False
        characters, read = (
            _condition(part[references[-1].end() :]) if inside else (None, _plain(part, references))
        )
        if not read or any(
            not _BETWEEN.fullmatch(part[a.end() : b.start()]) for a, b in pairwise(references)
        ):
            complete = False
            continue
        for reference in references:
            span = _span(tree, reference["first"], reference["last"])
            if span is None:
                complete = False
            else:
                found.append(Target(*span, characters, text))
    return found, complete


def _plain(line: str, references: list[re.Match[str]]) -> bool:
    """Outside brackets only codes at the end of the line are taken as meant."""
    return not line[references[-1].end() :].strip(" .")


def _span(tree: Tree, first: str, last: str | None) -> tuple[int, int] | None:
    if last is None:
        node = _named(tree, first)
        return None if node is None else (node.position, node.last)
    # "I00-I02" may name a block; its two ends give the same codes.
    start, end = _named(tree, first), _named(tree, last)
    if start is None or end is None or end.last < start.position:
        return None
    return start.position, end.last


def _named(tree: Tree, name: str) -> Node | None:
    """Printed with the placeholder that only longer codes carry ("T36.0X-"), a node is its shorter name."""
    return tree.code(name) or tree.code(name.rstrip("X").rstrip("."))


def _condition(rest: str) -> tuple[Characters | None, bool]:
    """The condition behind the last reference in brackets, and whether it was understood."""
    rest = rest.strip(" .,")
    if not rest:
        return None, True
    for pattern, make in _CONDITIONS:
        if match := pattern.fullmatch(rest):
            return make(match), True
    return None, False


def _suffixes(match: re.Match[str]) -> Characters:
    values: list[str] = []
    for part in re.split(r"[,\s]+|\bor\b|\band\b", match["values"]):
        ends = part.split("-.")
        if len(ends) == 2:
            low, high = (end.strip(".-") for end in ends)
            values += [str(n) for n in range(int(low), int(high) + 1)]
        elif name := part.strip(" .-"):
            values.append(name)
    return Characters(4, tuple(values))


def _final(match: re.Match[str]) -> Characters:
    parts = re.split(r"[,\s]+|\bor\b", match["values"])
    values = tuple(name for part in parts if (name := part.strip(" .-")))
    # A lone character at the end of a drug code is its intent, before the 7th character.
    return Characters(INTENT if all(len(v) == 1 for v in values) else ENDING, values)


def _character(match: re.Match[str]) -> Characters:
    values: list[str] = []
    for part in re.split(r",|\bor\b|\band\b", match["values"]):
        low, _, high = part.strip().partition("-")
        values += [chr(n) for n in range(ord(low), ord(high or low) + 1)] if low else []
    return Characters(INTENT if match["either"] else _PLACES[match["place"]], tuple(values))


def _characters(match: re.Match[str]) -> Characters:
    return Characters(5, (match["values"],))


_CONDITIONS = (
    (_SUFFIXES, _suffixes),
    (_FINAL, _final),
    (_CHARACTER, _character),
    (_CHARACTERS, _characters),
)


class NoteBook:
    """The notes of a release by kind and node, read once."""

    def __init__(self, tree: Tree, blocks: Iterable[NoteBlock]) -> None:
        self._tree = tree
        self._by_kind: dict[str, dict[int, list[NoteBlock]]] = {str(kind): {} for kind in READ_KINDS}
        for block in blocks:
            # Excludes2 of a chapter or block lists other chapters and blocks: true of very many codes that rightly
            # stand together, and it tells nothing of these two.
            if block.kind == NoteKind.EXCLUDES2 and tree.nodes[block.position].kind in GROUP_KINDS:
                continue
            self._by_kind[block.kind].setdefault(block.position, []).append(block)
        self._reach: dict[str, dict[int, Reach]] = {str(kind): {} for kind in READ_KINDS}

    def along(self, node: Node, kind: str) -> Iterator[NoteBlock]:
        """Notes of the node and of its ancestors, nearest first."""
        blocks = self._by_kind[kind]
        for each in self._tree.lineage(node):
            yield from blocks.get(each.position, ())

    def figures(self, kind: str) -> tuple[int, int]:
        """How many references of the kind were read, and how many lines were not."""
        blocks = [block for each in self._by_kind[kind].values() for block in each]
        return sum(len(b.targets) for b in blocks), sum(len(b.unread) for b in blocks)

    def reach(self, node: Node, kind: str) -> Reach:
        """The positions that targets of the node's own or inherited notes may hold; conditions on characters are
        not looked at. Precomputed for each ancestor: two random codes cost two bisections."""
        known = self._reach[kind].get(node.position)
        if known is None:
            above = self.reach(self._tree.nodes[node.parent], kind) if node.parent >= 0 else _NOWHERE
            own = self._by_kind[kind].get(node.position, ())
            known = above.with_targets(t for block in own for t in block.targets) if own else above
            self._reach[kind][node.position] = known
        return known


@dataclass(frozen=True, slots=True)
class Reach:
    """Merged, sorted spans of positions."""

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def holds(self, position: int) -> bool:
        at = bisect_right(self.starts, position)
        return at > 0 and position <= self.ends[at - 1]

    def with_targets(self, targets: Iterable[Target]) -> Reach:
        spans = sorted([*zip(self.starts, self.ends, strict=True), *((t.first, t.last) for t in targets)])
        merged: list[tuple[int, int]] = []
        for first, last in spans:
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return Reach(tuple(s for s, _ in merged), tuple(e for _, e in merged))


_NOWHERE = Reach()


def read_notes(tree: Tree, rows: Iterable[tuple[int, str, int, str]]) -> NoteBook:
    """`rows`: position of the node, kind, block, text; in printed order."""
    blocks: list[NoteBlock] = []
    for (position, kind, _), lines in groupby(rows, key=lambda row: row[:3]):
        if kind in READ_KINDS:
            texts = tuple(row[3] for row in lines)
            blocks.append(read_block(tree, tree.nodes[position], str(kind), texts))
    return NoteBook(tree, blocks)
