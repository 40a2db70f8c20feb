"""Filling web/review_page.py from the database, for the whole page and for the answer to one act."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from coding_review.auth import RoleBackend
from coding_review.choices import RUN_OPEN, Assistance, EntryState, ReadingKind, RunStatus
from coding_review.code_edits import Findings, findings_of
from coding_review.kept_reads import KeptModels
from coding_review.models import (
    CodeEntry,
    CodeSet,
    DocumentVersion,
    Encounter,
    Hold,
    PredictionRun,
    Reading,
    ReviewerProfile,
)
from coding_review.queries import (
    EvidencePlace,
    Listed,
    coding_entries,
    entry_facts,
    evidence_places,
    open_hold,
    sign_off_facts,
)
from coding_review.rules import signoff
from coding_review.rules.permissions import QUEUE, VIEW_HISTORY
from coding_review.rules.run_problems import next_step
from coding_review.web import review_cards, review_documents, review_findings, review_header
from coding_review.web.finding import Finding, FindingsPanel, Found
from coding_review.web.lead_tools import lead_tools
from coding_review.web.marked_text import DocumentText, Line
from coding_review.web.review_conflicts import Disagreements, disagreements
from coding_review.web.review_history import history_events
from coding_review.web.review_made import Makers, left_out, suggestions_of
from coding_review.web.review_page import Card, Conflict, Pick, Pieces, Result, ReviewPage
from coding_review.web.segments import Span, marked_lines
from modelops.choices import Band

RUNS_LOOKED_AT = 50
_RUNS: KeptModels[PredictionRun] = KeptModels(
    lambda code_set: PredictionRun.objects.filter(code_set=code_set).order_by("-pk")[:RUNS_LOOKED_AT], int
)
PANELS = ("suggestions", "codes", "findings", "history", "sign-off", "add")


@dataclass(slots=True)
class Wanted:
    """What the address or form asked to be shown; numbers that name nothing fall back to the first."""

    document: int | None = None
    entry: int | None = None
    panel: str = "suggestions"
    open: str = ""
    changes: bool = False
    pick: Pick | None = None
    errors: dict[int, str] = field(default_factory=dict)
    conflicts: dict[int, Conflict] = field(default_factory=dict)
    # An override that was not saved: id, error and comment.
    refused: Finding | None = None
    # By entry the mark of the findings that its card showed when the act was sent.
    found: Mapping[int, str] = field(default_factory=dict)


class Builder:
    """Draws from the rows of one code set, each read once and only where it is asked for."""

    def __init__(
        self, user: Any, code_set: CodeSet, wanted: Wanted, *, reading: Reading | None = None
    ) -> None:
        self.user, self.code_set, self.wanted = user, code_set, wanted
        if reading is not None:
            self.reading = reading
        self.encounter: Encounter = code_set.encounter
        self.read_only = review_header.read_only(self.encounter, code_set, user)

    @cached_property
    def reading(self) -> Reading | None:
        return Reading.objects.filter(code_set=self.code_set, kind=ReadingKind.CODING).first()

    @cached_property
    def entries(self) -> list[CodeEntry]:
        return coding_entries(self.code_set)

    @cached_property
    def listed(self) -> Sequence[Listed]:
        """All entries, for counts and marks: models only where they are needed anyway."""
        return self.entries if "entries" in self.__dict__ else entry_facts(self.code_set)

    @cached_property
    def versions(self) -> list[DocumentVersion]:
        return review_documents.versions_of(self.code_set)

    @cached_property
    def places(self) -> list[EvidencePlace]:
        return evidence_places(self.code_set)

    @cached_property
    def runs(self) -> list[PredictionRun]:
        """Newest first; a code set has a run for each time documents or models changed."""
        return _RUNS.instances(self.code_set.pk)

    @cached_property
    def answers(self) -> list[PredictionRun]:
        """The runs that answered, newest first; also those of the versions before, whose suggestions and context tags
        a reopened code set goes on with."""
        own = [run for run in self.runs if run.status == RunStatus.DONE]
        if self.code_set.reopened_from_id is None:
            return own
        before = CodeSet.objects.filter(
            encounter=self.encounter, claim_type=self.code_set.claim_type, version__lt=self.code_set.version
        )
        earlier = PredictionRun.objects.filter(code_set__in=before, status=RunStatus.DONE)
        return [*own, *earlier.order_by("-pk")[:RUNS_LOOKED_AT]]

    @cached_property
    def finished(self) -> PredictionRun | None:
        return next(iter(self.answers), None)

    @cached_property
    def makers(self) -> Makers:
        return Makers(self.answers)

    @cached_property
    def held(self) -> Hold | None:
        return open_hold(self.encounter)

    @cached_property
    def profile(self) -> ReviewerProfile | None:
        return getattr(self.user, "reviewer", None)

    @cached_property
    def hidden(self) -> bool:
        """Reading first hides the suggestions from the coder who has the encounter, until they are revealed."""
        if self.read_only or self.reading is None or self.reading.assistance != Assistance.NONE:
            return False
        return settings.READ_FIRST or bool(self.profile and self.profile.read_first)

    @cached_property
    def panel(self) -> str:
        return self.wanted.panel if self.wanted.panel in PANELS else "suggestions"

    @cached_property
    def spans(self) -> list[Span]:
        """Marks on the version that is shown."""
        shown = self.shown_version()
        if shown is None or self.hidden:
            return []
        return review_documents.spans_of(shown, self.listed, self.places, self.finished)

    def pieces(self, *, cards: bool) -> Pieces:
        """What an act may have changed. Lines of the text and the changed cards are in `result`."""
        return Pieces(cards=self.cards(self._visible()) if cards else (), **self._common(lines=False))

    def page(self) -> ReviewPage:
        visible = self._visible()
        state, line = review_header.prediction(self.runs)
        unanswered, fallback = review_header.UNANSWERED.get(state, ""), review_header.fallback(self.runs)
        alerts = review_header.alerts(self.encounter)
        shown = self.shown_version()
        lease = review_header.lease(self.encounter, self.code_set, self.user)
        low_left = any(e.state == EntryState.UNDECIDED and e.band == Band.LOW for e in self.entries)
        can_see_history = RoleBackend().has_perm(self.user, VIEW_HISTORY)
        on_hold = review_header.hold_line(self.held)
        return ReviewPage(
            **self._common(lines=True),
            cards=self.cards(visible),
            header=review_header.header(self.encounter, self._code_sets(), self.code_set),
            lease=lease,
            documents=review_documents.rail(
                self.versions,
                [] if self.hidden else self.places,
                shown.pk if shown else 0,
                {alert.document for alert in alerts},
            ),
            bands=review_cards.bands(visible),
            history=history_events(self.encounter, self.user)
            if self.panel == "history" and can_see_history
            else (),
            alerts=alerts,
            hidden=self.hidden,
            assistance=self.reading.assistance if self.reading else Assistance.NONE,
            calibrated=self._calibrated(),
            prediction=state,
            prediction_line=line,
            on_hold=on_hold,
            can_resume=bool(on_hold) and self.encounter.owner_id == self.user.pk,
            hold_reasons=review_header.hold_reasons() if lease.mine else (),
            skip_reasons=review_header.skip_reasons() if lease.mine else (),
            prediction_ended=unanswered,
            prediction_advice=next_step(self.runs[0].error_code) if unanswered else "",
            can_cancel=state == "running" and RoleBackend().has_perm(self.user, QUEUE),
            fallback=fallback,
            makings=() if self.hidden else self.makers.makings(),
            left_out=() if self.hidden else left_out(self.finished),
            lead=lead_tools(self.encounter, self.user, unanswered=unanswered, stood_in=bool(fallback)),
            idle_seconds=settings.IDLE_MINUTES * 60,
            low_left=low_left and not self.read_only,
        )

    def _common(self, *, lines: bool) -> dict[str, Any]:
        """The fields of Pieces but its cards. With `lines`, all of the text and of the code set."""
        if lines or self.panel == "codes":
            coded: Sequence[CodeEntry] = self.entries
        else:
            coded = ()
        running = any(run.status in RUN_OPEN for run in self.runs)
        facts = sign_off_facts(self.code_set, self.listed, running=running, hard_findings=self.found.hard)
        return {
            "encounter_id": self.encounter.pk,
            "claim_type": self.code_set.claim_type,
            "code_set_id": self.code_set.pk,
            "revision": self.code_set.revision,
            "document": self.text(lines=lines),
            "code_set": review_cards.code_set_panel(self.code_set, coded, self.beside, self._refused()),
            "progress": review_cards.progress(
                self.listed, self.reading, signoff.blockers(facts), editable=not self.read_only
            ),
            "sign_off": review_header.sign_off_panel(self.encounter, self.code_set, self.user, self.profile),
            "findings": self.findings,
            "panel": self.panel,
            "read_only": self.read_only,
            "pick": self.wanted.pick,
        }

    def _visible(self) -> Sequence[CodeEntry]:
        return [] if self.hidden else self.entries

    def text(self, *, lines: bool = True) -> DocumentText | None:
        shown = self.shown_version()
        if shown is None:
            return None
        return review_documents.document_text(
            shown, self.spans if lines else (), with_changes=self.wanted.changes, with_lines=lines
        )

    def cards(self, entries: Sequence[CodeEntry]) -> tuple[Card, ...]:
        # Only what is drawn: the answer to one decision has one card of hundreds.
        prefetch_related_objects(entries, "evidence")
        cited = {e.document_version_id for entry in entries for e in entry.evidence.all()}
        labels = review_documents.labels(self.versions, cited)
        shown = self.shown_version()
        made = self.makers.of(suggestions_of(entries))
        return tuple(
            self._decorated(
                review_cards.card(
                    e,
                    self.code_set,
                    shown=shown.pk if shown else None,
                    labels=labels,
                    selected=e.pk == self.wanted.entry,
                    findings=self.findings_of(e),
                    made=made.get(e.suggestion_id or 0, ""),
                )
            )
            for e in entries
        )

    def result(
        self, changed: Sequence[CodeEntry], *, said: str, whole_list: bool = False, moved: bool = False
    ) -> Result:
        """What one act changed. `moved`: evidence may stand elsewhere than before it."""
        return Result(
            cards=() if whole_list else self.cards(changed),
            lines=() if self.hidden else self._marked_anew(changed, moved=moved),
            found=() if whole_list else self._found_elsewhere({e.pk for e in changed}),
            whole_list=whole_list,
            select=self.wanted.entry,
            said=said,
        )

    def _marked_anew(self, changed: Sequence[CodeEntry], *, moved: bool) -> tuple[Line, ...]:
        """The lines of the shown document whose marks an act on these entries changed, with all their marks."""
        shown = self.shown_version()
        numbers = frozenset[int]()
        if shown is not None:
            numbers = review_documents.changed_lines(shown, changed, moved=moved)
        if shown is None or not numbers:
            return ()
        places = evidence_places(self.code_set, on=shown, lines=numbers)
        spans = review_documents.spans_of(shown, self.listed, places, self.finished)
        return marked_lines(review_documents.with_text(shown).lines, spans, numbers)

    @cached_property
    def disagreements(self) -> Disagreements:
        return disagreements(self.code_set, self.versions)

    @cached_property
    def found(self) -> Findings:
        """What the code edits say to the coded lines, which a hidden list does not hide."""
        return findings_of(self.code_set, self.listed)

    @cached_property
    def beside(self) -> review_findings.ByEntry:
        return review_findings.beside(self.found)

    @cached_property
    def findings(self) -> FindingsPanel:
        told = () if self.hidden else self.disagreements.listed
        return review_findings.panel(self.found, told, self.wanted.refused)

    def _found_elsewhere(self, changed: Collection[int]) -> tuple[Found, ...]:
        now = (Found(e.pk, self.findings_of(e)) for e in self.listed if e.pk not in changed)
        return tuple(each for each in now if each.mark != self.wanted.found.get(each.entry, ""))

    def findings_of(self, entry: Listed) -> tuple[Finding, ...]:
        """On one card: documents that disagree, unless it is set aside, and what the code edits say to it."""
        told = self.disagreements.by_entry.get(entry.pk)
        of_documents = () if told is None or entry.state in review_cards.SET_ASIDE else (told,)
        return (*of_documents, *self.beside.get(entry.pk, ()))

    def shown_version(self) -> DocumentVersion | None:
        return self._shown

    @cached_property
    def _shown(self) -> DocumentVersion | None:
        for version in self.versions:
            if version.pk == self.wanted.document:
                return version
        if self.wanted.entry is not None and self.wanted.document is None:
            ids = {p.document_version for p in self.places if p.entry == self.wanted.entry}
            return next((v for v in self.versions if v.pk in ids), self._first())
        return self._first()

    def select_first_undecided(self) -> None:
        """Where a page begins that names no entry: drawn selected by the server, so that nothing moves later."""
        if self.wanted.entry is None and not self.hidden:
            undecided = (e.pk for e in self.entries if e.state == EntryState.UNDECIDED)
            self.wanted.entry = next(undecided, None)

    def left(self) -> str:
        undecided = sum(e.state == EntryState.UNDECIDED for e in self.listed)
        return f"{undecided} left." if undecided else "All are decided."

    def _first(self) -> DocumentVersion | None:
        return self.versions[0] if self.versions else None

    def _refused(self) -> dict[int, str]:
        """By entry why its change was not saved, for a line of the code set; its card is not in sight then."""
        stale = {pk: f"Changed meanwhile. Now {one.stands}." for pk, one in self.wanted.conflicts.items()}
        return self.wanted.errors | stale

    def _decorated(self, card: Card) -> Card:
        if card.id in self.wanted.errors:
            card = replace(card, error=self.wanted.errors[card.id])
        if card.id in self.wanted.conflicts:
            card = replace(card, conflict=self.wanted.conflicts[card.id])
        if card.selected and self.wanted.open:
            card = replace(card, open=self.wanted.open)
        return card

    def _code_sets(self) -> list[CodeSet]:
        order = {claim_type: n for n, claim_type in enumerate(self.encounter.claim_types)}
        sets = CodeSet.objects.current().filter(encounter=self.encounter)
        return sorted(sets, key=lambda c: order.get(c.claim_type, 99))

    def _calibrated(self) -> bool:
        return self.finished is not None and bool(self.finished.calibration_id)
