"""What the review page shows, as plain data: views fill it from queries, templates/coding_review/review/ draw it.

Nothing here asks the database or decides anything. Texts are ready to be shown (dates, ages and times as words);
glyphs, colours and keys are the templates' business. Ids are primary keys. All tuples are in the order shown.

Addresses (names in app "web"; every POST works with and without htmx):

=================== ================================================== =========================================
name                arguments                                          what
=================== ================================================== =========================================
review              encounter_id, claim_type                           the page; query: document, entry, band,
                                                                       panel, open (reject, modify, evidence), changes=1
entry-decide        entry_id                                           POST action=accept|reject|modify|dismiss|
                                                                       hold|withdraw, version, document, panel;
                                                                       reject: reason, comment; modify: code as
                                                                       "system:code", reason, comment; accept: poa
entry-set           entry_id                                           POST version, document and any of role,
                                                                       poa, move=up|down, modifiers (one text),
                                                                       units, service_date, pointers (one text),
                                                                       provider
entry-evidence      entry_id                                           POST version, and the evidence fields of
                                                                       entry-add to add some, or remove=id
entry-add           code_set_id                                        POST code as "system:code", document,
                                                                       line_start, line_end, col_start, col_end
                                                                       (UTF-16; both empty: whole lines), quote,
                                                                       comment; procedures: system, bare code,
                                                                       modifiers, units, service_date
code-pick           code_set_id                                        POST q, purpose=modify|add, entry (of
                                                                       modify) and, for add, the evidence fields;
                                                                       refine: an unfinished code in place of q
                                                                       of entry-add, which come back in the result
finding-override    code_set_id                                        POST check, codes (each one code),
                                                                       outcome, comment, document, panel
finding-withdraw    code_set_id                                        POST override, document, panel
code-set-undo/-redo code_set_id                                        POST document
code-set-dismiss-low code_set_id                                       POST document, revision
code-set-reveal     code_set_id                                        POST scrolled=1 when the text was read
code-set-sign-off   code_set_id                                        POST revision
code-set-reopen     code_set_id                                        POST reason, comment
code-set-exposures  code_set_id                                        POST shown=entry…, opened=entry…; 204
code-set-active     code_set_id                                        POST seconds; answers the lease line (text)
code-set-export     code_set_id, format (csv, jsonl)                   GET
encounter-hold      encounter_id                                       POST reason, comment, expected_on
encounter-resume    encounter_id                                       POST
encounter-skip      encounter_id                                       POST reason, comment
encounter-take      encounter_id                                       POST: claim it
encounter-retry     encounter_id                                       POST: predict again
encounter-cancel    encounter_id                                       POST: cancel what waits or is at work
alert-seen          alert_id                                           POST
next                                                                   POST: claim and open the next encounter
=================== ================================================== =========================================

Answers to htmx (header HX-Request):

- entry-decide, entry-set: review/answer.html with `page` and `result`: only what changed, everything out of band.
  409 (stale page): the same with the card's `conflict`; 422: its `error`; a line of the code set has both as `refused`.
- finding-override, finding-withdraw: the same, with the findings beside the cards they concern. Every answer to an
  act draws them where the page shows others: `found` names the marks of the cards that show some.
- entry-add, undo, redo, dismiss-low: the same with `result.whole_list` true.
- review with target "document": review/document_answer.html (the text, its strip, rail and outline).
- review with target "findings": review/_findings.html; "code-set": _code_set.html; "panel-history": _history.html.
- review with target "review-body" (reveal, polling): review/body_answer.html.
- code-pick: review/_pick_results.html with `pick`.
- sign-off, reopen, hold, resume, skip, next, take: a redirect (HX-Redirect for htmx).

Without htmx a POST redirects to `review` with entry= the next undecided one; refused ones draw the page again with
status 409 or 422.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django.urls import reverse

from catalog.hits import HitFacts
from coding_review.rules.reasons import FAMILIES, Family
from coding_review.web.finding import Finding, FindingsPanel, Found
from coding_review.web.marked_text import DocumentText, Line


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class ClaimTab:
    """One code set of the encounter: `version` counts reopenings, `state` is "" or "signed off"."""

    claim_type: str
    label: str
    version: int
    current: bool
    state: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The only place where a patient's name stands. A restricted record has a label ("Restricted")."""

    name: str
    sex_age: str  # "F 78", "F 8 mo"
    record_number: str
    stay: str  # "Inpatient, 3–9 Jun 2026"
    payer: str
    account_number: str
    claim_tabs: tuple[ClaimTab, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """`mine`: this user may decide now; `can_code`: by their roles. `line` is the short text in the header."""

    mine: bool
    line: str  # "yours until 14:32 · 6 min active", "with R. Ferreira until 14:40"
    can_take: bool = False
    can_code: bool = True


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One row of the rail. `id` is the document version's primary key."""

    id: int
    type: str
    byline: str  # "Dr. Okafor, attending, 9 Jun, signed"
    evidence: int
    current: bool
    flag: str = ""  # "new", "changed", "draft"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote stands. `document_label` only when it is not the document shown with the card's first quote."""

    document: int
    line: int
    label: str  # "L7", "L7–9"
    quote: str
    document_label: str = ""
    lost: bool = False  # the newest version no longer holds it
    id: int = 0  # of the evidence, for taking it away


@dataclass(frozen=True, slots=True)
class Conflict:
    """The optimistic lock refused: what the page wanted and what stands now, with what to send to insist."""

    wanted: str  # "Rejected, context: negated"
    stands: str  # "Accepted by R. Ferreira at 14:02"
    resend: tuple[tuple[str, str], ...] = ()  # form fields, without version


@dataclass(frozen=True, slots=True)
class Card:
    """One code entry. `state` is a choices.EntryState value, `band` a modelops.choices.Band value or "" (added).

    `confidence` as text ("0.93"), "" for an added code. `outcome` says what was decided in words after the state's
    label ("context: negated", "was E11.21", "principal, POA Y"). `version` goes back with every form.
    """

    id: int
    code: str
    system: str
    system_label: str
    title: str
    band: str
    confidence: str
    state: str
    version: int
    places: tuple[Place, ...]
    rationale: str = ""
    made: str = ""  # "vllm · llama-3.3-70b · adapter cardio-7 · prompt icd10cm-1@0123456789ab"
    context: tuple[str, ...] = ()
    suggested_code: str = ""
    outcome: str = ""
    note: str = ""  # "New evidence", "Quote no longer in the document"
    findings: tuple[Finding, ...] = ()
    poa_options: tuple[Option, ...] = ()  # empty: this claim type or code carries none
    role_options: tuple[Option, ...] = ()  # for coded states
    selected: bool = False
    open: str = ""  # "reject", "modify" or "evidence": the form that is open in it (without scripts)
    error: str = ""
    conflict: Conflict | None = None

    @property
    def undecided(self) -> bool:
        return self.state == "undecided"

    @property
    def decide_url(self) -> str:
        return reverse("web:entry-decide", args=[self.id])

    @property
    def found(self) -> Found:
        return Found(self.id, self.findings)

    @property
    def coded(self) -> bool:
        return self.state in {"accepted", "modified", "added"}

    @property
    def controls(self) -> str:
        """Cards with the same name here have the same controls: only the selected one carries its own."""
        low = self.undecided and self.band == "low"
        facts = ("low", low), ("poa", self.poa_options), ("role", self.role_options)
        return "-".join(["coded" if self.coded else self.state, *(name for name, has in facts if has)])

    @property
    def poa(self) -> str:
        return next((o.value for o in self.poa_options if o.selected), "")

    @property
    def role(self) -> str:
        return next((o.value for o in self.role_options if o.selected), "")


@dataclass(frozen=True, slots=True)
class BandCount:
    band: str
    label: str  # "High"
    count: int


@dataclass(frozen=True, slots=True)
class SetLine:
    """One line as it will be billed. Options empty: the field does not apply to it."""

    entry: int
    version: int
    sequence: int
    system: str
    system_label: str
    code: str
    title: str
    role_label: str
    role_options: tuple[Option, ...] = ()
    poa_label: str = ""
    poa_options: tuple[Option, ...] = ()
    poa_missing: bool = False
    procedure: bool = False
    by_unit: bool = True  # a procedure that takes modifiers, units and pointers, or holds one of them
    modifiers: str = ""  # "LT RT"
    units: int = 1
    service_date: str = ""  # ISO
    pointers: str = ""  # "1 3"
    provider: str = ""
    first: bool = False
    last: bool = False
    findings: tuple[Finding, ...] = ()
    refused: str = ""  # why its last change was not saved


@dataclass(frozen=True, slots=True)
class CodeSetPanel:
    lines: tuple[SetLine, ...]
    procedure_systems: tuple[Option, ...] = ()  # manual entry of procedures; empty: none on this claim type
    by_unit: bool = True  # some of them take modifiers and units
    release_id: int | None = None
    release: str = ""  # "ICD-10-CM FY2026, April 2026"
    release_note: str = ""  # "No loaded release covers 2 Oct 2026", "Latest release stands in"
    exports: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """`panel` is where it is mended: suggestions, codes or ""."""

    message: str
    panel: str = ""


@dataclass(frozen=True, slots=True)
class SignOff:
    """`statement` is what the reviewer signs; `signed` the line shown when it is signed."""

    statement: str = ""
    signer: str = ""  # "J. Castellanos, CCS"
    signed: str = ""  # "Signed off 9 Jun 2026 14:32 by J. Castellanos, CCS, version 1"
    can_sign: bool = False
    can_reopen: bool = False
    reopen_reasons: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Of everything that was suggested or added; `low` are the undecided LOW ones."""

    decided: int
    total: int
    coded: int
    rejected: int
    low: int
    blockers: tuple[Blocker, ...]
    can_undo: str = ""  # what undo would undo ("Accepted N17.0"); "" for nothing
    can_redo: str = ""

    @property
    def undecided(self) -> int:
        return self.total - self.decided

    @property
    def coded_percent(self) -> float:
        return 100 * self.coded / self.total if self.total else 0

    @property
    def other_percent(self) -> float:
        return 100 * (self.decided - self.coded) / self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    when: str
    who: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """A document that came late or changed: `text` in words, `document` its version to open."""

    id: int
    text: str
    document: int


@dataclass(frozen=True, slots=True)
class Making:
    """An engine's answer: who made it in one line, and what is stored of it by name."""

    line: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Output of the engine that is not shown, by reason; of many codes the first are named."""

    reason: str
    count: int
    codes: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class LeadTools:
    """What a lead may do with this encounter now: give it to one of `coders`, return it, predict again."""

    coders: tuple[Option, ...] = ()
    return_reasons: tuple[Option, ...] = ()
    can_retry: bool = False
    retry_why: str = "The prediction failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The text a code is to be added for, as it came from the browser."""

    document: int
    line_start: int | None = None
    line_end: int | None = None
    col_start: str = ""
    col_end: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Pickable:
    """One code that can be chosen; `why` it is listed: "sibling", "child", "more specific", "title"…

    `heading`: the system whose codes begin here, where more than one is offered.
    """

    system: str
    code: str
    title: str
    why: str = ""
    billable: bool = True
    present: bool = False  # already on the list
    facts: HitFacts = field(default_factory=HitFacts)
    heading: str = ""

    @property
    def value(self) -> str:
        return f"{self.system}:{self.code}"


@dataclass(frozen=True, slots=True)
class Pick:
    """A search for a code: `purpose` "modify" (with `entry` and its version) or "add" (with `evidence`)."""

    purpose: str
    query: str
    results: tuple[Pickable, ...]
    entry: int | None = None
    version: int = 0
    from_code: str = ""
    evidence: Evidence | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What one request changed: the cards, and the lines of the document shown that carry their marks."""

    cards: tuple[Card, ...] = ()
    lines: tuple[Line, ...] = ()
    # Of further cards only what is said to them, where the page shows something else.
    found: tuple[Found, ...] = ()
    whole_list: bool = False
    select: int | None = None  # the entry to select; None: the page goes to the next undecided
    said: str = ""  # for the live region: "N17.0 accepted. 9 left."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What the answer to an act draws again; the page has the same under the same names.

    `panel` is one of suggestions, codes, findings, history, sign-off, add; an answer fills the lines of the code set
    only where they are in sight. `read_only` is empty when the user may decide, else says why not and what to do.
    """

    encounter_id: int
    claim_type: str
    code_set_id: int
    revision: int
    document: DocumentText | None
    cards: tuple[Card, ...]
    code_set: CodeSetPanel
    progress: Progress
    sign_off: SignOff
    findings: FindingsPanel = field(default_factory=FindingsPanel)
    panel: str = "suggestions"
    read_only: str = ""
    band: str = ""  # the filter, without scripts; with them the page filters what it has
    pick: Pick | None = None
    reason_families: tuple[Family, ...] = FAMILIES

    @property
    def editable(self) -> bool:
        return not self.read_only

    @property
    def can_add(self) -> bool:
        return self.editable

    @property
    def pick_url(self) -> str:
        return reverse("web:code-pick", args=[self.code_set_id])

    @property
    def add_url(self) -> str:
        return reverse("web:entry-add", args=[self.code_set_id])

    @property
    def controls(self) -> tuple[Card, ...]:
        """One nameless card for each kind of controls on the list; scripts copy them into the card selected."""
        kinds = {card.controls: card for card in self.cards} if self.editable else {}
        return tuple(replace(card, id=0, version=0, code="", places=(), open="") for card in kinds.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage(Pieces):
    """`hidden` is true in read-first until the text was read: cards are then empty, no text is marked, and what is
    shown counts as assistance "none". `prediction` is "" when done, else "running", "failed" or "cancelled", with
    `prediction_line` in words."""

    header: Header
    lease: Lease
    documents: tuple[DocumentEntry, ...]
    bands: tuple[BandCount, ...]
    history: tuple[HistoryEvent, ...] = ()
    alerts: tuple[Alert, ...] = ()
    hidden: bool = False
    assistance: str = "full"
    calibrated: bool = False
    prediction: str = ""
    prediction_line: str = ""
    prediction_ended: str = ""  # heading of one without an answer, then what can be done about it
    prediction_advice: str = ""
    can_cancel: bool = False
    fallback: str = ""  # which engine answered in place of which
    makings: tuple[Making, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    on_hold: str = ""  # "Query to provider, since 2 days, J. Castellanos"
    can_resume: bool = False
    hold_reasons: tuple[Option, ...] = ()
    skip_reasons: tuple[Option, ...] = ()
    lead: LeadTools | None = None
    idle_seconds: int = 300
    low_left: bool = False

    @property
    def left_out_count(self) -> int:
        return sum(row.count for row in self.left_out)
