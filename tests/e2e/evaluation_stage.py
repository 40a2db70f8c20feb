"""What the screenshots of evaluation show: the embedded engine against the demo encounters' codes, with all bands and
with the high one alone. Actions only, as people would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

from django.contrib.auth.models import User

from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.queue_evaluation import queue_evaluation
from coding_review.choices import RunStatus
from coding_review.demo.encounters import demo_encounters
from coding_review.evaluation_job import run_evaluation
from coding_review.models import EvaluationJob, PredictionRun
from modelops.models import EvaluationRun


def set_evaluation_stage(lead: User) -> tuple[EvaluationRun, EvaluationRun]:
    gold_set = import_gold(
        lead,
        [_line(row) for row in _gold_rows()],
        name="Demo encounters, one coder",
        purpose="evaluation",
        without_phi=True,
    )
    predicted = b"".join(_line(row) for row in _predicted_rows())
    runs = []
    for band in ("low", "high"):
        job = queue_evaluation(lead, gold_set.pk, upload=BytesIO(predicted), least_band=band)
        assert run_evaluation(job.pk)
        run = EvaluationJob.objects.get(pk=job.pk).run
        assert run is not None
        runs.append(run)
    return runs[0], runs[1]


def _line(row: object) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _gold_rows() -> Iterator[dict[str, object]]:
    for demo in demo_encounters():
        (first, *_) = demo.expected
        documents = [
            {"document_id": document.source_id, "text": document.text, "type": document.type}
            for document in demo.delivery.documents
        ]
        names = {document["document_id"] for document in documents}
        yield {
            "id": demo.delivery.source_id,
            "setting": demo.delivery.setting,
            "claim_type": first.claim_type,
            "documents": documents,
            "codes": [
                {
                    "system": code.system,
                    "code": code.code,
                    "role": code.role,
                    "poa": code.poa,
                    "sequence": number,
                    "evidence": [
                        {"document_id": place.document_id, "line_start": place.line}
                        for place in code.evidence
                        if place.document_id in names
                    ],
                }
                for number, code in enumerate(first.codes, start=1)
                if code.status == "expected"
            ],
        }


def _predicted_rows() -> Iterator[dict[str, object]]:
    runs = PredictionRun.objects.filter(status=RunStatus.DONE).select_related(
        "code_set__encounter", "release"
    )
    for run in runs.order_by("code_set__encounter_id", "-pk").distinct("code_set__encounter_id"):
        yield {
            "id": run.code_set.encounter.source_id,
            "engine": run.engine,
            "model_version": run.model_version,
            "catalog_release": run.release.edition if run.release else "",
            "codes": [
                {
                    "system": one.system,
                    "code": one.code,
                    "confidence": one.confidence,
                    "band": one.band,
                    "evidence": [
                        {
                            "document_id": place.document_version.document.source_id,
                            "line_start": place.line_start,
                            "line_end": place.line_end,
                        }
                        for place in one.evidence.select_related("document_version__document")
                    ],
                }
                for one in run.suggestions.order_by("rank")
            ],
        }
