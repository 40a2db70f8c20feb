"""Steps that prediction tests share: queue, run and change documents as the product's actions do."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import User
from django.db import transaction

from coding_review.actions.queue_prediction import queue_prediction
from coding_review.choices import EncounterStatus, ReadingKind, RunTrigger
from coding_review.locks import lock_encounter
from coding_review.models import CodeEntry, Document, DocumentVersion, Encounter, PredictionRun
from coding_review.prediction import predict_run

SUMMARY = """DISCHARGE SUMMARY
Acute on chronic systolic heart failure. [I50.23 0.97]
Type 2 diabetes mellitus with chronic kidney disease. [E11.22 0.91]
Chronic kidney disease, stage 3b. [N18.32 0.75]
Long term use of insulin. [Z79.4 0.40]"""


@transaction.atomic
def queue(
    encounter: Encounter, trigger: str = RunTrigger.ARRIVAL, actor: User | None = None
) -> list[PredictionRun]:
    return queue_prediction(actor, lock_encounter(encounter.pk), trigger)


def predicted(encounter: Encounter, trigger: str = RunTrigger.ARRIVAL) -> list[PredictionRun]:
    """Queue and run to the end; the runs as they stand then."""
    runs = queue(encounter, trigger)
    for run in runs:
        assert predict_run(run.pk)
        run.refresh_from_db()
    encounter.refresh_from_db()
    return runs


def replace_text(encounter: Encounter, text: str, source_id: str = "D1") -> DocumentVersion:
    """A newer version of a document, as it would arrive."""
    document = Document.objects.get(encounter=encounter, source_id=source_id)
    last = document.versions.get(is_latest=True)
    document.versions.filter(pk=last.pk).update(is_latest=False)
    return DocumentVersion.objects.create(
        document=document,
        version=last.version + 1,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        line_count=text.count("\n") + 1,
    )


def entries(encounter: Encounter) -> dict[str, CodeEntry]:
    """All entries of the coding reading, by what was suggested (else by code)."""
    rows = CodeEntry.objects.filter(reading__code_set__encounter=encounter, reading__kind=ReadingKind.CODING)
    return {e.suggested_code or e.code: e for e in rows}


def taken_by(encounter: Encounter, coder: User) -> Encounter:
    Encounter.objects.filter(pk=encounter.pk).update(owner=coder, status=EncounterStatus.IN_REVIEW)
    encounter.refresh_from_db()
    return encounter
