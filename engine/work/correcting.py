"""退回发起人: the initiator corrects what the case began with and sends it again; until then the approval waits.

The start form is a work item of its own, beside the one that it corrects (`WorkItem.corrects`), and goes when that is left.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import items, ledger, returns, rounds, situations
from ..bpmn.model import Element
from ..chains import resolve
from ..chains.company import Company
from ..errors import NobodySigns, WayClosed
from ..ledger import Event
from ..models import Chain, Person, SignOff, WorkItem, WorkRound, WorkStep, new_id
from ..notices.telling import returned
from ..people import directory
from ..ports import Json
from ..sign_offs import answer_purpose
from ..turn import Turn

if TYPE_CHECKING:
    from ..services import Services
    from .steps import Step
    from .tasks import Task


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why work came back."""

    #: name of who sent it back; "" where a rule did
    who: str
    said: str
    at: dt.datetime


def why(services: Services, connection: sa.Connection, corrects: str) -> Reason | None:
    """Why the item that is corrected was sent back the last time."""
    given = sa.select(SignOff.id, SignOff.answer, SignOff.decided_at, Person.name).outerjoin(Person, Person.id == SignOff.decided_by)
    sent = given.where(SignOff.item_id == corrects, SignOff.state.in_(("rejected", "returned")))
    row = connection.execute(sent.order_by(SignOff.decided_at.desc(), SignOff.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    said = services.keyring.unseal_json(row.answer, answer_purpose(row.id)) if row.answer else {}
    return Reason(who=row.name or "", said=str(said.get("opinion") or ""), at=row.decided_at)


def ask(at: Step, way: str) -> None:
    """The start form becomes a work item of the initiator's, or of the managers' where the initiator has left.

    `way`: `onward` or `back`, where it goes once it is sent again. Raises NobodySigns.
    """
    turn, start = at.turn, begun_with(at.turn)
    initiator = turn.case.initiator_id
    persons = [initiator] if directory.present(turn.unit.connection, [initiator], directory.day(turn.now)) else []
    persons = persons or resolve.managers(Company(turn.unit.connection, turn.now), situations.situation(turn, at.instance))
    if not persons:
        raise NobodySigns(step=start.title)
    item_id = new_id(after=at.round_id)  # by it is told that it came after that round
    turn.unit.add(
        WorkItem,
        id=item_id,
        case_id=turn.case.id,
        element=start.id,
        instance=item_id,
        corrects=at.item_id,
        name=start.title[:200],
        name_en=(start.name_en or start.title)[:200],
        lane=start.lane[:200] if start.lane else None,
        status="open",
        for_subject=False,
        priority=0,
        opened_at=turn.now,
    )
    turn.record(Event.ITEM_OPENED, element=start.id, item=item_id, resubmit=way)
    rounds.open_sign_off(turn, item_id, persons, ())
    turn.told = returned(turn.told)


def send_again(work: Task, values: Mapping[str, Json]) -> None:
    """What was corrected becomes the case's, and the case goes on: again from its first step, or straight back to who sent it back.

    Straight back only where the chain says so (`resubmit`) and nothing was changed: nobody's signature stands under something else
    than they saw.
    """
    turn = work.turn
    before = turn.execution.variables()
    changed = sorted(name for name, value in values.items() if before.get(name) != value)
    items.close(turn, work.id, drafts=work.drafts)
    also = {"item": work.id, "changed": changed}
    turn.act(Event.CASE_RESUBMITTED, "set_variables", element=work.element.id, values=dict(values), also=also)
    item = _corrected(turn, work.corrects or "")
    if item is None or not any(instance == item.instance for instance, _ in turn.execution.waiting()):
        return  # what was corrected has led the case elsewhere
    if _goes_back(turn, work.id) and not changed:
        _open(turn, item, _sent_back_from(turn, item))
        return
    try:
        returns.begin_again(turn, unless=item.element)
    except WayClosed:  # the approval lies in a part of its own, or is the first step: it begins again by itself
        _open(turn, item, 0)


def begun_with(turn: Turn) -> Element:
    """The start event by which the case began, under its present id."""
    entries = ledger.in_present_names(ledger.history(turn.unit.connection, turn.services.keyring, turn.case.id))
    program = turn.deployed.program
    started = next((entry.element for entry in entries if entry.event == Event.CASE_STARTED), None)
    return program.elements.get(started or "", program.start_element)


def _open(turn: Turn, item: rounds.Chained, place: int) -> None:
    if verdict := rounds.open_step(turn, item, place, again=True):
        items.pass_unsigned(turn, replace(item, verdict=verdict))


def _corrected(turn: Turn, item_id: str) -> rounds.Chained | None:
    connection = turn.unit.connection
    row: Any = connection.execute(sa.select(WorkItem.__table__).where(WorkItem.id == item_id, WorkItem.status == "open")).one_or_none()
    if row is None:
        return None
    step_ids = connection.execute(sa.select(WorkStep.id).where(WorkStep.item_id == row.id).order_by(WorkStep.position)).scalars().all()
    chain = connection.execute(sa.select(Chain.__table__).where(Chain.id == row.chain_id)).one()
    return rounds.Chained(id=row.id, element=row.element, instance=row.instance, chain=chain, step_ids=step_ids)


def _goes_back(turn: Turn, item_id: str) -> bool:
    """Whether it goes straight back to who sent it back: the chain, or whoever returned it, said so."""
    entries = ledger.history(turn.unit.connection, turn.services.keyring, turn.case.id)
    return any(entry.payload.get("item") == item_id and entry.payload.get("resubmit") == "back" for entry in entries)


def _sent_back_from(turn: Turn, item: rounds.Chained) -> int:
    """Place of the step that was rejected or returned last."""
    last = sa.select(WorkStep.position).join(WorkRound, WorkRound.step_id == WorkStep.id).where(WorkStep.item_id == item.id)
    ended = last.where(WorkRound.outcome.in_(("rejected", "returned"))).order_by(WorkRound.closed_at.desc(), WorkStep.position.desc())
    return int(turn.unit.connection.execute(ended.limit(1)).scalar_one())
