"""Steps that several people sign, on the database: what each act stores, opens and closes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, mapping, node, user, zeebe
from engine_room import PEOPLE, Room, person, together

from engine import inbox, work
from engine.errors import ActedOn, AlreadyDecided, FormInvalid, MayNotSign, NotAllowed, NotFound, NotYourTurn, SignsAlready, WayClosed
from engine.models import Document, Draft, Person, SignOff, WorkItem, WorkRound, new_id
from engine.ports import File, Json
from engine.services import Services

KEYS = {person(key): key for key in PEOPLE}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def step(name: str, *people: str, mode: str = "all", **more: Json) -> dict[str, Json]:
    """A step that these people sign."""
    rule = {"rule": "person", "persons": [person(key) for key in people]}
    return {"name": name, "name_en": name, "mode": mode, "approvers": [rule], "initiator": "self", **more}


def begin(room: Room, *steps: dict[str, Json]) -> str:
    """A new case at a task with this chain, whose decision chooses between two tasks; the case's id."""
    properties = zeebe("properties", zeebe("property", name="wf.chain", value="c"))
    task = node("userTask", "sign", properties, mapping(outputs={"verdict": "=decision", "who": "=decided_by"}))
    gate = node("exclusiveGateway", "gate", default="gate_no")
    ways = flows("start > sign", "sign > gate", 'gate > yes: verdict = "approved"', "gate > no", "yes > end", "no > end")
    chain = {"name": "审批", "name_en": "Chain", "steps": list(steps)}
    room.deploy(START, task, gate, user("yes"), user("no"), END, ways, chains={"c": chain})
    return room.start()


def told(room: Room, case: str) -> str:
    """The rounds of the case's chain, one after another, with who stands where in them."""
    rows = room.rows(
        sa.select(WorkRound.id, WorkRound.outcome, SignOff.person_id, SignOff.state)
        .join(SignOff, SignOff.round_id == WorkRound.id)
        .where(SignOff.case_id == case)
        .order_by(WorkRound.id, SignOff.position)
    )
    rounds: dict[str, list[str]] = {}
    for row in rows:
        rounds.setdefault(f"{row.id} {row.outcome or 'open'}", []).append(f"{KEYS.get(row.person_id)}:{row.state}")
    return " | ".join(f"{name.split()[1]}: {' '.join(signers)}" for name, signers in rounds.items())


def act(room: Room, case: str, verb: Any, by: str, *given: Any, **more: Any) -> None:
    """Do something with the open item `sign`."""
    verb(room.services, room.item(case, "sign"), *given, actor=person(by), request_id=new_id(), **more)


# --- modes of a step


def test_countersign(room: Room) -> None:
    """会签 (countersign): open for all at once; the last approval ends it, and each keeps their opinion."""
    case = begin(room, step("会签", "hr", "head", "director"))
    assert told(room, case) == "open: hr:open head:open director:open"
    room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="hr")
    assert told(room, case) == "open: hr:approved head:approved director:open" and room.open(case) == "sign"
    room.approve(case, "sign", by="director")
    assert told(room, case) == "approved: hr:approved head:approved director:approved" and room.open(case) == "yes"
    assert room.variables(case)["who"] == "孙志远"
    assert room.events(case).count("work:step:approved") == 3


def test_countersign_is_rejected_by_one(room: Room) -> None:
    """会签 (countersign): the others' sign-offs lapse in the same commit, and are told who decided."""
    case = begin(room, step("会签", "hr", "head"))
    item = room.item(case, "sign")
    act(room, case, work.reject, "head", opinion="不同意")
    assert told(room, case) == "rejected: hr:lapsed head:rejected" and room.open(case) == "no"
    with pytest.raises(AlreadyDecided, match="赵敏"):
        work.approve(room.services, item, actor=person("hr"), request_id=new_id())


def test_countersign_after_all(room: Room) -> None:
    """会签 (countersign): with every opinion first the case goes on when the last one has spoken."""
    case = begin(room, step("会签", "hr", "head", reject="after_all"))
    act(room, case, work.reject, "head", opinion="不同意")
    assert room.open(case) == "sign"
    room.approve(case, "sign", by="hr")
    assert told(room, case) == "rejected: hr:approved head:rejected" and room.open(case) == "no"


