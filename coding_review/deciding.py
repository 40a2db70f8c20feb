"""The common ground of all decisions: who may, on what, against which state of the page; how one is written.

Used by coding_review/actions/ only. Every decision is a row of its own, mirrored onto its entry, counted
into the encounter's figures and told to the audit log, in one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Max, Q
from django.utils import timezone

from catalog.choices import CodeRole, CodeSystem
from catalog.keys import code_key
from catalog.models import Code, Release
from coding_review import audit
from coding_review.auth import require
from coding_review.choices import CODED_STATES, Assistance, EncounterStatus, EntryState
from coding_review.counters import refresh_counters
from coding_review.decision_hash import decision_hash
from coding_review.errors import InvalidCode, InvalidDecision, NotAllowed, NotYours, StalePage, WrongStatus
from coding_review.exposures import keep_exposures, level_on_card
from coding_review.kept_reads import KeptModels, KeptValues
from coding_review.kept_writes import KeptInsert, KeptUpdate
from coding_review.locks import LockedSet, lock_code_set, lock_entry
from coding_review.models import (
    CodeEntry,
    CodeSet,
    Decision,
    DecisionPayload,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    Exposure,
)
from coding_review.places import Place, quote_at
from coding_review.procedures import checked_procedure, procedure_date, procedure_release
from coding_review.rules import reasons
from coding_review.rules.permissions import CODE_ENCOUNTER

# What a decision may change about an entry, and what undo therefore restores.
FIELDS = (
    "state",
    "system",
    "code",
    "title",
    "reason",
    "role",
    "poa",
    "sequence",
    "modifiers",
    "units",
    "service_date",
    "rendering_provider",
    "diagnosis_pointers",
)
# Lines that repeat a code on purpose, so the same code may stand twice.
REPEATING_ROLES = frozenset({CodeRole.ADMITTING, CodeRole.REASON_FOR_VISIT})


def snapshot(entry: CodeEntry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in FIELDS}
    if isinstance(values["service_date"], date):
        values["service_date"] = values["service_date"].isoformat()
    values["modifiers"], values["diagnosis_pointers"] = list(entry.modifiers), list(entry.diagnosis_pointers)
    return {name: str(v) if isinstance(v, str) else v for name, v in values.items()}


def restore(entry: CodeEntry, values: dict[str, Any]) -> None:
    for name in FIELDS:
        value = values[name]
        if name == "service_date" and value is not None:
            value = date.fromisoformat(value)
        setattr(entry, name, value)


def evidence_snapshot(entry: CodeEntry) -> list[dict[str, Any]]:
    """Places without quotes: the text is in the document version."""
    return [
        {
            "document_version": e.document_version_id,
            "line_start": e.line_start,
            "line_end": e.line_end,
            "col_start": e.col_start,
            "col_end": e.col_end,
            "by_reviewer": e.by_reviewer,
            "stands": e.stands,
        }
        for e in entry.evidence.all()
    ]


def restore_evidence(entry: CodeEntry, places: list[dict[str, Any]]) -> None:
    entry.evidence.all().delete()
    versions = DocumentVersion.objects.in_bulk({p["document_version"] for p in places})
    rows = []
    for order, values in enumerate(places):
        version = versions[values["document_version"]]
        place = Place(values["line_start"], values["line_end"], values["col_start"], values["col_end"])
        rows.append(
            EntryEvidence(
                entry=entry,
                document_version=version,
                order=order,
                line_start=place.line_start,
                line_end=place.line_end,
                col_start=place.col_start,
                col_end=place.col_end,
                quote=quote_at(version.lines, place),
                by_reviewer=values["by_reviewer"],
                stands=values["stands"],
            )
        )
    EntryEvidence.objects.bulk_create(rows)


class CodedLine(NamedTuple):
    pk: int
    system: str
    code: str
    role: str
    sequence: int


def billable_node(release: Release | None, code: str) -> Code:
    """A billable code of the release. Raises InvalidCode and says why not."""
    if release is None:
        raise InvalidCode("No loaded ICD-10-CM release covers the date of this encounter.", code=code)
    node = _NODES.first(release.pk, code_key(code))
    if node is None:
        raise InvalidCode(f"{code} is not in {release}.", code=code)
    if not node.billable:
        raise InvalidCode(f"{node.code} is not billable in {release}: a longer code is needed.", code=code)
    return node


@dataclass(slots=True)
class Act:
    """One act of one person on one open code set, which may hold several decisions (one batch)."""

    actor: Any
    locked: LockedSet
    batch: uuid.UUID
    undoes: dict[int, Decision] = field(default_factory=dict)
    redoes: dict[int, Decision] = field(default_factory=dict)
    written: list[Decision] = field(default_factory=list)
    repeated: bool = False
    # Who decides on a card was shown it, also where no script reported it.
    on_card: bool = False
    _number: int | None = None
    _same: bool = False
    _coded: list[CodedLine] | None = None

    @property
    def encounter(self) -> Encounter:
        return self.locked.encounter

    @property
    def code_set(self) -> CodeSet:
        return self.locked.code_set

    def already_done(self) -> bool:
        """The same form sent twice (double click, retry) carries the same batch id."""
        self._look_back()
        return self._same

    def entry(self, entry_id: int, seen_version: int | None = None) -> CodeEntry:
        """The entry, locked; raises StalePage when it changed since the page that sent the act was made."""
        entry = (
            CodeEntry.objects.select_for_update(of=("self",), no_key=True)
            .select_related("suggestion__run")
            .filter(pk=entry_id, reading=self.locked.reading)
            .first()
        )
        # The locked rows, so that who gets the entry back need not read them again.
        if entry is not None:
            entry.reading = self.locked.reading
        return self.checked(entry, entry_id, seen_version)

    def checked(self, entry: CodeEntry | None, entry_id: int, seen_version: int | None) -> CodeEntry:
        """The locked entry, if there is one and it is as the page showed it. Raises InvalidDecision, StalePage."""
        if entry is None:
            raise InvalidDecision("This code does not belong to the code set.", entry_id=entry_id)
        if seen_version is not None and entry.version != seen_version:
            raise StalePage(
                "This code was changed since your page was made. Both states are shown; decide again.",
                entry_id=entry.pk,
                seen_version=seen_version,
                version=entry.version,
                state=str(entry.state),
                code=entry.code,
            )
        return entry

    def node(self, code: str) -> Code:
        """A billable code of the code set's release. Raises InvalidCode and says why not."""
        return billable_node(self.code_set.release, code)

    def coded(self, entry: CodeEntry, code: str) -> tuple[str, str]:
        """The code of the entry's system and its title, complete and in force on the line's day.

        Raises InvalidCode and says why not.
        """
        if entry.system == CodeSystem.ICD10CM:
            node = self.node(code)
            return node.code, node.title
        on = procedure_date(self.encounter, self.code_set.claim_type, entry.system, entry.service_date)
        return checked_procedure(entry.system, code, on)

    def _release_of(self, entry: CodeEntry) -> Release | None:
        if entry.system == CodeSystem.ICD10CM:
            return self.code_set.release
        on = procedure_date(self.encounter, self.code_set.claim_type, entry.system, entry.service_date)
        return procedure_release(entry.system, on)

    def refuse_duplicate(self, entry: CodeEntry, system: str, code: str) -> None:
        if entry.role in REPEATING_ROLES:
            return
        if any(
            line.system == system
            and line.code == code
            and line.pk != entry.pk
            and line.role not in REPEATING_ROLES
            for line in self._coded_lines()
        ):
            # What is entered by hand has no row yet that could be rejected.
            then = " Reject this one as a duplicate." if entry.pk else ""
            raise InvalidDecision(f"{code} is already in the code set.{then}", code=code)

    def next_sequence(self) -> int:
        return max((line.sequence for line in self._coded_lines()), default=0) + 1

    def _coded_lines(self) -> list[CodedLine]:
        if self._coded is None:
            self._coded = [CodedLine(*row) for row in _CODED.rows(self.locked.reading.pk)]
        return self._coded

    def write(
        self,
        entry: CodeEntry,
        action: str,
        before: dict[str, Any],
        *,
        comment: str = "",
        places_before: list[dict[str, Any]] | None = None,
    ) -> Decision:
        """Save the entry as changed and append the decision with its audit event.

        With `places_before`, the evidence as it stands now is kept in the decision too.
        """
        after = snapshot(entry)
        evidence = _evidence_of(entry)
        if places_before is not None:
            before, after = (
                {**before, "evidence": places_before},
                {**after, "evidence": evidence_snapshot(entry)},
            )
        entry.version += 1
        _CHANGED.save(entry)
        self._coded = None
        undoes, redoes = self.undoes.get(entry.pk), self.redoes.get(entry.pk)
        reading = self.locked.reading
        exposure = self._exposure_of(entry)
        run = entry.suggestion.run if entry.suggestion is not None else None
        decision = Decision(
            entry=entry,
            reading=reading,
            number=self._next_number(),
            batch=self.batch,
            action=action,
            actor=self.actor,
            undoes=undoes,
            redoes=redoes,
            system=entry.system,
            code_before=before["code"] if before["state"] != EntryState.WITHDRAWN else "",
            code_after=after["code"] if after["state"] != EntryState.WITHDRAWN else "",
            reason=entry.reason if action != "withdraw" else "",
            reasons_edition=reasons.EDITION if entry.reason else "",
            before=before,
            after=after,
            assistance=exposure.assistance
            if exposure
            else _assistance_without_exposure(entry, reading.assistance),
            # A code of the coder's own stands in the list too, at a place that says nothing.
            rank_shown=exposure.rank if exposure and exposure.band else None,
            band_shown=exposure.band if exposure else "",
            confidence_shown=exposure.confidence if exposure else None,
            first_shown_at=exposure.first_shown_at if exposure else None,
            evidence_opened=bool(exposure and exposure.evidence_opened_at),
            engine=run.engine if run else "",
            model_version=run.model_version if run else "",
            release_name=str(self._release_of(entry) or ""),
            evidence_place=_place_of(evidence),
        )
        _DECISIONS.add(decision)
        quotes = [e.quote for e in evidence]
        if comment or quotes:
            _WORDS.add(DecisionPayload(decision=decision, comment=comment, quotes=quotes))
        audit.record(
            "decision",
            actor=self.actor,
            encounter=self.encounter,
            data={
                "decision_id": decision.pk,
                "entry_id": entry.pk,
                "code_set_id": self.code_set.pk,
                "action": str(action),
                "system": entry.system,
                "code_before": decision.code_before,
                "code_after": decision.code_after,
                "reason": decision.reason,
                "state_before": before["state"],
                "state_after": after["state"],
                "assistance": str(decision.assistance),
                "batch": str(self.batch),
                "sha256": decision_hash(decision),
                **_changed_field(before, after),
                **({"undoes": undoes.pk} if undoes else {}),
                **({"redoes": redoes.pk} if redoes else {}),
            },
            payload={"comment": comment, "quotes": quotes},
        )
        self.written.append(decision)
        return decision

    def _exposure_of(self, entry: CodeEntry) -> Exposure | None:
        if self.actor is None:
            return None
        reading = self.locked.reading
        shown = _EXPOSURES.first(entry.pk, self.actor.pk)
        if shown is None and self.on_card:
            keep_exposures(reading, [entry], self.actor, level_on_card(reading))
            shown = _EXPOSURES.first(entry.pk, self.actor.pk)
        return shown

    def finish(self) -> None:
        """After the last write of the act: revision, lease, figures."""
        if self.written:
            self.touch()

    def touch(self) -> None:
        """The code set is another one than the pages show, though none of its entries need be."""
        self.code_set.revision += 1
        _REVISION.save(self.code_set)
        if self.actor is not None:
            self.encounter.lease_until = timezone.now() + timedelta(minutes=settings.LEASE_MINUTES)
            refresh_counters(self.encounter, with_lease=True)
        else:
            refresh_counters(self.encounter)

    def _look_back(self) -> None:
        """One look at the decisions so far: the last number, and whether this act is among them."""
        if self._number is None:
            ((last, same),) = _DECIDED.rows(self.batch, self.locked.reading.pk) or [(0, 0)]
            self._number, self._same = last, bool(same)

    def _next_number(self) -> int:
        self._look_back()
        self._number = (self._number or 0) + 1
        return self._number


