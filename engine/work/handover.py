"""离职转办: everything that somebody who leaves holds goes to others, item by item, and so does what comes to them until they have left.

What is carried out stays done and what is not can be tried again: a second run finds only the rest. Past acts stay under the
name of whoever did them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..db import Statement
from ..errors import HandoverRefused, MayNotSign, NotAllowed, NotFound, PartwellError, Sentence
from ..ledger import Event
from ..locking import lock, must_run
from ..models import Candidate, Duty, GroupMember, Person, SignOff, WorkItem
from ..people import absences, directory, importing
from ..people.state import state
from ..ports import DirectoryLine
from ..signing import passing
from ..turn import Turn
from .belongings import MOVED, Held, held
from .holding import HOLD
from .steps import by_name, standing

if TYPE_CHECKING:
    from ..db import Unit
    from ..services import Services

#: whoever holds it hands over what others hold
_MANAGERS = "admin"
_DAY = dt.timedelta(days=1)
_WITHDRAW = Statement(
    sa.delete(Candidate).where(
        Candidate.sign_off_id == sa.bindparam("sign_off_id"), Candidate.kind == "person", Candidate.ref == sa.bindparam("person")
    )
)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of one thing."""

    held: Held
    #: id of who has it now, or was to get it
    to: str
    #: why it was not handed over
    error: PartwellError | None = None


@dataclass(frozen=True, kw_only=True)
class Leaver:
    """Somebody with what they hold."""

    id: str
    name: str
    #: works here and may act
    here: bool
    #: the last day, where it is known
    last_day: dt.date | None
    held: Sequence[Held]
    #: who gets what comes to them from now on, and until when; None while nothing is handed over
    later_to: str | None
    later_until: dt.datetime | None


def look(services: Services, person: str, *, actor: str | None) -> Leaver:
    """What somebody holds. `actor` None: the command line. Raises NotAllowed, NotFound."""
    now = services.clock.now()
    with services.database.reading() as connection:
        must_hand_over(connection, actor)
        row = connection.execute(sa.select(Person.id, Person.name, Person.employed_to).where(Person.id == person)).one_or_none()
        if row is None:
            raise NotFound(what="person", name=person)
        later = absences.handover(connection, person, now)
        return Leaver(
            id=person,
            name=row.name,
            here=bool(directory.present(connection, [person], directory.day(now))),
            last_day=row.employed_to,
            held=held(services, connection, person),
            later_to=later.substitute_id if later else None,
            later_until=later.ends_at if later else None,
        )


def must_hand_over(connection: sa.Connection, actor: str | None) -> None:
    """Raises NotAllowed unless the actor hands over what others hold; the command line may."""
    if actor is not None and _MANAGERS not in directory.roles_of(connection, actor):
        raise NotAllowed(reason="only administrators hand over what somebody holds")


def chosen(one: Held, to: Mapping[str, str]) -> str:
    """Who is to get a thing, "" for nobody: as chosen for itself, else for its procedure, its kind, or everything (key "")."""
    for key in (one.key, f"procedure:{one.procedure}" if one.procedure else one.kind, one.kind, ""):
        if key in to:
            return to[key]
    return ""


def hand_over(
    services: Services,
    person: str,
    *,
    to: Mapping[str, str],
    until: dt.date | None = None,
    on: dt.date | None = None,
    note: str,
    actor: str | None,
) -> list[Done]:
    """Give what somebody holds to others; what became of each thing. Each is a transaction of its own.

    `to`: ids by `kind:ref`, `procedure:key`, `kind`, or "" for everything; the nearest counts, and "" as an id leaves it.
    `until`: the last day on which what comes to them goes to whoever gets everything, too. `on`: the day from which heads, duties
    and superiors change (None: today); groups change at once. Raises NotAllowed, NotFound, HandoverRefused for a person who
    cannot take anything.
    """
    now = services.clock.now()
    leaver = look(services, person, actor=actor)
    _check(services, person, set(to.values()) - {""}, now)
    if not note.strip():
        raise HandoverRefused(reason="a reason is needed")
    given = _Given(services, person, note.strip()[:1000], actor, on)
    found = []
    for one in leaver.held:
        if one.kind in MOVED and (target := chosen(one, to)):
            found.append(given.give(one, target))
    if until is not None and (target := to.get("", "")) and leaver.here:
        rule = Held(kind="later", ref="", name=until.isoformat(), name_en=until.isoformat())
        try:
            absences.hand_over(services, person, target, until=directory.midnight(until + _DAY), by=actor, note=note)
            found.append(Done(held=rule, to=target))
        except PartwellError as error:
            found.append(Done(held=rule, to=target, error=error))
    return found


def _check(services: Services, person: str, targets: set[str], now: dt.datetime) -> None:
    if not targets:
        raise HandoverRefused(reason="nobody is chosen who gets it")
    if person in targets:
        raise HandoverRefused(reason="it cannot go to whoever gives it away")
    with services.database.reading() as connection:
        known = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(targets)))}
        here = directory.present(connection, list(known), directory.day(now))
    for target in sorted(targets):
        if target not in known:
            raise NotFound(what="person", name=target)
        if target not in here:
            raise HandoverRefused(reason=f"{known[target]} does not work here")


