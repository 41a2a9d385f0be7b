"""Messages and signals: from outside or from a case, to the cases that wait for them (BPMN 2.0.2, 10.5.1 and 10.5.4).

A message has one receiver: the case that has waited longest under its name and correlation key; if none waits, a procedure
that begins with it; else it is kept for a while, so that it may come before the case asks. A signal reaches every case that
waits for its name at that moment.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import cases, rules, subscriptions
from .bpmn.names import refuse_given
from .bpmn.scopes import plain
from .db import Database, Unit
from .deferral import add_signal_jobs
from .errors import Conflict, DatabaseAway, ItemClosed, NobodyWaits, NotAllowed
from .ledger import Event
from .locking import done_before, lock, must_run
from .models import Case, LedgerPage, Message, ProcedureVersion, Subscription, new_id
from .people import directory
from .ports import Json
from .turn import Turn

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

log = logging.getLogger(__name__)

#: how often a message that lost a race for its receiver looks again
_TRIES = 5
#: how long a message is remembered whose time is over, so that the command that sent it is known again
_REMEMBERED = dt.timedelta(days=1)
#: a case whose procedure's version runs takes what it waits for
_TAKES = sa.and_(Case.status == "running", sa.not_(ProcedureVersion.suspended))


@dataclass(frozen=True, kw_only=True)
class WaitRow:
    """A message or signal that a case waits for."""

    instance: str
    element: str
    #: what the diagram calls the place, and the message
    name: str
    name_en: str
    #: `message` or `signal`
    kind: str
    message: str
    since: dt.datetime


def waits(connection: sa.Connection, case_id: str, deployed: Deployed) -> list[WaitRow]:
    """What a case waits for from outside, longest first."""
    rows = connection.execute(
        sa.select(Subscription.__table__).where(Subscription.case_id == case_id).order_by(Subscription.opened_at, Subscription.instance)
    )
    found = []
    for row in rows:
        element = deployed.program.elements.get(row.element)
        name = element.title if element else row.element
        english = (element.name_en if element else "") or name
        told = {"name": name, "name_en": english, "kind": row.kind, "message": row.name, "since": row.opened_at}
        found.append(WaitRow(instance=row.instance, element=row.element, **told))
    return found


def enter(services: Services, case_id: str, instance: str, *, actor: str, values: Mapping[str, Json], reason: str, request_id: str) -> None:
    """A manager enters by hand that what the case waits for has happened, with a reason; recorded as such.

    Raises NotFound, NotAllowed, ItemClosed for a wait that is over, CaseNotRunning, VersionSuspended.
    """
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if done_before(unit, case_id, actor=actor, request_id=request_id):
            return
        must_run(case)
        turn = Turn(services, unit, case, actor=actor, request_id=request_id)
        cases.must_manage(turn)
        row = unit.connection.execute(
            sa.select(Subscription.kind, Subscription.name).where(Subscription.case_id == case_id, Subscription.instance == instance)
        ).one_or_none()
        if row is None:
            raise ItemClosed(reason="the case no longer waits for it")
        event = Event.MESSAGE_RECEIVED if row.kind == "message" else Event.SIGNAL_RECEIVED
        turn.deliver(instance, event, row.name, values, reason=cases.must_say(reason))
        turn.commit()


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What became of a message."""

    #: the case that took it or was started by it; None while it is kept
    case_id: str | None
    #: until when it is kept, if no case took it
    kept_until: dt.datetime | None = None


def send(
    services: Services,
    *,
    name: str,
    values: Mapping[str, Json],
    actor: str | None,
    request_id: str,
    key: str = "",
    subject: str | None = None,
    keep: dt.timedelta | None = None,
) -> Sent:
    """Bring a message to the case that waits for it; `actor` None: a case sent it.

    Where none waits, a procedure with a message start event of that name starts a case about `subject`; without one the
    message is kept for `keep` (default: the setting `message_hours`; zero: not at all). The same `request_id` again gives the
    same result. Raises NotAllowed, NobodyWaits, ValueRefused, and what `cases.start` raises.
    """
    for _ in range(_TRIES):
        with services.database.reading() as connection:
            receivers = _receivers(services, connection, actor)
            waiting = _longest_waiting(connection, services.keyring.digest(key, f"subscriptions.key/{name}"), name, receivers, actor)
            # Asked second: if the same command took the wait between the two looks, this one shows it.
            if before := _sent_before(connection, request_id, actor):
                return before
        if waiting is not None:
            if _deliver(services, waiting, name, key, values, actor, request_id):
                return Sent(case_id=waiting.case_id)
            continue
        if subject is not None and actor is not None and (procedure := _begins(services, name)):
            started = cases.start(
                services,
                procedure=procedure,
                initiator=actor,
                subject=subject,
                values=values,
                request_id=request_id,
                message=name,
            )
            return Sent(case_id=started.case_id)
        kept_for = dt.timedelta(hours=services.settings.message_hours) if keep is None else keep
        if not kept_for:
            raise NobodyWaits(message=name)
        if kept := _keep(services, name, key, values, receivers, actor, request_id, kept_for):
            return kept
    raise Conflict()


