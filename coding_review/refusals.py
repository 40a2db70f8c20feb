"""What the application refuses, whichever package said no: one shape for pages (web/http.py) and API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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


def refusal_of(error: BaseException) -> Refusal | None:
    """None for what is not a refusal: a fault of the server, which stays a traceback and a 500."""
    if isinstance(error, ReviewError):
        return Refusal(error.code, error.status, error.title, error.message, error.data, error.headers)
    if isinstance(error, CatalogError):
        return Refusal(error.code, error.status, "Not in the loaded code systems", str(error))
    return None
