"""Charts of the figures as SVG: bars in rows and in columns. Attributes only, no style and no script; each bar has its number beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 640
_FONT = "Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
# contrast with white: 4.6 and more; a second kind of bar is hatched by its lighter paint and an edge
WAITING, HANDLING, PLAIN = "#e0a13d", "#0d6b62", "#17508f"
_INK, _LINE = "#1d2939", "#d0d5dd"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One piece of a bar."""

    value: float
    colour: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Row:
    label: str
    parts: Sequence[Part]
    #: stands behind the bar
    told: str


def rows(lines: Sequence[Row], *, title: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """One bar below the other, pieces behind each other. `legend`: colour and name."""
    top, step, left, right = 30 if legend else 8, 44, 8, 92
    height = top + step * len(lines) + 4
    most = max((sum(part.value for part in line.parts) for line in lines), default=0.0) or 1.0
    drawn = [_key(legend, left)]
    for number, line in enumerate(lines):
        y, x = top + number * step, float(left)
        drawn.append(f'<text x="{left}" y="{y + 13}">{escape(line.label)}</text>')
        for part in line.parts:
            width = part.value / most * (WIDTH - left - right)
            drawn.append(
                f'<rect x="{x:.1f}" y="{y + 19}" width="{max(width, 0.5):.1f}" height="14" fill="{part.colour}">'
                f"<title>{escape(part.said)}</title></rect>"
            )
            x += width
        drawn.append(f'<text x="{x + 6:.1f}" y="{y + 31}" font-size="12">{escape(line.told)}</text>')
    return _svg(title, height, "".join(drawn), "; ".join(f"{line.label} {line.told}" for line in lines))


def columns(labels: Sequence[str], values: Sequence[float], *, title: str, told: Sequence[str]) -> str:
    """One bar beside the other."""
    height, bottom, top, left = 200, 30, 24, 8
    room = (WIDTH - 2 * left) / max(len(values), 1)
    most = max(values, default=0.0) or 1.0
    every = max(1, -(-len(labels) * 52 // WIDTH))
    drawn = [f'<line x1="{left}" x2="{WIDTH - left}" y1="{height - bottom}" y2="{height - bottom}" stroke="{_LINE}"/>']
    for number, (label, value, said) in enumerate(zip(labels, values, told, strict=True)):
        tall = value / most * (height - bottom - top)
        x, width = left + number * room, min(room * 0.7, 48)
        middle = x + room / 2
        drawn.append(
            f'<rect x="{middle - width / 2:.1f}" y="{height - bottom - tall:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="{PLAIN}">'
            f"<title>{escape(f'{label}: {said}')}</title></rect>"
        )
        if value:
            drawn.append(
                f'<text x="{middle:.1f}" y="{height - bottom - tall - 5:.1f}" text-anchor="middle" font-size="12">{escape(said)}</text>'
            )
        if number % every == 0:
            drawn.append(f'<text x="{middle:.1f}" y="{height - 10}" text-anchor="middle" font-size="12">{escape(label)}</text>')
    return _svg(title, height, "".join(drawn), "; ".join(f"{label} {said}" for label, said in zip(labels, told, strict=True)))


def _key(legend: Sequence[tuple[str, str]], left: float) -> str:
    drawn, x = [], float(left)
    for colour, name in legend:
        drawn.append(f'<rect x="{x:.0f}" y="4" width="14" height="14" fill="{colour}"/><text x="{x + 20:.0f}" y="16">{escape(name)}</text>')
        x += 44 + sum(13 if ord(letter) > 255 else 7 for letter in name)
    return "".join(drawn)


def _svg(title: str, height: float, body: str, said: str) -> str:
    place = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {place} role="img" aria-label="{escape(title)}"'
        f' font-family="{_FONT}" font-size="13" fill="{_INK}"><title>{escape(title)}</title><desc>{escape(said)}</desc>{body}</svg>'
    )
