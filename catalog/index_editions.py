"""Which index is used with a release, and the line of it that fits a code best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from catalog.choices import INDEX_KINDS, CodeSystem
from catalog.models import Release, TableEdition


def editions_for(release: Release) -> list[TableEdition]:
    """Of each index the edition in force when the release began, else the newest loaded."""
    if release.system != CodeSystem.ICD10CM:
        return []
    loaded = list(TableEdition.objects.usable_of(INDEX_KINDS))
    found = []
    for kind in INDEX_KINDS:
        of_kind = [edition for edition in loaded if edition.kind == kind]
        then = [edition for edition in of_kind if edition.covers(release.valid_from)]
        found += (then or of_kind)[:1]
    return found


def other_year(edition: TableEdition, release: Release) -> str:
    """The edition, where it was not in force when the release began; else empty."""
    return "" if edition.covers(release.valid_from) else edition.edition


@dataclass(frozen=True, slots=True)
class BestLine:
    """`asked` is the key under which the code was asked for."""

    asked: int
    entry_id: int
    edition_id: int
    full_term: str
    codes: tuple[str, ...]


_BEST = """
SELECT asked.number, line.id, line.edition_id, line.full_term, line.codes
FROM unnest(%(numbers)s::bigint[], %(codes)s::text[], %(forms)s::text[], %(titles)s::text[])
  AS asked(number, code, forms, title)
CROSS JOIN LATERAL (
  SELECT entry.id, entry.edition_id, entry.full_term, entry.codes
  FROM catalog_indexentry entry
  WHERE entry.codes && string_to_array(asked.forms, ' ')::varchar[] AND entry.edition_id = ANY(%(editions)s)
  ORDER BY asked.code = ANY(entry.codes) DESC, ts_rank(entry.search, to_tsquery('simple', %(typed)s)) DESC,
    ts_rank(entry.search, to_tsquery('simple', asked.title)) DESC, length(entry.full_term), entry.position
  LIMIT 1
) line
"""


def best_lines(
    editions: Sequence[int],
    asked: Mapping[int, Sequence[str]],
    typed: Sequence[str],
    titles: Mapping[int, Sequence[str]],
) -> list[BestLine]:
    """For each key of `asked` the line that prints one of its forms, at most one: the first form before the
    others, then the line with most of the typed words, then with most of the code's title. One query.

    `typed` and `titles` are words as catalog.words cuts them, so nothing typed can be query syntax.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _BEST,
            {
                "numbers": list(asked),
                "codes": [forms[0] for forms in asked.values()],
                "forms": [" ".join(forms) for forms in asked.values()],
                "editions": list(editions),
                "typed": " | ".join(f"{word}:*" for word in typed),
                "titles": [" | ".join(titles[number]) for number in asked],
            },
        )
        return [
            BestLine(number, entry_id, edition_id, full_term, tuple(codes))
            for number, entry_id, edition_id, full_term, codes in cursor.fetchall()
        ]
