"""Diagrams for tests, written in a line or two each, and a player that takes a case through one."""

from __future__ import annotations

import datetime as dt
from xml.sax.saxutils import escape, quoteattr

import pytest

from engine.bpmn.advance import Advance
from engine.bpmn.parser import processes
from engine.bpmn.program import Others, Program
from engine.bpmn.reader import read_xml

NOW = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="definitions" targetNamespace="http://example.org/partwell">'
)

DRAWING = (
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
)


def node(tag: str, id: str, *inner: str, **attributes: str) -> str:
    """One BPMN element; `inner` are its children, those of zeebe: are put into extensionElements."""
    extensions = "".join(part for part in inner if part.startswith("<zeebe:"))
    others = "".join(part for part in inner if not part.startswith("<zeebe:"))
    if extensions:
        others = f"<bpmn:extensionElements>{extensions}</bpmn:extensionElements>{others}"
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<bpmn:{tag} id={quoteattr(id)}{given}>{others}</bpmn:{tag}>"


def zeebe(tag: str, *inner: str, **attributes: str) -> str:
    """One extension element."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<zeebe:{tag}{given}>{''.join(inner)}</zeebe:{tag}>"


def user(id: str, *inner: str, **attributes: str) -> str:
    """A user task of the role hr."""
    return node("userTask", id, zeebe("assignmentDefinition", candidateGroups="hr"), *inner, **attributes)


def service(id: str, *inner: str, operation: str = "ehr.employee", **attributes: str) -> str:
    """A service task."""
    return node("serviceTask", id, zeebe("taskDefinition", type=operation), *inner, **attributes)


def mapping(inputs: dict[str, str] | None = None, outputs: dict[str, str] | None = None) -> str:
    """An ioMapping, variable -> text."""
    lines = [zeebe("input", target=t, source=s) for t, s in (inputs or {}).items()]
    return zeebe("ioMapping", *lines, *(zeebe("output", target=t, source=s) for t, s in (outputs or {}).items()))


def event(kind: str, **attributes: str) -> str:
    """An event definition, such as `event("error", errorRef="E")`."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<bpmn:{kind}EventDefinition{given}/>"


def timer(**times: str) -> str:
    """A timer definition: duration=, date= or cycle=."""
    [(kind, text)] = times.items()
    tag = f"bpmn:time{kind.capitalize()}"
    return f"<bpmn:timerEventDefinition><{tag}>{escape(text)}</{tag}></bpmn:timerEventDefinition>"


def flows(*lines: str) -> str:
    """Sequence flows: `a > b`, or with a FEEL condition `a > b: x > 1`. Their ids are `a_b`."""
    drawn = ""
    for line in lines:
        ends, _, condition = line.partition(":")
        source, target = (end.strip() for end in ends.split(" > "))
        text = f"<bpmn:conditionExpression>={escape(condition.strip())}</bpmn:conditionExpression>" if condition else ""
        drawn += f'<bpmn:sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{text}</bpmn:sequenceFlow>'
    return drawn


def diagram(*body: str, named: str = "", id: str = "process") -> bytes:
    """A file with one executable process; `named` holds messages, errors and the like."""
    process = f'<bpmn:process id="{id}" name="流程" isExecutable="true">{"".join(body)}</bpmn:process>'
    return f"{HEAD}{named}{process}</bpmn:definitions>".encode()


def boxes(xml: bytes) -> bytes:
    """The same file with a drawing: every node in a row, every flow a straight line."""
    shapes, edges, place = "", "", {}
    for number, element in enumerate(e for p in processes(read_xml(xml, "test"), "test") for e in p.elements.values()):
        x, place[element.id] = number * 140, number * 140
        size = 'width="36" height="36"' if element.kind.endswith("Event") else 'width="100" height="80"'
        bounds = f'<dc:Bounds x="{x}" y="60" {size}/>'
        shapes += f'<bpmndi:BPMNShape id="{element.id}_di" bpmnElement="{element.id}">{bounds}</bpmndi:BPMNShape>'
    for process in processes(read_xml(xml, "test"), "test"):
        for flow in process.flows.values():
            points = "".join(f'<di:waypoint x="{place[end] + 20}" y="80"/>' for end in (flow.source, flow.target))
            edges += f'<bpmndi:BPMNEdge id="{flow.id}_di" bpmnElement="{flow.id}">{points}</bpmndi:BPMNEdge>'
    plane = f'<bpmndi:BPMNPlane id="plane" bpmnElement="process">{shapes}{edges}</bpmndi:BPMNPlane>'
    drawing = f'<bpmndi:BPMNDiagram id="drawing" {DRAWING}>{plane}</bpmndi:BPMNDiagram></bpmn:definitions>'
    return xml.replace(b"</bpmn:definitions>", drawing.encode())


def sub(id: str, *inner: str, **attributes: str) -> str:
    return node("subProcess", id, *inner, **attributes)


def boundary(id: str, host: str, definition: str, *inner: str, interrupting: bool = True) -> str:
    return node("boundaryEvent", id, *inner, definition, attachedToRef=host, cancelActivity=str(interrupting).lower())


