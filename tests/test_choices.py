"""发起人自选 and 上一签批人指定: who may be chosen, when it is checked, and what happens when nobody is left of those chosen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from diagrams import END, START, flows, node, user, zeebe
from engine_room import Room, form, person, together
from test_standing_steps import begin, publish, rounds
from test_work import signing

from engine import cases, forecast, work
from engine.errors import CaseNotRunning, FormInvalid, NotAllowed, NotDeployable, NotFound
from engine.ledger import Event
from engine.models import Case, Chain, Choice, Person, SignOff, new_id
from engine.people import absences
from engine.ports import Json
from engine.services import Services

ANY_OF = {"rule": "person", "persons": ["E003", "E004", "E005"]}  # hr, hr2, director


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def step(key: str, *rules: dict[str, Json], **more: Json) -> dict[str, Json]:
    return {"key": key, "name": key, "name_en": key, "mode": "single", "approvers": list(rules), **more}


def by(who: str) -> dict[str, Json]:
    return {"rule": "person", "persons": [f"E{['subject', 'boss', 'head', 'hr', 'hr2', 'director', 'admin'].index(who):03}"]}


def initiator(**more: Json) -> dict[str, Json]:
    return {"rule": "initiator_chooses", "pool": ANY_OF, **more}


def signer(**more: Json) -> dict[str, Json]:
    return {"rule": "signer_chooses", "pool": ANY_OF, **more}


def deployed(room: Room, *steps: dict[str, Json]) -> None:
    if room.count(Chain):
        publish(room, *steps)
        return
    given = signing(*steps)
    filled = node("startEvent", "start", zeebe("formDefinition", formId="f"))
    room.deploy(filled, *given["body"][1:], chains=given["chains"], forms={"f": form(numbers=["amount"])})


def start(room: Room, chosen: Any = None, *, by: str = "boss", request_id: str = "", **values: Json) -> str:
    given = {"procedure": "test", "initiator": person(by), "subject": person("subject"), "values": values}
    return cases.start(room.services, **given, chosen=chosen or {}, request_id=request_id or new_id()).case_id


def approve(room: Room, case: str, who: str, *chosen: str, request_id: str = "") -> None:
    given = {"actor": person(who), "chosen": [person(one) for one in chosen], "request_id": request_id or new_id()}
    work.approve(room.services, room.item(case, "sign"), **given)


def signers(room: Room, case: str) -> list[str]:
    """Who holds the open sign-offs of a case, by key, in their order."""
    rows = room.values(sa.select(SignOff.person_id).where(SignOff.case_id == case, SignOff.state == "open").order_by(SignOff.position))
    keys = {person(key): key for key in ("boss", "head", "hr", "hr2", "director", "admin", "other", "worker")}
    return [keys[row] for row in rows]


def refused(act: Any) -> dict[str, list[str]]:
    with pytest.raises(FormInvalid) as error:
        act()
    return error.value.fields


def leave(room: Room, who: str) -> None:
    room.write(sa.update(Person).where(Person.id == person(who)).values(active=False))


def test_choose_approvers_when_a_case_is_started(room: Room) -> None:
    """发起人自选 (choose approvers): whom the initiator chose signs; the start in the ledger tells whom, and a repeat changes nothing."""
    deployed(room, step("first", initiator(max=2), mode="all"))
    chosen = {"c": {"first": [person("hr2"), "E005"]}}
    case = start(room, chosen, request_id="once")
    assert start(room, chosen, request_id="once") == case
    assert signers(room, case) == ["hr2", "director"]
    told = room.entries(case)[0].payload["chosen"]
    assert told == {"c": {"first": [person("hr2"), person("director")]}} and room.count(Choice) == 1
    approve(room, case, "hr2")
    approve(room, case, "director")
    assert room.open(case) == "yes" and room.restarted().open(case) == "yes"


@pytest.mark.parametrize(
    "chosen",
    [{}, {"first": ["hr", "hr2", "director"]}, {"first": ["head"]}, {"first": ["subject"]}, {"first": ["boss"]}, {"first": ["E99"]}],
)
def test_choose_approvers_is_refused_by_field(room: Room, chosen: dict[str, list[str]]) -> None:
    """发起人自选 (choose approvers): too few, too many, outside the pool, whom it is about, oneself, nobody's id: nothing is started."""
    everybody = {"rule": "person", "persons": ["E000", "E001", "E003", "E004", "E005"]}
    deployed(room, step("first", initiator(pool=everybody, max=2), mode="any"))
    ids = {key: [one if one == "E99" else person(one) for one in persons] for key, persons in chosen.items()}
    assert list(refused(lambda: start(room, {"c": ids}))) == ["chosen.c.first"]
    assert room.count(Case) == 0


