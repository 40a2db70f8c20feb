"""The frame of the review page: whose stay it is, who has it, why it cannot be changed, how it is signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Sum

from coding_review.actions.sign_off import STATEMENT
from coding_review.auth import RoleBackend
from coding_review.choices import (
    BEFORE_REVIEW,
    PREDICTION_CANCELLED,
    TAKEABLE,
    AlertKind,
    CodeSetStatus,
    Confidentiality,
    EncounterStatus,
    HoldReason,
    ReopenReason,
    RunStatus,
    SkipReason,
)
from coding_review.models import ActiveTime, CodeSet, Encounter, Hold, PredictionRun, ReviewerProfile
from coding_review.rules.permissions import CODE_ENCOUNTER, REOPEN, SIGN_OFF
from coding_review.web import words
from coding_review.web.review_page import Alert, ClaimTab, Header, Lease, Option, SignOff

# What `prediction` says of one that ended without an answer, as a heading.
UNANSWERED = {"failed": "The prediction failed", "cancelled": "The prediction was cancelled"}


def display_name(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


def header(encounter: Encounter, code_sets: Sequence[CodeSet], current: CodeSet) -> Header:
    identity = getattr(encounter.patient, "identity", None) if encounter.patient else None
    label = ""
    if encounter.confidentiality != Confidentiality.NORMAL:
        label = encounter.get_confidentiality_display()
    return Header(
        name=identity.name if identity else "Patient not named",
        sex_age=words.sex_age(encounter),
        record_number=identity.record_number if identity else "",
        stay=words.stay(encounter),
        payer=encounter.payer,
        account_number=encounter.account_number,
        claim_tabs=tuple(
            ClaimTab(
                claim_type=c.claim_type,
                label=c.get_claim_type_display(),
                version=c.version,
                current=c.pk == current.pk,
                state="signed off" if c.status == CodeSetStatus.SIGNED else "",
            )
            for c in code_sets
        ),
        label=label,
    )


def lease(encounter: Encounter, code_set: CodeSet, user: Any) -> Lease:
    mine = encounter.owner_id == user.pk and encounter.status == EncounterStatus.IN_REVIEW
    can_code = RoleBackend().has_perm(user, CODE_ENCOUNTER)
    can_take = can_code and (
        (encounter.status in TAKEABLE and encounter.owner_id in (None, user.pk))
        or (mine and not encounter.has_lease())
    )
    return Lease(mine=mine, line=_lease_line(encounter, code_set, user), can_take=can_take, can_code=can_code)


def _lease_line(encounter: Encounter, code_set: CodeSet, user: Any) -> str:
    if encounter.owner is None:
        return "with nobody"
    until = (
        f"until {words.clock(encounter.lease_until)}"
        if encounter.lease_until and encounter.has_lease()
        else ""
    )
    if encounter.owner_id != user.pk:
        return f"with {display_name(encounter.owner)} {until or '(parked)'}".strip()
    seconds = ActiveTime.objects.filter(code_set=code_set, user=user).aggregate(s=Sum("seconds"))["s"] or 0
    active = f"{seconds // 60} min active" if seconds >= 60 else f"{seconds} s active"
    if encounter.status == EncounterStatus.SIGNED_OFF:
        return active
    return f"yours {until or '(parked)'} · {active}"


def read_only(encounter: Encounter, code_set: CodeSet, user: Any) -> str:
    """Why nothing can be changed and what to do; empty when this user may decide."""
    if code_set.status != CodeSetStatus.OPEN:
        return (
            "Signed off. Reopen it to change codes."
            if RoleBackend().has_perm(user, REOPEN)
            else "Signed off."
        )
    if not RoleBackend().has_perm(user, CODE_ENCOUNTER):
        return "You can read this encounter. Deciding on codes needs the role of a coder."
    if encounter.status in BEFORE_REVIEW:
        return "The engine is at work. You can read; suggestions appear here."
    if encounter.status == EncounterStatus.FAILED:
        why = encounter.status_reason.rstrip(".") or "see the history"
        return f"{why}." if why == PREDICTION_CANCELLED.rstrip(".") else f"The prediction failed: {why}."
    if encounter.status == EncounterStatus.ON_HOLD:
        return (
            "On hold. Resume it to decide." if encounter.owner_id == user.pk else "On hold with someone else."
        )
    if encounter.status in TAKEABLE:
        if encounter.owner_id in (None, user.pk):
            return "Take this encounter to decide on its codes."
        return f"Waits for {display_name(encounter.owner)}."
    if encounter.owner_id != user.pk:
        return f"{display_name(encounter.owner)} has this encounter. A lead can give it to you."
    return ""


def sign_off_panel(
    encounter: Encounter, code_set: CodeSet, user: Any, profile: ReviewerProfile | None
) -> SignOff:
    signer = display_name(user) + (f", {profile.credential}" if profile and profile.credential else "")
    signed = ""
    if code_set.status == CodeSetStatus.SIGNED and code_set.signed_by:
        who = display_name(code_set.signed_by) + (f", {code_set.credential}" if code_set.credential else "")
        signed = f"Signed off {words.moment(code_set.signed_at)} by {who}, version {code_set.version}"
    backend = RoleBackend()
    may_decide = not read_only(encounter, code_set, user)
    return SignOff(
        statement=STATEMENT,
        signer=signer,
        signed=signed,
        can_sign=may_decide and backend.has_perm(user, SIGN_OFF),
        can_reopen=code_set.status == CodeSetStatus.SIGNED
        and backend.has_perm(user, REOPEN)
        and encounter.owner_id in (None, user.pk),
        reopen_reasons=tuple(Option(r.value, str(r.label)) for r in ReopenReason),
    )


def hold_line(held: Hold | None) -> str:
    if held is None:
        return ""
    parts = [held.get_reason_display(), f"since {words.waited(held.since)}", display_name(held.owner)]
    if held.expected_on:
        parts.append(f"expected {words.day(held.expected_on)}")
    return ", ".join(parts)


def hold_reasons() -> tuple[Option, ...]:
    return tuple(Option(r.value, str(r.label)) for r in HoldReason)


def skip_reasons() -> tuple[Option, ...]:
    return tuple(Option(r.value, str(r.label)) for r in SkipReason)


def alerts(encounter: Encounter) -> tuple[Alert, ...]:
    rows = encounter.alerts.filter(resolved_at__isnull=True).select_related("document_version__document")
    kinds = {AlertKind.NEW_DOCUMENT: "came", AlertKind.NEW_VERSION: "changed"}
    return tuple(
        Alert(
            id=a.pk,
            text=f"{a.document_version.document.type or 'A document'} {kinds[AlertKind(a.kind)]} {words.moment(a.at)}"
            + (", after sign-off" if a.after_sign_off else ""),
            document=a.document_version_id,
        )
        for a in rows.defer("document_version__text").order_by("pk")
    )


def prediction(runs: Sequence[PredictionRun]) -> tuple[str, str]:
    """("", ""), or "running", "failed" or "cancelled" with what to say. `runs` of the code set, newest first."""
    if not runs:
        return "", ""
    run = runs[0]
    if run.status == RunStatus.QUEUED:
        before = _queued_before(run.pk)
        return (
            "running",
            f"Waiting for the engine, {before} before it" if before else "Waiting for the engine",
        )
    if run.status == RunStatus.RUNNING:
        since = words.waited(run.started_at) if run.started_at else ""
        return "running", f"The engine reads the documents, {since}".rstrip(", ")
    if run.status == RunStatus.CANCELLED:
        return "cancelled", "Somebody stopped it before there was an answer."
    if run.status == RunStatus.FAILED:
        return "failed", run.error or "The prediction failed"
    return "", ""


def fallback(runs: Sequence[PredictionRun]) -> str:
    """Which engine stood in for which in the newest answer; empty where the one asked gave it."""
    done = next((run for run in runs if run.status == RunStatus.DONE), None)
    if done is None or not done.fallback_from:
        return ""
    return f"The engine {done.fallback_from} could not be reached for long, so {done.engine} made these suggestions."


def _queued_before(run_id: int) -> int:
    return PredictionRun.objects.filter(status=RunStatus.QUEUED, pk__lt=run_id).count()
