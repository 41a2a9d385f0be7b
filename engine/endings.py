"""撤销, 终止 and 作废: a case that ends before its diagram says so, and a finished one that is void. Nothing that happened is deleted.

The initiator cancels while there is a way back (`rules.json`: `cancel`, `no_way_back`); a manager terminates a running case or declares
a closed one void. Once a case has reached an element of `second_person`, a manager only asks, and another one confirms or declines.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import ledger, returns
from .cases import must_manage, must_say, turn_in
from .db import Statement
from .errors import CaseNotRunning, CaseVoid, EndingAsked, FormInvalid, NotAllowed, NothingAsked, NoWayBack
from .ledger import Event
from .locking import must_run
from .models import Ending, Person, SignOff, WorkItem, new_id
from .ports import Json
from .rules import INITIATOR, Rules, rules_of
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services

_LONGEST = 5000
_DECIDE = Statement(
    sa.update(Ending)
    .where(Ending.id == sa.bindparam("ending_id"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("state", "decided_by", "decided_at")})
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """That a manager wants to end a case or declare it void, and waits for another one."""

    #: `terminate` or `void`
    act: str
    by_id: str
    by: str
    at: dt.datetime
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Voided:
    """Who declared a case void."""

    at: dt.datetime
    by: str
    #: who confirmed it, where a second person had to
    confirmed_by: str | None
    reason: str


def cancel(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """The initiator calls the case off, as long as no element of `no_way_back` was reached.

    Raises FormInvalid without a reason, NotAllowed, NoWayBack, CaseNotRunning, VersionSuspended.
    """
    said = _said(reason)
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, "running")
        if turn is None:
            return
        must_run(turn.case)
        must_call_off(turn)
        _end(turn, "cancelled", said)
        turn.commit()


def terminate(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """A manager ends the case, or asks another one to where a second person is needed.

    Raises FormInvalid without a reason, NotAllowed, CaseNotRunning for a closed one, EndingAsked.
    """
    _act(services, case_id, "terminate", actor, reason, request_id)


def void(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """A manager declares a closed case void, or asks another one to; outcome and sealed file stay, and a further file says so.

    Raises FormInvalid without a reason, NotAllowed, CaseNotRunning for one that is not closed, CaseVoid, EndingAsked.
    """
    _act(services, case_id, "void", actor, reason, request_id)


def confirm(services: Services, case_id: str, *, actor: str, reason: str = "", request_id: str) -> None:
    """Another manager agrees, and what was asked is done.

    Raises NotAllowed for who asked, NothingAsked, CaseNotRunning, CaseVoid.
    """
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, "running", "suspended", "closed")
        if turn is None:
            return
        must_manage(turn)
        row = _must_be_asked(turn)
        if row.asked_by == actor:
            raise NotAllowed(reason="another manager than the one who asked for it must confirm it")
        asked = _told(services, row)
        decided = {"asked_by": {"id": asked.by_id, "name": asked.by}, "confirmed": must_say(reason) if reason.strip() else ""}
        turn.unit.write(_DECIDE, ending_id=row.id, new_state="done", new_decided_by=actor, new_decided_at=turn.now)
        _carry_out(turn, row.act, asked.reason, **decided)
        turn.tell("case_cancelled" if row.act == "terminate" else "case_voided", [row.asked_by])
        turn.commit()


def decline(services: Services, case_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """Another manager does not agree, or the one who asked takes it back: everything goes on as it was.

    Raises FormInvalid without a reason, NotAllowed, NothingAsked.
    """
    said = _said(reason)
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, "running", "suspended", "closed")
        if turn is None:
            return
        must_manage(turn)
        row = _must_be_asked(turn)
        turn.unit.write(_DECIDE, ending_id=row.id, new_state="declined", new_decided_by=actor, new_decided_at=turn.now)
        turn.record(Event.ENDING_DECLINED, ending=row.act, reason=said, asked_by={"id": row.asked_by, "name": row.name})
        turn.tell("ending_declined", [row.asked_by])
        turn.commit()


def prospect(services: Services, case_id: str, *, actor: str) -> returns.Prospect:
    """What would be left if the case ended now, and what was done outside since it began, which stays done. Raises NotFound, NotAllowed."""
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, new_id(), "running", "suspended", "closed")
        assert turn is not None  # only a repeated request gives none
        if actor != turn.case.initiator_id or actor == turn.case.subject_id:
            must_manage(turn)
        return returns.so_far(turn)


def end(turn: Turn, outcome: str, reason: str, **facts: Json) -> None:
    """The case is over here and now, whatever its diagram says; what is open is left, and everybody concerned is told."""
    concerned = _concerned(turn)
    left = turn.execution.cancel(now=turn.now)
    turn.apply(dataclasses.replace(left, finished=False))  # how the case ends is said here, not by its diagram
    turn.drop_jobs()
    turn.close(outcome, reason=reason, act="cancel", **facts)
    turn.tell("case_cancelled", concerned)


def must_call_off(turn: Turn) -> None:
    """Raises NotAllowed unless the actor began the case and its procedure lets them end it, NoWayBack where it is too late."""
    if turn.case.initiator_id != turn.actor or turn.actor == turn.case.subject_id:
        raise NotAllowed(reason="only who started the case can cancel it")
    rules = rules_of(turn.deployed.files)
    if INITIATOR not in rules.cancel:
        raise NotAllowed(reason="this procedure does not let the initiator cancel a case; its managers can terminate it")
    reached = next((element for element in _passed(turn) if element in rules.no_way_back), None)
    if reached is not None:
        element = turn.deployed.program.elements[reached]
        raise NoWayBack(step=element.title, step_en=element.name_en or element.title)


def verbs(
    case: Any,
    rules: Rules,
    asked: Asked | None,
    elements: set[str | None],
    reader: str,
    *,
    manages: bool,
    held: bool,
) -> set[str]:
    """What of this the reader may do now. `elements`: those that the case reached; `held`: its version is suspended."""
    if reader == case.subject_id:
        return set()
    may = set()
    calls_off = reader == case.initiator_id and INITIATOR in rules.cancel and case.status == "running" and not held
    if calls_off and not elements & rules.no_way_back:
        may.add("cancel")
    if manages and asked is not None:
        may |= {"decline"} if asked.by_id == reader else {"confirm", "decline"}
    elif manages and case.status != "closed":
        may.add("terminate")
    elif manages and case.voided_at is None:
        may.add("void")
    return may


def asked(services: Services, connection: sa.Connection, case: Any) -> Asked | None:
    """What waits for a second person. `case`: its row."""
    row = connection.execute(_asked(case)).one_or_none()
    return _told(services, row) if row else None


def voided(services: Services, connection: sa.Connection, case: Any) -> Voided | None:
    """That the case is void, and why. `case`: its row."""
    if case.voided_at is None:
        return None
    row = connection.execute(_rows(case.id).where(Ending.act == "void", Ending.state == "done")).one()
    told = _told(services, row)
    confirmed = row.decided_by and connection.execute(sa.select(Person.name).where(Person.id == row.decided_by)).scalar_one_or_none()
    return Voided(at=case.voided_at, by=told.by, confirmed_by=confirmed, reason=told.reason)


def reason_purpose(ending_id: str) -> str:
    """What a sealed reason is bound to."""
    return f"endings.reason/{ending_id}"


def _act(services: Services, case_id: str, act: str, actor: str, reason: str, request_id: str) -> None:
    said = _said(reason)
    with services.database.unit() as unit:
        turn = turn_in(services, unit, case_id, actor, request_id, "running", "suspended", "closed")
        if turn is None:
            return
        must_manage(turn)
        _must_stand(turn, act)
        if waiting := turn.unit.connection.execute(_asked(turn.case)).one_or_none():
            raise EndingAsked(who=waiting.name)
        rules = rules_of(turn.deployed.files)
        second = any(element in rules.second_person for element in _passed(turn))
        ending_id = new_id()
        sealed = turn.unit.keyring.seal_json(said, reason_purpose(ending_id))
        row = {"id": ending_id, "case_id": case_id, "act": act, "reason": sealed, "asked_by": actor, "asked_at": turn.now}
        turn.unit.add(Ending, **row, state="asked" if second else "done")
        if second:
            turn.record(Event.ENDING_ASKED, ending=act, reason=said)
            turn.tell("ending_asked", [], roles=sorted(rules.managers))
        else:
            _carry_out(turn, act, said)
        turn.commit()


def _carry_out(turn: Turn, act: str, reason: str, **facts: Json) -> None:
    _must_stand(turn, act)
    if act == "terminate":
        _end(turn, "terminated", reason, **facts)
    else:
        turn.void(reason=reason, **facts)
        turn.tell("case_voided", [turn.case.initiator_id, *_concerned(turn)])


def _end(turn: Turn, outcome: str, reason: str, **facts: Json) -> None:
    """`end`, by somebody who was shown what stays done outside, which the ledger keeps, too."""
    effects = [{"element": one.element, "operation": one.operation, "state": one.state} for one in returns.so_far(turn).effects]
    end(turn, outcome, reason, effects=effects, **facts)


def _must_stand(turn: Turn, act: str) -> None:
    """Raises CaseNotRunning or CaseVoid where there is nothing to end."""
    if (turn.case.status == "closed") != (act == "void"):
        raise CaseNotRunning(case=turn.case.number, state=turn.case.status)
    if turn.case.voided_at is not None:
        raise CaseVoid(case=turn.case.number)


def _passed(turn: Turn) -> list[str | None]:
    """The elements that the case reached, under their present ids."""
    entries = ledger.history(turn.unit.connection, turn.services.keyring, turn.case.id)
    return [entry.element for entry in ledger.in_present_names(entries)]


def _concerned(turn: Turn) -> list[str]:
    """Who acted in the case or holds something in it, without whom it is about."""
    holds = sa.and_(SignOff.state.in_(("open", "waiting")), WorkItem.status == "open")
    persons = sa.select(
        SignOff.decided_by, sa.case((holds, SignOff.person_id)).label("holder"), sa.case((holds, SignOff.for_id)).label("absent")
    )
    rows = turn.unit.connection.execute(persons.join(WorkItem, WorkItem.id == SignOff.item_id).where(WorkItem.case_id == turn.case.id))
    found = dict.fromkeys(person for row in rows for person in row if person and person != turn.case.subject_id)
    return list(found)


def _rows(case_id: str) -> sa.Select[Any]:
    return sa.select(Ending.__table__, Person.name).join(Person, Person.id == Ending.asked_by).where(Ending.case_id == case_id)


def _asked(case: Any) -> sa.Select[Any]:
    """What waits for a second person; nothing does once the case ended by itself."""
    return _rows(case.id).where(Ending.state == "asked", Ending.act == ("void" if case.status == "closed" else "terminate"))


def _must_be_asked(turn: Turn) -> Any:
    row = turn.unit.connection.execute(_asked(turn.case)).one_or_none()
    if row is None:
        raise NothingAsked(case=turn.case.number)
    return row


def _told(services: Services, row: Any) -> Asked:
    reason = services.keyring.unseal_json(row.reason, reason_purpose(row.id))
    return Asked(act=row.act, by_id=row.asked_by, by=row.name, at=row.asked_at, reason=str(reason))


def _said(reason: str) -> str:
    """Raises FormInvalid for an empty reason, and one that nobody would read."""
    if not reason.strip():
        raise FormInvalid({"reason": ["Say why; it is kept with what is done."]})
    if len(reason) > _LONGEST:
        raise FormInvalid({"reason": ["A reason has at most 5000 characters."]})
    return reason.strip()
