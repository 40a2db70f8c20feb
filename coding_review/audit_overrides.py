"""Whether overrides of findings still are what the audit log says of them: as written, and as withdrawn.

Which findings were shown (FindingShown) is counted and not audited: there is nothing to compare it with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from coding_review.audit_check import ENCOUNTER, Fault, blocks, number_in, of_event, readable
from coding_review.models import AuditEvent, FindingOverride
from coding_review.override_hash import override_hash, withdrawn_hash

WRITTEN, WITHDRAWN = "finding.overridden", "finding.override_withdrawn"
CHUNK = 500
# Fields that an override and its event both have: name in words, the column, the event's field.
_FIELDS = (
    ("check", "o.check_id", "e.data->>'check'"),
    ("codes", "to_jsonb(o.codes)::text", "(e.data->'codes')::text"),
    ("severity", "o.severity", "e.data->>'severity'"),
    ("outcome", "o.outcome", "e.data->>'outcome'"),
    ("edition of the outcomes", "o.outcomes_edition", "e.data->>'outcomes_edition'"),
    ("edition of the checks", "o.checks_edition", "e.data->>'checks_edition'"),
    ("code set", "o.code_set_id::text", "e.data->>'code_set_id'"),
    ("carried from", "o.carried_from_id::text", "e.data->>'carried_from'"),
    # One that is carried over stays with who wrote it first; the event is of who reopened.
    (
        "reviewer",
        "o.user_id::text",
        "CASE WHEN o.carried_from_id IS NULL THEN e.actor_id ELSE o.user_id END::text",
    ),
)


def verify_overrides() -> Iterator[Fault]:
    """Every override that differs from its events, or has none, or is gone. To be read to its end in a snapshot()."""
    named: set[int] = set()
    yield from _written(named)
    yield from _withdrawn(named)
    yield from _columns(WRITTEN, override_hash, "not what was written", named)
    yield from _columns(WITHDRAWN, withdrawn_hash, "not as it was withdrawn", named)
    yield from _words()


_WRITTEN = f"""
    SELECT o.id, cs.encounter_id, e.id, e.encounter_id, e.encounter_number,
           {", ".join(f"{column}, {told}" for _, column, told in _FIELDS)}
    FROM coding_review_findingoverride o
    JOIN coding_review_codeset cs ON cs.id = o.code_set_id
    FULL JOIN (SELECT * FROM coding_review_auditevent WHERE type = '{WRITTEN}') e
      ON e.data->>'override_id' = o.id::text
    WHERE o.id IS NULL OR e.id IS NULL OR cs.encounter_id IS DISTINCT FROM e.encounter_id
       {" ".join(f"OR {column} IS DISTINCT FROM {told}" for _, column, told in _FIELDS)}
    ORDER BY coalesce(e.encounter_id, cs.encounter_id), e.encounter_number, o.id
"""  # noqa: S608 - column names from the table above


def _written(named: set[int]) -> Iterator[Fault]:
    for override, encounter, event, told_encounter, number, *values in _rows(_WRITTEN):
        named.add(override)
        chain = f"{ENCOUNTER}{told_encounter or encounter}"
        if event is None:
            yield Fault(chain, 0, None, f"override {override}: no event tells of it")
        elif override is None:
            yield Fault(chain, number, event, "the override that it tells of is gone")
        else:
            yield Fault(chain, number, event, f"override {override}: {_difference(values)}")


def _difference(values: list[Any]) -> str:
    pairs = zip((name for name, _, _ in _FIELDS), values[::2], values[1::2], strict=True)
    found = [f"{name} is {row!r}, the log says {told!r}" for name, row, told in pairs if row != told]
    return "; ".join(found) or "it stands on another encounter than the log says"


_WITHDRAWN = f"""
    SELECT o.id, cs.encounter_id, e.id, e.encounter_id, e.encounter_number, e.data->>'override_id',
           o.withdrawn_by_id, e.actor_id
    FROM (SELECT * FROM coding_review_findingoverride WHERE withdrawn_at IS NOT NULL) o
    JOIN coding_review_codeset cs ON cs.id = o.code_set_id
    FULL JOIN (SELECT * FROM coding_review_auditevent WHERE type = '{WITHDRAWN}') e
      ON e.data->>'override_id' = o.id::text
    WHERE o.id IS NULL OR e.id IS NULL OR o.withdrawn_by_id IS DISTINCT FROM e.actor_id
    ORDER BY coalesce(e.encounter_id, cs.encounter_id), e.encounter_number, o.id
"""  # noqa: S608 - the type above


def _withdrawn(named: set[int]) -> Iterator[Fault]:
    gone = {row[0] for row in _rows(_GONE)}
    for override, encounter, event, told_encounter, number, told, by, told_by in _rows(_WITHDRAWN):
        chain = f"{ENCOUNTER}{told_encounter or encounter}"
        if override is not None:
            named.add(override)
        if event is None:
            yield Fault(chain, 0, None, f"override {override}: withdrawn, and no event tells of it")
        elif override is not None:
            who = f"withdrawn by {by}, the log says {told_by}"
            yield Fault(chain, number, event, f"override {override}: {who}")
        elif told not in gone:
            # One that is gone was named by the event of its writing.
            if told is not None and told.isdecimal():
                named.add(int(told))
            yield Fault(chain, number, event, f"override {told}: it was withdrawn and is not any more")


_GONE = f"""
    SELECT e.data->>'override_id' FROM coding_review_auditevent e
    WHERE e.type = '{WRITTEN}' AND NOT EXISTS (
      SELECT FROM coding_review_findingoverride o WHERE o.id::text = e.data->>'override_id')
"""  # noqa: S608 - the type above


def _columns(
    type_: str, hash_of: Callable[[FindingOverride], str], problem: str, named: set[int]
) -> Iterator[Fault]:
    """Every column, by the hash in the event; those written before it had one are compared by their fields only."""
    told = readable(AuditEvent.objects.all()).filter(type=type_, data__has_key="sha256").order_by("pk")
    for block in blocks(told, CHUNK):
        ids = {event.pk: number_in(event.data, "override_id") for event in block}
        rows = FindingOverride.objects.in_bulk([pk for pk in ids.values() if pk is not None])
        for event in block:
            row = rows.get(ids[event.pk] or 0)
            if row is not None and row.pk not in named and hash_of(row) != event.data["sha256"]:
                named.add(row.pk)
                yield of_event(event, f"override {row.pk}: {problem}")


_WORDS = f"""
    SELECT o.id, e.encounter_id, e.id, e.encounter_number
    FROM coding_review_findingoverride o
    JOIN coding_review_auditevent e ON e.type = '{WRITTEN}' AND e.data->>'override_id' = o.id::text
    LEFT JOIN coding_review_findingoverridepayload w ON w.override_id = o.id
    LEFT JOIN coding_review_auditpayload p ON p.event_id = e.id
    WHERE coalesce(w.comment, '') <> coalesce(p.body->>'comment', '')
       OR (w.purged_at IS NULL) <> (p.purged_at IS NULL)
    ORDER BY e.encounter_id, e.encounter_number
"""  # noqa: S608 - the type above


def _words() -> Iterator[Fault]:
    """The comment beside an override is that of the log; both are purged together."""
    for override, encounter, event, number in _rows(_WORDS):
        problem = f"override {override}: its comment is not the one that the log keeps"
        yield Fault(f"{ENCOUNTER}{encounter}", number, event, problem)


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
