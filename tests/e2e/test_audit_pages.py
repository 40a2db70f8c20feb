"""The auditor's page and an encounter's history in a browser: search, page on, export, follow to the history."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from coding_review import audit
from coding_review.models import AuditEvent, Decision, Encounter
from tests.coding_review.decision_rows import entry_state, make_decision

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
QUOTE = "Acute on chronic systolic heart failure, treated with furosemide."


@pytest.fixture
def made(make_encounter: Callable[..., Encounter], coder: User, other_coder: User) -> list[Decision]:
    """Sixty decisions on one encounter, each with its event."""
    encounter = make_encounter(on=None)
    shown = {
        "rank_shown": 3, "band_shown": "high", "confidence_shown": 0.934, "engine": "embedded",
        "model_version": "2026.11", "release_name": "ICD-10-CM FY2026 April",
    }  # fmt: skip
    kinds: list[dict[str, Any]] = [
        {"action": "accept"},
        {"action": "modify", "before": "E11.9", "after": "E11.22", "reason": "not_specific"},
        {"action": "reject", "before": "J18.9", "after": "J18.9", "reason": "negated"},
        {"action": "set_poa", "state_after": entry_state("I50.22", "accepted", poa="N")},
    ]
    decisions = []
    start = timezone.now() - timedelta(hours=2)
    for number in range(60):
        actor = coder if number % 3 else other_coder
        decision = make_decision(
            encounter, actor, start + timedelta(minutes=number), **kinds[number % len(kinds)], **shown
        )
        decisions.append(decision)
        data = {
            "decision_id": decision.pk, "action": decision.action, "code_before": decision.code_before,
            "code_after": decision.code_after, "reason": decision.reason, "entry_id": decision.entry_id,
            "system": "icd10cm", "assistance": "full",
        }  # fmt: skip
        with transaction.atomic():
            payload = {"comment": "see the consult", "quotes": [QUOTE]}
            audit.record("decision", actor=actor, encounter=encounter, data=data, payload=payload)
    return decisions


def keep(page: Page, name: str) -> None:
    """SCREENSHOTS=<folder> keeps what was seen, to be judged by eye."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def check(page: Page, name: str) -> None:
    """Nothing for axe to find, nothing wider than the window, in both themes and from 390 to 1920 px."""
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for width in (390, 1440, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (name, theme, width, wide)
            keep(page, f"{name}-{theme}-{width}")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
    page.set_viewport_size({"width": 1440, "height": 900})


def test_search_page_on_and_export(
    page: Page,
    live_server: Any,
    sign_in: Callable[[User], None],
    made: list[Decision],
    auditor: User,
    tmp_path: Path,
) -> None:
    sign_in(auditor)
    page.goto(f"{live_server.url}/audit/")
    expect(page.locator("tbody tr")).to_have_count(50)
    check(page, "audit")
    page.get_by_role("link", name="Older", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.get_by_label("Decision", exact=True).select_option("reject")
    page.get_by_label("Code", exact=True).fill("J18")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(15)
    assert "action=reject" in page.url
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export JSONL").click()
    path = tmp_path / "export.zip"
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.read(sorted(archive.namelist())[0]).splitlines()) == 15
    assert AuditEvent.objects.get(type="audit.exported").data["rows"] == 15


def test_nothing_found_and_a_search_that_makes_no_sense(
    page: Page, live_server: Any, sign_in: Callable[[User], None], made: list[Decision], auditor: User
) -> None:
    sign_in(auditor)
    page.goto(f"{live_server.url}/audit/?code=Z99")
    expect(page.get_by_role("heading", name="No decision found")).to_be_visible()
    check(page, "audit-empty")
    page.goto(f"{live_server.url}/audit/?first=2026-06-02&last=2026-06-01")
    expect(page.get_by_text("The last day is before the first.")).to_be_visible()
    check(page, "audit-invalid")


def test_from_a_decision_to_its_place_in_the_history(
    page: Page,
    live_server: Any,
    sign_in: Callable[[User], None],
    made: list[Decision],
    auditor: User,
    coder: User,
) -> None:
    sign_in(auditor)
    page.goto(f"{live_server.url}/audit/")
    page.locator("tbody tr").first.get_by_role("link").click()
    expect(page.locator(f"#d{made[-1].pk}.sel")).to_be_visible()
    expect(page.get_by_text("The chain verifies.")).to_be_visible()
    expect(page.get_by_text(QUOTE)).to_have_count(0)
    check(page, "history-auditor")
    sign_in(coder)
    page.reload()
    expect(page.get_by_text(QUOTE)).to_have_count(60)
    check(page, "history-coder")
