"""Grounding, second look, procedures and the hybrid engine as the settings make them, from the chart over HTTP to the
stand-in and back: every path answers, and what does not hold is kept with its reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from catalog.choices import CodeSystem
from catalog.lookup import service
from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.hybrid import KNOWN, hybrid_engine
from modelops.engines.llm.make import vllm_engine
from modelops.engines.types import Discarded
from modelops.errors import OutputInvalid
from tests.catalog.lookup_fixtures import release_lookup
from tests.modelops.engine_charts import chart
from tests.modelops.llm.scripted import item, said

NOTE = (
    "ASSESSMENT:\nGout of the left foot, controlled asthma.\nColonoscopy done today, no polyps.\nFollow up."
)


@pytest.fixture
def release(icd10cm, monkeypatch):
    """With its lookup made once for all tests."""
    make = service.make_lookup

    def made(release, editions):
        return release_lookup(release) if release.system == CodeSystem.ICD10CM else make(release, editions)

    monkeypatch.setattr(service, "make_lookup", made)
    return icd10cm


@pytest.fixture
def engine(standin):
    made = []

    def make(maker=vllm_engine, **overrides):
        made.append(maker(base_urls=(standin.url,), **overrides))
        return made[-1]

    return make


def asked(standin):
    """The last message of each request."""
    return [body["messages"][-1]["content"] for body in standin.asked()]


def codes(result):
    return [(one.system, one.code) for one in result.suggestions]


def quoted(result):
    return [(one.code, [place.quote for place in one.evidence]) for one in result.suggestions]


def test_candidates_stand_in_the_prompt_with_their_lines(release, engine, standin):
    result = engine(grounding="candidates").predict(chart(NOTE), release.pk)
    (prompt,) = asked(standin)
    assert "\n2| Gout of the left foot, controlled asthma.\n" in prompt
    assert "- M10.9 Gout, unspecified (line 2)\n" in prompt
    assert quoted(result) == [("M10.9", ["Gout"]), ("J45.909", ["asthma"])]
    assert result.usage["candidates"] == prompt.partition("END")[2].count("\n- ")
    assert (result.discarded, result.made_by.details["grounding"]) == ((), "candidates")


def test_closed_only_candidates_can_be_named(release, engine, standin):
    result = engine(grounding="candidates", closed=True).predict(chart(NOTE), release.pk)
    (body,) = standin.asked()
    schema = body["response_format"]["json_schema"]["schema"]
    offered = [one["properties"]["code"]["const"] for one in schema["properties"]["codes"]["items"]["anyOf"]]
    assert len(offered) == len(set(offered)) == result.usage["candidates"]
    assert {code for _, code in codes(result)} <= set(offered)
    assert ("icd10cm", "M10.9") in codes(result)


def test_the_second_look_keeps_replaces_and_drops(release, engine, standin):
    named = said(item("M10.9", "Gout", 2), item("J45.909", "asthma", 2), item("I10", "Follow up", 4))
    standin.script(named, json.dumps({"1": "M10.072", "2": "keep", "3": "drop"}))
    result = engine(grounding="candidates+verify").predict(chart(NOTE), release.pk)
    _, second = asked(standin)
    assert '1. M10.9 Gout, unspecified\n   evidence: "Gout"\n' in second
    assert "   other: M10.072 " in second
    assert "left foot" not in second
    assert quoted(result) == [("M10.072", ["Gout"]), ("J45.909", ["asthma"])]
    assert result.discarded == (Discarded("M10.9", "verified_out"), Discarded("I10", "verified_out"))
    usage = result.usage
    assert (usage["verify_replaced"], usage["verify_kept"], usage["verify_dropped"]) == (1, 1, 1)
    assert (usage["requests"], usage["dropped_verified_out"]) == (2, 2)


def test_procedures_are_described_looked_up_and_chosen(release, cpt_sample, engine, standin):
    one = chart(NOTE, procedure_releases={"cpt": cpt_sample.pk})
    result = engine().predict(one, release.pk)
    _, describing, choosing = standin.asked()
    assert list(describing["response_format"]["json_schema"]["schema"]["properties"]) == ["procedures"]
    offered = choosing["response_format"]["json_schema"]["schema"]["properties"]["1"]["enum"]
    assert (offered[0], offered[-1]) == ("45378", "none")
    assert codes(result) == [("icd10cm", "M10.9"), ("icd10cm", "J45.909"), ("cpt", "45378")]
    assert result.suggestions[-1].evidence[0].quote == "Colonoscopy"
    assert (result.usage["requests"], result.usage["procedures_described"]) == (3, 1)


def test_on_an_inpatient_stay_nobody_asks_for_procedures(release, cpt_sample, engine, standin):
    one = chart(NOTE, claim_type="facility_inpatient", procedure_releases={"cpt": cpt_sample.pk})
    result = engine().predict(one, release.pk)
    assert (len(standin.asked()), {system for system, _ in codes(result)}) == (1, {"icd10cm"})


def test_two_passes_that_differ_share_the_confidence(release, engine, standin):
    both = said(item("M10.9", "Gout", 2), item("J45.909", "asthma", 2))
    standin.script(both, said(item("M10.9", "Gout", 2)))
    result = engine(passes=2).predict(chart(NOTE), release.pk)
    assert sorted(body["temperature"] for body in standin.asked()) == [0.0, 0.5]
    sure = {one.code: one.confidence for one in result.suggestions}
    assert sure == {"M10.9": pytest.approx(0.9), "J45.909": pytest.approx(0.45)}
    assert (result.usage["passes"], result.usage["requests"]) == (2, 2)


def test_three_passes_of_which_one_agrees_with_nobody(release, engine, standin):
    standin.script(*[said(item(code, words, 2)) for code, words in _THREE])
    result = engine(passes=3).predict(chart(NOTE), release.pk)
    sure = {one.code: one.confidence for one in result.suggestions}
    assert sure == {"M10.9": pytest.approx(0.6), "J45.909": pytest.approx(0.3)}


_THREE = (("M10.9", "Gout"), ("J45.909", "asthma"), ("M10.9", "Gout"))


HYBRID = (
    "ASSESSMENT:\n1. Essential hypertension\n\nREVIEW OF SYSTEMS:\nDenies gout.\n\nOTHER:\nAsthma comes up."
)


def test_the_hybrid_engine_asks_about_the_rest_alone(release, engine, standin):
    one = chart(HYBRID)
    known = EmbeddedEngine().predict(one, release.pk)
    stand = [said.code for said in known.suggestions if said.confidence >= 0.9]
    assert stand == ["I10"]
    result = engine(hybrid_engine, grounding="candidates").predict(one, release.pk)
    (prompt,) = asked(standin)
    documents = prompt.partition("DOCUMENTS\n")[2].partition("\nEND")[0]
    assert documents == "[Document, continued]\n7| OTHER:\n8| Asthma comes up."
    assert "- I10 Essential (primary) hypertension\n" in prompt
    assert quoted(result) == [("I10", ["Essential hypertension"]), ("J45.909", ["Asthma"])]
    settled, (first, *_) = result.suggestions[0], known.suggestions
    assert settled == replace(first, rationale=f"{first.rationale} {KNOWN}")
    usage = {name: count for name, count in result.usage.items() if name.startswith("hybrid_")}
    assert usage == {
        "hybrid_terms": 3,
        "hybrid_terms_asked": 1,
        "hybrid_lines": 6,
        "hybrid_lines_asked": 2,
        "hybrid_charts_asked": 1,
        "hybrid_by_confidence": 1,
        "hybrid_by_context": 1,
    }
    assert (result.usage["requests"], result.made_by.name) == (1, "hybrid")


def test_a_chart_that_is_settled_reaches_no_server(release, engine, standin):
    result = engine(hybrid_engine).predict(chart("ASSESSMENT:\n1. Essential hypertension"), release.pk)
    assert (codes(result), standin.asked()) == ([("icd10cm", "I10")], [])


def test_what_the_model_invents_about_the_rest_is_kept_with_its_reason(release, engine, standin):
    standin.script(
        said(
            item("Q99.999", "Asthma", 8),
            item("E11", "Asthma", 8),
            item("J45.909", "wheezing all night", 8),
            item("I10", "Asthma", 8),
        )
    )
    result = engine(hybrid_engine).predict(chart(HYBRID), release.pk)
    assert codes(result) == [("icd10cm", "I10")]
    assert result.suggestions[0].evidence[0].quote == "Essential hypertension"
    reasons = {(one.code, one.reason) for one in result.discarded}
    assert reasons >= {
        ("Q99.999", "fabricated"),
        ("E11", "header"),
        ("J45.909", "no_evidence"),
        ("I10", "duplicate"),
    }


def test_a_rest_that_cannot_be_read_fails_the_chart(release, engine, standin):
    standin.script("no json", "nor this")
    with pytest.raises(OutputInvalid):
        engine(hybrid_engine).predict(chart(HYBRID), release.pk)
    assert [body["temperature"] for body in standin.asked()] == [0.0, 0.3]
