"""What the code edits say to a code set as it stands, with the overrides of people laid over.

The lines, facts and evidence cues of a code set go to catalog.edits as plain data; what comes back depends on nothing
else but the editions in force, so the answer to the same lines is kept in the process.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from catalog.choices import ClaimType, CodeSystem, ReleaseStatus
from catalog.edits.ages import age_in
from catalog.edits.engine import EDITION, check
from catalog.edits.knowledge import Knowledge
from catalog.edits.loading import knowledge_for, tabular_of
from catalog.edits.types import CodeLine, EncounterFacts, EvidenceCue, Finding, Report, Result, Severity
from coding_review.choices import CODED_STATES
from coding_review.kept import Kept
from coding_review.kept_reads import KeptModels, KeptValues, prepared_cursor
from coding_review.models import (
    CodeSet,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    FindingOverride,
)
from coding_review.queries import Listed, entry_facts
from coding_review.rules.line_order import line_order
from coding_review.rules.overrides import QUERY, REMOVE_ONE, Choice, choices_for
from coding_review.rules.uncertainty import is_uncertain
from modelops.choices import ContextTag

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding on the code set. `rows`: the coded entries it concerns; `override` what is laid over it, if any."""

    finding: Finding
    rows: tuple[Listed, ...]
    override: FindingOverride | None = None

    @property
    def check(self) -> str:
        return self.finding.check

    @property
    def key(self) -> Key:
        """What an override names: the check and the codes, whatever their order."""
        return self.finding.check, tuple(sorted(self.finding.codes))

    @property
    def hard(self) -> bool:
        return self.finding.severity == Severity.HARD

    @property
    def outcomes(self) -> tuple[Choice, ...]:
        return choices_for(self.finding.outcomes)

    @property
    def removable(self) -> bool:
        """Settled too by removing one of its lines or asking about it."""
        return bool({REMOVE_ONE, QUERY} & set(self.finding.outcomes))


@dataclass(frozen=True)
class Findings:
    """`failed` by severity, overridden ones too; `no_data` what could not be checked."""

    failed: tuple[Standing, ...] = ()
    no_data: tuple[Standing, ...] = ()
    lines: int = 0
    edition: str = EDITION

    @property
    def all(self) -> tuple[Standing, ...]:
        return (*self.failed, *self.no_data)

    @cached_property
    def open(self) -> tuple[Standing, ...]:
        return tuple(one for one in self.failed if one.override is None)

    @cached_property
    def by_entry(self) -> dict[int, list[Standing]]:
        """Those that nobody has overridden, beside each of the lines they concern."""
        found: dict[int, list[Standing]] = {}
        for one in self.open:
            for row in one.rows:
                found.setdefault(row.pk, []).append(one)
        return found

    @property
    def hard(self) -> int:
        return sum(one.hard for one in self.open)


def prepare(code_set: CodeSet) -> None:
    """Loads the release once in the process: a page can wait for it a moment, the answer to a decision cannot."""
    if code_set.release is not None:
        tabular_of(code_set.release)


def findings_of(code_set: CodeSet, entries: Sequence[Listed] | None = None) -> Findings:
    """Of the lines that are in the code set now; `entries` as the caller has them at hand, all of the list."""
    entries = entry_facts(code_set) if entries is None else entries
    rows = sorted((e for e in entries if e.state in CODED_STATES), key=line_order)
    if not rows:
        return Findings()
    report = _report(code_set, rows)
    overrides: dict[Key, FindingOverride] = {}
    if report.findings:
        overrides = {(one.check_id, tuple(one.codes)): one for one in _OVERRIDES.instances(code_set.pk)}
    found = [
        Standing(f, tuple(rows[i] for i in f.lines), overrides.get((f.check, tuple(sorted(f.codes)))))
        for f in report.findings
    ]
    return Findings(
        failed=tuple(one for one in found if one.finding.result == Result.FAIL),
        no_data=tuple(one for one in found if one.finding.result == Result.NO_DATA),
        lines=len(rows),
    )


_OVERRIDES: KeptModels[FindingOverride] = KeptModels(
    lambda code_set: (
        FindingOverride.objects.standing().filter(code_set=code_set).select_related("user", "payload")
    ),
    int,
)


def facts_of(encounter: Encounter, claim_type: str) -> EncounterFacts:
    years, days = age_in(encounter.age, encounter.age_unit)
    return EncounterFacts(
        claim_type=claim_type,
        setting=encounter.setting,
        admit_date=encounter.admit_date,
        discharge_date=encounter.discharge_date,
        service_date=encounter.date_of_service,
        age_years=years,
        age_days=days,
        sex=encounter.sex[:1].upper(),
    )


