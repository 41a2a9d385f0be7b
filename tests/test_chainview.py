"""What the page of a work item tells of its chain: rounds that count and that do not, who passed what to whom, what is still to come."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import PEOPLE, Room, person
from test_sign_offs import act, begin, step

from engine import inbox, work
from engine.errors import VersionSuspended
from engine.models import ProcedureVersion
from engine.services import Services

NAMES = {key: PEOPLE[key][0] for key in PEOPLE}


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def page(room: Room, case: str, reader: str) -> inbox.ItemPage:
    return inbox.item_page(room.services, room.item(case, "sign"), reader=person(reader))


def test_each_verb_is_offered_exactly_while_it_would_work(room: Room) -> None:
    """Who waits for an opinion may take the question back, who was asked answers, who acted withdraws, managers reassign."""
    case = begin(room, step("会签", "hr", "worker"), step("总监", "director"))
    assert page(room, case, "hr").may == {"approve", "reject", "return", "transfer", "delegate", "add", "copy"}
    assert page(room, case, "hr").where == ["before", "after", "beside"]
    assert page(room, case, "admin").may == {"urge", "copy"}
    act(room, case, work.delegate, "hr", to=person("hr2"))
    assert page(room, case, "hr").may == {"take_back", "copy"} and page(room, case, "worker").may >= {"approve"}
    assert page(room, case, "hr2").may == {"resolve", "copy"}
    act(room, case, work.take_back, "hr")
    act(room, case, work.add, "hr", persons=[person("hr2")], where="beside", reason="一起看")
    verbs = [sorted(one.may) for one in page(room, case, "admin").steps]
    assert verbs == [["reassign", "remove"], ["reassign", "remove"], [], ["reassign", "remove"], []]
    assert [sorted(one.may) for one in page(room, case, "hr").steps] == [[], [], [], ["remove"], []]
    act(room, case, work.remove, "hr", page(room, case, "hr").steps[3].sign_off, reason="不必")
    act(room, case, work.approve, "hr")
    act(room, case, work.approve, "worker")
    assert page(room, case, "hr").may == {"withdraw", "urge", "copy"}
    act(room, case, work.delegate, "director", to=person("boss"))
    assert page(room, case, "hr").may == {"urge", "copy"}


def test_nothing_is_offered_that_a_suspended_version_refuses(room: Room) -> None:
    """While a version is held nothing of its cases moves; who reads one may still show it to others."""
    case = begin(room, step("会签", "hr", "worker"))
    act(room, case, work.approve, "worker")
    room.write(sa.update(ProcedureVersion).values(suspended=True))
    for reader in ("hr", "worker", "admin"):
        assert page(room, case, reader).may == {"copy"}
        assert not any(one.may for one in page(room, case, reader).steps)
    for verb, by in ((work.approve, "hr"), (work.withdraw, "worker"), (work.urge, "admin")):
        with pytest.raises(VersionSuspended):
            act(room, case, verb, by)
    room.write(sa.update(ProcedureVersion).values(suspended=False))
    assert "approve" in page(room, case, "hr").may


def test_the_chain_tells_where_each_sign_off_comes_from(room: Room) -> None:
    """Passed on, asked for, added: with the names, the reason and the opinion."""
    case = begin(room, step("单签", "hr", mode="single"))
    act(room, case, work.transfer, "hr", to=person("hr2"), reason="出差")
    act(room, case, work.delegate, "hr2", to=person("worker"))
    act(room, case, work.resolve, "worker", opinion="可以")
    act(room, case, work.add, "hr2", persons=[person("head")], where="after", reason="请复核")
    seen = page(room, case, "hr2").steps
    told = [(one.people[0], one.state, one.origin, one.by, one.passed_by) for one in seen]
    assert told == [
        (NAMES["hr"], "transferred", "chain", None, None),
        (NAMES["hr2"], "open", "chain", None, NAMES["hr"]),
        (NAMES["worker"], "resolved", "delegate", NAMES["hr2"], None),
        (NAMES["head"], "waiting", "after", NAMES["hr2"], None),
    ]
    assert (seen[0].reason, seen[2].opinion) == ("出差", "可以")
    act(room, case, work.reassign, "admin", seen[1].sign_off, to=person("director"), reason="请假")
    moved = page(room, case, "admin").steps[1]
    assert (moved.people[0], moved.acted, moved.state) == (NAMES["hr2"], NAMES["admin"], "transferred")


def test_a_round_that_was_returned_counts_no_more_and_says_by_whom(room: Room) -> None:
    """After a return both old rounds stay to be read, and what follows is told as of now."""
    case = begin(room, step("一", "hr"), step("二", "director"), step("三", "boss", when="false"))
    expected = [(one.name, one.expected) for one in page(room, case, "hr").steps]
    assert expected == [("一", None), ("二", "signs"), ("三", "unreached")]
    act(room, case, work.approve, "hr", opinion="同意")
    [back, *_] = work.targets(room.services, room.item(case, "sign"), actor=person("director"))
    act(room, case, work.return_, "director", to_step=back.step, reason="材料不全")
    seen: list[Any] = [(one.name, one.round, one.state, one.counts, one.undone_by) for one in page(room, case, "hr").steps]
    assert seen == [
        ("一", 1, "approved", False, NAMES["director"]),
        ("一", 2, "open", True, None),
        ("二", 1, "returned", False, NAMES["director"]),
        ("二", None, "waiting", True, None),
        ("三", None, "waiting", True, None),
    ]
