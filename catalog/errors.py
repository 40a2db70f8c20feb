"""What can go wrong with code systems and releases, one class a rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.choices import CodeSystem


def _label(system: str) -> str:
    """As pages name it: ICD-10-CM, not icd10cm."""
    return dict(CodeSystem.choices).get(system, system)


class CatalogError(Exception):
    """Base: `code` is stable, `status` the HTTP status a page or API answers with."""

    code = "catalog_error"
    status = 400


class UnknownSystem(CatalogError):
    code = "unknown_system"
    status = 404

    def __init__(self, system: str) -> None:
        super().__init__(f"{system!r} is not a code system of this product.")
        self.system = system


class NoRelease(CatalogError):
    """No loaded release of the system is valid on the date; no other stands in for it."""

    code = "no_release"
    status = 404

    def __init__(self, system: str, on: dt.date | None) -> None:
        when = "without a date" if on is None else f"valid on {on:%Y-%m-%d}"
        super().__init__(f"No loaded release of {_label(system)} {when}.")
        self.system = system
        self.on = on


class UnknownCode(CatalogError):
    code = "unknown_code"
    status = 404

    def __init__(self, system: str, release: str, code: str) -> None:
        super().__init__(f"{code!r} is not in {_label(system)} {release}.")
        self.system = system
        self.release = release
        self.asked = code


@dataclass(frozen=True)
class RowError:
    """One row of a source that cannot be stored: file, line (from 1, where one is known), what is wrong."""

    source: str
    problem: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}, line {self.line}"
        return f"{place}: {self.problem}"


class LoadRefused(CatalogError):
    """The source is damaged, incomplete or not what it says; nothing of it was stored.

    `source` names the file, `line` (from 1) the place where one is known. `errors` holds every row found
    wrong, as far as the loader read on; the message is the first of them.
    """

    code = "load_refused"

    def __init__(
        self, source: str, problem: str, line: int | None = None, errors: Sequence[RowError] = ()
    ) -> None:
        super().__init__(str(RowError(source, problem, line)))
        self.source = source
        self.problem = problem
        self.line = line
        self.errors = tuple(errors) or (RowError(source, problem, line),)

    @classmethod
    def of_rows(cls, errors: Sequence[RowError]) -> LoadRefused:
        """For one or more rows found wrong."""
        first = errors[0]
        return cls(first.source, first.problem, first.line, errors)


class NoLoader(CatalogError):
    """`names`: the built-in sources among which one must be named."""

    code = "no_loader"

    def __init__(self, system: str, path: str | None, names: Sequence[str] = ()) -> None:
        if path:
            what = f"No loader for {system} reads {path}."
        elif names:
            what = f"{system} has several built-in sources; name one of them: {', '.join(names)}."
        else:
            what = f"{system} has no built-in source; give a path."
        super().__init__(what)
        self.system = system
        self.path = path


class NotLoaded(CatalogError):
    """No release or table of that number."""

    code = "not_loaded"
    status = 404

    def __init__(self, what: str, number: int) -> None:
        super().__init__(f"No {what} {number} is loaded; catalog_status lists the numbers.")


class CorrectionRefused(CatalogError):
    """What was asked leaves the edition as it is, or would make it wrong."""

    code = "correction_refused"
