"""Overriding a finding of a code edit from the review page, and taking that back."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from coding_review.actions.override_finding import override_finding, withdraw_override
from coding_review.errors import InvalidDecision, StalePage
from coding_review.models import CodeSet
from coding_review.rules.permissions import CODE_ENCOUNTER
from coding_review.web.finding import Finding
from coding_review.web.forms import first_error, given
from coding_review.web.getters import get_code_set_for
from coding_review.web.http import is_htmx
from coding_review.web.review import ANSWER, PAGE, found_marks, number, page_url
from coding_review.web.review_build import Builder, Wanted
from coding_review.web.review_findings import element_id

PANEL = "findings"
LONGEST_COMMENT = 1000


class OverrideForm(forms.Form):
    check = forms.CharField(max_length=60)
    outcome = forms.CharField(required=False, max_length=40)
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT, label="Comment")


class WithdrawForm(forms.Form):
    override = forms.IntegerField(min_value=1, max_value=2**63 - 1)


@require_POST
def finding_override(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    form = OverrideForm(request.POST)
    codes = sorted(request.POST.getlist("codes"))[:50]
    check = request.POST.get("check", "")[:60]
    # Given back to be mended, up to what the field takes: a page does not grow by what was thrown at it.
    written = request.POST.get("comment", "")[:LONGEST_COMMENT]
    refused = Finding("note", "", "", id=element_id(check, codes), comment=written)
    try:
        if not form.is_valid():
            raise InvalidDecision(first_error(form))
        override_finding(request.user, code_set.pk, codes=codes, **form.cleaned_data)
    except (StalePage, InvalidDecision) as error:
        refused = Finding("note", "", "", id=refused.id, error=error.message, comment=refused.comment)
        return _answer(request, code_set, "Not saved.", status=error.status, refused=refused)
    return _answer(request, code_set, "Overridden.")


@require_POST
def finding_withdraw(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    data = given(WithdrawForm(request.POST))
    withdraw_override(request.user, code_set.pk, data["override"])
    return _answer(request, code_set, "Withdrawn: the finding stands again.")


def _answer(
    request: HttpRequest,
    code_set: CodeSet,
    said: str,
    *,
    status: int = 200,
    refused: Finding | None = None,
) -> HttpResponse:
    """The findings and what they stand beside, out of band; without htmx back to the panel, or with what was wrong."""
    fresh = get_code_set_for(request.user, code_set.pk, CODE_ENCOUNTER)
    wanted = Wanted(
        document=number(request.POST.get("document")),
        panel=PANEL,
        refused=refused,
        found=found_marks(request),
    )
    if is_htmx(request):
        builder = Builder(request.user, fresh, wanted)
        page = builder.pieces(cards=False)
        return render(request, ANSWER, {"page": page, "result": builder.result((), said=said)}, status=status)
    if refused is None:
        return redirect(page_url(fresh, document=wanted.document, panel=PANEL))
    return render(request, PAGE, {"page": Builder(request.user, fresh, wanted).page()}, status=status)
