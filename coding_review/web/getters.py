"""Fetching what a request names, with the check of access in the same step.

What lies outside the user's work groups and labels does not exist for them: Http404. What they can see but
may not use raises NotAllowed (403). Views and API reach encounters, code sets and entries only through here.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404

from coding_review.auth import require
from coding_review.kept_reads import KeptValues
from coding_review.models import CodeEntry, CodeSet, Encounter
from coding_review.models.encounter import opens

HIDDEN = "Nothing here, or it is not open to you."
_CODE_SET_OF_ENTRY = KeptValues(
    lambda pk: CodeEntry.objects.filter(pk=pk).values_list(
        "reading__code_set",
        "reading__code_set__encounter__work_group",
        "reading__code_set__encounter__confidentiality",
    ),
    int,
)


def get_encounter_for(user: Any, pk: int, permission: str) -> Encounter:
    """The encounter with its facility, work group and owner. Raises Http404, NotAllowed."""
    encounter = (
        Encounter.objects.visible_to(user)
        .select_related("facility", "work_group", "owner", "patient")
        .filter(pk=pk)
        .first()
    )
    if encounter is None:
        raise Http404(HIDDEN)
    require(user, permission)
    return encounter


def get_code_set_for(user: Any, pk: int, permission: str) -> CodeSet:
    """The code set with its encounter and release. Raises Http404, NotAllowed."""
    code_set = CodeSet.objects.select_related("encounter", "release", "signed_by").filter(pk=pk).first()
    if code_set is None or not code_set.encounter.is_visible_to(user):
        raise Http404(HIDDEN)
    require(user, permission)
    return code_set


def get_entry_for(user: Any, pk: int, permission: str) -> CodeEntry:
    """The entry with its reading, code set and encounter. Raises Http404, NotAllowed."""
    entry = CodeEntry.objects.select_related("reading__code_set__encounter").filter(pk=pk).first()
    if entry is None or not entry.reading.code_set.encounter.is_visible_to(user):
        raise Http404(HIDDEN)
    require(user, permission)
    return entry


def code_set_of_entry(user: Any, pk: int, permission: str) -> int:
    """Only which code set the entry stands in: for an act, which fetches and locks the rest itself.

    Raises Http404, NotAllowed.
    """
    for code_set_id, work_group, confidentiality in _CODE_SET_OF_ENTRY.rows(pk):
        if opens(user, work_group, confidentiality):
            require(user, permission)
            return int(code_set_id)
    raise Http404(HIDDEN)