def test_choose_approvers_only_where_it_is_asked(room: Room) -> None:
    """发起人自选 (choose approvers): for another step or chain it is refused; one who is chosen for the whole company must work there."""
    deployed(room, step("first", {"rule": "initiator_chooses"}), step("second", by("hr")))
    fine = {"first": [person("worker")]}
    assert list(refused(lambda: start(room, {"c": {**fine, "second": [person("hr")]}}))) == ["chosen.c.second"]
    assert list(refused(lambda: start(room, {"c": fine, "d": {"x": [person("hr")]}}))) == ["chosen.d.x"]
    leave(room, "worker")
    assert list(refused(lambda: start(room, {"c": fine}))) == ["chosen.c.first"]


def test_choose_approvers_for_steps_that_may_not_come(room: Room) -> None:
    """发起人自选 (choose approvers): left out where another rule comes first, or where it is known that the step does not apply."""
    deployed(
        room,
        step("first", by("head"), initiator()),
        step("second", initiator(), when="amount > 5"),
        step("third", initiator(), when="is defined(later) and later > 5"),
    )
    assert list(refused(lambda: start(room, amount=9))) == ["chosen.c.second", "chosen.c.third"]
    case = start(room, {"c": {"third": [person("hr")]}}, amount=1)
    approve(room, case, "head")
    assert rounds(room, case) == ["first approved", "second skipped", "third skipped"]


def test_choose_approvers_is_checked_again_when_the_step_opens(room: Room) -> None:
    """发起人自选 (choose approvers): who has left is not asked; with too few left the next rule says who signs, and why is told."""
    deployed(room, step("first", by("head")), step("second", initiator(min=2), by("admin"), mode="all"))
    case = start(room, {"c": {"second": [person("hr"), person("hr2")]}})
    leave(room, "hr2")
    approve(room, case, "head")
    assert signers(room, case) == ["admin"]
    [opened] = [entry for entry in room.entries(case) if entry.event == Event.STEP_OPENED][1:]
    assert [one["name"] for one in opened.payload["trace"]["tried"][0]["gone"]] == ["周洁"]


def test_choose_signers_with_the_approval(room: Room) -> None:
    """上一签批人指定 (signer chooses): who approves names the next, must, and cannot name themselves, whom it is about or somebody else."""
    everybody = {"rule": "person", "persons": ["E000", "E002", "E003", "E004"]}
    deployed(room, step("first", by("head")), step("second", signer(pool=everybody, max=2), mode="all"))
    case = start(room)
    for wrong in ((), ("subject",), ("head",), ("director",), ("hr", "hr2", "director")):
        assert list(refused(lambda wrong=wrong: approve(room, case, "head", *wrong))) == ["chosen"], wrong
    assert rounds(room, case) == ["first open"]
    approve(room, case, "head", "hr", "hr2", request_id="once")
    approve(room, case, "head", "hr", "hr2", request_id="once")
    assert signers(room, case) == ["hr", "hr2"]
    [told] = [entry for entry in room.entries(case) if entry.event == Event.SIGNERS_CHOSEN]
    assert told.actor == person("head") and [one["name"] for one in told.payload["chosen"]] == ["王芳", "周洁"]


def test_choose_signers_only_with_the_approval_that_decides(room: Room) -> None:
    """上一签批人指定 (signer chooses): in a 会签 the last one chooses; who does not decide cannot, and of two at once one does."""
    deployed(room, step("first", by("head"), mode="single"), step("second", by("hr")), step("third", signer()))
    case = start(room)
    assert list(refused(lambda: approve(room, case, "head", "hr2"))) == ["chosen"]
    approve(room, case, "head")
    approve(room, case, "hr", "hr2")
    assert signers(room, case) == ["hr2"]
    both = {"rule": "person", "persons": ["E002", "E003"]}
    deployed(room, step("first", both, mode="all"), step("second", signer()))
    case = start(room)
    given = together(lambda: approve(room, case, "head"), lambda: approve(room, case, "hr"))
    assert sorted(isinstance(one, FormInvalid) for one in given) == [False, True] and signers(room, case) in (["head"], ["hr"])
    last = signers(room, case)[0]
    approve(room, case, last, "director")
    assert signers(room, case) == ["director"]


