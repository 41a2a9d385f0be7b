"""加签 and 减签: further signers in a step, and fewer; the chain itself is not changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import FormInvalid
from ..ledger import Event
from ..signing import adding
from .steps import by_name, said, step

if TYPE_CHECKING:
    from ..services import Services

WHERE = ("before", "after", "beside")


def add(services: Services, item_id: str, *, persons: Sequence[str], where: str, actor: str, reason: str, request_id: str) -> None:
    """加签 of these persons `before`, `after` or `beside` the actor. Raises as `transfer`, and FormInvalid without persons or reason."""
    reason = said(reason, "reason", "Say why further people are to sign.")
    if where not in WHERE:
        raise FormInvalid({"where": ["Choose before, after or beside."]})
    if not persons:
        raise FormInvalid({"persons": ["Choose at least one person."]})
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id, verb="add", to=persons)
        if at is None:
            return
        turned = adding.add(at.round, actor, persons, where)
        at.record(Event.SIGN_OFF_ADDED, to=at.named(persons), where=where, reason=reason)
        at.write(turned)
        at.turn.commit()


def remove(services: Services, item_id: str, sign_off_id: str, *, actor: str, reason: str, request_id: str) -> None:
    """减签: whom the actor added, by a manager of the procedure anybody, is asked no longer; this may decide the step.

    Raises as `approve`, and FormInvalid without a reason.
    """
    reason = said(reason, "reason", "Say why this person need not sign.")
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        number = at.number(sign_off_id)
        admin = at.managed()
        if not admin:
            at.must_offer("remove")
        turned = adding.remove(at.round, actor, number, admin=admin)
        at.record(Event.SIGN_OFF_REMOVED, to=at.named([at.round.signers[number].person]), reason=reason)
        at.write(turned, {"reason": reason})
        at.tell_removed(turned)
        at.follow(turned)
        at.turn.commit()