def event_sub(id: str, start: str, *inner: str, interrupting: bool = True) -> str:
    """An event sub-process; its start event is called `id` + "_start" and has the definition `start`."""
    begin = node("startEvent", f"{id}_start", start, isInterrupting=str(interrupting).lower())
    return node("subProcess", id, begin, *inner, triggeredByEvent="true")


def condition(text: str) -> str:
    """The definition of a conditional event."""
    return f"<bpmn:conditionalEventDefinition><bpmn:condition>={escape(text)}</bpmn:condition></bpmn:conditionalEventDefinition>"


def many(until: str = "", *, sequential: bool = False, cardinality: str = "", **given: str) -> str:
    """Multi-instance: inputCollection=, inputElement=, outputCollection=, outputElement=."""
    loop = f"<bpmn:extensionElements>{zeebe('loopCharacteristics', **given)}</bpmn:extensionElements>" if given else ""
    times = f"<bpmn:loopCardinality>{escape(cardinality)}</bpmn:loopCardinality>" if cardinality else ""
    end = f"<bpmn:completionCondition>={escape(until)}</bpmn:completionCondition>" if until else ""
    tag = "bpmn:multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{str(sequential).lower()}">{loop}{times}{end}</{tag}>'


def again(while_: str = "", *, first: bool = False, maximum: int | None = None) -> str:
    """A standard loop; `first`: the condition is asked before the first round."""
    most = f' loopMaximum="{maximum}"' if maximum is not None else ""
    asked = f"<bpmn:loopCondition>={escape(while_)}</bpmn:loopCondition>" if while_ else ""
    tag = "bpmn:standardLoopCharacteristics"
    return f'<{tag} testBefore="{str(first).lower()}"{most}>{asked}</{tag}>'


def call(id: str, process: str, *inner: str, **settings: str) -> str:
    """A call activity."""
    return node("callActivity", id, zeebe("calledElement", processId=process, **settings), *inner)


def message(id: str, name: str, key: str = "") -> str:
    """A message of the file."""
    inner = f"<bpmn:extensionElements>{zeebe('subscription', correlationKey=key)}</bpmn:extensionElements>" if key else ""
    return f'<bpmn:message id="{id}" name={quoteattr(name)}>{inner}</bpmn:message>'


def undone(boundary_id: str, handler: str) -> str:
    """The association from a compensation boundary event to its handler."""
    return f'<bpmn:association id="{boundary_id}_{handler}" sourceRef="{boundary_id}" targetRef="{handler}"/>'


START, END = node("startEvent", "start"), node("endEvent", "end")


class Play:
    """A case that is taken through a diagram; `restored`: it is dumped and restored after every action."""

    def __init__(
        self,
        *body: str,
        restored: bool = False,
        named: str = "",
        files: dict[str, bytes] | None = None,
        others: Others | None = None,
        at: str | None = None,
        **variables: object,
    ):
        self.program = Program({"test.bpmn": diagram(*body, named=named), **(files or {})}, version="1", others=others)
        self.restored = restored
        self.now = NOW
        self.execution, advance = self.program.start(variables, now=self.now, at=at)
        self.seen = Advance()
        self.noted(advance)

    def noted(self, advance: Advance | None) -> Advance:
        assert advance is not None
        self.last = advance
        for part in ("opened", "requested", "scheduled", "awaited", "thrown", "left", "passed", "stuck", "written"):
            getattr(self.seen, part).extend(getattr(advance, part))
        stored = self.execution.dump()
        again = self.program.restore(stored)
        assert again.dump() == stored, "what is restored dumps as the same bytes"
        assert sorted(i for i, _ in again.waiting()) == sorted(i for i, _ in self.execution.waiting())
        if self.restored:
            self.execution = again
        return advance

    def instance(self, element: str) -> str:
        return next(instance for instance, e in self.execution.waiting() if e.id == element)

    def done(self, element: str, **values: object) -> Advance:
        return self.noted(self.execution.complete(self.instance(element), values, now=self.now))

    def answered(self, element: str, value: object = None) -> Advance:
        return self.noted(self.execution.answer(self.instance(element), value, now=self.now))

    def fired(self, element: str) -> Advance:
        return self.noted(self.execution.fire(self.instance(element), now=self.now))

    def delivered(self, element: str, **values: object) -> Advance:
        return self.noted(self.execution.deliver(self.instance(element), values, now=self.now))

    def failed(self, element: str, code: str) -> Advance | None:
        advance = self.execution.error(self.instance(element), code, "said so", now=self.now)
        return self.noted(advance) if advance else None

    def retried(self, element: str, **variables: object) -> Advance:
        return self.noted(self.execution.retry(self.instance(element), now=self.now, variables=variables))

    @property
    def waits(self) -> str:
        """Elements that wait, sorted, with blanks between."""
        return " ".join(sorted(e.id for _, e in self.execution.waiting()))

    @property
    def values(self) -> dict[str, object]:
        return self.execution.variables()

    @property
    def passed(self) -> str:
        return " ".join(p.element for p in self.seen.passed)


@pytest.fixture(params=[False, True], ids=["live", "restored"], autouse=True)
def both_ways(request):
    """Every test runs twice: with the live case, and with one that is dumped and restored after every action."""
    original = Play.__init__

    def init(self, *body, **options):
        original(self, *body, restored=request.param, **options)

    Play.__init__ = init
    yield request.param
    Play.__init__ = original
