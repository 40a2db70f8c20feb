"""What the API answers about findings of code edits."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.edits.types import Severity
from coding_review.api.serializers import READS_TEXT, CodeSetRefSerializer, OwnName
from coding_review.code_edits import Standing
from coding_review.models import FindingOverride

RESULTS = ("fail", "overridden", "no_data")


class OutcomeSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    label: OwnName = serializers.CharField()
    comment_required = serializers.BooleanField()


class OverrideSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    outcome = serializers.CharField()
    user = serializers.CharField(source="user.username")
    at = serializers.DateTimeField()
    carried_from = serializers.IntegerField(source="carried_from_id", allow_null=True)
    comment = serializers.SerializerMethodField(
        help_text="Null without the right to read documents, and once purged"
    )

    @extend_schema_field(serializers.CharField(allow_null=True, allow_blank=True))
    def get_comment(self, override: FindingOverride) -> str | None:
        if not self.context.get(READS_TEXT):
            return None
        payload = getattr(override, "payload", None)
        if payload is None:
            return ""
        return None if payload.purged_at else str(payload.comment)


class FindingSerializer(serializers.Serializer[Any]):
    check = serializers.CharField(source="finding.check")
    severity = serializers.ChoiceField(
        source="finding.severity", choices=[str(s.value) for s in Severity], help_text="hard blocks sign-off"
    )
    result = serializers.SerializerMethodField()
    title = serializers.CharField(source="finding.title")
    message = serializers.CharField(source="finding.message")
    codes = serializers.ListField(child=serializers.CharField(), source="finding.codes")
    entries = serializers.SerializerMethodField(help_text="The entries it concerns")
    citation = serializers.CharField(source="finding.citation")
    edition = serializers.CharField(source="finding.edition", allow_blank=True)
    outcomes = OutcomeSerializer(many=True, help_text="Reasons that may override it; none: the codes change")
    override = OverrideSerializer(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=RESULTS))
    def get_result(self, one: Standing) -> str:
        return "overridden" if one.override is not None else str(one.finding.result)

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_entries(self, one: Standing) -> list[int]:
        return [row.pk for row in one.rows]


class FindingsSerializer(serializers.Serializer[Any]):
    code_set = CodeSetRefSerializer()
    edition = serializers.CharField(help_text="Of the checks")
    findings = FindingSerializer(many=True)
