"""A person's work: complete, approve, reject, claim, release, keep a draft.

Each verb checks the right to act under the case's lock, so the second of two people at once gets a true answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from . import documents, items
from .bpmn.model import Element
from .db import Statement, Unit
from .errors import AlreadyDecided, FormInvalid, ItemClosed, NotAllowed, NotFound, PartwellError, TakenByOther
from .ledger import Event
from .locking import lock_and_read, must_run
from .models import Candidate, Chain, Document, Draft, Holding, LedgerPage, Person, SignOff, WorkItem, WorkRound, WorkStep
from .ports import File, Json
from .turn import Turn

if TYPE_CHECKING:
    from .services import Services

_ACTOR = aliased(Person)
_DETAIL = Statement(
    sa.select(
        WorkItem.element,
        WorkItem.instance,
        WorkItem.status,
        WorkItem.for_subject,
        WorkItem.chain_id,
        SignOff.id.label("sign_off_id"),
        SignOff.person_id,
        SignOff.round_id,
        SignOff.role.label("offered_to"),
        Candidate.kind,
        Candidate.ref,
        Holding.role,
        _ACTOR.active,
        sa.exists().where(Draft.item_id == WorkItem.id).label("drafts"),
        sa.exists()
        .where(
            LedgerPage.request_id == sa.bindparam("request_id"),
            LedgerPage.case_id == WorkItem.case_id,
            LedgerPage.actor_id == sa.bindparam("actor"),
        )
        .label("repeated"),
    )
    .select_from(WorkItem)
    .outerjoin(SignOff, sa.and_(SignOff.item_id == WorkItem.id, SignOff.state == "open"))
    .outerjoin(Candidate, Candidate.sign_off_id == SignOff.id)
    .outerjoin(
        Holding,
        sa.and_(
            Holding.person_id == sa.bindparam("actor"),
            sa.or_(Holding.role == SignOff.role, sa.and_(Candidate.kind == "role", Holding.role == Candidate.ref)),
        ),
    )
    .outerjoin(_ACTOR, _ACTOR.id == sa.bindparam("actor"))
    .where(WorkItem.id == sa.bindparam("item_id"))
)
_DECIDE = Statement(
    sa.update(SignOff)
    .where(SignOff.id == sa.bindparam("sign_off_id"))
    .values(
        state=sa.bindparam("new_state"),
        person_id=sa.bindparam("actor"),
        decided_at=sa.bindparam("at"),
        decided_by=sa.bindparam("actor"),
        answer=sa.bindparam("answer"),
    )
)
_HOLD = Statement(sa.update(SignOff).where(SignOff.id == sa.bindparam("sign_off_id")).values(person_id=sa.bindparam("holder")))
_CLOSE_ROUND = Statement(
    sa.update(WorkRound)
    .where(WorkRound.id == sa.bindparam("round_id"))
    .values(closed_at=sa.bindparam("at"), outcome=sa.bindparam("outcome"))
)
_CLOSE_ITEM = Statement(
    sa.update(WorkItem).where(WorkItem.id == sa.bindparam("item_id")).values(status="completed", closed_at=sa.bindparam("at"))
)
_DROP_DRAFTS = Statement(sa.delete(Draft).where(Draft.item_id == sa.bindparam("item_id")))


@dataclass(frozen=True, kw_only=True)
class _Task:
    """An open work item with its open sign-off, which the actor may sign."""

    id: str
    turn: Turn
    element: Element
    instance: str
    chain_id: str | None
    sign_off_id: str
    held: bool
    round_id: str | None
    #: offered to others, too, before somebody took it
    offered: bool
    #: somebody saved a draft
    drafts: bool


def complete(
    services: Services,
    item_id: str,
    *,
    actor: str,
    values: Mapping[str, Json],
    request_id: str,
    locale: str = "zh-CN",
) -> None:
    """Finish a work item that no chain describes, with the values of its form; unclaimed work is claimed by the same act.

    Files were stored before by `attach`, and `values` name their documents. The same `request_id` again changes nothing.
    Raises NotFound, NotAllowed, AlreadyDecided, ItemClosed, CaseNotRunning, VersionSuspended, FormInvalid.
    """
    with services.database.unit() as unit:
        task = _task(services, unit, item_id, actor, request_id)
        if task is None:
            return
        if task.chain_id:
            raise NotAllowed(reason="this step is approved or rejected, not completed")
        clean = _checked(task, values, locale)
        _decide(task, "approved", {"values": clean})
        _finish(task, clean)


def attach(services: Services, item_id: str, *, actor: str, files: Mapping[str, Sequence[File]]) -> dict[str, list[str]]:
    """Store uploads before their form is checked, so that a mistake elsewhere in it never costs a file; ids by field.

    Raises as `complete`, and the errors of `documents.checked`.
    """
    with services.database.unit() as unit:
        task = _task(services, unit, item_id, actor, None)
        assert task is not None  # only a repeated request gives none
        stored = documents.store_uploads(task.turn, files, element=task.element.id)
        task.turn.commit()
    return stored


def approve(services: Services, item_id: str, *, actor: str, opinion: str = "", request_id: str) -> None:
    """Agree to the open step of a chain. Raises as `complete`."""
    _sign(services, item_id, actor, opinion.strip(), request_id, approved=True)


def reject(services: Services, item_id: str, *, actor: str, opinion: str, request_id: str) -> None:
    """Disagree, with a reason; the diagram says what follows. Raises as `complete`, and FormInvalid without a reason."""
    if not opinion.strip():
        raise FormInvalid({"opinion": ["A rejection needs a reason."]})
    _sign(services, item_id, actor, opinion.strip(), request_id, approved=False)


def _sign(services: Services, item_id: str, actor: str, opinion: str, request_id: str, *, approved: bool) -> None:
    if len(opinion) > 5000:
        raise FormInvalid({"opinion": ["An opinion has at most 5000 characters."]})
    with services.database.unit() as unit:
        task = _task(services, unit, item_id, actor, request_id)
        if task is None:
            return
        if not task.chain_id:
            raise NotAllowed(reason="this work item is completed with its form, not approved")
        turn = task.turn
        connection = unit.connection
        chain = connection.execute(sa.select(Chain.__table__).where(Chain.id == task.chain_id)).one()
        ids = connection.execute(sa.select(WorkStep.id).where(WorkStep.item_id == item_id).order_by(WorkStep.position)).scalars().all()
        position = ids.index(connection.execute(sa.select(WorkRound.step_id).where(WorkRound.id == task.round_id)).scalar_one())
        name = connection.execute(sa.select(Person.name).where(Person.id == actor)).scalar_one()
        event = Event.STEP_APPROVED if approved else Event.STEP_REJECTED
        step = {"step": chain.steps[position]["name"], "step_en": chain.steps[position]["name_en"]}
        turn.record(event, element=task.element.id, item=item_id, **step, opinion=opinion)
        outcome = "approved" if approved else "rejected"
        _decide(task, outcome, {"opinion": opinion})
        if approved and items.open_step(turn, item_id, ids, chain, position + 1, task.element.id, task.instance, before=actor):
            turn.commit()
        else:
            _finish(task, {"decision": outcome, "opinion": opinion, "decided_by": name})


def _decide(task: _Task, state: str, answer: Json) -> None:
    turn = task.turn
    sealed = turn.unit.keyring.seal_json(answer, answer_purpose(task.sign_off_id))
    turn.unit.write(_DECIDE, sign_off_id=task.sign_off_id, new_state=state, actor=turn.actor, at=turn.now, answer=sealed)
    if task.round_id:
        turn.unit.write(_CLOSE_ROUND, round_id=task.round_id, at=turn.now, outcome=state)


def _finish(task: _Task, values: Mapping[str, Json]) -> None:
    turn = task.turn
    turn.unit.write(_CLOSE_ITEM, item_id=task.id, at=turn.now)
    if task.drafts:
        turn.unit.write(_DROP_DRAFTS, item_id=task.id)
    facts = {"item": task.id}
    turn.act(Event.ITEM_COMPLETED, "complete", element=task.element.id, instance=task.instance, values=dict(values), also=facts)
    turn.commit()


def claim(services: Services, item_id: str, *, actor: str, request_id: str) -> None:
    """Take offered work; it leaves the others' inboxes with the same commit. Raises as `complete`."""
    _hold(services, item_id, actor, request_id, Event.ITEM_CLAIMED, holds=True)


