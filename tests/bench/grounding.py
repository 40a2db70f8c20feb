"""What the candidates of grounding cost and what they hold, chart by chart.

    .venv/bin/python manage.py shell -c "from tests.bench.grounding import main; main('CHARTS.jsonl')"

prints, for each half of the charts (by their order in the file: the first half is what limits were chosen on): the
processor time of a chart with an empty cache and again with a full one, the candidates a chart, and the share of gold
codes among the candidates of the lines that the gold cites (recall), with and without the knowledge layer.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.choices import CodeSystem
from catalog.models import Release
from catalog.queries import latest_release
from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.llm.candidates import CatalogGrounding, Limits
from modelops.engines.llm.numbered import number_lines
from modelops.evaluation_files import gold_of_object
from modelops.interchange import GOLD_FIELDS, chart_of_object

_ADDITIONS = 5_000_000


@dataclass(frozen=True, slots=True)
class _Chart:
    row: dict[str, object]

    @property
    def text(self):
        return chart_of_object(self.row, GOLD_FIELDS).as_chart_text()

    @property
    def gold(self):
        return [code for code in gold_of_object(self.row).codes if not code.rejected]


def main(path: str, limits: Limits | None = None) -> None:
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    charts = [_Chart(row) for row in rows]
    release = latest_release(CodeSystem.ICD10CM)
    half = len(charts) // 2
    begun = time.process_time()
    for _ in range(_ADDITIONS):
        pass
    _say(f"a loop of {_ADDITIONS:,} passes: {time.process_time() - begun:.2f} s of processor")
    for name, knowledge in (("lookup", None), ("lookup and knowledge", EmbeddedEngine())):
        for part, those in (("first half", charts[:half]), ("second half", charts[half:])):
            grounding = CatalogGrounding(limits, knowledge)
            grounding.candidates(replace(charts[0].text, documents=()), (), release.pk)
            if knowledge is not None:
                knowledge.predict(charts[0].text, release.pk)
            _measure(f"{name}, {part}", grounding, those, release)


def _measure(name: str, grounding: CatalogGrounding, charts: Sequence[_Chart], release: Release) -> None:
    cold: list[float] = []
    warm: list[float] = []
    counts: list[int] = []
    found = anywhere = wanted = 0
    for chart in charts:
        text = chart.text
        lines = number_lines(text)
        begun = time.process_time()
        candidates = grounding.candidates(text, lines, release.pk)
        cold.append(1000 * (time.process_time() - begun))
        begun = time.process_time()
        grounding.candidates(text, lines, release.pk)
        warm.append(1000 * (time.process_time() - begun))
        counts.append(len(candidates))
        at = {(line.document_id, line.line): line.number for line in lines}
        where = {one.code: {segment.number for segment in one.segments} for one in candidates}
        for code in chart.gold:
            wanted += 1
            cited = {at[line] for line in code.lines if line in at}
            anywhere += code.code in where
            found += bool(cited & where.get(code.code, set()))
    _say(
        f"{name}: {len(charts)} charts; processor ms a chart median {statistics.median(cold):.0f}, mean "
        f"{statistics.mean(cold):.0f}, most {max(cold):.0f}; again {statistics.median(warm):.0f}; candidates a chart "
        f"{statistics.mean(counts):.0f}; recall in the gold's lines {found / wanted:.3f}, in the chart "
        f"{anywhere / wanted:.3f} ({wanted} codes)"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
