"""The check of one diagram, element by element."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from ... import errors
from ...calendar import Calendars
from ...ports import Json
from .. import names
from ..codes import Code
from ..drawing import drawn_wrong
from ..findings import Finding, broken_file, finding
from ..model import Called, Element, Flow, Process
from ..normalise import calls, construct, repeats, runs
from ..parser import processes_of
from ..reader import BPMN, read_xml
from ..vocabulary import strange
from . import data, operations, texts
from .calls import Calls
from .people import People, assigned, unlimited
from .soundness import unsound
from .style import advice

#: what to draw or say instead, by kind of loop, element or event
REMEDIES = {
    "multiInstance": "Say for which list it runs, or how many times.",
    "standard": "Give the loop a condition, or say how many times it runs at most.",
    "complexGateway": "Use exclusive or inclusive gateways instead.",
    "adHocSubProcess": "Draw the possible steps with gateways instead.",
    "callActivity": "Name the called process by its id.",
    "eventSubProcess": "Give it exactly one start event, with a trigger, and no flow that leads in.",
    "receiveTask": "Name the message it waits for.",
    "message": "Name the message.",
    "signal": "Name the signal.",
    "timer": "A case is about somebody and somebody starts it, which no clock can say. Let people or a message start it; wait inside it.",
    "conditional": "Enter its condition; a case cannot start with one.",
    "error": "Use it where an activity or sub-process can raise it.",
    "escalation": "Use it where an activity or sub-process can raise it.",
    "compensate": "Connect it with the activity that undoes the step. To undo a sub-process from inside, draw it once, in there.",
    "cancel": "Use it only in and on a transaction, with both events drawn.",
    "multiple": "Draw one event for each of them.",
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What exists around a diagram; None: not known, so not checked."""

    forms: Mapping[str, Json] | None
    operations: Collection[str] | None
    chains: Collection[str] | None
    #: approval chain -> whether each of its steps has a limit; those of which it is known
    timed: Mapping[str, bool]
    people: People | None
    calendars: Calendars | None
    #: in the tables of the folder
    decisions: Collection[str]
    #: the processes of the folder
    calls: Calls
    #: whether advice is wanted
    advice: bool
    #: whether files with a process of the same id may be different procedures that lie in one folder
    apart: bool


