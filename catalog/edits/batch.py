"""The batch interface of the code edits: the code lines of one encounter a line in, findings out.

Strict about what it is given: a field it does not know is an error on that line, never a check left out in silence.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.choices import ClaimType, CodeRole, CodeSystem, PresentOnAdmission
from catalog.edits.ages import AGE_UNITS, age_in
from catalog.edits.engine import check
from catalog.edits.loading import knowledge_for
from catalog.edits.types import CodeLine, EncounterFacts, EvidenceCue
from catalog.jsonl import BadLine, Outcome, filled, id_of, object_of

MAX_CODES = 500
MAX_NAME = 200
MAX_UNITS = 1_000_000
# Fields of charts and predictions that may come along; they are not read.
_UNREAD = frozenset({"source", "encounter_id", "patient_id", "specialty", "payer"})
_UNREAD_OF_CODE = frozenset({"description", "confidence", "band", "rationale", "evidence"})


@dataclass(frozen=True, slots=True)
class Asked:
    id: str | int | None
    lines: tuple[CodeLine, ...]
    facts: EncounterFacts


def check_lines(lines: Iterable[bytes]) -> Iterator[Outcome]:
    """One outcome for each line that is not blank, in order."""
    return map(check_line, filled(lines))


def check_line(raw: bytes) -> Outcome:
    line_id: str | int | None = None
    try:
        row = object_of(raw)
        line_id = id_of(row)
        asked = parse(row, line_id)
    except BadLine as bad:
        return Outcome({"id": line_id, "findings": [], "error": str(bad)}, failed=True)
    knowledge = knowledge_for(asked.lines, asked.facts, latest_stands_in=True)
    report = check(asked.lines, asked.facts, knowledge)
    return Outcome(
        {
            "id": asked.id,
            "catalog_release": None if knowledge.tabular is None else knowledge.tabular.edition,
            "findings": [finding.as_row() for finding in report.findings],
            "passed": sum(tally.passed for tally in report.counts.values()),
            "error": None,
        },
        failed=False,
    )


def parse(row: Mapping[str, Any], line_id: str | int | None) -> Asked:
    """The lines in the order of the claim, unless they bring a sequence. Raises BadLine."""
    _only(row, {"id", "codes", *_FIELDS}, _UNREAD, "")
    given = {
        name: _read(row[name], read, name) for name, read in _FIELDS.items() if row.get(name) is not None
    }
    codes = row.get("codes")
    if not isinstance(codes, list):
        raise BadLine("missing or not a list", "codes")
    if len(codes) > MAX_CODES:
        raise BadLine(f"over {MAX_CODES} codes", "codes")
    return Asked(line_id, tuple(_line(code, number) for number, code in enumerate(codes)), _facts(given))


def _facts(given: Mapping[str, Any]) -> EncounterFacts:
    inpatient = given.get("setting") == "inpatient"
    claim_type = given.get("claim_type") or str(
        (ClaimType.FACILITY_INPATIENT if inpatient else ClaimType.PROFESSIONAL).value
    )
    served = given.get("date_of_service") or given.get("service_date")
    discharged = given.get("discharge_date")
    if claim_type == ClaimType.FACILITY_INPATIENT:
        discharged = discharged or served
    admitted = given.get("admit_date")
    if admitted is not None and discharged is not None and discharged < admitted:
        raise BadLine("before admit_date", "discharge_date")
    years, days = age_in(given.get("age"), given.get("age_unit", "years"))
    return EncounterFacts(
        claim_type=claim_type,
        setting=given.get("setting", ""),
        admit_date=admitted,
        discharge_date=discharged,
        service_date=served,
        age_years=years,
        age_days=days,
        sex=given.get("sex", ""),
    )


def _line(code: Any, number: int) -> CodeLine:
    where = f"codes[{number}]"
    if not isinstance(code, dict):
        raise BadLine("not an object", where)
    _only(code, set(_CODE_FIELDS), _UNREAD_OF_CODE, f"{where}.")
    given = {
        name: _read(code[name], read, f"{where}.{name}")
        for name, read in _CODE_FIELDS.items()
        if code.get(name) is not None
    }
    if not given.get("code"):
        raise BadLine("missing", f"{where}.code")
    return CodeLine(
        code=given["code"],
        system=given.get("system") or str(CodeSystem.ICD10CM.value),
        sequence=given.get("sequence", number + 1),
        role=given.get("role", ""),
        poa=given.get("poa", ""),
        modifiers=given.get("modifiers", ()),
        units=given.get("units", 1),
        service_date=given.get("service_date"),
        provider=given.get("provider", ""),
        evidence=given.get("cues", ()),
    )


def _only(row: Mapping[str, Any], known: set[str], unread: frozenset[str], prefix: str) -> None:
    unknown = sorted(set(row) - known - unread)
    if unknown:
        raise BadLine("unknown field", prefix + ", ".join(repr(name[:40]) for name in unknown[:5]))


def _read(value: Any, read: Callable[[Any], Any], where: str) -> Any:
    try:
        return read(value)
    except BadLine as error:
        raise BadLine(str(error), where) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadLine("not a string")
    if len(value) > MAX_NAME:
        raise BadLine(f"longer than {MAX_NAME} characters")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadLine("holds a NUL or half of a character")
    return value.strip()


def _one_of(words: Iterable[str], fold: Callable[[str], str] = str.lower) -> Callable[[Any], str]:
    allowed = tuple(str(word) for word in words)

    def read(value: Any) -> str:
        word = fold(_text(value))
        if word and word not in allowed:
            raise BadLine(f"not one of {', '.join(allowed)}")
        return word

    return read


def _date(value: Any) -> dt.date | None:
    text = _text(value)
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise BadLine("not a date (YYYY-MM-DD)") from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadLine("not a number")
    if not 0 <= value <= 50_000:
        raise BadLine("not a number from 0 to 50,000")
    return float(value)


def _count(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise BadLine(f"not a whole number from 0 to {most:,}")
        return value

    return read


def _poa(value: Any) -> str:
    word = _one_of((*PresentOnAdmission.values, "EXEMPT"), str.upper)(value)
    return str(PresentOnAdmission.EXEMPT.value) if word == "EXEMPT" else word


def _modifiers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 4:
        raise BadLine("not a list of up to 4 modifiers")
    return tuple(_text(each).upper() for each in value)


def _cues(value: Any) -> tuple[EvidenceCue, ...]:
    if not isinstance(value, list) or len(value) > MAX_CODES:
        raise BadLine("not a list of cues")
    return tuple(_cue(each) for each in value)


def _cue(value: Any) -> EvidenceCue:
    if not isinstance(value, dict) or set(value) - {"uncertain", "author_role", "document_type"}:
        raise BadLine("not an object with uncertain, author_role, document_type")
    uncertain = value.get("uncertain", False)
    if not isinstance(uncertain, bool):
        raise BadLine("uncertain is not true or false")
    return EvidenceCue(
        uncertain, _text(value.get("author_role") or ""), _text(value.get("document_type") or "")
    )


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "claim_type": _one_of(ClaimType.values),
    "setting": _one_of(("inpatient", "outpatient", "emergency", "observation", "home", "snf")),
    "date_of_service": _date,
    "service_date": _date,
    "admit_date": _date,
    "discharge_date": _date,
    "age": _number,
    "age_unit": _one_of(AGE_UNITS),
    "sex": _one_of(("F", "M", "X", "U"), str.upper),
}
_CODE_FIELDS: dict[str, Callable[[Any], Any]] = {
    "system": _one_of(CodeSystem.values),
    "code": _text,
    "role": _one_of(CodeRole.values),
    "poa": _poa,
    "modifiers": _modifiers,
    "units": _count(MAX_UNITS),
    "sequence": _count(MAX_UNITS),
    "service_date": _date,
    "provider": _text,
    "cues": _cues,
}
