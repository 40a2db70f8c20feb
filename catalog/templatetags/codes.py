"""Addresses of code pages inside templates."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from catalog.choices import GROUP_KINDS
from catalog.models import Code

register = template.Library()


@register.simple_tag(takes_context=True)
def code_url(context: dict[str, Any], node: Code) -> str:
    """The node's page in the release and search of the page shown."""
    address: str = reverse("codes:code", args=[context["release"].system, node.code]) + context["address"]
    if node.kind not in GROUP_KINDS:
        return address
    # B20 is a category and a block: the bare address means the category.
    return f"{address}{'&' if context['address'] else '?'}kind={node.kind}"


@register.simple_tag
def querystring_of(address: str, **more: str) -> str:
    """The release and search of the page shown (`address`), and more; without the question mark."""
    return "&".join(filter(None, (address.lstrip("?"), urlencode(more))))
