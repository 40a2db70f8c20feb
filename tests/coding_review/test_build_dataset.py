"""A dataset version by command and action: built from what people decided, kept, told to the audit log, or refused."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from catalog.models import Code
from coding_review.actions.build_dataset import Sources, build_dataset, export_dataset
from coding_review.actions.gold_exchange import import_gold
from coding_review.errors import Altered, DatasetRefused, InvalidDecision, NotAllowed
from coding_review.exports.files import Written
from coding_review.models import AuditEvent
from modelops.datasets import files
from modelops.datasets.build import Options
from modelops.datasets.split import TRAIN, patient_key, split_of
from modelops.jobs import dataset_sizes
from modelops.models import DatasetVersion
from modelops.training.config import Recipe, Stage
from tests.coding_review.signed_charts import signed_chart
from tests.modelops.datasets.chat_model import make_chat_model
from tests.modelops.datasets.made import sentence
from tests.personas import NOTE

pytestmark = pytest.mark.django_db

# Patients of the training split, by their numbers.
TRAINED = [n for n in range(60) if split_of(patient_key("written", f"p{n}")) == TRAIN]
VALIDATED = [n for n in range(200) if split_of(patient_key("written", f"p{n}")) != TRAIN]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    return make_chat_model(tmp_path / "base")


@pytest.fixture(autouse=True)
def kept(settings, tmp_path: Path) -> Path:
    settings.DATASETS_DIR = tmp_path / "datasets"
    return settings.DATASETS_DIR


def line(number: int, **values: object) -> str:
    text = [
        *(sentence(f"{number} {n}", 14) for n in range(8)),
        "Type 2 diabetes mellitus without complications.",
    ]
    return json.dumps(
        {
            "id": f"w-{number}",
            "source": "written",
            "patient_id": f"p{number}",
            "text": "\n".join(text),
            "sex": "F",
            "age": 60,
            "date_of_service": "2026-06-09",
            "codes": [{"code": "E11.9", "lines": [9]}],
            "traps": [{"code": "I10", "kind": "negated"}],
            **values,
        }
    )


def written(*lines: str) -> Sources:
    return Sources(written=(("synthetic:test", lambda: lines),))


def some() -> Sources:
    return written(*(line(n) for n in (*TRAINED[:10], *VALIDATED[:2])))


def test_built_kept_and_told(icd10cm, admin, tokenizer: Path, kept: Path) -> None:
    version, new = build_dataset(admin, "first", some(), tokenizer=tokenizer)
    assert new
    assert (str(version), version.kind, version.created_by) == ("first v1", "icd10cm", admin)
    assert version.statistics["examples"] == {"train": 13, "validation": 2}
    assert version.manifest["statistics"] == version.statistics
    manifest = files.verify(kept / version.path, version.sha256)
    assert manifest == version.manifest
    row = json.loads((kept / version.path / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    answer = json.loads(row["completion"])
    assert answer["codes"][0]["code"] == "E11.9"
    assert answer["codes"][0]["description"] == "Type 2 diabetes mellitus without complications"
    event = AuditEvent.objects.get(type="dataset.built")
    assert event.actor == admin
    assert event.data == {
        "dataset_id": version.pk,
        "name": "first",
        "version": 1,
        "kind": "icd10cm",
        "sha256": version.sha256,
        "train": 13,
        "validation": 2,
        "sources": ["synthetic:test"],
    }


def test_the_same_is_not_kept_twice_and_another_is_the_next_version(
    icd10cm, tokenizer: Path, kept: Path
) -> None:
    first, _ = build_dataset(None, "first", some(), tokenizer=tokenizer)
    again, new = build_dataset(None, "first", some(), tokenizer=tokenizer)
    assert (again, new) == (first, False)
    other, new = build_dataset(None, "first", some(), tokenizer=tokenizer, options=Options(augment=0))
    assert (other.version, new) == (2, True)
    assert DatasetVersion.objects.latest_of("first") == other
    assert len(list(kept.iterdir())) == 2
    assert AuditEvent.objects.filter(type="dataset.built").count() == 2


def test_who_may_not_builds_nothing(
    icd10cm, coder, lead, expert, adjudicator, auditor, privacy_officer, outsider, tokenizer: Path, kept: Path
) -> None:
    for user in (coder, lead, expert, adjudicator, auditor, privacy_officer, outsider):
        with pytest.raises(NotAllowed):
            build_dataset(user, "first", some(), tokenizer=tokenizer)
    assert not DatasetVersion.objects.exists()
    assert not kept.exists()
    assert not AuditEvent.objects.filter(type="dataset.built").exists()


def test_one_chart_of_an_evaluation_set_and_nothing_is_built(icd10cm, tokenizer: Path, kept: Path) -> None:
    copied = json.loads(line(TRAINED[3]))
    copied |= {
        "id": "gold-9",
        "patient_id": "someone else",
        "text": copied["text"].replace("9", "8") + "\nSeen.",
    }
    import_gold(None, [json.dumps(copied).encode()], name="Dev", purpose="evaluation", without_phi=True)
    with pytest.raises(DatasetRefused) as caught:
        build_dataset(None, "first", some(), tokenizer=tokenizer)
    name = f"synthetic:test/w-{TRAINED[3]}"
    assert caught.value.data["examples"] == [name]
    assert f"{name} is Dev v1/gold-9 (near duplicate" in caught.value.message
    assert not DatasetVersion.objects.exists()
    assert not kept.exists()
    # Named to stay out, the rest is built.
    sources = Sources(written=some().written, leave_out=frozenset({name}))
    version, _ = build_dataset(None, "first", sources, tokenizer=tokenizer)
    assert version.manifest["left_out"] == {"named_to_stay_out": 1}
    assert version.manifest["leak_check"] == {
        "sets": ["Dev v1"],
        "charts": 1,
        "charts_without_text": 0,
        "examples": 11,
        "leaks": 0,
    }


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("First", {}, "small letters"),
        ("../first", {}, "small letters"),
        ("first", {"prompt": "none-1"}, "no such prompt"),
    ],
)
def test_what_does_not_go_together_is_refused(
    name, options, problem, icd10cm, tokenizer: Path, kept: Path
) -> None:
    with pytest.raises(InvalidDecision, match=problem):
        build_dataset(None, name, some(), tokenizer=tokenizer, options=Options(**options))
    with pytest.raises(InvalidDecision, match=r"tokenizer\.json"):
        build_dataset(None, "first", some(), tokenizer=kept)
    with pytest.raises(InvalidDecision, match="Name what"):
        build_dataset(None, "first", Sources(), tokenizer=tokenizer)
    assert not DatasetVersion.objects.exists()


def test_real_charts_come_out_without_their_names(
    icd10cm, make_encounter, coder, tokenizer: Path, kept: Path
) -> None:
    real_charts(make_encounter, coder)
    version, _ = build_dataset(None, "real", Sources(signed_off=True), tokenizer=tokenizer)
    folder = kept / version.path
    told = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    for gone in ("Quintero", "Oyelaran", "6/2/2026", "Marisol", "MRN-"):
        assert gone not in told
    assert "systolic heart failure" in told
    assert "Mrs. " in told
    assert version.manifest["left_out"] == {}
    assert version.manifest["deidentified"]["charts"] == 4
    assert version.manifest["deidentified"]["replaced"]["date"] == 4


def test_a_note_copied_from_patient_to_patient_is_one(
    icd10cm, make_encounter, coder, tokenizer: Path
) -> None:
    real_charts(make_encounter, coder)
    signed_chart(make_encounter, coder, synthetic=False, texts={"discharge summary": real_text(0)})
    version, _ = build_dataset(None, "real", Sources(signed_off=True), tokenizer=tokenizer)
    assert version.manifest["left_out"] == {"near_duplicate": 1}
    assert version.manifest["deidentified"]["charts"] == 4


def test_the_row_never_changes(icd10cm, tokenizer: Path) -> None:
    version, _ = build_dataset(None, "first", some(), tokenizer=tokenizer)
    rows = DatasetVersion.objects.filter(pk=version.pk)
    for change in (lambda: rows.update(name="other"), rows.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert DatasetVersion.objects.get() == version


def real_text(number: int) -> str:
    """The name is none that stands in for others: by chance it would come back as another's."""
    text = NOTE.replace("Admitted", "Mrs. Quintero-Oyelaran was admitted on 6/2/2026", 1)
    return "\n".join([text, *(sentence(f"{number} {n}", 14) for n in range(12))])


