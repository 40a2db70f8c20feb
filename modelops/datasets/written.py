"""Synthetic charts as training examples: lines of the gold form, from a file or from a stored run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from modelops.datasets.build import Gathered
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.examples import SYNTHETIC, Provenance, TrainingExample
from modelops.datasets.from_gold import NoExample, example_of, patient_of
from modelops.gold_lines import parse_gold_line
from modelops.interchange import BadChart
from modelops.models import SynthesisRun


def written_charts(
    lines: Iterable[str],
    source: str,
    titles: CodeTitles,
    *,
    domains: Collection[str],
    reasons: Collection[str],
) -> Gathered:
    """Nobody's charts: nothing is taken out of them. A line that cannot be read is counted and stops nothing."""
    found: list[TrainingExample] = []
    left_out: Counter[str] = Counter()
    digest = hashlib.sha256()
    for line in lines:
        if not line.strip():
            continue
        digest.update(line.strip().encode() + b"\n")
        try:
            gold = parse_gold_line(line, domains=domains, reasons=reasons)
            release = titles.release_of(gold.chart.coding_date)
            found.append(
                example_of(gold, Provenance(SYNTHETIC, source, gold.id, release), patient=patient_of(gold))
            )
        except BadChart:
            left_out["bad_line"] += 1
        except NoExample as error:
            left_out[error.reason] += 1
    told = {"kind": SYNTHETIC, "source": source, "sha256": digest.hexdigest(), "examples": len(found)}
    return Gathered(found, [told], {}, dict(left_out))


def stored_lines(run: SynthesisRun) -> Iterator[str]:
    """The charts of a stored run that nothing speaks against, as its export has them."""
    for chart in run.charts.filter(discarded_reason="").order_by("position").iterator(chunk_size=500):
        yield json.dumps(chart.gold_row(), ensure_ascii=False)
