"""Is what a loader read whole and sound? Asked before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from catalog.errors import LoadRefused
from catalog.keys import code_key
from catalog.loaders.rows import NodeRow, Source


def check_rows(source: Source, rows: Sequence[NodeRow]) -> None:
    """Raises LoadRefused, naming the first thing wrong."""
    if not rows:
        raise LoadRefused(source.name, "the source holds no code")
    _check_tree(source, rows)
    _check_names(source, rows)
    _check_expected(source, rows)


def _check_tree(source: Source, rows: Sequence[NodeRow]) -> None:
    depth = -1
    for number, row in enumerate(rows):
        if not 0 <= row.depth <= depth + 1:
            raise LoadRefused(source.name, f"{row.code} has no parent in the source")
        if row.depth > depth and number and rows[number - 1].billable:
            raise LoadRefused(source.name, f"{rows[number - 1].code} is billable and has codes below it")
        depth = row.depth


def _check_names(source: Source, rows: Sequence[NodeRow]) -> None:
    for (code, kind), count in Counter((row.code, row.kind) for row in rows).items():
        if count > 1:
            raise LoadRefused(source.name, f"{kind} {code} stands {count} times in the source")
    for key, count in Counter(code_key(row.code) for row in rows if row.billable).items():
        if count > 1:
            raise LoadRefused(source.name, f"billable code {key} stands {count} times in the source")


def _check_expected(source: Source, rows: Sequence[NodeRow]) -> None:
    expected = source.expected
    billable = {row.code for row in rows if row.billable}
    if expected.billable is not None and len(billable) != expected.billable:
        raise LoadRefused(
            source.name, f"{len(billable):,} billable codes, {expected.billable:,} are in this edition"
        )
    absent = [code for code in expected.billable_codes if code not in billable]
    if absent:
        raise LoadRefused(source.name, f"{', '.join(absent)} must be billable in this edition")
    doubled = sum(count > 1 for count in Counter(row.code for row in rows).values())
    if expected.duplicate_names is not None and doubled != expected.duplicate_names:
        raise LoadRefused(
            source.name, f"{doubled} names stand for two nodes, {expected.duplicate_names} do in this edition"
        )
