"""The words of the review application, each with its label; BADGES gives the glyph shown beside it."""

from django.db import models


class EncounterStatus(models.TextChoices):
    RECEIVED = "received", "Received"
    QUEUED = "queued", "Queued"
    PREDICTING = "predicting", "Predicting"
    READY = "ready", "Ready"
    IN_REVIEW = "in_review", "In review"
    SIGNED_OFF = "signed_off", "Signed off"
    FAILED = "failed", "Failed"
    ON_HOLD = "on_hold", "On hold"
    RETURNED = "returned", "Returned"


# Before a coder can take it.
BEFORE_REVIEW = frozenset({EncounterStatus.RECEIVED, EncounterStatus.QUEUED, EncounterStatus.PREDICTING})
# What "next encounter" may hand out.
TAKEABLE = frozenset({EncounterStatus.READY, EncounterStatus.RETURNED})


class Confidentiality(models.TextChoices):
    NORMAL = "normal", "Normal"
    RESTRICTED = "restricted", "Restricted"
    VERY_RESTRICTED = "very_restricted", "Very restricted"


# Least to most: a membership's ceiling opens its own label and those before it.
CONFIDENTIALITY_ORDER = (Confidentiality.NORMAL, Confidentiality.RESTRICTED, Confidentiality.VERY_RESTRICTED)


def labels_up_to(ceiling: str) -> list[str]:
    order = [str(label.value) for label in CONFIDENTIALITY_ORDER]
    return order[: order.index(ceiling) + 1]


class AuthorityBasis(models.TextChoices):
    """By what right a restricted record may train a model."""

    CONSENT = "consent", "The patient's consent"
    RESEARCH = "research", "Research approval or waiver"
    COURT_ORDER = "court_order", "Court order"


class RetentionClass(models.TextChoices):
    STANDARD = "standard", "Standard"
    MINOR = "minor", "Minor's record"
    RESEARCH = "research", "Research"


class DocumentStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    FINAL = "final", "Final"
    ADDENDUM = "addendum", "Addendum"
    AMENDED = "amended", "Amended"
    ENTERED_IN_ERROR = "entered_in_error", "Entered in error"


class Role(models.TextChoices):
    CODER = "coder", "Coder"
    LEAD = "lead", "Lead coder"
    EXPERT = "expert", "Clinical expert"
    ADJUDICATOR = "adjudicator", "Adjudicator"
    ADMIN = "admin", "Administrator"
    AUDITOR = "auditor", "Auditor"
    PRIVACY_OFFICER = "privacy_officer", "Privacy officer"


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


RUN_OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})
RUN_ENDED = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED})
# Ended without an answer: the same question may be asked again.
RUN_UNANSWERED = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})
# What is said of a run that a person stopped. An encounter that waited for it goes the way of a failed one with this as
# its reason, and is shown as cancelled.
PREDICTION_CANCELLED = "The prediction was cancelled."


class RunTrigger(models.TextChoices):
    ARRIVAL = "arrival", "New encounter"
    DOCUMENT = "document", "New or changed document"
    MODEL = "model", "New model"
    RETRY = "retry", "Retried"
    REOPENED = "reopened", "Reopened"


class ReadingKind(models.TextChoices):
    CODING = "coding", "Coding"
    GOLD = "gold", "Gold"
    ADJUDICATION = "adjudication", "Adjudication"


class EntryOrigin(models.TextChoices):
    SUGGESTED = "suggested", "Suggested"
    ADDED = "added", "Added"


class EntryState(models.TextChoices):
    UNDECIDED = "undecided", "Undecided"
    ACCEPTED = "accepted", "Accepted"
    MODIFIED = "modified", "Modified"
    REJECTED = "rejected", "Rejected"
    ADDED = "added", "Added"
    DISMISSED = "dismissed", "Dismissed"
    HELD = "held", "Held for query"
    # An added code whose adding was undone: kept, because its decisions are kept.
    WITHDRAWN = "withdrawn", "Withdrawn"


# The entries that become code lines.
CODED_STATES = frozenset({EntryState.ACCEPTED, EntryState.MODIFIED, EntryState.ADDED})


class EntryNote(models.TextChoices):
    """What a later prediction run or document changed about an entry."""

    NONE = "", ""
    NEW = "new", "New since you last looked"
    NEW_EVIDENCE = "new_evidence", "New evidence"
    NEW_EVIDENCE_AFTER_REJECTION = "new_evidence_rejected", "Rejected before; new evidence"
    EVIDENCE_LOST = "evidence_lost", "Quote no longer in the document"
    NO_LONGER_SUGGESTED = "not_suggested", "No longer suggested"


class DecisionAction(models.TextChoices):
    ACCEPT = "accept", "Accepted"
    MODIFY = "modify", "Modified"
    REJECT = "reject", "Rejected"
    ADD = "add", "Added"
    DISMISS = "dismiss", "Dismissed"
    HOLD = "hold", "Held for query"
    WITHDRAW = "withdraw", "Undone"
    SET_ROLE = "set_role", "Role set"
    SET_POA = "set_poa", "POA set"
    SET_SEQUENCE = "set_sequence", "Sequence set"
    SET_PROCEDURE = "set_procedure", "Procedure details set"
    SET_EVIDENCE = "set_evidence", "Evidence changed"
    CARRY_OVER = "carry_over", "Carried over"


class Assistance(models.TextChoices):
    """What the reviewer had seen of the engine's work when deciding."""

    NONE = "none", "None"
    AFTER_FIRST_READ = "after_first_read", "After first read"
    FULL = "full", "Full"


