"""manage.py synthesize."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Release
from modelops.gold_lines import parse_gold_line
from modelops.models import SynthesisRun
from modelops.synthesis.tables import common

DOMAINS = ("advanced_illness", "frailty", "sdoh")


def synthesize(path: Path, *args: str) -> list[dict]:
    call_command("synthesize", "--out", str(path), *args)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_of_gold_charts_the_same_each_time(icd10cm: Release, tmp_path: Path, capsys) -> None:
    rows = synthesize(tmp_path / "a", "--count", "30", "--seed", "7")
    again = synthesize(tmp_path / "b", "--count", "10", "--seed", "7", "--first", "20")
    assert len(rows) == 30
    assert (tmp_path / "a").read_text().splitlines()[20:] == (tmp_path / "b").read_text().splitlines()
    assert again == rows[20:]
    for line in (tmp_path / "a").read_text().splitlines():
        assert parse_gold_line(line, domains=DOMAINS, reasons=()).codes
    assert "30 charts, 0 discarded" in capsys.readouterr().err


def test_a_small_vocabulary_in_the_short_style(icd10cm: Release, tmp_path: Path) -> None:
    rows = synthesize(
        tmp_path / "a", "--count", "150", "--codes", "60", "--style", "short", "--companions", "0-3"
    )
    assert {code["code"] for row in rows for code in row["codes"]} <= set(common()[:60])
    assert len({code["code"] for row in rows for code in row["codes"]}) >= 50
    # Four letters and signs make about one token of a small vocabulary.
    assert max(len(row["text"]) for row in rows) <= 1024


def test_twenty_codes(icd10cm: Release, tmp_path: Path) -> None:
    rows = synthesize(tmp_path / "a", "--count", "40", "--codes", "20", "--style", "short")
    assert {code["code"] for row in rows for code in row["codes"]} <= set(common()[:20])


def test_codes_of_a_file(icd10cm: Release, tmp_path: Path) -> None:
    (tmp_path / "codes").write_text("I10\nJ44.9\nE78.5\n")
    rows = synthesize(tmp_path / "a", "--count", "10", "--codes", str(tmp_path / "codes"))
    assert {code["code"] for row in rows for code in row["codes"]} <= {"I10", "J44.9", "E78.5"}


def test_a_domain(icd10cm: Release, tmp_path: Path) -> None:
    rows = synthesize(tmp_path / "a", "--count", "20", "--domain", "sdoh")
    assert all("sdoh" in row["domains"] for row in rows)


def test_a_stored_run(icd10cm: Release, tmp_path: Path) -> None:
    rows = synthesize(
        tmp_path / "a", "--count", "12", "--store", "first", "--diagnostics", str(tmp_path / "d.json")
    )
    run = SynthesisRun.objects.get(name="first")
    assert [chart.gold_row() for chart in run.charts.usable()] == rows
    assert run.counts == json.loads((tmp_path / "d.json").read_text())
    assert (run.settings["release"], run.settings["count"]) == (icd10cm.edition, 12)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--count", "0"], "at least 1"),
        (["--codes", "/nowhere/codes"], "No such file"),
        (["--companions", "5-2"], "two numbers"),
        (["--companions", "x"], "two numbers"),
        (["--out", "/nowhere/file"], "No such file"),
    ],
)
def test_what_cannot_be_is_said(icd10cm: Release, args: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("synthesize", *args)
    assert not SynthesisRun.objects.exists()


def test_codes_that_nobody_writes_about(icd10cm: Release, tmp_path: Path) -> None:
    (tmp_path / "codes").write_text("I10 V95.00XA\n")
    with pytest.raises(CommandError, match=r"not written about V95\.00XA"):
        call_command("synthesize", "--codes", str(tmp_path / "codes"))


def test_procedure_notes_of_the_loaded_release(icd10cm: Release, cpt_sample: Release, tmp_path: Path) -> None:
    rows = synthesize(
        tmp_path / "a", "--kind", "procedures", "--count", "20", "--specialty", "gastroenterology"
    )
    assert rows
    assert {code["system"] for row in rows for code in row["codes"]} == {"cpt"}
    assert {row["specialty"] for row in rows} == {"gastroenterology"}


def test_procedure_notes_without_a_release(icd10cm: Release, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        synthesize(tmp_path / "a", "--kind", "procedures", "--count", "1")


def test_what_retrieval_found_is_kept(icd10cm: Release, tmp_path: Path) -> None:
    synthesize(tmp_path / "a", "--count", "3", "--retrieve", "--store", "looked")
    charts = SynthesisRun.objects.get(name="looked").charts.all()
    assert all(chart.intermediates["candidates"] for chart in charts)


def test_a_language_model_without_an_address(icd10cm: Release, tmp_path: Path, settings) -> None:
    settings.LLM_BASE_URLS = ""
    with pytest.raises(CommandError):
        synthesize(tmp_path / "a", "--writer", "llm", "--count", "1")


@pytest.mark.django_db
def test_without_a_release() -> None:
    Release.objects.update(status="withdrawn")
    with pytest.raises(CommandError, match="No ICD-10-CM release is loaded"):
        call_command("synthesize")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--describe needs --writer llm."),
        (("--writer", "llm"), "holds no chart"),
    ],
)
def test_documents_are_described_by_a_language_model_alone(
    icd10cm: Release, tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    (tmp_path / "charts").write_text("\n")
    with pytest.raises(CommandError, match=said):
        synthesize(tmp_path / "a", "--describe", str(tmp_path / "charts"), *args)
