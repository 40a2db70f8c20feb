"""How a code is compared: what people type, reduced to one form."""

from __future__ import annotations

import re

_LOOSE = re.compile(r"[\s.\x00]+")


def code_key(typed: str) -> str:
    """'e11.22 ' and 'E1122' and 'E11.22' give 'E1122'; the trailing dash of 'E11.2-' goes too.

    NUL, which the database refuses, is dropped. The dash inside a block ('A00-A09') stays. No claim that
    such a code exists.
    """
    return _LOOSE.sub("", typed).upper().rstrip("-")
