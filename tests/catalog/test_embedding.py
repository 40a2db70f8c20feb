"""The static embedding by hand-counted vectors, and which model a setting leads to."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catalog.embedding.embedders import NoEmbedding, _read, embedder, model_name
from catalog.embedding.static import StaticModel, quantized, read_tensors, write_model, write_tensors
from catalog.embedding.wordpiece import WordPiece

VOCABULARY = {
    "[UNK]": 0,
    "hyper": 1,
    "##tension": 2,
    "##ten": 3,
    "##sion": 4,
    "essential": 5,
    ",": 6,
    "cafe": 7,
}
TOKENIZER = {"normalizer": {"lowercase": True}, "model": {"type": "WordPiece", "vocab": VOCABULARY}}


@pytest.fixture
def folder(tmp_path):
    """A model of eight pieces in three dimensions."""
    rows = np.zeros((8, 3), dtype=np.int8)
    rows[1], rows[2], rows[5] = (2, 0, 0), (0, 2, 0), (0, 0, 1)
    weights = np.ones(8, dtype=np.float32)
    weights[5] = 4
    write_model(tmp_path / "tiny", rows, weights, TOKENIZER)
    return tmp_path / "tiny"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hypertension", [1, 2]),
        ("ESSENTIAL, hypertension", [5, 6, 1, 2]),
        ("Café", [7]),
        # "ten" is no word's beginning here: what cannot be made up whole is left out whole.
        ("tension essential", [5]),
        ("hypersion", [1, 4]),
        ("", []),
        ("x" * 101, []),
    ],
)
def test_words_are_cut_into_their_longest_pieces(text, ids):
    assert WordPiece(VOCABULARY).ids(text) == ids


@pytest.mark.parametrize(
    "tokenizer",
    [
        {"normalizer": {"lowercase": True}, "model": {"type": "BPE", "vocab": {}}},
        {"normalizer": {"lowercase": False}, "model": {"type": "WordPiece", "vocab": {}}},
        {"normalizer": None, "model": {"type": "WordPiece", "vocab": {}}},
    ],
)
def test_a_tokenizer_of_another_kind_is_refused(tokenizer):
    with pytest.raises(ValueError, match="tokenizer"):
        WordPiece.from_tokenizer(tokenizer)


def test_a_text_is_the_weighted_sum_of_its_pieces_at_length_one(folder):
    found = StaticModel.read(folder).encode(["essential hypertension", "unheard", "hyper"])
    assert np.allclose(found[0], np.array([2, 2, 4]) / np.sqrt(24))
    assert found[1].tolist() == [0, 0, 0]
    assert found[2].tolist() == [1, 0, 0]


def test_no_text_at_all_gives_no_row(folder):
    assert StaticModel.read(folder).encode([]).shape == (0, 3)


def test_tensors_come_back_as_written(tmp_path):
    written = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, -2], dtype=np.int8)}
    write_tensors(tmp_path / "some.safetensors", written)
    read = read_tensors(tmp_path / "some.safetensors")
    assert {name: (values.dtype, values.tolist()) for name, values in read.items()} == {
        name: (values.dtype, values.tolist()) for name, values in written.items()
    }


def test_what_is_no_file_of_tensors_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff" * 40)
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_tensors(tmp_path / "x")


def test_eight_bits_lose_less_than_half_a_step():
    vectors = np.array([[0.5, -0.25, 0.1], [0.001, 0.0, -0.002]], dtype=np.float32)
    rows, weights = quantized(vectors)
    assert rows.dtype == np.int8
    assert np.all(np.abs(rows * weights[:, None] - vectors) <= weights[:, None] / 2 + 1e-9)


def test_the_shipped_model_is_small_and_knows_the_field(settings):
    settings.EMBEDDING_MODEL = ""
    shipped = embedder()
    assert shipped.dimensions == 256
    assert shipped.name.startswith("shipped ")
    lay, right, wrong = shipped.encode(["broken kneecap", "Fracture of patella", "Fracture of clavicle"])
    assert lay @ right > lay @ wrong


def test_the_name_changes_with_the_files(folder):
    before = model_name(folder)
    assert before.startswith("tiny ")
    model_name.cache_clear()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "changed": True}))
    assert model_name(folder) != before


def test_the_setting_names_a_static_model(settings, folder):
    settings.EMBEDDING_MODEL = str(folder)
    assert (embedder().name, embedder().dimensions) == (model_name(folder), 3)


def test_a_folder_that_is_none(settings, tmp_path):
    settings.EMBEDDING_MODEL = str(tmp_path / "nowhere")
    with pytest.raises(NoEmbedding, match="there is no folder 'nowhere'"):
        embedder()


def test_a_folder_without_a_model(settings, tmp_path):
    settings.EMBEDDING_MODEL = str(tmp_path)
    with pytest.raises(NoEmbedding, match="neither a sentence-transformers nor a static model"):
        embedder()


def test_a_sentence_transformers_folder_without_the_package(settings, tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    settings.EMBEDDING_MODEL = str(tmp_path)
    with pytest.raises(NoEmbedding, match="sentence_transformers is not installed here"):
        embedder()


def test_a_sentence_transformers_folder_with_it(settings, tmp_path, monkeypatch):
    """The two packages stood in for: what is asked of them, and that one thread is."""
    model, packages = tmp_path / "medical", tmp_path / "packages"
    model.mkdir()
    packages.mkdir()
    (model / "modules.json").write_text("[]")
    (packages / "torch.py").write_text("asked = []\nset_num_threads = asked.append\n")
    (packages / "sentence_transformers.py").write_text(
        "class SentenceTransformer:\n"
        "    def __init__(self, folder, device, local_files_only):\n"
        "        assert (device, local_files_only) == ('cpu', True)\n"
        "    def encode(self, texts, batch_size, normalize_embeddings, show_progress_bar):\n"
        "        assert normalize_embeddings and not show_progress_bar\n"
        "        return [[1.0, 0.0] for _ in texts]\n"
    )
    monkeypatch.syspath_prepend(str(packages))
    settings.EMBEDDING_MODEL = str(model)
    found = embedder()
    assert (found.dimensions, found.encode(["a", "b"]).tolist()) == (2, [[1.0, 0.0], [1.0, 0.0]])
    assert __import__("torch").asked == [1]
    _read.cache_clear()
    for name in ("torch", "sentence_transformers"):
        monkeypatch.delitem(__import__("sys").modules, name)
