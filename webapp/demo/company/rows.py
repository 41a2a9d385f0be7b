"""Raw rows of the sample company, a pure function of a day.

The article's new employee stands out by exact averages: over any ten working days in a row, and so over any 14 days, the
subject uses social applications 150 minutes a day and the others of the group 30; 10 orders a day against 20; 3 complaints
a week against 0.5. The days differ, because every series repeats after ten working days with deviations that add up to
nothing. The first of the ten deviations is zero and falls on the day two weeks before `made`, so that 14 days ending today,
when today has no rows yet, average the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.demo.roster import EMPLOYEES, TEAMS, Employee

#: the employee of the article
SUBJECT = "KF-017"

#: days of rows before the company was made
DAYS = 60

Row = dict[str, Any]

_WIDE = (0, 12, -7, 5, -10, 18, -4, -14, 9, -9)
_MIDDLE = (0, 4, -3, 2, -5, 6, -1, -4, 3, -2)
_NARROW = (0, 1, -1, 2, -2, 1, 0, -1, 1, -1)
_COMPLAINTS = (0, 1, 0, 2, 0, 1, 0, 1, 1, 0)

# averages per member; the seven others of the subject's group take all seven of each
_SOCIAL = (22, 35, 28, 41, 25, 33, 26)  # minutes, average 30
_DONE: Mapping[str, tuple[int, ...]] = {
    "customer-service": (18, 22, 19, 23, 20, 17, 21),  # average 20
    "production": (116, 124, 119, 128, 121, 113, 126),
    "research": (5, 7, 6, 8, 5, 6, 7),
}
_CODES: Mapping[str, tuple[str, str]] = {
    "customer-service": ("orders", "complaints"),
    "production": ("pieces", "defects"),
    "research": ("tasks", "bugs"),
}
_COURSES: Mapping[str, tuple[str, str, str]] = {
    "customer-service": ("客服话术与服务流程", "工单系统操作", "投诉处理技巧"),
    "production": ("安全操作规程", "设备点检", "装配工艺"),
    "research": ("代码规范", "安全开发", "测试方法"),
}
_PASS_SCORE = 60
_SUBJECT_EXAMS = (
    (58, "流程步骤记不全，需补学"),
    (52, "学习进度滞后，操作不熟练"),
    (55, "学习进度滞后，处理顺序有误"),
)
# working days between an exam and the day the company was made
_EXAM_DAYS = (8, 5, 2)


def working_days_before(day: dt.date, made: dt.date) -> int:
    """Working days (Monday to Friday) from `day` inclusive to `made` exclusive; negative when `day` is later."""

    def number(date: dt.date) -> int:
        weeks, weekday = divmod(date.toordinal() - 1, 7)
        return weeks * 5 + min(weekday, 5)

    return number(made) - number(day)


def rows_of(day: dt.date, made: dt.date) -> Iterator[tuple[str, Row]]:
    """Table name and row of everything recorded on one day; nothing on Saturdays and Sundays."""
    if day.weekday() >= 5:
        return
    before = working_days_before(day, made)
    for team in TEAMS.values():
        members = [e for e in EMPLOYEES.values() if e.team == team.key and e.id != team.lead]
        for index, employee in enumerate(sorted(members, key=lambda e: e.id)):
            if day >= made - dt.timedelta(days=employee.hired_days_ago):
                for table, number, values in _rows_of_employee(employee, index, before):
                    head = {
                        "row_id": f"{table[:1].upper()}{day:%Y%m%d}-{employee.id}-{number}",
                        "emp_no": employee.id,
                        "team_code": team.key,
                    }
                    yield table, head | {"exam_date" if table == "training" else "stat_date": day.isoformat()} | values


def _rows_of_employee(employee: Employee, index: int, before: int) -> Iterator[tuple[str, int, Row]]:
    subject = employee.id == SUBJECT
    # 1, 3, 7 and 9 have no factor in common with 10: each member meets the ten deviations in an order of its own
    slot = -before * (1, 3, 7, 9)[index % 4] % 10

    # a newcomer's habit: it grows in the first weeks and has been level for the last four
    social = 150 - 4 * max(0, before - 20) + _WIDE[slot] if subject else _SOCIAL[index % 7] + _MIDDLE[slot]
    for number, (kind, minutes) in enumerate((("social", social), ("video", 6 + _NARROW[slot])), start=1):
        yield "app_usage", number, {"app_type": kind, "duration_min": minutes, "open_times": max(1, minutes // 6)}

    code, fault = _CODES[employee.department]
    done = (10 if subject else _DONE[employee.department][index % 7]) + _NARROW[slot]
    assigned = round(done / 0.55) if subject else done + (index + slot) % 3
    faults = _COMPLAINTS[slot] if subject else int(-before % 10 == 1 + index % 9)
    rate = round(100 * done / assigned, 1)
    kpis = ((code, done, code), ("completion_rate", rate, "%"), (fault, faults, fault))
    for number, (kpi, value, unit) in enumerate(kpis, start=1):
        yield "performance", number, {"kpi_code": kpi, "kpi_value": value, "kpi_unit": unit}

    if before in _EXAM_DAYS:
        exam = _EXAM_DAYS.index(before)
        score, comment = _SUBJECT_EXAMS[exam] if subject else (76 + (index * 7 + exam * 5) % 20, "掌握良好")
        yield (
            "training",
            exam + 1,
            {
                "course_name": _COURSES[employee.department][exam],
                "attended": True,
                "score": score,
                "pass_score": _PASS_SCORE,
                "comment": comment,
            },
        )


_CONDITIONS: Mapping[str, list[str]] = {
    "customer-service": [
        "岗前三次培训考核成绩均不低于 60 分",
        "试用期内日均完成工单不少于 15 单",
        "试用期内有效客户投诉每周不超过 1 次",
        "工作时间内不从事与工作无关的活动",
    ],
    "production": ["安全操作考核成绩不低于 60 分", "试用期内计划完成率不低于 85%"],
    "research": ["试用期内按期完成分配的开发任务", "代码评审通过率不低于 80%"],
}


def record_of(employee: Employee, made: dt.date) -> Row:
    """The EHR's record of one employee, dates as on the day the company was made."""
    hired = made - dt.timedelta(days=employee.hired_days_ago)
    terms = 0  # fixed terms of three years that are over; after two the contract has no end (劳动合同法 art 14)
    while terms < 2 and _years_later(hired, 3 * (terms + 1)) <= made:
        terms += 1
    record: Row = {
        "emp_no": employee.id,
        "name": employee.name,
        "department": employee.department,
        "team": employee.team or None,
        "post": employee.post,
        "hired_on": hired.isoformat(),
        "contract": {
            "type": "open_ended" if terms == 2 else "fixed_term",
            "start": _years_later(hired, 3 * terms).isoformat(),
            "end": None if terms == 2 else (_years_later(hired, 3 * (terms + 1)) - dt.timedelta(days=1)).isoformat(),
            "consecutive": min(terms + 1, 2),
        },
        "probation": {"agreed_months": 3},
        "hiring_conditions": {
            "told_on": hired.isoformat(),
            "items": _CONDITIONS.get(employee.department, ["试用期考核合格"]),
        },
        "protected": {
            "pregnant": False,
            "maternity_leave_until": None,
            "breastfeeding_until": None,
            "medical_period_end": None,
            "work_injury_capacity_loss": False,
            "suspected_occupational_disease": False,
            "union_officer_until": None,
        },
        "monitoring_notice": {"acknowledged_on": hired.isoformat(), "version": "V2.1"},
        "months_to_retirement": 420 - employee.hired_days_ago // 30 * 2,
    }
    for path, value in _PARTICULARS.get(employee.id, {}).items():
        *parents, last = path.split(".")
        place = record
        for parent in parents:
            place = place[parent]
        place[last] = (made + dt.timedelta(days=value)).isoformat() if path.endswith(("_until", "_end")) else value
    return record


# what is out of the ordinary with some employees; ends of periods in days from the day the company was made
_PARTICULARS: Mapping[str, Mapping[str, Any]] = {
    "KF-007": {"protected.pregnant": True},
    "KF-009": {"hiring_conditions.told_on": None, "hiring_conditions.items": []},
    "KF-012": {"protected.breastfeeding_until": 120},
    "KF-014": {"monitoring_notice.acknowledged_on": None, "monitoring_notice.version": None},
    "PD-003": {"protected.union_officer_until": 400},
    "PD-005": {"protected.medical_period_end": 40},
    "PD-006": {"protected.work_injury_capacity_loss": True},
    "PD-007": {"months_to_retirement": 40},
    "PD-009": {"protected.suspected_occupational_disease": True},
}


def _years_later(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)
