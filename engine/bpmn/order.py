"""Which steps must lie before others: the generic checker of a procedure's rule file.

`rules.json` says `{"before": {"<element>": ["<element>", …]}}`: no path from a start event may reach the first without
passing each of the others; and elements that other rules name (`no_way_back`) must exist. What the elements mean is the procedure's affair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from .lint import Code, Finding, finding
from .model import Process, processes
from .reader import read_xml

RULES = "rules.json"


def missing_before(files: Mapping[str, bytes]) -> dict[str, list[Finding]]:
    """By diagram: what can be reached although a step that must lie before it was not passed. The rule file must be a sound one."""
    rules = json.loads(files.get(RULES, b"{}"))
    before = rules.get("before", {})
    found: dict[str, list[Finding]] = {}
    known: set[str] = set()
    for path, content in files.items():
        if not path.endswith(".bpmn"):
            continue
        for process in processes(read_xml(content, path), path):
            known |= process.elements.keys()
            for target, needed in before.items():
                if target not in process.elements:
                    continue
                for step in needed:
                    if step in process.elements and target in _reachable(process, without=step):
                        last, first = process.elements[target], process.elements[step]
                        found.setdefault(path, []).append(finding(Code.STEP_MISSING, last, step=first.title, target=last.title))
    named = {*before, *(step for needed in before.values() for step in needed), *rules.get("no_way_back", ())}
    for missing in sorted(named - known):
        found.setdefault(RULES, []).append(finding(Code.UNRESOLVED_REFERENCE, None, what=f"element {missing}", where=RULES))
    return found


def _reachable(process: Process, *, without: str) -> set[str]:
    """Ids of the elements a token can reach if `without` lets none through.

    An event at the edge of `without` leads past it, because its work was not done then.
    A parallel gateway is passed once all its incoming flows carry a token, anything else once one does. A sub-process is
    passed only through its inside: its own flows count once an end event in it is reached.
    """
    scopes = {scope: list(process.inside(scope)) for scope in {process.id, *(e.scope for e in process.elements.values())}}
    todo = [e.id for e in scopes[process.id] if e.kind == "startEvent"]
    seen: set[str] = set()
    carrying: set[str] = set()

    def follow(flows: Iterable[str]) -> None:
        for flow in flows:
            carrying.add(flow)
            target = process.elements.get(process.flows[flow].target)
            if target is not None and (target.kind != "parallelGateway" or carrying.issuperset(target.incoming)):
                todo.append(target.id)

    while todo:
        current = todo.pop()
        if current in seen:
            continue
        todo += [boundary.id for boundary in process.boundaries(current)]
        if current == without:
            continue
        seen.add(current)
        element = process.elements[current]
        if current in scopes:
            todo += [e.id for e in scopes[current] if e.kind == "startEvent"]
        else:
            follow(element.outgoing)
        if element.kind == "endEvent" and element.scope != process.id:
            follow(process.elements[element.scope].outgoing)
    return seen
