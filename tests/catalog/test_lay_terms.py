"""Lay words, brand names and procedures done: each row of the table leads to its code, in the whole release."""

from __future__ import annotations

import pytest

from catalog.lookup.lay import LAY_TERMS, Kind, LayTerm, LayTerms
from tests.catalog.lookup_fixtures import release_lookup

_TYPED = {Kind.LAY: "{}", Kind.DRUG: "{} overdose", Kind.DONE: "s/p {}"}
_TABLE = LayTerms(
    (
        LayTerm(Kind.LAY, "pink eye", "conjunctivitis", "H10"),
        LayTerm(Kind.LAY, "athlete's foot", "tinea pedis", "B35.3"),
        LayTerm(Kind.DRUG, "tylenol", "4-aminophenol derivatives", "T39.1"),
        LayTerm(Kind.DONE, "appendectomy", "acquired absence of appendix", "Z90.49"),
    )
)


def test_every_row_leads_to_its_code(icd10cm):
    lookup = release_lookup(icd10cm)
    astray = {}
    for term in LAY_TERMS.terms:
        typed = _TYPED[term.kind].format(term.term)
        found = [answer.code for answer in lookup.find(typed, 1)]
        if term.leads_to and not found[0].startswith(term.leads_to):
            astray[typed] = (term.leads_to, found)
    assert astray == {}


def test_the_table_has_each_term_once_in_small_letters():
    terms = [term.term for term in LAY_TERMS.terms]
    assert len(terms) == len(set(terms)) == 299
    assert [term for term in terms if term != term.lower()] == []
    assert [term.term for term in LAY_TERMS.terms if not term.leads_to] == ["overdose"]


def test_no_row_stands_in_the_way_of_a_title(icd10cm):
    """A title that holds a lay term is still found by its own words, typed in a sentence."""
    lookup = release_lookup(icd10cm)
    holding = [node for node in lookup.index.nodes if node.billable and LAY_TERMS.read(node.title).reads]
    assert len(holding) > 20
    for node in holding:
        assert lookup.find(node.title, 1)[0].code == node.code
        assert lookup.find(f"She presents with {node.title} today.", 1)[0].code == node.code


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Pink eye", "conjunctivitis"),
        ("bilateral pink eyes, itching", "bilateral conjunctivitis, itching"),
        ("pink-eye", "conjunctivitis"),
        ("Athlete’s foot and athletes foot", "tinea pedis and tinea pedis"),
        ("tylenol overdose", "4-aminophenol derivatives overdose"),
        ("s/p appendectomy", "acquired absence of appendix"),
        ("Status post an appendectomy in 2019", "acquired absence of appendix in 2019"),
        ("history of appendectomy", "acquired absence of appendix"),
        ("appendectomy", "acquired absence of appendix"),
        # What is planned or went wrong was not done yet, or is another code.
        ("bleeding after appendectomy", "bleeding after appendectomy"),
        ("scheduled for appendectomy", "scheduled for appendectomy"),
        # Words with something between them are no term.
        ("pink, eye swollen", "pink, eye swollen"),
        ("pinkish eye", "pinkish eye"),
        ("", ""),
    ],
)
def test_terms_are_read_whole(typed, read):
    assert _TABLE.read(typed).text == read


def test_what_was_read_is_told_and_taken_back():
    plain = _TABLE.read("Pink eye and gout")
    assert [str(read) for read in plain.reads] == ["Pink eye read as conjunctivitis"]
    assert plain.as_typed("conjunctivitis") == "Pink eye"
    assert plain.reads_in("gout") == ()


@pytest.mark.parametrize(
    ("typed", "code", "why"),
    [
        ("lockjaw", "A35", "lockjaw read as tetanus"),
        ("pink eye", "H10.9", "pink eye read as unspecified conjunctivitis"),
        ("ringing in the ears", "H93.19", "ringing in the ears read as tinnitus"),
        ("Tylenol overdose", "T39.1X1A", "Tylenol read as 4-aminophenol derivatives"),
        ("broken wrist", "S62.109A", "broken wrist read as fracture of unspecified carpal bone"),
        (
            "s/p appendectomy",
            "Z90.49",
            "s/p appendectomy read as acquired absence of other specified parts of digestive tract",
        ),
        ("sugar diabetes", "E11.9", "sugar diabetes read as type 2 diabetes mellitus"),
    ],
)
def test_the_reason_names_the_lay_term(icd10cm, typed, code, why):
    answer = release_lookup(icd10cm).find(typed, 1)[0]
    assert answer.code == code
    assert why in answer.why.split("; ")


def test_conditions_keep_the_words_that_were_typed(icd10cm):
    answers = release_lookup(icd10cm).find_each("pink eye and ringing in the ears")
    assert [(answer.code, answer.condition) for answer in answers] == [
        ("H10.9", "pink eye"),
        ("H93.19", "ringing in the ears"),
    ]
