"""The sentences of the portrait, each in Chinese and English: the figures and where they come from, no judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

#: a sentence in Chinese and in English
Both = tuple[str, str]

NO_MONITORING_NOTICE: Both = (
    "没有员工已确认的应用使用监测告知，应用使用数据不得使用，未计入画像。",
    "There is no notice of monitoring acknowledged by the employee: usage data may not be used and are left out.",
)
NOTHING: Both = ("没有可用的数据。", "There are no data to use.")

_SOURCES: Mapping[str, Both] = {
    "ehr.employee": ("人事档案", "employee record"),
    "ehr.app_usage": ("应用使用记录", "application usage"),
    "ehr.training": ("培训考核记录", "training results"),
    "ehr.performance": ("绩效记录", "performance"),
}
_GAPS: Mapping[str, Both] = {
    "field_missing": ("{count} 处缺字段，未计入", "{count} with a missing field, left out"),
    "field_ill_typed": ("{count} 处字段无法识别，未计入", "{count} with an unreadable field, left out"),
    "row_outside_window": ("{count} 行不在期间内，未计入", "{count} rows outside the window, left out"),
    "row_repeated": ("{count} 行重复，只计一次", "{count} rows repeated, counted once"),
    "rows_incomplete": ("收到的行数与对方所报不一致", "fewer or more rows came than were announced"),
    "no_rows": ("期间内没有本人的记录", "nothing about the employee in the window"),
    "no_team_rows": ("期间内没有团队其他成员的记录，无法比较", "nothing about the rest of the team, so no comparison"),
}
_PER: Mapping[str, Both] = {"day": ("日均", "per day"), "week": ("每周", "per week"), "value": ("平均", "on average")}


def metric(facts: Mapping[str, Any]) -> Both:
    """The figure, the team's, their relation, and the threshold."""
    zh_per, en_per = _PER[facts["per"]]
    zh = f"{_days(facts['from'], facts['to'])}，{facts['name']}{zh_per} {_amount(facts, facts['value'])}"
    en = f"{facts['from']} to {facts['to']}: {facts['name_en']}, {_amount(facts, facts['value'], en=True)} {en_per}"
    if facts["count"] is not None:
        zh += f"，打开 {facts['count']} 次"
        en += f", opened {facts['count']} times"
    team = _team(facts)
    return f"{zh}；{team[0]}{_limit(facts)[0]}。", f"{en}; {team[1]}{_limit(facts)[1]}."


def exams(facts: Mapping[str, Any], taken: Sequence[Mapping[str, Any]]) -> Both:
    """The scores one by one against the pass mark."""
    scores = [str(exam["score"]) for exam in taken]
    failed = sum(exam["passed"] is False for exam in taken)
    marks = sorted({exam["pass_mark"] for exam in taken if exam["pass_mark"] is not None})
    zh = f"{_days(facts['from'], facts['to'])}，参加培训考核 {len(taken)} 次，成绩 {'、'.join(scores)} 分"
    en = f"{facts['from']} to {facts['to']}: {len(taken)} training exams, scores {', '.join(scores)}"
    if marks:
        all_of = f"{failed} 次均未及格" if failed == len(taken) else f"其中 {failed} 次未及格"
        zh += f"，及格线 {'、'.join(map(str, marks))} 分，{all_of}"
        en += f", pass mark {', '.join(map(str, marks))}, {failed} of {len(taken)} not passed"
    team = _team(facts)
    return f"{zh}；{team[0]}。", f"{en}; {team[1]}."


def source(operation: str, first: str, last: str, rows: int) -> Both:
    """One line of the list of evidence."""
    zh, en = _SOURCES[operation]
    return f"{zh}，{_days(first, last)}，本人 {rows} 条", f"{en}, {first} to {last}, {rows} rows of the employee"


def monitored_since(day: str) -> Both:
    return (
        f"员工 {day} 才确认监测告知，此前的应用使用数据不得使用，未计入。",
        f"The notice of monitoring was acknowledged on {day}; usage data from before it may not be used and are left out.",
    )


