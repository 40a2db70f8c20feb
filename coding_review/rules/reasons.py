"""Reason codes of a rejection or modification: stable ids, four families by key (after Hou et al. 2025)."""

from __future__ import annotations

from dataclasses import dataclass

EDITION = "2026-1"


@dataclass(frozen=True, slots=True)
class Reason:
    id: str
    label: str
    comment_required: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """`key` is the first digit; `reasons` have the second, from 1; Enter after the first chooses the family alone."""

    key: str
    id: str
    label: str
    reasons: tuple[Reason, ...] = ()
    comment_required: bool = False


FAMILIES: tuple[Family, ...] = (
    Family(
        "1",
        "information_absent",
        "Information absent",
        (
            Reason("not_documented", "Not documented"),
            Reason("finding_without_diagnosis", "Finding or lab value without a provider's diagnosis"),
            Reason("author_not_permitted", "Author not permitted"),
        ),
    ),
    Family(
        "2",
        "criteria_insufficient",
        "Criteria insufficient",
        (
            Reason("not_specific", "Specificity, laterality or type not documented"),
            Reason("conflicting_documentation", "Conflicting documentation"),
            Reason("not_reportable", "Does not meet the reporting definition"),
        ),
    ),
    Family(
        "3",
        "rule_violation",
        "Rule violation",
        (
            Reason("excludes1", "Excludes1"),
            Reason("integral_symptom", "Integral symptom"),
            Reason("sequencing", "Sequencing"),
            Reason("outpatient_uncertain", "Uncertain diagnosis, outpatient"),
            Reason("bundled", "Bundled"),
            Reason("other_claim_type", "Belongs to another claim type"),
            Reason("facility_policy", "Facility policy"),
        ),
    ),
    Family(
        "4",
        "context",
        "Context",
        (
            Reason("negated", "Negated"),
            Reason("family_history", "Family history"),
            Reason("historical", "Historical or resolved"),
            Reason("hypothetical", "Hypothetical"),
            Reason("other_person", "Other person or encounter"),
            Reason("copied_forward", "Copied forward"),
        ),
    ),
    Family("5", "wrong_evidence", "Right code, wrong evidence"),
    Family("6", "duplicate", "Duplicate"),
    Family("9", "other", "Other", comment_required=True),
)

LABELS: dict[str, str] = {family.id: family.label for family in FAMILIES} | {
    reason.id: reason.label for family in FAMILIES for reason in family.reasons
}
FAMILY_OF: dict[str, str] = {family.id: family.id for family in FAMILIES} | {
    reason.id: family.id for family in FAMILIES for reason in family.reasons
}
COMMENT_REQUIRED: frozenset[str] = frozenset(
    {family.id for family in FAMILIES if family.comment_required}
    | {reason.id for family in FAMILIES for reason in family.reasons if reason.comment_required}
)


def label(reason: str) -> str:
    """ "context: negated", or the family's label alone."""
    family = FAMILY_OF.get(reason, "")
    if not family or family == reason:
        return LABELS.get(reason, reason)
    return f"{LABELS[family]}: {LABELS[reason][0].lower()}{LABELS[reason][1:]}"
