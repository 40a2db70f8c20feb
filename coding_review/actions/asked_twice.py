"""Work that takes minutes or hours is asked for once, however often its form is sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def still_open(model: type[M], actor: Any, statuses: Collection[str], **asked: Any) -> M | None:
    """The row of the very same ask by the same person while its status is one of `statuses`.

    Inside the transaction that would write another: two that are sent at once wait for each other here. The same work
    beside itself would only come to the same result, so nobody asks for it on purpose.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [model._meta.db_table, actor.pk])
    return (
        model._default_manager.filter(created_by=actor, status__in=statuses, **asked).order_by("pk").first()
    )
