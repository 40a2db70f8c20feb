"""What the pages of gold projects show, as plain data: views fill it, templates/coding_review/gold/ draw it.

Nothing here asks the database or decides anything; texts are ready to be shown and tuples stand in the order shown.
Reading and adjudication are drawn with the review page's text, cards, picker and scripts: `Place`, `DocumentEntry`
and `Pick` are its own. Readers are named by their pseudonym everywhere but on the project page, which only those
who manage the project may open with names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from catalog.choices import CodeRole
from coding_review.rules.reasons import FAMILIES, Family
from coding_review.web.marked_text import DocumentText, Line
from coding_review.web.review_page import DocumentEntry, Pick, Place


@dataclass(frozen=True, slots=True)
class VerdictLook:
    """How one verdict is drawn and by which key it is given. `mark` and `tone` are classes of the review page."""

    value: str
    key: str
    label: str
    short: str
    glyph: str
    tone: str
    mark: str


VERDICTS: tuple[VerdictLook, ...] = (
    VerdictLook("approve", "1", "Approve", "Approve", "✓", "ok", "done"),
    VerdictLook(
        "approve_evidence_wrong", "2", "Approve, evidence wrong", "Evidence wrong", "✓", "ok", "done"
    ),
    VerdictLook(
        "approve_more_specific", "3", "Approve, more specific exists", "More specific", "✓", "ok", "done"
    ),
    VerdictLook("reject", "4", "Reject", "Reject", "✕", "no", "no"),
    VerdictLook("undecidable", "5", "Cannot be decided: would query", "Would query", "?", "wait", "held"),
)
BY_VERDICT: dict[str, VerdictLook] = {look.value: look for look in VERDICTS}
ADDED = VerdictLook("added", "", "Added", "Added", "+", "ok", "done")

RULINGS: tuple[VerdictLook, ...] = (
    VerdictLook("keep", "1", "Keep", "Kept", "✓", "ok", "done"),
    VerdictLook("out", "2", "Out", "Out", "✕", "no", "no"),
    VerdictLook("undecidable", "3", "Would query", "Would query", "?", "wait", "held"),
)
BY_RULING: dict[str, VerdictLook] = {look.value: look for look in RULINGS}


# --- Reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What one reader said of one code: `look` None stands for "not listed" by them."""

    reader: str
    look: VerdictLook | None
    detail: str = ""  # the reason in words
    comment: str = ""


@dataclass(frozen=True, slots=True)
class GoldCard:
    """A label to judge, known by its place on the chart, or one code that this reader added: minus the addition's id.

    `confidence`, `band` and `rationale` are empty unless the project shows them.
    """

    id: int
    code: str
    system: str
    title: str
    places: tuple[Place, ...] = ()
    verdict: str = ""
    outcome: str = ""
    comment: str = ""
    rationale: str = ""
    confidence: str = ""
    band: str = ""
    others: tuple[Said, ...] = ()
    selected: bool = False
    open: str = ""  # "reject": the reasons are open in it (without scripts)
    error: str = ""
    decide_url: str = ""
    version: int = 0

    @property
    def added(self) -> bool:
        return self.id < 0

    @property
    def look(self) -> VerdictLook | None:
        return ADDED if self.added else BY_VERDICT.get(self.verdict)

    @property
    def state(self) -> str:
        """As the review page's scripts and styles know it."""
        if self.look is None:
            return "undecided"
        return {"done": "accepted", "no": "rejected", "held": "held"}[self.look.mark]

    @property
    def undecided(self) -> bool:
        return self.look is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPage:
    """`read_only` is empty while this reading may be written, else says why not.

    `mode` is a GoldProject mode; in "blind" there are no labels, and cards are what the reader found.
    """

    project_id: int
    project: str
    reading_id: int
    chart_line: str  # "chart 12 of 100, inpatient, F 78"
    lease_line: str = ""
    mode: str
    mode_line: str
    guideline: str = ""  # "Frailty codebook, version 2"
    documents: tuple[DocumentEntry, ...]
    document: DocumentText | None
    cards: tuple[GoldCard, ...]
    pick: Pick | None = None
    pick_url: str = ""
    add_url: str = ""
    control_url: str = ""  # where a verdict on label 0 would go: scripts put the label's id in
    panel: str = "suggestions"
    read_only: str = ""
    shows_confidence: bool = False
    error: str = ""
    verdicts: tuple[VerdictLook, ...] = VERDICTS
    reason_families: tuple[Family, ...] = FAMILIES
    hidden: bool = False  # the rail and the text are the review page's, where suggestions may be hidden

    @property
    def editable(self) -> bool:
        return not self.read_only

    @property
    def can_add(self) -> bool:
        return self.editable and self.mode != "approve_only"

    @property
    def control(self) -> GoldCard:
        """The nameless label whose controls scripts copy into the one that is selected."""
        return GoldCard(id=0, code="", system="icd10cm", title="", decide_url=self.control_url)

    @property
    def labels(self) -> tuple[GoldCard, ...]:
        return tuple(card for card in self.cards if not card.added)

    @property
    def additions(self) -> tuple[GoldCard, ...]:
        return tuple(card for card in self.cards if card.added)

    @property
    def judged(self) -> int:
        return sum(not card.undecided for card in self.labels)

    @property
    def counts(self) -> Counter[str]:
        return Counter(card.look.mark for card in self.labels if card.look is not None)

    @property
    def left(self) -> int:
        return len(self.labels) - self.judged

    @property
    def approved_percent(self) -> float:
        return 100 * self.counts["done"] / len(self.labels) if self.labels else 0

    @property
    def other_percent(self) -> float:
        return 100 * (self.counts["no"] + self.counts["held"]) / len(self.labels) if self.labels else 0


