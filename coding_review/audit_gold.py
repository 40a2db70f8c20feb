"""Whether gold judgements, rulings, answers, tombstones and gold sets still are what the audit log says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from coding_review.audit_check import Fault, blocks, number_in, of_event, readable
from coding_review.gold.hash import judgement_hash, ruling_hash
from coding_review.gold.manifest import faults
from coding_review.models import AuditEvent, GoldJudgement, GoldReply, GoldRuling, GoldSet, GoldTombstone

CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Told:
    """Rows that events tell of: `types` name a row by `id_field` and keep its hash, or what else says which it is."""

    name: str
    types: tuple[str, ...]
    id_field: str
    model: type[Model]
    table: str
    actor: str
    hash_of: Callable[[Any], Any]
    kept_as: str = "sha256"


_TOLD = (
    _Told(
        "gold judgement",
        ("gold.judged", "gold.code_added"),
        "judgement_id",
        GoldJudgement,
        "coding_review_goldjudgement",
        "reading.reader.user_id",
        judgement_hash,
    ),
    _Told(
        "gold ruling",
        ("gold.ruled",),
        "ruling_id",
        GoldRuling,
        "coding_review_goldruling",
        "adjudication.adjudicator_id",
        ruling_hash,
    ),
    _Told(
        "gold set",
        ("gold.frozen", "gold.imported"),
        "gold_set_id",
        GoldSet,
        "coding_review_goldset",
        "frozen_by_id",
        lambda gold_set: str(gold_set.sha256),
    ),
    _Told(
        "gold answer",
        ("gold.replied",),
        "reply_id",
        GoldReply,
        "coding_review_goldreply",
        "reader.user_id",
        # It is its words, which are compared below, to this ruling.
        lambda reply: reply.ruling_id,
        kept_as="ruling_id",
    ),
)
_RELATED = {
    GoldJudgement: ("reading__reader",),
    GoldRuling: ("adjudication",),
    GoldSet: (),
    GoldReply: ("reader",),
}


def verify_gold() -> Iterator[Fault]:
    """Every judgement, ruling, answer, tombstone and set that differs from its event, or has none, or is gone; sets
    down to each chart.

    To be read to its end in a snapshot().
    """
    for told in _TOLD:
        yield from _events(told)
        yield from _untold(told)
    for gold_set in GoldSet.objects.order_by("pk").iterator(chunk_size=CHUNK):
        for problem in faults(gold_set):
            yield Fault(_chain(gold_set.frozen_by_id), 0, None, f"gold set {gold_set.pk}: {problem}")
    yield from _words()
    yield from _tombstones()


def _chain(actor_id: int | None) -> str:
    return "actor:system" if actor_id is None else f"actor:{actor_id}"


def _events(told: _Told) -> Iterator[Fault]:
    found = readable(AuditEvent.objects.all()).filter(type__in=told.types).order_by("pk")
    for block in blocks(found, CHUNK):
        ids = {event.pk: number_in(event.data, told.id_field) for event in block}
        wanted = [pk for pk in ids.values() if pk is not None]
        rows = told.model._default_manager.select_related(*_RELATED[told.model]).in_bulk(wanted)
        for event in block:
            row = rows.get(ids[event.pk] or 0)
            if row is None:
                yield of_event(event, f"the {told.name} that it tells of is gone")
            elif told.hash_of(row) != event.data.get(told.kept_as):
                yield of_event(event, f"{told.name} {row.pk}: not what was written")
            elif _actor_of(row, told.actor) != event.actor_id:
                yield of_event(event, f"{told.name} {row.pk}: by another person than the log says")


def _actor_of(row: Any, path: str) -> int | None:
    for name in path.split("."):
        row = getattr(row, name)
    found: int | None = row
    return found


def _untold(told: _Told) -> Iterator[Fault]:
    sql = (
        f"SELECT r.id FROM {told.table} r WHERE NOT EXISTS (SELECT FROM coding_review_auditevent e"  # noqa: S608
        f" WHERE e.type = ANY(%s) AND e.data->>'{told.id_field}' = r.id::text) ORDER BY r.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(told.types)])
        for (pk,) in cursor.fetchall():
            yield Fault("", 0, None, f"{told.name} {pk}: no event tells of it")


_WORDS = """
    SELECT r.id, e.id, e.actor_key, e.actor_number
    FROM {table} r
    JOIN coding_review_auditevent e ON e.type = ANY(%s) AND e.data->>'{id_field}' = r.id::text
    LEFT JOIN {table_of_words} w ON w.{owner} = r.id
    LEFT JOIN coding_review_auditpayload p ON p.event_id = e.id
    WHERE coalesce(w.comment, '') <> coalesce(p.body->>'comment', '')
       OR (w.id IS NOT NULL AND (w.purged_at IS NULL) <> (p.purged_at IS NULL))
    ORDER BY e.id
"""
_TABLES_OF_WORDS = (
    (_TOLD[0], "coding_review_goldjudgementwords", "judgement_id"),
    (_TOLD[1], "coding_review_goldrulingwords", "ruling_id"),
    (_TOLD[3], "coding_review_goldreplywords", "reply_id"),
)


def _words() -> Iterator[Fault]:
    """The comment beside a judgement or ruling is that of the log; both are purged together."""
    for told, table, owner in _TABLES_OF_WORDS:
        sql = _WORDS.format(table=told.table, id_field=told.id_field, table_of_words=table, owner=owner)
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(told.types)])
            for pk, event, key, number in cursor.fetchall():
                yield Fault(
                    key, number, event, f"{told.name} {pk}: its comment is not the one that the log keeps"
                )


def _tombstones() -> Iterator[Fault]:
    """Each is told of with its person and reason, and no withdrawal that is told of lacks its tombstone."""
    stones = {stone.gold_set_chart_id: stone for stone in GoldTombstone.objects.all()}
    told: set[int] = set()
    events = readable(AuditEvent.objects.all()).filter(type="gold.chart_withdrawn")
    for event in events.select_related("payload").order_by("pk"):
        named = event.data.get("gold_set_chart_ids")
        for pk in named if isinstance(named, list) else ():
            stone = stones.get(pk)
            told.add(pk)
            if stone is None:
                yield of_event(event, f"the tombstone of gold set chart {pk} is gone")
                continue
            payload = getattr(event, "payload", None)
            purged = payload is None or payload.purged_at is not None
            reason = "" if payload is None else payload.body.get("comment")
            if stone.by_id != event.actor_id or (not purged and reason != stone.reason):
                yield of_event(event, f"gold tombstone {stone.pk}: not what was written")
    for pk, stone in stones.items():
        if pk not in told:
            yield Fault(_chain(stone.by_id), 0, None, f"gold tombstone {stone.pk}: no event tells of it")
