"""Gold sets in and out: export of a frozen set, import of an outside one; both told to the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Max

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import Domain, GoldSetKind, GoldSetPurpose
from coding_review.errors import Altered, InvalidDecision, InvalidImport, NotAllowed
from coding_review.exports.files import Written
from coding_review.exports.gold import write_gold
from coding_review.gold.manifest import FORMAT, chart_lines, faults, manifest_hash
from coding_review.models import Encounter, GoldSet, GoldSetChart, GoldSetLabel, GoldSetText
from coding_review.rules import reasons
from coding_review.rules.names import fault_of_name
from coding_review.rules.permissions import EXPORT_GOLD, EXPORT_PHI, MANAGE_GOLD
from modelops.gold_lines import GoldChart, GoldDocument, facts_of, parse_gold_line
from modelops.interchange import BadChart

NAME, SHOWN_ERRORS, SHOWN_CHARTS = 120, 50, 12


@transaction.atomic
def export_gold(actor: Any, gold_set_id: int, *, out: BinaryIO, with_text: bool = False) -> Written:
    """One line a chart that was not withdrawn. `actor` None is the operator of the server: text only of sets without
    PHI.

    Raises NotAllowed (no right; text of a set with PHI without the right to it; a chart on an encounter that the
    actor may not open), Altered (the set is not what was frozen).
    """
    if actor is not None:
        require(actor, EXPORT_GOLD)
    gold_set = GoldSet.objects.filter(pk=gold_set_id).first()
    if gold_set is None:
        raise NotAllowed("There is no such gold set for you.")
    if actor is not None:
        own = GoldSetChart.objects.standing().filter(gold_set=gold_set, code_set__isnull=False)
        opened = own.filter(code_set__encounter__in=Encounter.objects.visible_to(actor))
        if opened.count() != own.count():
            raise NotAllowed("The set holds charts of encounters that are not among those you may open.")
    if with_text and not gold_set.without_phi:
        if actor is None:
            raise NotAllowed("Text of this set is exported only by a person with the right to it.")
        require(actor, EXPORT_PHI)
    if found := faults(gold_set):
        raise Altered(
            f"The gold set is not what was frozen: {'; '.join(found[:3])}.", gold_set_id=gold_set.pk
        )
    written = write_gold(out, gold_set, with_text=with_text)
    audit.record(
        "gold.exported",
        actor=actor,
        data={
            "gold_set_id": gold_set.pk,
            "version": gold_set.version,
            "sha256": written.sha256,
            "rows": written.rows,
            "with_text": with_text,
        },
    )
    return written


@transaction.atomic
def import_gold(
    actor: Any,
    lines: Iterable[bytes],
    *,
    name: str,
    purpose: str,
    kind: str = GoldSetKind.SINGLE_READ,
    without_phi: bool = False,
    sha256: str = "",
) -> GoldSet:
    """An outside set, whole or not at all; the next version where one of this name was imported before.

    `kind`: how it was read, as its makers say; the lesser name unless told. `without_phi`: every document is
    synthetic or de-identified. `sha256`: of the file that was looked at before, and no other is taken. `actor` None is
    the operator of the server.

    Raises InvalidImport (data: errors with line and message), InvalidDecision, NotAllowed.
    """
    name = _allowed(actor, name, purpose, kind)
    found, source_hash = _read(lines)
    if sha256 and sha256 != source_hash:
        raise InvalidImport("This is not the file that was looked at.", errors=[], count=0)
    rows = [_chart(chart) for chart in found]
    labels = {chart.id: _labels(chart) for chart in found}
    manifest = audit.as_read_back(
        {
            "format": FORMAT,
            "kind": str(kind),
            "purpose": str(purpose),
            "source_sha256": source_hash,
            "not_read": sorted({name for chart in found for name in chart.not_read}),
            "counts": {"charts": len(rows), "labels": sum(len(each) for each in labels.values())},
            "charts": chart_lines(rows, labels),
        }
    )
    version = _next_version(name)
    gold_set = GoldSet.objects.create(
        name=name,
        version=version,
        kind=kind,
        purpose=purpose,
        without_phi=without_phi,
        manifest=manifest,
        sha256=manifest_hash(manifest),
        frozen_by=actor,
    )
    _store(gold_set, found, rows, labels)
    audit.record(
        "gold.imported",
        actor=actor,
        data={
            "gold_set_id": gold_set.pk,
            "name": name,
            "version": version,
            "kind": str(kind),
            "purpose": str(purpose),
            "sha256": gold_set.sha256,
            "charts": len(rows),
            "labels": manifest["counts"]["labels"],
            "source_hash": source_hash,
        },
    )
    return gold_set


@dataclass(frozen=True, slots=True)
class GoldFound:
    """What a file of gold charts comes to. `not_read`: fields that an import leaves aside; `first`: its first charts as
    (id, documents, accepted codes, other codes)."""

    charts: int
    labels: int
    version: int
    with_text: int
    not_read: tuple[str, ...]
    sha256: str
    first: tuple[tuple[str, int, int, int], ...]


def preview_gold(actor: Any, lines: Iterable[bytes], *, name: str, purpose: str, kind: str) -> GoldFound:
    """What import_gold would do with these lines; nothing is kept. Raises what it would."""
    name = _allowed(actor, name, purpose, kind)
    found, source_hash = _read(lines)
    return GoldFound(
        len(found),
        sum(len(chart.codes) for chart in found),
        _next_version(name),
        sum(any(document.text is not None for document in chart.documents) for chart in found),
        tuple(sorted({field for chart in found for field in chart.not_read})),
        source_hash,
        tuple(_line_of(chart) for chart in found[:SHOWN_CHARTS]),
    )


def _line_of(chart: GoldChart) -> tuple[str, int, int, int]:
    accepted = sum(code.status == "accepted" and not code.optional for code in chart.codes)
    return chart.id, len(chart.documents), accepted, len(chart.codes) - accepted


def _allowed(actor: Any, name: str, purpose: str, kind: str) -> str:
    """The set's name as it is kept."""
    if actor is not None:
        require(actor, MANAGE_GOLD)
    name = name.strip()
    if wrong := fault_of_name(name, NAME):
        raise InvalidDecision(wrong, field="name")
    if purpose not in GoldSetPurpose.values:
        raise InvalidDecision("Choose what the set is for.", field="purpose")
    if kind not in GoldSetKind.values:
        raise InvalidDecision("Choose how the set was read.", field="kind")
    if GoldSet.objects.filter(name=name, project__isnull=False).exists():
        raise InvalidDecision("A gold project's set has this name.", field="name")
    return name


