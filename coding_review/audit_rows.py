"""Whether the rows that the audit log tells of still say what it says: decisions, signed code sets, overrides, gold
judgements, texts.

The chains prove that the log is whole; this proves that what it was written about was not changed beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from coding_review.actions.sign_off import hash_of
from coding_review.audit_check import ENCOUNTER, Fault, blocks, number_in, of_event, readable
from coding_review.audit_gold import verify_gold
from coding_review.audit_overrides import verify_overrides
from coding_review.deciding import FIELDS
from coding_review.decision_hash import decision_hash
from coding_review.models import AuditEvent, CodeSet, Decision, FindingOverride, GoldJudgement, GoldRuling

CHUNK = 500
SIGNED = "codeset.signed"
# Fields that a decision and its event both have.
_DECISION_FIELDS = ("action", "system", "code_before", "code_after", "reason", "assistance")


@dataclass(slots=True)
class RowCounts:
    decisions: int = 0
    code_sets: int = 0
    overrides: int = 0
    gold: int = 0
    texts: int = 0


def verify_rows(counts: RowCounts, *, texts: bool = False) -> Iterator[Fault]:
    """Every row that differs from its event, or has none. `texts` hashes every document anew, which takes longest.

    To be read to its end in a snapshot() of audit_check.
    """
    named: set[int] = set()
    yield from _decisions(counts, named)
    yield from _decision_words()
    yield from _entries(named)
    yield from _code_sets(counts)
    counts.overrides = FindingOverride.objects.count()
    yield from verify_overrides()
    counts.gold = GoldJudgement.objects.count() + GoldRuling.objects.count()
    yield from verify_gold()
    if texts:
        yield from _texts(counts)


_DECISIONS = f"""
    SELECT d.id, cs.encounter_id, e.id, e.encounter_id, e.encounter_number,
           {", ".join(f"d.{name}, e.data->>'{name}'" for name in _DECISION_FIELDS)},
           d.entry_id::text, e.data->>'entry_id',
           d.actor_id::text, e.actor_id::text
    FROM coding_review_decision d
    JOIN coding_review_reading r ON r.id = d.reading_id
    JOIN coding_review_codeset cs ON cs.id = r.code_set_id
    FULL JOIN (SELECT * FROM coding_review_auditevent WHERE type = 'decision') e
      ON e.data->>'decision_id' = d.id::text
    WHERE d.id IS NULL OR e.id IS NULL OR cs.encounter_id IS DISTINCT FROM e.encounter_id
       OR d.entry_id::text IS DISTINCT FROM e.data->>'entry_id' OR d.actor_id IS DISTINCT FROM e.actor_id
       {" ".join(f"OR d.{name} IS DISTINCT FROM e.data->>'{name}'" for name in _DECISION_FIELDS)}
    ORDER BY coalesce(e.encounter_id, cs.encounter_id), e.encounter_number, d.id
"""  # noqa: S608 - field names from the table above


def _decisions(counts: RowCounts, entries: set[int]) -> Iterator[Fault]:
    """The entries of what is named are put into `entries`: that these differ then too is no news."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM coding_review_decision")
        counts.decisions = cursor.fetchone()[0]
        cursor.execute(_DECISIONS)
        named = set()
        for decision, encounter, event, told_encounter, number, *values in cursor.fetchall():
            named.add(decision)
            entries.update(int(pk) for pk in values[-4:-2] if pk is not None and pk.isdecimal())
            chain = f"{ENCOUNTER}{told_encounter or encounter}"
            if event is None:
                yield Fault(chain, 0, None, f"decision {decision}: no event tells of it")
            elif decision is None:
                yield Fault(chain, number, event, "the decision that it tells of is gone")
            else:
                yield Fault(chain, number, event, f"decision {decision}: {_difference(values)}")

    for told in blocks(readable(AuditEvent.objects.all()).filter(type="decision").order_by("pk"), CHUNK):
        ids = {event.pk: number_in(event.data, "decision_id") for event in told}
        rows = Decision.objects.in_bulk([pk for pk in ids.values() if pk is not None])
        for event in told:
            decision_row = rows.get(ids[event.pk] or 0)
            if decision_row is None or decision_row.pk in named:
                continue
            if decision_hash(decision_row) != event.data.get("sha256"):
                entries.add(decision_row.entry_id)
                yield of_event(event, f"decision {decision_row.pk}: not what was decided")


_WORDS = """
    SELECT d.id, e.encounter_id, e.id, e.encounter_number
    FROM coding_review_decisionpayload w
    JOIN coding_review_decision d ON d.id = w.decision_id
    JOIN coding_review_auditevent e ON e.type = 'decision' AND e.data->>'decision_id' = d.id::text
    LEFT JOIN coding_review_auditpayload p ON p.event_id = e.id
    WHERE (w.purged_at IS NULL) <> (p.body IS NOT NULL)
       OR w.purged_at IS NULL AND (w.comment <> coalesce(p.body->>'comment', '')
                                   OR w.quotes <> coalesce(p.body->'quotes', '[]'::jsonb))
    ORDER BY e.encounter_id, e.encounter_number
"""


