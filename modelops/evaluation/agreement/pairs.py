"""Rows become a table of pairs: one line a pair of readings, chart and code. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import get_args

import numpy as np
import numpy.typing as npt

from modelops.evaluation.agreement.rows import Judged, Verdict

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
CodeKey = tuple[str, str]  # system, code

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
APPROVED: frozenset[Verdict] = frozenset({"approve", "approve_evidence_wrong", "approve_more_specific"})
# Beside the verdicts: a label this reading has no word on, and a code this reading did not add.
NO_WORD, NOT_ADDED = len(VERDICTS), len(VERDICTS) + 1
# What each of them says to "does the chart have this code": yes, no, or nothing.
_ANSWERS = [1 if verdict in APPROVED else 0 if verdict == "reject" else -1 for verdict in VERDICTS] + [-1, 0]
_NUMBER = {verdict: number for number, verdict in enumerate(VERDICTS)}


@dataclass(slots=True)
class Reading:
    """One reader's finished pass over one chart."""

    chart: str
    patient: str
    reader: str
    release: str = ""
    words: dict[CodeKey, Judged] = field(default_factory=dict)

    def take(self, row: Judged) -> None:
        if row.source == "none":
            return
        key = (row.system, row.code)
        earlier = self.words.get(key)
        # A code rejected as shown and added with evidence of one's own is given by the reader.
        if earlier is None or _rank(row) > _rank(earlier):
            self.words[key] = row


def _rank(row: Judged) -> tuple[bool, bool]:
    return row.verdict in APPROVED, row.source == "label"


Readings = dict[tuple[str, str], Reading]  # by chart and reader


def readings_of(rows: Iterable[Judged], kind: str) -> Readings:
    """The readings of one kind. Seeded checks are left out: they speak of the reader, not of the chart."""
    found: Readings = {}
    for row in rows:
        if row.kind != kind:
            continue
        reading = found.get((row.chart, row.reader))
        if reading is None:
            reading = found[row.chart, row.reader] = Reading(row.chart, row.patient, row.reader, row.release)
        if row.source != "seeded":
            reading.take(row)
    return found


@dataclass(frozen=True, slots=True)
class Together:
    """Readings of one chart that are compared with each other."""

    chart: str
    patient: str
    readings: tuple[Reading, ...]

    @property
    def release(self) -> str:
        return self.readings[0].release

    def pair(self, number: int) -> tuple[Reading, Reading]:
        """The pairs are numbered as `PairTable.chart_pairs` lists them."""
        return tuple(combinations(self.readings, 2))[number]


def by_chart(readings: Readings) -> list[Together]:
    """Charts with at least two readings, in the order of their keys."""
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings.values():
        found[reading.chart].append(reading)
    return [
        Together(chart, found[chart][0].patient, tuple(sorted(found[chart], key=lambda one: one.reader)))
        for chart in sorted(found)
        if len(found[chart]) > 1
    ]


def repeated(first: Readings, second: Readings) -> list[Together]:
    """Each reader's repeat beside the same reader's first reading of the chart."""
    return [
        Together(again.chart, again.patient, (first[key], again))
        for key, again in sorted(second.items())
        if key in first
    ]


@dataclass(frozen=True)
class PairTable:
    """Columns of one length, a line a pair of readings, chart and code. Indices count from 0."""

    patients: int
    names: tuple[
        str, ...
    ]  # of the pairs: two readers, or one whose repeat is compared with the first reading
    codes: tuple[CodeKey, ...]
    # Of each chart: its patient, and the pairs that read it.
    chart_patient: Ints
    chart_pairs: tuple[tuple[int, ...], ...]
    # Number of the release of each chart, and of the chart of each row.
    chart_release: Ints
    release: Ints
    patient: Ints
    pair: Ints
    code: Ints
    first: Ints  # number of the verdict, NO_WORD or NOT_ADDED
    second: Ints
    label: Flags  # shown to the readers
    readers: Ints  # readings of the chart
    decided: Ints  # of them, how many say yes or no to the code
    spoken: Ints  # and how many have a verdict on it
    # Lines cited by both, by the first and by the second, and lines of the chart; where both added the code.
    lines: Ints
    # Which of the codes belong to it: releases down, codes across.
    domains: Mapping[str, Flags]
    chapters: Mapping[str, Flags]

    @cached_property
    def answers(self) -> tuple[Ints, Ints]:
        """1 yes, 0 no, -1 neither, of the first and of the second reading."""
        table = np.array(_ANSWERS, dtype=np.int64)
        return table[self.first], table[self.second]


# Every code that a reading has a word on, with its domains in each release in which somebody has one.
Seen = Mapping[CodeKey, Mapping[str, frozenset[str]]]


