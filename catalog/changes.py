"""What changed from one release of a code system to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from catalog.models import Release


@dataclass(frozen=True)
class CodeChange:
    """Titles are empty where the release does not have the code."""

    code: str
    title_before: str
    title_after: str


@dataclass(frozen=True)
class ReleaseChanges:
    """Of codes, not of chapters and blocks; each in published order.

    `new` and `deleted` are billable codes that only one of the releases has; a code that both have and only one
    bills is in `billable` or `header`, whatever became of its title.
    """

    before: Release
    after: Release
    new: tuple[CodeChange, ...]
    deleted: tuple[CodeChange, ...]
    retitled: tuple[CodeChange, ...]
    # Was a header, may be billed now.
    billable: tuple[CodeChange, ...]
    # Could be billed, needs more characters now.
    header: tuple[CodeChange, ...]

    @property
    def counts(self) -> str:
        return (
            f"{len(self.new):,} new, {len(self.deleted):,} deleted, {len(self.retitled):,} retitled, "
            f"{len(self.billable):,} now billable, {len(self.header):,} no longer billable"
        )

    def lines(self) -> Iterator[str]:
        """One line a change, for a terminal or a file."""
        for word, changes in (
            ("new", self.new),
            ("deleted", self.deleted),
            ("now billable", self.billable),
            ("no longer billable", self.header),
        ):
            for change in changes:
                yield f"{word}: {change.code} {change.title_after or change.title_before}"
        for change in self.retitled:
            yield f"retitled: {change.code} {change.title_after} (was: {change.title_before})"


_CHANGED = """
SELECT coalesce(a.code, b.code), coalesce(b.title, ''), coalesce(a.title, ''), b.billable, a.billable
FROM (SELECT * FROM catalog_code WHERE release_id = %(before)s AND kind NOT IN ('chapter', 'block')) b
FULL JOIN (SELECT * FROM catalog_code WHERE release_id = %(after)s AND kind NOT IN ('chapter', 'block')) a
  ON a.key = b.key
WHERE a.title IS DISTINCT FROM b.title OR a.billable IS DISTINCT FROM b.billable
ORDER BY coalesce(a.position, b.position), coalesce(a.code, b.code)
"""


def compare(before: Release, after: Release) -> ReleaseChanges:
    """Two releases of one code system; any two, in either order of time."""
    found: dict[str, list[CodeChange]] = {
        name: [] for name in ("new", "deleted", "retitled", "billable", "header")
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"before": before.pk, "after": after.pk})
        for code, title_before, title_after, billed, bills in cursor.fetchall():
            name = _name(billed, bills)
            if name:
                found[name].append(CodeChange(code, title_before, title_after))
    return ReleaseChanges(before, after, **{name: tuple(changes) for name, changes in found.items()})


def _name(billed: bool | None, bills: bool | None) -> str:
    """Which list a difference belongs to; a header that comes or goes is none of a coder's changes."""
    if billed is None or bills is None:
        return {(None, True): "new", (True, None): "deleted"}.get((billed, bills), "")
    return {(False, True): "billable", (True, False): "header"}.get((billed, bills), "retitled")


def release_before(release: Release) -> Release | None:
    """The release of its system that was in force before it, the newest of them."""
    same = Release.objects.usable(release.system).filter(valid_from__lt=release.valid_from)
    return same.first()
