"""Take in one delivery about an encounter: create it, add what is new, never overwrite a text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.carry_over import carry_over
from coding_review.actions.fill_in import DATES, fill_in
from coding_review.actions.queue_prediction import queue_prediction
from coding_review.auth import require
from coding_review.choices import (
    BEFORE_REVIEW,
    AlertKind,
    CodeSetStatus,
    DocumentStatus,
    EncounterStatus,
    RunTrigger,
    labels_up_to,
)
from coding_review.delivery_differences import differences, same_identity
from coding_review.errors import InvalidImport, NotAllowed
from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingPatient, problems
from coding_review.models import (
    CodeSet,
    Document,
    DocumentAlert,
    DocumentVersion,
    Encounter,
    Membership,
    Patient,
    PatientIdentity,
    WorkGroup,
)
from coding_review.releases import choose_release
from coding_review.rules.permissions import IMPORT
from coding_review.rules.reading_order import position_of
from modelops.engines.types import split_lines

# In these nobody has looked at the encounter yet: a further document only joins the prediction.
_NOT_SEEN = BEFORE_REVIEW | {EncounterStatus.FAILED}


class Outcome(models.TextChoices):
    CREATED = "created", "New encounter"
    UNCHANGED = "unchanged", "Already there, unchanged"
    NEW_DOCUMENT = "new_document", "New document"
    NEW_VERSION = "new_version", "Document changed"
    FILLED_IN = "filled_in", "Missing details filled in"
    LATE_AFTER_SIGN_OFF = "late_after_sign_off", "Came after sign-off: alert"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery.

    `document_version_ids` are the versions stored by it. `updated` names fields that were empty and now are
    filled, and fields that followed the source; `kept` what differs from the source and was left
    as it is here; both without values.
    """

    outcome: str
    encounter_id: int
    document_version_ids: tuple[int, ...] = ()
    updated: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def receive_encounter(actor: Any, incoming: IncomingEncounter, *, via: str, bulk: bool = False) -> Receipt:
    """Idempotent by (source, source id) and the hash of each text; safe under parallel deliveries.

    `actor` None is the system. `via` says which door it came through (paste, upload, command, api, demo),
    `bulk` that it is one of many that come together, and nobody waits for this one.
    A delivery may bring only some documents of a known encounter; those not named stay. The text of a
    document that is already stored as any of its versions is not stored again.
    Raises NotAllowed, InvalidImport; then nothing is stored.
    """
    if actor is not None:
        require(actor, IMPORT)
    found = problems(incoming)
    if found:
        raise InvalidImport("; ".join(found), problems=found)
    with transaction.atomic():
        work_group = _work_group(actor, incoming)
        _require_label(actor, work_group.pk, incoming.confidentiality)
        encounter, created = _locked_encounter(actor, incoming, work_group)
        if created:
            return _fill(actor, encounter, incoming, via, bulk=bulk)
        return _Delivery(actor, encounter, incoming, via, bulk).take_in()


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _work_group(actor: Any, incoming: IncomingEncounter) -> WorkGroup:
    work_group = (
        WorkGroup.objects.select_related("facility")
        .filter(facility__code=incoming.facility, code=incoming.work_group)
        .first()
    )
    if work_group is None:
        raise InvalidImport("There is no such facility and work group.", field="work_group")
    _require_membership(actor, work_group.pk)
    return work_group


def _require_membership(actor: Any, work_group_id: int) -> None:
    if actor is None:
        return
    if not Membership.objects.filter(user_id=actor.pk, work_group_id=work_group_id).exists():
        raise NotAllowed("You are not a member of this work group.", permission=IMPORT)


def _require_label(actor: Any, work_group_id: int, label: str) -> None:
    """Nobody brings in what they may not open: the answer would tell what is known of it here."""
    if actor is None:
        return
    ceiling = Membership.objects.values_list("ceiling", flat=True).get(
        user_id=actor.pk, work_group_id=work_group_id
    )
    if label not in labels_up_to(ceiling):
        raise NotAllowed("Its confidentiality label is above yours in this work group.", permission=IMPORT)


