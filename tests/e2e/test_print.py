"""Printing: the code set is on the paper, also right after a decision."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from coding_review.actions.claim import claim
from tests.coding_review.entries import DM, HF, suggest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_the_code_set_is_printed_right_after_a_decision(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = make_encounter().code_sets.get()
    hf, _ = suggest(code_set, HF, DM)
    claim(coder, code_set.encounter_id)
    sign_in(coder)
    page.goto(live_server.url + reverse("web:review", args=[code_set.encounter_id, code_set.claim_type]))
    expect(page.locator(".card.is-selected")).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator(f"#entry-{hf.pk}")).to_have_attribute("data-state", "accepted")
    assert page.locator("#code-set .setline").count() == 0
    page.pdf()
    assert page.locator("#code-set .setline .code").all_text_contents() == ["I50.23"]
