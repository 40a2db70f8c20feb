"""The vocabulary of a loaded release, with what the loaded Alphabetic Index calls its codes."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

from catalog.choices import NoteKind, TableKind
from catalog.edits.loading import tabular_of
from catalog.models import IndexEntry, Note, Release, TableEdition
from modelops.synthesis.vocabulary import Vocabulary, make_vocabulary

# What the index calls a code is taken only where it reads as a name: a main term and at most one word below it.
_READABLE = re.compile(r"[A-Za-z][A-Za-z' -]{3,38}")
_DEPTH = 1
_PER_CODE = 2


def vocabulary_of(release: Release) -> Vocabulary:
    """Read once for a release; some 14,000 codes, two seconds."""
    return _vocabulary(release.pk, release.source_hash)


@lru_cache(maxsize=1)
def _vocabulary(release_id: int, _source_hash: str) -> Vocabulary:
    release = Release.objects.get(pk=release_id)
    inclusions: dict[str, list[str]] = defaultdict(list)
    notes = Note.objects.filter(
        node__release=release, node__billable=True, kind=NoteKind.INCLUSION_TERM
    ).order_by("node__position", "position")
    for code, text in notes.values_list("node__code", "text"):
        inclusions[code].append(text)
    return make_vocabulary(
        tabular_of(release),
        {code: tuple(texts) for code, texts in inclusions.items()},
        _index_names(release),
    )


def _index_names(release: Release) -> dict[str, tuple[str, ...]]:
    """By code, names that lead to it alone; empty where no index is loaded."""
    usable = TableEdition.objects.usable(TableKind.INDEX, "")
    edition = usable.valid_on(release.valid_from).first() or usable.first()
    if edition is None:
        return {}
    found: dict[str, list[str]] = defaultdict(list)
    leads: dict[str, set[str]] = defaultdict(set)
    rows = IndexEntry.objects.filter(edition=edition, depth__lte=_DEPTH, nonessential="", codes__len=1)
    for full_term, codes in rows.order_by("position").values_list("full_term", "codes"):
        head, _, below = full_term.partition(", ")
        name = f"{below} {head}".strip().lower() if below else head.lower()
        if _READABLE.fullmatch(name) and not below.startswith(("with", "due", "in ", "of ", "see", "type")):
            leads[name].add(codes[0])
            found[codes[0]].append(name)
    return {
        code: tuple(name for name in dict.fromkeys(names) if len(leads[name]) == 1)[:_PER_CODE]
        for code, names in found.items()
    }
