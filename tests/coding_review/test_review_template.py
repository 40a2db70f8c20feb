"""The review page drawn from hand-made data: what stands where, what each state offers, what is out of band."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse

from coding_review.rules.reasons import FAMILIES
from coding_review.web.marked_text import Change
from coding_review.web.review_page import Conflict, Evidence, Lease, Result, ReviewPage
from coding_review.web.segments import marked_lines
from tests.coding_review.review_sample import CARDS, LATE, PAGE, PICK, SPANS, TEXTS, with_card

VOID = {"meta", "link", "input", "br", "rect", "hr", "img"}


class Tree(HTMLParser):
    """Just enough of a DOM: elements with attributes, text and parents; refuses tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[dict[str, Any]] = []
        self.open: list[dict[str, Any]] = []
        self.feed(html)
        assert [e["tag"] for e in self.open] == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "parents": list(self.open)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append({"tag": tag, "attrs": dict(attrs), "text": "", "parents": list(self.open)})

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def find(self, tag: str = "", within: dict[str, Any] | None = None, **attrs: str) -> list[dict[str, Any]]:
        wanted = {name.replace("_", "-"): value for name, value in attrs.items()}
        return [
            e
            for e in self.elements
            if (not tag or e["tag"] == tag)
            and (within is None or within in e["parents"])
            and all(e["attrs"].get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str = "", within: dict[str, Any] | None = None, **attrs: str) -> dict[str, Any]:
        [element] = self.find(tag, within, **attrs)
        return element


@pytest.fixture(autouse=True)
def addresses(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ROOT_URLCONF = "tests.coding_review.page_urls"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def draw(page: ReviewPage, template: str = "page.html", **more: object) -> str:
    request = RequestFactory().get("/encounters/17/facility_inpatient/")
    request.user = AnonymousUser()
    return render_to_string(f"coding_review/review/{template}", {"page": page} | more, request=request)


def words(element: dict[str, Any]) -> str:
    return re.sub(r"\s+", " ", element["text"]).strip()


def test_every_line_stands_as_received_with_its_number() -> None:
    tree = Tree(draw(PAGE))
    lines = [e for e in tree.elements if (e["attrs"].get("class") or "").split(" ")[0] == "ln"]
    assert [line["attrs"]["id"] for line in lines] == [f"L{n}" for n in range(1, len(TEXTS) + 1)]
    texts = [tree.one("span", within=line, **{"class": "tx"})["text"] for line in lines]
    assert texts == list(TEXTS)


def test_overlapping_evidence_names_both_codes_and_context_is_not_part_of_the_text() -> None:
    tree = Tree(draw(PAGE))
    shared = tree.one("mark", data_e="14 16")
    assert (shared["text"], shared["attrs"]["class"]) == ("nephropathy", "open two")
    [negated] = [e for e in tree.elements if e["attrs"].get("data-ctx") == "negated"]
    assert (negated["text"], negated["attrs"]["class"]) == ("pneumonia", "no")
    family = tree.one("span", data_ctx="family")
    assert family["text"] == "colon cancer"


def test_patient_stands_in_the_header_only() -> None:
    html = draw(PAGE)
    assert html.count("Bartholomew Lindqvist") == 1
    assert "<title>A20931 · Coding review</title>" in re.sub(r"\s*\n\s*", "", html)


def test_cards_in_order_with_code_band_confidence_and_places() -> None:
    tree = Tree(draw(PAGE))
    cards = [e for e in tree.find("li") if "data-card" in e["attrs"]]
    assert [c["attrs"]["data-code"] for c in cards] == [c.code for c in CARDS]
    acute = tree.one("li", id="entry-13")
    assert acute["attrs"]["aria-current"] == "true"
    assert acute["attrs"]["data-version"] == "1"
    assert words(tree.one("span", within=acute, **{"class": "conf"})) == "▲ 0.93High"
    places = [
        (words(e), e["attrs"]["data-document"])
        for e in tree.find("a", within=acute)
        if "data-place" in e["attrs"]
    ]
    assert places == [("L7", "501"), ("L22", "501"), ("Nephrology L14", "503")]
    assert (
        words(tree.one("span", within=tree.one("li", id="entry-12"), **{"class": "state no"})) == "✕ Rejected"
    )


def buttons(tree: Tree, card: int) -> list[str]:
    box = tree.one("li", id=f"entry-{card}")
    return [e["attrs"]["value"] for e in tree.find("button", within=box, name="action")] + [
        e["attrs"]["data-open"] for e in tree.find("a", within=box) if "data-open" in e["attrs"]
    ]


def test_each_state_offers_what_can_be_done_from_it() -> None:
    offered = {
        13: ["accept", "hold", "reject", "modify", "evidence"],
        18: ["accept", "dismiss", "hold", "reject", "modify", "evidence"],
        11: ["hold", "withdraw", "reject", "modify", "evidence"],
        12: ["accept", "hold", "withdraw", "modify", "evidence"],
    }
    for card, expected in offered.items():
        cards = tuple(replace(c, selected=c.id == card) for c in PAGE.cards)
        tree = Tree(draw(replace(PAGE, cards=cards)))
        assert buttons(tree, card) == expected
        assert [c.id for c in cards if buttons(tree, c.id)] == [card]


def test_every_kind_of_card_finds_its_controls_on_the_page() -> None:
    tree = Tree(draw(PAGE))
    kept = [e["attrs"]["data-controls"] for e in tree.find("template") if "data-controls" in e["attrs"]]
    assert sorted(kept) == sorted({card.controls for card in PAGE.cards})
    assert {"undecided-poa", "undecided-low-poa", "coded-poa-role", "rejected-poa"} <= set(kept)
    read_only = Tree(draw(replace(PAGE, read_only="Signed off.")))
    assert not [e for e in read_only.find("template") if "data-controls" in e["attrs"]]


def test_every_form_that_changes_something_is_a_post_with_a_token_and_works_without_scripts() -> None:
    tree = Tree(draw(replace(with_card(13, open="reject"), alerts=(LATE,))))
    forms = [
        e for e in tree.find("form") if "data-find" not in e["attrs"] and e["attrs"]["method"] != "dialog"
    ]
    inside_template = [e for e in forms if any(p["tag"] == "template" for p in e["parents"])]
    for form in forms:
        assert form["attrs"]["method"] == "post"
        assert form in inside_template or form["attrs"]["action"].startswith("/")
        assert len(tree.find("input", within=form, name="csrfmiddlewaretoken")) == 1
        if "hx-post" in form["attrs"]:
            assert form["attrs"]["hx-post"] == form["attrs"]["action"]


def test_read_only_page_offers_no_decision() -> None:
    page = replace(
        PAGE,
        read_only="With R. Ferreira until 14:40. You may read; ask a lead to reassign it.",
        lease=Lease(mine=False, line="with R. Ferreira until 14:40"),
    )
    tree = Tree(draw(page))
    assert buttons(tree, 13) == []
    assert [
        e["attrs"].get("action") for e in tree.find("form") if "entries" in (e["attrs"].get("action") or "")
    ] == []
    assert "Read only. With R. Ferreira until 14:40." in words(tree.one(id="notices"))
    assert "data-active" not in tree.one(id="review-body")["attrs"]


def test_free_encounter_can_be_taken() -> None:
    page = replace(PAGE, read_only="Nobody has it.", lease=Lease(mine=False, line="free", can_take=True))
    tree = Tree(draw(page))
    assert tree.one("form", action=reverse("web:encounter-take", args=[17]))["attrs"]["method"] == "post"


def test_read_first_holds_back_cards_and_marks() -> None:
    page = replace(
        PAGE,
        hidden=True,
        cards=(),
        document=replace(PAGE.document, lines=marked_lines(TEXTS, ()), strip=()),  # type: ignore[type-var]
    )
    tree = Tree(draw(page))
    assert tree.find("mark") == []
    assert [e for e in tree.find("li") if "data-card" in e["attrs"]] == []
    assert tree.one(id="review-body")["attrs"]["data-hidden"] == "1"
    assert (
        tree.one("form", action=reverse("web:code-set-reveal", args=[23]))["attrs"]["hx-target"]
        == "#review-body"
    )


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        (
            {"prediction": "running", "prediction_line": "Waiting for the engine, 4 before it.", "cards": ()},
            "Predicting",
        ),
        (
            {
                "prediction": "failed",
                "prediction_ended": "The prediction failed",
                "prediction_line": "The engine did not answer.",
                "cards": (),
            },
            "The prediction failed",
        ),
        ({"cards": ()}, "No suggestions"),
    ],
)
def test_states_without_suggestions_say_what_happened(changes: dict[str, Any], heading: str) -> None:
    tree = Tree(draw(replace(PAGE, **changes)))
    panel = tree.one(id="panel-suggestions")
    assert [words(e) for e in tree.find("h2", within=panel)] == [heading]
    polls = [e for e in tree.elements if "data-poll" in e["attrs"]]
    assert len(polls) == (1 if changes.get("prediction") == "running" else 0)
    # Only who may change something is told how.
    advice = "with <kbd>+</kbd>"
    assert draw(replace(PAGE, **changes)).count(advice) == (0 if heading == "Predicting" else 1)
    assert advice not in draw(replace(PAGE, read_only="The prediction failed.", **changes))


