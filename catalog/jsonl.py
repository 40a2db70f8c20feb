"""The batch interfaces' common ground: one JSON object a line in, one a line out, whatever a line holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The output object of one line; `failed` when it carries an error instead of an answer."""

    row: dict[str, Any]
    failed: bool

    def as_line(self) -> str:
        return json.dumps(self.row, ensure_ascii=False)


class BadLine(Exception):
    """What is wrong with a line and where; the message quotes nothing of it but names of fields."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)


def filled(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that are not blank, the first without a byte order mark."""
    for number, raw in enumerate(lines):
        if raw.strip():
            yield raw if number else raw.removeprefix(b"\xef\xbb\xbf")


def object_of(raw: bytes) -> dict[str, Any]:
    """Raises BadLine where the line holds no JSON object."""
    try:
        row = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8 (byte {error.start + 1} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise BadLine("not valid JSON") from error
    if not isinstance(row, dict):
        raise BadLine("not a JSON object")
    return row


def id_of(row: dict[str, Any]) -> str | int | None:
    """Raises BadLine."""
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise BadLine("neither text nor a whole number", "id")
    return value
