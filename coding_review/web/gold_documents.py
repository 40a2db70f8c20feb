"""The left side of a gold reading and of adjudication: the documents frozen with the chart, with marks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from coding_review.gold.stances import PlaceShown
from coding_review.models import DocumentVersion, GoldChart
from coding_review.queries import EvidencePlace
from coding_review.web import review_documents
from coding_review.web.marked_text import DocumentText, Line
from coding_review.web.review_page import DocumentEntry, Place
from coding_review.web.segments import Span, marked_lines


@dataclass(frozen=True, slots=True)
class Cited:
    """One card of the page as the text knows it: `mark` is open, done, no or held."""

    card: int
    mark: str
    places: Sequence[PlaceShown]


class GoldDocuments:
    """`document` and `card` as the address asks: what names nothing falls back to the first document."""

    def __init__(self, chart: GoldChart, *, document: int | None, card: int | None) -> None:
        self.chart, self.document, self.card = chart, document, card

    @cached_property
    def versions(self) -> list[DocumentVersion]:
        encounter = self.chart.code_set.encounter
        found = list(
            self.chart.documents.select_related("document")
            .defer("text")
            .order_by("document__position", "document_id")
        )
        for version in found:
            version.document.encounter = encounter
        return found

    @cached_property
    def names(self) -> Mapping[int, str]:
        return {version.pk: review_documents.type_label(version) for version in self.versions}

    def shown(self, cited: Sequence[Cited]) -> DocumentVersion | None:
        for version in self.versions:
            if version.pk == self.document:
                return version
        if self.card is not None and self.document is None:
            of_card = {p.document_version_id for each in cited if each.card == self.card for p in each.places}
            return next((v for v in self.versions if v.pk in of_card), self._first())
        return self._first()

    def _first(self) -> DocumentVersion | None:
        return self.versions[0] if self.versions else None

    def rail(self, cited: Sequence[Cited]) -> tuple[DocumentEntry, ...]:
        shown = self.shown(cited)
        return review_documents.rail(self.versions, _places(cited), shown.pk if shown else 0, set())

    def text(self, cited: Sequence[Cited], *, with_lines: bool = True) -> DocumentText | None:
        shown = self.shown(cited)
        if shown is None:
            return None
        return review_documents.document_text(shown, _spans(cited, shown.pk), with_lines=with_lines)

    def lines_of(self, cited: Sequence[Cited], numbers: Collection[int]) -> tuple[Line, ...]:
        """Those lines of the document shown, with all their marks."""
        shown = self.shown(cited)
        if shown is None or not numbers:
            return ()
        return marked_lines(shown.lines, _spans(cited, shown.pk), frozenset(numbers))

    def lines_citing(self, cited: Sequence[Cited], places: Sequence[PlaceShown]) -> tuple[Line, ...]:
        """The lines of the document shown that these places reach over."""
        shown = self.shown(cited)
        numbers = {
            number
            for place in places
            if shown is not None and place.document_version_id == shown.pk
            for number in range(place.line_start, place.line_end + 1)
        }
        return self.lines_of(cited, numbers)

    def places(self, found: Sequence[PlaceShown], cited: Sequence[Cited]) -> tuple[Place, ...]:
        shown = self.shown(cited)
        return tuple(
            Place(
                document=place.document_version_id,
                line=place.line_start,
                label=f"L{place.line_start}"
                if place.line_start == place.line_end
                else f"L{place.line_start}–{place.line_end}",
                quote=" ".join(place.quote.split()),
                document_label=""
                if shown is not None and place.document_version_id == shown.pk
                else self.names.get(place.document_version_id, "Document"),
            )
            for place in found
        )


def _spans(cited: Sequence[Cited], version: int) -> list[Span]:
    return [
        Span(p.line_start, p.line_end, p.col_start, p.col_end, each.card, each.mark)
        for each in cited
        for p in each.places
        if p.document_version_id == version
    ]


def _places(cited: Sequence[Cited]) -> list[EvidencePlace]:
    return [
        EvidencePlace(each.card, p.document_version_id, p.line_start, p.line_end, p.col_start, p.col_end)
        for each in cited
        for p in each.places
    ]
