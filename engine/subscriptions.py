"""What a case waits for from outside: rows for its message and signal waits, and messages that came before somebody asked.

A sender looks for a wait, and a wait looks for a message that was sent before. So that two who do this at the same moment do
not miss each other, both hold the same short lock, named after the message, from their look to their commit. Cases share it:
one that waits for several messages takes several locks, in whatever order its diagram has, and two of them must never wait for
each other. Who keeps a message holds its lock alone, and takes no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement, Unit
from .models import Case, Message, PastWait, Subscription
from .people import directory
from .ports import Json
from .rules import Rules, rules_of

if TYPE_CHECKING:
    from .bpmn.advance import Awaited
    from .turn import Turn

_OVER = Statement(
    sa.insert(PastWait).from_select(
        ("case_id", "instance", "opened_at", "element", "closed_at"),
        sa.select(
            Subscription.case_id,
            Subscription.instance,
            Subscription.opened_at,
            Subscription.element,
            sa.bindparam("at", type_=PastWait.__table__.c.closed_at.type),
        ).where(
            Subscription.case_id == sa.bindparam("case_id"),
            Subscription.instance == sa.bindparam("instance"),
            # a wait that was taken back and is over again within the same moment
            ~sa.exists().where(
                PastWait.case_id == Subscription.case_id,
                PastWait.instance == Subscription.instance,
                PastWait.opened_at == Subscription.opened_at,
            ),
        ),
    )
)
_CLOSE = Statement(
    sa.delete(Subscription).where(Subscription.case_id == sa.bindparam("case_id"), Subscription.instance == sa.bindparam("instance"))
)
_TAKE = Statement(
    sa.update(Message).where(Message.id == sa.bindparam("message_id")).values(case_id=sa.bindparam("taker"), kept_until=sa.bindparam("at"))
)


def open_wait(turn: Turn, awaited: Awaited) -> tuple[str, Mapping[str, Json]] | None:
    """A row for a wait that has begun; a message that was kept for it is taken at once: its id and values, or None."""
    key = hidden(turn.unit, awaited.name, awaited.key)
    turn.unit.add(
        Subscription,
        case_id=turn.case.id,
        instance=awaited.instance,
        element=awaited.element,
        kind=awaited.kind,
        name=awaited.name,
        key=key,
        opened_at=turn.now,
    )
    if awaited.kind != "message":
        return None
    no_keeping(turn.unit, awaited.name, key)
    return _kept(turn, awaited.name, key)


def close_wait(turn: Turn, instance: str) -> None:
    """The wait is over, one way or another; how long it took is kept."""
    turn.unit.write(_OVER, case_id=turn.case.id, instance=instance, at=turn.now)
    turn.unit.write(_CLOSE, case_id=turn.case.id, instance=instance)


def ask_again(turn: Turn) -> list[tuple[str, str, str, Mapping[str, Json]]]:
    """What was kept while the case could take nothing: instance, name, id and values of a message for each wait that has one."""
    waits = sa.select(Subscription.instance, Subscription.name, Subscription.key).where(
        Subscription.case_id == turn.case.id, Subscription.kind == "message"
    )
    found = []
    for wait in turn.unit.connection.execute(waits.order_by(Subscription.opened_at, Subscription.instance)).all():
        no_keeping(turn.unit, wait.name, wait.key)
        if taken := _kept(turn, wait.name, wait.key):
            found.append((wait.instance, wait.name, *taken))
    return found


def _kept(turn: Turn, name: str, key: str) -> tuple[str, Mapping[str, Json]] | None:
    """The message that was sent first among those that are kept and whose sender may send to this case; it is taken.

    One that another case is taking at this moment is passed over.
    """
    connection = turn.unit.connection
    free = sa.and_(Message.case_id.is_(None), Message.kept_until > turn.now)
    kept = sa.select(Message.id, Message.values, Message.sent_by).where(Message.name == name, Message.key == key, free)
    rules = rules_of(turn.deployed.files)
    for row in connection.execute(kept.order_by(Message.sent_at, Message.id)).all():
        if row.id in turn.taken or not (row.sent_by is None or _may_send(connection, row.sent_by, turn.case.subject_id, rules)):
            continue
        mine = sa.select(Message.id).where(Message.id == row.id, free).with_for_update(skip_locked=True)
        if connection.execute(mine).first() is not None:
            turn.taken.add(row.id)
            turn.unit.write(_TAKE, message_id=row.id, taker=turn.case.id, at=turn.now)
            return row.id, turn.unit.keyring.unseal_json(row.values, values_purpose(row.id))
    return None


def _may_send(connection: sa.Connection, sender: str, subject: str, rules: Rules) -> bool:
    """Nobody sends to a case about themselves."""
    return sender != subject and bool(directory.roles_of(connection, sender) & (rules.senders | rules.managers))


def signal_waits(unit: Unit, name: str) -> list[Any]:
    """Who waits for a signal now: rows of case_id, procedure, subject_id, element and instance."""
    columns = (Subscription.case_id, Case.procedure, Case.subject_id, Subscription.element, Subscription.instance)
    waits = sa.select(*columns).join(Case, Case.id == Subscription.case_id).order_by(Subscription.case_id, Subscription.instance)
    return list(unit.connection.execute(waits.where(Subscription.kind == "signal", Subscription.name == name)).all())


def no_keeping(unit: Unit, name: str, key: str) -> None:
    """Until the unit ends, nobody keeps such a message; others may look for it, too."""
    _lock(unit, sa.func.pg_advisory_xact_lock_shared, name, key)


def no_looking(unit: Unit, name: str, key: str) -> None:
    """Until the unit ends, nobody begins to wait for such a message, and nobody else keeps one."""
    _lock(unit, sa.func.pg_advisory_xact_lock, name, key)


def _lock(unit: Unit, how: Callable[[Any], sa.ColumnElement[Any]], name: str, key: str) -> None:
    """SQLite lets one write at a time anyway."""
    if unit.connection.dialect.name == "postgresql":
        unit.connection.execute(sa.select(how(sa.func.hashtextextended(f"{name} {key}", 0))))


def hidden(unit: Unit, name: str, key: str) -> str:
    """A correlation key as the tables keep it."""
    return unit.keyring.digest(key, f"subscriptions.key/{name}")


def values_purpose(message_id: str) -> str:
    """What a message's sealed values are bound to."""
    return f"messages.values/{message_id}"
