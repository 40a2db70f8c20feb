"""The arithmetic of bench/gpu_train.py, and how it refuses; that it trains is shown in tests/deepspeed."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu_training.calls import most_named
from bench.gpu_training.figures import Multiplied, Speed, Step, mfu, speed, useful_flops
from bench.gpu_training.options import begun_otherwise, gold_of, parse, size_of
from bench.gpu_training.report import LABEL, Piece, Trained, packing, report
from bench.gpu_training.size import FULL, TINY, fitted
from modelops.datasets.packing import pack
from modelops.training.config import Recipe, Resources, from_dict

ROOT = Path(__file__).resolve().parents[3]
LEVELS = {f"L{level}": {"micro": {"f1": 0.5 + level / 10}} for level in range(5)}


def test_operations_that_count_by_hand() -> None:
    """Lengths 2 and 3: 5 tokens × 6 × 10 parameters = 300; pairs 1 + 2 and 1 + 2 + 3 = 9, × 12 × 2 layers × 4 = 864."""
    model = Multiplied(parameters=10, layers=2, width=4)
    assert useful_flops(model, [2, 3]) == 300 + 864
    assert useful_flops(model, [1]) == 60 + 96
    assert useful_flops(model, []) == 0
    # In one example, and not in two of a pack, the later tokens see the earlier ones.
    assert useful_flops(model, [5]) - useful_flops(model, [2, 3]) == (15 - 9) * 12 * 8


def test_the_share_of_the_measured_rate_by_hand() -> None:
    """0.8 GFLOP a token × 300,000 tokens/s = 240 TFLOP/s of 800."""
    assert mfu(0.8e9, 300_000, 800e12) == pytest.approx(0.3)
    assert mfu(0.8e9, 300_000, 0) == 0


def test_the_speed_of_a_piece_leaves_out_its_first_steps_and_other_pieces() -> None:
    """Steps 6, 7 and 8 of attempt 2 count: 100 tokens each in 1, 2 and 1 s."""
    rates = {1: 1.0, 2: 10.0, 3: 10.0, 4: 10.0, 5: 10.0, 6: 100.0, 7: 50.0, 8: 100.0}
    steps = [Step(number, 2, number * 100, rate) for number, rate in rates.items()]
    others = [Step(number, 1, number * 100, 7.0) for number in range(-20, 1)]
    assert speed([*others, *reversed(steps)], 2) == Speed(
        steps=3, tokens=300, seconds=4.0, mean=75.0, median=100.0
    )
    assert speed(steps[:7], 2) == Speed(steps=2, tokens=200, seconds=3.0, mean=200 / 3, median=75.0)
    assert speed(steps[:5], 2) is None
    assert speed(steps, 3) is None


def test_how_full_packs_are_by_hand() -> None:
    """6 + 4 and 5 + 3 + 2 fill two packs of 10; alone they are five rows of 10, or of 6."""
    assert packing(pack([6, 5, 4, 3, 2], 10)) == (
        "2 packs of 10 tokens, 100.0% useful; unpacked, rows of 10 40.0%, rows as long as the longest 66.7%"
    )
    assert "2 packs of 10 tokens, 80.0% useful" in packing(pack([7, 5, 4], 10))


def test_the_size_for_a_gpu_is_what_the_trainer_takes() -> None:
    """12 layers of 4 × 1024² and 3 × 1024 × 2048, two norms each, one at the end, and 4,096 × 1,024 tokens."""
    layer = 4 * 1024**2 + 3 * 1024 * 2048 + 2 * 1024
    parameters = FULL.layers * layer + 1024 + FULL.vocabulary * 1024
    assert (FULL.hidden, FULL.layers, parameters) == (1024, 12, 130_049_024)
    assert FULL.codes >= 1000
    with_flex, plain = (fitted(FULL, kind, 700.0) for kind in ("flex_attention", "sdpa"))
    assert (with_flex.micro_batch, with_flex.accumulation) == (16, 1)
    assert (plain.micro_batch, plain.accumulation) == (4, 4)
    recipe = from_dict(Recipe, with_flex.recipe())
    assert (recipe.precision, recipe.attention, recipe.max_tokens, recipe.zero_stage) == (
        "bf16",
        "flex_attention",
        2048,
        1,
    )
    assert from_dict(Resources, with_flex.resources()).peak_tflops == 700.0
    assert fitted(TINY, "sdpa", 0.0) == TINY


def test_codes_that_charts_name_most_are_chosen() -> None:
    charts = [["I10", "N18.30"], ["I10", "E11.9"], ["I10", "E11.9", "A41.9"]]
    lines = [json.dumps({"codes": [{"code": code} for code in one]}) for one in charts]
    assert most_named(lines, 3) == ["I10", "E11.9", "A41.9"]
    assert most_named(lines, 9) == ["I10", "E11.9", "A41.9", "N18.30"]


def test_a_folder_goes_on_with_the_numbers_it_was_begun_with() -> None:
    before = dataclasses.asdict(TINY)
    assert begun_otherwise(before, size_of(parse(["--tiny", "--askers", "3"])), again=False) == []
    other = size_of(parse(["--tiny", "--charts", "9", "--epochs", "2"]))
    assert begun_otherwise(before, other, again=False) == ["charts", "epochs"]
    assert begun_otherwise(before, other, again=True) == ["charts"]


def test_charts_of_another_origin_are_named(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.touch()
    assert gold_of(parse(["--gold", f"development={file}"])) == {"development": file}
    for said in (f"={file}", "development=", f"a/b={file}", "development"):
        with pytest.raises(ValueError, match="NAME=FILE"):
            gold_of(parse(["--gold", said]))


def test_scores_say_what_they_are_of() -> None:
    trained = Trained(
        device="Card",
        memory=141_000_000_000,
        size=fitted(FULL, "flex_attention", 800.0),
        parameters=134_243_328,
        lengths=[100, 200],
        statistics={"codes": {"distinct": 1100}},
        left_out=2,
        told={"steps": 900, "packs": 450, "loss": 0.1234, "validation_loss": None},
        pieces=[Piece(1, 800.0, None), Piece(2, 800.0, Speed(10, 1000, 0.004, 250_000.0, 300_000.0))],
    )
    figures = {"levels": LEVELS, "response": {"share": 0.25}}
    lines = report(trained, {"held-out": figures, "development": figures})
    # 6 × 134,243,328 + 12 × 12 × 1,024 × (5,050 + 20,100) ÷ 300 = 817,821,696; × 250,000 and 300,000 ÷ 800e12.
    assert lines[-8].endswith("0.8178 GFLOP a token; MFU 25.6% (median step 30.7%)")
    assert lines[-9].endswith("too few steps to tell a speed")
    assert lines[-10].startswith(
        "- packing: 1 packs of 2,048 tokens, 14.6% useful; unpacked, rows of 2,048 7.3%"
    )
    assert "900 steps, 450 packs by the trainer's own count, loss 0.123, validation unknown" in lines[-11]
    assert lines[-2].startswith(f"| held-out ({LABEL}) | 0.500 | 0.600 | 0.700 | 0.800 | 0.900 | 25.0% |")
    assert lines[-1].startswith("| development | 0.500 |")
    assert sum(LABEL in line for line in lines) == 2


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"name": "", "memory": 0, "torch": "2.13.0"}, "There is no CUDA GPU that torch 2.13.0"),
        ({"name": "Card", "memory": 40_000_000_000, "torch": "2.13.0"}, "Card has 40 GB"),
    ],
)
def test_without_a_gpu_that_suffices_it_says_so_and_ends_with_2(
    told: dict[str, object], said: str, tmp_path: Path
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    python.chmod(0o755)
    folder = tmp_path / "folder"
    done = started("--venv", str(python.parents[1]), "--folder", str(folder))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not folder.exists()


def test_without_an_environment_it_says_so_and_ends_with_2(tmp_path: Path) -> None:
    done = started("--venv", str(tmp_path), "--folder", str(tmp_path / "folder"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no Python environment" in done.stderr


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "bench" / "gpu_train.py", *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
