"""Curves over the steps of a training as geometry: the server draws them as SVG, the words stand beside in HTML.

Every drawing is 0..WIDTH by 0..HEIGHT and stretched to its place, so its words would be stretched too: ticks are told
apart, top, middle and bottom. Pure, no database.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 160
_MARGIN = 4

Point = tuple[int, float | None]


@dataclass(frozen=True, slots=True)
class Curve:
    """`kind` names its look: first, second. `path`: SVG commands; "" where there is no point."""

    label: str
    kind: str
    path: str
    last: str


@dataclass(frozen=True, slots=True)
class Plot:
    """`ticks`: of the upright axis, top, middle, bottom. `along`: what the other axis counts. `now`: where the newest
    step is; None once all are done.

    `words`: the drawing told in a sentence, for who does not see it.
    """

    key: str
    title: str
    unit: str
    curves: tuple[Curve, ...]
    ticks: tuple[str, str, str]
    first_step: str
    last_step: str
    now: int | None
    words: str
    along: str = "step"

    @property
    def is_empty(self) -> bool:
        return not any(curve.path for curve in self.curves)


@dataclass(frozen=True, slots=True)
class Series:
    label: str
    points: Sequence[Point]
    kind: str = "first"


def plot(
    key: str,
    title: str,
    unit: str,
    series: Sequence[Series],
    *,
    steps: int,
    form: Callable[[float], str],
    from_zero: bool = True,
    along: str = "step",
    point: Callable[[int], str] = "{:,}".format,
) -> Plot:
    """`steps`: how many there will be. `form` writes a figure. What is not finite leaves a gap.

    `along` names something else than steps, each called as `point` says.
    """
    values = [v for one in series for _, v in one.points if v is not None and math.isfinite(v)]
    reached = max((step for one in series for step, _ in one.points), default=0)
    last = max(steps, reached, 1)
    low, high = bounds(values, from_zero=from_zero)

    def place(step: int, value: float) -> str:
        x = WIDTH * step / last
        y = HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * (value - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    curves = tuple(
        Curve(one.label, one.kind, path_of(one.points, place), _last(one.points, form)) for one in series
    )
    told = "; ".join(_told(one, form, along, point) for one in series)
    return Plot(
        key,
        title,
        unit,
        curves,
        (form(high), form((low + high) / 2), form(low)),
        point(0),
        point(last),
        round(WIDTH * reached / last) if 0 < reached < last else None,
        f"{title} by {along}: {told}." if values else f"{title}: no figures yet.",
        along,
    )


def bounds(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    """Round figures that hold all values; never the same one twice."""
    if not values:
        return 0.0, 1.0
    low = 0.0 if from_zero and min(values) >= 0 else min(values)
    high = max(values)
    if high <= low:
        return (0.0, high * 2) if high > 0 else (low - 1.0, low + 1.0)
    step = _round_up((high - low) / 2)
    floor = math.floor(low / step) * step
    return floor, floor + 2 * step if floor + 2 * step >= high else floor + 4 * step


def path_of(points: Sequence[Point], place: Callable[[int, float], str]) -> str:
    """A move where a gap ends, a line otherwise; a lone point is a short stroke, so that it is seen."""
    commands: list[str] = []
    pen_down = False
    for position, (step, value) in enumerate(points):
        if value is None or not math.isfinite(value):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{place(step, value)}")
        following = points[position + 1][1] if position + 1 < len(points) else None
        if not pen_down and (following is None or not math.isfinite(following)):
            commands.append("h1")
        pen_down = True
    return " ".join(commands)


def _round_up(value: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= value * (1 - 1e-9))


def _last(points: Sequence[Point], form: Callable[[float], str]) -> str:
    found = [v for _, v in points if v is not None and math.isfinite(v)]
    return form(found[-1]) if found else ""


def _told(one: Series, form: Callable[[float], str], along: str, point: Callable[[int], str]) -> str:
    found = [(s, v) for s, v in one.points if v is not None and math.isfinite(v)]
    if not found:
        return f"{one.label} has no figures yet"
    (first, began), (last, ended) = found[0], found[-1]
    return f"{one.label} {form(began)} at {along} {point(first)}, {form(ended)} at {along} {point(last)}"