class Diagram:
    """The check of one diagram."""

    def __init__(self, path: str, known: Known) -> None:
        self.path = path
        self.known = known
        #: the variables of its executable processes and the inputs of their business rule tasks: what its decisions may see
        self.seen = names.Names(frozenset())
        #: ids of the elements with a script that is never run
        self.scripts: set[str | None] = set()
        #: ids of the decisions it calls
        self.decides: set[str] = set()
        #: whether a case may begin with it: no other process calls it
        self.main = False

    def findings(self, content: bytes) -> list[Finding]:
        try:
            root = read_xml(content, self.path)
        except errors.FileRefused as error:
            return [broken_file(error, content)]
        if root.tag != BPMN + "definitions":
            return [finding(Code.NOT_BPMN, None, root=etree.QName(root).localname)]
        found = [*strange(root), *_references(root)]
        self.scripts = {one.element for one in found if one.code == Code.PYTHON_SCRIPT}
        every = processes_of(content, self.path)
        executable = [process for process in every if process.executable]
        if not executable:
            return [*found, finding(Code.NOT_EXECUTABLE if every else Code.NO_PROCESS, None)]
        main = [process.id for process in executable if not self.known.calls.of(process.id)]
        if len(main) > 1:
            found.append(finding(Code.SEVERAL_PROCESSES, None, processes=", ".join(main)))
        self.main = bool(main)
        for process in every:
            if process.executable:
                if self.known.calls.processes[process.id].file != self.path:
                    found.append(
                        finding(
                            Code.DUPLICATE_ID,
                            None,
                            severity="warning" if self.known.apart else None,
                            at=process.id,
                            called=process.name,
                            id=process.id,
                        )
                    )
                found += self._process(process, root)
            elif process.elements:
                what = f'The process "{process.name}", which is not marked executable,'
                found.append(finding(Code.NO_EFFECT, None, at=process.id, called=process.name, what=what))
        return found

    def _process(self, process: Process, root: etree._Element) -> Iterator[Finding]:
        drawn = list(drawn_wrong(process, root))
        yield from drawn
        if not any(one.severity == "error" and one.code != Code.NEVER_JOINS for one in drawn):
            yield from unsound(process, [one.element for one in drawn if one.code == Code.NEVER_JOINS])
        case = self.known.calls.names(process)
        self.seen = names.together(self.seen, case)
        for element in process.elements.values():
            if all(runs(process.elements[scope], process) for scope in process.around(element)):
                yield from self._element(process, element, case)
        for flow in process.flows.values():
            if flow.condition and flow.source in process.elements:
                yield from self._condition(process, flow, case)
        yield from data.written_twice(process, self.known.forms)
        yield from data.uncaught(process, self.known.calls)
        if self.known.advice:
            for element in process.elements.values():
                yield from unlimited(process, element, self.known.timed) if element.kind == "userTask" else ()
            yield from advice(process, root)

    # --- one element

    def _element(self, process: Process, element: Element, case: names.Names) -> Iterator[Finding]:
        if not runs(element, process):
            reasons = (element.kind, element.event) if repeats(element) else (element.loop,)
            remedy = next((REMEDIES[reason] for reason in reasons if reason in REMEDIES), "Use another element.")
            yield finding(Code.UNSUPPORTED_ELEMENT, element, construct=construct(element), remedy=remedy)
            return
        yield from self._needs(element)
        outside = names.around(process, element, case)
        yield from self._repeated(element, outside)
        seen = names.inside(element, outside)
        if element.inputs and _takes_none(process, element):
            yield finding(Code.NO_EFFECT, element, what="zeebe:input")
        if element.kind == "businessRuleTask":
            self.seen = self.seen.and_also(target for target, _ in element.inputs)
            self.decides.add(element.extensions.get("calledDecision.decisionId", ""))
        for target, text in element.inputs:
            yield from texts.value(element, f'input "{target}"', text, seen)
            seen = seen.and_also([target])
        after = self.known.calls.after(element, names.after(element, seen, self.known.forms))
        for target, text in element.outputs:
            yield from texts.value(element, f'output "{target}"', text, after)
            after = after.and_also([target])
            yield from self._reserved(element, target)
        if told := operations.description(element, self.known.calls.told):
            yield from operations.handed(element, told)
            yield from operations.read(element, told, seen)
        if element.multi is not None and element.multi.output_element:
            yield from texts.value(element, "loopCharacteristics.outputElement", element.multi.output_element, after)
        for setting, text in element.extensions.items():
            if text.startswith("=") and setting.split(".")[0] in _EVALUATED:
                yield from texts.value(element, setting, text, seen)
        for where, given in (
            ("wf.chain", element.properties.get("wf.chain")),
            ("correlationKey", element.key),
            ("name", element.reference),
        ):
            yield from texts.value(element, where, given or "", seen)
        if element.condition:
            yield from texts.feel(element, "condition", element.condition, outside)
        if element.timer:
            yield from texts.timer(element, outside, self.known.calendars)
        calendar = element.properties.get("wf.calendar")
        if calendar and self.known.calendars is not None and calendar not in self.known.calendars.names:
            yield finding(Code.UNKNOWN_CALENDAR, element, calendar=calendar)

    def _repeated(self, element: Element, seen: names.Names) -> Iterator[Finding]:
        """What a multi-instance activity or a loop evaluates."""
        if element.multi is not None:
            yield from texts.value(element, "loopCharacteristics.inputCollection", element.multi.collection, seen)
            number = element.multi.cardinality or "1"
            if not number.startswith("=") and not number.isdigit():
                yield finding(Code.BAD_NUMBER, element, where="loopCardinality", text=number)
            yield from texts.value(element, "loopCardinality", number, seen)
            if element.multi.until:
                yield from texts.feel(element, "completionCondition", element.multi.until, names.inside(element, seen))
        if element.repeat is not None and element.repeat.condition:
            yield from texts.feel(element, "loopCondition", element.repeat.condition, names.inside(element, seen))

    def _needs(self, element: Element) -> Iterator[Finding]:
        given, kind = element.extensions, element.kind
        operation, decision, form = given.get("taskDefinition.type"), given.get("calledDecision.decisionId"), element.form
        if calls(element) and not operation:
            yield finding(Code.MISSING_OPERATION, element)
        if operation and not operation.startswith("=") and self.known.operations is not None and operation not in self.known.operations:
            yield finding(Code.UNKNOWN_OPERATION, element, operation=operation)
        if kind == "businessRuleTask" and not operation:
            if not decision:
                yield finding(Code.MISSING_DECISION, element)
            elif not decision.startswith("=") and decision not in self.known.decisions:
                yield finding(Code.UNKNOWN_DECISION, element, decision=decision)
            if decision and not given.get("calledDecision.resultVariable"):
                yield finding(Code.MISSING_RESULT, element)
        if element.called is not None:
            yield from self._called(element, element.called)
        if element.event == "message" and element.key is None and kind in _CATCHES and element.scope:
            yield finding(Code.MISSING_KEY, element, message=element.reference)
        if kind == "scriptTask" and not operation:
            if not given.get("script.expression"):
                if element.id not in self.scripts:
                    yield finding(Code.MISSING_OPERATION, element)
            elif not given.get("script.resultVariable"):
                yield finding(Code.MISSING_RESULT, element)
        if result := names.result_name(element):
            yield from self._reserved(element, result)
        if form and self.known.forms is not None and form not in self.known.forms:
            yield finding(Code.UNKNOWN_FORM, element, form=form)
        elif kind in ("userTask", "startEvent") and not element.outputs:
            for name in sorted({name.split(".")[0] for name in names.from_person(element, self.known.forms) or ()}):
                yield from self._reserved(element, name)
        if kind == "userTask":
            yield from assigned(element, self.known.chains, self.known.people)
            yield from texts.due(element, self.known.calendars)
        for setting in ("taskDefinition.retries", "priorityDefinition.priority", "jobPriorityDefinition.priority"):
            text = given.get(setting, "=")
            if not text.startswith("=") and not text.isdigit():
                yield finding(Code.BAD_NUMBER, element, where=setting, text=text)

    def _called(self, element: Element, called: Called) -> Iterator[Finding]:
        if called.process in self.known.calls.processes:
            return
        severity = "note" if called.binding == "latest" else None
        yield finding(Code.UNKNOWN_PROCESS, element, severity=severity, process=called.process)

    def _reserved(self, element: Element, name: str) -> Iterator[Finding]:
        if name in names.GIVEN:
            yield finding(Code.RESERVED_NAME, element, name=name)

    # --- expressions

    def _condition(self, process: Process, flow: Flow, case: names.Names) -> Iterator[Finding]:
        source = process.elements[flow.source]
        seen = names.around(process, source, case)
        yield from texts.feel(source, f"condition of {flow.name or flow.id}", flow.condition or "", seen)


#: what waits for a message and needs to know which one is meant
_CATCHES = ("intermediateCatchEvent", "boundaryEvent", "receiveTask")
#: extension elements whose values may be FEEL
_EVALUATED = frozenset(
    ("assignmentDefinition", "taskSchedule", "priorityDefinition", "jobPriorityDefinition", "taskDefinition", "calledDecision", "script")
)


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


def _takes_none(process: Process, element: Element) -> bool:
    """Whether no input mapping is evaluated: for what begins only once an event has happened."""
    behind = (process.flows[flow].source for flow in element.incoming)
    decided = any(process.elements[source].kind == "eventBasedGateway" for source in behind if source in process.elements)
    handler = element.kind == "startEvent" and element.scope != process.id and element.event is not None
    return element.kind == "boundaryEvent" or handler or decided
