"""What a coder types into the encoder's box and what leads, with the index in memory and before it is there."""

from __future__ import annotations

from collections import OrderedDict

import pytest

from catalog.lookup import service
from catalog.search import search
from tests.catalog.lookup_fixtures import release_lookup


@pytest.fixture(autouse=True)
def _no_index(monkeypatch):
    monkeypatch.setattr(service, "_ready", OrderedDict())


@pytest.fixture
def with_index(icd10cm):
    service._keep(service._key(icd10cm), release_lookup(icd10cm))
    return icd10cm


_SEVENTH = [
    ("fracture neck of femur", "S72.009A"),
    ("sprain of left ankle", "S93.402A"),
    ("fracture neck of femur sequela", "S72.009S"),
    ("fracture neck of femur late effect", "S72.009S"),
    ("open fracture neck of right femur", "S72.001B"),
    ("fracture neck of left femur nonunion subsequent", "S72.002K"),
]


@pytest.mark.parametrize(("typed", "first"), _SEVENTH)
def test_the_7th_character_by_full_text_alone(icd10cm, typed, first):
    assert search(icd10cm, typed)[0].code == first


@pytest.mark.parametrize(("typed", "first"), _SEVENTH)
def test_the_7th_character_with_the_index(with_index, typed, first):
    assert search(with_index, typed)[0].code == first


def test_an_initial_encounter_leads_its_family_wherever_it_stands(with_index):
    hits = [hit.code for hit in search(with_index, "fracture neck of femur", limit=40)]
    seen = {}
    for code in hits:
        if len(code) == len("S72.009A"):
            seen.setdefault(code[:-1], code[-1])
    assert len(seen) > 5
    assert set(seen.values()) == {"A"}


def test_scores_fall_from_hit_to_hit(icd10cm):
    scores = [hit.score for hit in search(icd10cm, "fracture neck of femur")]
    assert scores == sorted(scores, reverse=True)


def test_beside_a_code_its_7th_character_still_leads(with_index):
    assert search(with_index, "left", near="S72.141S", limit=1)[0].code == "S72.142S"


@pytest.mark.parametrize(
    ("typed", "leading"),
    [
        ("HTN, T2DM w/ CKD and gout", ["I10", "E11.22", "M10.9"]),
        ("chest pain and shortness of breath", ["R07.9", "R06.02"]),
        ("copd / gout", ["J44.9", "M10.9"]),
        ("gout, E11.9", ["M10.9", "E11.9"]),
        # One title holds the word that elsewhere stands between two conditions.
        ("type 2 diabetes with diabetic chronic kidney disease", ["E11.22"]),
        ("COPD with acute exacerbation", ["J44.1"]),
        ("acute and chronic respiratory failure", ["J96.20"]),
    ],
)
def test_each_condition_has_its_code_in_front(with_index, typed, leading):
    hits = search(with_index, typed, typing=False)
    assert [hit.code for hit in hits[: len(leading)]] == leading


def test_the_reason_names_the_condition(with_index):
    first, second = search(with_index, "gout, htn")[:2]
    assert (first.code, first.why.partition(":")[0]) == ("M10.9", "gout")
    assert (second.code, second.why.partition(":")[0]) == ("I10", "htn")


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("lockjaw", "A35"),
        ("pink eye", "H10.9"),
        ("ringing in the ears", "H93.19"),
        ("tylenol overdose", "T39.1X1A"),
        ("broken wrist", "S62.109A"),
        ("s/p appendectomy", "Z90.49"),
        ("sugar diabetes", "E11.9"),
    ],
)
def test_lay_words(with_index, typed, first):
    assert first in [hit.code for hit in search(with_index, typed)[:3] if hit.billable][:1]


def test_a_procedure_is_searched_by_its_own_name(cpt_sample, with_index):
    assert [hit for hit in search(cpt_sample, "appendectomy") if "absence" in hit.why] == []


@pytest.mark.parametrize(
    ("typed", "headers"),
    [
        ("fracture", {"S42", "S52", "S72", "S82"}),
        ("fx", {"S42", "S52", "S72", "S82"}),
        ("open fracture", {"S42", "S52", "S72", "S82"}),
        ("left fracture", {"S42", "S52", "S72", "S82"}),
        ("contusion", {"S20.0", "S50.0", "S70.0"}),
    ],
)
def test_a_word_that_names_many_things_offers_headers(with_index, typed, headers):
    hits = search(with_index, typed, typing=False)
    leading = [hit for hit in hits if "headers with these words: say more" in hit.why]
    # Before them at most what is called so and nothing else ("Fracture NOS").
    before = hits[: hits.index(leading[0])]
    assert [hit.code for hit in before] in ([], ["T14.8"])
    assert hits[len(before) : len(before) + len(leading)] == leading
    assert headers <= {hit.code for hit in leading}
    assert {hit.billable for hit in leading} == {False}
    assert {hit.score for hit in leading} == {max(hit.score for hit in hits)}
    assert len(hits) > len(before) + len(leading)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("pain", "R52"),
        ("pneumonia", "J18.9"),
        ("cancer", "C80.1"),
        ("anemia", "D64.9"),
        ("chest pain", "R07.9"),
        ("asthma", "J45.909"),
    ],
)
def test_a_word_that_is_a_code_by_itself_leads_to_it(with_index, typed, first):
    hits = search(with_index, typed, typing=False)
    assert hits[0].code == first
    assert [hit for hit in hits if "say more" in hit.why] == []
