"""Laterality, read from the titles."""

import pytest


@pytest.mark.parametrize(
    ("code", "sided"),
    [
        ("H25.10", "H25.11, H25.12"),
        ("S52.509A", "S52.501, S52.502"),  # told above the 7th character
        ("L89.009", "L89.01, L89.02"),  # told above the stage
        ("G81.90", "G81.91, G81.92"),
        ("C50.919", "C50.911, C50.912"),  # another "unspecified" in the same title
    ],
)
def test_an_unspecified_side_names_the_sided_codes(edits, code, sided):
    (finding,) = edits.run("laterality_unspecified", code)
    assert sided in finding.message


@pytest.mark.parametrize("code", ["H25.11", "H25.13", "S52.501A", "I10", "J18.9", "E11.9", "N18.9"])
def test_sided_codes_and_codes_without_sides_pass(edits, code):
    assert edits.run("laterality_unspecified", code) == []


@pytest.mark.parametrize(
    ("right", "left", "both"),
    [
        ("H25.11", "H25.12", "H25.13"),
        ("M17.11", "M17.12", "M17.0"),  # beside the parent
        ("Z90.11", "Z90.12", "Z90.13"),  # plural
    ],
)
def test_both_sides_name_the_bilateral_code(edits, right, left, both):
    for codes in ((right, left), (left, right)):
        (finding,) = edits.run("left_and_right", *codes)
        assert both in finding.message


@pytest.mark.parametrize(
    "codes",
    [
        ("S52.501A", "S52.502A"),  # no bilateral code
        ("H25.11", "H25.11"),
        ("H25.11", "H25.22"),  # two conditions
        ("M17.11", "M17.32"),
    ],
)
def test_left_and_right_is_silent(edits, codes):
    assert edits.run("left_and_right", *codes) == []
