"""What a transactional test leaves is emptied, append-only tables too; the loaded catalog stays."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from catalog.models import Release
from coding_review import audit
from coding_review.models import AuditChain, AuditEvent
from tests import flush


def _kept() -> tuple[int, int, int]:
    return Release.objects.count(), ContentType.objects.count(), Permission.objects.count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("more", [0, flush.MANY])
def test_append_only_tables_are_emptied_and_guarded_again(more: int) -> None:
    user = User.objects.create_user("someone")
    User.objects.bulk_create(User(username=f"user {number}") for number in range(more))
    with transaction.atomic():
        audit.record("session.signed_in", actor=user)
    kept = _kept()
    assert kept[1] > 0
    assert kept[2] > 0

    flush.empty_database()

    assert AuditEvent.objects.count() == AuditChain.objects.count() == User.objects.count() == 0
    assert _kept() == kept
    other = User.objects.create_user("other")
    with transaction.atomic():
        audit.record("session.signed_in", actor=other)
    for statement in ("DELETE FROM {}", "UPDATE {} SET type = 'x'", "TRUNCATE {} CASCADE"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(AuditEvent._meta.db_table))
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(("cause", "times"), [(DeadlockDetected(), 2), (LockNotAvailable(), 1)])
def test_a_deadlock_with_what_still_ends_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, times: int
) -> None:
    tried = []

    def empty(alias: str) -> None:
        tried.append(alias)
        if len(tried) == 1:
            raise OperationalError from cause

    monkeypatch.setattr(flush, "empty_database", empty)
    with nullcontext() if times == 2 else pytest.raises(OperationalError):
        flush.empty_in_the_end("default")
    assert tried == ["default"] * times


def test_the_catalog_and_what_migrate_filled_are_not_among_the_emptied(db: None) -> None:
    tables = set(flush.tables_to_empty())
    assert {"coding_review_auditevent", "coding_review_encounter", "auth_user", "django_session"} <= tables
    assert not tables & flush.KEPT
    assert not [name for name in tables if name.startswith("catalog_")]
