"""The words of engines and predictions that modelops and coding_review share."""

from django.db import models


class Setting(models.TextChoices):
    """Where care was given (the batch interface's `setting`)."""

    INPATIENT = "inpatient", "Inpatient"
    OUTPATIENT = "outpatient", "Outpatient"
    EMERGENCY = "emergency", "Emergency"
    OBSERVATION = "observation", "Observation"
    HOME = "home", "Home"
    SNF = "snf", "Skilled nursing"


class ContextTag(models.TextChoices):
    """What the words around a mention say about it."""

    NEGATED = "negated", "negated"
    FAMILY = "family", "family"
    HISTORICAL = "historical", "historical"
    HYPOTHETICAL = "hypothetical", "hypothetical"
    UNCERTAIN = "uncertain", "uncertain"
    OTHER_PERSON = "other_person", "other person"


# A mention so tagged is shown in the text, never suggested.
NEVER_SUGGESTED: frozenset[str] = frozenset(
    {ContextTag.NEGATED, ContextTag.HYPOTHETICAL, ContextTag.OTHER_PERSON}
)


class Band(models.TextChoices):
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


class TrainingMethod(models.TextChoices):
    FULL = "full", "Full fine-tuning"
    LORA = "lora", "LoRA adapter"


class TrainingStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SAVING = "saving", "Saving"
    CANCELLING = "cancelling", "Cancelling"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    DONE = "done", "Done"


# A slot of resources holds one of these at a time.
TRAINING_AT_WORK: tuple[str, ...] = (
    TrainingStatus.RUNNING,
    TrainingStatus.SAVING,
    TrainingStatus.CANCELLING,
)
TRAINING_OPEN: tuple[str, ...] = (TrainingStatus.QUEUED, *TRAINING_AT_WORK)
# Ended before its end: goes on from its newest complete checkpoint when it is asked to.
TRAINING_RESUMABLE: tuple[str, ...] = (TrainingStatus.CANCELLED, TrainingStatus.FAILED)


class DatasetKind(models.TextChoices):
    """What a dataset teaches; the choices name prompts of the LLM engine's diagnoses."""

    ICD10CM = "icd10cm", "Diagnoses (ICD-10-CM)"


class SynthesisKind(models.TextChoices):
    """What synthetic charts are written about."""

    ICD10CM = "icd10cm", "Diagnoses (ICD-10-CM)"
    PROCEDURES = "procedures", "Procedures (CPT, HCPCS)"


class SynthesisWriter(models.TextChoices):
    EMBEDDED = "embedded", "Embedded"
    LLM = "llm", "Language model"


class WorkStatus(models.TextChoices):
    """Of what a worker does once for somebody: charts to write, a dataset to build."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


WORK_OPEN: frozenset[str] = frozenset({WorkStatus.QUEUED, WorkStatus.RUNNING})


class ModelState(models.TextChoices):
    """Where a model version stands; see ModelVersion.state."""

    CANDIDATE = "candidate", "Candidate"
    SERVING = "serving", "Serving"
    RETIRED = "retired", "Retired"


class PromotionKind(models.TextChoices):
    """What was done to which model answers."""

    PROMOTE = "promote", "Promoted"
    ROLLBACK = "rollback", "Rolled back"
    CANARY = "canary", "Canary share set"
    SHADOW = "shadow", "Shadow scoring set"
