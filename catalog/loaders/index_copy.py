"""Writes index lines: gives each its parent, the terms above it and the words it is found by."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from catalog.errors import LoadRefused
from catalog.loaders.store import REPORT_EVERY, Report, reserve_ids
from catalog.loaders.table_rows import IndexRow
from catalog.models import IndexEntry, TableEdition
from catalog.words import words

_COLUMNS = (
    "id, edition_id, parent_id, position, depth, term, full_term, nonessential, codes, columns, see, see_also"
)
_STAGE = """
CREATE TEMPORARY TABLE catalog_index_stage (
  id bigint, edition_id bigint, parent_id bigint, position integer, depth smallint, term text, full_term text,
  nonessential text, codes text[], columns text[], see text, see_also text, own_words text, near_words text,
  above_words text
) ON COMMIT DROP
"""
# As for codes: each word stemmed and as written.
_FROM_STAGE = f"""
INSERT INTO catalog_indexentry ({_COLUMNS}, search)
SELECT {_COLUMNS},
  setweight(to_tsvector('catalog_words', own_words), 'A')
  || setweight(to_tsvector('catalog_words', near_words), 'C')
  || setweight(to_tsvector('catalog_words', above_words), 'B')
  || setweight(to_tsvector('simple', own_words), 'A')
  || setweight(to_tsvector('simple', near_words), 'C')
  || setweight(to_tsvector('simple', above_words), 'B')
FROM catalog_index_stage ORDER BY position
"""  # noqa: S608 (column names of this module)


def copy_index(cursor: Any, edition: TableEdition, rows: Iterator[IndexRow], report: Report) -> None:
    """In a transaction of the caller's. Raises LoadRefused for a line without a parent."""
    cursor.execute("DROP TABLE IF EXISTS catalog_index_stage")
    cursor.execute(_STAGE)
    position = 0
    above: list[tuple[int, str]] = []
    while part := list(islice(rows, REPORT_EVERY)):
        ids = reserve_ids(cursor, IndexEntry, len(part))
        with cursor.copy(
            f"COPY catalog_index_stage ({_COLUMNS}, own_words, near_words, above_words) FROM STDIN"
        ) as copy:
            for pk, row in zip(ids, part, strict=True):
                if not 0 <= row.depth <= len(above):
                    raise LoadRefused(edition.source, f"{row.term!r} has no line above it at its level")
                del above[row.depth :]
                copy.write_row(_line(edition, row, pk, position, above))
                above.append((pk, row.term))
                position += 1
    report("indexing words", 0, position)
    cursor.execute("SET LOCAL gin_pending_list_limit = '1GB'")
    cursor.execute(_FROM_STAGE)
    for index in ("index_search", "index_codes"):
        cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [index])
    report("indexing words", position, position)


def _line(
    edition: TableEdition, row: IndexRow, pk: int, position: int, above: list[tuple[int, str]]
) -> tuple[Any, ...]:
    return (
        pk,
        edition.pk,
        above[-1][0] if above else None,
        position,
        row.depth,
        row.term,
        ", ".join([*(term for _, term in above), row.term]),
        row.nonessential,
        list(row.codes),
        list(row.columns),
        row.see,
        row.see_also,
        " ".join(words(row.term)),
        " ".join(words(row.nonessential)),
        " ".join(words(" ".join(term for _, term in above))),
    )
