"""The auditor's page: decisions found by date, reviewer, code, action and reason, and their export."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.export_decisions import export_decisions
from coding_review.actions.search_decisions import COUNTED, search_decisions
from coding_review.audit import canonical
from coding_review.auth import RoleBackend, require
from coding_review.choices import Assistance, DecisionAction
from coding_review.decision_search import DecisionFilters, find_decisions
from coding_review.errors import InvalidSearch
from coding_review.exports.decisions import reviewer
from coding_review.exports.files import FORMATS
from coding_review.models import Decision, Membership, ReviewerProfile
from coding_review.rules import reasons
from coding_review.rules.permissions import EXPORT_DECISIONS, EXPORT_PHI, SEARCH_AUDIT
from coding_review.web.downloads import zipped
from coding_review.web.event_words import value_words
from coding_review.web.forms import first_error

PAGE_SIZE = 50
# What one request exports; manage.py export_decisions has no limit.
EXPORTED_AT_MOST = 50_000
# Searches told to the audit log in this session: one event each, not one a page.
_TOLD, _TOLD_KEPT = "audit_searches", 50


class SearchForm(forms.Form):
    first = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))
    reviewer = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label="Reviewer")
    # Told to the audit log as it is, so nothing but a code: a name typed here would stay for ever.
    code = forms.RegexField(
        r"^(?=.*[0-9]|[A-Za-z]{1,2}$)[0-9A-Za-z.]+$",
        required=False,
        max_length=12,
        label="Code",
        error_messages={"invalid": "The beginning of a code, such as I50 or 99213."},
        widget=forms.TextInput(
            attrs={"placeholder": "I50 or I50.23", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    action = forms.ChoiceField(required=False, label="Decision")
    reason = forms.ChoiceField(required=False, label="Reason")

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        self._offer("reviewer", [("", "Anyone"), *_reviewers(user)])
        self._offer("action", [("", "Any"), *DecisionAction.choices])
        self._offer("reason", [("", "Any"), *_reasons()])

    def _offer(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = choices

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        return data

    def filters(self) -> DecisionFilters:
        return DecisionFilters(**self.cleaned_data)


class ExportForm(SearchForm):
    format = forms.ChoiceField(choices=[(name, name.upper()) for name in FORMATS])
    with_text = forms.BooleanField(required=False)


def _reviewers(user: Any) -> list[tuple[int, str]]:
    """Those who work in one of the user's groups, by pseudonym."""
    groups = Membership.objects.filter(user=user).values("work_group")
    people = ReviewerProfile.objects.filter(user__memberships__work_group__in=groups).distinct()
    return list(people.order_by("pseudonym").values_list("user_id", "pseudonym"))


def _reasons() -> list[tuple[str, Any]]:
    """Families with their reasons; a family finds all of them."""
    return [
        (family.label, [(family.id, f"{family.label}, all"), *((r.id, r.label) for r in family.reasons)])
        if family.reasons
        else (family.id, family.label)
        for family in reasons.FAMILIES
    ]


@dataclass(frozen=True, slots=True)
class DecisionRow:
    pk: int
    day: str
    clock: str
    reviewer: str
    action: str
    tone: str
    code: str
    # What else changed: "was E11.9", "POA none → Y".
    change: str
    reason: str
    place: str
    shown: str
    assistance: str
    engine: str
    release: str
    encounter_id: int


