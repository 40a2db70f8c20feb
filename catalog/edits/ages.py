"""Ages as the checks compare them: the one place where an age in some unit becomes years and days."""

from __future__ import annotations

AGE_UNITS: tuple[str, ...] = ("years", "months", "weeks", "days")
_PER_YEAR: dict[str, float] = {"years": 1, "months": 12}
_DAYS: dict[str, float] = {"weeks": 7, "days": 1}
_DAYS_OF_YEAR = 365.25


def age_in(age: float | None, unit: str) -> tuple[int | None, int | None]:
    """Whole years, and days of an age given in weeks or days; nothing for a unit that is not in AGE_UNITS."""
    if age is None or unit not in AGE_UNITS:
        return None, None
    if unit in _PER_YEAR:
        return int(age // _PER_YEAR[unit]), None
    days = age * _DAYS[unit]
    return int(days // _DAYS_OF_YEAR), int(days)
