"""What the pages and commands of gold projects read. A reader gets nothing here of another's reading, of label
verdicts or of additions before adjudication; each function says for whom it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from coding_review.auth import RoleBackend
from coding_review.choices import (
    AdjudicationStatus,
    GoldChartPurpose,
    GoldReadingKind,
    GoldReadingStatus,
    GoldStatus,
)
from coding_review.gold.pace import pace_seconds
from coding_review.gold.stances import JudgedCode, PlaceShown, Stance, judged_codes, numbers, place_shown
from coding_review.models import (
    Adjudication,
    Encounter,
    GoldAddition,
    GoldChart,
    GoldJudgement,
    GoldProject,
    GoldReader,
    GoldReading,
    GoldReply,
    GoldRuling,
)
from coding_review.rules.gold_sampling import by_hash
from coding_review.rules.gold_steps import overruled
from coding_review.rules.permissions import (
    ADJUDICATE,
    EXPORT_GOLD,
    FREEZE_GOLD,
    MANAGE_GOLD,
    READ_DOCUMENTS,
    READ_GOLD,
)

_RUNNING = (GoldStatus.DRAFT, GoldStatus.OPEN)
# Rights that open a project's page without being its reader.
_OVERSEE = (MANAGE_GOLD, ADJUDICATE, FREEZE_GOLD, EXPORT_GOLD)


def _may(user: Any, *permissions: str) -> bool:
    held = RoleBackend().get_all_permissions(user)
    return any(permission in held for permission in permissions)


# --- Projects ------------------------------------------------------------------------------------------------


def projects_for(user: Any) -> QuerySet[GoldProject]:
    """Those whose page the user may open, newest first: all for who oversees, else those they read in."""
    projects = GoldProject.objects.select_related("codebook").newest_first()
    return projects if _may(user, *_OVERSEE) else projects.read_by(user)


def project_for(user: Any, project_id: int) -> GoldProject | None:
    return projects_for(user).filter(pk=project_id).first()


def reader_of(user: Any, project: GoldProject) -> GoldReader | None:
    return GoldReader.objects.filter(project=project, user_id=user.pk).first()


def may_see_figures(user: Any, project: GoldProject) -> bool:
    """Agreement and the progress of others: never for who still reads in the project, whatever their other rights."""
    if project.status in _RUNNING and reader_of(user, project) is not None:
        return False
    return _may(user, *_OVERSEE)


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """`name` is the account's, for who manages the project; pages for others show the pseudonym."""

    reader_id: int
    user_id: int
    name: str
    pseudonym: str
    profession: str
    credential: str
    qualified: bool
    qualification_f1: float | None
    finished: int
    open: int
    # Median active seconds a chart, without what seeded checks took. None where nothing is finished.
    seconds_per_chart: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Charts of the study that stand, the readings they want and have, and how far adjudication is."""

    charts: int
    qualification_charts: int
    withdrawn: int
    wanted: int
    finished: int
    open: int
    to_adjudicate: int
    adjudicated: int
    readers: tuple[ReaderProgress, ...]


def progress_of(project: GoldProject) -> Progress:
    """For who may_see_figures; a reader gets my_progress."""
    charts = GoldChart.objects.filter(project=project)
    study = charts.study()
    wanted = sum(study.values_list("readings_wanted", flat=True))
    independent = GoldReading.objects.filter(chart__in=study, kind=GoldReadingKind.INDEPENDENT)
    several = charts_to_adjudicate(project)
    return Progress(
        charts=study.count(),
        qualification_charts=charts.standing().filter(purpose=GoldChartPurpose.QUALIFICATION).count(),
        withdrawn=charts.filter(withdrawn_at__isnull=False).count(),
        wanted=wanted,
        finished=independent.filter(status=GoldReadingStatus.FINISHED).count(),
        open=independent.filter(status=GoldReadingStatus.OPEN).count(),
        to_adjudicate=several.count(),
        adjudicated=several.filter(adjudication__status=AdjudicationStatus.FINISHED).count(),
        readers=tuple(_reader_progress(reader) for reader in _readers(project)),
    )


def _readers(project: GoldProject) -> QuerySet[GoldReader]:
    return GoldReader.objects.filter(project=project).select_related("user").order_by("pk")


def _reader_progress(reader: GoldReader) -> ReaderProgress:
    done = reader.readings.filter(status=GoldReadingStatus.FINISHED)
    seconds = sorted(pace_seconds(list(done)).values())
    return ReaderProgress(
        reader_id=reader.pk,
        user_id=reader.user_id,
        name=reader.user.get_full_name() or reader.user.get_username(),
        pseudonym=reader.pseudonym,
        profession=reader.profession,
        credential=reader.credential,
        qualified=reader.qualified_at is not None,
        qualification_f1=reader.qualification_f1,
        finished=done.count(),
        open=reader.readings.filter(status=GoldReadingStatus.OPEN).count(),
        seconds_per_chart=float(seconds[len(seconds) // 2]) if seconds else None,
    )


@dataclass(frozen=True, slots=True)
class MyProgress:
    finished: int
    qualification_left: int
    qualified: bool
    qualification_f1: float | None
    open_reading_id: int | None
    # Readings of the study that may be the reader's, repeats counted, who else reads the charts not.
    wanted: int


def my_progress(reader: GoldReader) -> MyProgress:
    """A reader's own, and nothing of others."""
    mine = reader.readings.all()
    charts = GoldChart.objects.filter(project=reader.project_id).standing().not_coded_by(reader.user_id)
    qualification = charts.filter(purpose=GoldChartPurpose.QUALIFICATION)
    study = charts.filter(purpose=GoldChartPurpose.STUDY)
    open_one = mine.filter(status=GoldReadingStatus.OPEN).values_list("pk", flat=True).first()
    return MyProgress(
        finished=mine.filter(status=GoldReadingStatus.FINISHED, chart__in=study).count(),
        qualification_left=qualification.exclude(
            readings__in=mine.filter(status=GoldReadingStatus.FINISHED)
        ).count(),
        qualified=reader.qualified_at is not None,
        qualification_f1=reader.qualification_f1,
        open_reading_id=open_one,
        wanted=study.count() + study.filter(repeat_wanted=True).count(),
    )


