"""The quick reader of lines says what the careful one says, of good lines and of bad."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelops import quick_json
from modelops.interchange import BadChart, object_of_line
from modelops.quick_json import object_of_bytes


def outcome(read, raw):
    """What comes out, told apart by type: 1, 1.0 and True are equal in Python."""
    try:
        return repr(read(raw))
    except UnicodeDecodeError as error:
        return f"UTF-8 {error.start}"
    except BadChart as error:
        return f"bad: {error}"


def carefully(raw):
    return object_of_line(raw.decode("utf-8"))


def same(raw):
    assert outcome(object_of_bytes, raw) == outcome(carefully, raw)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(['":', ":", '"']),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=6)
SEPARATORS = [(",", ":"), (", ", ": "), (" , ", " : "), (",\t", "\t:")]


@settings(max_examples=400, deadline=None)
@given(objects, st.sampled_from(SEPARATORS), st.booleans())
def test_any_object_written_any_way(row, separators, ascii_only):
    same(json.dumps(row, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbf{}")
def test_any_bytes(raw):
    same(raw)


@settings(max_examples=300, deadline=None)
@given(objects, st.data())
def test_an_object_with_a_piece_cut_out_or_written_twice(row, data):
    raw = json.dumps(row).encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    same(raw[:start] + raw[end:])
    same(raw[:end] + raw[start:])


BAD = [
    b'{"id": "a", "id": "b"}',
    b'{"id" :"a","id":":"}',
    b'{"a" : 1, "a": "x\\":y"}',
    b'{"codes": [{"code": "I10", "code": "I11"}]}',
    b'{"\\u0061": 1, "a": 2}',
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": -0}',
    b'{"a": -0.0}',
    b'{"a": 9223372036854775807}',
    b'{"a": 9223372036854775808}',
    b'{"a": 18446744073709551615}',
    b'{"a": 18446744073709551616}',
    b'{"a": -9223372036854775809}',
    b'{"a": [1, [2, 36893488147419103232]]}',
    b'{"a": ' + b"9" * 400 + b"}",
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 0.1}',
    b'{"a": 1E2}',
    b'{"a": "\\ud800"}',
    b'{"a": "\\ud83d\\ude00"}',
    b'{"a": "\x00"}',
    b'{"a": "\\u0000"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\xff"}',
    b'{"a": 1,}',
    b'{"a": 01}',
    b"{'a': 1}",
    b"[1]",
    b'"a"',
    b"1",
    b"null",
    b"",
    b"   ",
    b'{"a": 1} x',
    b'{"a": 1}\x0c',
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": "":""}',
    b'{"a": ' + b"[" * 150 + b"]" * 150 + b"}",
    b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"a": ' + b"[" * 1010 + b"]" * 1010 + b"}",
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("raw", BAD, ids=range(len(BAD)))
def test_what_the_two_could_read_otherwise(raw):
    same(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": "a", "codes": [{"code": "I10", "confidence": 0.5, "evidence": [{"line_start": 1}]}]}',
        b'{"id":"a","text":"Plan: rest, fluids. Said: none","codes":[]}',
    ],
)
def test_plain_lines_take_the_quick_way(raw, monkeypatch):
    monkeypatch.setattr(quick_json, "object_of_line", lambda line: pytest.fail("read twice"))
    assert object_of_bytes(raw) == json.loads(raw)
