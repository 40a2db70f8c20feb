"""The worklist and "next encounter" among 100,000 encounters."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection
from django.test import Client
from django.urls import reverse

from coding_review.actions.claim import claim_next
from coding_review.choices import EncounterStatus
from coding_review.models import Encounter, WorkGroup
from tests.bench.figures import report_times, times
from tests.bench.pages import coder

NUMBER = 100_000
SPECIALTIES = ("cardiology", "surgery", "hospital medicine", "obstetrics", "emergency medicine")


def fill() -> None:
    coder()
    group = WorkGroup.objects.get(code="bench")
    first = date(2026, 1, 1)
    # As a department that runs: most are finished, some thousands wait.
    statuses = [EncounterStatus.SIGNED_OFF] * 8 + [EncounterStatus.READY, EncounterStatus.ON_HOLD]
    Encounter.objects.bulk_create(
        (
            Encounter(
                source="bench",
                source_id=f"W{n}",
                account_number=f"A{n:06}",
                facility_id=group.facility_id,
                work_group=group,
                setting="inpatient" if n % 3 else "outpatient",
                claim_types=["facility_inpatient" if n % 3 else "professional"],
                specialty=SPECIALTIES[n % 5],
                status=statuses[n % 10],
                priority=n % 4,
                sort_date=first + timedelta(days=n % 250),
                high_count=n % 9,
            )
            for n in range(NUMBER)
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE coding_review_encounter")


def worklist() -> None:
    fill()
    client = Client(SERVER_NAME="localhost")
    client.force_login(coder())
    url = reverse("web:worklist")
    for name, query in (
        ("first page", ""),
        ("ready, inpatient", "?status=ready&claim=facility_inpatient"),
        ("signed off", "?status=signed_off"),
        ("page 100", "?page=100"),
    ):
        report_times(
            f"Worklist of {NUMBER:,} encounters, {name}", times(lambda _, q=query: client.get(url + q), 20)
        )
    report_times(
        "Worklist search by account number",
        times(lambda n: client.post(reverse("web:worklist-search"), {"q": f"A0{n:03}"}), 20),
    )
    report_times(f"Next encounter among {NUMBER:,}", times(lambda _: claim_next(coder()), 50))
