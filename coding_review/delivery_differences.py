"""In what a delivery about a known encounter differs from what is here; it is kept as it is and reported."""

from __future__ import annotations

from coding_review.incoming import IncomingEncounter, IncomingIdentity
from coding_review.models import Encounter, PatientIdentity

_COMPARED = (
    "confidentiality",
    "account_number",
    "setting",
    "admit_date",
    "discharge_date",
    "date_of_service",
    "age",
    "age_unit",
    "specialty",
    "payer",
    "priority",
    "synthetic",
)
# Values a delivery has where it says nothing.
_LEFT_OUT: tuple[object, ...] = ("", None, 0, False)


def differences(incoming: IncomingEncounter, encounter: Encounter) -> list[str]:
    """Names of fields, without their values; what the delivery leaves out is no difference."""
    pairs: dict[str, tuple[object, object]] = {
        name: (getattr(incoming, name), getattr(encounter, name)) for name in _COMPARED
    }
    patient, ours = incoming.patient, encounter.patient
    pairs["sex"] = (incoming.sex or (patient.sex if patient else ""), encounter.sex)
    pairs["claim_types"] = (set(incoming.effective_claim_types), set(encounter.claim_types))
    pairs["work_group"] = (
        (incoming.facility, incoming.work_group),
        (encounter.facility.code, encounter.work_group.code),
    )
    if patient is not None:
        pairs["patient"] = (patient.pseudonym, ours.pseudonym if ours else "")
        if patient.identity is not None and ours is not None:
            known = PatientIdentity.objects.filter(patient=ours).first()
            pairs["identity"] = (_words_of(patient.identity), _words_of(known) if known is not None else ())
    return [name for name, (theirs, here) in pairs.items() if theirs != here and theirs not in _LEFT_OUT]


def same_identity(theirs: IncomingIdentity, ours: PatientIdentity) -> bool:
    return _words_of(theirs) == _words_of(ours)


def _words_of(identity: IncomingIdentity | PatientIdentity) -> tuple[object, ...]:
    return identity.name, identity.record_number, identity.birth_date
