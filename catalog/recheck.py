"""Old code lists checked again: how each code stood in the release of its list and how it stands today.

One JSON object a line in, one out. Gold sets, predictions and code sets may be given as they are: fields that
are not needed here are not read.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from catalog.choices import ClaimType, CodeSystem
from catalog.errors import NoRelease
from catalog.jsonl import BadLine, Outcome, filled, id_of, object_of
from catalog.models import Release
from catalog.queries import latest_release, release_for
from catalog.standing import CodeStanding, Standing, standing_in, standing_now_and_then

_MAX_CODES = 2_000
_MAX_CODE = 40


class Change(StrEnum):
    """What became of a code between the two releases."""

    UNCHANGED = "unchanged"
    RETITLED = "retitled"
    # Could be used then and cannot now, or the other way round; `now` says how it stands.
    NO_LONGER_VALID = "no_longer_valid"
    VALID_NOW = "valid_now"
    # Could not be used as it is, neither then nor now.
    NEVER_VALID = "never_valid"
    # No release is loaded for the list's own day: only today's standing is known.
    NOT_COMPARED = "not_compared"


@dataclass(slots=True)
class Rechecker:
    """`then` is the day of lists that say none; `now` the day they are checked against. Counts what it finds."""

    then: dt.date | None
    now: dt.date
    counts: Counter[Change] = field(default_factory=Counter)
    _today: dict[str, Release] = field(default_factory=dict)

    def lines(self, lines: Iterable[bytes]) -> Iterator[Outcome]:
        """One outcome for each line that is not blank, in order."""
        return map(self._line, filled(lines))

    def _line(self, raw: bytes) -> Outcome:
        line_id: str | int | None = None
        try:
            row = object_of(raw)
            line_id = id_of(row)
            on = _day_of(row) or self.then
            asked = _codes_of(row)
        except BadLine as bad:
            return Outcome({"id": line_id, "codes": [], "error": str(bad)}, failed=True)
        edition = _edition_of(row)
        releases: dict[str, dict[str, Any]] = {}
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for system in dict.fromkeys(system for system, _ in asked):
            codes = [code for of, code in asked if of == system]
            named = edition if system == CodeSystem.ICD10CM else ""
            then, now = _release_then(system, on, named), self._release_now(system)
            releases[system] = {"then": _named(then), "now": _named(now)}
            if now is not None and not now.covers(self.now):
                releases[system]["now_stands_in"] = True
            for code, before, after in self._standing(then, now, codes, on):
                change = _change(before, after)
                self.counts[change] += 1
                found[system, code] = {
                    "system": system,
                    "code": code,
                    "then": _said(before),
                    "now": _said(after),
                    "change": change.value,
                }
        codes_out = [found[each] for each in dict.fromkeys(asked)]
        return Outcome({"id": line_id, "releases": releases, "codes": codes_out, "error": None}, failed=False)

    def _standing(
        self, then: Release | None, now: Release | None, codes: list[str], on: dt.date | None
    ) -> Iterator[tuple[str, CodeStanding | None, CodeStanding | None]]:
        if then is not None and now is not None:
            for before, after in standing_now_and_then(then, now, codes, then_on=on, now_on=self.now):
                yield before.asked, before, after
            return
        of_then = {} if then is None else standing_in(then, codes, on)
        of_now = {} if now is None else standing_in(now, codes, self.now)
        for code in dict.fromkeys(codes):
            yield code, of_then.get(code), of_now.get(code)

    def _release_now(self, system: str) -> Release | None:
        """The release of the day, else the newest loaded: the output then says that it stands in."""
        if system not in self._today:
            try:
                self._today[system] = release_for(system, self.now)
            except NoRelease:
                try:
                    self._today[system] = latest_release(system)
                except NoRelease:
                    return None
        return self._today[system]


def _release_then(system: str, on: dt.date | None, edition: str) -> Release | None:
    """The edition that the list names, whatever became of it since; else the release of its day."""
    if edition:
        named = (
            Release.objects.filter(system=system, edition=edition).order_by("status", "-loaded_at").first()
        )
        if named is not None:
            return named
    try:
        return release_for(system, on)
    except NoRelease:
        return None


def _named(release: Release | None) -> str | None:
    return None if release is None else release.edition


def _said(standing: CodeStanding | None) -> dict[str, str] | None:
    if standing is None:
        return None
    return {"standing": standing.standing.value, "title": standing.title}


def _change(before: CodeStanding | None, after: CodeStanding | None) -> Change:
    if before is None or after is None:
        return Change.NOT_COMPARED
    was, stays = before.standing == Standing.BILLABLE, after.standing == Standing.BILLABLE
    if was and stays:
        return Change.UNCHANGED if before.title == after.title else Change.RETITLED
    if was != stays:
        return Change.NO_LONGER_VALID if was else Change.VALID_NOW
    return Change.NEVER_VALID


def _day_of(row: dict[str, Any]) -> dt.date | None:
    """The day that chooses a release for the claim type. Raises BadLine."""
    inpatient = row.get("claim_type", "") == ClaimType.FACILITY_INPATIENT or (
        not row.get("claim_type") and row.get("setting") == "inpatient"
    )
    names = ("discharge_date", "date_of_service") if inpatient else ("date_of_service", "service_date")
    for name in names:
        value = row.get(name)
        if value in (None, ""):
            continue
        try:
            return dt.date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise BadLine("not a date (YYYY-MM-DD)", name) from error
    return None


def _edition_of(row: dict[str, Any]) -> str:
    edition = row.get("catalog_release")
    return edition if isinstance(edition, str) and edition.isprintable() else ""


def _codes_of(row: dict[str, Any]) -> list[tuple[str, str]]:
    """(system, code) as given; a code alone is one of ICD-10-CM. Raises BadLine."""
    given = row.get("codes")
    if not isinstance(given, list):
        raise BadLine("missing or not a list", "codes")
    if len(given) > _MAX_CODES:
        raise BadLine(f"over {_MAX_CODES:,} codes", "codes")
    return [_code(each, f"codes[{number}]") for number, each in enumerate(given)]


def _code(given: Any, where: str) -> tuple[str, str]:
    row = {"code": given} if isinstance(given, str) else given
    if not isinstance(row, dict):
        raise BadLine("neither a code nor an object", where)
    code, system = row.get("code"), row.get("system") or CodeSystem.ICD10CM.value
    # What cannot be printed (a NUL, half a character) is no code and cannot be asked for.
    if not isinstance(code, str) or not code.strip() or len(code) > _MAX_CODE or not code.isprintable():
        raise BadLine("missing or not a code", f"{where}.code")
    if system not in CodeSystem.values:
        raise BadLine(f"not one of {', '.join(CodeSystem.values)}", f"{where}.system")
    return str(system), code.strip()
