"""Where words settle little, what is near in meaning has a say; where they settle much, none."""

from __future__ import annotations

from collections import OrderedDict

import pytest

from catalog.embedding.embedders import embedder
from catalog.embedding.vectors import begin, go_on
from catalog.lookup import service
from catalog.lookup.answer import Lookup
from catalog.lookup.fusion import WEAK, fused, is_weak
from catalog.lookup.rank import Found
from catalog.search import search
from tests.catalog.lookup_fixtures import small_lookup


def lookup_with(*near):
    """The hand-made index, and what is near to any text; and the texts that were asked."""
    asked = []

    def answer(text):
        asked.append(text)
        return near

    return Lookup(small_lookup().index, answer), asked


def test_weak_is_below_the_limit():
    assert is_weak([])
    assert is_weak([Found(0, 0, WEAK - 0.001)])
    assert not is_weak([Found(0, 0, WEAK)])


def test_both_sides_count_alike():
    by_words = [Found(7, 7, 0.6), Found(8, 8, 0.5)]
    found = fused(by_words, [(8, 0.9), (9, 0.7)])
    # 8: (.5 + .9) / 2; 7: (.6 + .8 * .7) / 2; 9: (.8 * .5 + .7) / 2.
    assert [(one.place, round(one.score, 4), one.near) for one in found] == [
        (8, 0.7, False),
        (7, 0.58, False),
        (9, 0.55, True),
    ]


def test_without_anything_near_words_stand():
    by_words = [Found(7, 7, 0.6), Found(8, 8, 0.5)]
    assert fused(by_words, []) == by_words


def test_of_a_node_near_twice_the_nearer_counts():
    assert [(one.place, one.score) for one in fused([], [(4, 0.8), (4, 0.2)])] == [(4, 0.4)]


def test_what_no_word_leads_to_is_found_by_meaning():
    lookup, asked = lookup_with((4, 0.9), (9, 0.3))
    (answer,) = lookup.find("squeezed vessels", 1)
    assert (answer.code, answer.why) == ("I10", "near in meaning")
    assert asked == ["squeezed vessels"]


def test_meaning_is_asked_with_abbreviations_written_out():
    lookup, asked = lookup_with((4, 0.9))
    lookup.find("asthma zzzz HTN", 1)
    assert asked == ["asthma zzzz hypertension"]


def test_headers_are_no_answer_where_codes_are_wanted():
    lookup, _ = lookup_with((0, 0.99), (4, 0.5))
    assert [answer.code for answer in lookup.find("zzzz", 5)] == ["I10"]
    assert [answer.code for answer in lookup.find("zzzz", 5, billable_only=False)] == ["E11", "I10"]


@pytest.mark.parametrize(
    "text", ["Essential (primary) hypertension", "type 2 diabetes without complications"]
)
def test_what_words_settle_never_asks_for_meaning(text):
    lookup, asked = lookup_with((5, 1.0))
    assert lookup.find(text, 3) == small_lookup().find(text, 3)
    assert lookup.find(text, 1) == small_lookup().find(text, 1)
    assert asked == []


@pytest.mark.django_db
def test_a_release_with_vectors_answers_by_meaning_and_without_them_by_words(small_release, monkeypatch):
    monkeypatch.setattr(service, "_ready", OrderedDict())
    lookup = service.lookup_for(small_release)
    assert lookup.find("sweet urine illness now cured") == []
    found, wordings = begin(small_release, embedder())
    assert go_on(found, wordings, embedder())
    answers = lookup.find("sweet urine illness now cured")
    assert {answer.code for answer in answers} == {"E11.7", "E11.9"}
    assert {answer.why for answer in answers} == {"near in meaning"}
    # The encoder's search goes the same way, and shows headers too.
    hits = search(small_release, "sweet urine illness now cured")
    assert {(hit.code, hit.why) for hit in hits} == {
        (code, "near in meaning") for code in ("E11", "E11.7", "E11.9")
    }


@pytest.mark.django_db
def test_without_an_embedding_search_goes_by_words(small_release, monkeypatch, settings, tmp_path, caplog):
    monkeypatch.setattr(service, "_ready", OrderedDict())
    settings.EMBEDDING_MODEL = str(tmp_path)
    lookup = service.lookup_for(small_release)
    assert lookup.near is None
    assert [answer.code for answer in lookup.find("diabetes in remission", 1)] == ["E11.7"]
    assert "search goes by words alone" in caplog.text