def test_any_one(room: Room) -> None:
    """或签 (any one): the first decision decides, and the next step of the chain opens."""
    case = begin(room, step("或签", "hr", "head", mode="any"), step("再签", "director"))
    room.approve(case, "sign", by="head")
    assert told(room, case) == "approved: hr:lapsed head:approved | open: director:open"
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="hr")


def test_in_sequence(room: Room) -> None:
    """依次审批 (in sequence): one after another; who is not there yet is told who is."""
    case = begin(room, step("依次", "hr", "head", mode="sequence"))
    with pytest.raises(NotYourTurn, match="王芳"):
        room.approve(case, "sign", by="head")
    [waiting] = room.rows(sa.select(SignOff.opened_at).where(SignOff.person_id == person("head")))
    assert waiting.opened_at is None
    room.clock.move(hours=1)
    room.approve(case, "sign", by="hr")
    assert told(room, case) == "open: hr:approved head:open"
    assert room.values(sa.select(SignOff.opened_at).where(SignOff.person_id == person("head"))) == [room.clock.now()]
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes"


def test_ratio(room: Room) -> None:
    """比例 / 票签 (ratio, weighted vote): as soon as the weights reach the ratio, or cannot any more."""
    weights = [{"persons": [person("director")], "weight": 3}]
    case = begin(room, step("票签", "hr", "head", "director", mode="ratio", ratio=60, weights=weights))
    act(room, case, work.reject, "hr", opinion="不同意")
    assert room.open(case) == "sign"
    room.approve(case, "sign", by="director")
    assert told(room, case) == "approved: hr:rejected head:lapsed director:approved" and room.open(case) == "yes"


def test_random_one(room: Room) -> None:
    """随机一人 (random one): one is drawn, and from whom stands in the trace."""
    case = begin(room, step("抽签", "hr", "head", "director", mode="random"))
    [drawn] = room.rows(sa.select(SignOff.person_id, WorkRound.trace).join(WorkRound, WorkRound.id == SignOff.round_id))
    assert [one["id"] for one in drawn.trace["drawn_from"]] == [person(key) for key in ("hr", "head", "director")]
    room.approve(case, "sign", by=KEYS[drawn.person_id])
    assert room.open(case) == "yes"


def test_opinion_required(room: Room) -> None:
    """审批意见必填 (opinion required): where the step says so, an approval without one is refused, and nothing is lost."""
    case = begin(room, step("会签", "hr", opinion="always"))
    with pytest.raises(FormInvalid):
        room.approve(case, "sign", by="hr", opinion=" ")
    room.approve(case, "sign", by="hr", opinion="同意")
    assert room.open(case) == "yes"


def test_all_at_the_same_moment(room: Room) -> None:
    """Several signers of one step at once: everybody's decision counts, and the case goes on once."""
    people = ("hr", "hr2", "head", "director", "admin")
    case = begin(room, step("会签", *people))
    item = room.item(case, "sign")
    given = together(
        *(lambda by=by: work.approve(room.services, item, actor=person(by), opinion="同意", request_id=new_id()) for by in people)  # type: ignore[misc]
    )
    assert given == [None] * 5 and room.open(case) == "yes"
    assert room.count(WorkItem) == 2 and room.events(case).count("work:item:completed") == 1


def test_a_plain_sign_off_takes_no_more_room_than_before(room: Room) -> None:
    """What only a round of several needs is null for the only signer of a step."""
    case = begin(room, step("单签", "hr", mode="single"))
    [row] = room.rows(sa.select(SignOff.__table__).where(SignOff.case_id == case))
    assert {row.for_id, row.weight, row.place, row.origin, row.by_position, row.former, row.because, row.was, row.read_at} == {None}


# --- transfer, delegate, reassign


