"""Labels from outside for the charts of a gold project: predictions of a peer, or another set's codes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from catalog.choices import CodeRole, CodeSystem, PresentOnAdmission
from catalog.queries import get_nodes
from coding_review import audit
from coding_review.auth import require
from coding_review.choices import GoldChartPurpose, GoldLabelSource, LabelSource
from coding_review.errors import InvalidEvidence, InvalidImport, InvalidProtocol
from coding_review.gold.domains import domain_codes, in_domains
from coding_review.gold.locks import lock_project, require_step
from coding_review.models import DocumentVersion, GoldChart, GoldLabel, GoldLabelEvidence, GoldProject
from coding_review.places import quote_at, whole_lines
from coding_review.rules.permissions import MANAGE_GOLD
from modelops.engines.bands import band_of
from modelops.interchange import BadChart, object_of_line

SHOWN_ERRORS, SHOWN_LABELS = 50, 12


@transaction.atomic
def label_gold_charts(actor: Any, project_id: int, lines: Iterable[bytes], *, sha256: str = "") -> int:
    """Labels from prediction lines of the batch interface (`id` is the encounter's id at its source), whole or not at
    all; how many. Evidence without a place in the chart's documents is refused; columns are set anew from the lines.

    Codes outside the project's domains are left out. A line of no chart of the project is an error. `sha256`: of the
    file that was looked at before, and no other is taken.

    Raises InvalidImport (data: errors with line and message), InvalidProtocol (labels come from elsewhere, or are there
    already), WrongStatus, GoldFrozen, NotAllowed.
    """
    taken = _take(actor, project_id, lines, sha256)
    audit.record(
        "gold.labels_imported",
        actor=actor,
        data={
            "project_id": project_id,
            "charts": taken.charts,
            "labels": taken.labels,
            "sha256": taken.sha256,
        },
    )
    return taken.labels


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file of labels comes to. `without`: charts of the project that no line names; `first`: its first labels
    as (chart's position, code, title, lines)."""

    charts: int
    labels: int
    outside: int
    without: int
    sha256: str
    first: tuple[tuple[int, str, str, str], ...]


@transaction.atomic
def preview_gold_labels(actor: Any, project_id: int, lines: Iterable[bytes]) -> Taken:
    """What label_gold_charts would do with these lines; nothing is kept. Raises what it would."""
    with transaction.atomic():
        taken = _take(actor, project_id, lines, "")
        transaction.set_rollback(True)
    return taken


def _take(actor: Any, project_id: int, lines: Iterable[bytes], sha256: str) -> Taken:
    require(actor, MANAGE_GOLD)
    project = lock_project(project_id)
    require_step(project, "label")
    if project.label_source != LabelSource.IMPORTED:
        raise InvalidProtocol("The labels of this project are not imported ones.")
    charts = _charts(project)
    if GoldLabel.objects.filter(chart__project=project).exists():
        raise InvalidProtocol("The charts of this project have their labels already.")
    digest = hashlib.sha256()
    errors: list[dict[str, Any]] = []
    made, outside, seen = 0, 0, set()
    for number, raw in enumerate(lines, start=1):
        digest.update(raw)
        if not raw.strip():
            continue
        try:
            row = object_of_line(raw.decode("utf-8"))
            chart = charts.get(row["id"]) if isinstance(row.get("id"), str) else None
            if chart is None:
                raise BadChart("no chart of this project", where="id")
            if chart.pk in seen:
                raise BadChart("used on an earlier line too", where="id")
            seen.add(chart.pk)
            its = _labels(project, chart, row.get("codes"))
            made, outside = made + its, outside + len(row["codes"]) - its
        except UnicodeDecodeError as error:
            errors.append({"line": number, "message": f"not UTF-8 (byte {error.start + 1} of the line)"})
        except (BadChart, InvalidEvidence) as error:
            errors.append({"line": number, "message": str(error)})
    if sha256 and sha256 != digest.hexdigest():
        raise InvalidImport("This is not the file that was looked at.", errors=[], count=0)
    if errors:
        raise InvalidImport(
            f"{len(errors)} {'line' if len(errors) == 1 else 'lines'} cannot be read; no label was imported.",
            errors=errors[:SHOWN_ERRORS],
            count=len(errors),
        )
    if not made:
        raise InvalidImport("There is no label in it.", errors=[], count=0)
    return Taken(len(seen), made, outside, len(charts) - len(seen), digest.hexdigest(), _first(project))


def _first(project: GoldProject) -> tuple[tuple[int, str, str, str], ...]:
    labels = (
        GoldLabel.objects.filter(chart__project=project).select_related("chart").prefetch_related("evidence")
    )
    return tuple(
        (
            label.chart.position,
            label.code,
            label.title,
            ", ".join(str(place.line_start) for place in label.evidence.all()),
        )
        for label in labels.order_by("chart__position", "rank")[:SHOWN_LABELS]
    )


def _charts(project: GoldProject) -> dict[str, GoldChart]:
    found = GoldChart.objects.filter(project=project).standing()
    rows = found.select_related("code_set__encounter", "code_set__release").prefetch_related(
        "documents__document"
    )
    return {chart.code_set.encounter.source_id: chart for chart in rows.order_by("purpose", "pk")}


def _labels(project: GoldProject, chart: GoldChart, codes: Any) -> int:
    if not isinstance(codes, list):
        raise BadChart("not a list", where="codes")
    release = chart.code_set.release
    known = domain_codes(release)
    nodes = get_nodes(release, [c["code"] for c in codes if _is_code(c)]) if release else {}
    versions = {v.document.source_id: v for v in chart.documents.all()}
    made, domains = 0, set()
    for number, value in enumerate(codes):
        where = f"codes[{number}]"
        if not _is_code(value):
            raise BadChart("missing", where=f"{where}.code")
        system = value.get("system") or CodeSystem.ICD10CM
        if system not in CodeSystem.values:
            raise BadChart("not one of " + ", ".join(CodeSystem.values), where=f"{where}.system")
        node = nodes.get(value["code"]) if system == CodeSystem.ICD10CM else None
        code = node.code if node else value["code"].upper()
        its = known.of(system, code)
        if not in_domains(its, project.domains):
            continue
        if GoldLabel.objects.filter(chart=chart, system=system, code=code).exists():
            raise BadChart("there twice", where=f"{where}.code")
        domains |= set(its)
        label = GoldLabel(
            chart=chart,
            system=system,
            code=code,
            title=node.title if node else str(value.get("description") or "")[:400],
            rank=number + 1,
            domains=its,
            source=GoldLabelSource.IMPORTED,
        )
        _fill(label, value, where)
        label.save()
        _evidence(label, value.get("evidence") or [], where, versions)
        made += 1
    if chart.purpose == GoldChartPurpose.STUDY and domains:
        chart.domains = [domain for domain in known.codes if domain in domains]
        chart.save(update_fields=["domains"])
    return made


def _is_code(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("code"), str)
        and 0 < len(value["code"].strip()) <= 12
    )


