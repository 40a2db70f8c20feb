"""How codes stand in a release: may each be billed as it is, or what is the matter with it?

For codes that come from elsewhere: an index of another year, an old gold set, a list to check again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from catalog.keys import code_key
from catalog.models import Code, IndexEntry, Release


class Standing(StrEnum):
    BILLABLE = "billable"
    # A header of the release, or printed with a dash: more characters are needed.
    INCOMPLETE = "incomplete"
    # Of systems whose codes have days of their own (HCPCS, CPT): not in force on the day asked about.
    NOT_IN_FORCE = "not_in_force"
    ABSENT = "absent"


STANDING_WORDS: dict[Standing, str] = {
    Standing.BILLABLE: "billable",
    Standing.INCOMPLETE: "needs more characters",
    Standing.NOT_IN_FORCE: "not in force on that day",
    Standing.ABSENT: "not in this release",
}


@dataclass(frozen=True)
class CodeStanding:
    """`asked` as given; `code` and `title` as the release has them, empty where it does not."""

    asked: str
    standing: Standing
    code: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        return STANDING_WORDS[self.standing]


def standing_in(release: Release, codes: Iterable[str], on: dt.date | None = None) -> dict[str, CodeStanding]:
    """By the code as asked: as typed or as an index prints it, with brackets and dashes. One query.

    `on`: the day the codes are used on, where one is known.
    """
    asked = list(dict.fromkeys(codes))
    keys = {code: code_key(code.strip("[] ")) for code in asked}
    found: dict[str, Code] = {}
    wanted = Code.objects.of(release).named(*keys.values())
    for node in wanted.only("code", "key", "title", "billable", "valid_from", "valid_to"):
        found.setdefault(node.key, node)
    return {code: _standing(code, found.get(keys[code]), on) for code in asked}


def _standing(asked: str, node: Code | None, on: dt.date | None) -> CodeStanding:
    if node is None:
        return CodeStanding(asked, Standing.ABSENT)
    standing = Standing.BILLABLE
    if not node.billable or asked.strip("[] ").endswith("-"):
        standing = Standing.INCOMPLETE
    elif on is not None and not node.in_force(on):
        standing = Standing.NOT_IN_FORCE
    return CodeStanding(asked, standing, node.code, node.title)


def standing_of_entries(
    release: Release, entries: Iterable[IndexEntry]
) -> dict[int, tuple[CodeStanding, ...]]:
    """For each index entry, by its id: how its codes stand, in the order in which they are printed. One query."""
    listed = list(entries)
    standing = standing_in(release, (code for entry in listed for code in entry.codes))
    return {entry.pk: tuple(standing[code] for code in entry.codes) for entry in listed}


def standing_now_and_then(
    then: Release,
    now: Release,
    codes: Iterable[str],
    *,
    then_on: dt.date | None = None,
    now_on: dt.date | None = None,
) -> list[tuple[CodeStanding, CodeStanding]]:
    """For each code of an old list: how it stood in its own release and how it stands in another."""
    asked = list(dict.fromkeys(codes))
    before, after = standing_in(then, asked, then_on), standing_in(now, asked, now_on)
    return [(before[code], after[code]) for code in asked]
