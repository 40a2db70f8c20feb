"""The encoder's pages. Whoever is signed in may look codes up: nothing here belongs to a patient.

A query given in the address (q) is a code or its words. Pages that search for the words of a document
post to `search_hits`, which keeps them out of addresses.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from catalog import queries
from catalog.choices import VIEW_PAYMENT_FACTS, CodeSystem
from catalog.errors import CatalogError, NoRelease, UnknownCode
from catalog.history import history_of
from catalog.hits import HitFacts, facts_of
from catalog.models import Release
from catalog.payment_facts import PaymentFact, payment_facts
from catalog.search import SearchHit, codes_beginning_with, search
from catalog.web import code_page as page_data
from catalog.web.forms import HitsForm, ReleaseForm

_LIMIT = 40
# Of a system without chapters every code is a root.
_MOST_ROOTS = 200
# Refused input is swapped into the page where it was typed; 404 is not.
_UNPROCESSABLE = 422


@dataclass(frozen=True)
class HitRow:
    hit: SearchHit
    url: str
    facts: HitFacts

    @property
    def why(self) -> str:
        """Why it matched; the line of the index that says so already stands below."""
        return self.facts.why(self.hit)


@require_GET
def search_page(request: HttpRequest) -> HttpResponse:
    form = ReleaseForm(request.GET)
    if not form.is_valid():
        return not_found(request, "The release, date or search in this address cannot be read.", "")
    query = form.cleaned_data["q"]
    try:
        named: Release | None = form.cleaned_data["release"]
        release = named or form.chosen(form.cleaned_data["system"] or CodeSystem.ICD10CM)
    except NoRelease as error:
        return not_found(request, str(error), query)
    context = frame(request, form, release, query)
    context["chapters"] = queries.chapters(release)[:_MOST_ROOTS]
    return render(request, "catalog/search.html", context)


@require_POST
def search_hits(request: HttpRequest) -> HttpResponse:
    """The list of hits alone, as part of any page (templates/catalog/_hits.html says how to use it)."""
    form = HitsForm(request.POST)
    if not form.is_valid():
        context: dict[str, Any] = {"problem": "This search cannot be read. Shorten it and try again."}
        return render(request, "catalog/_hits.html", context, status=_UNPROCESSABLE)
    data = form.cleaned_data
    try:
        release = form.chosen()
        hits = search(release, data["q"], limit=_LIMIT, near=data["near"] or None)
    except CatalogError as error:
        return render(request, "catalog/_hits.html", {"problem": str(error)}, status=_UNPROCESSABLE)
    context = {
        "release": release,
        "query": data["q"],
        "pick": data["pick"],
        "near": data["near"],
        "address": (address := _address(form.data, data["q"], release)),
        "hits": _rows(release, hits, address, data["q"]),
    }
    return render(request, "catalog/_hits.html", context)


@require_GET
def code_page(request: HttpRequest, system: str, code: str) -> HttpResponse:
    form = ReleaseForm(request.GET)
    if not form.is_valid():
        return not_found(request, "The release, date or search in this address cannot be read.", code)
    try:
        release = form.chosen(system)
        node = queries.get_node(release, code, form.cleaned_data["kind"] or None)
    except UnknownCode:
        return _unknown_code(request, form, release, code)
    except CatalogError as error:
        return not_found(request, str(error), code)
    if node.code != code:
        address = reverse("codes:code", args=[system, node.code])
        return redirect(f"{address}?{request.GET.urlencode()}" if request.GET else address)
    query = form.cleaned_data["q"]
    if request.headers.get("HX-Request"):
        # Part of another page, where suggestions may wait for a decision: no payment facts, whoever asks.
        address = _address(request.GET, query, release)
        context = {"release": release, "address": address, "page": page_data.build(release, node)}
        return render(request, "catalog/_code_article.html", context)
    facts: tuple[PaymentFact, ...] = ()
    if request.user.has_perm(VIEW_PAYMENT_FACTS):
        facts = payment_facts(release, node, _day_shown(release, form.cleaned_data["on"]))
    context = frame(request, form, release, query)
    context["page"] = page_data.build(release, node, facts)
    return render(request, "catalog/code.html", context)


def _day_shown(release: Release, on: dt.date | None) -> dt.date:
    """The day named, else today where the release is valid today, else the release's last day."""
    today = timezone.localdate()
    return on or (today if release.covers(today) else release.valid_to or release.valid_from)


def frame(request: HttpRequest, form: ReleaseForm, release: Release, query: str) -> dict[str, Any]:
    """What the search column and the links of every encoder page need."""
    address = _address(request.GET, query, release)
    hits = search(release, query, limit=_LIMIT, typing=False) if query else []
    today = timezone.localdate()
    named = form.cleaned_data.get("release") or form.cleaned_data.get("on")
    return {
        "release": release,
        "releases": Release.objects.usable(release.system),
        "systems": _systems(),
        "on": form.cleaned_data.get("on"),
        "named_release": form.cleaned_data.get("release"),
        "stands_in": None if named or release.covers(today) else today,
        "query": query,
        "address": address,
        "hits": _rows(release, hits, address, query),
    }


def _systems() -> list[tuple[str, str]]:
    """The code systems of which something is loaded, with their names."""
    loaded = Release.objects.loaded_systems()
    return [(value, label) for value, label in CodeSystem.choices if value in loaded]


def _address(asked: Any, query: str, release: Release) -> str:
    """What links carry on: the release or day that was named, and the search."""
    kept = {key: asked.get(key) for key in ("release", "on") if asked.get(key)}
    if query:
        kept["q"] = query
    return f"?{urlencode(kept)}" if kept else ""


def _rows(release: Release, hits: list[SearchHit], address: str, query: str = "") -> list[HitRow]:
    facts = facts_of(release, hits, query)
    return [
        HitRow(
            hit,
            reverse("codes:code", args=[release.system, hit.code]) + address,
            facts.get(hit.code, HitFacts()),
        )
        for hit in hits
    ]


def _unknown_code(request: HttpRequest, form: ReleaseForm, release: Release, code: str) -> HttpResponse:
    context = frame(request, form, release, form.cleaned_data["q"])
    context |= {
        "code": code,
        "similar": _rows(release, _similar(release, code), context["address"]),
        "history": history_of(release.system, code),
    }
    return render(request, "catalog/unknown_code.html", context, status=404)


def _similar(release: Release, code: str) -> list[SearchHit]:
    """Codes that begin as this one does, from the longest beginning that has any."""
    for length in range(min(len(code), 7), 2, -1):
        hits = codes_beginning_with(release, code[:length], limit=12)
        if hits:
            return hits
    return []


def not_found(request: HttpRequest, problem: str, query: str) -> HttpResponse:
    context = {
        "problem": problem,
        "query": query,
        "loaded": Release.objects.for_status(),
        "systems": dict(CodeSystem.choices),
    }
    return render(request, "catalog/not_found.html", context, status=404)
