"""The review page in a real browser: keys, selection of text, undo, conflicts, and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from coding_review.actions.accept import accept
from coding_review.actions.claim import claim
from coding_review.models import CodeEntry, Decision, EntryEvidence, Exposure
from tests.coding_review.entries import CKD, DM, HF, PNEUMONIA, SOB, suggest
from tests.faults.conftest import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NOTE = """DISCHARGE SUMMARY

HOSPITAL COURSE
Admitted with shortness of breath. 👍🏽 feels better since.
Acute on chronic systolic heart failure, treated with furosemide.
Type 2 diabetes mellitus with diabetic chronic kidney disease, CKD stage 3b.
Na\t141\t138
No evidence of pneumonia. 👍🏽 Chronic atrial fibrillation, rate controlled.

PAST HISTORY
Hypertension.
Discharged home."""


@pytest.fixture
def case(icd10cm: Any, make_encounter: Any, coder: Any) -> Any:
    encounter = make_encounter({"discharge summary": NOTE, "progress note": "Stable.\nCKD stage 3b noted."})
    code_set = encounter.code_sets.get()
    entries = suggest(code_set, HF, DM, CKD, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    return code_set, entries


@pytest.fixture
def review(case: Any, coder: Any, sign_in: Any, live_server: Any, page: Page) -> Page:
    sign_in(coder)
    code_set, _ = case
    page.goto(live_server.url + address(code_set))
    expect(page.locator(".card.is-selected")).to_be_focused()
    return page


def address(code_set: Any) -> str:
    return reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])


def card(page: Page, entry: CodeEntry) -> Any:
    return page.locator(f"#entry-{entry.pk}")


def tick(page: Page, suggested: tuple[str, ...]) -> Any:
    """Beside the text, at the line that holds the quote of a suggestion (the third of its values)."""
    line = next(n for n, text in enumerate(NOTE.split("\n"), start=1) if suggested[2] in text)
    return page.locator(f"#strip [data-line='{line}']")


def states(case: Any) -> list[str]:
    return [CodeEntry.objects.get(pk=entry.pk).state for entry in case[1]]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_keys_decide_and_go_to_the_next_undecided(review: Page, case: Any) -> None:
    _, (hf, dm, ckd, sob, pneumonia) = case
    expect(card(review, hf)).to_have_attribute("aria-current", "true")
    press(review, "a")
    expect(card(review, hf)).to_have_attribute("data-state", "accepted")
    expect(card(review, dm)).to_be_focused()
    expect(tick(review, HF)).to_have_class("done")
    expect(tick(review, DM)).to_have_class("open")
    expect(review.locator("#live")).to_have_text("I50.23 accepted. 4 left.")
    press(review, "r", "2", "1")
    expect(card(review, dm)).to_have_attribute("data-state", "rejected")
    expect(card(review, ckd)).to_be_focused()
    press(review, "q")
    expect(card(review, sob)).to_be_focused()
    press(review, "d")
    expect(card(review, pneumonia)).to_be_focused()
    assert states(case) == ["accepted", "rejected", "held", "dismissed", "undecided"]
    assert CodeEntry.objects.get(pk=dm.pk).reason == "not_specific"
    press(review, "u")
    expect(card(review, sob)).to_have_attribute("data-state", "undecided")
    expect(card(review, sob)).to_be_focused()
    press(review, "Shift+U")
    expect(card(review, sob)).to_have_attribute("data-state", "dismissed")
    assert states(case) == ["accepted", "rejected", "held", "dismissed", "undecided"]


def test_family_alone_and_a_reason_that_needs_words(review: Page, case: Any) -> None:
    _, (hf, dm, *_) = case
    press(review, "r", "4", "Enter")
    expect(card(review, dm)).to_be_focused()
    press(review, "r", "9")
    review.keyboard.type("arj12")
    assert Decision.objects.count() == 1
    press(review, "Enter")
    expect(card(review, dm)).to_have_attribute("data-state", "rejected")
    assert [CodeEntry.objects.get(pk=e.pk).reason for e in (hf, dm)] == ["context", "other"]
    assert Decision.objects.get(entry=dm).payload.comment == "arj12"


def test_keys_do_nothing_while_typing_with_modifiers_or_turned_off(review: Page, case: Any) -> None:
    press(review, "/")
    review.keyboard.type("arudq")
    expect(review.locator("[data-find-count]")).to_have_text("not found")
    press(review, "Escape", "Control+a", "Alt+a")
    review.locator("summary[aria-label^='Menu of']").click()
    review.get_by_role("form", name="Single keys").get_by_role("button", name="Off").click()
    expect(review.locator("body")).to_have_attribute("data-shortcuts", "off")
    press(review, "Escape", "a", "r", "u")
    expect(review.locator(".reasons")).to_have_count(0)
    assert states(case) == ["undecided"] * 5
    review.reload()
    press(review, "a")
    expect(review.locator("body")).to_have_attribute("data-shortcuts", "off")
    assert Decision.objects.count() == 0


def test_find_counts_places_and_steps_through_them(review: Page) -> None:
    press(review, "/")
    review.keyboard.type("chronic")
    count = review.locator("[data-find-count]")
    expect(count).to_have_text("1 of 3")
    press(review, "Enter", "Enter")
    expect(count).to_have_text("3 of 3")
    press(review, "Shift+Enter")
    expect(count).to_have_text("2 of 3")


def test_a_mark_selects_its_code_and_a_code_shows_its_marks(review: Page, case: Any) -> None:
    _, (_, dm, ckd, *_) = case
    review.locator(f"mark[data-e='{ckd.pk}']").click()
    expect(card(review, ckd)).to_have_attribute("aria-current", "true")
    expect(review.locator("mark.sel")).to_have_text("CKD stage 3b")
    card(review, dm).locator(".title").click()
    expect(review.locator("mark.sel")).to_have_text(DM[2])
    expect(review.locator(".ln.sel")).to_have_attribute("data-line", "6")


def test_a_code_is_added_for_words_selected_after_an_emoji(review: Page, case: Any) -> None:
    words = "Chronic atrial fibrillation"
    review.evaluate(
        """words => {
            const tx = document.querySelector('#L8 .tx');
            const walker = document.createTreeWalker(tx, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const at = node.data.indexOf(words);
                if (at < 0) continue;
                getSelection().setBaseAndExtent(node, at, node, at + words.length);
            }
        }""",
        words,
    )
    press(review, "+")
    expect(review.locator("[data-quote]")).to_have_text(words)
    query = review.locator("#panel-add [name=q]")
    expect(query).to_be_focused()
    query.fill("I48.20")
    press(review, "Enter")
    expect(review.locator("#panel-add .pick", has_text="I48.20")).to_be_focused()
    press(review, "Enter")
    added = review.locator(".card[data-state=added]")
    expect(added).to_be_focused()
    evidence = EntryEvidence.objects.get(entry__code="I48.20")
    line = NOTE.split("\n")[7]
    assert (evidence.line_start, evidence.line_end, evidence.quote) == (8, 8, words)
    assert (evidence.col_start, evidence.col_end) == (line.index(words), line.index(words) + len(words))
    expect(review.locator("mark.sel")).to_have_text(words)


def test_a_code_is_added_for_lines_by_keyboard_alone(review: Page, case: Any) -> None:
    review.locator("[data-text]").focus()
    press(review, "v", "j", "j", "ArrowDown")
    expect(review.locator(".ln.picked")).to_have_count(2)
    numbers = [
        int(n) for n in review.locator(".ln.picked").evaluate_all("all => all.map(l => l.dataset.line)")
    ]
    press(review, "Enter")
    review.locator("#panel-add [name=q]").fill("I10")
    press(review, "ArrowDown")
    expect(review.locator("#panel-add .pick", has_text="I10")).to_be_focused()
    press(review, "Enter")
    expect(review.locator(".card[data-state=added]")).to_be_focused()
    evidence = EntryEvidence.objects.get(entry__code="I10")
    assert [evidence.line_start, evidence.line_end] == numbers
    assert evidence.quote == "\n".join(NOTE.split("\n")[numbers[0] - 1 : numbers[1]])


def test_evidence_is_taken_from_the_selection_and_taken_away(review: Page, case: Any) -> None:
    _, (hf, *_) = case
    review.locator("[data-text]").focus()
    press(review, "v", "j", "b")
    own = card(review, hf).locator("form[data-evidence]")
    expect(own.locator("[data-quote]")).to_have_text(NOTE.split("\n")[5])
    own.locator("[name=line_start]").fill("11")
    own.locator("[name=line_end]").fill("11")
    press(review, "Enter")
    expect(card(review, hf).locator("[data-place]")).to_have_count(2)
    expect(review.locator("#L11 mark")).to_have_text("Hypertension.")
    expect(review.locator("#strip [data-line='11']")).to_have_class("open")
    assert [e.line_start for e in EntryEvidence.objects.filter(entry=hf).order_by("line_start")] == [5, 11]
    press(review, "b")
    own.get_by_role("button", name="Remove L5").click()
    expect(review.locator("#L5 mark")).to_have_count(0)
    expect(review.locator("#strip [data-line='5']")).to_have_count(0)
    assert EntryEvidence.objects.get(entry=hf).quote == "Hypertension."
    press(review, "Escape", "u")
    expect(review.locator("#L5 mark")).to_have_text(HF[2])
    expect(review.locator("#strip [data-line='5']")).to_have_class("open")
    assert states(case)[0] == "undecided"


def test_modify_searches_on_the_spot_with_near_codes_first(review: Page, case: Any) -> None:
    _, (hf, dm, *_) = case
    press(review, "m")
    near = review.locator(".picker .pick").first
    expect(near).to_contain_text("I50.2")
    review.keyboard.type("I50.33")
    press(review, "ArrowDown")
    expect(review.locator(".picker .pick", has_text="I50.33")).to_be_focused()
    press(review, "Enter")
    expect(card(review, dm)).to_be_focused()
    entry = CodeEntry.objects.get(pk=hf.pk)
    assert (entry.state, entry.code, entry.suggested_code) == ("modified", "I50.33", "I50.23")


def test_a_stale_page_shows_both_states_and_saves_nothing(review: Page, case: Any, coder: Any) -> None:
    code_set, (hf, *_) = case
    accept(coder, code_set.pk, hf.pk, seen_version=0)
    press(review, "r", "1", "1")
    conflict = card(review, hf).locator(".conflict")
    expect(conflict).to_contain_text("Changed meanwhile; nothing was saved.")
    expect(conflict.locator("dd").nth(0)).to_contain_text("Rejected, information absent: not documented")
    expect(conflict.locator("dd").nth(1)).to_contain_text("Accepted")
    assert states(case)[0] == "accepted"
    conflict.get_by_role("button", name="Replace it with mine").click()
    expect(card(review, hf)).to_have_attribute("data-state", "rejected")
    assert states(case)[0] == "rejected"


def test_a_double_click_decides_once(review: Page, case: Any) -> None:
    _, (hf, *_) = case
    card(review, hf).get_by_role("button", name="Accept").dblclick()
    expect(card(review, hf)).to_have_attribute("data-state", "accepted")
    review.wait_for_load_state("networkidle")
    assert Decision.objects.count() == 1
    assert states(case)[1] == "undecided"


def test_what_was_shown_is_reported(review: Page, case: Any, coder: Any) -> None:
    _, entries = case
    with review.expect_response(lambda r: "exposures" in r.url):
        press(review, "j")
    # What was selected is told at once, what is only in sight a moment later, so perhaps by another report.
    told = Exposure.objects.filter(user=coder, entry__in=(entries[0], entries[1], entries[4]))
    wait_until(lambda: told.count() == 3, seconds=60)
    assert Exposure.objects.get(entry=entries[0]).evidence_opened_at is not None
    assert Exposure.objects.get(entry=entries[4]).evidence_opened_at is None


def test_documents_by_key_keep_the_selected_code(review: Page, case: Any) -> None:
    press(review, "]")
    expect(review.locator(".dochead h2")).to_have_text("Progress note")
    press(review, "[")
    expect(review.locator(".dochead h2")).to_have_text("Discharge summary")
    expect(review.locator("mark.sel")).to_have_text(HF[2])


def test_keys_are_listed_and_the_dialog_gives_the_focus_back(review: Page, case: Any) -> None:
    press(review, "?")
    dialog = review.locator("#keys-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("h3").first).to_have_text("Selected code")
    press(review, "a", "Escape")
    expect(dialog).to_be_hidden()
    expect(card(review, case[1][0])).to_be_focused()
    assert Decision.objects.count() == 0


def test_roles_and_sign_off_panel_by_key(review: Page, case: Any) -> None:
    _, (hf, *_) = case
    press(review, "a")
    expect(card(review, hf)).to_have_attribute("data-state", "accepted")
    press(review, "c")
    role = review.locator(f"#role-{hf.pk}")
    role.select_option("principal")
    expect(review.locator("#live")).to_contain_text("Saved.")
    assert CodeEntry.objects.get(pk=hf.pk).role == "principal"
    press(review, "Escape")
    review.locator("#tab-codes").focus()
    press(review, "s")
    expect(review.locator("#sign-off li").first).to_have_text("2 undecided")


def test_without_scripts_every_step_is_a_form(
    browser: Browser, case: Any, coder: Any, live_server: Any, context: BrowserContext, sign_in: Any
) -> None:
    code_set, (hf, dm, *_) = case
    sign_in(coder)
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}{address(code_set)}?entry={hf.pk}")
    card(page, hf).get_by_role("button", name="Accept").click()
    expect(card(page, dm)).to_have_attribute("aria-current", "true")
    card(page, dm).get_by_role("button", name="Reject").click()
    card(page, dm).locator("button[value=not_documented]").click()
    expect(card(page, dm)).to_have_attribute("data-state", "rejected")
    assert states(case)[:2] == ["accepted", "rejected"]
    page.locator("#undo").click()
    expect(card(page, dm)).to_have_attribute("data-state", "undecided")
    assert states(case)[:2] == ["accepted", "undecided"]
    page.get_by_role("tab", name="Code set").click()
    expect(page.locator("#panel-codes")).to_be_visible()
    expect(page.locator("#code-set .setline")).to_have_count(1)
    plain.close()


def test_read_first_shows_suggestions_when_the_text_was_read(
    icd10cm: Any,
    make_encounter: Any,
    coder: Any,
    sign_in: Any,
    live_server: Any,
    page: Page,
    settings: Any,
) -> None:
    settings.READ_FIRST = True
    encounter = make_encounter({"discharge summary": NOTE + "\nmore" * 90})
    code_set = encounter.code_sets.get()
    suggest(code_set, HF, DM, CKD, SOB, PNEUMONIA)
    claim(coder, encounter.pk)
    sign_in(coder)
    page.goto(live_server.url + address(code_set))
    expect(page.get_by_role("heading", name="Read first")).to_be_visible()
    assert page.locator(".card, #lines mark").count() == 0
    page.locator("[data-text]").focus()
    press(page, "End")
    expect(page.locator(".card")).to_have_count(5)
    expect(page.locator("#lines mark").first).to_be_attached()
    press(page, "a")
    expect(page.locator(".card[data-state=accepted]")).to_have_count(1)
    assert Decision.objects.get().assistance == "after_first_read"


def test_active_seconds_stop_when_nobody_works(review: Page, case: Any, live_server: Any) -> None:
    # Of itself the clock stands still: however long this machine takes, all keys fall in the page's first moment.
    review.clock.install()
    review.clock.pause_at(timezone.now() + timedelta(hours=1))
    review.reload()
    sent: list[tuple[str, str | None]] = []

    def note(request: Any) -> None:
        if request.url.endswith("/active/"):
            sent.append((request.post_data or "", request.headers.get("x-poll")))

    review.on("request", note)
    expect(review.locator(".card.is-selected")).to_be_focused()
    press(review, "j")
    expect(card(review, case[1][1])).to_be_focused()
    review.clock.run_for(31_000)
    review.clock.run_for(600_000)
    seconds = [int(re.search(r'name="seconds"\s+(\d+)', body)[1]) for body, _ in sent]  # type: ignore[index]
    # Five minutes after the last key the counting stops; from the second report on the page only polls.
    assert seconds[0] == 30
    assert sum(seconds) == 299
    assert [poll for _, poll in sent] == [None] + ["1"] * (len(sent) - 1)
    expect(review.locator("#lease")).to_contain_text("active")


def test_an_ended_session_is_told_in_place_and_keeps_the_page(
    review: Page, case: Any, context: BrowserContext, coder: Any, sign_in: Any
) -> None:
    context.clear_cookies(name="sessionid")
    press(review, "r", "9")
    review.keyboard.type("a long thought")
    press(review, "Enter")
    expect(review.locator("#notice")).to_contain_text("You are signed out.")
    expect(review.locator(".reasons [name=comment]")).to_have_value("a long thought")
    assert states(case)[0] == "undecided"
    sign_in(coder)
    review.locator(".reasons [name=comment]").focus()
    press(review, "Enter")
    expect(card(review, case[1][0])).to_have_attribute("data-state", "rejected")
    expect(review.locator("#notice")).to_be_hidden()


def test_a_lost_network_is_said_and_the_decision_can_be_repeated(
    review: Page, case: Any, complaints: list[str]
) -> None:
    _, (hf, dm, *_) = case
    review.route("**/decide/", lambda route: route.abort())
    press(review, "a")
    expect(review.locator("#notice")).to_contain_text("Not saved. The server cannot be reached.")
    expect(card(review, hf)).to_have_attribute("data-state", "undecided")
    review.unroute("**/decide/")
    press(review, "a")
    expect(card(review, dm)).to_be_focused()
    expect(review.locator("#notice")).to_be_hidden()
    assert states(case)[0] == "accepted"
    # What the browser logged of the refused connection is what this test is about.
    complaints.clear()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_moves_while_the_page_loads(review: Page, width: int) -> None:
    review.set_viewport_size({"width": width, "height": 844})
    review.reload()
    review.wait_for_load_state("networkidle")
    moved = review.evaluate(
        """() => new Promise(done => {
            const found = [];
            new PerformanceObserver(list => {
                for (const entry of list.getEntries()) {
                    for (const source of entry.sources) found.push(source.node?.id || source.node?.className || '');
                }
            }).observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(found), 300);
        })"""
    )
    assert moved == []


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(review: Page, case: Any, live_server: Any, width: int) -> None:
    review.set_viewport_size({"width": width, "height": 844})
    review.reload()
    _, (_hf, dm, *_) = case
    press(review, "a")
    expect(card(review, dm)).to_be_focused()
    press(review, "r", "4")
    assert axe_in_both_themes(review) == []
    press(review, "Escape", "Escape", "m")
    expect(review.locator(".picker .pick").first).to_be_visible()
    assert axe_in_both_themes(review) == []
    press(review, "Escape", "b")
    expect(review.locator("form[data-evidence]")).to_be_visible()
    assert axe_in_both_themes(review) == []
    press(review, "Escape")
    for panel in ("codes", "findings", "history", "sign-off"):
        review.locator(f"#tab-{panel}").click()
        assert axe_in_both_themes(review) == []
    review.goto(live_server.url + reverse("web:worklist"))
    assert axe_in_both_themes(review) == []


# On a wide screen a cell that is none any more: a class of its column means something else in another style sheet.
LOOSE_CELLS = """() => innerWidth < 900 ? [] : [...document.querySelectorAll("td, th")]
  .filter(cell => !["table-cell", "none"].includes(getComputedStyle(cell).display))
  .map(cell => "no cell: " + cell.outerHTML.slice(0, 120))"""


# What polls rests from now on: axe looks for a while, and what is exchanged under it is judged by nothing.
UNMOVED = """() => document.addEventListener("htmx:configRequest", event => {
  if (event.target.closest?.("[data-poll]")) event.preventDefault();
})"""


def axe(page: Page) -> list[str]:
    page.evaluate(UNMOVED)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    said = [f"{v['id']}: {n['html'][:160]} {n['any'][:1]}" for v in found for n in v["nodes"]]
    return said + page.evaluate(LOOSE_CELLS)


def axe_in_both_themes(page: Page) -> list[str]:
    """As the reader who chose the light theme has the page, then the dark one: the server tells it by this attribute
    alone, so that nothing is loaded or clicked again."""
    found = []
    for theme in ("dark", "light"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        found += [f"{theme}: {problem}" for problem in axe(page)]
    return found
