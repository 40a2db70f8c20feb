"""How the pages behave for one person: single keys, reading first."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.errors import InvalidDecision
from coding_review.models import ReviewerProfile

PREFERENCES = frozenset({"single_keys", "read_first"})


@transaction.atomic
def set_preference(actor: Any, name: str, value: bool) -> bool:
    """Whether it changed. Everyone sets their own; audited, because reading first decides what assistance a
    decision had. Raises InvalidDecision for an unknown name.
    """
    if name not in PREFERENCES:
        raise InvalidDecision("There is no such preference.", field=name)
    profile, _ = ReviewerProfile.objects.select_for_update().get_or_create(
        user=actor, defaults={"pseudonym": f"U-{actor.pk}"}
    )
    if getattr(profile, name) == value:
        return False
    setattr(profile, name, value)
    profile.save(update_fields=[name])
    audit.record("preference.set", actor=actor, data={"field": name, "value_after": value})
    return True
