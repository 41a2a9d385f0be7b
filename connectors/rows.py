"""From the rows and records of a company's EHR to ours: names by configuration, types checked, nothing invented.

What cannot be read is left out and named in `missing` as a code and its place, separated by colons:

- `field_missing:<row>:<their field>`, `field_ill_typed:<row>:<their field>`: the row was left out
- `field_missing:<employee>:<our field>`, `field_ill_typed:<employee>:<our field>`: the field of a record is null
- `row_outside_window:<row>`, `row_repeated:<row>`: the row was left out
- `rows_incomplete:<received>:<announced>`: the other side announced more (or fewer) rows than it sent
- `no_rows:<employee>`, `no_team_rows:<team>`: nothing was there for the window
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from engine.errors import NotFound, Refused, SettingWrong
from engine.ports import Call

Kind = Literal["text", "number", "date", "flag", "texts"]
#: `always`: an absent or empty field is missing; `empty`: an empty one is a true answer; `absent`: it need not be there
Presence = Literal["always", "empty", "absent"]


class Field(NamedTuple):
    """A field of the company's rows: their name (`a.b` for a nested one), its type, whether it must be there."""

    theirs: str
    kind: Kind = "text"
    presence: Presence = "always"


#: our names of the fields of each operation, with the sample company's names as defaults
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "ehr.employee": {
        "employee": Field("emp_no"),
        "name": Field("name"),
        "department": Field("department"),
        "team": Field("team", presence="empty"),
        "post": Field("post"),
        "hired_on": Field("hired_on", "date"),
        "contract.type": Field("contract.type"),
        "contract.start": Field("contract.start", "date"),
        "contract.end": Field("contract.end", "date", "empty"),
        "contract.consecutive": Field("contract.consecutive", "number"),
        "probation.agreed_months": Field("probation.agreed_months", "number"),
        "hiring_conditions.told_on": Field("hiring_conditions.told_on", "date", "empty"),
        "hiring_conditions.items": Field("hiring_conditions.items", "texts", "empty"),
        "protected.pregnant": Field("protected.pregnant", "flag"),
        "protected.maternity_leave_until": Field("protected.maternity_leave_until", "date", "empty"),
        "protected.breastfeeding_until": Field("protected.breastfeeding_until", "date", "empty"),
        "protected.medical_period_end": Field("protected.medical_period_end", "date", "empty"),
        "protected.work_injury_capacity_loss": Field("protected.work_injury_capacity_loss", "flag"),
        "protected.suspected_occupational_disease": Field("protected.suspected_occupational_disease", "flag"),
        "protected.union_officer_until": Field("protected.union_officer_until", "date", "empty"),
        "monitoring_notice.acknowledged_on": Field("monitoring_notice.acknowledged_on", "date", "empty"),
        "monitoring_notice.version": Field("monitoring_notice.version", presence="empty"),
        "months_to_retirement": Field("months_to_retirement", "number"),
    },
    "ehr.app_usage": {
        "source_id": Field("row_id"),
        "employee": Field("emp_no"),
        "team": Field("team_code", presence="absent"),
        "date": Field("stat_date", "date"),
        "category": Field("app_type"),
        "value": Field("duration_min", "number"),
        "count": Field("open_times", "number", "absent"),
    },
    "ehr.training": {
        "source_id": Field("row_id"),
        "employee": Field("emp_no"),
        "team": Field("team_code", presence="absent"),
        "date": Field("exam_date", "date"),
        "course": Field("course_name"),
        "value": Field("score", "number"),
        "pass_mark": Field("pass_score", "number"),
        "attended": Field("attended", "flag", "absent"),
        "remark": Field("comment", presence="absent"),
    },
    "ehr.performance": {
        "source_id": Field("row_id"),
        "employee": Field("emp_no"),
        "team": Field("team_code", presence="absent"),
        "date": Field("stat_date", "date"),
        "metric": Field("kpi_code"),
        "value": Field("kpi_value", "number"),
        "unit": Field("kpi_unit"),
    },
}

# what the rows of an operation do not say themselves
_FIXED: Mapping[str, Mapping[str, str]] = {
    "ehr.app_usage": {"metric": "app_usage", "unit": "min"},
    "ehr.training": {"metric": "exam_score", "unit": "points"},
}

Fields = Mapping[str, Mapping[str, Field]]


