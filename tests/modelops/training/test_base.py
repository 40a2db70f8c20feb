"""Which folders may be trained on, told from their headers."""

import json
import struct

import pytest

from modelops.training.base import check_base, found_below, under_root
from modelops.training.errors import Stopped
from tests.modelops.training.rows import CONFIG, base, weights


def refused(folder):
    with pytest.raises(Stopped) as stopped:
        check_base(folder)
    assert stopped.value.code == "bad_checkpoint"
    return str(stopped.value)


def test_sizes_come_from_config_and_headers(tmp_path):
    shape = check_base(base(tmp_path / "base"))
    assert (shape.parameters, shape.largest_layer, shape.layers, shape.head_size) == (
        2 * 300 * 64,
        300 * 64,
        2,
        16,
    )
    assert not shape.tied


def test_an_embedding_without_a_last_layer_is_both(tmp_path):
    folder = base(tmp_path / "base")
    weights(folder / "model.safetensors", {"model.embed_tokens.weight": [300, 64]})
    shape = check_base(folder)
    assert (shape.parameters, shape.tied) == (300 * 64, True)


def test_weights_in_parts_are_named_by_the_index(tmp_path):
    folder = base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    weights(folder / "a.safetensors", {"x": [3, 4]})
    weights(folder / "b.safetensors", {"y": [5]})
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert check_base(folder).parameters == 17
    (folder / "b.safetensors").unlink()
    assert refused(folder) == "There is no b.safetensors."


@pytest.mark.parametrize("name", ["../other.safetensors", "/etc/passwd"])
def test_an_index_names_nothing_outside_the_folder(tmp_path, name):
    folder = base(tmp_path / "base")
    weights(tmp_path / "other.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": name}}))
    assert refused(folder).startswith("There is no ")


@pytest.mark.parametrize("cut", [4, 60, -1])
def test_a_file_that_is_not_whole_is_refused(tmp_path, cut):
    folder = base(tmp_path / "base")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    assert refused(folder) == "model.safetensors is damaged or not whole."


@pytest.mark.parametrize("head", [b"[]", b"{}x", b'{"x": {"shape": [1]}}'])
def test_a_header_that_is_none_is_refused(tmp_path, head):
    folder = base(tmp_path / "base")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
    assert refused(folder) == "model.safetensors is damaged or not whole."


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "x.pkl", "last.ckpt"])
def test_pickles_are_refused(tmp_path, name):
    folder = base(tmp_path / "base")
    (folder / name).write_bytes(b"")
    assert refused(folder) == f"Weights are taken as safetensors only; {name} is none."


def test_code_of_its_own_is_refused(tmp_path):
    folder = base(tmp_path / "base", {**CONFIG, "auto_map": {"AutoModel": "model.Model"}})
    assert "code of the checkpoint's own" in refused(folder)


def test_what_is_missing_is_named(tmp_path):
    folder = base(tmp_path / "base")
    (folder / "tokenizer_config.json").write_text("{}")
    assert refused(folder) == "The tokenizer has no chat template."
    (folder / "chat_template.jinja").write_text("x")
    assert check_base(folder).layers == 2
    (folder / "tokenizer.json").unlink()
    assert refused(folder) == "There is no tokenizer.json."
    (folder / "config.json").write_text("{")
    assert refused(folder) == "config.json is not JSON."
    (folder / "config.json").write_text(json.dumps({"hidden_size": 1}))
    (folder / "tokenizer.json").write_text("{}")
    assert refused(folder) == "config.json does not say the sizes of a decoder."


def test_only_what_lies_below_a_root_is_taken(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    folder = base(root / "family" / "one")
    base(outside)
    (root / "link").symlink_to(outside)
    assert under_root(root / "family" / "one", [root]) == folder
    for path in (outside, root, root / ".." / "outside", root / "link"):
        with pytest.raises(Stopped) as stopped:
            under_root(path, [root])
        assert stopped.value.code == "bad_checkpoint"
    assert found_below([root, tmp_path / "absent"]) == [folder, root / "link"]


@pytest.mark.parametrize(
    "odd",
    [
        {"num_attention_heads": 0},
        {"hidden_size": 0},
        {"head_dim": "wide"},
        {"max_position_embeddings": "many"},
        {"vocab_size": -5},
        {"num_hidden_layers": [2]},
        {"hidden_size": float("inf")},
    ],
)
def test_sizes_that_cannot_be_are_refused(tmp_path, odd):
    folder = base(tmp_path / "base", {**CONFIG, **odd})
    assert refused(folder) == "config.json does not say the sizes of a decoder."


@pytest.mark.parametrize(
    "index", [{"weight_map": ["a"]}, {"weight_map": {"x": 5}}, {"weight_map": {"x": []}}]
)
def test_an_index_that_names_no_files_is_refused(tmp_path, index):
    folder = base(tmp_path / "base")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert refused(folder) == "model.safetensors.index.json names no files."


def test_a_config_that_is_nested_too_deep_is_refused(tmp_path):
    folder = base(tmp_path / "base")
    (folder / "config.json").write_text("[" * 100_000)
    assert refused(folder) == "config.json is not JSON."


def test_a_link_among_the_files_leads_nowhere_else(tmp_path):
    root, kept = tmp_path / "models", tmp_path / "private"
    folder = base(root / "one")
    blobs = root / "blobs"
    blobs.mkdir()
    (folder / "tokenizer.json").rename(blobs / "abc")
    (folder / "tokenizer.json").symlink_to(blobs / "abc")
    assert under_root(folder, [root]) == folder
    kept.mkdir()
    (kept / "key").write_text("{}")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(kept / "key")
    with pytest.raises(Stopped, match=r"^tokenizer[.]json leads out of the folders") as stopped:
        under_root(folder, [root])
    assert stopped.value.code == "bad_checkpoint"


def test_links_in_a_ring_and_a_folder_that_is_gone_are_refused(tmp_path):
    root = tmp_path / "models"
    root.mkdir()
    (root / "ring").symlink_to(root / "ring")
    for name in ("ring", "gone"):
        with pytest.raises(Stopped) as stopped:
            under_root(root / name, [root])
        assert stopped.value.code == "bad_checkpoint"
