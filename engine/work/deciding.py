"""同意 and 驳回: a person's decision in a step of a chain, with what they fill in and give with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .. import choices, situations
from ..chains import giving
from ..errors import FormInvalid, NotAllowed
from ..ledger import Event
from ..marks import marks
from ..ports import Json
from ..signing import deciding
from . import filling
from .enclosing import bind, enclosed, told
from .steps import Step, acted_for, by_name, said, step
from .tasks import DROP_DRAFT

if TYPE_CHECKING:
    from ..services import Services


def approve(
    services: Services,
    item_id: str,
    *,
    actor: str,
    opinion: str = "",
    values: Mapping[str, Json] | None = None,
    attachments: Sequence[str] = (),
    signature: str = "",
    chosen: Sequence[str] = (),
    request_id: str,
    together: bool = False,
    locale: str = "zh-CN",
) -> None:
    """同意, with the values of the fields that the step opens; they become variables as those of `complete` do, and the last ones count.

    `attachments` and `signature`: ids of documents that `enclose` and `draw` stored. `chosen`: who signs next, where the step that opens
    with this approval asks for it (`engine.choices`). `together`: with others, from a list, where the step allows it.

    Raises as `complete`; FormInvalid, too, without what the step wants with it or with what it does not take, and for a choice that is
    missing, wrong or unasked; NotYourTurn, DecidedByRule, and the errors of `enclosing.enclosed`.
    """
    given = (opinion, values or {}, locale, attachments, signature)
    _decide(services, item_id, actor, request_id, *given, approved=True, chosen=chosen, together=together)


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
    _decide(services, item_id, actor, request_id, opinion, {}, "", attachments, signature, approved=False)


def _decide(
    services: Services,
    item_id: str,
    actor: str,
    request_id: str,
    opinion: str,
    values: Mapping[str, Json],
    locale: str,
    attachments: Sequence[str],
    signature: str,
    *,
    approved: bool,
    chosen: Sequence[str] = (),
    together: bool = False,
) -> None:
    opinion = said(opinion, "opinion", None)
    with services.database.unit() as unit, by_name(unit):
        at = step(services, unit, item_id, actor, request_id)
        if at is None:
            return
        turned = deciding.approve(at.round, actor) if approved else deciding.reject(at.round, actor)
        if together and not giving.of(at.asks).batch:
            raise NotAllowed(reason="this step is approved one by one")
        wrong = _amiss(giving.of(at.asks), approved, opinion, attachments, signature)
        clean = _filled(at, values, locale, wrong) if approved else {}
        if wrong:
            raise FormInvalid(wrong)
        enclosures = enclosed(at, attachments, signature)
        at.write(turned, {"opinion": opinion, **({"values": clean} if clean else {}), **(_shown(at, clean) if approved else {})})
        event = Event.STEP_APPROVED if approved else Event.STEP_REJECTED
        at.record(event, filled=clean, opinion=opinion, **acted_for(turned, actor), **told(enclosures))
        bind(at, enclosures, at.given(turned))
        if at.drafts:
            unit.write(DROP_DRAFT, item_id=item_id, actor=actor)
        if at.stands():
            at.follow(turned, opinion, choices.Given(by=actor, persons=chosen) if approved else None)
        at.turn.commit()


def _filled(at: Step, values: Mapping[str, Json], locale: str, wrong: dict[str, list[str]]) -> dict[str, Json]:
    """The clean values of what the step opens; what is wrong with them goes to `wrong`. Raises as `filling.checked`."""
    access = at.access()
    if not values and not filling.can_fill_in(access):
        return {}
    try:
        return filling.checked(at.turn, at.element, at.instance, access, values, locale)
    except FormInvalid as invalid:
        wrong |= invalid.fields
        return {}


def _shown(at: Step, filled: Mapping[str, Json]) -> dict[str, Json]:
    """Marks of what the form holds under this signature, by which a later step sees whether its signer must look again."""
    form = at.turn.services.programs.form(at.turn.deployed, at.element)
    if form is None or at.position + 1 == len(at.chain.steps):
        return {}
    values = {**at.turn.execution.seen(at.instance), **filled}
    names = situations.form_variables(at.element, form)
    return {"seen": marks(at.turn.unit.keyring, at.turn.case.id, {name: values[name] for name in sorted(names) if name in values})}


def _amiss(asks: giving.Giving, approved: bool, opinion: str, attachments: Sequence[str], signature: str) -> dict[str, list[str]]:
    """What is missing beside the form, and what would not be kept, by field."""
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
    return wrong
