"""What needs no language model: each rule settles its terms, and what it settles is counted once, under its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.lookup import service
from modelops.engines.embedded.standing import Standings
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.numbered import number_lines
from modelops.engines.sureness import BadSureness, LookupTerms, Sureness, Term, settle
from modelops.engines.types import CodeSuggestion, ContextMention, EngineResult, Evidence
from tests.catalog.lookup_fixtures import release_lookup
from tests.modelops.engine_charts import chart

NOTE = "\n".join(
    [
        "ASSESSMENT:",
        "1. Essential hypertension",
        "2. Iron deficiency anemia",
        "EXAM:",
        "Mild edema.",
        "REVIEW OF SYSTEMS:",
        "Denies asthma, no gout.",
        "FAMILY HISTORY:",
        "Melanoma at 60.",
        "PAST HISTORY:",
        "History of hypertension, psoriasis.",
    ]
)


def columns(line, quote):
    start = NOTE.split("\n")[line - 1].index(quote)
    return start, start + len(quote)


def said(code, confidence, line, quote):
    place = Evidence("d1", line, line, *columns(line, quote), quote)
    return CodeSuggestion("icd10cm", code, f"title of {code}", confidence, "", (place,))


def term(line, quote, code="X", score=1.0):
    return Term("d1", line, *columns(line, quote), code, score)


HIGH = said("I10", 0.95, 2, "Essential hypertension")
MEDIUM = said("D50.9", 0.7, 3, "Iron deficiency anemia")
NOTHING = Sureness(high=1, agreeing=2, doubt=0, term=0, context=False, known=False)


def settled(sure, *terms, suggestions=(HIGH, MEDIUM), context=()):
    known = EngineResult(suggestions, context=context)
    return settle(sure, chart(NOTE), known, terms, Standings(chart(NOTE)))


def lines(found):
    return sorted(line for _, line in found.asked)


def test_by_confidence():
    found = settled(replace(NOTHING, high=0.9))
    assert (found.stand, found.unsure, lines(found)) == ((HIGH,), (MEDIUM,), [3])
    assert (found.terms, found.terms_asked, dict(+found.by_rule)) == (2, 1, {"confidence": 1})


def test_without_any_rule_everything_is_asked_about():
    found = settled(NOTHING, term(7, "asthma"), term(5, "edema"))
    assert (found.stand, lines(found)) == ((), [2, 3, 5, 7])
    assert (found.terms, found.terms_asked, dict(+found.by_rule)) == (4, 4, {})


@pytest.mark.parametrize(
    ("one", "stands"),
    [
        (term(3, "deficiency anemia", "D50.9", 0.95), True),
        (term(3, "deficiency anemia", "D50.9", 0.94), False),
        (term(3, "deficiency anemia", "D50.8", 1.0), False),
        (term(3, "2", "D50.9", 1.0), False),
    ],
)
def test_by_agreement_of_the_lookup_about_the_same_words(one, stands):
    sure = replace(NOTHING, agreeing=0.6, exact=0.95)
    found = settled(sure, one, suggestions=(MEDIUM,))
    assert found.stand == ((MEDIUM,) if stands else ())
    assert (lines(found) == []) is stands
    assert found.by_rule["agreement"] == int(stands)
    below = settled(replace(sure, agreeing=0.71), one, suggestions=(MEDIUM,))
    assert (below.stand, below.unsure) == ((), (MEDIUM,))


def test_by_doubt_of_the_knowledge_layer_itself():
    found = settled(replace(NOTHING, high=0.9, doubt=0.71), term(3, "anemia"))
    assert (found.stand, found.unsure, found.doubted) == ((HIGH,), (), (MEDIUM,))
    assert (lines(found), found.terms, dict(+found.by_rule)) == ([], 2, {"confidence": 1, "doubt": 1})
    assert settled(replace(NOTHING, doubt=0.7)).doubted == ()


def test_what_stands_keeps_the_order_of_the_knowledge_layer():
    agreed = term(3, "deficiency anemia", "D50.9")
    found = settled(replace(NOTHING, high=0.9, agreeing=0.6), agreed, suggestions=(MEDIUM, HIGH))
    assert found.stand == (MEDIUM, HIGH)


@pytest.mark.parametrize(
    ("line", "words"), [(7, "asthma"), (7, "gout"), (9, "Melanoma")], ids=["denied", "no", "family"]
)
def test_by_context_of_words_that_only_the_lookup_knows(line, words):
    on = settled(replace(NOTHING, context=True), term(line, words), suggestions=())
    off = settled(NOTHING, term(line, words), suggestions=())
    assert (lines(on), on.terms, dict(+on.by_rule)) == ([], 1, {"context": 1})
    assert (lines(off), off.terms, dict(+off.by_rule)) == ([line], 1, {})


def test_what_is_of_the_past_is_asked_about():
    found = settled(replace(NOTHING, context=True), term(11, "psoriasis"), suggestions=())
    assert lines(found) == [11]


def test_what_the_knowledge_layer_read_as_context_is_settled_in_any_case():
    mention = ContextMention(Evidence("d1", 7, 7, *columns(7, "asthma"), "asthma"), "negated", "J45.909")
    found = settled(NOTHING, term(7, "Denies asthma"), suggestions=(), context=(mention,))
    assert (lines(found), found.terms, dict(+found.by_rule)) == ([], 1, {"context": 1})


def test_by_a_code_that_stands_elsewhere_in_the_chart():
    sure = replace(NOTHING, high=0.9, known=True)
    again, other = term(11, "hypertension", "I10"), term(11, "psoriasis", "L40.9")
    found = settled(sure, again, other, suggestions=(HIGH,))
    assert (lines(found), found.terms, found.terms_asked) == ([11], 3, 1)
    assert dict(+found.by_rule) == {"confidence": 1, "known": 1}
    assert settled(sure, term(3, "anemia", "D50.9"), suggestions=()).by_rule["known"] == 0


def test_words_far_from_any_wording_and_parts_that_are_left_out_hold_no_terms():
    far = settled(replace(NOTHING, term=0.8), term(5, "edema", score=0.79), suggestions=())
    left = settled(replace(NOTHING, left_out=frozenset({"exam"})), term(5, "edema"), suggestions=())
    assert [(found.terms, lines(found)) for found in (far, left)] == [(0, []), (0, [])]


def test_touching_terms_are_one():
    found = settled(NOTHING, term(3, "Iron deficiency"), term(3, "deficiency anemia"), suggestions=())
    assert (found.terms, lines(found)) == (1, [3])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("high", 1.5),
        ("exact", -1.0),
        ("doubt", 1.1),
        ("term", 2.0),
        ("agreeing", -0.5),
        ("beside", -1),
        ("left_out", frozenset({"past"})),
    ],
)
def test_what_cannot_be_is_refused(field, value):
    with pytest.raises(BadSureness, match=field):
        Sureness(**{field: value})


@pytest.mark.django_db
def test_terms_are_the_best_code_of_each_words(icd10cm, monkeypatch):
    monkeypatch.setattr(service, "make_lookup", lambda release, editions: release_lookup(release))
    one = chart("Essential hypertension, gout\nacute on chronic systolic", "Nothing.")
    found = LookupTerms(LineLookup()).terms(number_lines(one), icd10cm.pk)
    of_words = {(one.line, one.col_start, one.col_end): one.code for one in found}
    assert of_words[1, 0, 22] == "I10"
    assert of_words[1, 24, 28] == "M10.9"
    assert len(of_words) == len(found)
    assert all(one.document_id == "d1" and 0.5 <= one.score <= 1 for one in found)
