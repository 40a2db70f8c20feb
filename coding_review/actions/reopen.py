"""Reopen a signed code set as the next version, with a reason; the signed one stays as it is."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.actions.carry_over import catch_up
from coding_review.actions.claim import lease_end
from coding_review.actions.override_finding import write_override
from coding_review.actions.queue_prediction import queue_prediction
from coding_review.auth import require
from coding_review.choices import (
    CODED_STATES,
    CodeSetStatus,
    DecisionAction,
    EncounterStatus,
    EntryState,
    ReadingKind,
    ReopenReason,
    RunStatus,
    RunTrigger,
)
from coding_review.counters import refresh_counters
from coding_review.deciding import begin_for_system, snapshot
from coding_review.errors import InvalidDecision, NotAllowed, NotYours, WrongStatus
from coding_review.locks import LockedSet, lock_encounter
from coding_review.models import (
    CodeEntry,
    CodeSet,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    FindingOverride,
    Reading,
)
from coding_review.rules.permissions import REOPEN
from coding_review.status import move


@transaction.atomic
def reopen(actor: Any, code_set_id: int, *, reason: str, comment: str = "") -> CodeSet:
    """The new open version. Raises InvalidDecision without a reason, NotYours, WrongStatus, NotAllowed."""
    require(actor, REOPEN)
    if reason not in ReopenReason.values:
        raise InvalidDecision("Choose why it is reopened.", field="reason")
    encounter = lock_encounter(CodeSet.objects.values_list("encounter_id", flat=True).get(pk=code_set_id))
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if encounter.owner_id not in (None, actor.pk):
        raise NotYours(
            "The encounter is with someone else. A lead can give it to you.", owner_id=encounter.owner_id
        )
    code_set = CodeSet.objects.select_for_update(no_key=True).get(pk=code_set_id)
    if encounter.status != EncounterStatus.IN_REVIEW:
        move(encounter, "reopen")
    encounter.owner, encounter.lease_until = actor, lease_end()
    encounter.save(update_fields=["status", "status_reason", "status_since", "owner", "lease_until"])
    return reopen_locked(actor, encounter, code_set, reason=reason, comment=comment)


def reopen_locked(
    actor: Any, encounter: Encounter, code_set: CodeSet, *, reason: str, comment: str
) -> CodeSet:
    """The caller holds the locks and has checked the rights; the encounter's status is the caller's."""
    if code_set.status != CodeSetStatus.SIGNED:
        raise WrongStatus("Only the signed version of a code set can be reopened.")
    code_set.status = CodeSetStatus.SUPERSEDED
    code_set.save(update_fields=["status"])
    new = CodeSet.objects.create(
        encounter=encounter,
        claim_type=code_set.claim_type,
        version=code_set.version + 1,
        release=code_set.release,
        release_stands_in=code_set.release_stands_in,
        reopened_from=code_set,
        reopen_reason=reason,
    )
    _carry_entries(encounter, code_set, new)
    catch_up(encounter)
    _carry_overrides(actor, encounter, code_set, new)
    audit.record(
        "codeset.reopened",
        actor=actor,
        encounter=encounter,
        data={
            "code_set_id": new.pk,
            "from_code_set_id": code_set.pk,
            "claim_type": str(new.claim_type),
            "version": new.version,
            "reason": reason,
        },
        payload={"comment": comment},
    )
    if _documents_changed(encounter, code_set):
        queue_prediction(actor, encounter, RunTrigger.REOPENED)
    refresh_counters(encounter)
    return new


def _carry_overrides(actor: Any, encounter: Encounter, old: CodeSet, new: CodeSet) -> None:
    """What was let stand in the signed version stands in the next one for the same codes, by who said so."""
    carried = FindingOverride.objects.standing().filter(code_set=old).select_related("payload")
    for before in carried.order_by("pk"):
        entries = CodeEntry.objects.filter(
            reading__code_set=new, code__in=before.codes, state__in=CODED_STATES
        ).order_by("pk")
        override = FindingOverride.objects.create(
            code_set=new,
            check_id=before.check_id,
            codes=before.codes,
            entries=list(entries.values_list("pk", flat=True)),
            severity=before.severity,
            outcome=before.outcome,
            outcomes_edition=before.outcomes_edition,
            checks_edition=before.checks_edition,
            user=before.user,
            at=before.at,
            carried_from=before,
        )
        payload = getattr(before, "payload", None)
        write_override(actor, encounter, override, payload.comment if payload is not None else "")


def _documents_changed(encounter: Encounter, signed: CodeSet) -> bool:
    """Whether the engine has not yet read what now lies there: otherwise there is nothing new to suggest."""
    last = signed.runs.filter(status=RunStatus.DONE).order_by("-pk").first()
    if last is None:
        return True
    now = DocumentVersion.objects.latest_of(encounter).values_list("pk", flat=True)
    return set(now) != set(last.documents.values_list("pk", flat=True))


def _carry_entries(encounter: Encounter, old: CodeSet, new: CodeSet) -> None:
    """Every entry goes over as it was decided, each with a decision that says so."""
    old_reading = Reading.objects.get(code_set=old, kind=ReadingKind.CODING)
    reading = Reading.objects.create(code_set=new, kind=ReadingKind.CODING, assistance=old_reading.assistance)
    act = begin_for_system(LockedSet(encounter, new, reading))
    entries = old_reading.entries.exclude(state=EntryState.WITHDRAWN).order_by("pk")
    for entry in entries.prefetch_related("evidence"):
        evidence = list(entry.evidence.all())
        copy = CodeEntry.objects.get(pk=entry.pk)
        copy.pk, copy.reading, copy.version = None, reading, 0
        copy.state = EntryState.UNDECIDED
        before = snapshot(copy)
        copy._state.adding = True
        copy.save()
        for e in evidence:
            e.pk, e.entry = None, copy
            e._state.adding = True
        EntryEvidence.objects.bulk_create(evidence)
        if entry.state != EntryState.UNDECIDED:
            copy.state = entry.state
            act.write(copy, DecisionAction.CARRY_OVER, before)
    act.finish()
