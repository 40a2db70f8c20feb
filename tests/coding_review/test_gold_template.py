"""Pages of gold projects drawn from hand-made data: what stands where, what is offered, what stays hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory

from coding_review.rules.reasons import FAMILIES
from coding_review.web.gold_page import ContestedGroup, GoldResult
from coding_review.web.segments import marked_lines
from tests.coding_review import gold_sample as sample
from tests.coding_review.test_review_template import Tree


@pytest.fixture(autouse=True)
def addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.coding_review.page_urls"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def draw(template: str, page: Any, **more: object) -> str:
    request = RequestFactory().get("/gold/")
    request.user = AnonymousUser()
    return render_to_string(f"coding_review/gold/{template}", {"page": page} | more, request=request)


def texts(tree: Tree, tag: str, **attrs: str) -> list[str]:
    return [" ".join(element["text"].split()) for element in tree.find(tag, **attrs)]


def test_a_reading_offers_the_five_verdicts_by_key_on_the_selected_label_only() -> None:
    tree = Tree(draw("reading.html", sample.READING))
    card = tree.one("li", id="entry-22")
    keys = [e["attrs"]["data-key"] for e in tree.find(within=card) if "data-key" in e["attrs"]]
    assert keys == ["1", "2", "3", "4", "5", "c"]
    values = [e["attrs"]["value"] for e in tree.find("button", within=card, name="action")]
    assert values == [
        "comment",
        "approve",
        "approve_evidence_wrong",
        "approve_more_specific",
        "undecidable",
    ]
    assert tree.find("form", within=tree.one("li", id="entry-21")) == []
    # The template that scripts copy into another label when it is selected names label 0.
    template = tree.one("template", data_controls="label")
    form = tree.one("form", within=template, action="/gold/reading/5/labels/0/")
    assert len(tree.find("button", within=form, name="action")) == 5


def test_verdicts_stand_as_words_with_their_glyph() -> None:
    tree = Tree(draw("reading.html", sample.READING))

    def said(entry: str) -> str:
        [found] = [
            e["text"]
            for e in tree.find("span", within=tree.one("li", id=entry))
            if "state" in e["attrs"].get("class", "").split()
        ]
        return str(found)

    assert said("entry-21") == "✓ Approve"
    assert said("entry-22") == "open"
    assert said("entry-23") == "✕ Reject"
    assert said("entry--31") == "+ Added"
    assert tree.one("li", id="entry-23")["attrs"]["data-state"] == "rejected"
    assert "rule violation: integral symptom" in tree.one("li", id="entry-23")["text"]
    assert "2 of 3 judged" in " ".join(tree.one("footer")["text"].split())
    # Finishing waits for the last label.
    assert "disabled" in tree.one("button", id="finish")["attrs"]


def test_the_text_is_the_documents_own_with_each_labels_marks() -> None:
    tree = Tree(draw("reading.html", sample.READING))
    lines = [e["text"] for e in tree.find("span") if e["attrs"].get("class") == "tx"]
    assert lines == list(sample.TEXTS)
    assert tree.one("mark", data_e="21")["attrs"]["class"] == "done"
    assert tree.one("mark", data_e="-31")["text"] == "Weight 47 kg, was 54 in January"


def test_confidence_and_rationale_are_absent_unless_given() -> None:
    assert "0.87" not in draw("reading.html", sample.READING)
    shown = replace(sample.MALNUTRITION, confidence="0.87", band="medium", rationale="Cachexia is described.")
    html = draw("reading.html", replace(sample.READING, cards=(shown,)))
    assert "0.87" in html
    assert "Cachexia is described." in html


def test_approve_only_offers_no_adding() -> None:
    tree = Tree(draw("reading.html", replace(sample.READING, mode="approve_only", cards=(sample.FALLS,))))
    assert [e for e in tree.elements if "data-add" in e["attrs"]] == []
    assert tree.find("form", action="/gold/reading/5/pick/") == []
    assert tree.one("div", id="review-body")["attrs"]["data-editable"] == "0"


def test_blind_coding_shows_no_label_and_no_verdict() -> None:
    page = replace(sample.READING, mode="blind", cards=())
    tree = Tree(draw("reading.html", page))
    assert "Code this chart from its text" in draw("reading.html", page)
    assert tree.find("li", data_controls="label") == []
    assert "disabled" not in tree.one("button", id="finish")["attrs"]
    assert len(tree.find("form", action="/gold/reading/5/pick/")) == 1


def test_a_finished_reading_has_no_form_that_changes_it() -> None:
    tree = Tree(draw("reading.html", replace(sample.READING, read_only="You finished it at 14:10.")))
    own = [e for e in tree.find("form", method="post") if "/gold/" in str(e["attrs"].get("action"))]
    assert own == []
    assert "You finished it at 14:10." in tree.one("div", role="note")["text"]


def test_reasons_are_those_of_the_review_page() -> None:
    tree = Tree(draw("reading.html", sample.READING))
    template = tree.one("template", id="reasons-form")
    families = [
        e["attrs"]["data-family"] for e in tree.find("button", within=template) if "data-family" in e["attrs"]
    ]
    assert families == [family.key for family in FAMILIES]


def test_without_scripts_the_reasons_open_in_the_label() -> None:
    opened = replace(sample.MALNUTRITION, open="reject")
    tree = Tree(draw("reading.html", replace(sample.READING, cards=(opened,))))
    card = tree.one("li", id="entry-22")
    [form] = [e for e in tree.find("form", within=card) if "data-reasons" in e["attrs"]]
    assert form["attrs"]["action"] == "/gold/reading/5/labels/22/"


def test_an_answer_holds_only_what_changed() -> None:
    judged = replace(sample.MALNUTRITION, verdict="undecidable")
    result = GoldResult(
        cards=(judged,),
        lines=marked_lines(sample.TEXTS, sample.SPANS, frozenset({11})),
        said="E46: would query. 0 left.",
    )
    tree = Tree(draw("reading_answer.html", sample.READING, result=result))
    assert [e["attrs"]["id"] for e in tree.elements if "hx-swap-oob" in e["attrs"]] == [
        "entry-22",
        "L11",
        "progress",
        "outcome",
    ]
    assert tree.one("div", id="outcome")["attrs"]["data-said"] == "E46: would query. 0 left."


def test_adjudication_puts_conflicts_first_and_readings_side_by_side() -> None:
    tree = Tree(draw("adjudicate.html", sample.ADJUDICATION))
    heads = [" ".join(e["text"].split()) for e in tree.find("h2", within=tree.one("div", id="cards"))]
    assert heads == ["Conflicts 2", "Listed by one reader 1", "Agreed, drawn for a look 1"]
    row = tree.one("li", id="entry-1")
    says = [
        " ".join(e["text"].split()) for e in tree.find("div", within=row) if e["attrs"].get("class") == "says"
    ]
    assert says == ["Reader 1: ✓ Approve", "Reader 2: ✕ Rejecthistorical: no fall today"]
    one_sided = tree.one("li", id="entry-3")
    assert "not listed" in one_sided["text"]
    buttons = tree.find("button", within=row, name="ruling")
    assert [(b["attrs"]["value"], b["attrs"].get("data-key")) for b in buttons] == [
        ("comment", None),
        ("keep", "1"),
        ("out", "2"),
        ("undecidable", "3"),
    ]
    assert "1 of 4 ruled" in " ".join(tree.one("footer")["text"].split())
    assert "disabled" in tree.one("button", id="close-chart")["attrs"]
    assert "disabled" not in tree.one("button", id="undo")["attrs"]


def test_a_chart_is_closed_when_everything_is_ruled() -> None:
    [conflicts, one_sided, drawn] = sample.ADJUDICATION.groups
    page = replace(sample.ADJUDICATION, groups=(ContestedGroup("Agreed, drawn for a look", drawn.rows),))
    assert (page.ruled, page.total, page.complete) == (1, 1, True)
    tree = Tree(draw("adjudicate.html", page))
    assert "disabled" not in tree.one("button", id="close-chart")["attrs"]
    assert len(conflicts.rows) == 2
    assert len(one_sided.rows) == 1


def test_readers_see_where_they_were_overruled_and_answer_once() -> None:
    tree = Tree(draw("overruled.html", sample.OVERRULED))
    assert [
        f["attrs"]["action"] for f in tree.find("form", method="post") if "reply" in f["attrs"]["action"]
    ] == ["/gold/rulings/41/reply/"]
    assert "The dietitian's note came a day later." in tree.one("article", id="ruling-42")["text"]


def test_a_project_shows_figures_with_their_interval_or_why_there_is_none() -> None:
    tree = Tree(draw("project.html", sample.PROJECT))
    rows = [
        " ".join(e["text"].split())
        for e in tree.find("tr")
        if "kappa" in e["text"] or "Positive" in e["text"]
    ]
    assert rows == [
        "Positive specific agreement0.910.88 to 0.94420 labels",
        "Cohen's kappaundefined: one reader never rejected",
    ]
    assert len(tree.find("form", action="/gold/charts/11/withdraw/")) == 1
    assert tree.find("form", action="/gold/charts/12/withdraw/") == []


def test_a_draft_opens_only_when_every_step_is_done() -> None:
    draft = replace(sample.PROJECT, status="draft", steps=sample.STEPS)
    tree = Tree(draw("project.html", draft, sample_form=()))
    [opening] = [b for b in tree.find("button") if "Open for reading" in b["text"]]
    assert "disabled" in opening["attrs"]
    assert (
        "Nobody sees another's reading before adjudication."
        in tree.one("section", aria_labelledby="draft-head")["text"]
    )
    ready = replace(draft, steps=tuple(replace(step, done=True) for step in sample.STEPS))
    [opening] = [
        b for b in Tree(draw("project.html", ready, sample_form=())).find("button") if "Open for" in b["text"]
    ]
    assert "disabled" not in opening["attrs"]


def test_lists_name_each_set_by_its_kind() -> None:
    tree = Tree(draw("sets.html", sample.SETS))
    assert "Approved labels" in tree.one("tr", data_row="9")["text"]
    assert "1 withdrawn" in tree.one("tr", data_row="9")["text"]
    page = Tree(draw("set.html", sample.SET_PAGE))
    assert "5f2c" * 16 in page.one("section", aria_labelledby="manifest-head")["text"]
    assert len(page.find("form", action="/gold/sets/9/export/")) == 1


def test_the_list_offers_a_reader_the_next_chart() -> None:
    tree = Tree(draw("projects.html", sample.PROJECTS))
    assert len(tree.find("form", action="/gold/3/next/")) == 1
    assert tree.find("form", action="/gold/2/next/") == []
    assert len(tree.find("form", action="/gold/2/adjudicate/")) == 1


def test_nothing_is_styled_or_scripted_inline() -> None:
    for template, page in (
        ("reading.html", sample.READING),
        ("adjudicate.html", sample.ADJUDICATION),
        ("project.html", sample.PROJECT),
        ("overruled.html", sample.OVERRULED),
    ):
        tree = Tree(draw(template, page))
        assert [e for e in tree.elements if "style" in e["attrs"]] == []
        assert [e for e in tree.find("script") if "src" not in e["attrs"]] == []
