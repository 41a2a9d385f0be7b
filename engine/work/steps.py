"""The step of a chain at which a work item stands: read as a round under the case's lock, and written back after one act."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from .. import choices, copies, dues, endings, items, rounds, sign_offs, situations
from ..bpmn.model import Element
from ..chains import resolve
from ..chains.company import Company
from ..chains.steps import setting
from ..db import Statement, Unit
from ..errors import FormInvalid, NotAllowed, NotFound, PartwellError
from ..ledger import Event
from ..locking import REPEATED, lock_and_read, must_run
from ..models import Chain, Draft, Person, SignOff, WorkItem, WorkRound, WorkStep
from ..notices.telling import kind_of, returned
from ..people import directory
from ..ports import NO_FORM, Json
from ..rules import rules_of
from ..signing.round import Round, Signer, Turned
from ..turn import Turn
from . import correcting, filling
from .resubmitting import onward, sent_back, way
from .roundrows import SIGNER, approvers, offers, previous, round_of, rows_of, standing_at
from .tasks import closed

if TYPE_CHECKING:
    from ..services import Services

_ACTOR = aliased(Person)
_ROUNDS = Statement(
    sa.select(
        WorkItem.id,
        WorkItem.element,
        WorkItem.instance,
        WorkItem.name,
        WorkItem.status,
        WorkItem.chain_id,
        WorkItem.corrects,
        WorkStep.id.label("step_id"),
        WorkStep.position.label("step_position"),
        WorkStep.mode,
        WorkRound.id.label("round_id"),
        WorkRound.number.label("round_number"),
        WorkRound.outcome,
        SignOff.id.label("sign_off_id"),
        *SIGNER,
        *offers(sa.bindparam("candidate")),
        _ACTOR.active,
        _ACTOR.name.label("actor_name"),
        sa.exists().where(Draft.item_id == WorkItem.id).label("drafts"),
        REPEATED,
    )
    .select_from(WorkItem)
    .outerjoin(WorkStep, WorkStep.item_id == WorkItem.id)
    .outerjoin(WorkRound, WorkRound.step_id == WorkStep.id)
    .outerjoin(SignOff, SignOff.round_id == WorkRound.id)
    .outerjoin(_ACTOR, _ACTOR.id == sa.bindparam("actor"))
    .where(WorkItem.id == sa.bindparam("item_id"))
    .order_by(WorkStep.position, WorkRound.number, SignOff.position)
)
_OUTCOME = Statement(
    sa.update(WorkRound)
    .where(WorkRound.id == sa.bindparam("round_id"))
    .values(closed_at=sa.bindparam("at"), outcome=sa.bindparam("new_outcome"))
)
#: longest opinion or reason, in characters
_LONGEST = 5000


@dataclass(frozen=True, kw_only=True)
class Step:
    """The step, its round, and the case's turn in which something is done with it."""

    turn: Turn
    item_id: str
    element: Element
    instance: str
    #: the row of `chains` that the item keeps
    chain: Any
    #: ids of the item's steps, in order, and which of them this is
    step_ids: Sequence[str]
    position: int
    round_id: str
    round: Round
    #: rows of the round's sign-offs, in their order
    rows: Sequence[Any]
    actor_name: str
    #: somebody saved a draft
    drafts: bool
    #: of all the item's steps and rounds
    all_rows: Sequence[Any]

    @property
    def previous(self) -> Step | None:
        """The step before it that somebody signed, at its last round; None where there is none."""
        before = previous(self.all_rows, self.position)
        return None if before is None else self.at(before)

    def at(self, which: tuple[int, int]) -> Step:
        """The same item at another round."""
        rows, position = rows_of(self.all_rows, which), which[0]
        round = round_of(rows, self.chain.steps[position], self.round.barred, self.turn.actor or "")
        return replace(self, position=position, round_id=rows[0].round_id, rows=rows, round=round)

    @property
    def which(self) -> tuple[int, int]:
        """Its place in the chain, and the number of the round."""
        return self.position, self.rows[0].round_number

    @property
    def row(self) -> Any:
        """The row of the item, as each of `all_rows` tells it."""
        return self.all_rows[0]

    @property
    def item(self) -> rounds.Chained:
        return rounds.Chained(id=self.item_id, element=self.element.id, instance=self.instance, chain=self.chain, step_ids=self.step_ids)

    @property
    def asks(self) -> Mapping[str, Json]:
        """The step as its chain describes it."""
        step: Mapping[str, Json] = self.chain.steps[self.position]
        return step

    def must_offer(self, verb: str) -> None:
        """Raises NotAllowed where the chain does not offer it in this step."""
        if verb not in setting(self.asks, "verbs"):
            raise NotAllowed(reason="the approval chain does not offer this in this step")

    def managed(self) -> bool:
        """Whether the actor manages the procedure."""
        roles = directory.roles_of(self.turn.unit.connection, self.turn.actor or "")
        return bool(roles & rules_of(self.turn.deployed.files).managers)

    def number(self, sign_off_id: str) -> int:
        """Which of the round's sign-offs it is. Raises NotFound."""
        for number, row in enumerate(self.rows):
            if row.sign_off_id == sign_off_id:
                return number
        raise NotFound(what="sign-off in this step", name=sign_off_id)

    def given(self, turned: Turned) -> str:
        """Id of the sign-off that the actor has just given."""
        number = next(one.number for one in turned.changes if one.acted == self.turn.actor)
        return str(self.rows[number].sign_off_id)

    def named(self, persons: Iterable[str | None]) -> list[Json]:
        """Persons as the ledger tells them, so that it can be read after they left."""
        ids = [person for person in persons if person]
        rows = self.turn.unit.connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(ids)))
        names = {row.id: row.name for row in rows}
        return [{"id": person, "name": names.get(person, person)} for person in ids]

    def access(self) -> dict[str, str]:
        """What signers of the step may do with each field of the item's form."""
        form = self.turn.services.programs.form(self.turn.deployed, self.element) or NO_FORM
        return filling.allowed(self.turn.services.forms, form, self.element, self.asks)

    def stands(self) -> bool:
        """Whether the item still waits: what was filled in may have met a condition that ended it."""
        return any(instance == self.instance for instance, _ in self.turn.execution.waiting()) if self.turn.moved else True

    def record(self, event: Event, filled: Mapping[str, Json] = MappingProxyType({}), **facts: Json) -> None:
        """A ledger entry that tells the step by its names. `filled`: values that the actor gave with it; the case has them from now on."""
        told = {"item": self.item_id, "step": self.asks["name"], "step_en": self.asks["name_en"], **facts}
        if filled:
            self.turn.act(event, "fill", element=self.element.id, instance=self.instance, values=dict(filled), also=told)
        else:
            self.turn.record(event, element=self.element.id, **told)

    def write(self, turned: Turned, said: Mapping[str, Json] | None = None) -> list[str]:
        """Store what an act made of the round; ids of new sign-offs. `said`: what the actor said with what they gave or gave away."""
        turn, new = self.turn, list[str]()
        limits: list[dt.datetime | None] = [row.due_at for row in self.rows]
        for signer in turned.changes:
            due = self._due(signer, limits)
            if signer.number < len(self.rows):
                row = self.rows[signer.number]
                sign_off_id, armed = row.sign_off_id, row.due_at is not None
                sign_offs.change(turn, row, signer, due)
                if signer.state == "open" and row.state != "open":
                    turn.tell("opened", [signer.person], item=self.item_id)
                if said and row.decided_at is None and signer.acted == turn.actor:
                    sign_offs.answer(turn, sign_off_id, turn.unit.keyring.seal_json(said, sign_offs.answer_purpose(sign_off_id)))
            else:
                again = signer.former is not None and turned.round.signers[signer.former].state in ("lapsed", "withdrawn")
                told = "opened" if again else kind_of(signer.origin, signer.former)
                like = self._offered(turned.round, signer) if again else None
                sign_off_id, armed = sign_offs.add(turn, self.item_id, self.round_id, signer, due=due, told=told, like=like), False
                limits.append(due)
                new.append(sign_off_id)
            if armed and not signer.undecided:
                dues.disarm(turn, sign_off_id)
            if not armed and signer.undecided and due and due > turn.now:
                dues.arm(turn, self.element.id, self.asks, sign_off_id, due)
        if dues.limited(self.chain.steps):
            dues.show(turn, self.item_id)
        if turned.verdict or turned.reopened:
            at = turn.now if turned.verdict else None
            turn.unit.write(_OUTCOME, round_id=self.round_id, at=at, new_outcome=turned.round.outcome)
        return new

    def _offered(self, round: Round, signer: Signer) -> str | None:
        """Id of the sign-off whose place another one took, where that was offered to several, and to its holder, too; None where it was
        not, such as where somebody to whom it was offered gave it to them alone.
        """
        former = (self.rows[one.number] for one in reversed(round.path(signer)) if one.number < len(self.rows))
        holders = (signer.person, signer.for_person, None)
        return next((row.sign_off_id for row in former if row.shared and row.person_id in holders), None)

    def tell_removed(self, turned: Turned) -> None:
        """Whoever had it before them to sign and is asked no longer, by the doing of somebody else, is told."""
        gone = (one for one in turned.changes if one.state in ("removed", "transferred") and one.number < len(self.rows))
        self.turn.tell("removed", [one.person for one in gone if self.rows[one.number].state == "open"], item=self.item_id)

    def _due(self, signer: Signer, limits: Sequence[dt.datetime | None]) -> dt.datetime | None:
        """When it is due: as it was, or as that was whose place it takes; from now on where its turn has just come."""
        if signer.number < len(limits) and (known := limits[signer.number]):
            return known
        if signer.former is not None and (known := limits[signer.former]):
            return known
        return dues.due(self.turn, self.asks, signer.person) if signer.state == "open" and signer.origin != "delegate" else None

    def follow(self, turned: Turned, opinion: str = "", choice: choices.Given | None = None) -> None:
        """Go on as the round was decided, if it was: to the next step, or out of the item. `choice`: of who approves now."""
        if turned.verdict != "approved" and choice is not None:
            choice.unasked()
        if turned.verdict in ("approved", "rejected") and setting(self.asks, "copies"):
            self._show()
        if turned.verdict == "approved":
            own = approvers(turned.round)
            before = {str(self.asks["key"]): own} if own else {}
            verdict = rounds.open_step(self.turn, self.item, onward(self), before=before, again=True, choice=choice)
            if verdict == "rejected":
                items.pass_unsigned(self.turn, replace(self.item, verdict=verdict))
            if verdict != "approved":
                return
        if turned.verdict == "rejected" and self._rejected(opinion):
            return
        if turned.verdict in ("approved", "rejected"):
            values = {"decision": turned.verdict, "opinion": opinion, "decided_by": self._decider(turned)}
            items.finish(self.turn, self.item_id, self.element.id, self.instance, values, drafts=self.drafts)

    def _show(self) -> None:
        """Whom the chain names get a copy."""
        turn, steps = self.turn, self.chain.steps
        signed = situations.signed_by(turn.unit.connection, self.item_id, steps, self.position)
        case = situations.situation(turn, self.instance, chain=self.chain.key, signed=signed)
        persons = [one for one in resolve.readers(Company(turn.unit.connection, turn.now), self.asks, case) if one != turn.actor]
        if persons:
            copies.send(turn, persons, by=None, item=self.item)

    def _rejected(self, opinion: str) -> bool:
        """What the chain says for a rejection; False where it is for the diagram to say."""
        match setting(self.asks, "on_reject").partition(":"):
            case ("end", _, _):
                endings.end(self.turn, "rejected", opinion)
                return True
            case ("to_initiator", _, _):
                correcting.ask(self, way(self, ""))
                return True
            case ("to_previous", _, _) if self.previous:
                place = self.previous.position
            case ("to", _, key):
                place = next(place for place, one in enumerate(self.chain.steps) if one["key"] == key)
            case _:
                return False
        verdict = rounds.open_step(self.turn, self.item, place, again=True, told=sent_back(self, way(self, "")))
        self.turn.told = returned(self.turn.told)
        return verdict is None

    def _decider(self, turned: Turned) -> str:
        """Name of who decided last: who acts now, or who did before somebody was removed; "" where it was a rule."""
        decided = [signer for signer in turned.round.signers if signer.counted and signer.state == turned.verdict]
        if any(signer in turned.changes for signer in decided):
            return self.actor_name
        last = max(decided, key=lambda signer: signer.decided_at)
        return str(self.named([last.acted])[0]["name"]) if last.acted else ""


