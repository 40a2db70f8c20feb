"""From examples to the rows of a dataset: checked against every gold set, without identifiers, without duplicates,
split, joined, rendered as the engine asks, and counted. Nothing is left out without being counted by its reason."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelops.datasets.augment import SHARE, composites
from modelops.datasets.chat_tokens import Count, Counted
from modelops.datasets.dedupe import without_duplicates
from modelops.datasets.deidentify import Deidentifier, Doubtful
from modelops.datasets.examples import NOTES, Label, TrainingExample
from modelops.datasets.identifiers import Known
from modelops.datasets.leaks import Checked, HeldOut, Leak, find_leaks
from modelops.datasets.packing import PACK_TOKENS, pack
from modelops.datasets.rendering import AnswerCode, BadExample, Rendered, render
from modelops.datasets.split import SALT, SPLITS, TRAIN, VALIDATION, VALIDATION_SHARE, split_of
from modelops.datasets.statistics import statistics
from modelops.engines.llm.code_prompts import CODES
from modelops.errors import ModelopsError

FORMAT = 1
# What becomes of codes that nobody decided about: told to the model as settled, so that their absence from the answer
# teaches nothing, or their charts are left out.
SETTLED, LEFT_OUT = "settled", "left_out"
UNLABELLED = (SETTLED, LEFT_OUT)
_SHOWN_LEAKS = 20
# What building is at, in words for people.
GATHERING = "Reading the sources"
COMPARING = "Comparing with every gold set"
TWICE = "Looking for near-duplicates"
CLEANING = "Taking identifiers out"
COUNTING = "Rendering and counting tokens"
JOINING = "Joining charts and packing"
WRITING = "Writing the files"
STEPS = (GATHERING, COMPARING, TWICE, CLEANING, COUNTING, JOINING, WRITING)

Titles = Callable[[str, Iterable[str]], Mapping[str, str]]


class Leaking(ModelopsError):
    """Examples that stand in a gold set too. The message names ids only."""

    code = "dataset_leaks"

    def __init__(self, leaks: Sequence[Leak]) -> None:
        examples = sorted({leak.example for leak in leaks})
        shown = "; ".join(
            f"{leak.example} is {leak.set_name}/{leak.chart} ({leak.how.replace('_', ' ')}, {leak.share:.2f})"
            for leak in leaks[:_SHOWN_LEAKS]
        )
        more = f"; and {len(leaks) - _SHOWN_LEAKS} more" if len(leaks) > _SHOWN_LEAKS else ""
        super().__init__(
            f"{len(examples)} examples are in a gold set that models are measured on: {shown}{more}."
        )
        self.leaks = tuple(leaks)


class NothingLeft(ModelopsError):
    """No example can be trained on; the message says why."""

    code = "dataset_empty"


@dataclass(frozen=True, slots=True)
class Options:
    """`augment`: composites as a share of the training examples. `pack_tokens`: of a pack, and the longest example."""

    kind: str = "icd10cm"
    prompt: str = CODES
    pack_tokens: int = PACK_TOKENS
    augment: float = SHARE
    unlabelled: str = SETTLED


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the sources gave. `known`: of each example of a real patient what the system knows of the person.
    `left_out` counts charts by why they never became an example. `sources`: for the manifest."""

    examples: Sequence[TrainingExample]
    sources: Sequence[Mapping[str, Any]]
    known: Mapping[str, Known] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    example: TrainingExample
    split: str
    rendered: Rendered
    tokens: Counted


