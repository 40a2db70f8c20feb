"""Charts drawn by matplotlib as SVG that may stand in a page under a policy without inline style.

The same input gives the same bytes: fixed salt of ids, no date, no version. Series differ by hatch, marker and dash,
not by colour alone (colours after Okabe and Ito); ink is `currentColor`, so that light and dark pages both serve.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from modelops.evaluation.report.parts import Bars, Chart, Lines, Points, Section, Series

# Stands for the page's own ink while drawing; replaced by currentColor.
_INK = "#010203"
_GRID = "#8a8f94"
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_HATCHES = ("", "////", "---", "xxx", "\\\\\\\\", "+++")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
_WIDTH = 7.2
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "coding-review",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "hatch.linewidth": 0.7,
    "hatch.color": _INK,
    "legend.frameon": False,
}


def draw(chart: Chart, *, key: str, title: str) -> str:
    """An <svg> element; `key` makes its ids unique in a page, `title` is what is read out."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _height(chart)), layout="constrained")
        axes = figure.add_subplot()
        if isinstance(chart, Bars):
            _bars(axes, chart)
        elif isinstance(chart, Lines):
            _lines(axes, chart)
        else:
            _points(axes, chart)
        out = io.StringIO()
        figure.savefig(
            out,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _embeddable(out.getvalue(), key, title)


def draw_all(sections: Sequence[Section]) -> dict[str, str]:
    """The drawing of each section that has a chart, by its key."""
    return {
        section.key: draw(section.chart, key=section.key, title=f"{section.number}. {section.title}")
        for section in sections
        if section.chart is not None
    }


def _height(chart: Chart) -> float:
    if isinstance(chart, Bars) and chart.horizontal:
        return max(1.6, 0.9 + 0.14 * len(chart.categories) * (1 + len(chart.series)))
    return 3.1


def _bars(axes: Axes, chart: Bars) -> None:
    count = len(chart.series)
    width = 0.8 / count
    for n, series in enumerate(chart.series):
        # Also from top to bottom, where the axis of the categories is turned round below.
        at = [i + (n - (count - 1) / 2) * width for i in range(len(chart.categories))]
        values = [value or 0.0 for value in series.values]
        errors = _errors(series) if any(series.intervals) else None
        look: dict[str, Any] = {
            "color": _COLOURS[n % len(_COLOURS)],
            "hatch": _HATCHES[n % len(_HATCHES)],
            "edgecolor": _INK,
            "linewidth": 0.6,
            "label": series.name,
            "ecolor": _INK,
            "capsize": 2,
        }
        if chart.horizontal:
            axes.barh(at, values, height=width, xerr=errors, **look)
        else:
            axes.bar(at, values, width=width, yerr=errors, **look)
    ticks = range(len(chart.categories))
    if chart.horizontal:
        axes.set_yticks(ticks, chart.categories)
        axes.invert_yaxis()
        axes.set_xlabel(chart.axis)
        axes.grid(axis="x", color=_GRID, alpha=0.35, linewidth=0.6)
        axes.set_xlim(0, chart.top)
    else:
        axes.set_xticks(ticks, chart.categories)
        axes.set_ylabel(chart.axis)
        axes.grid(axis="y", color=_GRID, alpha=0.35, linewidth=0.6)
        axes.set_ylim(0, chart.top)
    if count > 1:
        _legend(axes, count)


def _errors(series: Series) -> list[list[float]]:
    """How far each bar's interval reaches below and above it."""
    below, above = [], []
    for value, interval in zip(series.values, series.intervals, strict=True):
        low, high = interval if interval is not None and value is not None else (value or 0.0, value or 0.0)
        below.append(max(0.0, (value or 0.0) - low))
        above.append(max(0.0, high - (value or 0.0)))
    return [below, above]


def _lines(axes: Axes, chart: Lines) -> None:
    if chart.diagonal:
        axes.plot((0, 1), (0, 1), color=_GRID, linewidth=1, linestyle=":", label="perfectly calibrated")
    for n, series in enumerate(chart.series):
        pairs = [(x, y) for x, y in zip(chart.xs, series.values, strict=True) if y is not None]
        axes.plot(
            [x for x, _ in pairs],
            [y for _, y in pairs],
            color=_COLOURS[n % len(_COLOURS)],
            linestyle=_DASHES[n % len(_DASHES)],
            marker=_MARKERS[n % len(_MARKERS)],
            markersize=4,
            # On a long curve single markers, so that the dash can still be told.
            markevery=max(1, len(pairs) // 12),
            markeredgecolor=_INK,
            markeredgewidth=0.5,
            linewidth=1.4,
            label=series.name,
        )
    axes.set_xlabel(chart.x_axis)
    axes.set_ylabel(chart.y_axis)
    axes.set_ylim(0, chart.top)
    axes.grid(color=_GRID, alpha=0.35, linewidth=0.6)
    if len(chart.series) + chart.diagonal > 1:
        _legend(axes, len(chart.series) + chart.diagonal)


def _points(axes: Axes, chart: Points) -> None:
    for marked in (False, True):
        chosen = [p for p in chart.points if (p[2] in chart.marked) is marked]
        axes.scatter(
            [x for x, _, _ in chosen],
            [y for _, y, _ in chosen],
            marker="D" if marked else "o",
            s=26 if marked else 16,
            color=_COLOURS[5 if marked else 0],
            edgecolors=_INK,
            linewidths=0.5,
        )
        if marked:
            for x, y, label in chosen:
                axes.annotate(label, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=8)
    if chart.logarithmic:
        # A logarithm has no place for categories that were never trained on.
        if min(x for x, _, _ in chart.points) < 1:
            axes.set_xscale("symlog", linthresh=1)
            axes.set_xlim(left=-0.2)
        else:
            axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(chart.x_axis)
    axes.set_ylabel(chart.y_axis)
    axes.set_ylim(-0.03, 1.03)
    axes.grid(color=_GRID, alpha=0.35, linewidth=0.6)


def _plain(value: float, _position: int | None = None) -> str:
    return f"{value:,.0f}"


def _legend(axes: Axes, entries: int) -> None:
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(entries, 4), handlelength=2.4)


# --- Into a page ----------------------------------------------------------------------------------

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"(?:(?P<weight>\d+|bold) )?(?P<size>[\d.]+)px .*")


def _embeddable(svg: str, key: str, title: str) -> str:
    """Presentation attributes in place of style, ids only where they are referred to, no metadata."""
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib's own output, no outside document
    for parent in root.iter():
        for child in list(parent):
            if _local(child) in ("metadata", "style"):
                parent.remove(child)
    used = _referred(root)
    for element in root.iter():
        element.tag = _local(element)
        _restyle(element)
        identity = element.attrib.pop("id", "")
        if identity in used:
            element.set("id", f"{key}-{identity}")
        if _XLINK in element.attrib:
            element.set("href", f"#{key}-{element.attrib.pop(_XLINK).removeprefix('#')}")
        for name, value in element.attrib.items():
            element.set(name, _REFERENCE.sub(rf"url(#{key}-\1)", value).replace(_INK, "currentColor"))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("xmlns", _SVG)
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", title)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    return ET.tostring(root, encoding="unicode")


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _referred(root: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            found.update(_REFERENCE.findall(value))
            if name == _XLINK:
                found.add(value.removeprefix("#"))
    return found


def _restyle(element: ET.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            # The page's own family: its widths differ little, and nothing has to be shipped.
            match = _FONT.fullmatch(value)
            if match:
                element.set("font-size", match["size"])
        elif name and name != "font-family":
            element.set(name, value)
