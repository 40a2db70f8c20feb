"""The charts: written for training and for scoring from other seeds, the latter frozen as a gold set of their own."""

from __future__ import annotations

import json
from pathlib import Path

from django.core.management import call_command

from catalog.choices import CodeSystem
from catalog.queries import latest_release
from coding_review.actions.build_dataset import Sources, build_dataset
from coding_review.actions.gold_exchange import import_gold
from coding_review.choices import GoldSetPurpose
from coding_review.errors import DatasetRefused
from modelops.datasets.build import Options
from modelops.datasets.code_titles import CodeTitles
from modelops.models import DatasetVersion
from tests.mini.size import Size

PROMPT = "icd10cm-short-1"
STYLE = "short"
TRAINING_SEED, HELD_OUT_SEED = 11, 4711
_TIMES = 40


def write(size: Size, folder: Path) -> tuple[Path, Path]:
    """Charts to train on and charts to score on."""
    train, held_out = folder / "train.jsonl", folder / "held-out.jsonl"
    for path, count, seed in (
        (train, size.charts, TRAINING_SEED),
        (held_out, size.held_out, HELD_OUT_SEED),
    ):
        call_command(
            "synthesize",
            codes=str(size.codes),
            style=STYLE,
            companions=size.companions,
            count=count,
            seed=seed,
            out=str(path),
        )
    return train, held_out


def corpus(charts: Path, path: Path) -> Path:
    """What the tokenizer learns from: the texts that are trained on, and the titles that are answered, as often."""
    rows = [json.loads(line) for line in charts.read_text(encoding="utf-8").splitlines()]
    codes = [code["code"] for row in rows for code in row["codes"]]
    known = CodeTitles()
    titles = known.titles(known.known(latest_release(CodeSystem.ICD10CM)), sorted(set(codes)))
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{row['text']}\n" for row in rows)
        out.writelines(f"{code} {titles[code]}\n" for code in codes)
    return path


def freeze(held_out: Path) -> None:
    """As a gold set for evaluation, so that no dataset may hold a chart of it."""
    with held_out.open("rb") as file:
        import_gold(None, file, name="miniature", purpose=GoldSetPurpose.EVALUATION, without_phi=True)


def dataset(size: Size, charts: Path, base: Path) -> tuple[DatasetVersion, int]:
    """The dataset, and how many charts stay out of it because one that is scored is nearly the same."""
    leave_out: set[str] = set()

    def lines() -> list[str]:
        return charts.read_text(encoding="utf-8").splitlines()

    for _ in range(_TIMES):
        sources = Sources(written=(("synthetic:miniature", lines),), leave_out=frozenset(leave_out))
        try:
            version, _ = build_dataset(
                None,
                "miniature",
                sources,
                tokenizer=base,
                options=Options(prompt=PROMPT, pack_tokens=size.pack_tokens),
            )
        except DatasetRefused as refused:
            found = set(refused.data.get("examples", ())) - leave_out
            if not found:
                raise
            leave_out |= found
        else:
            return version, len(leave_out)
    raise AssertionError(f"{len(leave_out)} charts left out, and still one is nearly a chart that is scored")


def head(path: Path, count: int, target: Path) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(lines[:count]), encoding="utf-8")
    return target
