"""What the pages of trainings show, as plain data: the list, a plan before it is accepted, one job while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.web.plots import Plot


@dataclass(frozen=True, slots=True)
class JobRow:
    """`tone` colours the dot beside the status; `percent` of the steps, None where none are known."""

    pk: int
    name: str
    status: str
    tone: str
    dataset: str
    base: str
    method: str
    steps: str
    percent: int | None
    loss: str
    slot: str
    asked: str
    by: str
    took: str


@dataclass(frozen=True, slots=True)
class Step:
    """A station of the way to a model that serves. `state`: done, now, later, stopped."""

    label: str
    state: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    url: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed job's error in words, with what can be done about it."""

    code: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class LogLine:
    at: str
    words: str


@dataclass(frozen=True, slots=True)
class Log:
    """`lines`: of the steps, the newest first. `raw`: the end of what the processes printed, for who may see it;
    `withheld` says why it is not shown."""

    lines: tuple[LogLine, ...]
    raw: str = ""
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """The job's model against one gold set, beside the serving model on the same set where there is such a run."""

    gold_set: str
    url: str
    exact: str
    with_evidence: str
    serving: str
    difference: str
    compare_url: str


@dataclass(frozen=True, slots=True)
class Live:
    """What changes while a job runs. `revision` tells one state from another: a poll that knows it is answered with
    nothing. `polls`: there is more to come."""

    revision: str
    polls: bool
    steps: tuple[Step, ...]
    figures: tuple[Figure, ...]
    plots: tuple[Plot, ...]
    log: Log
    waits: str = ""
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and what may be done now; drawn again only when the status has changed."""

    pk: int
    title: str
    status: str
    status_label: str
    tone: str
    since: str
    trouble: Trouble | None
    may_cancel: bool
    may_resume: bool
    cancel_words: str


@dataclass(frozen=True, slots=True)
class JobPage:
    head: Head
    live: Live
    facts: tuple[Fact, ...]
    plan: tuple[Figure, ...]
    scored: tuple[Scored, ...]
    script: str = ""
    script_name: str = ""
    has_card: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan before it is accepted. `warnings`: what speaks against it; `mark`: of the fields it was made from."""

    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]
    mark: str
