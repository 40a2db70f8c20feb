"""Ages as the checks compare them."""

from __future__ import annotations

_DAYS_IN: dict[str, float] = {"years": 365.25, "months": 30.4375, "weeks": 7, "days": 1}
AGE_UNITS: tuple[str, ...] = tuple(_DAYS_IN)


def age_in(age: float | None, unit: str) -> tuple[int | None, int | None]:
    """Whole years, and days where the age is given in a unit that tells them."""
    if age is None:
        return None, None
    if unit == "years":
        return int(age), None
    if unit == "months":
        return int(age // 12), int(age * _DAYS_IN["months"])
    days = age * _DAYS_IN[unit]
    return int(days // _DAYS_IN["years"]), int(days)
