"""Open work of a chain that is moved to its present version and to whom the directory gives today: listed first, then item by item."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import asking, rounds, situations, timeline
from ..chains import drafts, resolve, versions
from ..chains.company import Company
from ..chains.steps import setting
from ..db import Statement
from ..errors import NotAllowed, PartwellError
from ..ledger import Event
from ..locking import lock
from ..models import Case, Chain, Person, SignOff, WorkItem, WorkRound
from ..people import absences
from ..signing.resolving import Wanted, find_anew
from ..signing.round import Round, Turned
from ..turn import Turn
from .steps import Step, by_name, said, standing, step

if TYPE_CHECKING:
    from ..services import Services

#: open items that are listed
_MOST = 100
_TRACE = Statement(
    sa.update(WorkRound).where(WorkRound.id == sa.bindparam("round_id")).values(trace=sa.bindparam("new_trace", type_=sa.JSON))
)


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """An open item: who has its step now, and who would."""

    item_id: str
    case_id: str
    number: str
    title: str
    title_en: str
    #: the step at which it stands
    step: str
    step_en: str
    #: numbers of the chain's version that it has, and would have
    version: int
    new_version: int
    #: names of whoever has not decided yet
    now: list[str]
    then: list[str]
    #: why it cannot be moved
    error: PartwellError | None = None


@dataclass(frozen=True)
class _Plan:
    """What finding the people of a step anew comes to."""

    #: the row of `chains`
    chain: Any
    resolved: resolve.Resolved
    turned: Turned


def outlooks(services: Services, key: str, *, actor: str) -> list[Outlook]:
    """Open items of a chain that would change, the oldest first; nothing is moved. Raises NotAllowed."""
    with services.database.reading() as connection:
        drafts.must_edit(connection, actor)
        rows = connection.execute(
            sa.select(WorkItem.id, WorkItem.case_id, Case.number, Case.title, Case.version_id, Person.name.label("subject"))
            .join(Case, Case.id == WorkItem.case_id)
            .join(Person, Person.id == Case.subject_id)
            .join(Chain, Chain.id == WorkItem.chain_id)
            .where(Chain.key == key, WorkItem.status == "open", Case.status == "running")
            .where(sa.exists().where(SignOff.item_id == WorkItem.id, SignOff.state == "open"))
            .order_by(WorkItem.opened_at, WorkItem.id)
            .limit(_MOST)
        ).all()
    found = []
    for row in rows:
        with services.database.unit() as unit:
            at = standing(Turn(services, unit, lock(unit, item_id=row.id), actor=actor), row.id)
            present = _undecided(at, at.round)
            told = {"number": row.number, "title": row.title, "title_en": timeline.title_en(services, row.version_id, row.subject)}
            told |= {"item_id": row.id, "case_id": row.case_id, "step": at.asks["name"], "step_en": at.asks["name_en"]}
            try:
                with by_name(unit):
                    plan = _plan(at)
            except PartwellError as error:
                found.append(Outlook(**told, version=at.chain.number, new_version=at.chain.number, now=present, then=present, error=error))
                continue
            then = _undecided(at, plan.turned.round)
            if plan.turned.changes or plan.chain.id != at.chain.id:
                found.append(Outlook(**told, version=at.chain.number, new_version=plan.chain.number, now=present, then=then))
    return found


def find_signers_anew(services: Services, item_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """Move an open item to the present version of its chain, as far as it can be, and its step to whom the directory gives today.

    What was decided stays. Raises as `reassign`, and NotAllowed where there is nobody to whom it could go.
    """
    reason = said(reason, "reason", "Say why somebody else is to sign.")
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        drafts.must_edit(unit.connection, actor)
        plan = _plan(at)
        moved = plan.chain.id != at.chain.id
        if not plan.turned.changes and not moved:
            return
        gone = [one.person for one in plan.turned.changes if one.state in ("transferred", "removed")]
        came = [one.person for one in plan.turned.changes if one.undecided and one.number >= len(at.round.signers)]
        numbers = {"version": at.chain.number, "new_version": plan.chain.number} if moved else {}
        trace = {**plan.resolved.trace, "chain": {"key": plan.chain.key, "number": plan.chain.number}}
        at.record(Event.STEP_RERESOLVED, former=at.named(gone), to=at.named(came), reason=reason, trace=trace, **numbers)
        if moved:
            at = _moved(at, plan.chain)
        at.turn.unit.write(_TRACE, round_id=at.round_id, new_trace=trace)
        added = at.write(plan.turned, {"reason": reason})
        at.tell_removed(plan.turned)
        _keep_use(at, plan, added)
        at.follow(plan.turned)
        at.turn.commit()


def _keep_use(at: Step, plan: _Plan, added: Sequence[str]) -> None:
    """For each sign-off that was added and came to somebody who stands in: by which substitutions. `added`: ids, in their order."""
    company = Company(at.turn.unit.connection, at.turn.now)
    new = [one for one in plan.turned.changes if one.number >= len(at.round.signers)]
    for signer, sign_off_id in zip(new, added, strict=True):
        away = company.stand_in(signer.for_person, at.turn.case.procedure, at.chain.key) if signer.for_person else None
        if away and away.person == signer.person:
            absences.used(at.turn.unit, away, sign_off_id, at.turn.now)


def _moved(at: Step, chain: Any) -> Step:
    """The step, its item on another version of the chain: what comes after it is as that version says."""
    item = rounds.on_version(at.turn, at.item, chain, at.position + 1)
    return dataclasses.replace(at, chain=item.chain, step_ids=item.step_ids)


def _plan(at: Step) -> _Plan:
    """Raises NotAllowed where the step cannot go on with whom it finds now, and as `find_anew`."""
    turn, connection = at.turn, at.turn.unit.connection
    chain = _version(at, versions.active(connection, at.chain.key, turn.now))
    case = situations.at_step(turn, dataclasses.replace(at.item, chain=chain), at.position)
    case = dataclasses.replace(case, answers=asking.answers(connection, at.round_id))
    resolved = resolve.one(Company(connection, turn.now), chain.steps[at.position], case)
    if at.round.mode in ("claim", "random"):
        raise NotAllowed(reason="who takes this is found once, when the step opens; give it to somebody else instead")
    if resolved.outcome is not None:
        raise NotAllowed(reason="nobody would sign this step now; return it, or correct the chain first")
    wanted = [Wanted(person=one.person, absent=one.absent, weight=one.weight) for one in resolved.signers]
    return _Plan(chain, resolved, find_anew(at.round, turn.actor or "", wanted))


def _version(at: Step, current: Any) -> Any:
    """The present version where the item can go on with it: the same steps up to here, counted in the same way, nothing signed behind."""
    until = at.position + 1
    same = [one["key"] for one in current.steps[:until]] == [one["key"] for one in at.chain.steps[:until]]
    behind = any(row.sign_off_id and row.step_position >= until for row in at.all_rows)
    if not same or behind or setting(current.steps[at.position], "mode") != at.round.mode:
        return at.chain
    return current


def _undecided(at: Step, round: Round) -> list[str]:
    return [str(one["name"]) for one in at.named(one.person for one in round.signers if one.undecided)]  # type: ignore[index,call-overload]
