"""Parts of a line: found by looking at all of them, as a slow rule would."""

from hypothesis import given
from hypothesis import strategies as st

from modelops.datasets.spans import Span, Taken

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=20)


def taken_of(parts: list[tuple[int, int]]) -> tuple[Taken, list[Span]]:
    """And the same by comparing each with each."""
    taken, slowly = Taken(), []
    for number, (start, length) in enumerate(parts):
        span = Span(start, start + length, str(number))
        taken.take(span)
        if length and not any(one.start < span.end and span.start < one.end for one in slowly):
            slowly.append(span)
    return taken, sorted(slowly, key=lambda span: span.start)


@given(SPANS)
def test_who_comes_first_stays_and_all_are_in_order(parts: list[tuple[int, int]]) -> None:
    taken, slowly = taken_of(parts)
    assert list(taken) == slowly


@given(SPANS, st.integers(0, 45), st.integers(1, 5), st.integers(0, 4))
def test_what_stands_beside_a_part(
    parts: list[tuple[int, int]], start: int, length: int, within: int
) -> None:
    taken, slowly = taken_of(parts)
    end = start + length
    meets = any(one.start < end and start < one.end for one in slowly)
    assert taken.meets(start, end) == meets
    if not meets:
        near = {one for one in slowly if 0 <= start - one.end <= within or 0 <= one.start - end <= within}
        assert set(taken.beside(start, end, within=within)) == near
