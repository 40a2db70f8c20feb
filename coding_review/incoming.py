"""An encounter on its way in, however it came: plain data and what makes it unfit to be stored.

Pure: no database. Texts, names and record numbers are kept out of every repr, so that a traceback or a log
line never shows them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from catalog.choices import ClaimType
from coding_review.choices import Confidentiality, DocumentStatus
from modelops.choices import Setting
from modelops.interchange import AGE_UNITS, MAX_DOCUMENTS, string_problem, text_problem

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
SEXES = ("", "F", "M", "X", "U")
PRIORITIES = range(-100, 101)


@dataclass(frozen=True, slots=True)
class IncomingIdentity:
    """Who the patient is; stored apart from everything else."""

    name: str = field(repr=False)
    record_number: str = field(repr=False)
    birth_date: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IncomingPatient:
    """`pseudonym` is the source's stable stand-in for the patient (batch interface: patient_id)."""

    pseudonym: str
    sex: str = ""
    identity: IncomingIdentity | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IncomingDocument:
    """`source_id` is the batch interface's document_id. Times without a zone are the facility's local time."""

    source_id: str
    text: str = field(repr=False)
    type: str = ""
    author: str = field(default="", repr=False)
    author_role: str = ""
    authored_at: datetime | None = None
    signed_at: datetime | None = None
    status: str = DocumentStatus.FINAL


@dataclass(frozen=True, slots=True)
class IncomingEncounter:
    """One delivery about one encounter: it may bring all documents, or only those that are new or changed.

    `facility` and `work_group` are codes. Empty `claim_types` means the batch interface's rule: facility
    inpatient when the setting is inpatient, else professional.
    """

    source: str
    source_id: str
    facility: str
    work_group: str
    documents: tuple[IncomingDocument, ...]
    setting: str = Setting.OUTPATIENT
    claim_types: tuple[str, ...] = ()
    confidentiality: str = Confidentiality.NORMAL
    patient: IncomingPatient | None = None
    account_number: str = field(default="", repr=False)
    admit_date: date | None = None
    discharge_date: date | None = None
    date_of_service: date | None = None
    age: float | None = None
    age_unit: str = "years"
    sex: str = ""
    specialty: str = ""
    payer: str = ""
    priority: int = 0
    synthetic: bool = False

    @property
    def effective_claim_types(self) -> tuple[str, ...]:
        if self.claim_types:
            return self.claim_types
        inpatient = self.setting == Setting.INPATIENT
        return (str(ClaimType.FACILITY_INPATIENT if inpatient else ClaimType.PROFESSIONAL),)


_ENCOUNTER_LENGTHS = {
    "source": 80,
    "source_id": 120,
    "account_number": 80,
    "specialty": 80,
    "payer": 80,
    "facility": 40,
    "work_group": 40,
}
_DOCUMENT_LENGTHS = {"source_id": 120, "type": 80, "author": 120, "author_role": 80}
_REQUIRED = ("source", "source_id", "facility", "work_group")


def problems(incoming: IncomingEncounter) -> list[str]:
    """Everything that keeps the delivery from being stored, in words without any of its text."""
    return [*_encounter_problems(incoming), *_document_problems(incoming.documents)]


def _encounter_problems(incoming: IncomingEncounter) -> Iterator[str]:
    for name in _REQUIRED:
        if not getattr(incoming, name).strip():
            yield f"{name} is missing"
    for name, length in _ENCOUNTER_LENGTHS.items():
        yield from _string_problems(name, getattr(incoming, name), length)
    if incoming.patient is not None:
        yield from _patient_problems(incoming.patient)
    if incoming.setting not in Setting.values:
        yield f"setting is not one of {', '.join(Setting.values)}"
    if any(claim_type not in ClaimType.values for claim_type in incoming.claim_types):
        yield f"claim_type is not one of {', '.join(ClaimType.values)}"
    if len(set(incoming.claim_types)) < len(incoming.claim_types):
        yield "claim_type is named twice"
    if incoming.confidentiality not in Confidentiality.values:
        yield f"confidentiality is not one of {', '.join(Confidentiality.values)}"
    if incoming.sex not in SEXES:
        yield "sex is not one of F, M, X, U"
    if incoming.age_unit not in AGE_UNITS:
        yield f"age_unit is not one of {', '.join(AGE_UNITS)}"
    if incoming.age is not None and not (math.isfinite(incoming.age) and 0 <= incoming.age <= 50_000):
        yield "age is not a number from 0 on"
    if incoming.priority not in PRIORITIES:
        yield f"priority is not a whole number from {PRIORITIES[0]} to {PRIORITIES[-1]}"
    for name in ("admit_date", "discharge_date", "date_of_service"):
        yield from _date_problems(name, getattr(incoming, name))
    admitted, discharged = incoming.admit_date, incoming.discharge_date
    if admitted is not None and discharged is not None and discharged < admitted:
        yield "discharge_date is before admit_date"


def _patient_problems(patient: IncomingPatient) -> Iterator[str]:
    if not patient.pseudonym.strip():
        yield "patient_id is missing"
    yield from _string_problems("patient_id", patient.pseudonym, 120)
    if patient.sex not in SEXES:
        yield "sex is not one of F, M, X, U"
    if patient.identity is not None:
        if not patient.identity.name.strip():
            yield "patient_name is missing"
        yield from _string_problems("patient_name", patient.identity.name, 200)
        yield from _string_problems("record_number", patient.identity.record_number, 80)
        yield from _date_problems("birth_date", patient.identity.birth_date)


def _document_problems(documents: tuple[IncomingDocument, ...]) -> Iterator[str]:
    if not documents:
        yield "there is no document"
    if len(documents) > MAX_DOCUMENTS:
        yield f"there are over {MAX_DOCUMENTS} documents"
    seen: set[str] = set()
    for number, document in enumerate(documents, start=1):
        where = f"document {number}: " if len(documents) > 1 else ""
        if not document.source_id.strip():
            yield f"{where}document_id is missing"
        elif document.source_id in seen:
            yield f"{where}document_id is used twice"
        seen.add(document.source_id)
        for name, length in _DOCUMENT_LENGTHS.items():
            shown = "document_id" if name == "source_id" else name
            yield from (f"{where}{p}" for p in _string_problems(shown, getattr(document, name), length))
        if document.status not in DocumentStatus.values:
            yield f"{where}status is not one of {', '.join(DocumentStatus.values)}"
        for name in ("authored_at", "signed_at"):
            moment = getattr(document, name)
            yield from (f"{where}{p}" for p in _date_problems(name, moment.date() if moment else None))
        if problem := text_problem(document.text):
            yield f"{where}{problem}"


def _string_problems(name: str, value: str, length: int) -> Iterator[str]:
    if len(value) > length:
        yield f"{name} is longer than {length} characters"
    if problem := string_problem(value):
        yield f"{name} {problem}"


def _date_problems(name: str, value: date | None) -> Iterator[str]:
    if value is not None and not EARLIEST <= value <= LATEST:
        yield f"{name} is not between {EARLIEST.year} and {LATEST.year}"