class CodeSetStatus(models.TextChoices):
    OPEN = "open", "Open"
    SIGNED = "signed", "Signed off"
    SUPERSEDED = "superseded", "Superseded"


class HoldReason(models.TextChoices):
    PROVIDER_QUERY = "provider_query", "Query to provider"
    PENDING_RESULT = "pending_result", "Result pending"
    MISSING_DOCUMENT = "missing_document", "Document missing"
    SECOND_OPINION = "second_opinion", "Second opinion"
    CLINICAL_VALIDITY = "clinical_validity", "Clinical validity in doubt"
    OTHER = "other", "Other"


class ReopenReason(models.TextChoices):
    LATE_DOCUMENT = "late_document", "Late document"
    QUERY_ANSWER = "query_answer", "Query answered"
    AUDIT = "audit", "Audit"
    DENIAL = "denial", "Denial"
    CORRECTION = "correction", "Correction"


class SkipReason(models.TextChoices):
    NOT_MY_SPECIALTY = "not_my_specialty", "Not my specialty"
    CONFLICT_OF_INTEREST = "conflict_of_interest", "I know the patient"
    NEEDS_LEAD = "needs_lead", "Needs a lead"
    OTHER = "other", "Other"


class AlertKind(models.TextChoices):
    NEW_DOCUMENT = "new_document", "New document"
    NEW_VERSION = "new_version", "Document changed"


class GoldPreset(models.TextChoices):
    """Where the settings of a gold project come from (rules/gold_presets.py)."""

    PAPER = "paper", "As in the paper"
    FULL = "full", "Full"
    CUSTOM = "custom", "Own settings"


class GoldMode(models.TextChoices):
    APPROVE_ONLY = "approve_only", "Approve or reject only"
    APPROVE_AND_ADD = "approve_and_add", "Approve, reject and add"
    BLIND = "blind", "Blind coding, no labels shown"


class GoldStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    OPEN = "open", "Being read"
    ADJUDICATING = "adjudicating", "In adjudication"
    FROZEN = "frozen", "Frozen"


class Domain(models.TextChoices):
    """Each is a value set of the catalog of the same name."""

    ADVANCED_ILLNESS = "advanced_illness", "Advanced illness"
    FRAILTY = "frailty", "Frailty"
    SDOH = "sdoh", "Social determinants of health"


class LabelSource(models.TextChoices):
    ENGINE = "engine", "An engine's suggestions"
    IMPORTED = "imported", "Imported"
    NONE = "none", "None"


class GoldLabelSource(models.TextChoices):
    ENGINE = "engine", "Engine"
    IMPORTED = "imported", "Imported"
    SEEDED = "seeded", "Seeded check"


class SeededKind(models.TextChoices):
    NONE = "", ""
    SIBLING = "sibling", "Sibling of the right code"
    LATERALITY = "laterality", "Wrong side"
    NEGATED = "negated", "Negated mention"


class Profession(models.TextChoices):
    CODER = "coder", "Credentialed coder"
    CLINICIAN = "clinician", "Clinician"


class GoldChartPurpose(models.TextChoices):
    STUDY = "study", "Study"
    QUALIFICATION = "qualification", "Qualification"


class GoldReadingKind(models.TextChoices):
    INDEPENDENT = "independent", "Independent"
    REPEAT = "repeat", "Planned repeat"
    QUALIFICATION = "qualification", "Qualification"


class GoldReadingStatus(models.TextChoices):
    OPEN = "open", "Open"
    FINISHED = "finished", "Finished"
    # The lease ran out and someone else got the chart: it counts nowhere.
    LAPSED = "lapsed", "Lapsed"


class GoldVerdict(models.TextChoices):
    """In the order of their keys, 1 to 5; what each means to the gold set: rules/gold_verdicts.py."""

    APPROVE = "approve", "Approve"
    EVIDENCE_WRONG = "approve_evidence_wrong", "Approve, evidence wrong"
    MORE_SPECIFIC = "approve_more_specific", "Approve, more specific exists"
    REJECT = "reject", "Reject"
    UNDECIDABLE = "undecidable", "Cannot be decided (would query)"


class AdjudicationStatus(models.TextChoices):
    OPEN = "open", "Open"
    FINISHED = "finished", "Finished"


class Ruling(models.TextChoices):
    """The first three in the order of their keys, 1 to 3."""

    KEEP = "keep", "Keep"
    OUT = "out", "Out"
    UNDECIDABLE = "undecidable", "Would query"
    # Undone: the code waits for a ruling again.
    NONE = "none", "Taken back"


class GoldSetKind(models.TextChoices):
    """How it was read decides what it may be called."""

    GOLD = "gold", "Gold set"
    SINGLE_READ = "single_read_reference", "Single-read reference"
    APPROVED = "approved_labels", "Approved labels"


class GoldSetPurpose(models.TextChoices):
    TRAIN = "train", "Training"
    CALIBRATION = "calibration", "Calibration"
    EVALUATION = "evaluation", "Evaluation"


class GoldLabelStatus(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    # Counts neither way in an evaluation.
    UNDECIDED = "undecided", "Undecided"


# A glyph goes with each colour, so that nothing is told by colour alone.
BADGES: dict[str, str] = {
    EntryState.UNDECIDED: "",
    EntryState.ACCEPTED: "✓",
    EntryState.MODIFIED: "✓",
    EntryState.REJECTED: "✕",
    EntryState.ADDED: "+",
    EntryState.DISMISSED: "–",
    EntryState.HELD: "?",
    EntryState.WITHDRAWN: "–",
}


class EvaluationStatus(models.TextChoices):
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "At work"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


EVALUATION_OPEN = frozenset({EvaluationStatus.QUEUED, EvaluationStatus.RUNNING})
