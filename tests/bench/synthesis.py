"""How many synthetic charts the embedded writer makes on one core, and how many codes they hold."""

from __future__ import annotations

import time

from catalog.models import Release
from modelops.synthesis.chart_rows import as_line, gold_row
from modelops.synthesis.drawing import Drawing, Wanted
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.making import days_of, make
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.release_vocabulary import vocabulary_of
from tests.bench.figures import report

_CHARTS = 1_500
_FOR_COVERAGE = 6_000


def synthesis() -> None:
    release = Release.objects.get(system="icd10cm")
    begun = time.process_time()
    vocabulary = vocabulary_of(release)
    report(
        "Synthetic charts, vocabulary read", f"{time.process_time() - begun:.1f} s, {len(vocabulary):,} codes"
    )
    drawing = Drawing(vocabulary, Wanted(), days_of(release.valid_from, release.valid_to))
    writer = EmbeddedWriter(vocabulary)
    for name, gate, aim in (
        ("Synthetic charts, drawn, written, as JSONL", None, "200 charts/s"),
        ("The same through the PHI gate", PhiGate(t.title for t in vocabulary.terms.values()), ""),
    ):
        begun, words = time.process_time(), 0
        for draft in make(drawing, writer, seed=1, count=_CHARTS, gate=gate):
            words += len(as_line(gold_row(draft)))
        seconds = time.process_time() - begun
        report(name, f"{_CHARTS / seconds:.0f} charts/s on one core, {words / seconds / 1e6:.2f} MB/s", aim)
    codes: set[str] = set()
    for number in range(_FOR_COVERAGE):
        codes.update(drawing.order(2, number).codes)
    report(f"Distinct codes in {_FOR_COVERAGE:,} synthetic charts", f"{len(codes):,}", "3,000")
