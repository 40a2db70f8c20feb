"""What a long stay has by the hundred: lines, ticks, quotes. In Python, because a template is ten times slower."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from coding_review.web.marked_text import Line, Segment, StripMark
from coding_review.web.review_page import Card, Place

register = template.Library()


@register.simple_tag
def text_line(line: Line, *, oob: bool = False) -> SafeString:
    """One line with its marks; `oob` lets htmx put it in the place of the one shown, and its tick follows it."""
    attributes = f' data-tick="{line.tick}" hx-swap-oob="true"' if oob else ""
    return mark_safe(_line(line, attributes))  # noqa: S308  (everything in it is escaped)


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


_STATES = {
    "accepted": '<span class="state ok">✓ Accepted</span>',
    "modified": '<span class="state ok">✓ Modified</span>',
    "added": '<span class="state ok">+ Added</span>',
    "rejected": '<span class="state no">✕ Rejected</span>',
    "dismissed": '<span class="state off">– Dismissed</span>',
    "held": '<span class="state wait">? Held</span>',
}
BANDS = {"high": "▲", "medium": "◆", "low": "▽"}


@register.simple_tag
def band_glyph(band: str) -> SafeString:
    glyph = BANDS.get(band)
    return mark_safe(f'<span aria-hidden="true">{glyph}</span>' if glyph else "")  # noqa: S308  (constants)


@register.simple_tag
def card_state(card: Card) -> SafeString:
    """What was decided, else how sure the engine is."""
    if not card.undecided:
        return mark_safe(_STATES.get(card.state, ""))  # noqa: S308  (constants)
    figure, band = escape(card.confidence), escape(card.band.capitalize())
    return mark_safe(f'<span class="conf">{band_glyph(card.band)} {figure}<small>{band}</small></span>')  # noqa: S308  (escaped)


@register.simple_tag
def card_places(card: Card) -> SafeString:
    """The quotes of a card with their places; the third and later ones are shown with the selected card."""
    return mark_safe("".join(_place(card.id, p, n >= 2) for n, p in enumerate(card.places)))  # noqa: S308  (escaped)


def _place(card: int, p: Place, more: bool) -> str:
    own = f' data-evidence-id="{p.id}"' if p.id else ""
    label = f"{escape(p.document_label)} {escape(p.label)}" if p.document_label else escape(p.label)
    quote = f"“{escape(p.quote)}”"
    return (
        f'<span class="place{" more" if more else ""}">'
        f'<a href="?document={p.document}&amp;entry={card}#L{p.line}" data-place{own}'
        f' data-document="{p.document}" data-line="{p.line}" tabindex="-1">{label}</a>'
        f"{f'<s>{quote}</s> no longer there' if p.lost else quote}</span>"
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
