"""The words of code systems and claims that every package shares; labels are what pages show."""

from django.db import models


class CodeSystem(models.TextChoices):
    ICD10CM = "icd10cm", "ICD-10-CM"
    ICD10PCS = "icd10pcs", "ICD-10-PCS"
    CPT = "cpt", "CPT"
    HCPCS = "hcpcs", "HCPCS Level II"


class ClaimType(models.TextChoices):
    """Which rules a code set is coded under: Official Guidelines sections II-III, or IV."""

    FACILITY_INPATIENT = "facility_inpatient", "Facility inpatient"
    FACILITY_OUTPATIENT = "facility_outpatient", "Facility outpatient"
    PROFESSIONAL = "professional", "Professional"


class CodeRole(models.TextChoices):
    PRINCIPAL = "principal", "Principal"
    FIRST_LISTED = "first_listed", "First-listed"
    SECONDARY = "secondary", "Secondary"
    ADMITTING = "admitting", "Admitting"
    REASON_FOR_VISIT = "reason_for_visit", "Reason for visit"
    EXTERNAL_CAUSE = "external_cause", "External cause"


class PresentOnAdmission(models.TextChoices):
    YES = "Y", "Y (present)"
    NO = "N", "N (not present)"
    UNKNOWN = "U", "U (documentation insufficient)"
    CLINICALLY_UNDETERMINED = "W", "W (clinically undetermined)"
    EXEMPT = "1", "Exempt"


class ReleaseStatus(models.TextChoices):
    """A release is written in one transaction, so what others see is complete."""

    COMPLETE = "complete", "Complete"
    # Kept for what was coded with it, never chosen for a date again.
    WITHDRAWN = "withdrawn", "Withdrawn"


class Origin(models.TextChoices):
    """Where a release or table comes from; samples are for trying the product, never for billing."""

    PUBLISHED = "published", "Published"
    DEFAULT = "default", "Default of this product"
    SITE = "site", "The site's own"
    SAMPLE = "sample", "Sample, not for billing"


class TableKind(models.TextChoices):
    """Tables published about codes."""

    INDEX = "index", "ICD-10-CM Alphabetic Index"
    DRUGS = "drugs", "ICD-10-CM Table of Drugs"
    NEOPLASMS = "neoplasms", "ICD-10-CM Table of Neoplasms"
    EXTERNAL_CAUSES = "external_causes", "ICD-10-CM External Cause Index"
    MODIFIERS = "modifiers", "Modifiers"
    NCCI = "ncci", "NCCI procedure-to-procedure edits"
    MUE = "mue", "Medically unlikely edits"
    MCE = "mce", "Medicare Code Editor"
    HCC = "hcc", "HCC mapping"
    POA_EXEMPT = "poa_exempt", "POA exempt list"
    VALUE_SET = "value_set", "Value set"


INDEX_KINDS: tuple[TableKind, ...] = (
    TableKind.INDEX,
    TableKind.DRUGS,
    TableKind.NEOPLASMS,
    TableKind.EXTERNAL_CAUSES,
)


class ProviderTable(models.TextChoices):
    """NCCI pairs and MUE are published apart for these two; the names of such editions."""

    PRACTITIONER = "practitioner", "Practitioner"
    OUTPATIENT_HOSPITAL = "outpatient_hospital", "Outpatient hospital"


class MceList(models.TextChoices):
    """Lists of the Medicare Code Editor that checks ask about."""

    PERINATAL = "perinatal", "Perinatal and newborn (age 0)"
    PEDIATRIC = "pediatric", "Pediatric"
    MATERNITY = "maternity", "Maternity"
    ADULT = "adult", "Adult"
    FEMALE = "female", "Female diagnoses"
    MALE = "male", "Male diagnoses"
    MANIFESTATION = "manifestation", "Manifestation as principal"
    UNACCEPTABLE = "unacceptable_principal", "Unacceptable principal diagnosis"
    UNACCEPTABLE_ALONE = (
        "unacceptable_principal_alone",
        "Unacceptable principal without a secondary diagnosis",
    )
    QUESTIONABLE = "questionable_admission", "Questionable admission"
    UNSPECIFIED = "unspecified", "Unspecified code"
    OTHER = "other", "Another list"


class NodeKind(models.TextChoices):
    CHAPTER = "chapter", "Chapter"
    BLOCK = "block", "Block"
    CATEGORY = "category", "Category"
    SUBCATEGORY = "subcategory", "Subcategory"
    EXTENDED = "extended", "Code with 7th character"
    # Systems without a hierarchy of their own (CPT, HCPCS, PCS).
    CODE = "code", "Code"


# What groups codes and is never itself looked up before a code of the same name (B20 is both).
GROUP_KINDS: tuple[NodeKind, ...] = (NodeKind.CHAPTER, NodeKind.BLOCK)


class NoteKind(models.TextChoices):
    """The tabular list's instructional notes, under the names the conventions give them."""

    INCLUDES = "includes", "Includes"
    INCLUSION_TERM = "inclusion_term", "Inclusion term"
    EXCLUDES1 = "excludes1", "Excludes1"
    EXCLUDES2 = "excludes2", "Excludes2"
    CODE_FIRST = "code_first", "Code first"
    USE_ADDITIONAL_CODE = "use_additional_code", "Use additional code"
    CODE_ALSO = "code_also", "Code also"
    SEVENTH_CHARACTER = "seventh_character", "7th character"
    NOTE = "note", "Note"


# Inclusion terms define the code that carries them; every other note holds for all codes below it too.
OWN_NOTE_KINDS: tuple[NoteKind, ...] = (NoteKind.INCLUSION_TERM,)
# The words by which a code is found besides its title.
TERM_NOTE_KINDS: tuple[NoteKind, ...] = (NoteKind.INCLUSION_TERM, NoteKind.INCLUDES)


# Systems that a claim type carries: PCS on facility inpatient only, CPT/HCPCS elsewhere only.
SYSTEMS_BY_CLAIM_TYPE: dict[str, tuple[str, ...]] = {
    ClaimType.FACILITY_INPATIENT: (CodeSystem.ICD10CM, CodeSystem.ICD10PCS),
    ClaimType.FACILITY_OUTPATIENT: (CodeSystem.ICD10CM, CodeSystem.CPT, CodeSystem.HCPCS),
    ClaimType.PROFESSIONAL: (CodeSystem.ICD10CM, CodeSystem.CPT, CodeSystem.HCPCS),
}

# The right to see payment facts (catalog/payment_facts.py); the project gives it to roles.
VIEW_PAYMENT_FACTS = "catalog.view_payment_facts"
