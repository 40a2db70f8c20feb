"""The review page of a long stay and the round trip of a decision, in process through all middleware."""

from __future__ import annotations

import gc
import hashlib
import re
from datetime import date

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Code, Release
from coding_review.actions.claim import claim
from coding_review.choices import EntryOrigin, Role, RunStatus
from coding_review.counters import refresh_counters
from coding_review.models import (
    CodeEntry,
    CodeSet,
    Document,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    Facility,
    Membership,
    PredictionRun,
    Reading,
    ReviewerProfile,
    RoleAssignment,
    Suggestion,
    WorkGroup,
)
from tests.bench.figures import report_times, times

LINES, SUGGESTIONS = 2_000, 200
HTMX = {"HX-Request": "true"}
FOUND = re.compile(r'id="found-(\d+)"(?: data-found="([^"]+)")?')


def coder() -> User:
    found = User.objects.filter(username="bench").first()
    if found is not None:
        return found
    facility = Facility.objects.create(code="BENCH", name="Bench")
    group = WorkGroup.objects.create(facility=facility, code="bench", name="Bench")
    user = User.objects.create_user("bench")
    RoleAssignment.objects.create(user=user, role=Role.CODER)
    Membership.objects.create(user=user, work_group=group)
    ReviewerProfile.objects.create(user=user, credential="CCS", pseudonym="R-bench")
    return user


def long_stay(number: int) -> CodeSet:
    """One document of 2,000 lines with 200 suggestions of two quotes each."""
    # As coding_review/wsgi.py does for the web processes.
    gc.collect()
    gc.freeze()
    user, release = coder(), Release.objects.get()
    group = WorkGroup.objects.get(code="bench")
    on = date(2026, 6, 9)
    encounter = Encounter.objects.create(
        source="bench",
        source_id=f"long-{number}",
        facility=group.facility,
        work_group=group,
        setting="inpatient",
        claim_types=["facility_inpatient"],
        status="ready",
        admit_date=on,
        discharge_date=on,
        sort_date=on,
    )
    code_set = CodeSet.objects.create(encounter=encounter, claim_type="facility_inpatient", release=release)
    text = "\n".join(
        f"Line {n}: the patient was seen, examined and treated; condition number {n} is documented here."
        for n in range(1, LINES + 1)
    )
    document = Document.objects.create(encounter=encounter, source_id="D1", type="discharge summary")
    version = DocumentVersion.objects.create(
        document=document,
        version=1,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        line_count=LINES,
    )
    run = PredictionRun.objects.create(
        code_set=code_set,
        engine="embedded",
        question_hash=f"{number:064}",
        status=RunStatus.DONE,
        release=release,
    )
    run.documents.add(version)
    reading = Reading.objects.create(code_set=code_set)
    codes = Code.objects.filter(release=release, billable=True).order_by("position")[
        :: 74_719 // SUGGESTIONS
    ][:SUGGESTIONS]
    for rank, node in enumerate(codes, start=1):
        band = ("high", "medium", "low")[rank % 3]
        common = {"rank": rank, "code": node.code, "title": node.title, "confidence": 0.9, "band": band}
        suggestion = Suggestion.objects.create(run=run, rationale="Stated by the attending.", **common)
        entry = CodeEntry.objects.create(
            reading=reading,
            origin=EntryOrigin.SUGGESTED,
            suggestion=suggestion,
            suggested_code=node.code,
            rationale="Stated by the attending.",
            **common,
        )
        for order, line in enumerate((rank * 10, rank * 10 - 5)):
            EntryEvidence.objects.create(
                entry=entry,
                document_version=version,
                order=order,
                line_start=line,
                line_end=line,
                col_start=0,
                col_end=30,
                quote=version.lines[line - 1][:30],
            )
    refresh_counters(encounter)
    claim(user, encounter.pk)
    return code_set


def review_page() -> None:
    code_set, client = long_stay(1), Client(SERVER_NAME="localhost")
    client.force_login(coder())
    url = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])

    def get(_: int) -> None:
        assert client.get(url).status_code == 200

    report_times(f"Review page, {LINES:,} lines, {SUGGESTIONS} suggestions", times(get, 40), "p95 400 ms")


def decision() -> None:
    code_set, client = long_stay(2), Client(SERVER_NAME="localhost")
    client.force_login(coder())
    entries = list(CodeEntry.objects.filter(reading__code_set=code_set).order_by("pk"))
    # As a browser tells before it decides: the cards were in sight.
    shown = client.post(
        reverse("web:code-set-exposures", args=[code_set.pk]), {"shown": [e.pk for e in entries]}
    )
    assert shown.status_code == 204

    # The findings that the cards show, as the page's script sends them back.
    found: dict[str, str] = {}

    def decide(number: int) -> None:
        url = reverse("web:entry-decide", args=[entries[number].pk])
        sent = {"version": 0, "panel": "suggestions", "found": " ".join(filter(None, found.values()))}
        # One in five is accepted, so that the set ends as long as a claim's: 25 diagnoses.
        sent |= {"action": "accept"} if number % 5 == 0 else {"action": "reject", "reason": "not_documented"}
        answer = client.post(url, sent, headers=HTMX)
        assert answer.status_code == 200
        found.update(FOUND.findall(answer.content.decode()))

    report_times(
        f"Decision with audit, {SUGGESTIONS} suggestions on the page", times(decide, 120), "p95 50 ms"
    )
