"""An audit log of seven events, what an owner of the tables can do to it, and what the command says then."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from coding_review import audit
from coding_review.models import (
    AuditChain,
    AuditEvent,
    AuditPayload,
    CodeLine,
    CodeSet,
    Decision,
    DecisionPayload,
    DocumentVersion,
    Encounter,
    FindingOverride,
    FindingOverridePayload,
    GoldReplyWords,
    GoldRuling,
    GoldTombstone,
)

EVENT, PAYLOAD, CHAIN = (model._meta.db_table for model in (AuditEvent, AuditPayload, AuditChain))
MakeEncounter = Callable[..., Encounter]


@dataclass(frozen=True)
class Log:
    coder: User
    lead: User
    one: Encounter
    two: Encounter
    events: list[AuditEvent]

    @property
    def c(self) -> str:
        return f"actor:{self.coder.pk}"

    @property
    def e(self) -> str:
        return f"encounter:{self.one.pk}"

    def pk(self, number: int) -> int:
        """Of the event with this number in the coder's chain."""
        return self.events[(0, 1, 2, 4, 6)[number - 1]].pk


@pytest.fixture
def log(make_encounter: MakeEncounter, coder: User, lead: User) -> Log:
    """Five events of the coder (1-4 on encounter one, 5 without), two of the lead (one on each encounter).

    Encounter one's chain: the coder's 1, 2, 3, the lead's 1, the coder's 4.
    """
    one, two = make_encounter(on=None), make_encounter(on=None)
    skipped = {"data": {"reason": "needs_lead"}, "payload": {"comment": "see line 3"}}
    with transaction.atomic():
        events = [
            audit.record("encounter.claimed", actor=coder, encounter=one, data={"via": "next"}),
            audit.record("encounter.skipped", actor=coder, encounter=one, **skipped),
            audit.record("encounter.skipped", actor=coder, encounter=one, **skipped),
            audit.record("encounter.reassigned", actor=lead, encounter=one, payload={"comment": "on leave"}),
            audit.record("encounter.held", actor=coder, encounter=one, data={"reason": "pending_result"}),
            audit.record("encounter.claimed", actor=lead, encounter=two),
            audit.record("session.signed_out", actor=coder),
        ]
    return Log(coder, lead, one, two, events)


@contextmanager
def as_owner() -> Iterator[Callable[..., None]]:
    """What a database administrator can do: triggers off, any SQL, triggers on."""

    def run(sql: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in (EVENT, PAYLOAD, CHAIN):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql, values)
            changed = cursor.rowcount
            for table in (EVENT, PAYLOAD, CHAIN):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        assert changed > 0

    yield run


def verification(*options: str) -> tuple[int, list[str]]:
    """Exit code and lines of `manage.py verify_audit_log`."""
    out = io.StringIO()
    try:
        call_command("verify_audit_log", *options, stdout=out)
    except CommandError as error:
        return error.returncode, [*out.getvalue().splitlines(), str(error)]
    return 0, out.getvalue().splitlines()


def tamper(sql: str, *values: object) -> None:
    """One row of what the log tells of, changed as the owner of the tables, triggers off."""
    guarded = (
        *(Decision, DecisionPayload, CodeLine, CodeSet, DocumentVersion),
        *(FindingOverride, FindingOverridePayload),
        *(GoldReplyWords, GoldRuling, GoldTombstone),
    )
    tables = [model._meta.db_table for model in guarded]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        assert cursor.rowcount == 1
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
