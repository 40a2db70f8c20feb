"""What an evaluation is given: gold and predicted codes chart by chart, and how to reckon. Plain data, no Django.

A line is (document id, line number from 1). Codes come as written; they are compared without dot, blanks and case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DIAGNOSES = "icd10cm"
# Compared as sets by note; other systems (ICD-10-PCS) are counted only.
PROCEDURES = ("cpt", "hcpcs")
# Roles that name the one code an encounter is about.
MAIN_ROLES = frozenset({"principal", "first_listed"})
ADDITION = "addition"

Line = tuple[str, int]


class GoldCode(NamedTuple):
    """`source` is "label" (judged), "addition" (an expert's own) or empty where nobody says."""

    code: str
    lines: frozenset[Line] = frozenset()
    system: str = DIAGNOSES
    role: str = ""
    poa: str = ""
    rejected: bool = False
    source: str = ""
    sequence: int | None = None
    modifiers: tuple[str, ...] = ()
    units: float = 1


class PredictedCode(NamedTuple):
    code: str
    lines: frozenset[Line] = frozenset()
    system: str = DIAGNOSES
    confidence: float | None = None
    band: str = ""
    role: str = ""
    poa: str = ""
    sequence: int | None = None
    modifiers: tuple[str, ...] = ()
    units: float = 1


class Trap(NamedTuple):
    """A code that the chart seems to ask for and must not get."""

    code: str
    kind: str = ""
    system: str = DIAGNOSES


class GoldChart(NamedTuple):
    """`optional` holds (system, code); `lines` is the number of lines of its text, None where it has none; `day`
    (YYYY-MM-DD, empty where none is stated) chooses the release: discharge for facility inpatient, else service."""

    id: str
    codes: tuple[GoldCode, ...] = ()
    optional: frozenset[tuple[str, str]] = frozenset()
    traps: tuple[Trap, ...] = ()
    domains: tuple[str, ...] = ()
    patient: str = ""
    setting: str = ""
    specialty: str = ""
    lines: int | None = None
    day: str = ""


class PredictedChart(NamedTuple):
    """`codes` in the prediction's order; `discarded` holds the reasons of what was put out and left aside."""

    id: str
    codes: tuple[PredictedCode, ...] = ()
    discarded: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """What one release says: where its categories lie, and the codes of each domain's value set."""

    release: str
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    domains: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """How to reckon.

    domains: name of a domain to the codes of its value set; empty leaves the domain filter out.
    places: category to its (chapter, block); empty leaves both levels and their slices out.
    titles: chapter or block to its title.
    training: code or category to the number of its training cases; None leaves the slices out.
    release: the edition that places and domains come from, for the record.
    editions: by a chart's day what its own release says, in place of `places` and `domains`; a chart without a day, or
    of a day that is not here, goes by those two.
    """

    domains: Mapping[str, Collection[str]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, int] | None = None
    release: str = ""
    editions: Mapping[str, Edition] = field(default_factory=dict)
    resamples: int = 1000
    seed: int = 20260401
    thresholds: tuple[float, ...] = tuple(step / 20 for step in range(21))
