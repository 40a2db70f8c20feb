"""The batch interface of the lookup: one line in, one line out, whatever the line holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from catalog.jsonl import BadLine, Outcome, filled, id_of, object_of
from catalog.lookup.answer import Answer, Lookup

_MAX_TEXT = 20_000


def look_up_lines(lines: Iterable[bytes], lookup: Lookup, top: int, multiple: bool) -> Iterator[Outcome]:
    """One outcome for each line that is not blank, in order. `top`: codes a line; with `multiple` one a condition."""
    for raw in filled(lines):
        line_id: str | int | None = None
        try:
            row = object_of(raw)
            line_id = id_of(row)
            text = _text(row)
        except BadLine as bad:
            yield Outcome({"id": line_id, "codes": [], "error": str(bad)}, failed=True)
            continue
        answers = lookup.find_each(text) if multiple else lookup.find(text, top)
        yield Outcome({"id": line_id, "codes": [_code(answer, multiple) for answer in answers]}, failed=False)


def _text(row: dict[str, Any]) -> str:
    text = row.get("text")
    if not isinstance(text, str):
        raise BadLine("missing or not text", "text")
    if len(text) > _MAX_TEXT:
        raise BadLine(f"longer than {_MAX_TEXT:,} characters", "text")
    return text


def _code(answer: Answer, multiple: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"code": answer.code, "score": answer.score, "why": answer.why}
    return {**row, "condition": answer.condition} if multiple else row
