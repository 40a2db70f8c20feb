"""The people of the tests and a small hospital, as fixtures; encounters come from `make_encounter`."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User

from catalog.choices import ClaimType
from catalog.errors import NoRelease
from catalog.queries import release_for
from coding_review.choices import Confidentiality, EncounterStatus, Role
from coding_review.models import (
    CodeSet,
    Document,
    DocumentVersion,
    Encounter,
    Facility,
    Membership,
    Patient,
    PatientIdentity,
    ReviewerProfile,
    RoleAssignment,
    WorkGroup,
)
from coding_review.rules.reading_order import position_of

# Of a test's first encounter. All have one length: they sort as text as they were made, and no code or token of a form
# holds one by chance, as E11.9 holds "E11".
FIRST_NUMBER = 10_001


@pytest.fixture
def facility(db: None) -> Facility:
    return Facility.objects.get_or_create(code="TVMC", defaults={"name": "Tamarack Valley Medical Center"})[0]


@pytest.fixture
def work_group(facility: Facility) -> WorkGroup:
    return WorkGroup.objects.get_or_create(
        facility=facility, code="inpatient", defaults={"name": "Inpatient coding"}
    )[0]


@pytest.fixture
def other_work_group(db: None) -> WorkGroup:
    """At another facility: the outsider's."""
    other = Facility.objects.get_or_create(code="CEDAR", defaults={"name": "Cedar Fork Clinic"})[0]
    return WorkGroup.objects.get_or_create(
        facility=other, code="outpatient", defaults={"name": "Outpatient coding"}
    )[0]


def person(
    name: str, role: str, group: WorkGroup, ceiling: str = Confidentiality.NORMAL, credential: str = "CCS"
) -> User:
    user = User.objects.create_user(name, password="a-test-Passw0rd")
    RoleAssignment.objects.create(user=user, role=role)
    Membership.objects.create(user=user, work_group=group, ceiling=ceiling)
    ReviewerProfile.objects.create(user=user, credential=credential, pseudonym=f"R-{name}")
    return user


@pytest.fixture
def coder(work_group: WorkGroup) -> User:
    return person("coder", Role.CODER, work_group)


@pytest.fixture
def other_coder(work_group: WorkGroup) -> User:
    return person("other_coder", Role.CODER, work_group)


@pytest.fixture
def lead(work_group: WorkGroup) -> User:
    return person("lead", Role.LEAD, work_group, Confidentiality.VERY_RESTRICTED)


@pytest.fixture
def expert(work_group: WorkGroup) -> User:
    return person("expert", Role.EXPERT, work_group, credential="MD")


@pytest.fixture
def adjudicator(work_group: WorkGroup) -> User:
    return person("adjudicator", Role.ADJUDICATOR, work_group, credential="MD")


@pytest.fixture
def auditor(work_group: WorkGroup) -> User:
    return person("auditor", Role.AUDITOR, work_group, Confidentiality.VERY_RESTRICTED, "RHIA")


@pytest.fixture
def admin(work_group: WorkGroup) -> User:
    return person("admin", Role.ADMIN, work_group, credential="")


@pytest.fixture
def privacy_officer(work_group: WorkGroup) -> User:
    return person(
        "privacy_officer", Role.PRIVACY_OFFICER, work_group, Confidentiality.VERY_RESTRICTED, "CHPS"
    )


@pytest.fixture
def outsider(other_work_group: WorkGroup) -> User:
    """A coder with every right of a coder, at another facility."""
    return person("outsider", Role.CODER, other_work_group, Confidentiality.VERY_RESTRICTED)


MakeEncounter = Callable[..., Encounter]

NOTE = """DISCHARGE SUMMARY
Admitted with shortness of breath.
Acute on chronic systolic heart failure, treated with furosemide.
Type 2 diabetes mellitus with diabetic chronic kidney disease, CKD stage 3b.
No evidence of pneumonia.
Discharged home."""


@pytest.fixture
def make_encounter(work_group: WorkGroup) -> MakeEncounter:
    """An encounter with documents and an open code set for each claim type; rows only, no actions run.

    `texts` maps a document type to its text. The release is the loaded one for the date, else none. Each test counts
    anew: in which part of a split a patient falls follows from the number, and must not from the tests before.
    """
    numbers = itertools.count(FIRST_NUMBER)

    def make(
        texts: dict[str, str] | None = None,
        *,
        claim_types: tuple[str, ...] = (ClaimType.FACILITY_INPATIENT,),
        status: str = EncounterStatus.READY,
        owner: User | None = None,
        group: WorkGroup | None = None,
        confidentiality: str = Confidentiality.NORMAL,
        on: date | None = date(2026, 6, 9),
        **values: Any,
    ) -> Encounter:
        number = next(numbers)
        group = group or work_group
        patient = Patient.objects.create(source="test", pseudonym=f"P{number}", sex="F")
        PatientIdentity.objects.create(
            patient=patient, name=f"Quintero-Vance, Marisol {number}", record_number=f"MRN-{number:05}"
        )
        texts = texts or {"discharge summary": NOTE}
        encounter = Encounter.objects.create(
            source="test",
            source_id=f"E{number}",
            account_number=f"A{10_000 + number}",
            patient=patient,
            facility=group.facility,
            work_group=group,
            confidentiality=confidentiality,
            setting=values.pop("setting", "inpatient"),
            claim_types=list(claim_types),
            status=status,
            owner=owner,
            admit_date=on,
            discharge_date=on,
            date_of_service=on,
            sort_date=on,
            age=78,
            sex="F",
            document_count=len(texts),
            **values,
        )
        for index, (type_, text) in enumerate(texts.items(), start=1):
            document = Document.objects.create(
                encounter=encounter,
                source_id=f"D{index}",
                type=type_,
                author_role="physician",
                position=position_of(type_),
            )
            DocumentVersion.objects.create(
                document=document,
                version=1,
                text=text,
                sha256=hashlib.sha256(text.encode()).hexdigest(),
                line_count=text.count("\n") + 1,
            )
        for claim_type in claim_types:
            try:
                release = release_for("icd10cm", encounter.date_for(claim_type))
            except NoRelease:
                release = None
            CodeSet.objects.create(encounter=encounter, claim_type=claim_type, release=release)
        return encounter

    return make
