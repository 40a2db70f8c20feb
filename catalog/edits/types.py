"""What code edits take in and give out: plain, frozen data without a database behind it.

Codes are compared however typed; findings name them canonically, ICD-10-CM with its dot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from catalog.choices import ClaimType, CodeRole, CodeSystem


@dataclass(frozen=True, slots=True)
class EvidenceCue:
    """What is known of one evidence passage without its text: whether it is worded as uncertain ("probable",
    "rule out"), and who wrote it in what kind of document; empty where unknown."""

    uncertain: bool = False
    author_role: str = ""
    document_type: str = ""


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of a code set. `role` is a CodeRole or empty; `poa` one of Y, N, U, W, 1 or empty;
    `sequence` counts from 1 within what it is a sequence of, 0 where none is given."""

    code: str
    system: str = CodeSystem.ICD10CM
    sequence: int = 0
    role: str = ""
    poa: str = ""
    modifiers: tuple[str, ...] = ()
    units: int = 1
    service_date: dt.date | None = None
    provider: str = ""
    evidence: tuple[EvidenceCue, ...] = ()

    @property
    def first(self) -> bool:
        """Marked principal or first-listed; never merely the first row."""
        return self.role in FIRST_ROLES


FIRST_ROLES: frozenset[str] = frozenset({CodeRole.PRINCIPAL, CodeRole.FIRST_LISTED})
# Lines that repeat a diagnosis for another purpose and stand outside the order of the others.
APART_ROLES: frozenset[str] = frozenset({CodeRole.ADMITTING, CodeRole.REASON_FOR_VISIT})


@dataclass(frozen=True, slots=True)
class EncounterFacts:
    """What the checks know of the encounter; None or empty: not known, and then nothing is concluded from it.

    `age_days` is given for infants and may be left None where years are enough; `sex` is F, M, X or U.
    """

    claim_type: str = ClaimType.PROFESSIONAL
    setting: str = ""
    admit_date: dt.date | None = None
    discharge_date: dt.date | None = None
    service_date: dt.date | None = None
    age_years: int | None = None
    age_days: int | None = None
    sex: str = ""

    @property
    def coding_date(self) -> dt.date | None:
        """Chooses the release: discharge for facility inpatient, else the day of service."""
        if self.claim_type == ClaimType.FACILITY_INPATIENT:
            return self.discharge_date
        return self.service_date or self.discharge_date


class Severity(StrEnum):
    """HARD: the claim cannot leave like this; WARN: needs a reason to stand; INFO: a prompt."""

    HARD = "hard"
    WARN = "warn"
    INFO = "info"


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 (a result, not a secret)
    FAIL = "fail"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed or had no data. `check` and `codes` together are unique within a report.

    `codes` are canonical, in the order the message names them; `lines` are the indexes of the code lines
    concerned in what was checked. `outcomes` are ids of what a reviewer may answer; empty where nothing but
    correcting the codes will do.
    """

    check: str
    severity: Severity
    result: Result
    title: str
    message: str
    codes: tuple[str, ...]
    lines: tuple[int, ...]
    citation: str
    edition: str = ""
    outcomes: tuple[str, ...] = ()

    def as_row(self) -> dict[str, object]:
        """As the batch interface writes it."""
        return {
            "check": self.check,
            "severity": str(self.severity),
            "result": str(self.result),
            "codes": list(self.codes),
            "message": self.message,
            "citation": self.citation,
            "edition": self.edition,
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one check passed, failed and had no data; what it never looked at counts nowhere."""

    passed: int = 0
    failed: int = 0
    no_data: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, Tally] = field(default_factory=dict)
