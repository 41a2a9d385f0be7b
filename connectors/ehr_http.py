"""EHR with a REST interface: rows of application usage, training and performance, and the employee's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.ehr_operations import DESCRIPTIONS
from connectors.http import HTTP_OPTIONS, Http
from connectors.options import Option, overlaid, read_options
from connectors.rows import FIELDS, Asked, read_fields, read_input, read_record, read_rows
from engine.errors import NeedsPerson
from engine.ports import Answer, Call, Description, Exchange

_PATHS = {
    "ehr.employee": "/ehr/employees/{employee}",
    "ehr.app_usage": "/ehr/app-usage",
    "ehr.training": "/ehr/training",
    "ehr.performance": "/ehr/performance",
}
_PARAMETERS = {"employee": "employee", "team": "team", "from": "from", "to": "to", "zone": "zone", "page": "page"}
_ANSWER = {"rows": "rows", "pages": "pages", "total": "total"}
_MOST_PAGES = 500


class EhrHttp:
    """Offers `ehr.employee`, `ehr.app_usage`, `ehr.training` and `ehr.performance`.

    Input: `employee`; for rows also `from` and `to` (days, inclusive) and, to compare with, `team`: then the rows of all its
    members come, the employee's among them. The value is that of `connectors.rows`.
    """

    #: changes nothing at the EHR
    reads: ClassVar[bool] = True
    descriptions: ClassVar[Sequence[Description]] = DESCRIPTIONS
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **HTTP_OPTIONS,
        "paths": Option(dict, {}, "Paths by operation, where they differ from the defaults"),
        "parameters": Option(dict, {}, "Names of the query parameters employee, team, from, to, zone, page"),
        "answer": Option(dict, {}, "Names of the answer's fields rows, pages, total"),
        "fields": Option(dict, {}, "The company's field names by operation and our name"),
        "zone": Option(str, "Asia/Shanghai", "Time zone in which the days of a window are meant"),
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.names = tuple(FIELDS)
        self._name = name
        self._http = Http(name, values)
        self._paths = overlaid(name, "paths", _PATHS, values["paths"])
        self._parameters = overlaid(name, "parameters", _PARAMETERS, values["parameters"])
        self._answer = overlaid(name, "answer", _ANSWER, values["answer"])
        self._fields = read_fields(name, values["fields"])
        self._zone = values["zone"]

    def call(self, call: Call) -> Answer:
        asked = read_input(self._name, call)
        if call.operation == "ehr.employee":
            return self._record(call, asked)
        rows, announced, exchanges = self._pages(call, asked)
        reading = read_rows(((f"#{n}", row) for n, row in enumerate(rows, start=1)), call.operation, self._fields, asked)
        if reading.strangers:
            raise self._person(call, f"it sent rows of other employees: {', '.join(sorted(reading.strangers))}", exchanges[-1])
        if announced is not None and announced != len(rows):
            reading.missing.append(f"rows_incomplete:{len(rows)}:{announced}")
        return Answer(value=reading.value(asked), exchanges=exchanges)

    def check(self) -> list[str]:
        return self._http.check("ehr.app_usage", self._paths["ehr.app_usage"])

    def _record(self, call: Call, asked: Asked) -> Answer:
        path = self._paths[call.operation].replace("{employee}", quote(asked.employee, safe=""))
        raw, exchange = self._http.ask(call, "GET", path)
        record = read_record(raw, self._fields)
        if record["employee"] != asked.employee:
            raise self._person(call, f"it sent the record of another employee: {record['employee']}", exchange)
        return Answer(value=record, exchanges=[exchange])

    def _pages(self, call: Call, asked: Asked) -> tuple[list[Any], int | None, list[Exchange]]:
        """All rows, the number of rows announced, and what was said."""
        rows: list[Any] = []
        exchanges: list[Exchange] = []
        whom = {"team": asked.team} if asked.team else {"employee": asked.employee}
        query = {**whom, "from": asked.start, "to": asked.end, "zone": self._zone}
        for page in range(1, _MOST_PAGES + 1):
            params = {self._parameters[ours]: value for ours, value in (query | {"page": str(page)}).items()}
            body, exchange = self._http.ask(call, "GET", self._paths[call.operation], params=params)
            exchanges.append(exchange)
            found = body.get(self._answer["rows"])
            if not isinstance(found, list):
                raise self._person(call, f"the answer has no list of rows: {self._answer['rows']}", exchange)
            rows += found
            pages, total = body.get(self._answer["pages"]), body.get(self._answer["total"])
            if not found or not isinstance(pages, int) or page >= pages:
                return rows, total if isinstance(total, int) else None, exchanges
        raise self._person(call, f"the answer has too many pages: {_MOST_PAGES}", exchanges[-1])

    def _person(self, call: Call, reason: str, exchange: Exchange) -> NeedsPerson:
        return NeedsPerson(system=self._name, operation=call.operation, reason=reason, answer=exchange.answer)
