"""Writing the audit log. Verifying it: coding_review/audit_check.py; what the chains can prove: docs/audit.md.

An event is written in the transaction of the change it tells of. Each row is numbered and hashed into the
chain of its actor and, where it has one, of its encounter; both previous hashes go into the row's own hash.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from coding_review.kept_reads import KeptModels, prepared_cursor
from coding_review.kept_writes import KeptInsert
from coding_review.models import (
    AuditChain,
    AuditEvent,
    AuditPayload,
    DecisionPayload,
    Encounter,
    FindingOverridePayload,
    GoldJudgementWords,
    GoldReplyWords,
    GoldRulingWords,
)
from coding_review.rules.events import EVENTS

GENESIS = "0" * 64
SYSTEM = "actor:system"
PURGED = "audit.payload_purged"


@dataclass(frozen=True, slots=True)
class _Words:
    """Where the words of an event lie a second time: beside the row that the event tells of."""

    model: type[Model]
    owner: str
    id_field: str
    emptied: Mapping[str, Any]


_WORDS_BESIDE: dict[str, _Words] = {
    "decision": _Words(DecisionPayload, "decision", "decision_id", {"comment": "", "quotes": []}),
    "finding.overridden": _Words(FindingOverridePayload, "override", "override_id", {"comment": ""}),
    "gold.judged": _Words(GoldJudgementWords, "judgement", "judgement_id", {"comment": ""}),
    "gold.code_added": _Words(GoldJudgementWords, "judgement", "judgement_id", {"comment": ""}),
    "gold.ruled": _Words(GoldRulingWords, "ruling", "ruling_id", {"comment": ""}),
    "gold.replied": _Words(GoldReplyWords, "reply", "reply_id", {"comment": ""}),
}


def actor_key(actor: Any) -> str:
    return SYSTEM if actor is None else f"actor:{actor.pk}"


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def as_read_back(value: dict[str, Any]) -> dict[str, Any]:
    """The value as a jsonb column returns it. Raises ValueError for a number that jsonb would change."""

    def number(text: str) -> float:
        # jsonb keeps numerics: 1e20 comes back as an int and -0.0 as 0.0, and the hash would not verify.
        given = float(text)
        if "e+" in text or text == "-0.0":
            raise ValueError(f"{text} does not come back from the database as it was written")
        return given

    def constant(text: str) -> float:
        raise ValueError(f"{text} is not JSON")

    read: dict[str, Any] = json.loads(canonical(value), parse_float=number, parse_constant=constant)
    return read


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
    is decided in rules/events.py, not at the place of writing. The heads of its chains stay locked until
    the transaction ends, so an action records last.
    """
    event_type = EVENTS.get(type_)
    if event_type is None:
        raise ValueError(f"unknown audit event type {type_!r}")
    data, payload = data or {}, {k: v for k, v in (payload or {}).items() if v not in ("", None, [], {})}
    stray = (set(data) - event_type.data) | (set(payload) - event_type.payload)
    if stray:
        raise ValueError(f"audit event {type_} may not carry {', '.join(sorted(stray))}")
    # Through JSON once, so that what is hashed is what will be read back.
    data, payload = as_read_back(data), as_read_back(payload)
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
        data=data,
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
    _EVENTS.add(event)
    if payload:
        _WORDS.add(AuditPayload(event=event, salt=salt, body=payload))
    with prepared_cursor() as cursor:
        cursor.execute(_FORWARD, [event.hash, sorted(keys)])
    return event


_EVENTS = KeptInsert(AuditEvent)
_WORDS = KeptInsert(AuditPayload)
_CHAINS: KeptModels[AuditChain] = KeptModels(
    lambda one, other: AuditChain.objects.select_for_update().filter(key__in=[one, other]).order_by("key"),
    str,
    str,
)
# The ORM takes longer to write this than PostgreSQL to do it.
_FORWARD = (
    "UPDATE coding_review_auditchain SET last_number = last_number + 1, last_hash = %s WHERE key = ANY(%s)"
)


def _locked_chains(keys: set[str]) -> dict[str, AuditChain]:
    """The heads of the chains, locked in key order; made where they do not exist yet."""
    one, *other = sorted(keys)
    wanted = (one, *(other or [one]))
    found = {c.key: c for c in _CHAINS.instances(*wanted)}
    if len(found) < len(keys):
        AuditChain.objects.bulk_create(
            [AuditChain(key=key) for key in sorted(keys - set(found))], ignore_conflicts=True
        )
        found = {c.key: c for c in _CHAINS.instances(*wanted)}
    return found


@transaction.atomic
def purge_payload(event_id: int, *, actor: Any) -> bool:
    """Remove an event's words for good: a tombstone stays, the hash too, and the purge is an event itself.

    The same words beside a decision, an override or a gold judgement go with them.
    False when there were none, or they went before.
    Legal holds and retention periods are the caller's to respect.
    """
    payload = AuditPayload.objects.select_for_update().select_related("event").filter(event=event_id).first()
    if payload is None or payload.purged_at is not None:
        return False
    now = timezone.now()
    AuditPayload.objects.filter(pk=payload.pk).update(body=None, salt="", purged_at=now)
    event = payload.event
    beside = _WORDS_BESIDE.get(event.type)
    if beside is not None:
        rows = beside.model._default_manager.filter(
            **{beside.owner: event.data[beside.id_field]}, purged_at__isnull=True
        )
        rows.update(**beside.emptied, purged_at=now)
    record(PURGED, actor=actor, encounter=event.encounter, data={"event_id": event.pk})
    return True
