"""Lines of large files by orjson, with the answers and the complaints of interchange.object_of_line.

orjson knows fewer errors and other numbers: it takes the last of two fields of one name, reads integers beyond 64 bits
as floats, and has words of its own for what is not JSON. A line of which any of this could be said is read by
object_of_line instead, so what comes out, and what is told of a bad line, is the same to the letter.
"""

from __future__ import annotations

from typing import Any

import orjson

from modelops.interchange import object_of_line

# A space before a colon: the fields of such a line cannot be counted by their marks.
_BEFORE_COLON = (b" :", b"\t:", b"\r:", b"\n:")
# Python's reader gives up somewhere below a thousand levels, and no level comes without a bracket.
_DEEP = 200
# From here on orjson makes floats of integers.
_LARGE = float(1 << 63)
_PLAIN = frozenset({str, int, bool, type(None)})


def object_of_bytes(raw: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises UnicodeDecodeError, and BadChart as object_of_line does."""
    row = _quickly(raw)
    return object_of_line(raw.decode("utf-8")) if row is None else row


def _quickly(raw: bytes) -> dict[str, Any] | None:
    """None where only object_of_line can say what the line holds."""
    if any(mark in raw for mark in _BEFORE_COLON):
        return None
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(row) is not dict:
        return None
    # Every field of the line has its mark, a quote before a colon; one that is there twice is one in the object. A text
    # may hold such marks too: then there are more marks than fields, and the line is read the other way.
    if _fields(row) != raw.count(b'":'):
        return None
    return row


def _fields(row: dict[str, Any]) -> int:
    """How many fields all objects of the row have; -1 where a number may be read otherwise, or it goes too deep."""
    found = 0
    level: list[Any] = [row]
    for _ in range(_DEEP):
        below: list[Any] = []
        for one in level:
            if type(one) is dict:
                found += len(one)
                below += [value for value in one.values() if type(value) not in _PLAIN]
            elif type(one) is list:
                below += [value for value in one if type(value) not in _PLAIN]
            elif not -_LARGE < one < _LARGE:
                return -1
        if not below:
            return found
        level = below
    return -1
