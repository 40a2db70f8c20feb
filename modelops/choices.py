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
