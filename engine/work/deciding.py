"""同意 and 驳回: a person's decision in a step of a chain, with what they give with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import choices
from ..chains import giving
from ..errors import FormInvalid
from ..ledger import Event
from ..signing import deciding
from .enclosing import bind, enclosed, told
from .steps import acted_for, by_name, said, step

if TYPE_CHECKING:
    from ..services import Services


def approve(
    services: Services,
    item_id: str,
    *,
    actor: str,
    opinion: str = "",
    attachments: Sequence[str] = (),
    signature: str = "",
    chosen: Sequence[str] = (),
    request_id: str,
) -> None:
    """同意. `attachments` and `signature`: ids of documents that `enclose` and `draw` stored. `chosen`: who signs next, where the
    step that opens with this approval asks for it (`engine.choices`).

    Raises as `complete`; FormInvalid, too, without what the step wants with it or with what it does not take, and for a choice that
    is missing, wrong or unasked; NotYourTurn, DecidedByRule, and the errors of `enclosing.enclosed`.
    """
    _decide(services, item_id, actor, opinion, attachments, signature, request_id, approved=True, chosen=chosen)


def reject(
    services: Services,
    item_id: str,
    *,
    actor: str,
    opinion: str,
    attachments: Sequence[str] = (),
    signature: str = "",
    request_id: str,
) -> None:
    """驳回, with a reason; the diagram says what follows. Raises as `approve`, and FormInvalid without a reason."""
    _decide(services, item_id, actor, opinion, attachments, signature, request_id, approved=False)


def _decide(
    services: Services,
    item_id: str,
    actor: str,
    opinion: str,
    attachments: Sequence[str],
    signature: str,
    request_id: str,
    *,
    approved: bool,
    chosen: Sequence[str] = (),
) -> None:
    opinion = said(opinion, "opinion", None)
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        turned = deciding.approve(at.round, actor) if approved else deciding.reject(at.round, actor)
        _must_be_whole(giving.of(at.asks), approved, opinion, attachments, signature)
        enclosures = enclosed(at, attachments, signature)
        event = Event.STEP_APPROVED if approved else Event.STEP_REJECTED
        at.record(event, opinion=opinion, **acted_for(turned, actor), **told(enclosures))
        at.write(turned, {"opinion": opinion})
        bind(at, enclosures, at.given(turned))
        at.follow(turned, opinion, choices.Given(by=actor, persons=chosen) if approved else None)
        at.turn.commit()


def _must_be_whole(asks: giving.Giving, approved: bool, opinion: str, attachments: Sequence[str], signature: str) -> None:
    """Raises FormInvalid that names everything at once: what is missing, and what would not be kept."""
    wrong = {}
    if not approved and not opinion:
        wrong["opinion"] = ["A rejection needs a reason."]
    elif approved and asks.opinion == "always" and not opinion:
        wrong["opinion"] = ["This step needs an opinion."]
    elif approved and asks.opinion == "never" and opinion:
        wrong["opinion"] = ["This step takes no opinion with an approval. Leave it out, or reject with it as the reason."]
    if approved and asks.attachments == "required" and not attachments:
        wrong["attachments"] = ["This step needs an attachment with an approval."]
    if asks.signature and not signature:
        wrong["signature"] = ["This step needs your signature."]
    elif signature and not asks.signature:
        wrong["signature"] = ["This step asks for no signature."]
    if wrong:
        raise FormInvalid(wrong)
