"""Adjudication of the readings of a gold chart by a third person, and the readers' answers to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from catalog.choices import CodeRole, CodeSystem, PresentOnAdmission
from coding_review import audit
from coding_review.actions.add_code import Selection
from coding_review.auth import require
from coding_review.choices import AdjudicationStatus, GoldLabelStatus, Ruling
from coding_review.errors import InvalidDecision, NotAllowed, NothingToUndo, NotYours, StalePage, WrongStatus
from coding_review.gold.evidence import places_in
from coding_review.gold.hash import ruling_hash
from coding_review.gold.locks import require_step
from coding_review.gold.queries import chart_to_adjudicate, given_up, overrulings_for, reader_of
from coding_review.gold.stances import CITES_ALL, JudgedCode, Placed, cited_by, judged_codes, placed_of
from coding_review.models import (
    Adjudication,
    DocumentVersion,
    GoldChart,
    GoldReply,
    GoldReplyWords,
    GoldRuling,
    GoldRulingWords,
)
from coding_review.places import Place, quote_at
from coding_review.rules.gold_steps import acts
from coding_review.rules.permissions import ADJUDICATE, READ_DOCUMENTS, READ_GOLD

MAIN_ROLES = frozenset({CodeRole.PRINCIPAL, CodeRole.FIRST_LISTED})
MOST_CODES = 999


@transaction.atomic
def start_adjudication(actor: Any, chart_id: int) -> Adjudication:
    """The chart is this adjudicator's; begun before by the same person: goes on (also after it was finished, until
    the set is frozen). Begun by somebody who coded the encounter since: this adjudicator goes on in their place, from
    their rulings.

    Raises NotAllowed (a reader of the chart, coded its encounter, may not open it, or reading has not ended), NotYours
    (begun by another), WrongStatus (read once only: nothing to compare), GoldFrozen.
    """
    require(actor, ADJUDICATE)
    require(actor, READ_DOCUMENTS)
    chart = _locked(actor, chart_id)
    found = Adjudication.objects.filter(chart=chart).first()
    if found is not None and found.adjudicator_id != actor.pk:
        if not given_up(found):
            raise NotYours("Another adjudicator has this chart.")
        return _taken_over(actor, chart, found)
    if found is not None and found.status == AdjudicationStatus.OPEN:
        return found
    if len({s.reading_id for code in _codes(chart) for s in code.stances}) < 2:
        raise WrongStatus("The chart was read once: there is nothing to compare.", chart_id=chart.pk)
    again = found is not None
    if found is None:
        found = Adjudication.objects.create(chart=chart, adjudicator=actor)
    else:
        found.status, found.finished_at = AdjudicationStatus.OPEN, None
        found.save(update_fields=["status", "finished_at"])
    _tell_of_start(actor, chart, found, again=again)
    return found


def _taken_over(actor: Any, chart: GoldChart, adjudication: Adjudication) -> Adjudication:
    adjudication.adjudicator = actor
    adjudication.save(update_fields=["adjudicator"])
    _tell_of_start(actor, chart, adjudication, again=True)
    return adjudication


def _tell_of_start(actor: Any, chart: GoldChart, adjudication: Adjudication, *, again: bool) -> None:
    audit.record(
        "gold.adjudication_started",
        actor=actor,
        encounter=chart.code_set.encounter,
        data={
            "project_id": chart.project_id,
            "chart_id": chart.pk,
            "adjudication_id": adjudication.pk,
            "again": again,
        },
    )


def _locked(actor: Any, chart_id: int) -> GoldChart:
    """The chart, locked: adjudication of it goes one act at a time."""
    allowed = chart_to_adjudicate(actor, chart_id)
    if allowed is None:
        raise NotAllowed("This chart is not among those that you may adjudicate.")
    chart = (
        GoldChart.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "code_set__encounter")
        .get(pk=allowed.pk)
    )
    require_step(chart.project, "adjudicate")
    if chart.withdrawn_at is not None:
        raise WrongStatus("This chart was withdrawn.", chart_id=chart.pk)
    return chart


def _codes(chart: GoldChart) -> list[JudgedCode]:
    return judged_codes([chart])[chart.pk]


def _mine(actor: Any, adjudication_id: int) -> tuple[GoldChart, Adjudication]:
    require(actor, ADJUDICATE)
    require(actor, READ_DOCUMENTS)
    found = Adjudication.objects.filter(pk=adjudication_id).first()
    if found is None:
        raise NotAllowed("This chart is not among those that you may adjudicate.")
    chart = _locked(actor, found.chart_id)
    # Read again under the chart's lock.
    found.refresh_from_db()
    if found.adjudicator_id != actor.pk:
        raise NotYours("Another adjudicator has this chart.")
    if found.status == AdjudicationStatus.FINISHED:
        raise WrongStatus("The chart is closed. Open it again to change a ruling.", status="finished")
    return chart, found


@transaction.atomic
def rule_on_code(
    actor: Any,
    adjudication_id: int,
    *,
    code: str,
    ruling: str,
    system: str = "icd10cm",
    comment: str = "",
    selections: tuple[Selection, ...] | None = None,
    cites: str = CITES_ALL,
    placed: Placed | None = None,
    seen_number: int | None = None,
) -> GoldRuling:
    """The latest ruling on a code stands; "none" takes it back; the same again changes nothing.

    Its evidence are the `selections`; without them what `cites` names (gold/stances.py: cited_by). `placed`: role,
    indicator and place in the code set; None: as they stand. `seen_number`: that of the ruling shown (0: none).

    Raises InvalidDecision (no such ruling, role or indicator, no reading names the code), InvalidEvidence, StalePage,
    NotYours, WrongStatus, GoldFrozen, NotAllowed.
    """
    chart, adjudication = _mine(actor, adjudication_id)
    if ruling not in Ruling.values:
        raise InvalidDecision("Choose a ruling.", field="ruling")
    item = next((c for c in _codes(chart) if (c.system, c.code) == (system, code)), None)
    if item is None:
        raise InvalidDecision("No reading of this chart names the code.", code=code)
    if seen_number is not None and seen_number != item.ruling_number:
        raise StalePage(
            "This code was ruled on since your page was made. Look at it and rule again.",
            code=code,
            seen_number=seen_number,
            number=item.ruling_number,
        )
    evidence = _evidence(chart, item, selections, cites)
    comment = comment.strip()
    before = GoldRuling.objects.filter(pk=item.ruling_id).first() if item.ruling_id else None
    placed = placed_of(before) if placed is None else _checked(placed, system)
    if before is not None and (before.ruling, before.evidence, item.ruling_comment, placed_of(before)) == (
        ruling,
        evidence,
        comment,
        placed,
    ):
        return before
    if before is None and ruling == Ruling.NONE:
        raise InvalidDecision("There is no ruling to take back.", code=code)
    made = GoldRuling(
        adjudication=adjudication,
        system=system,
        code=code,
        ruling=ruling,
        evidence=evidence,
        **asdict(placed),
    )
    return _write(actor, chart, made, comment)


def _checked(placed: Placed, system: str) -> Placed:
    if placed.role not in ("", *CodeRole.values):
        raise InvalidDecision("There is no such role.", field="role")
    if placed.poa not in ("", *PresentOnAdmission.values):
        raise InvalidDecision("There is no such indicator.", field="poa")
    if placed.sequence is not None and not 1 <= placed.sequence <= MOST_CODES:
        raise InvalidDecision(
            f"A place in the code set is a number from 1 to {MOST_CODES}.", field="sequence"
        )
    if (placed.role or placed.poa) and system != CodeSystem.ICD10CM:
        raise InvalidDecision("Only diagnoses have a role and an indicator.", field="role")
    return placed


def _evidence(
    chart: GoldChart, item: JudgedCode, selections: tuple[Selection, ...] | None, cites: str
) -> list[dict[str, int]] | None:
    """None: what the readers cite, whatever stands of it."""
    if selections is not None:
        return [
            {
                "document_version_id": version.pk,
                "line_start": place.line_start,
                "line_end": place.line_end,
                "col_start": place.col_start,
                "col_end": place.col_end,
            }
            for version, place, _ in places_in(chart, selections)
        ]
    places = cited_by(item, cites)
    if places is None:
        raise InvalidDecision("Choose whose evidence it is.", field="evidence")
    return None if cites == CITES_ALL else [place.as_row() for place in places]


def _write(actor: Any, chart: GoldChart, ruling: GoldRuling, comment: str = "") -> GoldRuling:
    rulings = GoldRuling.objects.filter(adjudication=ruling.adjudication)
    ruling.number = (rulings.aggregate(n=Max("number"))["n"] or 0) + 1
    ruling.save(force_insert=True)
    if comment:
        GoldRulingWords.objects.create(ruling=ruling, comment=comment)
    audit.record(
        "gold.ruled",
        actor=actor,
        data={
            "project_id": chart.project_id,
            "chart_id": chart.pk,
            "adjudication_id": ruling.adjudication_id,
            "ruling_id": ruling.pk,
            "number": ruling.number,
            "system": ruling.system,
            "code": ruling.code,
            "ruling": str(ruling.ruling),
            **{name: value for name, value in asdict(placed_of(ruling)).items() if value not in ("", None)},
            "sha256": ruling_hash(ruling),
        },
        payload={"comment": comment, "quotes": _quotes(ruling)},
    )
    return ruling


def _quotes(ruling: GoldRuling) -> list[str]:
    """The words of its evidence, for the log."""
    rows = ruling.evidence or []
    versions = DocumentVersion.objects.in_bulk({row["document_version_id"] for row in rows})
    return [
        quote_at(
            versions[row["document_version_id"]].lines,
            Place(row["line_start"], row["line_end"], row["col_start"], row["col_end"]),
        )
        for row in rows
    ]


@transaction.atomic
def undo_ruling(actor: Any, adjudication_id: int, *, seen_number: int | None = None) -> GoldRuling:
    """Takes back the latest act that stands: the ruling before on that code stands again, with its evidence and
    comment; without one the code is open. Gives what stands now ("none": open). Again: the act before that one.

    `seen_number`: that of the latest ruling on the chart when the page was made (0: none).

    Raises NothingToUndo, StalePage, NotYours, WrongStatus, GoldFrozen, NotAllowed.
    """
    chart, adjudication = _mine(actor, adjudication_id)
    rulings = list(
        GoldRuling.objects.filter(adjudication=adjudication).select_related("words").order_by("number")
    )
    number = rulings[-1].number if rulings else 0
    if seen_number is not None and seen_number != number:
        raise StalePage(
            "The chart was ruled on since your page was made. Look at it again.",
            seen_number=seen_number,
            number=number,
        )
    standing = acts(rulings)
    if not standing:
        raise NothingToUndo("No ruling of this chart stands.")
    last = standing.pop()
    of_code = {"adjudication": adjudication, "system": last.system, "code": last.code}
    made = _write(actor, chart, GoldRuling(**of_code, ruling=Ruling.NONE))
    before = next((r for r in reversed(standing) if (r.system, r.code) == (last.system, last.code)), None)
    if before is None:
        return made
    words = getattr(before, "words", None)
    again = GoldRuling(**of_code, ruling=before.ruling, evidence=before.evidence, **asdict(placed_of(before)))
    return _write(actor, chart, again, words.comment if words else "")


@transaction.atomic
def finish_adjudication(actor: Any, adjudication_id: int) -> Adjudication:
    """Every conflict, one-sided addition and drawn code has a ruling; the readers see from here where they were
    overruled.

    Raises InvalidDecision (data: codes that wait, or that claim one place), NotYours, WrongStatus, GoldFrozen,
    NotAllowed.
    """
    chart, adjudication = _mine(actor, adjudication_id)
    codes = _codes(chart)
    waiting = [code.key for code in codes if not code.status]
    if waiting:
        raise InvalidDecision(
            f"{len(waiting)} {'code waits' if len(waiting) == 1 else 'codes wait'} for a ruling.",
            codes=waiting,
        )
    _one_of_each([code for code in codes if code.status == GoldLabelStatus.ACCEPTED])
    adjudication.status, adjudication.finished_at = AdjudicationStatus.FINISHED, timezone.now()
    adjudication.save(update_fields=["status", "finished_at"])
    audit.record(
        "gold.adjudication_finished",
        actor=actor,
        data={
            "project_id": chart.project_id,
            "chart_id": chart.pk,
            "adjudication_id": adjudication.pk,
            "rulings": sum(
                1 for code in codes if code.ruling in (Ruling.KEEP, Ruling.OUT, Ruling.UNDECIDABLE)
            ),
        },
    )
    return adjudication


def _one_of_each(kept: list[JudgedCode]) -> None:
    """A code set has one principal or first-listed code, and one code at each place."""
    main = [code.key for code in kept if code.placed.role in MAIN_ROLES]
    if len(main) > 1:
        raise InvalidDecision(f"{len(main)} codes are principal or first-listed: one can be.", codes=main)
    by_place: dict[int, list[str]] = defaultdict(list)
    for code in kept:
        if code.placed.sequence is not None:
            by_place[code.placed.sequence].append(code.key)
    for place, keys in sorted(by_place.items()):
        if len(keys) > 1:
            raise InvalidDecision(f"{len(keys)} codes stand at place {place}.", codes=keys)


@transaction.atomic
def reply_to_ruling(actor: Any, ruling_id: int, comment: str) -> GoldReply:
    """A reader's one answer to a ruling that overruled them; it changes nothing about the gold set.

    Raises InvalidDecision (empty, or answered before), NotAllowed (not overruled by it).
    """
    require(actor, READ_GOLD)
    comment = comment.strip()
    if not comment:
        raise InvalidDecision("Write the answer.", field="comment")
    ruling = GoldRuling.objects.select_related("adjudication__chart__project").filter(pk=ruling_id).first()
    project = ruling.adjudication.chart.project if ruling is not None else None
    reader = reader_of(actor, project) if project is not None else None
    mine = {o.ruling_id: o for o in overrulings_for(actor, project)} if project is not None else {}
    if ruling is None or project is None or reader is None or ruling.pk not in mine:
        raise NotAllowed("You answer only rulings that went against your own reading.")
    require_step(project, "reply")
    reply, new = GoldReply.objects.get_or_create(ruling=ruling, reader=reader)
    if not new:
        raise InvalidDecision("You have answered this ruling already.", ruling_id=ruling.pk)
    GoldReplyWords.objects.create(reply=reply, comment=comment)
    audit.record(
        "gold.replied",
        actor=actor,
        data={
            "project_id": project.pk,
            "chart_id": ruling.adjudication.chart_id,
            "ruling_id": ruling.pk,
            "reply_id": reply.pk,
        },
        payload={"comment": comment},
    )
    return reply
