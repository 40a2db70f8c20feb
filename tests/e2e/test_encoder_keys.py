"""The encoder by keyboard: from words to the complete code, its neighbours, its copy; and inside the review page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from catalog.choices import TableKind
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.loaders.table_rows import HccRow
from catalog.loaders.table_store import load_table
from catalog.models import Release, TableEdition
from coding_review.models import CodeEntry
from tests.catalog.test_index_pages import load_index
from tests.catalog.test_table_store import source
from tests.catalog_fixtures import small_source
from tests.e2e.test_review_behaviour import axe, axe_in_both_themes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FRACTURE = "intertrochanteric fracture of right femur"
PHONE = {"width": 390, "height": 844}


# What is loaded outlives a test that commits: each of these takes it away again.
@pytest.fixture
def index(icd10cm: Any) -> Iterator[TableEdition]:
    edition = load_index(edition="FY2025", valid_from=dt.date(2024, 10, 1), valid_to=dt.date(2025, 9, 30))
    yield edition
    edition.delete()


@pytest.fixture
def hcc(icd10cm: Any) -> Iterator[TableEdition]:
    row = HccRow("E11.22", "HCC 37", "Diabetes with chronic complications")
    edition = load_table(
        source(row, kind=TableKind.HCC, name="V28", valid_from=dt.date(2026, 1, 1), fingerprint="7" * 64)
    ).edition
    yield edition
    edition.delete()


@pytest.fixture
def cpt(icd10cm: Any) -> Iterator[Release]:
    release = load(open_source("cpt")).release
    yield release
    release.delete()


@pytest.fixture
def encoder(coder: Any, sign_in: Any, live_server: Any, page: Page, context: BrowserContext) -> Page:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    sign_in(coder)
    page.goto(live_server.url + reverse("codes:search"))
    page.wait_for_load_state("networkidle")
    return page


def watch_copied(page: Page) -> None:
    """The button says for a moment only that it copied; a slow machine could look too late."""
    page.evaluate(
        """() => {
            window.copied = [];
            const button = document.querySelector("[data-copy]");
            new MutationObserver(() => window.copied.push(button.hasAttribute("data-copied")))
                .observe(button, {attributeFilter: ["data-copied"]});
        }"""
    )


def expect_copied(page: Page, code: str) -> None:
    expect(page.locator("#live")).to_have_text(f"{code} copied")
    assert page.evaluate("window.copied[0]")


def test_from_words_to_the_7th_character_and_its_copy(index: Any, encoder: Page) -> None:
    press = encoder.keyboard.press
    expect(encoder.locator("#code-query")).to_be_focused()
    encoder.keyboard.type(FRACTURE)
    first = encoder.locator(".hit").first
    expect(first).to_contain_text("S72.141")
    expect(first).to_contain_text("Injury, poisoning")
    press("ArrowDown")
    expect(first).to_be_focused()
    press("ArrowRight")
    options = encoder.locator("[data-hit]").first.locator(".hit-option")
    expect(options.first).to_be_focused()
    expect(options.first).to_have_attribute("data-character", "A")
    press("ArrowDown")
    expect(options.nth(1)).to_be_focused()
    press("ArrowUp")
    press("ArrowLeft")
    expect(first).to_be_focused()
    press("ArrowRight")
    press("d")
    expect(options.nth(3)).to_be_focused()
    press("Enter")
    expect(encoder.locator(".code-page h1 .code")).to_have_text("S72.141D")
    expect(encoder.locator("#code-query")).to_have_value(FRACTURE)
    encoder.locator(".code-page").click(position={"x": 5, "y": 5})
    watch_copied(encoder)
    press("c")
    expect_copied(encoder, "S72.141D")
    assert encoder.evaluate("navigator.clipboard.readText()") == "S72.141D"


def test_by_mouse_from_words_to_the_complete_code_and_its_copy(index: Any, encoder: Page) -> None:
    encoder.locator("#code-query").fill("fracture of left radial styloid")
    choices = encoder.locator("details.hit-options").first
    choices.locator("summary").click()
    choices.locator(".hit-option[data-character='D']").click()
    code = encoder.locator(".code-page h1 .code")
    expect(code).to_have_text("S52.512D")
    watch_copied(encoder)
    encoder.locator("[data-copy]").click()
    expect_copied(encoder, "S52.512D")
    assert encoder.evaluate("navigator.clipboard.readText()") == "S52.512D"


@pytest.fixture
def later(icd10cm: Any) -> Iterator[Release]:
    """The year after the built-in release, of a few codes: E11.7 is new, E11.9 called otherwise, the rest gone."""
    changes = {"valid_from": dt.date(2026, 10, 1), "valid_to": dt.date(2027, 9, 30), "fingerprint": "6" * 64}
    release = load(small_source(edition="FY2027", **changes)).release
    yield release
    release.delete()


def test_two_releases_stand_side_by_side_by_the_day_of_service(
    later: Release, encoder: Page, live_server: Any
) -> None:
    def open_(code: str, on: str) -> None:
        address = reverse("codes:code", args=["icd10cm", code])
        encoder.goto(f"{live_server.url}{address}?on={on}")
        encoder.wait_for_load_state("networkidle")

    heading, history = encoder.locator(".code-page h1"), encoder.locator(".history")
    open_("E11.9", "2026-09-30")
    expect(heading).to_contain_text("Type 2 diabetes mellitus without complications")
    open_("E11.9", "2026-10-01")
    expect(heading).to_contain_text("Type 2 diabetes mellitus, uncomplicated")
    expect(history).to_contain_text("FY2027")
    expect(history).to_contain_text("Type 2 diabetes mellitus without complications")
    assert axe(encoder) == []
    open_("I10", "2026-09-30")
    expect(heading).to_contain_text("Essential (primary) hypertension")
    encoder.goto(f"{live_server.url}{reverse('codes:search')}?on=2026-10-01&q=E11.7")
    expect(encoder.locator(".hit").first).to_contain_text("E11.7")
    encoder.goto(f"{live_server.url}{reverse('codes:search')}?on=2026-09-30&q=E11.7")
    expect(encoder.locator(".hit", has_text="Type 2 diabetes mellitus in remission")).to_have_count(0)


def test_through_the_neighbours_of_a_code(icd10cm: Any, encoder: Page, live_server: Any) -> None:
    encoder.goto(live_server.url + reverse("codes:code", args=["icd10cm", "E11.21"]))
    encoder.wait_for_load_state("networkidle")
    code = encoder.locator(".code-page h1 .code")
    for key, there in (("j", "E11.22"), ("k", "E11.21"), ("u", "E11.2"), ("u", "E11")):
        encoder.keyboard.press(key)
        expect(code).to_have_text(there)
        encoder.wait_for_load_state("networkidle")


def test_axe_finds_nothing_with_every_choice_open(index: Any, encoder: Page, live_server: Any) -> None:
    for words in (FRACTURE, "primary osteoarthritis of knee"):
        encoder.goto(f"{live_server.url}{reverse('codes:search')}?q={words.replace(' ', '+')}")
        expect(encoder.locator(".hit-options").first).to_be_visible()
        for each in encoder.locator("details.hit-options").all():
            each.locator("summary").click()
        assert axe_in_both_themes(encoder) == []
        encoder.set_viewport_size(PHONE)
        assert axe_in_both_themes(encoder) == []
        assert encoder.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        encoder.set_viewport_size({"width": 1440, "height": 900})


@pytest.fixture
def adding(
    make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page, cpt: Any
) -> tuple[Page, Any]:
    """The Add search of a professional claim, opened for two selected lines."""
    code_set = make_encounter(claim_types=("professional",), status="in_review", owner=coder).code_sets.get()
    sign_in(coder)
    page.goto(live_server.url + reverse("web:review", args=[code_set.encounter_id, code_set.claim_type]))
    page.wait_for_load_state("networkidle")
    page.locator("[data-text]").focus()
    for key in ("v", "j", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#panel-add [name=q]")).to_be_focused()
    return page, code_set


def test_a_code_is_completed_inside_the_add_search(adding: tuple[Page, Any]) -> None:
    page, code_set = adding
    press = page.keyboard.press
    page.locator("#panel-add [name=q]").fill("M17.10")
    press("Enter")
    first = page.locator("#panel-add .pick").first
    expect(first).to_be_focused()
    press("ArrowRight")
    expect(page.locator("#panel-add .hit-option").first).to_be_focused()
    expect(page.locator("#panel-add .hit-option").first).to_have_text("right")
    press("ArrowRight")
    press("Enter")
    expect(page.locator(".card[data-state=added]")).to_be_focused()
    entry = CodeEntry.objects.get(reading__code_set=code_set)
    assert (entry.code, entry.state) == ("M17.12", "added")


def test_a_side_leads_to_its_7th_characters(adding: tuple[Page, Any]) -> None:
    page, code_set = adding
    press = page.keyboard.press
    query = page.locator("#panel-add [name=q]")
    query.fill("displaced intertrochanteric fracture of unspecified femur")
    press("Enter")
    expect(page.locator("#panel-add .pick").first).to_be_focused()
    page.locator("#panel-add .hit-option[data-refine='S72.142']").first.press("Enter")
    expect(query).to_have_value("S72.142")
    expect(page.locator("#panel-add .pick").first).to_be_focused()
    assert axe(page) == []
    press("Enter")
    expect(page.locator("#panel-add .hit-option").first).to_be_focused()
    press("d")
    press("Enter")
    expect(page.locator(".card[data-state=added]")).to_be_focused()
    assert CodeEntry.objects.get(reading__code_set=code_set).code == "S72.142D"


def test_a_procedure_is_added_from_the_same_search(adding: tuple[Page, Any]) -> None:
    page, code_set = adding
    page.locator("#panel-add [name=q]").fill("colonoscopy with biopsy")
    page.keyboard.press("Enter")
    expect(page.locator("#panel-add .pick").first).to_be_focused()
    expect(page.locator("#panel-add .pick-system").first).to_have_text("CPT")
    page.keyboard.press("Enter")
    expect(page.locator(".card[data-state=added]")).to_be_focused()
    entry = CodeEntry.objects.get(reading__code_set=code_set)
    assert (entry.system, entry.code) == ("cpt", "45380")


def test_payment_facts_stand_on_the_full_page_and_never_in_the_dialog(
    hcc: Any, make_encounter: Any, lead: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = make_encounter(status="in_review", owner=lead).code_sets.get()
    sign_in(lead)
    full = reverse("codes:code", args=["icd10cm", "E11.22"])
    page.goto(live_server.url + full)
    expect(page.locator(".payment")).to_contain_text("HCC 37 Diabetes with chronic complications")
    assert axe(page) == []
    page.goto(live_server.url + reverse("web:review", args=[code_set.encounter_id, code_set.claim_type]))
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "url => htmx.ajax('GET', url, {target: '#code-dialog-body', swap: 'innerHTML', select: '.code-page'})",
        full,
    )
    dialog = page.locator("#code-dialog-body")
    expect(dialog.locator("h1")).to_contain_text("E11.22")
    expect(dialog).to_contain_text("Instructions that apply here")
    # The token of each form is made of letters by chance, as often as there are forms.
    assert "HCC" not in re.sub(r'(?<=name="csrfmiddlewaretoken" value=")\w+', "", page.content())
