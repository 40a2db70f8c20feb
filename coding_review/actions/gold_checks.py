"""Place seeded checks: deliberately wrong labels that measure how readily readers approve what they are shown."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import GoldLabelSource
from coding_review.errors import InvalidProtocol
from coding_review.gold.domains import domain_codes, in_domains
from coding_review.gold.locks import lock_project, require_step
from coding_review.gold.seeds import Seed, seeds_for
from coding_review.models import GoldChart, GoldLabel, GoldLabelEvidence, GoldProject
from coding_review.rules.gold_presets import MAX_SEEDED_SHARE
from coding_review.rules.gold_sampling import by_hash
from coding_review.rules.permissions import MANAGE_GOLD
from modelops.engines.bands import band_of


@transaction.atomic
def seed_gold_checks(actor: Any, project_id: int) -> list[GoldLabel]:
    """As many as the project's share of the labels on charts that can never be billed, rounded down, one a chart at
    most, the kinds in turn, drawn by the project's seed. Placed before: nothing happens.

    Never on an encounter that may be billed, and never on qualification charts. They count in nothing but the figure
    that they are for.

    Raises InvalidProtocol (the protocol has none, or no chart can carry one), WrongStatus, GoldFrozen, NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    require_step(project, "seed")
    if not project.seeded_share:
        raise InvalidProtocol("This project's protocol has no seeded checks.")
    placed = GoldLabel.objects.filter(chart__project=project, source=GoldLabelSource.SEEDED)
    if placed.exists():
        return list(placed.order_by("pk"))
    charts = list(
        GoldChart.objects.filter(project=project, may_be_billed=False)
        .study()
        .select_related("code_set__release")
        .order_by("position")
    )
    labels = GoldLabel.objects.filter(chart__in=charts).count()
    share = min(project.seeded_share, MAX_SEEDED_SHARE)
    # Of all labels shown, seeded ones included, no more than the share.
    wanted = int(labels * share / (1 - share) + 1e-9)
    found = _drawn(project, charts, wanted)
    if not found:
        raise InvalidProtocol(
            "No chart can carry a seeded check: only charts that are never billed do, and there must be labels enough."
        )
    made = [_place(project, seed) for seed in found]
    audit.record(
        "gold.checks_seeded",
        actor=actor,
        data={"project_id": project.pk, "checks": len(made), "label_ids": [label.pk for label in made]},
    )
    return made


def _drawn(project: GoldProject, charts: list[GoldChart], wanted: int) -> list[Seed]:
    by_kind: dict[str, list[Seed]] = defaultdict(list)
    for chart in charts:
        known = domain_codes(chart.code_set.release, project.domains) if project.domains else None
        for seed in seeds_for(chart):
            if known is None or in_domains(known.of("icd10cm", seed.code), project.domains):
                by_kind[seed.kind].append(seed)
    queues = {
        kind: sorted(seeds, key=lambda seed: by_hash(project.seed, seed.name), reverse=True)
        for kind, seeds in sorted(by_kind.items())
    }
    chosen: list[Seed] = []
    used: set[int] = set()
    while len(chosen) < wanted and any(queues.values()):
        for queue in queues.values():
            while queue and len(chosen) < wanted:
                seed = queue.pop()
                if seed.beside.chart_id not in used:
                    chosen.append(seed)
                    used.add(seed.beside.chart_id)
                    break
    return chosen


# How far at most the confidence of a seeded check lies from that of the label beside it.
_APART = 0.08


def _confidence(project: GoldProject, seed: Seed) -> float | None:
    """Near that of the label beside it, never the same: two equal ones side by side would tell."""
    beside = seed.beside.confidence
    if beside is None:
        return None
    # 0.1 to 1 of the way, so that the two differ as shown with two digits.
    share = 0.1 + 0.9 * int(by_hash(project.seed, f"confidence:{seed.name}")[:8], 16) / 16**8
    lower = beside - _APART * share
    return round(lower if lower > 0 else beside + _APART * share, 4)


def _place(project: GoldProject, seed: Seed) -> GoldLabel:
    beside, confidence = seed.beside, _confidence(project, seed)
    label = GoldLabel.objects.create(
        chart_id=beside.chart_id,
        system=beside.system,
        code=seed.code,
        title=seed.title,
        rank=beside.rank,
        confidence=confidence,
        band=""
        if confidence is None
        else band_of(confidence, high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM),
        domains=beside.domains,
        source=GoldLabelSource.SEEDED,
        seeded_kind=seed.kind,
    )
    GoldLabelEvidence.objects.bulk_create(
        [
            GoldLabelEvidence(
                label=label,
                order=order,
                document_version_id=place.document_version_id,
                line_start=place.line_start,
                line_end=place.line_end,
                col_start=place.col_start,
                col_end=place.col_end,
                quote=place.quote,
            )
            for order, place in enumerate(seed.evidence)
        ]
    )
    return label
