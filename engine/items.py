"""Work items as the procedure makes them: opened for people, step by step, and left when the procedure goes on without them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import sign_offs
from .bpmn.advance import Opened
from .chains import resolve, versions
from .chains.company import Company
from .chains.situation import Situation
from .chains.steps import setting
from .db import Statement, one_of
from .errors import FeelError, NobodySigns
from .ledger import Event
from .models import Candidate, Draft, Person, SignOff, WorkItem, WorkRound, WorkStep, new_id
from .people import directory
from .ports import Json
from .rules import rules_of
from .signing.round import Round, Signer
from .signing.turns import begin

if TYPE_CHECKING:
    from .turn import Turn

_OF_INSTANCE = (
    WorkItem.case_id == sa.bindparam("case_id"),
    WorkItem.instance == sa.bindparam("instance"),
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
_LEAVE_DRAFTS = Statement(sa.delete(Draft).where(Draft.item_id.in_(_ITEMS_LEFT)))
_LEAVE_ITEM = Statement(sa.update(WorkItem).where(*_OF_INSTANCE).values(status="left", closed_at=sa.bindparam("at")))


def open_item(turn: Turn, opened: Opened) -> None:
    """A user task waits: its item, the steps of its chain, and the first sign-off. Raises NobodySigns."""
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
    )
    turn.record(Event.ITEM_OPENED, element=opened.element, item=item_id, instance=opened.instance)
    if chain:
        step_ids = [_step(turn, item_id, position, step) for position, step in enumerate(chain.steps)]
        if not open_step(turn, item_id, step_ids, chain, 0, opened.element, opened.instance):
            raise NobodySigns(step=element.title)
        return
    persons, trace = _persons(turn, opened, for_subject, element.title)
    if trace:
        mode = "single" if len(persons) == 1 and not opened.groups else "claim"
        _round(turn, item_id, _step(turn, item_id, 0, {"mode": mode}), persons, tuple(opened.groups), trace)
    else:
        _sign_off(turn, item_id, persons, tuple(opened.groups))


def _step(turn: Turn, item_id: str, position: int, step: Mapping[str, Json]) -> str:
    step_id = new_id()
    named = {"name": step.get("name"), "name_en": step.get("name_en"), "mode": setting(step, "mode")}
    turn.unit.add(WorkStep, id=step_id, item_id=item_id, position=position, **named)
    return step_id


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
    persons = resolve.managers(Company(turn.unit.connection, turn.now), _situation(turn, opened.instance))
    if not persons:
        raise NobodySigns(step=step)
    return persons, {"policy": "to_managers"}


def open_step(
    turn: Turn,
    item_id: str,
    step_ids: Sequence[str],
    chain: Any,
    position: int,
    element: str,
    instance: str,
    *,
    before: Sequence[str] = (),
    again: bool = False,
) -> bool:
    """Open the next step of a chain (a row of `chains`) that needs somebody, for the people it resolves to now.

    False if none is left that does. `before`: who has just approved the step before, in their own name. `again`: the item comes
    back to it. Raises NobodySigns, and FeelError where a condition does not give true or false.
    """
    company = Company(turn.unit.connection, turn.now)
    signed = _signed(turn, item_id, chain.steps, position, before) if position else {}
    rounds = _rounds(turn, step_ids) if position or again else {}
    case = _situation(turn, instance, chain=chain.key, signed=signed)
    for current in range(position, len(chain.steps)):
        step = resolve.one(company, chain.steps[current], case)
        persons, trace = step.persons, {**step.trace, "chain": {"key": chain.key, "number": chain.number}}
        number = rounds.get(step_ids[current], 0) + 1
        if step.outcome is None:
            _open_round(turn, item_id, step_ids[current], number, step, trace)
            turn.record(Event.STEP_OPENED, element=element, item=item_id, step=step.name, persons=persons, trace=trace)
            return True
        if step.outcome in ("incident", "rejected"):
            if "failed" in trace:
                raise FeelError(expression=trace["when"], reason=trace["failed"])
            raise NobodySigns(step=step.name)
        skipped = {"opened_at": turn.now, "closed_at": turn.now, "outcome": "skipped", "trace": trace}
        turn.unit.add(WorkRound, id=new_id(), step_id=step_ids[current], number=number, **skipped)
        turn.record(Event.STEP_SKIPPED, element=element, item=item_id, step=step.name, trace=trace)
    return False


def _rounds(turn: Turn, step_ids: Sequence[str]) -> dict[str, int]:
    """How often each step was passed through so far."""
    counted = sa.select(WorkRound.step_id, sa.func.max(WorkRound.number)).where(WorkRound.step_id.in_(step_ids)).group_by(WorkRound.step_id)
    return {step_id: number for step_id, number in turn.unit.connection.execute(counted)}


def _situation(
    turn: Turn, instance: str, *, chain: str | None = None, signed: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Situation:
    return Situation(
        subject=turn.case.subject_id,
        initiator=turn.case.initiator_id,
        at=turn.now,
        variables=turn.execution.seen(instance),
        signed=signed,
        managers=sorted(rules_of(turn.deployed.files).managers),
        procedure=turn.case.procedure,
        chain=chain,
        draw=secrets.randbelow,
    )


def _signed(turn: Turn, item_id: str, steps: Sequence[Mapping[str, Json]], position: int, before: Sequence[str]) -> dict[str, list[str]]:
    """Key of each earlier step -> who approved it in its last round, in their own name; `before` approved the last one just now."""
    rows = turn.unit.connection.execute(
        sa.select(WorkStep.position, WorkRound.number, WorkRound.outcome, SignOff.state, SignOff.decided_by)
        .join(WorkRound, WorkRound.step_id == WorkStep.id)
        .join(SignOff, SignOff.round_id == WorkRound.id)
        .where(WorkStep.item_id == item_id, WorkStep.position < position)
        .where(sa.or_(SignOff.for_id.is_(None), SignOff.for_id == SignOff.decided_by))
        .order_by(WorkStep.position, WorkRound.number, SignOff.position)
    )
    last: dict[int, tuple[int, list[str]]] = {}
    for row in rows:
        if row.position not in last or last[row.position][0] != row.number:
            last[row.position] = row.number, []
        if row.outcome == "approved" and row.state == "approved" and row.decided_by:
            last[row.position][1].append(row.decided_by)
    signed = {steps[place]["key"]: persons for place, (_, persons) in last.items() if persons}
    return {**signed, steps[position - 1]["key"]: list(before)} if before else signed


def _open_round(turn: Turn, item_id: str, step_id: str, number: int, step: resolve.Resolved, trace: Mapping[str, Json]) -> None:
    """One pass through a step of a chain, for the people who were found for it."""
    if step.mode == "claim" and len(step.signers) > 1:
        _round(turn, item_id, step_id, step.persons, (), trace, number)
        return
    found = tuple(
        Signer(number=place, person=one.person, for_person=one.absent, weight=one.weight, place=place if step.mode == "sequence" else 0)
        for place, one in enumerate(step.signers)
    )
    round_id = new_id()
    turn.unit.add(WorkRound, id=round_id, step_id=step_id, number=number, opened_at=turn.now, trace=dict(trace))
    for signer in begin(Round(mode=step.mode, signers=found)).round.signers:
        sign_offs.add(turn, item_id, round_id, signer)


def _round(
    turn: Turn, item_id: str, step_id: str, persons: Sequence[str], roles: Sequence[str], trace: Mapping[str, Json], number: int = 1
) -> None:
    """One pass through a step, with its only sign-off."""
    round_id = new_id()
    turn.unit.add(WorkRound, id=round_id, step_id=step_id, number=number, opened_at=turn.now, trace=dict(trace))
    _sign_off(turn, item_id, persons, roles, round_id)


def _sign_off(turn: Turn, item_id: str, persons: Sequence[str], roles: Sequence[str], round_id: str | None = None) -> None:
    """Held by the only person, or offered to the only role, else to each of the candidates."""
    holder = persons[0] if len(persons) == 1 and not roles else None
    role = roles[0] if len(roles) == 1 and not persons else None
    sign_off_id = sign_offs.add(turn, item_id, round_id, Signer(number=0, person=holder, state="open"), role=role)
    if holder is None and role is None:
        for kind, refs in (("role", roles), ("person", persons)):
            for ref in refs:
                turn.unit.add(Candidate, sign_off_id=sign_off_id, kind=kind, ref=ref)


def leave_item(turn: Turn, instance: str, element: str, by: str | None) -> None:
    """The item of an instance closes without an answer; `by`: the element whose event did it."""
    for statement in (_LEAVE_SIGN_OFFS, _LEAVE_ROUNDS, _LEAVE_DRAFTS, _LEAVE_ITEM):
        turn.unit.write(statement, case_id=turn.case.id, instance=instance, at=turn.now)
    turn.record(Event.ITEM_LEFT, element=element, instance=instance, by=by)
