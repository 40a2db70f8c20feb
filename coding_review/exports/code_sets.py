"""Signed code sets as rows of a file, one row a code line. Columns are documented in docs/exports.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.choices import CodeSystem
from coding_review.exports.files import utc
from coding_review.models import CodeLine, CodeSet


def _signer(code_set: CodeSet) -> str:
    """The pseudonym, never the account's name."""
    if code_set.signed_by is None:
        return ""
    profile = getattr(code_set.signed_by, "reviewer", None)
    return profile.pseudonym if profile else f"user-{code_set.signed_by_id}"


_NO_RELEASE = {"edition": "", "origin": ""}


def _release(code_set: CodeSet, line: CodeLine) -> dict[str, str]:
    """The release that the line's code was found in when it was signed, and its origin: "sample" is never for
    billing. Empty for a procedure entered without a loaded release."""
    if line.system == CodeSystem.ICD10CM:
        release = code_set.release
        return {"edition": str(release), "origin": str(release.origin)} if release else _NO_RELEASE
    found: dict[str, str] = code_set.editions.get("procedures", {}).get(str(line.sequence), _NO_RELEASE)
    return found


def _findings(code_set: CodeSet, line: CodeLine) -> list[dict[str, Any]]:
    """What the code edits said to this line's code when it was signed, and why it was let stand.

    Empty too where it was signed before code edits were made.
    """
    found = code_set.editions.get("code_edits", {}).get("findings", [])
    return [each for each in found if line.code in each["codes"]]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    value: Callable[[CodeSet, CodeLine], Any]


COLUMNS: tuple[Column, ...] = (
    Column("encounter_id", lambda s, line: s.encounter_id),
    Column("source", lambda s, line: s.encounter.source),
    Column("source_id", lambda s, line: s.encounter.source_id),
    Column("code_set_id", lambda s, line: s.pk),
    Column("claim_type", lambda s, line: str(s.claim_type)),
    Column("version", lambda s, line: s.version),
    Column("status", lambda s, line: str(s.status)),
    Column("reopened_from", lambda s, line: s.reopened_from_id),
    Column("reopen_reason", lambda s, line: str(s.reopen_reason)),
    Column("catalog_release", lambda s, line: str(s.release) if s.release else ""),
    Column("release_stands_in", lambda s, line: s.release_stands_in),
    Column("editions", lambda s, line: s.editions),
    Column("signed_by", lambda s, line: _signer(s)),
    Column("credential", lambda s, line: s.credential),
    Column("signed_at_utc", lambda s, line: utc(s.signed_at)),
    Column("statement", lambda s, line: s.statement),
    Column("code_set_sha256", lambda s, line: s.sha256),
    Column("entry_id", lambda s, line: line.entry_id),
    Column("sequence", lambda s, line: line.sequence),
    Column("system", lambda s, line: str(line.system)),
    Column("code", lambda s, line: line.code),
    Column("title", lambda s, line: line.title),
    Column("line_release", lambda s, line: _release(s, line)["edition"]),
    Column("line_release_origin", lambda s, line: _release(s, line)["origin"]),
    Column("role", lambda s, line: str(line.role)),
    Column("poa", lambda s, line: str(line.poa)),
    Column("modifiers", lambda s, line: line.modifiers),
    Column("units", lambda s, line: line.units),
    Column("service_date", lambda s, line: line.service_date.isoformat() if line.service_date else None),
    Column("rendering_provider", lambda s, line: line.rendering_provider),
    Column("diagnosis_pointers", lambda s, line: line.diagnosis_pointers),
    Column("findings", lambda s, line: _findings(s, line)),
)


def columns() -> list[str]:
    return [column.name for column in COLUMNS]


def rows(code_sets: Iterable[CodeSet]) -> Iterator[Sequence[Any]]:
    for code_set in code_sets:
        for line in code_set.lines.all():
            yield [column.value(code_set, line) for column in COLUMNS]
