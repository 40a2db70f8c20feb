"""What the API's answers are drawn from; each takes rows the caller was allowed to get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, Q, prefetch_related_objects

from coding_review.choices import ReadingKind
from coding_review.errors import ActReused
from coding_review.models import (
    CodeEntry,
    CodeSet,
    Decision,
    Document,
    DocumentVersion,
    Encounter,
    EntryEvidence,
)
from coding_review.models.encounter import EncounterQuerySet
from coding_review.models.reading import CodeEntryQuerySet

_CODE_SETS = Prefetch("code_sets", CodeSet.objects.current().order_by("pk"), to_attr="current_code_sets")


def visible_encounters(user: Any, filters: dict[str, Any]) -> EncounterQuerySet:
    """As api/inputs.py EncounterFilter has read them; with everything a row shows."""
    rows = Encounter.objects.visible_to(user)
    if "status" in filters:
        rows = rows.filter(status=filters["status"])
    if "claim_type" in filters:
        rows = rows.filter(claim_types__contains=[filters["claim_type"]])
    if "facility" in filters:
        rows = rows.filter(facility__code=filters["facility"])
    if "since" in filters:
        rows = rows.filter(received_at__gte=filters["since"])
    return rows.select_related("facility", "work_group", "owner", "patient").prefetch_related(_CODE_SETS)


def with_details(encounter: Encounter, *, identity: bool) -> Encounter:
    prefetch_related_objects([encounter], _CODE_SETS, *(["patient__identity"] if identity else []))
    return encounter


def documents_of(encounter: Encounter) -> list[Document]:
    versions = DocumentVersion.objects.defer("text").order_by("version")
    return list(
        encounter.documents.order_by("position", "pk").prefetch_related(
            Prefetch("versions", versions, to_attr="known_versions")
        )
    )


def shown_entries(code_set: CodeSet) -> list[CodeEntry]:
    """What the suggestions list shows, in document order."""
    coding = CodeEntry.objects.filter(reading__code_set=code_set, reading__kind=ReadingKind.CODING)
    return _with_evidence(coding.on_list())


def entries_of(code_set: CodeSet, ids: Iterable[int]) -> list[CodeEntry]:
    """These entries as they stand, withdrawn ones too, in document order."""
    entries = CodeEntry.objects.filter(reading__code_set=code_set, pk__in=set(ids))
    return _with_evidence(entries.order_by("rank", "pk"))


def _with_evidence(entries: CodeEntryQuerySet) -> list[CodeEntry]:
    """With everything an entry's answer shows; the texts of the documents stay where they are."""
    evidence = EntryEvidence.objects.select_related("document_version").defer("document_version__text")
    return list(entries.select_related("suggestion__run").prefetch_related(Prefetch("evidence", evidence)))


def refuse_reused(actor: Any, code_set: CodeSet, act: Any, same: Q) -> None:
    """Raises ActReused where the client's id already names another act on the code set.

    The action itself sees to it that the same act sent twice is done once.
    """
    if act is None:
        return
    known = Decision.objects.filter(reading__code_set=code_set, batch=act)
    if known.exists() and not known.filter(same, actor=actor).exists():
        raise ActReused("This id already names another act; make a new one.", act=str(act))
