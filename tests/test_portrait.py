"""The portrait is computed from rows: exact, complete about what is missing, the same for the same rows."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from connector_setups import NOW
from portrait_rows import MEMBERS, WHOM, WINDOW, app_usage, employee, performance, references, training, working_days

from engine.ports import Call
from processes.rules.portrait import SMALLEST_TEAM, compute
from webapp.operations import PortraitOperation


def portrait(**changes: Any) -> dict[str, Any]:
    """The portrait of the sample rows, with some of the four answers replaced."""
    given = {"employee": employee(), "app_usage": app_usage(), "training": training(), "performance": performance(), **changes}
    return compute(**{"references": references(), **given}, window=WINDOW)


def metric(found: dict[str, Any], key: str) -> dict[str, Any]:
    return next(each for each in found["metrics"] if each["key"] == key)


def _called(**more: Any) -> dict[str, Any]:
    """What the operation answers to the call of the first versions of the dismissal, and `more` beside."""
    given = {"employee": employee(), "app_usage": app_usage(), "training": training(), "performance": performance(), "window": WINDOW}
    call = Call(operation="portrait.compute", key="k", input={**given, **more}, headers={}, case="T-1", attempt=1, now=NOW)
    return dict(PortraitOperation().call(call).value)


def _beyond(found: dict[str, Any]) -> dict[str, bool]:
    return {each["key"]: each["beyond"] for each in found["metrics"] if each["beyond"] is not None}


def test_the_first_case_has_the_figures_of_its_rows() -> None:
    """2.5 h against 0.5 h, 10 orders against 20, 3 complaints a week against 0.5, three exams below 60."""
    found = portrait()
    figures = {m["key"]: (m["value"], m["baseline"]["mean"], m["beyond"]) for m in found["metrics"]}
    assert figures == {
        "app_usage.social": (150, 30, True),
        "exam_score": (55, 80, True),
        "orders": (10, 20, True),
        "completion_rate": (55, 95, True),
        "complaints": (3, 0.5, True),
    }
    assert [(exam["score"], exam["passed"]) for exam in found["exams"]] == [(58, False), (52, False), (55, False)]
    assert "日均 2.5 小时（150 分钟）" in found["text"] and "平均 0.5 小时（30 分钟），为团队的 5 倍" in found["text"]
    assert "成绩 58、52、55 分，及格线 60 分，3 次均未及格" in found["text"]
    assert "完成工单日均 10 单；团队其他 7 人平均 20 单，为团队的 50%" in found["text"]
    assert found["text"].startswith("2026 年 11 月 10 日至 11 月 23 日，") and found["evidence_text"].count(" 年 ") == 3
    assert "2.5 h (150 min) per day" in found["text_en"] and "3 complaints per week" in found["text_en"]
    assert found["missing"] == []


def test_one_changed_row_changes_figure_sentence_and_series() -> None:
    """Ten minutes more on one day are one minute more on average."""
    usage = app_usage()
    row = next(r for r in usage["rows"] if r["employee"] == WHOM and r["date"] == "2026-11-12")
    row["value"] += 10
    before, after = metric(portrait(), "app_usage.social"), metric(portrait(app_usage=usage), "app_usage.social")
    assert (before["value"], after["value"]) == (150, 151)
    assert after["series"]["own"][after["series"]["days"].index("2026-11-12")] == 160
    assert "151 分钟" in portrait(app_usage=usage)["text"]


def test_the_employee_is_no_part_of_the_baseline() -> None:
    """However far off the employee is, the team's figure stays."""
    usage = app_usage()
    for row in usage["rows"]:
        if row["employee"] == WHOM:
            row["value"] = 480
    assert metric(portrait(app_usage=usage), "app_usage.social")["baseline"] == {"mean": 30, "median": 30, "members": 7}


