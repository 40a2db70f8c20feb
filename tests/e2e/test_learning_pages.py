"""Synthetic charts and datasets in the browser: from a run to one chart's evidence, and what axe says of the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from tests.coding_review.learning_rows import dataset_version, synthesis_run
from tests.e2e.test_review_behaviour import axe

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_run_is_followed_down_to_the_lines_that_tell_a_code(
    expert: User, sign_in: Any, live_server: Any, page: Page
) -> None:
    synthesis_run()
    sign_in(expert)
    page.goto(live_server.url + reverse("web:datasets"))
    page.get_by_role("navigation", name="Models").get_by_role("link", name="Synthetic charts").click()
    page.get_by_role("link", name="heart-7").click()
    page.get_by_label("With the code").fill("n18.4")
    page.get_by_label("With the code").press("Enter")
    expect(page.get_by_role("region", name="Charts of the run").get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Kept", exact=True).click()
    page.get_by_role("link", name="Chart 0").click()
    told = page.get_by_role("region", name="Text with its lines").locator("tr.told")
    expect(told).to_have_count(2)
    expect(told.first).to_contain_text("I50.23")
    expect(page.locator("tr.trap")).to_contain_text("family history")
    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".note.warning")).to_contain_text("phi: name")
    expect(page.locator("#main")).not_to_contain_text("furosemide")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_synthesis_and_dataset_pages(
    expert: User, sign_in: Any, live_server: Any, page: Page, context: BrowserContext, theme: str
) -> None:
    run, dataset = synthesis_run(), dataset_version()
    addresses = {
        "runs": reverse("web:syntheses"),
        "run": reverse("web:synthesis", args=[run.pk]),
        "chart": reverse("web:synthetic-chart", args=[run.pk, 0]),
        "stopped": reverse("web:synthetic-chart", args=[run.pk, 2]),
        "datasets": reverse("web:datasets"),
        "dataset": reverse("web:dataset", args=[dataset.pk]),
    }
    context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    sign_in(expert)
    found = {}
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name, address in addresses.items():
            page.goto(live_server.url + address)
            found[name, width] = axe(page)
            if page.evaluate(WIDER) > 0:
                found[name, width].append("wider than the screen")
    assert found == {key: [] for key in found}
