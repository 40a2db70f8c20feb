"""What the evaluation pages show, as plain data: the list of runs, and two runs beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coding_review.evaluated_text import EvaluatedDocument
from coding_review.web import words
from modelops.evaluation.report.figures import LEVELS
from modelops.evaluation.report.paper import SOURCE
from modelops.evaluation.report.parts import at, count, figure, number, share
from modelops.models import EvaluationRun

_HEADLINES = (
    ("F1, exact code", "levels.L3.micro.f1", number),
    ("with evidence", "levels.L4.micro.f1", number),
    ("precision", "levels.L3.micro.precision", number),
    ("recall", "levels.L3.micro.recall", number),
    ("charts", "charts.total", count),
    ("without a valid prediction", "response.share", share),
)
# Compared in the page of two runs; higher is better unless said.
_COMPARED = (
    *((f"F1 {label} (micro)", f"levels.{level}.micro.f1", number) for level, label in LEVELS.items()),
    ("Precision L3", "levels.L3.micro.precision", number),
    ("Recall L3", "levels.L3.micro.recall", number),
    ("F1 L3, mean over charts", "levels.L3.macro.f1", number),
    ("F1 L3, weighted by cases", "levels.L3.weighted.f1", number),
    ("Jaccard of evidence lines", "evidence.jaccard", number),
    ("Procedures (CPT), exact set F1", "procedures.cpt.exact_set.f1", number),
    ("Calibration error (lower is better)", "calibration.ece", number),
    ("Traps predicted (lower is better)", "traps.share", share),
    ("Without a valid prediction (lower is better)", "response.share", share),
    ("Charts that need no change", "coding.changes.no_change", share),
)
PAPER = SOURCE


@dataclass(frozen=True, slots=True)
class RunRow:
    pk: int
    at: str
    model: str
    gold_set: str
    gold_sha256: str
    charts: str
    exact: str
    with_evidence: str
    release: str
    by: str


@dataclass(frozen=True, slots=True)
class Headline:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Compared:
    label: str
    a: str
    b: str
    difference: str


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One chart of two runs; `url` opens both code sets."""

    chart: str
    f1_a: str
    f1_b: str
    difference: str
    unsupported: str
    missed: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One code of one chart: where it stands, and the lines each side cites. "" stands for not there."""

    code: str
    gold: str
    a: str
    b: str
    lines_gold: str
    lines_a: str
    lines_b: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """The difference A − B of one figure, from a bootstrap over both at once."""

    label: str
    a: str
    b: str
    difference: str
    interval: str
    p: str


@dataclass(frozen=True, slots=True)
class Discordant:
    """McNemar's test: what both have right, and one alone."""

    label: str
    both: str
    only_a: str
    only_b: str
    neither: str
    p: str


def model_of(run: EvaluationRun) -> str:
    return f"{run.engine}, {run.model_version}" if run.model_version else run.engine


def run_row(run: EvaluationRun) -> RunRow:
    return RunRow(
        pk=run.pk,
        at=words.moment(run.created_at),
        model=model_of(run),
        gold_set=run.gold_set_name,
        gold_sha256=run.gold_set_sha256[:12],
        charts=count(run.charts_count),
        exact=number(at(run.metrics, "levels.L3.micro.f1")),
        with_evidence=number(at(run.metrics, "levels.L4.micro.f1")),
        release=run.catalog_release,
        by=_by(run),
    )


def _by(run: EvaluationRun) -> str:
    person = run.created_by
    return (person.get_full_name() or person.get_username()) if person else "operator of the server"


def headlines(metrics: Mapping[str, Any]) -> tuple[Headline, ...]:
    return tuple(Headline(label, form(at(metrics, path))) for label, path, form in _HEADLINES)


def facts(run: EvaluationRun) -> tuple[tuple[str, str], ...]:
    """What ran against what, for the page and for the report."""
    told = (
        ("Gold set", run.gold_set_name),
        ("Gold set SHA-256", run.gold_set_sha256),
        ("Engine", model_of(run)),
        ("Catalog release", run.catalog_release),
        ("Predictions SHA-256", run.predictions_sha256),
        ("Code revision", run.code_revision),
        *((f"Setting: {name}", str(value)) for name, value in run.settings.items()),
        ("Stored", f"{words.moment(run.created_at)}, {_by(run)}"),
    )
    return tuple((term, value) for term, value in told if value)


def compared(a: EvaluationRun, b: EvaluationRun) -> tuple[Compared, ...]:
    """Figures that at least one of the runs has."""
    rows = []
    for label, path, form in _COMPARED:
        first, second = at(a.metrics, path), at(b.metrics, path)
        if figure(first) is None and figure(second) is None:
            continue
        rows.append(Compared(label, form(first), form(second), _difference(first, second, form)))
    return tuple(rows)


def intervals(found: Mapping[str, Any]) -> tuple[Interval, ...]:
    """`found`: of evaluation_comparison.comparison."""
    return tuple(
        Interval(
            f"F1 {label} ({words_of_kind})",
            number(row["a"]),
            number(row["b"]),
            _difference(row["a"], row["b"], number),
            "–" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}",
            _p(row["p"]),
        )
        for level, label in LEVELS.items()
        if level in found["levels"]
        for kind, words_of_kind in (("micro_f1", "micro"), ("macro_f1", "mean over charts"))
        for row in (found["levels"][level][kind],)
    )


