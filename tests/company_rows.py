"""The sample company's rows as `connectors.rows` reads them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from connectors.rows import FIELDS, read_input, read_record, read_rows
from engine.ports import Call
from webapp.demo.company import rows
from webapp.demo.roster import EMPLOYEES


def by_connector(call: Call, made: dt.date) -> Any:
    """The value of an EHR operation, of a company made on that day."""
    asked = read_input("ehr", call)
    if call.operation == "ehr.employee":
        return read_record(rows.record_of(EMPLOYEES[asked.employee], made), FIELDS)
    table = call.operation.removeprefix("ehr.")
    days = (made - dt.timedelta(days=number) for number in range(rows.DAYS, 0, -1))
    found = [row for day in days for of, row in rows.rows_of(day, made) if of == table and asked.start <= day.isoformat() <= asked.end]
    mine = [row for row in found if row["team_code"] == asked.team]
    return read_rows(((str(number), row) for number, row in enumerate(mine)), call.operation, FIELDS, asked).value(asked)