def test_choose_signers_falls_back_where_no_person_approves(room: Room) -> None:
    """上一签批人指定 (signer chooses): where a removal decides, or every step before was skipped, the next rule says who signs."""
    both = {"rule": "person", "persons": ["E002", "E003"]}
    deployed(room, step("first", both, mode="all"), step("second", signer(), by("director")))
    case = start(room)
    approve(room, case, "head")
    [other] = room.values(sa.select(SignOff.id).where(SignOff.case_id == case, SignOff.state == "open"))
    work.remove(room.services, room.item(case, "sign"), other, actor=person("admin"), reason="离职", request_id=new_id())
    assert signers(room, case) == ["director"]
    deployed(room, step("first", by("head"), when="false"), step("second", signer()))
    assert signers(room, start(room)) == ["admin"]


def test_choose_signers_anew_in_another_round(room: Room) -> None:
    """上一签批人指定 (signer chooses): who signs again chooses again; a return to the step itself asks whom they chose."""
    deployed(room, step("first", by("head")), step("second", signer()), step("third", by("admin")))
    case = start(room)
    approve(room, case, "head", "hr")
    approve(room, case, "hr")
    send_back = {"actor": person("admin"), "reason": "补充"}
    work.return_(room.services, room.item(case, "sign"), **send_back, to_step="second", request_id=new_id())
    assert signers(room, case) == ["hr"]
    approve(room, case, "hr")
    work.return_(room.services, room.item(case, "sign"), **send_back, to_step="first", request_id=new_id())
    assert list(refused(lambda: approve(room, case, "head"))) == ["chosen"]
    approve(room, case, "head", "director")
    assert signers(room, case) == ["director"]


@pytest.mark.parametrize(
    ("steps", "part"),
    [
        ([step("a", signer())], "nobody signs before the first step"),
        ([step("a", by("hr")), step("b", signer(), initiator())], "only one rule of a step can let somebody choose"),
        ([step("a", initiator(min=3, max=2), mode="all")], "it must not be less than min"),
        ([step("a", initiator(max=2))], "only one can be chosen"),
        ([step("a", by("hr"), batch=True), step("b", signer())], "none before can be approved in a batch"),
        ([step("a", by("hr"), batch=True), step("b", by("boss")), step("c", signer())], "none before can be approved in a batch"),
    ],
)
def test_a_choice_that_cannot_be_made_is_not_published(room: Room, steps: list[dict[str, Json]], part: str) -> None:
    """The fault is named with its step."""
    with pytest.raises(NotDeployable) as refused:
        deployed(room, *steps)
    assert any(part in finding.text for finding in refused.value.findings)


def test_choose_approvers_of_chains_that_the_diagram_reaches(room: Room) -> None:
    """发起人自选 (choose approvers): of every chain ahead, in a branch, too; a case that a message starts asks nobody."""
    chains = {key: {"name": key, "name_en": key, "steps": [step("s", initiator(), by("admin"))]} for key in ("c", "d")}
    task = [node("userTask", key, zeebe("properties", zeebe("property", name="wf.chain", value=key))) for key in "cd"]
    gate = node("exclusiveGateway", "gate", default="gate_c")
    ways = flows("start > gate", "gate > c", 'gate > d: initiator.name = "李强"', "c > z", "d > z", "z > end")
    room.deploy(START, gate, *task, user("z"), END, ways, chains=chains)
    assert sorted(refused(lambda: start(room))) == ["chosen.c.s", "chosen.d.s"]
    case = start(room, {key: {"s": [person("hr")]} for key in "cd"})
    assert signers(room, case) == ["hr"]


def test_nobody_who_is_concerned_gets_a_sign_off_by_a_choice_of_their_substitute(room: Room) -> None:
    """Whoever stands in for somebody absent is looked at, too: neither the person concerned nor who chooses signs that way."""
    now = room.clock.now()
    for absent, stands_in in (("hr", "subject"), ("hr2", "head")):
        who = {"absent": person(absent), "substitute": person(stands_in), "by": person(absent)}
        absences.appoint(room.services, **who, starts_at=now, ends_at=now + dt.timedelta(days=9))
    deployed(room, step("first", by("head")), step("second", signer()))
    case = start(room)
    for wrong in ("hr", "hr2"):
        assert list(refused(lambda wrong=wrong: approve(room, case, "head", wrong))) == ["chosen"]
    approve(room, case, "head", "director")


def test_begin_still_needs_no_choice(room: Room) -> None:
    """A chain without such a rule is started as before."""
    assert rounds(room, begin(room, step("first", by("head")))) == ["first open"]