def test_reasons_are_the_table_with_their_digits() -> None:
    tree = Tree(draw(with_card(13, open="reject")))
    box = tree.one("li", id="entry-13")
    form = next(e for e in tree.find("form", within=box) if "data-reasons" in e["attrs"])
    assert form["attrs"]["action"] == reverse("web:entry-decide", args=[13])
    sent = [e["attrs"]["value"] for e in tree.find("button", within=form, name="reason")]
    # The empty one first: it is what Enter in the comment sends without scripts.
    assert sent == [""] + [i for f in FAMILIES for i in (f.id, *(r.id for r in f.reasons))]
    keys = [
        e["attrs"]["data-family"]
        for e in tree.find("button", within=form, type="button")
        if "data-family" in e["attrs"]
    ]
    assert keys == [f.key for f in FAMILIES]


def test_modify_lists_near_codes_and_refuses_what_cannot_be_billed() -> None:
    tree = Tree(draw(replace(with_card(16, open="modify"), pick=PICK)))
    box = tree.one("li", id="entry-16")
    picks = tree.find("button", within=box, name="code")
    assert [(e["attrs"]["value"], "disabled" in e["attrs"]) for e in picks] == [
        ("icd10cm:E11.22", False),
        ("icd10cm:N18.32", True),
    ]
    # What cannot be billed leads to the codes below it and is no choice.
    (header,) = tree.find("button", within=box, name="refine")
    assert (header["attrs"]["value"], header["attrs"]["formaction"]) == (
        "E11.2",
        reverse("web:code-pick", args=[23]),
    )