def not_fetched(operation: str) -> Both:
    zh, en = _SOURCES[operation]
    return f"{zh}：没有取到数据。", f"No data: {en}."


def gap(operation: str, code: str, count: int, places: Sequence[str]) -> Both:
    zh, en = _SOURCES[operation]
    zh_what, en_what = (text.format(count=count) for text in _GAPS.get(code, (f"{code}（{{count}}）", f"{code} ({{count}})")))
    named = code not in ("no_rows", "no_team_rows", "rows_incomplete") and places
    return (
        f"{zh}：{zh_what}" + (f"（{'、'.join(places)}）" if named else "") + "。",
        f"{en.capitalize()}: {en_what}" + (f" ({', '.join(places)})" if named else "") + ".",
    )


def silent_days(operation: str, days: Sequence[str], most: int) -> Both:
    zh, en = _SOURCES[operation]
    shown, rest = list(days[:most]), len(days) > most
    return (
        f"{zh}：{len(days)} 个工作日没有本人的记录（{'、'.join(shown)}{' 等' if rest else ''}）。",
        f"{en.capitalize()}: no rows of the employee on {len(days)} working days ({', '.join(shown)}{' …' if rest else ''}).",
    )


def _team(facts: Mapping[str, Any]) -> Both:
    baseline = facts["baseline"]
    if baseline is None:
        return "没有足够的团队数据可比", "too little of the team to compare with"
    mean = baseline["mean"]
    zh = f"团队其他 {baseline['members']} 人平均 {_amount(facts, mean)}"
    en = f"average of the {baseline['members']} others {_amount(facts, mean, en=True)}"
    if facts["ratio"] is not None and facts["key"] != "exam_score":
        compared = _compared(facts["value"], mean, facts["ratio"])
        zh, en = f"{zh}，{compared[0]}", f"{en}, {compared[1]}"
    return zh, en


def _compared(value: int | float, mean: int | float, ratio: int | float) -> Both:
    """From twice the team's on a multiple, otherwise a percentage, as people say it."""
    if value == mean:
        return "与团队持平", "as the team"
    if ratio >= 2 or not mean:  # a mean that rounds to 0 is nothing to divide by
        return f"为团队的 {ratio} 倍", f"{ratio} times the team's"
    percent = (Decimal(str(value)) / Decimal(str(mean)) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    return f"为团队的 {percent}%", f"{percent}% of the team's"


def _days(first: str, last: str) -> str:
    """Two ISO days as Chinese writes a period."""
    (y1, m1, d1), (y2, m2, d2) = (map(int, day.split("-")) for day in (first, last))
    until = f"{m2} 月 {d2} 日" if y1 == y2 else f"{y2} 年 {m2} 月 {d2} 日"
    return f"{y1} 年 {m1} 月 {d1} 日至 {until}"


def _limit(facts: Mapping[str, Any]) -> Both:
    threshold = facts["threshold"]
    if threshold is None:
        return "", ""
    percent = facts["unit"] == "%"
    amount = f"{threshold['limit']}{'' if percent else ' '}{facts['unit']}"
    amount_en = f"{threshold['limit']}{'' if percent else ' '}{facts['unit_en']}"
    above = threshold["side"] == "above"
    zh, en = {
        (True, True): ("高于", "above"),
        (True, False): ("未高于", "not above"),
        (False, True): ("低于", "below"),
        (False, False): ("不低于", "not below"),
    }[above, facts["beyond"]]
    return f"；{zh}{threshold['source']}的 {amount}", f"; {en} {amount_en} ({threshold['source_en']})"


def _amount(facts: Mapping[str, Any], value: int | float, *, en: bool = False) -> str:
    unit = facts["unit_en" if en else "unit"]
    if unit == "%":
        return f"{value}%"
    if facts["unit_en"] != "min":
        return f"{value} {unit}"
    hours = (Decimal(str(value)) / 60).quantize(Decimal("0.1"), ROUND_HALF_UP)
    shown = f"{hours:f}".removesuffix(".0")
    return f"{shown} h ({value} min)" if en else f"{shown} 小时（{value} 分钟）"
