"""Work items as the procedure makes them: opened for people, step by step, and left when the procedure goes on without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from . import asking, dues, rounds, situations
from .bpmn.advance import Opened
from .chains import resolve, versions
from .chains.company import Company
from .db import Statement, one_of
from .errors import NobodySigns
from .ledger import Event
from .models import Draft, Person, SignOff, WorkItem, WorkRound, WorkStep, new_id
from .notices import telling
from .people import directory
from .ports import Json

if TYPE_CHECKING:
    from .turn import Turn

_CORRECTED = aliased(WorkItem)
_OF_INSTANCE = (
    WorkItem.case_id == sa.bindparam("case_id"),
    sa.or_(
        WorkItem.instance == sa.bindparam("instance"),
        WorkItem.corrects.in_(
            sa.select(_CORRECTED.id).where(_CORRECTED.instance == sa.bindparam("instance"), _CORRECTED.case_id == sa.bindparam("case_id"))
        ),
    ),
    WorkItem.status == "open",
)
_ITEMS_LEFT = sa.select(WorkItem.id).where(*_OF_INSTANCE)
_LEAVE_SIGN_OFFS = Statement(
    sa.update(SignOff).where(SignOff.item_id.in_(_ITEMS_LEFT), one_of(SignOff.state, "open", "waiting")).values(state="lapsed")
)
_LEAVE_ROUNDS = Statement(
    sa.update(WorkRound)
    .where(WorkRound.closed_at.is_(None), WorkRound.step_id.in_(sa.select(WorkStep.id).where(WorkStep.item_id.in_(_ITEMS_LEFT))))
    .values(closed_at=sa.bindparam("at"), outcome="left")
)
_CLOSE_ITEM = Statement(
    sa.update(WorkItem).where(WorkItem.id == sa.bindparam("item_id")).values(status="completed", closed_at=sa.bindparam("at"))
)
_DROP_DRAFTS = Statement(sa.delete(Draft).where(Draft.item_id == sa.bindparam("item_id")))
_LEAVE_DRAFTS = Statement(sa.delete(Draft).where(Draft.item_id.in_(_ITEMS_LEFT)))
_LEAVE_ITEM = Statement(sa.update(WorkItem).where(*_OF_INSTANCE).values(status="left", closed_at=sa.bindparam("at")))


def open_item(turn: Turn, opened: Opened) -> rounds.Chained | None:
    """A user task waits: its item, the steps of its chain, and the first sign-off. The item, if nobody needs to sign any step.

    Raises NobodySigns for work that no chain describes.
    """
    element = turn.deployed.program.elements[opened.element]
    for_subject = element.properties.get("wf.for") == "subject"
    chain = versions.active(turn.unit.connection, opened.chain, turn.now) if opened.chain else None
    item_id = new_id()
    turn.unit.add(
        WorkItem,
        id=item_id,
        case_id=turn.case.id,
        element=opened.element,
        instance=opened.instance,
        name=element.title[:200],
        name_en=(element.name_en or element.title)[:200],
        lane=element.lane[:200] if element.lane else None,
        status="open",
        for_subject=for_subject,
        chain_id=chain.id if chain else None,
        priority=opened.priority,
        opened_at=turn.now,
        due_at=opened.due,
        diagram_due_at=opened.due if chain and dues.limited(chain.steps) else None,
    )
    turn.record(Event.ITEM_OPENED, element=opened.element, item=item_id, instance=opened.instance)
    if opened.due:
        telling.watch(turn.services, turn.unit, turn.case.id, item_id, opened.element, opened.instance, opened.due, turn.now)
    if chain:
        step_ids = [rounds.add_step(turn, item_id, position, step) for position, step in enumerate(chain.steps)]
        item = rounds.Chained(id=item_id, element=opened.element, instance=opened.instance, chain=chain, step_ids=step_ids)
        verdict = rounds.open_step(turn, item, 0, signed=False)
        return replace(item, verdict=verdict) if verdict else None
    persons, trace = _persons(turn, opened, for_subject, element.title)
    if trace:
        mode = "single" if len(persons) == 1 and not opened.groups else "claim"
        only = rounds.Passed().again(rounds.add_step(turn, item_id, 0, {"mode": mode}))
        rounds.open_round(turn, item_id, only, persons, tuple(opened.groups), trace)
    else:
        rounds.open_sign_off(turn, item_id, persons, tuple(opened.groups))
    return None


def pass_unsigned(turn: Turn, item: rounds.Chained) -> None:
    """No further step of the item's chain needs anybody: it is approved. Where nobody signed any, the ledger tells that a rule did it.

    It is rejected, in nobody's name, where the chain says so of a step for which nobody was found.
    """
    if item.verdict == "rejected":
        rejected: dict[str, Json] = {"decision": "rejected", "opinion": "", "decided_by": ""}
        finish(turn, item.id, item.element, item.instance, rejected, drafts=True, policy="nobody")
        return
    last = turn.unit.connection.execute(
        sa.select(Person.name)
        .join(SignOff, SignOff.decided_by == Person.id)
        .where(SignOff.item_id == item.id, SignOff.state == "approved")
        .order_by(SignOff.decided_at.desc(), SignOff.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    values: dict[str, Json] = {"decision": "approved", "opinion": "", "decided_by": last or ""}
    finish(turn, item.id, item.element, item.instance, values, drafts=last is not None, policy=None if last else "nothing_to_sign")


def finish(
    turn: Turn, item_id: str, element: str, instance: str, values: Mapping[str, Json], *, drafts: bool, policy: str | None = None
) -> None:
    """The item is completed with these values, and the case goes on. `drafts`: somebody saved one; `policy`: the rule that did it."""
    close(turn, item_id, drafts=drafts)
    told = {"item": item_id, "policy": policy} if policy else {"item": item_id}
    turn.act(Event.ITEM_COMPLETED, "complete", element=element, instance=instance, values=dict(values), also=told)


def close(turn: Turn, item_id: str, *, drafts: bool) -> None:
    """The item is done. `drafts`: somebody saved one."""
    turn.unit.write(_CLOSE_ITEM, item_id=item_id, at=turn.now)
    if drafts:
        turn.unit.write(_DROP_DRAFTS, item_id=item_id)


def _persons(turn: Turn, opened: Opened, for_subject: bool, step: str) -> tuple[list[str], dict[str, Json]]:
    """Who may do a task that no chain describes, and why if that is not plain from the diagram. Raises NobodySigns."""
    if for_subject:
        return [turn.case.subject_id], {}
    named = {person for person in (opened.assignee, *opened.persons) if person and person != turn.case.subject_id}
    persons: list[str] = []
    if named:
        here = sa.select(Person.id).where(Person.id.in_(named), directory.here(directory.day(turn.now))).order_by(Person.id)
        persons = list(turn.unit.connection.execute(here).scalars())
    if persons or opened.groups:
        return persons, {}
    persons = resolve.managers(Company(turn.unit.connection, turn.now), situations.situation(turn, opened.instance))
    if not persons:
        raise NobodySigns(step=step)
    return persons, {"policy": "to_managers"}


def leave_item(turn: Turn, instance: str, element: str, by: str | None) -> None:
    """The item of an instance closes without an answer; `by`: the element whose event did it."""
    for statement in (dues.DROP_OF_INSTANCE, asking.DROP_OF_INSTANCE, _LEAVE_SIGN_OFFS, _LEAVE_ROUNDS, _LEAVE_DRAFTS, _LEAVE_ITEM):
        turn.unit.write(statement, case_id=turn.case.id, instance=instance, at=turn.now)
    turn.record(Event.ITEM_LEFT, element=element, instance=instance, by=by)
