"""What can go wrong with code systems and releases, one class a rule."""

from __future__ import annotations

import datetime as dt


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
        super().__init__(f"No loaded release of {system} {when}.")
        self.system = system
        self.on = on


class UnknownCode(CatalogError):
    code = "unknown_code"
    status = 404

    def __init__(self, system: str, release: str, code: str) -> None:
        super().__init__(f"{code!r} is not in {system} {release}.")
        self.system = system
        self.release = release
        self.asked = code


class LoadRefused(CatalogError):
    """The source is damaged, incomplete or not what it says; nothing of it was stored.

    `source` names the file, `line` (from 1) the place where one is known.
    """

    code = "load_refused"

    def __init__(self, source: str, problem: str, line: int | None = None) -> None:
        place = source if line is None else f"{source}, line {line}"
        super().__init__(f"{place}: {problem}")
        self.source = source
        self.problem = problem
        self.line = line


class NoLoader(CatalogError):
    code = "no_loader"

    def __init__(self, system: str, path: str | None) -> None:
        what = (
            f"No loader for {system} reads {path}."
            if path
            else f"{system} has no built-in source; give a path."
        )
        super().__init__(what)
        self.system = system
        self.path = path
