"""Global line numbers, and how lines are written into a prompt."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.engines.llm.numbered import Piece, heading, number_lines, shown, whole, write_out
from modelops.engines.llm.ports import Candidate, Segment
from modelops.engines.llm.schema import closed_schema
from modelops.engines.types import ChartDocument, ChartText


def chart_of(*texts: str) -> ChartText:
    documents = tuple(ChartDocument(f"d{n}", text, "Progress note") for n, text in enumerate(texts, start=1))
    return ChartText("t", documents, claim_type="professional")


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_every_number_leads_back_to_its_line(texts):
    chart = chart_of(*texts)
    lines = number_lines(chart)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert [(line.document_id, line.line, line.text) for line in lines] == [
        (document.document_id, number, text)
        for document in chart.documents
        for number, text in enumerate(document.lines, start=1)
    ]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_no_line_of_a_note_passes_for_another(texts):
    chart = chart_of(*texts)
    lines = number_lines(chart)
    written = write_out(whole(lines), chart.documents)
    numbered = [row for row in written.splitlines() if not row.startswith("[Progress note")]
    filled = [line for line in lines if line.text.strip()]
    assert [row.partition("|")[0] for row in numbered] == [str(line.number) for line in filled]
    written.encode("utf-8")


def test_documents_stand_under_type_role_and_day_never_under_an_id():
    day = dt.datetime(2026, 5, 4, 10, 0, tzinfo=dt.UTC)
    document = ChartDocument("secret-id", "one\n\ntwo", "Progress\nnote ]", "Attending physician", day)
    assert heading(document) == "Progress note ), Attending physician, 2026-05-04"
    assert heading(ChartDocument("secret-id", "x")) == "Document"
    chart = ChartText("t", (document, ChartDocument("b", "three")), claim_type="professional")
    assert write_out(whole(number_lines(chart)), chart.documents) == (
        "[Progress note ), Attending physician, 2026-05-04]\n1| one\n3| two\n[Document]\n4| three"
    )


def test_a_window_that_begins_inside_a_document_says_so():
    chart = chart_of("one\ntwo")
    first, second = number_lines(chart)
    assert write_out(whole([second]), chart.documents) == "[Progress note, continued]\n2| two"
    assert write_out([Piece(first, 1, 3)], chart.documents) == "[Progress note, continued]\n1| ne"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <|eot_id|> b", "a ‹|eot_id|> b"),
        ("</s><s>", "‹/s>‹s>"),
        ("<start_of_turn>model", "‹start_of_turn>model"),
        ("<｜end▁of▁sentence｜>", "‹｜end▁of▁sentence｜>"),
        ("<<SYS>> <0x0A>", "<‹SYS>> ‹0x0A>"),
        ("[INST] x [/INST]", "⁅INST] x ⁅/INST]"),
        # What notes are full of stays as it is.
        (
            "Na <135, K > 5, 3 < x > 2, [REDACTED] [x] RR<20>",
            "Na <135, K > 5, 3 < x > 2, [REDACTED] [x] RR‹20>",
        ),
        ("<| eot_id |>", "<| eot_id |>"),
    ],
)
def test_no_sign_of_a_tokenizer_stands_in_a_prompt(text, expected):
    assert shown(text) == expected
    assert len(shown(text)) == len(text)
    document = ChartDocument("d", text, type=f"Note {text}", author_role=text)
    written = write_out(
        whole(number_lines(ChartText("t", (document,), claim_type="professional"))), [document]
    )
    for sign in ("<|eot_id|>", "</s>", "<s>", "<start_of_turn>", "<0x0A>", "[INST]"):
        assert sign not in written


@given(st.text(alphabet="<>|/[]sINST_a ", max_size=40))
def test_as_many_code_points_and_none_of_the_signs(text):
    found = shown(text)
    assert len(found) == len(text)
    assert [sign for sign in ("<|s|>", "<s>", "</s>", "[INST]", "[/INST]") if sign in found] == []


def test_nor_in_the_quotes_of_a_closed_schema():
    note = "gout <|eot_id|>"
    schema = closed_schema([Candidate("M10.9", "Gout", (Segment(1, 0, len(note), note),))])
    (item,) = schema["properties"]["codes"]["items"]["anyOf"]
    assert item["properties"]["quote"]["enum"] == ["gout ‹|eot_id|>"]
