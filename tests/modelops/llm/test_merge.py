"""One suggestion a code, whatever order windows and passes come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.engines.llm.merge import MOST_EVIDENCE, Said, merge
from modelops.engines.types import Evidence


def says(code, number=1, probability=0.8, turn=0, rationale="why", column=0):
    return Said(
        system="icd10cm",
        code=code,
        description=f"title of {code}",
        rationale=rationale,
        evidence=Evidence("1", number, number, column, column + 4, "word"),
        number=number,
        probability=probability,
        turn=turn,
    )


SAID = st.builds(
    says,
    st.sampled_from(["I10", "E11.9", "J44.9"]),
    st.integers(1, 8),
    st.none() | st.sampled_from([0.2, 0.5, 0.9]),
    st.integers(0, 2),
    st.sampled_from(["a", "b"]),
    st.integers(0, 3),
)


@given(st.lists(SAID, max_size=12), st.randoms())
def test_order_changes_nothing(said, random):
    shuffled = list(said)
    random.shuffle(shuffled)
    assert merge(shuffled, 3) == merge(said, 3)


@given(st.lists(SAID, max_size=12))
def test_each_code_once_with_all_its_lines_and_nothing_is_lost_uncounted(said):
    merged = merge(said, 3)
    assert sorted(s.code for s in merged.suggestions) == sorted({one.code for one in said})
    lines = {code: {one.number for one in said if one.code == code} for code in {one.code for one in said}}
    for suggestion in merged.suggestions:
        cited = [evidence.line_start for evidence in suggestion.evidence]
        assert cited == sorted(set(cited))
        assert len(cited) == min(len(lines[suggestion.code]), MOST_EVIDENCE)
        assert set(cited) <= lines[suggestion.code]
    kept = sum(len(suggestion.evidence) for suggestion in merged.suggestions)
    assert merged.evidence_left_out == sum(map(len, lines.values())) - kept
    assert merged.duplicates == len(said) - len({(one.code, one.turn) for one in said})


def test_evidence_is_united_and_the_surest_says_why():
    merged = merge(
        [says("I10", 9, 0.4, rationale="weak"), says("I10", 2, 0.9, rationale="sure"), says("J44.9", 5)], 1
    )
    first, second = merged.suggestions
    assert (first.code, first.rationale, first.confidence) == ("I10", "sure", 0.9)
    assert [e.line_start for e in first.evidence] == [2, 9]
    assert (second.code, merged.duplicates, merged.evidence_left_out) == ("J44.9", 1, 0)


def test_a_code_of_one_pass_in_two_is_half_as_sure():
    (suggestion,) = merge([says("I10", probability=0.8, turn=1)], 2).suggestions
    assert suggestion.confidence == pytest.approx(0.4)
