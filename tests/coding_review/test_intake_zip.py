"""Zip files of texts: members that go in, and what is refused before it can do harm."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import pytest

from coding_review.intake.rows import Row, RowError
from tests.coding_review.intake_rows import encounter, read


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
