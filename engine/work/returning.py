"""退回: a signer sends the work back, to an earlier step of the chain or to an earlier work item of the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import returns, rounds
from ..errors import FormInvalid, NotFound, WayClosed
from ..ledger import Event
from ..models import new_id
from ..notices.telling import returned
from ..signing import deciding, turns
from . import correcting
from .enclosing import bind, enclosed, told
from .resubmitting import sent_back, way
from .steps import Step, acted_for, by_name, said, step
from .tasks import DROP_DRAFT

if TYPE_CHECKING:
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the work can go back to, and what a return there leaves behind."""

    #: key of a step of the chain, or None
    step: str | None
    #: id of the element, this one's for a step of the chain
    element: str
    name: str
    name_en: str
    #: open work that is left
    left: Sequence[returns.Step] = ()
    #: what was done outside since, and stays done or is undone
    effects: Sequence[returns.Effect] = ()
    #: the initiator corrects the start form there, and the case begins again with it
    initiator: bool = False


def targets(services: Services, item_id: str, *, actor: str) -> list[Target]:
    """Where the actor can return the work to: what was really signed or completed before, the last first. Raises as `return_`."""
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, new_id(), verb="return")
        assert at is not None  # only a repeated request gives none
        turns.mine(at.round, actor)
        steps = [
            Target(step=at.chain.steps[place]["key"], element=at.element.id, name=at.chain.steps[place]["name"], name_en=english)
            for place in reversed(_signed(at))
            for english in [at.chain.steps[place]["name_en"]]
        ]
        before = [
            Target(step=None, element=to.element, name=to.name, name_en=to.name_en, left=found.left, effects=found.effects)
            for to, found in returns.ways_back(at.turn, at.instance)
            if to.element != at.element.id
        ]
        start = correcting.begun_with(at.turn)
        begun = Target(
            step=None,
            element=start.id,
            name=start.title,
            name_en=start.name_en or start.title,
            effects=returns.so_far(at.turn).effects,
            initiator=True,
        )
    return [*steps, *before, begun]


def return_(
    services: Services,
    item_id: str,
    *,
    actor: str,
    reason: str,
    attachments: Sequence[str] = (),
    request_id: str,
    to_step: str | None = None,
    to_element: str | None = None,
    resubmit: str = "",
) -> None:
    """退回 to a step of the chain, or to an element, that was signed or completed before; everything after it is done again.

    Who has not decided is asked no longer; what was decided stays to be read and counts no more. `resubmit`: `onward` or `back`, where the
    step leaves the actor to choose how the work comes back from a step of the chain. Raises as `approve`, and FormInvalid without a
    reason or a target, or for another choice than there is, NotFound, WayClosed.
    """
    reason = said(reason, "reason", "A return needs a reason.")
    if resubmit == "back" and to_step is None:
        raise FormInvalid({"resubmit": ["Only from a step of this approval does the work come straight back."]})
    if (to_step is None) == (to_element is None):
        raise FormInvalid({"to": ["Choose where it goes back to."]})
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id, verb="return")
        if at is None:
            return
        turned = deciding.return_(at.round, actor)
        enclosures = enclosed(at, attachments)
        facts = {**acted_for(turned, actor), **told(enclosures)}
        at.record(Event.STEP_RETURNED, opinion=reason, back_to=to_step or to_element, **facts)
        at.write(turned, {"opinion": reason})
        bind(at, enclosures, at.given(turned))
        if at.drafts:  # it was written about what comes back changed
            unit.write(DROP_DRAFT, item_id=item_id, actor=actor)
        if to_step is not None:
            _to_step(at, to_step, way(at, resubmit))
        elif to_element == correcting.begun_with(at.turn).id:
            correcting.ask(at, way(at, resubmit))
        elif to_element == at.element.id:
            raise WayClosed(element=at.element.title, reason="the case stands there already; return to one of its steps")
        else:
            returns.go_back(at.turn, to_element or "", reason=reason)
        at.turn.told = returned(at.turn.told)
        at.turn.commit()


def _signed(at: Step) -> list[int]:
    """Places of the steps before this one that somebody signed."""
    signed = {row.step_position for row in at.all_rows if row.sign_off_id and row.outcome == "approved"}
    return sorted(place for place in signed if place < at.position)


def _to_step(at: Step, key: str, way: str) -> None:
    steps = at.chain.steps
    place = next((place for place, one in enumerate(steps) if one["key"] == key), None)
    if place is None:
        raise NotFound(what="step of the approval chain", name=key)
    if place not in _signed(at):
        raise WayClosed(element=steps[place]["name"], reason="nobody has signed it before")
    if rounds.open_step(at.turn, at.item, place, again=True, told=sent_back(at, way)):
        raise WayClosed(element=steps[place]["name"], reason="its conditions are no longer met, and nobody would have to sign")
