"""The batch interface's gold line: a chart with its codes, to plain, checked data and back. Pure, and strict.

A chart may come without its text, by document ids, hashes and numbers of lines, as sets leave a site whose text may
not. No message holds text of a chart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from catalog.choices import CodeRole, CodeSystem, PresentOnAdmission
from modelops.engines.types import split_lines
from modelops.interchange import (
    GOLD_DOCUMENT_FIELDS,
    LONE_DOCUMENT_ID,
    BadChart,
    ChartIn,
    chart_of_object,
    object_of_line,
)

STATUSES = ("accepted", "rejected", "undecided")
SOURCES = ("", "label", "addition")
# Of gold and synthetic charts elsewhere: carried along by them, not read here.
NOT_READ = frozenset({"note_type", "procedures", "gold", "status", "notes"})
_OURS = frozenset({"codes", "optional", "traps", "domains"})
MAX_CODES = 2000
MAX_CODE = 12
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class GoldPlace:
    """Lines from 1, inclusive; no columns where the source has none."""

    document_id: str
    line_start: int
    line_end: int
    col_start: int | None = None
    col_end: int | None = None

    def as_row(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "document_id": self.document_id,
            "line_start": self.line_start,
            "line_end": self.line_end,
        }
        if self.col_start is not None and self.col_end is not None:
            row |= {"col_start": self.col_start, "col_end": self.col_end}
        return row


@dataclass(frozen=True, slots=True)
class GoldCode:
    """`optional`: counts neither way in an evaluation."""

    system: str
    code: str
    status: str = "accepted"
    reason: str = ""
    places: tuple[GoldPlace, ...] = ()
    role: str = ""
    poa: str = ""
    domains: tuple[str, ...] = ()
    source: str = ""
    optional: bool = False
    # Place in the code set.
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class GoldDocument:
    document_id: str
    sha256: str
    lines: int
    version: int | None = None
    type: str = ""
    author_role: str = ""
    authored_at: datetime | None = None
    # None where the text stayed where it is.
    text: str | None = None


@dataclass(frozen=True, slots=True)
class GoldChart:
    chart: ChartIn
    documents: tuple[GoldDocument, ...]
    codes: tuple[GoldCode, ...]
    traps: tuple[dict[str, str], ...]
    domains: tuple[str, ...]
    # Fields of the line that are not read, so that an import can say so.
    not_read: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.chart.id


def parse_gold_line(line: str, *, domains: Collection[str], reasons: Collection[str]) -> GoldChart:
    """`domains` and `reasons`: the words that may stand there. Raises BadChart with what is wrong and where."""
    row = object_of_line(line)
    chart_id = row["id"] if isinstance(row.get("id"), str) else None
    try:
        return _chart(row, domains, reasons)
    except BadChart as error:
        error.chart_id = chart_id
        raise


def _chart(row: dict[str, Any], domains: Collection[str], reasons: Collection[str]) -> GoldChart:
    told, kept = _with_texts(row)
    chart = chart_of_object(kept, _OURS | NOT_READ | GOLD_DOCUMENT_FIELDS)
    documents = tuple(
        _document(
            given,
            told.get(given.document_id, {}),
            without=given.document_id in told and not told[given.document_id].get("text"),
        )
        for given in chart.documents
    )
    sizes = {document.document_id: document.lines for document in documents}
    found: dict[tuple[str, str], GoldCode] = {}
    for name, optional in (("codes", False), ("optional", True)):
        for number, value in enumerate(_list(row, name)):
            where = f"{name}[{number}]"
            code = _code(value, where, sizes, domains, reasons, optional=optional)
            _put(found, code, where)
    return GoldChart(
        chart,
        documents,
        tuple(found.values()),
        tuple(_trap(value, f"traps[{n}]") for n, value in enumerate(_list(row, "traps"))),
        tuple(_words(row.get("domains"), "domains", domains)),
        tuple(sorted(NOT_READ & set(row))),
    )


def _list(row: dict[str, Any], name: str) -> list[Any]:
    value = row.get(name)
    if value is None:
        if name == "codes" and "codes" not in row:
            raise BadChart("missing", where="codes")
        return []
    if not isinstance(value, list):
        raise BadChart("not a list", where=name)
    if len(value) > MAX_CODES:
        raise BadChart(f"over {MAX_CODES} entries", where=name)
    return value


def _with_texts(row: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The documents as they came, by id, and the row with a stand-in for each text that stayed away, so that all
    other fields are checked as everywhere. The stand-in has as many lines and is thrown away."""
    documents = row.get("documents")
    if not isinstance(documents, list):
        return {}, row
    told: dict[str, dict[str, Any]] = {}
    filled: list[Any] = []
    for number, given in enumerate(documents):
        if not isinstance(given, dict):
            filled.append(given)
            continue
        where = f"documents[{number}]"
        if isinstance(given.get("document_id"), str):
            told[given["document_id"].strip()] = given
        if "text" in given:
            filled.append(given)
            continue
        if not _is_hash(given.get("sha256")):
            raise BadChart(
                "without its text a document has a SHA-256 of 64 hex digits", where=f"{where}.sha256"
            )
        lines = _whole(given.get("lines"), f"{where}.lines")
        filled.append({**given, "text": "\n".join("-" for _ in range(lines))})
    return told, {**row, "documents": filled}


