"""The order in which files begin names files that are there."""

from __future__ import annotations

from tests.order import LONG, TESTS


def test_every_long_file_is_there_and_named_once() -> None:
    assert [name for name in LONG if not (TESTS / name).is_file()] == []
    assert len(set(LONG)) == len(LONG)
