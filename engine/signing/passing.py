"""转办, 委派, 认领, 改派: who holds a sign-off. Its place, weight and due time stay what they were."""

from __future__ import annotations

from dataclasses import replace

from ..errors import NotAllowed
from .round import Round, Signer, Turned
from .turns import admit, may_act, mine, settled, successor, taken, undecided

#: times that a sign-off is passed on by its holders
MOST_HOPS = 5


def transfer(round: Round, actor: str, to: str) -> Turned:
    """转办: the responsibility moves to another person. Raises as `turns.mine` and `turns.admit`, NotAllowed after five times."""
    signer = mine(round, actor)
    if signer.origin == "delegate":
        raise NotAllowed(reason="you were asked for an opinion, which nobody can give for you")
    if hops(round, signer) >= MOST_HOPS:
        raise NotAllowed(reason=f"this was passed on {MOST_HOPS} times already; decide it, or return it")
    return _pass_on(round, taken(signer, actor), actor, to)


def reassign(round: Round, admin: str, number: int, to: str) -> Turned:
    """改派: an administrator gives an undecided sign-off to another person, claimed or not. Raises as `transfer`."""
    may_act(round, admin)
    return _pass_on(round, undecided(round, number), admin, to)


def stand_in(round: Round, actor: str | None, number: int, to: str) -> Turned:
    """代理: an undecided sign-off goes to who stands in for its absent holder, who may still give it: the first counts.

    `actor` None: a rule does it. Raises as `reassign`.
    """
    if actor is not None:
        may_act(round, actor)
    signer = undecided(round, number)
    return _pass_on(round, signer, actor, to, absent=signer.for_person or signer.person)


def hand_over(round: Round, actor: str | None, number: int, to: str) -> Turned:
    """离职转办: an undecided sign-off goes to another person, since its holder leaves; for whom they stood in, that one does.

    `actor` None: a rule does it. Raises as `reassign`.
    """
    if actor is not None:
        may_act(round, actor)
    signer = undecided(round, number)
    return _pass_on(round, signer, actor, to, absent=signer.for_person)


def by_rule(round: Round, number: int, to: str) -> Turned:
    """A sign-off whose time is over goes to another person, as the chain says. Raises as `turns.undecided` and `turns.admit`."""
    return _pass_on(round, undecided(round, number), None, to)


def hops(round: Round, signer: Signer) -> int:
    """How often it was passed on before this one."""
    return sum(former.state == "transferred" for former in round.path(signer))


def _pass_on(round: Round, signer: Signer, actor: str | None, to: str, *, absent: str | None = None) -> Turned:
    admit(round.with_(signer), to)
    passed = replace(signer, state="transferred", acted=actor)
    new = successor(round, signer, Signer(number=signer.number, person=to, for_person=absent))
    return settled(round, round.with_(passed, new), passed)


def delegate(round: Round, actor: str, to: str) -> Turned:
    """委派: another person is asked for an opinion; then it comes back. Raises as `turns.mine` and `turns.admit`.

    NotAllowed for who was asked for an opinion themselves.
    """
    signer = mine(round, actor)
    if signer.origin == "delegate":
        raise NotAllowed(reason="you were asked for an opinion, which nobody can give for you")
    owner = taken(signer, actor)
    admit(round.with_(owner), to)
    asked = Signer(number=len(round.signers), person=to, place=signer.place, origin="delegate", by=signer.number)
    return settled(round, round.with_(owner, asked), owner)


def take_back(round: Round, actor: str) -> Turned:
    """Who asked for an opinion waits for it no longer. Raises NotAllowed where nobody is being asked."""
    may_act(round, actor)
    for signer in round.signers:
        owner = round.parent(signer)
        if signer.origin == "delegate" and signer.undecided and owner and owner.undecided and actor in (owner.person, owner.for_person):
            asked = replace(signer, state="removed", acted=actor)
            return settled(round, round.with_(asked), asked)
    raise NotAllowed(reason="you are waiting for nobody's opinion")


def claim(round: Round, actor: str) -> Turned:
    """认领: what is offered to several is held by one. Raises as `turns.mine`."""
    signer = mine(round, actor)
    return Turned(before=round, round=round.with_(taken(signer, actor)))


def release(round: Round, actor: str) -> Turned:
    """Held work is offered to all its candidates again. Raises as `turns.mine`, NotAllowed where there are no others."""
    signer = mine(round, actor)
    if not signer.candidates:
        raise NotAllowed(reason="this work is assigned to you alone and cannot be put back")
    return Turned(before=round, round=round.with_(replace(signer, person=None, for_person=None)))