def signal(services: Services, *, name: str, values: Mapping[str, Json], actor: str, request_id: str) -> int:
    """Bring a signal from outside to every case that waits for it and that the actor may send to; gives how many that are.

    The same `request_id` again reaches nobody twice. Raises NotAllowed, ValueRefused.
    """
    _must_be_takeable(values)
    with services.database.unit() as unit:
        receivers = _receivers(services, unit.connection, actor)
        assert receivers is not None  # only a case may send to all
        open_to = (wait for wait in subscriptions.signal_waits(unit, name) if wait.procedure in receivers)
        waits = [wait for wait in open_to if wait.subject_id != actor]
        add_signal_jobs(services, unit, waits, name, values, source=request_id, at=services.clock.now())
        with contextlib.suppress(Conflict):  # sent before: each wait has its job
            unit.commit()
    return len(waits)


def hand_out(services: Services, *, limit: int = 100) -> int:
    """Bring kept messages to cases that wait for them and can take them now, such as those of a version that was resumed.

    Gives how many cases took some. What goes wrong in one is logged, and the others get theirs.
    """
    waits = (
        sa.select(Subscription.case_id, Case.procedure, Case.subject_id, Message.sent_by)
        .join(Message, sa.and_(Message.name == Subscription.name, Message.key == Subscription.key))
        .join(Case, Case.id == Subscription.case_id)
        .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
        .where(Subscription.kind == "message", Message.case_id.is_(None), Message.kept_until > services.clock.now(), _TAKES)
        .distinct()
    )
    with services.database.reading() as connection:
        rows = connection.execute(waits).all()
        receivers = {sender: _receiving(services, connection, sender) for sender in {row.sent_by for row in rows if row.sent_by}}
    cases_ = {row.case_id for row in rows if not row.sent_by or (row.procedure in receivers[row.sent_by] and row.subject_id != row.sent_by)}
    taken = 0
    for case_id in sorted(cases_)[:limit]:
        try:
            taken += _take_kept(services, case_id)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("case %s could not take a message that was kept", case_id)
    return taken


def forget(database: Database, now: dt.datetime, *, limit: int = 500) -> int:
    """Remove messages that were kept and that nobody asked for in their time, a day later; gives how many, at most `limit`.

    What a case took belongs to the case and stays.
    """
    over = sa.select(Message.id).where(Message.case_id.is_(None), Message.kept_until < now - _REMEMBERED)
    first = over.order_by(Message.kept_until).limit(limit).with_for_update(skip_locked=True)
    with database.unit() as unit:
        gone = unit.connection.execute(sa.delete(Message).where(Message.id.in_(first)))
        unit.commit()
    return int(gone.rowcount)


def _take_kept(services: Services, case_id: str) -> bool:
    """Whether the case took one."""
    with services.database.unit() as unit:
        case = lock(unit, case_id=case_id)
        if case.status != "running" or case.on_hold:
            return False
        turn = Turn(services, unit, case, actor=None)
        turn.ask_again()
        if not turn.moved:
            return False
        turn.commit()
    return True


def _receivers(services: Services, connection: sa.Connection, actor: str | None) -> frozenset[str] | None:
    """Procedures whose cases the actor may send to; None: all. Raises NotAllowed for somebody who may send to none."""
    if actor is None:
        return None
    found = _receiving(services, connection, actor)
    if not found:
        raise NotAllowed(reason="your role does not send messages to cases")
    return found


def _receiving(services: Services, connection: sa.Connection, sender: str) -> frozenset[str]:
    roles = directory.roles_of(connection, sender)
    return frozenset(name for name, own in rules.by_procedure(services, connection).items() if roles & (own.senders | own.managers))


def _longest_waiting(connection: sa.Connection, key: str, name: str, receivers: frozenset[str] | None, actor: str | None) -> Any:
    """What may take the message. A case about its sender does not, and is passed over without a word: it may be unknown to them."""
    waits = (
        sa.select(Subscription.case_id, Subscription.instance, Subscription.element)
        .join(Case, Case.id == Subscription.case_id)
        .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
        .where(Subscription.kind == "message", Subscription.name == name, Subscription.key == key, _TAKES)
        .order_by(Subscription.opened_at, Subscription.case_id, Subscription.instance)
        .limit(1)
    )
    if receivers is not None:
        waits = waits.where(Case.procedure.in_(receivers), Case.subject_id != actor)
    return connection.execute(waits).one_or_none()


def _deliver(services: Services, wait: Any, name: str, key: str, values: Mapping[str, Json], actor: str | None, request_id: str) -> bool:
    """Whether the case still waited and has taken the message."""
    with services.database.unit() as unit:
        case = lock(unit, case_id=wait.case_id)
        still = (
            sa.select(Subscription.element)
            .join(Case, Case.id == Subscription.case_id)
            .join(ProcedureVersion, ProcedureVersion.id == Case.version_id)
            .where(Subscription.case_id == case.id, Subscription.instance == wait.instance, _TAKES)
        )
        if unit.connection.execute(still).first() is None:
            return False
        turn = Turn(services, unit, case, actor=actor)
        message_id = _add(unit, name, key, values, actor, request_id, at=turn.now, kept_until=turn.now, case_id=case.id)
        turn.deliver(wait.instance, Event.MESSAGE_RECEIVED, name, values, message=message_id)
        try:
            turn.commit()
        except Conflict:
            return False  # sent before, at this very moment
    return True


def _keep(
    services: Services,
    name: str,
    key: str,
    values: Mapping[str, Json],
    receivers: frozenset[str] | None,
    actor: str | None,
    request_id: str,
    kept_for: dt.timedelta,
) -> Sent | None:
    """The message is kept; None if somebody has begun to wait for it meanwhile, or it was sent before."""
    with services.database.unit() as unit:
        hidden = subscriptions.hidden(unit, name, key)
        subscriptions.no_looking(unit, name, hidden)
        if _longest_waiting(unit.connection, hidden, name, receivers, actor) is not None:
            return None
        _must_be_takeable(values)
        now = services.clock.now()
        _add(unit, name, key, values, actor, request_id, at=now, kept_until=now + kept_for, case_id=None)
        try:
            unit.commit()
        except Conflict:
            return None
    return Sent(case_id=None, kept_until=now + kept_for)


def _must_be_takeable(values: Mapping[str, Json]) -> None:
    """The sender is told, not who comes to the place where it is taken. Raises ValueRefused."""
    refuse_given(values)
    for name, value in values.items():
        plain(name, value)


def _add(
    unit: Unit,
    name: str,
    key: str,
    values: Mapping[str, Json],
    actor: str | None,
    request_id: str,
    *,
    at: dt.datetime,
    kept_until: dt.datetime,
    case_id: str | None,
) -> str:
    message_id = new_id()
    unit.add(
        Message,
        id=message_id,
        request_id=request_id,
        name=name,
        key=subscriptions.hidden(unit, name, key),
        values=unit.keyring.seal_json(dict(values), subscriptions.values_purpose(message_id)),
        sent_by=actor,
        sent_at=at,
        kept_until=kept_until,
        case_id=case_id,
    )
    return message_id


def _sent_before(connection: sa.Connection, request_id: str, actor: str | None) -> Sent | None:
    """What the same command did before. Raises Conflict if it was somebody else's."""
    columns = (Message.case_id, Message.kept_until, Message.sent_by)
    row = connection.execute(sa.select(*columns).where(Message.request_id == request_id)).one_or_none()
    if row is not None:
        if row.sent_by != actor:
            raise Conflict()
        return Sent(case_id=row.case_id, kept_until=None if row.case_id else row.kept_until)
    began = sa.select(LedgerPage.case_id).where(
        LedgerPage.request_id == request_id, LedgerPage.event == Event.CASE_STARTED, LedgerPage.actor_id == actor
    )
    case_id = connection.execute(began).scalar_one_or_none()
    return Sent(case_id=case_id) if case_id else None


def _begins(services: Services, name: str) -> str | None:
    """The procedure whose active version begins with this message."""
    with services.database.reading() as connection:
        rows = connection.execute(
            sa.select(ProcedureVersion.procedure, ProcedureVersion.id).where(ProcedureVersion.active).order_by(ProcedureVersion.procedure)
        ).all()
    for row in rows:
        if any(start.event == "message" and start.reference == name for start in services.programs.get(row.id).program.starts):
            return str(row.procedure)
    return None
