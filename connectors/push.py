"""How connectors send a change to a system that answers with a reference number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.http import HTTP_OPTIONS, Http
from connectors.options import Option, overlaid, read_options
from engine.errors import NeedsPerson, NotFound, Refused
from engine.ports import Answer, Call, Description, Exchange, Parameter, Result

_ANSWER = {"reference": "reference", "accepted_at": "accepted_at", "employee": "employee"}

#: what the answer to every push holds
ACCEPTED: Sequence[Result] = (
    Result("reference", "回执编号", "Reference number"),
    Result("accepted_at", "受理时间", "Accepted at"),
)
EMPLOYEE = Parameter("employee", "工号", "Employee number", required=True, default="=subject.employee_no")


class Push:
    """POSTs the task's inputs and the case number as JSON, with the call's key in a header.

    After a failure that leaves open whether the other side acted, the next attempt repeats the same request with the same
    key, by which the other side knows it. For a system that does not remember keys, `ask_first` looks up whether something
    was already accepted under the key before anything is sent.

    Inputs that a description calls required are asked for before anything is sent; whatever else the task maps goes along.

    The value is {"reference": text, "accepted_at": text or null}.
    """

    #: path by operation
    PATHS: ClassVar[Mapping[str, str]] = {}
    descriptions: ClassVar[Sequence[Description]] = ()
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **HTTP_OPTIONS,
        "paths": Option(dict, {}, "Paths by operation, where they differ from the defaults"),
        "answer": Option(dict, {}, "Names of the answer's fields reference, accepted_at, employee"),
        "key_header": Option(str, "Idempotency-Key", "Header in which the system expects the key of a request"),
        "ask_first": Option(bool, False, "Look up by the key before sending, for a system that does not remember keys"),
        "ask_parameter": Option(str, "reference", "Query parameter of that look-up"),
    }

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        values = read_options(name, options, self.OPTIONS)
        self.names = tuple(self.PATHS)
        self._name = name
        self._http = Http(name, values)
        self._paths = overlaid(name, "paths", self.PATHS, values["paths"])
        self._answer = overlaid(name, "answer", _ANSWER, values["answer"])
        self._key_header = values["key_header"]
        self._ask_first, self._ask_parameter = values["ask_first"], values["ask_parameter"]

    def call(self, call: Call) -> Answer:
        if call.operation not in self._paths:
            raise NotFound(what="operation", name=call.operation)
        needed = (each.name for told in self.descriptions if told.name == call.operation for each in told.inputs if each.required)
        if lacking := [name for name in needed if call.input.get(name) in (None, "")]:
            reason = f"the input lacks what the operation needs: {', '.join(lacking)}"
            raise Refused(system=self._name, operation=call.operation, reason=reason)
        path, exchanges = self._paths[call.operation], []
        if self._ask_first:
            found, exchange = self._http.ask(call, "GET", path, params={self._ask_parameter: call.key}, absent_is_empty=True)
            exchanges.append(exchange)
            if found:
                return self._accepted(call, found, exchanges)
        body = {**call.input, "case": call.case}
        answered, exchange = self._http.ask(call, "POST", path, headers={self._key_header: call.key}, body=body)
        exchanges.append(exchange)
        return self._accepted(call, answered, exchanges)

    def check(self) -> list[str]:
        operation, path = next(iter(self._paths.items()))
        return self._http.check(operation, path, {self._ask_parameter: "check"})

    def _accepted(self, call: Call, answered: Mapping[str, Any], exchanges: list[Exchange]) -> Answer:
        reference, accepted_at, employee = (answered.get(self._answer[ours]) for ours in _ANSWER)

        def person(reason: str) -> NeedsPerson:
            return NeedsPerson(system=self._name, operation=call.operation, reason=reason, answer=exchanges[-1].answer)

        if employee is not None and employee != call.input.get("employee"):
            raise person(f"it answered about another employee: {employee}")
        if not isinstance(reference, (str, int)) or isinstance(reference, bool) or reference == "":
            raise person(f"the answer has no reference number: {self._answer['reference']}")
        return Answer(value={"reference": str(reference), "accepted_at": accepted_at}, exchanges=exchanges)
