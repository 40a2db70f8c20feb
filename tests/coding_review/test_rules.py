"""The tables: transitions, permissions, reasons, undo stacks, sign-off blockers, reading order."""

from __future__ import annotations

from uuid import UUID

import pytest

from catalog.choices import ClaimType, CodeRole, CodeSystem
from catalog.poa import is_poa_exempt
from coding_review.choices import CONFIDENTIALITY_ORDER, EncounterStatus, Role, labels_up_to
from coding_review.rules import permissions, reasons
from coding_review.rules.procedure_codes import shape_error
from coding_review.rules.reading_order import UNKNOWN, position_of
from coding_review.rules.signoff import CodeSetFacts, LineFacts, blockers
from coding_review.rules.transitions import TRANSITIONS, actions_from, next_status
from coding_review.rules.undo import Act, stacks

A, B, C = (UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("status", "action", "after"),
    [
        ("received", "queue", "queued"),
        ("queued", "start", "predicting"),
        ("predicting", "finish", "ready"),
        ("predicting", "fail", "failed"),
        ("failed", "queue", "queued"),
        ("ready", "claim", "in_review"),
        ("in_review", "hold", "on_hold"),
        ("on_hold", "resume", "in_review"),
        ("in_review", "sign_off", "signed_off"),
        ("signed_off", "reopen", "in_review"),
        ("signed_off", "return", "returned"),
        ("returned", "claim", "in_review"),
        ("signed_off", "queue", None),
        ("on_hold", "sign_off", None),
        ("ready", "sign_off", None),
        ("received", "claim", None),
    ],
)
def test_status_machine(status: str, action: str, after: str | None) -> None:
    assert next_status(status, action) == after


def test_every_status_is_reached_and_every_row_names_known_statuses() -> None:
    known = set(EncounterStatus.values)
    assert {before for before, _ in TRANSITIONS} | set(TRANSITIONS.values()) == known
    assert actions_from("signed_off") == {"reopen", "return"}


def test_roles_are_bundles_of_known_permissions() -> None:
    assert set(permissions.PERMISSIONS_BY_ROLE) == set(Role.values)
    granted = set().union(*permissions.PERMISSIONS_BY_ROLE.values())
    assert granted <= set(permissions.LABELS)
    assert permissions.permissions_of(frozenset()) == frozenset()


def test_administrators_and_auditors_read_no_documents_and_never_code() -> None:
    for role in (Role.ADMIN, Role.AUDITOR, Role.PRIVACY_OFFICER):
        held = permissions.PERMISSIONS_BY_ROLE[role]
        assert permissions.READ_DOCUMENTS not in held
        assert permissions.CODE_ENCOUNTER not in held


def test_confidentiality_ceilings() -> None:
    assert labels_up_to("normal") == ["normal"]
    assert labels_up_to("very_restricted") == [str(label.value) for label in CONFIDENTIALITY_ORDER]


def test_reason_ids_and_keys_are_unique() -> None:
    ids = [f.id for f in reasons.FAMILIES] + [r.id for f in reasons.FAMILIES for r in f.reasons]
    assert len(ids) == len(set(ids)) == len(reasons.FAMILY_OF)
    assert [f.key for f in reasons.FAMILIES] == ["1", "2", "3", "4", "5", "6", "9"]
    assert all(len(f.reasons) <= 9 for f in reasons.FAMILIES)
    assert {"other"} == reasons.COMMENT_REQUIRED


def test_reason_labels() -> None:
    assert reasons.label("negated") == "Context: negated"
    assert reasons.label("duplicate") == "Duplicate"


@pytest.mark.parametrize(
    ("acts", "undoable", "redoable"),
    [
        ([], [], []),
        ([Act(A), Act(B)], [A, B], []),
        ([Act(A), Act(B), Act(C, undoes=B)], [A], [B]),
        ([Act(A), Act(B, undoes=A), Act(C, redoes=A)], [A], []),
        ([Act(A), Act(B, undoes=A), Act(C)], [C], []),
        ([Act(A), Act(B, barrier=True)], [], []),
    ],
)
def test_undo_stacks(acts: list[Act], undoable: list[UUID], redoable: list[UUID]) -> None:
    assert stacks(acts) == (undoable, redoable)


