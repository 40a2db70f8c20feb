"""Writes one release into the catalog tables: by COPY, all or nothing, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import DataError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from catalog.choices import GROUP_KINDS, TERM_NOTE_KINDS, NodeKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.check import check_rows
from catalog.loaders.rows import NodeRow, Source
from catalog.models import Code, Note, Release, SeventhCharacter
from catalog.words import words

# Any two loads run one after the other; the number only has to be this product's own.
LOAD_LOCK = 0x1CD10
REPORT_EVERY = 5_000
# A file that is wrong throughout is not read to its end.
MOST_ERRORS = 200

# Called with phase, rows done and rows in all.
Report = Callable[[str, int, int], None]


def silent(phase: str, done: int, total: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True)
class LoadResult:
    release: Release
    already_loaded: bool
    seconds: float


def load(source: Source, report: Report = silent) -> LoadResult:
    """Stores the release; the same source again only finds it.

    Raises LoadRefused, with nothing stored, where the source is damaged or is not what it claims.
    """
    begun = time.monotonic()
    found = _loaded(source)
    if found is not None:
        return LoadResult(found, True, time.monotonic() - begun)
    rows = list(_counted(source, report))
    check_rows(source, rows)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOAD_LOCK])
        found = _loaded(source)
        if found is not None:
            return LoadResult(found, True, time.monotonic() - begun)
        release = Release.objects.create(
            system=source.system,
            edition=source.edition,
            valid_from=source.valid_from,
            valid_to=source.valid_to,
            source=source.name,
            source_hash=source.fingerprint,
            origin=source.origin,
            loaded_at=timezone.now(),
            node_count=len(rows),
            billable_count=sum(row.billable for row in rows),
            note_count=sum(len(row.notes) for row in rows),
        )
        try:
            _write(cursor, release, rows, report)
        except DataError as error:
            raise LoadRefused(
                source.name, f"a row cannot be stored: {error.args[0].splitlines()[0]}"
            ) from error
    # Fresh statistics, or the first searches plan for empty tables.
    with connection.cursor() as cursor:
        for model in (Code, Note, SeventhCharacter):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
    return LoadResult(release, False, time.monotonic() - begun)


def _loaded(source: Source) -> Release | None:
    return Release.objects.filter(system=source.system, source_hash=source.fingerprint).first()


def _counted(source: Source, report: Report) -> Iterator[NodeRow]:
    number = 0
    errors: list[RowError] = []
    for number, row in enumerate(source.read(), start=1):
        if number % REPORT_EVERY == 0:
            report("reading", number, max(source.size, number))
        if not isinstance(row, RowError):
            yield row
        elif len(errors) < MOST_ERRORS:
            errors.append(row)
        else:
            break
    if errors:
        raise LoadRefused.of_rows(errors)
    report("reading", number, number)


def _write(cursor: Any, release: Release, rows: Sequence[NodeRow], report: Report) -> None:
    ids = reserve_ids(cursor, Code, len(rows))
    cursor.execute(_STAGE)
    copy_rows(
        cursor,
        f"COPY catalog_stage ({_STAGED}) FROM STDIN",
        _code_lines(release, rows, ids),
        len(rows),
        report,
    )
    report("indexing words", 0, len(rows))
    # One pass over the word index at the end costs a fifth of 98,505 single insertions.
    cursor.execute("SET LOCAL gin_pending_list_limit = '1GB'")
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    cursor.execute(_FROM_STAGE)
    cursor.execute("SELECT gin_clean_pending_list('code_search')")
    report("indexing words", len(rows), len(rows))
    notes = [
        (ids[number], note.kind.value, note.block, position, note.text)
        for number, row in enumerate(rows)
        for position, note in enumerate(row.notes)
    ]
    copy_rows(
        cursor,
        f"COPY {Note._meta.db_table} (node_id, kind, block, position, text) FROM STDIN",
        iter(notes),
        len(notes),
        report,
    )
    sevenths = [
        (ids[number], seventh.character, seventh.meaning, seventh.also, position)
        for number, row in enumerate(rows)
        for position, seventh in enumerate(row.seventh)
    ]
    copy_rows(
        cursor,
        f"COPY {SeventhCharacter._meta.db_table} (node_id, character, meaning, also, position) FROM STDIN",
        iter(sevenths),
        len(sevenths),
        report,
    )


def reserve_ids(cursor: Any, model: type[Model], count: int) -> list[int]:
    """Ids for COPY, taken from the table's own sequence so that no other writer gets them."""
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
        [model._meta.db_table, count],
    )
    return [row[0] for row in cursor.fetchall()]


