"""Findings of code edits on a code set; overriding one with a reason, and taking that back."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coding_review.actions.override_finding import override_finding, withdraw_override
from coding_review.actions.record_findings import record_findings
from coding_review.api.base import ReviewView, reads, writes
from coding_review.api.finding_serializers import FindingsSerializer
from coding_review.api.inputs import MAX_ID, Input
from coding_review.code_edits import findings_of
from coding_review.models import CodeSet
from coding_review.rules.permissions import CODE_ENCOUNTER, VIEW_HISTORY
from coding_review.web.getters import get_code_set_for


class OverrideIn(Input):
    check = serializers.CharField(max_length=60)
    codes = serializers.ListField(
        child=serializers.CharField(max_length=30), max_length=50, help_text="Those of the finding"
    )
    outcome = serializers.CharField(max_length=40, help_text="One of the finding's outcomes")
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class WithdrawIn(Input):
    override = serializers.IntegerField(min_value=1, max_value=MAX_ID)


class _FindingsView(ReviewView):
    def findings(self, code_set: CodeSet) -> Response:
        found = findings_of(code_set)
        record_findings(self.request.user, code_set, found)
        answer = {"code_set": code_set, "edition": found.edition, "findings": found.all}
        return self.show(FindingsSerializer, answer)


class FindingsView(_FindingsView):
    @extend_schema(
        operation_id="code_sets_findings",
        summary="Read the findings of the code edits",
        tags=["Code sets"],
        responses=reads(FindingsSerializer),
    )
    def get(self, request: Request, code_set_id: int) -> Response:
        """Of the codes that are in the set now, hard ones first; overridden ones with their reason, then what could
        not be checked. What a signed code set was signed with stands in its editions.
        """
        return self.findings(get_code_set_for(request.user, code_set_id, VIEW_HISTORY))


class OverrideView(_FindingsView):
    @extend_schema(
        operation_id="code_sets_override",
        summary="Override a finding",
        tags=["Code sets"],
        request=OverrideIn,
        responses=writes({200: FindingsSerializer}, 409, 422),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """Holds while the same codes stand. Sent again it changes nothing; 409 `stale_page` when the code set has
        no such finding now.
        """
        code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
        override_finding(request.user, code_set.pk, **self.read(OverrideIn))
        return self.findings(get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER))


class WithdrawOverrideView(_FindingsView):
    @extend_schema(
        operation_id="code_sets_withdraw_override",
        summary="Withdraw an override",
        tags=["Code sets"],
        request=WithdrawIn,
        responses=writes({200: FindingsSerializer}, 409, 422),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """The finding stands again."""
        code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
        withdraw_override(request.user, code_set.pk, self.read(WithdrawIn)["override"])
        return self.findings(get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER))
