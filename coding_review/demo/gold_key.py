"""The demo's qualification chart: a code set that a certified coder signed, whose lines are the key."""

from __future__ import annotations

from django.contrib.auth.models import User

from coding_review.actions.accept import accept
from coding_review.actions.add_code import Selection, add_code
from coding_review.actions.claim import claim
from coding_review.actions.reject import reject
from coding_review.actions.set_line import set_role
from coding_review.actions.sign_off import sign_off
from coding_review.choices import CODED_STATES, EntryState
from coding_review.demo.encounters import DemoEncounter
from coding_review.models import CodeEntry, CodeSet, DocumentVersion


def signed_as_expected(user: User, demo: DemoEncounter) -> CodeSet:
    """The encounter's code set, coded as `expected.json` has it and signed by `user`. Raises ReviewError."""
    code_set = CodeSet.objects.current().get(encounter__source_id=demo.delivery.source_id)
    claim(user, code_set.encounter_id)
    expected = {code.code: code for code in demo.expected[0].codes if code.status == "expected"}
    entries = CodeEntry.objects.filter(reading__code_set=code_set)
    for entry in entries.filter(state=EntryState.UNDECIDED).order_by("rank"):
        if entry.suggested_code in expected:
            accept(user, code_set.pk, entry.pk)
        else:
            reject(user, code_set.pk, entry.pk, reason="integral_symptom")
    versions = DocumentVersion.objects.latest_of(code_set.encounter)
    places = {version.document.source_id: version.pk for version in versions}
    for code, one in expected.items():
        coded = entries.filter(code=code, state__in=CODED_STATES).first()
        if coded is None:
            selections = tuple(Selection(places[e.document_id], e.line, e.line) for e in one.evidence)
            coded = add_code(user, code_set.pk, code=code, selections=selections)
        if one.role:
            set_role(user, code_set.pk, coded.pk, role=one.role)
    return sign_off(user, code_set.pk)
