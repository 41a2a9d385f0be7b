"""撤回: a signer takes back what they decided or passed on, as long as nobody acted on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ActedOn
from ..ledger import Event
from ..signing import deciding, withdrawing
from ..signing.round import Round
from .steps import by_name, said, step

if TYPE_CHECKING:
    from ..services import Services


def withdraw(services: Services, item_id: str, *, actor: str, reason: str = "", request_id: str) -> None:
    """撤回 of the last thing the actor did in the step where the item stands, or in the one before if nobody has acted since.

    What was opened by it lapses. Once the item itself is done it is for the managers to return the case. Raises as `approve`, and
    ActedOn.
    """
    reason = said(reason, "reason", None)
    with services.database.unit() as unit, by_name(unit):
        now = step(services, unit, item_id, actor, request_id)
        if now is None:
            return
        at = now
        if withdrawing.last(now.round, actor) is None and (earlier := now.previous) and withdrawing.last(earlier.round, actor):
            untouched(now.all_rows, now.round, since=earlier.position)
            at = earlier
        at.must_offer("withdraw")
        turned = withdrawing.withdraw(at.round, actor)
        at.record(Event.SIGN_OFF_WITHDRAWN, reason=reason)
        if at is not now and turned.reopened:
            now.write(deciding.lapse(now.round))
        at.write(turned)
        at.follow(turned)
        at.turn.commit()


def untouched(rows: Sequence[Any], now: Round, *, since: int) -> None:
    """Raises ActedOn if somebody has done anything in a step that was opened since. `rows` of all steps; `now`: the open round."""
    for row in rows:
        if row.sign_off_id and row.step_position > since and row.decided_by and row.state != "withdrawn":
            raise ActedOn(who=row.decided_by)
    for signer in now.signers:
        if signer.by is not None:
            raise ActedOn(who=now.signers[signer.by].person or "")
