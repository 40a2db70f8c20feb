"""What the catalog's lookup finds in lines, kept by the hash of each line: text copied forward, windows that overlap
and charts read again cost nothing. No text is kept."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

from catalog.lookup.glance import Glance, Glimpse
from catalog.lookup.service import lookup_for
from catalog.models import Release

# The least score that makes words lead to a code at all; who asks may want more.
LEAST = 0.5
_LINES_KEPT = 50_000
_RELEASES_KEPT = 2

Found = tuple[Glimpse, ...]


class LineLookup:
    """Safe to use from many threads, and meant to be shared by all that look up the same lines."""

    def __init__(self, least: float = LEAST) -> None:
        """`least`: see Glance."""
        self._least = least
        self._glances: OrderedDict[int, Glance] = OrderedDict()
        self._lines: OrderedDict[bytes, Found] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, release_id: int, texts: Sequence[tuple[str, int]]) -> list[Found]:
        """Of each text at most that many codes, as Glance.lines gives them; those not known yet are read together."""
        glance = self._glance(release_id)
        keys = [_key(release_id, text, limit) if can_name(text) else None for text, limit in texts]
        found: dict[bytes, Found] = {}
        wanted: dict[bytes, tuple[str, int]] = {}
        with self._lock:
            for key, text in zip(keys, texts, strict=True):
                if key is None:
                    continue
                if key in self._lines:
                    self._lines.move_to_end(key)
                    found[key] = self._lines[key]
                else:
                    wanted[key] = text
        new = {key: tuple(one) for key, one in zip(wanted, glance.lines(list(wanted.values())), strict=True)}
        found.update(new)
        with self._lock:
            self._lines.update(new)
            while len(self._lines) > _LINES_KEPT:
                self._lines.popitem(last=False)
        return [found[key] if key is not None else () for key in keys]

    def _glance(self, release_id: int) -> Glance:
        """Over the release's index as it is now: tables that were loaded since make another."""
        lookup = lookup_for(Release.objects.get(pk=release_id))
        with self._lock:
            known = self._glances.get(release_id)
            if known is None or known.lookup is not lookup:
                known = self._glances[release_id] = Glance(lookup, least=self._least)
                self._lines.clear()
                while len(self._glances) > _RELEASES_KEPT:
                    self._glances.popitem(last=False)
            self._glances.move_to_end(release_id)
            return known


def can_name(text: str) -> bool:
    """Whether the line may name a condition: one word of three letters, or a short form in capitals."""
    letters = 0
    for character in text:
        letters = letters + 1 if character.isalpha() else 0
        if letters >= 3:
            return True
    return any(len(word) > 1 and word.isupper() and word.isalpha() for word in text.split())


def _key(release_id: int, text: str, limit: int) -> bytes:
    said = f"{release_id}\x00{limit}\x00{text}".encode("utf-8", "replace")
    return hashlib.blake2b(said, digest_size=16).digest()
