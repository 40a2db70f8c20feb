"""The text of one document as the review page shows it: lines, runs with marks, outline, strip, difference.

Plain data, all in the order shown; made by web/review_documents.py, drawn by templatetags/review_text.py.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    line: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of characters of one line with the same marks on it.

    `entries` are the ids of the code entries whose evidence covers it (empty: plain text). `state` is what the most
    pressing of them is: "open", "done" (accepted, modified, added), "no" (rejected, dismissed) or "held".
    `starts` are those entries whose evidence begins here. `context` is shown behind the run ("negated").
    """

    text: str
    entries: tuple[int, ...] = ()
    state: str = ""
    starts: tuple[int, ...] = ()
    context: str = ""

    @property
    def ids(self) -> str:
        return " ".join(map(str, self.entries))

    @property
    def look(self) -> str:
        return f"{self.state} two" if len(self.entries) > 1 else self.state


@dataclass(frozen=True, slots=True)
class Line:
    """`aligned`: columns made of spaces or tabs, drawn in the fixed-width font. `tick`: the state of its tick in the
    strip, empty where none of its text begins evidence."""

    number: int
    segments: tuple[Segment, ...]
    heading: bool = False
    aligned: bool = False
    tick: str = ""

    @property
    def look(self) -> str:
        """Its CSS classes."""
        if self.blank:
            return "ln blank"
        return "ln" + " h" * self.heading + " mono" * self.aligned

    @property
    def blank(self) -> bool:
        return not any(segment.text.strip() for segment in self.segments)


@dataclass(frozen=True, slots=True)
class StripMark:
    """A tick beside the text: `top` in percent of the document's lines."""

    line: int
    top: float
    state: str


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the difference to the version before: kind "+", "-" or " "."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentText:
    id: int
    type: str
    facts: str  # "9 Jun 2026 11:20, version 1, 58 lines"
    lines: tuple[Line, ...]
    sections: tuple[Section, ...]
    strip: tuple[StripMark, ...]
    notice: str = ""  # "Draft, not signed", "Version 2 came 11 Jun"
    has_changes: bool = False
    changes: tuple[Change, ...] = ()  # filled when they were asked for (changes=1)
