"""What keeps a procedure from being deployed, and what its owner should look at: findings by file, never an exception.

A diagram without an error finding deploys, and a case of it starts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping

from lxml import etree

from .. import errors
from ..calendar import Calendar, Calendars
from ..ports import Json
from . import expressions, names, timers
from .decisions import Decisions
from .drawing import drawn_wrong
from .findings import Code, Finding, finding
from .model import BPMN, Element, Flow, Process, processes
from .normalise import calls, construct, runs
from .reader import LARGEST, read_xml
from .vocabulary import strange

__all__ = ["Code", "Finding", "broken_file", "check", "finding", "forms_named"]

_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_ORDINARY = Calendars({}, zone="UTC")

#: what to draw instead
REMEDIES = {
    "complexGateway": "Use exclusive or inclusive gateways instead.",
    "adHocSubProcess": "Draw the possible steps with gateways instead.",
    "transaction": "Use a sub-process with boundary events instead.",
    "callActivity": "Draw the called steps as a sub-process instead.",
    "eventSubProcess": "Put a boundary event on a sub-process instead.",
    "receiveTask": "Use a user task that records what came in, or a service task that asks for it.",
    "multiInstance": "Use an approval chain for several signers, or a loop through a gateway.",
    "standard": "Draw the loop with a gateway instead.",
    "message": "Use a user task that records what came in, or a service task that asks for it.",
    "conditional": "Use a gateway behind the step that changes the data.",
    "compensate": "Draw the steps that undo it behind a gateway.",
    "cancel": "Use an error event instead.",
    "multiple": "Draw one event for each of them.",
    "timer": "Use an intermediate or boundary timer event instead.",
}


def check(
    files: Mapping[str, bytes],
    *,
    forms: Mapping[str, Json] | None = None,
    operations: Collection[str] | None = None,
    chains: Collection[str] | None = None,
    calendars: Calendars | None = None,
) -> dict[str, list[Finding]]:
    """Findings of every diagram and table among the files of one folder.

    `forms` (schema by id), `operations`, `chains` and `calendars` are what exists around the procedure; None: not known, so not
    checked.
    """
    found: dict[str, list[Finding]] = {}
    tables: dict[str, Decisions] = {}
    for path, content in files.items():
        if path.endswith(".dmn"):
            found[path] = []
            try:
                tables[path] = Decisions(content, file=path, beside=files)
            except errors.FileRefused as error:
                found[path].append(broken_file(error, content))
    decisions = {decision for table in tables.values() for decision in table.ids}
    passed = names.Names(frozenset())
    runnable: list[str] = []
    for path, content in files.items():
        if path.endswith(".bpmn"):
            diagram = _Diagram(path, forms, operations, chains, decisions, calendars)
            found[path] = diagram.findings(content)
            passed = diagram.passed(passed)
            if diagram.case is not None:
                runnable.append(path)
    for path in runnable if len(runnable) > 1 else ():
        found[path].append(finding(Code.SEVERAL_PROCESSES, None, severity="warning", processes=", ".join(runnable)))
    for path, table in tables.items():
        known = passed.known if passed.complete else None
        found[path] += [finding(Code.BAD_DECISION, None, at=element, reason=message.rstrip(".")) for element, message in table.check(known)]
        found[path] += [finding(Code.MONEY_CALCULATED, None, at=element, where=element, amount=name) for element, name in table.money()]
    return found


def broken_file(reason: str | errors.FileRefused, content: bytes = b"") -> Finding:
    """The finding of a file that cannot be read at all."""
    text = str(reason.facts["reason"]) if isinstance(reason, errors.FileRefused) else reason
    code = Code.TOO_LARGE if len(content) > LARGEST else Code.DOCTYPE if "DOCTYPE" in text else Code.NOT_XML
    return finding(code, None, reason=text)


def forms_named(files: Mapping[str, bytes]) -> set[str]:
    """Ids of the forms that the diagrams name; diagrams that cannot be read name none."""
    found: set[str | None] = set()
    for path, content in files.items():
        if path.endswith(".bpmn"):
            try:
                read = processes(read_xml(content, path), path)
            except errors.FileRefused:
                continue
            found.update(e.form for p in read for e in p.elements.values())
    return {form for form in found if form}


class _Diagram:
    """The check of one diagram."""

    def __init__(
        self,
        path: str,
        forms: Mapping[str, Json] | None,
        operations: Collection[str] | None,
        chains: Collection[str] | None,
        decisions: Collection[str],
        calendars: Calendars | None,
    ) -> None:
        self.path = path
        self.forms = forms
        self.operations = operations
        self.chains = chains
        self.decisions = decisions
        self.calendars = calendars
        #: the variables of its process, once known
        self.case: names.Names | None = None
        #: inputs of its business rule tasks
        self.handed_over: set[str] = set()

    def findings(self, content: bytes) -> list[Finding]:
        try:
            root = read_xml(content, self.path)
        except errors.FileRefused as error:
            return [broken_file(error, content)]
        if root.tag != BPMN + "definitions":
            return [finding(Code.NOT_BPMN, None, root=etree.QName(root).localname)]
        found = [*strange(root), *_references(root)]
        executable = [process for process in processes(root, self.path) if process.executable]
        if not executable:
            code = Code.NOT_EXECUTABLE if root.find(BPMN + "process") is not None else Code.NO_PROCESS
            return [*found, finding(code, None)]
        if len(executable) > 1:
            found.append(finding(Code.SEVERAL_PROCESSES, None, processes=", ".join(process.id for process in executable)))
        for process in executable:
            found += drawn_wrong(process, root)
            self.case = names.of_case(process, self.forms)
            for element in process.elements.values():
                if all(runs(process.elements[scope], process) for scope in process.around(element)):
                    found += self._element(process, element)
            for flow in process.flows.values():
                if flow.condition and flow.source in process.elements:
                    found += self._condition(process, flow)
        return found

    def passed(self, others: names.Names) -> names.Names:
        """What its decisions may see, beside what those of other diagrams see."""
        if self.case is None:
            return others
        if self.case.known is None or others.known is None:
            return names.UNKNOWN
        seen = others.and_also([*self.case.known, *self.handed_over])
        return names.Names(seen.known, others.complete and self.case.complete)

    # --- one element

    def _element(self, process: Process, element: Element) -> Iterator[Finding]:
        if not runs(element, process):
            remedy = next((REMEDIES[k] for k in (element.loop, element.kind, element.event) if k in REMEDIES), "Use another element.")
            yield finding(Code.UNSUPPORTED_ELEMENT, element, construct=construct(element), remedy=remedy)
            return
        yield from self._needs(element)
        assert self.case is not None
        seen = names.around(process, element, self.case)
        if element.kind == "businessRuleTask":
            self.handed_over.update(target for target, _ in element.inputs)
        for target, text in element.inputs:
            yield from self._text(element, f'input "{target}"', text, seen)
            seen = seen.and_also([target])
        after = names.after(element, seen, self.forms)
        for target, text in element.outputs:
            yield from self._text(element, f'output "{target}"', text, after)
            after = after.and_also([target])
            yield from self._reserved(element, target)
        for setting, text in element.extensions.items():
            if text.startswith("=") and setting.split(".")[0] in _EVALUATED:
                yield from self._text(element, setting, text, seen)
        if chain := element.properties.get("wf.chain"):
            yield from self._text(element, "wf.chain", chain, seen)
        if element.timer:
            yield from self._timer(element, seen)
        calendar = element.properties.get("wf.calendar")
        if calendar and self.calendars is not None and calendar not in self.calendars.names:
            yield finding(Code.UNKNOWN_CALENDAR, element, calendar=calendar)

    def _needs(self, element: Element) -> Iterator[Finding]:
        given, kind = element.extensions, element.kind
        if kind == "startEvent" and element.event:
            yield finding(Code.NO_EFFECT, element, what="The message of the start event")
        operation, decision, form = given.get("taskDefinition.type"), given.get("calledDecision.decisionId"), element.form
        if calls(element) and not operation:
            yield finding(Code.MISSING_OPERATION, element)
        if operation and not operation.startswith("=") and self.operations is not None and operation not in self.operations:
            yield finding(Code.UNKNOWN_OPERATION, element, operation=operation)
        if kind == "businessRuleTask" and not operation:
            if not decision:
                yield finding(Code.MISSING_DECISION, element)
            elif not decision.startswith("=") and decision not in self.decisions:
                yield finding(Code.UNKNOWN_DECISION, element, decision=decision)
            if decision and not given.get("calledDecision.resultVariable"):
                yield finding(Code.MISSING_RESULT, element)
        if kind == "scriptTask" and not operation:
            if not given.get("script.expression"):
                yield finding(Code.MISSING_OPERATION, element)
            elif not given.get("script.resultVariable"):
                yield finding(Code.MISSING_RESULT, element)
        if result := names.result_name(element):
            yield from self._reserved(element, result)
        if form and self.forms is not None and form not in self.forms:
            yield finding(Code.UNKNOWN_FORM, element, form=form)
        elif kind in ("userTask", "startEvent") and not element.outputs:
            for name in sorted({name.split(".")[0] for name in names.from_person(element, self.forms) or ()}):
                yield from self._reserved(element, name)
        if kind == "userTask":
            yield from self._assignment(element)
        for setting in ("taskDefinition.retries", "priorityDefinition.priority", "jobPriorityDefinition.priority"):
            text = given.get(setting, "=")
            if not text.startswith("=") and not text.isdigit():
                yield finding(Code.BAD_NUMBER, element, where=setting, text=text)

    def _assignment(self, element: Element) -> Iterator[Finding]:
        ways = {
            "wf.chain": element.properties.get("wf.chain"),
            "wf.for": element.properties.get("wf.for"),
            **{f"assignmentDefinition.{k}": element.extensions.get(f"assignmentDefinition.{k}") for k in _PEOPLE},
        }
        named = [way for way, text in ways.items() if text]
        if not named:
            yield finding(Code.MISSING_ASSIGNMENT, element)
        if len(named) > 1 and named[0] in ("wf.chain", "wf.for"):
            yield finding(Code.TWO_ASSIGNMENTS, element, one=named[0], other=named[1])
        chain = ways["wf.chain"]
        if chain and not chain.startswith("=") and self.chains is not None and chain not in self.chains:
            yield finding(Code.UNKNOWN_CHAIN, element, chain=chain)
        due = element.extensions.get("taskSchedule.dueDate", "=")
        if not due.startswith("="):
            yield from _readable(element, due, timers.moment, self._calendar(element))

    def _timer(self, element: Element, seen: names.Names) -> Iterator[Finding]:
        timer = element.timer
        assert timer is not None
        if timer.text.startswith("="):
            yield from self._text(element, "timer", timer.text, seen)
        else:
            read = {"cycle": timers.cycle, "duration": timers.after}.get(timer.kind, timers.moment)
            yield from _readable(element, timer.text, read, self._calendar(element))

    def _calendar(self, element: Element) -> Calendar | None:
        """The element's calendar; one that is not known here is as good as the ordinary one for reading a duration."""
        name, known = element.properties.get("wf.calendar"), self.calendars or _ORDINARY
        return known.get(name if name in known.names else "office") if name else None

    def _reserved(self, element: Element, name: str) -> Iterator[Finding]:
        if name in names.GIVEN:
            yield finding(Code.RESERVED_NAME, element, name=name)

    # --- expressions

    def _condition(self, process: Process, flow: Flow) -> Iterator[Finding]:
        source = process.elements[flow.source]
        assert self.case is not None
        seen = names.around(process, source, self.case)
        yield from self._feel(source, f"condition of {flow.name or flow.id}", flow.condition or "", seen)

    def _text(self, element: Element, where: str, text: str, seen: names.Names) -> Iterator[Finding]:
        if text.startswith("="):
            yield from self._feel(element, where, text[1:], seen)

    def _feel(self, element: Element, where: str, text: str, seen: names.Names) -> Iterator[Finding]:
        if "${" in text or "#{" in text:
            yield finding(Code.FOREIGN_VOCABULARY, element, attributes=f"{where}: {_short(text)}")
            return
        code, severity, wrong = Code.BAD_EXPRESSION, None, expressions.check(text)[:1]
        if not wrong and seen.known is not None:
            code, severity = Code.UNKNOWN_VARIABLE, None if seen.complete else "warning"
            wrong = expressions.check(text, names=seen.known)
        for problem in wrong:
            place, reason = problem.from_ + 1, problem.message.rstrip(".")
            yield finding(code, element, severity=severity, where=where, expression=_short(text), position=place, reason=reason)
        for amount in expressions.money(text):
            yield finding(Code.MONEY_CALCULATED, element, where=where, amount=amount)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"