def _next_version(name: str) -> int:
    return (GoldSet.objects.filter(name=name).aggregate(n=Max("version"))["n"] or 0) + 1


def _read(lines: Iterable[bytes]) -> tuple[list[GoldChart], str]:
    digest = hashlib.sha256()
    found: dict[str, GoldChart] = {}
    errors: list[dict[str, Any]] = []
    for number, raw in enumerate(lines, start=1):
        digest.update(raw)
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        try:
            chart = parse_gold_line(
                raw.decode("utf-8"), domains=Domain.values, reasons=tuple(reasons.FAMILY_OF)
            )
            if chart.id in found:
                raise BadChart("used on an earlier line too", where="id")
            found[chart.id] = chart
        except UnicodeDecodeError as error:
            errors.append({"line": number, "message": f"not UTF-8 (byte {error.start + 1} of the line)"})
        except BadChart as error:
            errors.append({"line": number, "message": str(error)})
    if errors:
        count = len(errors)
        raise InvalidImport(
            f"{count} {'line is' if count == 1 else 'lines are'} not gold charts; nothing was imported.",
            errors=errors[:SHOWN_ERRORS],
            count=count,
        )
    if not found:
        raise InvalidImport("There is no chart in it.", errors=[], count=0)
    return list(found.values()), digest.hexdigest()


def _chart(chart: GoldChart) -> GoldSetChart:
    return GoldSetChart(
        chart_key=chart.id,
        documents=[_document(document) for document in chart.documents],
        facts=facts_of(chart.chart),
        domains=list(chart.domains),
        traps=list(chart.traps),
        setting=chart.chart.setting,
        specialty=chart.chart.specialty[:80],
        lines=sum(document.lines for document in chart.documents),
    )


def _document(document: GoldDocument) -> dict[str, Any]:
    return {
        "document_id": document.document_id,
        "document_version_id": None,
        "version": document.version,
        "type": document.type,
        "author_role": document.author_role,
        "authored_at": document.authored_at.isoformat() if document.authored_at else None,
        "sha256": document.sha256,
        "lines": document.lines,
    }


def _labels(chart: GoldChart) -> list[GoldSetLabel]:
    return [
        GoldSetLabel(
            system=code.system,
            code=code.code,
            status=code.status,
            reason=code.reason,
            evidence=[place.as_row() for place in code.places],
            role=code.role,
            poa=code.poa,
            sequence=code.sequence,
            domains=list(code.domains),
            optional=code.optional,
            origin=code.source,
        )
        for code in chart.codes
    ]


def _store(
    gold_set: GoldSet,
    found: list[GoldChart],
    rows: list[GoldSetChart],
    labels: dict[str, list[GoldSetLabel]],
) -> None:
    for row in rows:
        row.gold_set = gold_set
    GoldSetChart.objects.bulk_create(rows)
    for row in rows:
        for label in labels[row.chart_key]:
            label.gold_set_chart = row
    GoldSetLabel.objects.bulk_create([label for row in rows for label in labels[row.chart_key]])
    GoldSetText.objects.bulk_create(
        [
            GoldSetText(gold_set_chart=row, document_id=document.document_id, text=document.text)
            for row, chart in zip(rows, found, strict=True)
            for document in chart.documents
            if document.text is not None
        ]
    )
