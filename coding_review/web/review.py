"""The review page and what its forms do. Adapters: getter, form, action, answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from coding_review.actions.accept import accept
from coding_review.actions.add_code import add_code
from coding_review.actions.dismiss import dismiss, dismiss_remaining_low
from coding_review.actions.hold_entry import hold_entry
from coding_review.actions.modify import modify
from coding_review.actions.open_encounter import open_encounter
from coding_review.actions.record_findings import record_findings
from coding_review.actions.reject import reject
from coding_review.actions.set_evidence import set_evidence
from coding_review.actions.set_line import ProcedureDetails, set_poa, set_procedure, set_role
from coding_review.actions.set_sequence import move_line
from coding_review.actions.undo import redo, undo
from coding_review.actions.withdraw import withdraw
from coding_review.choices import DecisionAction, EntryState
from coding_review.code_edits import prepare
from coding_review.errors import ReviewError, StalePage
from coding_review.models import CodeEntry, CodeSet
from coding_review.rules import reasons
from coding_review.rules.permissions import CODE_ENCOUNTER, READ_DOCUMENTS
from coding_review.web.forms import AddForm, DecideForm, SetEvidenceForm, SetForm, first_error, given
from coding_review.web.getters import code_set_of_entry, get_code_set_for, get_encounter_for, get_entry_for
from coding_review.web.http import is_htmx
from coding_review.web.review_build import Builder, Wanted
from coding_review.web.review_page import Conflict
from coding_review.web.words import clock

PAGE = "coding_review/review/page.html"
ANSWER = "coding_review/review/answer.html"


def number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and len(value) < 18 else None


def found_marks(request: HttpRequest) -> dict[int, str]:
    """By entry the mark of the findings that its card shows ("found", sent by script only)."""
    marks = request.POST.get("found", "")[:20_000].split()
    return {int(pk): mark for mark in marks if number(pk := mark.partition(":")[0])}


@require_GET
def encounter(request: HttpRequest, encounter_id: int) -> HttpResponse:
    """To the first code set that is still open, else the first."""
    found = get_encounter_for(request.user, encounter_id, READ_DOCUMENTS)
    sets = list(CodeSet.objects.current().filter(encounter=found).order_by("pk"))
    if not sets:
        raise Http404
    chosen = next((c for c in sets if c.status == "open"), sets[0])
    return redirect("web:review", found.pk, chosen.claim_type)


@require_GET
def review(request: HttpRequest, encounter_id: int, claim_type: str) -> HttpResponse:
    found = get_encounter_for(request.user, encounter_id, READ_DOCUMENTS)
    code_set = CodeSet.objects.current().filter(encounter=found, claim_type=claim_type).first()
    if code_set is None:
        raise Http404
    code_set = get_code_set_for(request.user, code_set.pk, READ_DOCUMENTS)
    wanted = Wanted(
        document=number(request.GET.get("document")),
        entry=number(request.GET.get("entry")),
        panel="add" if "add" in request.GET else request.GET.get("panel", "suggestions"),
        open=request.GET.get("open", ""),
        changes="changes" in request.GET,
    )
    if is_htmx(request):
        target = request.headers.get("HX-Target", "")
        if target == "panel-history":
            wanted.panel = "history"
        builder = Builder(request.user, code_set, wanted)
        template = {
            "code-set": "coding_review/review/_code_set.html",
            "findings": "coding_review/review/_findings.html",
            "document": "coding_review/review/document_answer.html",
            "panel-history": "coding_review/review/_history.html",
        }.get(target, "coding_review/review/body_answer.html")
        return render(request, template, {"page": builder.page()})
    builder = Builder(request.user, code_set, wanted)
    builder.select_first_undecided()
    _remember_opening(request, code_set, read_only=bool(builder.read_only))
    if not builder.read_only:
        prepare(code_set)
    return render(request, PAGE, {"page": builder.page()})


def _remember_opening(request: HttpRequest, code_set: CodeSet, *, read_only: bool) -> None:
    """Opening a record is audited once a session; reloading the page adds nothing."""
    seen = request.session.setdefault("opened", [])
    if code_set.pk not in seen:
        open_encounter(request.user, code_set, read_only=read_only)
        request.session["opened"] = [*seen[-200:], code_set.pk]


def act_id(request: HttpRequest, *parts: object) -> uuid.UUID:
    """The same form sent twice by the same person is the same act: decided once."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "|".join(map(str, (request.user.pk, *parts))))


