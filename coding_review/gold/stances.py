"""What the counting readings of gold charts say of each code: the common ground of adjudication, freeze and answers.

Seeded checks are left out. Readers are named here by numbers in an order of the chart's own, so that who compares
readings does not learn whose they are: in the project they go by letters.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Prefetch

from coding_review.choices import GoldLabelSource
from coding_review.models import (
    GoldAddition,
    GoldAdditionEvidence,
    GoldChart,
    GoldJudgement,
    GoldLabel,
    GoldLabelEvidence,
    GoldReading,
    GoldRuling,
)
from coding_review.models.gold_project import PlacedCode
from coding_review.models.prediction import EvidencePlace
from coding_review.rules.gold_steps import (
    ABSENT,
    ADDED,
    DRAWN_SHARE,
    ITEM_KINDS,
    NEEDS_RULING,
    drawn,
    item_kind,
    outcome,
)
from coding_review.rules.gold_verdicts import BY_ID


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """Lines from 1, inclusive; columns in code points from 0, the end exclusive."""

    document_version_id: int
    line_start: int
    line_end: int
    col_start: int
    col_end: int
    quote: str = ""

    def as_row(self) -> dict[str, int]:
        """As a ruling keeps it."""
        return {
            "document_version_id": self.document_version_id,
            "line_start": self.line_start,
            "line_end": self.line_end,
            "col_start": self.col_start,
            "col_end": self.col_end,
        }


def place_shown(evidence: EvidencePlace) -> PlaceShown:
    return PlaceShown(
        evidence.document_version_id,
        evidence.line_start,
        evidence.line_end,
        evidence.col_start,
        evidence.col_end,
        evidence.quote,
    )


@dataclass(frozen=True, slots=True)
class Stance:
    """What one reading says of one code: `said` is a verdict, "added" or "absent" (not listed by this reader).

    `number` (1, 2) is all that an adjudicator or another reader may be shown of whose it is.
    """

    reading_id: int
    reader_id: int
    number: int
    profession: str
    said: str
    reason: str = ""
    comment: str = ""
    evidence: tuple[PlaceShown, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """Role, present on admission and place in the code set, from 1; empty where nobody says."""

    role: str = ""
    poa: str = ""
    sequence: int | None = None


def placed_of(row: PlacedCode | None) -> Placed:
    return Placed() if row is None else Placed(row.role, row.poa, row.sequence)


def _over(first: Placed, second: Placed) -> Placed:
    """What the first says, and the second where it says nothing."""
    return Placed(
        first.role or second.role,
        first.poa or second.poa,
        second.sequence if first.sequence is None else first.sequence,
    )


@dataclass(frozen=True, slots=True)
class JudgedCode:
    """One code of a chart with every counting reading's word on it, and the ruling that stands ("" without one).

    `kind` is one of rules/gold_steps.py: conflict, one_sided, drawn (of the agreed ones, for a look), agreed.
    `evidence`: the places that stand if the code does; a ruling's own come first.
    """

    chart_id: int
    system: str
    code: str
    title: str
    domains: tuple[str, ...]
    label_id: int | None
    stances: tuple[Stance, ...]
    kind: str
    ruling_id: int | None = None
    ruling: str = ""
    ruling_number: int = 0
    ruling_comment: str = ""
    evidence: tuple[PlaceShown, ...] = ()
    # Of the label as its readers were shown it, whatever they say of it.
    shown: tuple[PlaceShown, ...] = ()
    # Whether the evidence is the ruling's own.
    own: bool = False
    # As the ruling says it, else as the label does.
    placed: Placed = Placed()

    @property
    def key(self) -> str:
        return f"{self.system}:{self.code}"

    @property
    def needs_ruling(self) -> bool:
        return self.kind in NEEDS_RULING

    @property
    def status(self) -> str:
        """accepted, rejected or undecided; empty while it waits for a ruling."""
        if self.needs_ruling and self.ruling in ("", "none"):
            return ""
        return str(outcome([s.said for s in self.stances], self.ruling) or "")

    @property
    def reason(self) -> str:
        """The first reason given by who rejected it."""
        return next((s.reason for s in self.stances if s.reason), "")


# Whose evidence a ruling takes: all that readers let stand, one reader's (by number), the label's as it was shown, or
# what the ruling that stands has.
CITES_ALL, CITES_LABEL, CITES_OWN = "", "label", "own"


def cited_by(item: JudgedCode, cites: str) -> tuple[PlaceShown, ...] | None:
    """None where there is no such source, or where it cites nothing."""
    every = tuple(dict.fromkeys(place for stance in item.stances for place in stance.evidence))
    sources = {CITES_LABEL: item.shown, CITES_OWN: item.evidence if item.own else ()}
    sources |= {str(stance.number): stance.evidence for stance in item.stances}
    return every if cites == CITES_ALL else sources.get(cites) or None


def numbers(chart_id: int, reading_ids: Collection[int]) -> dict[int, int]:
    """By a hash, so that the number tells neither who came first nor who reads which charts."""
    order = sorted(reading_ids, key=lambda pk: hashlib.sha256(f"{chart_id}:{pk}".encode()).hexdigest())
    return {pk: number for number, pk in enumerate(order, start=1)}


def judged_codes(charts: Iterable[GoldChart]) -> dict[int, list[JudgedCode]]:
    """By chart, conflicts first, then one-sided additions, drawn and agreed ones, each in document order.

    A handful of queries for any number of charts. Only readings that count are looked at: finished, independent,
    by qualified readers.
    """
    by_pk = {chart.pk: chart for chart in charts}
    readings: dict[int, list[GoldReading]] = defaultdict(list)
    counting = GoldReading.objects.counting().filter(chart__in=list(by_pk))
    for reading in counting.select_related("reader").order_by("pk"):
        readings[reading.chart_id].append(reading)
    labels: dict[int, list[GoldLabel]] = defaultdict(list)
    found = GoldLabel.objects.filter(chart__in=list(by_pk)).exclude(source=GoldLabelSource.SEEDED)
    for label in found.prefetch_related("evidence").order_by("chart", "rank", "pk"):
        labels[label.chart_id].append(label)
    reading_ids = [reading.pk for rows in readings.values() for reading in rows]
    said = _judgements(reading_ids)
    added = _additions(reading_ids)
    ruled = _rulings(list(by_pk))
    return {
        pk: _codes(chart, readings[pk], labels[pk], said, added, ruled.get(pk, {}))
        for pk, chart in by_pk.items()
    }


def _judgements(reading_ids: list[int]) -> dict[tuple[int, int], GoldJudgement]:
    standing = GoldJudgement.objects.filter(reading__in=reading_ids).standing().select_related("words")
    return {(j.reading_id, j.label_id): j for j in standing if j.label_id is not None}


def _additions(reading_ids: list[int]) -> dict[int, list[GoldAddition]]:
    found: dict[int, list[GoldAddition]] = defaultdict(list)
    rows = (
        GoldAddition.objects.filter(reading__in=reading_ids, withdrawn_at__isnull=True)
        .prefetch_related(
            Prefetch("evidence", queryset=GoldAdditionEvidence.objects.order_by("order")),
            Prefetch("judgements", queryset=GoldJudgement.objects.select_related("words")),
        )
        .order_by("pk")
    )
    for addition in rows:
        found[addition.reading_id].append(addition)
    return found


def _rulings(chart_ids: list[int]) -> dict[int, dict[tuple[str, str], GoldRuling]]:
    found: dict[int, dict[tuple[str, str], GoldRuling]] = defaultdict(dict)
    standing = GoldRuling.objects.filter(adjudication__chart__in=chart_ids).standing()
    for ruling in standing.select_related("adjudication", "words"):
        found[ruling.adjudication.chart_id][ruling.system, ruling.code] = ruling
    return found


def _comment(row: GoldJudgement | GoldRuling) -> str:
    words = getattr(row, "words", None)
    return words.comment if words is not None else ""


def _codes(
    chart: GoldChart,
    readings: list[GoldReading],
    labels: list[GoldLabel],
    said: dict[tuple[int, int], GoldJudgement],
    added: dict[int, list[GoldAddition]],
    ruled: dict[tuple[str, str], GoldRuling],
) -> list[JudgedCode]:
    named = numbers(chart.pk, [reading.pk for reading in readings])
    rows = []
    for label in labels:
        stances = [
            _on_label(reading, named[reading.pk], label, judgement)
            for reading in readings
            if (judgement := said.get((reading.pk, label.pk))) is not None
        ]
        if stances:
            head = (label.system, label.code, label.title, tuple(label.domains), label.pk)
            shown = tuple(place_shown(e) for e in sorted(label.evidence.all(), key=_order))
            rows.append(_row(chart, head, stances, ruled, shown, placed_of(label)))
    for (system, code), mine in _by_code(readings, added).items():
        stances = [_on_addition(reading, named[reading.pk], mine.get(reading.pk)) for reading in readings]
        title = next(iter(mine.values())).title
        rows.append(_row(chart, (system, code, title, (), None), stances, ruled))
    return sorted(rows, key=lambda row: ITEM_KINDS.index(row.kind))


def _by_code(
    readings: list[GoldReading], added: dict[int, list[GoldAddition]]
) -> dict[tuple[str, str], dict[int, GoldAddition]]:
    found: dict[tuple[str, str], dict[int, GoldAddition]] = defaultdict(dict)
    for reading in readings:
        for addition in added.get(reading.pk, ()):
            found[addition.system, addition.code][reading.pk] = addition
    return found


def _on_label(reading: GoldReading, number: int, label: GoldLabel, judgement: GoldJudgement) -> Stance:
    verdict = BY_ID[judgement.verdict]
    stands = verdict.paper == "approved" and verdict.evidence_stands
    evidence = sorted(label.evidence.all(), key=_order) if stands else []
    return Stance(
        reading.pk,
        reading.reader_id,
        number,
        reading.reader.profession,
        judgement.verdict,
        judgement.reason,
        _comment(judgement),
        tuple(place_shown(e) for e in evidence),
    )


def _order(evidence: GoldLabelEvidence) -> int:
    return evidence.order


def _on_addition(reading: GoldReading, number: int, addition: GoldAddition | None) -> Stance:
    head = (reading.pk, reading.reader_id, number, reading.reader.profession)
    if addition is None:
        return Stance(*head, ABSENT)
    comment = next((_comment(j) for j in addition.judgements.all()), "")
    return Stance(*head, ADDED, "", comment, tuple(place_shown(e) for e in addition.evidence.all()))


def _row(
    chart: GoldChart,
    head: tuple[str, str, str, tuple[str, ...], int | None],
    stances: list[Stance],
    ruled: dict[tuple[str, str], GoldRuling],
    shown: tuple[PlaceShown, ...] = (),
    labelled: Placed = Placed(),
) -> JudgedCode:
    system, code, title, domains, label_id = head
    ruling = ruled.get((system, code))
    is_drawn = drawn(chart.project.seed, f"{chart.pk}:{system}:{code}", DRAWN_SHARE)
    given = tuple(dict.fromkeys(place for stance in stances for place in stance.evidence))
    own = ruling is not None and ruling.evidence is not None
    if ruling is not None and ruling.evidence is not None:
        given = tuple(PlaceShown(**place) for place in ruling.evidence)
    return JudgedCode(
        chart.pk,
        system,
        code,
        title,
        domains,
        label_id,
        tuple(sorted(stances, key=lambda s: s.number)),
        item_kind([s.said for s in stances], is_drawn=is_drawn),
        ruling.pk if ruling else None,
        str(ruling.ruling) if ruling else "",
        ruling.number if ruling else 0,
        _comment(ruling) if ruling else "",
        given,
        shown,
        own,
        _over(placed_of(ruling), labelled),
    )
