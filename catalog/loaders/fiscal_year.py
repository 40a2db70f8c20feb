"""Editions that follow the federal fiscal year: from 1 October before it to its 30 September.

An update within the year (in April) says so in its files' names: "April-1-2026".
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from catalog.errors import LoadRefused
from catalog.loaders.delivery import Stated

_YEAR = re.compile(r"(?<!\d)(20[1-9]\d)(?!\d)")
# POAexemptCodesFY25.txt
_SHORT_YEAR = re.compile(r"FY[-_ ]?([1-9]\d)(?!\d)", re.IGNORECASE)
_UPDATE = re.compile(r"(January|April|July)[-_ ]?(?:0?1[-_, ]+)?(20[1-9]\d)", re.IGNORECASE)
_MONTHS = {"january": 1, "april": 4, "july": 7}


@dataclass(frozen=True)
class Dates:
    edition: str
    valid_from: dt.date
    valid_to: dt.date | None


def release_dates(name: str, stated: Stated, said: int | None = None) -> Dates:
    """Edition and days in force from the file's name, else from the year the file says; what the operator
    states wins. Raises LoadRefused where no year is known."""
    update = _UPDATE.search(name)
    years = _YEAR.findall(name) or [f"20{year}" for year in _SHORT_YEAR.findall(name)]
    if update:
        year, month = int(update.group(2)), update.group(1).lower()
        known = Dates(
            f"FY{year}, {month.capitalize()} release", dt.date(year, _MONTHS[month], 1), dt.date(year, 9, 30)
        )
    elif years or said:
        year = int(years[-1]) if years else int(said or 0)
        known = Dates(f"FY{year}", dt.date(year - 1, 10, 1), dt.date(year, 9, 30))
    elif stated.valid_from is not None:
        known = Dates(f"from {stated.valid_from}", stated.valid_from, _year_end(stated.valid_from))
    else:
        raise LoadRefused(name, "no fiscal year in the name or the file; state it with --valid-from")
    return Dates(
        stated.edition or known.edition,
        stated.valid_from or known.valid_from,
        stated.valid_to or known.valid_to,
    )


def _year_end(day: dt.date) -> dt.date:
    end = dt.date(day.year, 9, 30)
    return end if day <= end else dt.date(day.year + 1, 9, 30)
