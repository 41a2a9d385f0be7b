"""Procedures that call processes of other procedures: which version runs, and whose forms its tasks have."""

from __future__ import annotations

import json

import pytest
from diagrams import END, START, call, diagram, flows, user, zeebe
from engine_room import Room, person

from engine import deploying, inbox
from engine.errors import FormInvalid
from engine.services import Services


def child(room: Room, task: str, field: str) -> None:
    """Deploys the called procedure with a form that asks for `field`."""
    body = (START, user(task, zeebe("formDefinition", formId="ask")), END, flows(f"start > {task}", f"{task} > end"))
    form = {
        "type": "default",
        "id": "ask",
        "components": [{"type": "number", "key": field, "label": field, "validate": {"required": True}}],
    }
    files = {"child.bpmn": diagram(*body, id="child"), "forms/ask.form": json.dumps(form).encode()}
    deploying.deploy(room.services, files, procedure="child")


def test_sub_process_call_takes_the_version_that_is_active_then(services: Services) -> None:
    """子流程 (sub-process): with its own form, which is checked; a later deployment changes nothing for it."""
    room = Room(services)
    child(room, "one", "hours")
    room.deploy(START, call("c", "child", bindingType="latest"), user("z"), END, flows("start > c", "c > z", "z > end"))
    case = room.start()
    child(room, "two", "days")
    [element] = room.open(case).split()
    assert element.startswith("child@") and element.endswith(":one")
    page = inbox.item_page(room.services, room.item(case, element), reader=person("hr"))
    assert "hours" in json.dumps(page.form)
    with pytest.raises(FormInvalid):
        room.complete(case, element, days=1)
    room.complete(case, element, hours=3)
    assert room.open(case) == "z" and room.variables(case)["hours"] == 3
    second = room.start()
    assert room.open(second).endswith(":two")