# The dot beside the word.
_TONES = {
    DecisionAction.ACCEPT: "good",
    DecisionAction.ADD: "good",
    DecisionAction.MODIFY: "warn",
    DecisionAction.HOLD: "warn",
    DecisionAction.REJECT: "bad",
}
_SET_FIELDS = {
    "role": "role",
    "poa": "POA",
    "sequence": "order",
    "modifiers": "modifiers",
    "units": "units",
    "service_date": "date",
}
_SHOWN = (
    "pk", "at", "actor_id", "actor__reviewer__pseudonym", "action", "code_before", "code_after", "before", "after",
    "reason", "evidence_place", "assistance", "rank_shown", "band_shown", "confidence_shown", "engine", "model_version",
    "release_name", "reading__code_set__encounter_id", "reading__code_set__release_stands_in", "redoes_id",
)  # fmt: skip


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Filters in the address hold no PHI. `before`: the decision that the page before ended with."""
    require(request.user, SEARCH_AUDIT)
    form = SearchForm(request.GET, user=request.user)
    context: dict[str, Any] = {"form": form, "searched": False}
    if form.is_valid():
        filters = form.filters()
        told = filters.told()
        count = search_decisions(request.user, filters, again=_told_before(request, told))
        rows, more = _page(request, filters)
        can_export = RoleBackend().has_perm(request.user, EXPORT_DECISIONS)
        context |= {
            "searched": True,
            "rows": rows,
            "count": f"{COUNTED:,}+" if count > COUNTED else f"{count:,}",
            "one": count == 1,
            "filtered": bool(told),
            "older": _address(request, before=rows[-1].pk) if more else "",
            "newest": _address(request) if "before" in request.GET else "",
            "can_export": can_export and count > 0,
            "can_export_text": can_export and RoleBackend().has_perm(request.user, EXPORT_PHI),
            "export_at_most": f"{EXPORTED_AT_MOST:,}",
            "fields": [(name, request.GET.get(name, "")) for name in form.fields if request.GET.get(name)],
        }
    return render(request, "coding_review/audit.html", context)


@require_POST
def audit_export(request: HttpRequest) -> FileResponse:
    """What the page shows, as a .zip with the file and its SHA-256."""
    form = ExportForm(request.POST, user=request.user)
    require(request.user, EXPORT_DECISIONS)
    if not form.is_valid():
        raise InvalidSearch(first_error(form))
    format, with_text = form.cleaned_data.pop("format"), form.cleaned_data.pop("with_text")
    with TemporaryFile() as file:
        written = export_decisions(
            request.user,
            form.filters(),
            format=format,
            out=file,
            with_text=with_text,
            at_most=EXPORTED_AT_MOST,
        )
        name = f"decisions-{timezone.now().astimezone(UTC):%Y%m%dT%H%M%SZ}"
        archive = zipped(f"{name}.{format}", file, written.sha256)
    response = FileResponse(
        archive, as_attachment=True, filename=f"{name}.zip", content_type="application/zip"
    )
    response["X-Content-SHA256"] = written.sha256
    return response


def _page(request: HttpRequest, filters: DecisionFilters) -> tuple[list[DecisionRow], bool]:
    """One page by key, so that the thousandth costs what the first does."""
    found = find_decisions(filters, for_user=request.user)
    last = _last_of_page_before(request.GET.get("before", ""))
    if last is not None:
        found = found.older_than(*last)
    page = list(found.values(*_SHOWN)[: PAGE_SIZE + 1])
    return [_row(values) for values in page[:PAGE_SIZE]], len(page) > PAGE_SIZE


def _last_of_page_before(text: str) -> tuple[datetime, int] | None:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    at = Decision.objects.filter(pk=int(text)).values_list("at", flat=True).first()
    return None if at is None else (at, int(text))


def _row(values: dict[str, Any]) -> DecisionRow:
    at = values["at"].astimezone(UTC)
    before, after = values["code_before"], values["code_after"]
    action = DecisionAction(values["action"])
    return DecisionRow(
        pk=values["pk"],
        day=f"{at:%Y-%m-%d}",
        clock=f"{at:%H:%M:%S}",
        reviewer=reviewer(values),
        action=f"{action.label} again" if values["redoes_id"] else action.label,
        tone=_TONES.get(action, "calm"),
        code=after or before,
        change=_change(values),
        reason=reasons.label(values["reason"]) if values["reason"] else "",
        place=_place(values["evidence_place"]),
        shown=_shown(values),
        assistance=Assistance(values["assistance"]).label,
        engine=" ".join(part for part in (values["engine"], values["model_version"]) if part),
        release=values["release_name"]
        + (" (stands in)" if values["reading__code_set__release_stands_in"] else ""),
        encounter_id=values["reading__code_set__encounter_id"],
    )


def _change(values: dict[str, Any]) -> str:
    before, after = values["code_before"], values["code_after"]
    if before and after and before != after:
        return f"was {before}"
    if not values["action"].startswith("set_"):
        return ""
    found = []
    for name, label in _SET_FIELDS.items():
        old, new = values["before"].get(name), values["after"].get(name)
        if old != new:
            found.append(f"{label} {value_words(name, old)} → {value_words(name, new)}")
    return ", ".join(found)


def _place(place: dict[str, Any]) -> str:
    if not place:
        return ""
    first, last = place["line_start"], place["line_end"]
    lines = f"line {first}" if first == last else f"lines {first}–{last}"
    return f"document {place['document_id']} v{place['version']}, {lines}"


def _shown(values: dict[str, Any]) -> str:
    """What was suggested; a code of the coder's own was shown too, at a place in the list that says nothing."""
    if values["rank_shown"] is None or not values["band_shown"]:
        return ""
    confidence = values["confidence_shown"]
    parts = [f"rank {values['rank_shown']}", values["band_shown"].upper()]
    parts.append("" if confidence is None else f"{confidence:.2f}")
    return ", ".join(part for part in parts if part)


def _address(request: HttpRequest, **changes: Any) -> str:
    """This search at another place; "?" alone is the search without filters."""
    kept = {name: value for name, value in request.GET.items() if value and name != "before"}
    return "?" + urlencode(kept | changes)


def _told_before(request: HttpRequest, told: dict[str, Any]) -> bool:
    """Whether this search was told to the audit log in this session; from now on it is."""
    digest = hashlib.sha256(canonical(told).encode()).hexdigest()[:16]
    before: list[str] = request.session.get(_TOLD, [])
    if digest in before:
        return True
    request.session[_TOLD] = [*before[-_TOLD_KEPT + 1 :], digest]
    return False
