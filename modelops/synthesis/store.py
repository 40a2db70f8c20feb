"""Stores a run: its row first, its charts as they are made, its counts when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from modelops.choices import WorkStatus
from modelops.models import SynthesisRun, SyntheticChart
from modelops.synthesis.chart_rows import chart_row, gold_row, intermediates_row, sha256_of
from modelops.synthesis.diagnostics import Diagnostics
from modelops.synthesis.types import SyntheticDraft

_AT_ONCE = 200
_OF_GOLD = ("note_type", "domains", "codes", "optional", "traps")


def begin(
    name: str, *, kind: str, writer: str, seed: int, settings: Mapping[str, Any], user_id: int | None = None
) -> SynthesisRun:
    return SynthesisRun.objects.create(
        name=name,
        kind=kind,
        writer=writer,
        seed=seed,
        settings=dict(settings),
        status=WorkStatus.RUNNING,
        created_by_id=user_id,
    )


def batches(
    run: SynthesisRun, drafts: Iterable[SyntheticDraft], diagnostics: Diagnostics, *, at_once: int = _AT_ONCE
) -> Iterator[list[SyntheticDraft]]:
    """Hands the drafts on as they are stored and counted; the run stays open."""
    source, position = iter(drafts), 0
    while batch := list(islice(source, at_once)):
        for draft in batch:
            diagnostics.add(draft)
        with transaction.atomic():
            SyntheticChart.objects.bulk_create(
                _row(run, position + number, draft) for number, draft in enumerate(batch)
            )
        position += len(batch)
        yield batch


def keep(
    run: SynthesisRun, drafts: Iterable[SyntheticDraft], diagnostics: Diagnostics
) -> Iterator[SyntheticDraft]:
    """Hands the drafts on as they are stored, and ends the run: done, or failed where the making raised. A run whose
    drafts are not all taken is left cancelled."""
    status = WorkStatus.CANCELLED
    try:
        for batch in batches(run, drafts, diagnostics):
            yield from batch
        status = WorkStatus.DONE
    except GeneratorExit:
        raise
    except BaseException:
        status = WorkStatus.FAILED
        raise
    finally:
        run.status, run.counts, run.ended_at = status, diagnostics.rows(), timezone.now()
        run.save(update_fields=["status", "counts", "ended_at"])


def _row(run: SynthesisRun, position: int, draft: SyntheticDraft) -> SyntheticChart:
    gold = gold_row(draft)
    return SyntheticChart(
        run=run,
        position=position,
        chart=chart_row(draft),
        codes={name: gold[name] for name in _OF_GOLD},
        intermediates=intermediates_row(draft),
        discarded_reason=draft.discarded[:120],
        sha256=sha256_of(draft),
    )
