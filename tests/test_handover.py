"""离职转办: what somebody holds goes to others, item by item, and what comes to them later does, too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from engine_room import Room, line, person
from test_sign_offs import begin, step, told

from engine import work
from engine.errors import HandoverRefused, MayNotSign, NotAllowed, NotFound, SignsAlready
from engine.models import Candidate, Duty, Group, GroupMember, Headship, Person, Placement, SignOff, new_id
from engine.people import absences, directory
from engine.services import Services
from engine.work import handover
from engine.work.belongings import Held
from engine.work.rerouting import reroute


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def held(room: Room, who: str = "hr") -> list[Held]:
    return list(handover.look(room.services, person(who), actor=person("admin")).held)


def kinds(room: Room, who: str = "hr") -> str:
    return " ".join(one.kind for one in held(room, who))


def give(room: Room, to: Mapping[str, str], who: str = "hr", by: str | None = "admin", until: int | None = None) -> list[handover.Done]:
    """Hand over what somebody holds; `to`: keys of people, `until`: days from now."""
    ids = {key: person(to[key]) if to[key] else "" for key in to}
    day = directory.day(room.clock.now())
    last = day + dt.timedelta(days=until) if until is not None else None
    return handover.hand_over(room.services, person(who), to=ids, until=last, note="离职", actor=person(by) if by else None)


def errors(done: list[handover.Done]) -> list[type[Exception] | None]:
    return [type(one.error) if one.error else None for one in done]


def test_handover_of_open_and_waiting_sign_offs(room: Room) -> None:
    """离职转办 (handover): each at its place; what was decided stays under the leaver's name, and the ledger tells former and new."""
    case = begin(room, step("依次", "head", "hr", mode="sequence"))
    room.approve(case, "sign", by="head")
    waiting = room.start()
    assert kinds(room) == "sign_off sign_off chain role"
    assert errors(give(room, {"": "hr2"})) == [None, None]
    assert told(room, case) == "open: head:approved hr:transferred hr2:open"
    assert told(room, waiting) == "open: head:open hr:transferred hr2:waiting"
    [entry] = [entry for entry in room.entries(case) if entry.event == "work:sign_off:handed_over"]
    assert (entry.actor, entry.payload["former"][0]["name"], entry.payload["to"][0]["name"]) == (person("admin"), "王芳", "周洁")
    room.approve(case, "sign", by="hr2")
    assert room.open(case) == "yes"
    assert give(room, {"": "hr2"}) == []


def test_handover_of_what_is_offered_and_of_work_without_a_chain(room: Room) -> None:
    """离职转办 (handover): the other takes the leaver's place among those who may take it, and goes on with what was taken."""
    case = begin(room, step("认领", "hr", "head", mode="claim"))
    [one] = [one for one in held(room) if one.kind == "offer"]
    assert (one.case_id, one.name) == (case, "认领")
    assert errors(give(room, {"": "hr2"})) == [None]
    assert set(room.values(sa.select(Candidate.ref))) == {person("hr2"), person("head")}
    room.deploy(*line("a"), procedure="plain")
    plain = room.start(procedure="plain")
    work.claim(room.services, room.item(plain, "a"), actor=person("hr"), request_id=new_id())
    assert errors(give(room, {"procedure:plain": "hr2"})) == [None]
    room.complete(plain, "a", by="hr2")
    assert room.case(plain).status == "closed" and "work:sign_off:handed_over" in room.events(plain)


def test_handover_never_gives_the_subject_anything(room: Room) -> None:
    """离职转办 (handover): what is about whoever gets it stays and is told; another run gives the rest to somebody else."""
    case = begin(room, step("a", "hr", mode="single"))
    room.deploy(*line("own"), procedure="plain")
    plain = room.start(procedure="plain")
    work.claim(room.services, room.item(plain, "own"), actor=person("hr"), request_id=new_id())
    assert errors(give(room, {"": "subject"})) == [MayNotSign, MayNotSign]
    assert told(room, case).startswith("open: hr:open")
    with pytest.raises(NotAllowed):
        give(room, {"": "hr2"}, by="subject")
    assert errors(give(room, {"": "subject", "sign_off": "hr2"})) == [None, None]


def test_handover_is_refused_where_the_other_signs_already(room: Room) -> None:
    """离职转办 (handover): one thing that cannot be given hinders no other; it is chosen anew for itself."""
    case = begin(room, step("会签", "hr", "head"))
    [one] = [one for one in held(room) if one.kind == "sign_off"]
    assert errors(give(room, {"": "head"})) == [SignsAlready]
    assert errors(give(room, {"": "head", one.key: "director"})) == [None]
    assert told(room, case) == "open: hr:transferred head:open director:open"


def test_handover_of_places_in_the_directory(room: Room) -> None:
    """离职转办 (handover): heads, duties, superiors from a day on, groups at once; each with its record and reason."""
    room.write(sa.insert(Group).values(id="council", name="委员会", name_en="Council"))
    room.write(sa.insert(GroupMember).values(group_id="council", person_id=person("head")))
    duty = {"duty": "hrbp", "person_id": person("head"), "scope": "department", "ref": "service"}
    room.write(sa.insert(Duty).values(id=new_id(), **duty))
    assert kinds(room, "head") == "headship duty group report role"
    assert errors(give(room, {"": "director"}, who="head")) == [None] * 4
    on = directory.day(room.clock.now())
    heads = sa.select(Headship.person_id).where(Headship.department_id == "service", directory.in_force(Headship, on))
    assert room.values(heads) == [person("director")] and room.values(sa.select(GroupMember.person_id)) == [person("director")]
    assert room.values(sa.select(Duty.person_id).where(directory.in_force(Duty, on))) == [person("director")]
    above = sa.select(Placement.manager_id).where(Placement.person_id == person("boss"), directory.in_force(Placement, on))
    assert room.values(above) == [person("director")]
    assert kinds(room, "head") == "role" and give(room, {"": "director"}, who="head") == []


