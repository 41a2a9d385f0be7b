"""Which steps must lie before others: the generic checker of a procedure's rule file.

`rules.json` says `{"before": {"<step>": ["<step>", …]}}`: no path from where people begin may reach the first without
passing each of the others. `{"since": {"<step>": {"<step>": ["<step>", …]}}}` says the same of the paths that begin behind the
outer step: once a plan was changed, it must be approved again. `{"free_of": {"<step>": ["<step>", …]}}`: the first must be reached
where each of the others is never done, so that it waits for none of them. `demands` says how steps are named. Elements that other rules
name (`no_way_back`, `second_person`) must exist. What the elements mean is the procedure's affair.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import Sentence
from .codes import Code
from .demands import RULES, Demand, Rule, elements, rules
from .findings import Finding, finding
from .model import Element, Process
from .parser import processes_of
from .ways import Place, Ways

if TYPE_CHECKING:
    from .program import Program

__all__ = ["RULES", "Ahead", "ahead", "left_out", "missing_before"]


def missing_before(files: Mapping[str, bytes], called: Callable[[str], object] = '"{}"'.format) -> dict[str, list[Finding]]:
    """By diagram: what can be reached although a step that must lie before it was not passed, and the way that leads there; and what
    rules name and no diagram holds.

    `called`: what people call a step that a rule names and no diagram holds. The rule file must be a sound one, and the diagrams readable.
    """
    read = _read(files)
    demanded = rules(files, read)
    found: dict[str, list[Finding]] = {}
    for file, one in [*_broken(demanded, read, called), *_in_vain(demanded, files, read, called)]:
        found.setdefault(file, []).append(one)
    return found


def _broken(demanded: Sequence[Rule], read: Sequence[Process], called: Callable[[str], object]) -> Iterator[tuple[str, Finding]]:
    """By file: what breaks a rule, each at what must come after."""
    known = {process.id: process for process in read}
    walked: dict[tuple[Demand | None, Demand], Ways] = {}
    missing: dict[Place, list[Demand]] = {}
    for rule in demanded:
        if rule.since is not None and not rule.since.held:
            continue
        for demand in rule.needed:
            if (rule.since, demand) not in walked:
                walked[rule.since, demand] = _walked(read, rule.since, demand)
            ways = walked[rule.since, demand]
            for place in rule.targets:
                target = known[place[0]].elements[place[1]]
                reached, said = place in ways.seen, missing.setdefault(place, [])
                if rule.free:
                    if not reached and demand.elements:
                        yield known[place[0]].file, finding(Code.WAITS_FOR, target, step=demand.title, target=target.title)
                elif not demand.held:
                    if demand not in said:
                        said.append(demand)
                        yield known[place[0]].file, _gone(target, called(demand.text), ways.way(place) if reached else ())
                elif reached and not _follows(ways.way(place), demand, said):
                    said.append(demand)
                    yield known[place[0]].file, _missing(target, rule, demand, ways.way(place))


def _in_vain(
    demanded: Sequence[Rule], files: Mapping[str, bytes], read: Sequence[Process], called: Callable[[str], object]
) -> Iterator[tuple[str, Finding]]:
    """What rules name and no diagram holds, but for what is missed where something must come after it: at the diagram as a whole."""
    named = [rule.text for rule in demanded if not rule.targets]
    for rule in demanded:
        named += [demand.text for demand in (*([rule.since] if rule.since else ()), *rule.needed) if not demand.held]
    given = json.loads(files.get(RULES, b"{}"))
    alone = sorted({*given.get("no_way_back", ()), *given.get("second_person", ())})
    named += [text for text in alone if not any(elements(text, read))]
    ordered = [rule for rule in demanded if rule.targets and not rule.free and (rule.since is None or rule.since.held)]
    missed = {demand.text for rule in ordered for demand in rule.needed if not demand.held}
    for text in dict.fromkeys(named):
        if text not in missed:
            yield _begun(read)[0].file if read else RULES, finding(Code.RULE_GUARDS_NOTHING, None, step=called(text))


def _gone(target: Element, step: object, way: Sequence[Element]) -> Finding:
    along = Sentence(" The way there: {along}.", {"along": _told(way)}) if way else ""
    return replace(finding(Code.STEP_GONE, target, step=step, target=target.title, way=along), way=tuple(element.id for element in way))


def _missing(target: Element, rule: Rule, demand: Demand, way: Sequence[Element]) -> Finding:
    facts: dict[str, Any] = {"step": demand.title, "target": target.title, "along": _told(way)}
    if rule.since is not None:
        facts["since"] = rule.since.title
    code = Code.STEP_MISSING if rule.since is None else Code.STEP_MISSING_SINCE
    return replace(finding(code, target, **facts), way=tuple(element.id for element in way))


def _follows(way: Sequence[Element], demand: Demand, missing: Sequence[Demand]) -> bool:
    """Whether it was said already: the same step, or for a flow a step that this way leaves out, too."""
    passed = {(element.process, element.id) for element in way}
    return demand in missing or (not demand.elements and any(step.elements and not step.elements & passed for step in missing))


def _walked(read: Sequence[Process], since: Demand | None, demand: Demand) -> Ways:
    """Every way that leads past what is demanded."""
    ways = Ways(read, without=demand.elements | demand.flows, alone=since is not None)
    if since is not None:
        for place in sorted(since.elements):
            ways.set_out(place)
    else:
        for process in _begun(read):
            ways.enter(process, process.id)
    ways.walk()
    return ways


def _begun(read: Sequence[Process]) -> Sequence[Process]:
    """Those that no other one calls; other pools of a drawing, which do not run, are each looked at by themselves."""
    called = {e.called.process for p in read for e in p.elements.values() if e.called and e.called.process != p.id}
    return [process for process in read if process.id not in called] or read


def _read(files: Mapping[str, bytes]) -> list[Process]:
    """The processes of all diagrams; of several with one id the first, as the check refuses the others."""
    found = [p for path, content in files.items() if path.endswith(".bpmn") for p in processes_of(content, path)]
    return list({process.id: process for process in found[::-1]}.values())[::-1]


def _told(way: Sequence[Element]) -> str:
    """A way as its named elements, such as `提报 → 评估 → 通知书`; gateways without a name say nothing to anybody."""
    return " → ".join(element.title for element in way if element.name or not element.kind.endswith("Gateway"))


def left_out(
    files: Mapping[str, bytes], *, standing: Iterable[tuple[str, str | None]], passed: Iterable[str]
) -> list[tuple[Element, Element]]:
    """What a case can reach from where it stands (`Execution.places`) although a step that must lie before it was never passed.

    Pairs of the step that would be left out and what must come after it. Ids may be those of called processes (`process:element`).
    Demanded flows are left aside: which flows a case took is not among what it passed.
    """
    read = _read(files)
    known = {process.id: process for process in read}
    stands = [(key.rpartition(":")[2], flow and flow.rpartition(":")[2]) for key, flow in standing]
    done = {key.rpartition(":")[2] for key in passed}
    found = []
    for rule in (rule for rule in rules(files, read) if rule.since is None and not rule.free):
        for demand in rule.needed:
            if not demand.elements or any(id in done for _, id in demand.elements):
                continue
            ways = Ways(read, without=demand.elements)
            ways.go_on(stands)
            ways.walk()
            step = known[min(demand.elements)[0]].elements[min(demand.elements)[1]]
            found += [(step, known[process].elements[id]) for process, id in rule.targets if (process, id) in ways.seen]
    return found


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """An element that lies ahead of a case."""

    #: as the case knows it: `process:element` in a called process
    element: Element
    #: no way leads past it, but for what begins by an event
    certain: bool


def ahead(program: Program, wanted: Callable[[Element], bool], *, standing: Iterable[tuple[str, str | None]] | None = None) -> list[Ahead]:
    """What a case of a program can come to, of the elements that are wanted, the nearest first.

    `standing`: from where it stands (`Execution.places`), without the very elements at which it stands; None: from where people begin.
    What is called by its latest version is not looked into.
    """
    read = list(program.processes.values())
    keys = {key.rpartition(":")[2]: key for key in program.elements}
    places = [(program.start_element.id, None)] if standing is None else list(standing)

    def walked(without: str = "", *, exceptions: bool) -> Ways:
        ways = Ways(read, without={(process.id, without) for process in read}, past=False)
        ways.go_on([(key.rpartition(":")[2], flow and flow.rpartition(":")[2]) for key, flow in places])
        if exceptions:
            ways.watch(program.process)
        ways.walk()
        return ways

    here = {key for key, _ in standing or ()}
    reached = dict.fromkeys(keys[id] for _, id in walked(exceptions=True).seen if id in keys)
    found = [program.elements[key] for key in reached if key not in here]
    return [
        Ahead(element=element, certain=program.process_id not in walked(element.id.rpartition(":")[2], exceptions=False).ended)
        for element in found
        if wanted(element)
    ]
