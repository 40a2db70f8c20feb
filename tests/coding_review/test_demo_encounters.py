"""The demo encounters agree with themselves: texts, metadata and expected codes."""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import permutations

import pytest
import simple_icd_10_cm as icd

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, ClaimType, CodeRole, CodeSystem, PresentOnAdmission
from coding_review.choices import Confidentiality, DocumentStatus
from coding_review.demo.encounters import (
    CHARTS,
    DemoEncounter,
    ExpectedCode,
    ExpectedCodeSet,
    demo_encounters,
    demo_facilities,
)
from coding_review.incoming import IncomingDocument, problems
from modelops.engines.types import split_lines

ENCOUNTERS = demo_encounters()
BY_ID = {encounter.id: encounter for encounter in ENCOUNTERS}
DOCUMENTS = [(encounter, document) for encounter in ENCOUNTERS for document in encounter.documents]
CODE_SETS = [(encounter, expected) for encounter in ENCOUNTERS for expected in encounter.expected]
RELEASE_FROM, RELEASE_TO = date(2026, 4, 1), date(2026, 9, 30)
UNCERTAIN = "Probable aspiration pneumonia, right lower lobe"

each_encounter = pytest.mark.parametrize("encounter", ENCOUNTERS, ids=lambda e: e.id)
each_document = pytest.mark.parametrize(
    ("encounter", "document"), DOCUMENTS, ids=[document.source_id for _, document in DOCUMENTS]
)
each_code_set = pytest.mark.parametrize(
    ("encounter", "expected"), CODE_SETS, ids=[f"{e.id}-{s.claim_type}" for e, s in CODE_SETS]
)


def numbered_lines(text: str) -> list[str]:
    lines = split_lines(text)
    return lines[:-1] if lines[-1] == "" else lines


def codes_of(encounter: DemoEncounter) -> list[ExpectedCode]:
    return [code for code_set in encounter.expected for code in code_set.codes] + [
        code for change in encounter.expected_changes for code in change.add
    ]


def icd10cm_codes(codes: tuple[ExpectedCode, ...]) -> set[str]:
    return {code.code for code in codes if code.system == CodeSystem.ICD10CM}


def test_there_are_fourteen_encounters_and_no_folder_is_left_out() -> None:
    assert len(ENCOUNTERS) == len(BY_ID) == 14
    assert len(BY_ID["demo-01-inpatient-stay"].documents) == 6
    document_ids = [document.source_id for _, document in DOCUMENTS]
    assert len(document_ids) == len(set(document_ids)) == 38
    folders = sorted(path.name for path in CHARTS.iterdir() if path.is_dir())
    assert folders == [encounter.id.removeprefix("demo-") for encounter in ENCOUNTERS]
    files = {f"demo-{path.parent.name}/{path.stem}" for path in CHARTS.glob("*/*.txt")}
    assert files == set(document_ids)


@each_encounter
def test_a_delivery_is_fit_to_be_stored(encounter: DemoEncounter) -> None:
    assert problems(encounter.delivery) == []
    if encounter.late_delivery is not None:
        assert problems(encounter.late_delivery) == []
    places = {(f.code, group.code) for f in demo_facilities() for group in f.work_groups}
    assert (encounter.delivery.facility, encounter.delivery.work_group) in places
    assert encounter.delivery.synthetic
    assert {code_set.claim_type for code_set in encounter.expected} == set(encounter.delivery.claim_types)


@each_document
def test_a_document_has_thirty_to_a_hundred_lines(
    encounter: DemoEncounter, document: IncomingDocument
) -> None:
    assert 30 <= len(numbered_lines(document.text)) <= 100


@each_document
def test_a_document_names_its_own_patient(encounter: DemoEncounter, document: IncomingDocument) -> None:
    patient = encounter.delivery.patient
    assert patient is not None
    assert patient.identity is not None
    assert patient.identity.birth_date is not None
    assert patient.identity.record_number in document.text
    assert f"{patient.identity.birth_date:%m/%d/%Y}" in document.text
    assert patient.identity.name.split(",")[0].lower() in document.text.lower()
    assert set(re.findall(r"DEMO-\d{6}", document.text)) == {patient.identity.record_number}


@each_document
def test_a_document_is_signed_after_it_was_written(
    encounter: DemoEncounter, document: IncomingDocument
) -> None:
    assert document.authored_at is not None
    assert document.signed_at is not None
    assert document.authored_at <= document.signed_at
    first = encounter.delivery.admit_date or encounter.delivery.date_of_service
    assert first is not None
    days = (document.authored_at.date() - first).days
    assert -1 <= days <= 12
    assert f"{document.signed_at:%m/%d/%Y}" in document.text
    assert document.type
    assert document.author
    assert document.author_role


