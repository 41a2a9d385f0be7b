"""Steps of a chain that cannot tell who signs, and chains that nobody has to sign."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, zeebe
from engine_room import Room, person
from test_work import signing

from engine import endings, incidents
from engine.chains import versions
from engine.chains.faults import faults
from engine.errors import FlowStuck, ItemClosed
from engine.ledger import Event
from engine.models import WorkItem, WorkRound, WorkStep
from engine.ports import Json
from engine.services import Services


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def step(key: str, who: str, **more: Json) -> dict[str, Json]:
    """A step that this person signs."""
    rule = {"rule": "person", "persons": [person(who)]}
    return {"key": key, "name": key, "name_en": key, "mode": "single", "approvers": [rule], "initiator": "self", **more}


def begin(room: Room, *steps: dict[str, Json]) -> str:
    """A new case at a task with this chain, whose decision chooses between two tasks; the case's id."""
    given = signing(*steps)
    room.deploy(*given["body"], chains=given["chains"])
    return room.start()


def rounds(room: Room, case: str) -> list[str]:
    rows = room.rows(
        sa.select(WorkStep.name, WorkRound.outcome)
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .join(WorkItem, WorkItem.id == WorkStep.item_id)
        .where(WorkItem.case_id == case)
        .order_by(WorkStep.position, WorkRound.number)
    )
    return [f"{row.name} {row.outcome or 'open'}" for row in rows]


def publish(room: Room, *steps: dict[str, Json]) -> None:
    """A new version of the chain."""
    room.clock.move(minutes=1)
    with room.services.database.unit() as unit:
        versions.publish(unit.connection, key="c", name="新", name_en="New", steps=list(steps), by=None, now=room.clock.now())
        unit.commit()


BROKEN = "missing.amount > 50000"


def test_a_condition_that_fails_does_not_undo_the_approval_before_it(room: Room) -> None:
    """The approval is kept; an incident names chain, step and expression; with the data corrected the step opens."""
    case = begin(room, step("first", "hr"), step("second", "head", when=BROKEN))
    room.approve(case, "sign", by="hr")
    [incident] = room.incidents(case)
    assert incident.code == "condition_failed"
    assert {"chain": "审批", "step": "second", "expression": BROKEN}.items() <= incident.facts.items()
    assert rounds(room, case) == ["first approved", "second open"]
    room.manage(incidents.retry, incident.id)
    [again] = room.incidents(case)
    assert again.id != incident.id and rounds(room, case) == ["first approved", "second open"]
    room.manage(incidents.retry, again.id, variables={"missing": {"amount": 60000}})
    assert room.incidents(case) == []
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes" and room.variables(case)["who"] == "赵敏"


def test_a_chain_corrected_meanwhile_is_taken_by_the_next_try(room: Room) -> None:
    """What was signed stays; the steps that nobody has signed are those of the version that was published since."""
    case = begin(room, step("first", "hr"), step("second", "head", when=BROKEN))
    room.approve(case, "sign", by="hr")
    [incident] = room.incidents(case)
    publish(room, step("first", "hr"), step("second", "head", when="false"), step("third", "director"))
    room.manage(incidents.retry, incident.id)
    assert room.incidents(case) == [] and rounds(room, case) == ["first approved", "second skipped", "third open"]
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes"


def test_a_chain_with_other_steps_before_is_not_taken(room: Room) -> None:
    """The item keeps the version it opened with where the new one would have asked others first."""
    case = begin(room, step("first", "hr"), step("second", "head", when=BROKEN))
    room.approve(case, "sign", by="hr")
    [incident] = room.incidents(case)
    publish(room, step("other", "hr"), step("second", "head", when="false"))
    room.manage(incidents.retry, incident.id)
    [again] = room.incidents(case)
    assert again.code == "condition_failed"


def test_nothing_left_to_sign_after_a_step_stood_is_the_last_ones_approval(room: Room) -> None:
    """The decision carries the name of who signed, not of who corrected the data."""
    case = begin(room, step("first", "hr"), step("second", "head", when=BROKEN))
    room.approve(case, "sign", by="hr")
    [incident] = room.incidents(case)
    room.manage(incidents.retry, incident.id, variables={"missing": {"amount": 1}})
    assert room.open(case) == "yes" and room.variables(case)["who"] == "王芳"