def test_handover_to_whoever_reports_to_the_leaver(room: Room) -> None:
    """离职转办 (handover): nobody becomes their own superior; they report to the leaver's."""
    assert errors(give(room, {"report": "hr"}, who="director")) == [None, None]
    on = directory.day(room.clock.now())
    above = sa.select(Placement.person_id, Placement.manager_id).where(directory.in_force(Placement, on))
    found = {row.person_id: row.manager_id for row in room.rows(above)}
    assert (found[person("hr")], found[person("hr2")]) == (None, person("hr"))


def test_handover_names_chains_roles_and_cases(room: Room) -> None:
    """离职转办 (handover): where the leaver is named is told with the steps; the initiator stays who they are."""
    case = begin(room, step("初审", "hr"), step("复审", "head"))
    own = room.start(by="hr", about="worker")
    named = {one.kind: one for one in held(room) if one.kind in ("chain", "role", "case")}
    assert (named["chain"].ref, named["chain"].about) == ("c", "初审") and (named["role"].ref, named["role"].others) == ("hr", 1)
    assert named["case"].case_id == own != case
    give(room, {"": "hr2"})
    assert room.case(own).initiator_id == person("hr") and "chain" in kinds(room)


def test_handover_of_substitutions(room: Room) -> None:
    """离职转办 (handover): for whom the leaver stands in, the other does from now on; not for themselves."""
    now = room.clock.now()
    times = {"starts_at": now, "ends_at": now + dt.timedelta(days=9)}
    absences.appoint(room.services, absent=person("head"), substitute=person("hr"), by=person("head"), **times)
    assert errors(give(room, {"": "head"}))[0] is not None and kinds(room).startswith("substitution")
    assert errors(give(room, {"": "hr2"})) == [None]
    case = begin(room, step("a", "head"))
    assert told(room, case) == "open: hr2:open"
    assert errors(give(room, {"": "hr"}, who="hr2")) == [None, None]
    assert told(room, case) == "open: hr2:transferred hr:open"
    assert room.values(sa.select(SignOff.for_id).where(SignOff.state == "open")) == [person("head")]


def test_handover_includes_what_comes_later(room: Room) -> None:
    """离职转办 (handover): until the last day what opens for the leaver goes to the other, and so does what somebody hands to them."""
    assert errors(give(room, {"": "hr2"}, until=3)) == [None]
    leaver = handover.look(room.services, person("hr"), actor=person("admin"))
    assert leaver.later_to == person("hr2")
    room.clock.move(minutes=1)
    case = begin(room, step("a", "hr"), step("b", "head"))
    assert told(room, case) == "open: hr2:open"
    room.approve(case, "sign", by="hr2")
    item = room.item(case, "sign")
    work.transfer(room.services, item, to=person("hr"), actor=person("head"), request_id=new_id())
    assert reroute(room.services, room.clock.now()) == 1 and reroute(room.services, room.clock.now()) == 0
    assert told(room, case).endswith("open: head:transferred hr:transferred hr2:open")
    assert errors(give(room, {"": "hr2"}, until=3)) == [None]
    [row] = absences_of(room)
    assert row.handover and row.absent == "王芳"
    room.clock.move(days=4)
    assert told(room, room.start()).startswith("open: hr:open")


def absences_of(room: Room) -> list[sa.Row[object]]:
    with room.services.database.reading() as connection:
        return absences.rows(connection, room.clock.now())


def test_handover_leaves_what_was_left_on_purpose(room: Room) -> None:
    """离职转办 (handover): what is chosen for nobody stays with the leaver until they have left, whatever comes later."""
    case = begin(room, step("a", "hr"))
    [one] = [one for one in held(room) if one.kind == "sign_off"]
    assert errors(give(room, {"": "hr2", one.key: ""}, until=3)) == [None]
    assert reroute(room.services, room.clock.now()) == 0
    assert told(room, case) == "open: hr:open"
    room.write(sa.update(Person).where(Person.id == person("hr")).values(active=False))
    assert reroute(room.services, room.clock.now()) == 1
    assert told(room, case) == "open: hr:transferred hr2:open"


def test_handover_by_whom_and_to_whom(room: Room) -> None:
    """离职转办 (handover): administrators only, to somebody who is here and is not the leaver; the command line may."""
    case = begin(room, step("a", "hr"))
    for by in ("hr", "head", "boss"):
        with pytest.raises(NotAllowed):
            give(room, {"": "hr2"}, by=by)
    room.write(sa.update(Person).where(Person.id == person("other")).values(active=False))
    for to in ({"": "hr"}, {}, {"": "other"}):
        with pytest.raises(HandoverRefused):
            give(room, to)
    with pytest.raises(NotFound):
        handover.hand_over(room.services, person("hr"), to={"": "f" * 32}, note="x", actor=None)
    with pytest.raises(NotFound):
        handover.look(room.services, "f" * 32, actor=None)
    assert errors(give(room, {"": "hr2"}, by=None)) == [None]
    assert told(room, case) == "open: hr:transferred hr2:open"
