"""Filling the adjudication page of one chart, and a reader's page of rulings that went another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog.choices import ClaimType, CodeRole, PresentOnAdmission
from coding_review.choices import AdjudicationStatus, GoldLabelStatus, GoldStatus, Profession
from coding_review.gold.queries import charts_to_adjudicate, items_to_adjudicate, overrulings_for
from coding_review.gold.stances import (
    CITES_ALL,
    CITES_LABEL,
    CITES_OWN,
    JudgedCode,
    Placed,
    PlaceShown,
    Stance,
)
from coding_review.models import Adjudication, GoldProject, GoldReader, GoldRuling
from coding_review.rules.gold_steps import ABSENT, ADDED, CONFLICT, DRAWN, ONE_SIDED, acts
from coding_review.web.gold_documents import Cited, GoldDocuments
from coding_review.web.gold_page import (
    ADDED as ADDED_LOOK,
)
from coding_review.web.gold_page import (
    BY_RULING,
    BY_VERDICT,
    AdjudicationPage,
    Contested,
    ContestedGroup,
    EvidenceChoice,
    GoldResult,
    Overruled,
    OverruledPage,
    ReaderColumn,
    Said,
    VerdictLook,
)
from coding_review.web.gold_reading_build import reason_words

_GROUPS: tuple[tuple[str, str], ...] = (
    (CONFLICT, "Conflicts"),
    (ONE_SIDED, "Listed by one reader"),
    (DRAWN, "Agreed, drawn for a look"),
)
_INDICATORS = tuple((indicator.value, str(indicator.label)) for indicator in PresentOnAdmission)
_PROFESSIONS: dict[str, str] = {Profession.CODER: "coder", Profession.CLINICIAN: "clinician"}


@dataclass(slots=True)
class AdjudicationWanted:
    """`card` is a row's number on the page: codes of a chart are numbered in one order that rulings do not change."""

    document: int | None = None
    card: int | None = None
    error: str = ""
    error_key: str = ""  # "system:code"


class AdjudicationBuilder:
    def __init__(
        self, adjudication: Adjudication, wanted: AdjudicationWanted, *, agreement_line: str = ""
    ) -> None:
        """`adjudication` with chart, project, code set and encounter; who asks is its adjudicator."""
        self.adjudication, self.wanted, self.agreement_line = adjudication, wanted, agreement_line
        self.chart = adjudication.chart
        self.project = adjudication.chart.project
        self.documents = GoldDocuments(self.chart, document=wanted.document, card=wanted.card)

    @cached_property
    def items(self) -> list[JudgedCode]:
        return items_to_adjudicate(self.chart)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {key: number for number, key in enumerate(sorted(item.key for item in self.items), start=1)}

    def _places(self, item: JudgedCode) -> Sequence[PlaceShown]:
        """What its readers were shown where nobody lets it stand: nobody's evidence stands then."""
        return item.evidence or item.shown

    def places_of(self, key: str) -> Sequence[PlaceShown]:
        """What the text marks for a code now; after an act these marks are drawn anew."""
        return next((self._places(item) for item in self.items if item.key == key), ())

    def _choices(self, item: JudgedCode) -> tuple[EvidenceChoice, ...]:
        """Whose evidence a ruling can take; one that stands keeps its own unless told otherwise."""
        found = [EvidenceChoice(CITES_ALL, "as the readers cite")]
        if item.own:
            found.insert(0, EvidenceChoice(CITES_OWN, f"as ruled, {self._lines(item.evidence)}"))
        if len({stance.evidence for stance in item.stances if stance.evidence}) > 1:
            found += [
                EvidenceChoice(
                    str(stance.number), f"Reader {stance.number}'s, {self._lines(stance.evidence)}"
                )
                for stance in item.stances
                if stance.evidence
            ]
        if item.shown and not any(stance.evidence for stance in item.stances):
            found.append(EvidenceChoice(CITES_LABEL, f"as shown, {self._lines(item.shown)}"))
        return tuple(found)

    def _lines(self, places: Sequence[PlaceShown]) -> str:
        drawn = self.documents.places(places, self.cited)
        return ", ".join(f"{p.document_label} {p.label}".strip() for p in drawn) or "nothing"

    @cached_property
    def cited(self) -> list[Cited]:
        return [
            Cited(
                self.numbers[item.key],
                BY_RULING[item.ruling].mark if item.ruling in BY_RULING else "open",
                self._places(item),
            )
            for item in self.items
            if item.needs_ruling
        ]

    @cached_property
    def read_only(self) -> str:
        if self.adjudication.status == AdjudicationStatus.FINISHED:
            return "This chart is closed."
        if self.project.status == GoldStatus.FROZEN:
            return "The gold set is frozen."
        return ""

    def select_first_open(self) -> None:
        if self.wanted.card is None:
            open_ones = (i for i in self.items if i.needs_ruling and i.ruling not in BY_RULING)
            first = next(open_ones, None)
            self.wanted.card = self.numbers[first.key] if first is not None else None
            self.documents.card = self.wanted.card

    def page(self, *, lines: bool = True) -> AdjudicationPage:
        columns = self._columns()
        named = " and ".join(f"{c.label[:1].lower()}{c.label[1:]} ({c.profession})" for c in columns)
        groups = tuple(
            ContestedGroup(title, tuple(self._row(i) for i in self.items if i.kind == kind))
            for kind, title in _GROUPS
        )
        return AdjudicationPage(
            project_id=self.project.pk,
            project=self.project.name,
            adjudication_id=self.adjudication.pk,
            chart_line=f"chart {self._place()} of {self._total}, readings by {named}",
            agreement_line=self.agreement_line,
            readers=columns,
            groups=groups,
            agreed=tuple(self._row(i) for i in self.items if not i.needs_ruling),
            documents=self.documents.rail(self.cited),
            document=self.documents.text(self.cited, with_lines=lines),
            indicators=_INDICATORS if self._inpatient else (),
            can_undo=self._last_ruling(),
            number=self._rulings[-1].number if self._rulings else 0,
            read_only=self.read_only,
            error="" if self.wanted.error_key else self.wanted.error,
        )

    @property
    def _inpatient(self) -> bool:
        return self.chart.code_set.claim_type == ClaimType.FACILITY_INPATIENT

    @cached_property
    def _charts(self) -> list[int]:
        return list(charts_to_adjudicate(self.project).values_list("pk", flat=True))

    @property
    def _total(self) -> int:
        return len(self._charts)

    def _place(self) -> int:
        return self._charts.index(self.chart.pk) + 1 if self.chart.pk in self._charts else self.chart.position

    def _columns(self) -> tuple[ReaderColumn, ...]:
        by_number = {s.number: s.profession for item in self.items for s in item.stances}
        return tuple(
            ReaderColumn(f"Reader {number}", _PROFESSIONS.get(profession, profession))
            for number, profession in sorted(by_number.items())
        )

    @cached_property
    def _rulings(self) -> list[GoldRuling]:
        return list(GoldRuling.objects.filter(adjudication=self.adjudication).order_by("number"))

    def _last_ruling(self) -> str:
        """What undo would take back."""
        standing = acts(self._rulings)
        if not standing or self.read_only:
            return ""
        return f"{standing[-1].code}: {BY_RULING[standing[-1].ruling].label}"

    def _row(self, item: JudgedCode) -> Contested:
        number = self.numbers[item.key]
        return Contested(
            id=number,
            system=item.system,
            code=item.code,
            title=item.title,
            places=self.documents.places(self._places(item), self.cited),
            said=tuple(_said(stance) for stance in item.stances),
            ruling=item.ruling if item.ruling in BY_RULING else "",
            comment=item.ruling_comment if item.ruling in BY_RULING else "",
            number=item.ruling_number,
            choices=self._choices(item),
            role=item.placed.role,
            poa=item.placed.poa,
            sequence=item.placed.sequence,
            placed=placed_words(item.placed),
            accepted=item.status == GoldLabelStatus.ACCEPTED,
            selected=number == self.wanted.card,
            error=self.wanted.error if item.key == self.wanted.error_key else "",
        )

    def result(
        self, keys: Sequence[str], said: str, *, select: bool = False, gone: Sequence[PlaceShown] = ()
    ) -> GoldResult:
        """`gone`: places whose marks may have left the text."""
        numbers = {self.numbers[key] for key in keys if key in self.numbers}
        rows = tuple(self._row(i) for i in self.items if self.numbers[i.key] in numbers)
        places = [p for each in self.cited if each.card in numbers for p in each.places]
        return GoldResult(
            rows=rows,
            lines=self.documents.lines_citing(self.cited, [*places, *gone]),
            select=next(iter(numbers), None) if select else None,
            said=said,
        )

    def left(self) -> str:
        waiting = sum(i.needs_ruling and i.ruling not in BY_RULING for i in self.items)
        return f"{waiting} left." if waiting else "All are ruled on; the chart can be closed."


