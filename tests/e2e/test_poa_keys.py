"""Present on admission by its letter: on a card before deciding, and down the lines of the code set."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from coding_review.actions.claim import claim
from coding_review.models import CodeEntry
from tests.coding_review.entries import CKD, DM, HF, suggest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_letter_is_enough_and_the_next_missing_line_follows(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = make_encounter().code_sets.get()
    hf, dm, ckd = suggest(code_set, HF, DM, CKD)
    claim(coder, code_set.encounter_id)
    sign_in(coder)
    page.goto(live_server.url + reverse("web:review", args=[code_set.encounter_id, code_set.claim_type]))
    expect(page.locator(f"#entry-{hf.pk}")).to_be_focused()
    for key in ("o", "y"):
        page.keyboard.press(key)
    expect(page.locator(f"#entry-{hf.pk}")).to_be_focused()
    for entry, following in ((hf, dm), (dm, ckd), (ckd, None)):
        page.keyboard.press("a")
        expect(page.locator(f"#entry-{entry.pk}")).to_have_attribute("data-state", "accepted")
        if following:
            expect(page.locator(f"#entry-{following.pk}")).to_be_focused()

    page.keyboard.press("s")
    page.get_by_role("link", name="2 POA").press("Enter")
    expect(page.locator(f"#poa-{dm.pk}")).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator(f"#poa-{ckd.pk}")).to_be_focused()
    page.keyboard.press("e")
    expect(page.locator("#progress .block")).to_have_text(
        "Sign-off waits for: principal diagnosis not marked"
    )
    expect(page.locator(f"#poa-{ckd.pk}")).to_be_focused()
    stored = CodeEntry.objects.order_by("pk").values_list("poa", flat=True)
    assert list(stored) == ["Y", "N", "1"]
