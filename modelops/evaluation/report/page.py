"""Sections and their drawings as one HTML page that needs nothing besides itself. Print it for a PDF."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from modelops.evaluation.report.paper import SOURCE
from modelops.evaluation.report.parts import Section, Table

_CSS = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
# For who serves the page: no script, no request, an origin of its own; only the one style block is let in.
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
# A page in a file has no header of its own: what a meta element may say of it.
_META_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def report_page(
    title: str,
    facts: Sequence[tuple[str, str]],
    warnings: Sequence[str],
    sections: Sequence[Section],
    drawings: Mapping[str, str],
) -> str:
    """`facts`: what was evaluated, as term and value. `drawings`: by section key, as draw_all makes them.

    Everything but the drawings is escaped here.
    """
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_META_POLICY, quote=True)}">\n',
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n",
        f"<h1>{escape(title)}</h1>\n",
        # No button: the page may run no script. Not on the paper.
        '<p class="to-print">To print this report or save it as a PDF, use your browser\'s print command '
        "(Ctrl+P, on a Mac ⌘P).</p>\n",
        f'<p class="lead">Figures and tables in the order of {escape(SOURCE)}. The column with the paper\'s own '
        "figures is of other charts, other codes and other labels: it may not be compared with ours.</p>\n",
        "<dl>\n",
        *(f"<dt>{escape(term)}</dt><dd>{escape(value)}</dd>\n" for term, value in facts),
        "</dl>\n",
        *(f'<p class="warning"><b>Mind:</b> {escape(warning)}</p>\n' for warning in warnings),
        '<nav aria-label="Contents">\n<ol>\n',
        *(f'<li><a href="#{s.key}">{escape(s.number)}. {escape(s.title)}</a></li>\n' for s in sections),
        "</ol>\n</nav>\n",
        *(_section(section, drawings.get(section.key, "")) for section in sections),
        "</main>\n</body>\n</html>\n",
    ]
    return "".join(parts)


def _section(section: Section, drawing: str) -> str:
    heading = f"{escape(section.number)}. {escape(section.title)}"
    parts = [
        f'<section id="{section.key}">\n<h2>{heading}</h2>\n<p class="lead">{escape(section.lead)}</p>\n'
    ]
    if section.absent:
        parts.append(f'<p class="note">Not shown: {escape(section.absent)}</p>\n')
    if drawing:
        # Named and reached by Tab, since it scrolls on a narrow screen.
        name = f'role="group" aria-label="Drawing of {escape(section.number)}" tabindex="0"'
        parts.append(f"<figure {name}>{drawing}</figure>\n")
    if section.table is not None:
        parts.append(_table(section.table, heading))
    parts.extend(f'<p class="note">{escape(note)}</p>\n' for note in section.notes)
    parts.append("</section>\n")
    return "".join(parts)


def _table(table: Table, caption: str) -> str:
    def mark(column: int) -> str:
        return ' class="published"' if column == table.published else ""

    head = "".join(
        f'<th scope="col"{mark(i)}>{escape(column)}</th>' for i, column in enumerate(table.columns)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{mark(i)}>{escape(cell)}</td>" for i, cell in enumerate(row[1:], start=1))
        + "</tr>\n"
        for row in table.rows
    )
    return (
        f'<div class="scroll"><table>\n<caption>{caption}: figures</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )
