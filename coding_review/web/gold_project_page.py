"""What the pages about gold projects and frozen sets show, as plain data; reading and adjudication: gold_page.py.

Only those who manage a project see readers by name; others see pseudonyms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from coding_review.web.review_page import Option


@dataclass(frozen=True, slots=True)
class ProjectRow:
    id: int
    name: str
    preset: str
    status: str
    tone: str
    readers: str  # "2 readers"
    finished: int
    wanted: int
    note: str = ""  # what it waits for
    mine: str = ""  # "You: 12 of 40 read"
    can_next: bool = False
    can_adjudicate: bool = False

    @property
    def percent(self) -> float:
        return 100 * self.finished / self.wanted if self.wanted else 0


@dataclass(frozen=True, slots=True)
class ProjectsPage:
    rows: tuple[ProjectRow, ...]
    can_manage: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """`name` is empty for who may not see names."""

    pseudonym: str
    name: str
    profession: str
    credential: str
    qualification: str  # "qualified, F1 0.94"; empty for who may not see it, as is `finished`
    finished: int | None
    pace: str = ""  # "3.2 min a chart"


@dataclass(frozen=True, slots=True)
class ChartRow:
    id: int
    position: int
    stratum: str  # "frailty, outpatient, 41–80 lines"
    purpose: str
    readings: str  # "2 of 2"
    state: str
    tone: str
    url: str = ""
    withdrawn: str = ""
    can_withdraw: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of agreement: `value` with its interval, or `undefined` says why there is none."""

    name: str
    value: str = ""
    interval: str = ""
    undefined: str = ""
    n: str = ""


@dataclass(frozen=True, slots=True)
class FigureGroup:
    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class CodebookRow:
    version: int
    when: str
    who: str
    note: str
    text: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class SetRow:
    id: int
    name: str
    version: int
    kind: str
    kind_note: str  # what its lesser name means
    purpose: str
    charts: int
    labels: int
    when: str
    sha256: str
    tombstones: int
    project: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What has to be done before a project goes on; `done` is drawn with a tick."""

    label: str
    done: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    id: int
    name: str
    preset: str
    status: str
    status_label: str
    tone: str
    facts: tuple[Fact, ...]
    protocol: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    readers: tuple[ReaderRow, ...]
    charts: tuple[ChartRow, ...]
    charts_line: str = ""  # "100 charts, 20 read twice; seed 11"
    finished: int = 0
    wanted: int = 0
    adjudicated: int = 0
    to_adjudicate: int = 0
    figures: tuple[FigureGroup, ...] = ()
    figures_note: str = ""
    shows_figures: bool = False  # computed when looked at: a fragment of its own
    codebooks: tuple[CodebookRow, ...] = ()
    sets: tuple[SetRow, ...] = ()
    steps: tuple[Step, ...] = ()
    can_manage: bool = False
    can_next: bool = False
    can_close: bool = False
    can_adjudicate: bool = False
    can_freeze: bool = False
    can_seed: bool = False
    can_label: bool = False
    is_reader: bool = False
    mine: int = 0  # charts read by this reader
    overruled: int = 0
    codebook_text: str = ""
    people: tuple[Option, ...] = ()
    professions: tuple[Option, ...] = ()
    purposes: tuple[Option, ...] = ()
    error: str = ""

    @property
    def draft(self) -> bool:
        return self.status == "draft"

    @property
    def frozen(self) -> bool:
        return self.status == "frozen"

    @property
    def ready(self) -> bool:
        return all(step.done for step in self.steps)

    @property
    def percent(self) -> float:
        return 100 * self.finished / self.wanted if self.wanted else 0


@dataclass(frozen=True, slots=True)
class SetsPage:
    rows: tuple[SetRow, ...]
    can_export: bool = False
    can_import: bool = False


@dataclass(frozen=True, slots=True)
class TombstoneRow:
    chart: str
    when: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPage:
    row: SetRow
    facts: tuple[Fact, ...]
    manifest: str  # JSON, as hashed
    tombstones: tuple[TombstoneRow, ...] = ()
    # Ids of charts that can be withdrawn here (outside sets), or the project on whose page they are; for managers.
    withdraw_from: tuple[str, ...] = ()
    project_id: int | None = None
    can_export: bool = False
    text_line: str = ""  # whether an export holds text, and why
    accepted: int = 0
    rejected: int = 0
    domains: tuple[Fact, ...] = field(default_factory=tuple)
