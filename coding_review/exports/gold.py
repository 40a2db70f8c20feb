"""A frozen gold set as lines of the batch interface, one chart a line, without the charts withdrawn since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from coding_review.exports.files import Written
from coding_review.models import DocumentVersion, GoldSet, GoldSetChart, GoldSetLabel
from modelops.gold_lines import GoldCode, GoldDocument, GoldPlace, gold_row

CHUNK = 200


def write_gold(out: BinaryIO, gold_set: GoldSet, *, with_text: bool) -> Written:
    digest, count = hashlib.sha256(), 0
    for row in rows(gold_set, with_text=with_text):
        data = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")
        digest.update(data)
        out.write(data)
        count += 1
    return Written(count, digest.hexdigest())


def rows(gold_set: GoldSet, *, with_text: bool) -> Iterator[dict[str, Any]]:
    charts = gold_set.charts.standing().prefetch_related("labels", "texts").order_by("pk")
    for chart in charts.iterator(chunk_size=CHUNK):
        texts = _texts(chart) if with_text else {}
        facts = dict(chart.facts)
        for name in ("setting", "specialty"):
            if getattr(chart, name):
                facts[name] = getattr(chart, name)
        yield gold_row(
            chart.chart_key,
            facts,
            [_document(row, texts.get(row["document_id"])) for row in chart.documents],
            codes_of(chart.labels.all()),
            traps=chart.traps,
            domains=chart.domains,
        )


def _texts(chart: GoldSetChart) -> dict[str, str]:
    """Of the versions that were frozen, or the outside set's own."""
    found = {text.document_id: text.text for text in chart.texts.all() if text.purged_at is None}
    names = {
        d["document_version_id"]: d["document_id"] for d in chart.documents if d.get("document_version_id")
    }
    versions = DocumentVersion.objects.filter(pk__in=list(names)).values_list("pk", "text")
    return found | {names[pk]: text for pk, text in versions}


def _document(row: dict[str, Any], text: str | None) -> GoldDocument:
    authored = row.get("authored_at")
    return GoldDocument(
        row["document_id"],
        row["sha256"],
        row["lines"],
        row.get("version"),
        row.get("type") or "",
        row.get("author_role") or "",
        datetime.fromisoformat(authored) if authored else None,
        text,
    )


def codes_of(labels: Iterable[GoldSetLabel]) -> Iterator[GoldCode]:
    for label in sorted(labels, key=lambda row: row.pk):
        yield GoldCode(
            label.system,
            label.code,
            str(label.status),
            label.reason,
            tuple(GoldPlace(**place) for place in label.evidence),
            label.role,
            label.poa,
            tuple(label.domains),
            label.origin,
            label.optional,
            label.sequence,
        )
