"""Filling the page of one gold reading from what its reader may see (gold.queries.labels_shown and the like)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from coding_review.choices import GoldChartPurpose, GoldReadingStatus, GoldStatus
from coding_review.gold.queries import AdditionShown, LabelShown, additions_shown, labels_shown
from coding_review.gold.stances import PlaceShown
from coding_review.models import GoldReading
from coding_review.rules import reasons
from coding_review.web import words
from coding_review.web.gold_documents import Cited, GoldDocuments
from coding_review.web.gold_page import BY_VERDICT, GoldCard, GoldResult, ReadingPage, Said
from coding_review.web.gold_protocol import MODE_LINES
from coding_review.web.review_page import Pick


@dataclass(slots=True)
class GoldWanted:
    """What the address or form asked to be shown. `card` is a label's place, or minus an addition's id."""

    document: int | None = None
    card: int | None = None
    panel: str = ""
    open: str = ""
    pick: Pick | None = None
    error: str = ""
    error_card: int | None = None


class ReadingBuilder:
    """`reading` as gold.queries.reading_for gives it."""

    def __init__(self, reading: GoldReading, wanted: GoldWanted) -> None:
        self.reading, self.wanted = reading, wanted
        self.chart = reading.chart
        self.project = reading.chart.project
        self.documents = GoldDocuments(self.chart, document=wanted.document, card=wanted.card)

    @cached_property
    def labels(self) -> list[LabelShown]:
        return labels_shown(self.reading)

    @cached_property
    def additions(self) -> list[AdditionShown]:
        return additions_shown(self.reading)

    @cached_property
    def cited(self) -> list[Cited]:
        judged = [
            Cited(one.place, BY_VERDICT[one.verdict].mark if one.verdict else "open", one.evidence)
            for one in self.labels
        ]
        return judged + [Cited(-one.id, "done", one.evidence) for one in self.additions]

    @cached_property
    def read_only(self) -> str:
        """Why this reading is not written any more, in words."""
        if self.reading.status == GoldReadingStatus.FINISHED:
            return f"You finished this reading on {words.moment(self.reading.finished_at)}."
        if self.reading.status == GoldReadingStatus.LAPSED:
            return "Its time ran out, the chart was withdrawn or reading ended. It counts nowhere."
        if self.project.status != GoldStatus.OPEN:
            return "Reading has ended in this project."
        return ""

    def select_first_open(self) -> None:
        """Where a page begins that names no label."""
        if self.wanted.card is None:
            self.wanted.card = next((one.place for one in self.labels if not one.verdict), None)
            self.documents.card = self.wanted.card

    def page(self, *, lines: bool = True) -> ReadingPage:
        reading_id = self.reading.pk
        return ReadingPage(
            project_id=self.project.pk,
            project=self.project.name,
            reading_id=reading_id,
            chart_line=chart_line(self.reading),
            lease_line=self._lease_line(),
            mode=self.project.mode,
            mode_line=MODE_LINES[self.project.mode],
            guideline=f"{self.project.codebook.name}, version {self.project.codebook.version}",
            documents=self.documents.rail(self.cited),
            document=self.documents.text(self.cited, with_lines=lines),
            cards=self.cards(),
            pick=self.wanted.pick,
            pick_url=reverse("web:gold-pick", args=[reading_id]),
            add_url=reverse("web:gold-add", args=[reading_id]),
            control_url=reverse("web:gold-judge", args=[reading_id, 0]),
            panel="add" if self.wanted.panel == "add" else "suggestions",
            read_only=self.read_only,
            error="" if self.wanted.error_card else self.wanted.error,
        )

    def _lease_line(self) -> str:
        until = self.reading.lease_until
        return f"yours until {words.clock(until)}" if until and not self.read_only else ""

    def cards(self) -> tuple[GoldCard, ...]:
        return (
            *(self._label(one) for one in self.labels),
            *(self._addition(one) for one in self.additions),
        )

    def _label(self, one: LabelShown) -> GoldCard:
        return GoldCard(
            id=one.place,
            code=one.code,
            system=one.system,
            title=one.title,
            places=self.documents.places(one.evidence, self.cited),
            verdict=one.verdict,
            outcome=reason_words(one.reason),
            comment=one.comment,
            rationale=one.rationale,
            confidence="" if one.confidence is None else f"{one.confidence:.2f}",
            band=one.band,
            others=tuple(
                Said(f"Reader {other.number}", BY_VERDICT[other.verdict], reason_words(other.reason))
                for other in one.others
            ),
            selected=one.place == self.wanted.card,
            open=self.wanted.open if one.place == self.wanted.card else "",
            error=self.wanted.error if one.place == self.wanted.error_card else "",
            decide_url=reverse("web:gold-judge", args=[self.reading.pk, one.place]),
            version=one.number,
        )

    def _addition(self, one: AdditionShown) -> GoldCard:
        return GoldCard(
            id=-one.id,
            code=one.code,
            system=one.system,
            title=one.title,
            places=self.documents.places(one.evidence, self.cited),
            comment=one.comment,
            selected=-one.id == self.wanted.card,
            decide_url=reverse("web:gold-withdraw-addition", args=[self.reading.pk, one.id]),
        )

    def result(
        self,
        changed: Collection[int],
        said: str,
        *,
        whole_list: bool = False,
        select: int | None = None,
        gone: Sequence[PlaceShown] = (),
    ) -> GoldResult:
        """What one act changed. `gone`: places whose marks left the text."""
        cards = tuple(card for card in self.cards() if card.id in changed)
        places = [place for each in self.cited if each.card in changed for place in each.places]
        return GoldResult(
            cards=() if whole_list else cards,
            lines=self.documents.lines_citing(self.cited, [*places, *gone]),
            whole_list=whole_list,
            select=select,
            said=said,
        )

    def left(self) -> str:
        waiting = sum(not one.verdict for one in self.labels)
        return f"{waiting} left." if waiting else "Every label has a verdict."


def reason_words(reason: str) -> str:
    return reasons.label(reason).lower() if reason else ""


def chart_line(reading: GoldReading) -> str:
    """Where the reader is, without anything that names the patient; a repeat is not told."""
    encounter = reading.chart.code_set.encounter
    kind = "qualification chart" if reading.chart.purpose == GoldChartPurpose.QUALIFICATION else "chart"
    return ", ".join((f"{kind} {reading.chart.position}", words.stay(encounter), words.sex_age(encounter)))
