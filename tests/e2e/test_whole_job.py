"""The main job in a browser, from sign-in to a signed code set: a stay and a clinic note by keys alone, a
telephone visit with the pointer. Predictions of the stay come from a real worker."""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.signals import request_started
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from coding_review.audit_check import verify_encounter
from coding_review.choices import CodeSetStatus, EncounterStatus
from coding_review.models import AuditEvent, CodeEntry, CodeSet, Decision, Encounter, EntryEvidence
from tests.e2e.hospital import Hospital, Worker
from tests.e2e.keyboard import Keyboard
from tests.faults.conftest import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
PASSWORD = "a-test-Passw0rd"
# Every letter and sign that is a key of its own on the review page or the worklist.
ALL_KEYS = "arjkmqdwuxevgcfyhsnpot+?[]123"


@pytest.fixture
def keys(page: Page) -> Keyboard:
    return Keyboard(page)


def entries_of(encounter: Encounter) -> list[CodeEntry]:
    return list(CodeEntry.objects.filter(reading__code_set__encounter=encounter).order_by("pk"))


def lines_of(code_set: CodeSet) -> list[tuple[str, str, str, str]]:
    """System, code, role of a diagnosis, POA."""
    rows = code_set.lines.order_by("sequence").values_list("system", "code", "role", "poa")
    return [(s, code, role if s == "icd10cm" else "", poa) for s, code, role, poa in rows]


def decisions_of(encounter: Encounter) -> Counter[str]:
    rows = Decision.objects.filter(reading__code_set__encounter=encounter)
    return Counter(rows.values_list("action", flat=True))


def assert_signed(encounter: Encounter, by: User) -> CodeSet:
    encounter.refresh_from_db()
    code_set = encounter.code_sets.get()
    assert (encounter.status, code_set.status) == (EncounterStatus.SIGNED_OFF, CodeSetStatus.SIGNED)
    assert (code_set.signed_by, code_set.credential, code_set.version) == (by, "CCS", 1)
    return code_set


def assert_log_verifies(encounter: Encounter) -> None:
    found = verify_encounter(encounter.pk)
    assert (found.faults, found.counts.events) == (
        [],
        AuditEvent.objects.filter(encounter=encounter).count(),
    )
    said = io.StringIO()
    call_command("verify_audit_log", texts=True, stdout=said)
    assert f"{Decision.objects.count()} decisions, 1 signed code sets" in said.getvalue()


def open_code_set(keys: Keyboard) -> None:
    """The panel may be asked for only now: until it is drawn, Tab would walk past it."""
    keys.press("c")
    expect(keys.page.locator("#tab-codes")).to_be_focused()
    expect(keys.page.locator("#code-set")).to_be_visible()
    expect(keys.page.locator("#code-set[hx-get]")).to_have_count(0)


def exported(keys: Keyboard, tmp_path: Path) -> list[dict[str, str]]:
    """The code set panel's CSV, asked for and taken by keys."""
    open_code_set(keys)
    keys.tab_to("#panel-codes button:not([disabled])")
    with keys.page.expect_download() as waiting:
        keys.press("Enter")
    target = tmp_path / "code-set.csv"
    waiting.value.save_as(target)
    with target.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_hand(keys: Keyboard, code: str, modifiers: str = "") -> None:
    """A procedure, in the code set panel."""
    open_code_set(keys)
    keys.tab_to("#panel-codes .manual > summary", limit=250)
    keys.press("Enter", "Tab", "Tab")
    keys.type(code)
    if modifiers:
        keys.press("Tab")
        keys.type(modifiers)
    keys.press("Enter")
    expect(keys.page.locator("#code-set .setline .code", has_text=code)).to_be_visible()


