"""Signing in and out in the audit log.

The one place where events come from Django's signals: django.contrib.auth signs people in and out, for the pages,
the admin site and anything else alike, and has no other hook.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from coding_review import audit
from coding_review.sign_in_limits import told_of


def connect() -> None:
    """Called once, when the application is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit.signed_out")
    user_login_failed.connect(_refused, dispatch_uid="audit.refused")


@transaction.atomic
def _signed_in(sender: type, user: User, **kwargs: Any) -> None:
    audit.record("session.signed_in", actor=user)


@transaction.atomic
def _signed_out(sender: type, user: User | None, **kwargs: Any) -> None:
    # A sign-out without anyone signed in is nobody's act.
    if isinstance(user, User):
        audit.record("session.signed_out", actor=user)


@transaction.atomic
def _refused(
    sender: str, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    audit.record("session.refused", actor=None, data=told_of(str(credentials.get("username", "")), request))
