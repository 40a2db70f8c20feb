"""The batch interface (JSONL, one object a line), with the further fields an encounter may be sent with.

An encounter's own: facility, work_group, confidentiality, account_number, claim_types (a list, instead of
claim_type), patient_name, record_number, birth_date, priority, synthetic; a document's: author, signed_at,
status. An encounter_id joins several lines to one encounter: then a lone text is its document named by id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from catalog.choices import ClaimType
from coding_review.choices import Confidentiality, DocumentStatus
from coding_review.errors import InvalidImport
from coding_review.incoming import (
    IncomingDocument,
    IncomingEncounter,
    IncomingIdentity,
    IncomingPatient,
    problems,
)
from coding_review.intake.rows import UTF16_MESSAGE, Defaults, Row, RowError, Seen, is_utf16, raw_lines
from modelops.choices import Setting
from modelops.interchange import (
    BadChart,
    ChartIn,
    chart_of_object,
    object_of_line,
    one_of,
    read_date,
    read_field,
    read_moment,
    read_string,
)

_NO_DEFAULTS = Defaults(source="api")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadChart("not true or false")
    return value


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadChart("not a whole number")
    return value


def _claim_types(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise BadChart("not a list with at least one claim type")
    return tuple(_claim_type(item) for item in value)


_claim_type = one_of(ClaimType.values)

ENCOUNTER_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "facility": read_string,
    "work_group": read_string,
    "confidentiality": one_of(Confidentiality.values),
    "account_number": read_string,
    "claim_types": _claim_types,
    "patient_name": read_string,
    "record_number": read_string,
    "birth_date": read_date,
    "priority": _whole_number,
    "synthetic": _flag,
}
DOCUMENT_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "author": read_string,
    "signed_at": read_moment,
    "status": one_of(DocumentStatus.values),
}


def rows(file: str, stream: BinaryIO, defaults: Defaults) -> Iterator[Row | RowError]:
    """Every line gives a Row or a RowError; blank lines are passed over."""
    seen = Seen()
    for line in raw_lines(stream):
        if line.number == 1 and is_utf16(line.raw):
            yield RowError(file, 1, UTF16_MESSAGE)
            return
        if not line.whole:
            yield RowError(file, line.number, "the line is over 32 MiB")
            continue
        if not line.raw.strip():
            continue
        if problem := line.byte_problem():
            yield RowError(file, line.number, problem)
            continue
        try:
            obj = object_of_line(line.raw.decode("utf-8").rstrip())
            incoming = incoming_from_object(obj, defaults)
        except (BadChart, InvalidImport) as error:
            yield RowError(file, line.number, str(error))
            continue
        if problem := seen.problem(line.number, incoming.source, str(obj["id"])):
            yield RowError(file, line.number, problem)
            continue
        yield Row(file, line.number, incoming)


def incoming_from_object(obj: Mapping[str, Any], defaults: Defaults = _NO_DEFAULTS) -> IncomingEncounter:
    """One object of the interface as a delivery. Raises InvalidImport with every field that is wrong in its words."""
    try:
        incoming = _incoming(dict(obj), defaults)
    except BadChart as error:
        raise InvalidImport(str(error), field=error.where) from error
    found = problems(incoming)
    if found:
        raise InvalidImport("; ".join(found), problems=found)
    return incoming


def _incoming(row: dict[str, Any], defaults: Defaults) -> IncomingEncounter:
    extra = {name: row.pop(name) for name in ENCOUNTER_FIELDS if name in row}
    values = _values(extra, ENCOUNTER_FIELDS, "")
    if values.get("claim_types") and row.get("claim_type"):
        raise BadChart("either claim_type or claim_types", where="claim_types")
    extras_of_documents = []
    if isinstance(row.get("documents"), list):
        documents = [dict(d) if isinstance(d, dict) else d for d in row["documents"]]
        row["documents"] = documents
        for number, document in enumerate(documents):
            own = {}
            if isinstance(document, dict):
                own = {name: document.pop(name) for name in DOCUMENT_FIELDS if name in document}
            extras_of_documents.append(_values(own, DOCUMENT_FIELDS, f"documents[{number}]."))
    chart = chart_of_object(row, frozenset())
    claim_types = values.get("claim_types") or ((chart.claim_type,) if chart.claim_type else ())
    claim_types = claim_types or defaults.claim_types
    return IncomingEncounter(
        source=chart.source or defaults.source,
        source_id=chart.encounter_id or chart.id,
        facility=values.get("facility") or defaults.facility,
        work_group=values.get("work_group") or defaults.work_group,
        documents=_documents(chart, extras_of_documents, defaults),
        setting=chart.setting or defaults.setting or _setting_of(claim_types),
        claim_types=claim_types,
        confidentiality=values.get("confidentiality") or defaults.confidentiality,
        patient=_patient(chart, values),
        account_number=values.get("account_number") or "",
        admit_date=chart.admit_date or defaults.admit_date,
        discharge_date=chart.discharge_date or defaults.discharge_date,
        date_of_service=chart.date_of_service or defaults.date_of_service,
        age=chart.age,
        age_unit=chart.age_unit or "years",
        sex=chart.sex,
        specialty=chart.specialty or defaults.specialty,
        payer=chart.payer,
        priority=values.get("priority") or 0,
        synthetic=bool(values.get("synthetic")),
    )


def _values(
    extra: dict[str, Any], readers: Mapping[str, Callable[[Any], Any]], prefix: str
) -> dict[str, Any]:
    return {name: read_field(extra, name, readers[name], prefix) for name in extra}


def _setting_of(claim_types: tuple[str, ...]) -> str:
    inpatient = ClaimType.FACILITY_INPATIENT in claim_types
    return str(Setting.INPATIENT.value if inpatient else Setting.OUTPATIENT.value)


def _patient(chart: ChartIn, values: dict[str, Any]) -> IncomingPatient | None:
    identity = None
    if any(values.get(name) for name in ("patient_name", "record_number", "birth_date")):
        identity = IncomingIdentity(
            values.get("patient_name") or "", values.get("record_number") or "", values.get("birth_date")
        )
    if not chart.patient_id:
        if identity is not None:
            raise BadChart("a patient with a name or record number needs it", where="patient_id")
        return None
    return IncomingPatient(chart.patient_id, chart.sex, identity)


def _documents(
    chart: ChartIn, extras: list[dict[str, Any]], defaults: Defaults
) -> tuple[IncomingDocument, ...]:
    found = []
    for number, document in enumerate(chart.documents):
        own = extras[number] if extras else {}
        lone_of_encounter = not extras and bool(chart.encounter_id)
        found.append(
            IncomingDocument(
                source_id=chart.id if lone_of_encounter else document.document_id,
                text=document.text,
                type=document.type or defaults.document_type,
                author=own.get("author") or "",
                author_role=document.author_role,
                authored_at=document.authored_at,
                signed_at=own.get("signed_at"),
                status=own.get("status") or str(DocumentStatus.FINAL.value),
            )
        )
    return tuple(found)