def test_a_stay_of_six_documents_by_keys_alone(
    hospital: Hospital, worker: Worker, coder: User, keys: Keyboard, live_server: Any, tmp_path: Path
) -> None:
    page = keys.page
    stay = hospital.bring("demo-01")
    keys.sign_in(live_server.url, coder.username, PASSWORD)
    row = page.locator(f"tr[data-row='{stay.pk}']")
    expect(row).to_contain_text("Queued")
    keys.press("n")
    expect(page.get_by_text("No encounter is waiting for you.")).to_be_visible()

    # The list follows the worker by itself.
    worker.start()
    expect(row).to_contain_text("Ready", timeout=120_000)
    keys.press("/")
    address = page.url
    keys.type("nnn[]")
    assert (page.url, Encounter.objects.get().owner) == (address, None)
    keys.press("Control+a", "Delete", "Tab", "n")
    expect(page.locator(".card").first).to_be_visible()
    assert page.url.startswith(live_server.url + reverse("web:review", args=[stay.pk, "facility_inpatient"]))
    expect(keys.selected).to_be_focused()
    stay.refresh_from_db()
    assert (stay.owner, stay.status) == (coder, EncounterStatus.IN_REVIEW)

    titles = [page.locator(".dochead h2").inner_text()]
    for _ in range(5):
        keys.press("]")
        expect(page.locator(".dochead h2")).not_to_have_text(titles[-1])
        titles.append(page.locator(".dochead h2").inner_text())
    assert titles[0] == "Discharge summary"
    assert len(set(titles)) == 6
    keys.press("[", "[", "[", "[", "[")
    expect(page.locator(".dochead h2")).to_have_text("Discharge summary")

    done: Counter[str] = Counter()
    (expected,) = hospital.known["demo-01"].expected
    wanted = {one.code: one for one in expected.codes if one.system == "icd10cm"}
    found = entries_of(stay)
    right = [one for one in found if one.code in wanted]
    low = [one for one in found if one.code not in wanted and one.band == "low"]
    wrong = [one for one in found if one.code not in wanted and one.band != "low"]
    principal = next(one for one in right if one.code == "C18.7")
    assert len(right) >= 12
    assert len(low) >= 3
    assert len(wrong) >= 1

    keys.press("j", "j", "k")
    lines: dict[str, tuple[str, str]] = {}
    unmarked = next(one for one in right if wanted[one.code].poa == "Y" and one != principal)
    for one in right:
        poa = wanted[one.code].poa
        # Exempt codes are marked so by the table; one is left to be set in the code set panel.
        keys.accept(one.pk, "" if poa == "1" or one == unmarked else poa)
        lines[one.code] = ("secondary", poa)
        done["accept"] += 1

    # A wrong one becomes another code, is taken back and given again.
    other = "K63.89"
    assert other not in {one.code for one in found}
    changed, *rejected = wrong
    keys.modify(changed.pk, other)
    lines[other] = ("secondary", "U")
    done["modify"] += 1
    keys.go_to(changed.pk)
    keys.press("u")
    expect(keys.card(changed.pk)).to_have_attribute("data-state", "undecided")
    keys.press("Shift+u")
    expect(keys.card(changed.pk)).to_have_attribute("data-state", "modified")
    done["withdraw"] += 1
    done["modify"] += 1
    expect(keys.card(changed.pk)).to_be_focused()
    keys.press("o")
    keys.choose("U")
    keys.press("Escape", "o")
    assert page.evaluate("document.activeElement.value") == ""
    keys.choose("U")
    keys.press("Enter")
    expect(keys.card(changed.pk).locator(".outcome")).to_contain_text("POA U")
    expect(keys.card(changed.pk)).to_be_focused()
    # The steps through the list are no decisions, nor is what Escape put back.
    done["set_poa"] += 1

    for one in rejected:
        keys.reject(one.pk, "integral_symptom")
        done["reject"] += 1
    for one in low[:2]:
        keys.dismiss(one.pk)
        done["dismiss"] += 1

    # Two lines of the text by V, then a code for them.
    missed = "Z79.899"
    assert missed not in {one.code for one in found}
    keys.tab_to("[data-text]", back=True, limit=200)
    while page.locator(".dochead h2").inner_text() != "Discharge summary":
        shown = page.locator(".dochead h2").inner_text()
        keys.press("[")
        expect(page.locator(".dochead h2")).not_to_have_text(shown)
        # The rail says where the next step starts; it comes a moment after the text.
        now = page.locator(".dochead h2").inner_text().strip()
        expect(page.locator("#rail [aria-current] b")).to_contain_text(now)
    keys.press("v")
    at = int(page.locator(".ln.picked").get_attribute("data-line") or 0)
    keys.press(*(["j" if at < 38 else "k"] * abs(38 - at)), "ArrowDown")
    expect(page.locator(".ln.picked")).to_have_count(2)
    keys.press("Enter")
    keys.add(missed)
    lines[missed] = ("secondary", "1")
    done["add"] += 1
    place = EntryEvidence.objects.get(entry__code=missed)
    text = place.document_version.lines
    assert (place.line_start, place.line_end, place.quote) == (38, 39, "\n".join(text[37:39]))

    keys.role(principal.pk, "principal")
    lines["C18.7"] = ("principal", "Y")
    done["set_role"] += 1

    expect(page.locator("#progress")).to_contain_text("Sign-off waits for: 1 POA")
    open_code_set(keys)
    keys.tab_to(f"#poa-{unmarked.pk}")
    keys.choose("Y")
    keys.press("Tab")
    expect(page.locator("#progress")).to_contain_text("Ready to sign off")
    done["set_poa"] += 1
    by_hand(keys, "0DTN0ZZ")
    done["add"] += 1

    # What is left are low ones: dismissed in one step, then signed.
    rest = len(low) - 2
    keys.tab_to("#panel-codes summary", back=True)
    keys.press("s")
    expect(page.get_by_role("button", name="Dismiss the remaining low ones")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#panel-sign-off")).not_to_contain_text("Dismiss the remaining")
    done["dismiss"] += rest
    keys.press("s")
    expect(page.locator("[data-sign] button")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#panel-sign-off .note.success")).to_be_visible()

    code_set = assert_signed(stay, coder)
    signed = lines_of(code_set)
    assert signed[0] == ("icd10cm", "C18.7", "principal", "Y")
    assert {code: (role, poa) for system, code, role, poa in signed if system == "icd10cm"} == lines
    assert [row for row in signed if row[0] != "icd10cm"] == [("icd10pcs", "0DTN0ZZ", "", "")]
    assert decisions_of(stay) == done
    assert_log_verifies(stay)
    rows = exported(keys, tmp_path)
    assert [(r["system"], r["code"], r["role"], r["poa"]) for r in rows] == signed
    assert {(r["code_set_sha256"], r["credential"]) for r in rows} == {(code_set.sha256, "CCS")}


def test_a_clinic_note_by_keys_alone(
    hospital: Hospital, coder: User, keys: Keyboard, live_server: Any, tmp_path: Path
) -> None:
    page = keys.page
    (visit,) = hospital.bring_predicted("demo-13")
    keys.sign_in(live_server.url, coder.username, PASSWORD)
    keys.press("j", "Enter")
    expect(page.get_by_text("Read only.")).to_be_visible()
    # The keys work once the modules have run, and they give the focus to the first card.
    expect(keys.selected).to_be_focused()
    keys.press("t")
    # The page before it has a selected code too: wait for the one that may be changed.
    expect(page.get_by_text("Read only.")).to_have_count(0)
    expect(keys.selected).to_be_focused()
    assert Encounter.objects.get().owner == coder
    throat = next(one for one in entries_of(visit) if one.code == "J02.0")
    others = [one for one in entries_of(visit) if one != throat]

    # Typing in any field of the page never decides.
    keys.press("/")
    keys.type(ALL_KEYS)
    expect(page.locator("[data-find-count]")).to_have_text("not found")
    keys.press("Escape", "+")
    expect(page.locator("#panel-add [name=q]")).to_be_focused()
    keys.type(ALL_KEYS)
    keys.press("Escape")
    keys.go_to(throat.pk)
    keys.press("m")
    keys.type(ALL_KEYS)
    expect(page.locator(".picker [name=q]").last).to_have_value(ALL_KEYS)
    keys.press("Escape", "r", "1")
    keys.tab_to(".reasons [name=comment]")
    keys.type(ALL_KEYS)
    keys.press("Escape", "Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert Decision.objects.count() == 0

    keys.accept(throat.pk)
    keys.role(throat.pk, "first_listed")
    for one in others:
        if one.band == "low":
            keys.dismiss(one.pk)
        else:
            keys.reject(one.pk, "integral_symptom")
    by_hand(keys, "99213", "25")
    keys.tab_to("#panel-codes summary", back=True)
    keys.press("s")
    expect(page.locator("[data-sign] button")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#panel-sign-off .note.success")).to_be_visible()

    code_set = assert_signed(visit, coder)
    assert lines_of(code_set) == [("icd10cm", "J02.0", "first_listed", ""), ("cpt", "99213", "", "")]
    low = sum(one.band == "low" for one in others)
    assert decisions_of(visit) == +Counter(
        {
            "accept": 1,
            "set_role": 1,
            "add": 1,
            "set_procedure": 1,
            "dismiss": low,
            "reject": len(others) - low,
        }
    )
    assert_log_verifies(visit)
    rows = exported(keys, tmp_path)
    assert [(r["system"], r["code"], r["role"], r["modifiers"], r["units"]) for r in rows] == [
        ("icd10cm", "J02.0", "first_listed", "[]", "1"),
        ("cpt", "99213", "", '["25"]', "1"),
    ]


SPOT = """words => {
    const walker = document.createTreeWalker(document.getElementById('lines'), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.data.indexOf(words);
        if (at < 0) continue;
        node.parentElement.scrollIntoView({block: 'center'});
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + words.length);
        const boxes = range.getClientRects();
        const [first, last] = [boxes[0], boxes[boxes.length - 1]];
        return [first.left, first.top + first.height / 2, last.right, last.top + last.height / 2];
    }
}"""


@pytest.fixture
def visit(hospital: Hospital) -> Encounter:
    """Telephone visit with emoji and long lines."""
    return hospital.bring_predicted("demo-11")[0]


def drag_over(page: Page, words: str) -> None:
    left, top, right, bottom = page.evaluate(SPOT, words)
    page.mouse.move(left + 1, top)
    page.mouse.down()
    page.mouse.move(right - 20, bottom, steps=3)
    page.mouse.move(right - 1, bottom)
    page.mouse.up()


def open_with_pointer(page: Page, live_server: Any, sign_in: Any, coder: User) -> None:
    sign_in(coder)
    page.goto(live_server.url)
    page.get_by_role("button", name="Next encounter").click()
    expect(page.locator(".card.is-selected")).to_be_visible()
    # A card is drawn by the server; what a click on it does comes with the modules.
    page.wait_for_load_state("load")


def states(encounter: Encounter) -> Counter[str]:
    return Counter(one.state for one in entries_of(encounter))


def test_a_visit_with_the_pointer(
    visit: Encounter, coder: User, page: Page, live_server: Any, sign_in: Any
) -> None:
    open_with_pointer(page, live_server, sign_in, coder)
    address = page.url
    first, *others = entries_of(visit)

    # From the card to the words, from the words to the card.
    last = page.locator("#cards > .card").last
    last.locator(".title").click()
    expect(last).to_have_attribute("aria-current", "true")
    its_words = f"#lines mark.sel[data-e~='{last.get_attribute('data-card')}']"
    expect(page.locator(its_words).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    mark = page.locator(f"#lines mark[data-e='{first.pk}']").first
    if not mark.count():
        page.locator(f"#entry-{first.pk} [data-place]").first.click()
    mark.click()
    card = page.locator(f"#entry-{first.pk}")
    expect(card).to_have_attribute("aria-current", "true")
    expect(page.locator("#lines mark.sel").first).to_be_visible()

    # A double click decides once, and not on the next one.
    card.get_by_role("button", name="Accept").dblclick()
    expect(card).to_have_attribute("data-state", "accepted")
    page.wait_for_load_state("networkidle")
    assert (Decision.objects.count(), states(visit)["accepted"]) == (1, 1)
    page.get_by_role("button", name="Undo").click()
    expect(card).to_have_attribute("data-state", "undecided")
    page.get_by_role("button", name="Redo").click()
    expect(card).to_have_attribute("data-state", "accepted")

    # Words after emoji become the evidence of a code.
    words = "migraine without aura, not intractable"
    note = page.locator("#rail [data-document]", has_text="Telehealth")
    if note.get_attribute("aria-current") is None:
        note.click()
    expect(page.locator("#lines")).to_contain_text(words)
    drag_over(page, words)
    page.locator(".selection-add").click()
    expect(page.locator("[data-quote]")).to_have_text(words)
    page.locator("#panel-add [name=q]").fill("G43.009")
    page.locator("#panel-add .pick", has_text="G43.009").first.click()
    # The engine suggested it too: its card is accepted, the decision is an addition.
    expect(page.locator(".card[data-code='G43.009']")).to_have_attribute("data-state", "accepted")
    assert Decision.objects.order_by("pk").last().action == "add"
    place = EntryEvidence.objects.get(entry__code="G43.009")
    line = place.document_version.lines[place.line_start - 1]
    assert line.startswith("🧠⚡ Head: migraine")
    assert (place.line_end, place.col_start) == (place.line_start, line.index(words))
    assert line[place.col_start : place.col_end] == place.quote == words

    # Closing the tab before the answer came loses nothing.
    waiting = next(one for one in others if one.state == "undecided")
    page.locator(f"#entry-{waiting.pk} .title").click()
    page.locator(f"#entry-{waiting.pk} [data-open=reject]").click()
    page.locator(f"#entry-{waiting.pk} [data-family='1']").click()
    # The browser tells of a request before it sends it, and may drop it with the page: the server has it first.
    arrived = threading.Event()

    def note(environ: Mapping[str, Any], **_: Any) -> None:
        if environ["PATH_INFO"].endswith("/decide/"):
            arrived.set()

    request_started.connect(note)
    page.get_by_role("button", name="Not documented").click()
    assert arrived.wait(60)
    request_started.disconnect(note)
    page.goto("about:blank")
    wait_until(lambda: states(visit)["rejected"] == 1, seconds=60)
    page.goto(address)
    expect(page.locator(f"#entry-{waiting.pk}")).to_have_attribute("data-state", "rejected")
    assert states(visit)["rejected"] == 1


def test_two_tabs_on_one_code(
    visit: Encounter, coder: User, page: Page, context: BrowserContext, live_server: Any, sign_in: Any
) -> None:
    open_with_pointer(page, live_server, sign_in, coder)
    code = entries_of(visit)[0]
    card = f"#entry-{code.pk}"
    stale = context.new_page()
    stale.goto(page.url)
    expect(stale.locator(card)).to_have_attribute("data-state", "undecided")
    page.locator(card).locator(".title").click()
    page.locator(card).get_by_role("button", name="Accept").click()
    expect(page.locator(card)).to_have_attribute("data-state", "accepted")

    stale.locator(card).locator(".title").click()
    with stale.expect_response(lambda r: r.url.endswith("/decide/")) as refused:
        stale.locator(card).get_by_role("button", name="Query").click()
    assert refused.value.status == 409
    conflict = stale.locator(card).locator(".conflict")
    expect(conflict).to_contain_text("nothing was saved")
    expect(conflict.locator("dd").nth(0)).to_contain_text("Held for query")
    expect(conflict.locator("dd").nth(1)).to_contain_text("Accepted")
    assert (Decision.objects.count(), states(visit)["accepted"], states(visit)["held"]) == (1, 1, 0)
    conflict.locator("[data-keep]").click()
    expect(stale.locator(card)).to_have_attribute("data-state", "accepted")
    stale.close()
    assert Decision.objects.count() == 1
