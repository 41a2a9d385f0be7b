"""From BPMN XML to the model: the one place where what a modeler draws is read.

Nothing is judged here: an unknown element is read like a known one, and `lint` and `normalise` say what cannot run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from lxml import etree

from .model import Called, Element, Flow, Lane, Multi, Process, Repeat, Timer
from .reader import BPMN, ZEEBE, read_xml

#: Children of a process that carry no token.
_ASIDE = frozenset(
    (
        *("sequenceFlow", "association", "textAnnotation", "group", "laneSet", "dataObject", "dataObjectReference"),
        *("dataStoreReference", "documentation", "extensionElements", "incoming", "outgoing", "ioSpecification", "property"),
        *("auditing", "monitoring", "category", "correlationSubscription", "multiInstanceLoopCharacteristics"),
        *("standardLoopCharacteristics", "dataInputAssociation", "dataOutputAssociation", "resourceRole", "performer"),
        *("humanPerformer", "potentialOwner", "completionCondition", "script"),
    )
)


@lru_cache(maxsize=32)
def processes_of(content: bytes, file: str) -> tuple[Process, ...]:
    """Every process of a diagram; the same content is read once. Raises `errors.FileRefused`."""
    return tuple(processes(read_xml(content, file), file))


def processes(root: etree._Element, file: str) -> list[Process]:
    """Every process of a diagram, in the file's order; `root` comes from `reader.read_xml`."""
    named = {
        node.get("id"): node for tag in ("message", "signal", "error", "escalation") for node in root.iter(BPMN + tag) if node.get("id")
    }
    pools = {node.get("processRef"): node.get("name") for node in root.iter(BPMN + "participant")}
    return [_process(node, file, named, pools) for node in root.iter(BPMN + "process")]


def _process(
    node: etree._Element, file: str, named: Mapping[str | None, etree._Element], pools: Mapping[str | None, str | None]
) -> Process:
    process = node.get("id", "")
    lanes, lane_of = _lanes(node)
    undone_by = {a.get("sourceRef"): a.get("targetRef") for a in node.iter(BPMN + "association")}
    flows: dict[str, Flow] = {}
    for flow in node.iter(BPMN + "sequenceFlow"):
        text = flow.findtext(BPMN + "conditionExpression")
        flows[flow.get("id", "")] = Flow(
            id=flow.get("id", ""),
            source=flow.get("sourceRef", ""),
            target=flow.get("targetRef", ""),
            name=" ".join(flow.get("name", "").split()),
            name_en=properties(flow).get("wf.name.en", ""),
            condition=_feel(text),
        )
    incoming: dict[str, list[str]] = {}
    outgoing: dict[str, list[str]] = {}
    for each in flows.values():
        incoming.setdefault(each.target, []).append(each.id)
        outgoing.setdefault(each.source, []).append(each.id)
    elements: dict[str, Element] = {}

    def read(parent: etree._Element, scope: str) -> None:
        for child in parent:
            if not isinstance(child.tag, str) or not child.tag.startswith(BPMN):
                continue
            kind = child.tag.removeprefix(BPMN)
            id = child.get("id", "")
            if kind in _ASIDE or kind.endswith("EventDefinition") or not id or id in elements:
                continue  # an id that is used twice is refused; an element that holds one of its own id would have no end
            lane = lane_of.get(id) or lane_of.get(scope)
            lane_of[id] = lane
            elements[id] = _element(child, kind, scope, process, lane, (incoming.get(id, ()), outgoing.get(id, ())), named)
            if elements[id].event == "compensate" and kind == "boundaryEvent":
                elements[id] = replace(elements[id], compensates=undone_by.get(id))
            if child.find(BPMN + "startEvent") is not None or kind in ("subProcess", "adHocSubProcess", "transaction"):
                read(child, id)

    read(node, process)
    return Process(
        id=process,
        file=file,
        name=node.get("name") or pools.get(process) or process,
        name_en=properties(node).get("wf.name.en", ""),
        executable=node.get("isExecutable", "false") == "true",
        elements=MappingProxyType(elements),
        flows=MappingProxyType(flows),
        lanes=lanes,
    )


def _element(
    node: etree._Element,
    kind: str,
    scope: str,
    process: str,
    lane: str | None,
    flows: tuple[Sequence[str], Sequence[str]],
    named: Mapping[str | None, etree._Element],
) -> Element:
    id = node.get("id", "")
    settings = properties(node)
    event, reference, timer = _event(node, named)
    message = named.get(_message(node)) if event == "message" else None
    outputs = _mapping(node, "output")
    loops = (kind for kind in ("multiInstance", "standard") if node.find(f"{BPMN}{kind}LoopCharacteristics") is not None)
    return Element(
        id=id,
        kind="eventSubProcess" if kind == "subProcess" and node.get("triggeredByEvent") == "true" else kind,
        name=" ".join(node.get("name", "").split()),
        name_en=settings.get("wf.name.en", ""),
        lane=lane,
        process=process,
        scope=scope,
        documentation=(node.findtext(BPMN + "documentation") or "").strip(),
        incoming=tuple(flows[0]),
        outgoing=tuple(flows[1]),
        default=node.get("default"),
        event=event,
        reference=reference,
        timer=timer,
        attached=node.get("attachedToRef"),
        interrupting=event == "error" or node.get("cancelActivity", node.get("isInterrupting", "true")) != "false",
        loop=next(loops, None),
        multi=_multi(node),
        repeat=_repeat(node),
        key=next((z.get("correlationKey") for z in _zeebe(message, "subscription")), None) if message is not None else None,
        condition=_feel(node.findtext(f"{BPMN}conditionalEventDefinition/{BPMN}condition")),
        called=_called(node, bool(outputs)) if kind == "callActivity" else None,
        for_compensation=node.get("isForCompensation") == "true",
        activity=next((d.get("activityRef") for d in node.findall(BPMN + "compensateEventDefinition")), None),
        inputs=_mapping(node, "input"),
        outputs=outputs,
        properties=MappingProxyType(settings),
        headers=MappingProxyType({h.get("key", ""): h.get("value", "") for h in _zeebe(node, "taskHeaders", "header")}),
        extensions=MappingProxyType(_extensions(node)),
    )


