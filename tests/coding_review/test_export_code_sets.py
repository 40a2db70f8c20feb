"""Signed code sets as files: whole, as signed, and told to the encounter's log."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from catalog.models import Release
from coding_review.actions.add_code import add_code
from coding_review.actions.export_code_sets import export_code_sets
from coding_review.actions.sign_off import STATEMENT, hash_of, sign_off
from coding_review.errors import Altered, NotAllowed, WrongStatus
from coding_review.models import AuditEvent, CodeEntry, CodeLine, CodeSet, Encounter, Reading
from tests.coding_review.audit_sample import tamper

MakeEncounter = Callable[..., Encounter]


@pytest.fixture
def signed(icd10cm: Release, make_encounter: MakeEncounter, coder: User) -> CodeSet:
    encounter = make_encounter(status="in_review", owner=coder)
    code_set = encounter.code_sets.get()
    reading = Reading.objects.create(code_set=code_set)
    for sequence, (code, role, poa) in enumerate(
        [("I50.23", "principal", "Y"), ("E11.22", "secondary", "Y"), ("N18.32", "secondary", "N")], start=1
    ):
        CodeEntry.objects.create(
            reading=reading, origin="added", state="added", code=code, title=f"Title of {code}", role=role,
            poa=poa, sequence=sequence,
        )  # fmt: skip
    return sign_off(coder, code_set.pk)


def exported(actor: User, *code_sets: CodeSet, format: str = "jsonl") -> list[dict[str, Any]]:
    out = io.BytesIO()
    written = export_code_sets(actor, [c.pk for c in code_sets], format=format, out=out)
    assert written.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    text = out.getvalue().decode()
    if format == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_procedure_has_no_role(icd10cm: Release, make_encounter: MakeEncounter, coder: User) -> None:
    encounter = make_encounter(claim_types=("professional",), status="in_review", owner=coder)
    code_set = encounter.code_sets.get()
    procedure = add_code(coder, code_set.pk, code="99213", system="cpt")
    CodeEntry.objects.create(
        reading=procedure.reading, origin="added", state="added", code="I10", role="first_listed", sequence=2
    )
    rows = exported(coder, sign_off(coder, code_set.pk))
    assert [(r["code"], r["role"]) for r in rows] == [("I10", "first_listed"), ("99213", "")]
    assert [line.role for line in code_set.lines.all()] == ["first_listed", ""]


def test_every_field_of_every_line(signed: CodeSet, coder: User, icd10cm: Release) -> None:
    rows = exported(coder, signed)
    entry = CodeEntry.objects.get(code="I50.23")
    assert [(r["sequence"], r["code"], r["role"], r["poa"]) for r in rows] == [
        (1, "I50.23", "principal", "Y"),
        (2, "E11.22", "secondary", "Y"),
        (3, "N18.32", "secondary", "N"),
    ]
    assert rows[0] == {
        "encounter_id": signed.encounter_id,
        "source": "test",
        "source_id": signed.encounter.source_id,
        "code_set_id": signed.pk,
        "claim_type": "facility_inpatient",
        "version": 1,
        "status": "signed",
        "reopened_from": None,
        "reopen_reason": "",
        "catalog_release": str(icd10cm),
        "release_stands_in": False,
        "editions": signed.editions,
        "signed_by": "R-coder",
        "credential": "CCS",
        "signed_at_utc": signed.signed_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "statement": STATEMENT,
        "code_set_sha256": signed.sha256,
        "entry_id": entry.pk,
        "sequence": 1,
        "system": "icd10cm",
        "code": "I50.23",
        "title": "Title of I50.23",
        "line_release": "ICD-10-CM FY2026, April release",
        "line_release_origin": "published",
        "role": "principal",
        "poa": "Y",
        "modifiers": [],
        "units": 1,
        "service_date": None,
        "rendering_provider": "",
        "diagnosis_pointers": [],
        "findings": [f for f in signed.editions["code_edits"]["findings"] if "I50.23" in f["codes"]],
    }
    assert set(rows[0]["editions"]) == {
        "icd10cm",
        "procedures",
        "reasons",
        "sign_off_rules",
        "overrides",
        "code_edits",
        "engines",
    }


def test_csv_holds_the_same(signed: CodeSet, coder: User) -> None:
    as_csv, as_json = exported(coder, signed, format="csv"), exported(coder, signed)
    assert [row["code"] for row in as_csv] == ["I50.23", "E11.22", "N18.32"]
    assert list(as_csv[0]) == list(as_json[0])
    assert json.loads(as_csv[0]["editions"]) == as_json[0]["editions"]
    assert (as_csv[0]["release_stands_in"], as_csv[0]["modifiers"], as_csv[0]["service_date"]) == (
        "false",
        "[]",
        "",
    )


def test_a_release_that_stands_in_is_marked(signed: CodeSet, coder: User) -> None:
    signed.release_stands_in = True
    signed.sha256 = hash_of(signed, list(signed.lines.all()))
    tamper(
        f"UPDATE {CodeSet._meta.db_table} SET release_stands_in = true, sha256 = %s WHERE id = %s",
        signed.sha256,
        signed.pk,
    )
    assert [row["release_stands_in"] for row in exported(coder, signed)] == [True, True, True]


def test_no_patient_and_no_account_name(signed: CodeSet, coder: User) -> None:
    out = io.BytesIO()
    export_code_sets(coder, [signed.pk], format="csv", out=out)
    text = out.getvalue().decode()
    assert signed.encounter.source_id in text
    for secret in ("Quintero", "MRN-", signed.encounter.account_number, "furosemide"):
        assert secret not in text


def test_told_to_the_log_of_the_encounter(signed: CodeSet, auditor: User) -> None:
    out = io.BytesIO()
    export_code_sets(auditor, [signed.pk], format="csv", out=out)
    event = AuditEvent.objects.get(type="codeset.exported")
    assert (event.actor, event.encounter) == (auditor, signed.encounter)
    assert event.data == {
        "code_set_ids": [signed.pk],
        "format": "csv",
        "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
        "rows": 3,
    }


def refused(error: type[Exception], actor: User, pk: int) -> None:
    before = AuditEvent.objects.count()
    out = io.BytesIO()
    with pytest.raises(error):
        export_code_sets(actor, [pk], format="csv", out=out)
    assert (out.getvalue(), AuditEvent.objects.count()) == (b"", before)


def test_who_may_not(signed: CodeSet, outsider: User, expert: User, admin: User) -> None:
    for actor in (outsider, expert, admin):
        refused(NotAllowed, actor, signed.pk)
    refused(NotAllowed, outsider, signed.pk + 1000)


def test_an_open_code_set_is_not_exported(make_encounter: MakeEncounter, coder: User) -> None:
    refused(WrongStatus, coder, make_encounter(on=None).code_sets.get().pk)


@pytest.mark.parametrize("change", ["code = 'I50.22'", "poa = 'N'", "role = 'secondary'"])
def test_lines_altered_after_signing_do_not_leave(signed: CodeSet, coder: User, change: str) -> None:
    tamper(f"UPDATE {CodeLine._meta.db_table} SET {change} WHERE sequence = 1")
    refused(Altered, coder, signed.pk)
