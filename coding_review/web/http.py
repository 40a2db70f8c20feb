"""One mapping from a refusal to what a browser is shown."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from coding_review.refusals import Refusal

TEMPLATE = "coding_review/error.html"


def error_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A page, or for htmx a note put into the page's own #messages so that no row is replaced by an error.

    A view that can say more in place (both states of a stale card) catches the exception itself.
    """
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


def is_htmx(request: HttpRequest) -> bool:
    """True for a request that wants a fragment; a boosted link wants a page."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _back(request: HttpRequest) -> str:
    """Where the user came from on this site, else the start."""
    referer = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if safe else "/"
