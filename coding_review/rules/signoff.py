"""What stops a sign-off: a table of blockers by claim type, over plain facts about a code set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from catalog.choices import ClaimType, CodeRole, CodeSystem
from modelops.choices import Band

EDITION = "2026-2"


@dataclass(frozen=True, slots=True)
class LineFacts:
    code: str
    system: str
    role: str
    poa: str


@dataclass(frozen=True, slots=True)
class CodeSetFacts:
    claim_type: str
    lines: tuple[LineFacts, ...] = ()
    undecided: dict[str, int] = field(default_factory=dict)  # band -> count
    held: int = 0
    open_hold: bool = False
    has_release: bool = True
    release_stands_in: bool = False
    invalid_codes: tuple[str, ...] = ()
    running: bool = False
    # Findings of code edits that no claim can leave with, and that nobody has overridden.
    hard_findings: int = 0


@dataclass(frozen=True, slots=True)
class Blocker:
    id: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """`test` gives how many things block (0: none); `message` is formatted with n, and s for its plural."""

    id: str
    claim_types: frozenset[str]
    test: Callable[[CodeSetFacts], int]
    message: str


ALL = frozenset(str(c) for c in ClaimType.values)
INPATIENT = frozenset({str(ClaimType.FACILITY_INPATIENT)})
OUTPATIENT = ALL - INPATIENT
# Diagnoses that carry a present-on-admission indicator on an inpatient claim.
POA_ROLES = frozenset({CodeRole.PRINCIPAL, CodeRole.SECONDARY, CodeRole.EXTERNAL_CAUSE})


def _diagnoses(facts: CodeSetFacts) -> list[LineFacts]:
    return [line for line in facts.lines if line.system == CodeSystem.ICD10CM]


def _with_role(facts: CodeSetFacts, role: str) -> int:
    return sum(line.role == role for line in _diagnoses(facts))


def _missing_poa(facts: CodeSetFacts) -> int:
    return sum(line.role in POA_ROLES and not line.poa for line in _diagnoses(facts))


RULES: tuple[Rule, ...] = (
    Rule("predicting", ALL, lambda f: int(f.running), "a prediction is running"),
    Rule(
        "undecided",
        ALL,
        lambda f: f.undecided.get(Band.HIGH, 0) + f.undecided.get(Band.MEDIUM, 0),
        "{n} undecided",
    ),
    Rule("no_codes", ALL, lambda f: int(not f.lines), "no code in the set"),
    Rule(
        "no_principal",
        INPATIENT,
        lambda f: int(bool(f.lines) and _with_role(f, CodeRole.PRINCIPAL) == 0),
        "principal diagnosis not marked",
    ),
    Rule(
        "many_principal",
        INPATIENT,
        lambda f: int(_with_role(f, CodeRole.PRINCIPAL) > 1),
        "more than one principal diagnosis",
    ),
    Rule(
        "no_first_listed",
        OUTPATIENT,
        lambda f: int(bool(f.lines) and _with_role(f, CodeRole.FIRST_LISTED) == 0),
        "first-listed diagnosis not marked",
    ),
    Rule(
        "many_first_listed",
        OUTPATIENT,
        lambda f: int(_with_role(f, CodeRole.FIRST_LISTED) > 1),
        "more than one first-listed diagnosis",
    ),
    Rule("poa", INPATIENT, _missing_poa, "{n} POA"),
    Rule("held", ALL, lambda f: f.held, "{n} held for query"),
    Rule("hold", ALL, lambda f: int(f.open_hold), "the encounter is on hold"),
    Rule(
        "no_release",
        ALL,
        lambda f: int(not f.has_release),
        "no loaded ICD-10-CM release covers the date",
    ),
    Rule(
        "invalid",
        ALL,
        lambda f: len(f.invalid_codes),
        "{n} not valid or not billable in the release",
    ),
    Rule("findings", ALL, lambda f: f.hard_findings, "{n} hard finding{s}"),
)


def blockers(facts: CodeSetFacts) -> list[Blocker]:
    found = []
    for rule in RULES:
        if facts.claim_type not in rule.claim_types:
            continue
        count = rule.test(facts)
        if count:
            found.append(Blocker(rule.id, rule.message.format(n=count, s="" if count == 1 else "s"), count))
    return found