def _event(node: etree._Element, named: Mapping[str | None, etree._Element]) -> tuple[str | None, str | None, Timer | None]:
    """Kind, reference and timer of the event definitions below `node`; several give `multiple`."""
    definitions = [c for c in node if isinstance(c.tag, str) and c.tag.startswith(BPMN) and c.tag.endswith("EventDefinition")]
    if not definitions:
        message = named.get(_message(node))
        return ("message", message.get("name"), None) if message is not None else (None, None, None)
    if len(definitions) > 1:
        return "multiple", None, None
    definition = definitions[0]
    event = definition.tag.removeprefix(BPMN).removesuffix("EventDefinition")
    if event == "timer":
        for kind in ("date", "duration", "cycle"):
            text = definition.find(f"{BPMN}time{kind.capitalize()}")
            if text is not None:
                return event, None, Timer(kind=kind, text=(text.text or "").strip())
        return event, None, Timer(kind="duration", text="")
    if event == "link":
        return event, definition.get("name"), None
    target = named.get(definition.get(event + "Ref"))
    if target is None:
        return event, None, None
    return event, target.get(event + "Code") or target.get("name"), None


def _message(node: etree._Element) -> str | None:
    """Id of the message of an event, or of a send or receive task."""
    definition = node.find(BPMN + "messageEventDefinition")
    found: str | None = (node if definition is None else definition).get("messageRef")
    return found


def _multi(node: etree._Element) -> Multi | None:
    found = node.find(BPMN + "multiInstanceLoopCharacteristics")
    if found is None:
        return None
    given: Mapping[str, str] = next((z.attrib for z in _zeebe(found, "loopCharacteristics")), {})
    return Multi(
        sequential=found.get("isSequential") == "true",
        collection=given.get("inputCollection") or "",
        element=given.get("inputElement") or None,
        output=given.get("outputCollection") or None,
        output_element=given.get("outputElement") or None,
        until=_feel(found.findtext(BPMN + "completionCondition")),
        cardinality=(found.findtext(BPMN + "loopCardinality") or "").strip() or None,
    )


def _repeat(node: etree._Element) -> Repeat | None:
    found = node.find(BPMN + "standardLoopCharacteristics")
    if found is None:
        return None
    most = found.get("loopMaximum", "")
    return Repeat(
        condition=_feel(found.findtext(BPMN + "loopCondition")),
        test_before=found.get("testBefore") == "true",
        maximum=int(most) if most.isdigit() else None,
    )


def _called(node: etree._Element, mapped: bool) -> Called:
    given: Mapping[str, str] = next((z.attrib for z in _zeebe(node, "calledElement")), {})
    return Called(
        process=given.get("processId") or given.get("processIdExpression") or "",
        binding=given.get("bindingType") or "deployment",
        parent=given.get("propagateAllParentVariables") != "false",
        child=(given.get("propagateAllChildVariables") or str(not mapped).lower()) == "true",
    )


def _feel(text: str | None) -> str | None:
    """An expression of the standard, without the leading "="."""
    return text.strip().removeprefix("=").strip() or None if text else None


def _lanes(process: etree._Element) -> tuple[tuple[Lane, ...], dict[str, str | None]]:
    lanes: list[Lane] = []
    lane_of: dict[str, str | None] = {}
    for lane in process.iter(BPMN + "lane"):
        held = tuple(ref.text.strip() for ref in lane.findall(BPMN + "flowNodeRef") if ref.text)
        name = lane.get("name", "")
        lanes.append(Lane(id=lane.get("id", ""), name=name, name_en=properties(lane).get("wf.name.en", ""), elements=held))
        lane_of.update(dict.fromkeys(held, name))
    return tuple(lanes), lane_of


def _zeebe(node: etree._Element, *path: str) -> list[etree._Element]:
    found: list[etree._Element] = node.findall(f"{BPMN}extensionElements/" + "/".join(ZEEBE + tag for tag in path))
    return found


def properties(node: etree._Element) -> dict[str, str]:
    """The zeebe:properties of a node of the file."""
    return {p.get("name", ""): p.get("value", "") for p in _zeebe(node, "properties", "property")}


def _mapping(node: etree._Element, tag: str) -> tuple[tuple[str, str], ...]:
    return tuple((m.get("target", ""), m.get("source", "")) for m in _zeebe(node, "ioMapping", tag))


def _extensions(node: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in node.findall(f"{BPMN}extensionElements/*"):
        if isinstance(element.tag, str) and element.tag.startswith(ZEEBE):
            tag = element.tag.removeprefix(ZEEBE)
            if tag not in ("properties", "taskHeaders", "ioMapping"):
                found[tag] = ""
                found.update({f"{tag}.{key}": value for key, value in element.attrib.items()})
    return found
