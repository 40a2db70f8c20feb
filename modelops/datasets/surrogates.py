"""What stands where an identifier stood: another name, number or date, the same for one patient wherever it occurs.

Everything follows from a key that only the site has and from the patient: nobody without the key can go back, and two
patients with one name get two. Names serve as given name and surname alike, so a person named in two ways stays one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

# Whole weeks, so that a Monday stays a Monday; never none.
_WEEKS = 51


class Surrogates:
    """Of one patient."""

    def __init__(self, key: bytes, patient: str) -> None:
        self._key = hashlib.sha256(b"surrogates 1\x00" + key + b"\x00" + patient.encode()).digest()
        self.days = -7 * (1 + self._number("shift", "") % _WEEKS)

    def name(self, token: str) -> str:
        """For one word of a name, in its writing: SMITH, Smith, smith."""
        names = _names()
        folded = token.casefold()
        at = self._number("name", folded) % len(names)
        chosen = names[at] if names[at].casefold() != folded else names[(at + 1) % len(names)]
        if len(token) == 1:
            following = (names[(at + step) % len(names)][0] for step in range(len(names)))
            return next(letter for letter in following if letter.casefold() != folded)
        if token.isupper():
            return chosen.upper()
        return chosen.lower() if token.islower() else chosen

    def digits(self, number: str) -> str:
        """Each digit another, letters and signs as they were; one number always becomes the same."""
        bare = "".join(character for character in number if character.isalnum()).casefold()
        stream = hmac.new(self._key, f"digits\x00{bare}".encode(), hashlib.sha256).digest()
        made, at = [], 0
        for character in number:
            if character.isdigit():
                # Never the digit that stood there.
                made.append(str((int(character) + 1 + stream[at % len(stream)] % 9) % 10))
                at += 1
            else:
                made.append(character)
        return "".join(made)

    def mark(self, value: str) -> str:
        """For an id of any form: 16 hex digits."""
        return hmac.new(self._key, f"mark\x00{value}".encode(), hashlib.sha256).hexdigest()[:16]

    def day(self, day: date) -> date:
        """Raises OverflowError before the year 2."""
        return day + timedelta(days=self.days)

    def _number(self, kind: str, value: str) -> int:
        digest = hmac.new(self._key, f"{kind}\x00{value}".encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:8], "big")


@cache
def _names() -> tuple[str, ...]:
    return tuple(json.loads(files(__package__).joinpath("surrogate_names.json").read_text(encoding="utf-8")))
