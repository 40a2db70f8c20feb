"""Corrections of what is loaded: withdrawn, taken back, other first and last days. Rows are never deleted: what
was coded with an edition stays readable with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from catalog.choices import ReleaseStatus
from catalog.errors import CorrectionRefused, NotLoaded
from catalog.models import Release, TableEdition


class Loaded(StrEnum):
    """What an operator may correct, by the word that catalog_status puts before its number."""

    RELEASE = "release"
    TABLE = "table"


class Keep:
    """Stands for a day that stays as it is; None is a day: no end."""


KEEP = Keep()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Values as words, an open end empty."""

    field: str
    before: str
    after: str


def locked(what: Loaded, number: int) -> Release | TableEdition:
    """Inside a transaction. Raises NotLoaded."""
    found: Release | TableEdition | None
    if what == Loaded.RELEASE:
        found = Release.objects.select_for_update(no_key=True).filter(pk=number).first()
    else:
        found = TableEdition.objects.select_for_update(no_key=True).filter(pk=number).first()
    if found is None:
        raise NotLoaded(what.value, number)
    return found


def set_status(edition: Release | TableEdition, status: ReleaseStatus) -> FieldChange:
    """Raises CorrectionRefused where it has that status already."""
    if edition.status == status:
        raise CorrectionRefused(f"{edition} is {status.label.lower()} already.")
    change = FieldChange("status", edition.status, status.value)
    edition.status = status.value
    edition.save(update_fields=["status"])
    return change


def set_dates(
    edition: Release | TableEdition,
    valid_from: dt.date | Keep = KEEP,
    valid_to: dt.date | Keep | None = KEEP,
) -> list[FieldChange]:
    """What changed. Raises CorrectionRefused for an end before the beginning and where nothing would change."""
    first = edition.valid_from if isinstance(valid_from, Keep) else valid_from
    last = edition.valid_to if isinstance(valid_to, Keep) else valid_to
    if last is not None and last < first:
        raise CorrectionRefused(f"{edition} would end before it begins.")
    changes = [
        FieldChange(name, _words(before), _words(after))
        for name, before, after in (
            ("valid_from", edition.valid_from, first),
            ("valid_to", edition.valid_to, last),
        )
        if before != after
    ]
    if not changes:
        raise CorrectionRefused(f"{edition} has these days already.")
    edition.valid_from, edition.valid_to = first, last
    edition.save(update_fields=["valid_from", "valid_to"])
    return changes


def _words(day: dt.date | None) -> str:
    return "" if day is None else day.isoformat()
