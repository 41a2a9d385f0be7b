"""What waits for people is seen in outside centres of to-dos, and follows what happens here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from chat_services import SECRET, ChatServices, listening
from engine_room import PEOPLE, Room, line, person
from test_notices import begin, step
from twins import Board

from connectors.dingtalk import DingTalk
from connectors.feishu import Feishu
from engine import endings, work
from engine.errors import NotAllowed, NotFound, Refused, SettingWrong, TryAgain
from engine.models import ForeignId, Holding, Job, Projection, ProjectionCentre, new_id
from engine.ports import Part, Projector
from engine.projecting import planning, reconciling, showing
from engine.services import Services


@pytest.fixture
def board() -> Board:
    return Board("board")


@pytest.fixture
def room(services: Services, board: Board) -> Room:
    """Everybody is known to the centre but the department's head; it is ready."""
    room = Room(dataclasses.replace(services, projectors={"board": board}))
    for key in PEOPLE:
        if key != "head":
            know(room, key, "board", f"ou_{key}")
    reconcile(room)
    return room


def know(room: Room, key: str, system: str, foreign: str) -> None:
    room.write(sa.insert(ForeignId).values(person_id=person(key), system=system, foreign_id=foreign))


def reconcile(room: Room) -> None:
    """As the sweep does when its time has come."""
    reconciling.due(room.services, room.clock.now())
    room.run()


def seen(board: Board, item: str) -> dict[str, str]:
    """Who sees an item how."""
    return {part.address.removeprefix("ou_"): part.state for part in board.seen[item].parts}


def act(room: Room, verb: str, item: str, by: str, **more: str) -> None:
    getattr(work, verb)(room.services, item, actor=person(by), request_id=new_id(), **more)
    room.run()


def test_inbox_outside_shows_an_item_to_its_signers_until_they_decide(room: Room, board: Board) -> None:
    """钉钉 / 飞书待办 (inbox): shown with title, step and our link as soon as it is open; approved by one, then by all."""
    case = begin(room, step("会签", "hr", "hr2"))
    room.run()
    item = room.item(case, "sign")
    assert isinstance(board, Projector)
    shown = board.seen[item]
    assert seen(board, item) == {"hr": "open", "hr2": "open"} and shown.state == "open"
    assert shown.title == f"{room.case(case).title} ({room.case(case).number})" and shown.link.endswith(f"/items/{item}")
    act(room, "approve", item, "hr", opinion="同意")
    assert seen(board, item) == {"hr": "approved", "hr2": "open"} and board.seen[item].changed > shown.changed
    act(room, "approve", item, "hr2", opinion="同意")
    assert seen(board, item) == {"hr": "approved", "hr2": "approved"} and board.seen[item].state == "approved"


def test_inbox_outside_loses_what_somebody_else_claimed(room: Room, board: Board) -> None:
    """钉钉 / 飞书待办 (inbox): each who holds the role sees it, but for the subject; released, it is there again for all."""
    room.deploy(*line("a"))
    case = room.start(by="boss", about="hr2")
    room.write(sa.insert(Holding).values(person_id=person("worker"), role="hr"))
    reconcile(room)
    room.clock.move(hours=2)
    reconcile(room)
    item = room.item(case, "a")
    assert seen(board, item) == {"hr": "open", "worker": "open"}
    work.claim(room.services, item, actor=person("hr"), request_id=new_id())
    room.run()
    assert seen(board, item) == {"hr": "open", "worker": "gone"}
    work.release(room.services, item, actor=person("hr"), request_id=new_id())
    room.run()
    assert seen(board, item) == {"hr": "open", "worker": "open"}
    room.complete(case, "a")
    room.run()
    assert seen(board, item) == {"hr": "approved", "worker": "gone"} and board.seen[item].state == "approved"