def real_charts(make_encounter, coder) -> None:
    """Four patients with notes of their own."""
    for number in range(4):
        signed_chart(make_encounter, coder, synthetic=False, texts={"discharge summary": real_text(number)})


def copy(folder: Path) -> Written:
    data = (folder / "train.jsonl").read_bytes()
    return Written(data.count(b"\n"), "f" * 64)


def test_export_needs_the_right_and_the_files_as_they_were(
    icd10cm, admin, coder, tokenizer: Path, kept: Path
) -> None:
    version, _ = build_dataset(admin, "first", some(), tokenizer=tokenizer)
    assert export_dataset(admin, version, format="jsonl", write=copy).rows == 13
    event = AuditEvent.objects.get(type="dataset.exported")
    assert event.data["rows"] == 13
    with pytest.raises(NotAllowed):
        export_dataset(coder, version, format="jsonl", write=copy)
    path = kept / version.path / "validation.jsonl"
    path.chmod(0o644)
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(Altered):
        export_dataset(None, version, format="jsonl", write=copy)
    assert AuditEvent.objects.filter(type="dataset.exported").count() == 1


def test_text_of_real_patients_needs_the_right_to_it(
    icd10cm, make_encounter, coder, admin, tokenizer: Path
) -> None:
    real_charts(make_encounter, coder)
    version, _ = build_dataset(admin, "real", Sources(signed_off=True), tokenizer=tokenizer)
    with pytest.raises(NotAllowed, match="text in exports"):
        export_dataset(admin, version, format="jsonl", write=copy)
    assert not AuditEvent.objects.filter(type="dataset.exported").exists()


