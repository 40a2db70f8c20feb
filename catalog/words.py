"""Words as the search compares them: the same cut for what is stored and for what is typed."""

from __future__ import annotations

import re
import unicodedata

# Words that every title has and none is found by; each user adds what else means nothing to it.
FUNCTION_WORDS = frozenset(
    ("a", "an", "the", "of", "and", "or", "in", "on", "at", "by", "to", "for", "with", "due", "is", "as")
)
_WORD = re.compile(r"[a-z0-9]+")
_POSSESSIVE = re.compile(r"['’]s?\b")


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, accents and possessives taken off.

    'Ménière's disease, right/left' gives meniere, disease, right, left. PostgreSQL's own parser would
    keep 'right/left' as one path and 'non-insulin' thrice.
    """
    plain = text.lower()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _WORD.findall(_POSSESSIVE.sub("", plain))
