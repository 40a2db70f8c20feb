"""The report of an evaluation: its sections, its drawings, the one page."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from modelops.evaluation.report.drawing import draw, draw_all
from modelops.evaluation.report.page import CONTENT_POLICY, report_page
from modelops.evaluation.report.parts import (
    NOT_GIVEN,
    Bars,
    Lines,
    Metrics,
    Points,
    Section,
    Series,
    number,
    share,
)
from modelops.evaluation.report.sections import sections, warnings
from modelops.evaluation.report.tables import Knowledge
from tests.modelops.report_sample import knowledge, metrics

FACTS = (("Gold set", "Charts of ours <v1>"), ("Engine", "embedded"))


def report(figures: Metrics, knows: Knowledge | None = None) -> str:
    """As evaluation_store makes it of a run."""
    shown = sections(figures, knows)
    return report_page("Evaluation report", FACTS, warnings(figures, ""), shown, draw_all(shown))


def by_key(**more: object) -> dict[str, Section]:
    return {section.key: section for section in sections(metrics() | more, knowledge())}


def rows_of(section: Section) -> dict[str, tuple[str, ...]]:
    assert section.table is not None
    return {row[0]: row[1:] for row in section.table.rows}


def test_every_figure_and_table_of_the_paper_has_its_place_once() -> None:
    numbers = [section.number for section in sections(metrics(), knowledge())]
    assert numbers[:11] == [
        "Table 1",
        "Table 2",
        "Table 3",
        "Figure 1",
        "Figure 2",
        "Figure 3a",
        "Figure 3b",
        "Figure 4",
        "Figure 5",
        "Figure 5, categories",
        "Figure 6",
    ]
    assert len(numbers) == len(set(numbers))


def test_levels_stand_with_their_intervals_beside_the_published_figure() -> None:
    rows = rows_of(by_key()["figure-2"])
    assert rows["L3 exact code"] == (
        "0.650 (0.600–0.690)",
        "0.580 (0.530–0.620)",
        "0.610 (0.560–0.650)",
        "61.0%",
        "0.704",
    )
    assert rows["L4 exact, with evidence"][-1] == "0.629"
    assert rows["L0 category"][-1] == NOT_GIVEN


def test_table_1_weights_by_cases_beside_what_does_not() -> None:
    assert rows_of(by_key()["table-1"])["L3 exact code"] == (
        "0.620 ± 0.300",
        "0.600 ± 0.300",
        "0.610 ± 0.300",
        "0.510",
        "0.610 ± 0.021",
        "0.610",
        "0.704",
    )


def test_table_2_tells_the_difference() -> None:
    assert rows_of(by_key()["table-2"]) == {
        "MedQA, four options": ("1,273", "0.741 ± 0.012", "0.733 ± 0.012", "-0.008", NOT_GIVEN)
    }


def test_table_3_keeps_the_published_pair_to_the_filtered_approved_labels() -> None:
    section = by_key()["table-3"]
    rows = rows_of(section)
    assert rows["Approve only, domains only, L3 exact code"][-1] == "P 0.32, R 0.86"
    assert rows["Approve only, all codes, L3 exact code"][-1] == NOT_GIVEN
    assert (
        "approve and add, domains only: no gold code says whether it was a label or an addition."
        in section.notes
    )


def test_outliers_are_listed_and_the_quiet_categories_are_not() -> None:
    section = by_key()["figure-3b"]
    assert rows_of(section) == {"R54": ("14", "0.050", NOT_GIVEN)}
    assert isinstance(section.chart, Points)
    assert section.chart.marked == frozenset({"R54"})
    assert len(section.chart.points) == 31


@pytest.mark.parametrize(
    ("key", "without", "said"),
    [
        ("figure-4", {"domain_filter": None}, "no value sets"),
        ("figure-5", {"by": {"frequency": None}}, "--train-categories"),
        ("figure-6", {"procedures": {}}, "CPT F1 0.736"),
        ("figure-3a", {"outliers": {}}, "no category has ten gold cases"),
        (
            "table-3",
            {"expert": {"approve_only": None, "approve_and_add": None}},
            "labels and which additions",
        ),
    ],
)
def test_what_cannot_be_shown_says_why_and_draws_nothing(
    key: str, without: dict[str, object], said: str
) -> None:
    section = by_key(**without)[key]
    assert said in section.absent
    assert section.chart is None


def test_metrics_without_anything_still_make_a_report() -> None:
    page = report({})
    assert page.count("<section ") == len(sections({}))
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).lower().split()


def test_undefined_figures_are_dashes() -> None:
    assert [number(None), number(float("nan")), number(True), share(None)] == ["–"] * 4
    assert [number(0.12345), number(1), share(0.5)] == ["0.123", "1.000", "50.0%"]


def test_the_same_figures_give_the_same_bytes_in_another_process() -> None:
    here = report(metrics(), knowledge())
    code = (
        "import sys, hashlib\n"
        "from tests.modelops.report_sample import knowledge, metrics\n"
        "from tests.modelops.test_report import report\n"
        "page = report(metrics(), knowledge())\n"
        "sys.stdout.write(hashlib.sha256(page.encode()).hexdigest())\n"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert there.stdout == hashlib.sha256(here.encode()).hexdigest()


def test_the_page_needs_nothing_besides_itself() -> None:
    page = report(metrics(), knowledge())
    assert re.findall(r'(?:src|href|action)="(?!#)[^"]*"', page) == []
    assert "<script" not in page
    assert " style=" not in page
    assert "Charts of ours &lt;v1&gt;" in page
    assert "circulatory system &lt;&amp;&gt;" in page
    assert "circulatory system <&>" not in page
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_POLICY
    assert CONTENT_POLICY.endswith("; sandbox")


def test_every_chart_has_its_table_and_a_name_to_be_read_out() -> None:
    found = sections(metrics(), knowledge())
    drawings = draw_all(found)
    assert [s.key for s in found if s.chart is not None and s.table is None] == []
    assert set(drawings) == {s.key for s in found if s.chart is not None}
    for section in found:
        if section.chart is not None:
            root = ET.fromstring(drawings[section.key])  # noqa: S314 - our own drawing
            assert root.attrib["aria-label"] == f"{section.number}. {section.title}"


def test_ids_are_unique_in_the_page_and_all_that_are_referred_to_exist() -> None:
    found = sections(metrics(), knowledge())
    page = report_page("Report", FACTS, (), found, draw_all(found))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page))
    assert {a or b for a, b in referred} <= set(ids)


def test_series_differ_by_more_than_colour() -> None:
    bars = draw(
        Bars(("a", "b"), (Series("one", (0.2, 0.4)), Series("two", (0.3, None))), "share"), key="k", title="t"
    )
    fills = set(re.findall(r'fill="url\(#(k-[^)]+)\)"', bars))
    assert len(fills) == 1  # the first is plain, the second hatched
    lines = draw(
        Lines((0.0, 1.0), (Series("one", (0.2, 0.4)), Series("two", (0.3, 0.5))), "x", "y"),
        key="k",
        title="t",
    )
    assert len(re.findall(r"stroke-dasharray", lines)) >= 1
    assert len(re.findall(r'href="#k-', lines)) >= 4


def test_a_reader_is_told_what_the_reference_is() -> None:
    assert warnings({"charts": {"total": 500}}) == ()
    assert [text.split(":")[0] for text in warnings({"charts": {"total": 99}}, "approved_labels")] == [
        "The reference is approved labels",
        "99 charts only",
    ]
    (single,) = warnings({"charts": {"total": 500}}, "single_read_reference")
    assert "not a gold set" in single
