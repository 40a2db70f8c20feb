"""What the API answers, field by field; they read rows that the views have fetched and query nothing.

Words that may be PHI (names, quotes, rationales, comments) are null unless the view put `reads_text` into
the context: the caller has the right to read documents.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from catalog.choices import ClaimType, CodeRole, CodeSystem, PresentOnAdmission
from coding_review import choices
from coding_review.models import CodeEntry, Decision, Encounter, PatientIdentity
from modelops.choices import Band, ContextTag, Setting

READS_TEXT = "reads_text"

# The type of a field whose name is also one of DRF's own attributes: its metaclass takes fields out of the class, so
# the two never meet, which the types cannot know.
OwnName: TypeAlias = Any


class TextField(serializers.CharField):
    """A string for those who may read documents, else null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) if self.context.get(READS_TEXT) else None


def words(choices_: Any, **kwargs: Any) -> serializers.ChoiceField:
    """A choice as the API shows it: the empty value, where allowed, is told by allow_blank."""
    return serializers.ChoiceField(choices=[c for c in choices_.choices if c[0] != ""], **kwargs)


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Dotted path, such as documents.0.text", allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable; `data` holds ids and codes, `errors` the fields of an invalid request."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    data: OwnName = serializers.DictField(required=False)
    errors: OwnName = FieldProblemSerializer(many=True, required=False)


class ReleaseSerializer(serializers.Serializer[Any]):
    system = words(CodeSystem)
    edition = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
    source_hash = serializers.CharField()


class CodeSetRefSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    claim_type = words(ClaimType)
    version = serializers.IntegerField()
    status = words(choices.CodeSetStatus)
    revision = serializers.IntegerField(help_text="Counts up with every change; sign-off names it")


class EncounterRowSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    source: OwnName = serializers.CharField()
    source_id = serializers.CharField()
    patient_id = serializers.CharField(
        source="patient.pseudonym", default=None, allow_null=True, help_text="Pseudonym"
    )
    facility = serializers.CharField(source="facility.code")
    work_group = serializers.CharField(source="work_group.code")
    confidentiality = words(choices.Confidentiality)
    synthetic = serializers.BooleanField()
    setting = words(Setting)
    claim_types = serializers.ListField(child=words(ClaimType))
    specialty = serializers.CharField(allow_blank=True)
    payer = serializers.CharField(allow_blank=True)
    age = serializers.FloatField(allow_null=True)
    age_unit = serializers.CharField()
    sex = serializers.CharField(allow_blank=True)
    admit_date = serializers.DateField(allow_null=True)
    discharge_date = serializers.DateField(allow_null=True)
    date_of_service = serializers.DateField(allow_null=True)
    status = words(choices.EncounterStatus)
    status_words = serializers.CharField(
        help_text="The status as people read it: Cancelled, not Failed, where a person stopped the prediction"
    )
    status_reason = serializers.CharField(allow_blank=True)
    status_since = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    priority = serializers.IntegerField()
    owner = serializers.CharField(
        source="owner.username", default=None, allow_null=True, help_text="User name of who has it"
    )
    lease_until = serializers.DateTimeField(allow_null=True)
    document_count = serializers.IntegerField()
    high_count = serializers.IntegerField()
    medium_count = serializers.IntegerField()
    low_count = serializers.IntegerField()
    decided_count = serializers.IntegerField()
    coded_count = serializers.IntegerField()
    open_alerts = serializers.IntegerField()
    code_sets = CodeSetRefSerializer(
        many=True, source="current_code_sets", help_text="The newest version for each claim type"
    )


class EncounterPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EncounterRowSerializer(many=True)


class PatientSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    record_number = serializers.CharField(allow_blank=True)
    birth_date = serializers.DateField(allow_null=True)


