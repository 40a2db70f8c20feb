"""What is written short, resolved before text is cut into words: whole only, never as a part of something else."""

import pytest

from catalog.abbreviations import resolve_phrases


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("f/h diabetes", "family history diabetes"),
        ("F/Hx of diabetes", "family history of diabetes"),
        ("anemia d/t ckd", "anemia due to ckd"),
        ("anemia 2/2 ckd", "anemia due to ckd"),
        ("s/p cabg", "status cabg"),
        ("t2dm w/ckd w/o coma", "t2dm with ckd without coma"),
        # A part of something else: a date, a fraction, another short form.
        ("seen 12/2 for cough", "seen 12/2 for cough"),
        ("visit 2/2026", "visit 2/2026"),
        ("d/tx plan", "d/tx plan"),
        ("f/hxx", "f/hxx"),
        ("if/h", "if/h"),
    ],
)
def test_phrases_stand_by_themselves(typed, read):
    assert " ".join(resolve_phrases(typed).split()) == read
