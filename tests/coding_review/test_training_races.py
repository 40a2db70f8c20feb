"""Two workers at the jobs of one slot: neither waits for the other for ever."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from coding_review.actions.training import cancel_training
from coding_review.actions.training_steps import begin_training, reconcile_training
from coding_review.models import AuditEvent
from modelops.models import TrainingJob
from tests.training_site import WAITS, site

__all__ = ["site"]
pytestmark = pytest.mark.django_db(transaction=True)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the view stays as it was seen first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_who_begins_a_job_waits_for_the_jobs_before_it_without_holding_it(site, admin):
    site.trainer(*WAITS)
    first, second = site.queue(admin), site.queue(admin, name="other")
    begun: list[bool] = []

    def begin() -> None:
        try:
            begun.append(begin_training(second.pk))
        finally:
            connection.close()

    thread = threading.Thread(target=begin)
    with transaction.atomic():
        TrainingJob.objects.select_for_update(no_key=True).get(pk=first.pk)
        thread.start()
        end = time.monotonic() + 120
        while not waits_for_a_lock():
            assert time.monotonic() < end
            time.sleep(0.05)
        # Were it held, each of the two would wait for what the other has.
        TrainingJob.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
    thread.join(timeout=120)
    assert begun == [True]
    cancel_training(admin, second.pk)
    end = time.monotonic() + 120
    while TrainingJob.objects.get(pk=second.pk).is_open:
        assert time.monotonic() < end
        reconcile_training()
        time.sleep(0.05)


def test_a_form_sent_twice_at_once_is_one_job(site, admin):
    site.trainer(*WAITS)
    sent: list[int] = []

    def send() -> None:
        try:
            sent.append(site.queue(admin).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    job = TrainingJob.objects.get()
    assert sent == [job.pk, job.pk]
    assert AuditEvent.objects.filter(type="training.queued").count() == 1
    cancel_training(admin, job.pk)
    assert site.queue(admin).pk != job.pk
