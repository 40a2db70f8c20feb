"""Gold and prediction files of the batch interface, line by line. A bad line is told with its file and number and
stops nothing: the rest is evaluated.

Messages hold names of fields and numbers, never text of a chart.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.choices import ClaimType, CodeSystem, PresentOnAdmission
from catalog.jsonl import filled
from modelops.choices import Setting
from modelops.evaluation.charts import (
    DIAGNOSES,
    GoldChart,
    GoldCode,
    Line,
    PredictedChart,
    PredictedCode,
    Trap,
)
from modelops.interchange import LONE_DOCUMENT_ID, MAX_LINES, BadChart, object_of_line, read_string

_SYSTEMS = frozenset(CodeSystem.values)
_INDICATORS = frozenset(PresentOnAdmission.values)
_EXEMPT = {"exempt": PresentOnAdmission.EXEMPT.value}
_STATUSES = ("accepted", "rejected")
MAX_CODES = 2_000
_OBJECTS = frozenset({dict})
_TOLD = 100


@dataclass(frozen=True, slots=True)
class BadLine:
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(slots=True)
class Lines:
    """One file: how many lines were read and which were bad; `errors` keeps the first hundred.

    `first`: the number of the first line, where the lines are a part of a file. `seen`: the line of each id.
    """

    file: str
    first: int = 1
    count: int = 0
    error_count: int = 0
    errors: list[BadLine] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict, repr=False)

    def refuse(self, number: int, message: str) -> None:
        self.error_count += 1
        if len(self.errors) < _TOLD:
            self.errors.append(BadLine(self.file, number, message))

    def join(self, part: Lines) -> None:
        """The lines of the file's next part, read by another `Lines`."""
        self.count += part.count
        self.error_count += part.error_count
        self.errors += part.errors[: _TOLD - len(self.errors)]
        self.seen |= part.seen


def gold_charts(lines: Iterable[bytes], told: Lines) -> Iterator[GoldChart]:
    """The charts of a gold file; the first of two lines with one id stands."""
    for number, row in _objects(lines, told):
        try:
            yield gold_of_object(row)
        except BadChart as error:
            told.refuse(number, str(error))


def predicted_charts(lines: Iterable[bytes], told: Lines) -> Iterator[PredictedChart]:
    """The predictions of a file; one that cannot be read counts as a failed answer where its id can be."""
    for number, row in _objects(lines, told):
        try:
            yield predicted_of_object(row)
        except BadChart as error:
            told.refuse(number, str(error))
            if isinstance(row.get("id"), str) and row["id"].strip():
                yield PredictedChart(row["id"].strip(), error=str(error))


def _objects(lines: Iterable[bytes], told: Lines) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each filled line that holds an object whose id did not come before, with its number."""
    for number, raw in _numbered(lines, told.first):
        told.count += 1
        try:
            row = object_of_line(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            told.refuse(number, f"not UTF-8 (byte {error.start + 1} of the line)")
            continue
        except BadChart as error:
            told.refuse(number, str(error))
            continue
        name = row.get("id")
        if isinstance(name, str) and (first := told.seen.setdefault(name.strip(), number)) != number:
            told.refuse(number, f"id: the same as on line {first}")
            continue
        yield number, row


def _numbered(lines: Iterable[bytes], first: int) -> Iterator[tuple[int, bytes]]:
    for number, raw in enumerate(lines, start=first):
        if number == 1:
            raw = next(filled([raw]), b"")
        if raw.strip():
            yield number, raw.rstrip(b"\r\n")


def gold_of_object(row: Mapping[str, Any]) -> GoldChart:
    """Raises BadChart with what is wrong and where."""
    documents, lines = _documents(row)
    known = frozenset(documents)
    return GoldChart(
        id=_id(row),
        codes=tuple(
            _gold_code(item, f"codes[{at}].", documents, known)
            for at, item in enumerate(_list(row, "codes", need=True))
        ),
        optional=frozenset(
            (_system(item, where), _code(item, where))
            for at, item in enumerate(_list(row, "optional"))
            if (where := f"optional[{at}].")
        ),
        traps=tuple(
            Trap(_code(item, where), _text(item, "kind", where), _system(item, where))
            for at, item in enumerate(_list(row, "traps"))
            if (where := f"traps[{at}].")
        ),
        domains=_words(row, "domains"),
        patient=_text(row, "patient_id", ""),
        setting=_text(row, "setting", "").lower(),
        specialty=_text(row, "specialty", ""),
        lines=lines,
        day=_coding_day(row),
    )


def predicted_of_object(row: Mapping[str, Any]) -> PredictedChart:
    """Raises BadChart with what is wrong and where."""
    error = row.get("error")
    if error is not None and not isinstance(error, str):
        raise BadChart("neither text nor null", where="error")
    if error:
        return PredictedChart(_id(row), error=error)
    return PredictedChart(
        _id(row),
        tuple(
            _predicted_code(item, f"codes[{at}].") for at, item in enumerate(_list(row, "codes", need=True))
        ),
        tuple(
            _text(item, "reason", f"discarded[{at}].") or "not stated"
            for at, item in enumerate(_list(row, "discarded"))
        ),
    )


def _coding_day(row: Mapping[str, Any]) -> str:
    """As ChartIn.coding_date; what is no date counts as none stated, since a chart's codes can be compared without."""
    claim_type, setting = row.get("claim_type"), row.get("setting")
    inpatient = claim_type == ClaimType.FACILITY_INPATIENT if claim_type else setting == Setting.INPATIENT
    discharged = _read_day(row.get("discharge_date")) if inpatient else ""
    return discharged or _read_day(row.get("date_of_service"))


