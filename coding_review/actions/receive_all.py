"""Take in many deliveries: good rows go in, each bad one is told with file and line and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from coding_review.actions.receive_encounter import Receipt, receive_encounter
from coding_review.auth import require
from coding_review.errors import ReviewError
from coding_review.intake.rows import Row, RowError
from coding_review.models import Encounter
from coding_review.rules.permissions import IMPORT

# A transaction holds the actor's audit chain: larger ones would make everyone else who writes there wait.
ROWS_PER_TRANSACTION = 50
CHARACTERS_PER_TRANSACTION = 16 * 1024 * 1024
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Received:
    file: str
    line: int | None
    source_id: str
    receipt: Receipt


def receive_all(actor: Any, rows: Iterable[Row | RowError], *, via: str) -> Iterator[Received | RowError]:
    """One answer for each row, in the order of the file.

    Transactions of at most ROWS_PER_TRANSACTION rows, a savepoint each; what a transaction took in is
    committed before its answers are given. Raises NotAllowed without the right to bring encounters in;
    a row for a work group that is not the actor's is that row's error.
    """
    if actor is not None:
        require(actor, IMPORT)
    waiting: list[Row | RowError] = []
    count = characters = 0
    for row in rows:
        waiting.append(row)
        if isinstance(row, Row):
            count += 1
            characters += sum(len(document.text) for document in row.encounter.documents)
        if count >= ROWS_PER_TRANSACTION or characters >= CHARACTERS_PER_TRANSACTION:
            yield from _receive(actor, waiting, via)
            waiting, count, characters = [], 0, 0
    yield from _receive(actor, waiting, via)


def _receive(actor: Any, rows: list[Row | RowError], via: str) -> list[Received | RowError]:
    """Two imports that hold each other's rows end in a deadlock for one of them, which then tries again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _receive_once(actor, rows, via)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected) or attempt == ATTEMPTS:
                raise
            time.sleep(0.05 * attempt)
    return []


def _receive_once(actor: Any, rows: list[Row | RowError], via: str) -> list[Received | RowError]:
    _lock_known([row for row in rows if isinstance(row, Row)])
    answers: list[Received | RowError] = []
    for row in rows:
        if isinstance(row, RowError):
            answers.append(row)
            continue
        try:
            with transaction.atomic():
                receipt = receive_encounter(actor, row.encounter, via=via, bulk=len(rows) > 1)
        except ReviewError as error:
            answers.append(RowError(row.file, row.line, error.message))
        else:
            answers.append(Received(row.file, row.line, row.encounter.source_id, receipt))
    return answers


def _lock_known(rows: list[Row]) -> None:
    """Encounters come before the audit chains in the order of locks, so all are taken before the first event."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        ids.setdefault(row.encounter.source, []).append(row.encounter.source_id)
    for source in sorted(ids):
        known = Encounter.objects.select_for_update(no_key=True).filter(
            source=source, source_id__in=ids[source]
        )
        list(known.order_by("pk").values_list("pk", flat=True))
