"""What a page writes onto elements of a diagram: a number, a colour by how high it is, and where a click leads."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from .layout import Box

#: paper of an element by how high its figure is, from 0 (nothing) to 5; dark text is readable on each
HEAT = ("#ffffff", "#fff6dc", "#ffe4a8", "#ffc876", "#fba45c", "#f28454")
_INK, _PAPER = "#1f2933", "#ffffff"
_ALARM = "#b42318"
#: what became of an element from one version to another: its line, its paper, the sign on it
APART = {
    "added": ("#1b6b3a", "#dff3e6", "+"),
    "removed": ("#b42318", "#fde4e1", "−"),
    "changed": ("#a86400", "#fdeac4", "≠"),
    "moved": ("#1d5fa8", "#ffffff", "↔"),
}
_APART_SAID = {
    "zh": {"added": "新增", "removed": "删除", "changed": "有改动", "moved": "仅移动位置"},
    "en": {"added": "added", "removed": "removed", "changed": "changed", "moved": "only moved"},
}


@dataclass(frozen=True, kw_only=True)
class Badge:
    """One element's figure."""

    text: str
    #: what it says in words, for those who do not see it
    said: str
    #: 0 to 5
    heat: int = 0
    #: somebody must look
    alarm: bool = False
    #: address that a click leads to; empty: none
    link: str = ""


def drawn(badge: Badge, box: Box) -> str:
    """The badge at the upper right corner of an element, a little over its edge."""
    width, height = max(22.0, 9.0 + sum(12.0 if ord(letter) > 255 else 7.2 for letter in badge.text)), 20.0
    x, y = box.x + box.width - width * 0.6, box.y - height * 0.55
    paint, ink = (_ALARM, _PAPER) if badge.alarm else (_INK, _PAPER)
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:g}" rx="{height / 2:g}"'
    middle = f'x="{x + width / 2:.1f}" y="{y + 14.4:.1f}"'
    return (
        f'<g class="badge-mark"><rect {place} fill="{paint}" stroke="{_PAPER}" stroke-width="1.5"/>'
        f'<text {middle} text-anchor="middle" font-size="12" font-weight="600" fill="{ink}">{escape(badge.text)}</text></g>'
    )


def apart(how: str, language: str) -> Badge:
    """The sign of what became of an element, a key of APART; `language`: `zh` or `en`."""
    return Badge(text=APART[how][2], said=_APART_SAID[language][how])


def linked(badge: Badge, body: str) -> str:
    """An element's drawing as a link to where its badge leads."""
    if not badge.link:
        return body
    return f"<a href={quoteattr(badge.link)} aria-label={quoteattr(badge.said)}>{body}</a>"
