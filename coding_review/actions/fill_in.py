"""What an encounter lacks and a later delivery knows: filled in and audited. What stands is never replaced."""

from __future__ import annotations

from typing import Any

from coding_review import audit
from coding_review.incoming import IncomingEncounter
from coding_review.models import Encounter

# Those that choose the release come with the discharge, when the first documents are long here.
DATES = ("admit_date", "discharge_date", "date_of_service")
_FIELDS = ("account_number", *DATES, "specialty", "payer")


def fill_in(actor: Any, encounter: Encounter, incoming: IncomingEncounter, *, via: str) -> tuple[str, ...]:
    """The names of what was filled in.

    A step of `receive_encounter`, which holds the encounter's lock and leaves out encounters with a signed
    code set. A date that would put the discharge before the admission stays out.
    """
    found = {
        name: getattr(incoming, name)
        for name in _FIELDS
        if getattr(encounter, name) in ("", None) and getattr(incoming, name) not in ("", None)
    }
    if encounter.age is None and incoming.age is not None:
        found |= {"age": incoming.age, "age_unit": incoming.age_unit}
    sex = incoming.sex or (incoming.patient.sex if incoming.patient else "")
    if sex and not encounter.sex:
        found["sex"] = sex
    admitted = found.get("admit_date", encounter.admit_date)
    discharged = found.get("discharge_date", encounter.discharge_date)
    if admitted and discharged and discharged < admitted:
        found = {name: value for name, value in found.items() if name not in ("admit_date", "discharge_date")}
    if not found:
        return ()
    for name, value in found.items():
        setattr(encounter, name, value)
    encounter.sort_date = encounter.discharge_date or encounter.date_of_service
    encounter.save(update_fields=[*found, "sort_date"])
    fields = tuple(name for name in found if name != "age_unit")
    audit.record(
        "encounter.updated", actor=actor, encounter=encounter, data={"fields": list(fields), "via": via}
    )
    return fields
