"""What the worklist shows, as plain data: the view fills it, templates/coding_review/worklist.html draws it.

Addresses: `worklist` GET with filter parameters that hold no text of a record (status, mine, late, page and those of
web/worklist_filters.py); `worklist-search` POST q, page (account, record number, code: never in an address) answering
the same page over everything the user may see, signed off or not; `next` POST; rows link to `encounter` (encounter_id),
which opens the first open code set, or to `encounter-history`. Polling: while `live` is true the table asks for itself
every few seconds (GET worklist with the same filters, target "rows") and is answered with worklist.html#rows.
"""

from __future__ import annotations

from dataclasses import dataclass

# How a status looks beside its word: the class of its dot.
TONES: dict[str, str] = {
    "received": "calm",
    "queued": "calm",
    "predicting": "calm",
    "ready": "accent",
    "in_review": "warn",
    "on_hold": "bad",
    "failed": "bad",
    "returned": "warn",
    "signed_off": "good",
    "late": "accent",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as a link: `url` turns it on, or off when it is `active`. `removable`: there only while it is on."""

    label: str
    url: str
    active: bool = False
    count: str = ""
    removable: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter with many values, as a select: `name` is the parameter, options are (value, label, selected)."""

    name: str
    label: str
    options: tuple[tuple[str, str, bool], ...]

    @property
    def value(self) -> str:
        return next((value for value, _label, selected in self.options if selected), "")

    @property
    def value_label(self) -> str:
        return next((label for _value, label, selected in self.options if selected), "")


@dataclass(frozen=True, slots=True)
class DayChoice:
    """A filter by a day: `value` as ISO 8601, or empty."""

    name: str
    label: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is "Restricted record" where the label hides it; `url` empty: this user may not open it."""

    encounter_id: int
    url: str
    status: str
    status_label: str
    status_since: str  # "2 days"; "" where the age says nothing
    name: str
    sex_age: str
    numbers: str  # "0041-77 · A20931"
    setting: str
    claims: str  # "Facility, Professional"
    date: str  # "9 Jun"
    days: str  # "3 days", "today"
    documents: int
    high: int = 0
    medium: int = 0
    low: int = 0
    codes: str = ""  # "4 codes" once signed
    extra: str = ""  # "2 findings", "waiting for the engine, 4 before it"
    coder: str = ""
    note: str = ""
    quiet_note: bool = False
    specialty: str = ""
    priority: str = ""  # "priority 20"; "" where it is the normal one
    can_retry: bool = False

    @property
    def tone(self) -> str:
        return TONES.get(self.status, "calm")

    @property
    def suggestions(self) -> int:
        return self.high + self.medium + self.low

    @property
    def meter(self) -> tuple[tuple[str, float, float], ...]:
        """(band, start, width) in percent, for the bar."""
        total = self.suggestions
        if not total:
            return ()
        parts, at = [], 0.0
        for band, count in (("high", self.high), ("medium", self.medium), ("low", self.low)):
            width = 100 * count / total
            parts.append((band, at, width))
            at += width
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """`empty_line` says why there are no rows and what to do. `line` is the rule of "next" in words."""

    title: str
    rows: tuple[Row, ...]
    chips: tuple[Chip, ...]
    facts: tuple[Fact, ...]
    total_line: str  # "1–50 of 41,208"
    line: str = "by priority, then days since discharge"
    choices: tuple[Choice, ...] = ()
    days: tuple[DayChoice, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()  # filters with chips, which the form of the others keeps
    query: str = ""
    previous_url: str = ""
    next_url: str = ""
    previous_page: int | None = None  # of a search, whose pages go by POST as its words do
    next_page: int | None = None
    refresh_url: str = ""
    can_take_next: bool = False
    live: bool = False
    empty_line: str = ""
    import_url: str = ""
