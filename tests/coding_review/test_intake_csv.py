"""CSV: rows that become one delivery, every column, and the error with file and line of every bad row."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingIdentity, IncomingPatient
from coding_review.intake.csv import COLUMNS
from coding_review.intake.rows import Row, RowError
from tests.coding_review.intake_rows import encounter, read


def test_csv_rows_of_one_encounter_are_one_delivery() -> None:
    data = (
        b"id,encounter_id,type,claim_type,age,synthetic,text\n"
        b'd1,E1,consult,facility_inpatient professional,78,true,"One, ""quoted"".\r\nSecond line."\n'
        b"d2,E1,,,,,Two.\n"
        b"\n"
        b"e2,,,,,,Alone.\n"
    )
    assert read("a.csv", data) == [
        Row(
            "a.csv",
            2,
            IncomingEncounter(
                "ehr",
                "E1",
                "TVMC",
                "inpatient",
                (
                    IncomingDocument("d1", 'One, "quoted".\r\nSecond line.', type="consult"),
                    IncomingDocument("d2", "Two."),
                ),
                setting="inpatient",
                claim_types=("facility_inpatient", "professional"),
                age=78.0,
                synthetic=True,
            ),
        ),
        Row("a.csv", 6, encounter("e2", "Alone.")),
    ]


def test_every_documented_column_is_read() -> None:
    cells = {
        **dict.fromkeys(COLUMNS, ""),
        "id": "d1",
        "text": "T.",
        "encounter_id": "E1",
        "source": "hl7",
        "type": "consult",
        "author": "Dr. Roe",
        "author_role": "attending",
        "authored_at": "2026-05-19T10:00:00Z",
        "signed_at": "2026-05-19T11:00:00Z",
        "status": "draft",
        "facility": "CEDAR",
        "work_group": "outpatient",
        "confidentiality": "very_restricted",
        "account_number": "A1",
        "patient_id": "P1",
        "patient_name": '"Vance, Mo"',
        "record_number": "M1",
        "birth_date": "1948-02-11",
        "sex": "F",
        "age": "1.5",
        "age_unit": "months",
        "setting": "emergency",
        "claim_type": "facility_outpatient",
        "date_of_service": "2026-05-19",
        "admit_date": "2026-05-18",
        "discharge_date": "2026-05-19",
        "specialty": "cardiology",
        "payer": "Medicare",
        "priority": "-3",
        "synthetic": "TRUE",
    }
    data = f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()
    assert read("a.csv", data) == [
        Row(
            "a.csv",
            2,
            IncomingEncounter(
                "hl7",
                "E1",
                "CEDAR",
                "outpatient",
                (
                    IncomingDocument(
                        "d1",
                        "T.",
                        "consult",
                        "Dr. Roe",
                        "attending",
                        datetime.fromisoformat("2026-05-19T10:00:00+00:00"),
                        datetime.fromisoformat("2026-05-19T11:00:00+00:00"),
                        "draft",
                    ),
                ),
                "emergency",
                ("facility_outpatient",),
                "very_restricted",
                IncomingPatient("P1", "F", IncomingIdentity("Vance, Mo", "M1", date(1948, 2, 11))),
                "A1",
                date(2026, 5, 18),
                date(2026, 5, 19),
                date(2026, 5, 19),
                1.5,
                "months",
                "F",
                "cardiology",
                "Medicare",
                -3,
                True,
            ),
        )
    ]


CSV_ERRORS = {
    "latin1": (b"b,,caf\xe9\n", "not UTF-8: byte 0xE9 at byte offset 39 of the file", 3),
    "nul": (b"b,,a\x00b\n", "NUL byte at byte offset 37 of the file", 3),
    "second line of the text": (
        b'b,,"one\ntw\xf3"\n',
        "not UTF-8: byte 0xF3 at byte offset 43 of the file",
        4,
    ),
    "empty text": (b"b,,\n", "text: the text is empty", 3),
    "cells": (b"b,t\n", "2 cells, but the header has 3", 3),
    "no id": (b",,t\n", "id is missing", 3),
    "duplicate": (b"g,,t\n", "the id is already used on line 2 of this file", 3),
    "bad date": (b"b,19.05.2026,t\n", "date_of_service: not a date (YYYY-MM-DD)", 3),
}


@pytest.mark.parametrize("name", CSV_ERRORS)
def test_a_bad_csv_row_is_told_and_the_others_go_in(name: str) -> None:
    row, message, line = CSV_ERRORS[name]
    data = b"id,date_of_service,text\ng,,Good.\n" + row + b"h,,Good.\n"
    last = 4 + row.count(b"\n") - 1
    assert read("a.csv", data) == [
        Row("a.csv", 2, encounter("g", "Good.")),
        RowError("a.csv", line, message),
        Row("a.csv", last, encounter("h", "Good.")),
    ]


def test_a_bad_row_among_the_documents_of_an_encounter_keeps_the_others_in() -> None:
    data = b"id,encounter_id,age,text\nd1,E,70,One.\nd2,E,,\nd3,E,71,Three.\nd4,E,70,Four.\n"
    assert read("a.csv", data) == [
        Row(
            "a.csv",
            2,
            IncomingEncounter(
                "ehr",
                "E",
                "TVMC",
                "inpatient",
                (IncomingDocument("d1", "One."), IncomingDocument("d4", "Four.")),
                age=70.0,
            ),
        ),
        RowError("a.csv", 3, "text: the text is empty"),
        RowError("a.csv", 4, "age differs from line 2 of the same encounter"),
    ]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "the file is empty"),
        (b"id;text\nb;t\n", 1, f"unknown column 'id;text'; the columns are {', '.join(COLUMNS)}"),
        (b"id,colour,text\n", 1, f"unknown column 'colour'; the columns are {', '.join(COLUMNS)}"),
        (b"id,type\nb,t\n", 1, "column text is missing"),
        (b"id,text,text\n", 1, "a column is there twice"),
    ],
)
def test_a_bad_csv_header_ends_the_file(data: bytes, line: int, message: str) -> None:
    assert read("a.csv", data) == [RowError("a.csv", line, message)]


def test_broken_quotes_end_the_file_and_say_from_where() -> None:
    data = b'id,text\ng,Good.\nb,"Bad" text\nh,Good.\n'
    assert read("a.csv", data) == [
        Row("a.csv", 2, encounter("g", "Good.")),
        RowError(
            "a.csv", 3, "not well-formed CSV (',' expected after '\"'); nothing from this line on was read"
        ),
    ]
