"""What changed between two versions of a document, what was decided on words that are gone, and the alert."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.open_encounter import open_encounter
from coding_review.actions.resolve_alert import RESOLUTIONS, resolve_alert
from coding_review.auth import RoleBackend
from coding_review.choices import ReadingKind
from coding_review.models import CodeSet, Document, DocumentAlert, DocumentVersion, EntryEvidence
from coding_review.rules.permissions import CODE_ENCOUNTER, READ_DOCUMENTS
from coding_review.text_diff import DiffLine, hunks
from coding_review.web.getters import get_encounter_for
from coding_review.web.review import to

_SIGNS = {"same": " ", "removed": "-", "added": "+"}
_WORDS = {"same": "", "removed": "removed: ", "added": "added: "}


@dataclass(frozen=True, slots=True)
class ShownLine:
    kind: str
    sign: str
    word: str
    old: str
    new: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownHunk:
    skipped: int
    lines: tuple[ShownLine, ...]


def _shown(line: DiffLine) -> ShownLine:
    return ShownLine(
        line.kind,
        _SIGNS[line.kind],
        _WORDS[line.kind],
        str(line.old_number or ""),
        str(line.new_number or ""),
        line.text,
    )


@require_GET
def document_difference(
    request: HttpRequest, encounter_id: int, document_id: int, version: int
) -> HttpResponse:
    """Version n against n-1, with the evidence that was lost since any earlier version."""
    encounter = get_encounter_for(request.user, encounter_id, READ_DOCUMENTS)
    document = Document.objects.filter(pk=document_id, encounter=encounter).first()
    versions = {
        v.version: v
        for v in DocumentVersion.objects.filter(document=document, version__in=(version - 1, version))
    }
    if document is None or len(versions) < 2:
        raise Http404
    code_set = CodeSet.objects.current().filter(encounter=encounter).order_by("pk").first()
    if code_set is not None:
        open_encounter(request.user, code_set, read_only=True)
    old, new = versions[version - 1], versions[version]
    context = {
        "encounter": encounter,
        "document": document,
        "old": old,
        "new": new,
        "hunks": [ShownHunk(h.skipped, tuple(map(_shown, h.lines))) for h in hunks(old.lines, new.lines)],
        "lost": _lost(document),
        "alerts": list(new.documentalert_set.filter(resolved_at__isnull=True).order_by("pk")),
        "resolutions": RESOLUTIONS.items(),
        "may_resolve": RoleBackend().has_perm(request.user, CODE_ENCOUNTER),
    }
    return render(request, "coding_review/document_diff.html", context)


def _lost(document: Document) -> list[EntryEvidence]:
    return list(
        EntryEvidence.objects.filter(
            document_version__document=document,
            stands=False,
            entry__reading__kind=ReadingKind.CODING,
            entry__reading__code_set__in=CodeSet.objects.current().filter(encounter_id=document.encounter_id),
        )
        .select_related("entry__reading__code_set", "document_version")
        .defer("document_version__text")
        .order_by("entry__reading__code_set", "entry__rank", "entry", "order")
    )


@require_GET
def alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """To the difference where there is an earlier version, else to the new document in the review page."""
    found = DocumentAlert.objects.select_related("document_version").filter(pk=alert_id).first()
    if found is None:
        raise Http404
    encounter = get_encounter_for(request.user, found.encounter_id, READ_DOCUMENTS)
    version = found.document_version
    if version.version > 1:
        return redirect("web:document-difference", encounter.pk, version.document_id, version.version)
    code_set = CodeSet.objects.current().filter(encounter=encounter).order_by("pk").first()
    if code_set is None:
        raise Http404
    review = reverse("web:review", args=[encounter.pk, code_set.claim_type])
    return redirect(f"{review}?document={version.pk}")


@require_POST
def alert_seen(request: HttpRequest, alert_id: int) -> HttpResponse:
    found = DocumentAlert.objects.filter(pk=alert_id).first()
    if found is None:
        raise Http404
    encounter = get_encounter_for(request.user, found.encounter_id, CODE_ENCOUNTER)
    resolve_alert(request.user, found.pk, resolution=request.POST.get("resolution", "seen"))
    return to(request, reverse("web:encounter", args=[encounter.pk]))
