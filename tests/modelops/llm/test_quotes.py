"""A quote is found where it stands, repaired where the model miscounted, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coding_review.actions.record_prediction import _stands
from modelops.engines.llm.numbered import number_lines
from modelops.engines.llm.quotes import QuoteFinder
from tests.modelops.llm.test_numbered import chart_of


def find(quote, start, end=None, *, texts=("",), first=1, last=None):
    lines = number_lines(chart_of(*texts))
    last = len(lines) if last is None else last
    return QuoteFinder(lines).find(quote, start, start if end is None else end, first=first, last=last)


def place(found):
    e = found.evidence
    return (e.document_id, e.line_start, e.line_end, e.col_start, e.col_end, e.quote, found.repaired)


NOTE = (
    "CHIEF COMPLAINT: cough\n\nA/P:  Acute  kidney\ninjury – the patient’s first\nCOPD\ncopd again\n"
    "ends: <|eot_id|> [INST] now"
)


@pytest.mark.parametrize(
    ("quote", "start", "end", "expected"),
    [
        ("COPD", 5, 5, ("d1", 5, 5, 0, 4, "COPD", False)),
        # In another line than the one that was stated: the nearest.
        ("COPD", 1, 1, ("d1", 5, 5, 0, 4, "COPD", True)),
        ("copd", 6, 6, ("d1", 6, 6, 0, 4, "copd", False)),
        # Case, white space and typographic signs folded; the words are the chart's own.
        ("acute kidney Injury", 3, 4, ("d1", 3, 4, 6, 6, "Acute  kidney\ninjury", False)),
        ("injury - the patient's first", 4, 4, ("d1", 4, 4, 0, 28, "injury – the patient’s first", False)),
        # As the prompt shows it, and as the chart has it.
        ("‹|eot_id|> ⁅INST]", 7, 7, ("d1", 7, 7, 6, 23, "<|eot_id|> [INST]", False)),
        ("<|eot_id|> [INST]", 1, 1, ("d1", 7, 7, 6, 23, "<|eot_id|> [INST]", True)),
        # The model copied the number of the line, or dots.
        ("5| COPD", 5, 5, ("d1", 5, 5, 0, 4, "COPD", False)),
        ("...kidney…", 3, 3, ("d1", 3, 3, 13, 19, "kidney", False)),
        # Lines that are not there, or the wrong way round.
        ("cough", 0, 0, ("d1", 1, 1, 17, 22, "cough", True)),
        ("cough", -7, 10**30, ("d1", 1, 1, 17, 22, "cough", True)),
        ("cough", 4, 2, ("d1", 1, 1, 17, 22, "cough", True)),
        # A range that is far too wide is narrowed to the words.
        ("cough", 1, 6, ("d1", 1, 1, 17, 22, "cough", False)),
    ],
)
def test_where_a_quote_is_found(quote, start, end, expected):
    assert place(find(quote, start, end, texts=(NOTE,))) == expected


@pytest.mark.parametrize(
    "quote", ["", "  ", "-", "…", "a", "|", "pneumonia", "opd", "5|", "\ud800\ud800", "cough COPD"]
)
def test_what_is_nowhere_or_next_to_nothing_is_not_found(quote):
    assert find(quote, 1, 6, texts=(NOTE,)) is None


def test_a_short_quote_is_a_word_not_a_part_of_one():
    assert find("MI", 1, texts=("family is well",)) is None
    assert place(find("MI", 1, texts=("family is well\nprior MI",))) == ("d1", 2, 2, 6, 8, "MI", True)


def test_what_the_window_did_not_show_is_not_taken():
    assert find("COPD", 5, texts=(NOTE,), first=1, last=4) is None


def test_columns_are_code_points_and_documents_keep_their_own_lines():
    found = find("gout", 2, texts=("😀 COPD", "😀 gout"))
    assert place(found) == ("d2", 1, 1, 2, 6, "gout", False)
    assert found.number == 2


def test_a_quote_does_not_reach_from_one_document_into_the_next():
    assert find("COPD gout", 1, 2, texts=("COPD", "gout")) is None


TEXT = st.text(st.sampled_from("aB1 \t\n\r’'–-😀ßİ\u2028\x85.|"), max_size=80)


@given(st.lists(TEXT, min_size=1, max_size=3), TEXT, st.integers(-3, 12), st.integers(-3, 12))
def test_whatever_is_found_stands_in_the_text(texts, quote, start, end):
    chart = chart_of(*texts)
    found = QuoteFinder(number_lines(chart)).find(quote, start, end, first=1, last=len(number_lines(chart)))
    lines = {document.document_id: document.lines for document in chart.documents}
    assert found is None or _stands(found.evidence, lines)


# A number before a bar is the prompt's, dots say that a quote goes on; five characters need not be whole words.
WORDS = st.text(st.sampled_from("aB1 \t\n’'–😀ßİ\u2028\x85"), min_size=3, max_size=40).map(
    lambda text: f"a{text}9"
)


@given(TEXT, WORDS, TEXT, st.booleans())
def test_a_verbatim_quote_of_the_stated_lines_is_always_found_there(before, quote, after, second):
    chart = chart_of(*(["other"] if second else []), f"{before}{quote}{after}")
    lines = number_lines(chart)
    first = 2 if second else 1
    found = QuoteFinder(lines).find(quote, first, len(lines), first=1, last=len(lines))
    assert found is not None
    assert (found.repaired, found.evidence.quote) == (False, quote)
    document = chart.documents[-1]
    assert _stands(found.evidence, {document.document_id: document.lines})