@dataclass(frozen=True, slots=True)
class GoldResult:
    """What one act changed: cards (labels, rows) and the lines of the document shown that carry their marks."""

    cards: tuple[GoldCard, ...] = ()
    rows: tuple[Contested, ...] = ()
    lines: tuple[Line, ...] = ()
    whole_list: bool = False
    select: int | None = None
    said: str = ""


# --- Adjudication -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReaderColumn:
    label: str  # "Reader 1"
    profession: str  # "coder"


@dataclass(frozen=True, slots=True)
class EvidenceChoice:
    """Whose evidence the ruling takes: `value` as gold/stances.py names it; the first is what is taken unasked."""

    value: str
    label: str  # "Reader 1's, L12"


@dataclass(frozen=True, slots=True)
class Contested:
    """One code of a chart with what each reader said, in the order of the columns."""

    id: int
    system: str
    code: str
    title: str
    places: tuple[Place, ...]
    said: tuple[Said, ...]
    ruling: str = ""
    comment: str = ""
    number: int = 0  # of the ruling that stands: goes back with the form
    choices: tuple[EvidenceChoice, ...] = (EvidenceChoice("", "as the readers cite"),)
    role: str = ""
    poa: str = ""
    sequence: int | None = None
    placed: str = ""  # "place 1, principal, POA Y"
    accepted: bool = False
    selected: bool = False
    error: str = ""

    @property
    def form(self) -> str:
        """The id of its form, which its fields name."""
        return f"rule-{self.id}"

    @property
    def diagnosis(self) -> bool:
        """Only they have a role and an indicator."""
        return self.system == "icd10cm"

    @property
    def look(self) -> VerdictLook | None:
        return BY_RULING.get(self.ruling)

    @property
    def undecided(self) -> bool:
        return self.look is None

    @property
    def state(self) -> str:
        if self.look is None:
            return "undecided"
        return {"done": "accepted", "no": "rejected", "held": "held"}[self.look.mark]


@dataclass(frozen=True, slots=True)
class ContestedGroup:
    title: str  # "Conflicts"
    rows: tuple[Contested, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjudicationPage:
    project_id: int
    project: str
    adjudication_id: int
    chart_line: str  # "chart 38 of 100, readings by reader 1 (coder) and reader 2 (clinician)"
    agreement_line: str = ""
    readers: tuple[ReaderColumn, ...]
    groups: tuple[ContestedGroup, ...]
    agreed: tuple[Contested, ...] = ()
    documents: tuple[DocumentEntry, ...]
    document: DocumentText | None
    can_undo: str = ""  # what undo would take back ("Z91.81: Keep")
    number: int = 0  # of the latest ruling on the chart: goes back with undo
    read_only: str = ""
    error: str = ""
    rulings: tuple[VerdictLook, ...] = RULINGS
    roles: tuple[tuple[str, str], ...] = tuple((role.value, str(role.label)) for role in CodeRole)
    # Empty where the claim type has no indicators.
    indicators: tuple[tuple[str, str], ...] = ()
    # A selection in the text as scripts write it into a ruling; `document` is there for every act.
    evidence_fields: tuple[str, ...] = ("line_start", "line_end", "col_start", "col_end", "quote")
    panel: str = "suggestions"
    hidden: bool = False

    @property
    def editable(self) -> bool:
        return not self.read_only

    @property
    def rows(self) -> tuple[Contested, ...]:
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def ruled(self) -> int:
        return sum(not row.undecided for row in self.rows)

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def complete(self) -> bool:
        return self.ruled == self.total


@dataclass(frozen=True, slots=True)
class Overruled:
    """One code on which the ruling was not what this reader had said."""

    ruling_id: int
    chart: str  # "chart 38"
    code: str
    title: str
    quote: str
    mine: Said
    ruling: VerdictLook
    comment: str = ""
    reply: str = ""
    can_reply: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class OverruledPage:
    project_id: int
    project: str
    reader: str  # "Reader 1"
    rows: tuple[Overruled, ...]
    ruled_on: int = 0  # codes of this reader's charts that were ruled on