# --- One reading ---------------------------------------------------------------------------------------------


def visible_readings(user: Any) -> QuerySet[GoldReading]:
    """A reader's own; for adjudicators, those of projects in which reading has ended, of charts they may open and
    neither read nor coded themselves.

    What is not here does not exist for this user, through pages, API and exports.
    """
    mine = Q(reader__user_id=user.pk)
    if not user.is_authenticated or not _may(user, READ_DOCUMENTS):
        return GoldReading.objects.none()
    seen = mine
    if _may(user, ADJUDICATE):
        closed = Q(chart__project__status__in=(GoldStatus.ADJUDICATING, GoldStatus.FROZEN))
        read_myself = GoldReading.objects.filter(reader__user_id=user.pk).values("chart")
        others = GoldChart.objects.not_coded_by(user.pk)
        seen = mine | (closed & ~Q(chart__in=read_myself) & Q(chart__in=others))
    return GoldReading.objects.filter(seen, chart__code_set__encounter__in=Encounter.objects.visible_to(user))


def reading_for(user: Any, reading_id: int) -> GoldReading | None:
    """The user's own reading, open or finished; None for anyone else's and for a chart they may not open."""
    if not _may(user, READ_GOLD):
        return None
    return (
        visible_readings(user)
        .filter(pk=reading_id, reader__user_id=user.pk)
        .select_related("chart__project__codebook", "chart__code_set__encounter__patient", "reader")
        .first()
    )


