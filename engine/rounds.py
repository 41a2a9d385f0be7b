"""Steps of an item's chain: opened one after another for the people they resolve to, or waiting for an administrator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import asking, choices, dues, sign_offs, situations
from .chains import choosing, resolve, versions
from .chains.company import Company
from .chains.steps import setting
from .db import Statement
from .errors import ConditionFailed, MustBeSigned, NobodySigns, PartwellError
from .ledger import Event
from .models import Candidate, Chain, SignOff, WorkItem, WorkRound, WorkStep, new_id
from .people import absences
from .ports import Json
from .signing.round import Round, Signer
from .signing.turns import begin

if TYPE_CHECKING:
    from .turn import Turn


_STUCK_AT = (
    sa.select(WorkRound.id, WorkRound.number, WorkRound.trace, WorkStep.position)
    .join(WorkStep, WorkStep.id == WorkRound.step_id)
    .where(WorkRound.closed_at.is_(None), ~sa.exists().where(SignOff.round_id == WorkRound.id))
)
_FORGET_ROUND = Statement(sa.delete(WorkRound).where(WorkRound.id == sa.bindparam("round_id")))
_FORGET_STEP = Statement(sa.delete(WorkStep).where(WorkStep.id == sa.bindparam("step_id")))
_KEEP_CHAIN = Statement(sa.update(WorkItem).where(WorkItem.id == sa.bindparam("item_id")).values(chain_id=sa.bindparam("new_chain_id")))
_WITHDRAW = Statement(
    sa.update(WorkRound)
    .where(WorkRound.step_id.in_(sa.select(WorkStep.id).where(WorkStep.item_id == sa.bindparam("item_id"))))
    .where(WorkRound.id > sa.bindparam("after", type_=WorkRound.id.type))
    .values(outcome="withdrawn", closed_at=sa.func.coalesce(WorkRound.closed_at, sa.bindparam("at", type_=WorkRound.closed_at.type)))
)
#: policy in the trace of a step at which a chain stands because nobody would sign any of it
_UNSIGNED = "nothing_signed"


@dataclass(frozen=True, kw_only=True)
class Chained:
    """A work item with a chain."""

    id: str
    element: str
    instance: str
    #: the row of `chains` that it keeps
    chain: Any
    #: ids of its steps, in order
    step_ids: Sequence[str]
    #: what became of it, where nobody signs any more: `approved` or `rejected`
    verdict: str = "approved"


@dataclass(kw_only=True)
class Passed:
    """The rounds of an item so far. The next one's id sorts after theirs, and after those of the start forms that were sent back from it
    for correction: by their ids it is told later what came after what.
    """

    #: id of a step -> how often it was passed through
    numbers: dict[str, int] = field(default_factory=dict)
    #: the latest id
    last: str = ""

    def again(self, step_id: str) -> dict[str, Any]:
        """One more round of a step: {id, step_id, number}."""
        self.last = new_id(after=self.last)
        self.numbers[step_id] = self.numbers.get(step_id, 0) + 1
        return {"id": self.last, "step_id": step_id, "number": self.numbers[step_id]}


def add_step(turn: Turn, item_id: str, position: int, step: Mapping[str, Json]) -> str:
    """A step of an item, without a round yet; its id."""
    step_id = new_id()
    named = {"name": step.get("name"), "name_en": step.get("name_en"), "mode": setting(step, "mode")}
    turn.unit.add(WorkStep, id=step_id, item_id=item_id, position=position, **named)
    return step_id


def open_step(
    turn: Turn,
    item: Chained,
    position: int,
    *,
    before: Mapping[str, Sequence[str]] = MappingProxyType({}),
    again: bool = False,
    signed: bool = True,
    told: Mapping[str, Json] = MappingProxyType({}),
    choice: choices.Given | None = None,
    answers: Mapping[str, Json] = MappingProxyType({}),
) -> str | None:
    """Open the next step of the chain that needs somebody, for the people it resolves to now, and give None.

    Where none is left that does, `approved`; where nobody is found for one that its chain then rejects, `rejected`.
    `before`: key of the step that was just approved -> who did, in their own name. `again`: the item may have been there before.
    `told`: what the trace tells, too. `choice`: of who approves now, for a step that asks them who signs it.

    Where it cannot be told whether a step applies, or nobody is found for it, the item stands there with an incident until an
    administrator has it tried again; so it does where not one step was `signed` in a chain that decides about an employment. Where an
    outside system must say who signs, the item waits until it has; `answers`: what it said, for the step at `position`. Raises
    FormInvalid for a `choice` that is missing, wrong or unasked.
    """
    company = Company(turn.unit.connection, turn.now)
    steps = item.chain.steps
    case = situations.at_step(turn, item, position, before)
    if choice is not None:
        case = situations.without_signers_choices(case, steps)
    passed = _passed(turn, item) if position or again else Passed()

    def stand(current: int, trace: Mapping[str, Json], error: PartwellError) -> None:
        turn.unit.add(WorkRound, **passed.again(item.step_ids[current]), opened_at=turn.now, trace=dict(trace))
        turn.incident(item.element, item.instance, error)

    for current in range(position, len(steps)):
        case = replace(case, answers=answers if current == position else {})
        step = resolve.one(company, steps[current], case)
        if choice is not None and choosing.asks_signer(step):
            persons = choices.given(turn, company, item.chain, steps[current], case, choice, item.id)
            case, choice = replace(case, chosen={**case.chosen, step.key: persons}), None
            step = resolve.one(company, steps[current], case)
        trace = {**step.trace, "chain": {"key": item.chain.key, "number": item.chain.number}, **told}
        if choice is not None and step.outcome in (None, "incident", "rejected", "unknown"):
            choice.unasked()
        if step.outcome == "unknown":
            asking.ask(turn, company, item, current, passed.again(item.step_ids[current]), step, case, told)
            return None
        if step.outcome is None:
            _open_round(turn, company, item, current, passed.again(item.step_ids[current]), step, trace)
            turn.record(Event.STEP_OPENED, element=item.element, item=item.id, step=step.name, persons=step.persons, trace=trace)
            return None
        if step.outcome == "rejected":
            decided = {"opened_at": turn.now, "closed_at": turn.now, "outcome": "rejected", "trace": trace}
            turn.unit.add(WorkRound, **passed.again(item.step_ids[current]), **decided)
            turn.record(Event.STEP_REJECTED_BY_RULE, element=item.element, item=item.id, step=step.name, trace=trace)
            return "rejected"
        if step.outcome == "incident":
            if "failed" not in trace:
                stand(current, trace, NobodySigns(step=step.name))
                return None
            facts = {"expression": trace["when"], "reason": trace["failed"]}
            stand(current, trace, ConditionFailed(chain=item.chain.name, step=step.name, **facts))
            return None
        skipped = {"opened_at": turn.now, "closed_at": turn.now, "outcome": "skipped", "trace": trace}
        turn.unit.add(WorkRound, **passed.again(item.step_ids[current]), **skipped)
        turn.record(Event.STEP_SKIPPED, element=item.element, item=item.id, step=step.name, trace=trace)
    if choice is not None:
        choice.unasked()
    if not signed and (decisive := [place for place, step in enumerate(steps) if setting(step, "decisive")]):
        trace = {"policy": _UNSIGNED, "chain": {"key": item.chain.key, "number": item.chain.number}}
        stand(decisive[0], trace, MustBeSigned(chain=item.chain.name))
        return None
    return "approved"


def keep(turn: Turn, item: Chained, place: int, number: int) -> None:
    """A step is passed over, since what was signed in its round of this number is kept."""
    step_id, step = item.step_ids[place], item.chain.steps[place]
    trace = {"policy": situations.KEPT, "round": number, "chain": {"key": item.chain.key, "number": item.chain.number}}
    skipped = {"opened_at": turn.now, "closed_at": turn.now, "outcome": "skipped", "trace": trace}
    turn.unit.add(WorkRound, **_passed(turn, item).again(step_id), **skipped)
    turn.record(Event.STEP_SKIPPED, element=item.element, item=item.id, step=step["name"], trace=trace)


def withdraw(turn: Turn, item_id: str, after: str) -> None:
    """What was opened in an item by a decision counts no more, since the decision was taken back.

    `after`: id of the round, or of the work item, in which it was made: whatever came after it in this item has a later one (`Passed`).
    Whoever has an open sign-off in it must be told before.
    """
    turn.unit.write(_WITHDRAW, item_id=item_id, after=after, at=turn.now)


def try_again(turn: Turn, instance: str) -> Chained | None:
    """The step at which the instance's item stands is opened for whomever it resolves to now. The item, if nobody needs to sign any more.

    A chain that was published since is taken where it has the same steps up to here, since it may be what was corrected.
    """
    connection = turn.unit.connection
    found, stuck = _stuck(turn, instance)
    turn.unit.write(_FORGET_ROUND, round_id=stuck.id)
    current = versions.active(connection, found.chain.key, turn.now)
    place = 0 if stuck.trace["policy"] == _UNSIGNED else stuck.position
    item = on_version(turn, found, current, place) if len(current.steps) > place else found
    signed = connection.execute(sa.select(SignOff.id).where(SignOff.item_id == item.id).limit(1)).first() is not None
    verdict = open_step(turn, item, place, again=True, signed=signed)
    return replace(item, verdict=verdict) if verdict else None


def asking_at(turn: Turn, instance: str, job_id: str) -> tuple[Chained, int, Mapping[str, Any]] | None:
    """The item of this instance, the place of its step, and its trace, where it waits for what this job asks; None where it does not."""
    where = _where_stuck(turn, instance)
    if where is None or where.trace.get("job") != job_id:
        return None
    item, stuck = _stuck(turn, instance)
    return item, stuck.position, stuck.trace


def open_asked(turn: Turn, item: Chained, place: int, *, told: Mapping[str, Json], answers: Mapping[str, Json]) -> str | None:
    """As `open_step`, for a step that waited for an outside system: the pass through it begins now."""
    connection = turn.unit.connection
    connection.execute(sa.delete(WorkRound).where(WorkRound.step_id == item.step_ids[place], WorkRound.closed_at.is_(None)))
    signed = connection.execute(sa.select(SignOff.id).where(SignOff.item_id == item.id).limit(1)).first() is not None
    return open_step(turn, item, place, again=True, signed=signed, told=told, answers=answers)


def stands(turn: Turn, instance: str) -> bool:
    """Whether the item of this instance has a step that nobody can sign before an administrator has looked."""
    return _where_stuck(turn, instance) is not None


def _where_stuck(turn: Turn, instance: str) -> Any:
    item = sa.select(WorkItem.id).where(WorkItem.case_id == turn.case.id, WorkItem.instance == instance, WorkItem.status == "open")
    return turn.unit.connection.execute(_STUCK_AT.where(WorkStep.item_id.in_(item))).one_or_none()


def _stuck(turn: Turn, instance: str) -> tuple[Chained, Any]:
    connection = turn.unit.connection
    item = connection.execute(
        sa.select(WorkItem.__table__).where(WorkItem.case_id == turn.case.id, WorkItem.instance == instance, WorkItem.status == "open")
    ).one()
    step_ids = connection.execute(sa.select(WorkStep.id).where(WorkStep.item_id == item.id).order_by(WorkStep.position)).scalars().all()
    chain = connection.execute(sa.select(Chain.__table__).where(Chain.id == item.chain_id)).one()
    return Chained(id=item.id, element=item.element, instance=instance, chain=chain, step_ids=step_ids), _where_stuck(turn, instance)


def on_version(turn: Turn, item: Chained, current: Any, place: int) -> Chained:
    """The item on the present version of its chain, if nothing from `place` on was signed and the steps before are the same."""
    if current.id == item.chain.id or [s["key"] for s in current.steps[:place]] != [s["key"] for s in item.chain.steps[:place]]:
        return item
    signed = sa.select(SignOff.id).join(WorkRound, WorkRound.id == SignOff.round_id).where(WorkRound.step_id.in_(item.step_ids[place:]))
    if len(current.steps) < place or turn.unit.connection.execute(signed.limit(1)).first():
        return item
    for round_id in turn.unit.connection.execute(sa.select(WorkRound.id).where(WorkRound.step_id.in_(item.step_ids[place:]))).scalars():
        turn.unit.write(_FORGET_ROUND, round_id=round_id)
    for step_id in item.step_ids[place:]:
        turn.unit.write(_FORGET_STEP, step_id=step_id)
    turn.unit.write(_KEEP_CHAIN, item_id=item.id, new_chain_id=current.id)
    added = [add_step(turn, item.id, at, current.steps[at]) for at in range(place, len(current.steps))]
    return replace(item, chain=current, step_ids=[*item.step_ids[:place], *added])


def _passed(turn: Turn, item: Chained) -> Passed:
    rounds = sa.select(WorkRound.id, WorkRound.step_id, WorkRound.number).where(WorkRound.step_id.in_(item.step_ids))
    starts = sa.select(WorkItem.id, sa.null(), sa.literal(0)).where(WorkItem.case_id == turn.case.id, WorkItem.corrects == item.id)
    found = Passed()
    for id, step_id, number in turn.unit.connection.execute(rounds.union_all(starts)):
        found.last = max(found.last, id)
        if step_id is not None:
            found.numbers[step_id] = max(found.numbers.get(step_id, 0), number)
    return found


def _open_round(
    turn: Turn, company: Company, item: Chained, place: int, which: Mapping[str, Any], step: resolve.Resolved, trace: Mapping[str, Json]
) -> None:
    """One pass through a step of a chain, for the people who were found for it. `which`: as `Passed.again` gives it."""
    asks = item.chain.steps[place]
    if step.mode == "claim" and len(step.signers) > 1:
        due = dues.due(turn, asks, None)
        absent = {one.person: one.absent for one in step.signers if one.absent}
        opened = {open_round(turn, item.id, which, step.persons, (), trace, due, absent=absent): due}
        stood_in = [(next(iter(opened)), one.absent) for one in step.signers if one.absent]
    else:
        found = tuple(
            Signer(number=place, person=one.person, for_person=one.absent, weight=one.weight, place=place if step.mode == "sequence" else 0)
            for place, one in enumerate(step.signers)
        )
        round_id, opened, stood_in = which["id"], {}, []
        turn.unit.add(WorkRound, **which, opened_at=turn.now, trace=dict(trace))
        for signer in begin(Round(mode=step.mode, signers=found)).round.signers:
            due = dues.due(turn, asks, signer.person) if signer.state == "open" else None
            sign_off_id = sign_offs.add(turn, item.id, round_id, signer, due=due)
            opened[sign_off_id] = due
            stood_in += [(sign_off_id, signer.for_person)] if signer.for_person else []
    for sign_off_id, away in stood_in:
        if stand_in := company.stand_in(away, turn.case.procedure, item.chain.key):
            absences.used(turn.unit, stand_in, sign_off_id, turn.now)
    for sign_off_id, due in opened.items():
        dues.arm(turn, item.element, asks, sign_off_id, due)
    if dues.limited(item.chain.steps):
        dues.show(turn, item.id)


def open_round(
    turn: Turn,
    item_id: str,
    which: Mapping[str, Any],
    persons: Sequence[str],
    roles: Sequence[str],
    trace: Mapping[str, Json],
    due: dt.datetime | None = None,
    absent: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """One pass through a step, with its only sign-off, whose id it gives.

    `which`: as `Passed.again` gives it; `absent`: for whom persons stand in.
    """
    turn.unit.add(WorkRound, **which, opened_at=turn.now, trace=dict(trace))
    return open_sign_off(turn, item_id, persons, roles, which["id"], due, absent)


def open_sign_off(
    turn: Turn,
    item_id: str,
    persons: Sequence[str],
    roles: Sequence[str],
    round_id: str | None = None,
    due: dt.datetime | None = None,
    absent: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Held by the only person, or offered to the only role, else to each of the candidates; its id."""
    holder = persons[0] if len(persons) == 1 and not roles else None
    role = roles[0] if len(roles) == 1 and not persons else None
    sign_off_id = sign_offs.add(turn, item_id, round_id, Signer(number=0, person=holder, state="open"), role=role, due=due)
    if holder is None and role is None:
        turn.tell("offered", persons, roles=roles, item=item_id)
        for kind, refs in (("role", roles), ("person", persons)):
            for ref in refs:
                turn.unit.add(Candidate, sign_off_id=sign_off_id, kind=kind, ref=ref, for_id=absent.get(ref))
    return sign_off_id
