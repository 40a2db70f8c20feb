"""Let a finding of a code edit stand, with a reason; and take that back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.edits.engine import EDITION
from coding_review import audit
from coding_review.actions.record_findings import record_findings
from coding_review.code_edits import Findings, Standing, findings_of
from coding_review.deciding import Act, begin
from coding_review.errors import InvalidDecision, StalePage
from coding_review.models import Encounter, FindingOverride, FindingOverridePayload
from coding_review.override_hash import override_hash, withdrawn_hash
from coding_review.rules import overrides


@transaction.atomic
def override_finding(
    actor: Any, code_set_id: int, *, check: str, codes: Collection[str], outcome: str, comment: str = ""
) -> FindingOverride:
    """`codes`, in any order, name the finding among those of the check. Another reason replaces the one before.

    Raises StalePage (no such finding on the code set now), InvalidDecision (no reason, none that the check offers,
    a reason that needs a comment, or a check that no reason can heal), NotAllowed, Frozen, WrongStatus, NotYours.
    """
    act = begin(actor, code_set_id)
    found = findings_of(act.code_set)
    record_findings(actor, act.code_set, found)
    finding = _finding(found, check, tuple(sorted(codes)))
    if not finding.outcomes:
        raise InvalidDecision("No reason can settle this finding: the codes have to change.", check=check)
    offered = {choice.id: choice for choice in finding.outcomes}
    if outcome not in offered:
        raise InvalidDecision("Choose a reason that this finding offers.", field="outcome")
    if offered[outcome].comment_required and not comment.strip():
        raise InvalidDecision("This reason needs a comment.", field="comment")
    standing = FindingOverride.objects.standing().filter(
        code_set=act.code_set, check_id=check, codes=list(finding.key[1])
    )
    for before in standing.select_related("payload"):
        if before.outcome == outcome and _comment_of(before) == comment.strip():
            return before
        _withdraw(act, before)
    override = FindingOverride.objects.create(
        code_set=act.code_set,
        check_id=check,
        codes=list(finding.key[1]),
        entries=[row.pk for row in finding.rows],
        severity=finding.finding.severity,
        outcome=outcome,
        outcomes_edition=overrides.EDITION,
        checks_edition=EDITION,
        user=actor,
    )
    write_override(actor, act.encounter, override, comment.strip())
    act.touch()
    return override


@transaction.atomic
def withdraw_override(actor: Any, code_set_id: int, override_id: int) -> FindingOverride:
    """The finding stands again. Withdrawn before: nothing happens.

    Raises InvalidDecision (not of this code set), NotAllowed, Frozen, WrongStatus, NotYours.
    """
    act = begin(actor, code_set_id)
    override = FindingOverride.objects.filter(pk=override_id, code_set=act.code_set).first()
    if override is None:
        raise InvalidDecision("This override does not belong to the code set.", override_id=override_id)
    if override.withdrawn_at is None:
        _withdraw(act, override)
        act.touch()
    return override


def write_override(actor: Any, encounter: Encounter, override: FindingOverride, comment: str) -> None:
    """The comment beside the row, and the event of a new override."""
    if comment:
        FindingOverridePayload.objects.create(override=override, comment=comment)
    audit.record(
        "finding.overridden",
        actor=actor,
        encounter=encounter,
        data={
            "override_id": override.pk,
            "code_set_id": override.code_set_id,
            "check": override.check_id,
            "severity": override.severity,
            "codes": override.codes,
            "outcome": override.outcome,
            "outcomes_edition": override.outcomes_edition,
            "checks_edition": override.checks_edition,
            "sha256": override_hash(override),
            **({"carried_from": override.carried_from_id} if override.carried_from_id else {}),
        },
        payload={"comment": comment},
    )


def _withdraw(act: Act, override: FindingOverride) -> None:
    override.withdrawn_at, override.withdrawn_by = timezone.now(), act.actor
    override.save(update_fields=["withdrawn_at", "withdrawn_by"])
    audit.record(
        "finding.override_withdrawn",
        actor=act.actor,
        encounter=act.encounter,
        data={
            "override_id": override.pk,
            "code_set_id": act.code_set.pk,
            "check": override.check_id,
            "codes": override.codes,
            "outcome": override.outcome,
            "sha256": withdrawn_hash(override),
        },
    )


def _finding(found: Findings, check: str, codes: tuple[str, ...]) -> Standing:
    for finding in found.failed:
        if finding.key == (check, codes):
            return finding
    raise StalePage(
        "This finding is not on the code set any more: its codes changed. Look at the findings again.",
        check=check,
        codes=list(codes),
    )


def _comment_of(override: FindingOverride) -> str:
    payload = getattr(override, "payload", None)
    return payload.comment if payload is not None else ""
