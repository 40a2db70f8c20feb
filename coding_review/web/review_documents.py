"""The left side of the review page: rail, text with marks, outline, strip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects

from coding_review.choices import DocumentStatus
from coding_review.kept import Kept
from coding_review.kept_reads import KeptModels, KeptValues
from coding_review.models import (
    CodeEntry,
    CodeSet,
    ContextMention,
    Decision,
    Document,
    DocumentVersion,
    Encounter,
    PredictionRun,
)
from coding_review.queries import EvidencePlace, Listed
from coding_review.text_diff import hunks
from coding_review.web import words
from coding_review.web.marked_text import Change, DocumentText
from coding_review.web.review_page import DocumentEntry
from coding_review.web.segments import MARK_STATE, Span, marked_lines, sections, strip
from modelops.choices import ContextTag

_NOTICES: dict[str, str] = {
    DocumentStatus.DRAFT: "Draft, not signed",
    DocumentStatus.ADDENDUM: "Addendum",
    DocumentStatus.AMENDED: "Amended",
}
_TAGS: dict[str, str] = {tag.value: str(tag.label) for tag in ContextTag}
_FLAGS: dict[str, str] = {DocumentStatus.DRAFT: "draft", DocumentStatus.ADDENDUM: "addendum"}


def versions_of(code_set: CodeSet) -> list[DocumentVersion]:
    """The newest versions in reading order, without their texts.

    Of a signed code set those that lay there when it was signed: what its evidence points to. What came
    later stands behind them.
    """
    encounter = code_set.encounter
    newest = _to_show(_NEWEST.instances(encounter.pk), encounter)
    if code_set.signed_at is None:
        return newest
    signed = DocumentVersion.objects.as_of(encounter, code_set.signed_at)
    then = _to_show(signed.select_related("document").defer("text"), encounter)
    known = {v.pk for v in then}
    return [*then, *(v for v in newest if v.pk not in known)]


_NEWEST: KeptModels[DocumentVersion] = KeptModels(
    lambda encounter: DocumentVersion.objects.latest_of(encounter).defer("text"), int
)
_TEXT = KeptValues(lambda version: DocumentVersion.objects.filter(pk=version).values_list("text"), int)


def with_text(version: DocumentVersion) -> DocumentVersion:
    """The version with the text that versions_of left out."""
    if "text" in version.get_deferred_fields():
        ((version.text,),) = _TEXT.rows(version.pk)
    return version


def _to_show(versions: Iterable[DocumentVersion], encounter: Encounter) -> list[DocumentVersion]:
    """All of this encounter, which is at hand."""
    shown = list(versions)
    for version in shown:
        version.document.encounter = encounter
    return shown


def labels(versions: Sequence[DocumentVersion], cited: Collection[int]) -> dict[int, str]:
    """What each document version is called: those on the page, and older ones that evidence was cited from."""
    found = {v.pk: type_label(v) for v in versions}
    if missing := set(cited) - set(found):
        older = DocumentVersion.objects.filter(pk__in=missing).select_related("document").defer("text")
        found |= {v.pk: type_label(v) for v in older}
    return found


def rail(
    versions: Sequence[DocumentVersion], places: Sequence[EvidencePlace], current: int, unseen: set[int]
) -> tuple[DocumentEntry, ...]:
    evidence = Counter(place.document_version for place in places)
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
    parts = [document.author, document.author_role, words.day(document.authored_at, zone=_zone(document))]
    if document.signed_at:
        parts.append("signed")
    elif document.status == DocumentStatus.DRAFT:
        parts.append("not signed")
    return ", ".join(part for part in parts if part)


def _zone(document: Document) -> ZoneInfo:
    """What the text says of times is the facility's; so is when it was written."""
    return ZoneInfo(document.encounter.facility.time_zone)


def _facts(version: DocumentVersion) -> str:
    written = words.moment(version.document.authored_at, _zone(version.document))
    parts = (written, f"version {version.version}", words.count(version.line_count, "line"))
    return ", ".join(part for part in parts if part)


def spans_of(
    version: DocumentVersion,
    entries: Sequence[Listed],
    places: Sequence[EvidencePlace],
    run: PredictionRun | None,
) -> list[Span]:
    """Evidence of the entries on this version, and the tagged mentions of `run`, the newest finished one."""
    looks = {
        entry.pk: (MARK_STATE.get(entry.state, "open"), ", ".join(_TAGS[tag] for tag in entry.context))
        for entry in entries
    }
    spans = [
        Span(p.line_start, p.line_end, p.col_start, p.col_end, p.entry, *looks[p.entry])
        for p in places
        if p.document_version == version.pk and p.entry in looks
    ]
    if run is not None:
        spans += _mentions(run, version)
    return spans


# By finished run and document version: what an engine found never changes.
_MENTIONS: Kept[tuple[int, int], tuple[Span, ...]] = Kept(500)


def _mentions(run: PredictionRun, version: DocumentVersion) -> tuple[Span, ...]:
    found = _MENTIONS.get((run.pk, version.pk))
    if found is None:
        rows = ContextMention.objects.filter(run=run, document_version=version)
        found = tuple(
            Span(start, end, left, right, context=_TAGS[tag])
            for start, end, left, right, tag in rows.values_list(
                "line_start", "line_end", "col_start", "col_end", "tag"
            )
        )
        _MENTIONS.keep((run.pk, version.pk), found)
    return found


def document_text(
    version: DocumentVersion,
    spans: Sequence[Span],
    *,
    with_changes: bool = False,
    with_lines: bool = True,
) -> DocumentText:
    """`with_lines` false leaves the text itself out: for answers that replace only what changed."""
    texts = version.lines if with_lines else []
    document = version.document
    notice = _NOTICES.get(document.status, "")
    if version.version > 1:
        notice = f"Version {version.version} came {words.moment(version.received_at)}"
    return DocumentText(
        id=version.pk,
        type=type_label(version),
        facts=_facts(version) if with_lines else "",
        lines=marked_lines(texts, spans),
        sections=sections(texts),
        strip=strip(spans, version.line_count) if with_lines else (),
        notice=notice,
        has_changes=version.version > 1,
        changes=_changes(version) if with_changes and version.version > 1 else (),
    )


def changed_lines(
    version: DocumentVersion, changed: Collection[CodeEntry], *, moved: bool = False
) -> frozenset[int]:
    """The lines of the version that carry, or with `moved` carried, evidence of the changed entries."""
    prefetch_related_objects(list(changed), "evidence")
    stand = {
        (place.line_start, place.line_end)
        for entry in changed
        for place in entry.evidence.all()
        if place.stands and place.document_version_id == version.pk
    }
    stood = _stood(version, [entry.pk for entry in changed]) if moved else set()
    return frozenset(number for start, end in stand | stood for number in range(start, end + 1))


def _stood(version: DocumentVersion, changed: Collection[int]) -> set[tuple[int, int]]:
    """Where the latest decision on an entry moved its evidence, the lines it was taken from lose a mark."""
    latest = Decision.objects.filter(entry__in=changed).order_by("entry_id", "-number").distinct("entry_id")
    return {
        (place["line_start"], place["line_end"])
        for before in latest.values_list("before", flat=True)
        for place in before.get("evidence", ())
        if place["document_version"] == version.pk
    }


_KINDS = {"same": " ", "removed": "-", "added": "+"}


def _changes(version: DocumentVersion) -> tuple[Change, ...]:
    before = DocumentVersion.objects.get(document_id=version.document_id, version=version.version - 1)
    return tuple(
        Change(_KINDS[line.kind], line.text)
        for hunk in hunks(before.lines, version.lines)
        for line in hunk.lines
    )