def universe(*several: Readings) -> dict[CodeKey, dict[str, frozenset[str]]]:
    found: dict[CodeKey, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for readings in several:
        for reading in readings.values():
            for key, row in reading.words.items():
                found[key][reading.release] |= row.domains
    return {
        key: {release: frozenset(domains) for release, domains in found[key].items()} for key in sorted(found)
    }


def table_of(
    charts: Sequence[Together],
    seen: Seen,
    chapter_of: Callable[[str, str, str], str] | None = None,
    lines_of: Mapping[str, int] | None = None,
    domains_of: Callable[[str, str, str], Iterable[str]] | None = None,
) -> PairTable:
    """`seen` are the codes of the project, `lines_of` the number of lines of each chart's documents; the others are
    those of `agreement`."""
    codes = {key: number for number, key in enumerate(seen)}
    pairs: dict[str, int] = {}
    patients: dict[str, int] = {}
    releases: dict[str, int] = {}
    columns: list[tuple[int, ...]] = []
    chart_patient: list[int] = []
    chart_pairs: list[tuple[int, ...]] = []
    chart_release: list[int] = []
    for chart in charts:
        patient = _number(patients, chart.patient)
        chart_patient.append(patient)
        release = _number(releases, chart.release)
        chart_release.append(release)
        both = [
            (a, b, _number(pairs, _name(chart.readings[a], chart.readings[b])))
            for a, b in combinations(range(len(chart.readings)), 2)
        ]
        chart_pairs.append(tuple(pair for _, _, pair in both))
        length = -1 if lines_of is None else lines_of.get(chart.chart, -1)
        for key in sorted({key for reading in chart.readings for key in reading.words}):
            words = [reading.words.get(key) for reading in chart.readings]
            label = any(word is not None and word.source == "label" for word in words)
            states = [_state(word, label) for word in words]
            decided = sum(_ANSWERS[state] >= 0 for state in states)
            spoken = sum(state < NO_WORD for state in states)
            columns.extend(
                (
                    patient, pair, codes[key], states[a], states[b], int(label), len(words), decided, spoken,
                    *_cited(words[a], words[b]), length, release,
                )
                for a, b, pair in both
            )  # fmt: skip
    filled = np.array(columns, dtype=np.int64).reshape(len(columns), 14)
    return PairTable(
        patients=len(patients),
        names=tuple(pairs),
        codes=tuple(codes),
        chart_patient=np.array(chart_patient, dtype=np.int64),
        chart_pairs=tuple(chart_pairs),
        chart_release=np.array(chart_release, dtype=np.int64),
        release=filled[:, 13],
        patient=filled[:, 0],
        pair=filled[:, 1],
        code=filled[:, 2],
        first=filled[:, 3],
        second=filled[:, 4],
        label=filled[:, 5].astype(np.bool_),
        readers=filled[:, 6],
        decided=filled[:, 7],
        spoken=filled[:, 8],
        lines=filled[:, 9:13],
        domains=_in_domains(seen, tuple(releases), domains_of),
        chapters=_in_chapters(tuple(codes), tuple(releases), chapter_of),
    )


def _number(known: dict[str, int], one: str) -> int:
    """Numbers from 0 in the order of first sight."""
    return known.setdefault(one, len(known))


def _name(first: Reading, second: Reading) -> str:
    return first.reader if first.reader == second.reader else f"{first.reader} · {second.reader}"


def _state(word: Judged | None, label: bool) -> int:
    if word is None:
        return NO_WORD if label else NOT_ADDED
    return _NUMBER[word.verdict]


def _cited(first: Judged | None, second: Judged | None) -> tuple[int, int, int]:
    if first is None or second is None or first.source != "addition" or second.source != "addition":
        return 0, 0, 0
    return len(first.evidence & second.evidence), len(first.evidence), len(second.evidence)


def _in_domains(
    seen: Seen, releases: Sequence[str], domains_of: Callable[[str, str, str], Iterable[str]] | None
) -> dict[str, Flags]:
    """By what the words on a code say in the release; without a word there by `domains_of`, else by all words on it."""

    def of(key: CodeKey, release: str) -> Iterable[str]:
        said = seen[key]
        if release in said:
            return said[release]
        return frozenset().union(*said.values()) if domains_of is None else domains_of(*key, release)

    return _memberships([[frozenset(of(key, release)) for key in seen] for release in releases])


def _in_chapters(
    codes: Sequence[CodeKey],
    releases: Sequence[str],
    chapter_of: Callable[[str, str, str], str] | None,
) -> dict[str, Flags]:
    if chapter_of is None:
        return {}
    return _memberships([[frozenset({chapter_of(*key, release)}) for key in codes] for release in releases])


def _memberships(groups_of: Sequence[Sequence[frozenset[str]]]) -> dict[str, Flags]:
    """`groups_of`: each code's groups, a line a release."""
    names = sorted({name for line in groups_of for groups in line for name in groups})
    return {
        name: np.array([[name in groups for groups in line] for line in groups_of], dtype=np.bool_)
        for name in names
    }