@dataclass(frozen=True, slots=True)
class OtherVerdict:
    number: int
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelShown:
    """A label as its reader may see it: which are seeded is not told, neither by its place nor by the order.

    `place` counts from 1 on the chart; pages know a label by it, since ids tell which labels came later.
    `confidence`, `band`, `rationale` and `others` are empty unless the project shows them. `number` is that of the
    reader's latest judgement of this label (0: none), which judge_label takes as seen_number.
    """

    id: int
    place: int
    system: str
    code: str
    title: str
    domains: tuple[str, ...]
    evidence: tuple[PlaceShown, ...]
    verdict: str = ""
    reason: str = ""
    comment: str = ""
    number: int = 0
    confidence: float | None = None
    band: str = ""
    rationale: str = ""
    others: tuple[OtherVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class AdditionShown:
    id: int
    system: str
    code: str
    title: str
    comment: str
    evidence: tuple[PlaceShown, ...]


def labels_shown(reading: GoldReading) -> list[LabelShown]:
    """The chart's labels with this reading's standing verdicts, in document order; none in blind coding."""
    project = reading.chart.project
    said: dict[int | None, GoldJudgement] = {
        j.label_id: j for j in reading.judgements.standing().select_related("words")
    }
    others = _others(reading) if project.show_other_reading else {}
    found = []
    labels = sorted(
        reading.chart.labels.prefetch_related("evidence"),
        # A seeded check has the rank of the label that it stands beside: before or behind it by a hash.
        key=lambda label: (
            label.rank,
            by_hash(project.seed, f"{label.chart_id}:{label.system}:{label.code}"),
        ),
    )
    for place, label in enumerate(labels, start=1):
        judgement = said.get(label.pk)
        words = getattr(judgement, "words", None)
        found.append(
            LabelShown(
                id=label.pk,
                place=place,
                system=label.system,
                code=label.code,
                title=label.title,
                domains=tuple(label.domains),
                evidence=tuple(place_shown(e) for e in sorted(label.evidence.all(), key=lambda e: e.order)),
                verdict=judgement.verdict if judgement else "",
                reason=judgement.reason if judgement else "",
                comment=words.comment if words else "",
                number=judgement.number if judgement else 0,
                confidence=label.confidence if project.show_confidence else None,
                band=label.band if project.show_confidence else "",
                rationale=label.rationale if project.show_rationale else "",
                others=tuple(others.get(label.pk, ())),
            )
        )
    return found


def _others(reading: GoldReading) -> dict[int, list[OtherVerdict]]:
    """Only where the project's protocol shows the other reading."""
    readings = GoldReading.objects.filter(
        chart=reading.chart, status=GoldReadingStatus.FINISHED, kind=GoldReadingKind.INDEPENDENT
    ).exclude(reader=reading.reader)
    named = numbers(reading.chart_id, list(readings.values_list("pk", flat=True)))
    found: dict[int, list[OtherVerdict]] = {}
    for judgement in GoldJudgement.objects.filter(reading__in=readings).standing():
        if judgement.label_id is not None:
            other = OtherVerdict(named[judgement.reading_id], judgement.verdict, judgement.reason)
            found.setdefault(judgement.label_id, []).append(other)
    return found


def additions_shown(reading: GoldReading) -> list[AdditionShown]:
    """What this reader added and did not withdraw."""
    rows = reading.additions.filter(withdrawn_at__isnull=True).prefetch_related(
        "evidence", "judgements__words"
    )
    return [_addition(addition) for addition in rows]


def _addition(addition: GoldAddition) -> AdditionShown:
    words = next((w for j in addition.judgements.all() if (w := getattr(j, "words", None))), None)
    return AdditionShown(
        addition.pk,
        addition.system,
        addition.code,
        addition.title,
        words.comment if words else "",
        tuple(place_shown(e) for e in sorted(addition.evidence.all(), key=lambda e: e.order)),
    )


# --- Adjudication --------------------------------------------------------------------------------------------


def charts_to_adjudicate(project: GoldProject) -> QuerySet[GoldChart]:
    """Charts with two or more counting readings, in their order; single-read ones have nothing to compare."""
    return (
        GoldChart.objects.filter(project=project)
        .study()
        .annotate(
            counted=Count(
                "readings",
                filter=Q(
                    readings__kind=GoldReadingKind.INDEPENDENT,
                    readings__status=GoldReadingStatus.FINISHED,
                    readings__reader__qualified_at__isnull=False,
                ),
            )
        )
        .filter(counted__gte=2)
        .order_by("position")
    )


def chart_to_adjudicate(user: Any, chart_id: int) -> GoldChart | None:
    """For an adjudicator who is none of the chart's readers, did not code its encounter and may open it, once reading
    has ended."""
    if not _may(user, ADJUDICATE) or not _may(user, READ_DOCUMENTS):
        return None
    return (
        GoldChart.objects.visible_to(user)
        .not_coded_by(user.pk)
        .filter(pk=chart_id, project__status__in=(GoldStatus.ADJUDICATING, GoldStatus.FROZEN))
        .exclude(readings__reader__user_id=user.pk)
        .select_related("project__codebook", "code_set__encounter__patient")
        .first()
    )


def items_to_adjudicate(chart: GoldChart) -> list[JudgedCode]:
    """Every code of the chart, conflicts first, then one-sided additions, the drawn tenth of the agreed ones, and
    the other agreed ones, which need no ruling. For who got the chart from chart_to_adjudicate."""
    return judged_codes([chart])[chart.pk]


@dataclass(frozen=True, slots=True)
class Overruling:
    """A ruling against what this reader said. `others`: what the other readings said, by number."""

    chart_id: int
    position: int
    ruling_id: int
    system: str
    code: str
    title: str
    mine: Stance
    others: tuple[Stance, ...]
    ruling: str
    ruling_comment: str
    ruled_at: datetime
    reply: str
    replied: bool


def overrulings_for(user: Any, project: GoldProject) -> list[Overruling]:
    """Where adjudication, once finished for a chart, went against the user's own readings in this project."""
    reader = reader_of(user, project)
    if reader is None or project.status not in (GoldStatus.ADJUDICATING, GoldStatus.FROZEN):
        return []
    charts = (
        GoldChart.objects.visible_to(user)
        .filter(
            project=project,
            adjudication__status=AdjudicationStatus.FINISHED,
            readings__reader=reader,
            readings__kind=GoldReadingKind.INDEPENDENT,
            withdrawn_at__isnull=True,
        )
        .select_related("project")
        .distinct()
        .order_by("position")
    )
    rows = list(charts)
    codes = judged_codes(rows)
    ids = [code.ruling_id for found in codes.values() for code in found if code.ruling_id is not None]
    ruled = GoldRuling.objects.in_bulk(ids)
    replies = {
        reply.ruling_id: reply
        for reply in GoldReply.objects.filter(reader=reader, ruling__in=ids).select_related("words")
    }
    found = []
    for chart in rows:
        for code in codes[chart.pk]:
            mine = next((s for s in code.stances if s.reader_id == reader.pk), None)
            if mine is None or code.ruling_id is None or not overruled(mine.said, code.ruling):
                continue
            reply = replies.get(code.ruling_id)
            words = getattr(reply, "words", None)
            found.append(
                Overruling(
                    chart_id=chart.pk,
                    position=chart.position,
                    ruling_id=code.ruling_id,
                    system=code.system,
                    code=code.code,
                    title=code.title,
                    mine=mine,
                    others=tuple(s for s in code.stances if s is not mine),
                    ruling=code.ruling,
                    ruling_comment=code.ruling_comment,
                    ruled_at=ruled[code.ruling_id].at,
                    reply=words.comment if words else "",
                    replied=reply is not None,
                )
            )
    return found


def given_up(adjudication: Adjudication) -> bool:
    """Begun by somebody who coded the encounter since: another adjudicator goes on with it."""
    if adjudication.status != AdjudicationStatus.OPEN:
        return False
    chart = GoldChart.objects.filter(pk=adjudication.chart_id)
    return not chart.not_coded_by(adjudication.adjudicator_id).exists()


def adjudication_of(chart: GoldChart) -> Adjudication | None:
    return Adjudication.objects.filter(chart=chart).first()
