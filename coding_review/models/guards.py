"""Triggers that keep a row as it was written, whoever connects as the application.

They stop mistakes and stolen application access. The owner of the tables can switch them off (and
pgtrigger's own ignore variable can be set by hand): what was then changed is named by verify_audit_log.
"""

from __future__ import annotations

from collections.abc import Iterable

import pgtrigger
from django.db import models

# PostgreSQL has TRUNCATE triggers for whole statements only.
NO_TRUNCATE = pgtrigger.Trigger(
    name="no_truncate",
    level=pgtrigger.Statement,
    when=pgtrigger.Before,
    operation=pgtrigger.Truncate,
    func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
)

# A row once written stays as it was.
APPEND_ONLY = (
    pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
    NO_TRUNCATE,
)

# A row once written stays, though it may change.
NO_REMOVAL = (pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete), NO_TRUNCATE)


def only_withdrawn(columns: Iterable[str]) -> pgtrigger.Protect:
    """The one change a row allows, once: that it was withdrawn (withdrawn_at); these columns stay."""
    return pgtrigger.Protect(
        name="only_withdrawn",
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            "OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL OR "
            + " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in columns)
        ),
    )


class PurgeableComment(models.Model):
    """The words beside a row that stays; they may be purged. The row is its owner, a OneToOneField of its own."""

    comment = models.TextField(blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


def only_purge(owner_column: str, still_there: str) -> pgtrigger.Protect:
    """The one change a payload row allows, once: its words go, its key and owner stay, the time is noted.

    `still_there` is SQL over NEW that is true while any of the words are left.
    """
    return pgtrigger.Protect(
        name="only_purge",
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            f"{still_there} OR NEW.purged_at IS NULL OR OLD.purged_at IS NOT NULL"
            f" OR NEW.id IS DISTINCT FROM OLD.id OR NEW.{owner_column} IS DISTINCT FROM OLD.{owner_column}"
        ),
    )