@dataclass(frozen=True)
class _Given:
    """How each thing changes hands."""

    services: Services
    person: str
    note: str
    actor: str | None
    on: dt.date | None

    def give(self, one: Held, to: str) -> Done:
        act = {"sign_off": self._sign_off, "offer": self._offer, "substitution": self._substitution}.get(one.kind, self._line)
        try:
            act(one, to)
        except PartwellError as error:
            return Done(held=one, to=to, error=error)
        return Done(held=one, to=to)

    def _substitution(self, one: Held, to: str) -> None:
        absences.replace(self.services, one.ref, substitute=to, by=self.actor, note=self.note)

    # --- work

    def _sign_off(self, one: Held, to: str) -> None:
        with self.services.database.unit() as unit, by_name(unit):
            turn = self._turn(unit, one)
            row = unit.connection.execute(sa.select(SignOff.__table__).where(SignOff.id == one.ref)).one()
            chained = unit.connection.execute(sa.select(WorkItem.chain_id).where(WorkItem.id == one.item_id)).scalar_one()
            if row.person_id != self.person or row.state not in ("open", "waiting"):
                return  # decided or passed on meanwhile
            if chained:
                at = standing(turn, one.item_id)
                number = at.number(one.ref)
                turned = passing.hand_over(at.round, self.actor, number, to)
                at.record(Event.SIGN_OFF_HANDED_OVER, former=at.named([self.person]), to=at.named([to]), reason=self.note)
                at.write(turned, {"reason": self.note} if self.actor else None)
            else:
                self._record(turn, one, to)
                unit.write(HOLD, sign_off_id=one.ref, holder=to, absent=row.for_id if row.for_id != to else None)
                turn.tell("transferred", [to], item=one.item_id)
            turn.commit()

    def _offer(self, one: Held, to: str) -> None:
        with self.services.database.unit() as unit:
            turn = self._turn(unit, one)
            rows = unit.connection.execute(
                sa.select(Candidate.ref, Candidate.for_id)
                .join(SignOff, SignOff.id == Candidate.sign_off_id)
                .where(Candidate.sign_off_id == one.ref, Candidate.kind == "person", SignOff.state == "open", SignOff.person_id.is_(None))
            ).all()
            own = next((row for row in rows if row.ref == self.person), None)
            if own is None:
                return  # taken or decided meanwhile
            self._record(turn, one, to)
            unit.write(_WITHDRAW, sign_off_id=one.ref, person=self.person)
            if not any(row.ref == to for row in rows):
                unit.add(Candidate, sign_off_id=one.ref, kind="person", ref=to, for_id=own.for_id if own.for_id != to else None)
                turn.tell("offered", [to], item=one.item_id)
            turn.commit()

    def _turn(self, unit: Unit, one: Held) -> Turn:
        case = lock(unit, item_id=one.item_id)
        must_run(case)
        turn = Turn(self.services, unit, case, actor=self.actor)
        if self.actor == case.subject_id:
            raise NotAllowed(reason="nobody decides in a case about themselves")
        return turn

    def _record(self, turn: Turn, one: Held, to: str) -> None:
        """Raises MayNotSign for whom the case is about."""
        both = sa.select(Person.id, Person.name).where(Person.id.in_((self.person, to)))
        names = {row.id: row.name for row in turn.unit.connection.execute(both)}
        if to == turn.case.subject_id:
            raise MayNotSign(who=names[to], reason="nobody decides in a case about themselves")
        element = turn.unit.connection.execute(sa.select(WorkItem.element).where(WorkItem.id == one.item_id)).scalar_one()
        people: dict[str, Any] = {"former": [{"id": self.person, "name": names[self.person]}], "to": [{"id": to, "name": names[to]}]}
        turn.record(Event.SIGN_OFF_HANDED_OVER, element=element, item=one.item_id, reason=self.note, **people)

    # --- the directory

    def _line(self, one: Held, to: str) -> None:
        """Raises HandoverRefused with what would be wrong with the directory."""
        day = self.on or directory.day(self.services.clock.now())
        with self.services.database.reading() as connection:
            before = state(connection, day)
            keys = {id: key.removeprefix("login:") for key, id in before.ids.items()}
            lines = _lines(connection, one, keys, self.person, to, day)
        made = importing.bring(self.services, lines, by=self.actor, note=self.note, on=day)
        if made.faults:
            fault = made.faults[0]
            raise HandoverRefused(reason=Sentence(fault.template, fault.facts))


def _lines(connection: sa.Connection, one: Held, keys: Mapping[str, str], person: str, to: str, day: dt.date) -> list[DirectoryLine]:
    """What the directory is to say, as a file would."""
    match one.kind:
        case "headship":
            return importing.of_values("departments", [{"key": one.ref, "head": keys[to]}])
        case "report":
            above = directory.superiors(connection, person, day)
            manager = to if one.ref != to else next((superior for superior in above if superior != to), None)
            return importing.of_values("persons", [{**_known(keys, connection, one.ref), "manager": keys[manager] if manager else ""}])
        case "group":
            members = connection.execute(sa.select(GroupMember.person_id).where(GroupMember.group_id == one.ref)).scalars()
            return importing.of_values("groups", [{"key": one.ref, "members": [keys[m] for m in {*members, to} - {person}]}])
    row = connection.execute(sa.select(Duty.__table__).where(Duty.id == one.ref)).one()
    duty = {"duty": row.duty, "scope": row.scope, "ref": keys.get(row.ref, row.ref) if row.scope == "person" else row.ref}
    begins = max(day, row.from_day) if row.from_day else day
    gone = {**duty, "person": keys[person], "to": max(begins - _DAY, row.from_day or dt.date.min)}
    return importing.of_values("duties", [gone, {**duty, "person": keys[to], "from": begins, "to": row.to_day}])


def _known(keys: Mapping[str, str], connection: sa.Connection, person: str) -> dict[str, str]:
    number = connection.execute(sa.select(Person.employee_no).where(Person.id == person)).scalar_one()
    return {"employee_no": number} if number else {"login": keys[person]}