def test_a_team_too_small_gives_no_baseline() -> None:
    """Below the limit single colleagues could be recognised, so nothing of them is shown, in figures, words or series."""
    work = performance()
    few = set(MEMBERS[: SMALLEST_TEAM - 1]) | {WHOM}
    work["rows"] = [row for row in work["rows"] if row["employee"] in few]
    orders = metric(portrait(performance=work), "orders")
    assert (orders["value"], orders["baseline"], orders["difference"], orders["ratio"]) == (10, None, None, None)
    assert set(orders["series"]["team"]) == {None}
    assert "没有足够的团队数据可比" in portrait(performance=work)["text"]


@pytest.mark.parametrize("notice", [None, {}, {"acknowledged_on": None, "version": None}, {"acknowledged_on": "2026-12-01"}])
def test_without_an_acknowledged_notice_usage_data_are_not_used(notice: Any) -> None:
    """Neither figure nor series nor number of rows appears, and the portrait says why."""
    found = portrait(employee=employee(monitoring_notice=notice))
    assert not any(m["key"].startswith("app_usage") for m in found["metrics"])
    assert "150" not in json.dumps(found)
    assert "应用使用" not in found["evidence_text"]
    assert found["monitoring"]["usable"] is False
    assert "不得使用" in found["missing"][0] and "may not be used" in found["missing_en"][0]


def test_usage_from_before_the_acknowledgement_is_left_out() -> None:
    """Rows count from the day on which the employee acknowledged the notice."""
    notice = {"acknowledged_on": "2026-11-19", "version": "V3"}
    found = metric(portrait(employee=employee(monitoring_notice=notice)), "app_usage.social")
    assert found["days"] == 3 and found["series"]["days"][0] == "2026-11-19"
    assert any("2026-11-19 才确认" in text for text in portrait(employee=employee(monitoring_notice=notice))["missing"])


def test_missing_answers_are_named_and_never_invented() -> None:
    """Nothing at all gives a portrait without figures that says what was not fetched."""
    found = compute(None, None, None, None, window=WINDOW)
    assert found["metrics"] == [] and found["exams"] == [] and found["text"] == "没有可用的数据。"
    assert len(found["missing"]) == len(found["missing_en"]) == 4


def test_days_without_rows_are_named() -> None:
    """Working days on which the employee has no rows lower nothing: they are listed."""
    work = performance()
    gone = {"2026-11-12", "2026-11-13"}
    work["rows"] = [row for row in work["rows"] if not (row["employee"] == WHOM and row["date"] in gone)]
    found = portrait(performance=work)
    assert metric(found, "orders")["value"] == 10 and metric(found, "orders")["days"] == 8
    assert found["missing"] == ["绩效记录：2 个工作日没有本人的记录（2026-11-12、2026-11-13）。"]


def test_days_before_the_hiring_are_not_missing() -> None:
    """Nobody has rows from before the first day."""
    late = employee(hired_on="2026-11-16")
    work = performance()
    work["rows"] = [row for row in work["rows"] if row["employee"] != WHOM or row["date"] >= "2026-11-16"]
    assert not any("绩效" in text for text in portrait(employee=late, performance=work)["missing"])


def test_what_the_connector_left_out_is_told_without_naming_colleagues() -> None:
    """Rows of the employee are named, rows of others only counted."""
    usage = app_usage()
    usage["missing"] = [
        f"field_missing:2026-11-12-{WHOM}-social:duration_min",
        "field_missing:2026-11-12-KF-004-social:duration_min",
    ]
    found = portrait(app_usage=usage)
    assert found["missing"] == [f"应用使用记录：2 处缺字段，未计入（2026-11-12-{WHOM}-social:duration_min）。"]
    assert "KF-004" not in json.dumps(found)


def test_figures_are_rounded_half_up() -> None:
    """Three days of 0.05 on average are 0.1, as on paper, and not 0.0 as in binary."""
    work = performance()
    days = working_days(WINDOW["from"], WINDOW["to"])
    work["rows"] = [
        {**row, "value": 0.05 if row["employee"] == WHOM else 20}
        for row in work["rows"]
        if row["metric"] == "orders" and row["date"] in days[:3]
    ]
    assert metric(portrait(performance=work), "orders")["value"] == 0.1


