"""Composites: every label keeps pointing at the words it had, and nobody is joined with whom they may not be."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.datasets.augment import age_band, composites, join
from modelops.datasets.examples import Negative, TrainingExample, words_at
from tests.modelops.datasets.made import TITLES, WRITTEN, example

CODES = st.lists(st.sampled_from(sorted(TITLES)), max_size=4, unique=True)


def whose(found: list[TrainingExample]) -> list[tuple[str, ...]]:
    return [one.parts for one in found]


@given(CODES, CODES, st.integers(1, 5), st.integers(0, 5))
def test_each_label_points_at_the_words_it_had(
    first: list[str], second: list[str], one_lines: int, other_lines: int
) -> None:
    one = example("one", first, lines=one_lines)
    other = example(
        "two",
        second,
        texts=[["Visit.", ""], [*["filler"] * other_lines, *(TITLES[c].lower() for c in second)]],
    )
    joined = join(one, other)
    before = Counter(
        (label.code, place.quote)
        for part in (one, other)
        for label in part.labels
        for place in label.evidence
    )
    after = Counter((label.code, place.quote) for label in joined.labels for place in label.evidence)
    assert after == before
    for label in joined.labels:
        for place in label.evidence:
            assert words_at(joined.chart, place) == place.quote
    assert [label.code for label in joined.labels] == list(dict.fromkeys((*first, *second)))


def test_a_composite_is_flagged_and_its_parts_are_told_apart() -> None:
    one, other = (
        example("one", ["I50.23"]),
        example(
            "two", ["I50.23", "R54"], texts=[["A fall.", *(TITLES[c].lower() for c in ("I50.23", "R54"))]]
        ),
    )
    joined = join(one, other)
    assert joined.composite
    assert joined.parts == ("one", "two")
    assert joined.id == joined.chart.id == "one+two"
    assert [(d.document_id, d.type) for d in joined.chart.documents] == [
        ("1/d1", "Part 1 of 2, Progress note"),
        ("2/d1", "Part 2 of 2, Progress note"),
    ]
    assert [d.text for d in joined.chart.documents] == [
        one.chart.documents[0].text,
        other.chart.documents[0].text,
    ]
    merged = {label.code: [place.document_id for place in label.evidence] for label in joined.labels}
    assert merged == {"I50.23": ["1/d1", "2/d1"], "R54": ["2/d1"]}
    assert joined.provenance.document_sha256 == (
        *one.provenance.document_sha256,
        *other.provenance.document_sha256,
    )


def test_a_label_of_one_part_is_neither_negative_nor_unlabelled() -> None:
    from dataclasses import replace

    one = replace(
        example("one", ["I50.23"]),
        negatives=(Negative("icd10cm", "R54", "negated", WRITTEN),),
        unlabelled=(("icd10cm", "Z91.81"), ("icd10cm", "J44.9")),
    )
    joined = join(one, example("two", ["R54", "J44.9"]))
    assert joined.negatives == ()
    assert joined.unlabelled == (("icd10cm", "Z91.81"),)


def test_nobody_is_joined_over_sex_age_band_or_claim_type() -> None:
    made = [
        example("f78", age=78),
        example("m78", sex="M", age=78),
        example("f44", age=44),
        example("f17", age=17),
        example("f18", age=18),
        example("f78 inpatient", claim_type="facility_inpatient"),
        example("unknown sex", sex=""),
        example("unknown age", age=None),
    ]
    # 18 and 44 alone are of one band.
    assert [set(parts) for parts in whose(composites(made, share=1.0))] == [{"f18", "f44"}]


@pytest.mark.parametrize(
    ("age", "unit", "band"),
    [
        (3, "days", "newborn"),
        (27, "days", "newborn"),
        (28, "days", "0+"),
        (11, "months", "0+"),
        (12, "months", "1+"),
        (8, "years", "1+"),
        (9, "years", "9+"),
        (17, "years", "15+"),
        (18, "years", "18+"),
        (64, "years", "45+"),
        (79, "years", "65+"),
        (101, "years", "80+"),
        (None, "years", ""),
    ],
)
def test_age_bands(age: float | None, unit: str, band: str) -> None:
    assert age_band(age, unit) == band


@given(st.integers(0, 30), st.floats(0, 1), st.randoms(use_true_random=False))
def test_how_many_and_always_the_same(count: int, share: float, chance) -> None:
    made = [example(f"c{n}") for n in range(count)]
    found = composites(made, share=share)
    possible = count if count > 2 else count // 2
    assert len(found) == min(int(share * count), possible)
    chance.shuffle(made)
    assert whose(composites(made, share=share)) == whose(found)
    assert all(len(set(one.parts)) == 2 for one in found)
    assert len({frozenset(one.parts) for one in found}) == len(found)


def test_a_composite_is_not_joined_again() -> None:
    joined = join(example("one"), example("two"))
    assert composites([joined, example("three")], share=1.0) == []
