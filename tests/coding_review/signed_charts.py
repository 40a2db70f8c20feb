"""Signed encounters for tests of what models learn from: made by the product's own actions."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.accept import accept
from coding_review.actions.add_code import Selection, add_code
from coding_review.actions.claim import claim
from coding_review.actions.dismiss import dismiss
from coding_review.actions.modify import modify
from coding_review.actions.reject import reject
from coding_review.actions.set_line import set_role
from coding_review.actions.sign_off import sign_off
from coding_review.models import CodeSet, DocumentVersion, Encounter
from tests.coding_review.entries import CKD, DM, HF, PNEUMONIA, SOB, suggest
from tests.personas import MakeEncounter

ON = date(2026, 6, 9)
EDEMA = ("R60.0", "high", "furosemide")


def signed_chart(make_encounter: MakeEncounter, coder: User, **values: Any) -> CodeSet:
    """Of tests.personas.NOTE: heart failure accepted, diabetes modified to E11.21, kidney disease added by hand, edema
    rejected as not documented, dyspnea dismissed, pneumonia left undecided."""
    encounter = make_encounter(
        **{"synthetic": True, "claim_types": ("professional",), "setting": "outpatient", **values}
    )
    return sign(encounter, coder)


def sign(encounter: Encounter, coder: User) -> CodeSet:
    code_set = encounter.code_sets.get()
    hf, dm, edema, dyspnea, _ = suggest(code_set, HF, DM, EDEMA, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, hf.pk)
    modify(coder, code_set.pk, dm.pk, code="E11.21", reason="not_specific")
    version = DocumentVersion.objects.get(document__encounter=encounter)
    add_code(coder, code_set.pk, code="N18.32", selections=(Selection(version.pk, 4, 4),))
    reject(coder, code_set.pk, edema.pk, reason="not_documented")
    dismiss(coder, code_set.pk, dyspnea.pk)
    set_role(coder, code_set.pk, hf.pk, role="first_listed")
    return sign_off(coder, code_set.pk)


__all__ = ["CKD", "DM", "HF", "sign", "signed_chart"]
