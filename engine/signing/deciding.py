"""同意, 驳回, 退回, a delegate's opinion, a rule that decides when the time is over, and a step that is left."""

from __future__ import annotations

from dataclasses import replace

from ..errors import NotAllowed
from .round import Round, Signer, Turned
from .turns import ahead, mine, over, settled, taken, undecided


def approve(round: Round, actor: str) -> Turned:
    """Raises as `turns.mine`."""
    return _decide(round, _own(round, actor), "approved", actor)


def reject(round: Round, actor: str) -> Turned:
    """Raises as `turns.mine`."""
    return _decide(round, _own(round, actor), "rejected", actor)


def return_(round: Round, actor: str) -> Turned:
    """The case goes back: nothing of this round counts any more, and who has not decided is asked no more. Raises as `turns.mine`."""
    signer = _by(_own(round, actor), "returned", actor)
    return Turned(before=round, round=over(round.with_(signer), "returned", signer.number))


def resolve(round: Round, actor: str) -> Turned:
    """A delegate gives their opinion, and it is again the turn of who asked. Raises as `turns.mine`."""
    signer = mine(round, actor)
    if signer.origin != "delegate":
        raise NotAllowed(reason="nobody asked you for an opinion only; you decide here")
    return _decide(round, signer, "resolved", actor)


def by_rule(round: Round, number: int, state: str) -> Turned:
    """The chain's rule gives a sign-off, `approved` or `rejected`, whose time is over; never in its holder's name.

    Raises NotAllowed where a person must decide, and as `turns.undecided`.
    """
    signer = undecided(round, number)
    if round.decisive:
        raise NotAllowed(reason="a person must decide this step, whatever time has passed")
    asked = [one for one in ahead(round, signer) if one.origin == "delegate"]
    if signer.origin == "delegate" or len(asked) < len(list(ahead(round, signer))):
        raise NotAllowed(reason="a rule decides only whose turn it is")
    no_longer_asked = (replace(one, state="lapsed", because=number) for one in asked)
    decided = _by(signer, state, None)
    return settled(round, round.with_(decided, *no_longer_asked), decided)


def lapse(round: Round) -> Turned:
    """The procedure goes on without this step. What was given stays to be read."""
    return Turned(before=round, round=over(round, "left", None) if round.outcome is None else round)


def _own(round: Round, actor: str) -> Signer:
    signer = mine(round, actor)
    if signer.origin == "delegate":
        raise NotAllowed(reason="you were asked for an opinion; who asked you decides")
    return signer


def _decide(round: Round, signer: Signer, state: str, actor: str | None) -> Turned:
    decided = _by(signer, state, actor)
    return settled(round, round.with_(decided), decided)


def _by(signer: Signer, state: str, actor: str | None) -> Signer:
    return replace(signer if actor is None else taken(signer, actor), state=state, acted=actor)
