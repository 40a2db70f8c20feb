"""A gold project by keyboard: two blind readings, a conflict, adjudication, freeze, export, an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from coding_review.models import GoldAddition, GoldJudgement, GoldReading, GoldReply, GoldRuling, GoldSet
from tests.e2e.test_review_behaviour import axe, axe_in_both_themes
from tests.gold_steps import Study, draft, study

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def opened(icd10cm: Any, make_encounter: Any, lead: Any, coder: Any, expert: Any) -> Study:
    return study(make_encounter, lead, coder, expert)


def label(page: Page, code: str) -> Any:
    return page.locator(f'.card[data-code="{code}"]')


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def project_url(live_server: Any, found: Study) -> str:
    return str(live_server.url) + reverse("web:gold-project", args=[found.project.pk])


def judge_first_reading(page: Page, live_server: Any, found: Study) -> None:
    """Approve, reject as negated, approve the code but not its evidence; a missed code; finish."""
    page.goto(project_url(live_server, found))
    press(page, "n")
    expect(label(page, "I50.23")).to_be_focused()
    press(page, "1")
    expect(label(page, "I50.23").locator(".state")).to_have_text("✓ Approve")
    expect(label(page, "E11.22")).to_be_focused()
    press(page, "4", "4")
    expect(label(page, "E11.22").get_by_role("button", name="Historical or resolved")).to_be_visible()
    # Digits choose the reason now, and give no verdict.
    press(page, "3")
    expect(label(page, "E11.22").locator(".state")).to_have_text("✕ Reject")
    expect(label(page, "E11.22")).to_contain_text("context: historical or resolved")
    expect(label(page, "N18.32")).to_be_focused()
    press(page, "c")
    page.keyboard.type("the stage stands, not here")
    press(page, "Enter", "2")
    expect(label(page, "N18.32").locator(".state")).to_have_text("✓ Evidence wrong")
    expect(label(page, "N18.32")).to_contain_text("“the stage stands, not here”")


def add_missed_code(page: Page) -> None:
    """The second line, chosen by keyboard from the fourth, becomes the evidence of a code found in the picker."""
    page.locator("[data-text]").focus()
    press(page, "v")
    expect(page.locator("#lines .picked")).to_have_count(1)
    press(page, "k", "k", "Enter")
    query = page.locator("[data-add-panel] [name=q]")
    expect(query).to_be_focused()
    query.fill("R06.02")
    expect(page.locator(".pick .code", has_text="R06.02").first).to_be_visible()
    press(page, "Enter")
    expect(page.locator(".pick").first).to_be_focused()
    press(page, "Enter")
    expect(label(page, "R06.02").locator(".state")).to_have_text("+ Added")


def test_a_study_from_reading_to_the_frozen_set(
    opened: Study, coder: Any, expert: Any, lead: Any, adjudicator: Any, sign_in: Any, live_server: Any, page: Page,
    complaints: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # A tenth of the agreed codes is drawn, by the chart's number in the database: here all of them.
    monkeypatch.setattr("coding_review.gold.stances.DRAWN_SHARE", 1.0)
    sign_in(coder)
    judge_first_reading(page, live_server, opened)
    add_missed_code(page)
    expect(page.locator("#progress")).to_contain_text("3 of 3 judged")
    press(page, "f")
    page.wait_for_url("**/gold/*/")
    expect(page.locator("#messages")).to_contain_text("No chart waits for you")
    mine = GoldReading.objects.get(reader=opened.first)
    assert mine.status == "finished"
    standing = GoldJudgement.objects.filter(reading=mine).standing().select_related("label")
    assert {j.label.code: (j.verdict, j.reason) for j in standing if j.label is not None} == {
        "I50.23": ("approve", ""),
        "E11.22": ("reject", "historical"),
        "N18.32": ("approve_evidence_wrong", ""),
    }
    addition = GoldAddition.objects.get(reading=mine)
    assert (addition.code, addition.evidence.get().quote) == ("R06.02", "Admitted with shortness of breath.")

    # The second reader finds every label open and nothing that the first one said or added.
    sign_in(expert)
    page.goto(f"{live_server.url}{reverse('web:gold-reading', args=[mine.pk])}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Not here")
    assert [text.split("status of ")[1][:3] for text in complaints] == ["404"]
    complaints.clear()
    page.goto(project_url(live_server, opened))
    # Neither how far the other is nor any figure.
    expect(page.locator(".people .end, .figures, [aria-busy]")).to_have_count(0)
    press(page, "n")
    expect(label(page, "I50.23")).to_be_focused()
    assert page.locator(".card .state").all_inner_texts() == ["open", "open", "open"]
    for told in ("R06.02", "the stage stands", "Historical or resolved", "0.93", "Stated."):
        assert told not in page.locator("#cards").inner_text()
    press(page, "1")
    expect(label(page, "E11.22")).to_be_focused()
    press(page, "1")
    expect(label(page, "N18.32")).to_be_focused()
    press(page, "5")
    expect(label(page, "N18.32").locator(".state")).to_have_text("? Would query")
    press(page, "f")
    page.wait_for_url("**/gold/*/")

    sign_in(lead)
    page.goto(project_url(live_server, opened))
    expect(page.locator(".figures").first).to_contain_text("Positive specific agreement")
    page.get_by_role("button", name="End reading").click()
    expect(page.locator("#messages")).to_contain_text("Reading has ended")

    sign_in(adjudicator)
    adjudicate(page, live_server, opened)

    page.locator("#freeze-purpose").select_option("evaluation")
    page.get_by_role("button", name="Sign and freeze").click()
    page.wait_for_url("**/gold/sets/*/")
    frozen = GoldSet.objects.get()
    assert (frozen.kind, frozen.purpose) == ("gold", "evaluation")
    expect(page.locator(".hash")).to_have_text(frozen.sha256)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as JSONL").click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    codes = {code["code"]: code["status"] for row in rows for code in row.get("codes", ())}
    assert codes == {"I50.23": "accepted", "E11.22": "accepted", "R06.02": "rejected"}
    # What could not be decided counts neither way.
    assert [code["code"] for row in rows for code in row["optional"]] == ["N18.32"]

    # The first reader sees what went another way, and answers once.
    sign_in(coder)
    page.goto(project_url(live_server, opened))
    page.get_by_role("link", name="Where you were overruled").click()
    case = page.locator(".ruling-case", has_text="E11.22")
    expect(case).to_contain_text("the assessment names it as present")
    case.get_by_placeholder("Your answer, once").fill("It was listed under history.")
    case.get_by_role("button", name="Answer").click()
    case = page.locator(".ruling-case", has_text="E11.22")
    expect(case).to_contain_text("“It was listed under history.”")
    expect(case.get_by_role("button", name="Answer")).to_have_count(0)
    assert GoldReply.objects.get().words.comment == "It was listed under history."


def adjudicate(page: Page, live_server: Any, found: Study) -> None:
    page.goto(project_url(live_server, found))
    press(page, "a")
    heads = page.locator("#cards h2")
    expect(heads.nth(0)).to_have_text("Conflicts 2")
    expect(heads.nth(1)).to_have_text("Listed by one reader 1")
    expect(heads.nth(2)).to_have_text("Agreed, drawn for a look 1")
    # Who read what is not told.
    for name in ("coder@", "expert", found.first.user.username + ","):
        assert name not in page.locator("main").inner_text()
    diabetes = label(page, "E11.22")
    expect(diabetes).to_be_focused()
    expect(diabetes).to_contain_text("context: historical or resolved")
    assert axe(page) == []
    press(page, "2")
    expect(diabetes.locator(".ruled .state")).to_have_text("✕ Out")
    expect(label(page, "N18.32")).to_be_focused()
    press(page, "u")
    expect(diabetes).to_be_focused()
    expect(diabetes.locator(".ruled")).to_have_text("open")
    # Lines chosen in the text become the evidence of the ruling.
    page.locator("[data-text]").focus()
    press(page, "v")
    expect(page.locator("#lines .picked")).to_have_count(1)
    press(page, "Enter")
    expect(diabetes).to_be_focused()
    expect(diabetes.locator("[name=evidence][value=selected]")).to_be_checked()
    press(page, "w")
    expect(diabetes.locator("[name=evidence][value='']")).to_be_checked()
    press(page, "w")
    expect(diabetes.locator("[name=evidence][value=selected]")).to_be_checked()
    press(page, "c")
    page.keyboard.type("the assessment names it as present")
    press(page, "Enter", "1")
    expect(diabetes.locator(".ruled .state")).to_have_text("✓ Kept")
    expect(label(page, "N18.32")).to_be_focused()
    press(page, "3")
    expect(label(page, "R06.02")).to_be_focused()
    expect(label(page, "R06.02")).to_contain_text("not listed")
    press(page, "2")
    expect(label(page, "R06.02").locator(".ruled .state")).to_have_text("✕ Out")
    expect(label(page, "I50.23")).to_be_focused()
    press(page, "1")
    expect(label(page, "I50.23").locator(".ruled .state")).to_have_text("✓ Kept")
    expect(page.locator("#close-chart")).to_be_enabled()
    assert [r.ruling for r in GoldRuling.objects.filter(code="E11.22").order_by("number")] == [
        "out",
        "none",
        "keep",
    ]
    kept = GoldRuling.objects.get(code="E11.22", ruling="keep")
    assert kept.evidence is not None
    assert [row["line_start"] for row in kept.evidence] == [4]
    press(page, "f")
    page.wait_for_url("**/gold/*/")


def test_a_wrong_verdict_is_refused_in_place_and_nothing_changes(
    opened: Study, coder: Any, sign_in: Any, live_server: Any, page: Page
) -> None:
    sign_in(coder)
    page.goto(project_url(live_server, opened))
    press(page, "n")
    expect(label(page, "I50.23")).to_be_focused()
    # "Other" asks for its comment before it is sent.
    press(page, "4", "9")
    expect(label(page, "I50.23").locator("[data-reasons] [name=comment]")).to_be_focused()
    press(page, "Escape")
    assert GoldJudgement.objects.count() == 0


def test_pages_of_gold_are_accessible_wide_and_narrow(
    opened: Study, lead: Any, coder: Any, sign_in: Any, live_server: Any, page: Page,
) -> None:  # fmt: skip
    waiting = draft(lead, name="A draft", seeded_share=0.05)
    sign_in(lead)
    found = {}
    for name, address in {
        "projects": reverse("web:gold-projects"),
        "new": reverse("web:gold-new"),
        "draft": reverse("web:gold-project", args=[waiting.pk]),
        "labels": reverse("web:gold-labels", args=[waiting.pk]),
        "project": reverse("web:gold-project", args=[opened.project.pk]),
        "sets": reverse("web:gold-sets"),
        "import": reverse("web:gold-import"),
    }.items():
        page.goto(live_server.url + address)
        found[name] = axe_in_both_themes(page)
        page.set_viewport_size(PHONE)
        found[f"{name}, narrow"] = axe_in_both_themes(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        page.set_viewport_size({"width": 1440, "height": 900})
    sign_in(coder)
    page.goto(project_url(live_server, opened))
    press(page, "n")
    expect(label(page, "I50.23")).to_be_focused()
    found["reading"] = axe_in_both_themes(page)
    press(page, "4")
    expect(label(page, "I50.23").locator("[data-reasons]")).to_be_visible()
    found["reasons"] = axe_in_both_themes(page)
    page.set_viewport_size(PHONE)
    found["reading, narrow"] = axe_in_both_themes(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found == {name: [] for name in found}
