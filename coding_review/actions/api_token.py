"""A user's token for the API: one at a time, given by password, ended by time or by its owner.

The database keeps half of it. The other half is made of the first with the site's key, so that a copy of the
database, such as a backup, opens nothing; another key ends all tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authtoken.models import Token

from coding_review import audit


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`expires_at` is None where the site lets tokens live on."""

    token: str
    expires_at: datetime | None


_KEY_LENGTH = 40


def whole(key: str) -> str:
    """What is given and sent for the half that is kept."""
    return key + salted_hmac("coding_review.api_token", key, algorithm="sha256").hexdigest()


def kept_half(sent: str) -> str | None:
    """None for what this site did not give."""
    key = sent[:_KEY_LENGTH]
    return key if constant_time_compare(sent, whole(key)) else None


def expires_at(token: Token) -> datetime | None:
    """By the setting as it is now, so that a shorter one ends older tokens too."""
    days = settings.API_TOKEN_DAYS
    return token.created + timedelta(days=days) if days else None


def is_expired(token: Token) -> bool:
    end = expires_at(token)
    return end is not None and end <= timezone.now()


@transaction.atomic
def issue_token(actor: Any) -> IssuedToken:
    """The same one until it is revoked or has expired. The caller has checked the password."""
    known = Token.objects.select_for_update().filter(user=actor).first()
    if known is not None and is_expired(known):
        known.delete()
    token, created = Token.objects.get_or_create(user=actor)
    if created:
        audit.record("token.issued", actor=actor)
    return IssuedToken(whole(str(token.key)), expires_at(token))


@transaction.atomic
def revoke_token(actor: Any) -> bool:
    """Whether there was one."""
    revoked, _ = Token.objects.filter(user=actor).delete()
    if revoked:
        audit.record("token.revoked", actor=actor)
    return bool(revoked)
