"""A seeded check in the source of its reader's page: nothing but what is read tells it from the other labels."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_checks import seed_gold_checks
from coding_review.actions.gold_project import add_gold_reader, create_gold_project, open_gold_project
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.errors import InvalidProtocol
from coding_review.gold.queries import labels_shown
from coding_review.models import GoldJudgement, GoldLabel, GoldProject, GoldReading
from coding_review.rules.gold_presets import Protocol
from tests.coding_review.gold_rows import ONCE, charts_with_labels, draft
from tests.personas import MakeEncounter

CHARTS = 16
SHOWN = Protocol(
    readings_per_chart=1, repeat_share=0.0, mixed_readers=False, seeded_share=0.05, show_confidence=True
)


@pytest.fixture
def seeded(icd10cm: Release, lead: User, coder: User, make_encounter: MakeEncounter) -> list[GoldLabel]:
    """Confidence is shown, so that all that a page can show of a label is compared."""
    charts_with_labels(make_encounter, CHARTS)
    project = draft(lead, SHOWN)
    add_gold_reader(lead, project.pk, user_id=coder.pk, profession="coder")
    sample_gold_charts(lead, project.pk, size=CHARTS)
    placed = seed_gold_checks(lead, project.pk)
    open_gold_project(lead, project.pk)
    assert len(placed) == 2
    return placed


def reading_with_a_check(coder: User, seeded: list[GoldLabel]) -> GoldReading:
    """The first chart in the reader's order that holds one."""
    charts = {label.chart_id for label in seeded}
    reading = next_gold_chart(coder, seeded[0].chart.project_id)
    while reading.chart_id not in charts:
        GoldReading.objects.filter(pk=reading.pk).update(status="lapsed", lease_until=None)
        reading = next_gold_chart(coder, seeded[0].chart.project_id)
    return reading


def test_cards_differ_in_words_and_places_only(seeded: list[GoldLabel], coder: User, client: Client) -> None:
    reading = reading_with_a_check(coder, seeded)
    client.force_login(coder)
    # Where no label is selected: that card alone is drawn with its verdicts.
    body = client.get(reverse("web:gold-reading", args=[reading.pk]) + "?entry=99").content.decode()
    cards = re.findall(r'<li class="card .*?</li>', body, re.DOTALL)
    shown = labels_shown(reading)
    assert [int(number) for number in re.findall(r'id="entry-(\d+)"', body)] == [1, 2, 3, 4]
    assert [re.search(r'data-code="([^"]+)"', card).group(1) for card in cards] == [one.code for one in shown]  # type: ignore[union-attr]
    drawn = set()
    for card, one in zip(cards, shown, strict=True):
        place = one.evidence[0]
        for told in (one.title, one.code, place.quote, f"{one.confidence:.2f}", str(one.band)):
            card = card.replace(told, "")
        card = card.replace(f"L{place.line_start}", "").replace(f'data-line="{place.line_start}"', "")
        card = re.sub(rf'"entry-{one.place}"|data-card="{one.place}"|entry={one.place}\b', "", card)
        drawn.add(re.sub(r"\s+", " ", re.sub(r"[▲◆▽]|high|medium|low", "", card, flags=re.IGNORECASE)))
    assert len(drawn) == 1, drawn
    # No label's row is named anywhere, also not where the text is marked, and nothing says what a check is.
    marks = re.findall(r'data-(?:entry|entries|card|cards)="([^"]*)"', body)
    assert {int(number) for mark in marks for number in re.findall(r"\d+", mark)} == {1, 2, 3, 4}
    assert set(re.findall(r"/labels/(\d+)/", body)) == {"0"}
    for word in ("seeded", "sibling"):
        assert word not in body.lower()


def test_a_check_stands_before_or_behind_its_neighbour_and_never_with_its_confidence(
    seeded: list[GoldLabel], coder: User
) -> None:
    """The order of the two is by a hash: over many charts neither is the rule."""
    orders = set()
    for number in range(40):
        chart = seeded[0].chart
        chart.project.seed = number
        reading = GoldReading(chart=chart, pk=0)
        codes = [one.code for one in labels_shown(reading)]
        neighbour = GoldLabel.objects.get(chart=chart, rank=seeded[0].rank, source="engine")
        between = codes.index(seeded[0].code) - codes.index(neighbour.code)
        assert abs(between) == 1
        orders.add(between)
    assert orders == {1, -1}
    for label in seeded:
        others = GoldLabel.objects.filter(chart=label.chart, source="engine")
        assert f"{label.confidence:.2f}" not in {f"{one.confidence:.2f}" for one in others}


def test_a_place_that_no_label_has_is_not_found(seeded: list[GoldLabel], coder: User, client: Client) -> None:
    reading = reading_with_a_check(coder, seeded)
    client.force_login(coder)
    for place in (0, 5, GoldLabel.objects.latest("pk").pk):
        answer = client.post(
            reverse("web:gold-judge", args=[reading.pk, place]), {"action": "approve", "version": "0"}
        )
        assert answer.status_code == 404
    assert not GoldJudgement.objects.exists()


def test_checks_do_not_go_with_a_rationale_that_is_shown(lead: User) -> None:
    codebook = draft(lead, ONCE).codebook
    with pytest.raises(InvalidProtocol, match="has no rationale"):
        create_gold_project(
            lead,
            name="Study",
            protocol=Protocol(seeded_share=0.05, show_rationale=True),
            codebook_id=codebook.pk,
        )
    assert not GoldProject.objects.filter(name="Study").exists()
