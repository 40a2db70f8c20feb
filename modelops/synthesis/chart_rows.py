"""A draft as lines of the public formats: the batch interface's chart, gold codes with lines, and its intermediates."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from catalog.choices import ClaimType
from modelops.synthesis.domains import domains_of
from modelops.synthesis.types import Supported, SyntheticDraft

MODEL_OF_ROWS = "1"


def chart_row(draft: SyntheticDraft) -> dict[str, Any]:
    """The chart alone, as `code_charts` takes it."""
    order, written = draft.order, draft.written
    row: dict[str, Any] = {
        "id": order.id,
        "source": "synthetic",
        # Each chart is of a patient of its own, so that a split by patient is one by chart.
        "patient_id": order.id,
        "text": written.text,
        "setting": order.setting,
        "claim_type": order.claim_type,
        "date_of_service": order.date.isoformat(),
        "age": order.person.age,
        "age_unit": order.person.age_unit,
        "sex": order.person.sex,
        "specialty": written.specialty,
    }
    if order.claim_type == ClaimType.FACILITY_INPATIENT:
        row["discharge_date"] = order.date.isoformat()
    return row


def gold_row(draft: SyntheticDraft) -> dict[str, Any]:
    """The chart with its codes, as `import_gold` and `evaluate` take it."""
    labelled = draft.labelled
    return {
        **chart_row(draft),
        "note_type": draft.written.note_type,
        "domains": list(domains_of(draft.order.codes)),
        "codes": [_code(code) for code in labelled.codes if not code.optional],
        "optional": [_code(code) for code in labelled.codes if code.optional],
        "traps": [{"code": t.code, "kind": t.kind, "lines": list(t.lines)} for t in labelled.traps],
    }


def intermediates_row(draft: SyntheticDraft) -> dict[str, Any]:
    """Everything that led to the chart, for a page and for a second look."""
    order, labelled = draft.order, draft.labelled
    return {
        "version": MODEL_OF_ROWS,
        "meta_description": draft.meta_description,
        "seed_code": order.seed_code,
        "co_codes": [code for code in order.codes if code != order.seed_code],
        "style": order.style,
        "seed": order.seed,
        "details": dict(draft.written.details),
        "candidates": [
            {"code": seen.code, "similarity": round(seen.similarity, 4), "lines": list(seen.lines)}
            for seen in labelled.candidates
        ],
        "discards": [
            {"code": discard.code, "reason": discard.reason}
            for discard in (*order.discards, *labelled.discards)
        ],
        "discarded": draft.discarded,
    }


def as_line(row: dict[str, Any]) -> str:
    """The same row is always the same bytes."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def sha256_of(draft: SyntheticDraft) -> str:
    return hashlib.sha256(as_line(gold_row(draft)).encode()).hexdigest()


def _code(code: Supported) -> dict[str, Any]:
    row: dict[str, Any] = {"code": code.code, "lines": list(code.lines)}
    if code.system != "icd10cm":
        row["system"] = code.system
    if code.role and not code.optional:
        row["role"] = code.role
    return row