@require_POST
def entry_decide(request: HttpRequest, entry_id: int) -> HttpResponse:
    code_set_id = code_set_of_entry(request.user, entry_id, CODE_ENCOUNTER)
    form = DecideForm(request.POST)
    if not form.is_valid():
        return refused(request, entry_id, first_error(form), 422)
    data = form.cleaned_data
    parts = (entry_id, data["version"], data["action"], data["code"], data["reason"], data["poa"])
    common: dict[str, Any] = {
        "seen_version": data["version"],
        "batch": act_id(request, *parts) if data["version"] is not None else None,
        "on_card": True,
    }
    perform: dict[str, Callable[[], CodeEntry]] = {
        "accept": lambda: accept(request.user, code_set_id, entry_id, poa=data["poa"], **common),
        "reject": lambda: reject(
            request.user, code_set_id, entry_id, reason=data["reason"], comment=data["comment"], **common
        ),
        "modify": lambda: modify(
            request.user,
            code_set_id,
            entry_id,
            code=data["code"],
            reason=data["reason"],
            comment=data["comment"],
            **common,
        ),
        "dismiss": lambda: dismiss(request.user, code_set_id, entry_id, **common),
        "hold": lambda: hold_entry(request.user, code_set_id, entry_id, comment=data["comment"], **common),
        "withdraw": lambda: withdraw(request.user, code_set_id, entry_id, **common),
    }
    try:
        decided = perform[data["action"]]()
    except StalePage as error:
        return stale(request, entry_id, error, wanted_words(data), resend_fields(data))
    except ReviewError as error:
        return refused(request, entry_id, error.message, error.status)
    said = f"{decided.code} {decided.get_state_display().lower()}."
    # An added code that is withdrawn leaves the list.
    gone = decided.state == EntryState.WITHDRAWN
    return answered(request, [decided], said, after=decided, whole_list=gone)


@require_POST
def entry_set(request: HttpRequest, entry_id: int) -> HttpResponse:
    entry = get_entry_for(request.user, entry_id, CODE_ENCOUNTER)
    form = SetForm(request.POST)
    if not form.is_valid():
        return refused(request, entry.pk, first_error(form), 422)
    data, code_set_id = form.cleaned_data, entry.reading.code_set_id
    version = data["version"]
    changed: dict[int, CodeEntry] = {}

    def seen() -> int | None:
        # Only the first change of one form is held against what the page had seen.
        return version if not changed else None

    try:
        if data["role"] and data["role"] != entry.role:
            rows = set_role(request.user, code_set_id, entry.pk, role=data["role"], seen_version=seen())
            changed |= {e.pk: e for e in rows}
        if "poa" in request.POST and data["poa"] != entry.poa:
            saved = set_poa(request.user, code_set_id, entry.pk, poa=data["poa"], seen_version=seen())
            changed[saved.pk] = saved
        if data["move"]:
            step = -1 if data["move"] == "up" else 1
            rows = move_line(request.user, code_set_id, entry.pk, by=step, seen_version=seen())
            changed |= {e.pk: e for e in rows}
        if "modifiers" in request.POST or "units" in request.POST:
            details = ProcedureDetails(
                modifiers=data["modifiers"],
                units=data["units"] or 1,
                service_date=data["service_date"],
                rendering_provider=data["provider"],
                diagnosis_pointers=data["pointers"],
            )
            saved = set_procedure(request.user, code_set_id, entry.pk, details=details, seen_version=seen())
            changed[saved.pk] = saved
    except StalePage as error:
        return stale(request, entry.pk, error, "A change of the line", ())
    except ReviewError as error:
        return refused(request, entry.pk, error.message, error.status)
    return answered(request, list(({entry.pk: entry} | changed).values()), "Saved.", after=entry)