def test_inbox_outside_follows_what_is_passed_on_returned_or_stopped(room: Room, board: Board) -> None:
    """钉钉 / 飞书待办 (inbox): a transfer goes from one to the other; a stopped case leaves nothing open."""
    case = begin(room, step("审批", "hr"))
    room.run()
    item = room.item(case, "sign")
    act(room, "transfer", item, "hr", to=person("hr2"))
    assert seen(board, item) == {"hr": "passed", "hr2": "open"}
    room.manage(endings.cancel, case, by="boss")
    room.run()
    assert seen(board, item) == {"hr": "passed", "hr2": "gone"} and board.seen[item].state == "left"


def test_inbox_outside_of_whom_the_centre_does_not_know(room: Room, board: Board) -> None:
    """钉钉 / 飞书待办 (inbox): they are named to administrators, and shown once their id is entered."""
    case = begin(room, step("会签", "hr", "head"))
    room.run()
    item = room.item(case, "sign")
    assert seen(board, item) == {"hr": "open"}
    with room.services.database.reading() as connection:
        [row] = showing.unconfirmed(connection)
    assert (row.person, row.problem, row.number) == ("赵敏", planning.UNKNOWN, room.case(case).number)
    know(room, "head", "board", "ou_head")
    room.clock.move(hours=2)
    reconcile(room)
    assert seen(board, item) == {"hr": "open", "head": "open"} and unconfirmed(room) == []


def unconfirmed(room: Room) -> list[str]:
    with room.services.database.reading() as connection:
        return [row.problem for row in showing.unconfirmed(connection)]


def test_an_attempt_that_failed_is_repeated_and_a_later_state_wins(room: Room, board: Board) -> None:
    """What was open when the centre was away and is decided since is shown as decided, however often it is told."""
    board.answers = [TryAgain(system="board", operation="project", reason="it cannot be reached"), None]
    case = begin(room, step("审批", "hr"))
    room.run()
    item = room.item(case, "sign")
    assert board.seen == {} and unconfirmed(room) == ["it cannot be reached"]
    act(room, "approve", item, "hr", opinion="同意")
    assert seen(board, item) == {"hr": "approved"}
    room.clock.move(hours=1)
    room.run()
    assert board.told == 1 and unconfirmed(room) == [] and set(room.values(sa.select(Job.state).where(Job.kind == "project"))) == {"done"}


def test_what_the_centre_refuses_stops_nothing_else(room: Room, board: Board) -> None:
    """The reason is kept for administrators; another item of the case is shown, and the next comparison tries again."""
    board.answers = [Refused(system="board", operation="project", reason="it refused the message: 60001"), None]
    case = begin(room, step("审批", "hr"))
    room.run()
    assert board.seen == {} and unconfirmed(room) == ["it refused the message: 60001"] and room.case(case).incidents == 0
    room.clock.move(hours=2)
    reconcile(room)
    assert seen(board, room.item(case, "sign")) == {"hr": "open"} and unconfirmed(room) == []


def test_inbox_outside_that_lost_something_has_it_again(room: Room, board: Board) -> None:
    """钉钉 / 飞书待办 (inbox): a comparison finds what is otherwise there, and counts it; what is the same is not told again."""
    first, second = begin(room, step("审批", "hr")), room.start(by="boss")
    room.run()
    lost, kept = room.item(first, "sign"), room.item(second, "sign")
    told = board.told
    del board.seen[lost]
    room.clock.move(hours=2)
    reconcile(room)
    assert seen(board, lost) == seen(board, kept) == {"hr": "open"} and board.told == told + 1
    assert room.value(sa.select(ProjectionCentre.corrected)) == 1
    assert board.prepared[0] == "" and set(board.prepared[1:]) == {"place"}


def test_only_administrators_ask_for_a_comparison_and_one_is_enough(room: Room) -> None:
    """A second press while one waits adds none."""
    with pytest.raises(NotAllowed):
        reconciling.ask(room.services, "board", by=person("hr"))
    with pytest.raises(NotFound):
        reconciling.ask(room.services, "elsewhere", by=person("admin"))
    for _ in range(2):
        reconciling.ask(room.services, "board", by=person("admin"))
    assert room.values(sa.select(Job.state).where(Job.kind == "project", Job.state == "waiting")) == ["waiting"]


