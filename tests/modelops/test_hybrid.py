"""The hybrid engine: what the knowledge layer is sure of stands, the rest is asked about and no more than the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelops.engines.hybrid import KNOWN, HybridEngine
from modelops.engines.llm.ports import Rest
from modelops.engines.sureness import Sureness, Term
from modelops.engines.types import (
    CodeSuggestion,
    ContextMention,
    Discarded,
    EngineInfo,
    EngineResult,
    Evidence,
)
from modelops.errors import Cancelled, ServerUnavailable
from tests.modelops.engine_charts import chart

NOTE = "\n".join(
    [
        "ASSESSMENT:",
        "1. Essential hypertension",
        "2. Iron deficiency anemia",
        "",
        "PLAN:",
        "Recheck in a month.",
        "Call with questions.",
        "No pneumonia.",
    ]
)


def place(line: int, quote: str) -> Evidence:
    start = NOTE.split("\n")[line - 1].index(quote)
    return Evidence("d1", line, line, start, start + len(quote), quote)


def said(code: str, confidence: float, *places: Evidence) -> CodeSuggestion:
    return CodeSuggestion("icd10cm", code, f"title of {code}", confidence, "", places)


SURE = said("I10", 0.95, place(2, "Essential hypertension"))
SETTLED = replace(SURE, rationale=KNOWN)
UNSURE = said("D50.9", 0.7, place(3, "Iron deficiency anemia"))
DENIED = ContextMention(place(8, "pneumonia"), "negated", "J18.9")


class Knowledge:
    info = EngineInfo(name="embedded", model_version="embedded-1")

    def __init__(self, *suggestions: CodeSuggestion, context=(DENIED,)) -> None:
        self.result = EngineResult(suggestions, context=context, discarded=(Discarded("E11", "header"),))

    def predict(self, chart, release_id):
        return self.result


class Model:
    info = EngineInfo(name="vllm", model_version="llama-3", prompt_version="p:1", details={"base": "x"})

    def __init__(self, *suggestions: CodeSuggestion, error: Exception | None = None) -> None:
        self.result = EngineResult(
            suggestions, discarded=(Discarded("Z99.9", "fabricated"),), usage={"requests": 1}
        )
        self.error = error
        self.asked: list[Rest] = []

    def predict_rest(self, chart, release_id, rest, stop):
        self.asked.append(rest)
        if self.error is not None:
            raise self.error
        return self.result


class Terms:
    """Finds nothing, or the words it is told, by line."""

    def __init__(self, **lines: str) -> None:
        self.lines = {int(name[1:]): words for name, words in lines.items()}

    def terms(self, lines, release_id):
        return [
            Term("d1", number, at, at + len(words), "X", 1.0)
            for number, words in self.lines.items()
            for at in (lines[number - 1].text.index(words),)
        ]


def hybrid(knowledge: Knowledge, model: Model, terms: Terms | None = None) -> HybridEngine:
    return HybridEngine(
        knowledge, model, terms or Terms(), Sureness(high=0.9, doubt=0.3, left_out=frozenset({"exam"}))
    )


def test_a_chart_that_is_settled_does_not_reach_the_model():
    model = Model()
    found = hybrid(Knowledge(SURE), model).predict(chart(NOTE), 1)
    assert (found.suggestions, found.context) == ((SETTLED,), (DENIED,))
    assert model.asked == []
    assert found.usage == {
        "hybrid_terms": 2,
        "hybrid_terms_asked": 0,
        "hybrid_lines": 7,
        "hybrid_lines_asked": 0,
        "hybrid_charts_asked": 0,
        "hybrid_by_confidence": 1,
        "hybrid_by_context": 1,
    }


def test_only_the_unsure_lines_their_neighbours_and_heading_are_asked_about():
    model = Model(said("D50.9", 0.8, place(3, "Iron deficiency anemia")))
    found = hybrid(Knowledge(SURE, UNSURE), model).predict(chart(NOTE), 1)
    (rest,) = model.asked
    # Line 4 is blank; line 1 is the heading.
    assert rest == Rest(frozenset({("d1", 1), ("d1", 2), ("d1", 3)}), (("I10", "title of I10"),))
    assert [(one.code, one.confidence) for one in found.suggestions] == [("I10", 0.95), ("D50.9", 0.8)]
    assert found.discarded == (Discarded("E11", "header"), Discarded("Z99.9", "fabricated"))
    assert found.usage == {
        "requests": 1,
        "hybrid_terms": 3,
        "hybrid_terms_asked": 1,
        "hybrid_lines": 7,
        "hybrid_lines_asked": 3,
        "hybrid_charts_asked": 1,
        "hybrid_by_confidence": 1,
        "hybrid_by_context": 1,
    }


def test_a_term_that_only_the_lookup_knows_is_asked_about():
    model = Model()
    found = hybrid(Knowledge(SURE), model, Terms(n3="Iron deficiency anemia")).predict(chart(NOTE), 1)
    assert model.asked[0].lines == frozenset({("d1", 1), ("d1", 2), ("d1", 3)})
    assert (found.usage["hybrid_terms"], found.usage["hybrid_terms_asked"]) == (3, 1)


@pytest.mark.parametrize(("line", "words"), [("n2", "hypertension"), ("n8", "No pneumonia")])
def test_a_term_of_the_lookup_that_is_settled_or_denied_is_not(line, words):
    model = Model()
    found = hybrid(Knowledge(SURE), model, Terms(**{line: words})).predict(chart(NOTE), 1)
    assert model.asked == []
    assert found.usage["hybrid_terms"] == 2


def test_an_answer_names_the_model_that_made_it_though_another_was_promoted_since():
    model = Model()
    made = replace(Model.info, model_version="llama-2", adapter="cardio-1")
    model.result = replace(model.result, made_by=made)
    found = hybrid(Knowledge(SURE, UNSURE), model).predict(chart(NOTE), 1)
    assert (found.made_by.name, found.made_by.model_version) == ("hybrid", "llama-2+embedded-1")
    assert found.made_by.adapter == "cardio-1"


def test_what_the_model_does_not_name_is_kept_as_discarded():
    found = hybrid(Knowledge(SURE, UNSURE), Model()).predict(chart(NOTE), 1)
    assert found.suggestions == (SETTLED,)
    assert found.discarded[-1] == Discarded("D50.9", "not_confirmed")


DOUBTED = said("D50.9", 0.2, place(3, "Iron deficiency anemia"))


def test_what_is_too_unlikely_is_not_asked_about_and_kept_as_discarded():
    model = Model()
    found = hybrid(Knowledge(SURE, DOUBTED), model).predict(chart(NOTE), 1)
    assert (model.asked, found.suggestions) == ([], (SETTLED,))
    assert found.discarded == (Discarded("E11", "header"), Discarded("D50.9", "doubted"))
    assert (found.usage["hybrid_by_doubt"], found.usage["dropped_doubted"]) == (1, 1)
    assert (found.context, "requests" in found.usage) == ((DENIED,), False)


def test_what_is_too_unlikely_stands_where_the_model_names_it_of_itself():
    model = Model(said("D50.9", 0.8, place(3, "Iron deficiency anemia")))
    found = hybrid(Knowledge(SURE, DOUBTED), model, Terms(n7="questions")).predict(chart(NOTE), 1)
    assert [(one.code, one.confidence) for one in found.suggestions] == [("I10", 0.95), ("D50.9", 0.8)]
    assert Discarded("D50.9", "doubted") not in found.discarded


def test_how_many_lines_beside_are_shown_is_set():
    model = Model()
    HybridEngine(Knowledge(SURE, UNSURE), model, Terms(), Sureness(beside=0)).predict(chart(NOTE), 1)
    assert model.asked[0].lines == frozenset({("d1", 1), ("d1", 3)})


def test_a_settled_code_that_the_model_names_again_stays_as_it_was():
    model = Model(said("I10", 0.4, place(3, "anemia")))
    found = hybrid(Knowledge(SURE, UNSURE), model).predict(chart(NOTE), 1)
    assert found.suggestions == (SETTLED,)
    assert Discarded("I10", "duplicate") in found.discarded


@pytest.mark.parametrize("error", [ServerUnavailable(), Cancelled()])
def test_a_chart_whose_rest_cannot_be_asked_fails(error):
    with pytest.raises(type(error)):
        hybrid(Knowledge(SURE, UNSURE), Model(error=error)).predict(chart(NOTE), 1)


def test_it_names_both_makers():
    assert hybrid(Knowledge(), Model()).info == EngineInfo(
        name="hybrid",
        model_version="llama-3+embedded-1",
        prompt_version="p:1",
        details={
            "base": "x",
            "knowledge": "embedded-1",
            "sure": "high=0.9 agreeing=0.6 exact=0.95 doubt=0.3 beside=1 term=0.7 context=true known=true"
            " left_out=exam",
        },
    )
