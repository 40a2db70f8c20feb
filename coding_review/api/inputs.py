"""What the API takes. A field it does not know is refused, so that a misspelt one is not silently left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from catalog.choices import ClaimType, CodeRole, CodeSystem, PresentOnAdmission
from coding_review import choices
from coding_review.api.serializers import OwnName, words
from modelops.choices import Setting

MAX_ID = 2**63 - 1
MAX_COUNT = 2**31 - 1


class Input(serializers.Serializer[Any]):
    default_error_messages = {"unknown": "This field is not known here."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            message = serializers.ErrorDetail(str(self.error_messages["unknown"]), code="unknown_field")
            raise serializers.ValidationError({name[:40]: [message] for name in unknown[:10]})
        return super().to_internal_value(data)


class NothingIn(Input):
    """No fields: an empty object or no body."""


class EncounterFilter(serializers.Serializer[Any]):
    status = words(choices.EncounterStatus, required=False)
    claim_type = words(ClaimType, required=False)
    facility = serializers.CharField(required=False, max_length=40, help_text="Code of the facility")
    since = serializers.DateTimeField(required=False, help_text="Received at this time or later")


class DocumentIn(Input):
    document_id = serializers.CharField()
    type = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    author = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    author_role = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    authored_at = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text="ISO 8601"
    )
    signed_at = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text="ISO 8601")
    status = words(choices.DocumentStatus, required=False, allow_null=True)
    text = serializers.CharField(trim_whitespace=False, help_text="At most 1 MiB and 20,000 lines")


class EncounterIn(Input):
    """A chart of the batch interface with an encounter's further fields; either text or documents.

    Read by coding_review/intake/jsonl.py like a line of a file; this class only describes it.
    """

    id = serializers.CharField()
    text = serializers.CharField(required=False, trim_whitespace=False)
    documents = DocumentIn(many=True, required=False)
    source: OwnName = serializers.CharField(
        required=False, allow_null=True, help_text="The system the id comes from"
    )
    encounter_id = serializers.CharField(required=False, allow_null=True)
    facility = serializers.CharField(help_text="Code of the facility")
    work_group = serializers.CharField(help_text="Code of the work group")
    confidentiality = words(choices.Confidentiality, required=False, allow_null=True)
    setting = words(Setting, required=False, allow_null=True)
    claim_type = words(ClaimType, required=False, allow_null=True)
    claim_types = serializers.ListField(child=words(ClaimType), required=False, allow_null=True)
    patient_id = serializers.CharField(required=False, allow_null=True, help_text="Pseudonym")
    patient_name = serializers.CharField(required=False, allow_null=True, help_text="Needs patient_id")
    record_number = serializers.CharField(required=False, allow_null=True, help_text="Needs patient_id")
    birth_date = serializers.DateField(required=False, allow_null=True, help_text="Needs patient_id")
    account_number = serializers.CharField(required=False, allow_null=True)
    date_of_service = serializers.DateField(required=False, allow_null=True)
    admit_date = serializers.DateField(required=False, allow_null=True)
    discharge_date = serializers.DateField(required=False, allow_null=True)
    age = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=50_000)
    age_unit = serializers.ChoiceField(
        choices=["years", "months", "weeks", "days"], required=False, allow_null=True
    )
    sex = serializers.ChoiceField(choices=["F", "M", "X", "U"], required=False, allow_null=True)
    specialty = serializers.CharField(required=False, allow_null=True)
    payer = serializers.CharField(required=False, allow_null=True)
    priority = serializers.IntegerField(required=False, allow_null=True, min_value=-100, max_value=100)
    synthetic = serializers.BooleanField(required=False, allow_null=True)


class ActIn(Input):
    act = serializers.UUIDField(
        required=False, help_text="Your id of this act: sent again, nothing happens twice"
    )


class EntryActIn(ActIn):
    version = serializers.IntegerField(
        min_value=0,
        max_value=MAX_COUNT,
        help_text="The entry's version that was decided on; 409 if it changed",
    )


class DecideIn(EntryActIn):
    action = serializers.ChoiceField(choices=["accept", "reject", "modify", "dismiss", "hold", "withdraw"])
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=40, help_text="Needed to reject"
    )
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    code = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=12, help_text="To modify: the code instead"
    )
    poa = words(PresentOnAdmission, required=False, allow_blank=True, help_text="With accept, inpatient")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] == "modify" and not attrs["code"]:
            raise serializers.ValidationError({"code": "Needed to modify."}, code="required")
        return attrs


class ProcedureIn(Input):
    modifiers = serializers.ListField(
        child=serializers.CharField(max_length=2), required=False, default=list, max_length=4
    )
    units = serializers.IntegerField(required=False, default=1, min_value=1, max_value=9999)
    service_date = serializers.DateField(required=False, default=None, allow_null=True)
    rendering_provider = serializers.CharField(required=False, default="", allow_blank=True, max_length=120)
    diagnosis_pointers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=12), required=False, default=list, max_length=12
    )


LINE_CHANGES = ("role", "poa", "move", "procedure")


class LineIn(EntryActIn):
    """Exactly one of role, poa, move and procedure: each is a decision of its own."""

    role = words(CodeRole, required=False)
    poa = words(PresentOnAdmission, required=False, allow_blank=True)
    move = serializers.IntegerField(
        required=False, min_value=-500, max_value=500, help_text="Places in the order, negative is up"
    )
    procedure = ProcedureIn(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in LINE_CHANGES) != 1:
            raise serializers.ValidationError(
                f"Exactly one of {', '.join(LINE_CHANGES)} is needed.", code="one_change"
            )
        return attrs


class EvidenceIn(Input):
    """Whole lines, or the columns with the quote that stands there; a quote that does not match is refused."""

    document_version = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    line_start = serializers.IntegerField(min_value=1, max_value=MAX_COUNT)
    line_end = serializers.IntegerField(min_value=1, max_value=MAX_COUNT)
    col_start = serializers.IntegerField(required=False, min_value=0, max_value=MAX_COUNT)
    col_end = serializers.IntegerField(required=False, min_value=0, max_value=MAX_COUNT)
    quote = serializers.CharField(required=False, max_length=20_000, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"col_start", "col_end", "quote"} & set(attrs)) not in (0, 3):
            raise serializers.ValidationError(
                "col_start, col_end and quote go together.", code="incomplete_place"
            )
        return attrs


class AddCodeIn(ActIn):
    system = words(CodeSystem, required=False, default=CodeSystem.ICD10CM.value)
    code = serializers.CharField(max_length=12)
    evidence = serializers.ListField(
        child=EvidenceIn(), required=False, max_length=50, help_text="Needed for a diagnosis"
    )
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class HoldIn(Input):
    reason = words(choices.HoldReason)
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    expected_on = serializers.DateField(required=False, default=None, allow_null=True)


class SkipIn(Input):
    reason = words(choices.SkipReason)
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class SignOffIn(Input):
    revision = serializers.IntegerField(
        min_value=0, max_value=MAX_COUNT, help_text="The code set's revision that was looked at"
    )


class ReopenIn(Input):
    reason = words(choices.ReopenReason)
    comment = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class CredentialsIn(Input):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, style={"input_type": "password"})
