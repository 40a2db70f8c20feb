"""The worklist: filters in the address (never words of a record), search by POST, live while predictions run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap

from catalog.choices import ClaimType
from coding_review.auth import RoleBackend, require
from coding_review.choices import BEFORE_REVIEW, TAKEABLE, Confidentiality, EncounterStatus
from coding_review.models import Encounter, Hold
from coding_review.rules.permissions import (
    CODE_ENCOUNTER,
    IMPORT,
    QUEUE,
    READ_DOCUMENTS,
    VIEW_HISTORY,
    VIEW_WORKLIST,
)
from coding_review.web import words
from coding_review.web.http import is_htmx
from coding_review.web.review_header import display_name
from coding_review.web.worklist_filters import WAITING, choices_for, chosen_words, days_for, filtered
from coding_review.web.worklist_page import Chip, Choice, Fact, Row, WorklistPage

PAGE_SIZE = 50
# A count that would have to look at everything stops here and says "10,000+".
COUNT_LIMIT = 10_000
STATUS_CHIPS = (
    EncounterStatus.READY,
    EncounterStatus.IN_REVIEW,
    EncounterStatus.ON_HOLD,
    EncounterStatus.RETURNED,
    EncounterStatus.PREDICTING,
    EncounterStatus.FAILED,
    EncounterStatus.SIGNED_OFF,
)
# The status of one whose prediction a person cancelled is the same.
_CHIP_WORDS = {EncounterStatus.FAILED: "Failed, cancelled"}


@require_GET
def worklist(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_WORKLIST)
    return _answer(request, query="")


@require_POST
def worklist_search(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_WORKLIST)
    # PostgreSQL takes no NUL.
    return _answer(request, query=request.POST.get("q", "").replace("\x00", "").strip()[:80])


def _answer(request: HttpRequest, query: str) -> HttpResponse:
    number = _page_number(request.POST if query else request.GET)
    page = build(request.user, request.GET, query, number)
    if is_htmx(request) and request.headers.get("HX-Target") == "rows":
        response = render(request, "coding_review/worklist.html#rows", {"page": page})
        return reswap(response, "outerHTML") if not page.live else response
    return render(request, "coding_review/worklist.html", {"page": page})


def build(user: Any, params: QueryDict, query: str, number: int = 1) -> WorklistPage:
    """`query` looks through everything the user may see; without one the filters of `params` hold."""
    visible = Encounter.objects.visible_to(user)
    choices = choices_for(visible, user, params)
    found = _searched(visible, query, user) if query else filtered(visible, user, params, choices)
    start = (number - 1) * PAGE_SIZE
    rows = list(
        _ordered(found, params).select_related("owner", "patient__identity", "work_group")[
            start : start + PAGE_SIZE + 1
        ]
    )
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    before, after = number - 1 if number > 1 else None, number + 1 if more else None
    counts = _counts(visible, user)
    holds = {
        h.encounter_id: h
        for h in Hold.objects.filter(encounter__in=[r.pk for r in rows], ended_at__isnull=True)
    }
    rights = _Rights.of(user)
    return WorklistPage(
        title="My worklist" if params.get("mine") else "Worklist",
        rows=tuple(_row(e, user, holds.get(e.pk), rights) for e in rows),
        chips=_chips(params, counts, choices, query),
        facts=_facts(visible, counts),
        total_line=_total_line(start, len(rows), _limited_count(found)),
        choices=choices,
        days=days_for(params),
        kept=tuple((name, value) for name in ("mine", "status", "late") if (value := params.get(name))),
        query=query,
        previous_url=_url(params, page=str(before)) if before and not query else "",
        next_url=_url(params, page=str(after)) if after and not query else "",
        previous_page=before if query else None,
        next_page=after if query else None,
        refresh_url=_url(params, page=str(number) if number > 1 else ""),
        can_take_next=rights.codes,
        live=not query and any(r.status in WAITING for r in rows),
        empty_line=_empty_line(params, query),
        import_url=_import_url() if rights.imports else "",
    )


@dataclass(frozen=True, slots=True)
class _Rights:
    reads: bool
    sees_history: bool
    codes: bool
    imports: bool
    queues: bool

    @classmethod
    def of(cls, user: Any) -> _Rights:
        asked = (READ_DOCUMENTS, VIEW_HISTORY, CODE_ENCOUNTER, IMPORT, QUEUE)
        return cls(*(RoleBackend().has_perm(user, permission) for permission in asked))


def _import_url() -> str:
    try:
        return reverse("web:import")
    except NoReverseMatch:
        return ""


def _page_number(params: QueryDict) -> int:
    value = params.get("page", "1")
    return max(1, min(int(value), 100_000)) if value.isdecimal() and len(value) < 7 else 1


def _searched(rows: QuerySet[Encounter], query: str, user: Any) -> QuerySet[Encounter]:
    """Source id, account or record number or name from the start; or a code that is in the set or suggested.

    What a person is not shown they do not find by: a hit would tell whose record it is, or what it says.
    """
    wanted, backend = Q(source_id__istartswith=query), RoleBackend()
    if backend.has_perm(user, READ_DOCUMENTS):
        wanted |= (
            Q(account_number__istartswith=query)
            | Q(patient__identity__record_number__istartswith=query)
            | Q(patient__identity__name__istartswith=query)
        )
    if backend.has_perm(user, VIEW_HISTORY):
        coded = Encounter.objects.filter(code_sets__readings__entries__code=query.upper())
        wanted |= Q(pk__in=coded.values("pk"))
    return rows.filter(wanted)


def _ordered(rows: QuerySet[Encounter], params: QueryDict) -> QuerySet[Encounter]:
    if params.get("status") == EncounterStatus.SIGNED_OFF:
        return rows.order_by("-status_since", "pk")
    return rows.order_by("-priority", "sort_date", "pk")


def _limited_count(rows: QuerySet[Encounter]) -> int:
    return rows.order_by().values("pk")[: COUNT_LIMIT + 1].count()


def _said(number: int) -> str:
    return f"{number:,}" if number <= COUNT_LIMIT else f"{COUNT_LIMIT:,}+"


def _total_line(start: int, shown: int, total: int) -> str:
    return f"{start + 1:,}–{start + shown:,} of {_said(total)}" if shown else "none"


def _counts(visible: QuerySet[Encounter], user: Any) -> dict[str, int]:
    counts: dict[str, int] = dict(visible.order_by().values_list("status").annotate(n=Count("pk")))
    counts["predicting"] = sum(counts.get(s, 0) for s in WAITING)
    counts["mine"] = visible.filter(owner=user).exclude(status=EncounterStatus.SIGNED_OFF).count()
    counts["late"] = visible.filter(open_alerts__gt=0).count()
    return counts


def _url(params: QueryDict, **changes: str) -> str:
    """This page's address with some filters changed; an empty value takes one away, and paging starts anew."""
    query = params.copy()
    if "page" not in changes:
        query.pop("page", None)
    for name, value in changes.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    path = reverse("web:worklist")
    return f"{path}?{query.urlencode()}" if query else path