@require_POST
def entry_evidence(request: HttpRequest, entry_id: int) -> HttpResponse:
    entry = get_entry_for(request.user, entry_id, CODE_ENCOUNTER)
    form = SetEvidenceForm(request.POST)
    if not form.is_valid():
        return refused(request, entry.pk, first_error(form), 422)
    data = form.cleaned_data
    try:
        changed = set_evidence(
            request.user,
            entry.reading.code_set_id,
            entry.pk,
            add=() if data["remove"] else form.selections(),
            remove=(data["remove"],) if data["remove"] else (),
            seen_version=data["version"],
        )
    except StalePage as error:
        return stale(request, entry.pk, error, "Another evidence", ())
    except ReviewError as error:
        return refused(request, entry.pk, error.message, error.status)
    return answered(request, [changed], "Evidence changed.", select=changed.pk, after=changed, moved=True)


@require_POST
def entry_add(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    form = AddForm(request.POST)
    data = given(form)
    entry = add_code(
        request.user,
        code_set.pk,
        code=data["code"],
        system=data["system"],
        selections=form.selections(),
        comment=data["comment"],
    )
    if data["system"] != "icd10cm" and (data["modifiers"] or data["units"] or data["service_date"]):
        details = ProcedureDetails(
            modifiers=tuple(data["modifiers"].replace(",", " ").split()),
            units=data["units"] or 1,
            service_date=data["service_date"],
        )
        entry = set_procedure(request.user, code_set.pk, entry.pk, details=details)
    said = f"{entry.code} {entry.get_state_display().lower()}."
    return answered(request, [entry], said, whole_list=True, select=entry.pk)


@require_POST
def code_set_undo(request: HttpRequest, code_set_id: int) -> HttpResponse:
    return _turn_back(request, code_set_id, undo, "Undone")


@require_POST
def code_set_redo(request: HttpRequest, code_set_id: int) -> HttpResponse:
    return _turn_back(request, code_set_id, redo, "Redone")


def _turn_back(
    request: HttpRequest, code_set_id: int, act: Callable[..., list[CodeEntry]], word: str
) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    entries = act(request.user, code_set.pk)
    codes = ", ".join(dict.fromkeys(e.code for e in entries))
    return answered(request, entries, f"{word}: {codes}.", whole_list=True, select=entries[0].pk, moved=True)


@require_POST
def code_set_dismiss_low(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    batch = act_id(request, code_set.pk, request.POST.get("revision"), "low")
    entries = dismiss_remaining_low(request.user, code_set.pk, batch=batch)
    if not entries:
        return to(request, page_url(code_set, document=number(request.POST.get("document"))))
    return answered(request, entries, f"{len(entries)} low dismissed.", whole_list=True)


# --- Answers ------------------------------------------------------------------------------------------


def answered(
    request: HttpRequest,
    changed: Sequence[CodeEntry],
    said: str,
    *,
    after: CodeEntry | None = None,
    whole_list: bool = False,
    select: int | None = None,
    moved: bool = False,
) -> HttpResponse:
    """For htmx what changed, out of band; without it back to the page, at the next undecided code.

    `changed`: the entries of one code set, at least one, as the action gave them back.
    """
    document = number(request.POST.get("document"))
    # Of several acts the last knows the revision that stands.
    reading = changed[-1].reading
    code_set = reading.code_set
    if not is_htmx(request):
        # Who works down the lines of a panel goes on there.
        if (panel := request.POST.get("panel", "")) in {"findings", "codes"}:
            return redirect(page_url(code_set, document=document, panel=panel))
        return redirect(
            page_url(code_set, document=document, entry=select or _next_undecided(code_set, after))
        )
    wanted = Wanted(
        document=document, entry=select, panel=request.POST.get("panel", ""), found=found_marks(request)
    )
    builder = Builder(request.user, code_set, wanted, reading=reading)
    page = builder.pieces(cards=whole_list)
    result = builder.result(changed, said=f"{said} {builder.left()}", whole_list=whole_list, moved=moved)
    record_findings(request.user, code_set, builder.found)
    return render(request, ANSWER, {"page": page, "result": result})


def stale(
    request: HttpRequest,
    entry_id: int,
    error: StalePage,
    wanted: str,
    resend: tuple[tuple[str, str], ...],
) -> HttpResponse:
    now = CodeEntry.objects.get(pk=entry_id)
    latest = now.decisions.order_by("-number").select_related("actor").first()
    stands = now.get_state_display()
    if now.reason:
        stands += f", {reasons.label(now.reason).lower()}"
    if latest is not None:
        who = (latest.actor.get_full_name() or latest.actor.get_username()) if latest.actor else "the system"
        stands += f", by {who} at {clock(latest.at)}"
    conflict = Conflict(wanted=wanted, stands=f"{now.code}: {stands}", resend=resend)
    return _not_saved(request, now.pk, error.status, Wanted(entry=now.pk, conflicts={now.pk: conflict}))


def refused(request: HttpRequest, entry_id: int, message: str, status: int) -> HttpResponse:
    return _not_saved(request, entry_id, status, Wanted(entry=entry_id, errors={entry_id: message}))


def _not_saved(request: HttpRequest, entry_id: int, status: int, wanted: Wanted) -> HttpResponse:
    entry = get_entry_for(request.user, entry_id, CODE_ENCOUNTER)
    code_set = get_code_set_for(request.user, entry.reading.code_set_id, READ_DOCUMENTS)
    wanted.document, wanted.found = number(request.POST.get("document")), found_marks(request)
    wanted.panel = request.POST.get("panel", "")
    builder = Builder(request.user, code_set, wanted)
    if not is_htmx(request):
        return render(request, PAGE, {"page": builder.page()}, status=status)
    page = builder.pieces(cards=False)
    result = builder.result([CodeEntry.objects.get(pk=entry.pk)], said="Not saved.")
    return render(request, ANSWER, {"page": page, "result": result}, status=status)


def page_url(
    code_set: CodeSet, *, document: int | None = None, entry: int | None = None, panel: str = ""
) -> str:
    query = {
        name: value for name, value in (("document", document), ("entry", entry), ("panel", panel)) if value
    }
    url = reverse("web:review", args=[code_set.encounter_id, code_set.claim_type])
    return f"{url}?{urlencode(query)}" if query else url


def to(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect that htmx follows with a whole page."""
    return HttpResponseClientRedirect(url) if is_htmx(request) else redirect(url)


def _next_undecided(code_set: CodeSet, after: CodeEntry | None) -> int | None:
    undecided = CodeEntry.objects.filter(reading__code_set=code_set, reading__kind="coding").undecided()
    rank = after.rank if after is not None else 0
    later = undecided.filter(rank__gte=rank).order_by("rank", "pk").values_list("pk", flat=True).first()
    return later or undecided.order_by("rank", "pk").values_list("pk", flat=True).first()


def wanted_words(data: dict[str, Any]) -> str:
    label = {
        "accept": DecisionAction.ACCEPT,
        "reject": DecisionAction.REJECT,
        "modify": DecisionAction.MODIFY,
        "dismiss": DecisionAction.DISMISS,
        "hold": DecisionAction.HOLD,
        "withdraw": DecisionAction.WITHDRAW,
    }[data["action"]].label
    detail = data["code"] or (reasons.label(data["reason"]).lower() if data["reason"] else "")
    return f"{label}, {detail}" if detail else str(label)


def resend_fields(data: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, data[name]) for name in ("action", "reason", "comment", "code", "poa") if data[name])
