"""Answers of the evaluation part of the API. None of them holds text of a chart."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from modelops.evaluation.report.parts import at, figure
from modelops.models import EvaluationChart, EvaluationRun


class EvaluationRowSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    engine = serializers.CharField()
    model_version = serializers.SerializerMethodField(help_text="Null where it is none of this system")
    gold_set = serializers.CharField(source="gold_set_name")
    gold_set_sha256 = serializers.CharField()
    predictions_sha256 = serializers.CharField()
    catalog_release = serializers.CharField(allow_blank=True)
    charts = serializers.IntegerField(source="charts_count")
    f1_exact = serializers.SerializerMethodField(help_text="levels.L3.micro.f1; null where undefined")
    f1_with_evidence = serializers.SerializerMethodField(help_text="levels.L4.micro.f1; null where undefined")
    created_at = serializers.DateTimeField()

    def get_model_version(self, run: EvaluationRun) -> str | None:
        return str(run.model_version) if run.model_version else None

    def get_f1_exact(self, run: EvaluationRun) -> float | None:
        return figure(at(run.metrics, "levels.L3.micro.f1"))

    def get_f1_with_evidence(self, run: EvaluationRun) -> float | None:
        return figure(at(run.metrics, "levels.L4.micro.f1"))


class EvaluationPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EvaluationRowSerializer(many=True)


class EvaluationSerializer(EvaluationRowSerializer):
    settings = serializers.DictField()
    code_revision = serializers.CharField(allow_blank=True)
    metrics = serializers.DictField(help_text="All figures, as manage.py evaluate --json writes them")


class EvaluationChartSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    chart = serializers.CharField()
    f1 = serializers.FloatField()
    met = serializers.SerializerMethodField()
    unsupported = serializers.SerializerMethodField()
    missed = serializers.SerializerMethodField()
    optional = serializers.SerializerMethodField()

    def get_met(self, chart: EvaluationChart) -> list[dict[str, Any]]:
        return list(chart.view["met"])

    def get_unsupported(self, chart: EvaluationChart) -> list[dict[str, Any]]:
        return list(chart.view["unsupported"])

    def get_missed(self, chart: EvaluationChart) -> list[dict[str, Any]]:
        return list(chart.view["missed"])

    def get_optional(self, chart: EvaluationChart) -> list[dict[str, Any]]:
        return list(chart.view["optional"])


class EvaluationChartPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EvaluationChartSerializer(many=True)


class AgreementSerializer(serializers.Serializer[Any]):
    project = serializers.IntegerField()
    figures = serializers.DictField(
        help_text="Each figure is value, low, high, n, and why it or its interval is not there"
    )
