"""Writing and verifying the audit log.

An event is written in the transaction of the change it tells of. Each row is numbered and hashed into the
chain of its actor and, where it has one, of its encounter; both previous hashes go into the row's own hash.
Sources of failure that verify() names: altered, missing, reordered or cut-off rows, altered payloads.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review.models import AuditChain, AuditEvent, AuditPayload, Encounter
from coding_review.rules.events import EVENTS

GENESIS = "0" * 64
SYSTEM = "actor:system"


def actor_key(actor: Any) -> str:
    return SYSTEM if actor is None else f"actor:{actor.pk}"


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def row_hash(event: AuditEvent) -> str:
    """SHA-256 over everything in the row but its primary key and the hash itself."""
    return hashlib.sha256(
        canonical(
            [
                event.type,
                event.at.astimezone(UTC).isoformat(timespec="microseconds"),
                event.actor_id,
                event.encounter_id,
                event.data,
                event.payload_hash,
                event.encounter_number,
                event.encounter_prev_hash,
                event.actor_key,
                event.actor_number,
                event.actor_prev_hash,
            ]
        ).encode()
    ).hexdigest()


def payload_hash(salt: str, body: Any) -> str:
    return hashlib.sha256((salt + canonical(body)).encode()).hexdigest()


def record(
    type_: str,
    *,
    actor: Any,
    encounter: Encounter | None = None,
    data: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event; must run inside the transaction of the change. `actor` None is the system.

    Raises ValueError for an unknown type or a field the type does not name: what an event may carry
    is decided in rules/events.py, not at the place of writing.
    """
    event_type = EVENTS.get(type_)
    if event_type is None:
        raise ValueError(f"unknown audit event type {type_!r}")
    data, payload = data or {}, {k: v for k, v in (payload or {}).items() if v not in ("", None, [], {})}
    stray = (set(data) - event_type.data) | (set(payload) - event_type.payload)
    if stray:
        raise ValueError(f"audit event {type_} may not carry {', '.join(sorted(stray))}")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("audit events are written in the change's transaction")

    chain_of_actor = actor_key(actor)
    keys = {chain_of_actor} | ({f"encounter:{encounter.pk}"} if encounter else set())
    chains = _locked_chains(keys)
    mine = chains[chain_of_actor]
    event = AuditEvent(
        type=type_,
        at=timezone.now(),
        actor=actor,
        encounter=encounter,
        # Through JSON once, so that what is hashed is what will be read back.
        data=json.loads(canonical(data)),
        actor_key=chain_of_actor,
        actor_number=mine.last_number + 1,
        actor_prev_hash=mine.last_hash,
    )
    if encounter is not None:
        its = chains[f"encounter:{encounter.pk}"]
        event.encounter_number, event.encounter_prev_hash = its.last_number + 1, its.last_hash
    salt = secrets.token_hex(16) if payload else ""
    if payload:
        event.payload_hash = payload_hash(salt, payload)
    event.hash = row_hash(event)
    event.save(force_insert=True)
    if payload:
        AuditPayload.objects.create(event=event, salt=salt, body=payload)
    for chain in chains.values():
        chain.last_number += 1
        chain.last_hash = event.hash
    AuditChain.objects.bulk_update(chains.values(), ["last_number", "last_hash"])
    return event


def _locked_chains(keys: set[str]) -> dict[str, AuditChain]:
    """The heads of the chains, locked in key order; made where they do not exist yet."""
    found = {c.key: c for c in AuditChain.objects.select_for_update().filter(key__in=keys).order_by("key")}
    if len(found) < len(keys):
        AuditChain.objects.bulk_create(
            [AuditChain(key=key) for key in keys - set(found)], ignore_conflicts=True
        )
        found = {
            c.key: c for c in AuditChain.objects.select_for_update().filter(key__in=keys).order_by("key")
        }
    return found


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


def verify(encounter_id: int | None = None) -> Iterator[Fault]:
    """Every fault in the log (or in one encounter's chain), streaming; nothing is kept in memory but heads."""
    chains = AuditChain.objects.order_by("key")
    if encounter_id is not None:
        chains = chains.filter(key=f"encounter:{encounter_id}")
    known = set()
    for chain in chains.iterator(chunk_size=2000):
        known.add(chain.key)
        yield from _verify_chain(chain)
    if encounter_id is None:
        strays = AuditEvent.objects.order_by("actor_key").values_list("actor_key", flat=True).distinct()
        for key in set(strays) - known:
            yield Fault(key, 0, None, "the head of this chain is missing")
        with_encounter = AuditEvent.objects.filter(encounter__isnull=False)
        for pk in with_encounter.order_by("encounter").values_list("encounter", flat=True).distinct():
            if f"encounter:{pk}" not in known:
                yield Fault(f"encounter:{pk}", 0, None, "the head of this chain is missing")


def _verify_chain(chain: AuditChain) -> Iterator[Fault]:
    kind, _, key = chain.key.partition(":")
    events = AuditEvent.objects.select_related("payload")
    if kind == "encounter":
        events = events.filter(encounter_id=int(key)).order_by("encounter_number")
    else:
        events = events.filter(actor_key=chain.key).order_by("actor_number")
    number, previous = 0, GENESIS
    for event in events.iterator(chunk_size=1000):
        its_number = event.encounter_number if kind == "encounter" else event.actor_number
        its_previous = event.encounter_prev_hash if kind == "encounter" else event.actor_prev_hash
        while its_number is not None and number + 1 < its_number:
            number += 1
            yield Fault(chain.key, number, None, "row removed")
            previous = ""
        number += 1
        if previous and its_previous != previous:
            yield Fault(
                chain.key, number, event.pk, "does not follow the row before it (reordered or replaced)"
            )
        # The actor chain holds every row, so each row's own hash is checked there once.
        if kind == "actor":
            yield from _verify_row(chain.key, number, event)
        previous = event.hash
    while number < chain.last_number:
        number += 1
        yield Fault(chain.key, number, None, "row removed")
        previous = ""
    if number > chain.last_number:
        yield Fault(
            chain.key, number, None, f"more rows than the head of the chain knows ({chain.last_number})"
        )
    elif previous and previous != chain.last_hash:
        yield Fault(chain.key, number, None, "the last row is not the one the head of the chain knows")


def _verify_row(key: str, number: int, event: AuditEvent) -> Iterator[Fault]:
    if row_hash(event) != event.hash:
        yield Fault(key, number, event.pk, "row altered")
    if not event.payload_hash:
        return
    payload = getattr(event, "payload", None)
    if payload is None:
        yield Fault(key, number, event.pk, "payload removed without a tombstone")
    elif payload.body is not None and payload_hash(payload.salt, payload.body) != event.payload_hash:
        yield Fault(key, number, event.pk, "payload altered")
