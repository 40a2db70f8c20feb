"""From examples to files: what is left out is counted, files are whole, the same examples have the same hash."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from modelops.datasets import files
from modelops.datasets.build import Gathered, NothingLeft, Options, assemble, row_of
from modelops.datasets.examples import PAIRS, Label, Negative, labels_of
from modelops.datasets.rendering import AnswerCode, render
from modelops.datasets.split import TRAIN, VALIDATION, split_of
from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES, SHORT
from modelops.engines.llm.parse import parse_answer
from tests.modelops.datasets.made import RELEASE, TITLES, WRITTEN, count_words, example, tools

KEY = b"a key of the tests"
# What the label's quote is in the answer: whole, or its beginning up to the last word that fits.
QUOTED = {
    CODES: "Assessment: acute on chronic systolic (congestive) heart failure, stable.",
    SHORT: "Assessment: acute on",
}
TRAINED = [f"t{n}" for n in range(40) if split_of(example(f"t{n}").patient) == TRAIN]
VALIDATED = [f"v{n}" for n in range(200) if split_of(example(f"v{n}").patient) == VALIDATION][:3]


def made(**values: object) -> Gathered:
    return Gathered([example(name) for name in (*TRAINED[:10], *VALIDATED)], [], **values)  # type: ignore[arg-type]


def built(gathered: Gathered, **options: object):
    return assemble(gathered, (), Options(**options), tools())  # type: ignore[arg-type]


def test_counts_and_figures() -> None:
    found = built(made())
    figures = found.facts["statistics"]
    assert figures["examples"] == {"train": 13, "validation": 3}
    assert figures["patients"] == {"train": 10, "validation": 3}
    assert figures["composites"] == 3
    assert figures["by_source"] == {"synthetic": 13}
    assert figures["labels"] == 13
    assert figures["codes"]["distinct"] == 1
    assert figures["codes"]["most_frequent"] == [["I50.23", 13]]
    assert figures["assistance"] == {"not_applicable": 13}
    assert found.facts["left_out"] == {}
    tokens = sum(row.tokens.all for row in found.rows)
    assert figures["tokens"]["all"] == tokens
    train = sum(row.tokens.all for row in found.rows if row.split == TRAIN)
    assert figures["packing"]["tokens"] == train
    assert [row.example.id for row in found.rows] == sorted(row.example.id for row in found.rows)


def test_only_training_charts_are_joined() -> None:
    joined = [row for row in built(made(), augment=1.0).rows if row.example.composite]
    assert len(joined) == 10
    assert all(row.split == TRAIN and not set(row.example.parts) & set(VALIDATED) for row in joined)


def test_the_share_of_joined_charts_is_of_charts_not_of_the_catalogs_words() -> None:
    words = [replace(example(name), stage=PAIRS) for name in TRAINED[10:30]]
    gathered = replace(made(), examples=[*made().examples, *words])
    joined = [row for row in built(gathered).rows if row.example.composite]
    assert len(joined) == 3


def test_the_prompt_is_the_engines_and_the_answer_reads_back() -> None:
    for prompt in CODE_PROMPTS:
        row = built(made(), prompt=prompt, augment=0).rows[0]
        label = row.example.labels[0]
        place = label.evidence[0]
        wanted = render(
            row.example.chart,
            [
                AnswerCode(
                    label.code,
                    TITLES[label.code],
                    place.document_id,
                    place.line_start,
                    place.line_end,
                    place.quote,
                )
            ],
            prompt=prompt,
        )
        assert row.rendered == wanted
        assert row.tokens == count_words(wanted.messages, wanted.answer)
        items = parse_answer(row.rendered.answer).items
        assert [(item.code, item.line_start, item.quote) for item in items] == [("I50.23", 7, QUOTED[prompt])]


def test_what_cannot_be_trained_on_is_counted_by_its_reason() -> None:
    bare = example(TRAINED[11])
    places = bare.labels[0]
    gathered = Gathered(
        [
            example(TRAINED[0]),
            replace(bare, labels=(replace(places, evidence=()),)),
            replace(example(TRAINED[12]), labels=(replace(places, code="Z99.99"),)),
            example(TRAINED[13], lines=400),
            replace(example(TRAINED[14]), chart=replace(example("x").chart, documents=()), labels=()),
        ],
        [],
        left_out={"held_out": 2},
    )
    found = built(gathered, pack_tokens=1500)
    assert [row.example.id for row in found.rows] == [TRAINED[0]]
    assert found.facts["left_out"] == {
        "code_not_in_release": 1,
        "held_out": 2,
        "label_without_evidence": 1,
        "no_text": 1,
        "too_long": 1,
    }


def test_a_composite_that_is_too_long_is_counted_apart() -> None:
    one = built(made(), augment=0)
    longest = max(row.tokens.all for row in one.rows)
    found = built(made(), pack_tokens=longest)
    assert found.facts["left_out"] == {"composite_too_long": 3}
    assert found.facts["statistics"]["composites"] == 0


def test_what_nobody_decided_is_told_as_settled_or_its_chart_is_left_out() -> None:
    open_code = replace(
        example(TRAINED[0]),
        unlabelled=(("icd10cm", "R54"),),
        negatives=(Negative("icd10cm", "Z91.81", "negated", WRITTEN),),
    )
    gathered = Gathered([open_code, example(TRAINED[1])], [])
    row = next(row for row in built(gathered, augment=0).rows if row.example.id == TRAINED[0])
    asked = row.rendered.messages[-1].content
    assert f"- R54 {TITLES['R54']}" in asked
    # What was rejected is not told: that it is absent from the answer is what is taught.
    assert "Z91.81" not in asked
    assert "R54" not in row.rendered.answer
    without = built(gathered, augment=0, unlabelled="left_out")
    assert [row.example.id for row in without.rows] == [TRAINED[1]]
    assert without.facts["left_out"] == {"unlabelled_codes": 1}


def test_nothing_left() -> None:
    with pytest.raises(NothingLeft, match="No example is left to train on; left out: 1 too long"):
        built(Gathered([example(TRAINED[0])], []), pack_tokens=1)
    with pytest.raises(NothingLeft, match="left out: none"):
        built(Gathered([example(VALIDATED[0])], []))


def test_the_record_keeps_provenance_and_assistance() -> None:
    one = replace(example(TRAINED[0]), unlabelled=(("icd10cm", "R54"),))
    row = row_of(built(Gathered([one], [])).rows[0], KEY)
    record = json.loads(row["record"])
    assert record["provenance"] == {
        "kind": "synthetic",
        "source": "test",
        "chart": TRAINED[0],
        "release": RELEASE,
        "documents": list(one.provenance.document_sha256),
    }
    assert record["labels"] == [
        {
            "system": "icd10cm",
            "code": "I50.23",
            "origin": "written",
            "assistance": {"shown": "not_applicable"},
            "places": 1,
        }
    ]
    assert record["unlabelled"] == [{"system": "icd10cm", "code": "R54"}]
    assert (row["composite"], row["stage"], row["weight"]) == (False, "notes", 1.0)
    assert one.patient[:16] != row["patient"]
    assert len(row["patient"]) == 16


def test_files_are_whole_and_the_same_again(tmp_path: Path) -> None:
    written = files.write(built(made()), "first", tmp_path, KEY)
    folder = tmp_path / written.path
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "train.jsonl",
        "validation.jsonl",
    ]
    assert files.verify(folder, written.sha256) == dict(written.manifest)
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 13 == written.manifest["files"]["train.jsonl"]["rows"]
    assert {frozenset(row) for row in rows} == {
        frozenset(
            [
                "id",
                "messages",
                "completion",
                "tokens",
                "completion_tokens",
                "patient",
                "composite",
                "weight",
                "stage",
                "record",
            ]
        )
    }
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o440, 0o440, 0o440]
    assert folder.stat().st_mode & 0o777 == 0o750
    shuffled = replace(made(), examples=list(reversed(made().examples)))
    again = files.write(built(shuffled), "first", tmp_path, KEY)
    assert again == written
    assert [path.name for path in tmp_path.iterdir()] == [written.path]
    other = files.write(built(made(), augment=0), "first", tmp_path, KEY)
    assert other.sha256 != written.sha256


def test_an_altered_file_is_found(tmp_path: Path) -> None:
    written = files.write(built(made()), "first", tmp_path, KEY)
    path = tmp_path / written.path / "train.jsonl"
    path.chmod(0o644)
    before = path.read_bytes()
    path.write_bytes(before.replace(b"I50.23", b"I50.22", 1))
    with pytest.raises(files.AlteredDataset, match=r"train\.jsonl in first-"):
        files.verify(tmp_path / written.path, written.sha256)
    # Nor is the altered folder taken for the one that is built again.
    with pytest.raises(files.AlteredDataset):
        files.write(built(made()), "first", tmp_path, KEY)
    path.write_bytes(before)
    files.verify(tmp_path / written.path, written.sha256)
    with pytest.raises(files.AlteredDataset, match="manifest"):
        files.verify(tmp_path / written.path, "0" * 64)


def test_nothing_stays_of_a_write_that_fails(tmp_path: Path) -> None:
    found = built(made())
    broken = replace(found, rows=(*found.rows, replace(found.rows[0], example=None)))
    with pytest.raises(AttributeError):
        files.write(broken, "first", tmp_path, KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-a", "a" * 61])
def test_a_name_is_a_folders(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small letters"):
        files.write(built(made()), name, tmp_path / "none", KEY)
    assert not (tmp_path / "none").exists()


def test_labels_are_one_a_code() -> None:
    one = example("x", ["I50.23"])
    label = one.labels[0]
    other = Label("icd10cm", "I50.23", (replace(label.evidence[0], col_start=12),), "added", WRITTEN)
    assert labels_of((label, other, label)) == (
        replace(label, evidence=(label.evidence[0], other.evidence[0])),
    )
