"""What every page's frame needs: the places this user may go to, the theme, whether single keys work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from coding_review.choices import Role
from coding_review.models import RoleAssignment
from coding_review.override_share import TOLD_ABOVE, override_shares
from coding_review.rules.permissions import (
    EXPORT_GOLD,
    IMPORT,
    MANAGE_ACCESS,
    MANAGE_GOLD,
    READ_GOLD,
    SEARCH_AUDIT,
    VIEW_CHECKS,
    VIEW_EVALUATION,
    VIEW_TRAINING,
    VIEW_WORKLIST,
)

THEME_COOKIE = "theme"
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Place:
    """For who has any of the permissions; none named: for everyone who is signed in. `also`: where other pages of the
    place begin."""

    label: str
    url_name: str
    permissions: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


PLACES: tuple[Place, ...] = (
    Place("Worklist", "web:worklist", (VIEW_WORKLIST,)),
    Place("Codes", "codes:search"),
    Place("Bring in", "web:import", (IMPORT,)),
    Place("Gold", "web:gold-projects", (READ_GOLD, MANAGE_GOLD, EXPORT_GOLD)),
    Place("Code edits", "web:checks", (VIEW_CHECKS,)),
    Place("Evaluation", "web:evaluations", (VIEW_EVALUATION,)),
    Place("Models", "web:trainings", (VIEW_TRAINING,), ("/synthesis/", "/datasets/", "/models/")),
    Place("Audit", "web:audit", (SEARCH_AUDIT,)),
    Place("API", "api:docs"),
)


def home_of(user: User) -> str:
    """Where who signs in begins: the first place that their roles open; not all see the worklist."""
    open_to = (place for place in PLACES if any(map(user.has_perm, place.permissions)))
    first = next(open_to, None)
    return reverse(first.url_name if first else "codes:search")


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    url: str
    current: bool


def _nav(request: HttpRequest, user: User) -> tuple[NavItem, ...]:
    items = []
    for place in PLACES:
        if place.permissions and not any(map(user.has_perm, place.permissions)):
            continue
        try:
            url = reverse(place.url_name)
        except NoReverseMatch:
            # A site may leave a package's pages out of its urls; its place then has no entry.
            continue
        label = place.label
        if place.url_name == "web:checks" and user.has_perm(MANAGE_ACCESS):
            # Whom it falls to is told on every page, not only where the figures stand.
            told = sum(row.told for row in override_shares())
            label = f"{label} ({told} overridden above {TOLD_ABOVE:.0%})" if told else label
        begins = (url, *place.also)
        items.append(
            NavItem(label, url, request.path.startswith(begins) if url != "/" else request.path == url)
        )
    return tuple(items)


def _cookie(request: HttpRequest, name: str, allowed: tuple[str, ...]) -> str:
    value = request.COOKIES.get(name, "")
    return value if value in allowed else allowed[0]


def _role_labels(user: User) -> list[str]:
    roles = RoleAssignment.objects.filter(user=user).values_list("role", flat=True)
    return sorted(Role(role).label for role in roles)


def _preferences(user: Any) -> dict[str, bool]:
    """The reader's own; the same row that the menu draws the credential from."""
    profile = user.reviewer if isinstance(user, User) and hasattr(user, "reviewer") else None
    return {
        "single_keys": profile is None or profile.single_keys,
        "read_first": profile is not None and profile.read_first,
    }


def shell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {
        # Asked for by the template only where the frame is drawn: an answer to htmx has none.
        "nav": partial(_nav, request, user) if isinstance(user, User) else (),
        "home": partial(home_of, user) if isinstance(user, User) else "",
        "role_labels": partial(_role_labels, user) if isinstance(user, User) else (),
        "theme": _cookie(request, THEME_COOKIE, THEMES),
        "themes": THEMES,
        "preferences": partial(_preferences, user),
    }
