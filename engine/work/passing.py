"""转办, 委派, 改派: somebody else holds a sign-off, or is asked for an opinion first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import NotAllowed
from ..ledger import Event
from ..signing import deciding, passing
from .enclosing import bind, enclosed, told
from .steps import acted_for, by_name, said, step
from .tasks import DROP_DRAFT

if TYPE_CHECKING:
    from ..services import Services


def transfer(services: Services, item_id: str, *, to: str, actor: str, reason: str = "", request_id: str) -> None:
    """转办: the person `to` signs instead, at the same place, in the same time. Raises as `approve`, and MayNotSign, SignsAlready."""
    reason = said(reason, "reason", None)
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id, verb="transfer", to=[to])
        if at is None:
            return
        turned = passing.transfer(at.round, actor, to)
        at.record(Event.SIGN_OFF_TRANSFERRED, to=at.named([to]), reason=reason, **acted_for(turned, actor))
        at.write(turned, {"reason": reason})
        at.turn.commit()


def reassign(services: Services, item_id: str, sign_off_id: str, *, to: str, actor: str, reason: str, request_id: str) -> None:
    """改派: a manager of the procedure gives an undecided sign-off to the person `to`, claimed or not. Raises as `transfer`.

    FormInvalid, too, without a reason.
    """
    reason = said(reason, "reason", "Say why somebody else is to sign.")
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id, to=[to])
        if at is None:
            return
        if not at.managed():
            raise NotAllowed(reason="only managers of this procedure can do it")
        number = at.number(sign_off_id)
        turned = passing.reassign(at.round, actor, number, to)
        at.record(Event.SIGN_OFF_REASSIGNED, former=at.named([at.round.signers[number].person]), to=at.named([to]), reason=reason)
        at.write(turned, {"reason": reason})
        at.tell_removed(turned)
        at.turn.commit()


def delegate(services: Services, item_id: str, *, to: str, actor: str, reason: str = "", request_id: str) -> None:
    """委派: the person `to` is asked for an opinion, and then it is the actor's turn again. Raises as `transfer`."""
    reason = said(reason, "reason", None)
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id, verb="delegate", to=[to])
        if at is None:
            return
        turned = passing.delegate(at.round, actor, to)
        at.record(Event.SIGN_OFF_DELEGATED, to=at.named([to]), reason=reason)
        at.write(turned)
        at.turn.commit()


def take_back(services: Services, item_id: str, *, actor: str, request_id: str) -> None:
    """Wait no longer for the opinion of whom it was delegated to. Raises as `approve`."""
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        turned = passing.take_back(at.round, actor)
        at.record(Event.SIGN_OFF_TAKEN_BACK, to=at.named(one.person for one in turned.changes if one.state == "removed"))
        at.write(turned)
        at.turn.commit()


def resolve(services: Services, item_id: str, *, actor: str, opinion: str, attachments: Sequence[str] = (), request_id: str) -> None:
    """Give the opinion that somebody asked for; it decides nothing. Raises as `approve`, and FormInvalid without an opinion."""
    opinion = said(opinion, "opinion", "You were asked for an opinion; write it here.")
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        turned = deciding.resolve(at.round, actor)
        enclosures = enclosed(at, attachments)
        at.record(Event.SIGN_OFF_RESOLVED, opinion=opinion, **told(enclosures))
        at.write(turned, {"opinion": opinion})
        if at.drafts:
            unit.write(DROP_DRAFT, item_id=item_id, actor=actor)
        bind(at, enclosures, at.given(turned))
        at.turn.commit()
