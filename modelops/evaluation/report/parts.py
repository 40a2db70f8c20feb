"""What a report is made of, as data: sections with a chart, its table, and what the paper published beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """`values[i]` belongs to the chart's i-th category or x; None is drawn as nothing. `intervals`: low and high."""

    name: str
    values: tuple[float | None, ...]
    intervals: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    axis: str
    horizontal: bool = False
    # None: from 0 to what is drawn; figures that are shares end at 1.
    top: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Lines:
    xs: tuple[float, ...]
    series: tuple[Series, ...]
    x_axis: str
    y_axis: str
    # A line from (0, 0) to (1, 1) to compare with.
    diagonal: bool = False
    top: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Points:
    """`marked` are drawn with another marker and their label."""

    points: tuple[tuple[float, float, str], ...]
    x_axis: str
    y_axis: str
    marked: frozenset[str] = frozenset()
    logarithmic: bool = False


Chart = Bars | Lines | Points


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are what is printed; the first cell of a row is its heading, the others stand right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    # Index of the column that holds the paper's own figures; None where there is none.
    published: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """`key` is stable and unique: it names the drawing and the place in the page.

    A section without rows says in `absent` why there is nothing to show.
    """

    key: str
    number: str
    title: str
    lead: str
    table: Table | None = None
    chart: Chart | None = None
    notes: tuple[str, ...] = field(default=())
    absent: str = ""


NOT_GIVEN = "not given"
PUBLISHED = "Paper (other data, not comparable)"


Metrics = Mapping[str, Any]


def at(metrics: Metrics, path: str) -> Any:
    """What stands at a dotted path of the public JSON; None where a step is absent or null."""
    here: Any = metrics
    for step in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(step)
    return here


def figure(value: Any) -> float | None:
    """A number to draw; None where the figure is undefined."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value)


def number(value: Any, digits: int = 3) -> str:
    """A figure as it is printed: three decimals, a dash where it is undefined."""
    found = figure(value)
    return "–" if found is None else f"{found:.{digits}f}"


def count(value: Any) -> str:
    found = figure(value)
    return "–" if found is None else f"{found:,.0f}"


def share(value: Any) -> str:
    found = figure(value)
    return "–" if found is None else f"{100 * found:.1f}%"


def plus_minus(value: Any, spread: Any) -> str:
    """Mean with what stands behind ±; the mean alone where the spread is undefined."""
    return number(value) if figure(spread) is None else f"{number(value)} ± {number(spread)}"


def within(value: Any, interval: Any) -> str:
    """A figure with its 95% interval."""
    if not isinstance(interval, list | tuple) or figure(interval[0]) is None:
        return number(value)
    return f"{number(value)} ({number(interval[0])}–{number(interval[1])})"
