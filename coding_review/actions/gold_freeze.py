"""Freeze a gold set, and withdraw charts before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import (
    AdjudicationStatus,
    GoldLabelStatus,
    GoldMode,
    GoldReadingStatus,
    GoldSetKind,
    GoldSetPurpose,
)
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.gold.agreement import agreement_summary
from coding_review.gold.domains import DomainCodes, domain_codes
from coding_review.gold.locks import lapse, lock_charts, lock_project, require_step
from coding_review.gold.manifest import FORMAT, chart_lines, manifest_hash
from coding_review.gold.queries import charts_to_adjudicate
from coding_review.gold.stances import JudgedCode, judged_codes
from coding_review.models import (
    DocumentVersion,
    Encounter,
    GoldChart,
    GoldProject,
    GoldReader,
    GoldReading,
    GoldSet,
    GoldSetChart,
    GoldSetLabel,
    GoldSetText,
    GoldTombstone,
)
from coding_review.rules import gold_verdicts, reasons
from coding_review.rules.gold_presets import WARNINGS
from coding_review.rules.gold_steps import ABSENT
from coding_review.rules.names import fault_of_name
from coding_review.rules.permissions import FREEZE_GOLD, MANAGE_GOLD

NAME = 120


@transaction.atomic
def freeze_gold_set(actor: Any, project_id: int, *, purpose: str, name: str = "") -> GoldSet:
    """The project's labels as a set that nobody changes any more. The purpose is fixed here.

    Raises WrongStatus (reading has not ended; data: charts that wait for adjudication), InvalidDecision (no purpose,
    no chart left, name of another project's or outside set), GoldFrozen, NotAllowed.
    """
    require(actor, FREEZE_GOLD)
    project = lock_project(project_id)
    after = require_step(project, "freeze")
    if purpose not in GoldSetPurpose.values:
        raise InvalidDecision("Choose what the set is for.", field="purpose")
    lock_charts(project)
    charts = list(
        GoldChart.objects.filter(project=project)
        .study()
        .select_related("project", "code_set__encounter__patient", "code_set__release")
        .prefetch_related("documents__document")
        .order_by("position")
    )
    if not charts:
        raise InvalidDecision("Every chart of this project was withdrawn.")
    waiting = charts_to_adjudicate(project).exclude(adjudication__status=AdjudicationStatus.FINISHED)
    left = list(waiting.values_list("pk", flat=True))
    if left:
        raise WrongStatus(
            f"{len(left)} {'chart waits' if len(left) == 1 else 'charts wait'} for adjudication.",
            chart_ids=left,
        )
    name = name.strip() or project.name
    if wrong := fault_of_name(name, NAME):
        raise InvalidDecision(wrong, field="name")
    if GoldSet.objects.filter(name=name).exclude(project=project).exists():
        raise InvalidDecision("There is another gold set of this name.", field="name")
    gold_set = _frozen(actor, project, charts, purpose, name)
    project.status, project.frozen_at = after, timezone.now()
    project.save(update_fields=["status", "frozen_at"])
    audit.record(
        "gold.frozen",
        actor=actor,
        data={
            "project_id": project.pk,
            "gold_set_id": gold_set.pk,
            "name": name,
            "version": gold_set.version,
            "kind": str(gold_set.kind),
            "purpose": str(purpose),
            "sha256": gold_set.sha256,
            "charts": len(charts),
            "labels": GoldSetLabel.objects.filter(gold_set_chart__gold_set=gold_set).count(),
        },
    )
    return gold_set


def kind_of(project: GoldProject, counted: list[int]) -> GoldSetKind:
    """By how it was read; `counted`: the counting readings of each chart. Only what two people read, who could also
    add codes, and a third adjudicated is called gold."""
    if project.mode == GoldMode.APPROVE_ONLY:
        return GoldSetKind.APPROVED
    return GoldSetKind.GOLD if min(counted) >= 2 else GoldSetKind.SINGLE_READ


def _frozen(actor: Any, project: GoldProject, charts: list[GoldChart], purpose: str, name: str) -> GoldSet:
    codes = judged_codes(charts)
    counted = dict(
        GoldReading.objects.counting()
        .filter(chart__in=charts)
        .order_by()
        .values_list("chart_id")
        .annotate(n=Count("pk"))
    )
    if lacking := [chart.pk for chart in charts if not counted.get(chart.pk)]:
        raise WrongStatus("Some charts were not read by anyone who counts.", chart_ids=lacking)
    rows = {chart.pk: _chart(chart) for chart in charts}
    known = {
        release.pk if release else None: domain_codes(release)
        for release in {chart.code_set.release for chart in charts}
    }
    labels = {
        rows[chart.pk].chart_key: [
            _label(code, known[chart.code_set.release_id].of(code.system, code.code), rows[chart.pk])
            for code in codes[chart.pk]
        ]
        for chart in charts
    }
    kind = kind_of(project, [counted[chart.pk] for chart in charts])
    manifest = audit.as_read_back(
        {
            "format": FORMAT,
            "kind": str(kind),
            "purpose": str(purpose),
            "protocol": _protocol(project),
            "codebook": {
                "name": project.codebook.name,
                "version": project.codebook.version,
                "id": project.codebook_id,
            },
            "catalog_releases": sorted({str(c.code_set.release) for c in charts if c.code_set.release}),
            "value_sets": _value_sets(known.values()),
            "reasons": reasons.EDITION,
            "verdicts": gold_verdicts.EDITION,
            "readers": _readers(project),
            "sampling": project.sampling,
            "warnings": [w for w in (WARNINGS[project.mode],) if w],
            "counts": _counts(codes, counted),
            "agreement": _storable(agreement_summary(project)),
            "charts": chart_lines([rows[chart.pk] for chart in charts], labels),
        }
    )
    version = (GoldSet.objects.filter(name=name).aggregate(n=Max("version"))["n"] or 0) + 1
    gold_set = GoldSet.objects.create(
        project=project,
        name=name,
        version=version,
        kind=kind,
        purpose=purpose,
        without_phi=all(_without_phi(chart.code_set.encounter) for chart in charts),
        manifest=manifest,
        sha256=manifest_hash(manifest),
        frozen_by=actor,
    )
    for chart in rows.values():
        chart.gold_set = gold_set
    GoldSetChart.objects.bulk_create(list(rows.values()))
    GoldSetLabel.objects.bulk_create(
        [label for chart in rows.values() for label in _of(chart, labels[chart.chart_key])]
    )
    return gold_set


def _value_sets(known: Iterable[DomainCodes]) -> dict[str, str]:
    """By domain the editions that were used: one, unless the charts are of several releases."""
    found: dict[str, set[str]] = {}
    for codes in known:
        for domain, edition in codes.editions.items():
            found.setdefault(domain, set()).add(edition)
    return {domain: ", ".join(sorted(editions)) for domain, editions in found.items()}


def _storable(value: Any) -> Any:
    """The same figures as a jsonb column returns them: it has no negative zero."""
    if isinstance(value, dict):
        return {str(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value + 0.0 if isinstance(value, float) else value


def _of(chart: GoldSetChart, labels: list[GoldSetLabel]) -> list[GoldSetLabel]:
    for label in labels:
        label.gold_set_chart = chart
    return labels


def _without_phi(encounter: Encounter) -> bool:
    return encounter.synthetic


def _protocol(project: GoldProject) -> dict[str, Any]:
    return {
        "project_id": project.pk,
        "name": project.name,
        "preset": str(project.preset),
        "mode": str(project.mode),
        "domains": list(project.domains),
        "readings_per_chart": project.readings_per_chart,
        "double_share": project.double_share,
        "repeat_share": project.repeat_share,
        "repeat_after_days": project.repeat_after_days,
        "seeded_share": project.seeded_share,
        "show_confidence": project.show_confidence,
        "show_rationale": project.show_rationale,
        "show_other_reading": project.show_other_reading,
        "mixed_readers": project.mixed_readers,
        "label_source": str(project.label_source),
        "label_origin": project.label_origin,
        "seed": project.seed,
        "qualification_threshold": project.qualification_threshold,
    }


def _readers(project: GoldProject) -> list[dict[str, Any]]:
    """By pseudonym; who they are stays in the database."""
    return [
        {
            "pseudonym": reader.pseudonym,
            "profession": str(reader.profession),
            "credential": reader.credential,
            "qualified": reader.qualified_at is not None,
            "qualification_f1": reader.qualification_f1,
            "readings": reader.readings.filter(status=GoldReadingStatus.FINISHED).count(),
        }
        for reader in GoldReader.objects.filter(project=project).order_by("pk")
    ]


def _counts(codes: dict[int, list[JudgedCode]], counted: dict[int, int]) -> dict[str, Any]:
    every = [code for found in codes.values() for code in found]
    status = Counter(code.status for code in every)
    said: Counter[str] = Counter()
    for code in every:
        for stance in code.stances:
            if stance.said in gold_verdicts.BY_ID:
                said[gold_verdicts.paper_word(stance.said) or "neither"] += 1
    return {
        "charts": len(codes),
        "readings": dict(sorted(Counter(str(n) for n in counted.values()).items())),
        "labels": {str(s.value): status[s] for s in GoldLabelStatus},
        "added": sum(1 for code in every if code.label_id is None),
        "verdicts": {
            word: said[word] for word in (gold_verdicts.APPROVED, gold_verdicts.REJECTED, "neither")
        },
        "items": dict(sorted(Counter(code.kind for code in every).items())),
    }


def _chart(chart: GoldChart) -> GoldSetChart:
    encounter = chart.code_set.encounter
    documents = sorted(chart.documents.all(), key=lambda v: (v.document.position, v.document_id))
    return GoldSetChart(
        chart_key=f"chart-{chart.code_set_id}",
        code_set=chart.code_set,
        documents=[_document(version) for version in documents],
        facts=_facts(chart, encounter),
        domains=list(chart.domains),
        setting=encounter.setting,
        specialty=encounter.specialty,
        lines=sum(version.line_count for version in documents),
    )


def _document(version: DocumentVersion) -> dict[str, Any]:
    document = version.document
    return {
        "document_id": document.source_id,
        "document_version_id": version.pk,
        "version": version.version,
        "type": document.type,
        "author_role": document.author_role,
        "authored_at": document.authored_at.isoformat() if document.authored_at else None,
        "sha256": version.sha256,
        "lines": version.line_count,
    }


def _facts(chart: GoldChart, encounter: Encounter) -> dict[str, Any]:
    """The batch interface's fields that carry no name and no number of a record."""
    patient = encounter.patient
    values: dict[str, Any] = {
        "patient_id": patient.pseudonym if patient else "",
        "claim_type": str(chart.code_set.claim_type),
        "date_of_service": _day(encounter.date_of_service),
        "admit_date": _day(encounter.admit_date),
        "discharge_date": _day(encounter.discharge_date),
        "age": encounter.age,
        "age_unit": encounter.age_unit,
        "sex": encounter.sex,
    }
    return {name: value for name, value in values.items() if value not in (None, "")}


def _day(day: Any) -> str | None:
    return day.isoformat() if day is not None else None


def _label(code: JudgedCode, domains: list[str], chart: GoldSetChart) -> GoldSetLabel:
    named = {d["document_version_id"]: d["document_id"] for d in chart.documents}
    accepted = code.status == GoldLabelStatus.ACCEPTED
    places = [
        {
            "document_id": named[place.document_version_id],
            "line_start": place.line_start,
            "line_end": place.line_end,
            "col_start": place.col_start,
            "col_end": place.col_end,
        }
        for place in code.evidence
        if place.document_version_id in named
    ]
    one_sided = any(stance.said == ABSENT for stance in code.stances)
    return GoldSetLabel(
        system=code.system,
        code=code.code,
        status=code.status,
        reason="" if accepted or one_sided else code.reason,
        evidence=places if accepted else [],
        domains=domains,
        role=code.placed.role if accepted else "",
        poa=code.placed.poa if accepted else "",
        sequence=code.placed.sequence if accepted else None,
        optional=code.status == GoldLabelStatus.UNDECIDED,
        origin="label" if code.label_id is not None else "addition",
    )


# --- Withdrawing ---------------------------------------------------------------------------------------------


@transaction.atomic
def withdraw_gold_chart(actor: Any, chart_id: int, *, reason: str) -> GoldChart:
    """The chart leaves the project; what was read of it stays and counts no more. Of a frozen set a tombstone is
    left in its place. Withdrawn before: nothing happens.

    Raises InvalidDecision (no reason), NotAllowed.
    """
    require(actor, MANAGE_GOLD)
    reason = _reason(reason)
    found = GoldChart.objects.visible_to(actor).filter(pk=chart_id).first()
    if found is None:
        raise NotAllowed("This chart is not among those you may open.")
    project = lock_project(found.project_id)
    require_step(project, "withdraw")
    chart = GoldChart.objects.select_for_update(of=("self",), no_key=True).get(pk=chart_id)
    if chart.withdrawn_at is not None:
        return chart
    still_open = list(
        GoldReading.objects.select_for_update(of=("self",), no_key=True)
        .filter(chart=chart, status=GoldReadingStatus.OPEN)
        .order_by("pk")
    )
    lapse(still_open)
    chart.withdrawn_at, chart.withdrawn_reason = timezone.now(), reason
    chart.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    frozen = list(
        GoldSetChart.objects.standing()
        .filter(gold_set__project=project, code_set=chart.code_set_id)
        .order_by("pk")
    )
    for row in frozen:
        _bury(actor, row, reason)
    audit.record(
        "gold.chart_withdrawn",
        actor=actor,
        data={
            "project_id": project.pk,
            "chart_id": chart.pk,
            "gold_set_chart_ids": [row.pk for row in frozen],
            "lapsed": len(still_open),
        },
        payload={"comment": reason},
    )
    return chart


@transaction.atomic
def withdraw_gold_set_chart(actor: Any, gold_set_chart_id: int, *, reason: str) -> GoldTombstone:
    """Of an outside set: the chart leaves every export, its text is purged, a tombstone stays. Withdrawn before:
    nothing happens.

    Raises InvalidDecision (no reason), NotAllowed (no such chart, or one of a project's set: withdraw it there).
    """
    require(actor, MANAGE_GOLD)
    reason = _reason(reason)
    chart = (
        GoldSetChart.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(code_set__isnull=True), pk=gold_set_chart_id)
        .first()
    )
    if chart is None:
        raise NotAllowed("This chart is not one of an outside set.")
    found = GoldTombstone.objects.filter(gold_set_chart=chart).first()
    if found is not None:
        return found
    tombstone = _bury(actor, chart, reason)
    audit.record(
        "gold.chart_withdrawn",
        actor=actor,
        data={"gold_set_chart_ids": [chart.pk]},
        payload={"comment": reason},
    )
    return tombstone


def _bury(actor: Any, chart: GoldSetChart, reason: str) -> GoldTombstone:
    GoldSetText.objects.filter(gold_set_chart=chart, purged_at__isnull=True).update(
        text="", purged_at=timezone.now()
    )
    return GoldTombstone.objects.create(gold_set_chart=chart, by=actor, reason=reason)


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidDecision("Say why the chart is withdrawn.", field="reason")
    return reason[:200]
