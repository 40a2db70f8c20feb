"""Pages that may hold PHI are never stored by a browser or a proxy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Sent by the page's own polling; such a request keeps neither the session nor a lease alive.
POLL_HEADER = "X-Poll"


class PrivacyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        if request.user.is_authenticated and POLL_HEADER not in request.headers:
            # Slides the idle time-out; saved by SessionMiddleware, which runs outside this one.
            request.session.modified = True
        return response