@pytest.mark.parametrize(("orders", "said"), [(20, "与团队持平"), (30, "为团队的 150%"), (40, "为团队的 2 倍"), (0, "为团队的 0%")])
def test_a_figure_is_told_beside_the_teams_as_people_say_it(orders: int, said: str) -> None:
    """As the team, a percentage, or from twice on a multiple."""
    work = performance()
    for row in work["rows"]:
        if row["metric"] == "orders":
            row["value"] = orders if row["employee"] == WHOM else 20
    assert f"平均 20 单，{said}" in portrait(performance=work)["text"]


def test_a_team_mean_that_rounds_to_nothing_can_be_compared_with() -> None:
    """Hardly any complaints of anybody, somewhat more of the employee."""
    work = performance()
    for row in work["rows"]:
        if row["metric"] == "complaints":
            row["value"] = 0.014 if row["employee"] == WHOM else 0.008
    found = portrait(performance=work)
    assert metric(found, "complaints")["baseline"]["mean"] == 0 and "平均 0 次，为团队的 1.8 倍" in found["text"]


def test_exactly_at_the_limit_is_not_beyond_it() -> None:
    """References point out what lies beyond; of two for one metric the first counts, as an employer lays a team's own above the common."""
    own = {"metric": "orders", "side": "below", "limit": 10, "source": "制度", "source_en": "rule"}
    found = portrait(references=[own, *references()])
    assert metric(found, "orders")["beyond"] is False
    assert "不低于制度的 10 单" in found["text"] and "完成工单" not in found["beyond_text"]


def test_without_references_only_the_pass_mark_is_pointed_out() -> None:
    """No figure is beyond anything that the employer did not set: a table of which no rule holds points out nothing."""
    assert _beyond(portrait(references=[])) == _beyond(_called(references=[])) == _beyond(_called(references=None)) == {"exam_score": True}


def test_a_diagram_from_before_the_table_points_out_what_it_always_did() -> None:
    """Versions deployed earlier do not hand references over; what they say of an employee is no less than before."""
    found = _called()
    assert _beyond(found) == dict.fromkeys(("app_usage.social", "exam_score", "orders", "completion_rate", "complaints"), True)
    assert found["beyond_text"] == portrait()["beyond_text"]


@pytest.mark.parametrize("wrong", [{"side": "under"}, {"limit": "ten"}, {"limit": True}, {"limit": None}])
def test_a_reference_that_says_no_limit_is_refused(wrong: dict[str, Any]) -> None:
    """A slip in the table becomes an incident at the step and is never passed over."""
    with pytest.raises(ValueError, match="above or below a number"):
        portrait(references=[{"metric": "orders", "side": "below", "limit": 10, **wrong}])


def test_an_unknown_metric_is_shown_under_its_own_name() -> None:
    """A company may send metrics that have no name here: they are averaged, without threshold."""
    work = performance()
    work["rows"] = [{**row, "metric": "calls", "unit": "calls"} for row in work["rows"] if row["metric"] == "orders"]
    found = metric(portrait(performance=work), "calls")
    assert (found["value"], found["unit"], found["beyond"]) == (10, "calls", None)


def test_rows_that_cannot_be_computed_with_do_not_break_it() -> None:
    """Values that are no numbers and rows without a day are passed over."""
    work = performance()
    work["rows"] += [{"employee": WHOM, "metric": "orders", "value": "ten", "date": "2026-11-12"}, {"value": True}, {}]
    assert metric(portrait(performance=work), "orders")["value"] == 10


def test_the_same_rows_give_the_same_small_portrait() -> None:
    """Independent of their order, not changing what it is given, and under 16 kB, so that it stays a case variable."""
    given = (employee(), app_usage(), training(), performance())
    kept = copy.deepcopy(given)
    found = compute(*given, window=WINDOW)
    assert given == kept
    for answer in given[1:]:
        answer["rows"].reverse()
    assert compute(*given, window=WINDOW) == found
    assert len(json.dumps(found, ensure_ascii=False).encode()) < 16_000
