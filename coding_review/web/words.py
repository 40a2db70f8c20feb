"""Dates, ages and spans as the pages say them. Short, and in the site's time zone unless another is given."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

from django.utils import timezone

from coding_review.models import Encounter


def day(value: date | datetime | None, *, year: bool = False, zone: tzinfo | None = None) -> str:
    """ "9 Jun", or "9 Jun 2026"."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value, zone).date()
    return f"{value.day} {value:%b %Y}" if year else f"{value.day} {value:%b}"


def clock(value: datetime, zone: tzinfo | None = None) -> str:
    return f"{timezone.localtime(value, zone):%H:%M}"


def moment(value: datetime | None, zone: tzinfo | None = None) -> str:
    """ "9 Jun 2026 11:20"."""
    return f"{day(value, year=True, zone=zone)} {clock(value, zone)}" if value else ""


def days_since(value: date | None, today: date | None = None) -> str:
    if value is None:
        return ""
    days = ((today or timezone.localdate()) - value).days
    if days < 0:
        return "in the future"
    return {0: "today", 1: "1 day"}.get(days, f"{days} days")


def waited(since: datetime, now: datetime | None = None) -> str:
    """How long something waits, in its largest unit."""
    gone = (now or timezone.now()) - since
    if gone < timedelta(minutes=1):
        return "just now"
    for unit, length in (("day", 86_400), ("h", 3_600), ("min", 60)):
        count = int(gone.total_seconds() // length)
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return "just now"


def stay(encounter: Encounter) -> str:
    """ "Inpatient, 3–9 Jun 2026", or the day of a visit."""
    first = encounter.admit_date
    last = encounter.discharge_date or encounter.date_of_service
    label = encounter.get_setting_display()
    if last is None:
        return f"{label}, no date"
    if first is None or first == last:
        return f"{label}, {day(last, year=True)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{label}, {first.day}–{day(last, year=True)}"
    return f"{label}, {day(first, year=first.year != last.year)} – {day(last, year=True)}"


_AGE_UNITS = {"years": "", "months": " mo", "weeks": " wk", "days": " d"}


def sex_age(encounter: Encounter) -> str:
    """ "F 78", "F 8 mo"."""
    sex = encounter.sex[:1].upper()
    if encounter.age is None:
        return sex
    return f"{sex} {encounter.age:g}{_AGE_UNITS.get(encounter.age_unit, ' ' + encounter.age_unit)}".strip()


def count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
