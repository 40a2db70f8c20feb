"""Keeps the index of a release for the process: made before the first request where the process can, else beside it
and never in its way."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import DatabaseError, connection

from catalog.choices import GROUP_KINDS, INDEX_KINDS, CodeSystem
from catalog.embedding.embedders import NoEmbedding, embedder
from catalog.embedding.nearest import Nearest
from catalog.errors import NoRelease
from catalog.keys import code_key
from catalog.lookup.answer import Lookup
from catalog.lookup.fusion import Near
from catalog.lookup.index import Index, Node, Term
from catalog.lookup.lay import LAY_TERMS, NO_LAY_TERMS
from catalog.models import Code, IndexEntry, Note, Release, TableEdition
from catalog.queries import release_today_or_latest

log = logging.getLogger(__name__)

# Releases of one system whose index stays in memory; one of ICD-10-CM takes some 120 MB. By system, since a claim's
# diagnoses and procedures are searched together: they must not push each other out.
_KEPT = 2


@dataclass(frozen=True, slots=True)
class _Key:
    """An index is good for one release with one set of index editions."""

    system: str
    release: int
    source_hash: str
    editions: tuple[int, ...]


_ready: OrderedDict[_Key, Lookup] = OrderedDict()
_making: set[_Key] = set()
_lock = threading.Lock()
# Held while an index is made: threads that all ask for one that is not there would make as many.
_makes = threading.Lock()
_beside = threading.Event()


def make_beside_requests() -> None:
    """Said by a server's process: from now on a request that finds no index has one made in a thread. Other
    processes (commands, tasks) make one where they ask for it, or none."""
    _beside.set()


def prepare() -> None:
    """Makes the index of the diagnoses searched today. Called once in the process that the web processes are forked
    from, which then share it; without a release or a database, requests have theirs made beside them."""
    try:
        release = release_today_or_latest(CodeSystem.ICD10CM)
        lookup_for(release)
    except (NoRelease, DatabaseError) as error:
        log.warning("no index for the search yet (%s): requests will have it made", type(error).__name__)


def lookup_for(release: Release) -> Lookup:
    """The lookup of a release; made now where it is not there yet (some 3 seconds), by one thread for all that ask."""
    key = _key(release)
    found = _kept(key)
    if found is not None:
        return found
    with _makes:
        return _kept(key) or _keep(key, make_lookup(release, key.editions))


def lookup_if_ready(release: Release) -> Lookup | None:
    """The lookup if it is made; else, in a server's process, a thread begins to make it. Until then the one of the
    release with its former index editions answers, if there is one."""
    key = _key(release)
    with _lock:
        found = _ready.get(key)
        if found is not None:
            return found
        former = next((made for of, made in reversed(_ready.items()) if _same_release(of, key)), None)
        if key in _making or not _beside.is_set():
            return former
        _making.add(key)
    threading.Thread(target=_make_beside, args=(release, key), name="lookup-index", daemon=True).start()
    return former


def _kept(key: _Key) -> Lookup | None:
    with _lock:
        found = _ready.get(key)
        if found is not None:
            _ready.move_to_end(key)
        return found


def _same_release(one: _Key, other: _Key) -> bool:
    return (one.system, one.release, one.source_hash) == (other.system, other.release, other.source_hash)


def _make_beside(release: Release, key: _Key) -> None:
    try:
        _keep(key, make_lookup(release, key.editions))
    finally:
        connection.close()
        with _lock:
            _making.discard(key)


def _keep(key: _Key, made: Lookup) -> Lookup:
    with _lock:
        for former in [each for each in _ready if _same_release(each, key)]:
            del _ready[former]
        _ready[key] = made
        of_system = [each for each in _ready if each.system == key.system]
        for oldest in of_system[:-_KEPT]:
            del _ready[oldest]
    return made


def _key(release: Release) -> _Key:
    editions = (TableEdition.objects.usable(kind).first() for kind in INDEX_KINDS)
    return _Key(
        release.system,
        release.pk,
        release.source_hash,
        tuple(edition.pk for edition in editions if edition is not None),
    )


def make_lookup(release: Release, editions: tuple[int, ...]) -> Lookup:
    """Reads every title, inclusion term and index entry of the release and makes its index."""
    rows = list(
        Code.objects.of(release)
        .exclude(kind__in=GROUP_KINDS)
        .order_by("position")
        .values_list("pk", "key", "code", "title", "billable", "position", "last_position")
    )
    place_of = {row[0]: place for place, row in enumerate(rows)}
    by_key = {row[1]: place for place, row in enumerate(rows)}
    nodes = [
        Node(code, title, billable, place + below)
        for place, ((_, _, code, title, billable, _, _), below) in enumerate(
            zip(rows, _below(rows), strict=True)
        )
    ]
    notes = Note.objects.terms_of(release).values_list("node_id", "text")
    terms = [Term(place_of[node], text) for node, text in notes if node in place_of]
    terms += _index_terms(editions, by_key)
    # An appendectomy is a procedure's own name in a code system of procedures.
    lay = LAY_TERMS if release.system == CodeSystem.ICD10CM else NO_LAY_TERMS
    return Lookup(Index(nodes, terms), _near(release, [row[0] for row in rows]), lay)


def _near(release: Release, node_ids: Sequence[int]) -> Near | None:
    """What asks the database for the nearest wordings; None where there is no embedding to ask with."""
    try:
        nearest = Nearest(release.pk, embedder())
    except NoEmbedding as error:
        log.warning("search goes by words alone: %s", error)
        return None
    by_id = np.argsort(np.array(node_ids, dtype=np.int64))
    sorted_ids = np.array(node_ids, dtype=np.int64)[by_id]

    def near(text: str) -> list[tuple[int, float]]:
        found = nearest(text)
        places = by_id[np.searchsorted(sorted_ids, [one.node_id for one in found])]
        return [(int(place), one.likeness) for place, one in zip(places, found, strict=True)]

    return near


def _below(rows: list[tuple[int, str, str, str, bool, int, int]]) -> list[int]:
    """How many of the rows after each are its descendants."""
    below = [0] * len(rows)
    open_rows: list[int] = []
    for place, row in enumerate(rows):
        while open_rows and rows[open_rows[-1]][6] < row[5]:
            top = open_rows.pop()
            below[top] = place - 1 - top
        open_rows.append(place)
    for top in open_rows:
        below[top] = len(rows) - 1 - top
    return below


def _index_terms(editions: tuple[int, ...], by_key: dict[str, int]) -> list[Term]:
    """Entries of the loaded indexes whose code the release has; a drug or neoplasm with its column's name."""
    found: list[Term] = []
    rows = IndexEntry.objects.filter(edition__in=editions).exclude(codes=[])
    for full_term, codes, columns, kind in rows.values_list(
        "full_term", "codes", "columns", "edition__kind"
    ).iterator(chunk_size=5000):
        for at, code in enumerate(codes if columns else codes[:1]):
            place = by_key.get(code_key(code))
            if place is not None:
                column = f", {columns[at]}" if at < len(columns) else ""
                found.append(Term(place, f"{full_term}{column}", kind))
    return found
