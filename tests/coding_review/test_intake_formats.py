"""Every format of import: what a good row becomes, and the error with file and line of every bad one."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest

from coding_review.errors import InvalidImport
from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingIdentity, IncomingPatient
from coding_review.intake.csv import COLUMNS
from coding_review.intake.files import rows_of_path, rows_of_stream
from coding_review.intake.jsonl import incoming_from_object
from coding_review.intake.rows import Defaults, Row, RowError

HERE = Defaults(source="ehr", facility="TVMC", work_group="inpatient")
GOOD = '{"id": "g", "text": "Good."}\n'


def read(name: str, data: bytes, defaults: Defaults = HERE) -> list[Row | RowError]:
    return list(rows_of_stream(name, io.BytesIO(data), defaults))


def encounter(source_id: str, text: str, document: str = "1", **values: object) -> IncomingEncounter:
    settled = {"setting": "outpatient", **values}
    return IncomingEncounter(
        "ehr", source_id, "TVMC", "inpatient", (IncomingDocument(document, text),), **settled
    )


# --- JSONL ---------------------------------------------------------------------------------------------


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


def test_a_byte_order_mark_is_not_text() -> None:
    assert read("a.jsonl", b"\xef\xbb\xbf" + GOOD.encode()) == [Row("a.jsonl", 1, encounter("g", "Good."))]
    assert read("a.txt", b"\xef\xbb\xbfGood.\r\n") == [Row("a.txt", None, encounter("a", "Good.\r\n"))]
    assert read("a.csv", b"\xef\xbb\xbfid,text\ng,Good.\n") == [Row("a.csv", 2, encounter("g", "Good."))]


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


def test_utf16_is_named_once() -> None:
    data = '{"id": "g", "text": "Good."}\n{"id": "h", "text": "Good."}\n'.encode("utf-16")
    message = "the file is UTF-16; save it as UTF-8"
    assert read("a.jsonl", data) == [RowError("a.jsonl", 1, message)]
    assert read("a.csv", data) == [RowError("a.csv", 1, message)]
    assert read("a.txt", data) == [RowError("a.txt", 1, message)]


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


# --- Text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"one\ntw\xf3", 2, "not UTF-8: byte 0xF3 at byte offset 6"),
        (b"one\n\n\x00", 3, "NUL byte at byte offset 5"),
        (b" \r\n", None, "the text is empty"),
        (b"\xef\xbb\xbf", None, "the text is empty"),
        (b"x" * (1024 * 1024 + 1), None, "the text is over 1 MiB (1,048,577 bytes)"),
        (b"x" * (1024 * 1024 + 100), None, "the text is over 1 MiB"),
        (b"x\n" * 20_001, None, "the text has over 20,000 lines (20,001)"),
    ],
)
def test_a_bad_text_file(data: bytes, line: int | None, message: str) -> None:
    assert read("note.txt", data) == [RowError("note.txt", line, message)]


@pytest.mark.parametrize("data", [b"x" * 1024 * 1024, b"x\n" * 20_000, b"\xef\xbb\xbf" + b"y" * 1024 * 1024])
def test_the_largest_texts_that_go_in(data: bytes) -> None:
    text = data.removeprefix(b"\xef\xbb\xbf").decode()
    assert read("note.txt", data) == [Row("note.txt", None, encounter("note", text))]


def test_a_text_takes_all_else_from_the_defaults() -> None:
    defaults = Defaults(
        source="s",
        facility="F",
        work_group="W",
        confidentiality="restricted",
        claim_types=("facility_inpatient",),
        document_type="discharge summary",
        specialty="cardiology",
        discharge_date=date(2026, 5, 19),
    )
    assert read("sub/note.TXT", b"A\r\nB\n", defaults) == [
        Row(
            "sub/note.TXT",
            None,
            IncomingEncounter(
                "s",
                "sub/note",
                "F",
                "W",
                (IncomingDocument("1", "A\r\nB\n", type="discharge summary"),),
                setting="inpatient",
                claim_types=("facility_inpatient",),
                confidentiality="restricted",
                specialty="cardiology",
                discharge_date=date(2026, 5, 19),
            ),
        )
    ]


# --- CSV -----------------------------------------------------------------------------------------------


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


# --- Zip -----------------------------------------------------------------------------------------------


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def test_a_zip_of_texts() -> None:
    assert read("a.zip", zipped(("one.txt", b"One.\r\n"), ("two.txt", b"\xef\xbb\xbfTwo."))) == [
        Row("a.zip:one.txt", None, encounter("one", "One.\r\n")),
        Row("a.zip:two.txt", None, encounter("two", "Two.")),
    ]


def linked(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def device(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFIFO | 0o644) << 16
    return info


PATH = "has a path in its name: put the texts side by side, without folders"


@pytest.mark.parametrize(
    ("member", "data", "message"),
    [
        ("sub/b.txt", b"t", PATH),
        ("/b.txt", b"t", PATH),
        ("../b.txt", b"t", PATH),
        ("..txt", b"t", PATH),
        ("C:b.txt", b"t", PATH),
        ("a\\b.txt", b"t", PATH),
        ("sub/", b"", PATH),
        (linked("b.txt"), b"/etc/passwd", "a symbolic link"),
        (device("b.txt"), b"t", "not a plain file"),
        ("b.pdf", b"t", "not a .txt file"),
        ("b.txt", b"", "the text is empty"),
        ("b.txt", b"one\ncaf\xe9", "not UTF-8: byte 0xE9 at byte offset 7"),
        ("b.txt", b"x" * (1024 * 1024 + 9), "the text is over 1 MiB"),
        ("good.txt", b"again", "the name is there twice in this file"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bad_member_is_told_and_the_others_go_in(
    member: str | zipfile.ZipInfo, data: bytes, message: str
) -> None:
    name = member if isinstance(member, str) else member.filename
    found = read("a.zip", zipped(("good.txt", b"Good."), (member, data), ("last.txt", b"Last.")))
    line = 2 if "0xE9" in message else None
    assert found == [
        Row("a.zip:good.txt", None, encounter("good", "Good.")),
        RowError(f"a.zip:{name}", line, message),
        Row("a.zip:last.txt", None, encounter("last", "Last.")),
    ]


def test_an_encrypted_member() -> None:
    data = bytearray(zipped(("b.txt", b"t")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert read("a.zip", bytes(data)) == [RowError("a.zip:b.txt", None, "encrypted")]


def test_a_method_whose_output_cannot_be_bounded() -> None:
    data = zipped(("b.txt", b"t" * 5000), method=zipfile.ZIP_BZIP2)
    assert read("a.zip", data) == [
        RowError("a.zip:b.txt", None, "packed by a method other than deflate"),
    ]


def test_a_damaged_member() -> None:
    data = bytearray(zipped(("b.txt", b"some text"), method=zipfile.ZIP_STORED))
    data[data.index(b"some text")] ^= 0xFF
    assert read("a.zip", bytes(data)) == [RowError("a.zip:b.txt", None, "damaged (BadZipFile)")]


def test_over_a_thousand_members_nothing_is_read() -> None:
    members = [(f"{n}.txt", b"t") for n in range(1_001)]
    message = "over 1,000 members; nothing of it was read"
    assert read("a.zip", zipped(*members)) == [RowError("a.zip", None, message)]
    assert len(read("a.zip", zipped(*members[:1_000]))) == 1_000
    # The count in the end record is a header like any other: it may lie.
    lying = bytearray(zipped(*members))
    struct.pack_into("<HH", lying, len(lying) - 14, 3, 3)
    assert read("a.zip", bytes(lying)) == [RowError("a.zip", None, message)]


def test_a_list_of_members_that_is_too_long_is_not_even_read() -> None:
    members = [("n" * 1_200 + f"{n}.txt", b"t") for n in range(999)]
    assert read("a.zip", zipped(*members)) == [
        RowError("a.zip", None, "the list of members is too long; nothing of it was read")
    ]


def test_over_200_mib_unpacked_stops_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coding_review.intake.zip.MAX_UNPACKED", 250)
    found = read("a.zip", zipped(*((f"{n}.txt", b"x" * 100) for n in range(5))))
    assert [type(row) for row in found] == [Row, Row, RowError]
    assert found[2] == RowError(
        "a.zip:2.txt", None, "over 200 MiB unpacked: this and what follows (3) was not read"
    )


def test_a_size_that_lies_does_not_unpack_more() -> None:
    """A bomb: 50 MiB of zeros that call themselves ten bytes."""
    data = bytearray(zipped(("b.txt", b" " * 50 * 1024 * 1024)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    assert read("a.zip", bytes(data)) == [RowError("a.zip:b.txt", None, "damaged (BadZipFile)")]


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + b"\x00" * 10])
def test_what_is_no_zip(data: bytes) -> None:
    assert read("a.zip", data) == [RowError("a.zip", None, "not a zip file")]


def test_an_empty_zip() -> None:
    assert read("a.zip", zipped()) == [RowError("a.zip", None, "the zip file is empty")]


# --- Files and folders ---------------------------------------------------------------------------------


def test_a_folder_is_read_in_order_and_nothing_is_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_bytes(b"B.")
    (tmp_path / "a.jsonl").write_text(GOOD)
    (tmp_path / "c.pdf").write_bytes(b"%PDF")
    (tmp_path / ".hidden.txt").write_bytes(b"x")
    assert list(rows_of_path(tmp_path, HERE)) == [
        Row("a.jsonl", 1, encounter("g", "Good.")),
        RowError("c.pdf", None, "the name ends in none of .txt, .jsonl, .csv, .zip"),
        Row("sub/b.txt", None, encounter("sub/b", "B.")),
    ]
    assert list(rows_of_path(tmp_path / "none", HERE)) == [
        RowError(str(tmp_path / "none"), None, "no such file or folder")
    ]


def test_an_error_reads_as_file_line_message() -> None:
    assert str(RowError("a.csv", 3, "id is missing")) == "a.csv, line 3: id is missing"
    assert str(RowError("a.zip", None, "encrypted")) == "a.zip: encrypted"