def test_nothing_is_kept_where_no_centre_is_switched_on(services: Services) -> None:
    """No row and no job."""
    room = Room(services)
    begin(room, step("审批", "hr"))
    reconcile(room)
    assert room.count(Projection) == 0 and room.values(sa.select(Job.id).where(Job.kind == "project")) == []


# --- Feishu


@pytest.fixture
def feishu(room: Room) -> Iterator[ChatServices]:
    """The chat services, near by."""
    with listening(lambda: room.clock.now().timestamp()) as there:
        yield there


def options(there: ChatServices, **more: object) -> dict[str, object]:
    return {"app_id": "k", "app_secret": SECRET, "base_url": there.address, "approval_centre": True, **more}


def test_inbox_in_feishu_shows_work_in_its_approval_centre(room: Room, feishu: ChatServices) -> None:
    """飞书待办 (inbox): 三方审批, one definition and an instance for each item, a task for each signer; deciding is behind our link."""
    room = shown_in(room, Feishu("feishu", options(feishu)))
    for key in ("hr", "hr2"):
        know(room, key, "feishu", f"ou_feishu_{key}")
    case = begin(room, step("会签", "hr", "hr2"))
    room.run()
    assert feishu.approvals.instances == {}
    reconcile(room)
    room.clock.move(minutes=1)
    room.run()
    item = room.item(case, "sign")
    told = feishu.approvals.instances[item]
    assert tasks(told) == {"ou_feishu_hr": "PENDING", "ou_feishu_hr2": "PENDING"}
    assert told["links"]["mobile_link"].endswith(f"/items/{item}") and told["status"] == "PENDING"
    act(room, "approve", item, "hr", opinion="同意")
    room.clock.move(seconds=1)
    act(room, "reject", item, "hr2", opinion="不同意")
    told = feishu.approvals.instances[item]
    assert tasks(told) == {"ou_feishu_hr": "APPROVED", "ou_feishu_hr2": "REJECTED"} and told["status"] == "REJECTED"
    again = shown_in(room, Feishu("feishu", options(feishu)))
    feishu.approvals.instances.clear()
    again.clock.move(hours=2)
    reconcile(again)
    assert feishu.approvals.instances[item]["status"] == "REJECTED" and len(feishu.approvals.definitions) == 1


def tasks(told: Any) -> dict[str, str]:
    """Status by person."""
    return {task["open_id"]: task["status"] for task in told["task_list"]}


def shown_in(room: Room, centre: Projector) -> Room:
    """The same office with this centre instead."""
    room.services = dataclasses.replace(room.services, projectors={centre.centre: centre})
    return room


def test_feishu_lets_vanish_what_is_gone_and_takes_at_most_its_limit(room: Room, board: Board, feishu: ChatServices) -> None:
    """Tasks that are not told any more are removed there; more people than it takes are refused before anything is sent."""
    connector = Feishu("feishu", options(feishu))
    begin(room, step("审批", "hr"))
    room.run()
    [shown] = board.seen.values()
    [part] = shown.parts
    place = connector.prepare("", shown.now)
    whole = dataclasses.replace(shown, place=place)
    connector.show(whole)
    assert connector.deviating([whole]) == set()
    gone = dataclasses.replace(whole, parts=[dataclasses.replace(part, state="gone", ended_at=shown.now)])
    connector.show(gone)
    assert feishu.approvals.instances[shown.key]["task_list"] == [] and connector.deviating([whole]) == {shown.key}
    many: list[Part] = [dataclasses.replace(part, key=new_id()) for _ in range(201)]
    with pytest.raises(Refused):
        connector.show(dataclasses.replace(whole, parts=many))


def test_feishu_takes_no_union_id_for_its_approval_centre(feishu: ChatServices) -> None:
    """The setting is named at the start."""
    with pytest.raises(SettingWrong, match="id_type"):
        Feishu("feishu", options(feishu, id_type="union_id"))
    assert Feishu("feishu", {**options(feishu), "approval_centre": False}).centre == ""