def step(
    services: Services,
    unit: Unit,
    item_id: str,
    actor: str,
    request_id: str | None,
    *,
    verb: str | None = None,
    to: Collection[str] = (),
    taking_back: bool = False,
) -> Step | None:
    """The step at which the item stands; None if this very request was carried out before.

    `verb`: what the chain must allow in it. `to`: persons who are to get a sign-off. `taking_back`: the item may be closed, or wait for
    somebody else; then the step that was decided last. Raises NotFound, NotAllowed, AlreadyDecided, ItemClosed, CaseNotRunning,
    VersionSuspended.
    """
    case, rows = lock_and_read(unit, _ROUNDS, item_id=item_id, actor=actor, candidate=actor, request_id=request_id)
    if rows[0].repeated:
        return None
    if not rows[0].chain_id:
        raise NotAllowed(reason="this work item is completed with its form, not approved")
    if rows[0].status != "open" and not taking_back:
        raise closed(unit.connection, item_id, rows[0].status)
    must_run(case)
    if not rows[0].active:
        raise NotAllowed(reason="your account may not act any more")
    signs = standing_at(rows) is not None if taking_back else any(row.sign_off_id and row.outcome is None for row in rows)
    if not signs:
        raise closed(unit.connection, item_id, rows[0].status)
    found = _at(Turn(services, unit, case, actor=actor, request_id=request_id), item_id, rows, to)
    if verb is not None:
        found.must_offer(verb)
    return found


