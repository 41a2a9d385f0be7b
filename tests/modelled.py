"""The modeler in a browser: whoever draws in it, diagrams drawn for it, and what of its texts is not Chinese."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

from browser import Visitor
from playwright.sync_api import Locator, Page, expect
from web_office import Office

import connectors
from engine import deploying
from webapp.demo.systems import company_connectors

_ROOT = Path(__file__).parent.parent
_FOLDER = _ROOT / "processes/termination"
_STUDIO = "document.getElementById('studio').studio"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="http://example.org/partwell">'
)
_TIMER = "timerEventDefinition"
_EVENTS = ("message", "signal", "error", "escalation", "compensate", "terminate", "link")
_SIZES = {"Event": (36, 36), "Gateway": (50, 50), "subProcess": (350, 200), "transaction": (350, 200)}


def shipped(office: Office) -> Office:
    """The office with the procedure that comes with the product, and connectors to a company that nobody asks."""
    offered = connectors.load(company_connectors(http="http://127.0.0.1:9", smtp=9, token="none"))
    office.equip(operations={name: each for each in offered for name in each.names} | dict(office.services.operations))
    files = {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in _FOLDER.rglob("*") if path.is_file()}
    files |= {f"forms/{path.name}": path.read_bytes() for path in (_ROOT / "forms").glob("*.form")}
    deploying.deploy(office.services, files, procedure="termination")
    return office


class Drawer:
    """Somebody before the modeler."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page

    def open(self, address: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(address)
        self.page.locator("#studio[data-ready]").wait_for(timeout=20_000)

    def ask(self, expression: str, given: Any = None) -> Any:
        """A value of JavaScript, in which `studio` is the modeler's."""
        return self.page.evaluate(f"(given) => {{ const studio = {_STUDIO}; return ({expression}); }}", given)

    def shape(self, id: str) -> Locator:
        return self.page.locator(f'.djs-element[data-element-id="{id}"]')

    def pick(self, id: str) -> None:
        """Select an element, wherever it is, and bring it into view."""
        self.ask(
            "(() => { const d = studio.diagram, e = d.get('elementRegistry').get(given);"
            " d.get('canvas').scrollToElement(e, { top: 120, bottom: 160, left: 160, right: 240 }); d.get('selection').select(e); })()",
            id,
        )

    def group(self, id: str) -> Locator:
        """A group of the properties panel, opened."""
        found = self.page.locator(f'.bio-properties-panel-group[data-group-id="group-{id}"]')
        found.wait_for()
        if "open" not in (found.locator(".bio-properties-panel-group-header").first.get_attribute("class") or "").split():
            found.locator(".bio-properties-panel-group-header").first.click()
        return found

    def unfold(self) -> None:
        """Opens every group and every entry in it."""
        for _ in range(3):
            panel = ".bio-properties-panel"
            closed = self.page.locator(
                f"{panel}-group-header:not(.open):not(.empty), {panel}-group-header.empty:has(+ {panel}-group-entries:not(.open)), "
                f"{panel}-collapsible-entry:not(.open) > {panel}-collapsible-entry-header"
            )
            if not closed.count():
                return
            closed.evaluate_all("all => all.forEach(each => each.click())")
            self.painted()

    def painted(self) -> None:
        """What was done is on the screen."""
        self.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")

    def saved(self) -> None:
        """Everything that was typed has reached the server."""
        self.page.evaluate("document.activeElement.blur()")
        self._until("!studio.keeper.dirty && studio.keeper.state === 'saved'")

    def _until(self, expression: str) -> None:
        """Waits for what JavaScript says; not in the page, whose policy forbids to evaluate texts again and again."""
        for _ in range(200):
            if self.ask(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def checked(self) -> None:
        """The check has answered for what is drawn now."""
        self.ask("studio.findings.ready")

    def finding(self, text: str) -> Locator:
        if self.page.locator(".studio-findings-list").is_hidden():
            self.page.locator(".studio-findings-head").click()
        return self.page.locator(".studio-finding").filter(has_text=text)

    def insert(self, flow: str, kind: str) -> str:
        """Draws a task by hand onto a sequence flow, makes it one of this kind, and gives its id."""
        before = self.ask("studio.diagram.get('selection').get().map(({ id }) => id)")
        self.page.locator('.djs-palette [data-action="create.task"]').click()
        place = self.ask(
            "(() => { const d = studio.diagram, [a, b] = d.get('elementRegistry').get(given).waypoints, v = d.get('canvas').viewbox(),"
            " r = d.get('canvas').getContainer().getBoundingClientRect();"
            " return [r.x + ((a.x + b.x) / 2 - v.x) * v.scale, r.y + ((a.y + b.y) / 2 - v.y) * v.scale]; })()",
            flow,
        )
        self.page.mouse.move(place[0] + 40, place[1] + 40)
        self.page.mouse.move(*place, steps=5)
        self.page.mouse.click(*place)
        self._until(f"studio.diagram.get('selection').get().some(({{ id }}) => !{json.dumps(before)}.includes(id))")
        self.pick(str(self.ask("studio.diagram.get('selection').get()[0].id")))
        self.page.locator('.djs-context-pad [data-action="replace"]').click()
        self.page.locator(".djs-popup .entry").filter(has_text=re.compile(f"^{kind}$")).click()
        expect(self.page.locator(".djs-popup")).to_have_count(0)
        return str(self.ask("studio.diagram.get('selection').get()[0].id"))


def menagerie() -> str:
    """A diagram with an element of every kind that the panel has fields for; names and variables are in Chinese."""
    io = '<zeebe:ioMapping><zeebe:input source="=当事人" target="员工" /><zeebe:output source="=1" target="结果" /></zeebe:ioMapping>'
    many = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>"
        '<zeebe:loopCharacteristics inputCollection="=名单" inputElement="一人" outputCollection="意见" outputElement="=一人" />'
        "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>"
    )
    headers = '<zeebe:taskHeaders><zeebe:header key="键" value="值" /></zeebe:taskHeaders>'
    drawn: list[tuple[str, str, str, str]] = [
        ("startEvent", "begin", "", '<zeebe:formDefinition formId="report" />'),
        (
            "userTask",
            "by_chain",
            "",
            f'<zeebe:userTask /><zeebe:properties><zeebe:property name="wf.chain" value="x" /></zeebe:properties>{io}',
        ),
        ("userTask", "by_role", many, '<zeebe:userTask /><zeebe:assignmentDefinition candidateGroups="=[&quot;hr&quot;]" />'),
        (
            "userTask",
            "by_person",
            "",
            '<zeebe:assignmentDefinition assignee="=甲" /><zeebe:taskSchedule dueDate="=now() + duration(&quot;P2D&quot;)" />',
        ),
        (
            "userTask",
            "by_subject",
            "",
            '<zeebe:properties><zeebe:property name="wf.for" value="subject" /></zeebe:properties><zeebe:formDefinition formId="talk" />',
        ),
        ("userTask", "by_nobody", "", '<zeebe:taskSchedule dueDate="=某日" />'),
        ("serviceTask", "service", "", f'<zeebe:taskDefinition type="mail.send" retries="5" />{io}{headers}'),
        ("sendTask", "send", "", ""),
        ("receiveTask", "receive", "", ""),
        ("scriptTask", "script", "", '<zeebe:script expression="=1" resultVariable="结果" />'),
        ("businessRuleTask", "decide", "", '<zeebe:calledDecision decisionId="law_check" resultVariable="结果" />'),
        ("manualTask", "manual", "", ""),
        ("task", "plain", "", ""),
        ("callActivity", "call", "", '<zeebe:calledElement processId="x" propagateAllChildVariables="false" />'),
        ("subProcess", "inside", "", ""),
        ("transaction", "whole", "", ""),
        *((f"{kind}Gateway", f"{kind}_gateway", "", "") for kind in ("exclusive", "parallel", "inclusive", "eventBased")),
        *(
            ("intermediateCatchEvent", f"catch_{event}", f'<bpmn:{event}EventDefinition id="c_{event}" />', "")
            for event in ("message", "signal", "link")
        ),
        *(
            ("intermediateThrowEvent", f"throw_{event}", f'<bpmn:{event}EventDefinition id="t_{event}" />', "")
            for event in ("message", "signal", "escalation", "compensate", "link")
        ),
        *(("endEvent", f"end_{event}", f'<bpmn:{event}EventDefinition id="e_{event}" />', "") for event in _EVENTS if event != "link"),
        *(
            (
                "intermediateCatchEvent",
                f"timer_{kind}",
                f'<bpmn:{_TIMER} id="d_{kind}"><bpmn:{kind} xsi:type="bpmn:tFormalExpression">{text}</bpmn:{kind}></bpmn:{_TIMER}>',
                "",
            )
            for kind, text in (("timeDuration", "P3D"), ("timeCycle", "R3/P1D"), ("timeDate", "=某日"))
        ),
        (
            "intermediateCatchEvent",
            "timer_open",
            f'<bpmn:{_TIMER} id="d_open"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">=时长</bpmn:timeDuration></bpmn:{_TIMER}>',
            "",
        ),
        ("endEvent", "end", "", ""),
    ]
    return _diagram([*drawn], boundary=("by_role", "late"), flow=("exclusive_gateway", "plain"))


def many(number: int, process: str) -> str:
    """A process of so many user tasks in rows, one after the other."""
    role = '<zeebe:userTask /><zeebe:assignmentDefinition candidateGroups="=[&quot;hr&quot;]" />'
    return _diagram([("userTask", f"step_{at}", "", role) for at in range(number)], chained=True, process=process)


def _diagram(
    drawn: list[tuple[str, str, str, str]],
    *,
    boundary: tuple[str, str] | None = None,
    flow: tuple[str, str] | None = None,
    chained: bool = False,
    process: str = "menagerie",
) -> str:
    elements, shapes, at = [], [], {}
    for number, (tag, id, standard, extensions) in enumerate(drawn):
        width, height = next((size for end, size in _SIZES.items() if tag.endswith(end)), (100, 80))
        x, y = 200 + number % 10 * 400, 150 + number // 10 * 260
        at[id] = (x, y, width, height)
        own = f"<bpmn:extensionElements>{extensions}</bpmn:extensionElements>" if extensions else ""
        elements.append(f'<bpmn:{tag} id="{id}" name="元素{number}">{own}{standard}</bpmn:{tag}>')
        shapes.append(_shape(id, x, y, width, height, ' isExpanded="true"' if width == 350 else ""))
    if boundary:
        host, id = boundary
        x, y, width, height = at[host]
        elements.append(
            f'<bpmn:boundaryEvent id="{id}" name="逾期" attachedToRef="{host}" cancelActivity="false"><bpmn:{_TIMER} id="d_{id}">'
            f'<bpmn:timeCycle xsi:type="bpmn:tFormalExpression">R/P1D</bpmn:timeCycle></bpmn:{_TIMER}></bpmn:boundaryEvent>'
        )
        shapes.append(_shape(id, x + 60, y + height - 18, 36, 36))
    pairs = [(one[1], other[1]) for one, other in itertools.pairwise(drawn)] if chained else [flow] if flow else []
    for number, (source, target) in enumerate(pairs):
        condition = "" if chained else '<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=真</bpmn:conditionExpression>'
        elements.append(f'<bpmn:sequenceFlow id="flow_{number}" sourceRef="{source}" targetRef="{target}">{condition}</bpmn:sequenceFlow>')
        (ax, ay, aw, ah), (bx, by, _, bh) = at[source], at[target]
        points = f'<di:waypoint x="{ax + aw}" y="{ay + ah // 2}" /><di:waypoint x="{bx}" y="{by + bh // 2}" />'
        shapes.append(f'<bpmndi:BPMNEdge id="flow_{number}_di" bpmnElement="flow_{number}">{points}</bpmndi:BPMNEdge>')
    plane = f'<bpmndi:BPMNPlane id="plane" bpmnElement="{process}">{"".join(shapes)}</bpmndi:BPMNPlane>'
    return (
        f'{_HEAD}<bpmn:process id="{process}" name="样例" isExecutable="true">{"".join(elements)}</bpmn:process>'
        f'<bpmndi:BPMNDiagram id="diagram">{plane}</bpmndi:BPMNDiagram></bpmn:definitions>'
    )


def _shape(id: str, x: int, y: int, width: int, height: int, more: str = "") -> str:
    bounds = f'<dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}" />'
    return f'<bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}"{more}>{bounds}</bpmndi:BPMNShape>'


#: abbreviations, ids and the mark that has to stay; names in a Chinese sentence are what it speaks of
_ALLOWED = re.compile(r"\b(ID|BPMN|FEEL|ISO|PNG|SVG|JSON|HR|Powered by bpmn\.io)\b|[\w-]+(\.[\w-]+)+")
_ENGLISH = re.compile(r"[A-Za-z]{2,}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def english(page: Page) -> set[str]:
    """The texts of the modeler that hold no Chinese: words, titles, labels and placeholders."""
    texts = page.evaluate(
        """() => {
          const seen = new Set();
          for (const root of document.querySelectorAll('.studio, .djs-popup-parent, .bio-properties-panel-popup, .studio-dialog')) {
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
              const place = walker.currentNode.parentElement;
              // an expression, or what is called by its id only
              if (!place.closest('.cm-editor') && place.value !== walker.currentNode.data) seen.add(walker.currentNode.data.trim());
            }
            for (const element of root.querySelectorAll('*'))
              for (const name of ['title', 'aria-label', 'placeholder', 'alt']) seen.add((element.getAttribute(name) ?? '').trim());
          }
          return [...seen];
        }"""
    )
    return {text for text in texts if not _CHINESE.search(text) and _ENGLISH.search(_ALLOWED.sub("", text))}
