"""Sign off a code set: nothing blocks, the lines are frozen with who signed, how, and the editions used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.record_findings import record_findings
from coding_review.auth import require
from coding_review.blocking import blockers_of
from coding_review.choices import CODED_STATES, CodeSetStatus
from coding_review.code_edits import Findings, Standing, findings_of
from coding_review.deciding import require_held
from coding_review.errors import NotAllowed, SignOffBlocked, StalePage
from coding_review.locks import lock_code_set
from coding_review.models import CodeEntry, CodeLine, CodeSet, ReviewerProfile
from coding_review.models.codeset import CodeLineFields
from coding_review.procedures import releases_of
from coding_review.queries import procedure_lines
from coding_review.rules import overrides, reasons, signoff
from coding_review.rules.line_order import line_order
from coding_review.rules.permissions import SIGN_OFF
from coding_review.status import move

STATEMENT = (
    "I have reviewed the documentation of this encounter; the codes are complete and supported by it "
    "to the best of my knowledge."
)
LINE_FIELDS = tuple(f.name for f in CodeLineFields._meta.get_fields())


@transaction.atomic
def sign_off(actor: Any, code_set_id: int, *, seen_revision: int | None = None) -> CodeSet:
    """Raises SignOffBlocked (data names the blockers), StalePage, Frozen, NotYours, NotAllowed."""
    require(actor, SIGN_OFF)
    locked = lock_code_set(code_set_id)
    encounter, code_set = locked.encounter, locked.code_set
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    require_held(encounter, actor)
    if seen_revision is not None and seen_revision != code_set.revision:
        raise StalePage(
            "The code set changed since your page was made. Look at it again before you sign.",
            seen_revision=seen_revision,
            revision=code_set.revision,
        )
    findings = findings_of(code_set)
    record_findings(actor, code_set, findings)
    found = blockers_of(code_set, findings)
    if found:
        raise SignOffBlocked(
            "Sign-off waits for: " + ", ".join(b.message for b in found),
            blockers=[{"id": b.id, "message": b.message, "count": b.count} for b in found],
        )
    entries = sorted((e for e in locked.entries() if e.state in CODED_STATES), key=line_order)
    lines = CodeLine.objects.bulk_create([_line(code_set, e, n) for n, e in enumerate(entries, start=1)])

    profile = ReviewerProfile.objects.filter(user=actor).first()
    code_set.status = CodeSetStatus.SIGNED
    code_set.signed_by, code_set.signed_at = actor, timezone.now()
    code_set.credential = profile.credential if profile else ""
    code_set.statement, code_set.editions = STATEMENT, editions_of(code_set, entries, findings)
    code_set.sha256 = hash_of(code_set, lines)
    code_set.save()
    locked.reading.finished_at = code_set.signed_at
    locked.reading.reader = actor
    locked.reading.save(update_fields=["finished_at", "reader"])
    audit.record(
        "codeset.signed",
        actor=actor,
        encounter=encounter,
        data={
            "code_set_id": code_set.pk,
            "claim_type": str(code_set.claim_type),
            "version": code_set.version,
            "lines": [f"{line.system}:{line.code}" for line in lines],
            "sha256": code_set.sha256,
            "credential": code_set.credential,
            "editions": code_set.editions,
            "release_stands_in": code_set.release_stands_in,
        },
        payload={"statement": STATEMENT},
    )
    if not encounter.code_sets.filter(status=CodeSetStatus.OPEN).exists():
        move(encounter, "sign_off")
        encounter.lease_until = None
        encounter.save(update_fields=["status", "status_reason", "status_since", "lease_until"])
    return code_set


def _line(code_set: CodeSet, entry: CodeEntry, number: int) -> CodeLine:
    values = {name: getattr(entry, name) for name in LINE_FIELDS}
    return CodeLine(code_set=code_set, entry=entry, **{**values, "sequence": number})


def editions_of(code_set: CodeSet, entries: Sequence[CodeEntry], findings: Findings) -> dict[str, Any]:
    """The edition of every table used, so that the set can be read again as it was made.

    `entries` in the order of the lines. "procedures" has, by the number of the line, the release that the
    code was found in; a line that is absent was entered without one.
    """
    release = code_set.release
    runs = code_set.runs.filter(status="done").order_by("pk")
    return {
        "icd10cm": {"edition": str(release), "source_hash": release.source_hash} if release else None,
        "procedures": _procedure_editions(code_set, entries),
        "reasons": reasons.EDITION,
        "sign_off_rules": signoff.EDITION,
        "overrides": overrides.EDITION,
        "code_edits": {"edition": findings.edition, "findings": [_frozen(one) for one in findings.all]},
        "engines": [{"engine": r.engine, "model_version": r.model_version} for r in runs],
    }


def _procedure_editions(code_set: CodeSet, entries: Sequence[CodeEntry]) -> dict[str, dict[str, str]]:
    found = releases_of(procedure_lines(code_set, entries))
    return {
        str(number): {
            "edition": str(release),
            "origin": str(release.origin),
            "source_hash": release.source_hash,
        }
        for number, entry in enumerate(entries, start=1)
        if (release := found.get(entry.pk)) is not None
    }


def _frozen(one: Standing) -> dict[str, Any]:
    """A finding as it stood when it was signed: what was said, by which edition, and who let it stand and why."""
    override = one.override
    return one.finding.as_row() | (
        {
            "override": {
                "id": override.pk,
                "outcome": override.outcome,
                "user": override.user_id,
                "at": override.at.astimezone(UTC).isoformat(timespec="microseconds"),
            }
        }
        if override is not None
        else {}
    )


def hash_of(code_set: CodeSet, lines: list[CodeLine]) -> str:
    """SHA-256 over the lines, who signed them, when and by which editions; kept in the audit log and exports."""
    rows = [[str(getattr(line, name)) for name in LINE_FIELDS] for line in lines]
    signed = [
        code_set.pk,
        code_set.version,
        str(code_set.claim_type),
        code_set.signed_by_id,
        code_set.signed_at.astimezone(UTC).isoformat(timespec="microseconds") if code_set.signed_at else "",
        code_set.credential,
        code_set.statement,
        code_set.release_id,
        code_set.release_stands_in,
        code_set.editions,
    ]
    return hashlib.sha256(audit.canonical([signed, rows]).encode()).hexdigest()
