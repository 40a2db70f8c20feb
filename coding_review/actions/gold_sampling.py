"""Draw charts into a gold project, with the labels that are to be judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import GoldChartPurpose, GoldLabelSource, LabelSource
from coding_review.errors import InvalidProtocol
from coding_review.gold.domains import DomainCodes, domain_codes, in_domains
from coding_review.gold.locks import lock_project, require_step
from coding_review.gold.population import SHOWN_BANDS, ChartFilters, Drawable, documents_of, drawable
from coding_review.models import (
    CodeLine,
    GoldChart,
    GoldLabel,
    GoldLabelEvidence,
    GoldProject,
    Suggestion,
)
from coding_review.rules.gold_presets import DOUBLE
from coding_review.rules.gold_sampling import STRATA, counts, draw, place
from coding_review.rules.permissions import MANAGE_GOLD


@transaction.atomic
def sample_gold_charts(
    actor: Any,
    project_id: int,
    *,
    size: int,
    filters: ChartFilters | None = None,
    stratify_by: Sequence[str] = (),
    purpose: str = GoldChartPurpose.STUDY,
    bands: tuple[str, ...] = SHOWN_BANDS,
) -> list[GoldChart]:
    """Up to `size` charts, in the order in which they will be read; how they were drawn stays in project.sampling.

    A qualification chart is one whose code set is signed: its lines are the key. With filters.source_ids and a size
    as large, the charts are exactly those of the list. Drawing again adds to what is there.

    Raises InvalidProtocol (nothing to draw from, unknown stratum, a domain without a value set), WrongStatus,
    GoldFrozen, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    require_step(project, "sample")
    filters = filters or ChartFilters()
    if size < 1:
        raise InvalidProtocol("Say how many charts to draw.", field="size")
    if unknown := [name for name in stratify_by if name not in STRATA]:
        raise InvalidProtocol(f"Charts are not stratified by {', '.join(unknown)}.", field="stratify_by")
    known = domain_codes(None)
    if lacking := [d for d in project.domains if d in known.missing]:
        raise InvalidProtocol(
            f"No value set is loaded for {', '.join(lacking)}: load it first.", domains=lacking
        )
    qualification = purpose == GoldChartPurpose.QUALIFICATION
    population = drawable(actor, project, filters, signed=qualification, bands=bands)
    if not population:
        raise InvalidProtocol("No chart that you may open fits these filters.", field="filters")
    by_id = {row.code_set_id: row for row in population}
    # Another draw of the same project goes by another seed, which follows from the first.
    seed = project.seed + len(project.sampling)
    chosen = draw([row.candidate for row in population], size, seed, stratify_by)
    rows = [by_id[candidate.id] for candidate in chosen]
    charts = _charts(project, rows, purpose, seed, known, bands)
    strata = counts(chosen, stratify_by)
    project.sampling = [
        *project.sampling,
        {
            "purpose": str(purpose),
            "filters": filters.as_json(),
            "stratify_by": list(stratify_by),
            "size": size,
            "seed": seed,
            "population": len(population),
            "drawn": len(charts),
            "strata": strata,
            "bands": [str(band) for band in bands],
            "value_sets": known.editions,
        },
    ]
    project.save(update_fields=["sampling"])
    audit.record(
        "gold.charts_sampled",
        actor=actor,
        data={
            "project_id": project.pk,
            "purpose": str(purpose),
            "charts": len(charts),
            "population": len(population),
            "seed": seed,
            "strata": strata,
        },
    )
    return charts


def _charts(
    project: GoldProject,
    rows: list[Drawable],
    purpose: str,
    seed: int,
    known: DomainCodes,
    bands: tuple[str, ...],
) -> list[GoldChart]:
    study = purpose == GoldChartPurpose.STUDY
    twice = _share(rows, project.double_share, seed + 1) if project.readings_per_chart == 1 else set()
    again = _share(rows, project.repeat_share, seed + 2) if study else set()
    first = (GoldChart.objects.filter(project=project).aggregate(n=Max("position"))["n"] or 0) + 1
    found = []
    for position, row in enumerate(rows, start=first):
        chart = GoldChart.objects.create(
            project=project,
            code_set_id=row.code_set_id,
            position=position,
            stratum={**row.candidate.stratum, "lines": row.lines},
            domains=list(row.domains),
            purpose=purpose,
            readings_wanted=DOUBLE if row.code_set_id in twice else project.readings_per_chart,
            repeat_wanted=row.code_set_id in again,
            may_be_billed=row.may_be_billed,
            key=[] if study else _key(row, known, project.domains),
        )
        chart.documents.set(documents_of(row))
        if project.label_source == LabelSource.ENGINE and row.run_id is not None:
            _label(chart, row.run_id, known, project.domains, bands)
        found.append(chart)
    return found


def _share(rows: list[Drawable], share: float, seed: int) -> set[int]:
    """That share of the charts, rounded up, so that a small project has them too."""
    order = sorted((row.code_set_id for row in rows), key=lambda pk: place(seed, pk))
    return set(order[: math.ceil(share * len(rows) - 1e-9)])


def _key(row: Drawable, known: DomainCodes, domains: list[str]) -> list[str]:
    lines = CodeLine.objects.filter(code_set=row.code_set_id).order_by("sequence")
    return sorted(
        {
            f"{line.system}:{line.code}"
            for line in lines
            if in_domains(known.of(line.system, line.code), domains)
        }
    )


def _label(
    chart: GoldChart, run_id: int, known: DomainCodes, domains: list[str], bands: tuple[str, ...]
) -> None:
    suggestions = Suggestion.objects.filter(run=run_id, band__in=bands).prefetch_related("evidence")
    for suggestion in suggestions.order_by("rank"):
        its = known.of(suggestion.system, suggestion.code)
        if not in_domains(its, domains):
            continue
        label = GoldLabel.objects.create(
            chart=chart,
            system=suggestion.system,
            code=suggestion.code,
            title=suggestion.title,
            rank=suggestion.rank,
            rationale=suggestion.rationale,
            confidence=suggestion.confidence,
            band=suggestion.band,
            domains=its,
            source=GoldLabelSource.ENGINE,
        )
        GoldLabelEvidence.objects.bulk_create(
            [
                GoldLabelEvidence(
                    label=label,
                    order=e.order,
                    document_version_id=e.document_version_id,
                    line_start=e.line_start,
                    line_end=e.line_end,
                    col_start=e.col_start,
                    col_end=e.col_end,
                    quote=e.quote,
                )
                for e in suggestion.evidence.all()
            ]
        )
