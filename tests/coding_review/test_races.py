"""Two people at once: nothing deadlocks, nothing is done twice, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.accept import accept
from coding_review.actions.claim import claim, park_expired_leases
from coding_review.actions.dismiss import dismiss
from coding_review.actions.open_encounter import open_encounter
from coding_review.actions.reassign import reassign
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.actions.record_exposure import record_exposure
from coding_review.actions.reject import reject
from coding_review.actions.reopen import reopen
from coding_review.actions.set_line import set_poa, set_role
from coding_review.actions.sign_off import sign_off
from coding_review.actions.undo import undo
from coding_review.audit_check import verify
from coding_review.audit_rows import RowCounts, verify_rows
from coding_review.choices import Assistance, EncounterStatus
from coding_review.errors import ReviewError
from coding_review.exposures import keep_exposures
from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.locks import lock_code_set, lock_encounter
from coding_review.models import (
    AuditEvent,
    CodeLine,
    CodeSet,
    Decision,
    DocumentAlert,
    Encounter,
    Exposure,
)
from tests.coding_review.entries import DM, HF, SOB, suggest

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """Each act in a thread and connection of its own; "done", or the code of the refusal. Nothing else is caught
    but told, so that a deadlock shows."""
    start, outcome = threading.Barrier(len(acts)), ["" for _ in acts]

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=60)
            act()
            outcome[number] = "done"
        except ReviewError as refusal:
            outcome[number] = refusal.code
        except BaseException as error:  # noqa: BLE001 - shown by the caller's assert
            outcome[number] = f"{type(error).__name__}: {error}"
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return outcome


def log_is_whole() -> bool:
    return [str(f) for f in (*verify(), *verify_rows(RowCounts()))] == []


@pytest.fixture
def coded(icd10cm: Any, make_encounter: Any, coder: Any) -> CodeSet:
    """Taken by its coder, decided, ready to be signed."""
    code_set: CodeSet = make_encounter().code_sets.get()
    heart_failure, diabetes = suggest(code_set, HF, DM)
    claim(coder, code_set.encounter_id)
    accept(coder, code_set.pk, heart_failure.pk)
    reject(coder, code_set.pk, diabetes.pk, reason="negated")
    set_role(coder, code_set.pk, heart_failure.pk, role="principal")
    set_poa(coder, code_set.pk, heart_failure.pk, poa="Y")
    return code_set


@pytest.mark.parametrize("second", ["opened by another", "suggestions shown"])
def test_what_points_to_a_locked_encounter_does_not_wait_for_it(
    coded: CodeSet, coder: Any, expert: Any, second: str
) -> None:
    """Step by step the order that would deadlock: an act holds its rows, another row is written that only points
    to them, and then the act writes its event."""
    locked, written = threading.Event(), threading.Event()
    entry = coded.readings.get().entries.order_by("pk").first()
    Exposure.objects.all().delete()
    assert entry is not None

    def act() -> None:
        with transaction.atomic():
            held = lock_code_set(coded.pk)
            held.entries()
            locked.set()
            assert written.wait(timeout=60), "the other row waits for the lock"
            audit.record("encounter.claimed", actor=coder, encounter=held.encounter)

    def point() -> None:
        assert locked.wait(timeout=60)
        if second == "opened by another":
            open_encounter(
                expert, CodeSet.objects.select_related("encounter").get(pk=coded.pk), read_only=True
            )
        else:
            with transaction.atomic():
                Exposure.objects.create(entry=entry, user=coder, assistance="full", rank=1)
        written.set()

    assert at_once(act, point) == ["done", "done"]
    assert log_is_whole()


def test_a_decision_beside_the_first_report_of_what_was_shown(coded: CodeSet, coder: Any) -> None:
    """Step by step the order that would deadlock: the decision has the reading, the report begins and waits, the
    decision keeps the exposure that the report is about to keep."""
    reading = coded.readings.get()
    entry = reading.entries.order_by("pk").first()
    assert entry is not None
    Exposure.objects.all().delete()
    type(reading).objects.filter(pk=reading.pk).update(assistance="none")
    locked = threading.Event()

    def decide() -> None:
        with transaction.atomic():
            held = lock_code_set(coded.pk)
            locked.set()
            for _ in range(100):
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                    if cursor.fetchone() != (0,):
                        break
                time.sleep(0.05)
            keep_exposures(held.reading, [entry], coder, Assistance.FULL)

    def report() -> None:
        assert locked.wait(timeout=60)
        record_exposure(coder, coded.pk, shown=[entry.pk])

    assert at_once(decide, report) == ["done", "done"]
    assert Exposure.objects.get().entry_id == entry.pk
    reading.refresh_from_db()
    assert reading.assistance == "full"


def test_reading_and_deciding_for_a_while_never_deadlock(
    icd10cm: Any, make_encounter: Any, coder: Any, expert: Any
) -> None:
    code_set: CodeSet = make_encounter().code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, code_set.encounter_id)

    def decide() -> None:
        for _ in range(8):
            accept(coder, code_set.pk, entry.pk)
            undo(coder, code_set.pk)

    def look() -> None:
        for _ in range(16):
            open_encounter(
                expert, CodeSet.objects.select_related("encounter").get(pk=code_set.pk), read_only=True
            )

    def show() -> None:
        for _ in range(16):
            record_exposure(coder, code_set.pk, shown=[entry.pk], opened=[entry.pk])

    assert at_once(decide, look, show) == ["done", "done", "done"]
    assert Decision.objects.count() == 16
    assert AuditEvent.objects.filter(type="encounter.opened").count() == 16
    assert log_is_whole()


def test_of_two_who_take_the_same_encounter_one_has_it(
    make_encounter: Any, coder: Any, other_coder: Any
) -> None:
    encounter = make_encounter(on=None)
    outcome = at_once(lambda: claim(coder, encounter.pk), lambda: claim(other_coder, encounter.pk))
    assert sorted(outcome) == ["done", "not_yours"]
    encounter.refresh_from_db()
    assert encounter.owner == (coder, other_coder)[outcome.index("done")]
    assert AuditEvent.objects.filter(type="encounter.claimed").count() == 1


def test_signed_twice_at_once_is_signed_once(coded: CodeSet, coder: Any) -> None:
    assert sorted(at_once(*[lambda: sign_off(coder, coded.pk)] * 2)) == ["done", "frozen"]
    assert (CodeLine.objects.count(), AuditEvent.objects.filter(type="codeset.signed").count()) == (1, 1)
    assert log_is_whole()


def test_reopened_twice_at_once_is_one_next_version(coded: CodeSet, coder: Any) -> None:
    sign_off(coder, coded.pk)
    outcome = at_once(*[lambda: reopen(coder, coded.pk, reason="audit")] * 2)
    assert sorted(outcome) == ["done", "wrong_status"]
    assert list(CodeSet.objects.order_by("version").values_list("version", "status")) == [
        (1, "superseded"),
        (2, "open"),
    ]
    assert log_is_whole()


def test_undone_twice_at_once_undoes_two_acts_or_one_but_none_twice(coded: CodeSet, coder: Any) -> None:
    before = Decision.objects.count()
    assert at_once(*[lambda: undo(coder, coded.pk)] * 2) == ["done", "done"]
    undone = Decision.objects.filter(undoes__isnull=False).values_list("undoes", flat=True)
    assert len(undone) == len(set(undone)) == Decision.objects.count() - before == 2
    assert log_is_whole()


def test_a_decision_beside_the_signature_is_in_it_or_refused(
    icd10cm: Any, make_encounter: Any, coder: Any
) -> None:
    code_set: CodeSet = make_encounter().code_sets.get()
    heart_failure, low = suggest(code_set, HF, SOB)
    claim(coder, code_set.encounter_id)
    accept(coder, code_set.pk, heart_failure.pk, poa="Y")
    set_role(coder, code_set.pk, heart_failure.pk, role="principal")
    outcome = at_once(
        lambda: sign_off(coder, code_set.pk),
        lambda: accept(coder, code_set.pk, low.pk, poa="Y"),
        lambda: dismiss(coder, code_set.pk, low.pk),
    )
    assert outcome[0] == "done"
    signed = set(CodeLine.objects.values_list("code", flat=True))
    low.refresh_from_db()
    assert (SOB[0] in signed) == (low.state == "accepted")
    assert log_is_whole()


@pytest.mark.usefixtures("marked_engine")
def test_a_document_beside_the_signature_is_an_alert_or_seen_before(
    coded: CodeSet, coder: Any, work_group: Any
) -> None:
    encounter = coded.encounter
    late = IncomingEncounter(
        source=encounter.source,
        source_id=encounter.source_id,
        facility=work_group.facility.code,
        work_group=work_group.code,
        documents=(IncomingDocument("late", "ADDENDUM\nNothing else."),),
        setting="inpatient",
    )
    outcome = at_once(lambda: sign_off(coder, coded.pk), lambda: receive_encounter(None, late, via="command"))
    assert outcome[1] == "done"
    coded.refresh_from_db()
    alert = DocumentAlert.objects.get()
    # Signed first: the document came after it, and says so. Document first: the running prediction blocks.
    assert (outcome[0], coded.status, alert.after_sign_off) in {
        ("done", "signed", True),
        ("sign_off_blocked", "open", False),
    }
    assert log_is_whole()


def test_a_lease_that_ends_beside_a_decision_costs_nothing(
    icd10cm: Any, make_encounter: Any, coder: Any, other_coder: Any
) -> None:
    code_set: CodeSet = make_encounter().code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, code_set.encounter_id)
    Encounter.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    outcome = at_once(
        lambda: accept(coder, code_set.pk, entry.pk),
        park_expired_leases,
        lambda: claim(other_coder, code_set.encounter_id),
    )
    assert outcome == ["done", "done", "not_yours"]
    encounter = Encounter.objects.get()
    assert (encounter.owner, encounter.status) == (coder, EncounterStatus.IN_REVIEW)
    assert Decision.objects.count() == 1
    assert log_is_whole()


def test_given_away_beside_a_decision_it_is_decided_before_or_not_at_all(
    icd10cm: Any, make_encounter: Any, coder: Any, other_coder: Any, lead: Any
) -> None:
    code_set: CodeSet = make_encounter().code_sets.get()
    (entry,) = suggest(code_set, HF)
    claim(coder, code_set.encounter_id)
    outcome = at_once(
        lambda: accept(coder, code_set.pk, entry.pk),
        lambda: reassign(lead, code_set.encounter_id, to=other_coder),
    )
    assert outcome in (["done", "done"], ["not_yours", "done"])
    assert Decision.objects.count() == outcome.count("done") - 1
    assert Encounter.objects.get().owner == other_coder
    assert log_is_whole()


def test_a_lock_keeps_out_another_lock(make_encounter: Any) -> None:
    """Leaving the key alone does not weaken the lock between two acts."""
    encounter = make_encounter(on=None)
    held, order = threading.Event(), []

    def first() -> None:
        with transaction.atomic():
            lock_encounter(encounter.pk)
            held.set()
            threading.Event().wait(0.3)
            order.append("first")

    def second() -> None:
        assert held.wait(timeout=60)
        with transaction.atomic():
            lock_encounter(encounter.pk)
            order.append("second")

    assert at_once(first, second) == ["done", "done"]
    assert order == ["first", "second"]
