"""Getting and revoking one's token."""

from __future__ import annotations

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from coding_review.actions.api_token import issue_token, revoke_token
from coding_review.api.base import ReviewView, problems, writes
from coding_review.api.inputs import CredentialsIn
from coding_review.api.serializers import TokenSerializer
from coding_review.api.throttling import SignInThrottle


class TokenView(ReviewView):
    def get_permissions(self) -> list[IsAuthenticated]:
        return [] if self.request.method == "POST" else [IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        return [SignInThrottle()] if self.request.method == "POST" else super().get_throttles()

    @extend_schema(
        operation_id="token_issue",
        summary="Get your token",
        tags=["Token"],
        auth=[],
        request=CredentialsIn,
        responses=writes({200: TokenSerializer}),
    )
    def post(self, request: Request) -> Response:
        """The same token until it is revoked or expires. 401 when user name and password do not match."""
        given = self.read(CredentialsIn)
        user = authenticate(request._request, username=given["username"], password=given["password"])
        if user is None:
            raise AuthenticationFailed("User name and password do not match.")
        return self.show(TokenSerializer, issue_token(user))

    @extend_schema(
        operation_id="token_revoke",
        summary="Revoke your token",
        tags=["Token"],
        request=None,
        responses={204: None} | problems(400, 401, 403, 406, 429),
    )
    def delete(self, request: Request) -> Response:
        """Also when there was none."""
        revoke_token(request.user)
        return Response(status=204)
