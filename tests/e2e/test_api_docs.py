"""The page that describes the API: readable in both themes and on a phone, nothing for axe to find."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_the_page_has_no_barrier_and_does_not_scroll_sideways(
    page: Page, live_server: Any, sign_in: Any, coder: Any, width: int, scheme: str
) -> None:
    sign_in(coder)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{live_server.url}/api/docs/")
    assert page.locator("article.operation").count() == 32
    found = Axe().run(page)
    assert [v["id"] for v in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