def _document(given: Any, told: dict[str, Any], *, without: bool) -> GoldDocument:
    text = given.text
    digest = told["sha256"] if without else hashlib.sha256(text.encode()).hexdigest()
    if told.get("sha256") not in (None, digest):
        raise BadChart("the text is not the one that the hash is of", where=f"document {given.document_id}")
    version = told.get("version")
    return GoldDocument(
        given.document_id,
        digest,
        told["lines"] if without else len(split_lines(text)),
        _whole(version, f"document {given.document_id}.version") if version is not None else None,
        given.type,
        given.author_role,
        given.authored_at,
        None if without else text,
    )


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= _HEX


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise BadChart("not a whole number from 1 on", where=where)
    return value


def _word(value: Any, where: str, allowed: Collection[str] | None = None, limit: int = 40) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadChart("not a string", where=where)
    word = value.strip()
    if len(word) > limit or "\x00" in word:
        raise BadChart(f"longer than {limit} characters or with a NUL", where=where)
    if word and allowed is not None and word not in allowed:
        raise BadChart(f"not one of {', '.join(sorted(allowed))}", where=where)
    return word


def _words(value: Any, where: str, allowed: Collection[str]) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadChart("not a list", where=where)
    return [_word(word, f"{where}[{n}]", allowed) for n, word in enumerate(value)]


def _code(
    value: Any,
    where: str,
    sizes: dict[str, int],
    domains: Collection[str],
    reasons: Collection[str],
    *,
    optional: bool,
) -> GoldCode:
    if not isinstance(value, dict):
        raise BadChart("not an object", where=where)
    code = _word(value.get("code"), f"{where}.code", limit=MAX_CODE).upper()
    if not code:
        raise BadChart("missing", where=f"{where}.code")
    status = _word(value.get("status"), f"{where}.status", STATUSES) or "accepted"
    return GoldCode(
        system=_word(value.get("system"), f"{where}.system", CodeSystem.values)
        or str(CodeSystem.ICD10CM.value),
        code=code,
        status=status,
        reason=_word(value.get("reason"), f"{where}.reason", reasons),
        places=_places(value, where, sizes),
        role=_word(value.get("role"), f"{where}.role", CodeRole.values),
        poa=_indicator(value.get("poa"), f"{where}.poa"),
        domains=tuple(_words(value.get("domains"), f"{where}.domains", domains)),
        source=_word(value.get("source"), f"{where}.source", SOURCES),
        optional=optional,
        sequence=_sequence(value.get("sequence"), f"{where}.sequence"),
    )


def _indicator(value: Any, where: str) -> str:
    """As an evaluation reads it: in either case, and "exempt" for 1."""
    word = value.strip() if isinstance(value, str) else value
    if isinstance(word, str):
        word = PresentOnAdmission.EXEMPT.value if word.lower() == "exempt" else word.upper()
    return _word(word, where, PresentOnAdmission.values)


