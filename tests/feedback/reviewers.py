"""Coders who know what the generator wrote, and slip now and then; they decide by the product's own actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.accept import accept
from coding_review.actions.add_code import Selection, add_code
from coding_review.actions.claim import claim
from coding_review.actions.dismiss import dismiss
from coding_review.actions.reject import reject
from coding_review.actions.set_evidence import set_evidence
from coding_review.actions.set_line import set_poa, set_role
from coding_review.actions.sign_off import sign_off
from coding_review.choices import CODED_STATES
from coding_review.errors import ReviewError
from coding_review.models import CodeEntry, CodeSet, DocumentVersion
from modelops.choices import Band

_REASONS: Mapping[str, str] = {
    "negated": "negated",
    "family_history": "family_history",
    "historical": "historical",
    "uncertain_outpatient": "outpatient_uncertain",
    "other_person": "other_person",
    "copied_forward_resolved": "copied_forward",
    "template_text": "not_documented",
    "lab_only": "finding_without_diagnosis",
    "hypothetical": "hypothetical",
}


class Reviewer:
    """`slips`: share of the suggestions that are decided the other way. `whole_lines`: evidence of accepted ones is
    set to the whole line; else it stays as it was suggested where it points to the right line. What was done is counted
    in `done`."""

    def __init__(self, user: User, random: Random, slips: float, *, whole_lines: bool = False) -> None:
        self._user = user
        self._random = random
        self._slips = slips
        self._whole_lines = whole_lines
        self.done: Counter[str] = Counter()

    def review(self, code_set: CodeSet, truth: Mapping[str, Any]) -> None:
        """`truth`: the chart's line in the gold form. Signs the set where nothing stops it."""
        claim(self._user, code_set.encounter_id)
        version = DocumentVersion.objects.get(document__encounter=code_set.encounter_id)
        codes = {str(row["code"]): row for row in truth["codes"]}
        traps = {str(row["code"]): str(row["kind"]) for row in truth["traps"]}
        entries = list(CodeEntry.objects.filter(reading__code_set=code_set).order_by("rank", "pk"))
        for entry in entries:
            self._decide(code_set, entry, version, codes, traps)
        have = {entry.suggested_code for entry in entries}
        for code, row in codes.items():
            if code not in have:
                self._add(code_set, code, row, version)
        self._sign(code_set, codes)

    def _decide(
        self,
        code_set: CodeSet,
        entry: CodeEntry,
        version: DocumentVersion,
        codes: Mapping[str, Any],
        traps: Mapping[str, str],
    ) -> None:
        code = entry.suggested_code
        right = code in codes
        if self._random.random() < self._slips:
            right = not right
            self.done["slips"] += 1
        if right:
            try:
                accept(self._user, code_set.pk, entry.pk)
            except ReviewError as error:
                self.done[f"not accepted: {error.code}"] += 1
                return
            self.done["accepted"] += 1
            self._point(code_set, entry, version, codes.get(code))
        elif entry.band == Band.LOW:
            dismiss(self._user, code_set.pk, entry.pk)
            self.done["dismissed"] += 1
        else:
            reject(
                self._user, code_set.pk, entry.pk, reason=_REASONS.get(traps.get(code, ""), "not_documented")
            )
            self.done["rejected"] += 1

    def _point(self, code_set: CodeSet, entry: CodeEntry, version: DocumentVersion, row: Any) -> None:
        """Evidence that points elsewhere is set right, and any where whole lines are wanted."""
        if row is None:
            return
        places = list(entry.evidence.filter(stands=True))
        told = {line for place in places for line in range(place.line_start, place.line_end + 1)}
        if self._whole_lines or not told & set(row["lines"]):
            set_evidence(
                self._user,
                code_set.pk,
                entry.pk,
                add=(_line(version, row),),
                remove=tuple(place.pk for place in places),
            )
            self.done["evidence set right"] += 1

    def _add(self, code_set: CodeSet, code: str, row: Mapping[str, Any], version: DocumentVersion) -> None:
        try:
            add_code(self._user, code_set.pk, code=code, selections=(_line(version, row),))
            self.done["added"] += 1
        except ReviewError as error:
            self.done[f"not added: {error.code}"] += 1

    def _sign(self, code_set: CodeSet, codes: Mapping[str, Any]) -> None:
        inpatient = code_set.claim_type == "facility_inpatient"
        first = "principal" if inpatient else "first_listed"
        lines = list(
            CodeEntry.objects.filter(reading__code_set=code_set, state__in=CODED_STATES).order_by("sequence")
        )
        led = next(
            (e for e in lines if codes.get(e.code, {}).get("role") in ("principal", "first_listed")), None
        )
        try:
            if led or lines:
                set_role(self._user, code_set.pk, (led or lines[0]).pk, role=first)
            for entry in lines:
                if inpatient and not entry.poa:
                    set_poa(self._user, code_set.pk, entry.pk, poa="Y")
            sign_off(self._user, code_set.pk)
        except ReviewError as error:
            self.done[f"not signed: {error.code}"] += 1
            return
        self.done["signed"] += 1


def _line(version: DocumentVersion, row: Mapping[str, Any]) -> Selection:
    line = int(row["lines"][0])
    return Selection(version.pk, line, line)
