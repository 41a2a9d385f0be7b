"""Walks through any deployed diagram by chance, but repeatably: answers tasks, operations, timers and messages, with values that its
own conditions ask for, and notes which elements and which flows out of gateways it took."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections.abc import Mapping

from engine import errors
from engine.bpmn import expressions
from engine.bpmn.model import Element, Process
from engine.bpmn.program import Program

NOW = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)


class Explorer:
    """The walks of one version; `seen` and `taken` are ids of the elements and of the flows out of gateways."""

    def __init__(self, files: Mapping[str, bytes], seed: int) -> None:
        self.program = Program(files, version="1")
        self.forms = {path.split("/")[-1].removesuffix(".form"): json.loads(c) for path, c in files.items() if path.endswith(".form")}
        self.chance = random.Random(seed)
        self.seen: set[str] = set()
        self.taken: set[str] = set()
        self.stuck: list[str] = []
        self.endings = 0
        self.parts = list(self.program.processes.values())
        texts = [text for process in self.parts for text in _texts(process)]
        self.asked = sorted({name for text in texts for name in _uses(text)})
        lists = {e.multi.collection[1:].strip() for part in self.parts for e in part.elements.values() if e.multi}
        conditions = {flow.condition for part in self.parts for flow in part.flows.values() if flow.condition}
        self.domain = _domain(texts, lists, conditions)
        for part in self.parts:
            for element in part.elements.values():
                groups = element.extensions.get("assignmentDefinition.candidateGroups", "")
                self.domain |= {groups[1:]: [["hr"]]} if groups.startswith("=") else {}
                self.domain |= {element.timer.text[1:]: ["PT1H"]} if element.timer and element.timer.text.startswith("=") else {}
                handed_on = {text.removeprefix("=").strip(): self.domain[to] for to, text in element.outputs if to in self.domain}
                self.domain |= {text: values for text, values in handed_on.items() if text not in self.domain}
                self.domain |= {element.key[1:].strip(): ["k"]} if element.key and element.key.startswith("=") else {}

    def walk(self, steps: int = 60) -> None:
        """One case from a start event by chance."""
        starts = [e.id for e in self.program.starts] or [None]
        at = self.chance.choice(starts)
        form = self.program.element(at).form if at else self.program.start_form
        given = self.values(form)
        if at and self.program.element(at).event:
            given |= {name.split(".")[0]: self.value(name) for name in self.asked if "." not in name}
        given |= {name: {"id": "p1", "name": "甲"} for name in ("subject", "initiator")} | {"case": {"number": "2026-1"}}
        execution, advance = self.program.start(given, now=NOW, at=at)
        self.note(advance)
        now = NOW
        for _ in range(steps):
            waiting = execution.waiting()
            if execution.finished or not waiting:
                break
            now += dt.timedelta(hours=1)
            instance, element = self.chance.choice(waiting)
            try:
                advance = self.act(execution, instance, element, now)
            except errors.FlowStuck:
                advance = execution.retry(instance, now=now, variables=self.answer())
            except errors.NotFound:
                continue
            if advance is not None:
                self.note(advance)
            execution = self.program.restore(execution.dump())
        self.endings += execution.finished

    def act(self, execution, instance: str, element: Element, now: dt.datetime):
        """What the element waits for, done."""
        if element.kind == "userTask":
            return execution.complete(instance, self.values(element.form), now=now)
        if element.event == "timer":
            return execution.fire(instance, now=now)
        if "taskDefinition.type" in element.extensions:
            codes = self.codes(element)
            if codes and self.chance.random() < 0.3:
                return execution.error(instance, self.chance.choice(codes), "said so", now=now)
            return execution.answer(instance, self.answer(element.headers), now=now)
        return execution.deliver(instance, self.answer(), now=now)

    def codes(self, element: Element) -> list[str]:
        """Error codes that something in the diagram catches."""
        return sorted({e.reference or "any" for part in self.parts for e in part.elements.values()
                       if e.event == "error" and e.kind in ("boundaryEvent", "startEvent")})  # fmt: skip

    def note(self, advance) -> None:
        for part in ("opened", "requested", "scheduled", "awaited", "passed", "left"):
            self.seen |= {each.element.rpartition(":")[2] for each in getattr(advance, part)}
        for passed in advance.passed:
            flows = passed.detail.get("flows") or passed.detail.get("taken") or ()
            self.taken |= {flow.rpartition(":")[2] for flow in ([flows] if isinstance(flows, str) else flows)}
        self.stuck += [f"{each.element}: {each.error}" for each in advance.stuck]
        # an error that nothing around catches is the caller's to catch, and here nobody calls
        ends = {e.id for part in self.parts for e in part.elements.values() if e.event == "error" and e.kind == "endEvent"}
        self.seen |= {each.element.rpartition(":")[2] for each in advance.stuck} & ends

    def left(self) -> set[str]:
        """Ids of the elements that no walk came to, and of the flows out of gateways that none took."""
        elements = [element for part in self.parts for element in part.elements.values()]
        splits = [e for e in elements if e.kind in ("exclusiveGateway", "inclusiveGateway") and len(e.outgoing) > 1]
        marks = {e.id for e in elements if e.event == "compensate" and e.kind == "boundaryEvent"}  # no token stands there
        return ({e.id for e in elements} - self.seen - marks) | ({flow for e in splits for flow in e.outgoing} - self.taken)

    # --- values

    def values(self, form: str | None) -> dict[str, object]:
        """What a person fills into a form."""
        found: dict[str, object] = {}
        for component in self.forms.get(form or "", {}).get("components", ()):
            if component.get("key") and not component.get("readonly") and not component.get("disabled"):
                put(found, component["key"], self.entered(component))
        return found

    def entered(self, component: Mapping[str, object]) -> object:
        kind, key = component["type"], str(component["key"])
        if kind == "checkbox":
            return self.chance.random() < 0.5
        if kind == "number":
            return self.chance.choice(self.domain.get(key) or [0, 1, 5, 15, 100, 10_000])
        if kind in ("select", "radio"):
            return self.chance.choice(component["values"])["value"]
        if kind == "datetime":
            return "2026-12-01"
        if kind == "textarea":
            return "a\nb"
        told = str(component.get("description", "")).split(" / ") if component.get("description") else []
        return self.chance.choice([*self.domain.get(key, ()), *told] or ["a"])

    def value(self, name: str) -> object:
        """A value that some condition asks for."""
        return self.chance.choice(self.domain.get(name) or [True, False, "x", 3, ["a", "b"]])

    def answer(self, headers: Mapping[str, str] = {}) -> object:
        """An operation's answer or a message's values: everything that conditions ask for."""
        found: dict[str, object] = {}
        for name in self.asked:
            if name.split(".")[0] not in ("case", "subject", "initiator", "loopCounter") and not name.startswith("numberOf"):
                put(found, name, self.value(name))
        result = headers.get("resultVariable")
        return found.get(result, self.value(result)) if result else found


def put(found: dict[str, object], name: str, value: object) -> None:
    """Sets a dotted name."""
    *path, last = name.split(".")
    for part in path:
        inner = found.get(part)
        found[part] = inner if isinstance(inner, dict) else {}
        found = found[part]  # type: ignore[assignment]
    found[last] = value


def _texts(process: Process) -> list[str]:
    found = [flow.condition for flow in process.flows.values() if flow.condition]
    for element in process.elements.values():
        mapped = [text for _, text in (*element.inputs, *element.outputs)]
        several = [element.multi.collection, element.multi.cardinality or ""] if element.multi else []
        others = [*element.extensions.values(), element.timer.text if element.timer else "", element.key or "", *mapped, *several]
        found += [text[1:] for text in others if text.startswith("=")]
        found += [text for text in (element.condition, element.multi.until if element.multi else None) if text]
    return found


def _name(text: str) -> str:
    """A pattern of the dotted names that an expression reads, which may have blanks."""
    try:
        used = sorted(expressions.uses(text), key=len, reverse=True)
    except errors.FeelError:
        used = []
    return rf"(?<![\w.])((?:{'|'.join(map(re.escape, used)) or '(?!)'})(?!\w)(?:\.[^\W\d]\w*)*)"


def _uses(text: str) -> set[str]:
    """Dotted names; of a list only the name itself."""
    return set(re.findall(_name(text), re.sub(r'"[^"]*"', '""', text)))


def _domain(texts: list[str], lists: set[str], flows: set[str]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for text in texts:
        name = _name(text)
        for path, value in re.findall(rf'{name}\)? !?= "([^"]*)"', text):
            found.setdefault(path, []).extend([value, "other"])
        for path, _, value in re.findall(rf"{name} ([<>]=?|!?=) (-?\d+(?:\.\d+)?)", text):
            number = float(value) if "." in value else int(value)
            found.setdefault(path, []).extend([number - 1, number, number + 1])
        for path in re.findall(rf"{name} !?= (?:true|false)", text):
            found.setdefault(path, []).extend([True, False])
        if re.fullmatch(name, text.strip()) and text.strip() in lists:
            found.setdefault(text.strip(), []).append(["a", "b"])
        elif text in flows and re.fullmatch(name, text.strip()):
            found.setdefault(text.strip(), []).extend([True, False])
        for path in re.findall(rf'" \+ {name}', text):
            found.setdefault(path, []).append("x")
        for path in re.findall(rf"duration\({name}\)", text):
            found.setdefault(path, []).append("PT1H")
    return found