def test_transfer(room: Room) -> None:
    """转办 (transfer): it leaves one inbox and comes into the other, and the ledger tells from whom, to whom and why."""
    case = begin(room, step("单签", "hr", mode="single"))
    act(room, case, work.transfer, "hr", to=person("director"), reason="出差")
    assert told(room, case) == "open: hr:transferred director:open"
    with pytest.raises(NotAllowed, match="no longer yours"):
        room.approve(case, "sign", by="hr")
    [entry] = [one for one in room.entries(case) if one.event == "work:sign_off:transferred"]
    assert (entry.actor, entry.payload["to"], entry.payload["reason"]) == (
        person("hr"),
        [{"id": person("director"), "name": "孙志远"}],
        "出差",
    )
    room.approve(case, "sign", by="director")
    assert room.open(case) == "yes" and room.variables(case)["who"] == "孙志远"


def test_read_is_kept_the_first_time(room: Room) -> None:
    """已阅 (read): when who holds it first opened the work; another's look counts for nothing, nor one at what is decided."""

    def seen() -> list[Any]:
        page = inbox.item_page(room.services, item, reader=person("hr"))
        return [one.read_at for one in page.steps if one.sign_off]

    case = begin(room, step("会签", "hr", "head"))
    item, entries = room.item(case, "sign"), room.events(case)
    assert not work.read(room.services, item, reader=person("admin")) and seen() == [None, None]
    first = room.clock.now()
    assert work.read(room.services, item, reader=person("hr")) and seen() == [first, None]
    room.clock.move(hours=1)
    assert not work.read(room.services, item, reader=person("hr")) and seen() == [first, None]
    room.approve(case, "sign", by="head")
    assert not work.read(room.services, item, reader=person("head")) and seen() == [first, None]
    assert room.events(case)[: len(entries)] == entries and len(room.events(case)) == len(entries) + 1
    act(room, case, work.transfer, "hr", to=person("director"))
    assert seen() == [first, None, None]


@pytest.mark.parametrize(
    ("to", "error", "said"), [("subject", MayNotSign, "林小北"), ("head", SignsAlready, "赵敏"), ("worker", MayNotSign, "马骏")]
)
def test_who_gets_no_sign_off(room: Room, to: str, error: type[Exception], said: str) -> None:
    """The employee concerned, whoever signs already, and whoever has left: refused by name, and nothing changes."""
    case = begin(room, step("会签", "hr", "head"))
    room.write(sa.update(Person).where(Person.id == person("worker")).values(active=False))
    before = room.case(case)
    for verb, given in (
        (work.transfer, {"to": person(to)}),
        (work.delegate, {"to": person(to)}),
        (work.add, {"persons": [person(to)], "where": "before", "reason": "请把关"}),
    ):
        with pytest.raises(error, match=said):
            act(room, case, verb, "hr", **given)
    with pytest.raises(NotFound):
        act(room, case, work.transfer, "hr", to="0" * 32)
    assert room.case(case) == before


def test_buttons_of_a_step(room: Room) -> None:
    """操作按钮设置 (buttons): what the chain does not offer is refused on the server, and not offered on the page."""
    case = begin(room, step("单签", "hr", mode="single", verbs=["transfer"]))
    assert inbox.item_page(room.services, room.item(case, "sign"), reader=person("hr")).may == {"approve", "reject", "transfer"}
    with pytest.raises(NotAllowed, match="does not offer"):
        act(room, case, work.delegate, "hr", to=person("director"))
    with pytest.raises(NotAllowed, match="does not offer"):
        act(room, case, work.add, "hr", persons=[person("director")], where="before", reason="请把关")


def test_delegate(room: Room) -> None:
    """委派 (delegate): the opinion is kept beside the decision, and only the owner decides."""
    case = begin(room, step("单签", "hr", mode="single"))
    act(room, case, work.delegate, "hr", to=person("director"))
    assert told(room, case) == "open: hr:waiting director:open"
    assert inbox.item_page(room.services, room.item(case, "sign"), reader=person("director")).may == {"resolve", "copy"}
    with pytest.raises(NotAllowed, match="opinion"):
        room.approve(case, "sign", by="director")
    with pytest.raises(FormInvalid):
        act(room, case, work.resolve, "director", opinion="")
    act(room, case, work.resolve, "director", opinion="可以")
    act(room, case, work.reject, "hr", opinion="不同意")
    assert told(room, case) == "rejected: hr:rejected director:resolved" and room.open(case) == "no"


