"""Answers of every kind: nothing raises but BadAnswer, and whatever is dropped says why."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.engines.llm.parse import MOST_ITEMS, BadAnswer, Dropped, parse_answer
from tests.modelops.llm.scripted import item, said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"codes": {}}',
        '{"codes": null}',
        '{"code": []}',
        '{"codes": [',
        '{"codes": []} trailing',
        '{"codes": [], "codes": []}',
        '{"codes": [NaN]}',
        '{"codes": [' + "9" * 5000 + "]}",
        '{"codes": ' + "[" * 100_000,
        "The codes are: E11.9",
    ],
)
def test_what_is_not_the_answer_that_was_asked_for(text):
    with pytest.raises(BadAnswer):
        parse_answer(text)


def test_a_good_answer():
    parsed = parse_answer(said(item("I10", "HTN", 3), item(" E11.9 ", "T2DM", 4, line_end=5)))
    assert [(i.position, i.code, i.line_start, i.line_end, i.quote) for i in parsed.items] == [
        (0, "I10", 3, 3, "HTN"),
        (1, "E11.9", 4, 5, "T2DM"),
    ]
    assert (parsed.dropped, parsed.listed) == ((), 2)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("I10", ""),
        (None, ""),
        ([item("I10", "HTN")], ""),
        (item("", "HTN"), ""),
        (item("I10", None), "I10"),
        (item("I10", "x" * 2001), "I10"),
        (item("I" * 41, "HTN"), "I" * 40),
        (item("I10\ud800", "HTN"), "I10\ufffd"),
        (item("I10\x00; DROP TABLE", "HTN"), "I10\ufffd; DROP TABLE"),
        (item(10, "HTN"), ""),
        (item("I10", "HTN", True), "I10"),
        (item("I10", "HTN", 1.0), "I10"),
        (item("I10", "HTN", "1"), "I10"),
        ({"code": "I10"}, "I10"),
    ],
)
def test_an_item_of_the_wrong_shape_is_dropped_and_its_neighbours_stay(bad, code):
    text = json.dumps({"codes": [item("I10", "HTN"), bad, item("E11.9", "T2DM")]})
    parsed = parse_answer(text)
    assert [i.position for i in parsed.items] == [0, 2]
    assert parsed.dropped == (Dropped(code, "malformed"),)


def test_a_huge_list_is_dropped_one_by_one():
    parsed = parse_answer(said(*[item("I10", "HTN")] * 5000))
    assert (len(parsed.items), parsed.listed) == (MOST_ITEMS, 5000)
    assert parsed.dropped == (Dropped("I10", "too_many"),) * (5000 - MOST_ITEMS)


def test_texts_can_be_stored():
    (read,) = parse_answer(
        json.dumps(
            {"codes": [item("I10", "HTN", rationale="a\x00b\ud800" + "r" * 900, description="\udfff")]}
        )
    ).items
    assert read.rationale == "a\ufffdb\ufffd" + "r" * 596
    assert read.description == "\ufffd"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["codes", "code", "description", "rationale", "line_start", "line_end", "quote"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(st.lists(JSON, max_size=6))
def test_every_object_is_an_item_or_dropped(rows):
    parsed = parse_answer(json.dumps({"codes": rows}))
    assert len(parsed.items) + len(parsed.dropped) == parsed.listed == len(rows)
    for dropped in parsed.dropped:
        dropped.code.encode("utf-8")


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with suppress(BadAnswer):
        assert parse_answer(text).listed >= 0