def correct(room: Room, case: str, *who: str, by: str = "admin", step: str = "second", request_id: str = "") -> None:
    given = {"chain": "c", "step": step, "persons": [person(one) for one in who], "reason": "调岗"}
    work.correct(room.services, case, **given, actor=person(by), request_id=request_id or new_id())


def test_choose_approvers_corrected_by_a_manager(room: Room) -> None:
    """发起人自选 (choose approvers): for a step to come a manager names others, with a reason; nobody else does."""
    deployed(room, step("first", by("head")), step("second", initiator()))
    case = start(room, {"c": {"second": [person("hr")]}})
    for who in ("boss", "head", "subject", "other"):
        with pytest.raises(NotAllowed):
            correct(room, case, "hr2", by=who)
    for wrong in ((), ("head",), ("subject",), ("hr", "hr2")):
        assert list(refused(lambda wrong=wrong: correct(room, case, *wrong))) == ["persons"]
    with pytest.raises(NotFound):
        correct(room, case, "hr2", step="first")
    assert work.to_correct(room.services, case, actor=person("boss")) == []
    assert [one.names for one in work.to_correct(room.services, case, actor=person("admin"))] == [["王芳"]]
    correct(room, case, "hr2", request_id="once")
    correct(room, case, "hr2", request_id="once")
    [told] = [entry for entry in room.entries(case) if entry.event == Event.CHOICE_CORRECTED]
    assert [one["name"] for one in (*told.payload["former"], *told.payload["chosen"])] == ["王芳", "周洁"]
    approve(room, case, "head")
    assert signers(room, case) == ["hr2"]
    approve(room, case, "hr2")
    room.complete(case, "yes")
    with pytest.raises(CaseNotRunning):
        correct(room, case, "hr")


def test_choose_approvers_again_while_the_case_is_with_the_initiator(room: Room) -> None:
    """发起人自选 (choose approvers): who started the case corrects it themselves when the work came back to them, and not before."""
    task = node("userTask", "sign", zeebe("properties", zeebe("property", name="wf.chain", value="c")))
    own = node("userTask", "own", zeebe("assignmentDefinition", assignee="=initiator.id"))
    chain = {"c": {"name": "c", "name_en": "c", "steps": [step("first", by("head")), step("second", initiator())]}}
    room.deploy(START, own, task, user("z"), END, flows("start > own", "own > sign", "sign > z", "z > end"), chains=chain)
    case = start(room, {"c": {"second": [person("hr")]}})
    room.complete(case, "own", by="boss")
    with pytest.raises(NotAllowed):
        correct(room, case, "hr2", by="boss")
    back = {"actor": person("head"), "reason": "换人", "request_id": new_id()}
    work.return_(room.services, room.item(case, "sign"), **back, to_element="own")
    correct(room, case, "hr2", by="boss")
    room.complete(case, "own", by="boss")
    approve(room, case, "head")
    assert signers(room, case) == ["hr2"]


def test_forecast_of_what_lies_ahead(room: Room) -> None:
    """审批人预测 (forecast): what may be passed by is marked; what is open or behind is not told."""
    chains = {key: {"name": key, "name_en": key, "steps": [step("s", by("head"), when=when)]} for key, when in (("c", ""), ("d", "n > 1"))}
    task = [node("userTask", key, zeebe("properties", zeebe("property", name="wf.chain", value=key))) for key in "cd"]
    gate = node("exclusiveGateway", "gate", default="gate_end")
    ways = flows("start > a", "a > c", "c > gate", "gate > end", 'gate > d: initiator.name = "李强"', "d > end")
    room.deploy(START, user("a"), *task, gate, END, ways, chains=chains)
    given = {"procedure": "test", "initiator": person("boss"), "subject": person("subject"), "values": {}, "chosen": {}}

    def told(approvals: Any) -> list[tuple[str, bool, list[str | None], list[str]]]:
        return [(one.element, one.certain, [s.expected for s in one.steps], [*one.steps[0].people]) for one in approvals]

    both = [("c", True, ["signs"], ["赵敏"]), ("d", False, ["conditional"], ["赵敏"])]
    assert told(forecast.before_start(room.services, **given).approvals) == both
    assert room.count(Case) == 0
    case = start(room)
    assert told(forecast.of_case(room.services, case, reader=person("boss"))) == both
    room.complete(case, "a")
    assert told(forecast.of_case(room.services, case, reader=person("boss"))) == both[1:]
    for reader in ("subject", "worker"):
        with pytest.raises(NotAllowed):
            forecast.of_case(room.services, case, reader=person(reader))
    with pytest.raises(NotAllowed):
        forecast.before_start(room.services, **{**given, "initiator": person("subject")})
