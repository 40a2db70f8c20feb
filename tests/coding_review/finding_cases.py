"""Code sets whose lines have findings, for the tests of findings and their overrides."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.accept import accept
from coding_review.actions.set_line import set_role
from coding_review.models import CodeEntry, CodeSet
from modelops.choices import Band
from tests.coding_review.entries import suggest

DM1 = ("E10.9", Band.HIGH, "Type 2 diabetes mellitus")
DM2 = ("E11.9", Band.HIGH, "diabetic chronic kidney disease")
DELIVERY = ("O80", Band.HIGH, "Discharged home")
ANEMIA = ("O99.013", Band.MEDIUM, "CKD stage 3b")


def coded(make_encounter: Any, coder: User, *codes: tuple[str, str, str], **values: Any) -> CodeSet:
    """A stay in the coder's hands with these codes accepted, the first of them principal, POA given."""
    code_set: CodeSet = make_encounter(status="in_review", owner=coder, **values).code_sets.get()
    for number, entry in enumerate(suggest(code_set, *codes)):
        inpatient = code_set.claim_type == "facility_inpatient"
        accept(coder, code_set.pk, entry.pk, poa="Y" if inpatient else "")
        if number == 0:
            set_role(coder, code_set.pk, entry.pk, role="principal" if inpatient else "first_listed")
    return CodeSet.objects.select_related("encounter", "release").get(pk=code_set.pk)


def entry_of(code_set: CodeSet, code: str) -> CodeEntry:
    return CodeEntry.objects.get(reading__code_set=code_set, code=code)
