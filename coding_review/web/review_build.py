"""Filling web/review_page.py from the database, for the whole page and for the answer to one act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from coding_review.auth import RoleBackend
from coding_review.choices import RUN_OPEN, Assistance, EntryState, ReadingKind, RunStatus
from coding_review.models import CodeEntry, CodeSet, DocumentVersion, Encounter, Reading, ReviewerProfile
from coding_review.queries import coding_entries, evidence_places, open_hold, sign_off_facts
from coding_review.rules import signoff
from coding_review.rules.permissions import VIEW_HISTORY
from coding_review.web import review_cards, review_documents, review_header
from coding_review.web.lead_tools import lead_tools
from coding_review.web.review_conflicts import Disagreements, disagreements
from coding_review.web.review_history import history_events
from coding_review.web.review_page import Card, Conflict, DocumentText, Line, Pick, Result, ReviewPage
from coding_review.web.segments import Span
from modelops.choices import Band

RUNS_LOOKED_AT = 50
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


class Builder:
    """Reads the rows of one code set once; `page` and `result` draw from them."""

    def __init__(self, user: Any, code_set: CodeSet, wanted: Wanted) -> None:
        self.user, self.code_set, self.wanted = user, code_set, wanted
        self.encounter: Encounter = code_set.encounter
        self.reading = Reading.objects.filter(code_set=code_set, kind=ReadingKind.CODING).first()
        self.entries: list[CodeEntry] = coding_entries(code_set)
        self.versions: list[DocumentVersion] = review_documents.versions_of(code_set)
        self.places = evidence_places(code_set)
        # Newest first; a code set has a run for each time documents or models changed.
        self.runs = list(code_set.runs.order_by("-pk")[:RUNS_LOOKED_AT])
        self.finished = next((run for run in self.runs if run.status == RunStatus.DONE), None)
        self.held = open_hold(self.encounter)
        self.profile = ReviewerProfile.objects.filter(user=user).first()
        self.read_only = review_header.read_only(self.encounter, code_set, user)
        self.hidden = self._hidden()
        self._spans: list[Span] | None = None

    def page(self, *, cards: bool = True, lines: bool = True) -> ReviewPage:
        """Answers to one act leave cards and lines out: the result carries those that changed."""
        shown = self.shown_version()
        running = any(run.status in RUN_OPEN for run in self.runs)
        facts = sign_off_facts(self.code_set, self.entries, open_hold=self.held is not None, running=running)
        blockers = signoff.blockers(facts)
        state, line = review_header.prediction(self.runs)
        alerts = review_header.alerts(self.encounter)
        unseen = {alert.document for alert in alerts}
        lease = review_header.lease(self.encounter, self.code_set, self.user)
        panel = self.wanted.panel if self.wanted.panel in PANELS else "suggestions"
        low_left = any(e.state == EntryState.UNDECIDED and e.band == Band.LOW for e in self.entries)
        visible = [] if self.hidden else self.entries
        places = [] if self.hidden else self.places
        can_see_history = RoleBackend().has_perm(self.user, VIEW_HISTORY)
        on_hold = review_header.hold_line(self.held)
        return ReviewPage(
            encounter_id=self.encounter.pk,
            claim_type=self.code_set.claim_type,
            code_set_id=self.code_set.pk,
            revision=self.code_set.revision,
            header=review_header.header(self.encounter, self._code_sets(), self.code_set),
            lease=lease,
            documents=review_documents.rail(self.versions, places, shown.pk if shown else 0, unseen),
            document=self.text(lines=lines),
            cards=self.cards(visible) if cards else (),
            bands=review_cards.bands(visible),
            code_set=review_cards.code_set_panel(self.code_set, self.entries),
            progress=review_cards.progress(self.entries, self.reading, blockers, editable=not self.read_only),
            sign_off=review_header.sign_off_panel(self.encounter, self.code_set, self.user, self.profile),
            history=history_events(self.encounter, self.user)
            if panel == "history" and can_see_history
            else (),
            findings=() if self.hidden else self.disagreements.listed,
            alerts=alerts,
            panel=panel,
            read_only=self.read_only,
            hidden=self.hidden,
            assistance=self.reading.assistance if self.reading else Assistance.NONE,
            calibrated=self._calibrated(),
            prediction=state,
            prediction_line=line,
            on_hold=on_hold,
            can_resume=bool(on_hold) and self.encounter.owner_id == self.user.pk,
            hold_reasons=review_header.hold_reasons() if lease.mine else (),
            skip_reasons=review_header.skip_reasons() if lease.mine else (),
            pick=self.wanted.pick,
            lead=lead_tools(self.encounter, self.user, failed=state == "failed"),
            idle_seconds=settings.IDLE_MINUTES * 60,
            low_left=low_left and not self.read_only,
        )

    def text(self, *, lines: bool = True) -> DocumentText | None:
        shown = self.shown_version()
        if shown is None:
            return None
        return review_documents.document_text(
            shown,
            self.spans(shown),
            with_changes=self.wanted.changes,
            with_lines=lines,
        )

    def spans(self, shown: DocumentVersion) -> list[Span]:
        if self.hidden:
            return []
        if self._spans is None:
            self._spans = review_documents.spans_of(shown, self.entries, self.places, self.finished)
        return self._spans

    def cards(self, entries: Sequence[CodeEntry]) -> tuple[Card, ...]:
        # Only what is drawn: the answer to one decision has one card of hundreds.
        prefetch_related_objects(entries, "evidence")
        cited = {e.document_version_id for entry in entries for e in entry.evidence.all()}
        labels = review_documents.labels(self.versions, cited)
        shown = self.shown_version()
        return tuple(
            self._decorated(
                review_cards.card(
                    e,
                    self.code_set,
                    shown=shown.pk if shown else None,
                    labels=labels,
                    selected=e.pk == self.wanted.entry,
                    finding=self.disagreements.by_entry.get(e.pk),
                )
            )
            for e in entries
        )

    def result(self, changed: Sequence[int], *, said: str, whole_list: bool = False) -> Result:
        """What one act changed, after it was done (the rows here are read after it)."""
        entries = [e for e in self.entries if e.pk in changed]
        shown = self.shown_version()
        lines: tuple[Line, ...] = ()
        if shown is not None and not self.hidden:
            lines = review_documents.changed_marks(shown, self.spans(shown), self.places, changed)
        return Result(
            cards=self.cards(entries),
            lines=lines,
            whole_list=whole_list,
            select=self.wanted.entry,
            said=said,
        )

    @cached_property
    def disagreements(self) -> Disagreements:
        return disagreements(self.code_set, self.versions)

    def shown_version(self) -> DocumentVersion | None:
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
        undecided = sum(e.state == EntryState.UNDECIDED for e in self.entries)
        return f"{undecided} left." if undecided else "All are decided."

    def _first(self) -> DocumentVersion | None:
        return self.versions[0] if self.versions else None

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

    def _hidden(self) -> bool:
        """Reading first hides the suggestions from the coder who has the encounter, until they are revealed."""
        if self.read_only or self.reading is None or self.reading.assistance != Assistance.NONE:
            return False
        return settings.READ_FIRST or bool(self.profile and self.profile.read_first)

    def _calibrated(self) -> bool:
        return self.finished is not None and bool(self.finished.calibration_id)
