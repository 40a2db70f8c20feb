"""The engine's own data: every code stands in the release, every phrase can be matched."""

import pytest

from modelops.engines.embedded import lexicon, scoring
from modelops.engines.embedded.combine import rules
from modelops.engines.embedded.terms import vocabulary
from modelops.engines.embedded.tokens import normal


def test_every_code_of_the_lexicon_is_in_the_release(icd10cm):
    nodes = vocabulary(icd10cm.pk).nodes
    named = {code for p in lexicon.code_phrases() for code in p.code.split("+")}
    assert sorted(named - set(nodes)) == []


@pytest.mark.parametrize("name", lexicon.code_files())
def test_no_phrase_shrinks_to_one_common_word(name):
    """Stop words fall away: "in jail" would match every "jail"."""
    allowed = {
        "alzheimer",
        "parkinson",
        "morphine",
        "hemodialysis",
        "dialysis",
        "jail",
        "prison",
        "probation",
        "parole",
    }
    shrunk = {
        words[0]
        for _, _, field in lexicon.rows(name, 3)
        for written in lexicon.phrases(field)
        for words, gaps in [lexicon.as_words(written)]
        if 0 in gaps or len(words) in gaps or (len(words) == 1 and len(written.split()) > 1)
    }
    assert shrunk - allowed == set()


def test_combinations_add_billable_codes_only(icd10cm):
    words = vocabulary(icd10cm.pk)
    assert sorted({code for rule in rules() for code in rule.adds if not words.billable(code)}) == []


@pytest.mark.parametrize(("name", "column"), [("history.csv", 1), ("family.csv", 0)])
def test_history_codes_are_billable(icd10cm, name, column):
    words = vocabulary(icd10cm.pk)
    columns = {"history.csv": 3, "family.csv": 2}[name]
    assert [row[column] for row in lexicon.table(name, columns) if not words.billable(row[column])] == []


def test_every_weight_is_for_a_fact_that_exists():
    kinds = {kind for kind, _ in lexicon.rows("headings.csv", 2)} | {"start", "body", "other"}
    sections = {name.split(":")[1] for name in scoring.weights() if name.startswith("section:")}
    assert sections == kinds


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Diabetes", "diabetes"),
        ("fractures", "fracture"),
        ("metastases", "metastasis"),
        ("biopsies", "biopsy"),
        ("anaemia", "anemia"),
        ("Ménière's", "meniere"),
        ("tumour", "tumor"),
        ("IIIb", "3b"),
        ("sepsis", "sepsis"),
        ("illness", "illness"),
    ],
)
def test_normal_form_of_a_word(word, expected):
    assert normal(word) == expected