# The last number of a reading's decisions and how many of them are of one act; no row where there are none.
_DECIDED = KeptValues(
    lambda batch, reading: (
        Decision.objects.filter(reading=reading)
        .order_by()
        .values("reading")
        .annotate(last=Max("number"), same=Count("pk", filter=Q(batch=batch)))
        .values_list("last", "same")
    ),
    uuid.UUID,
    int,
)
_EXPOSURES: KeptModels[Exposure] = KeptModels(
    lambda entry, user: Exposure.objects.filter(entry=entry, user=user), int, int
)
# As catalog.queries.get_node; the name as it is kept.
_NODES: KeptModels[Code] = KeptModels(
    lambda release, key: Code.objects.filter(release=release).named(key), int, str
)
_CODED = KeptValues(
    lambda reading: CodeEntry.objects.filter(reading=reading, state__in=CODED_STATES).values_list(
        *CodedLine._fields
    ),
    int,
)
_EVIDENCE: KeptModels[EntryEvidence] = KeptModels(
    lambda entry: (
        EntryEvidence.objects.filter(entry=entry)
        .select_related("document_version")
        .defer("document_version__text")
    ),
    int,
)
_CHANGED = KeptUpdate(CodeEntry)
_DECISIONS = KeptInsert(Decision)
_WORDS = KeptInsert(DecisionPayload)
_REVISION = KeptUpdate(CodeSet, "revision")


