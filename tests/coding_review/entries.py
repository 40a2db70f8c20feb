"""Suggestions and entries as a finished prediction run leaves them, for tests of what follows."""

from __future__ import annotations

from coding_review.choices import EntryOrigin, RunStatus
from coding_review.counters import refresh_counters
from coding_review.models import (
    CodeEntry,
    CodeSet,
    DocumentVersion,
    EntryEvidence,
    PredictionRun,
    Reading,
    Suggestion,
    SuggestionEvidence,
)
from modelops.choices import Band


def suggest(code_set: CodeSet, *codes: tuple[str, str, str], confidence: float = 0.93) -> list[CodeEntry]:
    """Each of (code, band, quote): the quote is looked up in the encounter's documents."""
    run = PredictionRun.objects.create(
        code_set=code_set,
        engine="embedded",
        question_hash=f"{code_set.pk}-{PredictionRun.objects.count()}".ljust(64, "0"),
        status=RunStatus.DONE,
        model_version="embedded-test",
        release=code_set.release,
    )
    reading, _ = Reading.objects.get_or_create(code_set=code_set, kind="coding")
    versions = list(DocumentVersion.objects.latest_of(code_set.encounter))
    run.documents.set(versions)
    entries = []
    for rank, (code, band, quote) in enumerate(codes, start=1):
        title = f"title of {code}"
        suggestion = Suggestion.objects.create(
            run=run, rank=rank, code=code, title=title, confidence=confidence, band=band, rationale="Stated."
        )
        entry = CodeEntry.objects.create(
            reading=reading,
            origin=EntryOrigin.SUGGESTED,
            suggestion=suggestion,
            suggested_code=code,
            code=code,
            title=title,
            rank=rank,
            band=band,
            confidence=confidence,
            rationale="Stated.",
        )
        version, number, column = next(
            (v, n, text.index(quote)) for v in versions for n, text in enumerate(v.lines, 1) if quote in text
        )
        place = {
            "document_version": version,
            "line_start": number,
            "line_end": number,
            "col_start": column,
            "col_end": column + len(quote),
            "quote": quote,
        }
        SuggestionEvidence.objects.create(suggestion=suggestion, **place)
        EntryEvidence.objects.create(entry=entry, **place)
        entries.append(entry)
    refresh_counters(code_set.encounter)
    return entries


HF = ("I50.23", Band.HIGH, "Acute on chronic systolic heart failure")
DM = ("E11.22", Band.HIGH, "Type 2 diabetes mellitus with diabetic chronic kidney disease")
CKD = ("N18.32", Band.MEDIUM, "CKD stage 3b")
SOB = ("R06.02", Band.LOW, "shortness of breath")
PNEUMONIA = ("J18.9", Band.LOW, "pneumonia")
