"""Fields of a line filled in quicker than the network answers, and what says that one was refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from coding_review.actions.accept import accept
from coding_review.actions.add_code import add_code
from coding_review.actions.claim import claim
from coding_review.models import CodeEntry, CodeSet, Decision
from tests.coding_review.entries import CKD, DM, suggest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Held:
    """Keeps the first change of a line on its way to the server until it is let go; the next ones pass."""

    def __init__(self, page: Page) -> None:
        self.page, self.first = page, list[Route]()
        page.route("**/line/", self._seen)

    def _seen(self, route: Route) -> None:
        if self.first:
            route.continue_()
        else:
            self.first.append(route)

    def let_go(self) -> None:
        assert len(self.first) == 1
        self.first[0].continue_()


def code_set_panel(page: Page, live_server: Any, code_set: CodeSet) -> None:
    address = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    page.goto(f"{live_server.url}{address}?panel=codes")
    expect(page.locator(".setline").first).to_be_visible()


@pytest.fixture
def visit(icd10cm: Any, make_encounter: Any, coder: Any) -> CodeEntry:
    """A procedure on a professional claim, entered by hand."""
    code_set = make_encounter(claim_types=["professional"]).code_sets.get()
    claim(coder, code_set.encounter_id)
    return add_code(coder, code_set.pk, code="99214", system="cpt")


def modifiers_then_units(page: Page, live_server: Any, visit: CodeEntry, units: str) -> Held:
    """Typed one after the other, while the modifiers are on their way."""
    code_set_panel(page, live_server, visit.reading.code_set)
    held = Held(page)
    page.locator(f"#mod-{visit.pk}").focus()
    page.keyboard.type("25")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type(units)
    return held


def test_units_and_lines_typed_while_modifiers_are_saved_are_saved_too(
    visit: CodeEntry, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    sign_in(coder)
    held = modifiers_then_units(page, live_server, visit, "3")
    page.keyboard.press("Tab")
    provider = page.locator(f"#provider-{visit.pk}")
    provider.focus()
    page.keyboard.type("Dr. A")
    held.let_go()
    expect(page.locator(f"#units-{visit.pk}[value='3']")).to_have_value("3")
    expect(provider).to_be_focused()
    page.keyboard.type("bel")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(f"#provider-{visit.pk}[value='Dr. Abel']")).to_have_count(1)
    visit.refresh_from_db()
    assert (visit.modifiers, visit.units, visit.rendering_provider) == (["25"], 3, "Dr. Abel")
    # Each field was one change: nothing was sent twice.
    assert Decision.objects.filter(entry=visit).count() == 4


def test_a_field_left_in_a_form_that_is_drawn_anew_is_saved_without_a_further_key(
    visit: CodeEntry, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    sign_in(coder)
    held = modifiers_then_units(page, live_server, visit, "2")
    held.let_go()
    expect(page.locator(f"#mod-{visit.pk}[value='25']")).to_have_count(1)
    expect(page.locator(f"#units-{visit.pk}")).to_have_value("2")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(f"#units-{visit.pk}[value='2']")).to_have_count(1)
    visit.refresh_from_db()
    assert (visit.modifiers, visit.units) == (["25"], 2)


def test_poa_by_letter_while_the_role_is_saved(
    icd10cm: Any, make_encounter: Any, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    code_set = make_encounter().code_sets.get()
    dm, ckd = suggest(code_set, DM, CKD)
    claim(coder, code_set.encounter_id)
    for entry in (dm, ckd):
        accept(coder, code_set.pk, entry.pk)
    sign_in(coder)

    code_set_panel(page, live_server, code_set)
    held = Held(page)
    page.locator(f"#role-{dm.pk}").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("n")
    held.let_go()
    expect(page.locator(f"#poa-{dm.pk} option[selected]")).to_have_text("POA N")
    dm.refresh_from_db()
    assert (dm.role, dm.poa) == ("principal", "N")

    # The same on a card, whose controls were copied in by a script.
    page.unroute("**/line/")
    page.locator("#tab-suggestions").click()
    card = page.locator(f"#entry-{ckd.pk}")
    card.locator("[data-select]").click()
    expect(card.locator(f"#role-card-{ckd.pk}")).to_have_value("secondary")
    held = Held(page)
    page.keyboard.press("p")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("o")
    page.keyboard.press("w")
    held.let_go()
    expect(card.locator(".outcome")).to_have_text("principal, POA W")
    ckd.refresh_from_db()
    assert (ckd.role, ckd.poa) == ("principal", "W")


def test_a_refused_field_says_why_beside_it(
    visit: CodeEntry, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    sign_in(coder)
    code_set_panel(page, live_server, visit.reading.code_set)
    page.locator(f"#mod-{visit.pk}").fill("2")
    page.keyboard.press("Tab")
    alert = page.locator(f"#line-{visit.pk} [role=alert]")
    expect(alert).to_be_visible()
    expect(alert).to_have_text("Not saved. Up to four modifiers of two characters each.")
    expect(page.locator(f"#mod-{visit.pk}")).to_have_value("")
    page.locator(f"#mod-{visit.pk}").fill("25")
    page.keyboard.press("Tab")
    expect(page.locator(f"#mod-{visit.pk}[value='25']")).to_have_count(1)
    expect(alert).to_have_count(0)
    visit.refresh_from_db()
    assert visit.modifiers == ["25"]
