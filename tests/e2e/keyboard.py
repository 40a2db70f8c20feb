"""A person at the keyboard: only keys, and a look at where the focus is."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

REASON_KEYS = {"not_documented": "11", "not_specific": "21", "integral_symptom": "32", "family_history": "42"}


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, selector: str, *, back: bool = False, limit: int = 60) -> None:
        """Tab until an element that fits has the focus; fails where it cannot be reached so."""
        for _ in range(limit):
            if self.page.evaluate("s => Boolean(document.activeElement?.matches(s))", selector):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def choose(self, value: str) -> None:
        """In the list that has the focus, by the arrow keys."""
        step = self.page.evaluate(
            "v => { const s = document.activeElement;"
            " return [...s.options].findIndex(o => o.value === v) - s.selectedIndex; }",
            value,
        )
        self.press(*(["ArrowDown" if step > 0 else "ArrowUp"] * abs(step)))
        assert self.page.evaluate("document.activeElement.value") == value

    # The review page

    @property
    def selected(self) -> Locator:
        return self.page.locator(".card.is-selected")

    def card(self, entry_id: int) -> Locator:
        return self.page.locator(f"#entry-{entry_id}")

    def go_to(self, entry_id: int) -> None:
        """With J and K, as many as the list says."""
        ids = self.page.locator("#cards > .card").evaluate_all("all => all.map(c => Number(c.dataset.card))")
        now = int(self.selected.get_attribute("data-card") or 0)
        step = ids.index(entry_id) - ids.index(now)
        self.press(*(["j" if step > 0 else "k"] * abs(step)))
        expect(self.card(entry_id)).to_be_focused()

    def decided(self, entry_id: int, state: str) -> None:
        """The card says so, and the focus went on to what waits next."""
        expect(self.card(entry_id)).to_have_attribute("data-state", state)
        if self.page.locator("#cards > .card[data-state=undecided]").count():
            expect(self.selected).to_have_attribute("data-state", "undecided")
            expect(self.selected).to_be_focused()

    def accept(self, entry_id: int, poa: str = "") -> None:
        self.go_to(entry_id)
        if poa:
            self.press("o")
            self.choose(poa)
            self.press("Enter")
            expect(self.card(entry_id)).to_be_focused()
        self.press("a")
        self.decided(entry_id, "accepted")

    def reject(self, entry_id: int, reason: str) -> None:
        self.go_to(entry_id)
        self.press("r", *REASON_KEYS[reason])
        self.decided(entry_id, "rejected")

    def dismiss(self, entry_id: int) -> None:
        self.go_to(entry_id)
        self.press("d")
        self.decided(entry_id, "dismissed")

    def modify(self, entry_id: int, code: str) -> None:
        self.go_to(entry_id)
        self.press("m")
        self.type(code)
        self._pick(".picker .pick", code)
        self.decided(entry_id, "modified")

    def add(self, code: str) -> None:
        """For what is selected in the text; the search is open."""
        expect(self.page.locator("#panel-add [name=q]")).to_be_focused()
        self.press("Control+a")
        self.type(code)
        self._pick("#panel-add .pick", code)
        added = self.page.locator(f".card[data-state=added][data-code='{code}']")
        expect(added).to_be_focused()

    def _pick(self, picks: str, code: str) -> None:
        expect(self.page.locator(picks).first.locator(".code")).to_have_text(code)
        self.press("ArrowDown")
        expect(self.page.locator(picks).first).to_be_focused()
        self.press("Enter")

    def role(self, entry_id: int, role: str) -> None:
        self.go_to(entry_id)
        self.press("p")
        self.choose(role)
        self.press("Enter")
        expect(self.card(entry_id).locator(".outcome")).to_contain_text(role.replace("_", "-"))
        expect(self.card(entry_id)).to_be_focused()

    def sign_in(self, url: str, name: str, password: str) -> None:
        self.page.goto(url)
        self.tab_to("[name=username]", limit=8)
        self.type(name)
        self.press("Tab")
        self.type(password)
        self.press("Enter")
        expect(self.page).to_have_title(re.compile("Worklist|queue|Encounters", re.IGNORECASE))
        # The page's modules have run by then, and its keys work.
        self.page.wait_for_load_state("load")
