"""Codes of synthetic charts stand beside each other: valid, of that sex and age, nothing found by the code edits."""

from __future__ import annotations

import json

import pytest

from catalog.edits.batch import check_line
from catalog.models import Release
from modelops.synthesis.chart_rows import as_line, chart_row
from modelops.synthesis.domains import domain_codes
from modelops.synthesis.drawing import Drawing, NothingFits, Wanted, presumed, stands_beside, without_unmet
from modelops.synthesis.making import days_of
from modelops.synthesis.types import SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

ASKED = ("id", "claim_type", "setting", "date_of_service", "discharge_date", "age", "age_unit", "sex")


def test_the_batch_of_code_edits_has_nothing_against_them(drafts: list[SyntheticDraft]) -> None:
    against = []
    for draft in drafts:
        chart = chart_row(draft)
        row = {name: chart[name] for name in ASKED if name in chart}
        row["codes"] = [{"code": code} for code in draft.order.codes]
        outcome = check_line(as_line(row).encode())
        assert not outcome.failed
        against += [
            (draft.order.id, finding["check"], finding["codes"])
            for finding in json.loads(outcome.as_line())["findings"]
            if finding["result"] == "fail" and finding["severity"] != "info"
        ]
    assert against == []


def test_everyone_may_have_what_they_have(drafts: list[SyntheticDraft], vocabulary: Vocabulary) -> None:
    for draft in drafts:
        person = draft.order.person
        for code in draft.order.codes:
            term = vocabulary.terms[code]
            assert not term.sex or term.sex == person.sex, (draft.order.id, code)
        assert vocabulary.terms[draft.order.seed_code].befalls(person.sex, person.years)


def test_weeks_of_gestation_fit_the_trimester(
    drawing: Drawing, vocabulary: Vocabulary, icd10cm: Release
) -> None:
    pregnant = vocabulary.only(
        code for code in vocabulary.terms if vocabulary.terms[code].kind in ("pregnancy", "weeks", "social")
    )
    wanted = Wanted(domain="pregnancy", domain_codes=frozenset(c for c in pregnant.terms if c[0] == "O"))
    drawn = Drawing(pregnant, wanted, days_of(icd10cm.valid_from, icd10cm.valid_to))
    for number in range(60):
        order = drawn.order(1, number)
        (week,) = (int(code[4:]) for code in order.codes if code.startswith("Z3A"))
        for code in order.codes:
            weeks = pregnant.terms[code].weeks
            assert weeks is None or weeks[0] <= week <= weeks[1], order
        assert order.person.sex == "F"
        assert order.codes[0].startswith("O")


@pytest.mark.parametrize(
    ("codes", "after"),
    [
        (["I10", "I50.9"], ["I11.0", "I50.9"]),
        (["I10", "N18.4"], ["I12.9", "N18.4"]),
        (["I10", "N18.6"], ["I12.0", "N18.6"]),
        (["I11.0", "I50.9", "N18.31"], ["I13.0", "I50.9", "N18.31"]),
        (["I10", "I50.22", "N18.6"], ["I13.2", "I50.22", "N18.6"]),
        (["E11.9", "N18.31"], ["E11.22", "N18.31"]),
        (["E11.9", "I73.9"], ["E11.51"]),
        (["E11.9", "L97.412"], ["E11.621", "L97.412"]),
        (["I10", "E78.5"], ["I10", "E78.5"]),
    ],
)
def test_what_the_guidelines_presume_to_be_related(
    codes: list[str], after: list[str], vocabulary: Vocabulary
) -> None:
    assert presumed(codes, vocabulary.terms) == after


@pytest.mark.parametrize(
    ("code", "others", "stands"),
    [
        ("E10.9", ["E11.9"], False),
        ("Z59.02", ["Z59.01"], False),
        ("Z59.41", ["Z59.01"], True),
        ("I50.22", ["I50.9"], False),
        ("J44.9", ["J43.9"], False),
        ("S80.02XA", ["S80.01XA"], True),
        ("C79.51", ["C34.11"], True),
        ("I10", [], True),
        # The words of I85.00 say that there is no liver disease, whichever of the two was drawn first.
        ("K76.6", ["I85.00"], False),
        ("I85.01", ["K74.60"], False),
        ("I85.10", ["K74.60"], True),
    ],
)
def test_what_may_not_be_drawn_together(code: str, others: list[str], stands: bool) -> None:
    assert stands_beside(code, others) is stands


def test_needs_that_went_away_take_their_codes_with_them() -> None:
    assert without_unmet(["I11.0", "E78.5"]) == ["E78.5"]
    assert without_unmet(["I11.0", "I50.9"]) == ["I11.0", "I50.9"]


def test_seeds_of_a_domain_only(icd10cm: Release, vocabulary: Vocabulary) -> None:
    codes = domain_codes("sdoh", vocabulary)
    drawn = Drawing(
        vocabulary, Wanted(domain="sdoh", domain_codes=codes), days_of(icd10cm.valid_from, icd10cm.valid_to)
    )
    assert all(drawn.order(1, number).seed_code in codes for number in range(80))


def test_half_of_the_seeds_go_round_all_codes(drawing: Drawing) -> None:
    seeds = [drawing.order(1, number).seed_code for number in range(1, 400, 2)]
    assert len(set(seeds)) > 190


def test_counts_of_signed_off_charts_bring_their_codes(icd10cm: Release, vocabulary: Vocabulary) -> None:
    codes = frozenset({"J44.9"})
    counts = {"J44.9": {"Z91.141": 9}}
    drawn = Drawing(
        vocabulary,
        Wanted(domain="x", domain_codes=codes, counts=counts, companions=(0, 0)),
        days_of(icd10cm.valid_from, icd10cm.valid_to),
    )
    orders = [drawn.order(1, number) for number in range(20)]
    assert sum("Z91.141" in order.codes for order in orders) > 10


def test_a_vocabulary_that_lacks_what_its_codes_need_is_told(
    icd10cm: Release, vocabulary: Vocabulary
) -> None:
    drawn = Drawing(vocabulary.only(["I11.0"]), Wanted(), days_of(icd10cm.valid_from, icd10cm.valid_to))
    with pytest.raises(NothingFits):
        drawn.order(1, 0)
    with pytest.raises(NothingFits):
        Drawing(vocabulary.only([]), Wanted(), days_of(icd10cm.valid_from, icd10cm.valid_to))


@pytest.mark.slow
def test_six_thousand_charts_hold_three_thousand_codes(drawing: Drawing) -> None:
    found: set[str] = set()
    for number in range(6000):
        found.update(drawing.order(3, number).codes)
    assert len(found) >= 3000