def _report(code_set: CodeSet, rows: Sequence[Listed]) -> Report:
    cues = _cues(code_set, rows)
    lines = tuple(
        CodeLine(
            code=row.code,
            system=row.system,
            sequence=number,
            role=row.role,
            poa=row.poa,
            modifiers=tuple(row.modifiers),
            units=row.units,
            service_date=row.service_date,
            provider=row.rendering_provider,
            evidence=cues[row.pk],
        )
        for number, row in enumerate(rows, start=1)
    )
    facts = facts_of(code_set.encounter, code_set.claim_type)
    release = code_set.release
    source = (release.pk, release.source_hash) if release is not None else None
    known_by = (facts, source, settings.ALLOW_LATEST_RELEASE, _what_is_loaded())
    report = _REPORTS.get((lines, known_by))
    if report is None:
        # Of the lines only procedures and modifiers choose what has to be known.
        procedures = tuple(line for line in lines if line.system != CodeSystem.ICD10CM)
        knowledge = _KNOWLEDGE.get((procedures, known_by))
        if knowledge is None:
            latest = settings.ALLOW_LATEST_RELEASE
            knowledge = knowledge_for(lines, facts, release=release, latest_stands_in=latest)
            _KNOWLEDGE.keep((procedures, known_by), knowledge)
        report = check(lines, facts, knowledge)
        _REPORTS.keep((lines, known_by), report)
    return report


# By everything the answer depends on: most acts on a long list leave its coded lines as they were.
_REPORTS: Kept[Hashable, Report] = Kept(500)
_KNOWLEDGE: Kept[Hashable, Knowledge] = Kept(50)


_LOADED = (
    "SELECT 'release', id FROM catalog_release WHERE status = %s UNION ALL "
    "SELECT 'table', id FROM catalog_tableedition WHERE status = %s ORDER BY 1, 2"
)


def _what_is_loaded() -> tuple[object, ...]:
    """Another answer whenever a release or table is loaded or withdrawn, by whichever process."""
    # In SQL, as it is asked for every answer: to put this union together costs more than to answer it.
    with prepared_cursor() as cursor:
        cursor.execute(_LOADED, [ReleaseStatus.COMPLETE] * 2)
        return tuple(cursor.fetchall())


# --- Evidence cues --------------------------------------------------------------------------------------

# By entry and its version, which counts up when its evidence changes. Words are not kept, only what was seen in them.
_CUES: Kept[tuple[int, int], tuple[EvidenceCue, ...]] = Kept(20_000)


def _cues(code_set: CodeSet, rows: Iterable[Listed]) -> dict[int, tuple[EvidenceCue, ...]]:
    found: dict[int, tuple[EvidenceCue, ...]] = {}
    asked = []
    for row in rows:
        known = _CUES.get((row.pk, row.version))
        if known is None:
            asked.append(row)
        else:
            found[row.pk] = known
    if asked:
        fresh = _read_cues(asked, outpatient=code_set.claim_type != ClaimType.FACILITY_INPATIENT)
        for row in asked:
            found[row.pk] = fresh.get(row.pk, ())
            _CUES.keep((row.pk, row.version), found[row.pk])
    return found


def _cues_of(entries: Sequence[int]) -> QuerySet[EntryEvidence, tuple[Any, ...]]:
    return (
        EntryEvidence.objects.filter(entry__in=entries, stands=True)
        .order_by("entry", "order", "pk")
        .values_list(
            "entry",
            "quote",
            "document_version",
            "line_start",
            "col_start",
            "document_version__document__author_role",
            "document_version__document__type",
        )
    )


# A decision asks about the one code that came.
_CUES_OF_ONE = KeptValues(lambda entry: _cues_of([entry]), int)


def _read_cues(rows: Sequence[Listed], *, outpatient: bool) -> dict[int, tuple[EvidenceCue, ...]]:
    """Uncertainty is asked of outpatient claims only (IV.H): there the words before a quote are read too."""
    tagged = {row.pk for row in rows if ContextTag.UNCERTAIN in row.context}
    places = _CUES_OF_ONE.rows(rows[0].pk) if len(rows) == 1 else list(_cues_of([row.pk for row in rows]))
    found: dict[int, list[EvidenceCue]] = {}
    texts: dict[int, list[str]] = {}
    for entry, quote, version, line, column, author_role, type_ in places:
        uncertain = entry in tagged
        if outpatient and not uncertain:
            if version not in texts:
                texts[version] = DocumentVersion.objects.get(pk=version).lines
            uncertain = is_uncertain(texts[version][line - 1][:column], quote)
        found.setdefault(entry, []).append(EvidenceCue(uncertain, author_role, type_))
    return {entry: tuple(cues) for entry, cues in found.items()}