def discordant(found: Mapping[str, Any]) -> tuple[Discordant, ...]:
    return tuple(
        Discordant(
            label,
            count(row["both"]),
            count(row["only_a"]),
            count(row["only_b"]),
            count(row["neither"]),
            _p(row["p"]),
        )
        for key, label in (
            ("codes", "Gold codes met exactly"),
            ("charts", "Charts with the same set of codes"),
        )
        for row in (found["mcnemar"][key],)
    )


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _difference(first: Any, second: Any, form: Any) -> str:
    one, two = figure(first), figure(second)
    if one is None or two is None:
        return "–"
    if form is share:
        return f"{100 * (one - two):+.1f} points"
    return f"{one - two:+.3f}"


def chart_line(row: Any) -> ChartLine:
    """`row`: an EvaluationChart of run A with the annotations of EvaluationChartQuerySet.beside."""
    return ChartLine(
        chart=row.chart,
        f1_a=number(row.f1),
        f1_b=number(row.other_f1),
        difference=_difference(row.f1, row.other_f1, number),
        unsupported=f"{row.unsupported} / {_or_dash(row.other_unsupported)}",
        missed=f"{row.missed} / {_or_dash(row.other_missed)}",
    )


def _or_dash(value: int | None) -> str:
    return "–" if value is None else str(value)


def code_lines(a: Mapping[str, Any], b: Mapping[str, Any] | None) -> tuple[CodeLine, ...]:
    """The codes of a chart over both runs' views, in order of the code; gold comes from A where both have it."""
    first, second = _by_code(a), _by_code(b or {})
    rows = []
    for code in sorted(first.keys() | second.keys()):
        mine, theirs = first.get(code), second.get(code)
        gold = next((view for view in (mine, theirs) if view and view["gold"]), None)
        optional = any(view and view["optional"] for view in (mine, theirs))
        rows.append(
            CodeLine(
                code=code,
                gold="gold" if gold else "optional" if optional else "",
                a=_stands(mine),
                b=_stands(theirs) if b is not None else "",
                lines_gold=_told(gold["lines_gold"]) if gold else "",
                lines_a=_told(mine["lines_predicted"]) if mine else "",
                lines_b=_told(theirs["lines_predicted"]) if theirs else "",
                differs=b is not None and _state(mine) != _state(theirs),
            )
        )
    return tuple(rows)


def _by_code(view: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for state in ("met", "missed", "unsupported", "optional"):
        for row in view.get(state, ()):
            found[row["code"]] = {
                "state": state,
                "gold": state in ("met", "missed"),
                "predicted": state != "missed",
                "optional": state == "optional",
                "lines_gold": row.get("lines_gold") or [],
                "lines_predicted": row.get("lines_predicted") or [],
                "confidence": row.get("confidence"),
            }
    return found


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a document with who cites it."""

    number: int
    text: str
    gold: bool
    a: bool
    b: bool


@dataclass(frozen=True, slots=True)
class MarkedDocument:
    title: str
    lines: tuple[TextLine, ...]


def marked_documents(
    documents: Iterable[EvaluatedDocument], a: Mapping[str, Any], b: Mapping[str, Any] | None
) -> tuple[MarkedDocument, ...]:
    """The text with the lines that gold, A and B cite. In a chart of one document its name does not matter."""
    shown = tuple(documents)
    first, second = _by_code(a), _by_code(b or {})
    cited = {
        "gold": _places((first, second), "lines_gold"),
        "a": _places((first,), "lines_predicted"),
        "b": _places((second,), "lines_predicted"),
    }

    def cites(who: str, document: EvaluatedDocument, line: int) -> bool:
        places = cited[who]
        if len(shown) == 1:
            return any(at_line == line for _, at_line in places)
        return (document.document_id, line) in places

    return tuple(
        MarkedDocument(
            document.title,
            tuple(
                TextLine(
                    n, text, cites("gold", document, n), cites("a", document, n), cites("b", document, n)
                )
                for n, text in enumerate(document.lines, start=1)
            ),
        )
        for document in shown
    )


def _places(views: Iterable[Mapping[str, dict[str, Any]]], side: str) -> set[tuple[str, int]]:
    return {_place(line) for view in views for row in view.values() for line in row[side]}


def _place(line: Any) -> tuple[str, int]:
    return (str(line[0]), int(line[1])) if isinstance(line, list | tuple) else ("", int(line))


_STATES = {"met": "right", "missed": "missed", "unsupported": "unsupported", "optional": "optional"}


def _stands(view: Mapping[str, Any] | None) -> str:
    if view is None:
        return "not suggested"
    confidence = figure(view["confidence"])
    word = _STATES[view["state"]]
    return word if confidence is None else f"{word}, {confidence:.2f}"


def _state(view: Mapping[str, Any] | None) -> str:
    return str(view["state"]) if view is not None else ""


def _told(lines: Iterable[Any]) -> str:
    """Lines as they are cited: "3, 7"; with the document where a chart has several."""
    places = sorted(_place(line) for line in lines)
    if len({document for document, _ in places}) > 1:
        return ", ".join(f"{document}:{line}" for document, line in places)
    return ", ".join(str(line) for _, line in places)
