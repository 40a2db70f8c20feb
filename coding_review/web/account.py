"""Signing in and out, the reader's own settings of the pages, and whether the server is alive."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.set_preference import PREFERENCES, set_preference
from coding_review.web.context import THEME_COOKIE, THEMES, home_of

logger = logging.getLogger(__name__)

YEAR = 365 * 24 * 3600


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "User name and password do not match. Both tell capital from small letters.",
        "inactive": "This account is closed. Ask your administrator.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["username"].label = "User name"


@method_decorator(login_not_required, name="dispatch")
class SignInView(LoginView):
    template_name = "coding_review/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"idle_minutes": settings.SESSION_IDLE_MINUTES}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A fragment's request that was redirected here because the session ended: the page says so in place
        # and keeps what was typed; a sign-in form must not be swapped into a row.
        if "HX-Request" in request.headers and not request.user.is_authenticated:
            return HttpResponse("signed out", status=401, content_type="text/plain")
        return super().dispatch(request, *args, **kwargs)

    def get_success_url(self) -> str:
        address = super().get_success_url()
        user = self.request.user
        return home_of(user) if isinstance(user, User) and address == reverse("web:worklist") else address


class SignOutView(LogoutView):
    http_method_names = ["post", "options"]


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    if not known or not target.startswith("/"):
        target = resolve_url(settings.LOGIN_URL)
    return HttpResponseRedirect(target)


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark or as the system; a cookie, so that the sign-in page keeps it too."""
    value = request.POST.get("theme", "")
    if value not in THEMES:
        return HttpResponseBadRequest("unknown value", content_type="text/plain")
    response = _back(request)
    response.set_cookie(
        THEME_COOKIE, value, max_age=YEAR, secure=settings.SECURE_COOKIES, httponly=True, samesite="Lax"
    )
    return response


@require_POST
def preference(request: HttpRequest) -> HttpResponse:
    """`single_keys` (they can be turned off, WCAG 2.1.4) or `read_first`, on or off; kept with the person."""
    for name in sorted(PREFERENCES & set(request.POST)):
        value = request.POST[name]
        if value not in {"on", "off"}:
            return HttpResponseBadRequest("unknown value", content_type="text/plain")
        set_preference(request.user, name, value == "on")
    return _back(request)


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """200 "ok" when this process answers and its database does, else 503; needs no sign-in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("healthz: database does not answer (%s)", type(error).__name__)
        return HttpResponse("database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
