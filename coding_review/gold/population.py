"""The charts that a gold project may draw from, as plain rows, and what a drawn chart brings along."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum

from coding_review.choices import (
    CodeSetStatus,
    DocumentStatus,
    LabelSource,
    RetentionClass,
    RunStatus,
)
from coding_review.gold.domains import DomainCodes, domain_codes
from coding_review.models import (
    CodeSet,
    Document,
    DocumentVersion,
    Encounter,
    GoldChart,
    GoldProject,
    PredictionRun,
    Suggestion,
)
from coding_review.rules.gold_sampling import Candidate, length_of
from modelops.choices import Band

SHOWN_BANDS: tuple[str, ...] = (Band.HIGH, Band.MEDIUM)


@dataclass(frozen=True, slots=True)
class ChartFilters:
    """Empty: no limit. `source_ids` are the encounters' ids at their source (an uploaded list)."""

    settings: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    claim_types: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    min_lines: int = 0
    max_lines: int | None = None
    synthetic_only: bool = False
    # Only charts with a label in one of these; the project's own domains hold in any case.
    domains: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What was asked for; ids of encounters are not repeated, only their number."""
        values = {name: value for name, value in asdict(self).items() if value}
        if self.source_ids:
            values["source_ids"] = len(self.source_ids)
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


@dataclass(frozen=True, slots=True)
class Drawable:
    code_set_id: int
    encounter_id: int
    release_id: int | None
    run_id: int | None
    lines: int
    may_be_billed: bool
    domains: tuple[str, ...]
    candidate: Candidate


def drawable(
    actor: Any,
    project: GoldProject,
    filters: ChartFilters,
    *,
    signed: bool = False,
    bands: tuple[str, ...] = SHOWN_BANDS,
) -> list[Drawable]:
    """What the actor's memberships open and the project does not have yet.

    Where the labels are an engine's: with a finished run of it, and with a label of the project's domains. `signed`:
    only signed code sets, for qualification.
    """
    found = _code_sets(actor, project, filters, signed=signed)
    lines = _lines(found)
    runs = _runs(project, found) if project.label_source == LabelSource.ENGINE else {}
    known = domain_codes(None)
    touched = _domains_of_runs(runs, known, bands)
    wanted = set(filters.domains) or set(project.domains)
    rows = []
    for pk, encounter, release, setting, specialty, synthetic, retention in found.values_list(
        "pk",
        "encounter_id",
        "release_id",
        "encounter__setting",
        "encounter__specialty",
        "encounter__synthetic",
        "encounter__retention_class",
    ):
        run, size = runs.get(pk), lines.get(encounter, 0)
        domains = tuple(d for d in known.codes if d in touched.get(run or 0, ()))
        if not size or size < filters.min_lines or (filters.max_lines and size > filters.max_lines):
            continue
        if project.label_source == LabelSource.ENGINE and (
            run is None or (wanted and not wanted & set(domains))
        ):
            continue
        stratum = {
            "domain": next((d for d in domains if not wanted or d in wanted), ""),
            "setting": setting,
            "specialty": specialty,
            "length": length_of(size),
        }
        billed = not (synthetic or retention == RetentionClass.RESEARCH)
        rows.append(Drawable(pk, encounter, release, run, size, billed, domains, Candidate(pk, stratum)))
    return rows


def _code_sets(actor: Any, project: GoldProject, filters: ChartFilters, *, signed: bool) -> QuerySet[CodeSet]:
    found = (
        CodeSet.objects.current()
        .filter(encounter__in=Encounter.objects.visible_to(actor))
        .filter(~Exists(GoldChart.objects.filter(project=project, code_set=OuterRef("pk"))))
        .order_by("pk")
    )
    if signed:
        found = found.filter(status=CodeSetStatus.SIGNED)
    if filters.settings:
        found = found.filter(encounter__setting__in=filters.settings)
    if filters.specialties:
        found = found.filter(encounter__specialty__in=filters.specialties)
    if filters.claim_types:
        found = found.filter(claim_type__in=filters.claim_types)
    if filters.source_ids:
        found = found.filter(encounter__source_id__in=filters.source_ids)
    if filters.synthetic_only:
        found = found.filter(encounter__synthetic=True)
    return found


def _lines(code_sets: QuerySet[CodeSet]) -> dict[int, int]:
    """Lines of the documents of each encounter as they stand now."""
    rows = (
        Document.objects.filter(encounter__in=code_sets.order_by().values("encounter"))
        .exclude(status=DocumentStatus.ENTERED_IN_ERROR)
        .filter(versions__is_latest=True)
        .order_by()
        .values("encounter_id")
        .annotate(n=Sum("versions__line_count"))
    )
    return dict(rows.values_list("encounter_id", "n"))


def _runs(project: GoldProject, code_sets: QuerySet[CodeSet]) -> dict[int, int]:
    """The newest finished run of each code set, of the project's engine where it names one."""
    runs = PredictionRun.objects.filter(code_set__in=code_sets.order_by(), status=RunStatus.DONE)
    if project.label_origin:
        runs = runs.filter(engine=project.label_origin)
    newest = runs.order_by("code_set_id", "-pk").distinct("code_set_id")
    return dict(newest.values_list("code_set_id", "pk"))


def _domains_of_runs(runs: dict[int, int], known: DomainCodes, bands: tuple[str, ...]) -> dict[int, set[str]]:
    touched: dict[int, set[str]] = defaultdict(set)
    every = set().union(*known.codes.values()) if known.codes else set()
    rows = Suggestion.objects.filter(run__in=list(runs.values()), band__in=bands, code__in=every)
    for run, system, code in rows.values_list("run_id", "system", "code"):
        touched[run].update(known.of(system, code))
    return touched


def documents_of(drawn: Drawable) -> list[DocumentVersion]:
    """What the run read, so that its evidence stands; else the newest versions."""
    if drawn.run_id is not None:
        return list(PredictionRun.objects.get(pk=drawn.run_id).documents.order_by("pk"))
    encounter = Encounter.objects.get(pk=drawn.encounter_id)
    return list(DocumentVersion.objects.latest_of(encounter))
