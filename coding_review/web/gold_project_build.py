"""Filling the page of one gold project: for who oversees it everything but text, for a reader only their own part."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.urls import reverse

from coding_review.choices import (
    AdjudicationStatus,
    GoldChartPurpose,
    GoldReadingKind,
    GoldReadingStatus,
    GoldSetKind,
    GoldSetPurpose,
    GoldStatus,
    LabelSource,
    Profession,
)
from coding_review.gold.queries import (
    MyProgress,
    Progress,
    ReaderProgress,
    may_see_figures,
    my_progress,
    overrulings_for,
    progress_of,
    reader_of,
)
from coding_review.models import Codebook, GoldChart, GoldLabel, GoldProject, GoldReader, GoldSet
from coding_review.rules.gold_sampling import STRATA
from coding_review.rules.gold_steps import next_status
from coding_review.rules.permissions import (
    ADJUDICATE,
    FREEZE_GOLD,
    MANAGE_GOLD,
    PERMISSIONS_BY_ROLE,
    READ_DOCUMENTS,
    READ_GOLD,
    SEARCH_AUDIT,
)
from coding_review.web import gold_protocol, words
from coding_review.web.gold_project_page import ChartRow, CodebookRow, ProjectPage, ReaderRow, SetRow, Step
from coding_review.web.gold_projects import TONES, may
from coding_review.web.review_cards import options
from coding_review.web.review_page import Option

KIND_NOTES: dict[str, str] = {
    GoldSetKind.GOLD: "",
    GoldSetKind.SINGLE_READ: "Each chart was read once: a single-read reference, not a gold set.",
    GoldSetKind.APPROVED: (
        "Readers could approve or reject and add nothing: approved labels, not a gold set. Recall measured against "
        "them sees only the labeller's codes."
    ),
}


# Seconds a chart below which a pace says nothing: 0.1 min as shown.
_SHORTEST = 6


def project_page(user: Any, project: GoldProject, *, error: str = "") -> ProjectPage:
    reader = reader_of(user, project)
    oversees = may_see_figures(user, project)
    manages = may(user, MANAGE_GOLD)
    mine = my_progress(reader) if reader is not None else None
    progress = progress_of(project) if oversees else None
    charts = _charts(project) if oversees else _own_charts(reader)
    step = {
        name: next_status(project.status, name) is not None
        for name in ("read", "close", "adjudicate", "freeze")
    }
    return ProjectPage(
        id=project.pk,
        name=project.name,
        preset=project.get_preset_display(),
        status=project.status,
        status_label=project.get_status_display(),
        tone=TONES[project.status],
        facts=gold_protocol.facts(project),
        protocol=gold_protocol.protocol(project),
        warnings=gold_protocol.warnings(project),
        readers=_readers(project, progress, names=manages),
        charts=charts,
        charts_line=_charts_line(project, progress, mine),
        finished=progress.finished if progress else mine.finished if mine else 0,
        wanted=progress.wanted if progress else mine.wanted if mine else 0,
        adjudicated=progress.adjudicated if progress else 0,
        to_adjudicate=progress.to_adjudicate if progress and project.status != GoldStatus.OPEN else 0,
        shows_figures=oversees and project.status != GoldStatus.DRAFT,
        codebooks=_codebooks(project),
        sets=tuple(set_row(each) for each in project.gold_sets.newest_first()),
        steps=_steps(project, progress) if project.status == GoldStatus.DRAFT else (),
        can_manage=manages,
        can_next=reader is not None and step["read"],
        can_close=manages and step["close"],
        can_adjudicate=reader is None
        and step["adjudicate"]
        and may(user, ADJUDICATE)
        and progress is not None
        and progress.adjudicated < progress.to_adjudicate,
        can_freeze=step["freeze"] and may(user, FREEZE_GOLD),
        can_seed=manages and project.seeded_share > 0 and bool(charts),
        can_label=manages
        and project.status == GoldStatus.DRAFT
        and project.label_source == LabelSource.IMPORTED
        and bool(charts)
        and not GoldLabel.objects.filter(chart__project=project).exists(),
        is_reader=reader is not None,
        mine=mine.finished if mine else 0,
        overruled=len(overrulings_for(user, project)),
        codebook_text=project.codebook.text,
        people=_people(project) if manages and next_status(project.status, "add_reader") else (),
        professions=options(Profession.choices, Profession.CODER),
        purposes=options(GoldSetPurpose.choices, GoldSetPurpose.EVALUATION),
        error=error,
    )


def set_row(found: GoldSet) -> SetRow:
    labels = Counter(found.charts.values_list("labels__status", flat=True))
    return SetRow(
        id=found.pk,
        name=found.name,
        version=found.version,
        kind=found.get_kind_display(),
        kind_note=KIND_NOTES[found.kind],
        purpose=found.get_purpose_display(),
        charts=found.charts.standing().count(),
        labels=sum(count for status, count in labels.items() if status),
        when=words.day(found.frozen_at, year=True),
        sha256=found.sha256,
        tombstones=found.charts.filter(tombstone__isnull=False).count(),
        project=found.project.name if found.project else "from outside",
    )


def _readers(project: GoldProject, progress: Progress | None, *, names: bool) -> tuple[ReaderRow, ...]:
    """For readers nothing of how far others are."""
    if progress is None:
        return tuple(
            ReaderRow(r.pseudonym, "", r.get_profession_display(), r.credential, "", None)
            for r in project.readers.order_by("pk")
        )
    return tuple(
        ReaderRow(
            pseudonym=r.pseudonym,
            name=r.name if names else "",
            profession=Profession(r.profession).label,
            credential=r.credential,
            qualification=_qualification(project, r),
            finished=r.finished,
            pace=f"{r.seconds_per_chart / 60:.1f} min a chart"
            if r.seconds_per_chart is not None and r.seconds_per_chart >= _SHORTEST
            else "",
        )
        for r in progress.readers
    )


def _qualification(project: GoldProject, reader: ReaderProgress) -> str:
    if project.qualification_threshold is None:
        return "counts without qualification"
    if reader.qualification_f1 is None:
        return "has not read the qualification charts"
    outcome = "qualified" if reader.qualified else "not qualified"
    return f"{outcome}, F1 {reader.qualification_f1:.2f}"


def _stratum(chart: GoldChart) -> str:
    """ "frailty, outpatient, medium, 120 lines"."""
    words_of = [str(chart.stratum.get(name) or "").replace("_", " ") for name in STRATA]
    if chart.stratum.get("lines"):
        words_of.append(words.count(chart.stratum["lines"], "line"))
    return ", ".join(word for word in words_of if word)


def _purpose(chart: GoldChart) -> str:
    return "qualification" if chart.purpose == GoldChartPurpose.QUALIFICATION else ""


def _charts(project: GoldProject) -> tuple[ChartRow, ...]:
    independent = Q(readings__kind__in=(GoldReadingKind.INDEPENDENT, GoldReadingKind.QUALIFICATION))
    rows = (
        GoldChart.objects.filter(project=project)
        .select_related("adjudication")
        .annotate(
            finished=Count("readings", filter=independent & Q(readings__status=GoldReadingStatus.FINISHED)),
            begun=Count("readings", filter=independent & Q(readings__status=GoldReadingStatus.OPEN)),
        )
        .order_by("position")
    )
    may_withdraw = next_status(project.status, "withdraw") is not None
    return tuple(_chart(chart, may_withdraw) for chart in rows)


def _chart(chart: Any, may_withdraw: bool) -> ChartRow:
    """`chart` as annotated above."""
    adjudication = getattr(chart, "adjudication", None)
    if chart.withdrawn_at is not None:
        state, tone = "withdrawn", "calm"
    elif adjudication is not None and adjudication.status == AdjudicationStatus.FINISHED:
        state, tone = "adjudicated", "good"
    elif adjudication is not None:
        state, tone = "in adjudication", "warn"
    elif chart.finished >= chart.readings_wanted:
        state, tone = "read", "good"
    elif chart.finished or chart.begun:
        state, tone = "being read", "accent"
    else:
        state, tone = "waits", "calm"
    return ChartRow(
        id=chart.pk,
        position=chart.position,
        stratum=_stratum(chart),
        purpose=_purpose(chart),
        readings=f"{chart.finished} of {chart.readings_wanted}",
        state=state,
        tone=tone,
        withdrawn=chart.withdrawn_reason,
        can_withdraw=may_withdraw and chart.withdrawn_at is None,
    )


def _own_charts(reader: GoldReader | None) -> tuple[ChartRow, ...]:
    if reader is None:
        return ()
    looks: dict[str, tuple[str, str]] = {
        GoldReadingStatus.OPEN: ("open", "accent"),
        GoldReadingStatus.FINISHED: ("finished", "good"),
        GoldReadingStatus.LAPSED: ("lapsed", "calm"),
    }
    return tuple(
        ChartRow(
            id=reading.chart_id,
            position=reading.chart.position,
            stratum=_stratum(reading.chart),
            purpose=_purpose(reading.chart),
            readings=words.day(reading.finished_at or reading.started_at),
            state=looks[reading.status][0],
            tone=looks[reading.status][1],
            url=reverse("web:gold-reading", args=[reading.pk]),
        )
        for reading in reader.readings.select_related("chart").order_by("chart__position", "pk")
    )


def _charts_line(project: GoldProject, progress: Progress | None, mine: MyProgress | None) -> str:
    if progress is None:
        return words.count(mine.finished, "reading") + " of yours finished" if mine else ""
    parts = [words.count(progress.charts, "chart")]
    if progress.qualification_charts:
        parts.append(f"{progress.qualification_charts} for qualification")
    if progress.withdrawn:
        parts.append(f"{progress.withdrawn} withdrawn")
    return f"{', '.join(parts)}; seed {project.seed}"


def _codebooks(project: GoldProject) -> tuple[CodebookRow, ...]:
    versions = Codebook.objects.filter(name=project.codebook.name).select_related("created_by")
    return tuple(
        CodebookRow(
            version=each.version,
            when=words.day(each.created_at, year=True),
            who=(each.created_by.get_full_name() or each.created_by.get_username())
            if each.created_by
            else "",
            note=each.change_note,
            text=each.text,
            current=each.pk == project.codebook_id,
        )
        for each in versions.order_by("-version")
    )


def _steps(project: GoldProject, progress: Progress | None) -> tuple[Step, ...]:
    """What is plainly missing; opening checks the rest and says what."""
    if progress is None:
        return ()
    needed = max(project.readings_per_chart, 2 if project.double_share else 1)
    steps = [
        Step(
            "Charts",
            progress.charts > 0,
            f"{progress.charts} drawn" if progress.charts else "none drawn yet",
        ),
        Step("Readers", len(progress.readers) >= needed, f"{len(progress.readers)} of {needed}"),
    ]
    if project.mixed_readers and needed >= len(Profession.values):
        found = {reader.profession for reader in progress.readers}
        steps.append(Step("A coder and a clinician", len(found) == len(Profession.values)))
    if project.qualification_threshold is not None:
        drawn = progress.qualification_charts
        steps.append(Step("Qualification charts", drawn > 0, f"{drawn} drawn"))
    return tuple(steps)


def _people(project: GoldProject) -> tuple[Option, ...]:
    """Who may read gold charts, is none of the readers yet, and cannot see others' judgements in the audit log."""
    able = [role for role, rights in PERMISSIONS_BY_ROLE.items() if {READ_GOLD, READ_DOCUMENTS} <= rights]
    searching = [role for role, rights in PERMISSIONS_BY_ROLE.items() if SEARCH_AUDIT in rights]
    people = (
        User.objects.filter(is_active=True, role_assignments__role__in=able)
        .exclude(role_assignments__role__in=searching)
        .exclude(gold_readers__project=project)
        .distinct()
        .order_by("last_name", "first_name", "username")
    )
    return tuple(Option(str(user.pk), user.get_full_name() or user.get_username()) for user in people)
