"""What the generated OpenAPI schema has to be told: inputs take no fields but their own."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction


class ClosedInput(OpenApiSerializerExtension):
    """inputs.Input refuses unknown fields; so does its schema."""

    target_class = "coding_review.api.inputs.Input"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}