def copy_rows(
    cursor: Any, statement: str, lines: Iterator[tuple[Any, ...]], total: int, report: Report
) -> None:
    done = 0
    with cursor.copy(statement) as copy:
        while part := list(islice(lines, REPORT_EVERY)):
            for line in part:
                copy.write_row(line)
            done += len(part)
            report("writing", done, total)


_STAGED = (
    "id, release_id, parent_id, path, code, key, kind, title, billable, placeholder, chapter, depth, "
    "position, last_position, valid_from, valid_to, title_words, term_words, above_words"
)
# Dropped first: one transaction may load two releases.
_STAGE = """
DROP TABLE IF EXISTS pg_temp.catalog_stage;
CREATE TEMPORARY TABLE catalog_stage (
  id bigint, release_id bigint, parent_id bigint, path bigint[], code text, key text, kind text,
  title text, billable boolean, placeholder boolean, chapter text, depth smallint, position integer,
  last_position integer, valid_from date, valid_to date, title_words text, term_words text, above_words text
) ON COMMIT DROP
"""
# Each word twice: stemmed, so that "fractures" finds "fracture", and as written, so that a word half
# typed ("hypertensi") finds what its stem ("hypertens") would miss.
_FROM_STAGE = """
INSERT INTO catalog_code (
  id, release_id, parent_id, path, code, key, kind, title, billable, placeholder, chapter, depth,
  position, last_position, valid_from, valid_to, search)
SELECT id, release_id, parent_id, path, code, key, kind, title, billable, placeholder, chapter, depth,
  position, last_position, valid_from, valid_to,
  setweight(to_tsvector('catalog_words', title_words), 'A')
  || setweight(to_tsvector('catalog_words', term_words), 'B')
  || setweight(to_tsvector('catalog_words', above_words), 'D')
  || setweight(to_tsvector('simple', title_words), 'A')
  || setweight(to_tsvector('simple', term_words), 'B')
  || setweight(to_tsvector('simple', above_words), 'D')
FROM catalog_stage ORDER BY position
"""


def _code_lines(release: Release, rows: Sequence[NodeRow], ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    last = _last_positions(rows)
    path: list[int] = []
    # Of each open level: the words its title and terms lend to what lies below.
    lent: list[set[str]] = []
    chapter = ""
    for position, row in enumerate(rows):
        del path[row.depth :], lent[row.depth :]
        if row.kind == NodeKind.CHAPTER:
            chapter = row.code
        title = words(row.title)
        terms = words(" ".join(note.text for note in row.notes if note.kind in TERM_NOTE_KINDS))
        above = set().union(*lent).difference(title, terms)
        yield (
            ids[position],
            release.pk,
            path[-1] if path else None,
            f"{{{','.join(map(str, path))}}}",
            row.code,
            row.code.replace(".", "").upper(),
            row.kind.value,
            row.title,
            row.billable,
            row.placeholder,
            chapter,
            row.depth,
            position,
            last[position],
            row.valid_from,
            row.valid_to,
            " ".join(title),
            " ".join(terms),
            " ".join(sorted(above)),
        )
        path.append(ids[position])
        # Chapter and block titles hold for thousands of codes; as search words they only add noise.
        lent.append(set() if row.kind in GROUP_KINDS else {*title, *terms})


def _last_positions(rows: Sequence[NodeRow]) -> list[int]:
    """For each row the position of its last descendant, or its own."""
    last = list(range(len(rows)))
    open_rows: list[int] = []
    for position, row in enumerate(rows):
        while len(open_rows) > row.depth:
            last[open_rows.pop()] = position - 1
        open_rows.append(position)
    for position in open_rows:
        last[position] = len(rows) - 1
    return last
