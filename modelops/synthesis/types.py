"""What is ordered of a writer, what it writes and what the labelling makes of it: plain frozen data, no Django."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Person:
    """Invented: age in years (under 2 in months), sex F or M."""

    age: int
    age_unit: str
    sex: str

    @property
    def years(self) -> float:
        return self.age / 12 if self.age_unit == "months" else float(self.age)


@dataclass(frozen=True, slots=True)
class Discard:
    """What was drawn or suggested and not kept. `reason` is an id: a code edit's, or one of this package."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """One note to be written. `codes` in the order of the claim, the seed code among them; `seed` makes the words.

    `style` names a style of the embedded writer (templates/styles.json); a language model is told its note type.
    `discards`: codes drawn for it that did not stand beside the others.
    """

    id: str
    seed_code: str
    codes: tuple[str, ...]
    domain: str
    claim_type: str
    setting: str
    style: str
    person: Person
    date: dt.date
    seed: str
    discards: tuple[Discard, ...] = ()


@dataclass(frozen=True, slots=True)
class Supported:
    """A code and the lines (from 1) whose words tell it. `optional`: a coder may leave it out."""

    code: str
    lines: tuple[int, ...]
    system: str = "icd10cm"
    role: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Trap:
    """Words that a careless coder would code. `kind` as the gold format's: negated, family_history, historical,
    uncertain_outpatient, other_person, copied_forward_resolved, template_text, lab_only, hypothetical."""

    code: str
    kind: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A note. A writer that knows what it wrote tells each code's lines; one that does not leaves `codes` empty."""

    text: str = field(repr=False)
    note_type: str
    author_role: str
    codes: tuple[Supported, ...] = ()
    traps: tuple[Trap, ...] = ()
    specialty: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """A code that retrieval found for the note, with its likeness (0..1, or above for the knowledge layer)."""

    code: str
    similarity: float
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The second phase's outcome: the codes that stay, with their lines, and everything it looked at on the way."""

    codes: tuple[Supported, ...]
    traps: tuple[Trap, ...] = ()
    candidates: tuple[CandidateSeen, ...] = ()
    discards: tuple[Discard, ...] = ()


@dataclass(frozen=True, slots=True)
class SyntheticDraft:
    """One chart with all its intermediates; `discarded` is empty where it may be used, else why not."""

    order: Order
    written: Written
    labelled: Labelled
    discarded: str = ""
    meta_description: str = ""


class Writer(Protocol):
    """Both writers: deterministic for one order where `seeded`, else as good as the model behind it."""

    @property
    def name(self) -> str: ...

    @property
    def seeded(self) -> bool: ...

    def write(self, order: Order) -> Written:
        """Raises modelops.errors.EngineError where nothing could be written."""
        ...
