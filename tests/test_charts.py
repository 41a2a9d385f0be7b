"""Charts are plain SVG: true to the data, readable in words, safe in a page with a strict policy."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from portrait_rows import WINDOW, app_usage, employee, performance, references, training

from processes.rules import charts
from processes.rules.portrait import compute

SVG = "{http://www.w3.org/2000/svg}"
PORTRAIT = compute(employee(), app_usage(), training(), performance(), window=WINDOW, references=references())


def heights(svg: str, line: int = 0) -> list[float]:
    """The y of each point of one line."""
    points = list(ElementTree.fromstring(svg).iter(SVG + "polyline"))[line].get("points", "")
    return [float(point.split(",")[1]) for point in points.split()]


def draw(*values: float | None) -> str:
    labels = [f"{number:02}" for number in range(len(values))]
    return charts.line(labels, [charts.Line(name="线", values=values, colour="#b42318")], title="图", description="说明")


def test_each_metric_and_the_exams_have_a_chart() -> None:
    """Named so that a letter or a page can ask for one."""
    found = charts.of_portrait(PORTRAIT)
    assert found.keys() == {"app_usage_social", "orders", "completion_rate", "complaints", "exam_score"}


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_charts_are_well_formed_named_and_without_style_or_script(locale: str) -> None:
    """A strict policy forbids style attributes; a screen reader needs the title and the description."""
    for svg in charts.of_portrait(PORTRAIT, locale=locale).values():
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img" and root.get("aria-label")
        assert root.find(SVG + "title") is not None and root.find(SVG + "desc") is not None
        assert not re.search(r"style=|<style|<script|\son\w+=|href", svg)
        assert bool(re.search(r"[\u4e00-\u9fff]", re.sub("话术|系统|投诉", "", svg))) == (locale == "zh-CN")


def test_more_is_higher_and_equal_steps_are_equal() -> None:
    """The scale is linear and the right way up."""
    y = heights(draw(10, 20, 30))
    assert y[0] > y[1] > y[2] and y[0] - y[1] == pytest.approx(y[1] - y[2], abs=0.2)


def test_the_scale_follows_the_data() -> None:
    """Small differences of large numbers are seen, and every point lies inside the plot."""
    for values in [(1000, 1001, 1002), (0.1, 0.2, 0.3), (-5, 0, 5), (0, 0, 0), (7,)]:
        y = heights(draw(*values)) if len(values) > 1 else [charts.HEIGHT / 2]
        assert all(40 < each <= charts.HEIGHT - 30 for each in y)
        if len(set(values)) > 1:
            assert max(y) - min(y) > 60


def test_the_scale_does_not_go_below_zero_for_what_cannot_be_negative() -> None:
    """Minutes and scores have no negative ticks."""
    assert ">-" not in draw(0, 1, 2) and ">-" in draw(-1, 0)


def test_a_missing_day_is_a_gap() -> None:
    """Nothing is drawn through a day without rows."""
    root = ElementTree.fromstring(draw(1, 2, None, 3))
    assert len(list(root.iter(SVG + "polyline"))) == 2 and len(list(root.iter(SVG + "circle"))) == 3


def test_without_data_the_chart_says_so() -> None:
    """An empty list of exams gives a sentence, not an empty frame."""
    assert "没有考核" in charts.scores([]) and "No exams" in charts.scores([], locale="en")


def test_texts_of_the_data_stay_text() -> None:
    """A course may be called anything."""
    exam = {"date": "2026-11-11", "course": '<script>"&', "score": 1, "pass_mark": 60}
    assert "<script>" not in charts.scores([exam])
    ElementTree.fromstring(charts.scores([exam]))


def test_the_pass_mark_is_seen_beside_a_single_exam() -> None:
    """One score is a point; the mark is still a line."""
    exam = {"date": "2026-11-11", "course": "话术", "score": 50, "pass_mark": 60}
    assert len(heights(charts.scores([exam]), line=1)) == 2


def test_colours_have_contrast_on_white() -> None:
    """At least 4.5 to 1 for every colour of a line or text."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    decoration = {"#ffffff", "#d0d5dd"}
    found = {colour for svg in charts.of_portrait(PORTRAIT).values() for colour in re.findall("#[0-9a-f]{6}", svg)} - decoration
    assert len(found) >= 3
    assert all(1.05 / (luminance(colour) + 0.05) >= 4.5 for colour in found)