def _read_day(value: Any) -> str:
    return _day(value) if isinstance(value, str) else ""


@lru_cache(maxsize=1 << 14)
def _day(written: str) -> str:
    try:
        return date.fromisoformat(written.strip()).isoformat()
    except ValueError:
        return ""


def _gold_code(
    item: Mapping[str, Any], where: str, documents: tuple[str, ...], known: frozenset[str]
) -> GoldCode:
    status = _text(item, "status", where).lower() or _STATUSES[0]
    if status not in _STATUSES:
        raise BadChart(f"not one of {', '.join(_STATUSES)}", where=f"{where}status")
    return GoldCode(
        code=_code(item, where),
        lines=_evidence(item, where, known) if item.get("evidence") else _own_lines(item, where, documents),
        system=_system(item, where),
        role=_text(item, "role", where).lower(),
        poa=_indicator(item, where),
        rejected=status == _STATUSES[1],
        source=_text(item, "source", where).lower(),
        sequence=_sequence(item, where),
        modifiers=_words(item, "modifiers", where),
        units=_units(item, where),
    )


def _predicted_code(item: Mapping[str, Any], where: str) -> PredictedCode:
    return PredictedCode(
        code=_code(item, where),
        lines=_evidence(item, where, None),
        system=_system(item, where),
        confidence=_confidence(item, where),
        band=_text(item, "band", where).lower(),
        role=_text(item, "role", where).lower(),
        poa=_indicator(item, where),
        sequence=_sequence(item, where),
        modifiers=_words(item, "modifiers", where),
        units=_units(item, where),
    )


