"""The JSON schemas under which a model answers. Key order is part of the contract: the description comes before
the code, since a model that writes codes alone does worse.

Written for vLLM's guidance backend: no `pattern` beside `maxLength`, no optional groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES, Limits
from modelops.engines.llm.numbered import shown
from modelops.engines.llm.ports import Candidate

SCHEMA_VERSION = "llm-1"
MAX_ITEMS = 40
# Any ICD-10-CM code by its form, with the dot; whether it exists is the catalog's to say.
ICD10CM_PATTERN = r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$"

Schema = Mapping[str, Any]


def open_schema(
    first: int, last: int, *, max_items: int = MAX_ITEMS, limits: Limits = CODE_PROMPTS[CODES]
) -> Schema:
    """Any code of the right form, cited within the lines `first` to `last` of a window."""
    line = {"type": "integer", "minimum": first, "maximum": last}
    item = _object(
        {
            "description": _text(limits.description),
            "code": {"type": "string", "pattern": ICD10CM_PATTERN},
            "rationale": _text(limits.rationale),
            "line_start": line,
            "line_end": line,
            "quote": _text(limits.quote),
        }
    )
    return _answer(item, max_items)


def closed_schema(
    candidates: Sequence[Candidate], *, max_items: int = MAX_ITEMS, limits: Limits = CODE_PROMPTS[CODES]
) -> Schema:
    """Only the candidates, each cited by words that led to it; without candidates only the empty answer."""
    items = []
    for candidate in candidates:
        numbers = sorted({segment.number for segment in candidate.segments})
        # As the prompt shows them: a server fails over a grammar that holds a sign of its tokenizer.
        quotes = list(dict.fromkeys(shown(segment.text) for segment in candidate.segments))
        if not numbers:
            continue
        items.append(
            _object(
                {
                    "description": {"const": candidate.description},
                    "code": {"const": candidate.code},
                    "rationale": _text(limits.rationale),
                    "line_start": {"type": "integer", "enum": numbers},
                    "line_end": {"type": "integer", "enum": numbers},
                    "quote": {"type": "string", "enum": quotes},
                }
            )
        )
    if not items:
        return _answer({"type": "object"}, 0)
    return _answer({"anyOf": items}, max_items)


def _answer(item: Schema, max_items: int) -> Schema:
    codes = {"type": "array", "items": item, "maxItems": max_items}
    return _object({"codes": codes})


def _object(properties: Mapping[str, Any]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(longest: int) -> Schema:
    return {"type": "string", "maxLength": longest} if longest else {"const": ""}
