"""Whole numbers as pages show them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def thousands(value: int) -> str:
    """ "6,000"."""
    return f"{value:,}"
