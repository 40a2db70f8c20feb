"""Every page in the states it can be in: axe finds nothing in either theme, nothing is wider than a phone, the
focus is always seen, nothing moves for those who asked for that. What stands in one state only is in
test_review_behaviour.py, test_audit_pages.py and test_api_docs.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from coding_review.actions.claim import claim
from coding_review.actions.hold import hold
from coding_review.choices import EncounterStatus
from coding_review.models import DocumentAlert, Encounter, ReviewerProfile
from tests.e2e.hospital import Hospital
from tests.e2e.stage import decided, signed
from tests.e2e.test_review_behaviour import axe_in_both_themes

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
Look = Callable[[str, str], None]


def review_of(encounter: Encounter) -> str:
    return reverse("web:review", args=[encounter.pk, encounter.claim_types[0]])


@pytest.fixture
def found() -> dict[str, list[str]]:
    return {}


@pytest.fixture
def look(page: Page, live_server: Any, found: dict[str, list[str]]) -> Look:
    """Opens the address and notes what is wrong there, under the name of the state; "" stays on the page."""

    def at(name: str, address: str) -> None:
        page.set_viewport_size(DESK)
        if address:
            page.goto(live_server.url + address)
        problems = axe_in_both_themes(page)
        page.set_viewport_size(PHONE)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE["width"]:
            problems.append(f"{wide} px wide")
        assert name not in found
        found[name] = problems

    return at


def test_no_state_of_any_page_fails(
    hospital: Hospital, coder: User, other_coder: User, lead: User, auditor: User, page: Page,
    live_server: Any, sign_in: Any, look: Look, found: dict[str, list[str]], complaints: list[str],
) -> None:  # fmt: skip
    look("sign-in", reverse("web:sign-in"))
    page.locator("[name=username]").fill("nobody")
    page.locator("[name=password]").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("do not match").wait_for()
    look("sign-in refused", "")

    sign_in(coder)
    look("worklist, empty", reverse("web:worklist"))
    late, outside, clean, cardiology, social = hospital.bring_predicted(
        "demo-04", "demo-12", "demo-13", "demo-14", "demo-09"
    )
    assert outside.status == EncounterStatus.FAILED
    signed(coder, hospital.known["demo-04"])
    hospital.bring("demo-04", late=True)
    waiting = hospital.bring("demo-02")
    claim(other_coder, cardiology.pk)
    decided(coder, hospital.known["demo-13"], share=0.5)
    claim(coder, social.pk)
    hold(coder, social.pk, reason="provider_query")

    look("worklist", reverse("web:worklist"))
    look("worklist, nothing fits", reverse("web:worklist") + "?status=returned")
    look("open", review_of(clean))
    look("code set", review_of(clean) + "?panel=codes")
    look("blocked sign-off", review_of(clean) + "?panel=sign-off")
    look("signed, late document", review_of(late))
    look("signed, sign-off", review_of(late) + "?panel=sign-off")
    look("signed, code set", review_of(late) + "?panel=codes")
    look("failed", review_of(outside))
    look("predicting", review_of(waiting))
    look("read only", review_of(cardiology))
    look("on hold", review_of(social))
    alert = DocumentAlert.objects.filter(document_version__document__encounter=late).first()
    assert alert is not None
    look("what a late document changed", reverse("web:alert", args=[alert.pk]))
    ReviewerProfile.objects.filter(user=coder).update(read_first=True)
    look("read first", review_of(clean))

    look("codes", reverse("codes:search"))
    page.locator("#code-query").fill("t2dm w/ ckd")
    page.locator(".hits .code", has_text="E11.22").first.wait_for()
    look("codes found", "")
    look("code", reverse("codes:code", args=["icd10cm", "E11.22"]))

    sign_in(lead)
    look("import", reverse("web:import"))
    look("import a file", reverse("web:import") + "?way=upload")
    rows = b'{"id": "good", "text": "Asthma, mild."}\n{"id": "bad"}\n'
    for state, file in (("brought in, and not", rows), ("nothing brought in", b"\n")):
        page.goto(live_server.url + reverse("web:import") + "?way=upload")
        page.locator("[name=work_group]").select_option(index=1)
        page.locator("[name=file]").set_input_files(
            {"name": "week.jsonl", "mimeType": "application/jsonl", "buffer": file}
        )
        page.get_by_role("button", name="Upload and take in").click()
        page.get_by_role("heading", name="What was brought in").wait_for()
        look(state, "")
    look("open, as a lead", review_of(clean))
    sign_in(auditor)
    look("audit", reverse("web:audit"))
    look("history", reverse("web:encounter-history", args=[late.pk]))
    look("API", reverse("api:docs"))
    complaints.clear()
    look("no such code", reverse("codes:code", args=["icd10cm", "E99.99"]))
    look("no such page", "/encounters/999999/")
    look("not allowed", reverse("web:import"))
    # What the browser logs of these three answers.
    assert sorted(text.split("status of ")[1][:3] for text in complaints) == ["403", "404", "404"]
    complaints.clear()
    assert found == {name: [] for name in found}


FOCUS = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const style = getComputedStyle(at);
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1.5;
    const box = at.getBoundingClientRect();
    const onScreen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return [at.outerHTML.slice(0, 120), outlined && onScreen];
}"""
MOVING = """() => [...document.querySelectorAll('*')].filter(element => {
    const style = getComputedStyle(element);
    const longest = list => Math.max(...list.split(',').map(parseFloat));
    const runs = style.animationName !== 'none' && longest(style.animationDuration) > 0.01;
    return runs || longest(style.transitionDuration) > 0.01 || style.scrollBehavior === 'smooth';
}).map(element => element.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_error_page_fails(
    coder: User, page: Page, context: BrowserContext, live_server: Any, sign_in: Any, look: Look,
    found: dict[str, list[str]], complaints: list[str], monkeypatch: pytest.MonkeyPatch, theme: str,
) -> None:  # fmt: skip
    context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    # Some of these are drawn without the request, so also without its cookie: there the browser's wish counts.
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    sign_in(coder)

    def shown(heading: str, address: str = "") -> None:
        look(heading, address)
        assert page.get_by_role("heading", level=1).inner_text() == heading

    page.goto(live_server.url + reverse("web:worklist"))
    # A form that was open across a sign-in: its token is no longer the session's.
    out = page.locator(f"form[action='{reverse('web:sign-out')}']").first
    out.locator("[name=csrfmiddlewaretoken]").evaluate("field => { field.value = 'old'; }")
    with page.expect_navigation():
        out.evaluate("form => form.submit()")
    shown("The page was too old")
    for heading, error in (
        ("The request could not be read", SuspiciousOperation()),
        ("Not allowed", PermissionDenied()),
        ("Not here", Http404()),
        ("The server failed", RuntimeError()),
    ):
        monkeypatch.setattr("coding_review.web.worklist.render", Mock(side_effect=error))
        shown(heading, reverse("web:worklist"))
    assert sorted(text.split("status of ")[1][:3] for text in complaints) == [
        "400",
        "403",
        "403",
        "404",
        "500",
    ]
    complaints.clear()
    assert found == {name: [] for name in found}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_is_always_seen_and_nothing_moves(
    hospital: Hospital, coder: User, page: Page, context: BrowserContext, live_server: Any, sign_in: Any,
    theme: str,
) -> None:  # fmt: skip
    context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    (visit,) = hospital.bring_predicted("demo-13")
    claim(coder, visit.pk)
    sign_in(coder)
    unseen: list[str] = []
    for address, steps in (
        (reverse("web:worklist"), 20),
        (review_of(visit), 35),
        (review_of(visit) + "?panel=codes", 20),
        (reverse("codes:code", args=["icd10cm", "E11.22"]), 20),
    ):
        page.goto(live_server.url + address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(MOVING) == []
        seen = 0
        for _ in range(steps):
            page.keyboard.press("Tab")
            focus = page.evaluate(FOCUS)
            if focus is None:
                continue
            seen += 1
            if not focus[1]:
                unseen.append(f"{address} {focus[0]}")
        assert seen >= steps // 2
    assert unseen == []
