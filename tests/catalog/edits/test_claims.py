"""All checks over correct claims: what a coder is told is listed claim by claim, so that noise is seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from catalog.edits.engine import check
from catalog.edits.knowledge import CodeList, CodeTable, Knowledge, Listed, MceTable, MueTable, NcciTable
from catalog.edits.types import EncounterFacts
from tests.catalog.edits.claims import CLAIMS, DAY, STAY, Claim, Told
from tests.catalog.edits.conftest import Edits

# Categories on the published list that the claims use.
EXEMPT = frozenset({"Z", "V", "W", "X", "Y", "R29.7", "I69", "I25.2", "P07.17", "P07.36", "O80"})
PROCEDURES = ("99213", "99214", "99283", "12001", "93005", "96413", "66984", "45385")
OPERATIONS = ("0SRC0J9", "0DTJ4ZZ", "0FT44ZZ")


def listed(codes: tuple[str, ...]) -> CodeList:
    return CodeList("2026", {code: Listed("As published", True) for code in codes})


def told(edits: Edits, claim: Claim) -> list[Told]:
    """With every published table loaded, so that nothing is silent for want of one."""
    lines = claim.lines(EXEMPT)
    diagnoses = frozenset(line.code for line in lines if line.code.startswith(tuple(EXEMPT)))
    knowledge: Knowledge = replace(
        edits.knowledge,
        code_lists={("cpt", DAY): listed(PROCEDURES), ("icd10pcs", DAY): listed(OPERATIONS)},
        mce=MceTable("v43", dt.date(2025, 10, 1), {}),
        poa_exempt=CodeTable("FY2026", diagnoses),
        ncci={DAY: NcciTable("2026 Q2", {})},
        mue={DAY: MueTable("2026 Q2", {})},
    )
    day = {"discharge_date": DAY, "admit_date": DAY} if claim.kind == STAY else {"service_date": DAY}
    facts = EncounterFacts(claim_type=claim.kind, **day, **{"age_years": 54, **claim.facts})
    return [(f.check, f.codes) for f in check(lines, facts, knowledge).findings]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_correct_claim_is_told_what_is_listed(edits: Edits, name: str):
    claim = CLAIMS[name]
    assert told(edits, claim) == list(claim.told)


def test_what_is_told_asks_for_nothing():
    """Two conditions that may stand together, and notes that name no code: shown, never to be answered."""
    assert {check_id for claim in CLAIMS.values() for check_id, _ in claim.told} == {
        "excludes2",
        "excludes1_unread",
    }
    assert (len(CLAIMS), sum(bool(claim.told) for claim in CLAIMS.values())) == (65, 7)
