"""The index browser: the Alphabetic Index, the External Cause Index, the Table of Drugs and of Neoplasms.

Codes are shown as printed, each with how it stands in the release chosen: an index may be of another year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from catalog.choices import CodeSystem
from catalog.errors import CatalogError
from catalog.index_editions import editions_for, other_year
from catalog.models import IndexEntry, Release, TableEdition
from catalog.web.forms import IndexForm
from catalog.web.index_lines import index_lines
from catalog.web.views import frame, not_found
from catalog.words import words

_MOST_FOUND = 60
# A longer subtree (the Table of Neoplasms is one main term) opens a level at a time.
_MOST_INSIDE = 300


@dataclass(frozen=True)
class IndexTab:
    edition: TableEdition
    url: str
    current: bool


@require_GET
def index_page(request: HttpRequest, kind: str = "") -> HttpResponse:
    """Main terms by letter, or the lines that have the words of `words`."""
    form = IndexForm(request.GET)
    if not form.is_valid():
        return not_found(request, "The release, date or search in this address cannot be read.", "")
    try:
        release = form.chosen(CodeSystem.ICD10CM)
    except CatalogError as error:
        return not_found(request, str(error), "")
    context = frame(request, form, release, form.cleaned_data["q"])
    editions = editions_for(release)
    edition = (
        next((each for each in editions if each.kind == kind), None) if kind else next(iter(editions), None)
    )
    if edition is None:
        said = "No index is loaded." if not editions else "This index is not loaded."
        return not_found(request, said, "")
    context |= _index_frame(release, editions, edition, context["address"])
    typed = form.cleaned_data["words"]
    letters = IndexEntry.objects.letters(edition)
    letter = form.cleaned_data["letter"].upper() or (letters[0] if letters else "")
    searched = typed
    if words(typed):
        entries = list(IndexEntry.objects.with_words(edition, words(typed))[:_MOST_FOUND])
        if not entries and "," in typed:
            # "see Diabetes, by type, with hyperglycemia": the main term at least is there.
            searched = typed.split(",")[0]
            entries = list(IndexEntry.objects.with_words(edition, words(searched))[:_MOST_FOUND])
    else:
        entries = list(IndexEntry.objects.main_terms(edition, letter))
    context |= {
        "letters": letters,
        "letter": "" if words(typed) else letter,
        "words": typed if words(typed) else "",
        "searched": searched,
        "lines": index_lines(release, entries),
        "most": _MOST_FOUND,
    }
    return render(request, "catalog/index.html", context)


@require_GET
def entry_page(request: HttpRequest, kind: str, entry_id: int) -> HttpResponse:
    """One line with those above and below it."""
    form = IndexForm(request.GET)
    if not form.is_valid():
        return not_found(request, "The release, date or search in this address cannot be read.", "")
    entry = IndexEntry.objects.select_related("edition").filter(pk=entry_id, edition__kind=kind).first()
    if entry is None:
        return not_found(request, "This line of the index is not loaded.", "")
    try:
        release = form.chosen(CodeSystem.ICD10CM)
    except CatalogError as error:
        return not_found(request, str(error), "")
    context = frame(request, form, release, form.cleaned_data["q"])
    context |= _index_frame(release, editions_for(release), entry.edition, context["address"])
    inside = IndexEntry.objects.inside(entry).select_related("edition")
    opened = list(inside[: _MOST_INSIDE + 1])
    if len(opened) > _MOST_INSIDE:
        opened = list(IndexEntry.objects.below(entry).select_related("edition"))
    (line,) = index_lines(release, [entry])
    context |= {
        "line": line,
        "above": IndexEntry.objects.lineage_of(entry),
        "lines": index_lines(release, opened),
        "depth": entry.depth + 1,
    }
    return render(request, "catalog/index_entry.html", context)


def _index_frame(
    release: Release, editions: list[TableEdition], edition: TableEdition, address: str
) -> dict[str, Any]:
    return {
        "edition": edition,
        "other_year": other_year(edition, release),
        "tabs": [
            IndexTab(
                each, reverse("codes:index-table", args=[each.kind]) + address, each.kind == edition.kind
            )
            for each in editions
        ],
    }
