"""The HTML that a form may show: text with structure, and nothing that runs, looks like the product or asks another server."""

from __future__ import annotations

import re

import nh3

_LINES = frozenset({"a", "b", "br", "code", "em", "i", "small", "span", "strong", "sub", "sup", "u"})
_BLOCKS = frozenset({"blockquote", "dd", "div", "dl", "dt", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"})
_TABLES = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
TAGS = _LINES | _BLOCKS | _TABLES
_ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}, "ol": {"start"}}
_TAG = re.compile(r"<\s*([a-zA-Z][a-zA-Z0-9-]*)")


def clean(html: str) -> str:
    """The HTML with nothing but TAGS. A link opens beside the page, so that what was typed stays."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "tel"},
    )


def strange_tags(html: str) -> list[str]:
    """Tags that `clean` would take away, in alphabetical order."""
    return sorted({name.lower() for name in _TAG.findall(html)} - TAGS)
