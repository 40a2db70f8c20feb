"""A comma-separated file: a header with these columns, then one document a row; rows that follow each other
with the same encounter_id are one encounter.

COLUMNS is the documentation; the page and the README show it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from coding_review.errors import InvalidImport
from coding_review.incoming import IncomingEncounter
from coding_review.intake.jsonl import incoming_from_object
from coding_review.intake.rows import (
    UTF16_MESSAGE,
    Defaults,
    RawLine,
    Row,
    RowError,
    Seen,
    is_utf16,
    raw_lines,
)
from modelops.interchange import LONE_DOCUMENT_ID

# Column -> what it means; id and text are required, the others may be left out.
COLUMNS: dict[str, str] = {
    "id": "id of the row, once a file; names the encounter, or its document where encounter_id is given",
    "text": "the document's text, exactly as written; quoted where it holds commas, quotes or line ends",
    "encounter_id": "the same in rows that follow each other: documents of one encounter",
    "source": "the system the id comes from",
    "type": "type of the document, such as discharge summary",
    "author": "name of the author",
    "author_role": "such as attending physician, nurse",
    "authored_at": "date and time, ISO 8601",
    "signed_at": "date and time, ISO 8601",
    "status": "draft, final, addendum, amended or entered_in_error",
    "facility": "code of the facility",
    "work_group": "code of the work group",
    "confidentiality": "normal, restricted or very_restricted",
    "account_number": "the billing account",
    "patient_id": "pseudonym of the patient",
    "patient_name": "kept apart from everything else; needs patient_id",
    "record_number": "kept apart from everything else; needs patient_id",
    "birth_date": "YYYY-MM-DD; needs patient_id",
    "sex": "F, M, X or U",
    "age": "a number",
    "age_unit": "years, months, weeks or days",
    "setting": "inpatient, outpatient, emergency, observation, home or snf",
    "claim_type": "facility_inpatient, facility_outpatient or professional; several with a space between",
    "date_of_service": "YYYY-MM-DD",
    "admit_date": "YYYY-MM-DD",
    "discharge_date": "YYYY-MM-DD",
    "specialty": "such as cardiology",
    "payer": "such as Medicare",
    "priority": "a whole number; higher is earlier",
    "synthetic": "true or false",
}
REQUIRED = ("id", "text")
_OF_DOCUMENT = frozenset({"type", "author", "author_role", "authored_at", "signed_at", "status"})
# A field of this size is still read, so that a text that is too long is told by its own message.
FIELD_LIMIT = 4 * 1024 * 1024


@dataclass(slots=True)
class _Lines:
    """Feeds csv.reader and remembers which lines were not text; those come through with half characters."""

    stream: BinaryIO
    bad: dict[int, str] = field(default_factory=dict)
    utf16: bool = False
    number: int = 0

    def __iter__(self) -> Iterator[str]:
        for line in raw_lines(self.stream):
            self.number = line.number
            if line.number == 1 and is_utf16(line.raw):
                self.utf16 = True
                return
            if problem := _problem_of(line):
                self.bad[line.number] = problem
            yield line.raw.decode("utf-8", errors="surrogateescape")

    def problem(self, first: int, last: int) -> tuple[int, str] | None:
        return next(((n, self.bad[n]) for n in range(first, last + 1) if n in self.bad), None)


def _problem_of(line: RawLine) -> str:
    return line.byte_problem() if line.whole else "the line is over 32 MiB"


@dataclass(slots=True)
class _Group:
    """What the rows of one encounter share, as the first of them says, and the document of each."""

    line: int
    shared: dict[str, str]
    documents: list[dict[str, Any]]


def rows(file: str, stream: BinaryIO, defaults: Defaults) -> Iterator[Row | RowError]:
    csv.field_size_limit(FIELD_LIMIT)
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    gathering = _Gathering(file, defaults)
    header: list[str] | None = None
    seen = Seen()
    first = 1
    try:
        while (cells := next(reader, None)) is not None:
            bad = lines.problem(first, reader.line_num)
            if header is None:
                header = [cell.strip() for cell in cells]
                if problem := (bad[1] if bad else _header_problem(header)):
                    yield RowError(file, bad[0] if bad else first, problem)
                    return
            elif cells:
                yield from gathering.add(bad or _row(header, cells, first, seen, defaults))
            first = reader.line_num + 1
    except csv.Error as error:
        yield from gathering.end()
        yield RowError(file, first, f"not well-formed CSV ({error}); nothing from this line on was read")
        return
    yield from gathering.end()
    if lines.utf16:
        yield RowError(file, 1, UTF16_MESSAGE)
    elif header is None:
        yield RowError(file, 1, "the file is empty")


@dataclass(slots=True)
class _Gathering:
    """Joins the rows of one encounter; what is wrong with rows in between is told after it, in order."""

    file: str
    defaults: Defaults
    group: _Group | None = None
    errors: list[RowError] = field(default_factory=list)

    def add(self, parsed: _Group | tuple[int, str]) -> Iterator[Row | RowError]:
        if isinstance(parsed, tuple):
            self.errors.append(RowError(self.file, *parsed))
            return
        group = self.group
        joins = group is not None and _same_encounter(group, parsed)
        if joins and group is not None and (differing := _differing(group, parsed)):
            problem = f"{differing} differs from line {group.line} of the same encounter"
        else:
            # Each row by itself, so that a bad one never keeps its neighbours out.
            problem = _problem_of_row(parsed, self.defaults)
        if problem:
            self.errors.append(RowError(self.file, parsed.line, problem))
        elif joins and group is not None:
            group.documents += parsed.documents
        else:
            yield from self.end()
            self.group = parsed

    def end(self) -> Iterator[Row | RowError]:
        """The encounter gathered so far and the errors since; then begins anew."""
        if self.group is not None:
            try:
                yield Row(self.file, self.group.line, _encounter(self.group, self.defaults))
            except InvalidImport as error:
                yield RowError(self.file, self.group.line, error.message)
        yield from self.errors
        self.group, self.errors = None, []


def _header_problem(header: list[str]) -> str:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:5])
        return f"unknown column {shown}; the columns are {', '.join(COLUMNS)}"
    if missing := [name for name in REQUIRED if name not in header]:
        return f"column {' and '.join(missing)} is missing"
    if len(set(header)) < len(header):
        return "a column is there twice"
    return ""


def _row(
    header: list[str], cells: list[str], line: int, seen: Seen, defaults: Defaults
) -> _Group | tuple[int, str]:
    """The row as a group of one, or (line, problem)."""
    if len(cells) != len(header):
        return line, f"{len(cells)} cells, but the header has {len(header)}"
    values = dict(zip(header, cells, strict=True))
    text = values.pop("text")
    values = {name: value.strip() for name, value in values.items() if value.strip()}
    if "id" not in values:
        return line, "id is missing"
    if problem := seen.problem(line, values.get("source", defaults.source), values["id"]):
        return line, problem
    row_id = values["id"]
    if "encounter_id" in values:
        values.pop("id")
    document = {name: values.pop(name) for name in _OF_DOCUMENT if name in values}
    document |= {"document_id": row_id if "encounter_id" in values else LONE_DOCUMENT_ID, "text": text}
    return _Group(line, values, [document])


def _same_encounter(group: _Group, row: _Group) -> bool:
    mine, theirs = group.shared, row.shared
    return "encounter_id" in mine and all(mine.get(n) == theirs.get(n) for n in ("encounter_id", "source"))


def _differing(group: _Group, row: _Group) -> str:
    """The first cell of the encounter that a later row says otherwise; what it leaves out is no difference."""
    return next((name for name, value in row.shared.items() if group.shared.get(name) != value), "")


def _problem_of_row(row: _Group, defaults: Defaults) -> str:
    try:
        _encounter(row, defaults)
    except InvalidImport as error:
        # A row is one document, whose cells have names of their own.
        return error.message.removeprefix("documents[0].")
    return ""


def _encounter(group: _Group, defaults: Defaults) -> IncomingEncounter:
    shared: dict[str, Any] = dict(group.shared)
    shared.setdefault("id", shared.get("encounter_id", ""))
    if "claim_type" in shared:
        shared["claim_types"] = shared.pop("claim_type").split()
    for name, read in _READERS.items():
        if name in shared:
            shared[name] = read(shared[name])
    return incoming_from_object({**shared, "documents": group.documents}, defaults)


def _number(value: str) -> Any:
    """A number where it is one; anything else goes on as it is and is refused by name."""
    try:
        return int(value) if value.lstrip("-").isdecimal() else float(value)
    except ValueError:
        return value


def _flag(value: str) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value)


_READERS = {"age": _number, "priority": _number, "synthetic": _flag}
