"""The charts: written for training and for scoring from other seeds, the latter frozen as a gold set of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import call_command

from coding_review.actions.build_dataset import Sources, build_dataset
from coding_review.actions.gold_exchange import import_gold
from coding_review.choices import Domain, GoldSetPurpose
from coding_review.errors import DatasetRefused
from coding_review.rules import reasons
from modelops.datasets.build import Options
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.examples import Label
from modelops.datasets.rendering import AnswerCode, render
from modelops.datasets.written import written_charts
from modelops.models import DatasetVersion
from tests.mini.size import Size

PROMPT = "icd10cm-short-1"
STYLE = "short"
# Recipes are chosen on the charts of the development seed; the held-out ones are scored with what was chosen.
TRAINING_SEED, DEVELOPMENT_SEED, HELD_OUT_SEED = 11, 99, 4711
SOURCE = "synthetic:miniature"
_TIMES = 40


def write(size: Size, folder: Path, held_out_seed: int) -> tuple[Path, Path]:
    """Charts to train on and charts to score on."""
    train, held_out = folder / "train.jsonl", folder / "held-out.jsonl"
    for path, count, seed in (
        (train, size.charts, TRAINING_SEED),
        (held_out, size.held_out, held_out_seed),
    ):
        call_command("synthesize", **asked(size, path, count, seed))
    return train, held_out


def asked(size: Size, path: Path, count: int, seed: int, first: int = 0) -> dict[str, Any]:
    """Options of the command, those that it reads as numbers as such."""
    return {
        "codes": str(size.codes),
        "style": STYLE,
        "companions": size.companions,
        "count": count,
        "seed": seed,
        "first": first,
        "out": str(path),
    }


def corpus(size: Size, charts: Path, path: Path) -> Path:
    """What the tokenizer learns from: the questions and answers that are trained on."""
    titles = CodeTitles()
    first = _lines(charts)[: size.words_from]
    written = written_charts(first, SOURCE, titles, domains=Domain.values, reasons=reasons.LABELS).examples
    with path.open("w", encoding="utf-8") as out:
        for example in written:
            named = titles.titles(example.provenance.release, [label.code for label in example.labels])
            answers = [_answer(label, named[label.code]) for label in example.labels]
            row = render(example.chart, answers, prompt=PROMPT).row()
            for text in (row["messages"][-1]["content"], row["completion"]):
                out.write(json.dumps(text) + "\n")
    return path


def _answer(label: Label, title: str) -> AnswerCode:
    place = label.evidence[0]
    return AnswerCode(label.code, title, place.document_id, place.line_start, place.line_end, place.quote)


def freeze(held_out: Path) -> None:
    """As a gold set for evaluation, so that no dataset may hold a chart of it."""
    with held_out.open("rb") as file:
        import_gold(None, file, name="miniature", purpose=GoldSetPurpose.EVALUATION, without_phi=True)


def dataset(size: Size, charts: Path, base: Path) -> tuple[DatasetVersion, int]:
    """The dataset, and how many charts stay out of it because one that is scored is nearly the same."""

    def build(leave_out: frozenset[str]) -> DatasetVersion:
        sources = Sources(written=((SOURCE, lambda: _lines(charts)),), leave_out=leave_out)
        version, _ = build_dataset(
            None,
            "miniature",
            sources,
            tokenizer=base,
            options=Options(prompt=PROMPT, pack_tokens=size.pack_tokens, augment=size.augment),
        )
        return version

    return without_leaks(build)


def without_leaks(build: Callable[[frozenset[str]], DatasetVersion]) -> tuple[DatasetVersion, int]:
    """What `build` makes without the examples that it is told to leave out, which a refusal of it names; and how many
    they were."""
    leave_out: set[str] = set()
    for _ in range(_TIMES):
        try:
            return build(frozenset(leave_out)), len(leave_out)
        except DatasetRefused as refused:
            found = set(refused.data.get("examples", ())) - leave_out
            if not found:
                raise
            leave_out |= found
    raise AssertionError(f"{len(leave_out)} charts left out, and still one is nearly a chart that is scored")


def _lines(charts: Path) -> list[str]:
    return charts.read_text(encoding="utf-8").splitlines()


def head(path: Path, count: int, target: Path) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(lines[:count]), encoding="utf-8")
    return target