def test_add_gives_the_evidence_back_with_the_choice() -> None:
    evidence = Evidence(501, 7, 8, "12", "40", 'AKI "likely"\nATN')
    tree = Tree(
        draw(PAGE, "_pick_results.html", pick=replace(PICK, purpose="add", entry=None, evidence=evidence))
    )
    form = tree.one("form")
    assert form["attrs"]["action"] == reverse("web:entry-add", args=[23])
    sent = {e["attrs"]["name"]: e["attrs"]["value"] for e in tree.find("input", type="hidden")}
    del sent["csrfmiddlewaretoken"]
    assert sent == {
        "version": "1",
        "document": "501",
        "line_start": "7",
        "line_end": "8",
        "col_start": "12",
        "col_end": "40",
        "quote": 'AKI "likely"\nATN',
        "purpose": "add",
        "entry": "",
    }


def test_answer_is_out_of_band_only_and_holds_what_changed() -> None:
    changed = replace(CARDS[2], state="accepted", version=2)
    line = next(line for line in marked_lines(TEXTS, SPANS) if line.number == 7)
    html = draw(
        PAGE, "answer.html", result=Result(cards=(changed,), lines=(line,), said="N17.0 accepted. 5 left.")
    )
    tree = Tree(html)
    top = [e for e in tree.elements if not e["parents"]]
    assert [e["attrs"]["id"] for e in top] == [
        "entry-13",
        "L7",
        "tabs",
        "code-set",
        "findings",
        "sign-off",
        "progress",
        "outcome",
    ]
    assert {e["attrs"]["hx-swap-oob"] for e in top} == {"true"}
    # The page sets the tick beside the text by it.
    assert tree.one(id="L7")["attrs"]["data-tick"] == line.tick == "open"
    assert tree.one(id="outcome")["attrs"]["data-said"] == "N17.0 accepted. 5 left."
    whole = Tree(draw(PAGE, "answer.html", result=Result(whole_list=True, select=13)))
    assert next(e["attrs"]["id"] for e in whole.elements if not e["parents"]) == "cards"
    assert whole.one(id="outcome")["attrs"]["data-select"] == "13"


def test_conflict_shows_both_states_and_sends_the_new_version_with_the_old_wish() -> None:
    conflict = Conflict(
        "Rejected, context: negated",
        "Accepted by R. Ferreira at 14:02",
        (("action", "reject"), ("reason", "negated")),
    )
    card = replace(CARDS[2], state="accepted", version=4, conflict=conflict)
    tree = Tree(draw(PAGE, "answer.html", result=Result(cards=(card,))))
    box = tree.one("div", **{"class": "find stop conflict"})
    assert [words(e) for e in tree.find("dd", within=box)] == [conflict.wanted, conflict.stands]
    sent = {e["attrs"]["name"]: e["attrs"]["value"] for e in tree.find("input", within=box)}
    assert (sent["version"], sent["action"], sent["reason"]) == ("4", "reject", "negated")


def test_difference_of_a_late_document_replaces_the_text() -> None:
    changes = (Change("-", "CKD stage 3a"), Change("+", "CKD stage 3b"))
    page = replace(PAGE, document=replace(PAGE.document, changes=changes))  # type: ignore[type-var]
    tree = Tree(draw(page, "document_answer.html"))
    assert tree.find(id="lines") == []
    assert [words(e) for e in tree.find("div") if (e["attrs"].get("class") or "").startswith("chg")] == [
        "-CKD stage 3a",
        "+CKD stage 3b",
    ]
    assert tree.one(id="rail")["attrs"]["hx-swap-oob"] == "true"


def test_sign_off_waits_for_blockers_then_shows_the_statement() -> None:
    tree = Tree(draw(replace(PAGE, panel="sign-off")))
    assert [words(e) for e in tree.find("li", within=tree.one(id="sign-off"))] == ["5 undecided", "1 POA"]
    assert tree.find("form", action=reverse("web:code-set-sign-off", args=[23])) == []
    ready = replace(PAGE, panel="sign-off", progress=replace(PAGE.progress, blockers=()))
    tree = Tree(draw(ready))
    form = tree.one("form", action=reverse("web:code-set-sign-off", args=[23]))
    assert words(tree.one("blockquote", within=form)) == PAGE.sign_off.statement
    assert tree.one("input", within=form, name="revision")["attrs"]["value"] == "5"
