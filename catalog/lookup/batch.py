"""The batch interface of the lookup: one line in, one line out, whatever the line holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from catalog.lookup.answer import Answer, Lookup

_MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    row: dict[str, Any]
    failed: bool

    def as_line(self) -> str:
        return json.dumps(self.row, ensure_ascii=False)


class BadLine(Exception):
    """The line is no query; the message names the problem and quotes nothing."""

    def __init__(self, problem: str, line_id: str | int | None = None) -> None:
        super().__init__(problem)
        self.line_id = line_id


def look_up_lines(lines: Iterable[bytes], lookup: Lookup, top: int, multiple: bool) -> Iterator[Outcome]:
    """One outcome for each line that is not blank, in order. `top`: codes a line; with `multiple` one a condition."""
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            line_id, text = _parse(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)
        except BadLine as bad:
            yield Outcome({"id": bad.line_id, "codes": [], "error": str(bad)}, failed=True)
            continue
        answers = lookup.find_each(text) if multiple else lookup.find(text, top)
        yield Outcome({"id": line_id, "codes": [_code(answer, multiple) for answer in answers]}, failed=False)


def _parse(raw: bytes) -> tuple[str | int | None, str]:
    try:
        row = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8 (byte {error.start + 1} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise BadLine("not JSON") from error
    if not isinstance(row, dict):
        raise BadLine("not an object")
    line_id = row.get("id")
    if isinstance(line_id, bool) or not isinstance(line_id, str | int | None):
        raise BadLine("id is neither text nor a whole number")
    text = row.get("text")
    if not isinstance(text, str):
        raise BadLine("text is missing or not text", line_id)
    if len(text) > _MAX_TEXT:
        raise BadLine(f"text is longer than {_MAX_TEXT:,} characters", line_id)
    return line_id, text


def _code(answer: Answer, multiple: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"code": answer.code, "score": answer.score, "why": answer.why}
    return {**row, "condition": answer.condition} if multiple else row