def test_delegate_taken_back(room: Room) -> None:
    """委派 (delegate): the owner may decide without the opinion after all."""
    case = begin(room, step("单签", "hr", mode="single"))
    act(room, case, work.delegate, "hr", to=person("director"))
    act(room, case, work.take_back, "hr")
    assert told(room, case) == "open: hr:open director:removed"
    room.approve(case, "sign", by="hr")


def test_reassign(room: Room) -> None:
    """改派 (reassign): by a manager of the procedure only, with a reason; also what somebody has claimed."""
    case = begin(room, step("认领", "hr", "hr2", mode="claim"))
    item = room.item(case, "sign")
    work.claim(room.services, item, actor=person("hr"), request_id=new_id())
    [sign_off] = room.values(sa.select(SignOff.id).where(SignOff.item_id == item))
    with pytest.raises(NotAllowed, match="managers"):
        act(room, case, work.reassign, "hr2", sign_off, to=person("director"), reason="请假")
    with pytest.raises(FormInvalid):
        act(room, case, work.reassign, "admin", sign_off, to=person("director"), reason=" ")
    act(room, case, work.reassign, "admin", sign_off, to=person("director"), reason="请假")
    assert told(room, case) == "open: hr:transferred director:open"
    [entry] = [one for one in room.entries(case) if one.event == "work:sign_off:reassigned"]
    assert (entry.payload["former"][0]["name"], entry.payload["to"][0]["name"]) == ("王芳", "孙志远")
    room.approve(case, "sign", by="director")


# --- add and remove


@pytest.mark.parametrize(
    ("where", "states", "order"),
    [
        ("before", "hr:waiting director:open", ["director", "hr"]),
        ("after", "hr:open director:waiting", ["hr", "director"]),
        ("beside", "hr:open director:open", ["director", "hr"]),
    ],
)
def test_add_signer(room: Room, where: str, states: str, order: list[str]) -> None:
    """加签 (add signer): who waits for whom, and all of them sign."""
    case = begin(room, step("会签", "hr"))
    with pytest.raises(FormInvalid):
        act(room, case, work.add, "hr", persons=[person("director")], where=where, reason="")
    act(room, case, work.add, "hr", persons=[person("director")], where=where, reason="请把关")
    assert told(room, case) == f"open: {states}"
    for by in order:
        assert room.open(case) == "sign"
        room.approve(case, "sign", by=by)
    assert room.open(case) == "yes"


def test_remove_signer(room: Room) -> None:
    """减签 (remove signer): whoever added them, or a manager; what is certain then is decided, in the name of who decided."""
    case = begin(room, step("会签", "hr", "head"))
    act(room, case, work.add, "hr", persons=[person("director")], where="beside", reason="请把关")
    ids = dict(room.rows(sa.select(SignOff.person_id, SignOff.id).where(SignOff.case_id == case)))
    with pytest.raises(NotAllowed, match="did not add"):
        act(room, case, work.remove, "head", ids[person("director")], reason="不必")
    act(room, case, work.remove, "hr", ids[person("director")], reason="不必")
    room.approve(case, "sign", by="hr")
    act(room, case, work.remove, "admin", ids[person("head")], reason="休假")
    assert told(room, case) == "approved: hr:approved head:removed director:removed" and room.open(case) == "yes"
    assert room.variables(case)["who"] == "王芳"


def test_one_click_on_a_verb_that_arrives_several_times(room: Room) -> None:
    """The same request is carried out once, whatever the verb."""
    case = begin(room, step("会签", "hr", "head"))
    item = room.item(case, "sign")
    given = together(*[lambda: work.transfer(room.services, item, to=person("director"), actor=person("hr"), request_id="r")] * 4)
    assert given == [None] * 4 and room.events(case).count("work:sign_off:transferred") == 1


# --- withdraw


