"""The numbered lines of a document. In Python, because a long stay has thousands and a template is ten times slower."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from coding_review.web.marked_text import Line, Segment, StripMark

register = template.Library()


@register.simple_tag
def text_line(line: Line, *, oob: bool = False) -> SafeString:
    """One line with its marks; `oob` lets htmx put it in the place of the one shown."""
    return mark_safe(_line(line, ' hx-swap-oob="true"' if oob else ""))  # noqa: S308  (everything in it is escaped)


@register.simple_tag
def text_lines(lines: Sequence[Line]) -> SafeString:
    return mark_safe("".join(_line(line, "") for line in lines))  # noqa: S308  (everything in it is escaped)


@register.simple_tag
def strip_marks(marks: Sequence[StripMark]) -> SafeString:
    """The ticks beside the text, one for each line with evidence."""
    return mark_safe(  # noqa: S308  (numbers and names of ours)
        "".join(
            f'<rect class="{m.state}" x="2" y="{m.top}%" width="10" height="3" rx="1.5" data-line="{m.line}"/>'
            for m in marks
        )
    )


def _line(line: Line, attributes: str) -> str:
    number = line.number
    text = "".join(_segment(s) for s in line.segments)
    return (
        f'<div class="{line.look}" id="L{number}" data-line="{number}"{attributes}>'
        f'<i>{number}</i><span class="tx">{text}</span></div>'
    )


def _segment(s: Segment) -> str:
    text = escape(s.text)
    context = f' data-ctx="{escape(s.context)}"' if s.context else ""
    if s.entries:
        return f'<mark class="{s.look}" data-e="{s.ids}"{context}>{text}</mark>'
    return f'<span class="c"{context}>{text}</span>' if context else text