@each_document
def test_no_identifier_looks_like_a_real_one(encounter: DemoEncounter, document: IncomingDocument) -> None:
    text = document.text
    assert re.findall(r"\b\d{3}-\d{2}-\d{4}\b", text) == []
    assert re.findall(r"\S+@\S+\.\S+|https?://|www\.", text) == []
    phones = re.findall(r"(?:\(\d{3}\)|\b\d{3})[ .-]+\d{3}-\d{4}\b", text)
    assert [phone for phone in phones if not re.fullmatch(r"\(555\) 555-01\d\d", phone)] == []
    assert re.findall(r"\b\d+ [A-Z]\w+ (?:Street|Avenue|Road|Lane|Drive)\b", text) == []


@each_encounter
def test_times_and_ages_fit_the_patient(encounter: DemoEncounter) -> None:
    delivery = encounter.delivery
    assert delivery.patient is not None
    assert delivery.patient.identity is not None
    born = delivery.patient.identity.birth_date
    assert born is not None
    if encounter.id == "demo-06-newborn":
        assert (delivery.age, delivery.age_unit) == (0, "days")
        return
    assert delivery.age_unit == "years"
    stated = {
        int(found)
        for document in encounter.documents
        for found in re.findall(
            r"\b(\d{1,2})(?:-year-old|[ -]?(?:year|yr)s?[ -]old|\s?y/o|\s?y\.o\.| yo\b)", document.text
        )
    }
    assert stated <= {int(delivery.age or 0)}


def test_only_one_encounter_lies_outside_the_release() -> None:
    outside = []
    for encounter in ENCOUNTERS:
        on = encounter.delivery.discharge_date or encounter.delivery.date_of_service
        assert on is not None
        if not RELEASE_FROM <= on <= RELEASE_TO:
            outside.append((encounter.id, on))
    assert outside == [("demo-12-outside-release", date(2026, 10, 14))]


def test_only_the_behavioral_record_is_restricted() -> None:
    restricted = [
        (e.id, e.delivery.work_group)
        for e in ENCOUNTERS
        if e.delivery.confidentiality != Confidentiality.NORMAL
    ]
    assert restricted == [("demo-10-restricted-behavioral", "behavioral")]


def test_the_addendum_arrives_late_and_alone() -> None:
    late = [e for e in ENCOUNTERS if e.late_delivery is not None]
    assert [e.id for e in late] == ["demo-04-discharge-with-addendum"]
    delivery = late[0].late_delivery
    assert delivery is not None
    assert [(d.source_id, d.status) for d in delivery.documents] == [
        ("demo-04-discharge-with-addendum/04-discharge-addendum", DocumentStatus.ADDENDUM)
    ]
    assert len(late[0].delivery.documents) == 3
    (change,) = late[0].expected_changes
    assert (change.remove, [code.code for code in change.add]) == (("J18.9",), ["J15.1"])
    before = icd10cm_codes(late[0].expected[0].codes)
    assert "J18.9" in before
    assert "J15.1" not in before


def test_the_same_uncertain_words_are_coded_in_the_stay_and_not_in_the_emergency_visit() -> None:
    stay, visit = BY_ID["demo-01-inpatient-stay"], BY_ID["demo-02-emergency-visit"]
    assert UNCERTAIN in stay.documents[-1].text
    assert UNCERTAIN in visit.documents[-1].text
    assert "J69.0" in icd10cm_codes(stay.expected[0].codes)
    assert "J69.0" not in icd10cm_codes(visit.expected[0].codes)
    assert "J69.0" in {trap.code for trap in visit.traps}


def test_facility_and_professional_stand_on_one_encounter() -> None:
    both = [e.id for e in ENCOUNTERS if len(e.delivery.claim_types) == 2]
    assert both == ["demo-03-outpatient-surgery"]
    assert BY_ID[both[0]].delivery.claim_types == (ClaimType.FACILITY_OUTPATIENT, ClaimType.PROFESSIONAL)


def test_bytes_are_kept_as_they_are() -> None:
    with_crlf = [document.source_id for _, document in DOCUMENTS if "\r" in document.text]
    assert with_crlf == ["demo-01-inpatient-stay/05-pathology-report"]
    for encounter, document in DOCUMENTS:
        folder = CHARTS / encounter.id.removeprefix("demo-")
        assert (folder / f"{document.source_id.split('/')[1]}.txt").read_bytes() == document.text.encode()


