"""What the audit log tells of overrides is compared with their rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from coding_review.actions.override_finding import override_finding, withdraw_override
from coding_review.actions.reopen import reopen
from coding_review.actions.sign_off import sign_off
from coding_review.audit import purge_payload
from coding_review.audit_overrides import verify_overrides
from coding_review.models import AuditEvent, CodeSet, FindingOverride, FindingOverridePayload, FindingShown
from coding_review.override_hash import WITHDRAWN
from tests.coding_review.audit_sample import tamper, verification
from tests.coding_review.finding_cases import DM1, DM2, coded

pytestmark = pytest.mark.django_db
OVERRIDES, WORDS = FindingOverride._meta.db_table, FindingOverridePayload._meta.db_table
EXCLUDES1 = {"check": "excludes1", "codes": ["E10.9", "E11.9"], "outcome": "unrelated"}


@pytest.fixture
def code_set(icd10cm: Any, make_encounter: Any, coder: User) -> CodeSet:
    return coded(make_encounter, coder, DM2, DM1)


@pytest.fixture
def override(code_set: CodeSet, coder: User) -> FindingOverride:
    return override_finding(coder, code_set.pk, **EXCLUDES1, comment="Two episodes.")


@pytest.fixture
def withdrawn(code_set: CodeSet, coder: User, override: FindingOverride) -> FindingOverride:
    return withdraw_override(coder, code_set.pk, override.pk)


def faults() -> list[str]:
    return [str(fault) for fault in verify_overrides()]


def where(override: FindingOverride, type_: str = "finding.overridden") -> str:
    event = AuditEvent.objects.get(type=type_, data__override_id=override.pk)
    return f"encounter:{override.code_set.encounter_id} #{event.encounter_number} (event {event.pk}): "


def test_what_the_actions_write_agrees_with_the_log(code_set: CodeSet, coder: User) -> None:
    override_finding(coder, code_set.pk, **EXCLUDES1, comment="Two episodes.")
    second = override_finding(coder, code_set.pk, **EXCLUDES1, comment="As answered.")
    reopen(coder, sign_off(coder, code_set.pk).pk, reason="audit")
    carried = FindingOverride.objects.get(carried_from=second)
    withdraw_override(coder, carried.code_set_id, carried.pk)
    assert faults() == []
    code, lines = verification()
    assert (code, lines[1].rpartition(", ")[2]) == (0, "3 overrides.")


def test_every_column_of_an_override_is_hashed() -> None:
    assert sorted(WITHDRAWN) == sorted(field.attname for field in FindingOverride._meta.concrete_fields)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("outcome = 'table_error'", "outcome is 'table_error', the log says 'unrelated'"),
        ("codes = '{E10.9,E11.65}'", """codes is '["E10.9", "E11.65"]', the log says '["E10.9", "E11.9"]'"""),
        (
            "check_id = 'excludes2', severity = 'info'",
            "check is 'excludes2', the log says 'excludes1'; severity is 'info', the log says 'warn'",
        ),
        ("entries = '{1}'", "not what was written"),
        ("at = at - interval '1 day'", "not what was written"),
    ],
)
def test_an_altered_override_is_named(override: FindingOverride, change: str, difference: str) -> None:
    tamper(f"UPDATE {OVERRIDES} SET {change} WHERE id = %s", override.pk)
    assert faults() == [f"{where(override)}override {override.pk}: {difference}"]
    assert verification()[0] == 1


def test_an_override_laid_to_another_person_is_named(
    override: FindingOverride, coder: User, other_coder: User
) -> None:
    tamper(f"UPDATE {OVERRIDES} SET user_id = %s WHERE id = %s", other_coder.pk, override.pk)
    assert faults() == [
        f"{where(override)}override {override.pk}: reviewer is '{other_coder.pk}', the log says '{coder.pk}'"
    ]


def test_a_removed_override_is_named_once(withdrawn: FindingOverride) -> None:
    said = where(withdrawn)
    tamper(
        f"WITH words AS (DELETE FROM {WORDS} WHERE override_id = %s) DELETE FROM {OVERRIDES} WHERE id = %s",
        withdrawn.pk,
        withdrawn.pk,
    )
    assert faults() == [f"{said}the override that it tells of is gone"]


def test_a_forged_override_is_named(code_set: CodeSet, coder: User) -> None:
    forged = FindingOverride.objects.create(
        code_set=code_set, check_id="excludes1", codes=["E10.9", "E11.9"], entries=[], severity="warn",
        outcome="unrelated", outcomes_edition="x", checks_edition="x", user=coder,
    )  # fmt: skip
    assert faults() == [
        f"encounter:{code_set.encounter_id} #0 (no row): override {forged.pk}: no event tells of it"
    ]


def test_a_withdrawal_beside_the_log_is_named(override: FindingOverride, coder: User) -> None:
    FindingOverride.objects.filter(pk=override.pk).update(withdrawn_at=timezone.now(), withdrawn_by=coder)
    assert faults() == [
        f"encounter:{override.code_set.encounter_id} #0 (no row): "
        f"override {override.pk}: withdrawn, and no event tells of it"
    ]


def test_a_withdrawal_taken_back_is_named(withdrawn: FindingOverride) -> None:
    tamper(f"UPDATE {OVERRIDES} SET withdrawn_at = NULL, withdrawn_by_id = NULL WHERE id = %s", withdrawn.pk)
    said = where(withdrawn, "finding.override_withdrawn")
    assert faults() == [f"{said}override {withdrawn.pk}: it was withdrawn and is not any more"]


def test_an_altered_withdrawal_is_named(withdrawn: FindingOverride, coder: User, other_coder: User) -> None:
    said = where(withdrawn, "finding.override_withdrawn")
    tamper(
        f"UPDATE {OVERRIDES} SET withdrawn_at = withdrawn_at - interval '1 day' WHERE id = %s", withdrawn.pk
    )
    assert faults() == [f"{said}override {withdrawn.pk}: not as it was withdrawn"]
    tamper(f"UPDATE {OVERRIDES} SET withdrawn_by_id = %s WHERE id = %s", other_coder.pk, withdrawn.pk)
    assert faults() == [
        f"{said}override {withdrawn.pk}: withdrawn by {other_coder.pk}, the log says {coder.pk}"
    ]


@pytest.mark.parametrize("change", ["comment = 'other words'", "comment = ''", "purged_at = now()"])
def test_an_altered_comment_is_named(override: FindingOverride, change: str) -> None:
    tamper(f"UPDATE {WORDS} SET {change} WHERE override_id = %s", override.pk)
    assert faults() == [
        f"{where(override)}override {override.pk}: its comment is not the one that the log keeps"
    ]


def test_a_comment_purged_on_both_sides_is_no_fault(override: FindingOverride, coder: User) -> None:
    event = AuditEvent.objects.get(type="finding.overridden")
    assert purge_payload(event.pk, actor=coder) is True
    assert faults() == []


def test_what_was_shown_is_not_audited(override: FindingOverride) -> None:
    assert FindingShown.objects.update(severity="info") > 0
    assert faults() == []
