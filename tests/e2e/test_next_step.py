"""After a step the page is where the next one begins: read first revealed, a hold that needs words."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from coding_review.actions.claim import claim
from coding_review.models import Encounter
from tests.coding_review.entries import DM, HF, suggest
from tests.personas import NOTE

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def address(icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any) -> str:
    # Longer than the window: a text whose end is in sight reveals by itself, before a slow test has clicked.
    code_set = make_encounter({"discharge summary": NOTE + "\nStable." * 120}).code_sets.get()
    suggest(code_set, HF, DM)
    claim(coder, code_set.encounter_id)
    sign_in(coder)
    path = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    return f"{live_server.url}{path}"


def test_revealed_suggestions_begin_at_the_first(address: str, page: Page, settings: Any) -> None:
    settings.READ_FIRST = True
    page.goto(address)
    # How many there are would say something about the text.
    expect(page.locator("#progress")).to_contain_text("Read first.")
    expect(page.locator("#progress")).not_to_contain_text("undecided")
    expect(page.get_by_role("tab", name="Suggestions")).to_have_text("Suggestions")
    page.get_by_role("button", name="I have read it").click()
    expect(page.get_by_role("tab", name="Suggestions")).to_have_text("Suggestions2")
    expect(page.locator("#cards > .card").first).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("#cards > .card").nth(1)).to_be_focused()


def test_a_hold_for_another_reason_asks_for_its_comment_before_it_is_sent(address: str, page: Page) -> None:
    page.goto(address)
    expect(page.locator(".card.is-selected")).to_be_focused()
    page.keyboard.press("h")
    page.get_by_label("Reason").first.select_option("other")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.locator("#hold-comment:invalid")).to_be_focused()
    assert Encounter.objects.get().status == "in_review"
    page.keyboard.type("Waits for the registry")
    page.keyboard.press("Enter")
    expect(page.get_by_text("On hold.", exact=True)).to_be_visible()
    assert Encounter.objects.get().status == "on_hold"
