"""What the screenshots show: the demo encounters in the middle of a day's work. Actions only, as people would."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.actions.dismiss import dismiss
from coding_review.actions.grant_access import grant_role, open_work_group
from coding_review.actions.hold import hold
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.actions.record_exposure import record_exposure
from coding_review.actions.reject import reject
from coding_review.actions.set_line import set_poa, set_role
from coding_review.actions.sign_off import sign_off
from coding_review.demo.encounters import DemoEncounter, demo_encounters, demo_facilities
from coding_review.demo.users import DEMO_USERS
from coding_review.models import CodeEntry, CodeSet, Encounter, Facility, ReviewerProfile, WorkGroup
from tests.deliveries import predict_waiting


@dataclass(frozen=True, slots=True)
class Stage:
    people: dict[str, User]
    stay: CodeSet


def set_stage() -> Stage:
    """The stay is with the coder, a third decided; others are signed, on hold or with a second coder."""
    people = _people()
    known = {one.id[:7]: one for one in demo_encounters()}
    for one in known.values():
        receive_encounter(people["lead"], one.delivery, via="demo")
    predict_waiting()
    signed(people["coder"], known["demo-04"])
    late = known["demo-04"].late_delivery
    assert late is not None
    receive_encounter(people["lead"], late, via="demo")
    signed(people["coder2"], known["demo-13"])
    visit = code_sets_of(known["demo-09"])[0]
    claim(people["coder"], visit.encounter_id)
    hold(
        people["coder"], visit.encounter_id, reason="provider_query", comment="Type of diabetes drug stopped"
    )
    decided(people["coder2"], known["demo-14"], share=0.5)
    decided(people["coder"], known["demo-01"], share=0.25)
    return Stage(people, code_sets_of(known["demo-01"])[0])


@transaction.atomic
def _people() -> dict[str, User]:
    groups = {}
    for about in demo_facilities():
        facility = Facility.objects.create(code=about.code, name=about.name, time_zone=about.time_zone)
        for each in about.work_groups:
            groups[about.code, each.code] = WorkGroup.objects.create(
                facility=facility, code=each.code, name=each.name
            )
    people = {}
    for one in DEMO_USERS:
        user = User.objects.create_user(one.username, first_name=one.first_name, last_name=one.last_name)
        ReviewerProfile.objects.create(user=user, credential=one.credential, pseudonym=f"R-{user.pk:04d}")
        grant_role(None, user, one.role)
        for facility_code, group, ceiling in one.groups:
            open_work_group(None, user, groups[facility_code, group], ceiling)
        people[one.username] = user
    return people


def code_sets_of(about: DemoEncounter) -> list[CodeSet]:
    encounter = Encounter.objects.get(source_id=about.id)
    return list(CodeSet.objects.filter(encounter=encounter).order_by("pk"))


def decided(coder: User, about: DemoEncounter, *, share: float) -> list[CodeSet]:
    """Every code set of it, the first `share` of its suggestions, as about.expected says."""
    code_sets = code_sets_of(about)
    claim(coder, code_sets[0].encounter_id)
    for code_set in code_sets:
        right = {
            code.code: code
            for expected in about.expected
            if expected.claim_type == code_set.claim_type
            for code in expected.codes
        }
        entries = list(CodeEntry.objects.filter(reading__code_set=code_set).order_by("rank", "pk"))
        for entry in entries[: round(len(entries) * share)]:
            record_exposure(coder, code_set.pk, shown=[entry.pk], opened=[entry.pk], after_first_read=False)
            if entry.code in right:
                poa = right[entry.code].poa if code_set.claim_type == "facility_inpatient" else ""
                accept(coder, code_set.pk, entry.pk, poa=poa)
                if right[entry.code].role in {"principal", "first_listed"}:
                    set_role(coder, code_set.pk, entry.pk, role=right[entry.code].role)
            elif entry.band == "low":
                dismiss(coder, code_set.pk, entry.pk)
            else:
                reject(coder, code_set.pk, entry.pk, reason="not_reportable")
    return code_sets


def signed(coder: User, about: DemoEncounter) -> None:
    for code_set in decided(coder, about, share=1):
        for entry in CodeEntry.objects.filter(reading__code_set=code_set, state="accepted", poa=""):
            if code_set.claim_type == "facility_inpatient":
                set_poa(coder, code_set.pk, entry.pk, poa="Y")
        lines = CodeEntry.objects.filter(reading__code_set=code_set, state="accepted")
        role = "principal" if code_set.claim_type == "facility_inpatient" else "first_listed"
        first = lines.order_by("sequence").first()
        if first is not None and not lines.filter(role=role).exists():
            set_role(coder, code_set.pk, first.pk, role=role)
        sign_off(coder, code_set.pk)
