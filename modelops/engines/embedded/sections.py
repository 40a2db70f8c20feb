"""Which part of a note a place belongs to, tolerant of styles: own lines, inline headings, no colons."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from modelops.engines.embedded.tokens import continues, is_item

# "PMH: ...", "3. ASSESSMENT AND PLAN", "# Past history -", "Meds  apixaban": number, heading, what follows.
_LEAD = re.compile(r"^\s*(?:[#*>=\-–—]+\s*|\d{1,2}[.)]\s+|\d{1,2}\s+(?=[A-Z]))?")
_COLON = re.compile(r"^([A-Za-z][A-Za-z0-9 ,/&'’()\-–]{0,58}?)\s*(?::|\s[-–—]\s|\s{2,}(?=\S))")
_INLINE = re.compile(
    r"(?<=[.;,)\s])(?i:(PMHx?|PSHx?|FHx?|SHx?|ROS|Meds|All|Allergies|FamHx|Code|PE|Dispo|Family|Social|Exam|Labs|"
    r"CXR|Imaging))\s{0,3}:"
)
_BARE = re.compile(r"^([A-Z][A-Z0-9/&]{0,10})\s+\S")
# Headings short or common enough that they need a colon, capitals or a line of their own.
_NEEDS_SIGN = re.compile(r"^.{1,3}$")
_LIMIT = 4000
_HEADING_WORDS = 8


class Sections:
    """Places where a section begins, for one document; ask `kind_at` for any place in it."""

    def __init__(self, lines: Sequence[str], headings: Mapping[str, str]) -> None:
        self._starts: list[tuple[int, int]] = [(0, 0)]
        self._kinds: list[str] = ["start"]
        self._headings = headings
        open_inline: str | None = None
        for number, line in enumerate(lines, start=1):
            text = line[:_LIMIT]
            found = self._heading(text, after_gap=number == 1 or not lines[number - 2].strip())
            if found is not None:
                kind, alone = found
                self._begin(number, 0, kind)
                open_inline = None if alone else kind
            elif open_inline in _ONE_LINE and not _carries_on(lines[number - 2], text):
                # "FH: mother - stroke" says nothing about the line below it.
                self._begin(number, 0, "other")
                open_inline = None
            for match in _INLINE.finditer(text):
                kind_inline = headings.get(match.group(1).lower())
                if kind_inline is not None and match.start(1) > 0:
                    self._begin(number, match.start(1), kind_inline)
                    open_inline = kind_inline

        if not any(kind in _TELLING for kind in self._kinds):
            # No part of the note is told apart: it is read as one body.
            self._kinds = ["body" if kind in ("start", "other") else kind for kind in self._kinds]

    @property
    def borders(self) -> frozenset[int]:
        """Lines that a section begins with."""
        return frozenset(line for line, column in self._starts if column == 0)

    def _begin(self, line: int, column: int, kind: str) -> None:
        self._starts.append((line, column))
        self._kinds.append(kind)

    def kind_at(self, line: int, column: int) -> str:
        return self._kinds[bisect_right(self._starts, (line, column)) - 1]

    def _heading(self, text: str, *, after_gap: bool) -> tuple[str, bool] | None:
        """Kind, and whether it stands alone on its line."""
        lead = _LEAD.match(text)
        start = lead.end() if lead else 0
        rest = text[start:].rstrip()
        if not rest or not rest[0].isalpha():
            return None
        whole = _clean(rest.rstrip(":-–—= "))
        kind = self._headings.get(whole)
        if kind is not None and (len(whole) > 1 or rest[0].isupper()):
            return kind, True
        match = _COLON.match(rest)
        if match is not None:
            kind = self._lookup(match.group(1))
            if kind is not None and (len(match.group(1)) > 1 or rest[0].isupper()):
                return kind, not rest[match.end() :].strip()
            if (
                rest[match.end(1) :].lstrip().startswith(":")
                and match.group(1).isupper()
                and len(match.group(1)) > 4
            ):
                return "other", not rest[match.end() :].strip()
        bare = _BARE.match(rest)
        if bare is not None and len(bare.group(1)) > 1:
            kind = self._headings.get(bare.group(1).lower())
            if kind is not None:
                return kind, False
        if rest.isupper() and len(rest) > 4 and not is_item(text):
            kind = self._by_words(whole)
            # Capitals alone make no heading of a diagnosis in a list: an unknown one stands apart.
            return (kind, True) if kind != "other" or (after_gap and len(whole.split()) > 1) else None
        return None

    def _lookup(self, written: str) -> str | None:
        name = _clean(written)
        kind = self._headings.get(name)
        if kind is None and "(" in name:
            kind = self._headings.get(name.split("(")[0].strip())
        return kind

    def _by_words(self, name: str) -> str:
        """A line in capitals that is no known heading: a known one may stand at its start or end."""
        for words in (name.split("(")[0], name.split(" - ")[0], name.split(",")[0]):
            if (kind := self._headings.get(words.strip())) is not None:
                return kind
        parts = name.split()
        for size in range(min(len(parts) - 1, _HEADING_WORDS), 1, -1):
            if (kind := self._headings.get(" ".join(parts[:size]))) is not None:
                return kind
        return "other"


_TELLING = frozenset({"final", "diagnoses", "course", "pmh", "hpi"})
_ONE_LINE = frozenset({"family", "allergies", "ros"})


def _clean(written: str) -> str:
    return " ".join(written.lower().replace("’", "'").split())


def _carries_on(previous: str, text: str) -> bool:
    return continues(previous, text) or bool(
        text[:2].strip() == "" and text.strip() and not is_item(text) and text.lstrip()[0].islower()
    )
