"""What somebody asked a dataset to be built of, as it is kept with the build: ids and options, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from coding_review.actions.build_dataset import Sources
from coding_review.feedback import Chosen
from modelops.choices import WorkStatus
from modelops.datasets.build import Options
from modelops.datasets.written import stored_lines
from modelops.models import SynthesisRun


@dataclass(frozen=True, slots=True)
class AskedDataset:
    """`runs`: ended runs of synthetic charts, `gold_sets`: sets frozen for training, both by primary key.
    `tokenizer`: the folder of a base. `leave_out`: ids of examples."""

    tokenizer: str
    signed_off: bool = False
    chosen: Chosen = field(default_factory=Chosen)
    gold_sets: tuple[int, ...] = ()
    runs: tuple[int, ...] = ()
    options: Options = field(default_factory=Options)
    leave_out: tuple[str, ...] = ()

    def without(self, examples: tuple[str, ...]) -> AskedDataset:
        return replace(self, leave_out=tuple(sorted({*self.leave_out, *examples})))

    def sources(self) -> Sources:
        runs = SynthesisRun.objects.filter(pk__in=self.runs, status=WorkStatus.DONE).order_by("pk")
        return Sources(
            self.signed_off,
            self.gold_sets,
            tuple((f"synthetic:{run.name}", partial(stored_lines, run)) for run in runs),
            frozenset(self.leave_out),
            self.chosen,
        )

    @property
    def folder(self) -> Path:
        return Path(self.tokenizer)


def as_json(asked: AskedDataset) -> dict[str, Any]:
    chosen, options = asked.chosen, asked.options
    return {
        "tokenizer": asked.tokenizer,
        "signed_off": asked.signed_off,
        "since": chosen.since.isoformat() if chosen.since else None,
        "until": chosen.until.isoformat() if chosen.until else None,
        "facilities": list(chosen.facilities),
        "claim_types": list(chosen.claim_types),
        "gold_sets": list(asked.gold_sets),
        "runs": list(asked.runs),
        "prompt": options.prompt,
        "pack_tokens": options.pack_tokens,
        "augment": options.augment,
        "unlabelled": options.unlabelled,
        "leave_out": list(asked.leave_out),
    }


def from_json(told: Mapping[str, Any]) -> AskedDataset:
    """What as_json wrote."""

    def day(value: str | None) -> date | None:
        return date.fromisoformat(value) if value else None

    return AskedDataset(
        tokenizer=told["tokenizer"],
        signed_off=told["signed_off"],
        chosen=Chosen(
            day(told["since"]), day(told["until"]), tuple(told["facilities"]), tuple(told["claim_types"])
        ),
        gold_sets=tuple(told["gold_sets"]),
        runs=tuple(told["runs"]),
        options=Options(
            prompt=told["prompt"],
            pack_tokens=told["pack_tokens"],
            augment=told["augment"],
            unlabelled=told["unlabelled"],
        ),
        leave_out=tuple(told["leave_out"]),
    )
