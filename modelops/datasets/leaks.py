"""Whether anything a model would learn from is in a set that it will be measured on. Found by id, patient, hash of a
document and near-duplicate of a document or chart; a dataset with one such example is not built."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelops.datasets.dedupe import text_of
from modelops.datasets.examples import TrainingExample
from modelops.datasets.likeness import LikeTexts, long_enough
from modelops.engines.types import ChartText

ID, PATIENT, DOCUMENT, LIKE = "id", "patient", "document", "near_duplicate"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A chart of a gold set. `names`: its key in the set and every id of what it was taken from; `patient`:
    split.patient_key, empty where unknown; `chart` None where its text is not at hand."""

    set_name: str
    key: str
    names: frozenset[str]
    patient: str = ""
    document_sha256: frozenset[str] = frozenset()
    chart: ChartText | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Leak:
    """Ids only."""

    example: str
    set_name: str
    chart: str
    how: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What was compared, for the manifest. `without_text`: charts held out that are compared by ids and hashes only."""

    leaks: tuple[Leak, ...]
    examples: int
    charts: int
    without_text: int
    sets: tuple[str, ...]


def find_leaks(examples: Iterable[TrainingExample], held_out: Iterable[HeldOut]) -> Checked:
    """Every example against every chart held out; one leak an example and chart, the surest."""
    charts = list(held_out)
    keys = _Keys(charts)
    texts, owner = LikeTexts(), {}
    for number, chart in enumerate(charts):
        for part, text in _texts(chart.chart):
            key = f"{number}:{part}"
            texts.add(key, text)
            owner[key] = number
    leaks: list[Leak] = []
    count = 0
    for example in examples:
        count += 1
        found = keys.of(example)
        for _, text in _texts(example.chart):
            for key, share in texts.like(text):
                found.setdefault(owner[key], (LIKE, share))
        leaks.extend(
            Leak(example.id, charts[number].set_name, charts[number].key, how, round(share, 4))
            for number, (how, share) in sorted(found.items())
        )
    return Checked(
        tuple(leaks),
        count,
        len(charts),
        sum(chart.chart is None for chart in charts),
        tuple(sorted({chart.set_name for chart in charts})),
    )


class _Keys:
    def __init__(self, charts: list[HeldOut]) -> None:
        self._by: dict[str, dict[str, list[int]]] = {
            ID: defaultdict(list),
            DOCUMENT: defaultdict(list),
            PATIENT: defaultdict(list),
        }
        for number, chart in enumerate(charts):
            for name in chart.names:
                self._by[ID][name].append(number)
            for digest in chart.document_sha256:
                self._by[DOCUMENT][digest].append(number)
            if chart.patient:
                self._by[PATIENT][chart.patient].append(number)

    def of(self, example: TrainingExample) -> dict[int, tuple[str, float]]:
        asked = {
            ID: example.names | {example.id},
            DOCUMENT: frozenset(example.provenance.document_sha256),
            PATIENT: frozenset({example.patient}),
        }
        found: dict[int, tuple[str, float]] = {}
        for how, keys in asked.items():
            for key in keys:
                for number in self._by[how].get(key, ()):
                    found.setdefault(number, (how, 1.0))
        return found


def _texts(chart: ChartText | None) -> list[tuple[str, str]]:
    """The whole chart, and each document where there are several: one copied document is a leak too."""
    if chart is None:
        return []
    found = [("chart", text_of(chart))]
    if len(chart.documents) > 1:
        found += [
            (f"document {number}", document.text)
            for number, document in enumerate(chart.documents)
            if long_enough(document.text)
        ]
    return found
