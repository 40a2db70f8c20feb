"""What the application refuses, whichever package said no: one shape for pages (web/http.py) and API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError

from catalog.errors import CatalogError
from coding_review.errors import ReviewError


@dataclass(frozen=True, slots=True)
class Refusal:
    """`message` is for people and holds no note text and no names; `data` holds ids and codes."""

    code: str
    status: int
    title: str
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


DATABASE_AWAY = Refusal(
    "database_away",
    503,
    "The database does not answer",
    "The database does not answer. What was saved is kept; try again in a moment. A step sent twice counts once.",
    headers={"Retry-After": "5"},
)
# Connection exceptions, and a server that shuts down or is starting (PostgreSQL, appendix A).
_AWAY_STATES = ("08", "57P01", "57P02", "57P03")


def is_database_away(error: BaseException | None) -> bool:
    """Whether the connection is gone. A deadlock or a full disk is an OperationalError too, and a fault."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or str(state).startswith(_AWAY_STATES)


def refusal_of(error: BaseException) -> Refusal | None:
    """None for what is not a refusal: a fault of the server, which stays a traceback and a 500."""
    if isinstance(error, ReviewError):
        return Refusal(error.code, error.status, error.title, error.message, error.data, error.headers)
    if isinstance(error, CatalogError):
        return Refusal(error.code, error.status, "Not in the loaded code systems", str(error))
    return DATABASE_AWAY if is_database_away(error) else None