# --- DingTalk


@pytest.fixture
def dingtalk(room: Room, feishu: ChatServices) -> DingTalk:
    """Its to-dos for those in HR; the department's head has an id there that it does not know."""
    given = {"app_key": "k", "app_secret": SECRET, "agent_id": 7, "base_url": feishu.address, "api_url": feishu.address, "todo": True}
    connector = DingTalk("dingtalk", given)
    shown_in(room, connector)
    for key, foreign in {"hr": "d_hr", "hr2": "d_hr2", "head": "nobody"}.items():
        know(room, key, "dingtalk", foreign)
    reconcile(room)
    return connector


def test_inbox_in_dingtalk_shows_work_as_to_dos(room: Room, dingtalk: DingTalk, feishu: ChatServices) -> None:
    """钉钉待办 (inbox): one for each signer by their unionid, done with their act, deleted where somebody else's act ended it."""
    case = begin(room, step("会签", "hr", "hr2", mode="any"))
    room.run()
    item, to_dos = room.item(case, "sign"), feishu.to_dos
    assert set(to_dos.open()) == {"unionhr", "unionhr2"} and room.case(case).number in to_dos.open()["unionhr"]
    assert all(task["detailUrl"]["pcUrl"].endswith(f"/items/{item}") for task in to_dos.kept.values())
    act(room, "approve", item, "hr", opinion="同意")
    assert [(task["executorIds"], task["done"]) for task in to_dos.kept.values()] == [(["unionhr"], True)]


def test_dingtalk_keeps_one_whom_it_does_not_know_from_nobody_else(room: Room, dingtalk: DingTalk, feishu: ChatServices) -> None:
    """The others have their to-dos; the one is shown to administrators with the reason."""
    begin(room, step("会签", "head", "hr"))
    room.run()
    assert set(feishu.to_dos.open()) == {"unionhr"} and unconfirmed(room) == ["it refused the request: 60121"]


def test_dingtalk_takes_the_same_twice_and_a_token_that_is_over(room: Room, dingtalk: DingTalk, feishu: ChatServices) -> None:
    """An attempt whose answer was lost makes no second to-do; a new token is asked for, and the job tries again."""
    case = begin(room, step("审批", "hr"))
    room.run()
    to_dos = feishu.to_dos
    room.write(sa.update(Projection).values(sent="", outside_id=""))
    reconcile_later(room)
    assert len(to_dos.kept) == 1 and set(room.values(sa.select(Projection.outside_id))) == set(to_dos.kept)
    to_dos.over, tokens = True, to_dos.tokens
    act(room, "approve", room.item(case, "sign"), "hr", opinion="同意")
    assert set(to_dos.open()) == {"unionhr"}
    room.clock.move(minutes=1)
    room.run()
    assert to_dos.open() == {} and to_dos.tokens == tokens + 1


def test_inbox_in_dingtalk_decides_nothing(room: Room, dingtalk: DingTalk, feishu: ChatServices) -> None:
    """钉钉 / 飞书待办 (inbox): what was ticked off there decides nothing: it is open again; what was deleted there is made again."""
    case = begin(room, step("会签", "hr", "hr2"))
    room.run()
    to_dos = feishu.to_dos
    for id, task in list(to_dos.kept.items()):
        if task["executorIds"] == ["unionhr"]:
            task["done"] = True
        else:
            del to_dos.kept[id]
    reconcile_later(room)
    assert set(to_dos.open()) == {"unionhr", "unionhr2"} and len(to_dos.kept) == 2
    assert room.open(case) == "sign" and room.value(sa.select(ProjectionCentre.corrected).where(CENTRE)) == 1


CENTRE = ProjectionCentre.centre == "dingtalk"


def reconcile_later(room: Room) -> None:
    room.clock.move(hours=2)
    reconcile(room)
