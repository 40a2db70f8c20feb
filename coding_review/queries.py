"""Reads that several screens share; each takes rows the caller was allowed to get."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from django.db.models import QuerySet

from catalog.choices import CodeSystem
from catalog.edits.loading import tabular_of
from catalog.models import Release
from coding_review.choices import (
    CODED_STATES,
    EncounterStatus,
    EntryOrigin,
    EntryState,
    ReadingKind,
)
from coding_review.kept_reads import KeptValues
from coding_review.models import CodeEntry, CodeSet, DocumentVersion, Encounter, EntryEvidence, Hold
from coding_review.procedures import ProcedureLine, invalid_procedures, procedure_date
from coding_review.rules.conflicts import Suggested
from coding_review.rules.signoff import CodeSetFacts, LineFacts


def coding_entries(code_set: CodeSet) -> list[CodeEntry]:
    """The entries of the code set's coding reading, in document order."""
    return list(
        CodeEntry.objects.filter(reading__code_set=code_set, reading__kind=ReadingKind.CODING).on_list()
    )


# Tuples: hundreds of them are made for every page and answer, and a frozen dataclass takes five times as long.
class EntryFacts(NamedTuple):
    """What counting, marking, code edits and the sign-off rules need of an entry; no models are made of the hundreds
    of a page."""

    pk: int
    version: int
    state: str
    band: str
    system: str
    code: str
    title: str
    role: str
    poa: str
    context: list[str]
    sequence: int
    rank: int
    modifiers: list[str]
    units: int
    service_date: date | None
    rendering_provider: str


# Either will do where a whole list is counted or marked.
Listed: TypeAlias = CodeEntry | EntryFacts


def entry_facts(code_set: CodeSet) -> list[EntryFacts]:
    """Of the same entries, in the same order, as coding_entries."""
    return list(map(EntryFacts._make, _ENTRY_FACTS.rows(code_set.pk)))


_ENTRY_FACTS = KeptValues(
    lambda code_set: (
        CodeEntry.objects.filter(reading__code_set=code_set, reading__kind=ReadingKind.CODING)
        .on_list()
        .values_list(*EntryFacts._fields)
    ),
    int,
)


class EvidencePlace(NamedTuple):
    """Evidence that still stands, without its words."""

    entry: int
    document_version: int
    line_start: int
    line_end: int
    col_start: int
    col_end: int


def evidence_places(
    code_set: CodeSet, *, on: DocumentVersion | None = None, lines: Collection[int] = ()
) -> list[EvidencePlace]:
    """All of the coding reading, for marks and counts; a page has hundreds, so no models are made of them.

    With `on`, only those that reach into the stretch of that version from the first to the last of `lines`.
    """
    if on is None:
        rows = _PLACES.rows(code_set.pk)
    else:
        rows = _PLACES_ON.rows(code_set.pk, on.pk, max(lines), min(lines))
    return list(map(EvidencePlace._make, rows))


def _standing_places(code_set: int) -> QuerySet[EntryEvidence]:
    return EntryEvidence.objects.filter(
        entry__reading__code_set=code_set, entry__reading__kind=ReadingKind.CODING, stands=True
    ).order_by("entry", "order", "pk")


_PLACES = KeptValues(
    lambda code_set: _standing_places(code_set).values_list(*EvidencePlace._fields),
    int,
)
_PLACES_ON = KeptValues(
    lambda code_set, version, last, first: (
        _standing_places(code_set)
        .filter(document_version=version, line_start__lte=last, line_end__gte=first)
        .values_list(*EvidencePlace._fields)
    ),
    int,
    int,
    int,
    int,
)


def sign_off_facts(
    code_set: CodeSet, entries: Sequence[Listed], *, running: bool, hard_findings: int
) -> CodeSetFacts:
    """What rules/signoff.py judges. `hard_findings`: of coding_review/code_edits.py, as they stand."""
    coded = [e for e in entries if e.state in CODED_STATES]
    diagnoses = {e.code for e in coded if e.system == CodeSystem.ICD10CM}
    invalid = {code for code in diagnoses if not _billable(code, code_set.release)}
    return CodeSetFacts(
        claim_type=code_set.claim_type,
        lines=tuple(LineFacts(e.code, e.system, e.role, e.poa) for e in coded),
        undecided=dict(Counter(e.band for e in entries if e.state == EntryState.UNDECIDED)),
        held=sum(e.state == EntryState.HELD for e in entries),
        open_hold=code_set.encounter.status == EncounterStatus.ON_HOLD,
        has_release=code_set.release_id is not None,
        release_stands_in=code_set.release_stands_in,
        invalid_codes=(*sorted(invalid), *invalid_procedures(procedure_lines(code_set, coded))),
        running=running,
        hard_findings=hard_findings,
    )


def _billable(code: str, release: Release | None) -> bool:
    """By the release as the code edits keep it in the process. Without one nothing can be said against a code."""
    if release is None:
        return True
    node = tabular_of(release).tree.code(code)
    return node is not None and node.billable


def procedure_lines(code_set: CodeSet, coded: Iterable[Listed]) -> list[ProcedureLine]:
    """The procedures among the entries, each with the day that chooses its release."""
    encounter, claim_type = code_set.encounter, code_set.claim_type
    return [
        ProcedureLine(e.pk, e.system, e.code, procedure_date(encounter, claim_type, e.system, e.service_date))
        for e in coded
        if e.system != CodeSystem.ICD10CM
    ]


def suggested_from(code_set: CodeSet, versions: Collection[int]) -> list[Suggested]:
    """What the engine suggests from these document versions, whatever was decided on it since; one query."""
    rows = (
        EntryEvidence.objects.filter(
            entry__reading__code_set=code_set,
            entry__reading__kind=ReadingKind.CODING,
            entry__origin=EntryOrigin.SUGGESTED,
            document_version__in=versions,
            by_reviewer=False,
            stands=True,
        )
        .exclude(entry__state=EntryState.WITHDRAWN)
        .order_by("entry__rank", "entry")
        .values_list("entry", "entry__suggested_code", "entry__suggestion__title", "document_version")
    )
    titles: dict[tuple[int, str], str] = {}
    documents: dict[tuple[int, str], set[int]] = defaultdict(set)
    for pk, code, title, version in rows:
        titles[pk, code] = title or ""
        documents[pk, code].add(version)
    return [Suggested(*key, titles[key], frozenset(documents[key])) for key in documents]


def open_hold(encounter: Encounter) -> Hold | None:
    if encounter.status != EncounterStatus.ON_HOLD:
        return None
    return encounter.holds.filter(ended_at__isnull=True).select_related("owner").first()