def test_withdraw(room: Room) -> None:
    """撤回 (withdraw): in an unfinished step the decision stays to be read with its opinion, and it is my turn again."""
    case = begin(room, step("会签", "hr", "head"))
    room.approve(case, "sign", by="hr", opinion="同意")
    act(room, case, work.withdraw, "hr", reason="看错了")
    assert told(room, case) == "open: hr:withdrawn head:open hr:open"
    [row] = room.rows(sa.select(SignOff.__table__).where(SignOff.state == "withdrawn"))
    assert (row.was, row.decided_by) == ("approved", person("hr")) and row.decided_at is not None
    act(room, case, work.reject, "hr", opinion="不同意")
    assert told(room, case) == "rejected: hr:withdrawn head:lapsed hr:rejected" and room.open(case) == "no"


def test_withdraw_closes_the_step_that_it_had_opened(room: Room) -> None:
    """撤回 (withdraw): after the step was decided the next one's sign-offs lapse; approved again, it is opened once more."""
    case = begin(room, step("部门", "hr", mode="single"), step("人事", "head", mode="single"))
    room.approve(case, "sign", by="hr")
    act(room, case, work.withdraw, "hr")
    assert told(room, case) == "open: hr:withdrawn hr:open | withdrawn: head:lapsed"
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="hr")
    assert told(room, case) == "approved: hr:withdrawn hr:approved | withdrawn: head:lapsed | open: head:open"
    assert room.values(sa.select(WorkRound.number).order_by(WorkRound.id)) == [1, 1, 2]
    room.approve(case, "sign", by="head")
    assert room.open(case) == "yes"


def test_withdraw_too_late(room: Room) -> None:
    """撤回 (withdraw): refused by name once the next one has done anything with it."""
    chain = (step("部门", "hr", mode="single"), step("人事", "head", "hr2"))
    case = begin(room, *chain)
    room.approve(case, "sign", by="hr")
    act(room, case, work.delegate, "head", to=person("director"))
    with pytest.raises(ActedOn, match="赵敏"):
        act(room, case, work.withdraw, "hr")
    act(room, case, work.resolve, "director", opinion="可以")
    room.approve(case, "sign", by="head")
    with pytest.raises(ActedOn, match=r"孙志远|赵敏"):
        act(room, case, work.withdraw, "hr")


def test_withdraw_a_transfer(room: Room) -> None:
    """撤回 (withdraw): of a 转办, it comes back until the receiver has acted."""
    case = begin(room, step("单签", "hr", mode="single"))
    act(room, case, work.transfer, "hr", to=person("director"))
    act(room, case, work.withdraw, "hr")
    assert told(room, case) == "open: hr:withdrawn director:lapsed hr:open"
    room.approve(case, "sign", by="hr")


# --- return


def test_return(room: Room) -> None:
    """退回任意节点 (return): to an earlier step others lapse, what was decided stays, and all after it is signed again."""
    case = begin(room, step("部门", "boss", mode="single", key="unit"), step("会签", "hr", "head", key="all"))
    room.approve(case, "sign", by="boss")
    room.approve(case, "sign", by="head")
    item = room.item(case, "sign")
    [target, _] = work.targets(room.services, item, actor=person("hr"))
    assert (target.step, target.name) == ("unit", "部门")
    with pytest.raises(FormInvalid):
        act(room, case, work.return_, "hr", to_step="unit", reason=" ")
    with pytest.raises(WayClosed):
        act(room, case, work.return_, "hr", to_step="all", reason="材料不全")
    with pytest.raises(NotFound):
        act(room, case, work.return_, "hr", to_step="moon", reason="材料不全")
    act(room, case, work.return_, "hr", to_step="unit", reason="材料不全")
    returned = "returned: hr:returned head:approved"
    assert told(room, case) == f"approved: boss:approved | {returned} | open: boss:open"
    with pytest.raises(NotAllowed):
        room.approve(case, "sign", by="head")
    room.approve(case, "sign", by="boss")
    assert told(room, case).endswith(f"{returned} | approved: boss:approved | open: hr:open head:open")
    for by in ("hr", "head"):
        room.approve(case, "sign", by=by)
    assert room.open(case) == "yes"
    [entry] = [one for one in room.entries(case) if one.event == "work:step:returned"]
    assert (entry.actor, entry.payload["opinion"], entry.payload["step"]) == (person("hr"), "材料不全", "会签")


