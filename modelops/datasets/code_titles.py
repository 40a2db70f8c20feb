"""What the catalog gives a dataset: the titles that answers begin with, and words that are ordinary."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from catalog.choices import CodeSystem, TableKind
from catalog.errors import NoRelease
from catalog.models import Code, IndexEntry, Release
from catalog.queries import get_nodes, latest_release, release_for
from modelops.datasets.identifiers import words_beside


class CodeTitles:
    """Of ICD-10-CM releases by their name; what was asked is kept."""

    def __init__(self) -> None:
        self._releases: dict[str, Release] = {}
        self._titles: dict[str, dict[str, str | None]] = {}
        self._by_day: dict[date | None, str] = {}

    def release_of(self, day: date | None) -> str:
        """The release valid on the day, else the latest loaded one, as the batch interface has it; empty where none is
        loaded."""
        if day not in self._by_day:
            found = _release_of(day)
            self._by_day[day] = self.known(found) if found is not None else ""
        return self._by_day[day]

    def known(self, release: Release) -> str:
        name = str(release)
        self._releases.setdefault(name, release)
        return name

    def titles(self, release: str, codes: Iterable[str]) -> dict[str, str]:
        """By code; codes that are not in the release or cannot be billed in it are absent."""
        known = self._titles.setdefault(release, {})
        asked = list(codes)
        if missing := [code for code in asked if code not in known]:
            found = get_nodes(self._releases[release], missing) if release in self._releases else {}
            known.update(
                {
                    code: found[code].title if code in found and found[code].billable else None
                    for code in missing
                }
            )
        return {code: title for code in asked if (title := known[code]) is not None}


def _release_of(day: date | None) -> Release | None:
    try:
        return release_for(CodeSystem.ICD10CM, day)
    except NoRelease:
        pass
    try:
        return latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        return None


def catalog_words() -> frozenset[str]:
    """Every word of the latest release's titles, and of the tables of drugs that are loaded."""
    drugs = IndexEntry.objects.filter(edition__kind=TableKind.DRUGS).values_list("term", flat=True)
    words = words_beside(drugs.iterator(chunk_size=5_000))
    try:
        release = latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        return words
    titles = Code.objects.of(release).values_list("title", flat=True).iterator(chunk_size=5_000)
    return words | words_beside(titles)
