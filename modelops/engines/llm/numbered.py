"""A chart as numbered lines over all its documents, and how they are written into a prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from modelops.engines.types import ChartDocument, ChartText

# Would look like a new line to a model, or cannot be sent: each becomes one other character, so columns stay.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
# What some model's tokenizer takes for a sign of its own wherever it stands in a text, the end of the turn among them:
# <|eot_id|>, </s>, <start_of_turn>, <｜User｜>, [INST]. With another first character it is words like any other, and
# columns stay. Tags of markup go the same way; of words in brackets only those that are signs somewhere.
_SIGNS = re.compile(
    r"<(?=[|｜/]?[^\s<>|｜]{1,60}[|｜]?>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|ARGS|CALL_ID|THINK|IMG(?:_BREAK|_END)?"
    r"|PREFIX|MIDDLE|SUFFIX|BOS|EOS|PAD|UNK|SEP|CLS|MASK)\])"
)
_OPENING = {"<": "\u2039", "[": "\u2045"}
_MAX_HEADING = 120


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """`number` counts over all documents from 1, `line` within its document; `document` is its position."""

    number: int
    document: int
    document_id: str
    line: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """A line, or a part of one that is too long for a window: the code points from col_start to col_end."""

    line: NumberedLine
    col_start: int
    col_end: int

    @property
    def text(self) -> str:
        return self.line.text[self.col_start : self.col_end]


def number_lines(chart: ChartText) -> tuple[NumberedLine, ...]:
    found: list[NumberedLine] = []
    for position, document in enumerate(chart.documents):
        for line, text in enumerate(document.lines, start=1):
            found.append(NumberedLine(len(found) + 1, position, document.document_id, line, text))
    return tuple(found)


def whole(lines: Iterable[NumberedLine]) -> tuple[Piece, ...]:
    return tuple(Piece(line, 0, len(line.text)) for line in lines)


def heading(document: ChartDocument) -> str:
    """What stands over a document: its type, its author's role and its day. Never an id."""
    day = document.authored_at.date().isoformat() if document.authored_at else ""
    parts = (_flat(document.type) or "Document", _flat(document.author_role), day)
    return ", ".join(part for part in parts if part)


def write_out(pieces: Sequence[Piece], documents: Sequence[ChartDocument]) -> str:
    """The pieces as a prompt shows them: "12| text", each document under its heading. Blank lines are left out,
    and their numbers with them; every other line begins with its number, so no line of a note can pass for
    anything else."""
    written: list[str] = []
    current = -1
    for piece in pieces:
        if piece.line.document != current:
            current = piece.line.document
            begun = piece.line.line > 1 or piece.col_start > 0
            written.append(f"[{heading(documents[current])}{', continued' if begun else ''}]")
        text = piece.text
        if text.strip():
            written.append(f"{piece.line.number}| {shown(text)}")
    return "\n".join(written)


def shown(text: str) -> str:
    """Words of a chart as a prompt may hold them: as many code points, and nothing in them that is more to a server
    than words. quotes.py takes what was put in for what it stands for."""
    return _SIGNS.sub(_opening, _UNSHOWN.sub(_instead, text))


def _opening(match: re.Match[str]) -> str:
    return _OPENING[match.group()]


def _instead(match: re.Match[str]) -> str:
    return " " if match.group().isspace() else "\ufffd"


def _flat(text: str) -> str:
    return (
        shown(" ".join(text.split()))[:_MAX_HEADING]
        .replace("[", "(")
        .replace("]", ")")
        .replace("\u2045", "(")
    )
