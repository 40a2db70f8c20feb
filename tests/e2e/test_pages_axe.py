"""No page fails axe, in both themes; the review page and the worklist are in test_review_behaviour.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from catalog.models import IndexEntry, TableEdition
from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from tests.catalog.test_index_pages import load_index
from tests.coding_review.entries import DM, HF, suggest
from tests.e2e.test_review_behaviour import axe_in_both_themes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def index(icd10cm: Any) -> Iterator[TableEdition]:
    """Of another year than the release, so that every mark shows. What is loaded outlives a test: taken away again."""
    edition = load_index(edition="FY2025", valid_from=dt.date(2024, 10, 1), valid_to=dt.date(2025, 9, 30))
    yield edition
    edition.delete()


def test_axe_finds_nothing_on_any_page(
    index: TableEdition,
    make_encounter: Any,
    coder: Any,
    lead: Any,
    auditor: Any,
    sign_in: Any,
    live_server: Any,
    page: Page,
    complaints: list[str],
) -> None:
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    entry, _ = suggest(code_set, HF, DM)
    claim(coder, encounter.pk)
    accept(coder, code_set.pk, entry.pk, seen_version=0)

    def look(address: str) -> list[str]:
        page.goto(live_server.url + address)
        return axe_in_both_themes(page)

    found = {"sign-in": look(reverse("web:sign-in"))}
    sign_in(lead)
    found["import"] = look(reverse("web:import"))
    found["codes"] = look(reverse("codes:search"))
    found["code"] = look(reverse("codes:code", args=["icd10cm", "E11.22"]))
    found["code in the index"] = look(reverse("codes:code", args=["icd10cm", "E11.22"]))
    found["index"] = look(reverse("codes:index"))
    top = IndexEntry.objects.of(index).earliest("position")
    found["index line"] = look(reverse("codes:index-entry", args=["index", top.pk]))
    found["read-only"] = look(reverse("web:review", args=[encounter.pk, code_set.claim_type]))
    found["missing"] = look("/encounters/999999/")
    sign_in(auditor)
    found["audit"] = look(reverse("web:audit"))
    found["history"] = look(reverse("web:encounter-history", args=[encounter.pk]))
    found["refused"] = look(reverse("web:review", args=[encounter.pk, code_set.claim_type]))
    assert found == {name: [] for name in found}
    # The browser also logs the two refusals that were asked for.
    assert sorted(text.split("status of ")[1][:3] for text in complaints) == ["403", "404"]
    complaints.clear()
