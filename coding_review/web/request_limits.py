"""What no address takes, refused before anything reads it.

Django parses the body of a POST to look for its CSRF token, so without a limit here a stranger could have any
number of bytes written to the disk, as an upload to a page that they may not open.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from coding_review.api.errors import unreadable

MIB = 1024 * 1024
# What the API takes (api/parsers.py) and tells itself when it is more; pages take less.
MOST_BYTES = 80 * MIB
API = "/api/"


class NoNulMiddleware:
    """PostgreSQL keeps no NUL, and no name, code, filter or cookie has one. Before SessionMiddleware, which would
    look up a session by it: a quoted cookie may spell one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info or b"\x00" in unquote_to_bytes(request.META.get("QUERY_STRING", "")):
            return self._refused(request, "a NUL character in the address")
        if any("\x00" in value for value in request.COOKIES.values()):
            return self._refused(request, "a NUL character in a cookie")
        return self.get_response(request)

    def _refused(self, request: HttpRequest, why: str) -> HttpResponse:
        if request.path_info.startswith(API):
            return unreadable(f"There is {why}.")
        raise BadRequest(why)


class BodyLimitMiddleware:
    """Behind AuthenticationMiddleware, before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        size = _length(request)
        if size > MOST_BYTES or (size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and not _may_be_large(request)):
            return HttpResponse("too large\n", status=413, content_type="text/plain")
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    """As Django reads it: what is not a number counts as no body."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _may_be_large(request: HttpRequest) -> bool:
    """From who is signed in; the API looks at its token before it reads the body."""
    return request.path_info.startswith(API) or request.user.is_authenticated
