"""The batch interface's chart line: one JSON object to plain, checked data. Pure, and strict.

Texts are kept out of every repr and of every message, so that a log line or traceback never shows them.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from catalog.choices import ClaimType
from modelops.choices import Setting
from modelops.engines.types import ChartDocument, ChartText, split_lines
from modelops.errors import ModelopsError

MAX_TEXT_BYTES = 1024 * 1024
MAX_LINES = 20_000
MAX_DOCUMENTS = 500
MAX_NAME = 200
# Controls, marks of formatting, separators of lines and paragraphs; but scripts need their joiners.
_NOT_SEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
# The document id of a chart that is a lone text.
LONE_DOCUMENT_ID = "1"
AGE_UNITS = ("years", "months", "weeks", "days")
SEXES = ("F", "M", "X", "U")

# What a frozen set tells of each of its documents.
GOLD_DOCUMENT_FIELDS: frozenset[str] = frozenset({"sha256", "version", "lines"})
# Fields of gold and synthetic charts, which a batch of predictions may carry along unread.
GOLD_FIELDS: frozenset[str] = GOLD_DOCUMENT_FIELDS | {
    "codes",
    "optional",
    "traps",
    "domains",
    "note_type",
    "procedures",
    "gold",
    "status",
    "notes",
}


class BadChart(ModelopsError):
    """The line is not a chart. `where` names the field, `chart_id` the chart where its id could be read."""

    code = "bad_chart"

    def __init__(self, problem: str, *, where: str = "", chart_id: str | None = None) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem
        self.chart_id = chart_id


@dataclass(frozen=True, slots=True)
class DocumentIn:
    document_id: str
    text: str = field(repr=False)
    type: str = ""
    author_role: str = ""
    authored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChartIn:
    """A chart as sent. `claim_type` is empty when the line has none; `effective_claim_type` fills it."""

    id: str
    documents: tuple[DocumentIn, ...]
    source: str = ""
    encounter_id: str = ""
    patient_id: str = ""
    setting: str = ""
    claim_type: str = ""
    date_of_service: date | None = None
    admit_date: date | None = None
    discharge_date: date | None = None
    age: float | None = None
    age_unit: str = "years"
    sex: str = ""
    specialty: str = ""
    payer: str = ""

    @property
    def effective_claim_type(self) -> str:
        """Facility inpatient when the setting is inpatient, else professional, unless the line says."""
        if self.claim_type:
            return self.claim_type
        inpatient = self.setting == Setting.INPATIENT
        return str((ClaimType.FACILITY_INPATIENT if inpatient else ClaimType.PROFESSIONAL).value)

    @property
    def coding_date(self) -> date | None:
        """The date that chooses the release: discharge for facility inpatient, else the service date."""
        if self.effective_claim_type == ClaimType.FACILITY_INPATIENT:
            return self.discharge_date or self.date_of_service
        return self.date_of_service

    def as_chart_text(self) -> ChartText:
        return ChartText(
            id=self.id,
            documents=tuple(
                ChartDocument(d.document_id, d.text, d.type, d.author_role, d.authored_at)
                for d in self.documents
            ),
            claim_type=self.effective_claim_type,
            setting=self.setting,
            date_of_service=self.date_of_service,
            admit_date=self.admit_date,
            discharge_date=self.discharge_date,
            age=self.age,
            age_unit=self.age_unit,
            sex=self.sex,
            specialty=self.specialty,
        )


def text_problem(text: str) -> str:
    """Why a text cannot be a document; empty when it can."""
    if not text.strip():
        return "the text is empty"
    if "\x00" in text:
        return f"the text holds a NUL character (line {_line_of(text, text.index(chr(0)))} of the text)"
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return f"the text holds half of a character (line {_line_of(text, error.start)} of the text)"
    if size > MAX_TEXT_BYTES:
        return f"the text is over 1 MiB ({size:,} bytes)"
    lines = split_lines(text)
    count = len(lines) - (lines[-1] == "")
    if count > MAX_LINES:
        return f"the text has over {MAX_LINES:,} lines ({count:,})"
    return ""


def _line_of(text: str, position: int) -> int:
    return len(split_lines(text[:position]))


def parse_chart_line(line: str, *, tolerated: frozenset[str] = frozenset()) -> ChartIn:
    """One line of the batch interface to a chart.

    Fields outside the interface are refused unless `tolerated` names them (then they are not read).
    Raises BadChart with what is wrong and where; the message holds no text of the chart.
    """
    row = object_of_line(line)
    chart_id = row["id"] if isinstance(row.get("id"), str) else None
    try:
        return chart_of_object(row, tolerated)
    except BadChart as error:
        error.chart_id = chart_id
        raise


def object_of_line(line: str) -> dict[str, Any]:
    """The JSON object of a line; a field that is there twice is refused. Raises BadChart."""
    try:
        row = json.loads(line, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadChart(f"not valid JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise BadChart("not valid JSON (nested too deep)") from error
    except ValueError as error:
        # Python refuses to read integers of thousands of digits.
        raise BadChart("not valid JSON (a number is too long)") from error
    if not isinstance(row, dict):
        raise BadChart("not a JSON object")
    return row


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise BadChart("the field is there twice", where=_shown(name))
        seen.add(name)
    return found


def _no_constant(name: str) -> float:
    raise BadChart(f"{name} is not a JSON number")


def chart_of_object(row: dict[str, Any], tolerated: frozenset[str]) -> ChartIn:
    """As parse_chart_line, of an object already read. Raises BadChart."""
    _only(row, (*_READERS, "text", "documents"), tolerated, "")
    values = {name: read_field(row, name, read, "") for name, read in _READERS.items() if name in row}
    if not values.get("id"):
        raise BadChart("missing", where="id")
    if ("text" in row) == ("documents" in row):
        raise BadChart("either text or documents is needed, not both")
    if "text" in row:
        documents: tuple[DocumentIn, ...] = (DocumentIn(LONE_DOCUMENT_ID, _text(row["text"], "text")),)
    else:
        documents = _documents(row["documents"], tolerated)
    admitted, discharged = values.get("admit_date"), values.get("discharge_date")
    if admitted is not None and discharged is not None and discharged < admitted:
        raise BadChart("before admit_date", where="discharge_date")
    return ChartIn(
        documents=documents, **{name: value for name, value in values.items() if value is not None}
    )


def _documents(value: Any, tolerated: frozenset[str]) -> tuple[DocumentIn, ...]:
    if not isinstance(value, list) or not value:
        raise BadChart("not a list with at least one document", where="documents")
    if len(value) > MAX_DOCUMENTS:
        raise BadChart(f"over {MAX_DOCUMENTS} documents", where="documents")
    found: dict[str, DocumentIn] = {}
    for number, row in enumerate(value):
        where = f"documents[{number}]"
        if not isinstance(row, dict):
            raise BadChart("not an object", where=where)
        _only(row, (*_DOCUMENT_READERS, "text"), tolerated, f"{where}.")
        values = {
            n: read_field(row, n, read, f"{where}.") for n, read in _DOCUMENT_READERS.items() if n in row
        }
        if not values.get("document_id"):
            raise BadChart("missing", where=f"{where}.document_id")
        if values["document_id"] in found:
            raise BadChart("used twice in this chart", where=f"{where}.document_id")
        if "text" not in row:
            raise BadChart("missing", where=f"{where}.text")
        text = _text(row["text"], f"{where}.text")
        kept = {name: given for name, given in values.items() if given is not None}
        found[kept["document_id"]] = DocumentIn(text=text, **kept)
    return tuple(found.values())


def _only(row: dict[str, Any], names: Iterable[str], tolerated: frozenset[str], prefix: str) -> None:
    unknown = sorted(set(row) - set(names) - tolerated)
    if unknown:
        raise BadChart("unknown field", where=prefix + ", ".join(_shown(name) for name in unknown[:5]))


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:40]}…")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadChart("not a string", where=where)
    if problem := text_problem(value):
        raise BadChart(problem, where=where)
    return value


def read_field(row: dict[str, Any], name: str, read: Callable[[Any], Any], prefix: str) -> Any:
    """The field's value; null counts as absent."""
    if row[name] is None:
        return None
    try:
        return read(row[name])
    except BadChart as error:
        raise BadChart(error.problem, where=prefix + name) from error


