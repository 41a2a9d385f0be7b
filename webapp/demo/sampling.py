"""What the sample company's systems answer an operation, without the systems: for what is tried and sends nothing."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

from engine.errors import NotFound, Refused
from engine.ports import Call, Json

from .company import rows
from .roster import EMPLOYEES

_Row = dict[str, Any]
#: table and, by our name, the name of the field in its rows
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ehr.app_usage": ("app_usage", {"date": "stat_date", "category": "app_type", "value": "duration_min", "count": "open_times"}),
    "ehr.training": (
        "training",
        {
            "date": "exam_date",
            "course": "course_name",
            "value": "score",
            "pass_mark": "pass_score",
            "attended": "attended",
            "remark": "comment",
        },
    ),
    "ehr.performance": ("performance", {"date": "stat_date", "metric": "kpi_code", "value": "kpi_value", "unit": "kpi_unit"}),
}
#: operations that change nothing
READS = ("ehr.employee", *_TABLES)
#: what the rows of an operation do not say themselves
_FIXED: Mapping[str, Mapping[str, str]] = {
    "ehr.app_usage": {"metric": "app_usage", "unit": "min"},
    "ehr.training": {"metric": "exam_score", "unit": "points"},
}
_PUSHES = {
    "payroll.stop_social_insurance": "SI",
    "payroll.stop_housing_fund": "HF",
    "payroll.request_settlement": "ST",
    "oa.deactivate_account": "OA",
    "oa.notice": "NT",
}


def answer(call: Call, made: dt.date) -> Json:
    """The value that the ordinary connectors would give of a company made on that day.

    Raises NotFound for an operation that the company does not have, Refused for an employee or window that it does not know.
    """
    if call.operation == "ehr.employee":
        return _record(call, made)
    if call.operation in _TABLES:
        return _rows(call, made)
    if prefix := _PUSHES.get(call.operation):
        return {"reference": f"{prefix}-{_number(call):06}", "accepted_at": call.now.isoformat(timespec="seconds")}
    if call.operation == "mail.send":
        reference = f"<{hashlib.sha256(call.key.encode()).hexdigest()[:24]}@sandbox>"
        return {"reference": reference, "accepted_at": call.now.isoformat(timespec="seconds")}
    raise NotFound(what="operation", name=call.operation)


def _record(call: Call, made: dt.date) -> Json:
    record = rows.record_of(_employee(call), made)
    return {"employee": record.pop("emp_no"), **record, "missing": []}


def _rows(call: Call, made: dt.date) -> Json:
    _employee(call)
    who, team = call.input["employee"], call.input.get("team") or ""
    try:
        start, end = (dt.date.fromisoformat(call.input[name]) for name in ("from", "to"))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(system="sandbox", operation=call.operation, reason="the input has no dates from and to") from error
    table, names = _TABLES[call.operation]
    first, last = max(start, made - dt.timedelta(days=rows.DAYS)), min(end, made + dt.timedelta(days=366))
    found = []
    for number in range((last - first).days + 1):
        for of, row in _day(first + dt.timedelta(days=number), made):
            if of == table and (row["team_code"] == team if team else row["emp_no"] == who):
                head = {"source_id": row["row_id"], "employee": row["emp_no"], "team": row["team_code"]}
                found.append({**_FIXED.get(call.operation, {}), **head, **{ours: row[theirs] for ours, theirs in names.items()}})
    missing = [] if any(row["employee"] == who for row in found) else [f"no_rows:{who}"]
    if team and all(row["employee"] == who for row in found):
        missing.append(f"no_team_rows:{team}")
    window = {"from": start.isoformat(), "to": end.isoformat()}
    return {"employee": who, "team": team or None, **window, "rows": found, "missing": missing}


@functools.lru_cache(maxsize=400)
def _day(day: dt.date, made: dt.date) -> tuple[tuple[str, _Row], ...]:
    return tuple(rows.rows_of(day, made))


def _employee(call: Call) -> Any:
    employee = EMPLOYEES.get(str(call.input.get("employee") or ""))
    if employee is None:
        reason = f"no employee {call.input.get('employee') or '–'}"
        raise Refused(system="sandbox", operation=call.operation, reason=reason)
    return employee


def _number(call: Call) -> int:
    """A number of six digits that the same call always gets."""
    return int(hashlib.sha256(call.key.encode()).hexdigest()[:8], 16) % 1_000_000