def _locked_encounter(
    actor: Any, incoming: IncomingEncounter, work_group: WorkGroup
) -> tuple[Encounter, bool]:
    """The row, locked, and whether this delivery made it; of two at the same time one makes it."""
    known = Encounter.objects.select_for_update(no_key=True).filter(
        source=incoming.source, source_id=incoming.source_id
    )
    encounter = known.first()
    if encounter is not None:
        return encounter, False
    try:
        with transaction.atomic():
            return _new_encounter(actor, incoming, work_group), True
    except IntegrityError:
        # The other delivery has committed by now: a unique index makes the second writer wait.
        return known.get(), False


def _new_encounter(actor: Any, incoming: IncomingEncounter, work_group: WorkGroup) -> Encounter:
    sex = incoming.sex or (incoming.patient.sex if incoming.patient else "")
    return Encounter.objects.create(
        source=incoming.source,
        source_id=incoming.source_id,
        account_number=incoming.account_number,
        patient=_patient(actor, incoming.source, incoming.patient, sex) if incoming.patient else None,
        facility=work_group.facility,
        work_group=work_group,
        confidentiality=incoming.confidentiality,
        synthetic=incoming.synthetic,
        setting=incoming.setting,
        claim_types=list(incoming.effective_claim_types),
        specialty=incoming.specialty,
        payer=incoming.payer,
        age=incoming.age,
        age_unit=incoming.age_unit,
        sex=sex,
        admit_date=incoming.admit_date,
        discharge_date=incoming.discharge_date,
        date_of_service=incoming.date_of_service,
        sort_date=incoming.discharge_date or incoming.date_of_service,
        priority=incoming.priority,
        document_count=len(incoming.documents),
    )


def _patient(actor: Any, source: str, incoming: IncomingPatient, sex: str) -> Patient:
    patient, created = Patient.objects.get_or_create(
        source=source, pseudonym=incoming.pseudonym, defaults={"sex": incoming.sex or sex}
    )
    if not created:
        _require_known_patient(actor, patient, incoming)
    if incoming.identity is not None:
        PatientIdentity.objects.get_or_create(
            patient=patient,
            defaults={
                "name": incoming.identity.name,
                "record_number": incoming.identity.record_number,
                "birth_date": incoming.identity.birth_date,
            },
        )
    return patient


def _require_known_patient(actor: Any, patient: Patient, incoming: IncomingPatient) -> None:
    """A pseudonym alone opens no name: it could be guessed, and the new encounter's page would show it."""
    known = PatientIdentity.objects.filter(patient=patient).first()
    if actor is None or known is None:
        return
    if incoming.identity is not None and same_identity(incoming.identity, known):
        return
    if not Encounter.objects.visible_to(actor).filter(patient=patient).exists():
        raise NotAllowed(
            "This patient is known from encounters that are not open to you: send the same name, record number "
            "and birth date too.",
            permission=IMPORT,
        )


def _aware(moment: datetime | None, encounter: Encounter) -> datetime | None:
    """A time without a zone is the facility's."""
    if moment is None or timezone.is_aware(moment):
        return moment
    return moment.replace(tzinfo=ZoneInfo(encounter.facility.time_zone))


def _add_document(encounter: Encounter, incoming: IncomingDocument) -> Document:
    return Document.objects.create(
        encounter=encounter,
        source_id=incoming.source_id,
        type=incoming.type,
        author=incoming.author,
        author_role=incoming.author_role,
        authored_at=_aware(incoming.authored_at, encounter),
        signed_at=_aware(incoming.signed_at, encounter),
        status=incoming.status,
        position=position_of(incoming.type),
    )


def _add_version(document: Document, number: int, text: str) -> DocumentVersion:
    return DocumentVersion.objects.create(
        document=document,
        version=number,
        text=text,
        sha256=hash_of(text),
        line_count=len(split_lines(text)),
        received_at=timezone.now(),
    )


