"""Evaluation in the browser: start one, its figures, two runs side by side down to a chart, and the printed report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.queue_evaluation import queue_evaluation
from coding_review.evaluation_job import run_evaluation
from coding_review.models import EvaluationJob, GoldSet
from modelops.evaluation.report.drawing import draw_all
from modelops.evaluation.report.sections import sections
from modelops.models import EvaluationRun
from tests.coding_review.evaluation_rows import stored
from tests.e2e.test_review_behaviour import axe_in_both_themes
from tests.modelops.report_sample import knowledge, metrics

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TEXT = "Chronic kidney disease, stage 4.\nType 2 diabetes with kidney disease.\nNo chest pain."
# A page of A4 without its margins, in CSS pixels.
PAPER = {"width": 680, "height": 1001}


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> None:
    settings.EVALUATION_DIR = tmp_path / "kept"


@pytest.fixture
def gold_set(db: None) -> GoldSet:
    rows = [
        {
            "id": f"chart-{n}",
            "text": TEXT,
            "codes": [{"code": "N18.4", "lines": [1]}, {"code": "E11.22", "lines": [2]}],
        }
        for n in range(12)
    ]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    return import_gold(None, lines, name="Kidney", purpose="evaluation", without_phi=True)


def predictions(folder: Path, *, wrong: int) -> Path:
    """Every `wrong`th chart has another code of the category."""

    def code(name: str, line: int, sure: float) -> dict[str, Any]:
        place = {"document_id": "1", "line_start": line, "line_end": line}
        return {"code": name, "confidence": sure, "evidence": [place]}

    path = folder / f"predictions-{wrong}.jsonl"
    rows = [
        {
            "id": f"chart-{n}",
            "engine": "peer",
            "model_version": str(wrong),
            "codes": [code("N18.4", 1, 0.9), code("E11.22" if n % wrong else "E11.9", 2, 0.5 + n / 40)],
        }
        for n in range(12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_evaluation_is_started_watched_and_compared_down_to_the_chart(
    gold_set: GoldSet, lead: User, sign_in: Any, live_server: Any, page: Page, tmp_path: Path
) -> None:
    with predictions(tmp_path, wrong=2).open("rb") as file:
        run_evaluation(queue_evaluation(lead, gold_set.pk, upload=file).pk)
    sign_in(lead)
    page.goto(live_server.url + reverse("web:evaluations"))
    page.get_by_role("link", name="Start an evaluation").click()
    page.get_by_label("Or a file of predictions").set_input_files(
        {"name": "bad.jsonl", "mimeType": "application/jsonl", "buffer": b'{"id": "chart-1"}\n'}
    )
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("cell", name="codes: missing")).to_be_visible()
    assert EvaluationJob.objects.count() == 1
    page.get_by_label("Or a file of predictions").set_input_files(predictions(tmp_path, wrong=5))
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#job")).to_contain_text("Waiting for a worker")
    job = EvaluationJob.objects.latest("pk")
    assert run_evaluation(job.pk) is True
    # The page asks by itself.
    page.get_by_role("link", name=re.compile("See run")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Evaluation")
    expect(page.locator(".facts")).to_contain_text("0.875")
    page.get_by_role("link", name="All runs").click()
    page.get_by_role("button", name="Compare A with B").click()
    expect(page.get_by_role("heading", name="Could it be chance?")).to_be_visible()
    chance = page.locator("section[aria-labelledby=chance]")
    exact = chance.get_by_role("row", name=re.compile(r"exact.*micro", re.I)).first
    expect(exact).to_contain_text(" to ")
    page.get_by_role("link", name="chart-2", exact=True).click()
    expect(page.locator("tr.differs").first).to_contain_text("A ≠ B")
    expect(page.locator(".cited")).to_contain_text("Type 2 diabetes with kidney disease.")


def polls(route: Route) -> bool:
    return "x-poll" in route.request.headers


def test_a_waiting_evaluation_is_cancelled(
    gold_set: GoldSet, lead: User, sign_in: Any, live_server: Any, page: Page, tmp_path: Path
) -> None:
    with predictions(tmp_path, wrong=2).open("rb") as file:
        job = queue_evaluation(lead, gold_set.pk, upload=file)
    sign_in(lead)
    address = reverse("web:evaluation-job", args=[job.pk])
    # The page asks every two seconds: its answer could take the button away between the halves of a click.
    page.route(f"**{address}", lambda route: route.fulfill(status=204) if polls(route) else route.continue_())
    page.goto(live_server.url + address)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job")).to_contain_text("Nothing was stored.")
    assert run_evaluation(job.pk) is False
    assert not EvaluationRun.objects.exists()


def test_axe_finds_nothing_on_the_evaluation_pages(
    gold_set: GoldSet,
    lead: User,
    sign_in: Any,
    live_server: Any,
    page: Page,
    tmp_path: Path,
) -> None:
    for wrong in (2, 5):
        with predictions(tmp_path, wrong=wrong).open("rb") as file:
            run_evaluation(queue_evaluation(lead, gold_set.pk, upload=file).pk)
    with predictions(tmp_path, wrong=3).open("rb") as file:
        waiting = queue_evaluation(lead, gold_set.pk, upload=file)
    b, a = EvaluationRun.objects.order_by("pk")
    both = f"?a={a.pk}&b={b.pk}"
    addresses = {
        "list": reverse("web:evaluations"),
        "new": reverse("web:evaluation-new"),
        "job": reverse("web:evaluation-job", args=[waiting.pk]),
        "run": reverse("web:evaluation", args=[a.pk]),
        "compare": reverse("web:evaluation-compare") + both,
        "chart": reverse("web:evaluation-chart", args=[a.pk, 1]) + f"?b={b.pk}",
    }
    sign_in(lead)
    found = {}
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name, address in addresses.items():
            page.goto(live_server.url + address)
            found[name, width] = axe_in_both_themes(page)
            wider = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wider > 0:
                found[name, width].append(f"{wider} pixels wider than the screen")
    assert found == {key: [] for key in found}


# What reaches beyond the paper, or is taller than a page and so is cut between two.
CUT = """([width, height]) => [...document.querySelectorAll("h1, h2, p, dd, figure, svg, table, th, td")]
    .filter((each) => each.getClientRects().length)
    .map((each) => [each, each.getBoundingClientRect()])
    .filter(([each, box]) => box.right > width + 1 || box.left < -1
        || (each.matches("figure, svg, tr") && box.height > height) || each.scrollWidth > each.clientWidth + 1
            && !each.closest("svg"))
    .map(([each, box]) => `${each.closest("section")?.id} ${each.tagName} ${box.left} ${box.right} ${box.height}`)"""


def test_the_printed_report_has_every_figure_and_table_whole(
    lead: User, sign_in: Any, live_server: Any, page: Page, tmp_path: Path
) -> None:
    shown = sections(metrics(), knowledge())
    run = stored(tmp_path, drawings=draw_all(shown))
    sign_in(lead)
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.goto(live_server.url + reverse("web:evaluation-report", args=[run.pk]))
    assert page.evaluate(CUT, [PAPER["width"], PAPER["height"]]) == []
    stood = sections(run.metrics, None)
    assert page.locator("section").count() == len(stood)
    assert page.locator("section table").count() == sum(section.table is not None for section in stood)
    drawn = {section.key for section in stood} & {key for key, drawing in run.drawings.items() if drawing}
    assert set(page.locator("section:has(svg)").evaluate_all("all => all.map(one => one.id)")) == drawn
    for hidden in ("nav", ".to-print"):
        expect(page.locator(hidden)).to_be_hidden()
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    # A4 in points, on every page; none is left empty by a drawing pushed on.
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height / PAPER["height"] <= len(boxes) <= 1.6 * height / PAPER["height"] + 1
