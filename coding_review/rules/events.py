"""Event types of the audit log: what each may carry. A field not named here is refused when it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """`data`: ids, codes, reasons, hashes, counts (never purged). `payload`: words that may be PHI (purgeable)."""

    label: str
    data: frozenset[str]
    payload: frozenset[str] = frozenset()


def _event(label: str, data: str = "", payload: str = "") -> EventType:
    return EventType(label, frozenset(data.split()), frozenset(payload.split()))


_DECISION = (
    "decision_id entry_id code_set_id action system code_before code_after reason "
    "state_before state_after assistance batch field value_before value_after undoes redoes sha256"
)

EVENTS: dict[str, EventType] = {
    "encounter.received": _event("Received", "source_id_hash documents text_hashes claim_types via"),
    "encounter.label_raised": _event("Confidentiality raised", "value_before value_after via"),
    "encounter.updated": _event("Missing details filled in", "fields via"),
    "document.received": _event(
        "Document received", "document_id document_version_id version text_hash late via"
    ),
    "document.updated": _event("Document updated", "document_id field value_before value_after via"),
    "document.alert_resolved": _event("Late document looked at", "alert_id resolution"),
    "prediction.queued": _event("Prediction queued", "run_ids trigger engine"),
    "prediction.finished": _event(
        "Predicted", "run_id engine model_version release suggestions discarded new changed gone"
    ),
    "prediction.failed": _event("Prediction failed", "run_id engine error_code attempts"),
    "encounter.opened": _event("Opened", "code_set_id read_only"),
    "encounter.history_opened": _event("History looked at"),
    "encounter.claimed": _event("Taken", "lease_until via"),
    "encounter.parked": _event("Lease ran out", "owner_id"),
    "encounter.skipped": _event("Skipped", "reason", "comment"),
    "encounter.reassigned": _event("Given to another coder", "owner_before owner_after", "comment"),
    "encounter.held": _event("Put on hold", "hold_id reason expected_on entry_id", "comment"),
    "encounter.resumed": _event("Resumed", "hold_id reason"),
    "encounter.returned": _event("Returned", "reason owner_id", "comment"),
    "decision": _event("Decision", _DECISION, "comment quotes"),
    "finding.overridden": _event(
        "Finding overridden",
        "override_id code_set_id check severity codes outcome outcomes_edition checks_edition sha256 carried_from",
        "comment",
    ),
    "finding.override_withdrawn": _event(
        "Override withdrawn", "override_id code_set_id check codes outcome sha256"
    ),
    "codeset.signed": _event(
        "Signed off",
        "code_set_id claim_type version lines sha256 credential editions release_stands_in",
        "statement",
    ),
    "codeset.reopened": _event(
        "Reopened", "code_set_id from_code_set_id claim_type version reason", "comment"
    ),
    "codeset.exported": _event("Code set exported", "code_set_ids format sha256 rows"),
    "audit.searched": _event("Audit log searched", "filters rows"),
    "audit.exported": _event("Decisions exported", "filters format rows sha256 with_text"),
    "audit.payload_purged": _event("Payload purged", "event_id"),
    "catalog.loaded": _event("Code system loaded", "system release nodes source_hash"),
    "catalog.table_loaded": _event("Table loaded", "kind name edition rows source_hash"),
    "catalog.corrected": _event(
        "Code system or table corrected",
        "what number system name edition field value_before value_after source_hash code_sets",
        "comment",
    ),
    "access.granted": _event("Access changed", "user_id role work_group ceiling"),
    "preference.set": _event("Preference set", "field value_after"),
    "token.issued": _event("API token issued"),
    "token.revoked": _event("API token revoked"),
    "session.signed_in": _event("Signed in", ""),
    "session.signed_out": _event("Signed out", ""),
    "session.refused": _event("Sign-in refused", "username_hash address_hash"),
}