def read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise BadChart("not a string")
    if len(value) > MAX_NAME:
        raise BadChart(f"longer than {MAX_NAME} characters")
    if problem := string_problem(value.strip()):
        raise BadChart(problem)
    return value.strip()


def string_problem(value: str) -> str:
    """Why an id, name or word beside a text cannot be kept; empty when it can.

    A sign that is not seen makes two ids look the same, one that turns the writing round shows another id or name, and
    a line end makes two rows of one.
    """
    if value.isprintable():
        return ""
    if "\x00" in value:
        return "holds a NUL character"
    for character in value:
        kind = unicodedata.category(character)
        if kind == "Cs":
            return "holds half of a character"
        if kind in _NOT_SEEN and character not in _JOINERS:
            return f"holds a character that cannot be seen (U+{ord(character):04X})"
    return ""


def one_of(words: Iterable[str], *, fold: Callable[[str], str] = str.lower) -> Callable[[Any], str]:
    allowed = tuple(words)

    def read(value: Any) -> str:
        word = fold(read_string(value))
        if word and word not in allowed:
            raise BadChart(f"not one of {', '.join(allowed)}")
        return word

    return read


def read_date(value: Any) -> date | None:
    text = read_string(value)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadChart("not a date (YYYY-MM-DD)") from error


def read_moment(value: Any) -> datetime | None:
    text = read_string(value)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadChart("not a date and time (ISO 8601)") from error


def _age(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadChart("not a number")
    if not (0 <= value <= 50_000) or not math.isfinite(value):
        raise BadChart("not a number from 0 on")
    return float(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": read_string,
    "source": read_string,
    "encounter_id": read_string,
    "patient_id": read_string,
    "setting": one_of(Setting.values),
    "claim_type": one_of(ClaimType.values),
    "date_of_service": read_date,
    "admit_date": read_date,
    "discharge_date": read_date,
    "age": _age,
    "age_unit": one_of(AGE_UNITS),
    "sex": one_of(SEXES, fold=str.upper),
    "specialty": read_string,
    "payer": read_string,
}
_DOCUMENT_READERS: dict[str, Callable[[Any], Any]] = {
    "document_id": read_string,
    "type": read_string,
    "author_role": read_string,
    "authored_at": read_moment,
}
