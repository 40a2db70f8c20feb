"""Charts packed into columns, so that a hundred thousand of them fit into memory and are compared at once.

A code is a number of the vocabulary, a chart the number of its place in the gold set, a line one number out of
document and line. What is read is packed at once and can be forgotten: both packers take streams.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.keys import code_key
from modelops.evaluation.charts import (
    ADDITION,
    DIAGNOSES,
    MAIN_ROLES,
    PROCEDURES,
    GoldChart,
    GoldCode,
    Line,
    PredictedChart,
    PredictedCode,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# More lines than any document may have, so that document and line share one number.
LINES_OF_A_DOCUMENT = 1 << 24
LABEL, ADDED, UNTOLD = 1, 2, 0
_SOURCES = {"label": LABEL, ADDITION: ADDED}
MISSING, ANSWERED, FAILED = 0, 1, 2


class Numbered:
    """Names in the order in which they were first met, each with its number."""

    def __init__(self) -> None:
        self.names: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __call__(self, name: Any) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number

    def get(self, name: Any) -> int | None:
        return self._numbers.get(name)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Words:
    """What gold and all predictions share: `codes` numbers (system, key), `details` (modifiers, units)."""

    codes: Numbered = field(default_factory=Numbered)
    details: Numbered = field(default_factory=Numbered)
    documents: Numbered = field(default_factory=Numbered)
    indicators: Numbered = field(default_factory=Numbered)
    bands: Numbered = field(default_factory=Numbered)
    _written: dict[tuple[str, str], int] = field(default_factory=dict)

    def code(self, system: str, code: str) -> int:
        number = self._written.get((system, code))
        if number is None:
            number = self._written[system, code] = self.codes((system, code_key(code)))
        return number

    def line(self, line: Line) -> int:
        return self.documents(line[0]) * LINES_OF_A_DOCUMENT + line[1]


@dataclass(frozen=True, slots=True)
class Rows:
    """One row a code of a chart. `line_row` and `line` list the lines cited, each with the row that cites it.

    `order` is the place in the chart by what the chart says (-1 where it says nothing), `confidence` is NaN where
    none was given, `detail` numbers modifiers and units.
    """

    chart: Ints
    code: Ints
    main: Flags
    poa: Ints
    order: Ints
    detail: Ints
    confidence: Floats
    band: Ints
    source: Ints
    line_row: Ints
    line: Ints

    def __len__(self) -> int:
        return len(self.chart)

    @property
    def lines_cited(self) -> Ints:
        return np.bincount(self.line_row, minlength=len(self)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Gold:
    """`patient` is -1 where none is named. `diagnoses` hold each code of a chart once, `procedures` each code with
    its modifiers and units."""

    words: Words
    charts: Numbered
    patients: Numbered
    patient: Ints
    setting: Sequence[str]
    specialty: Sequence[str]
    length: Ints
    day: Sequence[str]
    domains: Sequence[tuple[str, ...]]
    diagnoses: Rows
    procedures: Rows
    optional_chart: Ints
    optional_code: Ints
    trap_chart: Ints
    trap_code: Ints
    trap_kind: Sequence[str]
    rejected: int
    other_systems: int


@dataclass(frozen=True, slots=True)
class Predictions:
    """`status` by chart: missing, answered or failed; `put_out` counts what a chart's answer left aside."""

    diagnoses: Rows
    procedures: Rows
    status: Ints
    codes_put_out: int
    left_aside: Ints
    reasons: Counter[str]
    without_gold: int


