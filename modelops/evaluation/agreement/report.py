"""All figures of agreement of one gold project. Pure; the keys are public (docs/gold.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from modelops.evaluation.agreement.by_code import codes_of
from modelops.evaluation.agreement.code_sets import SetsOfChart, alpha_of_sets
from modelops.evaluation.agreement.groups import Group
from modelops.evaluation.agreement.pairs import (
    APPROVED,
    CodeKey,
    PairTable,
    Reading,
    Readings,
    Seen,
    Together,
    by_chart,
    readings_of,
    repeated,
    table_of,
    universe,
)
from modelops.evaluation.agreement.readers import automation_bias, pace
from modelops.evaluation.agreement.resampling import RESAMPLES, SEED, Resamples
from modelops.evaluation.agreement.rows import Judged

_NO_CHART = "No chart was read by two readers."


def agreement(
    rows: Sequence[Judged],
    *,
    chapter_of: Callable[[str, str, str], str] | None = None,
    lines_of: Mapping[str, int] | None = None,
    domains_of: Callable[[str, str, str], Iterable[str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Figures with intervals, each {"value", "low", "high", "n", "why", "interval_why", "interval_note"}.

    `chapter_of(system, code, release)` names a code's chapter in a chart's release; `lines_of` has the number of lines
    of each chart's documents. Without the one there are no chapters, without the other alpha over lines says so.
    `domains_of(system, code, release)`: asked for codes on which the rows of a release have no word.
    """
    first, second = readings_of(rows, "independent"), readings_of(rows, "repeat")
    seen = universe(first)
    charts = by_chart(first)
    table = table_of(charts, seen, chapter_of, lines_of, domains_of)
    draws = Resamples(table.patients, resamples, seed)
    everything = Group.everything(table, draws)
    again = repeated(first, second)
    overall = {**everything.figures(), "sets": _sets(charts, table, draws)}
    per_code = codes_of(everything)

    def pair(number: int) -> dict[str, Any]:
        if everything.two_readers:
            return {**overall, "per_code": per_code}
        one = everything.of_pair(number)
        return {**one.figures(), "sets": _sets(charts, table, draws, number), "per_code": codes_of(one)}

    return {
        "resamples": resamples,
        "seed": seed,
        "counts": {
            "readings": len(first),
            "charts": len({reading.chart for reading in first.values()}),
            "charts_read_twice": len(charts),
            "patients_read_twice": table.patients,
            "readers": len({reading.reader for reading in first.values()}),
            "codes": len(seen),
            "repeats": len(again),
        },
        "overall": overall,
        "by_pair": {name: pair(number) for number, name in enumerate(table.names)},
        "by_domain": {name: everything.of_codes(codes).figures() for name, codes in table.domains.items()},
        "by_chapter": {name: everything.of_codes(codes).figures() for name, codes in table.chapters.items()},
        "per_code": per_code,
        "repeats": _repeats(again, _seen_by(first, second), lines_of, draws),
        "seeded": automation_bias(rows, resamples, seed),
        "pace": pace(rows),
    }


def summary(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same without the rows of each code, to six decimals: what a manifest keeps."""
    short: dict[str, Any] = _rounded({key: value for key, value in figures.items() if key != "per_code"})
    for group in short["by_pair"].values():
        del group["per_code"]
    return short


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    # No negative zero: a database that keeps numerics gives another text back.
    return round(value, 6) + 0.0 if isinstance(value, float) else value


def _sets(
    charts: Sequence[Together], table: PairTable, draws: Resamples, pair: int | None = None
) -> dict[str, Any]:
    """Whole code sets of each chart. A code that one of the readers could not decide leaves all of them."""
    compared = []
    for chart, patient, pairs in zip(charts, table.chart_patient.tolist(), table.chart_pairs, strict=True):
        if pair is None:
            compared.append(SetsOfChart(patient, _given(chart.readings)))
        elif pair in pairs:
            compared.append(SetsOfChart(patient, _given(chart.pair(pairs.index(pair)))))
    return {"charts": len(compared), "masi_alpha": alpha_of_sets(compared, draws, _NO_CHART).as_json()}


def _given(readings: Sequence[Reading]) -> tuple[frozenset[CodeKey], ...]:
    doubtful = {
        key for reading in readings for key, word in reading.words.items() if word.verdict == "undecidable"
    }
    return tuple(
        frozenset(
            key for key, word in reading.words.items() if word.verdict in APPROVED and key not in doubtful
        )
        for reading in readings
    )


def _seen_by(first: Readings, second: Readings) -> Seen:
    """With the codes that a reader named in the repeat alone."""
    return universe(first, {key: reading for key, reading in second.items() if key in first})


def _repeats(
    again: Sequence[Together],
    seen: Seen,
    lines_of: Mapping[str, int] | None,
    draws: Resamples,
) -> dict[str, Any]:
    """Agreement of readers with themselves; each reader is a pair of his own."""
    table = table_of(again, seen, None, lines_of)
    resamples = Resamples(table.patients, draws.count, draws.seed)
    everything = Group.everything(table, resamples)
    return {
        "charts": len(again),
        "overall": {**everything.figures(), "sets": _sets(again, table, resamples)},
        "by_reader": {
            name: {**everything.of_pair(number).figures(), "sets": _sets(again, table, resamples, number)}
            for number, name in enumerate(table.names)
        },
    }
