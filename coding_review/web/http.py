"""One mapping from a refusal to what a browser is shown."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.defaults import server_error

from coding_review.refusals import DATABASE_AWAY, Refusal, is_database_away

logger = logging.getLogger(__name__)
TEMPLATE = "coding_review/error.html"


def error_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A page, or for htmx a note put into the page's own #messages so that no row is replaced by an error.

    A view that can say more in place (both states of a stale card) catches the exception itself.
    """
    if refusal is DATABASE_AWAY:
        return database_away()
    context = {"refusal": refusal, "back": _back(request)}
    if not is_htmx(request):
        response = render(request, TEMPLATE, context, status=refusal.status)
    else:
        response = render(request, f"{TEMPLATE}#note", context, status=refusal.status)
        response["HX-Retarget"] = "#messages"
        response["HX-Reswap"] = "innerHTML show:none"
    for name, value in refusal.headers.items():
        response[name] = value
    return response


def database_away() -> HttpResponse:
    """A page that asks nothing of the database; htmx swaps nothing in, and the page's script says what to do."""
    logger.warning("a request was refused: the database does not answer")
    response = HttpResponse(render_to_string("503.html"), status=DATABASE_AWAY.status)
    for name, value in DATABASE_AWAY.headers.items():
        response[name] = value
    return response


def server_failed(request: HttpRequest) -> HttpResponse:
    """handler500: also for what fails before a view begins, such as reading the session."""
    return database_away() if is_database_away(sys.exc_info()[1]) else server_error(request)


def is_htmx(request: HttpRequest) -> bool:
    """True for a request that wants a fragment; a boosted link wants a page."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _back(request: HttpRequest) -> str:
    """Where the user came from on this site; empty where that is unknown, or this address itself."""
    referer = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    same = request.method == "GET" and referer == request.build_absolute_uri()
    return referer if safe and not same else ""
