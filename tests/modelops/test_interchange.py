"""One line of the batch interface: what is read, and what is refused with its place."""

import datetime as dt
import json

import pytest

from modelops.interchange import GOLD_FIELDS, LONE_DOCUMENT_ID, BadChart, parse_chart_line


def line(**fields) -> str:
    return json.dumps({"id": "e-1", "text": "Cough.", **fields})


def refused(text: str, **options) -> BadChart:
    with pytest.raises(BadChart) as caught:
        parse_chart_line(text, **options)
    return caught.value


def test_a_lone_text_is_one_document():
    chart = parse_chart_line(line())
    assert [(d.document_id, d.text, d.type, d.author_role) for d in chart.documents] == [
        (LONE_DOCUMENT_ID, "Cough.", "", "")
    ]
    assert (chart.id, chart.claim_type, chart.effective_claim_type) == ("e-1", "", "professional")
    assert chart.coding_date is None


def test_all_fields_are_read():
    chart = parse_chart_line(
        json.dumps(
            {
                "id": "e-2",
                "source": "HIS",
                "encounter_id": "99",
                "patient_id": "p7",
                "setting": "Inpatient",
                "date_of_service": "2026-05-01",
                "admit_date": "2026-05-01",
                "discharge_date": "2026-05-04",
                "age": 3,
                "age_unit": "days",
                "sex": "f",
                "specialty": "neonatology",
                "payer": "Medicaid",
                "documents": [
                    {
                        "document_id": "d1",
                        "type": "H&P",
                        "author_role": "physician",
                        "authored_at": "2026-05-01T08:00:00Z",
                        "text": "a\r\nb 😀",
                    },
                    {"document_id": "d2", "text": "c", "authored_at": None},
                ],
            }
        )
    )
    text = chart.as_chart_text()
    assert text.claim_type == "facility_inpatient"
    assert chart.coding_date == dt.date(2026, 5, 4)
    assert (text.age, text.age_unit, text.sex, text.specialty) == (3.0, "days", "F", "neonatology")
    assert text.documents[0].text == "a\r\nb 😀"
    assert text.documents[0].lines == ["a", "b 😀"]
    assert text.documents[0].authored_at == dt.datetime(2026, 5, 1, 8, tzinfo=dt.UTC)
    assert [d.document_id for d in text.documents] == ["d1", "d2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON (Expecting value at column 1)"),
        ("[]", "not a JSON object"),
        ('{"id":"a","id":"b","text":"x"}', "'id': the field is there twice"),
        ('{"id":"a","text":"x","age":NaN}', "NaN is not a JSON number"),
        ('{"id":"a","text":"x","age":' + "1" * 5000 + "}", "not valid JSON (a number is too long)"),
        (line(id=""), "id: missing"),
        (line(id=7), "id: not a string"),
        (line(id="a\x00b"), "id: holds a NUL character"),
        (line(id="a\ud83d"), "id: holds half of a character"),
        (line(id="A41\u200b"), "id: holds a character that cannot be seen (U+200B)"),
        (line(specialty="a\u202egnp.exe"), "specialty: holds a character that cannot be seen (U+202E)"),
        (line(text=" \n"), "text: the text is empty"),
        (line(text="a\nb\x00"), "text: the text holds a NUL character (line 2 of the text)"),
        (line(text="a\n\ud83d"), "text: the text holds half of a character (line 2 of the text)"),
        (line(text="é" * 600_000), "text: the text is over 1 MiB (1,200,000 bytes)"),
        (line(text="a\n" * 20_001), "text: the text has over 20,000 lines (20,001)"),
        (line(colour="red", zeal=1), "'colour', 'zeal': unknown field"),
        (line(documents=[]), "either text or documents is needed, not both"),
        ('{"id":"a"}', "either text or documents is needed, not both"),
        ('{"id":"a","documents":[]}', "documents: not a list with at least one document"),
        ('{"id":"a","documents":[{"text":"x"}]}', "documents[0].document_id: missing"),
        ('{"id":"a","documents":[{"document_id":"1"}]}', "documents[0].text: missing"),
        (
            '{"id":"a","documents":[{"document_id":"1","text":"x"},{"document_id":"1","text":"y"}]}',
            "documents[1].document_id: used twice in this chart",
        ),
        (
            '{"id":"a","documents":[{"document_id":"1","text":"x","mood":1}]}',
            "documents[0].'mood': unknown field",
        ),
        (
            '{"id":"a","documents":[{"document_id":"1","text":"x","authored_at":"May"}]}',
            "documents[0].authored_at: not a date and time (ISO 8601)",
        ),
        (line(setting="spa"), "setting: not one of inpatient, outpatient, emergency, observation, home, snf"),
        (line(discharge_date="05/04/2026"), "discharge_date: not a date (YYYY-MM-DD)"),
        (line(admit_date="2026-05-02", discharge_date="2026-05-01"), "discharge_date: before admit_date"),
        (line(age=True), "age: not a number"),
        (line(age=-1), "age: not a number from 0 on"),
        (line(sex="W"), "sex: not one of F, M, X, U"),
    ],
)
def test_what_is_refused_says_what_and_where(text, message):
    assert str(refused(text)) == message


def test_joiners_of_a_script_and_wide_blanks_are_seen():
    name = "\u0645\u06cc\u200c\u0631 \u00a0 \U0001f468\u200d\u2695"
    assert parse_chart_line(line(specialty=name)).specialty == name


def test_the_error_keeps_the_chart_id_where_it_could_be_read():
    assert refused(line(age="old")).chart_id == "e-1"
    assert refused("{").chart_id is None


def test_gold_fields_are_refused_unless_tolerated():
    text = line(codes=[{"code": "I10"}], traps=[])
    assert str(refused(text)) == "'codes', 'traps': unknown field"
    assert parse_chart_line(text, tolerated=GOLD_FIELDS).documents[0].text == "Cough."


def test_what_a_frozen_set_tells_of_its_documents_is_carried_along_unread():
    document = {"document_id": "a", "text": "Cough.", "sha256": "0" * 64, "version": 2, "lines": 1}
    text = json.dumps({"id": "e-1", "documents": [document], "codes": []})
    assert str(refused(text)).startswith("'codes': unknown field")
    assert parse_chart_line(text, tolerated=GOLD_FIELDS).documents[0].text == "Cough."


def test_no_text_in_the_repr():
    assert "Cough" not in repr(parse_chart_line(line()))
