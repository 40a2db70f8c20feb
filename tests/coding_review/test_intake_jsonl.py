"""JSON lines and the object of the API: what a good one becomes, and the error of every bad one."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from coding_review.errors import InvalidImport
from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingIdentity, IncomingPatient
from coding_review.intake.jsonl import incoming_from_object
from coding_review.intake.rows import Row, RowError
from tests.coding_review.intake_rows import GOOD, HERE, encounter, read


def test_jsonl_with_every_field() -> None:
    line = {
        "id": "row-1",
        "encounter_id": "E1",
        "source": "hl7",
        "facility": "CEDAR",
        "work_group": "outpatient",
        "confidentiality": "restricted",
        "account_number": "A1",
        "patient_id": "P1",
        "patient_name": "Vance, Mo",
        "record_number": "M1",
        "birth_date": "1948-02-11",
        "sex": "f",
        "age": 78,
        "setting": "inpatient",
        "claim_types": ["facility_inpatient", "professional"],
        "admit_date": "2026-05-11",
        "discharge_date": "2026-05-19",
        "date_of_service": "2026-05-19",
        "specialty": "cardiology",
        "payer": "Medicare",
        "priority": 5,
        "synthetic": True,
        "documents": [
            {
                "document_id": "d1",
                "type": "discharge summary",
                "author": "Dr. Roe",
                "author_role": "attending",
                "authored_at": "2026-05-19T10:00:00",
                "signed_at": "2026-05-19T12:00:00+02:00",
                "status": "amended",
                "text": "One.\r\nTwo.",
            }
        ],
    }
    assert read("a.jsonl", json.dumps(line).encode()) == [
        Row(
            "a.jsonl",
            1,
            IncomingEncounter(
                source="hl7",
                source_id="E1",
                facility="CEDAR",
                work_group="outpatient",
                documents=(
                    IncomingDocument(
                        "d1",
                        "One.\r\nTwo.",
                        type="discharge summary",
                        author="Dr. Roe",
                        author_role="attending",
                        authored_at=datetime(2026, 5, 19, 10),  # noqa: DTZ001
                        signed_at=datetime.fromisoformat("2026-05-19T12:00:00+02:00"),
                        status="amended",
                    ),
                ),
                setting="inpatient",
                claim_types=("facility_inpatient", "professional"),
                confidentiality="restricted",
                patient=IncomingPatient("P1", "F", IncomingIdentity("Vance, Mo", "M1", date(1948, 2, 11))),
                account_number="A1",
                admit_date=date(2026, 5, 11),
                discharge_date=date(2026, 5, 19),
                date_of_service=date(2026, 5, 19),
                age=78.0,
                sex="F",
                specialty="cardiology",
                payer="Medicare",
                priority=5,
                synthetic=True,
            ),
        )
    ]


def test_jsonl_lone_texts_share_an_encounter_by_encounter_id() -> None:
    data = b'{"id": "n1", "encounter_id": "E", "text": "One."}\n\n{"id": "n2", "encounter_id": "E", "text": "Two."}'
    assert read("a.jsonl", data) == [
        Row("a.jsonl", 1, encounter("E", "One.", "n1")),
        Row("a.jsonl", 3, encounter("E", "Two.", "n2")),
    ]


def big(size: int) -> str:
    return "x" * size


JSONL_ERRORS = {
    "latin1": (b'{"id": "b", "text": "caf\xe9"}', "not UTF-8: byte 0xE9 at byte offset 53 of the file"),
    "nul byte": (b'{"id": "b", "text": "a\x00b"}', "NUL byte at byte offset 51 of the file"),
    "nul escape": (
        b'{"id": "b", "text": "a\\u0000b"}',
        "text: the text holds a NUL character (line 1 of the text)",
    ),
    "half character": (
        b'{"id": "b", "text": "a\\nb\\ud800"}',
        "text: the text holds half of a character (line 2 of the text)",
    ),
    "empty text": (b'{"id": "b", "text": " \\n "}', "text: the text is empty"),
    "over 1 MiB": (
        json.dumps({"id": "b", "text": big(1024 * 1024 + 1)}).encode(),
        "text: the text is over 1 MiB (1,048,577 bytes)",
    ),
    "over 20,000 lines": (
        json.dumps({"id": "b", "text": "x\n" * 20_001}).encode(),
        "text: the text has over 20,000 lines (20,001)",
    ),
    "unknown field": (b'{"id": "b", "text": "t", "colour": 1}', "'colour': unknown field"),
    "unknown field of a document": (
        b'{"id": "b", "documents": [{"document_id": "d", "text": "t", "colour": 1}]}',
        "documents[0].'colour': unknown field",
    ),
    "field twice": (b'{"id": "b", "text": "t", "text": "u"}', "'text': the field is there twice"),
    "duplicate id": (b'{"id": "g", "text": "t"}', "the id is already used on line 1 of this file"),
    "duplicate document": (
        b'{"id": "b", "documents": [{"document_id": "d", "text": "t"}, {"document_id": "d", "text": "u"}]}',
        "documents[1].document_id: used twice in this chart",
    ),
    "no id": (b'{"text": "t"}', "id: missing"),
    "no text": (b'{"id": "b"}', "either text or documents is needed, not both"),
    "bad date": (
        b'{"id": "b", "text": "t", "admit_date": "2026-13-01"}',
        "admit_date: not a date (YYYY-MM-DD)",
    ),
    "discharge first": (
        b'{"id": "b", "text": "t", "admit_date": "2026-05-02", "discharge_date": "2026-05-01"}',
        "discharge_date: before admit_date",
    ),
    "year": (
        b'{"id": "b", "text": "t", "date_of_service": "0026-05-01"}',
        "date_of_service is not between 1900 and 2199",
    ),
    "claim type": (
        b'{"id": "b", "text": "t", "claim_type": "inpatient"}',
        "claim_type: not one of facility_inpatient, facility_outpatient, professional",
    ),
    "two claim types": (
        b'{"id": "b", "text": "t", "claim_type": "professional", "claim_types": ["professional"]}',
        "claim_types: either claim_type or claim_types",
    ),
    "age": (b'{"id": "b", "text": "t", "age": NaN}', "NaN is not a JSON number"),
    "priority": (
        b'{"id": "b", "text": "t", "priority": 101}',
        "priority is not a whole number from -100 to 100",
    ),
    "name without pseudonym": (
        b'{"id": "b", "text": "t", "patient_name": "x"}',
        "patient_id: a patient with a name or record number needs it",
    ),
    "not an object": (b"[1]", "not a JSON object"),
    "not JSON": (b'{"id": "b", "text": ', "not valid JSON (Expecting value at column 20)"),
    "nested": (b'{"id": ' + b"[" * 100_000, "not valid JSON (nested too deep)"),
    "long id": (
        json.dumps({"id": "b" * 121, "text": "t"}).encode(),
        "source_id is longer than 120 characters",
    ),
}


@pytest.mark.parametrize("name", JSONL_ERRORS)
def test_a_bad_jsonl_line_is_told_and_the_others_go_in(name: str) -> None:
    line, message = JSONL_ERRORS[name]
    data = GOOD.encode() + line + b"\n" + GOOD.replace('"g"', '"h"').encode()
    assert read("a.jsonl", data) == [
        Row("a.jsonl", 1, encounter("g", "Good.")),
        RowError("a.jsonl", 2, message),
        Row("a.jsonl", 3, encounter("h", "Good.")),
    ]


def test_messages_hold_no_text_of_the_chart() -> None:
    secret = "Marisol has asthma"
    for obj in (
        {"id": "b", "text": secret, "admit_date": secret},
        {"id": "b", "text": secret, "claim_type": secret},
        {"id": "b", "documents": [{"document_id": "d", "text": secret, "authored_at": secret}]},
    ):
        with pytest.raises(InvalidImport) as caught:
            incoming_from_object(obj, HERE)
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
    assert secret not in repr(incoming_from_object({"id": "b", "text": secret}, HERE))


def test_an_endless_line_is_skipped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coding_review.intake.rows.MAX_LINE_BYTES", 100)
    data = b'{"id": "b", "text": "' + b"x" * 250 + b'"}\n' + GOOD.encode()
    assert read("a.jsonl", data) == [
        RowError("a.jsonl", 1, "the line is over 32 MiB"),
        Row("a.jsonl", 2, encounter("g", "Good.")),
    ]


def test_the_object_of_the_api_has_every_problem_in_its_words() -> None:
    with pytest.raises(InvalidImport) as caught:
        incoming_from_object({"id": "b", "text": "t", "priority": 999, "date_of_service": "1800-01-01"})
    assert caught.value.data["problems"] == [
        "facility is missing",
        "work_group is missing",
        "priority is not a whole number from -100 to 100",
        "date_of_service is not between 1900 and 2199",
    ]