def test_return_ends_what_was_added(room: Room) -> None:
    """退回任意节点 (return): added signers and delegations end with the round and are not made again."""
    case = begin(room, step("部门", "boss", mode="single", key="unit"), step("会签", "hr", "head", key="all"))
    room.approve(case, "sign", by="boss")
    act(room, case, work.add, "hr", persons=[person("director")], where="beside", reason="请把关")
    act(room, case, work.delegate, "head", to=person("hr2"))
    act(room, case, work.return_, "hr", to_step="unit", reason="材料不全")
    assert "returned: hr:returned head:lapsed director:lapsed hr2:lapsed" in told(room, case)
    room.approve(case, "sign", by="boss")
    assert told(room, case).endswith("open: hr:open head:open")


def test_return_to_an_earlier_work_item(room: Room) -> None:
    """退回任意节点 (return): a work item that the case really completed opens again; once it is done the chain begins anew."""
    properties = zeebe("properties", zeebe("property", name="wf.chain", value="c"))
    task = node("userTask", "sign", properties, mapping(outputs={"verdict": "=decision"}))
    chain = {"name": "审批", "name_en": "Chain", "steps": [step("会签", "head", "director")]}
    room.deploy(START, user("a"), user("other"), task, END, flows("start > a", "a > sign", "sign > end"), chains={"c": chain})
    case = room.start()
    room.complete(case, "a")
    room.approve(case, "sign", by="head")
    item = room.item(case, "sign")
    [target, _] = work.targets(room.services, item, actor=person("director"))
    assert (target.step, target.element, [one.element for one in target.left]) == (None, "a", ["sign"])
    for never in ("other", "sign"):
        with pytest.raises(WayClosed):
            act(room, case, work.return_, "director", to_element=never, reason="材料不全")
    with pytest.raises(NotAllowed):
        act(room, case, work.return_, "hr", to_element="a", reason="材料不全")
    act(room, case, work.return_, "director", to_element="a", reason="材料不全")
    assert room.open(case) == "a" and told(room, case) == "returned: head:approved director:returned"
    back = inbox.item_page(room.services, room.item(case, "a"), reader=person("hr")).sent_back
    assert back is not None and back.who and back.said == "材料不全"
    room.complete(case, "a")
    assert told(room, case) == "returned: head:approved director:returned | open: head:open director:open"
    assert inbox.item_page(room.services, room.item(case, "sign"), reader=person("head")).sent_back is None
    for by in ("head", "director"):
        room.approve(case, "sign", by=by)
    assert room.case(case).status == "closed"


def test_withdraw_of_nothing_that_was_returned_to_somebody_else(room: Room) -> None:
    """撤回 (withdraw): after 退回 who comes before the step to which it went back takes back nothing that was acted on."""
    case = begin(room, *(step(name, by, mode="single", key=by) for name, by in (("一", "boss"), ("二", "hr"), ("三", "head"))))
    room.approve(case, "sign", by="boss")
    room.approve(case, "sign", by="hr")
    act(room, case, work.return_, "head", to_step="hr", reason="材料不全")
    with pytest.raises(ActedOn):
        act(room, case, work.withdraw, "boss")


# --- what a rejection leads to


@pytest.mark.parametrize(("on_reject", "signs"), [("to_previous", "hr"), ("to:first", "boss")])
def test_reject_goes_back(room: Room, on_reject: str, signs: str) -> None:
    """驳回 (reject): with `on_reject` to the step before, or to a named one, which is then signed again."""
    chain = [step(key, by, mode="single", key=key) for key, by in (("first", "boss"), ("second", "hr"))]
    case = begin(room, *chain, step("third", "head", mode="single", on_reject=on_reject))
    room.approve(case, "sign", by="boss")
    room.approve(case, "sign", by="hr")
    act(room, case, work.reject, "head", opinion="不同意")
    assert told(room, case) == f"approved: boss:approved | approved: hr:approved | rejected: head:rejected | open: {signs}:open"
    for by in ("boss", "hr", "head")[("boss", "hr").index(signs) :]:
        room.approve(case, "sign", by=by)
    assert room.open(case) == "yes"


