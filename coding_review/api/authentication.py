"""Signing in by token, for as long as the site lets a token live."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed

from coding_review.actions.api_token import is_expired, kept_half


class ExpiringTokenAuthentication(TokenAuthentication):
    def authenticate_credentials(self, key: str) -> tuple[User, Token]:
        half = kept_half(key)
        if half is None:
            raise AuthenticationFailed("Invalid token.")
        user, token = super().authenticate_credentials(half)
        if is_expired(token):
            raise AuthenticationFailed(
                "The token has expired. Get another one with your password.", code="token_expired"
            )
        return user, token
