"""A date as it is written in a note, moved by a patient's days and written again in the same way."""

from __future__ import annotations

import re
from datetime import date

from modelops.datasets.surrogates import Surrogates

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_NAME = r"(?P<n>[A-Za-z]{3,9})"
_YEAR = r"(?P<y>\d{4})"
# Month before day where both are possible, as in the United States.
_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})",
        rf"{_YEAR}(?P<m>\d\d)(?P<d>\d\d)",
        r"(?P<m>0?[1-9]|1[0-2])(?: / |[/.\s|-])(?P<d>\d{1,2})(?: / |[/.\s|-])['’]?(?P<y>\d{4}|\d\d)",
        r"(?P<d>\d{1,2})(?: / |[/.-])(?P<m>\d{1,2})(?: / |[/.-])['’]?(?P<y>\d{4}|\d\d)",
        rf"{_NAME}\.?\s(?P<d>\d{{1,2}})(?P<o>st|nd|rd|th)?(?:,?\s?{_YEAR})?",
        rf"(?P<d>\d{{1,2}})(?P<o>st|nd|rd|th)?[ -]?(?:of )?{_NAME}\.?(?:,?[ -]?(?P<y>\d{{4}}|\d\d))?",
        rf"{_NAME}\.?,?\s(?:of )?['’]?(?P<y>\d{{4}}|\d\d)",
        _NAME,
        rf"(?P<m>\d{{1,2}})[/-]{_YEAR}",
        rf"{_YEAR}-(?P<m>\d{{1,2}})",
        r"(?P<m>\d{1,2})/(?P<d>\d{1,2})",
    )
)
# Who is older is 90: beyond that an age tells who somebody is, and so does a year of birth.
OLDEST = 90
# Within a year no other day lies further from its month's ends.
_MIDDLE = 15


def shift(text: str, surrogates: Surrogates, reference: int) -> str | None:
    """`reference`: the year of a date that says none. A year that makes somebody older than OLDEST in it becomes the
    one that does not. None where the text is no day of any calendar."""
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is None:
            continue
        parts = {name: value for name, value in found.groupdict().items() if value}
        day = _day(parts, reference)
        if day is None:
            continue
        moved = surrogates.day(day)
        earliest = reference - OLDEST
        if moved.year < earliest and "y" in parts:
            moved = date(earliest, moved.month, min(moved.day, 28))
        return _written(found, parts, moved)
    return None


def _day(parts: dict[str, str], reference: int) -> date | None:
    month = _month(parts["n"]) if "n" in parts else int(parts["m"])
    if month is None:
        return None
    # A day without a year may be the 29th of February.
    year = _year(parts["y"], reference) if "y" in parts else reference
    number = int(parts["d"]) if "d" in parts else _MIDDLE
    try:
        return date(year, month, number)
    except ValueError:
        return date(2000, 2, 29) if "y" not in parts and (month, number) == (2, 29) else None


def _month(name: str) -> int | None:
    folded = name.casefold()[:3]
    return next((at for at, month in enumerate(_MONTHS, 1) if month.casefold().startswith(folded)), None)


def _year(text: str, reference: int) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    century = reference - reference % 100
    # Written in two digits a year is at most the next one: "48" in 2026 is 1948.
    return century + year if century + year <= reference + 1 else century - 100 + year


def _written(found: re.Match[str], parts: dict[str, str], day: date) -> str:
    # Year first is written with two digits each; else as one that has a leading zero shows.
    padded = found.re in _FORMS[:2] or any(parts.get(name, "").startswith("0") for name in ("m", "d"))
    new = {
        "y": str(day.year) if len(parts.get("y", "")) == 4 else f"{day.year % 100:02}",
        "m": f"{day.month:02}" if padded else str(day.month),
        "d": f"{day.day:02}" if padded else str(day.day),
        "n": _named(day.month, parts.get("n", "")),
        "o": _ordinal(day.day),
    }
    text = found.string
    for name in sorted(parts, key=found.start, reverse=True):
        text = f"{text[: found.start(name)]}{new[name]}{text[found.end(name) :]}"
    return text


def _named(month: int, like: str) -> str:
    name = _MONTHS[month - 1]
    # "May" and the like of it: an abbreviation unless it is longer.
    if len(like) <= 4:
        name = name[:3]
    return name.upper() if like.isupper() else name.lower() if like.islower() else name


def _ordinal(day: int) -> str:
    if 10 <= day % 100 <= 20:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
