"""Evidence on text: overlapping spans cut into runs with the same marks, line by line. Pure, no database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from coding_review.web.marked_text import Line, Section, Segment, StripMark

# Of entries that share a run, the first of these decides how it looks: what still waits comes before what is done.
STATE_ORDER = ("open", "held", "done", "no")
MARK_STATE: dict[str, str] = {
    "undecided": "open",
    "held": "held",
    "accepted": "done",
    "modified": "done",
    "added": "done",
    "rejected": "no",
    "dismissed": "no",
}
_HEADING = re.compile(
    r"^\s{0,3}(?:[A-Z][A-Z /&,'()\-]{5,60}|[A-Z][A-Z0-9 /&,'().\-]{1,60}:|[A-Z][A-Za-z0-9 /&,'()\-]{2,50}:)\s*$"
)
_WORD = re.compile(r"[A-Z]+")
# Of the headings of notes; other words of theirs are written small in the outline.
_ABBREVIATION = re.compile(
    r"CBC|CC|CPT|CT|CXR|DVT|ECG|ED|EEG|EKG|EMS|EMG|ENT|FHX?|GI|GU|HEENT|HPI|ICD|ICU|IV|LOS|MAR|MDM|MRI|NICU|OB|OR"
    r"|PACU|PE|PICU|PMHX?|POA|POC|PSH|PT|ROS|RN|SHX?|SICU|SLP|SOAP|US|VS|WOCN"
)
_ALIGNED = re.compile(r"\t|\S {3,}\S|^ {4,}\S|^\s*[|+].*[|+]\s*$")


class Span(NamedTuple):
    """Lines from 1, inclusive; columns in code points from 0, `col_end` exclusive. Entry 0: a context tag only."""

    line_start: int
    line_end: int
    col_start: int
    col_end: int
    entry: int = 0
    state: str = "open"
    context: str = ""


def _on_line(span: Span, number: int, length: int) -> tuple[int, int]:
    start = span.col_start if number == span.line_start else 0
    end = span.col_end if number == span.line_end else length
    return max(0, min(start, length)), max(0, min(end, length))


def cut(text: str, number: int, spans: Iterable[Span]) -> tuple[Segment, ...]:
    """The segments of one line. Their texts join to `text` again, character by character."""
    pieces = [(span, *_on_line(span, number, len(text))) for span in spans]
    pieces = [piece for piece in pieces if piece[1] < piece[2]]
    if not pieces:
        return (Segment(text),) if text else ()
    edges = sorted({0, len(text)} | {edge for _, start, end in pieces for edge in (start, end)})
    segments = []
    for left, right in pairwise(edges):
        over = [(span, start, end) for span, start, end in pieces if start <= left and right <= end]
        marks = {span.entry: span.state for span, _, _ in over if span.entry}
        segments.append(
            Segment(
                text=text[left:right],
                entries=tuple(sorted(marks)),
                state=min(marks.values(), key=STATE_ORDER.index) if marks else "",
                starts=tuple(
                    sorted(
                        {
                            s.entry
                            for s, start, _ in over
                            if s.entry and start == left and s.line_start == number
                        }
                    )
                ),
                context=" ".join(
                    dict.fromkeys(
                        s.context for s, _, end in over if s.context and end == right and s.line_end == number
                    )
                ),
            )
        )
    return tuple(segments)


def is_heading(text: str) -> bool:
    return bool(_HEADING.match(text)) and any(c.isalpha() for c in text)


def marked_lines(
    texts: Sequence[str], spans: Sequence[Span], only: frozenset[int] | None = None
) -> tuple[Line, ...]:
    """The lines of a document (texts[0] is line 1), or `only` those numbers of it."""
    ticks = _ticks(spans)
    by_line: dict[int, list[Span]] = {}
    for span in spans:
        for number in range(span.line_start, min(span.line_end, len(texts)) + 1):
            by_line.setdefault(number, []).append(span)
    return tuple(
        Line(
            number=number,
            segments=cut(text, number, by_line.get(number, ())),
            heading=is_heading(text),
            aligned=bool(_ALIGNED.search(text)),
            tick=ticks.get(number, ""),
        )
        for number, text in enumerate(texts, start=1)
        if only is None or number in only
    )


def sections(texts: Sequence[str]) -> tuple[Section, ...]:
    """The outline: lines that look like headings, as they stand, without the colon and not in capitals."""
    return tuple(
        Section(_in_small_letters(text.strip().rstrip(":")), number)
        for number, text in enumerate(texts, start=1)
        if is_heading(text)
    )


def _in_small_letters(heading: str) -> str:
    """ "ED DIAGNOSES" is "ED diagnoses"."""
    if not heading.isupper():
        return heading
    text = _WORD.sub(lambda word: word[0] if _ABBREVIATION.fullmatch(word[0]) else word[0].lower(), heading)
    return text[:1].upper() + text[1:]


def strip(spans: Sequence[Span], line_count: int) -> tuple[StripMark, ...]:
    """One tick for each line that carries evidence."""
    return tuple(
        StripMark(line, round(100 * (line - 0.5) / max(line_count, 1), 2), state)
        for line, state in sorted(_ticks(spans).items())
    )


def _ticks(spans: Iterable[Span]) -> dict[int, str]:
    states: dict[int, set[str]] = {}
    for span in spans:
        if span.entry:
            states.setdefault(span.line_start, set()).add(span.state)
    return {line: min(found, key=STATE_ORDER.index) for line, found in states.items()}