def read_fields(name: str, given: Mapping[str, Any]) -> Fields:
    """The mapping with the option `fields` laid over it: operation -> our name -> their name; "" for one they do not have.

    Raises `SettingWrong` for names that we do not know and for a needed field that is taken away.
    """
    fields = {operation: dict(mapping) for operation, mapping in FIELDS.items()}
    for operation, names in given.items():
        if operation not in FIELDS or not isinstance(names, Mapping):
            raise SettingWrong(setting=f"connectors.{name}.fields.{operation}", reason="this connector has no such option")
        for ours, theirs in names.items():
            setting = f"connectors.{name}.fields.{operation}.{ours}"
            if ours not in FIELDS[operation]:
                raise SettingWrong(setting=setting, reason="this connector has no such option")
            if not isinstance(theirs, str):
                raise SettingWrong(setting=setting, reason="it must be a text")
            if theirs:
                fields[operation][ours] = FIELDS[operation][ours]._replace(theirs=theirs)
            elif fields[operation].pop(ours).presence != "absent":
                raise SettingWrong(setting=setting, reason="it must be given")
    return fields


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the caller wants to know: one employee or one team with that employee, for days `start` to `end` inclusive."""

    employee: str
    team: str = ""
    start: str = ""
    end: str = ""


def read_input(system: str, call: Call) -> Asked:
    """Raises `Refused` when the employee or, for rows, a date of the window is missing, `NotFound` for another operation."""
    if call.operation not in FIELDS:
        raise NotFound(what="operation", name=call.operation)

    def refused(reason: str) -> Refused:
        return Refused(system=system, operation=call.operation, reason=reason)

    employee = call.input.get("employee")
    team = "" if call.operation == "ehr.employee" else call.input.get("team") or ""
    if not isinstance(employee, str) or not employee or not isinstance(team, str):
        raise refused("the input does not say for which employee")
    if call.operation == "ehr.employee":
        return Asked(employee=employee)
    try:
        start, end = (dt.date.fromisoformat(call.input[name]).isoformat() for name in ("from", "to"))
    except (KeyError, TypeError, ValueError) as error:
        raise refused("the input has no dates from and to") from error
    return Asked(employee=employee, team=team, start=start, end=end)


@dataclass(kw_only=True)
class Reading:
    """Rows in our names, what is missing, and the ids of employees whom nobody asked about."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)

    def value(self, asked: Asked) -> dict[str, Any]:
        """What the operation answers; says where there is nothing for the employee or for the rest of the team."""
        missing = list(self.missing)
        if not any(row["employee"] == asked.employee for row in self.rows):
            missing.append(f"no_rows:{asked.employee}")
        if asked.team and all(row["employee"] == asked.employee for row in self.rows):
            missing.append(f"no_team_rows:{asked.team}")
        return {
            "employee": asked.employee,
            "team": asked.team or None,
            "from": asked.start,
            "to": asked.end,
            "rows": self.rows,
            "missing": missing,
        }


def read_rows(raw: Iterable[tuple[str, Any]], operation: str, fields: Fields, asked: Asked, *, from_text: bool = False) -> Reading:
    """Read rows, each given with its place (a file and line, or a number). `from_text` allows numbers written as text."""
    reading, seen = Reading(), set()
    names = fields[operation]
    for place, item in raw:
        row, faults = _read(item if isinstance(item, Mapping) else {}, names, from_text)
        where = place if from_text else str(row.get("source_id") or place)
        if row.get("employee") and row["employee"] != asked.employee:
            team_unknown = asked.team and "team" not in names
            if not team_unknown and (not asked.team or row.get("team") != asked.team):
                reading.strangers.add(row["employee"])
                continue
        if faults:
            reading.missing += [f"{code}:{where}:{names[ours].theirs}" for ours, code in faults.items()]
        elif not asked.start <= row["date"] <= asked.end:
            reading.missing.append(f"row_outside_window:{where}")
        elif row["source_id"] in seen:
            reading.missing.append(f"row_repeated:{where}")
        else:
            seen.add(row["source_id"])
            reading.rows.append({**_FIXED.get(operation, {}), **row})
    return reading


def read_record(raw: Any, fields: Fields, *, from_text: bool = False) -> dict[str, Any]:
    """An employee's record in our names, nested at the dots; a field that cannot be read is null and named in `missing`."""
    names = fields["ehr.employee"]
    values, faults = _read(raw, names, from_text)
    record: dict[str, Any] = {}
    for ours in names:
        *parents, last = ours.split(".")
        place = record
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = values.get(ours)
    return record | {"missing": [f"{code}:{values.get('employee', '')}:{ours}" for ours, code in faults.items()]}


def _read(raw: Mapping[str, Any], names: Mapping[str, Field], from_text: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by our name, and the code of what is wrong by our name."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for ours, (theirs, kind, presence) in names.items():
        there, value = _find(raw, theirs)
        if not there or value is None or value == "":
            if presence == "always" or (presence == "empty" and not there):
                faults[ours] = "field_missing"
            elif there:
                values[ours] = None
            continue
        try:
            values[ours] = _converted(value, kind, from_text)
        except (ValueError, OverflowError):
            faults[ours] = "field_ill_typed"
    return values, faults


def _find(raw: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether a field is there, and its value; `a.b` is a column of that name or a field inside `a`."""
    if name in raw:
        return True, raw[name]
    head, dot, rest = name.partition(".")
    inner = raw.get(head)
    return _find(inner, rest) if dot and isinstance(inner, Mapping) else (False, None)


def _converted(value: Any, kind: Kind, from_text: bool) -> Any:
    if kind == "text":
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a workbook knows no whole numbers
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value).strip()
    elif kind == "number":
        if from_text and isinstance(value, str):
            value = float(value) if "." in value else int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return value
    elif kind == "date":
        if isinstance(value, dt.datetime):
            return value.date().isoformat()
        if isinstance(value, dt.date):
            return value.isoformat()
        if isinstance(value, str):
            return dt.date.fromisoformat(_with_dashes(value.strip()) if from_text else value).isoformat()
    elif kind == "flag":
        if from_text and str(value).strip().lower() in _FLAGS:
            return _FLAGS[str(value).strip().lower()]
        if isinstance(value, bool):
            return value
    elif kind == "texts":
        if from_text and isinstance(value, str):
            value = [part.strip() for part in value.replace("；", "\n").replace(";", "\n").splitlines() if part.strip()]
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return value
    raise ValueError(f"no {kind}")


_FLAGS = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}


def _with_dashes(text: str) -> str:
    """2026/1/5, as spreadsheets write it, becomes 2026-01-05."""
    parts = text.split("/")
    return "-".join([parts[0], *(part.zfill(2) for part in parts[1:])]) if len(parts) == 3 else text
