"""The vectors of a release: computed in slices, kept, gone on with where an interruption left them.

The row of a VectorSet is the truth: `done` wordings, in the order of `Wordings`, have their vectors. Whoever works
on it locks the row for each batch, so two at once do no harm.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.choices import GROUP_KINDS, CodeSystem, ReleaseStatus, TableKind
from catalog.embedding.embedders import Embedder
from catalog.embedding.static import Vectors
from catalog.keys import code_key
from catalog.models import Code, IndexEntry, Note, Release, TableEdition, VectorSet

# Entries that say a condition in words. A drug or neoplasm is found by its name, which the words find; as vectors
# their columns would be five wordings that differ in nothing but the manner.
_INDEXES = (TableKind.INDEX, TableKind.EXTERNAL_CAUSES)
# More links find more of the nearest and take longer to build; measured in docs/adr/0009.
_LINKS, _BREADTH = 16, 64
_BUILD_MEMORY = "256MB"
# Numbers as the machine has them: written as text, a vector takes ten times longer.
_COPY = "COPY catalog_termvector (set_id, node_id, number, vector) FROM STDIN WITH (FORMAT binary)"
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_FIELDS = struct.Struct(">hiqiqiiihh")
_NONE: Vectors = np.zeros((0, 1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Wordings:
    """Every wording of a release in a fixed order: titles, other names, entries of the index editions in force."""

    release: Release
    editions: tuple[int, ...]
    titles: int
    terms: int
    entries: int

    @classmethod
    def of(cls, release: Release) -> Wordings:
        editions = cls.editions_for(release)
        return cls(
            release,
            editions,
            _titles(release).count(),
            _terms(release).count(),
            _entries(editions).count(),
        )

    @staticmethod
    def editions_for(release: Release) -> tuple[int, ...]:
        """Indexes are published for ICD-10-CM only."""
        kinds = _INDEXES if release.system == CodeSystem.ICD10CM else ()
        found = (TableEdition.objects.usable(kind).first() for kind in kinds)
        return tuple(sorted(edition.pk for edition in found if edition is not None))

    @property
    def of_release(self) -> int:
        """How many are the release's own, whatever indexes are loaded."""
        return self.titles + self.terms

    @property
    def total(self) -> int:
        return self.of_release + self.entries

    def read(self, start: int, stop: int) -> list[tuple[int, int, str]]:
        """(number, id of the node, text); an entry whose code the release lacks is left out."""
        found: list[tuple[int, int, str]] = []
        if start < self.titles:
            titles = _titles(self.release).values_list("pk", "title")[start:stop]
            found += [(start + at, pk, text) for at, (pk, text) in enumerate(titles)]
        first, last = max(start - self.titles, 0), stop - self.titles
        if last > 0 and first < self.terms:
            begin = self.titles + first
            terms = _terms(self.release).values_list("node_id", "text")[first:last]
            found += [(begin + at, pk, text) for at, (pk, text) in enumerate(terms)]
        first, last = max(start - self.of_release, 0), stop - self.of_release
        if last > 0:
            found += self._read_entries(first, last)
        return found

    def _read_entries(self, first: int, last: int) -> list[tuple[int, int, str]]:
        rows = list(_entries(self.editions).values_list("full_term", "codes")[first:last])
        keys = {code_key(codes[0]) for _, codes in rows}
        nodes = Code.objects.of(self.release).exclude(kind__in=GROUP_KINDS).filter(key__in=keys)
        by_key = dict(nodes.values_list("key", "pk"))
        begin = self.of_release + first
        return [
            (begin + at, by_key[code_key(codes[0])], text)
            for at, (text, codes) in enumerate(rows)
            if code_key(codes[0]) in by_key
        ]


def _titles(release: Release) -> QuerySet[Code]:
    return Code.objects.of(release).exclude(kind__in=GROUP_KINDS).order_by("position")


def _terms(release: Release) -> QuerySet[Note]:
    return Note.objects.terms_of(release).exclude(node__kind__in=GROUP_KINDS)


def _entries(editions: tuple[int, ...]) -> QuerySet[IndexEntry]:
    return (
        IndexEntry.objects.filter(edition__in=editions).exclude(codes=[]).order_by("edition_id", "position")
    )