def _chips(
    params: QueryDict, counts: dict[str, int], choices: tuple[Choice, ...], query: str
) -> tuple[Chip, ...]:
    mine, late = bool(params.get("mine")), bool(params.get("late"))
    chips = [Chip("Mine", _url(params, mine="" if mine else "1"), mine, _said(counts["mine"]))]
    for status in STATUS_CHIPS:
        active, number = params.get("status") == status, counts.get(status, 0)
        if number or active:
            chips.append(
                Chip(
                    _CHIP_WORDS.get(status, str(status.label)),
                    _url(params, status="" if active else status.value),
                    active,
                    _said(number),
                )
            )
    if counts["late"] or late:
        chips.append(
            Chip("Late document", _url(params, late="" if late else "1"), late, _said(counts["late"]))
        )
    chips += [
        Chip(said, _url(params, **{name: ""}), active=True, removable=True)
        for name, said in chosen_words(choices, params)
    ]
    if query:
        chips.append(Chip(f"Found: {query}", _url(params), active=True, removable=True))
    return tuple(chips)


def _facts(visible: QuerySet[Encounter], counts: dict[str, int]) -> tuple[Fact, ...]:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    signed = visible.filter(status=EncounterStatus.SIGNED_OFF, status_since__gte=midnight).count()
    waiting = visible.filter(status__in=TAKEABLE, sort_date__isnull=False).order_by("sort_date")
    number = counts.get(EncounterStatus.READY, 0) + counts.get(EncounterStatus.RETURNED, 0)
    middle = (
        waiting.values_list("sort_date", flat=True)[number // 2 : number // 2 + 1].first() if number else None
    )
    return (
        Fact(_said(counts.get(EncounterStatus.READY, 0)), "ready"),
        Fact(_said(counts.get(EncounterStatus.ON_HOLD, 0)), "on hold"),
        Fact(f"{max(0, (timezone.localdate() - middle).days)} d" if middle else "–", "median wait"),
        Fact(_said(signed), "signed off today"),
    )


def _row(e: Encounter, user: Any, held: Hold | None, rights: _Rights) -> Row:
    hidden = e.confidentiality != Confidentiality.NORMAL
    identity = getattr(e.patient, "identity", None) if e.patient else None
    # A worklist is glanced at by whoever passes: restricted records show no name here.
    name = (
        "Restricted record"
        if hidden
        else (identity.name if identity and rights.reads else f"Encounter {e.source_id}")
    )
    numbers = [
        identity.record_number if identity and rights.reads and not hidden else "",
        (e.account_number if rights.reads else "") or e.source_id,
    ]
    signed = e.status == EncounterStatus.SIGNED_OFF
    note, quiet = _note(e, user, held)
    return Row(
        encounter_id=e.pk,
        url=_row_url(e, rights),
        status="late" if e.open_alerts and signed else e.status,
        status_label="Late document" if e.open_alerts and signed else e.status_words,
        status_since=words.waited(e.status_since)
        if e.status in (EncounterStatus.ON_HOLD, EncounterStatus.FAILED)
        else "",
        name=name,
        sex_age="" if hidden else words.sex_age(e),
        numbers=" · ".join(n for n in numbers if n),
        setting=e.get_setting_display(),
        claims=", ".join(
            ClaimType(c)
            .label.replace("Facility inpatient", "Facility")
            .replace("Facility outpatient", "Facility")
            for c in e.claim_types
        ),
        date=words.day(e.sort_date),
        days=words.days_since(e.sort_date),
        documents=e.document_count,
        high=0 if signed else e.high_count,
        medium=0 if signed else e.medium_count,
        low=0 if signed else e.low_count,
        codes=words.count(e.coded_count, "code") if signed else "",
        extra="waiting for the engine" if e.status in BEFORE_REVIEW else "",
        coder="you" if e.owner_id == user.pk else (display_name(e.owner) if e.owner else ""),
        note=note,
        quiet_note=quiet,
        specialty=e.specialty,
        priority=f"priority {e.priority}" if e.priority and not signed else "",
        can_retry=e.status == EncounterStatus.FAILED and rights.queues,
    )


def _row_url(e: Encounter, rights: _Rights) -> str:
    """The review page; for those who read no text but may see what was done, the history."""
    if rights.reads:
        return reverse("web:encounter", args=[e.pk])
    return reverse("web:encounter-history", args=[e.pk]) if rights.sees_history else ""


def _note(e: Encounter, user: Any, held: Hold | None) -> tuple[str, bool]:
    """Why it waits, or how far it is; the second says whether it is only for information."""
    if held is not None:
        expected = f", expected {words.day(held.expected_on)}" if held.expected_on else ""
        return f"{held.get_reason_display()}, {words.waited(held.since)}{expected}", False
    if e.open_alerts:
        after = "after sign-off: reopen or keep" if e.status == EncounterStatus.SIGNED_OFF else "to look at"
        return f"{words.count(e.open_alerts, 'late document')} {after}", False
    if e.status in (EncounterStatus.FAILED, EncounterStatus.RETURNED):
        return e.status_reason, False
    if e.status == EncounterStatus.IN_REVIEW:
        total = e.high_count + e.medium_count + e.low_count
        lease = f"lease until {words.clock(e.lease_until)}" if e.lease_until and e.has_lease() else "parked"
        return f"{e.decided_count} of {total} decided, {lease}", True
    if e.status == EncounterStatus.SIGNED_OFF:
        return f"{words.clock(e.status_since)}, {words.day(e.status_since)}", True
    return "", True


def _empty_line(params: QueryDict, query: str) -> str:
    if query:
        return "Nothing found. Search by the start of an account or record number, a name, or a whole code."
    if params:
        return "No encounter matches these filters."
    return "No encounters yet. They come by import, upload or the API."
