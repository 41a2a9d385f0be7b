"""The chain of a work item as a reader sees it: each round with its sign-offs, what is still to come, and what they may do now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import coming, documents, signatures, situations
from .casefile import signers
from .chains import choosing, forecast
from .chains.giving import Giving
from .chains.resolve import Resolved
from .chains.situation import Situation
from .choices import Asked
from .documents import DocumentRow
from .itemform import ItemForm
from .models import Candidate, Chain, Person, SignOff, WorkItem, WorkRound, WorkStep
from .offered import Offered, offered
from .people import directory
from .ports import Json
from .rules import Rules
from .sign_offs import answer_purpose
from .signing import deciding
from .situations import WITHDRAWN, changed_since
from .work.resubmitting import straight_back
from .work.roundrows import SIGNER, approvers, offers, open_at, round_of, rows_of

if TYPE_CHECKING:
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One sign-off of an item's chain, or a step of it that has none (yet)."""

    name: str | None
    name_en: str | None
    #: which step of the chain, from 0, and which pass through it, from 1; None where it was not opened
    step: int | None = None
    round: int | None = None
    #: of the round, as in `engine.models.WorkRound`
    round_outcome: str | None = None
    #: False: the work came back to this step or an earlier one since, and what was decided here counts no more
    counts: bool = True
    #: who returned or rejected it, where that made it count no more
    undone_by: str | None = None
    #: id of the sign-off, where there is one already
    sign_off: str | None
    #: of the sign-off (`engine.signing.round.Signer`), or `waiting`, `skipped` or `left` for a step without one
    state: str
    #: what a withdrawn one had been
    was: str | None = None
    #: the chain's rule did it when the time was over, not the holder
    by_rule: bool = False
    due_at: dt.datetime | None = None
    #: names of the people who hold, may take, or gave the sign-off
    people: Sequence[str]
    #: name of the absent one in whose place they sign
    absent: str | None = None
    #: name of who acted, where it was neither the holder nor a rule: a manager, or the absent one
    acted: str | None = None
    #: as `engine.signing.round.Signer.origin`, with the name of whoever asked for it
    origin: str = "chain"
    by: str | None = None
    #: name of who had it before it was passed on
    passed_by: str | None = None
    opened_at: dt.datetime | None = None
    #: when whoever holds it first opened the work
    read_at: dt.datetime | None = None
    decided_at: dt.datetime | None
    opinion: str
    #: what was filled in with it, by field
    values: Mapping[str, Json] = field(default_factory=dict)
    #: why it was passed on or removed
    reason: str = ""
    #: what was given with it, and the document of the signature that was drawn for it
    attachments: Sequence[DocumentRow] = ()
    signature: DocumentRow | None = None
    #: why these people (`engine.chains.explain`)
    trace: Mapping[str, Json]
    #: who would sign as of now, as `engine.chains.forecast.state` has it; None where it was opened
    expected: str | None = None
    #: name of somebody to whom it is offered -> the absent one in whose place it is
    in_place_of: Mapping[str, str] = field(default_factory=dict)
    #: `remove` and `reassign`, where the reader may
    may: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class ChainView:
    """What a reader sees of an item's chain, and their verbs."""

    steps: Sequence[StepView]
    may: frozenset[str] = frozenset()
    #: where they may add signers: `before`, `after`, `beside`
    where: Sequence[str] = ()
    #: what whoever decides gives with it; None where the item does not stand at a step of a chain
    asks: Giving | None = None
    #: the step for which they name who signs if they approve now
    choice: Asked | None = None
    #: key of the chain, "" without one
    chain: str = ""
    #: whether they may choose how the work comes back from where they return it to, as `work.return_` has it
    resubmit: Sequence[str] = ()


