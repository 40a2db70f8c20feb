"""Roles as bundles of permissions. Whose encounters they reach is a matter of memberships, not of roles."""

from __future__ import annotations

from catalog.choices import VIEW_PAYMENT_FACTS
from coding_review.choices import Role

P = "coding_review."

VIEW_WORKLIST = P + "view_worklist"
READ_DOCUMENTS = P + "read_documents"
CODE_ENCOUNTER = P + "code_encounter"
SIGN_OFF = P + "sign_off"
REOPEN = P + "reopen"
REASSIGN = P + "reassign"
RETURN = P + "return_encounter"
IMPORT = P + "import_encounters"
QUEUE = P + "queue_prediction"
VIEW_HISTORY = P + "view_history"
SEARCH_AUDIT = P + "search_audit_log"
EXPORT_DECISIONS = P + "export_decisions"
EXPORT_CODE_SETS = P + "export_code_sets"
EXPORT_PHI = P + "export_phi"
LOAD_CATALOG = P + "load_catalog"
MANAGE_ACCESS = P + "manage_access"
VIEW_CHECKS = P + "view_checks"
MANAGE_GOLD = P + "manage_gold"
READ_GOLD = P + "read_gold"
ADJUDICATE = P + "adjudicate"
FREEZE_GOLD = P + "freeze_gold"
EXPORT_GOLD = P + "export_gold"
VIEW_EVALUATION = P + "view_evaluation"
RUN_EVALUATION = P + "run_evaluation"
RECORD_AUTHORITY = P + "record_training_authority"
WRITE_CHARTS = P + "write_synthetic_charts"
BUILD_DATASET = P + "build_dataset"
TRAIN_MODEL = P + "train_model"
VIEW_TRAINING = P + "view_training"
PROMOTE_MODEL = P + "promote_model"
OVERRIDE_GATE = P + "override_promotion_gate"

LABELS: dict[str, str] = {
    VIEW_WORKLIST: "See the worklist",
    READ_DOCUMENTS: "Read documents",
    CODE_ENCOUNTER: "Decide on codes",
    SIGN_OFF: "Sign off a code set",
    REOPEN: "Reopen a signed code set",
    REASSIGN: "Give an encounter to another coder",
    RETURN: "Return an encounter to its coder",
    IMPORT: "Bring encounters in",
    QUEUE: "Queue a prediction",
    VIEW_HISTORY: "See an encounter's history",
    SEARCH_AUDIT: "Search the audit log",
    EXPORT_DECISIONS: "Export decisions",
    EXPORT_CODE_SETS: "Export signed code sets",
    EXPORT_PHI: "Include text in exports",
    LOAD_CATALOG: "Load code systems",
    MANAGE_ACCESS: "Manage roles and memberships",
    VIEW_CHECKS: "See how often code edits are overridden",
    MANAGE_GOLD: "Set up gold projects",
    READ_GOLD: "Read charts for a gold project",
    ADJUDICATE: "Adjudicate readings of a gold project",
    FREEZE_GOLD: "Freeze a gold set",
    EXPORT_GOLD: "Export gold sets",
    VIEW_EVALUATION: "See evaluations",
    RUN_EVALUATION: "Run evaluations",
    RECORD_AUTHORITY: "Record the authority to train on a restricted record",
    WRITE_CHARTS: "Write synthetic charts",
    BUILD_DATASET: "Build datasets to train on",
    TRAIN_MODEL: "Train models",
    VIEW_TRAINING: "See synthetic charts, datasets and trainings",
    PROMOTE_MODEL: "Promote a model version or go back to the one before",
    OVERRIDE_GATE: "Promote a model version that does not pass the gate",
    VIEW_PAYMENT_FACTS: "See payment facts of codes in the encoder",
}

_CODER = {VIEW_WORKLIST, READ_DOCUMENTS, CODE_ENCOUNTER, SIGN_OFF, VIEW_HISTORY, EXPORT_CODE_SETS}

PERMISSIONS_BY_ROLE: dict[str, frozenset[str]] = {
    # READ_GOLD opens nothing by itself: what counts is being a reader of the project.
    Role.CODER: frozenset(_CODER | {REOPEN, READ_GOLD}),
    Role.LEAD: frozenset(
        _CODER
        | {REOPEN, REASSIGN, RETURN, IMPORT, QUEUE, EXPORT_DECISIONS, VIEW_CHECKS, VIEW_PAYMENT_FACTS}
        | {MANAGE_GOLD, READ_GOLD, EXPORT_GOLD, VIEW_EVALUATION, RUN_EVALUATION, VIEW_TRAINING}
        | {PROMOTE_MODEL}
    ),
    Role.EXPERT: frozenset(
        {VIEW_WORKLIST, READ_DOCUMENTS, VIEW_HISTORY, READ_GOLD, VIEW_EVALUATION, VIEW_TRAINING, WRITE_CHARTS}
    ),
    Role.ADJUDICATOR: frozenset(
        {VIEW_WORKLIST, READ_DOCUMENTS, VIEW_HISTORY}
        | {READ_GOLD, ADJUDICATE, FREEZE_GOLD, EXPORT_GOLD, VIEW_EVALUATION, VIEW_TRAINING}
    ),
    # No document text: running the system gives no right to read records.
    Role.ADMIN: frozenset(
        {VIEW_WORKLIST, IMPORT, QUEUE, LOAD_CATALOG, MANAGE_ACCESS, VIEW_CHECKS, VIEW_PAYMENT_FACTS}
        | {MANAGE_GOLD, FREEZE_GOLD, VIEW_EVALUATION, RUN_EVALUATION, BUILD_DATASET, TRAIN_MODEL}
        | {VIEW_TRAINING, WRITE_CHARTS, PROMOTE_MODEL, OVERRIDE_GATE}
    ),
    Role.AUDITOR: frozenset(
        {
            VIEW_WORKLIST,
            VIEW_HISTORY,
            SEARCH_AUDIT,
            EXPORT_DECISIONS,
            EXPORT_CODE_SETS,
            VIEW_CHECKS,
            VIEW_PAYMENT_FACTS,
            EXPORT_GOLD,
            VIEW_EVALUATION,
            VIEW_TRAINING,
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        {VIEW_HISTORY, SEARCH_AUDIT, EXPORT_DECISIONS, EXPORT_PHI, RECORD_AUTHORITY}
    ),
}

# An auditor never codes in a group audited: these may not be held together with Role.AUDITOR.
NOT_WITH_AUDITOR = frozenset({Role.CODER, Role.LEAD})


def permissions_of(roles: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(PERMISSIONS_BY_ROLE.get(role, frozenset()) for role in roles))