#: extension elements whose values may be FEEL
_EVALUATED = frozenset(
    ("assignmentDefinition", "taskSchedule", "priorityDefinition", "jobPriorityDefinition", "taskDefinition", "calledDecision", "script")
)
_PEOPLE = ("assignee", "candidateGroups", "candidateUsers")


def _readable(
    element: Element, text: str, read: Callable[[str, dt.datetime, Calendar | None], object], calendar: Calendar | None
) -> Iterator[Finding]:
    try:
        read(text, _NOW, calendar)
    except errors.FeelError as error:
        yield finding(Code.BAD_TIMER, element, text=text, reason=error.facts["reason"])
    except errors.PartwellError as error:
        yield finding(Code.BAD_TIMER, element, text=text, reason=error.message.rstrip("."))


def _references(root: etree._Element) -> Iterator[Finding]:
    """Events that refer to a message, signal, error or escalation the file does not hold."""
    for kind in ("message", "signal", "error", "escalation"):
        known = {node.get("id") for node in root.iter(BPMN + kind)}
        for definition in root.iter(f"{BPMN}{kind}EventDefinition"):
            reference = definition.get(kind + "Ref")
            if reference and reference not in known:
                yield finding(
                    Code.UNRESOLVED_REFERENCE,
                    None,
                    at=definition.getparent().get("id"),
                    where="The event",
                    what=f"{kind} {reference}",
                )
