"""Lines of the index as pages show them: each code with how it stands in the release shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.choices import GROUP_KINDS, NodeKind
from catalog.index_editions import editions_for, other_year
from catalog.models import Code, IndexEntry, Release
from catalog.standing import CodeStanding, Standing, standing_of_entries

# A code named in more lines than this is better looked up in the index itself.
_MOST_LINES = 12


@dataclass(frozen=True)
class PrintedCode:
    """`column` is the heading it stands under in a table; `doubt` says why it cannot be billed as printed."""

    printed: str
    column: str
    standing: CodeStanding

    @property
    def doubt(self) -> str:
        return "" if self.standing.standing == Standing.BILLABLE else self.standing.words


@dataclass(frozen=True)
class IndexLine:
    """`other_year`: the edition, where it was not in force when the release began; else empty."""

    entry: IndexEntry
    codes: tuple[PrintedCode, ...]
    other_year: str


def index_of(release: Release, node: Code, stem: Code, parent: Code | None) -> tuple[IndexLine, ...]:
    """Lines that lead to the code or to the code that its 7th character completes; also those that print the
    code above it unfinished ("H93.29-")."""
    editions = editions_for(release)
    if not editions:
        return ()
    codes = {node.code, stem.code} if node.kind == NodeKind.EXTENDED else {node.code}
    unfinished = {parent.code} if parent is not None and parent.kind not in GROUP_KINDS else set()
    entries = IndexEntry.objects.naming(editions, codes, unfinished)[:_MOST_LINES]
    return index_lines(release, entries)


def index_lines(release: Release, entries: Iterable[IndexEntry]) -> tuple[IndexLine, ...]:
    """Entries with their edition at hand (select_related); one query for all their codes."""
    listed = list(entries)
    standing = standing_of_entries(release, listed)
    return tuple(
        IndexLine(
            entry,
            tuple(
                PrintedCode(printed, entry.columns[at] if at < len(entry.columns) else "", stands)
                for at, (printed, stands) in enumerate(zip(entry.codes, standing[entry.pk], strict=True))
            ),
            other_year(entry.edition, release),
        )
        for entry in listed
    )
