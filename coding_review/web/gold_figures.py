"""Agreement of a gold project as the pages say it: each figure with its interval, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coding_review.choices import Domain, GoldReadingStatus
from coding_review.gold.agreement import agreement_of
from coding_review.kept import Kept
from coding_review.models import GoldChart, GoldProject, GoldReading
from coding_review.web.gold_project_page import Figure, FigureGroup
from coding_review.web.words import count

# Where in the figures each stands, and what it is called. The order is the page's.
_FIGURES: tuple[tuple[str, str, str], ...] = (
    ("labels", "positive_agreement", "Positive specific agreement"),
    ("labels", "negative_agreement", "Negative specific agreement"),
    ("labels", "ac1", "Gwet's AC1"),
    ("labels", "cohen_kappa", "Cohen's kappa, labels"),
    ("labels", "alpha", "Krippendorff's alpha, labels"),
    ("codes", "cohen_kappa", "Cohen's kappa, codes seen × charts"),
    ("codes", "fleiss_kappa", "Fleiss' kappa, codes seen × charts"),
    ("additions", "f1", "F1 of added codes"),
    ("evidence", "line_f1", "F1 of evidence lines"),
    ("sets", "masi_alpha", "Krippendorff's alpha of code sets (MASI)"),
)
_HEADLINE = (("positive", "positive_agreement"), ("negative", "negative_agreement"), ("AC1", "ac1"))


# By how far reading has come: figures of a large project take seconds, and are asked for with every chart.
_KEPT: Kept[tuple[int, int, int, int], dict[str, Any]] = Kept(50)


def kept_figures(project: GoldProject) -> dict[str, Any]:
    """For who may_see_figures and for adjudicators: the same as long as no reading is finished and no chart goes."""
    readings = GoldReading.objects.filter(chart__project=project)
    finished = readings.filter(status=GoldReadingStatus.FINISHED)
    key = (
        project.pk,
        finished.count(),
        GoldChart.objects.filter(project=project, withdrawn_at__isnull=False).count(),
        project.readers.filter(qualified_at__isnull=False).count(),
    )
    found = _KEPT.get(key)
    if found is None:
        found = agreement_of(project)
        _KEPT.keep(key, found)
    return found


def figure(name: str, found: Mapping[str, Any]) -> Figure:
    """`found`: {"value", "low", "high", "n", "why", "interval_why", "interval_note"}."""
    if found.get("value") is None:
        why = str(found.get("why") or "nothing to compare yet").rstrip(".")
        return Figure(name, undefined=f"{why[:1].lower()}{why[1:]}")
    interval = str(found.get("interval_why") or "")
    if found.get("low") is not None:
        note = found.get("interval_note")
        interval = f"{found['low']:.2f} to {found['high']:.2f}{f' ({note})' if note else ''}"
    return Figure(name, f"{found['value']:.2f}", interval, n=str(found.get("n") or ""))


def group(title: str, found: Mapping[str, Any]) -> FigureGroup:
    return FigureGroup(
        title,
        tuple(
            figure(name, found[part][key])
            for part, key, name in _FIGURES
            if part in found and key in found[part]
        ),
    )


def figure_groups(figures: Mapping[str, Any]) -> tuple[FigureGroup, ...]:
    groups = [group("All pairs of readers", figures["overall"])]
    if len(figures["by_pair"]) > 1:
        groups += [group(name, found) for name, found in figures["by_pair"].items()]
    groups += [
        group(f"Domain: {Domain(name).label}" if name in Domain.values else f"Domain: {name}", found)
        for name, found in figures["by_domain"].items()
    ]
    if figures["repeats"]["charts"]:
        groups.append(group("Readers with themselves, repeats", figures["repeats"]["overall"]))
    seeded = figures["seeded"]
    if seeded["checks"]:
        found = [figure("Approved, all readers", seeded["approved_share"])]
        found += [figure(f"Approved, {name}", each) for name, each in seeded["by_reader"].items()]
        groups.append(FigureGroup("Seeded checks: wrong labels that were approved", tuple(found)))
    return tuple(groups)


def figures_note(figures: Mapping[str, Any]) -> str:
    counts = figures["counts"]
    return f"{count(counts['charts_read_twice'], 'chart')} read twice, {figures['resamples']} resamples by patient"


def headline(project: GoldProject) -> str:
    """ "agreement so far: positive 0.91, negative 0.84, AC1 0.86"; empty where nothing can be compared."""
    labels = kept_figures(project)["overall"]["labels"]
    parts = [
        f"{word} {labels[key]['value']:.2f}" for word, key in _HEADLINE if labels[key]["value"] is not None
    ]
    return f"agreement so far: {', '.join(parts)}" if parts else ""