def line(
    code: str = "I50.23", role: str = CodeRole.SECONDARY, poa: str = "", system: str = CodeSystem.ICD10CM
) -> LineFacts:
    return LineFacts(code, system, role, poa)


INPATIENT, OUTPATIENT = ClaimType.FACILITY_INPATIENT, ClaimType.FACILITY_OUTPATIENT


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (CodeSetFacts(INPATIENT), ["no_codes"]),
        (CodeSetFacts(INPATIENT, (line(),)), ["no_principal", "poa"]),
        (CodeSetFacts(INPATIENT, (line(role=CodeRole.PRINCIPAL, poa="Y"),)), []),
        (
            CodeSetFacts(
                INPATIENT, (line(role=CodeRole.PRINCIPAL, poa="Y"), line("N17.9", CodeRole.PRINCIPAL, "N"))
            ),
            ["many_principal"],
        ),
        (
            CodeSetFacts(INPATIENT, (line(role=CodeRole.PRINCIPAL, poa="Y"), line(role=CodeRole.ADMITTING))),
            [],
        ),
        (CodeSetFacts(OUTPATIENT, (line(),)), ["no_first_listed"]),
        (CodeSetFacts(OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),)), []),
        (
            CodeSetFacts(OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),), {"high": 2, "medium": 1, "low": 7}),
            ["undecided"],
        ),
        (CodeSetFacts(OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),), {"low": 7}), []),
        (
            CodeSetFacts(OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),), open_hold=True, held=1),
            ["held", "hold"],
        ),
        (CodeSetFacts(OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),), has_release=False), ["no_release"]),
        (
            CodeSetFacts(
                OUTPATIENT, (line(role=CodeRole.FIRST_LISTED),), invalid_codes=("X1",), running=True
            ),
            ["predicting", "invalid"],
        ),
    ],
)
def test_sign_off_blockers(facts: CodeSetFacts, expected: list[str]) -> None:
    assert [b.id for b in blockers(facts)] == expected


def test_blockers_count_what_waits() -> None:
    facts = CodeSetFacts(INPATIENT, (line(role=CodeRole.PRINCIPAL), line("N17.9")), {"high": 2, "medium": 1})
    assert [b.message for b in blockers(facts)] == ["3 undecided", "2 POA"]


@pytest.mark.parametrize(
    ("code", "exempt"),
    [
        ("Z66", True),
        ("Z79.4", True),
        ("I25.2", True),
        ("S72.001D", True),
        ("S72.001A", False),
        ("I50.23", False),
        ("Z16.12", False),
        ("W01.0XXA", True),
    ],
)
def test_poa_exempt(code: str, exempt: bool) -> None:
    assert is_poa_exempt(code) is exempt


@pytest.mark.parametrize(
    ("system", "code", "good"),
    [
        ("cpt", "99213", True),
        ("cpt", "0042T", True),
        ("cpt", "9921", False),
        ("hcpcs", "J1885", True),
        ("hcpcs", "W1234", False),
        ("icd10pcs", "0QS606Z", True),
        ("icd10pcs", "0QSO06Z", False),
    ],
)
def test_procedure_code_shapes(system: str, code: str, good: bool) -> None:
    assert (shape_error(system, code) == "") is good


def test_summarising_documents_are_read_first() -> None:
    types = [
        "Progress note",
        "Pathology report",
        "H&P",
        "Discharge Summary",
        "Cardiology consult",
        "Operative note",
    ]
    assert sorted(types, key=position_of) == [
        "Discharge Summary",
        "Operative note",
        "H&P",
        "Cardiology consult",
        "Progress note",
        "Pathology report",
    ]
    assert position_of("weather report") == UNKNOWN
