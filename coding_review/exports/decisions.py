"""Decisions as rows of a file. Columns are documented in docs/exports.md; without text no words of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coding_review.exports.files import utc
from coding_review.models.reading import DecisionQuerySet

# What is read of a decision and the rows behind it, in one query.
FIELDS = (
    "pk",
    "at",
    "reading__code_set__encounter_id",
    "reading__code_set_id",
    "reading__code_set__version",
    "reading__code_set__claim_type",
    "reading__code_set__release_stands_in",
    "reading__kind",
    "reading_id",
    "number",
    "batch",
    "entry_id",
    "entry__origin",
    "action",
    "system",
    "code_before",
    "code_after",
    "reason",
    "reasons_edition",
    "before",
    "after",
    "evidence_place",
    "assistance",
    "rank_shown",
    "band_shown",
    "confidence_shown",
    "first_shown_at",
    "evidence_opened",
    "engine",
    "model_version",
    "release_name",
    "actor_id",
    "actor__reviewer__pseudonym",
    "undoes_id",
    "redoes_id",
)
TEXT_FIELDS = ("payload__comment", "payload__quotes")
CHUNK = 2000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    value: Callable[[Row], Any]


def _of(field: str) -> Callable[[Row], Any]:
    return lambda row: row[field]


def _state(side: str, name: str) -> Callable[[Row], Any]:
    """A field of the entry before or after; empty where that side has none."""
    return lambda row: row[side].get(name, "")


def _place(name: str) -> Callable[[Row], Any]:
    return lambda row: row["evidence_place"].get(name)


def reviewer(row: Row) -> str:
    """The pseudonym; "system" for what no person decided."""
    if row["actor_id"] is None:
        return "system"
    return row["actor__reviewer__pseudonym"] or f"user-{row['actor_id']}"


# Changed by decisions of their own; they have no columns, the list says which of them changed.
_DETAILS = ("modifiers", "units", "service_date", "rendering_provider", "diagnosis_pointers", "evidence")


def _changed_details(row: Row) -> list[str]:
    return [name for name in _DETAILS if row["before"].get(name) != row["after"].get(name)]


COLUMNS: tuple[Column, ...] = (
    Column("decision_id", _of("pk")),
    Column("at_utc", lambda row: utc(row["at"])),
    Column("encounter_id", _of("reading__code_set__encounter_id")),
    Column("code_set_id", _of("reading__code_set_id")),
    Column("code_set_version", _of("reading__code_set__version")),
    Column("claim_type", _of("reading__code_set__claim_type")),
    Column("reading_id", _of("reading_id")),
    Column("reading_kind", _of("reading__kind")),
    Column("number", _of("number")),
    Column("batch", lambda row: str(row["batch"])),
    Column("entry_id", _of("entry_id")),
    Column("origin", _of("entry__origin")),
    Column("reviewer", reviewer),
    Column("action", _of("action")),
    Column("system", _of("system")),
    Column("code_before", _of("code_before")),
    Column("code_after", _of("code_after")),
    Column("reason", _of("reason")),
    Column("reasons_edition", _of("reasons_edition")),
    Column("state_before", _state("before", "state")),
    Column("state_after", _state("after", "state")),
    Column("role_before", _state("before", "role")),
    Column("role_after", _state("after", "role")),
    Column("poa_before", _state("before", "poa")),
    Column("poa_after", _state("after", "poa")),
    Column("sequence_before", _state("before", "sequence")),
    Column("sequence_after", _state("after", "sequence")),
    Column("details_changed", _changed_details),
    Column("evidence_document_id", _place("document_id")),
    Column("evidence_document_version", _place("version")),
    Column("evidence_line_start", _place("line_start")),
    Column("evidence_line_end", _place("line_end")),
    Column("evidence_col_start", _place("col_start")),
    Column("evidence_col_end", _place("col_end")),
    Column("assistance", _of("assistance")),
    Column("rank_shown", _of("rank_shown")),
    Column("band_shown", _of("band_shown")),
    Column("confidence_shown", _of("confidence_shown")),
    Column("first_shown_at_utc", lambda row: utc(row["first_shown_at"])),
    Column("evidence_opened", _of("evidence_opened")),
    Column("engine", _of("engine")),
    Column("model_version", _of("model_version")),
    Column("catalog_release", _of("release_name")),
    Column("release_stands_in", _of("reading__code_set__release_stands_in")),
    Column("undoes_decision_id", _of("undoes_id")),
    Column("redoes_decision_id", _of("redoes_id")),
)
TEXT_COLUMNS: tuple[Column, ...] = (
    Column("comment", lambda row: row["payload__comment"] or ""),
    Column("quotes", lambda row: row["payload__quotes"] or []),
)


def columns(*, with_text: bool) -> list[str]:
    return [column.name for column in _columns(with_text)]


def rows(found: DecisionQuerySet, *, with_text: bool) -> Iterator[Sequence[Any]]:
    """Streams; memory does not grow with the number of decisions. Inside a transaction one view of the table."""
    wanted = _columns(with_text)
    fields = FIELDS + TEXT_FIELDS if with_text else FIELDS
    for row in found.values(*fields).iterator(chunk_size=CHUNK):
        yield [column.value(row) for column in wanted]


def _columns(with_text: bool) -> tuple[Column, ...]:
    return COLUMNS + TEXT_COLUMNS if with_text else COLUMNS
