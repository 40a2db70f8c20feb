"""Verifying the audit log: which row was altered, removed, moved or put in between.

Each row stands in the chain of its actor and mostly in that of its encounter too, so a forger has to mend both.
Nothing is kept in memory but the heads of a block of chains and the ids of purges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import CharField, Exists, Model, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Collate, Concat

from coding_review.audit import GENESIS, PURGED, payload_hash, row_hash
from coding_review.models import AuditChain, AuditEvent

Row = TypeVar("Row", bound=Model)
BLOCK = 2000
ENCOUNTER = "encounter:"
_CHAIN = r"^(encounter:[0-9]{1,18}|actor:([0-9]{1,18}|system))$"
# What Python can read; PostgreSQL's own times go further, to infinity.
_TIMES = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the log does not verify. `event_id` is None where a row is missing."""

    chain: str
    number: int
    event_id: int | None
    problem: str

    def __str__(self) -> str:
        row = f"event {self.event_id}" if self.event_id is not None else "no row"
        return f"{self.chain} #{self.number} ({row}): {self.problem}"


@dataclass(slots=True)
class Counts:
    """What was looked at; filled while verify() runs."""

    events: int = 0
    chains: int = 0
    payloads: int = 0
    purged: int = 0


@dataclass(slots=True)
class Verification:
    """The state of one encounter's chain, for its history."""

    counts: Counts = field(default_factory=Counts)
    faults: list[Fault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults


@contextmanager
def snapshot() -> Iterator[None]:
    """One view of the database for the whole check, so that rows written meanwhile are no faults.

    Inside a transaction that is already open nothing is changed about it.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def verify_encounter(encounter_id: int) -> Verification:
    result = Verification()
    with snapshot():
        result.faults = list(verify(encounter_id, result.counts))
    return result


def verify(encounter_id: int | None = None, counts: Counts | None = None) -> Iterator[Fault]:
    """Every fault in the log, or in one encounter's chain, streaming; to be read to its end in a snapshot()."""
    counts = Counts() if counts is None else counts
    purges = AuditEvent.objects.filter(type=PURGED)
    heads = AuditChain.objects.order_by("key")
    events = AuditEvent.objects.all()
    if encounter_id is not None:
        purges, events = purges.filter(encounter=encounter_id), events.filter(encounter=encounter_id)
        heads = heads.filter(key=f"{ENCOUNTER}{encounter_id}")
    yield from _unreadable(events)
    events = readable(events)
    purged = (number_in(data, "event_id") for data in purges.values_list("data", flat=True))
    check = _Check(counts, {pk for pk in purged if pk is not None})
    for key in heads.exclude(key__regex=_CHAIN).values_list("key", flat=True):
        yield Fault(key, 0, None, "not the name of a chain")
    heads = heads.filter(key__regex=_CHAIN)
    if encounter_id is None:
        # The actors' chains hold every row once: here its content and payload are checked too.
        yield from check.actors(heads.exclude(key__startswith=ENCOUNTER))
        yield from check.encounters(heads.filter(key__startswith=ENCOUNTER), rows=False)
    else:
        yield from check.encounters(heads, rows=True)
    yield from _without_head(events, actors=encounter_id is None)


def of_event(event: AuditEvent, problem: str) -> Fault:
    """The event verifies; what it tells of does not agree with it."""
    if event.encounter_id is None:
        return Fault(event.actor_key, event.actor_number, event.pk, problem)
    return Fault(f"{ENCOUNTER}{event.encounter_id}", event.encounter_number or 0, event.pk, problem)


def number_in(data: Any, name: str) -> int | None:
    """A number of an event's data; None where an altered row has none there."""
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def readable(events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
    return events.filter(at__range=_TIMES)


def _unreadable(events: QuerySet[AuditEvent]) -> Iterator[Fault]:
    """Rows that cannot even be read, so that one of them does not keep the others from being looked at."""
    rows = events.exclude(at__range=_TIMES).order_by("pk")
    for pk, key, number in rows.values_list("pk", "actor_key", "actor_number"):
        yield Fault(key, number, pk, "row altered: its time is none")


def _without_head(events: QuerySet[AuditEvent], *, actors: bool) -> Iterator[Fault]:
    problem = "the head of this chain is missing"
    if actors:
        of_actor = AuditChain.objects.filter(key=OuterRef("actor_key"))
        for key in events.filter(~Exists(of_actor)).order_by().values_list("actor_key", flat=True).distinct():
            yield Fault(key, 0, None, problem)
    key_of_encounter = Concat(Value(ENCOUNTER), Cast(OuterRef("encounter_id"), CharField()))
    lost = events.filter(~Exists(AuditChain.objects.filter(key=key_of_encounter)), encounter__isnull=False)
    for pk in lost.order_by().values_list("encounter_id", flat=True).distinct():
        yield Fault(f"{ENCOUNTER}{pk}", 0, None, problem)


@dataclass(frozen=True, slots=True)
class _Link:
    """A row as its chain sees it. `event` is given where the row itself is to be checked too."""

    event_id: int
    number: int | None
    previous: str
    hash: str
    event: AuditEvent | None = None


@dataclass(slots=True)
class _Check:
    counts: Counts
    purged: set[int]

    def actors(self, heads: QuerySet[AuditChain]) -> Iterator[Fault]:
        for block in blocks(heads):
            events = (
                AuditEvent.objects.filter(actor_key__in=[head.key for head in block], at__range=_TIMES)
                .select_related("payload")
                .order_by("actor_key", "actor_number")
            )
            rows = (
                (e.actor_key, _Link(e.pk, e.actor_number, e.actor_prev_hash, e.hash, e))
                for e in events.iterator(chunk_size=BLOCK)
            )
            yield from self._block(block, rows)

    def encounters(self, heads: QuerySet[AuditChain], *, rows: bool) -> Iterator[Fault]:
        for block in blocks(heads):
            events = AuditEvent.objects.filter(
                encounter_id__in=[int(head.key.removeprefix(ENCOUNTER)) for head in block], at__range=_TIMES
            ).order_by("encounter_id", "encounter_number")
            yield from self._block(block, _whole(events) if rows else _bare(events))

    def _block(self, block: list[AuditChain], rows: Iterable[tuple[str, _Link]]) -> Iterator[Fault]:
        heads = {head.key: head for head in block}
        for key, links in groupby(rows, key=lambda row: row[0]):
            yield from self._chain(heads.pop(key), (link for _, link in links))
        for head in heads.values():
            yield from self._chain(head, iter(()))

    def _chain(self, head: AuditChain, links: Iterator[_Link]) -> Iterator[Fault]:
        self.counts.chains += 1
        number, last, beyond = 0, GENESIS, False
        row: _Link | None = None
        for link in links:
            follows = row
            row = link
            if link.event is not None:
                yield from self._row(head.key, link.event)
            if link.number is None:
                yield Fault(head.key, number, link.event_id, "row altered: its number is gone")
                continue
            if link.number > head.last_number and not beyond:
                beyond = True
                yield Fault(
                    head.key,
                    link.number,
                    link.event_id,
                    f"beyond the last row that the head of the chain knows (#{head.last_number})",
                )
            if link.number > number + 1:
                yield _removed(head.key, number + 1, link.number - 1)
            elif link.previous != last:
                before = f"#{number} (event {follows.event_id})" if follows else "the start of the chain"
                yield Fault(
                    head.key,
                    link.number,
                    link.event_id,
                    f"does not follow {before}: one of the two was replaced, moved or put in",
                )
            number, last = link.number, link.hash
        if number < head.last_number:
            yield _removed(head.key, number + 1, head.last_number)
        elif not beyond and last != head.last_hash:
            yield Fault(
                head.key,
                number,
                row.event_id if row else None,
                "not the last row that the head of the chain knows: the row or the head was replaced",
            )

    def _row(self, key: str, event: AuditEvent) -> Iterator[Fault]:
        self.counts.events += 1
        number = event.actor_number if key == event.actor_key else event.encounter_number or 0
        for problem in self._problems(event):
            yield Fault(key, number, event.pk, problem)

    def _problems(self, event: AuditEvent) -> Iterator[str]:
        if row_hash(event) != event.hash:
            yield "row altered"
        payload = getattr(event, "payload", None)
        if payload is None:
            if event.payload_hash:
                yield "payload removed without a tombstone"
            return
        self.counts.payloads += 1
        if not event.payload_hash:
            yield "payload added or moved here from another event"
        elif payload.body is not None:
            if payload_hash(payload.salt, payload.body) != event.payload_hash:
                yield "payload altered"
        elif event.pk in self.purged:
            self.counts.purged += 1
        else:
            yield "payload emptied though no event tells of its purge"


def _removed(key: str, first: int, last: int) -> Fault:
    problem = "row removed" if first == last else f"rows #{first} to #{last} removed ({last - first + 1})"
    return Fault(key, first, None, problem)


def _whole(events: QuerySet[AuditEvent]) -> Iterator[tuple[str, _Link]]:
    for e in events.select_related("payload").iterator(chunk_size=BLOCK):
        link = _Link(e.pk, e.encounter_number, e.encounter_prev_hash, e.hash, e)
        yield f"{ENCOUNTER}{e.encounter_id}", link


def _bare(events: QuerySet[AuditEvent]) -> Iterator[tuple[str, _Link]]:
    rows = events.values_list("encounter_id", "pk", "encounter_number", "encounter_prev_hash", "hash")
    for encounter_id, pk, number, previous, hash_ in rows.iterator(chunk_size=BLOCK):
        yield f"{ENCOUNTER}{encounter_id}", _Link(pk, number, previous, hash_)


def blocks(rows: QuerySet[Row], size: int = BLOCK) -> Iterator[list[Row]]:
    stream = iter(rows.iterator(chunk_size=size))
    while block := list(islice(stream, size)):
        yield block


# --- Heads kept outside the database: what a forger with every right over it cannot mend ---------------------


@dataclass(frozen=True, slots=True)
class Head:
    key: str
    number: int
    hash: str


def head_lines() -> Iterator[str]:
    """Each chain's head as "key, number, hash" with tabs, in one order everywhere; ids only, no PHI."""
    heads = AuditChain.objects.filter(last_number__gt=0).order_by(Collate("key", "C"))
    for key, number, hash_ in heads.values_list("key", "last_number", "last_hash").iterator(chunk_size=BLOCK):
        yield f"{key}\t{number}\t{hash_}\n"


def heads_digest(lines: Iterable[str]) -> str:
    """SHA-256 over head_lines(): short enough for paper."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("ascii"))
    return digest.hexdigest()


_STILL_THERE = """
    SELECT v.key, v.number, v.hash, e.id, e.hash
    FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS v(key, number, hash)
    LEFT JOIN coding_review_auditevent e ON """
_BY_ENCOUNTER = _STILL_THERE + "e.encounter_id = substr(v.key, 11)::bigint AND e.encounter_number = v.number"
_BY_ACTOR = _STILL_THERE + "e.actor_key = v.key AND e.actor_number = v.number"


def compare_heads(kept: Iterable[Head]) -> Iterator[Fault]:
    """Faults against heads kept earlier: each row named there must stand where it stood, unchanged."""
    heads = iter(kept)
    while block := list(islice(heads, BLOCK)):
        for sql, part in (
            (_BY_ENCOUNTER, [h for h in block if h.key.startswith(ENCOUNTER)]),
            (_BY_ACTOR, [h for h in block if not h.key.startswith(ENCOUNTER)]),
        ):
            if part:
                yield from _compare(sql, part)


def _compare(sql: str, heads: list[Head]) -> Iterator[Fault]:
    columns: list[Any] = [list(column) for column in zip(*map(astuple, heads), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        for key, number, kept_hash, event_id, hash_ in cursor.fetchall():
            if event_id is None:
                yield Fault(key, number, None, "row removed: the heads kept outside name it")
            elif hash_ != kept_hash:
                yield Fault(key, number, event_id, "not the row that the heads kept outside name")


def parse_head(line: str) -> Head:
    """The reverse of one of head_lines(). Raises ValueError for anything else."""
    key, number, hash_ = line.rstrip("\n").split("\t")
    if key.startswith(ENCOUNTER):
        int(key.removeprefix(ENCOUNTER))
    if len(hash_) != len(GENESIS):
        raise ValueError("not a hash")
    return Head(key, int(number), hash_)
