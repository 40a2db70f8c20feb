"""Findings of code edits on a code set: they follow its lines, are overridden with a reason, and stop the sign-off."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, transaction

from catalog.edits.types import EvidenceCue
from coding_review.actions.export_code_sets import export_code_sets
from coding_review.actions.override_finding import override_finding, withdraw_override
from coding_review.actions.reject import reject
from coding_review.actions.reopen import reopen
from coding_review.actions.sign_off import sign_off
from coding_review.actions.undo import redo, undo
from coding_review.audit import purge_payload
from coding_review.audit_check import verify_encounter
from coding_review.code_edits import _read_cues, facts_of, findings_of
from coding_review.errors import (
    Frozen,
    InvalidDecision,
    NotAllowed,
    NotYours,
    ReviewError,
    SignOffBlocked,
    StalePage,
)
from coding_review.models import (
    AuditEvent,
    AuditPayload,
    CodeSet,
    Encounter,
    FindingOverride,
    FindingOverridePayload,
    FindingShown,
)
from coding_review.override_hash import override_hash
from coding_review.queries import entry_facts
from coding_review.rules import overrides
from coding_review.rules.uncertainty import is_uncertain
from tests.coding_review.finding_cases import ANEMIA, DELIVERY, DM1, DM2, coded, entry_of

pytestmark = pytest.mark.django_db
EXCLUDES1 = {"check": "excludes1", "codes": ["E10.9", "E11.9"]}
ALONE = {"check": "normal_delivery", "codes": ["O80", "O99.013"]}


def failed(code_set: CodeSet) -> dict[str, tuple[str, ...]]:
    """check → codes, of what fails and is not overridden."""
    return {one.check: one.key[1] for one in findings_of(code_set).open}


def severities(code_set: CodeSet) -> dict[str, str]:
    return {one.check: str(one.finding.severity) for one in findings_of(code_set).open}


def test_findings_follow_the_lines(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    found = {one.check: one for one in findings_of(code_set).open}["excludes1"]
    assert (found.key[1], [row.code for row in found.rows]) == (("E10.9", "E11.9"), ["E11.9", "E10.9"])
    assert (found.finding.severity, [c.id for c in found.outcomes]) == ("warn", ["unrelated"])
    assert found.removable
    assert "I.A.12.a" in found.finding.citation
    assert set(findings_of(code_set).by_entry) == {
        entry_of(code_set, "E10.9").pk,
        entry_of(code_set, "E11.9").pk,
    }
    reject(coder, code_set.pk, entry_of(code_set, "E10.9").pk, reason="excludes1")
    assert "excludes1" not in failed(code_set)
    undo(coder, code_set.pk)
    assert failed(code_set)["excludes1"] == ("E10.9", "E11.9")


def test_nothing_is_checked_before_a_code_is_in_the_set(make_encounter: Any, coder: User) -> None:
    found = findings_of(coded(make_encounter, coder))
    assert (found.failed, found.no_data, found.lines) == ((), (), 0)


def test_an_override_holds_while_the_same_codes_stand(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    revision = CodeSet.objects.get(pk=code_set.pk).revision
    override = override_finding(
        coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment="Two episodes, both documented."
    )
    assert CodeSet.objects.get(pk=code_set.pk).revision == revision + 1
    assert "excludes1" not in failed(code_set)
    laid = [one.override for one in findings_of(code_set).failed if one.check == "excludes1"]
    assert laid == [override]
    assert override.entries == [entry_of(code_set, c).pk for c in ("E11.9", "E10.9")]
    # The code goes, and with it the finding; it comes back, and with it what was said to it.
    reject(coder, code_set.pk, entry_of(code_set, "E10.9").pk, reason="excludes1")
    assert [one for one in findings_of(code_set).failed if one.check == "excludes1"] == []
    undo(coder, code_set.pk)
    assert "excludes1" not in failed(code_set)
    redo(coder, code_set.pk)
    undo(coder, code_set.pk)
    withdraw_override(coder, code_set.pk, override.pk)
    assert failed(code_set)["excludes1"] == ("E10.9", "E11.9")
    # Twice is once.
    events = AuditEvent.objects.filter(type="finding.override_withdrawn")
    withdraw_override(coder, code_set.pk, override.pk)
    assert events.count() == 1


def test_what_is_audited(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    override = override_finding(
        coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment="Two episodes, both documented."
    )
    event = AuditEvent.objects.get(type="finding.overridden")
    assert event.actor == coder
    assert event.data == {
        "override_id": override.pk,
        "code_set_id": code_set.pk,
        "check": "excludes1",
        "severity": "warn",
        "codes": ["E10.9", "E11.9"],
        "outcome": "unrelated",
        "outcomes_edition": overrides.EDITION,
        "checks_edition": override.checks_edition,
        "sha256": override_hash(override),
    }
    assert AuditPayload.objects.get(event=event).body == {"comment": "Two episodes, both documented."}
    # Said again word for word, nothing happens; with another comment the first is withdrawn.
    again = override_finding(
        coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment="Two episodes, both documented."
    )
    assert again == override
    other = override_finding(coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment="As answered.")
    assert list(FindingOverride.objects.standing()) == [other]
    assert AuditEvent.objects.filter(type="finding.override_withdrawn").count() == 1
    assert purge_payload(event.pk, actor=None)
    assert FindingOverridePayload.objects.get(override=override).comment == ""
    assert FindingOverridePayload.objects.get(override=other).comment == "As answered."
    assert verify_encounter(code_set.encounter_id).ok


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"outcome": "unrelated"}, InvalidDecision),
        ({"outcome": ""}, InvalidDecision),
        ({"outcome": "documented", "comment": "Offered elsewhere, not here."}, InvalidDecision),
        ({"outcome": "unrelated", "comment": "x", "codes": ["E10.9", "E11.65"]}, StalePage),
        ({"outcome": "unrelated", "comment": "x", "check": "excludes2"}, StalePage),
    ],
)
def test_what_is_refused_changes_nothing(
    icd10cm: Any, make_encounter: Any, coder: User, values: dict[str, Any], error: type[ReviewError]
) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    events = AuditEvent.objects.count()
    with pytest.raises(error), transaction.atomic():
        override_finding(coder, code_set.pk, **(EXCLUDES1 | values))
    assert (FindingOverride.objects.count(), AuditEvent.objects.count()) == (0, events)


def test_only_who_has_it_may(
    icd10cm: Any, make_encounter: Any, coder: User, other_coder: User, expert: User, outsider: User
) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    said = EXCLUDES1 | {"outcome": "unrelated", "comment": "Two episodes."}
    for who, error in ((other_coder, NotYours), (expert, NotAllowed), (outsider, NotAllowed)):
        with pytest.raises(error), transaction.atomic():
            override_finding(who, code_set.pk, **said)
    override = override_finding(coder, code_set.pk, **said)
    for who, error in ((other_coder, NotYours), (expert, NotAllowed), (outsider, NotAllowed)):
        with pytest.raises(error), transaction.atomic():
            withdraw_override(who, code_set.pk, override.pk)
    assert list(FindingOverride.objects.standing()) == [override]


def test_an_override_of_another_code_set_is_not_withdrawn_here(
    icd10cm: Any, make_encounter: Any, coder: User
) -> None:
    here, there = coded(make_encounter, coder, DM2, DM1), coded(make_encounter, coder, DM2, DM1)
    override = override_finding(coder, there.pk, **EXCLUDES1, outcome="unrelated", comment="Two episodes.")
    with pytest.raises(InvalidDecision), transaction.atomic():
        withdraw_override(coder, here.pk, override.pk)
    assert list(FindingOverride.objects.standing()) == [override]


def test_a_hard_finding_stops_the_sign_off_until_it_is_overridden(
    icd10cm: Any, make_encounter: Any, coder: User
) -> None:
    code_set = coded(make_encounter, coder, DELIVERY, ANEMIA)
    assert severities(code_set)["normal_delivery"] == "hard"
    hard = findings_of(code_set).hard
    with pytest.raises(SignOffBlocked) as refused, transaction.atomic():
        sign_off(coder, code_set.pk)
    assert [b["id"] for b in refused.value.data["blockers"]] == ["findings"]
    assert refused.value.data["blockers"][0]["count"] == hard == 1
    override = override_finding(
        coder, code_set.pk, **ALONE, outcome="not_applicable", comment="The anemia is of another stay."
    )
    signed = sign_off(coder, code_set.pk)
    frozen = signed.editions["code_edits"]
    (kept,) = [f for f in frozen["findings"] if f["check"] == "normal_delivery"]
    assert kept["override"] == {
        "id": override.pk,
        "outcome": "not_applicable",
        "user": coder.pk,
        "at": kept["override"]["at"],
    }
    assert (kept["severity"], kept["result"]) == ("hard", "fail")
    with pytest.raises(Frozen), transaction.atomic():
        withdraw_override(coder, code_set.pk, override.pk)
    out = BytesIO()
    export_code_sets(coder, [signed.pk], format="jsonl", out=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    for row in rows:
        assert [f for f in row["findings"] if f["check"] == "normal_delivery"] == [kept]


def test_overrides_go_over_into_the_next_version(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DELIVERY, ANEMIA)
    first = override_finding(
        coder, code_set.pk, **ALONE, outcome="not_applicable", comment="The anemia is of another stay."
    )
    new = reopen(coder, sign_off(coder, code_set.pk).pk, reason="audit")
    carried = FindingOverride.objects.get(code_set=new)
    assert (carried.carried_from, carried.user, carried.at, carried.codes) == (
        first,
        coder,
        first.at,
        first.codes,
    )
    assert FindingOverridePayload.objects.get(override=carried).comment == "The anemia is of another stay."
    assert "normal_delivery" not in failed(CodeSet.objects.get(pk=new.pk))
    told = AuditEvent.objects.filter(type="finding.overridden").order_by("pk").last()
    assert told is not None
    assert told.data["carried_from"] == first.pk


def test_rows_once_written_stay(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    override = override_finding(coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment="Two.")
    rows = FindingOverride.objects.filter(pk=override.pk)
    for values in ({"outcome": "other"}, {"codes": []}):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            rows.update(**values)
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        FindingOverridePayload.objects.filter(override=override)._raw_delete("default")
    withdraw_override(coder, code_set.pk, override.pk)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        rows.update(withdrawn_at=None, withdrawn_by=None)
    assert rows.get().withdrawn_by == coder


def test_what_was_shown_is_counted_once(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    for comment in ("Two episodes.", "As answered."):
        override_finding(coder, code_set.pk, **EXCLUDES1, outcome="unrelated", comment=comment)
    shown = FindingShown.objects.filter(check_id="excludes1")
    assert [(row.code_set_id, row.codes) for row in shown] == [(code_set.pk, ["E10.9", "E11.9"])]


def test_facts_of_an_encounter(make_encounter: Any, coder: User) -> None:
    encounter: Encounter = make_encounter()
    facts = facts_of(encounter, "facility_inpatient")
    assert (facts.age_years, facts.age_days, facts.sex, facts.setting) == (78, None, "F", "inpatient")
    assert facts.coding_date == encounter.discharge_date
    for age, unit, years, days in ((8, "months", 0, None), (3, "weeks", 0, 21), (18, "months", 1, None)):
        encounter.age, encounter.age_unit = age, unit
        facts = facts_of(encounter, "professional")
        assert (facts.age_years, facts.age_days) == (years, days)
    encounter.age = None
    assert facts_of(encounter, "professional").age_years is None


@pytest.mark.parametrize(
    ("before", "passage", "uncertain"),
    [
        ("Assessment: probable ", "pneumonia", True),
        ("", "likely ATN", True),
        ("rule out ", "pulmonary embolism", True),
        ("", "consistent with gout", True),
        ("Probable pneumonia. ", "Type 2 diabetes", False),
        ("", "pneumonia", False),
        ("unlikely to be ", "cardiac", False),
    ],
)
def test_uncertain_wording(before: str, passage: str, uncertain: bool) -> None:
    assert is_uncertain(before, passage) is uncertain


def test_cues_of_outpatient_evidence(icd10cm: Any, make_encounter: Any, coder: User) -> None:
    note = {"clinic note": "Seen for cough.\nLikely shortness of breath from asthma."}
    code_set = coded(
        make_encounter, coder, ("J45.909", "high", "shortness of breath"), texts=note,
        claim_types=("professional",),
    )  # fmt: skip
    rows = entry_facts(code_set)
    place = {"author_role": "physician", "document_type": "clinic note"}
    assert _read_cues(rows, outpatient=True) == {rows[0].pk: (EvidenceCue(uncertain=True, **place),)}
    assert _read_cues(rows, outpatient=False) == {rows[0].pk: (EvidenceCue(uncertain=False, **place),)}
