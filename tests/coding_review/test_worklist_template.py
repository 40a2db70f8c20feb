"""The worklist drawn from hand-made data: bars, states in words, what polls, what cannot be opened."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse

from coding_review.web.worklist_page import Chip, Fact, Row, WorklistPage

READY = Row(
    encounter_id=7,
    url="/encounters/7/",
    status="ready",
    status_label="Ready",
    status_since="",
    name="Abara, T.",
    sex_age="M 61",
    numbers="0038-12 · A20877",
    setting="Inpatient",
    claims="Facility",
    date="6 Jun",
    days="6 days",
    documents=11,
    high=2,
    medium=1,
    low=1,
    coder="you",
)
HIDDEN = replace(
    READY,
    encounter_id=8,
    url="",
    name="Restricted record",
    high=0,
    medium=0,
    low=0,
    status="predicting",
    coder="",
)
PAGE = WorklistPage(
    title="My worklist",
    rows=(READY, HIDDEN),
    chips=(Chip("Mine", "?mine=", True, "41"), Chip("Ready", "?status=ready", count="34")),
    facts=(Fact("34", "ready"),),
    total_line="1–2 of 2",
    refresh_url="?rows=1",
)


@pytest.fixture(autouse=True)
def addresses(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ROOT_URLCONF = "tests.coding_review.page_urls"


def draw(page: WorklistPage, template: str = "worklist.html") -> str:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    return render_to_string(f"coding_review/{template}", {"page": page}, request=request)


def test_bar_is_measured_in_percent_and_said_in_words() -> None:
    html = draw(PAGE)
    bars = re.findall(r'<rect class="(\w+)" x="([\d.]+)" width="([\d.]+)"', html)
    assert bars == [("high", "0.0", "50.0"), ("medium", "50.0", "25.0"), ("low", "75.0", "25.0")]
    assert 'aria-label="2 high, 1 medium, 1 low"' in html


def test_a_record_that_may_not_be_opened_is_no_link() -> None:
    html = draw(PAGE)
    assert '<a class="name" href="/encounters/7/">Abara, T.</a>' in html
    assert "<b>Restricted record</b>" in html
    assert html.count('class="name"') == 1


def test_only_a_page_with_running_predictions_polls() -> None:
    assert "data-poll" not in draw(PAGE)
    rows = draw(replace(PAGE, live=True), "worklist.html#rows")
    assert re.search(r'^\s*<div id="rows" data-poll hx-get="\?rows=1" hx-trigger="every 5s"', rows)
    assert "<html" not in rows


def test_filters_are_links_with_counts_and_search_goes_by_post() -> None:
    html = draw(PAGE)
    assert re.search(r'href="\?mine=" aria-current="true">Mine <b>41</b><span class="sr">, on</span>', html)
    assert f'<form method="post" action="{reverse("web:worklist-search")}" role="search"' in html


def test_nothing_to_show_says_why_and_where_to_go() -> None:
    html = draw(replace(PAGE, rows=(), empty_line="All encounters are signed off.", import_url="/import/"))
    assert "All encounters are signed off." in html
    assert '<a class="btn" href="/import/">Bring encounters in</a>' in html
    assert "<table" not in html