def chain_view(
    services: Services,
    connection: sa.Connection,
    item: Any,
    case: Any,
    rules: Rules,
    reader: str,
    variables: Callable[[], Mapping[str, Json]],
    *,
    told: bool,
    form: ItemForm,
) -> ChainView:
    """`item` and `case` are rows. `told`: the reader sees the opinions, as who signs in the item does. `form`: as they see it.

    `variables`: all of the case's, for what is still to come.
    """
    rows = [row for row in _rows(connection, item.id, reader) if row.sign_off_id or row.outcome != WITHDRAWN]
    chain = connection.execute(sa.select(Chain.__table__).where(Chain.id == item.chain_id)).one() if item.chain_id else None
    running = item.status == "open" and case.status == "running"
    offers = offered(services, connection, item, case, rules, chain, rows, reader)
    today = directory.day(services.clock.now())
    names = _names(connection, rows)
    choice = None
    given = documents.given_with(connection, case.id) if told and chain else {}
    seen = [
        _seen(services, connection, row, rows, names, offers, today, given.get(row.sign_off_id, ()), told=told, form=form) for row in rows
    ]
    if item.status != "open":  # a step that was not reached will not be
        seen = [replace(step, state="left") if step.state == "waiting" and not step.sign_off else step for step in seen]
    if chain is not None and running:
        now = max((row.step_position for row in rows if row.round_id and row.outcome is None), default=-1)
        signing = _signing(chain, rows, now)
        ahead = coming.situation(connection, services.clock.now(), chain, item.id, case, rules, variables(), signing)
        ahead = replace(ahead, changed=_changed(services, chain, case, rows, now, ahead.variables, form))
        expected = to_come(connection, coming.steps(connection, chain, now, ahead), now + 1)
        if "approve" in offers.may:
            choice = _choice(services, connection, chain, case, item, rows, reader, ahead)
        seen = [step for step in seen if step.sign_off or step.step is None or step.step <= now] + expected
        seen.sort(key=lambda step: (step.step or 0, step.expected is not None))
    more: Any = {"where": offers.where, "asks": offers.asks, "resubmit": offers.resubmit, "chain": chain.key if chain else ""}
    return ChainView(steps=seen, may=frozenset(offers.may), choice=choice, **more)


def _choice(
    services: Services, connection: sa.Connection, chain: Any, case: Any, item: Any, rows: Sequence[Any], reader: str, ahead: Situation
) -> Asked | None:
    """The step for which the reader names who signs if they approve now."""
    if not any(choosing.rule_of(step, choosing.BY_SIGNER) for step in chain.steps):
        return None
    position, number = open_at(rows)
    current = rows_of(rows, (position, number))
    turned = deciding.approve(round_of(current, chain.steps[position], {}, reader), reader)
    back, changed = straight_back(current[0].trace or {}, chain.steps, position, services.keyring, case.id, ahead.variables)
    place = position + 1 if back is None or changed else back
    own = approvers(turned.round)
    signed = situations.signed_by(connection, item.id, chain.steps, place, {chain.steps[position]["key"]: own} if own else {})
    return coming.choice(connection, chain, place, turned, replace(ahead, signed=signed), reader)


def _rows(connection: sa.Connection, item_id: str, reader: str) -> Sequence[Any]:
    return connection.execute(
        sa.select(
            WorkStep.name,
            WorkStep.name_en,
            WorkStep.mode,
            WorkStep.position.label("step_position"),
            WorkRound.id.label("round_id"),
            WorkRound.number.label("round_number"),
            WorkRound.trace,
            WorkRound.outcome,
            SignOff.id.label("sign_off_id"),
            SignOff.role,
            SignOff.answer,
            SignOff.read_at,
            *SIGNER,
            *offers(reader),
        )
        .select_from(WorkItem)
        .outerjoin(WorkStep, WorkStep.item_id == WorkItem.id)
        .outerjoin(WorkRound, WorkRound.step_id == WorkStep.id)
        .outerjoin(
            SignOff,
            sa.or_(SignOff.round_id == WorkRound.id, sa.and_(SignOff.item_id == WorkItem.id, SignOff.round_id.is_(None))),
        )
        .where(WorkItem.id == item_id)
        .order_by(WorkStep.position, WorkRound.number, SignOff.position)
    ).all()


def _names(connection: sa.Connection, rows: Sequence[Any]) -> dict[str, str]:
    ids = {person for row in rows for person in (row.person_id, row.for_id, row.decided_by) if person}
    found = connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))
    return {row.id: row.name for row in found}


