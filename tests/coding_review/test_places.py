"""Browser selections against code points; quotes against the document."""

from __future__ import annotations

import pytest

from coding_review.errors import InvalidEvidence
from coding_review.places import (
    Place,
    code_point_column,
    place_of_selection,
    quote_at,
    utf16_column,
    whole_lines,
)

LINES = ["😀👩‍⚕️ CKD stage 3b", "  second line  ", "", "third\tline"]


def test_utf16_columns_around_emoji_and_joined_sequences() -> None:
    # 😀 is two units; 👩‍⚕️ is woman (2) + joiner (1) + staff (1) + selector (1).
    at = LINES[0].index("CKD")
    assert at == 6
    assert utf16_column(LINES[0], at) == 8
    assert code_point_column(LINES[0], 8) == 6


def test_a_column_inside_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidEvidence):
        code_point_column(LINES[0], 1)
    with pytest.raises(InvalidEvidence):
        code_point_column("abc", 4)


def test_selection_is_converted_and_compared() -> None:
    place = place_of_selection(
        LINES, line_start=1, line_end=1, utf16_start=8, utf16_end=20, selected="CKD stage 3b"
    )
    assert place == Place(1, 1, 6, 18)
    assert quote_at(LINES, place) == "CKD stage 3b"


def test_a_selection_of_other_text_is_refused() -> None:
    with pytest.raises(InvalidEvidence, match="does not match"):
        place_of_selection(
            LINES, line_start=1, line_end=1, utf16_start=8, utf16_end=20, selected="CKD stage 4"
        )


def test_selection_over_lines_is_trimmed() -> None:
    place = place_of_selection(
        LINES, line_start=2, line_end=4, utf16_start=0, utf16_end=5, selected="  second line  \n\nthird"
    )
    assert place == Place(2, 4, 2, 5)
    assert quote_at(LINES, place) == "second line  \n\nthird"


def test_whole_lines_leave_white_space_out() -> None:
    assert whole_lines(LINES, 2, 3) == Place(2, 2, 2, 13)
    with pytest.raises(InvalidEvidence, match="white space"):
        whole_lines(LINES, 3, 3)
    with pytest.raises(InvalidEvidence, match="no lines"):
        whole_lines(LINES, 4, 5)
