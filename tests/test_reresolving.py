"""Open work that an administrator moves to the present version of its chain and to today's directory."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from diagrams import node, zeebe
from engine_room import Room, form, person
from test_sign_offs import act, begin, step, told
from test_standing_steps import publish
from test_work import signing

from engine import cases, work
from engine.chains import preview
from engine.errors import FormInvalid, NotAllowed
from engine.models import Chain, Headship, SignOff, SubstitutionUse, WorkItem, new_id
from engine.people import absences
from engine.services import Services
from engine.work import reresolving


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def listed(room: Room) -> list[tuple[list[str], list[str]]]:
    return [(one.now, one.then) for one in reresolving.outlooks(room.services, "c", actor=person("admin"))]


def move(room: Room, case: str, by: str = "admin", reason: str = "组织调整", request_id: str | None = None) -> None:
    item = room.item(case, "sign")
    reresolving.find_signers_anew(room.services, item, actor=person(by), reason=reason, request_id=request_id or new_id())


def version(room: Room, case: str) -> int:
    return int(room.value(sa.select(Chain.number).join(WorkItem, WorkItem.chain_id == Chain.id).where(WorkItem.case_id == case)))


def keyed(name: str, *people: str, **more: object) -> dict[str, object]:
    return {**step(name, *people), "key": name, **more}


def test_migrate_to_a_new_head_of_department(room: Room) -> None:
    """版本迁移 (migrate): the directory alone changed; listed first, then moved, told in the ledger with before and after."""
    case = begin(room, {**keyed("a"), "mode": "single", "approvers": [{"rule": "department_head"}]})
    assert listed(room) == []
    room.write(sa.update(Headship).where(Headship.department_id == "service").values(person_id=person("director")))
    assert listed(room) == [(["赵敏"], ["孙志远"])]
    assert told(room, case) == "open: head:open"
    for _ in range(2):
        move(room, case, request_id="once")
    assert told(room, case) == "open: head:transferred director:open" and listed(room) == []
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:step:reresolved"]
    assert [entry.payload[name][0]["name"] for name in ("former", "to")] == ["赵敏", "孙志远"]
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes"


def test_migrate_to_a_new_version(room: Room) -> None:
    """版本迁移 (migrate): undecided ones go over, are removed or added; what was decided stays and counts; later steps are the new ones."""
    case = begin(room, keyed("a", "hr", "head"), keyed("b", "boss"))
    room.approve(case, "sign", by="hr")
    publish(room, keyed("a", "hr", "director", "hr2"), keyed("c", "admin"))
    assert listed(room) == [(["赵敏"], ["孙志远", "周洁"])] and version(room, case) == 1
    move(room, case)
    assert told(room, case) == "open: hr:approved head:transferred director:open hr2:open" and version(room, case) == 2
    room.approve(case, "sign", by="director")
    room.approve(case, "sign", by="hr2")
    assert told(room, case).endswith("open: admin:open")


def test_migrate_may_decide_the_step(room: Room) -> None:
    """版本迁移 (migrate): nobody is left to be asked, so what was approved is enough, and the item goes on by the new version."""
    case = begin(room, keyed("a", "hr", "head"), keyed("b", "boss"))
    room.approve(case, "sign", by="hr")
    publish(room, keyed("a", "hr"))
    move(room, case)
    assert told(room, case) == "approved: hr:approved head:removed" and room.open(case) == "yes"


def test_migrate_keeps_what_cannot_go_on(room: Room) -> None:
    """版本迁移 (migrate): another step or another way of counting before it stays with the version it has."""
    case = begin(room, keyed("a", "hr", "head"))
    publish(room, keyed("new", "boss"), keyed("a", "director"))
    assert listed(room) == []
    move(room, case)
    assert version(room, case) == 1 and told(room, case) == "open: hr:open head:open"


def test_migrate_by_administrators_with_a_reason(room: Room) -> None:
    """版本迁移 (migrate): nobody else sees or moves anything, and not without saying why; never the employee concerned."""
    case = begin(room, keyed("a", "hr", "head"))
    publish(room, keyed("a", "hr", "subject"))
    assert listed(room) == [(["王芳", "赵敏"], ["王芳"])]
    for by in ("hr", "subject", "boss"):
        with pytest.raises(NotAllowed):
            move(room, case, by=by)
        with pytest.raises(NotAllowed):
            reresolving.outlooks(room.services, "c", actor=person(by))
    with pytest.raises(FormInvalid):
        move(room, case, reason=" ")
    move(room, case)
    assert told(room, case) == "open: hr:open head:removed"


def test_migrate_names_what_is_offered_to_several(room: Room) -> None:
    """版本迁移 (migrate): who takes it is found once; the list says so and nothing is changed."""
    case = begin(room, keyed("a", "hr", "head", mode="claim"))
    [one] = reresolving.outlooks(room.services, "c", actor=person("admin"))
    assert isinstance(one.error, NotAllowed)
    with pytest.raises(NotAllowed):
        move(room, case)


def test_migrate_keeps_whom_somebody_chose(room: Room) -> None:
    """版本迁移 (migrate): whoever the initiator or the signer before chose is found again, not who comes where nobody was chosen."""
    one_of = {"pool": {"rule": "person", "persons": [person("hr"), person("hr2")]}}
    rules = [
        [{"rule": name, **one_of}, {"rule": "person", "persons": [person("boss")]}] for name in ("initiator_chooses", "signer_chooses")
    ]
    first, second = ({**keyed(name), "mode": "single", "approvers": rule} for name, rule in zip("ab", rules, strict=True))
    given = signing(first, second)
    filled = node("startEvent", "start", zeebe("formDefinition", formId="f"))
    room.deploy(filled, *given["body"][1:], chains=given["chains"], forms={"f": form(numbers=["amount"])})
    chosen = {"c": {"a": [person("hr2")]}}
    starts = {"procedure": "test", "initiator": person("head"), "subject": person("subject"), "values": {}, "request_id": new_id()}
    case = cases.start(room.services, **starts, chosen=chosen).case_id
    changed, looked = preview.open_items(room.services, "c", [first])
    assert looked == 1 and [one.persons for one in changed[0].after] == [[person("hr2")]]
    for signs in ("hr2", "hr"):
        assert told(room, case).endswith(f"open: {signs}:open") and listed(room) == []
        move(room, case)
        assert told(room, case).endswith(f"open: {signs}:open")
        if signs == "hr2":
            act(room, case, work.approve, signs, chosen=[person("hr")])


def test_migrate_to_whoever_stands_in_keeps_the_use(room: Room) -> None:
    """版本迁移 (migrate): who comes by a substitution is in the list of its uses, as when a step opens."""
    case = begin(room, keyed("a", "hr"))
    now = room.clock.now()
    away = {"starts_at": now, "ends_at": now + dt.timedelta(days=2), "by": person("boss")}
    absences.appoint(room.services, absent=person("boss"), substitute=person("director"), **away)
    publish(room, keyed("a", "boss", "hr2"))
    move(room, case)
    assert told(room, case) == "open: hr:transferred director:open hr2:open"
    [used] = room.values(sa.select(SubstitutionUse.sign_off_id))
    assert room.values(sa.select(SignOff.id).where(SignOff.for_id == person("boss"), SignOff.state == "open")) == [used]
