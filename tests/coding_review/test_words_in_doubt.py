"""Words that may be names: listed for the site, decided there, and gone by in the next dataset."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import TableKind
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import load_table
from coding_review.actions.build_dataset import Sources, build_dataset
from coding_review.errors import DatasetRefused, InvalidDecision
from coding_review.models import AuditEvent
from tests.catalog.test_table_store import source
from tests.coding_review.signed_charts import signed_chart
from tests.modelops.datasets.chat_model import make_chat_model
from tests.personas import NOTE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def words(settings, tmp_path: Path) -> Path:
    settings.DATASETS_DIR = tmp_path / "datasets"
    settings.DEIDENTIFICATION_WORDS = tmp_path / "words.tsv"
    return settings.DEIDENTIFICATION_WORDS


@pytest.fixture
def chart(icd10cm, make_encounter, coder) -> None:
    text = f"{NOTE}\nQuorra agrees.\nZorblex was given."
    signed_chart(make_encounter, coder, synthetic=False, texts={"discharge summary": text})


def listed(*sources: str) -> str:
    out = StringIO()
    call_command("words_in_doubt", sources=list(sources or ("signed-off",)), stdout=out)
    return out.getvalue()


def decide(path: Path, **decisions: str) -> None:
    text = path.read_text(encoding="utf-8")
    for word, decision in decisions.items():
        assert f"{word}\t?\t1\n" in text
        text = text.replace(f"{word}\t?", f"{word}\t{decision}")
    path.write_text(text, encoding="utf-8")


def test_a_chart_is_refused_until_its_words_are_decided(chart, words: Path, tmp_path: Path, caplog) -> None:
    tokenizer = make_chat_model(tmp_path / "base")
    with pytest.raises(DatasetRefused, match="1 doubtful possible name"):
        build_dataset(None, "real", Sources(signed_off=True), tokenizer=tokenizer)
    told = listed()
    assert told.startswith("Charts of real patients: 1, with words in doubt 1. Words to decide: 2, in ")
    decide(words, quorra="name", zorblex="ordinary")
    assert listed().startswith("Charts of real patients: 1, with words in doubt 0. Words to decide: 0, in ")
    version, _ = build_dataset(None, "real", Sources(signed_off=True), tokenizer=tokenizer)
    kept = "".join(path.read_text() for path in (tmp_path / "datasets" / version.path).iterdir())
    assert "Zorblex was given" in kept
    assert " agrees." in kept
    assert "quorra" not in kept.casefold()
    assert len(version.manifest["deidentified"]["words_sha256"]) == 64
    events = AuditEvent.objects.filter(type="words_in_doubt.listed").order_by("pk")
    assert [event.data for event in events] == [
        {"charts": 1, "doubtful": 1, "words": 2},
        {"charts": 1, "doubtful": 0, "words": 0},
    ]
    assert "quorra" not in (told + caplog.text).casefold()


def test_a_file_that_cannot_be_read_stops_the_build_and_is_left_as_it_is(
    chart, words: Path, tmp_path: Path
) -> None:
    words.write_text("quorra\tperson\n")
    with pytest.raises(InvalidDecision, match=r"words\.tsv, line 1"):
        build_dataset(None, "real", Sources(signed_off=True), tokenizer=make_chat_model(tmp_path / "base"))
    with pytest.raises(CommandError, match=r"words\.tsv, line 1"):
        listed()
    assert words.read_text() == "quorra\tperson\n"


def test_sources_are_those_of_a_dataset(words: Path) -> None:
    with pytest.raises(CommandError, match="There is no gold set mine"):
        listed("gold:mine")


def test_a_drug_of_a_loaded_table_is_an_ordinary_word(chart, words: Path) -> None:
    assert listed().startswith("Charts of real patients: 1, with words in doubt 1. Words to decide: 2, in ")
    rows = (IndexRow(0, "Zorblex", codes=("T37.2X1",), columns=("Poisoning Accidental (unintentional)",)),)
    load_table(source(*rows, kind=TableKind.DRUGS, name="", fingerprint="d" * 64))
    assert listed().startswith("Charts of real patients: 1, with words in doubt 1. Words to decide: 1, in ")
    assert "quorra\t?\t1\n" in words.read_text(encoding="utf-8")