class EncounterSerializer(EncounterRowSerializer):
    account_number = TextField()
    patient = serializers.SerializerMethodField(
        help_text="Null without the right to read documents, and where no name was sent"
    )

    @extend_schema_field(PatientSerializer(allow_null=True))
    def get_patient(self, encounter: Encounter) -> dict[str, Any] | None:
        identity: PatientIdentity | None = getattr(encounter.patient, "identity", None)
        if identity is None or not self.context.get(READS_TEXT):
            return None
        return dict(PatientSerializer(identity).data)


class DocumentVersionRefSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    is_latest = serializers.BooleanField()
    sha256 = serializers.CharField()
    line_count = serializers.IntegerField()
    received_at = serializers.DateTimeField()


class DocumentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    document_id = serializers.CharField(source="source_id", help_text="Id at the source")
    type = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_blank=True)
    author_role = serializers.CharField(allow_blank=True)
    authored_at = serializers.DateTimeField(allow_null=True)
    signed_at = serializers.DateTimeField(allow_null=True)
    status = words(choices.DocumentStatus)
    versions = DocumentVersionRefSerializer(many=True, source="known_versions")


class DocumentTextSerializer(DocumentVersionRefSerializer):
    document = serializers.IntegerField(source="document_id")
    text = serializers.CharField(
        help_text="Exactly as received. Lines count from 1, split at LF after CRLF and CR became LF; columns "
        "are Unicode code points from 0, the end exclusive.",
        trim_whitespace=False,
    )


class CodeSetSerializer(CodeSetRefSerializer):
    encounter = serializers.IntegerField(source="encounter_id")
    release = ReleaseSerializer(allow_null=True)
    release_stands_in = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    signed_by = serializers.CharField(source="signed_by.username", default=None, allow_null=True)
    signed_at = serializers.DateTimeField(allow_null=True)
    credential = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(allow_blank=True)
    reopened_from = serializers.IntegerField(source="reopened_from_id", allow_null=True)
    reopen_reason = words(choices.ReopenReason, allow_blank=True)


class BlockerSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()


class CodeSetDetailSerializer(CodeSetSerializer):
    blockers = BlockerSerializer(many=True, help_text="What keeps an open code set from being signed")


class EvidenceSerializer(serializers.Serializer[Any]):
    document = serializers.IntegerField(source="document_version.document_id")
    document_version = serializers.IntegerField(source="document_version_id")
    version = serializers.IntegerField(source="document_version.version")
    line_start = serializers.IntegerField()
    line_end = serializers.IntegerField()
    col_start = serializers.IntegerField()
    col_end = serializers.IntegerField()
    quote = TextField(trim_whitespace=False)
    by_reviewer = serializers.BooleanField()
    stands = serializers.BooleanField(help_text="False once a newer version of the document no longer has it")


class CodeLineFieldsSerializer(serializers.Serializer[Any]):
    system = words(CodeSystem)
    code = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    sequence = serializers.IntegerField()
    role = words(CodeRole, allow_blank=True)  # empty: a procedure
    poa = words(PresentOnAdmission, allow_blank=True)
    modifiers = serializers.ListField(child=serializers.CharField())
    units = serializers.IntegerField()
    service_date = serializers.DateField(allow_null=True)
    rendering_provider = serializers.CharField(allow_blank=True)
    diagnosis_pointers = serializers.ListField(child=serializers.IntegerField())


class EntrySerializer(CodeLineFieldsSerializer):
    """A code under review: `code` is what stands now, `suggested_code` what the engine said."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Counts up with every change; a decision names it")
    state = words(choices.EntryState)
    origin = words(choices.EntryOrigin)
    suggested_code = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    note = words(choices.EntryNote, allow_blank=True)
    rank = serializers.IntegerField(help_text="Document order")
    band = words(Band, allow_blank=True)
    confidence = serializers.FloatField(allow_null=True)
    rationale = TextField()
    context: OwnName = serializers.ListField(child=words(ContextTag))
    engine = serializers.CharField(source="suggestion.run.engine", default="", allow_blank=True)
    model_version = serializers.CharField(source="suggestion.run.model_version", default="", allow_blank=True)
    evidence = serializers.SerializerMethodField()

    @extend_schema_field(EvidenceSerializer(many=True))
    def get_evidence(self, entry: CodeEntry) -> list[dict[str, Any]]:
        shown: Any = self.context
        return list(EvidenceSerializer(entry.evidence.all(), many=True, context=shown).data)


class SuggestionsSerializer(serializers.Serializer[Any]):
    code_set = CodeSetRefSerializer()
    entries = EntrySerializer(many=True)


class ChangedSerializer(serializers.Serializer[Any]):
    """After an act: the entries it changed as they stand now, and the code set's revision."""

    code_set = CodeSetRefSerializer()
    entries = EntrySerializer(many=True)


class DecisionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Order within the reading, from 1")
    act = serializers.UUIDField(source="batch", help_text="Decisions made by one act undo together")
    entry = serializers.IntegerField(source="entry_id")
    action = words(choices.DecisionAction)
    actor = serializers.CharField(source="actor.username", default=None, allow_null=True)
    at = serializers.DateTimeField()
    undoes = serializers.IntegerField(source="undoes_id", allow_null=True)
    redoes = serializers.IntegerField(source="redoes_id", allow_null=True)
    system = words(CodeSystem)
    code_before = serializers.CharField(allow_blank=True)
    code_after = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    reasons_edition = serializers.CharField(allow_blank=True)
    assistance = words(choices.Assistance)
    rank_shown = serializers.IntegerField(allow_null=True)
    band_shown = words(Band, allow_blank=True)
    confidence_shown = serializers.FloatField(allow_null=True)
    first_shown_at = serializers.DateTimeField(allow_null=True)
    evidence_opened = serializers.BooleanField()
    engine = serializers.CharField(allow_blank=True)
    model_version = serializers.CharField(allow_blank=True)
    release = serializers.CharField(source="release_name", allow_blank=True)
    evidence_place = serializers.DictField(help_text="Place of the first evidence, as ids and numbers")
    comment = serializers.SerializerMethodField(
        help_text="Null without the right to read documents, and once purged"
    )

    @extend_schema_field(serializers.CharField(allow_null=True, allow_blank=True))
    def get_comment(self, decision: Decision) -> str | None:
        if not self.context.get(READS_TEXT):
            return None
        payload = getattr(decision, "payload", None)
        if payload is None:
            return ""
        return None if payload.purged_at else str(payload.comment)


class DecisionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DecisionSerializer(many=True)


class SignedLineSerializer(CodeLineFieldsSerializer):
    entry = serializers.IntegerField(source="entry_id")


class SignedCodeSetSerializer(CodeSetSerializer):
    statement = serializers.CharField()
    editions = serializers.DictField(help_text="The edition of every table used")
    lines = SignedLineSerializer(many=True)


class EncounterStateSerializer(serializers.Serializer[Any]):
    """After an act on an encounter."""

    id = serializers.IntegerField()
    status = words(choices.EncounterStatus)
    status_words = serializers.CharField(help_text="The status as people read it")
    status_since = serializers.DateTimeField()
    owner = serializers.CharField(source="owner.username", default=None, allow_null=True)
    lease_until = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(component_name="Receipt")
class ReceiptSerializer(serializers.Serializer[Any]):
    """What became of one object; `status` is what it would have been answered with alone."""

    index = serializers.IntegerField(help_text="Place in the list sent, from 0")
    id = serializers.CharField(allow_null=True, help_text="The object's id, where it could be read")
    status = serializers.IntegerField(help_text="201 created, 200 known before, 4xx refused")
    outcome = serializers.CharField(
        help_text="created, unchanged, new_document, new_version, late_after_sign_off or refused"
    )
    encounter = serializers.IntegerField(allow_null=True)
    document_versions = serializers.ListField(
        child=serializers.IntegerField(), help_text="Versions stored by this request"
    )
    updated = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that followed the source"
    )
    kept = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that differ and were kept as they are here"
    )
    error = ProblemSerializer(allow_null=True)


class ReceiptsSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    known = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ReceiptSerializer(many=True)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Send it as: Authorization: Token <token>")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Null: not by time")
