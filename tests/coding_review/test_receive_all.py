"""Taking in many deliveries: bounded transactions, bad rows that leave nothing, and several sides at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import close_old_connections, connection

from catalog.choices import ClaimType
from coding_review.actions.receive_all import Received, receive_all
from coding_review.audit_check import verify
from coding_review.errors import NotAllowed
from coding_review.incoming import IncomingPatient
from coding_review.intake.rows import Row, RowError
from coding_review.models import (
    AuditEvent,
    CodeSet,
    Document,
    DocumentVersion,
    Encounter,
    Facility,
    Patient,
    WorkGroup,
)
from tests.deliveries import TEXT, delivery, document, send

pytestmark = pytest.mark.django_db


def test_good_rows_go_in_and_a_bad_one_leaves_nothing(icd10cm, marked_engine, work_group, lead):
    rows = [
        Row("a.csv", 2, delivery(source_id="E1")),
        Row("a.csv", 3, delivery(source_id="E2", facility="NONE")),
        RowError("a.csv", 4, "id is missing"),
        Row("a.csv", 5, delivery(source_id="E3", patient=IncomingPatient("P3", "M"), work_group="other")),
        Row("a.csv", 6, delivery(source_id="E1", patient=IncomingPatient("P9", "M"))),
        Row("a.csv", 7, delivery(source_id="E4")),
    ]
    found = list(receive_all(lead, rows, via="upload"))

    first, last = Encounter.objects.order_by("pk")
    assert (first.source_id, last.source_id) == ("E1", "E4")
    assert [f.receipt.outcome if isinstance(f, Received) else str(f) for f in found] == [
        "created",
        "a.csv, line 3: There is no such facility and work group.",
        "a.csv, line 4: id is missing",
        "a.csv, line 5: There is no such facility and work group.",
        "a.csv, line 6: This encounter is already here for another patient.",
        "created",
    ]
    assert list(Patient.objects.values_list("pseudonym", flat=True)) == ["P1"]
    assert AuditEvent.objects.filter(type="encounter.received").count() == 2
    assert list(verify()) == []


def test_rows_go_in_by_transactions_of_bounded_size(
    icd10cm, marked_engine, work_group, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr("coding_review.actions.receive_all.ROWS_PER_TRANSACTION", 2)
    taken = []

    def rows():
        for number in range(5):
            taken.append(Encounter.objects.count())
            yield Row("a", number, delivery(source_id=f"E{number}"))

    assert len(list(receive_all(None, rows(), via="command"))) == 5
    # What came before a row is in when the row is read: nothing waits for the end of the file.
    assert taken == [0, 0, 2, 2, 4]


def test_without_the_right_no_row_is_read(icd10cm, work_group, coder):
    def rows():
        raise AssertionError("read")
        yield

    with pytest.raises(NotAllowed):
        list(receive_all(coder, rows(), via="upload"))


# --- At the same time ----------------------------------------------------------------------------------


def in_parallel(*calls: Any) -> list[Any]:
    """Each in a thread and connection of its own, begun together; what they gave or raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        close_old_connections()
        try:
            barrier.wait(timeout=60)
            results[index] = calls[index]()
        except Exception as error:  # noqa: BLE001 - given to the test, which looks at it
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return results


@pytest.fixture
def quiet_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are what these tests are about; nothing is sent to workers."""
    monkeypatch.setattr("coding_review.tasks.predict.delay", lambda *args: None)


@pytest.mark.usefixtures("_icd10cm_loaded", "marked_engine", "quiet_broker")
@pytest.mark.django_db(transaction=True)
def test_the_same_encounter_from_two_sides_is_made_once():
    facility = Facility.objects.create(code="TVMC", name="T")
    WorkGroup.objects.create(facility=facility, code="inpatient", name="I")
    for number in range(5):
        incoming = delivery(source_id=f"E{number}", patient=IncomingPatient(f"P{number}", "F"))
        other = replace(incoming, documents=(document("d1"), document("d2", f"Two {number}.")))
        first, second = in_parallel(lambda i=incoming: send(i), lambda o=other: send(o))
        outcomes = {first.outcome, second.outcome}
        assert outcomes in ({"created", "new_document"}, {"created", "unchanged"})
        assert first.encounter_id == second.encounter_id
    assert Encounter.objects.count() == 5
    assert Document.objects.count() == 10
    assert DocumentVersion.objects.filter(version=1).count() == 10
    assert CodeSet.objects.filter(claim_type=ClaimType.FACILITY_INPATIENT, version=1).count() == 5
    assert AuditEvent.objects.filter(type="encounter.received").count() == 5
    assert list(verify()) == []


@pytest.mark.usefixtures("_icd10cm_loaded", "marked_engine", "quiet_broker")
@pytest.mark.django_db(transaction=True)
def test_two_new_texts_of_one_document_at_once_become_two_versions():
    facility = Facility.objects.create(code="TVMC", name="T")
    WorkGroup.objects.create(facility=facility, code="inpatient", name="I")
    send(delivery())
    results = in_parallel(
        lambda: send(delivery(document(text="Left."))), lambda: send(delivery(document(text="Right.")))
    )
    assert [r.outcome for r in results] == ["new_version", "new_version"]
    versions = list(DocumentVersion.objects.order_by("version"))
    assert [(v.version, v.is_latest) for v in versions] == [(1, False), (2, False), (3, True)]
    assert {v.text for v in versions} == {TEXT, "Left.", "Right."}


@pytest.mark.usefixtures("_icd10cm_loaded", "marked_engine", "quiet_broker")
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_rows_in_opposite_order_both_end():
    facility = Facility.objects.create(code="TVMC", name="T")
    WorkGroup.objects.create(facility=facility, code="inpatient", name="I")
    rows = [Row("a", n, delivery(source_id=f"E{n}", patient=IncomingPatient(f"P{n % 3}"))) for n in range(12)]
    there, back = in_parallel(
        lambda: list(receive_all(None, rows, via="command")),
        lambda: list(receive_all(None, rows[::-1], via="command")),
    )
    outcomes = sorted(r.receipt.outcome for r in [*there, *back])
    assert outcomes == ["created"] * 12 + ["unchanged"] * 12
    assert Encounter.objects.count() == 12
    assert list(verify()) == []