def _sequence(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1_000_000:
        raise BadChart("not a whole number from 0 on", where=where)
    return value


def _places(value: dict[str, Any], where: str, sizes: dict[str, int]) -> tuple[GoldPlace, ...]:
    """`evidence` as in predictions, else `lines` of the chart's only document."""
    if value.get("evidence") is not None:
        if not isinstance(value["evidence"], list):
            raise BadChart("not a list", where=f"{where}.evidence")
        return tuple(_place(row, f"{where}.evidence[{n}]", sizes) for n, row in enumerate(value["evidence"]))
    lines = value.get("lines")
    if lines is None:
        return ()
    if not isinstance(lines, list):
        raise BadChart("not a list", where=f"{where}.lines")
    if lines and len(sizes) != 1:
        raise BadChart("a chart of several documents gives evidence with document_id", where=f"{where}.lines")
    document_id = next(iter(sizes))
    found = []
    for n, line in enumerate(lines):
        number = _whole(line, f"{where}.lines[{n}]")
        if number > sizes[document_id]:
            raise BadChart(f"the document has {sizes[document_id]} lines", where=f"{where}.lines[{n}]")
        found.append(GoldPlace(document_id, number, number))
    return tuple(found)


def _place(row: Any, where: str, sizes: dict[str, int]) -> GoldPlace:
    if not isinstance(row, dict):
        raise BadChart("not an object", where=where)
    given = row.get("document_id")
    document_id = next(iter(sizes)) if given is None and len(sizes) == 1 else given
    if not isinstance(document_id, str) or document_id not in sizes:
        raise BadChart("no document of this chart", where=f"{where}.document_id")
    start = _whole(row.get("line_start"), f"{where}.line_start")
    end = _whole(row.get("line_end", start), f"{where}.line_end")
    if not start <= end <= sizes[document_id]:
        raise BadChart(f"the document has {sizes[document_id]} lines", where=f"{where}.line_end")
    columns = (row.get("col_start"), row.get("col_end"))
    if columns == (None, None):
        return GoldPlace(document_id, start, end)
    if any(isinstance(c, bool) or not isinstance(c, int) or c < 0 for c in columns):
        raise BadChart("not two columns", where=f"{where}.col_start")
    return GoldPlace(document_id, start, end, columns[0], columns[1])


def _put(found: dict[tuple[str, str], GoldCode], code: GoldCode, where: str) -> None:
    """A code that is there twice is one, with the evidence of both; one that is gold is not optional too."""
    key = (code.system, code.code)
    before = found.get(key)
    if before is None:
        found[key] = code
    elif before.optional != code.optional:
        return
    elif before.status != code.status:
        raise BadChart(f"{code.code} is there twice with another status", where=where)
    else:
        places = tuple(dict.fromkeys((*before.places, *code.places)))
        found[key] = GoldCode(
            before.system,
            before.code,
            before.status,
            before.reason,
            places,
            before.role,
            before.poa,
            before.domains,
            before.source,
            before.optional,
            min((n for n in (before.sequence, code.sequence) if n is not None), default=None),
        )


def _trap(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadChart("not an object", where=where)
    code = _word(value.get("code"), f"{where}.code", limit=MAX_CODE).upper()
    if not code:
        raise BadChart("missing", where=f"{where}.code")
    return {"code": code, "kind": _word(value.get("kind"), f"{where}.kind", limit=80)}


# --- Back ----------------------------------------------------------------------------------------------------

_FACTS = (
    "source", "encounter_id", "patient_id", "setting", "claim_type", "date_of_service", "admit_date",
    "discharge_date", "age", "age_unit", "sex", "specialty", "payer",
)  # fmt: skip


def facts_of(chart: ChartIn) -> dict[str, Any]:
    """What a chart line says besides its documents, as it is written again; setting and specialty apart."""
    found: dict[str, Any] = {}
    for name in _FACTS:
        value = getattr(chart, name)
        if value not in (None, "") and name not in ("setting", "specialty"):
            found[name] = value.isoformat() if isinstance(value, date) else value
    if "age" not in found:
        found.pop("age_unit", None)
    return found


def code_row(code: GoldCode, *, lone: bool) -> dict[str, Any]:
    """One of `codes` or `optional`; `lone`: the chart has one document, so lines alone name a place too."""
    row: dict[str, Any] = {"system": code.system, "code": code.code, "status": code.status}
    if lone:
        lines = {n for place in code.places for n in range(place.line_start, place.line_end + 1)}
        row["lines"] = sorted(lines)
    # With its document's id also where that is the only one: a line alone does not say where it belongs.
    if not lone or code.places:
        row["evidence"] = [place.as_row() for place in code.places]
    for name in ("reason", "role", "poa", "source"):
        if getattr(code, name):
            row[name] = getattr(code, name)
    if code.sequence is not None:
        row["sequence"] = code.sequence
    if code.domains:
        row["domains"] = list(code.domains)
    return row


def gold_row(
    chart_id: str,
    facts: dict[str, Any],
    documents: Iterable[GoldDocument],
    codes: Iterable[GoldCode],
    *,
    traps: Iterable[dict[str, str]] = (),
    domains: Iterable[str] = (),
) -> dict[str, Any]:
    """The object of a line; parse_gold_line reads it back to the same data."""
    held = list(documents)
    lone = len(held) == 1
    row: dict[str, Any] = {"id": chart_id, **facts}
    only = held[0] if lone else None
    if only is not None and only.text is not None and only.document_id == LONE_DOCUMENT_ID and not only.type:
        row["text"] = only.text
    else:
        row["documents"] = [_document_row(document) for document in held]
    every = list(codes)
    row["codes"] = [code_row(code, lone=lone) for code in every if not code.optional]
    row["optional"] = [code_row(code, lone=lone) for code in every if code.optional]
    row["traps"] = list(traps)
    row["domains"] = list(domains)
    return row


def _document_row(document: GoldDocument) -> dict[str, Any]:
    row: dict[str, Any] = {"document_id": document.document_id}
    for name in ("type", "author_role"):
        if getattr(document, name):
            row[name] = getattr(document, name)
    if document.authored_at is not None:
        row["authored_at"] = document.authored_at.isoformat()
    if document.version is not None:
        row["version"] = document.version
    row |= {"sha256": document.sha256, "lines": document.lines}
    if document.text is not None:
        row["text"] = document.text
    return row
