"""Verdicts and rulings as a glyph with its word: never colour alone."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from coding_review.web.gold_page import VerdictLook

register = template.Library()


@register.simple_tag
def verdict_state(look: VerdictLook | None) -> SafeString:
    """What was said of a code; None: this reader did not list it."""
    if look is None:
        return format_html('<span class="muted s">{}</span>', "not listed")
    return format_html('<span class="state {}">{} {}</span>', look.tone, look.glyph, look.short)