def _fill(actor: Any, encounter: Encounter, incoming: IncomingEncounter, via: str, *, bulk: bool) -> Receipt:
    """Documents, code sets, audit event and prediction of an encounter this delivery has made."""
    versions = [_add_version(_add_document(encounter, d), 1, d.text) for d in incoming.documents]
    for claim_type in encounter.claim_types:
        chosen = choose_release(encounter, claim_type)
        CodeSet.objects.create(
            encounter=encounter,
            claim_type=claim_type,
            release=chosen.release,
            release_stands_in=chosen.stands_in,
        )
    audit.record(
        "encounter.received",
        actor=actor,
        encounter=encounter,
        data={
            "source_id_hash": hash_of(f"{encounter.source}\n{encounter.source_id}"),
            "documents": [version.pk for version in versions],
            "text_hashes": [version.sha256 for version in versions],
            "claim_types": list(encounter.claim_types),
            "via": via,
        },
    )
    queue_prediction(actor, encounter, RunTrigger.ARRIVAL, bulk=bulk)
    return Receipt(Outcome.CREATED, encounter.pk, tuple(version.pk for version in versions))


@dataclass(slots=True)
class _Change:
    """A document that is new, has another text, or began or ceased to count (entered in error)."""

    version: DocumentVersion
    kind: AlertKind
    previous: DocumentVersion | None = None
    counts: bool = True


