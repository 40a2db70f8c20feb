"""What the lists and single pages of the learning loop have in common: the right, pages of rows, what is hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from coding_review.auth import RoleBackend, require
from coding_review.rules.permissions import VIEW_TRAINING
from coding_review.web.getters import HIDDEN

A_PAGE = 50
M = TypeVar("M", bound=Model)


def one_for(user: Any, rows: QuerySet[M], permission: str = VIEW_TRAINING, **key: Any) -> M:
    """The rows hold figures, ids and codes, no patient's text: the right alone decides. Raises NotAllowed, Http404."""
    require(user, permission)
    row = rows.filter(**key).first()
    if row is None:
        raise Http404(HIDDEN)
    return row


def listed(
    request: HttpRequest,
    rows: QuerySet[M],
    row_of: Callable[[M], object],
    *,
    here: str,
    one: str,
    starts: str = "",
) -> dict[str, Any]:
    """What learning_list.html needs. `here`: the place; `one`: what a row is called; `starts`: the right to start
    another. Raises NotAllowed."""
    require(request.user, VIEW_TRAINING)
    found = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return {
        "rows": [row_of(row) for row in found],
        "found": found,
        "here": here,
        "one": one,
        "may_start": bool(starts) and RoleBackend().has_perm(request.user, starts),
    }
