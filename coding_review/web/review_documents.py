"""The left side of the review page: rail, text with marks, outline, strip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import Max

from coding_review.choices import DocumentStatus, RunStatus
from coding_review.models import CodeEntry, CodeSet, ContextMention, DocumentVersion
from coding_review.text_diff import hunks
from coding_review.web import words
from coding_review.web.review_page import Change, DocumentEntry, DocumentText, Line
from coding_review.web.segments import MARK_STATE, Span, marked_lines, sections, strip
from modelops.choices import ContextTag

_NOTICES: dict[str, str] = {
    DocumentStatus.DRAFT: "Draft, not signed",
    DocumentStatus.ADDENDUM: "Addendum",
    DocumentStatus.AMENDED: "Amended",
}
_FLAGS: dict[str, str] = {DocumentStatus.DRAFT: "draft", DocumentStatus.ADDENDUM: "addendum"}


def latest_versions(code_set: CodeSet) -> list[DocumentVersion]:
    """In reading order, without their texts."""
    return list(DocumentVersion.objects.latest_of(code_set.encounter).defer("text"))


def labels(code_set: CodeSet) -> dict[int, str]:
    """What each document version of the encounter is called, old ones included."""
    versions = DocumentVersion.objects.filter(document__encounter=code_set.encounter_id)
    return {v.pk: type_label(v) for v in versions.select_related("document").defer("text")}


def rail(
    versions: Sequence[DocumentVersion], entries: Sequence[CodeEntry], current: int, unseen: set[int]
) -> tuple[DocumentEntry, ...]:
    evidence = Counter(e.document_version_id for entry in entries for e in entry.evidence.all() if e.stands)
    return tuple(
        DocumentEntry(
            id=v.pk,
            type=type_label(v),
            byline=_byline(v),
            evidence=evidence[v.pk],
            current=v.pk == current,
            flag=("changed" if v.version > 1 else "new")
            if v.pk in unseen
            else _FLAGS.get(v.document.status, ""),
        )
        for v in versions
    )


def type_label(version: DocumentVersion) -> str:
    name = (version.document.type or "Document").replace("_", " ")
    return name[:1].upper() + name[1:]


def _byline(version: DocumentVersion) -> str:
    document = version.document
    parts = [document.author, document.author_role, words.day(document.authored_at)]
    if document.signed_at:
        parts.append("signed")
    elif document.status == DocumentStatus.DRAFT:
        parts.append("not signed")
    return ", ".join(part for part in parts if part)


def spans_of(version: DocumentVersion, entries: Sequence[CodeEntry], code_set: CodeSet) -> list[Span]:
    """Evidence of the entries on this version, and the tagged mentions of the newest finished run."""
    spans = [
        Span(
            e.line_start,
            e.line_end,
            e.col_start,
            e.col_end,
            entry=entry.pk,
            state=MARK_STATE.get(entry.state, "open"),
            context=", ".join(ContextTag(tag).label for tag in entry.context),
        )
        for entry in entries
        for e in entry.evidence.all()
        if e.document_version_id == version.pk and e.stands
    ]
    newest = code_set.runs.filter(status=RunStatus.DONE).aggregate(pk=Max("pk"))["pk"]
    spans += [
        Span(m.line_start, m.line_end, m.col_start, m.col_end, context=ContextTag(m.tag).label)
        for m in ContextMention.objects.filter(run_id=newest, document_version=version)
    ]
    return spans


def document_text(
    version: DocumentVersion,
    entries: Sequence[CodeEntry],
    code_set: CodeSet,
    *,
    unmarked: bool = False,
    with_changes: bool = False,
    with_lines: bool = True,
) -> DocumentText:
    """`with_lines` false leaves the text itself out: for answers that replace only what changed."""
    texts = version.lines if with_lines else []
    spans = [] if unmarked else spans_of(version, entries, code_set)
    document = version.document
    notice = _NOTICES.get(document.status, "")
    if version.version > 1:
        notice = f"Version {version.version} came {words.moment(version.received_at)}"
    return DocumentText(
        id=version.pk,
        type=type_label(version),
        facts=", ".join(
            part
            for part in (
                words.moment(document.authored_at),
                f"version {version.version}",
                words.count(version.line_count, "line"),
            )
            if part
        ),
        lines=marked_lines(texts, spans),
        sections=sections(texts),
        strip=strip(spans, version.line_count),
        notice=notice,
        has_changes=version.version > 1,
        changes=_changes(version) if with_changes and version.version > 1 else (),
    )


def changed_marks(
    version: DocumentVersion, entries: Sequence[CodeEntry], code_set: CodeSet, changed: Sequence[CodeEntry]
) -> tuple[Line, ...]:
    """The lines of the shown document that carry evidence of the changed entries, with all their marks."""
    numbers = {
        number
        for entry in changed
        for e in entry.evidence.all()
        if e.document_version_id == version.pk
        for number in range(e.line_start, e.line_end + 1)
    }
    if not numbers:
        return ()
    return marked_lines(version.lines, spans_of(version, entries, code_set), frozenset(numbers))


_KINDS = {"same": " ", "removed": "-", "added": "+"}


def _changes(version: DocumentVersion) -> tuple[Change, ...]:
    before = DocumentVersion.objects.get(document_id=version.document_id, version=version.version - 1)
    return tuple(
        Change(_KINDS[line.kind], line.text)
        for hunk in hunks(before.lines, version.lines)
        for line in hunk.lines
    )
