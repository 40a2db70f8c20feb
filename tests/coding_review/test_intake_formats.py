"""Texts, encodings and folders: what they become, and the error with file and line of every bad one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.intake.files import rows_of_path
from coding_review.intake.rows import Defaults, Row, RowError
from tests.coding_review.intake_rows import GOOD, HERE, encounter, read


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


# --- Encodings -----------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_not_text() -> None:
    assert read("a.jsonl", b"\xef\xbb\xbf" + GOOD.encode()) == [Row("a.jsonl", 1, encounter("g", "Good."))]
    assert read("a.txt", b"\xef\xbb\xbfGood.\r\n") == [Row("a.txt", None, encounter("a", "Good.\r\n"))]
    assert read("a.csv", b"\xef\xbb\xbfid,text\ng,Good.\n") == [Row("a.csv", 2, encounter("g", "Good."))]


def test_utf16_is_named_once() -> None:
    data = '{"id": "g", "text": "Good."}\n{"id": "h", "text": "Good."}\n'.encode("utf-16")
    message = "the file is UTF-16; save it as UTF-8"
    assert read("a.jsonl", data) == [RowError("a.jsonl", 1, message)]
    assert read("a.csv", data) == [RowError("a.csv", 1, message)]
    assert read("a.txt", data) == [RowError("a.txt", 1, message)]


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