def test_a_standing_approval_is_not_skipped(room: Room) -> None:
    """A manager corrects and tries again; passing the approval without anybody is refused, and nothing changes."""
    case = begin(room, step("first", "hr", when=BROKEN))
    [incident] = room.incidents(case)
    with pytest.raises(ItemClosed, match="approval cannot be skipped"):
        room.manage(incidents.skip, incident.id)
    assert room.open(case) == "sign" and len(room.incidents(case)) == 1


def test_what_ends_the_item_ends_its_incident(room: Room) -> None:
    """A case that is returned or cancelled leaves no incident behind, and the step that stood is left."""
    case = begin(room, step("first", "hr", when=BROKEN))
    room.manage(endings.terminate, case)
    assert room.incidents(case) == [] and rounds(room, case) == ["first left"]


def test_a_chain_without_a_step_that_applies_passes_the_item_by_the_chain_itself(room: Room) -> None:
    """Where no step applies the item is approved in nobody's name, each step skipped with its reason, and the case can be rebuilt."""
    case = begin(room, step("first", "hr", when="is defined(amount)"), step("second", "head", when="false"))
    assert room.open(case) == "yes" and room.variables(case)["who"] == ""
    assert rounds(room, case) == ["first skipped", "second skipped"]
    traces = room.values(sa.select(WorkRound.trace))
    assert [trace["policy"] for trace in traces] == ["condition", "condition"]
    [completed] = [entry for entry in room.entries(case) if entry.event == "work:item:completed"]
    assert completed.payload["policy"] == "nothing_to_sign"
    assert room.restarted().open(case) == "yes"


def test_a_decision_about_an_employment_never_passes_by_an_empty_chain(room: Room) -> None:
    """A chain with a decisive step of which none applies waits for an administrator; corrected data let a person decide."""
    case = begin(room, step("first", "hr", when="is defined(amount)", decisive=True, initiator="manager"))
    [incident] = room.incidents(case)
    assert incident.code == "must_be_signed" and room.open(case) == "sign"
    room.manage(incidents.retry, incident.id)
    [again] = room.incidents(case)
    room.manage(incidents.retry, again.id, variables={"amount": 50})
    room.approve(case, "sign", by="hr")
    assert room.open(case) == "yes"


def test_approvals_that_need_nobody_in_a_circle_are_refused(room: Room) -> None:
    """A diagram that comes back to an empty approval again and again ends with a sentence, not with a crash."""
    task = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    chain = {"c": {"name": "审批", "name_en": "Chain", "steps": [step("first", "hr", when="false")]}}
    gate = node("exclusiveGateway", "gate", default="gate_sign")
    ways = flows("start > sign", "sign > gate", 'gate > end: initiator.name = "nobody"', "gate > sign")
    room.deploy(START, task, gate, END, ways, chains=chain)
    with pytest.raises(FlowStuck, match="needs nobody, in a circle"):
        room.start()


def test_nobody_reject_decides_by_rule_in_nobodys_name(room: Room) -> None:
    """自动拒绝 (reject where nobody is found): the step is rejected with the reason, first or later, and the diagram goes on."""
    nobody = {"approvers": [{"rule": "role", "roles": ["nowhere"]}], "nobody": {"do": "reject"}}
    case = begin(room, step("a", "hr", **nobody))
    assert (room.open(case), rounds(room, case)) == ("no", ["a rejected"])
    publish(room, step("a", "hr"), step("b", "hr", **nobody), step("c", "hr"))
    later = room.start()
    room.approve(later, "sign", by="hr")
    assert (room.open(later), rounds(room, later)) == ("no", ["a approved", "b rejected"])
    for each in (case, later):
        [rejected] = [entry for entry in room.entries(each) if entry.event == Event.STEP_REJECTED_BY_RULE]
        assert rejected.payload["trace"]["policy"] == "reject"
        [done] = [entry for entry in room.entries(each) if entry.event == Event.ITEM_COMPLETED]
        assert done.payload["values"] == {"decision": "rejected", "opinion": "", "decided_by": ""} and done.payload["policy"] == "nobody"


def test_nobody_reject_is_not_for_what_a_person_must_decide(room: Room) -> None:
    """自动拒绝 (reject where nobody is found): refused on a decisive step, and beside an `on_reject` that leads back."""
    nobody = {"nobody": {"do": "reject"}}
    for more in ({"decisive": True, "initiator": "manager"}, {"on_reject": "end"}):
        found = faults("链", "Chain", [step("a", "hr", **nobody, **more)])
        assert [fault.field for fault in found] == ["nobody.do"], more