def release(services: Services, item_id: str, *, actor: str, request_id: str) -> None:
    """Put claimed work back for its candidates. Raises as `complete`."""
    _hold(services, item_id, actor, request_id, Event.ITEM_RELEASED, holds=False)


def _hold(services: Services, item_id: str, actor: str, request_id: str, event: Event, *, holds: bool) -> None:
    with services.database.unit() as unit:
        task = _task(services, unit, item_id, actor, request_id)
        if task is None or task.held == holds:
            return
        if not task.offered:
            raise NotAllowed(reason="this work is assigned to you alone and cannot be put back")
        task.turn.record(event, element=task.element.id, item=item_id)
        unit.write(_HOLD, sign_off_id=task.sign_off_id, holder=actor if holds else None)
        task.turn.commit()


def save_draft(services: Services, item_id: str, *, actor: str, values: Mapping[str, Json]) -> None:
    """Keep what the person typed, for them alone; it goes when the item closes. Raises as `complete`."""
    with services.database.unit() as unit:
        _task(services, unit, item_id, actor, None)
        sealed = services.keyring.seal_json(dict(values), draft_purpose(item_id, actor))
        connection = unit.connection
        connection.execute(sa.delete(Draft).where(Draft.item_id == item_id, Draft.person_id == actor))
        connection.execute(sa.insert(Draft).values(item_id=item_id, person_id=actor, values=sealed, saved_at=services.clock.now()))
        unit.commit()


