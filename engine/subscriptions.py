"""What a case waits for from outside: rows for its message and signal waits, and messages that came before somebody asked.

A sender looks for a wait, and a wait looks for a message that was sent before. So that two who do this at the same moment do
not miss each other, both hold the same short lock, named after the message, from their look to their commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .db import Statement, Unit
from .models import Message, Subscription
from .ports import Json

if TYPE_CHECKING:
    from .bpmn.advance import Awaited
    from .turn import Turn

_CLOSE = Statement(
    sa.delete(Subscription).where(Subscription.case_id == sa.bindparam("case_id"), Subscription.instance == sa.bindparam("instance"))
)
_CLOSE_ALL = Statement(sa.delete(Subscription).where(Subscription.case_id == sa.bindparam("case_id")))
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
    kept = oldest_kept(turn.unit, awaited.name, key, turn.now)
    if kept is None:
        return None
    turn.unit.write(_TAKE, message_id=kept.id, taker=turn.case.id, at=turn.now)
    return kept.id, turn.unit.keyring.unseal_json(kept.values, values_purpose(kept.id))


def close_wait(turn: Turn, instance: str) -> None:
    """The wait is over, one way or another."""
    turn.unit.write(_CLOSE, case_id=turn.case.id, instance=instance)


def close_waits(turn: Turn) -> None:
    """The case is over."""
    turn.unit.write(_CLOSE_ALL, case_id=turn.case.id)


def oldest_kept(unit: Unit, name: str, key: str, now: Any) -> Any:
    """The message (id, values) that was sent first among those kept for `name` and hidden `key`, or None."""
    kept = sa.select(Message.id, Message.values).where(
        Message.name == name, Message.key == key, Message.case_id.is_(None), Message.kept_until > now
    )
    return unit.connection.execute(kept.order_by(Message.sent_at, Message.id).limit(1)).first()


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