def test_the_command_says_what_was_built(icd10cm, tokenizer: Path, tmp_path: Path) -> None:
    path = tmp_path / "charts.jsonl"
    path.write_text("\n".join([*(line(n) for n in TRAINED[:10]), "no line"]) + "\n", encoding="utf-8")
    out = StringIO()
    arguments = ["build_dataset", "first", "--from", f"synthetic:{path}", "--tokenizer", str(tokenizer)]
    call_command(*arguments, stdout=out)
    version = DatasetVersion.objects.get()
    told = out.getvalue()
    assert told.startswith(
        "first v1: 13 examples to train on (3 of them composites), 0 to validate on; 1 distinct"
    )
    assert "left out: 1 bad line\n" in told
    assert version.sha256 in told
    again = StringIO()
    call_command(*arguments, stdout=again)
    assert again.getvalue().startswith("first v1, built before:")


@pytest.mark.parametrize("source", ["nothing", "gold:None such", "synthetic:/none", "gold:", "signed-off:x"])
def test_the_command_refuses_other_sources(source: str, icd10cm, tokenizer: Path) -> None:
    with pytest.raises(CommandError):
        call_command("build_dataset", "first", "--from", source, "--tokenizer", str(tokenizer))
    assert not DatasetVersion.objects.exists()


def test_a_curriculum_is_built_in_its_stages_and_can_be_planned(
    icd10cm, tokenizer: Path, kept: Path, tmp_path: Path
) -> None:
    """Titles that differ in one word are two pairs; words of two codes teach neither; all of it is trained on."""
    notes, codes = tmp_path / "notes.jsonl", tmp_path / "codes.txt"
    notes.write_text("\n".join(line(n) for n in TRAINED[:4]), encoding="utf-8")
    codes.write_text("E11.9\nN18.31\nN18.32\nI10\nE11\n", encoding="utf-8")
    call_command(
        "build_dataset", "staged", "--from", f"catalog:{codes}", "--from", f"synthetic:{notes}",
        "--tokenizer", str(tokenizer), "--augment", "0", stdout=StringIO(),
    )  # fmt: skip
    version = DatasetVersion.objects.get()
    path = kept / version.path / "train.jsonl"
    rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    stages = {row["stage"] for row in rows}
    assert stages == {"pairs", "variations", "notes"}
    pairs = {row["id"].rpartition("/")[2]: row for row in rows if row["stage"] == "pairs"}
    assert sorted(pairs) == ["E11.9", "I10", "N18.31", "N18.32"]
    for code, row in pairs.items():
        (said,) = json.loads(row["completion"])["codes"]
        title = Code.objects.of(icd10cm).get(code=code).title
        assert (said["code"], said["line_start"], said["line_end"]) == (code, 1, 1)
        assert title in row["messages"][-1]["content"]
    said = {
        (json.loads(row["completion"])["codes"][0]["code"], row["id"].rpartition("/")[2])
        for row in rows
        if row["stage"] == "variations"
    }
    assert ("I10", "hypertension (arterial) (benign) (essential) (malignant) (primary) (systemic)") in {
        (code, words.casefold()) for code, words in said
    }
    assert version.manifest["left_out"] == {"code_not_in_release": 1}
    assert version.statistics["by_stage"] == {
        "notes": 4, "pairs": 4, "variations": len(said),
    }  # fmt: skip
    assert version.statistics["examples"]["validation"] == 0
    recipe = Recipe(stages=(Stage(name="pairs"), Stage(name="variations"), Stage(name="notes", epochs=4)))
    sizes = dataset_sizes(path, recipe)
    assert {stage: size.examples for stage, size in sizes.items()} == version.statistics["by_stage"]


def test_pairs_of_the_codes_that_charts_are_labelled_with(icd10cm, tokenizer: Path) -> None:
    some_notes = Sources(written=some().written, catalog=("labels",))
    version, _ = build_dataset(None, "labelled", some_notes, tokenizer=tokenizer)
    assert version.statistics["by_stage"]["pairs"] == 1
    assert version.statistics["by_source"]["catalog"] >= 1
