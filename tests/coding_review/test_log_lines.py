"""Lines of the log: an error's class and place, never its words, whoever writes the line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.signals import setup_logging
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from coding_review.models import Facility, Patient
from coding_review.prediction import PredictionCrashed

MARKER = "Zyx-Marker-4711"
log = logging.getLogger("coding_review.test")


def broken(request: HttpRequest) -> HttpResponse:
    """What a bug does: the database answers with the row that broke its rule."""
    with transaction.atomic():
        Patient.objects.create(source="test", pseudonym=MARKER)
        Patient.objects.create(source="test", pseudonym=MARKER)
    return HttpResponse()


urlpatterns = [path("broken/", broken), path("", include("coding_review.urls"))]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process would have written to its log."""
    (handler,) = [h for h in logging.getLogger().handlers if type(h.formatter).__name__ == "WithoutWords"]
    assert isinstance(handler, logging.StreamHandler)
    out = io.StringIO()
    before = handler.setStream(out)
    yield out
    handler.setStream(before or io.StringIO())


def test_words_of_an_error_are_left_out_wherever_they_stand(lines: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"cannot read {MARKER}")
        except ValueError as error:
            raise KeyError(MARKER) from error
    except KeyError as error:
        log.exception("failed: %s", error)
        log.error(f"failed: {error!r}", exc_info=True)
    told = lines.getvalue()
    assert MARKER not in told
    assert told.count("builtins.ValueError") == 2
    assert told.count("in test_words_of_an_error_are_left_out_wherever_they_stand") == 4
    assert "ERROR coding_review.test failed: builtins.KeyError\nTraceback" in told
    assert "ERROR coding_review.test failed: KeyError\nTraceback" in told


def test_a_failed_task_is_told_as_celery_does_without_its_words(lines: io.StringIO) -> None:
    context = {"name": "predict", "id": "1", "description": "raised unexpected"}
    try:
        raise LookupError(MARKER)
    except LookupError as error:
        logging.getLogger("celery.app.trace").error(
            "Task %(name)s[%(id)s] %(description)s: %(exc)s",
            context | {"exc": repr(error), "traceback": f"…{MARKER}"},
            exc_info=True,
        )
    told = lines.getvalue()
    assert MARKER not in told
    assert "Task predict[1] raised unexpected: builtins.LookupError\nTraceback" in told


def test_an_error_that_says_so_keeps_its_words(lines: io.StringIO) -> None:
    try:
        raise PredictionCrashed("run 7: KeyError at engine.py:3 in predict")
    except PredictionCrashed:
        log.exception("failed")
    assert "PredictionCrashed: run 7: KeyError at engine.py:3 in predict\n" in lines.getvalue()


def test_numbers_of_the_system_and_the_database_stay(lines: io.StringIO, db: None) -> None:
    for act in (lambda: Path(f"/{MARKER}").stat(), lambda: Facility.objects.create(code=MARKER * 10)):
        try:
            with transaction.atomic():
                act()
        except Exception:
            log.exception("failed")
    told = lines.getvalue()
    assert MARKER not in told
    assert "builtins.FileNotFoundError (ENOENT)\n" in told
    assert "psycopg.errors.StringDataRightTruncation (22001)\n" in told


@pytest.mark.urls(__name__)
def test_a_fault_behind_a_page_leaves_no_words_in_page_or_log(lines: io.StringIO, coder: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(coder)
    response = client.get("/broken/")
    assert response.status_code == 500
    assert MARKER not in response.content.decode()
    told = lines.getvalue()
    assert "ERROR django.request Internal Server Error: /broken/" in told
    assert "django.db.utils.IntegrityError" in told
    assert "in broken\n" in told
    assert MARKER not in told


def test_nobody_else_writes_to_the_log() -> None:
    """Handlers of their own would write the words: Django's console, mail and server, gunicorn's, Celery's."""
    configured: Any = settings.LOGGING
    assert {
        name: (logger["handlers"], logger["propagate"]) for name, logger in configured["loggers"].items()
    } == {
        "django": ([], True),
        "django.server": ([], True),
        "gunicorn.error": (["stderr"], False),
        "httpx": ([], True),
    }
    assert [handler["formatter"] for handler in configured["handlers"].values()] == ["line"]
    # With a receiver Celery sets up nothing itself.
    assert [receiver for receiver, *_ in setup_logging.receivers] != []


def test_the_server_of_the_database_keeps_failed_statements_to_itself(db: None) -> None:
    """Its log would quote the statement and the row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN"
            " ('log_error_verbosity', 'log_min_error_statement', 'log_statement', 'log_min_duration_statement',"
            "  'log_parameter_max_length', 'log_parameter_max_length_on_error')"
        )
        found = dict(cursor.fetchall())
    assert found == {
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
    Patient.objects.create(source="test", pseudonym=MARKER)
    with pytest.raises(IntegrityError, match=MARKER), transaction.atomic():
        Patient.objects.create(source="test", pseudonym=MARKER)
