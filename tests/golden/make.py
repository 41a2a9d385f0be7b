"""Plays the golden cases and writes them down for this release: `python -m tests.golden.make`, from the root of the project.

Each file holds the versions' files, the acts of the ledger, and the state they led to. A file is never made anew for a release
that is out: later releases must restore its state and come to the same one.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from diagrams import (
    END,
    START,
    boundary,
    call,
    diagram,
    event,
    event_sub,
    flows,
    many,
    mapping,
    message,
    node,
    service,
    sub,
    timer,
    undone,
    user,
    zeebe,
)
from engine_room import Room, line, person
from twins import ScriptedOperation, SetClock

from engine import deploying, incidents, messages, migration, returns
from engine.errors import Refused
from engine.models import new_id
from engine.settings import Settings
from webapp import create_services

BY = {"actor": person("admin"), "reason": "理由"}


def steps(room: Room) -> str:
    """A call, a decision of the flow, a loop, working time, a timer; over."""
    again = node("exclusiveGateway", "again", default="again_wait")
    office = zeebe("properties", zeebe("property", name="wf.calendar", value="office"))
    late = boundary("late", "a", timer(duration="P3D"), office)
    wait = node("intermediateCatchEvent", "wait", timer(duration="PT1H"))
    ways = flows("start > call", "call > a", "a > again", "again > a: n > 1", "again > wait", "wait > end", "late > end")
    room.deploy(START, service("call", operation="x.a"), user("a"), late, again, wait, END, ways)
    case = room.start()
    room.run()
    room.complete(case, "a")
    room.clock.move(hours=1, seconds=3)
    room.run()
    return case


def branches(room: Room) -> str:
    """Parallel branches, several instances, a sub-process with an event sub-process, a timer beside; still running."""
    fork, join = node("parallelGateway", "fork"), node("parallelGateway", "join")
    inner = sub("p", node("startEvent", "s"), user("x"), node("endEvent", "e"), flows("s > x", "x > e"),
                event_sub("h", timer(duration="PT2H"), user("y"), flows("h_start > y"), interrupting=False))  # fmt: skip
    each = user("m", many(inputCollection="=[1, 2, 3]", inputElement="one", outputCollection="all", outputElement="=one"))
    reminder = boundary("remind", "m", timer(cycle="R3/PT1H"), interrupting=False)
    ways = flows("start > fork", "fork > p", "fork > m", "fork > c", "p > join", "m > join", "c > join", "remind > r", "join > end")
    room.deploy(START, fork, inner, each, reminder, user("c"), user("r"), join, END, ways)
    case = room.start()
    room.complete(case, "c")
    room.clock.move(hours=2, minutes=5)
    room.run()
    return case


def repaired(room: Room) -> str:
    """An answer by hand, a return with compensation, a jump; still running."""
    refused = service("no", operation="x.no")
    undo = (boundary("e", "a", event("compensate")), service("back", operation="x.a", isForCompensation="true"), undone("e", "back"))
    called = service("a", mapping(outputs={"m": "=n"}), operation="x.a")
    ways = flows("start > u", "u > no", "no > a", "a > v", "v > w", "w > end")
    room.deploy(START, user("u"), refused, called, *undo, user("v"), user("w"), END, ways)
    case = room.start()
    room.complete(case, "u")
    room.run()
    room.manage(incidents.answer, room.incidents(case)[0].id, value={"by": "hand"})
    room.run()
    returns.return_to(room.services, case, "u", request_id=new_id(), **BY)
    room.run()
    returns.jump(room.services, case, leaving=["u#2"], entering=["w"], request_id=new_id(), **BY)
    return case


def moved(room: Room) -> str:
    """To another version with a renamed step and a new timer, and on there; a call of another procedure's process."""
    deploying.deploy(room.services, {"child.bpmn": diagram(*line("x"), id="child")}, procedure="child")
    calling = call("c", "child", bindingType="latest")
    room.deploy(START, user("a"), calling, END, flows("start > a", "a > c", "c > end"))
    case = room.start()
    term = boundary("term", "review", timer(duration="P1D"))
    ways = flows("start > review", "review > c", "c > z", "z > end", "term > end")
    room.deploy(START, user("review"), term, calling, user("z"), END, ways)
    migration.migrate(room.services, "test", None, request_id=new_id(), mapping={"a": "review"}, **BY)
    room.complete(case, "review")
    return case


def told(room: Room) -> str:
    """A message by its key, and the script behind it; over."""
    catch = node("intermediateCatchEvent", "paper", event("message", messageRef="M"))
    script = node("scriptTask", "count", zeebe("script", expression="=pages + 1", resultVariable="all"))
    ways = flows("start > paper", "paper > count", "count > end")
    room.deploy(START, catch, script, END, ways, named=message("M", "回执", "=subject.employee_no"))
    case = room.start()
    messages.send(room.services, name="回执", key="E000", values={"pages": 4}, actor=person("admin"), request_id=new_id())
    return case


STORIES: tuple[Callable[[Room], str], ...] = (steps, branches, repaired, moved, told)


def made(story: Callable[[Room], str]) -> dict[str, Any]:
    """One golden case, as its file holds it."""
    with tempfile.TemporaryDirectory() as home:
        room = Room(
            create_services(Settings(home=Path(home), demo=False), clock=SetClock()),
            ScriptedOperation("x.a", answers=[{"n": 1}]),
            ScriptedOperation("x.no", answers=[Refused(system="x", operation="x.no", reason="no")]),
        )
        case = story(room)
        acts = [entry for entry in room.entries(case) if "act" in entry.payload]
        ids = {entry.payload["version_id"] for entry in acts if "version_id" in entry.payload}
        ids |= {id for entry in acts for id in entry.payload.get("called", ())}
        stored = room.services.keyring.unseal(room.case(case).state, f"cases.state/{case}")
        told = {
            "versions": {id: {path: content.decode() for path, content in room.services.programs.get(id).files.items()} for id in ids},
            "acts": [
                {
                    "number": entry.number,
                    "at": entry.at.isoformat(),
                    "event": entry.event,
                    "element": entry.element,
                    "payload": dict(entry.payload),
                }
                for entry in acts
            ],
            "state": base64.b64encode(stored).decode(),
        }
        room.services.database.dispose()
    return told


if __name__ == "__main__":
    release = FOLDER / version("partwell")
    release.mkdir(exist_ok=True)
    for story in STORIES:
        file = release / f"{story.__name__}.json"
        file.write_text(json.dumps(made(story), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
        print(file.relative_to(FOLDER), file.stat().st_size)
