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

_PROMOTION = (
    "promotion_id engine model_version_id replaced_id comparison_runs not_passed overridden share"
    " trained_by_actor"
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
    "prediction.cancelled": _event("Prediction cancelled", "run_ids engine"),
    "prediction.fell_back": _event("Another engine asked", "run_id engine fallback_from error_code"),
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
    "gold.project_created": _event("Gold project set up", "project_id preset mode seed label_source"),
    "gold.codebook_added": _event("Codebook written", "codebook_id name version"),
    "gold.codebook_set": _event("Codebook chosen", "project_id codebook_id version"),
    "gold.reader_added": _event("Gold reader added", "project_id reader_id user_id profession credential"),
    "gold.reader_qualified": _event("Gold reader qualified", "project_id reader_id f1 qualified"),
    "gold.charts_sampled": _event("Gold charts drawn", "project_id purpose charts population seed strata"),
    "gold.labels_imported": _event("Gold labels imported", "project_id charts labels sha256"),
    "gold.checks_seeded": _event("Seeded checks placed", "project_id checks label_ids"),
    "gold.project_opened": _event("Gold project opened", "project_id charts labels readers"),
    "gold.reading_started": _event("Opened for a gold reading", "project_id chart_id reading_id kind"),
    "gold.judged": _event(
        "Gold label judged",
        "project_id chart_id reading_id judgement_id number label_id system code verdict reason sha256",
        "comment",
    ),
    "gold.code_added": _event(
        "Gold code added",
        "project_id chart_id reading_id judgement_id number addition_id system code sha256",
        "comment quotes",
    ),
    "gold.addition_withdrawn": _event(
        "Gold code taken back", "project_id chart_id reading_id addition_id system code"
    ),
    "gold.reading_finished": _event(
        "Gold reading finished", "project_id chart_id reading_id judgements additions"
    ),
    "gold.reading_closed": _event("Gold reading ended", "project_id charts readings lapsed"),
    "gold.adjudication_started": _event(
        "Opened for adjudication", "project_id chart_id adjudication_id again"
    ),
    "gold.ruled": _event(
        "Gold code ruled on",
        "project_id chart_id adjudication_id ruling_id number system code ruling role poa sequence sha256",
        "comment quotes",
    ),
    "gold.adjudication_finished": _event(
        "Adjudication finished", "project_id chart_id adjudication_id rulings"
    ),
    "gold.replied": _event("Reader answered a ruling", "project_id chart_id ruling_id reply_id", "comment"),
    "gold.frozen": _event(
        "Gold set frozen", "project_id gold_set_id name version kind purpose sha256 charts labels"
    ),
    "gold.imported": _event(
        "Gold set imported", "gold_set_id name version kind purpose sha256 charts labels source_hash"
    ),
    "gold.chart_withdrawn": _event(
        "Gold chart withdrawn", "project_id chart_id gold_set_chart_ids lapsed", "comment"
    ),
    "gold.exported": _event("Gold set exported", "gold_set_id version sha256 rows with_text"),
    "catalog.loaded": _event("Code system loaded", "system release nodes source_hash"),
    "catalog.table_loaded": _event("Table loaded", "kind name edition rows source_hash"),
    "catalog.corrected": _event(
        "Code system or table corrected",
        "what number system name edition field value_before value_after source_hash code_sets",
        "comment",
    ),
    "evaluation.queued": _event(
        "Evaluation asked for",
        "job_id gold_set_id engine model_version_id predictions_sha256 domains least_band",
    ),
    "evaluation.cancelled": _event("Evaluation cancelled", "job_id gold_set_id"),
    "evaluation.failed": _event("Evaluation failed", "job_id gold_set_id error_code"),
    "evaluation.stored": _event(
        "Evaluation stored",
        "run_id engine model_version_id gold_set_sha256 predictions_sha256 catalog_release charts",
    ),
    "evaluation.knowledge_stored": _event(
        "General knowledge measured", "model_version_id engine stage tasks data_sha256"
    ),
    "calibration.stored": _event(
        "Confidence calibrated",
        "calibration_id engine model_version configuration gold_set_sha256 predictions_sha256 codes charts",
    ),
    "quality.audited": _event(
        "Signed code sets of a month audited",
        "month code_sets lines procedures validity bundling unbundling_modifiers overridden no_data",
    ),
    "model.files_compared": _event(
        "Model version's files compared with their hashes", "model_version_id sha256 bytes whole"
    ),
    "model.promoted": _event("Model version promoted", _PROMOTION, "comment"),
    "model.rolled_back": _event("Model version taken back", _PROMOTION, "comment"),
    "model.canary_set": _event("Canary share set", _PROMOTION, "comment"),
    "model.shadow_set": _event("Shadow scoring set", _PROMOTION, "comment"),
    "authority.recorded": _event(
        "Authority to train on the record noted", "authority_id basis reference covers_part2 valid_until"
    ),
    "authority.withdrawn": _event("Authority to train on the record withdrawn", "authority_id basis"),
    "synthesis.asked": _event("Synthetic charts asked for", "run_id kind writer seed count domain style"),
    "synthesis.cancel_asked": _event("Synthetic charts told to stop", "run_id"),
    "synthesis.ended": _event("Synthetic charts ended", "run_id status error_code charts kept"),
    "dataset.asked": _event(
        "Dataset asked for", "build_id name only_looks signed_off gold_sets runs left_out"
    ),
    "dataset.cancel_asked": _event("Dataset told to stop", "build_id"),
    "dataset.build_ended": _event(
        "Dataset's build ended", "build_id status error_code dataset_id only_looks"
    ),
    "dataset.built": _event("Dataset built", "dataset_id name version kind sha256 train validation sources"),
    "words_in_doubt.listed": _event("Words that may be names listed", "charts doubtful words"),
    "dataset.exported": _event("Dataset exported", "dataset_id name version format sha256 rows"),
    "training.queued": _event("Training asked for", "job_id dataset_id base method slot recipe resources"),
    "training.cancel_asked": _event("Training told to stop", "job_id"),
    "training.resumed": _event("Training to go on", "job_id attempt"),
    "training.begun": _event("Training begun", "job_id attempt"),
    "training.ended": _event("Training ended", "job_id attempt status step error_code sha256"),
    "access.granted": _event("Access changed", "user_id role work_group ceiling"),
    "preference.set": _event("Preference set", "field value_after"),
    "token.issued": _event("API token issued"),
    "token.revoked": _event("API token revoked"),
    "session.signed_in": _event("Signed in", ""),
    "session.signed_out": _event("Signed out", ""),
    "session.refused": _event("Sign-in refused", "username_hash address_hash"),
}
