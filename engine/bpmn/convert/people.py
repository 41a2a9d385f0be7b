"""User tasks: who does them, until when, and how urgent they are."""

from __future__ import annotations

import re

from lxml import etree

from ..codes import Code
from ..reader import BPMN
from . import juel, translation
from .sheet import Sheet, drawn

_PEOPLE = {"assignee": "assignee", "candidateUsers": "candidateUsers", "candidateGroups": "candidateGroups"}
_DATES = {"dueDate": "dueDate", "followUpDate": "followUpDate"}
#: `user(kermit)`, `group(management)`, or a bare name, which is a group
_RESOURCE = re.compile(r"(user|group)\(([^()]*(?:\([^()]*\)[^()]*)*)\)")


def assign(sheet: Sheet, task: etree._Element) -> None:
    """Assignee, candidates and the resources of the standard."""
    given = {to: text for name, to in _PEOPLE.items() if (text := sheet.take(task, name))}
    for key, text in _resources(sheet, task).items():
        given.setdefault(key, text)
    for to, text in given.items():
        if to == "assignee":
            written = sheet.text(task, "assignee", text, severity="warning")
        else:
            written = several(sheet, task, to, text)
        if written:
            sheet.extend(task, "assignmentDefinition", **{to: written})
            sheet.became(task, f"{to}={text}", f"zeebe:assignmentDefinition {to}={written}")


def several(sheet: Sheet, task: etree._Element, where: str, text: str) -> str | None:
    """A list of names: plain text with commas, one expression, or a mixture."""
    if not juel.has_expression(text) or re.fullmatch(r"[$#]\{[^{}]*\}", text):
        return sheet.text(task, where, text, severity="warning")
    items = []
    for item in re.split(r",(?![^{]*\})", text):
        written = sheet.text(task, where, item.strip(), severity="warning")
        if written is None:
            return None
        items.append(written[1:] if written.startswith("=") else translation.quoted(written))
    return f"=[{', '.join(items)}]"


def _resources(sheet: Sheet, task: etree._Element) -> dict[str, str]:
    """humanPerformer, potentialOwner, performer (BPMN 2.0.2, 10.3.1), by the setting they amount to."""
    users, groups, performer = [], [], ""
    for tag in ("humanPerformer", "potentialOwner", "performer", "resourceRole"):
        for role in task.findall(BPMN + tag):
            text = " ".join((role.findtext(f".//{BPMN}formalExpression") or "").split())
            named = role.findtext(BPMN + "resourceRef")
            resource = next((r for r in sheet.root.iter(BPMN + "resource") if r.get("id") == (named or "").rpartition(":")[2]), None)
            if resource is not None and resource.get("name"):
                text = text or f"group({resource.get('name')})"
            task.remove(role)
            sheet.changed = True
            if not text:
                sheet.say(Code.NO_EFFECT, task, line=role.sourceline, what=f"{tag} {role.get('name', '')}".strip())
            elif tag == "humanPerformer":
                performer = text
            elif found := _RESOURCE.findall(text):
                users += [name.strip() for kind, name in found if kind == "user"]
                groups += [name.strip() for kind, name in found if kind == "group"]
            else:
                groups += [part.strip() for part in text.split(",")]
    given = {"assignee": performer, "candidateUsers": ",".join(users), "candidateGroups": ",".join(groups)}
    return {key: text for key, text in given.items() if text}


def schedule(sheet: Sheet, task: etree._Element) -> None:
    """Due and follow-up date, and the priority."""
    for name, to in _DATES.items():
        text = sheet.take(task, name)
        if text:
            written = (
                f"=now() + duration({translation.quoted(text)})"
                if text.startswith("P")
                else sheet.text(task, name, text, severity="warning")
            )
            if written:
                sheet.extend(task, "taskSchedule", **{to: written})
                sheet.became(task, f"{name}={text}", f"zeebe:taskSchedule {to}={written}")
    text = sheet.take(task, "priority")
    if text and (written := sheet.text(task, "priority", text, severity="warning")):
        sheet.extend(task, "priorityDefinition", priority=written)
        sheet.became(task, f"priority={text}", f"zeebe:priorityDefinition priority={written}")


def nobody(sheet: Sheet, node: etree._Element) -> None:
    """People and dates named at an element that is no work of a person."""
    for name in (*_PEOPLE, *_DATES, "priority"):
        if text := sheet.take(node, name):
            sheet.say(Code.NO_EFFECT, node, what=f"{name}={text}")


def initiators(sheet: Sheet) -> None:
    """Notes which variables hold who started the case."""
    names = {text for start in sheet.root.iter(BPMN + "startEvent") if (text := sheet.take(start, "initiator"))}
    sheet.initiators = frozenset(names | {"initiator"})
    for start in sheet.root.iter(BPMN + "startEvent"):
        if names:
            sheet.became(drawn(start), f"initiator={', '.join(sorted(names))}", "initiator.id")
            break
