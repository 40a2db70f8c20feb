"""What the pages of synthetic charts show, as plain data, and how it comes from stored runs and charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coding_review.web import amounts, words
from coding_review.web.datasets_page import Group, Spread
from coding_review.web.synthesis_counts import groups_of
from coding_review.web.synthesis_words import (
    DOMAINS,
    PHI,
    TONES,
    TRAPS,
    plain,
    reason_words,
    setting_words,
    style_words,
)
from coding_review.web.training_build import person
from coding_review.web.training_page import Fact, Figure
from modelops.choices import SynthesisKind
from modelops.engines.types import split_lines
from modelops.models import SynthesisRun, SyntheticChart

_CANDIDATES = 30


@dataclass(frozen=True, slots=True)
class RunRow:
    pk: int
    name: str
    kind: str
    writer: str
    status: str
    tone: str
    charts: str
    discarded: str
    codes: str
    seed: str
    made: str
    by: str


@dataclass(frozen=True, slots=True)
class ChartRow:
    """`position`: the chart's number in its run. `first_code`: see the function. `outcome`: kept, or why it was
    discarded."""

    position: int
    first_code: str
    first_title: str
    codes: str
    traps: str
    style: str
    setting: str
    person: str
    words: str
    outcome: str
    kept: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """`made` of `asked` charts so far; `stopping`: somebody cancelled it, and it is not at its end yet.
    `first_code_is`: what the code that is listed with each chart is called."""

    pk: int
    name: str
    status: str
    tone: str
    polls: bool
    stopping: bool
    made: int
    asked: int
    error: str
    since: str
    figures: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    groups: tuple[Group, ...]
    spreads: tuple[Spread, ...]
    pairs: tuple[tuple[str, str, str], ...]
    first_code_is: str


@dataclass(frozen=True, slots=True)
class LabelLine:
    """A code of the chart. `kind`: code, optional, or a trap's kind in words; `role` as on a claim."""

    code: str
    title: str
    kind: str
    role: str
    lines: str
    is_trap: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """At a line of the text: a code it tells, or a trap in it."""

    code: str
    is_trap: bool
    words: str


@dataclass(frozen=True, slots=True)
class TextLine:
    number: int
    text: str
    marks: tuple[Mark, ...]

    @property
    def state(self) -> str:
        """How the line looks: what supports a code comes before what traps."""
        if not self.marks:
            return ""
        return "trap" if all(mark.is_trap for mark in self.marks) else "told"


@dataclass(frozen=True, slots=True)
class Candidate:
    code: str
    title: str
    similarity: str
    percent: int
    lines: str
    outcome: str


@dataclass(frozen=True, slots=True)
class DiscardLine:
    code: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChartPage:
    """`withheld` says why the text is not shown."""

    run: int
    run_name: str
    position: int
    title: str
    discarded: str
    facts: tuple[Fact, ...]
    meta_description: str
    seed: tuple[str, str]
    co_codes: tuple[tuple[str, str], ...]
    labels: tuple[LabelLine, ...]
    text: tuple[TextLine, ...]
    withheld: str
    candidates: tuple[Candidate, ...]
    more_candidates: int
    discards: tuple[DiscardLine, ...]
    before: int | None
    after: int | None


def run_row(run: SynthesisRun) -> RunRow:
    counts: Mapping[str, Any] = run.counts
    return RunRow(
        pk=run.pk,
        name=run.name,
        kind=run.get_kind_display(),
        writer=run.get_writer_display(),
        status=run.get_status_display(),
        tone=TONES[run.status],
        charts=amounts.count(counts.get("kept")),
        discarded=amounts.share(counts.get("discard_rate")),
        codes=amounts.count(counts.get("distinct_codes")),
        seed=str(run.seed),
        made=words.moment(run.created_at),
        by=person(run.created_by),
    )


def run_page(run: SynthesisRun, made: int) -> RunPage:
    """`made`: charts stored so far."""
    counts: Mapping[str, Any] = run.counts
    took = (
        f", took {amounts.span((run.ended_at - (run.started_at or run.created_at)).total_seconds())}"
        if run.ended_at is not None
        else ""
    )
    return RunPage(
        first_code_is="Seed code" if run.kind == SynthesisKind.ICD10CM else "First code",
        pk=run.pk,
        name=run.name,
        status=run.get_status_display(),
        tone=TONES[run.status],
        polls=run.is_open,
        stopping=run.cancel_asked_at is not None,
        made=made,
        asked=int(run.settings.get("count") or 0),
        error=run.error,
        since=f"{words.moment(run.created_at)}, {person(run.created_by)}{took}",
        figures=_figures(run, counts, made),
        facts=_facts(run),
        groups=() if run.is_open else groups_of(counts),
        spreads=tuple(
            Spread(
                label, *(f"{told.get(name, 0):,.4g}" for name in ("least", "median", "mean", "p95", "most"))
            )
            for label, told in (
                ("Labels of a note", counts.get("labels_per_note")),
                ("Words of a note", counts.get("words_per_note")),
            )
            if told
        ),
        pairs=tuple(
            (str(a), str(b), amounts.share(share)) for a, b, share in counts.get("near_duplicate_pairs", ())
        ),
    )


