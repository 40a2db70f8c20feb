"""How well a wording answers what was typed; no database."""

import pytest

from catalog.keys import code_key
from catalog.web.references import named_codes, pieces
from catalog.wording import Reading, read_wording, split_marked
from catalog.words import words


class Same(dict):
    """Every word is its own stem."""

    def __missing__(self, word):
        return word


def readings(*typed, is_open=False):
    return [Reading(word, ((word,),), is_open) for word in typed]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Pneumonia", 1.0),
        ("Pneumonia, unspecified organism", 1.0),
        ("Pneumonia (acute) (viral) NOS", 1.0),
        ("Viral pneumonia", 0.825),
        ("Asthma", 0.0),
    ],
)
def test_score_of_one_word(text, score):
    assert round(read_wording(text, readings("pneumonia"), Same()).score, 3) == score


def test_missing_words_are_named():
    answer = read_wording("Acute pneumonia", readings("pneumonia", "left"), Same())
    assert answer.missing == ("left",)
    assert round(answer.score, 3) == 0.5


def test_unfinished_word_is_a_beginning():
    assert read_wording("Pneumonia", readings("pneum"), Same()).score == 0.0
    assert read_wording("Pneumonia", readings("pneum", is_open=True), Same()).score == 1.0


def test_abbreviation_counts_by_its_meaning_and_says_so():
    ckd = [Reading("ckd", (("ckd",), ("chronic", "kidney", "disease")))]
    answer = read_wording("Chronic kidney disease", ckd, Same())
    assert (answer.score, answer.expanded) == (1.0, ("CKD read as chronic kidney disease",))
    assert read_wording("Chronic liver disease", ckd, Same()).score == 0.0


def test_marks_are_whole_words():
    assert split_marked("Ménière's disease, right", readings("meniere", "right"), Same()) == (
        ("Ménière's", True),
        (" disease, ", False),
        ("right", True),
    )


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Ménière's disease", ["meniere", "disease"]),
        ("sprain/strain of non-dominant arm", ["sprain", "strain", "of", "non", "dominant", "arm"]),
        ("Crohn’s; T2DM!", ["crohn", "t2dm"]),
        ("", []),
    ],
)
def test_words(text, cut):
    assert words(text) == cut


@pytest.mark.parametrize(
    ("typed", "key"),
    [("e11.22", "E1122"), (" E11.2- ", "E112"), ("A00-A09", "A00-A09"), ("S72.141 A", "S72141A"), ("", "")],
)
def test_code_key(typed, key):
    assert code_key(typed) == key


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("gestational diabetes (O24.4-)", {"O24.4"}),
        ("stage of chronic kidney disease (N18.1-N18.6)", {"N18.1", "N18.6"}),
        ("secondary diabetes (E08.-, E13.-)", {"E08", "E13"}),
        ("specific to newborn (P70-P74)", {"P70", "P74"}),
        ("type T2DM or vitamin B12 deficiency", {"B12"}),
        ("[E. coli] 10% in 2019", set()),
    ],
)
def test_codes_named_in_a_note(note, named):
    assert named_codes([note]) == named


def test_only_known_codes_are_linked_and_the_text_stays_whole():
    note = "deficiency of vitamin B12, diabetes (E08.-, E13.9)"
    cut = pieces(note, {"E08": 1, "E13.9": 1})
    assert cut == (
        ("deficiency of vitamin B12, diabetes (", ""),
        ("E08", "E08"),
        (".-, ", ""),
        ("E13.9", "E13.9"),
        (")", ""),
    )
    assert "".join(text for text, _ in cut) == note