def begin(actor: Any, code_set_id: int, batch: uuid.UUID | None = None) -> Act:
    """Permission, locks and the rules every decision shares; call inside the action's transaction.

    Raises NotAllowed, Frozen, WrongStatus, NotYours.
    """
    require(actor, CODE_ENCOUNTER)
    return _begun(actor, lock_code_set(code_set_id), batch)


def _begun(actor: Any, locked: LockedSet, batch: uuid.UUID | None) -> Act:
    if not locked.encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    require_held(locked.encounter, actor)
    return Act(actor, locked, batch or uuid.uuid4())


def begin_on(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    seen_version: int | None,
    batch: uuid.UUID | None,
    *,
    on_card: bool = False,
) -> tuple[Act, CodeEntry]:
    """As begin, for an act on one entry, which is locked with it. Raises StalePage too.

    Where the act was done before (`act.repeated`) the entry is as it stands, whatever version was seen.
    `on_card`: the person acts on the entry's card, and so was shown it.
    """
    require(actor, CODE_ENCOUNTER)
    locked, entry = lock_entry(code_set_id, entry_id)
    act = _begun(actor, locked, batch)
    act.on_card = on_card
    act.repeated = act.already_done()
    return act, act.checked(entry, entry_id, None if act.repeated else seen_version)


