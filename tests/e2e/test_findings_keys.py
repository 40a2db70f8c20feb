"""A hard finding by keyboard: it appears with the decision, is overridden with a reason, and the set is signed."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from catalog.choices import TableKind
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.loaders.table_rows import MueRow, NcciRow
from catalog.loaders.table_store import load_table
from coding_review.models import CodeSet, FindingOverride
from tests.catalog.test_table_store import source
from tests.coding_review.entries import suggest
from tests.coding_review.finding_cases import ANEMIA, DELIVERY, DM1, DM2, coded
from tests.e2e.test_review_behaviour import axe, axe_in_both_themes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def review_url(live_server: Any, code_set: CodeSet) -> str:
    address = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    return str(live_server.url) + address


def test_overridden_and_signed_by_keyboard(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = coded(make_encounter, coder, DELIVERY)
    (anemia,) = suggest(code_set, ANEMIA)
    sign_in(coder)
    page.goto(review_url(live_server, code_set))
    expect(page.locator(f"#entry-{anemia.pk}")).to_be_focused()
    press = page.keyboard.press
    for key in ("o", "y"):
        press(key)
    expect(page.locator(f"#entry-{anemia.pk}")).to_be_focused()
    press("a")
    # Beside both codes that it concerns, though only one was decided on.
    beside = page.locator(".card .find.stop", has_text="O80 stands with no other code of chapter 15")
    expect(beside).to_have_count(2)
    expect(beside.first).to_contain_text("Stops sign-off")
    expect(page.locator("#progress .block")).to_have_text("Sign-off waits for: 1 hard finding")

    press("f")
    finding = page.locator("#findings .finding.stop")
    expect(finding).to_be_focused()
    expect(finding).to_contain_text("I.C.15.n")
    press("o")
    press("1")
    expect(finding.locator("[name=comment]")).to_be_focused()
    page.keyboard.type("The anemia belongs to the stay before.")
    press("Enter")
    overridden = page.locator("#findings .finding.is-overridden")
    expect(overridden).to_contain_text("The rule does not apply to this encounter")
    expect(overridden).to_contain_text("The anemia belongs to the stay before.")
    expect(page.locator("#findings .finding.stop")).to_have_count(0)
    expect(page.locator(".card .find.stop")).to_have_count(0)
    expect(page.locator("#progress .block")).to_have_text("Ready to sign off")
    assert FindingOverride.objects.get().outcome == "not_applicable"

    # Withdrawn and said again, all without leaving the keys.
    for _ in range(page.locator("#findings [data-finding]").count()):
        press("j")
    expect(overridden).to_be_focused()
    press("w")
    expect(finding).to_have_count(1)
    expect(page.locator("#progress .block")).to_have_text("Sign-off waits for: 1 hard finding")
    press("f")
    expect(finding).to_be_focused()
    press("o")
    press("2")
    page.keyboard.type("The list of the release is behind.")
    press("Enter")
    expect(page.locator("#progress .block")).to_have_text("Ready to sign off")
    press("s")
    expect(page.get_by_role("button", name="Sign off", exact=True)).to_be_focused()
    press("Enter")
    expect(page.locator("#sign-off .note.success")).to_contain_text("Signed off")
    signed = CodeSet.objects.get(pk=code_set.pk)
    kept = [f for f in signed.editions["code_edits"]["findings"] if f["check"] == "normal_delivery"]
    assert [f["override"]["outcome"] for f in kept] == ["table_error"]


@pytest.mark.parametrize("by", ["digit", "mouse"])
def test_a_reason_that_needs_a_comment_waits_for_it_and_says_so(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page, by: str
) -> None:
    code_set = coded(make_encounter, coder, DELIVERY, ANEMIA)
    sign_in(coder)
    page.goto(review_url(live_server, code_set) + "?panel=findings")
    page.wait_for_load_state("networkidle")
    finding = page.locator("#findings .finding.stop")
    finding.locator("summary").click()
    comment, hint = finding.locator("[name=comment]"), finding.locator("[data-hint]")
    comment.press("Enter")
    expect(hint).to_have_text("Choose a reason first, by its digit or a click.")
    chip = finding.locator(".chip[data-digit='1']")
    if by == "mouse":
        chip.click()
    else:
        finding.focus()
        page.keyboard.press("1")
    expect(hint).to_have_text("This reason needs a comment. Write it and press Enter.")
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(comment).to_be_focused()
    assert axe(page) == []
    assert not FindingOverride.objects.exists()
    page.keyboard.type("The anemia belongs to the stay before.")
    page.keyboard.press("Enter")
    expect(page.locator("#findings .finding.is-overridden")).to_have_count(1)
    assert FindingOverride.objects.get().outcome == "not_applicable"


@pytest.fixture
def claim_tables(icd10cm: Any) -> Iterator[None]:
    """The sample of CPT, a pair that never goes together, one that may, a limit of units; gone afterwards."""
    release = load(open_source("cpt")).release
    days = {"valid_from": dt.date(2026, 4, 1), "valid_to": dt.date(2026, 9, 30), "edition": "made up"}
    pairs = (
        NcciRow("43239", "43235", days["valid_from"], None, "0", "More extensive procedure"),
        NcciRow("20610", "36415", days["valid_from"], None, "1", "Misuse of column 2 code"),
    )
    editions = [
        load_table(source(*rows, kind=kind, fingerprint=mark * 64, **days)).edition
        for kind, mark, rows in (
            (TableKind.NCCI, "8", pairs),
            (TableKind.MUE, "9", (MueRow("20610", 2, "2", "Anatomic"),)),
        )
    ]
    yield
    for each in (*editions, release):
        each.delete()


def test_claim_edits_follow_the_procedures_that_are_entered(
    claim_tables: None, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = coded(make_encounter, coder, DM2, claim_types=("professional",), setting="outpatient")
    sign_in(coder)
    page.goto(review_url(live_server, code_set) + "?panel=codes")
    page.wait_for_load_state("networkidle")
    for code, units in (("43239", "1"), ("43235", "1"), ("20610", "3"), ("36415", "1")):
        by_hand = page.locator("#panel-codes .manual")
        if by_hand.get_attribute("open") is None:
            by_hand.locator("summary").click()
        by_hand.locator("[name=code]").fill(code)
        by_hand.locator("[name=units]").fill(units)
        by_hand.locator("[name=code]").press("Enter")
        expect(page.locator("#code-set .setline .code", has_text=code)).to_be_visible()
    beside = page.locator("#code-set .find")
    never = beside.filter(
        has_text="43235 is not reported beside 43239 on one date (More extensive procedure)"
    )
    expect(never).to_have_count(2)
    expect(never.first).to_contain_text("no modifier changes that")
    units_ = beside.filter(
        has_text="20610: 3 units on 2026-06-09, at most 2 are possible; this limit is absolute."
    )
    expect(units_).to_have_count(1)
    expect(beside.filter(has_text="unless the documentation shows that they were separate")).to_have_count(2)
    expect(page.locator("#progress .block")).to_contain_text("2 hard findings")
    # Never a way round by modifier.
    for words in beside.all_inner_texts():
        assert not re.search(r"modifier (59|X[EPSU])", words)
    page.locator("#tab-findings").click()
    pair = page.locator("#findings .finding.stop", has_text="43239")
    expect(pair).to_contain_text("made up")
    pair.get_by_role("button", name="Remove 43235").click()
    expect(page.locator("#findings .finding", has_text="43235")).to_have_count(0)
    expect(page.locator("#progress .block")).to_contain_text("1 hard finding")


def test_the_panel_of_findings_is_accessible(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = coded(make_encounter, coder, DELIVERY, ANEMIA, DM2, DM1)
    sign_in(coder)
    page.goto(review_url(live_server, code_set) + "?panel=findings")
    stop = page.locator("#findings .finding.stop").first
    stop.locator("summary").click()
    expect(stop.locator(".outcomes .chip").first).to_be_visible()
    shots = os.environ.get("FINDINGS_SHOTS", "")
    assert axe_in_both_themes(page) == []
    if shots:
        page.screenshot(path=f"{shots}/findings.png")
    page.set_viewport_size(PHONE)
    assert axe_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if shots:
        page.screenshot(path=f"{shots}/findings-390.png")
    page.set_viewport_size(DESK)
    page.goto(review_url(live_server, code_set) + "?panel=codes")
    expect(page.locator("#code-set .find.stop").first).to_be_visible()
    assert axe_in_both_themes(page) == []
    if shots:
        page.screenshot(path=f"{shots}/codes.png")


def test_the_page_of_a_code_opens_over_the_review_page(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    sign_in(coder)
    url = review_url(live_server, code_set)
    page.goto(url)
    card = page.locator(".card.is-selected")
    expect(card).to_be_focused()
    code = card.get_attribute("data-code")
    page.keyboard.press("i")
    head = page.locator("#code-dialog h1")
    expect(head).to_contain_text(str(code))
    expect(page.locator("#code-dialog")).to_contain_text("Instructions that apply here")
    assert axe(page) == []
    shots = os.environ.get("FINDINGS_SHOTS", "")
    if shots:
        page.screenshot(path=f"{shots}/code-page.png")
    # A link in it leads on inside it; the keys of the cards do nothing behind it.
    page.locator("#code-dialog .path a").last.click()
    expect(head).not_to_contain_text(str(code))
    page.keyboard.press("w")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if shots:
        page.screenshot(path=f"{shots}/code-page-390.png")
    page.keyboard.press("Escape")
    expect(page.locator("#code-dialog")).not_to_be_visible()
    expect(card).to_be_focused()
    expect(card).to_have_attribute("data-state", "accepted")
    assert page.url == url