def placed_words(placed: Placed) -> str:
    """ "place 1, principal, POA Y"; empty where nothing is said."""
    parts = [
        "" if placed.sequence is None else f"place {placed.sequence}",
        CodeRole(placed.role).label.lower() if placed.role else "",
        "POA exempt"
        if placed.poa == PresentOnAdmission.EXEMPT
        else f"POA {placed.poa}"
        if placed.poa
        else "",
    ]
    return ", ".join(part for part in parts if part)


def look_of(said: str) -> VerdictLook | None:
    """How a stance is drawn: a verdict, added, or nothing where the reader did not list the code."""
    return ADDED_LOOK if said == ADDED else BY_VERDICT.get(said)


def _said(stance: Stance) -> Said:
    return Said(
        f"Reader {stance.number}",
        None if stance.said == ABSENT else look_of(stance.said),
        reason_words(stance.reason),
        stance.comment,
    )


def overruled_page(user: Any, project: GoldProject, reader: GoldReader) -> OverruledPage:
    rows = overrulings_for(user, project)
    ruled_on = (
        GoldRuling.objects.filter(
            adjudication__status=AdjudicationStatus.FINISHED, adjudication__chart__readings__reader=reader
        )
        .exclude(ruling="none")
        .values("adjudication", "system", "code")
        .distinct()
        .count()
    )
    return OverruledPage(
        project_id=project.pk,
        project=project.name,
        reader=reader.pseudonym,
        ruled_on=ruled_on,
        rows=tuple(
            Overruled(
                ruling_id=row.ruling_id,
                chart=f"chart {row.position}",
                code=row.code,
                title=row.title,
                quote=next((" ".join(p.quote.split()) for p in row.mine.evidence if p.quote), ""),
                mine=Said("You", look_of(row.mine.said), reason_words(row.mine.reason), row.mine.comment),
                ruling=BY_RULING[row.ruling],
                comment=row.ruling_comment,
                reply=row.reply,
                can_reply=not row.replied,
            )
            for row in rows
        ),
    )
