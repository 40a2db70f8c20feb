"""manage.py import_gold and export_gold: outside sets in, frozen sets out."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from coding_review.models import AuditEvent, GoldSet


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """As a public corpus has them: a kind and quotes that are not read, lines of a lone text, procedures apart."""
    rows = [
        {
            "id": f"case-{n}",
            "text": "Fever since Monday.\nPneumonia of the left lower lobe.",
            "codes": [{"code": "J18.9", "kind": "diagnosis", "lines": [2], "quotes_es": ["neumonía"]}],
            "procedures": [{"code": "BW03ZZZ", "lines": [2]}],
        }
        for n in (1, 2)
    ]
    path = tmp_path / "outside.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_outside_set_comes_in_and_goes_out_the_same(db: None, outside: Path, tmp_path: Path) -> None:
    said = io.StringIO()
    call_command("import_gold", outside, name="Cases", purpose="evaluation", without_phi=True, stdout=said)
    gold_set = GoldSet.objects.get()
    assert said.getvalue().splitlines() == [
        f"Cases v1, single-read reference for evaluation: 2 charts, 2 labels; SHA-256 {gold_set.sha256}",
        "Fields that are not read: procedures.",
    ]
    out = tmp_path / "out.jsonl"
    call_command("export_gold", "Cases", out, with_text=True, stdout=io.StringIO())
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert (tmp_path / "out.jsonl.sha256").read_text() == f"{digest}  out.jsonl\n"
    first = json.loads(out.read_text().splitlines()[0])
    assert (first["id"], first["text"].count("\n")) == ("case-1", 1)
    evidence = [{"document_id": "1", "line_start": 2, "line_end": 2}]
    assert first["codes"] == [
        {"system": "icd10cm", "code": "J18.9", "status": "accepted", "lines": [2], "evidence": evidence}
    ]
    call_command("import_gold", out, name="Cases", purpose="train", without_phi=True, stdout=io.StringIO())
    again = tmp_path / "again.jsonl"
    call_command("export_gold", "Cases", again, set_version=2, with_text=True, stdout=io.StringIO())
    assert again.read_bytes() == out.read_bytes()


def test_errors_carry_file_and_line_and_nothing_is_imported(db: None, outside: Path) -> None:
    with outside.open("a", encoding="utf-8") as file:
        file.write('{"id": "case-3", "text": "One line.", "codes": [{"code": "J18.9", "lines": [2]}]}\n')
    told = io.StringIO()
    with pytest.raises(CommandError, match="1 line is not gold charts; nothing was imported"):
        call_command("import_gold", outside, name="Cases", purpose="train", stderr=told)
    assert told.getvalue() == f"{outside}:3: codes[0].lines[0]: the document has 1 lines\n"
    assert not GoldSet.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_operator_gets_no_text_with_phi(db: None, outside: Path, tmp_path: Path) -> None:
    call_command("import_gold", outside, name="Cases", purpose="train", stdout=io.StringIO())
    out = tmp_path / "out.jsonl"
    with pytest.raises(CommandError, match="with the right to it"):
        call_command("export_gold", "Cases", out, with_text=True)
    assert list(tmp_path.glob("out*")) == [outside]
    call_command("export_gold", "Cases", out, stdout=io.StringIO())
    assert "Pneumonia" not in out.read_text()


def test_a_user_without_the_right_imports_nothing(coder: User, outside: Path) -> None:
    with pytest.raises(CommandError, match="set up gold projects"):
        call_command("import_gold", outside, name="Cases", purpose="train", actor="coder")
    assert not GoldSet.objects.exists()
