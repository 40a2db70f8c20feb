"""The worklist's filters as a table: a parameter of the address, the values it offers, and what it narrows.

A value that is not one of a filter's is no filter. Of a record nothing but ids, dates and words of lists stands in an
address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from catalog.choices import ClaimType
from coding_review.choices import BEFORE_REVIEW, EncounterStatus, HoldReason, Role
from coding_review.models import Encounter, Hold, Membership
from coding_review.web import words
from coding_review.web.worklist_page import Choice, DayChoice
from modelops.choices import Setting

Rows = QuerySet[Encounter]
Pairs = Iterable[tuple[str, str]]

DAYS = (("1", "1 day or more"), ("3", "3 days or more"), ("7", "7 days or more"), ("30", "30 days or more"))
PRIORITIES = (("raised", "Raised"), ("normal", "Normal"), ("lowered", "Lowered"))
_PRIORITY_LOOKUPS = {"raised": {"priority__gt": 0}, "normal": {"priority": 0}, "lowered": {"priority__lt": 0}}
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Filter:
    """`pairs` are (value, label) for this user; `narrow` is only called with one of the values."""

    name: str
    label: str
    nothing: str
    pairs: Callable[[Rows, Any], Pairs]
    narrow: Callable[[Rows, str], Rows]


def _specialties(visible: Rows, _user: Any) -> Pairs:
    found = visible.exclude(specialty="").order_by("specialty").values_list("specialty", flat=True).distinct()
    return [(each, each) for each in found[:200]]


def _coders(_visible: Rows, user: Any) -> Pairs:
    """Who codes in a work group of the user's; asked of memberships, which are few, not of encounters."""
    groups = Membership.objects.filter(user_id=user.pk).values("work_group")
    people = User.objects.filter(
        role_assignments__role__in=[Role.CODER, Role.LEAD], memberships__work_group__in=groups
    )
    named = [
        (str(person.pk), person.get_full_name() or person.get_username())
        for person in people.distinct().order_by("last_name", "pk")
    ]
    return [(NOBODY, "Nobody"), *named]


def _open_holds(rows: Rows, **conditions: Any) -> Rows:
    return rows.filter(pk__in=Hold.objects.filter(ended_at__isnull=True, **conditions).values("encounter"))


def _by_coder(rows: Rows, value: str) -> Rows:
    return rows.filter(owner__isnull=True) if value == NOBODY else rows.filter(owner=int(value))


FILTERS: tuple[Filter, ...] = (
    Filter(
        "claim",
        "Claim type",
        "All claims",
        lambda _rows, _user: ClaimType.choices,
        lambda rows, value: rows.filter(claim_types__contains=[value]),
    ),
    Filter(
        "setting",
        "Class",
        "All classes",
        lambda _rows, _user: Setting.choices,
        lambda rows, value: rows.filter(setting=value),
    ),
    Filter(
        "specialty",
        "Specialty",
        "All specialties",
        _specialties,
        lambda rows, value: rows.filter(specialty=value),
    ),
    Filter(
        "days",
        "Since discharge",
        "Any age",
        lambda _rows, _user: DAYS,
        lambda rows, value: rows.filter(sort_date__lte=timezone.localdate() - timedelta(days=int(value))),
    ),
    Filter(
        "hold",
        "On hold for",
        "Any reason",
        lambda _rows, _user: HoldReason.choices,
        lambda rows, value: _open_holds(rows, reason=value),
    ),
    Filter(
        "held",
        "On hold since",
        "Any time",
        lambda _rows, _user: DAYS,
        lambda rows, value: _open_holds(rows, since__lte=timezone.now() - timedelta(days=int(value))),
    ),
    Filter("coder", "Coder", "Anybody", _coders, _by_coder),
    Filter(
        "priority",
        "Priority",
        "Any priority",
        lambda _rows, _user: PRIORITIES,
        lambda rows, value: rows.filter(**_PRIORITY_LOOKUPS[value]),
    ),
)
# Of discharge, or of service where there is none.
DATES = (("from", "Discharged from", "sort_date__gte"), ("to", "Discharged to", "sort_date__lte"))
# What is waiting for the engine is one thing to a coder.
WAITING = BEFORE_REVIEW


def filtered(rows: Rows, user: Any, params: QueryDict, choices: tuple[Choice, ...]) -> Rows:
    """What the address asks for; `choices` as from `choices_for`."""
    mine, late, status = params.get("mine"), params.get("late"), params.get("status", "")
    if mine:
        rows = rows.filter(owner=user)
    if late:
        rows = rows.filter(open_alerts__gt=0)
    if status in EncounterStatus.values:
        rows = rows.filter(status__in=WAITING if status == EncounterStatus.PREDICTING else [status])
    elif not late:
        # What is finished is a click away, not in the way.
        rows = rows.exclude(status=EncounterStatus.SIGNED_OFF)
    chosen = {choice.name: choice.value for choice in choices if choice.value}
    for each in FILTERS:
        if each.name in chosen:
            rows = each.narrow(rows, chosen[each.name])
    for name, _label, lookup in DATES:
        if day := day_of(params, name):
            rows = rows.filter(**{lookup: day})
    return rows


def choices_for(visible: Rows, user: Any, params: QueryDict) -> tuple[Choice, ...]:
    return tuple(
        _choice(each, list(each.pairs(visible, user)), params.get(each.name, "")) for each in FILTERS
    )


def _choice(each: Filter, pairs: list[tuple[str, str]], chosen: str) -> Choice:
    options = [(str(value), str(label), str(value) == chosen) for value, label in pairs]
    none = not any(selected for _value, _label, selected in options)
    return Choice(each.name, each.label, (("", each.nothing, none), *options))


def days_for(params: QueryDict) -> tuple[DayChoice, ...]:
    return tuple(
        DayChoice(name, label, day.isoformat() if (day := day_of(params, name)) else "")
        for name, label, _lookup in DATES
    )


def day_of(params: QueryDict, name: str) -> date | None:
    try:
        return date.fromisoformat(params.get(name, ""))
    except ValueError:
        return None


def chosen_words(choices: tuple[Choice, ...], params: QueryDict) -> list[tuple[str, str]]:
    """(parameter, words) of each filter that is on and has no chip of its own."""
    said = [(c.name, f"{c.label}: {c.value_label}") for c in choices if c.value]
    for name, label, _lookup in DATES:
        if day := day_of(params, name):
            said.append((name, f"{label} {words.day(day, year=True)}"))
    return said
