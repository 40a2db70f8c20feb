"""The measures by hand-counted figures, and the generators by what they promise."""

import json
from collections import OrderedDict
from importlib.util import find_spec

import pytest
from django.core.management import call_command

from catalog.embedding.embedders import embedder
from catalog.embedding.split import is_held_out
from catalog.lookup import service
from catalog.lookup.benchmark import terms
from catalog.lookup.benchmark.measure import Result, figures, wilson
from catalog.lookup.benchmark.meteor import WORDNET, best_meteor, by_words_and_stems
from catalog.lookup.benchmark.terms import unknown_terms
from catalog.lookup.benchmark.variants import KINDS, cases
from catalog.lookup.benchmark.wordings import DEVELOPMENT, HELD_OUT
from tests.catalog.lookup_fixtures import small_lookup

TITLES = (
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("E11.7", "Type 2 diabetes mellitus in remission"),
    ("S52.521A", "Torus fracture of lower end of right radius, initial encounter for closed fracture"),
    ("J45.909", "Unspecified asthma, uncomplicated"),
)


def test_wilson_interval():
    assert tuple(round(bound, 4) for bound in wilson(97, 100)) == (0.9155, 0.9897)
    assert tuple(round(bound, 4) for bound in wilson(100, 100)) == (0.963, 1.0)
    assert wilson(0, 0) == (0.0, 1.0)


def test_figures_of_four_queries():
    results = [
        Result(("E11.9",), ("E11.9", "E11.7"), 0.001, cpu_seconds=0.5),
        Result(("E11.9",), ("E11.7", "E11.9"), 0.002),
        Result(("J45.909",), ("J45.999",), 0.003),
        Result(("S52.521A",), (), 0.004),
    ]
    found = figures(results, dict(TITLES))
    assert (found["n"], found["exact"], found["category"], found["mrr"]) == (4, 0.25, 0.75, 0.375)
    assert (found["hit5"], found["hit10"]) == (0.5, 0.5)
    assert (found["valid"], found["fabricated"]) == (2 / 3, 1 / 3)
    assert found["same_length"] == 0.75
    assert round(found["same_digits"], 4) == round((1 + 3 / 4 + 5 / 6 + 0) / 4, 4)
    assert (found["p50_ms"], found["p95_ms"]) == (3.0, 4.0)
    assert (found["p50_cpu_ms"], found["p95_cpu_ms"]) == (0.0, 500.0)


def test_several_codes_count_only_when_all_are_right():
    right = Result(("E11.9", "J45.909"), ("J45.909", "E11.9"), 0.0, multiple=True)
    one_more = Result(("E11.9", "J45.909"), ("J45.909", "E11.9", "E11.7"), 0.0, multiple=True)
    assert (right.exact, one_more.exact) == (True, False)


def test_meteor_knows_synonyms_where_wordnet_is_at_hand():
    """Debian's package or not: the name says which of the two was counted by."""
    found = best_meteor()
    if (WORDNET / "data.noun").is_file() and find_spec("nltk") is not None:
        assert found.name == "meteor by nltk, with synonyms of WordNet"
        assert found.score("tumor of lung", "neoplasm of lung") == 0.9375
    else:
        assert found.name == "meteor by exact words and stems, without synonyms"
        assert found.score("tumor of lung", "neoplasm of lung") == 0.5


def test_meteor_without_wordnet(tmp_path):
    assert best_meteor(tmp_path).score is by_words_and_stems


def test_meteor_by_words_and_stems():
    assert by_words_and_stems("Closed fracture", "closed fracture") == 1.0
    assert by_words_and_stems("asthma", "fracture") == 0.0
    # Both words match, one by its stem, in the wrong order: 1 - 0.5 * (2 / 2) ** 3.
    assert by_words_and_stems("fractures closed", "closed fracture") == 0.5


@pytest.mark.parametrize("wordings", [DEVELOPMENT, HELD_OUT], ids=lambda wordings: wordings.name)
@pytest.mark.parametrize("kind", KINDS[1:])
def test_variants_are_seeded_and_differ_from_the_title(kind, wordings):
    made = list(cases(kind, TITLES, wordings, 3))
    assert made == list(cases(kind, TITLES, wordings, 3))
    assert 1 <= len(made) <= 3
    titles = {title for _, title in TITLES}
    codes = {code for code, _ in TITLES}
    for case in made:
        assert case.text not in titles
        assert codes.issuperset(case.codes)
        assert 2 <= len(case.codes) <= 4 if kind == "multiple" else len(case.codes) == 1


def test_development_and_held_out_share_no_frame_join_or_typo():
    for field in ("frames", "joins", "typos"):
        assert not set(getattr(DEVELOPMENT, field)) & set(getattr(HELD_OUT, field))


def test_command_reports_dev_and_held_out_apart(icd10cm, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(service, "_ready", OrderedDict())
    out = tmp_path / "figures.json"
    call_command("benchmark_lookup", "--sample", "2", "--titles", "5", "--no-peers", "--json", str(out))
    rows = json.loads(out.read_text())
    assert [row["what"] for row in rows] == [
        "titles",
        *(f"{kind}, development" for kind in KINDS[1:]),
        *(f"{kind}, held out" for kind in KINDS[1:]),
    ]
    assert (rows[0]["exact"], rows[0]["fabricated"]) == (1.0, 0.0)
    assert "without a lookup tool" in capsys.readouterr().out


def test_unknown_terms_are_of_codes_that_neither_side_learned(monkeypatch):
    """With every code held out: no term is left in the index, and each term of a billable code is asked for."""
    monkeypatch.setattr(terms, "is_held_out", lambda code: True)
    index = small_lookup().index
    found = unknown_terms(index, embedder().encode, 10)
    assert {source: [case.text for case in cases] for source, cases in found.cases.items()} == {
        "": ["high blood pressure"]
    }
    assert set(found.finders) == {"lookup", "lookup, words alone", "plain vector search"}
    assert found.finders["lookup, words alone"]("high blood pressure") == []
    assert found.finders["lookup"]("high blood pressure")[0] == "I10"
    assert found.finders["plain vector search"]("high blood pressure")[0] == "I10"


def test_one_code_in_five_is_held_out():
    held = [number for number in range(10_000) if is_held_out(f"A{number}")]
    assert 1900 < len(held) < 2100
    assert [is_held_out(code) for code in ("I10", "E11.9", "J45.909", "S52.521A")] == [
        False,
        True,
        False,
        False,
    ]
