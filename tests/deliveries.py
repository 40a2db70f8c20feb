"""Deliveries as tests make and send them, and the row counts that show that nothing was stored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

from django.contrib.auth.models import User

from coding_review.actions.receive_encounter import Receipt, receive_encounter
from coding_review.choices import RunStatus
from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingIdentity, IncomingPatient
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Document,
    DocumentAlert,
    DocumentVersion,
    Encounter,
    Patient,
    PatientIdentity,
    PredictionRun,
)
from coding_review.prediction import predict_run

TEXT = "HISTORY\r\nType 2 diabetes mellitus.\r\nAsthma, mild.\r\n"


def document(source_id: str = "d1", text: str = TEXT, **values: Any) -> IncomingDocument:
    return IncomingDocument(source_id, text, type=values.pop("type", "discharge summary"), **values)


def delivery(*documents: IncomingDocument, **values: Any) -> IncomingEncounter:
    """To the work group of the personas, of a patient with a name, discharged inside the loaded release."""
    first = IncomingEncounter(
        source="ehr",
        source_id="E1",
        facility="TVMC",
        work_group="inpatient",
        documents=documents or (document(),),
        setting="inpatient",
        patient=IncomingPatient("P1", "F", IncomingIdentity("Vance, Mo", "M1", date(1948, 2, 11))),
        account_number="A1",
        admit_date=date(2026, 6, 1),
        discharge_date=date(2026, 6, 9),
        age=78,
    )
    return replace(first, **values)


_TABLES = (
    Encounter,
    Document,
    DocumentVersion,
    DocumentAlert,
    CodeSet,
    Patient,
    PatientIdentity,
    PredictionRun,
    AuditEvent,
)


def row_counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in _TABLES}


def predict_waiting() -> None:
    """What a worker would do with every queued run."""
    for run in PredictionRun.objects.filter(status=RunStatus.QUEUED).order_by("pk"):
        assert predict_run(run.pk)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def send(incoming: IncomingEncounter, actor: User | None = None) -> Receipt:
    return receive_encounter(actor, incoming, via="command")
