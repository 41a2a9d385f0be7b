"""Charts as SVG, for the page and for PDF: presentation attributes only, no style and no script; dashes tell lines apart too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from math import ceil, floor, log10
from typing import Any

WIDTH, HEIGHT = 480, 270
#: margins around the plot: left, top, right, bottom
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 52, 14, 34
#: space above and below the data, as a part of their range
_PADDING = 0.1
#: labels that fit below the plot
_LABELS = 7

# Contrast with white: red 6.6, blue 6.9, grey 7.6 (WCAG 2.2 asks for 4.5 for text and 3 for lines).
_OWN, _TEAM, _LIMIT = "#b42318", "#175cad", "#475467"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line; a None in `values` is a gap."""

    name: str
    values: Sequence[float | None]
    colour: str
    #: SVG dash pattern, empty for a full line
    dash: str = ""
    #: whether each point has a mark
    marks: bool = True


def line(labels: Sequence[str], lines: Sequence[Line], *, title: str, description: str, unit: str = "") -> str:
    """Lines over common labels. The scale follows the data, padded by a tenth of their range; not below 0 unless they are.

    Without a single value the chart says so in words, in `description`.
    """
    values = [value for each in lines for value in each.values if value is not None]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" font-family="Noto Sans CJK SC, sans-serif" font-size="13" fill="#1d2939">',
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-size="14">{escape(title)}</text>',
    ]
    if not values:
        parts.append(f'<text x="8" y="60">{escape(description)}</text></svg>')
        return "".join(parts)
    ticks = _ticks(min(values), max(values))
    low, high = min(ticks[0], min(values)), max(ticks[-1], max(values))

    def across(place: int) -> float:
        span = WIDTH - _LEFT - _RIGHT
        return _LEFT + (span / 2 if len(labels) == 1 else 8 + place * (span - 16) / (len(labels) - 1))

    def up(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    for tick in ticks:
        y = f"{up(tick):.1f}"
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#d0d5dd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{up(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    step = max(1, ceil(len(labels) / _LABELS))
    for place in range(0, len(labels), step):
        parts.append(f'<text x="{across(place):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(labels[place])}</text>')
    if unit:
        parts.append(f'<text x="{WIDTH - _RIGHT}" y="18" text-anchor="end" fill="{_LIMIT}">{escape(unit)}</text>')
    start = float(_LEFT)
    for each in lines:
        dash = f' stroke-dasharray="{each.dash}"' if each.dash else ""
        parts.append(f'<line x1="{start:.0f}" x2="{start + 24:.0f}" y1="36" y2="36" stroke="{each.colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{start + 30:.0f}" y="40">{escape(each.name)}</text>')
        start += 46 + sum(13 if ord(letter) > 255 else 7 for letter in each.name)
        for run in _runs(each.values):
            points = " ".join(f"{across(place):.1f},{up(value):.1f}" for place, value in run)
            if len(run) == 1 and not each.marks:  # a limit shows even beside a single point
                points = f"{_LEFT},{up(run[0][1]):.1f} {WIDTH - _RIGHT},{up(run[0][1]):.1f}"
            parts.append(f'<polyline fill="none" stroke="{each.colour}" stroke-width="2.5"{dash} points="{points}"/>')
            for place, value in run if each.marks else ():
                at = f'cx="{across(place):.1f}" cy="{up(value):.1f}"'
                said = escape(f"{each.name} {labels[place]}: {value:g} {unit}".strip())
                parts.append(f'<circle {at} r="3.5" fill="{each.colour}"><title>{said}</title></circle>')
    parts.append("</svg>")
    return "".join(parts)


def trend(metric: Mapping[str, Any], *, locale: str = "zh-CN") -> str:
    """A metric of the portrait day by day, the employee beside the team's mean and, where it is one of a day, the threshold.

    Minutes are drawn as hours.
    """
    en = locale.startswith("en")
    series = metric["series"]
    name, unit = (metric["name_en"], metric["unit_en"]) if en else (metric["name"], metric["unit"])
    scale = 1.0
    if metric["unit_en"] == "min":  # an hour says more than 150 minutes
        unit, scale = "h" if en else "小时", 60.0
    own, team = ([None if value is None else round(value / scale, 2) for value in series[who]] for who in ("own", "team"))
    lines = [Line(name="Employee" if en else "本人", values=own, colour=_OWN)]
    if any(value is not None for value in team):
        lines.append(Line(name="Others in the team" if en else "团队其他人平均", values=team, colour=_TEAM, dash="6 4"))
    days, threshold = series["days"], metric["threshold"]
    if threshold and metric["per"] != "week":
        limit = [threshold["limit"] / scale] * len(days)
        lines.append(Line(name="Reference" if en else "参考标准", values=limit, colour=_LIMIT, dash="2 4", marks=False))
    if not days:
        description = "No rows." if en else "没有记录。"
    elif en:
        description = f"{name} from {days[0]} to {days[-1]}, day by day, beside the mean of the rest of the team."
    else:
        description = f"{days[0]} 至 {days[-1]} 每日{name}，与团队其他人平均值对照。"
    title = f"{name}: daily trend" if en else f"{name}每日趋势"
    return line([day[5:] for day in days], lines, title=title, description=description, unit=unit)


def scores(exams: Sequence[Mapping[str, Any]], *, locale: str = "zh-CN") -> str:
    """The scores of the portrait's exams as a line against the pass mark of each."""
    en = locale.startswith("en")
    marks = [exam["pass_mark"] for exam in exams]
    lines = [
        Line(name="Score" if en else "成绩", values=[exam["score"] for exam in exams], colour=_OWN),
        Line(name="Pass mark" if en else "及格线", values=marks, colour=_LIMIT, dash="2 4", marks=False),
    ]
    told = [f"{exam['date']} {exam['course']} {exam['score']}" for exam in exams]
    description = ("; " if en else "；").join(told) or ("No exams." if en else "没有考核。")
    title = "Training exams against the pass mark" if en else "培训考核成绩与及格线"
    return line([exam["date"][5:] for exam in exams], lines, title=title, description=description, unit="points" if en else "分")


def of_portrait(portrait: Mapping[str, Any], *, locale: str = "zh-CN") -> dict[str, str]:
    """Every chart of a portrait by name: `exam_score`, and each metric's key with "_" for ".", such as `app_usage_social`."""
    charts = {
        metric["key"].replace(".", "_"): trend(metric, locale=locale)
        for metric in portrait.get("metrics") or ()
        if metric["key"] != "exam_score"
    }
    if portrait.get("exams"):
        charts["exam_score"] = scores(portrait["exams"], locale=locale)
    return charts


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers around the data and their padding."""
    padding = (high - low or abs(high) or 1) * _PADDING
    bottom, top = low - padding, high + padding
    if low >= 0:
        bottom = max(bottom, 0)
    raw = (top - bottom) / 4
    size = 10 ** floor(log10(raw))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= raw)
    exact = Decimal(f"{step:g}")
    return [float(exact * number) for number in range(floor(bottom / step), ceil(top / step) + 1)]


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The stretches between gaps: place and value."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
