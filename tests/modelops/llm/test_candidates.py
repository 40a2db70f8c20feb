"""Candidates: which codes stand before the model, in which order, with which words of the chart."""

from __future__ import annotations

import pytest

from catalog.lookup import service
from catalog.lookup.glance import Glance
from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.llm.candidates import CatalogGrounding, Limits
from modelops.engines.llm.line_lookup import LineLookup, can_name
from modelops.engines.llm.numbered import number_lines
from modelops.engines.types import EngineInfo, EngineResult
from tests.catalog.lookup_fixtures import release_lookup
from tests.modelops.engine_charts import chart

pytestmark = pytest.mark.django_db


@pytest.fixture
def release(icd10cm, monkeypatch):
    """With its lookup made once for all tests."""
    monkeypatch.setattr(service, "make_lookup", lambda release, editions: release_lookup(release))
    return icd10cm


def candidates(grounding, release, *texts, **fields):
    one = chart(*texts, **fields)
    return grounding.candidates(one, number_lines(one), release.pk)


def words(found):
    return {one.code: [(at.number, at.text) for at in one.segments] for one in found}


def test_each_code_stands_with_the_words_that_led_to_it(release):
    found = candidates(CatalogGrounding(), release, "Seen today.\nEssential hypertension", "HTN, stable")
    assert words(found)["I10"] == [(2, "Essential hypertension"), (3, "HTN")]
    (first,) = [one for one in found if one.code == "I10"]
    assert first.description == "Essential (primary) hypertension"
    assert (first.segments[0].col_start, first.segments[0].col_end) == (0, 22)


def test_a_term_over_two_lines_is_found_across_them(release):
    text = "He was admitted to the medical ward with acute on chronic systolic\nheart failure and did well."
    found = words(candidates(CatalogGrounding(), release, text))
    assert [number for number, _ in found["I50.23"]] == [1, 2]
    assert found["I50.23"][1][1] == "heart failure"


def test_lines_of_two_documents_are_never_read_across(release):
    first = "He was admitted to the medical ward with acute on chronic systolic"
    found = words(candidates(CatalogGrounding(), release, first, "heart failure and did well."))
    assert [number for number, _ in found["I50.23"]] == [1]


def test_no_more_than_the_limit_and_every_line_before_any_lines_second(release):
    text = "Essential hypertension\nAsthma\nIron deficiency anemia"
    grounding = CatalogGrounding(Limits(most=3))
    found = candidates(grounding, release, text)
    assert sorted(one.segments[0].number for one in found) == [1, 2, 3]


def test_the_same_line_is_looked_up_once(release, monkeypatch):
    asked = []
    real = Glance.lines
    monkeypatch.setattr(Glance, "lines", lambda self, texts: asked.append(texts) or real(self, texts))
    lookup = LineLookup()
    candidates(CatalogGrounding(lookup=lookup), release, "Asthma", "Asthma")
    first = candidates(CatalogGrounding(lookup=lookup), release, "Asthma", "Gout")
    assert asked == [[("Asthma", 6)], [("Gout", 6)]]
    assert [at.number for one in first if one.code == "M10.9" for at in one.segments] == [2]


def test_a_stricter_limit_takes_of_what_others_looked_up(release):
    lookup = LineLookup()
    text = "Essential hypertension and some trouble with breathing"
    loose = candidates(CatalogGrounding(lookup=lookup), release, text)
    strict = candidates(CatalogGrounding(Limits(least=0.8), lookup=lookup), release, text)
    assert strict == tuple(one for one in loose if one.score >= 0.8)
    assert 0 < len(strict) < len(loose)


def test_what_confidences_depend_on_is_said():
    said = CatalogGrounding(Limits(per_line=3, most=50, least=0.75), EmbeddedEngine()).said
    assert said == "per_line=3 most=50 least=0.75 knowledge=embedded-1"
    assert CatalogGrounding().said == "per_line=6 most=120 least=0.5 knowledge=no"


def test_kept_lines_hold_no_text(release):
    grounding = CatalogGrounding()
    candidates(grounding, release, "Ms Quillfeather has asthma")
    assert "Quillfeather" not in repr(vars(grounding._lookup))


def test_the_knowledge_layers_codes_lead_with_their_evidence(release):
    text = "ASSESSMENT\nType 2 diabetes with diabetic chronic kidney disease, stage 3a"
    found = candidates(CatalogGrounding(knowledge=EmbeddedEngine()), release, text)
    assert found[0].code in {"E11.22", "N18.31"}
    assert {"E11.22", "N18.31"} <= {one.code for one in found}
    assert found[0].segments[0].number == 2


def test_the_knowledge_layer_is_shown_the_window_alone_and_its_lines_are_numbered_as_the_charts(release):
    class Knowledge(EmbeddedEngine):
        def predict(self, chart, release_id):
            self.shown = [(document.document_id, document.text) for document in chart.documents]
            return super().predict(chart, release_id)

    knowledge = Knowledge()
    one = chart("Gout.", "Plan:\nEssential hypertension.\nAsthma.")
    lines = number_lines(one)[2:]
    found = CatalogGrounding(knowledge=knowledge).candidates(one, lines, release.pk)
    assert knowledge.shown == [("d2", "Essential hypertension.\nAsthma.")]
    assert {at.number for one in found if one.code == "I10" for at in one.segments} == {3}


def test_a_window_without_lines_asks_nobody(release):
    class Nobody:
        info = EngineInfo(name="n", model_version="1")

        def predict(self, chart, release_id) -> EngineResult:
            raise AssertionError

    one = chart("Gout")
    assert CatalogGrounding(knowledge=Nobody()).candidates(one, (), release.pk) == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", False),
        ("  12/80 ", False),
        ("Na 134", False),
        ("HTN", True),
        ("AF", True),
        ("gout", True),
        ("K 5", False),
    ],
)
def test_which_lines_may_name_a_condition(text, named):
    assert can_name(text) is named