def _seen(
    services: Services,
    connection: sa.Connection,
    row: Any,
    rows: Sequence[Any],
    names: Mapping[str, str],
    offers: Offered,
    today: dt.date,
    given: Sequence[DocumentRow],
    *,
    told: bool,
    form: ItemForm,
) -> StepView:
    said: Mapping[str, Json] = {}
    if row.answer is not None and told:
        said = services.keyring.unseal_json(row.answer, answer_purpose(row.sign_off_id))
    people: list[str] = []
    in_place_of: Mapping[str, str] = {}
    if row.sign_off_id:
        holder = row.person_id or row.decided_by
        offered = {} if holder in names else signers(connection, row.sign_off_id, holder, today)
        people = [names[holder]] if holder in names else list(offered.values())
        in_place_of = _in_place_of(connection, row.sign_off_id, offered) if row.shared and offered else {}
    peers = {other.position: other for other in rows if row.round_id and other.round_id == row.round_id}
    since = _came_back(rows, row)
    acted = names.get(row.decided_by) if row.decided_by and row.decided_by != row.person_id else None
    return StepView(
        name=row.name,
        name_en=row.name_en,
        step=row.step_position,
        round=row.round_number,
        round_outcome=row.outcome,
        counts=since is None,
        undone_by=names.get(_undid(rows, since)) if since else None,
        sign_off=row.sign_off_id,
        state=row.state or row.outcome or "waiting",
        was=row.was,
        by_rule=row.decided_at is not None and row.decided_by is None,
        due_at=row.due_at if row.state in ("open", "waiting") else None,
        people=people,
        absent=names.get(row.for_id),
        in_place_of=in_place_of,
        acted=acted if acted not in people else None,
        origin=row.origin or "chain",
        by=_holder(names, _latest(peers, row.by_position)),
        passed_by=_passed(names, peers, row),
        opened_at=row.opened_at,
        read_at=row.read_at,
        decided_at=row.decided_at,
        opinion=str(said.get("opinion") or ""),
        values=form.shown(said.get("values") or {}),
        reason=str(said.get("reason") or ""),
        attachments=[one for one in given if one.kind != signatures.KIND],
        signature=next((one for one in given if one.kind == signatures.KIND), None),
        trace=row.trace or {},
        may=offers.on.get(row.sign_off_id, frozenset()),
    )


def _in_place_of(connection: sa.Connection, sign_off_id: str, offered: Mapping[str, str]) -> dict[str, str]:
    """Name of each of those to whom it is `offered` (names by id) who stands in for somebody -> that one's name."""
    rows = connection.execute(
        sa.select(Candidate.ref, Person.name)
        .join(Person, Person.id == Candidate.for_id)
        .where(Candidate.sign_off_id == sign_off_id, Candidate.kind == "person")
    )
    return {offered[row.ref]: row.name for row in rows if row.ref in offered}


def _came_back(rows: Sequence[Any], row: Any) -> Any:
    """The first row of the round by which this one counts no more: later rounds have later ids (`rounds.Passed`)."""
    rounds = [other for other in rows if row.round_id and other.round_id and other.step_position <= row.step_position]
    later = (other for other in rounds if other.round_id > row.round_id and other.outcome != WITHDRAWN)
    return min(later, key=lambda other: other.round_id, default=None)


def _undid(rows: Sequence[Any], since: Any) -> str:
    """Who returned or rejected the work last before a round was opened; "" where it was neither."""
    sent_back = [row for row in rows if row.state in ("returned", "rejected") and row.round_id and row.round_id < since.round_id]
    return str(max(sent_back, key=lambda row: row.decided_at).decided_by or "") if sent_back else ""


def _latest(peers: Mapping[int, Any], position: int | None) -> Any:
    return None if position is None else peers.get(position)


def _holder(names: Mapping[str, str], row: Any) -> str | None:
    return names.get(row.person_id) if row is not None else None


def _passed(names: Mapping[str, str], peers: Mapping[int, Any], row: Any) -> str | None:
    former = _latest(peers, row.former)
    return _holder(names, former) if former is not None and former.state == "transferred" else None


def _signing(chain: Any, rows: Sequence[Any], now: int) -> dict[str, list[str]]:
    """Key of a step up to the open one -> who signed it, or has it open."""
    signed: dict[str, list[str]] = {}
    for row in rows:
        own = row.sign_off_id and row.step_position <= now and row.person_id and row.state in ("approved", "open")
        if own and row.for_id in (None, row.decided_by) and _came_back(rows, row) is None:
            signed.setdefault(chain.steps[row.step_position]["key"], []).append(row.person_id)
    return signed


def _changed(
    services: Services, chain: Any, case: Any, rows: Sequence[Any], now: int, variables: Mapping[str, Json], form: ItemForm
) -> dict[str, dict[str, Set[str]]]:
    """As `Situation.changed`, for who has approved so far."""
    given = (row for row in rows if row.state == "approved" and row.step_position <= now and row.for_id in (None, row.decided_by))
    own = [row for row in given if row.decided_by and _came_back(rows, row) is None]
    return changed_since(services.keyring, case.id, chain.steps, own, form.signed, variables)


def to_come(connection: sa.Connection, found: Sequence[Resolved], first: int = 0) -> list[StepView]:
    """Steps that are expected, the first of them at this place of their chain."""
    ids = {person for step in found for person in step.persons}
    names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))}
    return [
        StepView(
            name=step.name,
            name_en=step.name_en,
            step=first + number,
            sign_off=None,
            state="waiting",
            people=[names[person] for person in step.persons],
            decided_at=None,
            opinion="",
            trace=step.trace,
            expected=forecast.state(step),
        )
        for number, step in enumerate(found)
    ]