@dataclass(frozen=True, slots=True)
class Assembled:
    """Rows of both splits in the order of their ids, and everything of the manifest but the files' hashes."""

    rows: tuple[Row, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What building needs besides examples. `deidentifier` None: an example of a real patient is left out.
    `words_sha256`: of what the site decided of words that may be names."""

    count: Count
    tokenizer_sha256: str
    titles: Titles
    deidentifier: Deidentifier | None = None
    words_sha256: str = ""


def unwatched(_step: str) -> None:
    """For a building that nobody watches."""


def assemble(
    gathered: Gathered,
    held_out: Iterable[HeldOut],
    options: Options,
    tools: Tools,
    at: Callable[[str], None] = unwatched,
) -> Assembled:
    """`at` is told each of STEPS as it begins; what it raises ends the building. Raises Leaking, NothingLeft,
    ValueError for options that do not go together."""
    if options.unlabelled not in UNLABELLED or not 0 <= options.augment <= 1:
        raise ValueError("unknown options")
    at(COMPARING)
    notes = [example for example in gathered.examples if example.stage == NOTES]
    return _Building(gathered, options, tools, at).result(find_leaks(notes, held_out))


class _Building:
    def __init__(self, gathered: Gathered, options: Options, tools: Tools, at: Callable[[str], None]) -> None:
        self._at = at
        self._gathered = gathered
        self._options = options
        self._tools = tools
        self._left_out: Counter[str] = Counter(dict(gathered.left_out))
        self._replaced: Counter[str] = Counter()
        self._deidentified = 0

    def result(self, checked: Checked) -> Assembled:
        if checked.leaks:
            raise Leaking(checked.leaks)
        self._at(TWICE)
        # Before names are changed: a note that was copied from patient to patient is one note. Words of the catalog
        # are no notes: titles of two codes may differ in one of them.
        examples = self._gathered.examples
        kept, duplicates = without_duplicates(example for example in examples if example.stage == NOTES)
        self._left_out["near_duplicate"] += len(duplicates)
        self._at(CLEANING)
        without = [one for each in kept if (one := self._without_identifiers(each))]
        without += [example for example in examples if example.stage != NOTES]
        self._at(COUNTING)
        own = [row for example in without if (row := self._row(example, _split(example), ""))]
        # Charts alone: a share of the catalog's words too would join every chart there is.
        train = [row.example for row in own if row.split == TRAIN and row.example.stage == NOTES]
        self._at(JOINING)
        joined = [
            row
            for example in composites(train, share=self._options.augment)
            if (row := self._row(example, TRAIN, "composite_"))
        ]
        rows = sorted((*own, *joined), key=lambda row: row.example.id)
        if not any(row.split == TRAIN for row in rows):
            raise NothingLeft(f"No example is left to train on; left out: {_told(self._left_out)}.")
        _no_patient_in_both(rows)
        return Assembled(tuple(rows), self._facts(rows, checked))

    def _without_identifiers(self, example: TrainingExample) -> TrainingExample | None:
        if not example.phi:
            return example
        if self._tools.deidentifier is None:
            self._left_out["not_deidentified"] += 1
            return None
        try:
            done = self._tools.deidentifier.apply(example, self._gathered.known.get(example.id, Known()))
        except Doubtful as error:
            self._left_out[f"doubtful_{min(error.reasons)}"] += 1
            return None
        self._deidentified += 1
        self._replaced.update(done.replaced)
        return done.example

    def _row(self, example: TrainingExample, split: str, prefix: str) -> Row | None:
        """None where the example cannot be trained on, and why is counted under `prefix` and the reason."""
        try:
            return self._rendered(example, split)
        except BadExample as error:
            self._left_out[f"{prefix}{error.reason}"] += 1
            return None

    def _rendered(self, example: TrainingExample, split: str) -> Row:
        """Raises BadExample."""
        codes = {label.code for label in example.labels}
        unlabelled = [code for _, code in example.unlabelled]
        if unlabelled and self._options.unlabelled == LEFT_OUT:
            raise BadExample("unlabelled_codes", "The chart has codes that nobody decided about.")
        titles = self._tools.titles(example.provenance.release, sorted(codes | set(unlabelled)))
        if codes - set(titles):
            raise BadExample("code_not_in_release", "A label is not in the chart's release.")
        if any(not label.evidence for label in example.labels):
            raise BadExample("label_without_evidence", "A label has no place in the chart.")
        settled = [(code, titles[code]) for code in unlabelled if code in titles]
        rendered = render(
            example.chart,
            [_answer(label, titles[label.code]) for label in example.labels],
            prompt=self._options.prompt,
            settled=settled,
        )
        tokens = self._tools.count(rendered.messages, rendered.answer)
        if tokens.all > self._options.pack_tokens:
            raise BadExample("too_long", "The example is longer than a pack.")
        return Row(example, split, rendered, tokens)

    def _facts(self, rows: Sequence[Row], checked: Checked) -> dict[str, Any]:
        options = self._options
        packs = pack([row.tokens.all for row in rows if row.split == TRAIN], options.pack_tokens)
        return {
            "format": FORMAT,
            "kind": options.kind,
            "prompt": options.prompt,
            "prompt_version": rows[0].rendered.prompt_version,
            "tokenizer_sha256": self._tools.tokenizer_sha256,
            "pack_tokens": options.pack_tokens,
            "split": {"salt": SALT, VALIDATION: VALIDATION_SHARE},
            "augment": options.augment,
            "unlabelled": options.unlabelled,
            "sources": [dict(source) for source in self._gathered.sources],
            "left_out": {reason: count for reason, count in sorted(self._left_out.items()) if count},
            "deidentified": {
                "charts": self._deidentified,
                "replaced": dict(sorted(self._replaced.items())),
                "words_sha256": self._tools.words_sha256 if self._deidentified else "",
            },
            "leak_check": {
                "sets": list(checked.sets),
                "charts": checked.charts,
                "charts_without_text": checked.without_text,
                "examples": checked.examples,
                "leaks": 0,
            },
            "statistics": statistics(rows, packs),
        }


def _split(example: TrainingExample) -> str:
    """Words of the catalog are nobody's: all of them are learned."""
    return split_of(example.patient) if example.stage == NOTES else TRAIN


def _answer(label: Label, title: str) -> AnswerCode:
    """With the one place that an answer cites: the first."""
    place = label.evidence[0]
    return AnswerCode(
        label.code, title, place.document_id, place.line_start, place.line_end, place.quote, label.rationale
    )


def row_of(row: Row, key: bytes) -> dict[str, Any]:
    """As a file holds it: every field in every row, of one type, so that any reader of JSONL can load the file.

    `patient` tells patients apart and, without the key, not who they are. `record`, JSON in a string: where the
    example comes from and what is known of each code, with the assistance it was decided under.
    """
    example = row.example
    patient = hmac.new(key, example.patient.encode(), hashlib.sha256).hexdigest()[:16]
    return {
        "id": example.id,
        **row.rendered.row(),
        "tokens": row.tokens.all,
        "completion_tokens": row.tokens.completion,
        "patient": patient,
        "composite": example.composite,
        "weight": example.weight,
        "stage": example.stage,
        "record": json.dumps(record_of(example), ensure_ascii=False, separators=(",", ":")),
    }


def record_of(example: TrainingExample) -> dict[str, Any]:
    return {
        "provenance": example.provenance.as_row(),
        "parts": list(example.parts),
        "labels": [
            {
                "system": label.system,
                "code": label.code,
                "origin": label.origin,
                "assistance": label.assistance.as_row(),
                "places": len(label.evidence),
            }
            for label in example.labels
        ],
        "negatives": [
            {
                "system": negative.system,
                "code": negative.code,
                "reason": negative.reason,
                "assistance": negative.assistance.as_row(),
            }
            for negative in example.negatives
        ],
        "unlabelled": [{"system": system, "code": code} for system, code in example.unlabelled],
    }


def _no_patient_in_both(rows: Sequence[Row]) -> None:
    """The split makes it so; a dataset in which it is not so must not be written, whatever came before."""
    patients = [{row.example.patient for row in rows if row.split == split} for split in SPLITS]
    if patients[0] & patients[1]:
        raise AssertionError("a patient is in both splits")


def _told(left_out: Mapping[str, int]) -> str:
    counted = [f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(left_out.items()) if count]
    return ", ".join(counted) or "none"
