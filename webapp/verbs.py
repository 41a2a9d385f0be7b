"""What a signer does besides deciding, each on a page of its own: what will happen, whom it concerns, why, and doing it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine import inbox, work
from engine.chainview import StepView
from engine.errors import FormInvalid, MayNotBeTold, MayNotSign, NotFound, PartwellError, SignsAlready, WayClosed
from engine.people import directory

from . import enclosures
from .accounts import logged_in, me, services
from .entries import filled_in
from .i18n import N_, error_text, gettext, named
from .items import done, request_id
from .text import called

verbs = Blueprint("verbs", __name__, url_prefix="/items/<item_id>")


@dataclass(frozen=True, kw_only=True)
class Verb:
    """How the page of a verb looks and what it asks for."""

    icon: str
    name: str
    #: what will happen
    lead: str
    #: what is said once it has
    said: str
    #: `one` or `many`: other people are chosen
    people: str = ""
    #: `needed`, `optional`, or "" where none is asked for
    reason: str = "optional"
    #: what the reason is called
    words: str = N_("Reason")
    #: the actor may have more to do with this very item
    stays: bool = False


#: as `ItemPage.may` and `StepView.may` call them, in the order of the menu
VERBS: Mapping[str, Verb] = {
    "transfer": Verb(
        icon="chevron-right",
        name=N_("Pass on"),
        lead=N_("The person you choose signs instead of you, at the same place and until the same time. You may still read along."),
        said=N_("Passed on; the other person has it now."),
        people="one",
    ),
    "delegate": Verb(
        icon="user",
        name=N_("Ask for an opinion"),
        lead=N_("The person you choose writes an opinion, then it comes back and you decide. The time limit runs on."),
        said=N_("Asked. It comes back to you with the opinion."),
        people="one",
        stays=True,
    ),
    "add": Verb(
        icon="plus",
        name=N_("Add signers"),
        lead=N_("The people you choose sign, too, each as fully as you do. The approval chain itself stays as it is."),
        said=N_("Signers added."),
        people="many",
        reason="needed",
        stays=True,
    ),
    "return": Verb(
        icon="arrow-back-up",
        name=N_("Return"),
        lead=N_(
            "The work goes back and is done again from there. Signers who have not decided are asked no longer,"
            " and what was decided stays to be read but counts no more."
        ),
        said=N_("Returned, with your reason."),
        reason="needed",
    ),
    "take_back": Verb(
        icon="arrow-back-up",
        name=N_("Take the question back"),
        lead=N_("The opinion you asked for is waited for no longer, and it is your turn again."),
        said=N_("Taken back; it is your turn again."),
        reason="",
        stays=True,
    ),
    "withdraw": Verb(
        icon="arrow-back-up",
        name=N_("Take back what I did"),
        lead=N_("What you did last here is taken back and stays to be read as such; what it had opened closes, and it is your turn again."),
        said=N_("Taken back; it is your turn again."),
        stays=True,
    ),
    "urge": Verb(
        icon="clock",
        name=N_("Urge"),
        lead=N_("Whoever this waits for is reminded at once, with your words. The time limit stays what it is."),
        said=N_("Urged; whoever this waits for is told."),
        stays=True,
    ),
    "copy": Verb(
        icon="eye",
        name=N_("Send a copy"),
        lead=N_("The people you choose may read this case as you see it, and the opinions of this step. Nothing waits for them."),
        said=N_("Sent; you see here who has read it."),
        people="many",
        words=N_("A few words with it"),
        stays=True,
    ),
    "remove": Verb(
        icon="x",
        name=N_("Remove signer"),
        lead=N_("%(who)s is asked no longer and stays to be read as removed. If the result is certain without them, the step is decided."),
        said=N_("Removed."),
        reason="needed",
        stays=True,
    ),
    "reassign": Verb(
        icon="users",
        name=N_("Give to somebody else"),
        lead=N_("The person you choose signs instead of %(who)s, at the same place and until the same time."),
        said=N_("Given to somebody else, with your reason."),
        people="one",
        reason="needed",
        stays=True,
    ),
}
#: where signers are added, and what that means
WHERE = {
    "before": N_("Before me: I decide once they have"),
    "after": N_("After me: the step waits for them once I have decided"),
    "beside": N_("Beside me: they sign at the same time"),
}
#: how the work comes back from a step of the approval to which it was returned
RESUBMIT = {
    "onward": N_("Through all steps again"),
    "back": N_("Straight back to me: what was signed in between is kept, unless something they signed changes"),
}
#: where a sign-off comes from that the chain did not ask for
_ORIGIN = {
    "before": N_("Added by %(who)s, to sign before them"),
    "after": N_("Added by %(who)s, to sign after them"),
    "beside": N_("Added by %(who)s, to sign beside them"),
    "delegate": N_("Asked for an opinion by %(who)s"),
}
#: what becomes of a step that is still to come, as of now
_EXPECTED = {
    "signs": N_("Expected"),
    "conditional": N_("Expected under a condition"),
    "unknown": N_("Signers not known yet"),
    "unreached": N_("Expected not to apply"),
    "skipped": N_("Expected to be skipped"),
    "rejected": N_("Expected to be rejected by rule"),
    "incident": N_("Expected to need a manager of the procedure"),
}
_OWN = "any(transfer,delegate,add,return,take_back,withdraw,urge,copy)"
#: people a page shows, and that can be chosen
_MOST = 20


@verbs.app_context_processor
def _menu() -> dict[str, Any]:
    return {"VERBS": VERBS}


@verbs.app_template_global()
def chain_rounds(steps: Sequence[StepView]) -> list[list[StepView]]:
    """The sign-offs of a chain, those of one pass through a step together."""
    return [list(signers) for _, signers in itertools.groupby(steps, lambda one: (one.step, one.round, one.expected))]


verbs.add_app_template_global(filled_in)


@verbs.app_template_filter("expected")
def expected(key: str) -> str:
    return called(_EXPECTED, key)


@verbs.app_template_filter("origin")
def origin(key: str, who: str | None) -> str:
    return gettext(_ORIGIN[key], who=who or "")


@verbs.get(f"/<{_OWN}:verb>")
@verbs.get("/sign-offs/<sign_off_id>/<any(remove,reassign):verb>")
@logged_in
def ask(item_id: str, verb: str, sign_off_id: str = "") -> Any:
    page = inbox.item_page(services(), item_id, reader=me().id)
    if verb not in _may(page, sign_off_id):
        flash(gettext("This cannot be done here any more; the page shows how it stands now."), "info")
        return redirect(url_for("items.show", item_id=item_id))
    return _show(page, verb, sign_off_id)


@verbs.post(f"/<{_OWN}:verb>")
@verbs.post("/sign-offs/<sign_off_id>/<any(remove,reassign):verb>")
@logged_in
def do(item_id: str, verb: str, sign_off_id: str = "") -> Any:
    """Carry it out; with `do=find` only look for people. What was chosen and written stays on the page."""
    if request.form.get("do") == "find":
        return ask(item_id, verb, sign_off_id)
    try:
        _act(item_id, verb, sign_off_id)
    except (FormInvalid, MayNotBeTold, MayNotSign, SignsAlready, WayClosed) as refused:
        page = inbox.item_page(services(), item_id, reader=me().id)
        if verb not in _may(page, sign_off_id):
            raise
        return _show(page, verb, sign_off_id, faults_of(refused)), 422
    asked = VERBS[verb]
    if not asked.stays:
        return done(item_id, gettext(asked.said))
    flash(gettext(asked.said), "success")
    return redirect(url_for("items.show", item_id=item_id))


def _act(item_id: str, verb: str, sign_off_id: str) -> None:
    reason, persons = request.form.get("reason", ""), request.form.getlist("person")
    if VERBS[verb].people and not persons:
        raise FormInvalid({"persons": ["Choose at least one person."]})
    who = {"actor": me().id, "request_id": request_id()}
    match verb:
        case "transfer":
            work.transfer(services(), item_id, to=persons[0], reason=reason, **who)
        case "delegate":
            work.delegate(services(), item_id, to=persons[0], reason=reason, **who)
        case "add":
            work.add(services(), item_id, persons=persons, where=request.form.get("where", ""), reason=reason, **who)
        case "return":
            kind, _, key = request.form.get("to", "").partition(":")
            to = {"step": {"to_step": key}, "element": {"to_element": key}}.get(kind, {})
            given = enclosures.received(item_id)
            given.must_be_whole()
            work.return_(services(), item_id, reason=reason, attachments=given.attachments, resubmit=_resubmit(kind), **to, **who)
        case "take_back":
            work.take_back(services(), item_id, **who)
        case "withdraw":
            work.withdraw(services(), item_id, reason=reason, **who)
        case "urge":
            work.urge(services(), item_id, reason=reason, **who)
        case "copy":
            work.copy(services(), item_id, persons=persons, reason=reason, **who)
        case "remove":
            work.remove(services(), item_id, sign_off_id, reason=reason, **who)
        case "reassign":
            work.reassign(services(), item_id, sign_off_id, to=persons[0], reason=reason, **who)


def _resubmit(kind: str) -> str:
    """How the work comes back: chosen for a step of the approval, of no account for an earlier work item."""
    return request.form.get("resubmit", "") if kind == "step" else ""


def faults_of(refused: PartwellError) -> dict[str, str]:
    """Messages by field; what concerns no field stands with the people."""
    if isinstance(refused, FormInvalid):
        return {name: " ".join(gettext(message) for message in messages) for name, messages in refused.fields.items()}
    return {"to" if isinstance(refused, WayClosed) else "persons": error_text(refused)}


def _may(page: inbox.ItemPage, sign_off_id: str) -> frozenset[str]:
    if not sign_off_id:
        return page.may
    return next((step.may for step in page.steps if step.sign_off == sign_off_id), frozenset())


def _show(page: inbox.ItemPage, verb: str, sign_off_id: str, faults: Mapping[str, str] = {}) -> str:
    asked = VERBS[verb]
    concerned = next((step for step in page.steps if sign_off_id and step.sign_off == sign_off_id), None)
    if sign_off_id and concerned is None:
        raise NotFound(what="sign-off in this step", name=sign_off_id)
    chosen, found = people_found(page.subject["id"], *([me().id] if verb != "reassign" else [])) if asked.people else ([], [])
    return render_template(
        "verb.html",
        number=page.number,
        behind=named(page),
        back=url_for("items.show", item_id=page.id),
        verb=asked,
        key=verb,
        item=page,
        address=url_for("verbs.do", item_id=page.id, verb=verb, **({"sign_off_id": sign_off_id} if sign_off_id else {})),
        who="、".join(concerned.people) if concerned else "",
        targets=work.targets(services(), page.id, actor=me().id) if verb == "return" else [],
        resubmit={key: text for key, text in RESUBMIT.items() if key in page.resubmit} if verb == "return" else {},
        where={key: text for key, text in WHERE.items() if key in page.where} if verb == "add" else {},
        chosen=chosen,
        found=found,
        typed=request.form,
        faults=faults,
    )


def people_found(*but: str) -> tuple[Sequence[Mapping[str, Any]], Sequence[Any]]:
    """Who is chosen already, and who is found for the words but for some: never the person whom the case is about."""
    today = directory.day(services().clock.now())
    chosen = list(dict.fromkeys(request.form.getlist("person")))[:_MOST]
    with services().database.reading() as connection:
        found = directory.search(connection, request.form.get("find", "")[:100], today, but=sorted({*but, *chosen}), limit=_MOST)
        return [directory.display(connection, person, today) for person in chosen], found