class _Growing:
    """Rows while they are read."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._ints = {name: array("q") for name in _INT_COLUMNS}
        self._confidence = array("d")
        # Looked up once: they are called for every code.
        self._append = [self._ints[name].append for name in _INT_COLUMNS]

    def add(self, chart: int, codes: dict[tuple[int, int], _Row]) -> None:
        of_chart, of_code, detail, main, poa, order, band, source, line_row, line = self._append
        place, number_of = len(self._confidence), self._words.line
        for (code, with_detail), row in codes.items():
            of_chart(chart)
            of_code(code)
            detail(with_detail)
            main(row.main)
            poa(row.poa)
            order(row.order)
            band(row.band)
            source(row.source)
            for cited in row.lines:
                line_row(place)
                line(number_of(cited))
            place += 1
        self._confidence.extend([row.confidence for row in codes.values()])

    def rows(self) -> Rows:
        found: dict[str, Any] = {
            name: np.array(column, dtype=np.int64) for name, column in self._ints.items()
        }
        found["main"] = found["main"].astype(np.bool_)
        return Rows(confidence=np.array(self._confidence, dtype=np.float64), **found)


_INT_COLUMNS = ("chart", "code", "detail", "main", "poa", "order", "band", "source", "line_row", "line")


@dataclass(slots=True)
class _Row:
    lines: frozenset[Line]
    main: bool
    poa: int
    order: int
    confidence: float = float("nan")
    band: int = 0
    source: int = UNTOLD

    def unite(self, other: _Row) -> None:
        """The same code again: its lines count too, the surer statement and the earlier place stand."""
        self.lines |= other.lines
        self.main |= other.main
        self.poa = self.poa or other.poa
        self.order = min((place for place in (self.order, other.order) if place >= 0), default=-1)
        if other.confidence > self.confidence or (
            math.isnan(self.confidence) and not math.isnan(other.confidence)
        ):
            self.confidence, self.band = other.confidence, other.band
        # Said by the labeller as well: not an addition.
        both = self.source and other.source
        self.source = min(self.source, other.source) if both else self.source or other.source


def pack_gold(charts: Iterable[GoldChart]) -> Gold:
    """Raises ValueError where a chart's id comes twice."""
    words, ids, patients = Words(), Numbered(), Numbered()
    words.indicators("")
    words.bands("")
    diagnoses, procedures = _Growing(words), _Growing(words)
    patient, length = array("q"), array("q")
    setting: list[str] = []
    specialty: list[str] = []
    day: list[str] = []
    domains: list[tuple[str, ...]] = []
    optional_chart, optional_code, trap_chart, trap_code = array("q"), array("q"), array("q"), array("q")
    trap_kind: list[str] = []
    rejected = other_systems = 0
    for chart in charts:
        if ids.get(chart.id) is not None:
            raise ValueError(f"the chart {chart.id!r} is there twice")
        number = ids(chart.id)
        patient.append(patients(chart.patient) if chart.patient else -1)
        length.append(-1 if chart.lines is None else chart.lines)
        setting.append(chart.setting)
        specialty.append(chart.specialty)
        day.append(chart.day)
        domains.append(chart.domains)
        rejected += sum(code.rejected for code in chart.codes)
        golden = [code for code in chart.codes if not code.rejected]
        order = [-1 if code.sequence is None else code.sequence for code in golden]
        other_systems += _pack(words, number, golden, order, diagnoses, procedures)
        for system, code in chart.optional:
            optional_chart.append(number)
            optional_code.append(words.code(system, code))
        for trap in chart.traps:
            trap_chart.append(number)
            trap_code.append(words.code(trap.system, trap.code))
            trap_kind.append(trap.kind)
    return Gold(
        words=words,
        charts=ids,
        patients=patients,
        patient=_ints(patient),
        setting=setting,
        specialty=specialty,
        length=_ints(length),
        day=day,
        domains=domains,
        diagnoses=diagnoses.rows(),
        procedures=procedures.rows(),
        optional_chart=_ints(optional_chart),
        optional_code=_ints(optional_code),
        trap_chart=_ints(trap_chart),
        trap_code=_ints(trap_code),
        trap_kind=trap_kind,
        rejected=rejected,
        other_systems=other_systems,
    )


def pack_predictions(gold: Gold, charts: Iterable[PredictedChart]) -> Predictions:
    """Predictions of the gold set's charts, in any order. Raises ValueError where a chart's id comes twice."""
    words, total = gold.words, len(gold.charts)
    diagnoses, procedures = _Growing(words), _Growing(words)
    status, left_aside = np.zeros(total, dtype=np.int64), np.zeros(total, dtype=np.int64)
    reasons: Counter[str] = Counter()
    without_gold = put_out = 0
    for chart in charts:
        number = gold.charts.get(chart.id)
        if number is None:
            without_gold += 1
            continue
        if status[number] != MISSING:
            raise ValueError(f"a prediction for the chart {chart.id!r} is there twice")
        if chart.error:
            status[number] = FAILED
            continue
        status[number] = ANSWERED
        put_out += len(chart.codes)
        left_aside[number] = len(chart.discarded)
        reasons.update(chart.discarded)
        _pack(words, number, chart.codes, _in_order(chart.codes), diagnoses, procedures)
    return Predictions(
        diagnoses.rows(), procedures.rows(), status, put_out, left_aside, reasons, without_gold
    )


def _in_order(codes: tuple[PredictedCode, ...]) -> list[int]:
    """A place for each code: as the prediction says where it says so for every code, else as they stand."""
    stated = [code.sequence for code in codes if code.sequence is not None]
    return stated if len(stated) == len(codes) else list(range(len(codes)))


def _pack(
    words: Words,
    chart: int,
    codes: Sequence[GoldCode | PredictedCode],
    order: Sequence[int],
    diagnoses: _Growing,
    procedures: _Growing,
) -> int:
    """Adds one chart's codes; the number of those of systems that are not compared."""
    found: dict[tuple[int, int], _Row] = {}
    done: dict[tuple[int, int], _Row] = {}
    elsewhere = 0
    for code, place in zip(codes, order, strict=True):
        if code.system == DIAGNOSES:
            kept, key = found, (words.code(DIAGNOSES, code.code), 0)
        elif code.system in PROCEDURES:
            kept = done
            key = (words.code(code.system, code.code), words.details((code.modifiers, code.units)))
        else:
            elsewhere += 1
            continue
        row = _row(words, code, place)
        if key in kept:
            kept[key].unite(row)
        else:
            kept[key] = row
    diagnoses.add(chart, found)
    procedures.add(chart, done)
    return elsewhere


def _row(words: Words, code: GoldCode | PredictedCode, order: int) -> _Row:
    row = _Row(code.lines, code.role in MAIN_ROLES, words.indicators(code.poa), order)
    if isinstance(code, PredictedCode):
        row.band = words.bands(code.band)
        if code.confidence is not None:
            row.confidence = code.confidence
    else:
        row.source = _SOURCES.get(code.source, UNTOLD)
    return row


def _ints(column: array[int]) -> Ints:
    return np.array(column, dtype=np.int64)
