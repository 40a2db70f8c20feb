"""A user's token for the API: one at a time, given by password, revoked by its owner."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.authtoken.models import Token

from coding_review import audit


@transaction.atomic
def issue_token(actor: Any) -> str:
    """The key; the same one until it is revoked. The caller has checked the password."""
    token, created = Token.objects.get_or_create(user=actor)
    if created:
        audit.record("token.issued", actor=actor)
    return str(token.key)


@transaction.atomic
def revoke_token(actor: Any) -> bool:
    """Whether there was one."""
    revoked, _ = Token.objects.filter(user=actor).delete()
    if revoked:
        audit.record("token.revoked", actor=actor)
    return bool(revoked)