def _fill(label: GoldLabel, value: dict[str, Any], where: str) -> None:
    confidence = value.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float | None):
        raise BadChart("not a number", where=f"{where}.confidence")
    rationale = value.get("rationale") or ""
    if not isinstance(rationale, str):
        raise BadChart("not a string", where=f"{where}.rationale")
    label.confidence, label.rationale = confidence, rationale
    label.role = _one_of(value, "role", CodeRole.values, str.lower, where)
    label.poa = _one_of(value, "poa", PresentOnAdmission.values, _indicator, where)
    sequence = value.get("sequence")
    if sequence is not None and (
        isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 <= sequence < 1_000_000
    ):
        raise BadChart("not a whole number from 0 on", where=f"{where}.sequence")
    label.sequence = sequence
    if confidence is not None:
        label.band = band_of(confidence, high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)


def _one_of(
    value: dict[str, Any], name: str, allowed: list[str], fold: Callable[[str], str], where: str
) -> str:
    given = value.get(name)
    if given in (None, ""):
        return ""
    word = fold(given.strip()) if isinstance(given, str) else None
    if word not in allowed:
        raise BadChart(f"not one of {', '.join(allowed)}", where=f"{where}.{name}")
    return str(word)


def _indicator(word: str) -> str:
    return PresentOnAdmission.EXEMPT.value if word.lower() == "exempt" else word.upper()


def _evidence(label: GoldLabel, evidence: Any, where: str, versions: dict[str, DocumentVersion]) -> None:
    if not isinstance(evidence, list):
        raise BadChart("not a list", where=f"{where}.evidence")
    for order, place in enumerate(evidence):
        version = _version(place, versions, f"{where}.evidence[{order}]")
        start, end = place.get("line_start"), place.get("line_end", place.get("line_start"))
        if not isinstance(start, int) or not isinstance(end, int):
            raise BadChart("not whole numbers", where=f"{where}.evidence[{order}].line_start")
        found = whole_lines(version.lines, start, end)
        GoldLabelEvidence.objects.create(
            label=label,
            order=order,
            document_version=version,
            line_start=found.line_start,
            line_end=found.line_end,
            col_start=found.col_start,
            col_end=found.col_end,
            quote=quote_at(version.lines, found),
        )


def _version(place: Any, versions: dict[str, DocumentVersion], where: str) -> DocumentVersion:
    if not isinstance(place, dict):
        raise BadChart("not an object", where=where)
    named = versions.get(str(place.get("document_id")))
    only = next(iter(versions.values())) if len(versions) == 1 else None
    found = named or only
    if found is None:
        raise BadChart("no document of this chart", where=f"{where}.document_id")
    return found