def _task(services: Services, unit: Unit, item_id: str, actor: str, request_id: str | None) -> _Task | None:
    """The item with the sign-off that `actor` may give now; None if this very request was carried out before."""
    case, rows = lock_and_read(unit, _DETAIL, item_id=item_id, actor=actor, request_id=request_id)
    first = rows[0]
    if first.repeated:
        return None
    if first.status != "open" or first.sign_off_id is None:
        raise _closed(unit, item_id, first.status)
    must_run(case)
    if not first.active:
        raise NotAllowed(reason="your account may not act any more")
    if actor == case.subject_id and not (first.for_subject and first.person_id == actor):
        raise NotAllowed(reason="nobody decides in a case about themselves")
    candidate = any(row.role is not None or (row.kind == "person" and row.ref == actor) for row in rows)
    if first.person_id != actor and not (first.person_id is None and candidate):
        if candidate:
            holder = unit.connection.execute(sa.select(Person.name).where(Person.id == first.person_id)).scalar_one()
            raise TakenByOther(who=holder)
        raise NotAllowed(reason="this work is not yours")
    turn = Turn(services, unit, case, actor=actor, request_id=request_id)
    return _Task(
        id=item_id,
        turn=turn,
        element=turn.deployed.program.elements[first.element],
        instance=first.instance,
        chain_id=first.chain_id,
        sign_off_id=first.sign_off_id,
        held=first.person_id == actor,
        round_id=first.round_id,
        offered=first.offered_to is not None or first.kind is not None,
        drafts=first.drafts,
    )


def _closed(unit: Unit, item_id: str, status: str) -> PartwellError:
    """Who closed the item and when, or why it closed."""
    decided = unit.connection.execute(
        sa.select(Person.name, SignOff.decided_at)
        .join(Person, Person.id == SignOff.decided_by)
        .where(SignOff.item_id == item_id, SignOff.decided_at.is_not(None))
        .order_by(SignOff.decided_at.desc())
        .limit(1)
    ).first()
    if status == "completed" and decided:
        return AlreadyDecided(who=decided.name, when=decided.decided_at.isoformat(timespec="minutes"))
    return ItemClosed(reason="the procedure went on without it")


def _checked(task: _Task, values: Mapping[str, Json], locale: str) -> dict[str, Json]:
    """The clean values of the item's form; documents in it must be the case's own. Raises FormInvalid, NotFound."""
    turn = task.turn
    form = turn.services.programs.form(turn.deployed, task.element) or NO_FORM
    forms = turn.services.forms
    clean = forms.check(form, values, turn.execution.variables(task.instance), permissions=permissions(task.element), locale=locale)
    if named := set(forms.documents(form, clean)):
        own = turn.unit.connection.execute(sa.select(Document.id).where(Document.case_id == turn.case.id, Document.id.in_(named))).scalars()
        for missing in named - set(own):
            raise NotFound(what="document in this case", name=missing)
    return clean


#: what stands in for the form of an element that has none: it takes no value
NO_FORM: Mapping[str, Json] = {"components": []}


def permissions(element: Element) -> dict[str, str]:
    """Field → `hidden`, `readonly` or `required`, from the properties `wf.field.<key>`."""
    return {name.removeprefix("wf.field."): value for name, value in element.properties.items() if name.startswith("wf.field.")}


def answer_purpose(sign_off_id: str) -> str:
    """What a sign-off's sealed answer is bound to."""
    return f"sign_offs.answer/{sign_off_id}"


def draft_purpose(item_id: str, person_id: str) -> str:
    """What a sealed draft is bound to."""
    return f"drafts.values/{item_id}/{person_id}"
