"""How often one may ask, by settings; an empty setting is no limit.

The counts lie in Redis. Where that is away nothing is counted: the rows are the truth and can be worked on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

if TYPE_CHECKING:
    # The module of the views imports this one by setting.
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class UserThrottle(UserRateThrottle):
    """Of one user, or of one address where nobody is signed in."""

    def get_rate(self) -> str | None:
        return settings.API_RATE or None

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError as error:
            logger.warning("Requests are not counted: %s", type(error).__name__)
            return True


class SignInThrottle(UserThrottle):
    """Tries at a password from one address, whoever is signed in there."""

    scope = "sign-in"

    def get_rate(self) -> str | None:
        return settings.API_SIGN_IN_RATE or None

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return str(self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)})