def begin_for_system(locked: LockedSet) -> Act:
    """For decisions no person makes (carry-over after a new document or run)."""
    return Act(None, locked, uuid.uuid4())


def require_held(encounter: Encounter, actor: Any) -> None:
    """The encounter is in review and with this person. A lease that ran out parks it to its owner, who may go on."""
    if encounter.status != EncounterStatus.IN_REVIEW:
        raise WrongStatus(
            f"The encounter is {encounter.get_status_display().lower()}: take it before deciding.",
            status=str(encounter.status),
        )
    if encounter.owner_id != actor.pk:
        raise NotYours("The encounter is with someone else.", owner_id=encounter.owner_id)


def require_reason(reason: str, comment: str) -> None:
    if reason not in reasons.FAMILY_OF:
        raise InvalidDecision("Choose a reason.", field="reason")
    if reason in reasons.COMMENT_REQUIRED and not comment.strip():
        raise InvalidDecision("This reason needs a comment.", field="comment")


def _assistance_without_exposure(entry: CodeEntry, reading_assistance: str) -> str:
    """An added code has no suggestion to be shown: what counts is what the reader had seen by then."""
    return reading_assistance if entry.suggestion_id is None else Assistance.NONE


def _evidence_of(entry: CodeEntry) -> list[EntryEvidence]:
    """As it stands now; whoever goes on with the entry finds it fetched."""
    return _EVIDENCE.prefetch(entry, "evidence", entry.pk)


def _place_of(evidence: Iterable[EntryEvidence]) -> dict[str, Any]:
    for e in evidence:
        return {
            "document_id": e.document_version.document_id,
            "version": e.document_version.version,
            "line_start": e.line_start,
            "line_end": e.line_end,
            "col_start": e.col_start,
            "col_end": e.col_end,
        }
    return {}


def _changed_field(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The one field other than state, code, title and reason that changed, if any."""
    for name in ("role", "poa", "sequence", "modifiers", "units", "service_date", "diagnosis_pointers"):
        if before[name] != after[name]:
            return {"field": name, "value_before": before[name], "value_after": after[name]}
    return {}