def test_emoji_stand_before_evidence_and_lines_are_long() -> None:
    encounter = BY_ID["demo-11-emoji-long-lines"]
    by_id = {d.source_id: split_lines(d.text) for d in encounter.documents}
    assert all(max(map(len, lines)) > 400 for lines in by_id.values())
    before = []
    for code in encounter.expected[0].codes:
        for evidence in code.evidence:
            line = by_id[evidence.document_id][evidence.line - 1]
            prefix = line[: line.index(evidence.quote)]
            before.append((code.code, any(ord(c) > 0xFFFF for c in prefix), "\u200d" in prefix))
    assert [(code, zwj) for code, astral, zwj in before if astral] == [
        ("J30.1", False),
        ("H10.13", True),
        ("G43.009", False),
        ("E03.9", False),
        ("F41.1", True),
    ]
    assert "cafe\u0301" in encounter.documents[0].text


@each_encounter
def test_expected_codes_are_billable_and_their_evidence_stands(encounter: DemoEncounter) -> None:
    lines = {document.source_id: split_lines(document.text) for document in encounter.documents}
    for code in codes_of(encounter):
        if code.system == CodeSystem.ICD10CM:
            assert icd.is_valid_item(code.code), code.code
            assert icd.is_leaf(code.code), code.code
        assert code.evidence, code.code
        assert code.status in {"expected", "optional", "query"}
        for evidence in code.evidence:
            assert evidence.quote in lines[evidence.document_id][evidence.line - 1], (
                code.code,
                evidence.line,
            )
    for trap in encounter.traps:
        assert icd.is_valid_item(trap.code), trap.code
        assert icd.is_leaf(trap.code), trap.code
        assert trap.evidence.quote in lines[trap.evidence.document_id][trap.evidence.line - 1], trap.code
    assert {trap.code for trap in encounter.traps}.isdisjoint(code.code for code in codes_of(encounter))


@each_code_set
def test_roles_poa_and_systems_fit_the_claim_type(
    encounter: DemoEncounter, expected: ExpectedCodeSet
) -> None:
    inpatient = expected.claim_type == ClaimType.FACILITY_INPATIENT
    first = CodeRole.PRINCIPAL if inpatient else CodeRole.FIRST_LISTED
    roles = [code.role for code in expected.codes]
    assert roles.count(first) == 1
    assert (CodeRole.FIRST_LISTED if inpatient else CodeRole.PRINCIPAL) not in roles
    lines = [(code.system, code.code, code.role) for code in expected.codes]
    assert len(lines) == len(set(lines))
    for code in expected.codes:
        assert code.system in SYSTEMS_BY_CLAIM_TYPE[expected.claim_type]
        diagnosis = code.system == CodeSystem.ICD10CM
        assert (code.role in CodeRole.values) if diagnosis else (code.role == "" and code.service_date)
        assert (code.poa in PresentOnAdmission.values) if diagnosis and inpatient else code.poa == ""


@each_code_set
def test_no_two_expected_codes_exclude_each_other(
    encounter: DemoEncounter, expected: ExpectedCodeSet
) -> None:
    clashes = [
        (left, right)
        for left, right in permutations(sorted(icd10cm_codes(expected.codes)), 2)
        if excludes1(left, right)
    ]
    assert clashes == []


def test_the_exclusion_check_itself_finds_a_known_pair() -> None:
    assert excludes1("P08.1", "P70.0")
    assert excludes1("K82.4", "K80.10")
    assert excludes1("R73.9", "E11.65")
    assert not excludes1("J44.0", "J18.9")


def excludes1(code: str, other: str) -> bool:
    """Whether an Excludes1 note at `code` or above it names `other` by code, block (`K80.-`) or range."""
    for node in [code, *icd.get_ancestors(code)]:
        for note in icd.get_excludes1(node):
            for named in re.findall(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]+)?(?:\.?-[A-Z]\d[0-9A-Z])?", note):
                start, _, end = named.partition("-")
                if other.startswith(start) or (end and start <= other[:3] <= end):
                    return True
    return False


@each_encounter
def test_expected_files_say_nothing_the_reader_drops(encounter: DemoEncounter) -> None:
    folder = CHARTS / encounter.id.removeprefix("demo-")
    about = json.loads((folder / "encounter.json").read_bytes())
    expected = json.loads((folder / "expected.json").read_bytes())
    assert about["id"] == expected["id"] == encounter.id
    assert about.keys() == {
        "id", "title", "shows", "patient", "facility", "work_group", "confidentiality", "setting",
        "claim_types", "admit_date", "discharge_date", "date_of_service", "specialty", "payer", "priority",
        "account_number", "documents",
    }  # fmt: skip
    assert expected.keys() == {"id", "note", "code_sets", "traps", "after_late_documents"}
