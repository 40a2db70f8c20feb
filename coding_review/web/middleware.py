"""What every response and every refusal of the pages has in common."""

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from coding_review.refusals import refusal_of
from coding_review.web.http import error_response

# Sent by the page's own polling; such a request keeps neither the session nor a lease alive.
POLL_HEADER = "X-Poll"


class PrivacyMiddleware:
    """Pages that may hold PHI are never stored by a browser or a proxy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        # A token of the API signs in without a session, and must not begin one.
        if SESSION_KEY in request.session and POLL_HEADER not in request.headers:
            _slide(request)
        return response


def _slide(request: HttpRequest) -> None:
    """Slides the idle time-out, once a minute; saved by SessionMiddleware, which runs outside this one."""
    minute = int(time.time()) // 60
    if request.session.get("minute") != minute:
        request.session["minute"] = minute


class ReviewErrorMiddleware:
    """An action's refusal becomes a page or a note with its status; any other exception goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        refusal = refusal_of(exception)
        return error_response(request, refusal) if refusal else None
