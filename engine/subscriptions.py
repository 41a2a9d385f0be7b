"""What a case waits for from outside: rows for its message and signal waits, and messages that came before somebody asked.

A sender looks for a wait, and a wait looks for a message that was sent before. So that two who do this at the same moment do
not miss each other, both hold the same short lock, named after the message, from their look to their commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import people
from .db import Statement, Unit
from .models import Case, Message, Subscription
from .ports import Json
from .rules import rules_of

if TYPE_CHECKING:
    from .bpmn.advance import Awaited
    from .turn import Turn

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
    only_one(turn.unit, awaited.name, key)
    return _kept(turn, awaited.name, key)


def close_wait(turn: Turn, instance: str) -> None:
    """The wait is over, one way or another."""
    turn.unit.write(_CLOSE, case_id=turn.case.id, instance=instance)


def ask_again(turn: Turn) -> list[tuple[str, str, str, Mapping[str, Json]]]:
    """What was kept while the case could take nothing: instance, name, id and values of a message for each wait that has one."""
    waits = sa.select(Subscription.instance, Subscription.name, Subscription.key).where(
        Subscription.case_id == turn.case.id, Subscription.kind == "message"
    )
    found = []
    for wait in turn.unit.connection.execute(waits.order_by(Subscription.opened_at, Subscription.instance)).all():
        only_one(turn.unit, wait.name, wait.key)
        if taken := _kept(turn, wait.name, wait.key):
            found.append((wait.instance, wait.name, *taken))
    return found


def _kept(turn: Turn, name: str, key: str) -> tuple[str, Mapping[str, Json]] | None:
    """The message that was sent first among those that are kept and whose sender may send to this case; it is taken."""
    connection = turn.unit.connection
    kept = sa.select(Message.id, Message.values, Message.sent_by).where(
        Message.name == name, Message.key == key, Message.case_id.is_(None), Message.kept_until > turn.now
    )
    rules = rules_of(turn.deployed.files)
    for row in connection.execute(kept.order_by(Message.sent_at, Message.id)).all():
        if row.sent_by is None or (
            row.sent_by != turn.case.subject_id and people.roles_of(connection, row.sent_by) & (rules.senders | rules.managers)
        ):
            turn.unit.write(_TAKE, message_id=row.id, taker=turn.case.id, at=turn.now)
            return row.id, turn.unit.keyring.unseal_json(row.values, values_purpose(row.id))
    return None


def signal_waits(unit: Unit, name: str) -> list[Any]:
    """Who waits for a signal now: rows of case_id, procedure, subject_id, element and instance."""
    columns = (Subscription.case_id, Case.procedure, Case.subject_id, Subscription.element, Subscription.instance)
    waits = sa.select(*columns).join(Case, Case.id == Subscription.case_id).order_by(Subscription.case_id, Subscription.instance)
    return list(unit.connection.execute(waits.where(Subscription.kind == "signal", Subscription.name == name)).all())


def only_one(unit: Unit, name: str, key: str) -> None:
    """Until the unit ends, nobody else looks for this message or who waits for it. SQLite lets one write at a time anyway."""
    if unit.connection.dialect.name == "postgresql":
        unit.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{name} {key}", 0))))


def hidden(unit: Unit, name: str, key: str) -> str:
    """A correlation key as the tables keep it."""
    return unit.keyring.digest(key, f"subscriptions.key/{name}")


def values_purpose(message_id: str) -> str:
    """What a message's sealed values are bound to."""
    return f"messages.values/{message_id}"
