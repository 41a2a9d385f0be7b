"""Changes in the words of whoever owns a procedure: times, names of elements and ways between them."""

from __future__ import annotations

import pytest
from diagrams import END, START, diagram, flows, node, timer, user

from engine.bpmn import differences
from engine.bpmn.differences import Change
from webapp.i18n import speaking
from webapp.studio import times
from webapp.studio.changes import Told, told

WORKED = '<zeebe:properties><zeebe:property name="wf.calendar" value="office"/></zeebe:properties>'
ENGLISH = '<zeebe:properties><zeebe:property name="wf.name.en" value="Verify"/></zeebe:properties>'


@pytest.mark.parametrize(
    ("text", "working", "chinese", "english"),
    [
        ("P3D", True, "3 个工作日", "3 working days"),
        ("P1D", True, "1 个工作日", "1 working day"),
        ("P3D", False, "3 天", "3 days"),
        ("PT8H", True, "8 个工作小时", "8 working hours"),
        ("PT8H30M", False, "8 小时 30 分钟", "8 hours 30 minutes"),
        ("P1Y2M", False, "1 年 2 个月", "1 year 2 months"),
        ("P2W", False, "2 周", "2 weeks"),
        ('=duration("P3D")', True, "3 个工作日", "3 working days"),
        ('=now() + duration("P3D")', True, "3 天", "3 days"),
        ('= "PT45S"', False, "45 秒", "45 seconds"),
        ("R3/P1D", True, "每 1 个工作日，共 3 次", "every 1 working day, 3 times"),
        ("R/PT12H", False, "每 12 小时，不限次数", "every 12 hours, without end"),
    ],
)
def test_times_are_said_by_what_they_mean(text: str, working: bool, chinese: str, english: str) -> None:
    """Working time only where it is counted so: what is added to now is not."""
    for locale, expected in (("zh-CN", chinese), ("en", english)):
        with speaking(locale):
            assert times.said(text, working=working) == expected


@pytest.mark.parametrize("text", ["", "P", "2026-12-31", "=deadline", '=duration("P3D") + x', "PT1.5S", "R2/2026-12-31T00:00/P1D", "三天"])
def test_what_is_no_plain_time_is_not_guessed(text: str) -> None:
    """Neither are years of working time, which nothing counts."""
    assert times.said(text, working=False) is None and times.said("P1Y", working=True) is None


def all_told(before: bytes, after: bytes, locale: str = "zh-CN") -> dict[tuple[str, str], Told]:
    with speaking(locale):
        return {(each.how, each.id): told(each) for each in differences.between({"p.bpmn": before}, {"p.bpmn": after})}


def due(text: str, *more: str) -> str:
    return f'<bpmn:extensionElements><zeebe:taskSchedule dueDate="{text}"/>{"".join(more)}</bpmn:extensionElements>'


def test_a_due_date_and_a_timer_are_told_in_days() -> None:
    """In working days where the step has a calendar, on each side for itself; what is computed stays as it is written."""

    def drawn(one: str, wait: str) -> bytes:
        catch = node("intermediateCatchEvent", "w", timer(duration=wait), name="等待")
        return diagram(START, node("userTask", "a", one, name="核实"), catch, END, flows("start > a", "a > w", "w > end"))

    def settings(before: bytes, after: bytes, id: str) -> dict[str, tuple[str, str]]:
        return {each.setting: (each.before, each.after) for each in all_told(before, after)["changed", id].details}

    plain, worked = drawn(due("P3D"), "PT1H"), drawn(due("P2D", WORKED), "P1D")
    assert settings(plain, worked, "a") == {"期限": ("3 天", "2 个工作日"), "工作日历": ("", "公司工作日历")}
    assert settings(plain, worked, "w") == {"时间": ("1 小时", "1 天")}
    assert settings(worked, drawn(due("=deadline", WORKED), "P1D"), "a") == {"期限": ("2 个工作日", "=deadline")}


def test_ways_are_told_by_the_steps_they_connect() -> None:
    """In the reader's language; of what has no name by what it is, with its id small beside it."""
    step = node("userTask", "a", f"<bpmn:extensionElements>{ENGLISH}</bpmn:extensionElements>", name="核实")
    fork = node("parallelGateway", "closing_join")
    before = diagram(START, step, fork, user("b", name="复核"), END, flows("start > a", "a > closing_join", "closing_join > b", "b > end"))
    other = before.replace(b'sourceRef="a" targetRef="closing_join"', b'sourceRef="a" targetRef="b"')
    small = '<small class="id">closing_join</small>'
    way = all_told(before, other)["changed", "a_closing_join"]
    assert (way.name, way.id) == ("从「核实」到「复核」", "")
    [led] = way.details
    assert (led.setting, led.before, led.after) == ("终点", f"并行网关 {small}", "复核")
    way = all_told(before, other, "en")["changed", "a_closing_join"]
    assert way.name == "from “Verify” to “复核”" and way.details[0].before == f"parallel gateway {small}"
    gone = diagram(START, step, user("b", name="复核"), END, flows("start > a", "a > b", "b > end"))
    found = all_told(before, gone)
    assert found["removed", "a_closing_join"].name == f"从「核实」到「并行网关 {small}」"
    assert (found["removed", "closing_join"].name, found["removed", "closing_join"].id) == ("并行网关", "closing_join")


def test_another_english_name_is_told_once() -> None:
    """It is a property of the element and its name in English at the same time."""

    def drawn(english: str) -> bytes:
        step = node("userTask", "a", f"<bpmn:extensionElements>{ENGLISH.replace('Verify', english)}</bpmn:extensionElements>", name="核实")
        return diagram(START, step, END, flows("start > a", "a > end"))

    details = all_told(drawn("Verify"), drawn("Check"))["changed", "a"].details
    assert [(each.setting, each.before, each.after) for each in details] == [("英文名称", "Verify", "Check")]


def test_names_that_people_gave_are_no_markup() -> None:
    """Neither in a way nor in a setting."""
    step = differences.Named(kind="user task", name="<b>甲</b>")
    change = Change(
        file="p.bpmn", what="flow", how="changed", id="f", ends=("a", "a"), settings={"to": ("<i>", "a")}, named={"a": step, "f": step}
    )
    with speaking("zh-CN"):
        way = told(change)
    assert way.name == "&lt;b&gt;甲&lt;/b&gt;：从「&lt;b&gt;甲&lt;/b&gt;」到「&lt;b&gt;甲&lt;/b&gt;」"
    assert not hasattr(way.details[0].before, "__html__") and not hasattr(way.details[0].after, "__html__")
