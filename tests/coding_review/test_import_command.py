"""manage.py import_charts: files and folders, the demo and its late documents, exit code and summary."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from coding_review.choices import EncounterStatus
from coding_review.demo.encounters import demo_encounters, demo_facilities
from coding_review.errors import NotAllowed
from coding_review.models import AuditEvent, DocumentAlert, Encounter, Facility, WorkGroup
from tests.deliveries import row_counts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("icd10cm", "marked_engine")]
WHERE = ("--facility", "TVMC", "--work-group", "inpatient")


def run(*arguments: str) -> tuple[int, str, list[str]]:
    """(exit code, summary, lines on stderr)"""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("import_charts", *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        code = error.returncode
        err.write(f"{error}\n")
    return code, out.getvalue().strip(), err.getvalue().splitlines()


def test_a_file_of_texts_with_what_the_options_say(tmp_path: Path, work_group: WorkGroup, lead: Any) -> None:
    (tmp_path / "note.txt").write_bytes(b"Seen.\r\n")
    options = ("--source", "scan", "--setting", "emergency", "--claim-type", "facility_outpatient")
    dates = (
        "--date-of-service",
        "2026-06-09",
        "--document-type",
        "ED note",
        "--confidentiality",
        "restricted",
    )
    found = run(str(tmp_path / "note.txt"), *WHERE, *options, *dates, "--actor", "lead")
    assert found == (0, "New encounter: 1", [])
    encounter = Encounter.objects.get()
    assert (encounter.source, encounter.source_id, encounter.setting) == ("scan", "note", "emergency")
    assert (encounter.claim_types, str(encounter.date_of_service)) == (["facility_outpatient"], "2026-06-09")
    assert encounter.confidentiality == "restricted"
    only = encounter.documents.get()
    assert (only.type, only.versions.get().text) == ("ED note", "Seen.\r\n")
    event = AuditEvent.objects.get(type="encounter.received")
    assert (event.actor, event.data["via"]) == (lead, "command")


def test_a_bad_row_is_told_the_others_go_in_and_the_exit_code_is_1(
    tmp_path: Path, work_group: WorkGroup
) -> None:
    rows = [{"id": "a", "text": "A."}, {"id": "b", "text": ""}, {"id": "c", "text": "C.", "facility": "XX"}]
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "y.txt").write_bytes(b"caf\xe9")
    assert run(str(tmp_path), *WHERE) == (
        1,
        "New encounter: 1",
        [
            "x.jsonl, line 2: text: the text is empty",
            "x.jsonl, line 3: There is no such facility and work group.",
            "y.txt, line 1: not UTF-8: byte 0xE9 at byte offset 3",
            "3 rows were not taken in.",
        ],
    )
    assert list(Encounter.objects.values_list("source_id", flat=True)) == ["a"]


def test_again_changes_nothing_and_differences_are_told(tmp_path: Path, work_group: WorkGroup) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "a", "text": "A.", "age": 70}')
    run(str(path), *WHERE)
    before = row_counts()
    assert run(str(path), *WHERE) == (0, "Already there, unchanged: 1", [])
    path.write_text('{"id": "a", "text": "A.", "age": 71}')
    assert run(str(path), *WHERE) == (
        0,
        "Already there, unchanged: 1",
        ["x.jsonl, line 1: kept as it was: age"],
    )
    assert row_counts() == before
    path.write_text('{"id": "a", "text": "B.", "age": 70}')
    assert run(str(path), *WHERE)[:2] == (0, "Document changed: 1")


def test_progress_is_told_on_the_way(tmp_path: Path, work_group: WorkGroup, monkeypatch: Any) -> None:
    monkeypatch.setattr("coding_review.management.commands.import_charts._PROGRESS_EVERY", 2)
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps({"id": str(n), "text": "A."}) for n in range(5)))
    assert run(str(tmp_path), *WHERE) == (0, "New encounter: 5", ["2 rows …", "4 rows …"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("/no/such/place",), "1 row was not taken in."),
        (("demo", "--actor", "nobody"), "There is no such active user."),
        ((".", "--late"), "--late goes with demo only."),
    ],
)
def test_what_cannot_be_begun(arguments: tuple[str, ...], message: str) -> None:
    before = row_counts()
    code, _, lines = run(*arguments)
    assert (code, lines[-1]) == (1, message)
    assert row_counts() == before


def test_an_empty_folder_is_no_success(tmp_path: Path) -> None:
    assert run(str(tmp_path)) == (1, "Nothing taken in.", ["There was nothing to take in."])


def test_the_actor_needs_the_right(tmp_path: Path, coder: Any) -> None:
    (tmp_path / "note.txt").write_bytes(b"Seen.")
    before = row_counts()
    with pytest.raises(NotAllowed):
        run(str(tmp_path), *WHERE, "--actor", "coder")
    assert row_counts() == before


@pytest.fixture
def demo_places() -> None:
    for one in demo_facilities():
        facility = Facility.objects.create(code=one.code, name=one.name, time_zone=one.time_zone)
        for group in one.work_groups:
            WorkGroup.objects.create(facility=facility, code=group.code, name=group.name)


@pytest.mark.usefixtures("demo_places")
def test_the_demo_goes_in_twice_as_once_and_its_late_documents_when_asked() -> None:
    assert run("demo") == (0, "New encounter: 14", [])
    for one in demo_encounters():
        encounter = Encounter.objects.get(source_id=one.id)
        texts = {d.source_id: d.versions.get().text for d in encounter.documents.all()}
        assert texts == {d.source_id: d.text for d in one.delivery.documents}
        assert encounter.synthetic
    before = row_counts()
    assert run("demo") == (0, "Already there, unchanged: 14", [])
    assert row_counts() == before

    late = next(one for one in demo_encounters() if one.late_delivery)
    Encounter.objects.filter(source_id=late.id).update(status=EncounterStatus.SIGNED_OFF)
    assert run("demo", "--late") == (0, "Came after sign-off: alert: 1", [])
    assert DocumentAlert.objects.get().encounter.source_id == late.id
