"""Diagrams of the benchmarks that are too regular to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

_HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
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