def _figures(run: SynthesisRun, counts: Mapping[str, Any], made: int) -> tuple[Figure, ...]:
    asked = run.settings.get("count")
    if run.is_open:
        return (
            Figure("charts made", amounts.count(made), f"of {amounts.count(asked)}" if asked else ""),
            Figure("distinct codes", amounts.ABSENT, "counted at the end"),
            Figure("discarded", amounts.ABSENT, "counted at the end"),
            Figure("near-duplicates", amounts.ABSENT, "counted at the end"),
        )
    domains = counts.get("distinct_by_domain", {})
    return (
        Figure(
            "charts kept", amounts.count(counts.get("kept")), f"of {amounts.count(counts.get('charts'))} made"
        ),
        Figure(
            "distinct codes",
            amounts.count(counts.get("distinct_codes")),
            # The domains are lists of diagnoses.
            ", ".join(f"{domains[d]:,} {told.lower()}" for d, told in DOMAINS.items() if d in domains)
            if run.kind == SynthesisKind.ICD10CM
            else "",
        ),
        Figure("discarded", amounts.share(counts.get("discard_rate")), "of the charts made"),
        Figure(
            "near-duplicates",
            amounts.count(counts.get("near_duplicates")),
            f"pairs among the first {amounts.count(counts.get('compared'))}",
        ),
    )


def _facts(run: SynthesisRun) -> tuple[Fact, ...]:
    shown = {
        "count": "Charts asked for",
        "first": "First chart's number",
        "codes": "Codes limited to",
        "companions": "Codes beside the seed",
        "retrieve": "Lookup of each line",
    }
    told = [
        Fact("Kind", run.get_kind_display()),
        Fact("Writer", run.get_writer_display()),
        Fact("Seed", str(run.seed), code=True),
    ]
    for name, value in run.settings.items():
        if value not in ("", None, False, 0):
            told.append(Fact(shown.get(name, plain(name).capitalize()), _said(name, value)))
    return tuple(told)


def _said(name: str, value: str | int) -> str:
    if value is True:
        return "kept"
    if isinstance(value, int):
        return amounts.count(value)
    if name == "companions":
        return value.replace("-", " to ")
    return value if name == "codes" else DOMAINS.get(value, plain(str(value)))


def chart_row(chart: SyntheticChart, titles: Mapping[str, str]) -> ChartRow:
    about, codes, between = chart.chart, chart.codes, chart.intermediates
    first = first_code(chart)
    return ChartRow(
        position=chart.position,
        first_code=first,
        first_title=titles.get(first, ""),
        codes=str(len(codes.get("codes", ()))),
        traps=str(len(codes.get("traps", ()))),
        style=plain(str(codes.get("note_type") or between.get("style", ""))),
        setting=setting_words(str(about.get("setting", ""))),
        person=_person_of(about),
        words=amounts.count(len(str(about.get("text", "")).split())),
        outcome=reason_words(chart.discarded_reason) if chart.discarded_reason else "kept",
        kept=not chart.discarded_reason,
    )


def first_code(chart: SyntheticChart) -> str:
    """The code that the chart was drawn for. Notes about procedures are drawn by specialty: the first that is told."""
    labelled = chart.codes.get("codes", ())
    return str(chart.intermediates.get("seed_code") or (labelled[0]["code"] if labelled else ""))


def codes_of(charts: Iterable[SyntheticChart]) -> set[str]:
    """Every code that a page on these charts names."""
    found: set[str] = set()
    for chart in charts:
        between = chart.intermediates
        found |= {str(between.get("seed_code", "")), *between.get("co_codes", ())}
        for rows in (
            chart.codes.get("codes", ()),
            chart.codes.get("optional", ()),
            chart.codes.get("traps", ()),
            between.get("candidates", ()),
            between.get("discards", ()),
        ):
            found |= {str(row["code"]) for row in rows}
    return found - {""}