def _decision_words() -> Iterator[Fault]:
    """Comments and quotes beside decisions are those of the log; both are purged together."""
    with connection.cursor() as cursor:
        cursor.execute(_WORDS)
        for decision, encounter, event, number in cursor.fetchall():
            problem = f"decision {decision}: its comment or quotes are not those that the log keeps"
            yield Fault(f"{ENCOUNTER}{encounter}", number, event, problem)


_ENTRIES = f"""
    SELECT n.id, cs.encounter_id, d.id, e.id, e.encounter_number
    FROM coding_review_codeentry n
    JOIN coding_review_reading r ON r.id = n.reading_id
    JOIN coding_review_codeset cs ON cs.id = r.code_set_id
    LEFT JOIN LATERAL (
        SELECT id, after FROM coding_review_decision WHERE entry_id = n.id ORDER BY number DESC LIMIT 1
    ) d ON true
    LEFT JOIN coding_review_auditevent e ON e.type = 'decision' AND e.data->>'decision_id' = d.id::text
    WHERE CASE WHEN d.id IS NULL THEN n.state <> 'undecided'
          ELSE {" OR ".join(f"coalesce(to_jsonb(n.{f}), 'null') IS DISTINCT FROM d.after->'{f}'" for f in FIELDS)} END
    ORDER BY cs.encounter_id, n.id
"""  # noqa: S608 - field names from deciding.FIELDS


def _entries(named: set[int]) -> Iterator[Fault]:
    """A code under review is what its latest decision left: what is signed next is made of these rows."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES)
        for entry, encounter, decision, event, number in cursor.fetchall():
            if entry in named:
                continue
            problem = (
                f"not what its latest decision ({decision}) left"
                if decision
                else "changed without a decision"
            )
            yield Fault(f"{ENCOUNTER}{encounter}", number or 0, event, f"code entry {entry}: {problem}")


def _difference(values: list[Any]) -> str:
    names = (*_DECISION_FIELDS, "entry", "reviewer")
    pairs = zip(names, values[::2], values[1::2], strict=True)
    found = [f"{name} is {row!r}, the log says {told!r}" for name, row, told in pairs if row != told]
    return "; ".join(found) or "it stands on another encounter than the log says"


def _code_sets(counts: RowCounts) -> Iterator[Fault]:
    signed = CodeSet.objects.filter(signed_at__isnull=False)
    for block in blocks(signed.prefetch_related("lines").order_by("pk"), CHUNK):
        counts.code_sets += len(block)
        events = _signings(AuditEvent.objects.filter(encounter__in={c.encounter_id for c in block}))
        for code_set in block:
            event = events.get(code_set.pk)
            if event is None:
                problem = f"code set {code_set.pk}: no event tells of its signing"
                yield Fault(f"{ENCOUNTER}{code_set.encounter_id}", 0, None, problem)
            elif hash_of(code_set, list(code_set.lines.all())) != event.data.get("sha256"):
                yield of_event(
                    event, f"code set {code_set.pk}: not what was signed (version {code_set.version})"
                )
    for told in blocks(readable(AuditEvent.objects.all()).filter(type=SIGNED).order_by("pk"), CHUNK):
        signings = {event.pk: number_in(event.data, "code_set_id") for event in told}
        standing = set(
            signed.filter(pk__in=[pk for pk in signings.values() if pk is not None]).values_list(
                "pk", flat=True
            )
        )
        for event in told:
            if signings[event.pk] not in standing:
                problem = f"code set {signings[event.pk]}: it was signed and is not any more"
                yield of_event(event, problem)


def _signings(events: QuerySet[AuditEvent]) -> dict[int, AuditEvent]:
    found = ((number_in(event.data, "code_set_id"), event) for event in readable(events).filter(type=SIGNED))
    return {pk: event for pk, event in found if pk is not None}


_TEXTS = """
    SELECT d.encounter_id, d.id, v.version,
           encode(sha256(convert_to(v.text, 'UTF8')), 'hex') = v.sha256 AS whole, e.id, e.encounter_number
    FROM coding_review_documentversion v
    JOIN coding_review_document d ON d.id = v.document_id
    LEFT JOIN coding_review_auditevent e
      ON e.encounter_id = d.encounter_id AND (
        (e.type = 'document.received' AND e.data->>'document_version_id' = v.id::text
         AND e.data->>'text_hash' = v.sha256)
        OR (e.type = 'encounter.received' AND e.data->'documents' @> to_jsonb(v.id)
            AND e.data->'text_hashes' @> to_jsonb(v.sha256::text)))
    WHERE e.id IS NULL OR encode(sha256(convert_to(v.text, 'UTF8')), 'hex') <> v.sha256
    ORDER BY d.encounter_id, d.id, v.version
"""


def _texts(counts: RowCounts) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM coding_review_documentversion")
        counts.texts = cursor.fetchone()[0]
        cursor.execute(_TEXTS)
        for encounter, document, version, whole, event, number in cursor.fetchall():
            what = f"document {document} version {version}"
            problem = f"{what}: the text was altered" if not whole else f"{what}: no event tells of this text"
            yield Fault(f"{ENCOUNTER}{encounter}", number or 0, event, problem)
