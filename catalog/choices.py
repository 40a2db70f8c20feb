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


# Systems that a claim type carries: PCS on facility inpatient only, CPT/HCPCS elsewhere only.
SYSTEMS_BY_CLAIM_TYPE: dict[str, tuple[str, ...]] = {
    ClaimType.FACILITY_INPATIENT: (CodeSystem.ICD10CM, CodeSystem.ICD10PCS),
    ClaimType.FACILITY_OUTPATIENT: (CodeSystem.ICD10CM, CodeSystem.CPT, CodeSystem.HCPCS),
    ClaimType.PROFESSIONAL: (CodeSystem.ICD10CM, CodeSystem.CPT, CodeSystem.HCPCS),
}
