"""How much of charts the hybrid engine's knowledge layer settles, and how well, by the rules of its sureness.

    .venv/bin/python manage.py shell -c "from tests.bench.hybrid import main; main('CHARTS.jsonl', halves=True)"

prints for each set of rules: the share of terms, lines and charts that would reach the model; precision of the codes
that stand without it; and the share of gold codes that can still be reached: they stand, or a line that the gold cites
for them is shown to the model. With `halves`, for the first half of the charts (which rules were chosen on) and for the
second apart. The model itself answers nothing here.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.choices import CodeSystem
from catalog.queries import latest_release
from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.hybrid import HybridEngine
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.ports import Rest
from modelops.engines.sureness import LookupTerms, Sureness
from modelops.engines.types import EngineInfo, EngineResult
from modelops.evaluation_files import gold_of_object
from modelops.interchange import GOLD_FIELDS, chart_of_object

# The rules before any but confidence and the context that the embedded engine itself told.
BEFORE = Sureness(agreeing=2, doubt=0, term=0.5, context=False, known=False)
RULES: Mapping[str, Sureness] = {
    "confidence alone": BEFORE,
    "terms of 0.7": replace(BEFORE, term=0.7),
    "and context": replace(BEFORE, term=0.7, context=True),
    "and codes that stand": replace(BEFORE, term=0.7, context=True, known=True),
    "and agreement (the defaults)": Sureness(),
    "terms of 0.8": Sureness(term=0.8),
    "terms of 0.8 and doubt": Sureness(term=0.8, doubt=0.3),
    "no lines beside": Sureness(beside=0),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A gold chart; what the knowledge layer and the lookup said of it is the same for all rules."""

    row: dict[str, object]

    @property
    def text(self):
        return chart_of_object(self.row, GOLD_FIELDS).as_chart_text()

    @property
    def gold(self):
        return [code for code in gold_of_object(self.row).codes if not code.rejected]

    @property
    def optional(self):
        return {code["code"] for code in self.row.get("optional", ())}


class _Once:
    """An engine that reads each chart once."""

    def __init__(self) -> None:
        self._engine = EmbeddedEngine()
        self._known: dict[str, EngineResult] = {}

    @property
    def info(self):
        return self._engine.info

    def predict(self, chart, release_id):
        if chart.id not in self._known:
            self._known[chart.id] = self._engine.predict(chart, release_id)
        return self._known[chart.id]


class _Silent:
    """A model that answers nothing and keeps what it was shown."""

    info = EngineInfo(name="silent", model_version="0")
    in_flight = 1

    def __init__(self) -> None:
        self.shown: frozenset[tuple[str, int]] = frozenset()

    def predict_rest(self, chart, release_id, rest: Rest, stop):
        self.shown = rest.lines
        return EngineResult(())


def main(path: str, *, halves: bool = False, rules: Mapping[str, Sureness] = RULES) -> None:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    charts = [Chart(json.loads(line)) for line in lines if line.strip()]
    middle = len(charts) // 2
    parts = {"first half": charts[:middle], "second half": charts[middle:]} if halves else {"all": charts}
    release = latest_release(CodeSystem.ICD10CM)
    begun = time.process_time()
    knowledge, terms = _Once(), LookupTerms(LineLookup())
    for part, those in parts.items():
        for name, sure in rules.items():
            _say(f"{part}, {name}: {measured(those, sure, knowledge, terms, release.pk)}")
    _say(f"{time.process_time() - begun:.0f} s of processor")


def measured(charts: Sequence[Chart], sure: Sureness, knowledge, terms, release_id: int) -> str:
    counts: Counter[str] = Counter()
    for chart in charts:
        text, model = chart.text, _Silent()
        found = HybridEngine(knowledge, model, terms, sure).predict(text, release_id)
        counts.update(found.usage)
        counts["charts"] += 1
        gold: dict[str, set[tuple[str, int]]] = {}
        for code in chart.gold:
            gold.setdefault(code.code, set()).update(code.lines)
        stand = {said.code for said in found.suggestions if said.system == CodeSystem.ICD10CM}
        counts["right"] += len(stand & gold.keys())
        counts["wrong"] += len(stand - gold.keys() - chart.optional)
        counts["gold"] += len(gold)
        counts["reached"] += sum(code in stand or bool(cited & model.shown) for code, cited in gold.items())
    rules = ", ".join(
        f"{name.removeprefix('hybrid_by_')} {count}"
        for name, count in sorted(counts.items())
        if name.startswith("hybrid_by_")
    )
    stand, reached = _share(counts, "right", "gold"), _share(counts, "reached", "gold")
    return (
        f"{counts['charts']} charts; asked about {_share(counts, 'hybrid_terms_asked', 'hybrid_terms')} terms, "
        f"{_share(counts, 'hybrid_lines_asked', 'hybrid_lines')} lines, {counts['hybrid_charts_asked']} charts; "
        f"settled by {rules}; precision without the model {_of(counts['right'], counts['right'] + counts['wrong'])}; "
        f"gold codes that stand {stand}, in reach {reached}"
    )


def _share(counts: Counter[str], some: str, all_of: str) -> str:
    return _of(counts[some], counts[all_of])


def _of(some: int, all_of: int) -> str:
    return f"{some}/{all_of} ({some / all_of:.3f})" if all_of else "0/0"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