def test_reject_in_the_first_step_has_no_step_before_it(room: Room) -> None:
    """驳回 (reject): with `to_previous` in the first step is for the diagram to follow."""
    case = begin(room, step("一", "hr", mode="single", on_reject="to_previous"))
    act(room, case, work.reject, "hr", opinion="不同意")
    assert room.open(case) == "no"


def test_reject_ends_the_case(room: Room) -> None:
    """驳回 (reject): with `end` the case is over as rejected, with the reason; what was open is left."""
    case = begin(room, step("会签", "hr", "head", on_reject="end"))
    act(room, case, work.reject, "hr", opinion="不同意")
    row = room.case(case)
    assert (row.status, row.outcome) == ("closed", "rejected") and told(room, case) == "rejected: hr:rejected head:lapsed"
    assert room.entries(case)[-1].payload["reason"] == "不同意"


def test_a_step_without_a_form_takes_nothing(room: Room) -> None:
    """Where there is no form, what would be filled in goes nowhere: neither values nor a draft nor files are taken."""
    case = begin(room, step("a", "hr"))
    item = room.item(case, "sign")
    file = File(kind="x", name="x.pdf", media_type="application/pdf", content=b"%PDF-1.7")
    for act, given in (
        (work.complete, {"values": {"x": 1}, "request_id": new_id()}),
        (work.save_draft, {"values": {"x": 1}}),
        (work.attach, {"files": {"f": [file]}}),
    ):
        with pytest.raises(NotAllowed, match=r"approved or rejected, not completed|nothing to fill in"):
            act(room.services, item, actor=person("hr"), **given)
    assert room.count(Draft) == room.count(Document) == 0


def test_draft_of_an_opinion(room: Room) -> None:
    """草稿 (draft): an opinion is kept for its writer alone, also where there is no form, while it is their turn; then it is gone."""
    case = begin(room, step("a", "hr"), step("b", "head"))
    item = room.item(case, "sign")
    page = functools.partial(inbox.item_page, room.services, item)
    work.save_draft(room.services, item, actor=person("hr"), values={}, opinion="写到一半")
    assert page(reader=person("hr")).opinion == "写到一半" and page(reader=person("admin")).opinion == ""
    assert "写到一半" not in str(room.rows(sa.select(Draft.values)))
    for who in ("head", "subject", "director"):
        with pytest.raises(NotAllowed):
            work.save_draft(room.services, item, actor=person(who), values={}, opinion="越权")
    with pytest.raises(FormInvalid):
        work.save_draft(room.services, item, actor=person("hr"), values={}, opinion="长" * 5001)
    act(room, case, work.delegate, "hr", to=person("director"), reason="请看")
    assert page(reader=person("hr")).opinion == ""
    work.save_draft(room.services, item, actor=person("director"), values={}, opinion="意见草稿")
    assert page(reader=person("director")).opinion == "意见草稿"
    act(room, case, work.resolve, "director", opinion="可以")
    assert page(reader=person("hr")).opinion == "写到一半" and room.values(sa.select(Draft.person_id)) == [person("hr")]
    act(room, case, work.approve, "hr", opinion="写完了")
    assert room.count(Draft) == 0 and page(reader=person("hr")).opinion == ""


def test_steps_behind_a_rejection_wait_for_nobody(room: Room) -> None:
    """驳回 (reject): the page of the item tells that a step that was not reached is no longer needed, not that it waits."""
    case = begin(room, step("一", "hr"), step("二", "head"))
    item = room.item(case, "sign")
    act(room, case, work.reject, "hr", opinion="不同意")
    shown = inbox.item_page(room.services, item, reader=person("hr")).steps
    assert [(one.name, one.state) for one in shown] == [("一", "rejected"), ("二", "left")]