def chart_page(
    run: SynthesisRun,
    chart: SyntheticChart,
    titles: Mapping[str, str],
    *,
    before: int | None = None,
    after: int | None = None,
) -> ChartPage:
    about, between = chart.chart, chart.intermediates
    labels = _labels(chart.codes, titles)
    withheld = (
        "The gate found what may be somebody's name, number or address in it, so the text is not shown."
        if chart.discarded_reason.lower().startswith(PHI)
        else ""
    )
    found = between.get("candidates", ())
    seed = str(between.get("seed_code", ""))
    return ChartPage(
        run=run.pk,
        run_name=run.name,
        position=chart.position,
        title=str(about.get("id", "")),
        discarded=reason_words(chart.discarded_reason) if chart.discarded_reason else "",
        facts=_chart_facts(chart),
        meta_description=str(between.get("meta_description", "")),
        seed=(seed, titles.get(seed, "")),
        co_codes=tuple((code, titles.get(code, "")) for code in between.get("co_codes", ())),
        labels=labels,
        text=() if withheld else marked(str(about.get("text", "")), chart.codes),
        withheld=withheld,
        candidates=tuple(_candidate(row, chart.codes, titles) for row in found[:_CANDIDATES]),
        more_candidates=max(0, len(found) - _CANDIDATES),
        discards=tuple(
            DiscardLine(row["code"], titles.get(row["code"], ""), reason_words(str(row["reason"])))
            for row in between.get("discards", ())
        ),
        before=before,
        after=after,
    )


def marked(text: str, codes: Mapping[str, Any]) -> tuple[TextLine, ...]:
    by_line: dict[int, list[Mark]] = {}
    for kind, is_trap in (("codes", False), ("optional", False), ("traps", True)):
        for row in codes.get(kind, ()):
            told = TRAPS.get(str(row.get("kind", "")), "trap") if is_trap else ""
            if kind == "optional":
                told = "optional"
            for line in row.get("lines", ()):
                by_line.setdefault(int(line), []).append(Mark(str(row["code"]), is_trap, told))
    return tuple(
        TextLine(number, line, tuple(by_line.get(number, ())))
        for number, line in enumerate(split_lines(text), start=1)
    )


def _labels(codes: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[LabelLine, ...]:
    def line(row: Mapping[str, Any], kind: str, *, is_trap: bool = False) -> LabelLine:
        code = str(row["code"])
        return LabelLine(
            code,
            titles.get(code, ""),
            kind,
            plain(str(row.get("role", ""))),
            spans(row.get("lines", ())),
            is_trap,
        )

    return (
        *(line(row, "documented") for row in codes.get("codes", ())),
        *(line(row, "optional") for row in codes.get("optional", ())),
        *(
            line(row, f"trap: {TRAPS.get(str(row.get('kind')), plain(str(row.get('kind'))))}", is_trap=True)
            for row in codes.get("traps", ())
        ),
    )


def _candidate(row: Mapping[str, Any], codes: Mapping[str, Any], titles: Mapping[str, str]) -> Candidate:
    code, similarity = str(row["code"]), float(row.get("similarity", 0.0))
    outcome = next(
        (
            words_of
            for kind, words_of in (("codes", "chosen"), ("optional", "optional"), ("traps", "a trap"))
            if any(other["code"] == code for other in codes.get(kind, ()))
        ),
        "not chosen",
    )
    return Candidate(
        code,
        titles.get(code, ""),
        f"{similarity:.2f}",
        max(0, min(100, round(100 * similarity))),
        spans(row.get("lines", ())),
        outcome,
    )


def _chart_facts(chart: SyntheticChart) -> tuple[Fact, ...]:
    about, between = chart.chart, chart.intermediates
    told = [
        Fact("Patient", f"{_person_of(about)}, invented"),
        Fact("Setting", setting_words(str(about.get("setting", "")))),
        Fact("Claim", plain(str(about.get("claim_type", "")))),
        Fact("Date", str(about.get("date_of_service", ""))),
        Fact("Note", plain(str(chart.codes.get("note_type", "")))),
        Fact("Specialty", plain(str(about.get("specialty", "")))),
        Fact("Style", _style_of(chart)),
        Fact("Seed of its words", str(between.get("seed", "")), code=True),
        *(Fact(plain(name).capitalize(), plain(str(value))) for name, value in _details(between)),
        Fact("SHA-256", f"{chart.sha256[:16]}…", code=True),
    ]
    return tuple(fact for fact in told if fact.value)


def _style_of(chart: SyntheticChart) -> str:
    """ "" where it is said already: most styles are named for the kind of note."""
    told = style_words(str(chart.intermediates.get("style", ""))).lower()
    return "" if told == plain(str(chart.codes.get("note_type", ""))).lower() else told


def _details(between: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The writer's own remarks, where they are short ones; the style stands by itself."""
    return [
        (name, value)
        for name, value in between.get("details", {}).items()
        if name not in ("style", "meta_description") and isinstance(value, str | int | float)
    ]


def _person_of(about: Mapping[str, Any]) -> str:
    unit = {"years": "", "months": " mo", "weeks": " wk", "days": " d"}.get(str(about.get("age_unit")), "")
    return f"{about.get('sex', '')} {about.get('age', '')}{unit}".strip()


def spans(lines: Iterable[int]) -> str:
    """ "3–5, 9"."""
    runs: list[list[int]] = []
    for line in sorted({int(one) for one in lines}):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)