@dataclass(slots=True)
class _Delivery:
    """A delivery about an encounter that exists; its row is locked."""

    actor: Any
    encounter: Encounter
    incoming: IncomingEncounter
    via: str
    bulk: bool
    changes: list[_Change] = field(default_factory=list)
    stored: list[DocumentVersion] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    filled: tuple[str, ...] = ()

    def take_in(self) -> Receipt:
        _require_membership(self.actor, self.encounter.work_group_id)
        _require_label(self.actor, self.encounter.work_group_id, self.encounter.confidentiality)
        self._refuse_other_patient()
        self._raise_label()
        if not self._any_signed():
            self.filled = fill_in(self.actor, self.encounter, self.incoming, via=self.via)
            self.updated += self.filled
        self.kept += differences(self.incoming, self.encounter)
        documents = {d.source_id: d for d in self.encounter.documents.order_by("pk")}
        for incoming in self.incoming.documents:
            document = documents.get(incoming.source_id)
            if document is None:
                self._new_document(incoming)
            else:
                self._known_document(document, incoming)
        return Receipt(
            self._follow_up(),
            self.encounter.pk,
            tuple(version.pk for version in self.stored),
            tuple(self.updated),
            tuple(self.kept),
        )

    def _any_signed(self) -> bool:
        signed = CodeSet.objects.current().filter(encounter=self.encounter, status=CodeSetStatus.SIGNED)
        return signed.exists()

    def _refuse_other_patient(self) -> None:
        theirs, ours = self.incoming.patient, self.encounter.patient
        if theirs is not None and ours is not None and theirs.pseudonym != ours.pseudonym:
            raise InvalidImport(
                "This encounter is already here for another patient.", encounter_id=self.encounter.pk
            )

    def _raise_label(self) -> None:
        """The source may close an encounter further, at any status; it never opens one. No one loses their work:
        an owner whose membership no longer reaches the label keeps it until a lead gives it to another coder.
        """
        before, after = self.encounter.confidentiality, self.incoming.confidentiality
        if after in labels_up_to(before):
            return
        self.encounter.confidentiality = after
        self.encounter.save(update_fields=["confidentiality"])
        self.updated.append("confidentiality")
        audit.record(
            "encounter.label_raised",
            actor=self.actor,
            encounter=self.encounter,
            data={"value_before": str(before), "value_after": str(after), "via": self.via},
        )

    def _new_document(self, incoming: IncomingDocument) -> None:
        version = _add_version(_add_document(self.encounter, incoming), 1, incoming.text)
        self.stored.append(version)
        counts = incoming.status != DocumentStatus.ENTERED_IN_ERROR
        if counts:
            self.changes.append(_Change(version, AlertKind.NEW_DOCUMENT))

    def _known_document(self, document: Document, incoming: IncomingDocument) -> None:
        counted = document.status != DocumentStatus.ENTERED_IN_ERROR
        self._update_document(document, incoming)
        counts = document.status != DocumentStatus.ENTERED_IN_ERROR
        versions = list(document.versions.defer("text").order_by("version"))
        latest = next(version for version in versions if version.is_latest)
        previous = None
        same = next((version for version in versions if version.sha256 == hash_of(incoming.text)), None)
        if same is None:
            previous = latest
            DocumentVersion.objects.filter(pk=latest.pk).update(is_latest=False)
            latest = _add_version(document, versions[-1].version + 1, incoming.text)
            self.stored.append(latest)
        elif same.pk != latest.pk:
            self.kept.append(
                f"text of a document (it is its version {same.version}; {latest.version} is newer)"
            )
        if counts and not counted:
            self.changes.append(_Change(latest, AlertKind.NEW_DOCUMENT, previous))
        elif counted and not counts:
            self.changes.append(_Change(latest, AlertKind.NEW_VERSION, previous or latest, counts=False))
        elif counts and previous is not None:
            self.changes.append(_Change(latest, AlertKind.NEW_VERSION, previous))

    def _update_document(self, document: Document, incoming: IncomingDocument) -> None:
        """Status and time of signature follow the source; the rest is kept and reported."""
        signed_at = _aware(incoming.signed_at, self.encounter)
        followed: dict[str, tuple[Any, Any]] = {}
        if incoming.status != document.status:
            followed["status"] = (str(document.status), incoming.status)
        if signed_at is not None and signed_at != document.signed_at:
            followed["signed_at"] = (_iso(document.signed_at), _iso(signed_at))
            document.signed_at = signed_at
        if followed:
            document.status = incoming.status
            document.save(update_fields=["status", "signed_at"])
        for name, (before, after) in followed.items():
            self.updated.append(f"{name} of a document")
            audit.record(
                "document.updated",
                actor=self.actor,
                encounter=self.encounter,
                data={
                    "document_id": document.pk,
                    "field": name,
                    "value_before": before,
                    "value_after": after,
                    "via": self.via,
                },
            )
        authored_at = _aware(incoming.authored_at, self.encounter)
        differ = [
            name
            for name in ("type", "author", "author_role")
            if getattr(incoming, name) != getattr(document, name)
        ]
        if authored_at != document.authored_at:
            differ.append("authored_at")
        self.kept += [f"{name} of a document" for name in differ]

    def _follow_up(self) -> str:
        """Alerts, evidence, prediction; gives the outcome."""
        encounter = self.encounter
        signed_off = encounter.status == EncounterStatus.SIGNED_OFF
        # Also where only one of the code sets is signed: for that one it came after sign-off.
        any_signed = self._any_signed()
        for version in self.stored:
            audit.record(
                "document.received",
                actor=self.actor,
                encounter=encounter,
                data={
                    "document_id": version.document_id,
                    "document_version_id": version.pk,
                    "version": version.version,
                    "text_hash": version.sha256,
                    "late": encounter.status not in _NOT_SEEN,
                    "via": self.via,
                },
            )
        if self.stored:
            encounter.document_count = encounter.documents.count()
        if self.changes and encounter.status not in _NOT_SEEN:
            DocumentAlert.objects.bulk_create(
                DocumentAlert(
                    encounter=encounter,
                    document_version=change.version,
                    kind=change.kind,
                    after_sign_off=any_signed,
                )
                for change in self.changes
            )
            encounter.open_alerts += len(self.changes)
        encounter.save(update_fields=["document_count", "open_alerts"])
        if not self.changes:
            if set(self.filled) & set(DATES):
                # The date chooses the release, without which nothing was predicted.
                queue_prediction(self.actor, encounter, RunTrigger.RETRY, bulk=self.bulk)
            if self.stored:
                return Outcome.NEW_DOCUMENT
            return Outcome.FILLED_IN if self.filled else Outcome.UNCHANGED
        if signed_off:
            return Outcome.LATE_AFTER_SIGN_OFF
        for change in self.changes:
            if change.previous is not None:
                carry_over(encounter, change.previous, change.version if change.counts else None)
        queue_prediction(self.actor, encounter, RunTrigger.DOCUMENT, bulk=self.bulk)
        kinds = {change.kind for change in self.changes}
        return Outcome.NEW_DOCUMENT if AlertKind.NEW_DOCUMENT in kinds else Outcome.NEW_VERSION


def _iso(moment: datetime | None) -> str:
    return timezone.localtime(moment, timezone.get_default_timezone()).isoformat() if moment else ""
