"""Exports of decisions: what is in them, what never is, and what the audit log keeps of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from coding_review.actions.export_decisions import export_decisions
from coding_review.audit_check import verify
from coding_review.decision_search import DecisionFilters, find_decisions
from coding_review.errors import NotAllowed, TooManyRows
from coding_review.exports import code_sets, decisions
from coding_review.exports.files import write_rows
from coding_review.models import AuditEvent, Decision, Encounter
from tests.coding_review.decision_rows import entry_state, make_decision

MakeEncounter = Callable[..., Encounter]
QUOTE = "Acute on chronic systolic heart failure, treated with furosemide."


def moment(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 6, day, hour, 30, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def made(
    make_encounter: MakeEncounter, coder: User, other_coder: User, other_work_group: Any
) -> dict[str, Decision]:
    mine, elsewhere = make_encounter(on=None), make_encounter(on=None, group=other_work_group)
    return {
        "accept": make_decision(
            mine, coder, moment(1), comment="=HYPERLINK(1)", quotes=(QUOTE,),
            rank_shown=3, band_shown="high", confidence_shown=0.934, evidence_opened=True,
            first_shown_at=moment(1, 8), engine="embedded", model_version="2026.11",
            release_name="ICD-10-CM FY2026 April",
        ),
        "modify": make_decision(
            mine, other_coder, moment(2), action="modify", before="E11.9", after="E11.22",
            reason="not_specific", reasons_edition="2026-1",
            state_before=entry_state("E11.9", "undecided"),
            state_after=entry_state("E11.22", "modified", sequence=2, modifiers=["LT"]),
        ),
        "reject": make_decision(
            mine, coder, moment(3), action="reject", before="J18.9", after="J18.9", reason="negated",
            state_after=entry_state("J18.9", "rejected"), evidence_place={},
        ),
        "carried": make_decision(mine, None, moment(4), action="carry_over"),
        "elsewhere": make_decision(elsewhere, None, moment(5)),
    }  # fmt: skip


def exported(actor: User | None, format: str = "jsonl", **options: Any) -> list[dict[str, Any]]:
    filters = options.pop("filters", DecisionFilters())
    out = io.BytesIO()
    written = export_decisions(actor, filters, format=format, out=out, **options)
    text = out.getvalue().decode()
    assert written.sha256 == hashlib.sha256(out.getvalue()).hexdigest()
    found = (
        [json.loads(line) for line in text.splitlines()]
        if format == "jsonl"
        else list(csv.DictReader(io.StringIO(text, newline="")))
    )
    assert written.rows == len(found)
    return found


def test_every_column_of_a_decision(made: dict[str, Decision], auditor: User, coder: User) -> None:
    d = made["accept"]
    row = exported(auditor)[-1]
    assert row == {
        "decision_id": d.pk,
        "at_utc": "2026-06-01T09:30:00.250000Z",
        "encounter_id": d.reading.code_set.encounter_id,
        "code_set_id": d.reading.code_set_id,
        "code_set_version": 1,
        "claim_type": "facility_inpatient",
        "reading_id": d.reading_id,
        "reading_kind": "coding",
        "number": 1,
        "batch": str(d.batch),
        "entry_id": d.entry_id,
        "origin": "suggested",
        "reviewer": "R-coder",
        "action": "accept",
        "system": "icd10cm",
        "code_before": "I50.22",
        "code_after": "I50.22",
        "reason": "",
        "reasons_edition": "",
        "state_before": "undecided",
        "state_after": "accepted",
        "role_before": "secondary",
        "role_after": "secondary",
        "poa_before": "",
        "poa_after": "Y",
        "sequence_before": 1,
        "sequence_after": 1,
        "details_changed": [],
        "evidence_document_id": 4,
        "evidence_document_version": 2,
        "evidence_line_start": 12,
        "evidence_line_end": 14,
        "evidence_col_start": 0,
        "evidence_col_end": 31,
        "assistance": "full",
        "rank_shown": 3,
        "band_shown": "high",
        "confidence_shown": 0.934,
        "first_shown_at_utc": "2026-06-01T08:30:00.250000Z",
        "evidence_opened": True,
        "engine": "embedded",
        "model_version": "2026.11",
        "catalog_release": "ICD-10-CM FY2026 April",
        "release_stands_in": False,
        "undoes_decision_id": None,
        "redoes_decision_id": None,
    }


def test_csv_holds_the_same_as_jsonl(made: dict[str, Decision], auditor: User) -> None:
    as_json, as_csv = exported(auditor), exported(auditor, "csv")
    assert [row["decision_id"] for row in as_json] == [
        made[name].pk for name in ("carried", "reject", "modify", "accept")
    ]
    modify = as_csv[2]
    assert (modify["code_before"], modify["code_after"], modify["reason"]) == (
        "E11.9",
        "E11.22",
        "not_specific",
    )
    assert (modify["details_changed"], modify["evidence_opened"]) == ('["modifiers"]', "false")
    assert as_csv[1]["evidence_line_start"] == ""
    assert as_csv[0]["reviewer"] == "system"
    for json_row, csv_row in zip(as_json, as_csv, strict=True):
        assert list(csv_row) == list(json_row) == decisions.columns(with_text=False)
        assert csv_row["code_after"] == json_row["code_after"]


def test_without_text_nothing_of_a_record_is_in_the_file(made: dict[str, Decision], auditor: User) -> None:
    encounter = made["accept"].reading.code_set.encounter
    for format in ("csv", "jsonl"):
        out = io.BytesIO()
        export_decisions(auditor, DecisionFilters(), format=format, out=out)
        text = out.getvalue().decode()
        assert "I50.22" in text
        for secret in (
            QUOTE,
            "HYPERLINK",
            "Quintero",
            "MRN",
            "coder@",
            encounter.source_id,
            encounter.account_number,
        ):
            assert secret not in text


def test_only_encounters_of_the_own_work_groups(
    made: dict[str, Decision], auditor: User, outsider: User
) -> None:
    assert made["elsewhere"].pk not in [row["decision_id"] for row in exported(auditor)]
    everything = [row["decision_id"] for row in exported(None)]
    assert (len(everything), everything[0]) == (5, made["elsewhere"].pk)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"first": date(2026, 6, 2), "last": date(2026, 6, 3)}, ["reject", "modify"]),
        ({"code": "e11"}, ["modify"]),
        ({"code": "E119"}, ["modify"]),
        ({"code": "E11.22"}, ["modify"]),
        ({"code": "22"}, []),
        ({"action": "reject"}, ["reject"]),
        ({"reason": "negated"}, ["reject"]),
        ({"reason": "context"}, ["reject"]),
        ({"reason": "criteria_insufficient"}, ["modify"]),
        ({"reason": "family_history"}, []),
    ],
)
def test_filters(made: dict[str, Decision], auditor: User, filters: dict[str, Any], names: list[str]) -> None:
    found = find_decisions(DecisionFilters(**filters), for_user=auditor)
    assert [d.pk for d in found] == [made[name].pk for name in names]


def test_filter_by_reviewer(made: dict[str, Decision], auditor: User, other_coder: User) -> None:
    found = find_decisions(DecisionFilters(reviewer=other_coder.pk), for_user=auditor)
    assert [d.pk for d in found] == [made["modify"].pk]


def test_the_export_is_told_to_the_audit_log(made: dict[str, Decision], auditor: User) -> None:
    out = io.BytesIO()
    filters = DecisionFilters(first=date(2026, 6, 1), code="E11", reason="context")
    export_decisions(auditor, filters, format="csv", out=out)
    event = AuditEvent.objects.get()
    assert (event.type, event.actor, event.encounter) == ("audit.exported", auditor, None)
    assert event.data == {
        "filters": {"from": "2026-06-01", "code": "E11", "reason": "context"},
        "format": "csv",
        "rows": 0,
        "sha256": hashlib.sha256(out.getvalue()).hexdigest(),
        "with_text": False,
    }
    assert list(verify()) == []


def test_text_only_for_those_who_may(made: dict[str, Decision], privacy_officer: User, auditor: User) -> None:
    row = exported(privacy_officer, "csv", with_text=True)[-1]
    # A spreadsheet would run the comment as a formula without the apostrophe.
    assert (row["comment"], row["quotes"]) == ("'=HYPERLINK(1)", json.dumps([QUOTE]))
    assert exported(privacy_officer, with_text=True)[-1]["comment"] == "=HYPERLINK(1)"
    assert [e.data["with_text"] for e in AuditEvent.objects.order_by("pk")] == [True, True]
    for actor in (auditor, None):
        out = io.BytesIO()
        with pytest.raises(NotAllowed):
            export_decisions(actor, DecisionFilters(), format="csv", out=out, with_text=True)
        assert out.getvalue() == b""
    assert AuditEvent.objects.count() == 2


def test_a_coder_exports_nothing(made: dict[str, Decision], coder: User) -> None:
    out = io.BytesIO()
    with pytest.raises(NotAllowed):
        export_decisions(coder, DecisionFilters(), format="csv", out=out)
    assert (out.getvalue(), AuditEvent.objects.count()) == (b"", 0)


def test_a_limit_stops_before_anything_is_written(made: dict[str, Decision], auditor: User) -> None:
    out = io.BytesIO()
    with pytest.raises(TooManyRows, match="More than 3 decisions match"):
        export_decisions(auditor, DecisionFilters(), format="csv", out=out, at_most=3)
    assert (out.getvalue(), AuditEvent.objects.count()) == (b"", 0)
    export_decisions(auditor, DecisionFilters(), format="csv", out=out, at_most=4)
    assert out.getvalue().count(b"\r\n") == 5


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        (-1, "-1"),
        (["=1"], '["=1"]'),
        ('a "quoted", word', 'a "quoted", word'),
        ("two\r\nlines", "two\r\nlines"),
    ],
)
def test_no_cell_is_a_formula(value: object, cell: str) -> None:
    out = io.BytesIO()
    write_rows(out, "csv", ["a", "b"], [[value, "end"]])
    assert list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""))) == [["a", "b"], [cell, "end"]]


# --- manage.py export_decisions ------------------------------------------------------------------------------


def test_command_writes_the_file_and_its_hash(made: dict[str, Decision], tmp_path: Path) -> None:
    out = tmp_path / "june.jsonl"
    said = io.StringIO()
    call_command("export_decisions", str(out), "--code", "E11", "--reviewer", "R-other_coder", stdout=said)
    lines = out.read_text().splitlines()
    assert [json.loads(line)["decision_id"] for line in lines] == [made["modify"].pk]
    check = subprocess.run(
        ["sha256sum", "-c", "june.jsonl.sha256"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert check.stdout == "june.jsonl: OK\n"
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert said.getvalue() == f"1 decisions in {out}\nSHA-256 {digest} in {out}.sha256\n"
    event = AuditEvent.objects.get()
    assert (event.actor, event.data["sha256"], event.data["format"]) == (None, digest, "jsonl")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["june.jsonl", "june.jsonl.sha256"]


def test_command_overwrites_nothing(made: dict[str, Decision], tmp_path: Path) -> None:
    out = tmp_path / "june.csv"
    out.write_text("kept")
    with pytest.raises(CommandError, match="exists; it is not overwritten"):
        call_command("export_decisions", str(out))
    assert (out.read_text(), AuditEvent.objects.count()) == ("kept", 0)


def test_what_a_killed_export_left_is_named(made: dict[str, Decision], tmp_path: Path) -> None:
    out = tmp_path / "june.csv"
    left = tmp_path / "june.csv.unfinished"
    left.write_text("half")
    with pytest.raises(CommandError, match=r"june\.csv\.unfinished is there: .* Remove it then\."):
        call_command("export_decisions", str(out))
    assert ([p.name for p in tmp_path.iterdir()], AuditEvent.objects.count()) == ([left.name], 0)
    left.unlink()
    call_command("export_decisions", str(out), stdout=io.StringIO())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["june.csv", "june.csv.sha256"]


def test_command_for_a_user_keeps_to_that_users_rights(
    made: dict[str, Decision], tmp_path: Path, auditor: User, privacy_officer: User
) -> None:
    refused = tmp_path / "refused.csv"
    for options in (["--user", "auditor", "--with-text"], ["--with-text"], ["--user", "nobody"]):
        with pytest.raises(CommandError):
            call_command("export_decisions", str(refused), *options)
    assert list(tmp_path.iterdir()) == []
    assert AuditEvent.objects.count() == 0
    call_command(
        "export_decisions", str(refused), "--user", "privacy_officer", "--with-text", stdout=io.StringIO()
    )
    text = refused.read_text()
    assert QUOTE in text
    assert text.count("\n") == 5
    assert AuditEvent.objects.get().data["with_text"] is True


@pytest.mark.parametrize("options", [["--from", "June"], ["--action", "eat"], ["--reason", "mood"]])
def test_command_refuses_what_it_does_not_know(db: None, tmp_path: Path, options: list[str]) -> None:
    with pytest.raises((CommandError, SystemExit)):
        call_command("export_decisions", str(tmp_path / "x.csv"), *options)
    assert list(tmp_path.iterdir()) == []


# --- Documentation -------------------------------------------------------------------------------------------


def test_every_column_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text()
    for name in [*decisions.columns(with_text=True), *code_sets.columns()]:
        assert f"`{name}`" in text, name
