"""Rows of an invented team as the EHR operations answer them; one new employee stands out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from engine.bpmn.decisions import Decisions

WHOM, TEAM = "KF-017", "customer-service-1"
WINDOW = {"from": "2026-11-10", "to": "2026-11-23", "trend_from": "2026-10-25", "training_from": "2026-09-25"}
MEMBERS = [f"KF-{number:03}" for number in range(4, 11)]


def references() -> Any:
    """What the shipped table points out for the team."""
    table = Path(__file__).parent.parent / "processes/termination/references.dmn"
    return Decisions(table.read_bytes(), file=table.name).decide("references", {"team": TEAM}).value


def working_days(first: str, last: str) -> list[str]:
    """Mondays to Fridays."""
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    days = (start + dt.timedelta(days=number) for number in range((end - start).days + 1))
    return [day.isoformat() for day in days if day.weekday() < 5]


def employee(**changes: Any) -> dict[str, Any]:
    """The value of `ehr.employee`; `changes` replace top-level fields."""
    protected = {
        "pregnant": False,
        "maternity_leave_until": None,
        "breastfeeding_until": None,
        "medical_period_end": None,
        "work_injury_capacity_loss": False,
        "suspected_occupational_disease": False,
        "union_officer_until": None,
    }
    return {
        "employee": WHOM,
        "name": "林小北",
        "department": "customer-service",
        "team": TEAM,
        "post": "客服专员",
        "hired_on": "2026-10-10",
        "contract": {"type": "fixed_term", "start": "2026-10-10", "end": "2029-10-09", "consecutive": 1},
        "probation": {"agreed_months": 3},
        "hiring_conditions": {"told_on": "2026-10-10", "items": ["三次培训考核成绩均不低于 60 分"]},
        "protected": protected,
        "monitoring_notice": {"acknowledged_on": "2026-10-10", "version": "V2.1"},
        "months_to_retirement": 420,
        "missing": [],
        **changes,
    }


def app_usage() -> dict[str, Any]:
    """Social applications: the employee 150 minutes a day, the others 30."""
    rows = [
        _row(who, day, "social", metric="app_usage", category="social", value=150 if who == WHOM else 30, unit="min", count=24)
        for day in working_days(WINDOW["trend_from"], WINDOW["to"])
        for who in (*MEMBERS, WHOM)
    ]
    return _answer(rows, WINDOW["trend_from"])


def training() -> dict[str, Any]:
    """Three exams with pass mark 60: the employee 58, 52, 55, the others 80."""
    rows = [
        _row(who, day, course, metric="exam_score", course=course, value=score if who == WHOM else 80, pass_mark=60, unit="points")
        for day, course, score in (("2026-11-11", "话术", 58), ("2026-11-16", "系统", 52), ("2026-11-19", "投诉", 55))
        for who in (*MEMBERS, WHOM)
    ]
    return _answer(rows, WINDOW["training_from"])


def performance() -> dict[str, Any]:
    """Orders 10 against 20 a day, completion rate 55 against 95 %, complaints 3 against 0.5 a week."""
    rows = []
    for place, day in enumerate(working_days(WINDOW["from"], WINDOW["to"])):
        for who in (*MEMBERS, WHOM):
            own = who == WHOM
            complaints = int(place % 2 == 0 or place == 9) if own else int(place == 3)
            kpis = (
                ("orders", 10 if own else 20, "orders"),
                ("completion_rate", 55 if own else 95, "%"),
                ("complaints", complaints, ""),
            )
            rows += [_row(who, day, metric, metric=metric, value=value, unit=unit) for metric, value, unit in kpis]
    return _answer(rows, WINDOW["from"])


def _row(who: str, day: str, what: str, **fields: Any) -> dict[str, Any]:
    return {"source_id": f"{day}-{who}-{what}", "employee": who, "team": TEAM, "date": day, **fields}


def _answer(rows: list[dict[str, Any]], first: str) -> dict[str, Any]:
    return {"employee": WHOM, "team": TEAM, "from": first, "to": WINDOW["to"], "rows": rows, "missing": []}
