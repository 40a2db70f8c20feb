"""The tables of the review application."""

from coding_review.models.audit import AuditChain, AuditEvent, AuditPayload
from coding_review.models.codeset import CodeLine, CodeSet
from coding_review.models.dataset_build import DatasetBuild
from coding_review.models.document import Document, DocumentVersion
from coding_review.models.encounter import (
    DocumentAlert,
    Encounter,
    Hold,
    Patient,
    PatientIdentity,
    Skip,
)
from coding_review.models.evaluation_job import EvaluationJob
from coding_review.models.finding import (
    FindingOverride,
    FindingOverridePayload,
    FindingShown,
)
from coding_review.models.gold_project import (
    Codebook,
    GoldChart,
    GoldLabel,
    GoldLabelEvidence,
    GoldProject,
    GoldReader,
)
from coding_review.models.gold_reading import (
    Adjudication,
    GoldAddition,
    GoldAdditionEvidence,
    GoldJudgement,
    GoldJudgementWords,
    GoldReading,
    GoldReply,
    GoldReplyWords,
    GoldRuling,
    GoldRulingWords,
)
from coding_review.models.gold_set import (
    GoldSet,
    GoldSetChart,
    GoldSetLabel,
    GoldSetText,
    GoldTombstone,
)
from coding_review.models.organisation import Facility, Membership, ReviewerProfile, RoleAssignment, WorkGroup
from coding_review.models.prediction import (
    ContextMention,
    DiscardedOutput,
    PredictionRun,
    Suggestion,
    SuggestionEvidence,
)
from coding_review.models.reading import (
    ActiveTime,
    CodeEntry,
    Decision,
    DecisionPayload,
    EntryEvidence,
    Exposure,
    Reading,
)
from coding_review.models.training_authority import TrainingAuthority

__all__ = [
    "ActiveTime",
    "Adjudication",
    "AuditChain",
    "AuditEvent",
    "AuditPayload",
    "CodeEntry",
    "CodeLine",
    "CodeSet",
    "Codebook",
    "ContextMention",
    "DatasetBuild",
    "Decision",
    "DecisionPayload",
    "DiscardedOutput",
    "Document",
    "DocumentAlert",
    "DocumentVersion",
    "Encounter",
    "EntryEvidence",
    "EvaluationJob",
    "Exposure",
    "Facility",
    "FindingOverride",
    "FindingOverridePayload",
    "FindingShown",
    "GoldAddition",
    "GoldAdditionEvidence",
    "GoldChart",
    "GoldJudgement",
    "GoldJudgementWords",
    "GoldLabel",
    "GoldLabelEvidence",
    "GoldProject",
    "GoldReader",
    "GoldReading",
    "GoldReply",
    "GoldReplyWords",
    "GoldRuling",
    "GoldRulingWords",
    "GoldSet",
    "GoldSetChart",
    "GoldSetLabel",
    "GoldSetText",
    "GoldTombstone",
    "Hold",
    "Membership",
    "Patient",
    "PatientIdentity",
    "PredictionRun",
    "Reading",
    "ReviewerProfile",
    "RoleAssignment",
    "Skip",
    "Suggestion",
    "SuggestionEvidence",
    "TrainingAuthority",
    "WorkGroup",
]
