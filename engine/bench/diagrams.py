"""Diagrams of the benchmarks that are too regular to be drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from xml.sax.saxutils import escape

_HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    ' xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
    ' xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
    ' id="bench" targetNamespace="https://partwell.example/bench"><bpmn:process id="process" name="测量" isExecutable="true">'
)
_ENDS = '<bpmn:startEvent id="start" name="开始"/><bpmn:endEvent id="end" name="结束"/>'


def _task(id: str, who: str) -> str:
    return (
        f'<bpmn:userTask id="{id}" name="{id}"><bpmn:extensionElements><zeebe:userTask/><zeebe:assignmentDefinition {who}/>'
        "</bpmn:extensionElements></bpmn:userTask>"
    )


def _flow(source: str, target: str, condition: str = "") -> str:
    inner = f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression>' if condition else ""
    return f'<bpmn:sequenceFlow id="{source}_to_{target}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'


def _diagram(parts: Iterable[str]) -> bytes:
    return f"{_HEAD}{_ENDS}{''.join(parts)}</bpmn:process></bpmn:definitions>".encode()


#: whoever holds the benchmark's role
OFFERED = 'candidateGroups="=[&quot;bench&quot;]"'


def row(length: int, who: str = OFFERED) -> bytes:
    """So many user tasks one after another: `task_1`, `task_2` …"""
    tasks = [f"task_{number}" for number in range(1, length + 1)]
    return _diagram([*(_task(task, who) for task in tasks), *(_flow(a, b) for a, b in pairwise(["start", *tasks, "end"]))])


def loop(laps: int) -> bytes:
    """A user task `task` that is passed so many times."""
    parts = (
        '<bpmn:scriptTask id="count" name="计数"><bpmn:extensionElements>'
        '<zeebe:script expression="=if lap = null then 1 else lap + 1" resultVariable="lap"/></bpmn:extensionElements></bpmn:scriptTask>',
        '<bpmn:exclusiveGateway id="again" name="还有？" default="again_to_task"/>',
        '<bpmn:exclusiveGateway id="merge"/>',
        _task("task", OFFERED),
        _flow("start", "merge"),
        _flow("merge", "task"),
        _flow("task", "count"),
        _flow("count", "again"),
        _flow("again", "end", f"=lap &gt;= {laps}"),
        '<bpmn:sequenceFlow id="again_to_task" sourceRef="again" targetRef="merge"/>',
    )
    return _diagram(parts)


def approval(chain: str) -> bytes:
    """A user task `approve` that this chain signs."""
    properties = f'<zeebe:properties><zeebe:property name="wf.chain" value="{chain}"/></zeebe:properties>'
    task = f'<bpmn:userTask id="approve" name="审批"><bpmn:extensionElements>{properties}</bpmn:extensionElements></bpmn:userTask>'
    return _diagram([task, _flow("start", "approve"), _flow("approve", "end")])


def side_by_side(width: int) -> bytes:
    """So many user tasks at the same time, `task_1`, `task_2` …, all of which must be done."""
    tasks = [f"task_{number}" for number in range(1, width + 1)]
    gates = '<bpmn:parallelGateway id="fork"/><bpmn:parallelGateway id="join"/>'
    flows = [_flow("start", "fork"), _flow("join", "end"), *(_flow("fork", task) + _flow(task, "join") for task in tasks)]
    return _diagram([gates, *(_task(task, OFFERED) for task in tasks), *flows])


def call(operation: str) -> bytes:
    """One operation call and nothing else."""
    work = f'<zeebe:taskDefinition type="{operation}" retries="3"/>'
    task = f'<bpmn:serviceTask id="call" name="调用"><bpmn:extensionElements>{work}</bpmn:extensionElements></bpmn:serviceTask>'
    return _diagram([task, _flow("start", "call"), _flow("call", "end")])


def pause(duration: str) -> bytes:
    """One timer event, such as `P30D`, and nothing else."""
    timer = f'<bpmn:timerEventDefinition id="timer"><bpmn:timeDuration>{duration}</bpmn:timeDuration></bpmn:timerEventDefinition>'
    event = f'<bpmn:intermediateCatchEvent id="pause" name="等待">{timer}</bpmn:intermediateCatchEvent>'
    return _diagram([event, _flow("start", "pause"), _flow("pause", "end")])


def _feel(text: str) -> str:
    return escape(f"={text}", {'"': "&quot;"})


def _script(id: str, text: str, variable: str) -> str:
    script = f'<zeebe:script expression="{_feel(text)}" resultVariable="{variable}"/>'
    return f'<bpmn:scriptTask id="{id}" name="{id}"><bpmn:extensionElements>{script}</bpmn:extensionElements></bpmn:scriptTask>'


def _service(id: str, operation: str, number: int) -> str:
    mapping = f'<zeebe:ioMapping><zeebe:input source="={{number: amount_{number}}}" target="given"/>'
    mapping += f'<zeebe:output source="=result" target="{id}_answer"/></zeebe:ioMapping>'
    inner = f'<bpmn:extensionElements><zeebe:taskDefinition type="{operation}" retries="3"/>{mapping}</bpmn:extensionElements>'
    return f'<bpmn:serviceTask id="{id}" name="{id}">{inner}</bpmn:serviceTask>'


def office(elements: int) -> dict[str, bytes]:
    """A procedure of about so many elements as people draw them, with expressions, forms, a drawing and rules about its order."""
    parts, flows, rounds = [], [_flow("start", "fill_1")], max(1, (elements - 2) // 10)
    for n in range(1, rounds + 1):
        parts += [
            f'<bpmn:userTask id="fill_{n}" name="填写 {n}"><bpmn:extensionElements><zeebe:formDefinition formId="bench"/>'
            f'<zeebe:assignmentDefinition candidateGroups="bench"/>'
            '<zeebe:taskSchedule dueDate="=now() + duration(&quot;P2D&quot;)"/><zeebe:ioMapping>'
            f'<zeebe:output source="=amount" target="amount_{n}"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:userTask>',
            _script(f"count_{n}", f"if amount_{n} > 3 then amount_{n} + 1 else 0", f"count_{n}_of"),
            f'<bpmn:exclusiveGateway id="which_{n}" name="哪种？" default="which_{n}_to_right_{n}"/>',
            _task(f"left_{n}", OFFERED),
            _service(f"right_{n}", "bench.ask", n),
            f'<bpmn:exclusiveGateway id="merge_{n}"/><bpmn:parallelGateway id="fork_{n}"/><bpmn:parallelGateway id="join_{n}"/>',
            _task(f"one_{n}", OFFERED),
            _service(f"other_{n}", "bench.tell", n),
        ]
        flows += [
            *(_flow(a, b) for a, b in pairwise([f"fill_{n}", f"count_{n}", f"which_{n}"])),
            _flow(f"which_{n}", f"left_{n}", _feel(f'amount_{n} > 3 and substring("x", 1) != "y"')),
            _flow(f"which_{n}", f"fill_{max(1, n - 1)}", _feel(f"count_{n}_of > 10")),
            *(_flow(a, b) for a, b in pairwise([f"which_{n}", f"right_{n}", f"merge_{n}", f"fork_{n}", f"one_{n}", f"join_{n}"])),
            *(_flow(a, b) for a, b in ((f"left_{n}", f"merge_{n}"), (f"fork_{n}", f"other_{n}"), (f"other_{n}", f"join_{n}"))),
            _flow(f"join_{n}", f"fill_{n + 1}" if n < rounds else "end"),
        ]
    process = f"{_HEAD}{_ENDS}{''.join([*parts, *flows])}</bpmn:process>"
    ids = re.findall(r'<bpmn:\w+(?:Task|Gateway|Event) id="(\w+)"', process)
    places = {id: (at % 20 * 200, at // 20 * 99) for at, id in enumerate(ids)}
    boxes = "".join(
        f'<bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}"><dc:Bounds x="{x}" y="{y}" width="90" height="80"/></bpmndi:BPMNShape>'
        for id, (x, y) in places.items()
    )
    edges = "".join(
        f'<bpmndi:BPMNEdge id="{id}_di" bpmnElement="{id}">'
        f'<di:waypoint x="{places[source][0] + 90}" y="{places[source][1] + 40}"/>'
        f'<di:waypoint x="{places[target][0]}" y="{places[target][1] + 40}"/></bpmndi:BPMNEdge>'
        for id, source, target in re.findall(r'<bpmn:sequenceFlow id="(\w+)" sourceRef="(\w+)" targetRef="(\w+)"', process)
    )
    drawing = (
        f'<bpmndi:BPMNDiagram id="d"><bpmndi:BPMNPlane id="p" bpmnElement="process">{boxes}{edges}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>'
    )
    last = f"fill_{rounds}"
    before = [f"{step}_{n}" for n in range(1, min(rounds, 4)) for step in ("fill", "which", "join")]
    form = {
        "id": "bench",
        "type": "default",
        "components": [{"type": "number", "key": "amount", "label": "数", "properties": {"label_en": "n"}}],
    }
    return {
        "office.bpmn": f"{process}{drawing}</bpmn:definitions>".encode(),
        "forms/bench.form": json.dumps(form).encode(),
        "rules.json": json.dumps({"before": {last: before}, "since": {"fill_1": {last: before[1:4]}}}).encode(),
    }
