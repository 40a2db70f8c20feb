"""What goes into an engine and what comes out: plain frozen data, no Django, no patients.

Places in a text: lines are numbered from 1 over the text split on "\\n" after CRLF is normalised;
columns are Unicode code points from 0, `col_end` exclusive on `line_end`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class ChartDocument:
    """One document as an engine reads it; `type` and `author_role` as the source names them."""

    document_id: str
    text: str
    type: str = ""
    author_role: str = ""
    authored_at: datetime | None = None

    @property
    def lines(self) -> list[str]:
        return split_lines(self.text)


def split_lines(text: str) -> list[str]:
    """The numbered lines of a document (index 0 is line 1). A lone CR also ends a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass(frozen=True, slots=True)
class ChartText:
    """The documents of one encounter for one claim type (a `catalog.choices.ClaimType` value)."""

    id: str
    documents: tuple[ChartDocument, ...]
    claim_type: str
    setting: str = ""
    date_of_service: date | None = None
    admit_date: date | None = None
    discharge_date: date | None = None
    age: float | None = None
    age_unit: str = "years"
    sex: str = ""
    specialty: str = ""
    # By procedure system (`catalog.choices.CodeSystem`) the primary key of the release to suggest from; systems
    # that the claim type does not carry, and those without a release for the day, are absent.
    procedure_releases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    document_id: str
    line_start: int
    line_end: int
    col_start: int
    col_end: int
    quote: str


@dataclass(frozen=True, slots=True)
class ContextMention:
    """A term found in a context that keeps it from being suggested (or qualifies it)."""

    evidence: Evidence
    tag: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class CodeSuggestion:
    """One code with why: `confidence` 0..1, `context` the tags that qualify it (uncertain, historical)."""

    system: str
    code: str
    description: str
    confidence: float
    rationale: str
    evidence: tuple[Evidence, ...]
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discarded:
    """Output that is kept but not shown: `reason` is one of fabricated, header, incomplete, expired,
    not_yet_valid, other_system, no_release, no_evidence, no_confidence, context, duplicate, malformed,
    too_many, verified_out, not_confirmed, doubted."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a prediction run records about who made it. `prompt_hash` is the SHA-256 over all prompts in use."""

    name: str
    model_version: str
    adapter: str = ""
    prompt_version: str = ""
    prompt_hash: str = ""
    schema_version: str = "1"
    calibrated: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineResult:
    """`usage` counts what the answer cost (requests, windows, passes, prompt_tokens, output_tokens, retries…) and
    what was done to it on the way (repaired_quotes, duplicates, dropped_<reason>…)."""

    suggestions: tuple[CodeSuggestion, ...]
    context: tuple[ContextMention, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    # Where the engine's own `info` may have moved on since: an adapter that was promoted meanwhile.
    made_by: EngineInfo | None = None


class Engine(Protocol):
    """Text in, suggestions out. One instance serves many charts and may keep caches. Not thread-safe, unless
    it is a StoppableEngine."""

    @property
    def info(self) -> EngineInfo: ...

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        """Suggest codes of the catalog release `release_id` (primary key of an ICD-10-CM release), and
        procedures from the chart's `procedure_releases` only.

        Raises modelops.errors.EngineError: `retryable` says whether trying again can help.
        """
        ...


@runtime_checkable
class StoppableEngine(Engine, Protocol):
    """An engine that waits for others. It may be asked about many charts at once, by many threads, and keeps to a
    time of its own for each: workers of threads have no other limit."""

    def predict_until(self, chart: ChartText, release_id: int, stop: Callable[[], bool]) -> EngineResult:
        """As `predict`; raises modelops.errors.Cancelled within seconds after `stop()` became true."""
        ...
