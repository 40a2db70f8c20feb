"""Code lines by their codes, checked against the built-in release."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from catalog.choices import ClaimType
from catalog.edits.engine import BY_ID, check
from catalog.edits.knowledge import Knowledge
from catalog.edits.loading import tabular_of
from catalog.edits.types import CodeLine, EncounterFacts, Finding, Report

DAY = dt.date(2026, 6, 9)


def lines_of(codes: Sequence[str | CodeLine]) -> list[CodeLine]:
    """In the order of the claim; the first diagnosis is not marked unless a line says so."""
    made = [code if isinstance(code, CodeLine) else CodeLine(code) for code in codes]
    return [replace(line, sequence=line.sequence or number) for number, line in enumerate(made, start=1)]


class Edits:
    """Runs one check over codes and gives its findings."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def report(
        self, *codes: str | CodeLine, claim_type: str = ClaimType.PROFESSIONAL, **facts: object
    ) -> Report:
        return check(lines_of(codes), facts_of(claim_type, facts), self.knowledge)

    def run(
        self,
        check_id: str,
        *codes: str | CodeLine,
        claim_type: str = ClaimType.PROFESSIONAL,
        knowledge: Knowledge | None = None,
        **facts: object,
    ) -> list[Finding]:
        known = knowledge or self.knowledge
        rows = (BY_ID[check_id],)
        return list(check(lines_of(codes), facts_of(claim_type, facts), known, checks=rows).findings)

    def hits(self, check_id: str, *codes: str | CodeLine, **more: object) -> list[tuple[str, ...]]:
        """The codes of the failed findings."""
        return [f.codes for f in self.run(check_id, *codes, **more) if f.result == "fail"]


def facts_of(claim_type: str, facts: dict[str, object]) -> EncounterFacts:
    day = {"discharge_date": DAY} if claim_type == ClaimType.FACILITY_INPATIENT else {"service_date": DAY}
    return EncounterFacts(**{"claim_type": claim_type, **day, **facts})


@pytest.fixture
def edits(icd10cm) -> Edits:
    return Edits(Knowledge(tabular=tabular_of(icd10cm)))
