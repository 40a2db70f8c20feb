"""What a reader does on a gold chart: judge labels, add and take back codes, finish."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.choices import CodeSystem
from coding_review import audit
from coding_review.actions.add_code import Selection
from coding_review.choices import (
    GoldChartPurpose,
    GoldLabelSource,
    GoldReadingKind,
    GoldReadingStatus,
    GoldVerdict,
)
from coding_review.deciding import require_reason
from coding_review.errors import InvalidCode, InvalidDecision, InvalidEvidence, StalePage
from coding_review.gold.domains import domain_codes, in_domains
from coding_review.gold.evidence import as_fields, checked_code, places_in
from coding_review.gold.hash import judgement_hash
from coding_review.gold.locks import LEASE, lease_end, lock_reading
from coding_review.gold.pace import active_between
from coding_review.models import (
    GoldAddition,
    GoldAdditionEvidence,
    GoldChart,
    GoldJudgement,
    GoldJudgementWords,
    GoldLabel,
    GoldReader,
    GoldReading,
)
from coding_review.rules import reasons
from coding_review.rules.gold_verdicts import APPROVED, BY_ID


@transaction.atomic
def judge_label(
    actor: Any,
    reading_id: int,
    label_id: int,
    *,
    verdict: str,
    reason: str = "",
    comment: str = "",
    seen_number: int | None = None,
) -> GoldJudgement:
    """The latest verdict on a label stands. The same again changes nothing. `seen_number`: that of the judgement the
    page showed (0: none).

    Raises InvalidDecision (no such verdict or reason, label of another chart), StalePage, NotYours, WrongStatus,
    NotAllowed.
    """
    reading = lock_reading(actor, reading_id)
    chart = reading.chart
    label = GoldLabel.objects.filter(pk=label_id, chart=chart).first()
    if label is None:
        raise InvalidDecision("This label does not belong to the chart.", label_id=label_id)
    if verdict not in BY_ID:
        raise InvalidDecision("Choose a verdict.", field="verdict")
    comment, reason = comment.strip(), reason if BY_ID[verdict].reason_required else ""
    if BY_ID[verdict].reason_required:
        require_reason(reason, comment)
    before = (
        GoldJudgement.objects.filter(reading=reading, label=label)
        .select_related("words")
        .order_by("-number")
        .first()
    )
    if before is not None and _said(before) == (verdict, reason, comment):
        return before
    number = before.number if before is not None else 0
    if seen_number is not None and seen_number != number:
        raise StalePage(
            "This label was judged since your page was made. Look at it and judge again.",
            label_id=label.pk,
            seen_number=seen_number,
            number=number,
        )
    judgement = _write(reading, comment, label=label, verdict=verdict, reason=reason)
    audit.record(
        "gold.judged",
        actor=actor,
        data={
            **_where(reading),
            "judgement_id": judgement.pk,
            "number": judgement.number,
            "label_id": label.pk,
            "system": label.system,
            "code": label.code,
            "verdict": str(verdict),
            "reason": reason,
            "sha256": judgement_hash(judgement),
        },
        payload={"comment": comment},
    )
    return judgement


def _said(judgement: GoldJudgement) -> tuple[str, str, str]:
    words = getattr(judgement, "words", None)
    return judgement.verdict, judgement.reason, words.comment if words else ""


def _where(reading: GoldReading) -> dict[str, int]:
    return {
        "project_id": reading.chart.project_id,
        "chart_id": reading.chart_id,
        "reading_id": reading.pk,
    }


def _write(reading: GoldReading, comment: str, **values: Any) -> GoldJudgement:
    now = timezone.now()
    last = GoldJudgement.objects.filter(reading=reading).aggregate(n=Max("number"))["n"] or 0
    judgement = GoldJudgement.objects.create(
        reading=reading,
        number=last + 1,
        at=now,
        reasons_edition=reasons.EDITION if values.get("reason") else "",
        **values,
    )
    if comment:
        GoldJudgementWords.objects.create(judgement=judgement, comment=comment)
    _active(reading)
    return judgement


def _active(reading: GoldReading) -> None:
    """The reader is at it: time since the act before counts, as far as it can have been work; the lease slides."""
    now = timezone.now()
    before = reading.lease_until - LEASE if reading.lease_until else now
    reading.active_seconds += round(active_between(max(before, reading.started_at), now))
    reading.lease_until = lease_end(now)
    reading.save(update_fields=["active_seconds", "lease_until"])


@transaction.atomic
def add_gold_code(
    actor: Any,
    reading_id: int,
    *,
    code: str,
    system: str = CodeSystem.ICD10CM,
    selections: tuple[Selection, ...] = (),
    comment: str = "",
) -> GoldAddition:
    """A code that the labels miss, with its evidence; in blind coding every code.

    Raises InvalidDecision (the mode has no adding, among the labels, added before, outside the domains), InvalidCode,
    InvalidEvidence, NotYours, WrongStatus, NotAllowed.
    """
    reading = lock_reading(actor, reading_id)
    chart, project = reading.chart, reading.chart.project
    if not project.may_add:
        raise InvalidDecision("In this project labels are approved or rejected, and none is added.")
    if system not in CodeSystem.values:
        raise InvalidCode("No such code system.", system=system)
    code, title = checked_code(chart, system, code)
    if GoldLabel.objects.filter(chart=chart, system=system, code=code).exists():
        raise InvalidDecision(f"{code} is among the labels: judge it there.", code=code)
    if GoldAddition.objects.filter(
        reading=reading, system=system, code=code, withdrawn_at__isnull=True
    ).exists():
        raise InvalidDecision(f"You have added {code} already.", code=code)
    if project.domains:
        known = domain_codes(chart.code_set.release, project.domains)
        if not in_domains(known.of(system, code), project.domains):
            raise InvalidDecision(f"{code} lies outside the domains of this project.", code=code)
    if not selections:
        raise InvalidEvidence("Select the text that supports the code.")
    places = places_in(chart, selections)
    addition = GoldAddition.objects.create(reading=reading, system=system, code=code, title=title)
    GoldAdditionEvidence.objects.bulk_create(
        [
            GoldAdditionEvidence(addition=addition, order=order, **as_fields(*place))
            for order, place in enumerate(places)
        ]
    )
    comment = comment.strip()
    judgement = _write(reading, comment, addition=addition, verdict=GoldVerdict.APPROVE)
    audit.record(
        "gold.code_added",
        actor=actor,
        data={
            **_where(reading),
            "judgement_id": judgement.pk,
            "number": judgement.number,
            "addition_id": addition.pk,
            "system": str(system),
            "code": code,
            "sha256": judgement_hash(judgement),
        },
        payload={"comment": comment, "quotes": [quote for _, _, quote in places]},
    )
    return addition


@transaction.atomic
def withdraw_gold_addition(actor: Any, reading_id: int, addition_id: int) -> GoldAddition:
    """Taken back before: nothing happens. Raises InvalidDecision, NotYours, WrongStatus, NotAllowed."""
    reading = lock_reading(actor, reading_id)
    addition = GoldAddition.objects.filter(pk=addition_id, reading=reading).first()
    if addition is None:
        raise InvalidDecision("This code was not added in this reading.", addition_id=addition_id)
    if addition.withdrawn_at is not None:
        return addition
    addition.withdrawn_at = timezone.now()
    addition.save(update_fields=["withdrawn_at"])
    _active(reading)
    audit.record(
        "gold.addition_withdrawn",
        actor=actor,
        data={
            **_where(reading),
            "addition_id": addition.pk,
            "system": addition.system,
            "code": addition.code,
        },
    )
    return addition


@transaction.atomic
def finish_gold_reading(actor: Any, reading_id: int) -> GoldReading:
    """Every label has a verdict. After the last qualification chart the reader qualifies, or does not.

    Raises InvalidDecision (data: how many labels are left), NotYours, WrongStatus, NotAllowed.
    """
    # Before the reading, in the order of all locks.
    reader = (
        GoldReader.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project")
        .filter(readings=reading_id, user_id=actor.pk)
        .first()
    )
    reading = lock_reading(actor, reading_id)
    left = GoldLabel.objects.filter(chart=reading.chart).exclude(judgements__reading=reading).count()
    if left:
        raise InvalidDecision(
            f"{left} {'label waits' if left == 1 else 'labels wait'} for a verdict.", left=left
        )
    _active(reading)
    reading.status, reading.finished_at, reading.lease_until = (
        GoldReadingStatus.FINISHED,
        timezone.now(),
        None,
    )
    reading.save(update_fields=["status", "finished_at", "lease_until"])
    audit.record(
        "gold.reading_finished",
        actor=actor,
        data={
            **_where(reading),
            "judgements": reading.judgements.filter(label__isnull=False).count(),
            "additions": reading.additions.filter(withdrawn_at__isnull=True).count(),
        },
    )
    if reader is not None and reading.kind == GoldReadingKind.QUALIFICATION:
        _qualify(actor, reader)
    return reading


def _qualify(actor: Any, reader: GoldReader) -> None:
    project = reader.project
    readings = {
        r.chart_id: r
        for r in reader.readings.filter(kind=GoldReadingKind.QUALIFICATION, status=GoldReadingStatus.FINISHED)
    }
    # Those that the reader coded are never offered; one read before that counts.
    every = GoldChart.objects.filter(project=project, purpose=GoldChartPurpose.QUALIFICATION).standing()
    charts = list(every.filter(pk__in=every.not_coded_by(reader.user_id)) | every.filter(pk__in=readings))
    if reader.qualification_f1 is not None or any(chart.pk not in readings for chart in charts):
        return
    hits = said = right = 0
    for chart in charts:
        mine, key = _codes_of(readings[chart.pk]), set(chart.key)
        if not project.may_add:
            key &= _shown(chart)
        hits, said, right = hits + len(mine & key), said + len(mine), right + len(key)
    reader.qualification_f1 = 2 * hits / (said + right) if said + right else 1.0
    threshold = project.qualification_threshold
    if reader.qualified_at is None and threshold is not None and reader.qualification_f1 >= threshold:
        reader.qualified_at = timezone.now()
    reader.save(update_fields=["qualification_f1", "qualified_at"])
    audit.record(
        "gold.reader_qualified",
        actor=actor,
        data={
            "project_id": project.pk,
            "reader_id": reader.pk,
            "f1": round(reader.qualification_f1, 4),
            "qualified": reader.qualified_at is not None,
        },
    )


def _shown(chart: GoldChart) -> set[str]:
    return {f"{label.system}:{label.code}" for label in chart.labels.exclude(source=GoldLabelSource.SEEDED)}


def _codes_of(reading: GoldReading) -> set[str]:
    """What the reader takes for right: approved labels and additions."""
    approved = {v.id for v in BY_ID.values() if v.paper == APPROVED}
    judged = reading.judgements.standing().select_related("label")
    found = {
        f"{j.label.system}:{j.label.code}"
        for j in judged
        if j.label is not None and j.verdict in approved and j.label.counts
    }
    added = reading.additions.filter(withdrawn_at__isnull=True)
    return found | {f"{a.system}:{a.code}" for a in added}