def standing(turn: Turn, item_id: str) -> Step:
    """The step at which an item with an undecided sign-off stands, for what happens by itself."""
    rows = turn.unit.all(_ROUNDS, item_id=item_id, actor=turn.actor, candidate=turn.actor, request_id=None)
    return _at(turn, item_id, rows, ())


def _at(turn: Turn, item_id: str, rows: Sequence[Any], to: Collection[str]) -> Step:
    connection = turn.unit.connection
    last = standing_at(rows)
    if last is None:
        raise NotAllowed(reason="nobody signed this")
    signing = rows_of(rows, last)
    chain = connection.execute(sa.select(Chain.__table__).where(Chain.id == rows[0].chain_id)).one()
    return Step(
        turn=turn,
        item_id=item_id,
        element=turn.deployed.program.elements[rows[0].element],
        instance=rows[0].instance,
        chain=chain,
        step_ids=list(dict.fromkeys(row.step_id for row in rows)),
        position=last[0],
        round_id=signing[0].round_id,
        round=round_of(signing, chain.steps[last[0]], _barred(connection, turn.case, turn.now, to), turn.actor or ""),
        rows=signing,
        actor_name=rows[0].actor_name or "",
        drafts=rows[0].drafts,
        all_rows=rows,
    )


def _barred(connection: sa.Connection, case: Any, at: dt.datetime, to: Collection[str]) -> dict[str, str]:
    barred = {}
    if to:
        known = set(connection.execute(sa.select(Person.id).where(Person.id.in_(to))).scalars())
        for person in to:
            if person not in known:
                raise NotFound(what="person", name=person)
        here = set(connection.execute(sa.select(Person.id).where(Person.id.in_(to), directory.here(directory.day(at)))).scalars())
        barred = dict.fromkeys(known - here, "who has left, or may not act, signs nothing")
    return {**barred, case.subject_id: "nobody decides in a case about themselves"}


@contextlib.contextmanager
def by_name(unit: Unit) -> Iterator[None]:
    """Errors that name a person by id name them as people do."""
    try:
        yield
    except PartwellError as error:
        who = error.facts.get("who")
        name = unit.connection.execute(sa.select(Person.name).where(Person.id == who)).scalar_one_or_none() if who else None
        if name is None:
            raise
        raise type(error)(**{**error.facts, "who": name}) from None


def acted_for(turned: Turned, actor: str) -> dict[str, Json]:
    """{for: id} of the absent one for whom somebody just acted, {} for who acted in their own name."""
    given = next(signer for signer in turned.changes if signer.acted == actor)
    return {"for": given.for_person} if given.for_person and given.for_person != actor else {}


def said(text: str, field: str, missing: str | None) -> str:
    """What somebody wrote, without blanks around it. Raises FormInvalid; `missing`: the message where nothing is refused."""
    text = text.strip()
    if missing is not None and not text:
        raise FormInvalid({field: [missing]})
    if len(text) > _LONGEST:
        raise FormInvalid({field: ["An opinion has at most 5000 characters."]})
    return text
