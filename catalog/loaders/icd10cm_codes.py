"""Reads the lists of ICD-10-CM codes published beside the tabular list.

Three layouts, told apart by their first line:
- the order file (icd10cm_order_YYYY.txt): columns 1-5 number, 7-13 code without dot, 15 the flag 1 for billable,
  17-76 short title, 78 to the end long title; headers too, no chapters and blocks;
- the list of billable codes (icd10cm_codes_YYYY.txt): code, then the long title;
- bare names, a line each, of chapters, blocks and codes (simple-icd-10-cm).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from catalog.choices import NodeKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.rows import NodeRow

ORDER_LINE = re.compile(r"(\d{5}) ([A-Z][0-9A-Z]{2,6}) +([01]) (.{1,60})(?: (.*))?")
_CODE_LINE = re.compile(r"([A-Z][0-9][0-9A-Z]{1,5})\s+(\S.*)")


@dataclass(frozen=True)
class Listed:
    line: int
    key: str
    title: str = ""
    # None: the list does not say.
    billable: bool | None = None


@dataclass
class CodeList:
    """What a list names, by key (no dot), and which nodes it claims to name."""

    source: str
    entries: dict[str, Listed] = field(default_factory=dict)
    groups: bool = False
    headers: bool = False
    errors: list[RowError] = field(default_factory=list)

    def claims(self, kind: NodeKind, billable: bool) -> bool:
        """Must a node of this kind be in the list?"""
        if kind in (NodeKind.CHAPTER, NodeKind.BLOCK):
            return self.groups
        return billable or self.headers

    def ordered(self) -> Iterable[Listed]:
        return self.entries.values()


def read_code_list(text: bytes, source: str) -> CodeList:
    """Lines that are wrong are kept in `errors`. Raises LoadRefused for what is no list at all."""
    try:
        lines = text.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LoadRefused(source, "the list of codes is not UTF-8") from error
    first = next((line for line in lines if line.strip()), "")
    if ORDER_LINE.fullmatch(first):
        return _collected(CodeList(source, headers=True), lines, _order_line)
    if len(first.split()) > 1:
        return _collected(CodeList(source), lines, _code_line)
    return _collected(CodeList(source, groups=True, headers=True), lines, _name_line)


def dotted(key: str) -> str:
    return key if len(key) <= 3 else f"{key[:3]}.{key[3:]}"


def read_order_file(text: bytes, source: str) -> Iterator[NodeRow | RowError]:
    """A release of the order file alone: the codes with their titles, below each other by their characters.

    Without chapters, blocks, notes and definitions of 7th characters, which stand in the tabular list.
    """
    codes = read_code_list(text, source)
    yield from codes.errors
    above: list[str] = []
    for listed in codes.ordered():
        while above and not listed.key.startswith(above[-1]):
            above.pop()
        if not above and len(listed.key) > 3:
            yield RowError(source, f"{dotted(listed.key)} stands before its category", listed.line)
            continue
        yield NodeRow(
            code=dotted(listed.key),
            kind=kind_of(listed.key),
            title=listed.title,
            depth=len(above),
            billable=bool(listed.billable),
            placeholder=is_placeholder(listed.key, bool(listed.billable)),
        )
        above.append(listed.key)


def kind_of(key: str) -> NodeKind:
    """By length alone; a code of seven characters is taken for one with a 7th character."""
    if len(key) == 3:
        return NodeKind.CATEGORY
    return NodeKind.EXTENDED if len(key) == 7 else NodeKind.SUBCATEGORY


def is_placeholder(key: str, billable: bool) -> bool:
    return not billable and len(key) > 3 and key.endswith("X")


def _collected(codes: CodeList, lines: list[str], read: Callable[[str, int], Listed | str]) -> CodeList:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = read(line, number)
        if isinstance(found, str):
            codes.errors.append(RowError(codes.source, found, number))
        elif found.key in codes.entries and codes.groups:
            # B20 names a block and the one code in it.
            continue
        elif found.key in codes.entries:
            codes.errors.append(RowError(codes.source, f"{dotted(found.key)} stands twice", number))
        else:
            codes.entries[found.key] = found
    return codes


def _order_line(line: str, number: int) -> Listed | str:
    found = ORDER_LINE.fullmatch(line.rstrip())
    if found is None:
        return "not a line of an order file"
    _, key, flag, short, long = found.groups()
    return Listed(number, key, " ".join((long or short).split()), flag == "1")


def _code_line(line: str, number: int) -> Listed | str:
    found = _CODE_LINE.fullmatch(line.rstrip())
    if found is None:
        return "not a code with its title"
    return Listed(number, found.group(1), " ".join(found.group(2).split()), True)


def _name_line(line: str, number: int) -> Listed | str:
    return Listed(number, line.strip().replace(".", ""))