def _documents(row: Mapping[str, Any]) -> tuple[tuple[str, ...], int | None]:
    """The ids of a gold chart's documents, and how many lines its texts have (None without texts)."""
    documents = row.get("documents")
    if documents is None:
        text = row.get("text")
        return (LONE_DOCUMENT_ID,), _line_count(text) if isinstance(text, str) else None
    if not isinstance(documents, list) or not documents:
        raise BadChart("not a list with at least one document", where="documents")
    ids: list[str] = []
    total: int | None = 0
    for at, document in enumerate(documents):
        name = document.get("document_id") if isinstance(document, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise BadChart("missing", where=f"documents[{at}].document_id")
        ids.append(name.strip())
        text = document.get("text")
        total = None if total is None or not isinstance(text, str) else total + _line_count(text)
    return tuple(ids), total


def _line_count(text: str) -> int:
    """Lines as a page numbers them; a newline at the end begins no line of its own."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines.count("\n") + (not lines.endswith("\n"))


def _own_lines(item: Mapping[str, Any], where: str, documents: tuple[str, ...]) -> frozenset[Line]:
    numbers = item.get("lines")
    if not numbers:
        return frozenset()
    if not isinstance(numbers, list):
        raise BadChart("not a list", where=f"{where}lines")
    if len(documents) > 1:
        raise BadChart("a chart of several documents gives evidence with document_id", where=f"{where}lines")
    return frozenset((documents[0], _line(number, f"{where}lines")) for number in numbers)


def _evidence(item: Mapping[str, Any], where: str, known: frozenset[str] | None) -> frozenset[Line]:
    """Every line from line_start to line_end of each place; `known` documents only, where they are known."""
    found: set[Line] = set()
    for at, place in enumerate(_list(item, "evidence", where)):
        here = f"{where}evidence[{at}]."
        document = place.get("document_id")
        if not isinstance(document, str) or not document:
            raise BadChart("missing", where=f"{here}document_id")
        if known is not None and document not in known:
            raise BadChart("no document of this chart", where=f"{here}document_id")
        first: Any = place.get("line_start")
        last: Any = place.get("line_end", first)
        # Read for every code of every chart: the place in words is made only where it is told.
        if not (_is_line(first) and _is_line(last)):
            first, last = _line(first, f"{here}line_start"), _line(last, f"{here}line_end")
        if last < first:
            raise BadChart("before line_start", where=f"{here}line_end")
        if first == last:
            found.add((document, first))
        else:
            found.update((document, number) for number in range(first, last + 1))
    return frozenset(found)


def _is_line(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_LINES + 1


def _line(value: Any, where: str) -> int:
    if not _is_line(value):
        raise BadChart(f"not a line number from 1 to {MAX_LINES + 1:,}", where=where)
    return int(value)


def _id(row: Mapping[str, Any]) -> str:
    name = _text(row, "id", "")
    if not name:
        raise BadChart("missing", where="id")
    return name


def _code(item: Mapping[str, Any], where: str) -> str:
    code = _text(item, "code", where)
    if not code:
        raise BadChart("missing", where=f"{where}code")
    return code


def _system(item: Mapping[str, Any], where: str) -> str:
    system = _text(item, "system", where).lower() or DIAGNOSES
    if system not in _SYSTEMS:
        raise BadChart(f"not one of {', '.join(CodeSystem.values)}", where=f"{where}system")
    return system


def _indicator(item: Mapping[str, Any], where: str) -> str:
    written = _text(item, "poa", where)
    indicator = _EXEMPT.get(written.lower(), written.upper())
    if indicator and indicator not in _INDICATORS:
        raise BadChart("not one of Y, N, U, W, 1", where=f"{where}poa")
    return indicator


def _sequence(item: Mapping[str, Any], where: str) -> int | None:
    value = item.get("sequence")
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**6
    ):
        raise BadChart("not a whole number from 0 on", where=f"{where}sequence")
    return value


def _units(item: Mapping[str, Any], where: str) -> float:
    value = item.get("units")
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**9:
        raise BadChart("not a number above 0", where=f"{where}units")
    return value


def _confidence(item: Mapping[str, Any], where: str) -> float | None:
    value = item.get("confidence")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadChart("not a number from 0 to 1", where=f"{where}confidence")
    return float(value)


def _words(row: Mapping[str, Any], name: str, where: str = "") -> tuple[str, ...]:
    value = row.get(name)
    if not value:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadChart("not a list of words", where=f"{where}{name}")
    return tuple(word.strip() for word in value)


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    try:
        return _read_word(value) if isinstance(value, str) else read_string(value)
    except BadChart as error:
        raise BadChart(error.problem, where=f"{where}{name}") from error


# The words of a file are few and come again and again: codes, systems, bands, roles.
_read_word = lru_cache(maxsize=1 << 17)(read_string)


def _list(row: Mapping[str, Any], name: str, where: str = "", *, need: bool = False) -> list[dict[str, Any]]:
    value = row.get(name)
    if value is None and not need:
        return []
    if value is None:
        raise BadChart("missing", where=f"{where}{name}")
    if not isinstance(value, list) or not _OBJECTS.issuperset(map(type, value)):
        raise BadChart("not a list of objects", where=f"{where}{name}")
    if len(value) > MAX_CODES:
        raise BadChart(f"over {MAX_CODES:,} entries", where=f"{where}{name}")
    return value


def training_cases(path: Path) -> dict[str, int]:
    """Codes or categories with their number of training cases: a JSON object, or CSV with code and count.

    Raises BadChart with the line.
    """
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("{"):
        read: Callable[[str], Iterator[tuple[int, str, Any]]] = _cases_of_json
    else:
        read = _cases_of_csv
    found: dict[str, int] = {}
    for line, code, count in read(text):
        try:
            number = int(count)
        except (TypeError, ValueError) as error:
            raise BadChart("the count is no whole number", where=f"line {line}") from error
        if not code.strip() or number < 0:
            raise BadChart("a code and a count from 0 on are needed", where=f"line {line}")
        found[code.strip()] = found.get(code.strip(), 0) + number
    return found


def _cases_of_json(text: str) -> Iterator[tuple[int, str, Any]]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise BadChart("not valid JSON") from error
    yield from ((1, code, count) for code, count in rows.items())


def _cases_of_csv(text: str) -> Iterator[tuple[int, str, Any]]:
    rows = csv.reader(text.splitlines())
    for row in rows:
        if not row or (rows.line_num == 1 and row[0].strip().lower() in ("code", "category")):
            continue
        yield rows.line_num, row[0], row[1] if len(row) > 1 else None