def open_releases(model: str) -> list[Release]:
    """Complete releases whose vectors by the model are not there yet, the newest first."""
    done = VectorSet.objects.filter(model=model, finished_at__isnull=False).values_list(
        "release_id", "editions"
    )
    have = {release: tuple(editions) for release, editions in done}
    complete = Release.objects.filter(status=ReleaseStatus.COMPLETE).order_by("-valid_from", "-loaded_at")
    return [
        release
        for release in complete
        if release.pk not in have or have[release.pk] != Wordings.editions_for(release)
    ]


def begin(release: Release, embedder: Embedder) -> tuple[VectorSet, Wordings]:
    """The set to go on with; where other index editions are in force now, their part is dropped and done again."""
    wordings = Wordings.of(release)
    with transaction.atomic():
        found, _ = VectorSet.objects.select_for_update().get_or_create(
            release=release,
            model=embedder.name,
            defaults={
                "total": wordings.total,
                "started_at": timezone.now(),
                "editions": list(wordings.editions),
            },
        )
        if tuple(found.editions) != wordings.editions:
            found.vectors.filter(number__gte=wordings.of_release).delete()
            found.done = min(found.done, wordings.of_release)
            found.editions, found.total, found.finished_at = list(wordings.editions), wordings.total, None
            found.save()
            _drop_index(found)
    return found, wordings


def go_on(
    found: VectorSet,
    wordings: Wordings,
    embedder: Embedder,
    *,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> bool:
    """Embeds batch after batch until `stop` says so or all is done; whether all is done."""
    while found.done < found.total:
        if stop():
            return False
        first = found.done
        last = min(first + embedder.batch, found.total)
        rows = wordings.read(first, last)
        vectors = embedder.encode([text for _, _, text in rows]) if rows else _NONE
        _store(found, first, last, rows, vectors)
        report(found.done, found.total)
    _finish(found, embedder.dimensions)
    return True


@transaction.atomic
def _store(
    found: VectorSet, first: int, last: int, rows: Sequence[tuple[int, int, str]], vectors: Vectors
) -> None:
    """Writes a batch, unless somebody else has been here meanwhile."""
    now = VectorSet.objects.select_for_update().get(pk=found.pk)
    if now.done == first and now.editions == found.editions:
        # A wording of which the model knows nothing is near to nothing.
        known = [at for at in range(len(rows)) if vectors[at].any()]
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(_COPY_BEGIN)
            halves = vectors.astype(">f2")
            for at in known:
                number, node_id, _ = rows[at]
                copy.write(_row(found.pk, node_id, number, halves[at].tobytes()))
            copy.write(_COPY_END)
        now.done = last
        now.save(update_fields=["done"])
    found.done, found.total, found.editions = now.done, now.total, now.editions


def _row(set_id: int, node_id: int, number: int, half: bytes) -> bytes:
    """A line of PostgreSQL's binary COPY; a halfvec is its length, a word left empty, then its numbers."""
    return _FIELDS.pack(4, 8, set_id, 8, node_id, 4, number, len(half) + 4, len(half) // 2, 0) + half


@transaction.atomic
def _finish(found: VectorSet, dimensions: int) -> None:
    now = VectorSet.objects.select_for_update().get(pk=found.pk)
    if now.finished_at is None and now.done == now.total:
        _make_index(now, dimensions)
        now.finished_at = timezone.now()
        now.save(update_fields=["finished_at"])
    found.finished_at = now.finished_at


def _index_name(found: VectorSet) -> str:
    return f"term_vector_near_{found.pk}"


def _make_index(found: VectorSet, dimensions: int) -> None:
    """An index of the set's own: sets have different dimensions, and a search in one never looks at another's."""
    with connection.cursor() as cursor:
        # Rows of the same transaction still have their foreign keys to be checked, and no index is made before.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT set_config('maintenance_work_mem', %s, true), "
            "set_config('max_parallel_maintenance_workers', '0', true)",
            [_BUILD_MEMORY],
        )
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {_index_name(found)} ON catalog_termvector "
            f"USING hnsw ((vector::halfvec({dimensions:d})) halfvec_ip_ops) "
            f"WITH (m = {_LINKS}, ef_construction = {_BREADTH}) WHERE set_id = {found.pk:d}"
        )


def _drop_index(found: VectorSet) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"DROP INDEX IF EXISTS {_index_name(found)}")
