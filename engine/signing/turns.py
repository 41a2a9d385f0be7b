"""Whose turn it is: what waits, what is open, what lapses; who may act on which sign-off now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..errors import (
    AlreadyDecided,
    DecidedByRule,
    ItemClosed,
    MayNotSign,
    NotAllowed,
    NotYourTurn,
    PartwellError,
    SignsAlready,
    TakenByOther,
)
from . import modes
from .round import COUNTED, Round, Signer, Turned

#: signers of one round, added ones and all that was passed on included
MOST = 200


def begin(round: Round) -> Turned:
    """Open a round for the people whom the chain found. Raises ValueError where it found none, one twice, or one who is barred."""
    people = [person for signer in round.signers for person in (signer.person, signer.for_person) if person]
    if not round.signers or len(set(people)) < len(people) or round.barred.keys() & people:
        raise ValueError("a round needs people, each once, and none who is barred")
    return Turned(before=replace(round, signers=()), round=whose_turn(round))


def settled(before: Round, round: Round, because: Signer) -> Turned:
    """What follows from a change of `because`: the verdict, what lapses with it, and else whose turn it is."""
    outcome = modes.verdict(round)
    return Turned(before=before, round=over(round, outcome, because.number) if outcome else whose_turn(replace(round, outcome=None)))


def over(round: Round, outcome: str, because: int | None) -> Round:
    """The round is decided; what was not given lapses."""
    lapsed = (replace(signer, state="lapsed", because=because) for signer in round.signers if signer.undecided)
    return replace(round.with_(*lapsed), outcome=outcome)


def whose_turn(round: Round) -> Round:
    """The same round, where each undecided sign-off is open if it can be given now, and else waits."""
    undecided = [signer for signer in round.signers if signer.undecided]
    return round.with_(*(replace(signer, state="waiting" if any(ahead(round, signer)) else "open") for signer in undecided))


def ahead(round: Round, signer: Signer) -> Iterator[Signer]:
    """The undecided sign-offs for which this one waits."""
    yield from (one for one in round.added(signer.number, "before", "delegate") if one.undecided)
    parent = round.parent(signer)
    if signer.origin == "after" and parent is not None and parent.undecided:
        yield parent
    if round.mode == "sequence":
        yield from (one for one in round.signers if one.undecided and one.place < signer.place)


def mine(round: Round, actor: str) -> Signer:
    """The sign-off that this person may give now.

    Raises NotAllowed, NotYourTurn, TakenByOther, AlreadyDecided, DecidedByRule or ItemClosed: whichever says why there is none.
    """
    may_act(round, actor)
    for holds in (_holds, _stands_behind, _may_take):
        found = [signer for signer in round.signers if signer.undecided and holds(signer, actor)]
        for signer in found:
            if signer.state == "open":
                absent = signer.for_person if holds is _holds else signer.in_place_of if holds is _may_take else None
                if absent:
                    may_act(round, absent)
                return signer
        if found:
            raise NotYourTurn(who=_who(next(ahead(round, found[0]))))
    raise _none(round, actor)


def taken(signer: Signer, actor: str) -> Signer:
    """What nobody has claimed yet is claimed by whatever its candidate does with it."""
    if signer.person is not None:
        return signer
    return replace(signer, person=actor, for_person=signer.in_place_of, in_place_of=None)


def may_act(round: Round, actor: str) -> None:
    """Raises NotAllowed for a person who is barred."""
    if actor in round.barred:
        raise NotAllowed(reason=round.barred[actor])


def undecided(round: Round, number: int) -> Signer:
    """One of its sign-offs, which must not be decided. Raises AlreadyDecided, DecidedByRule, ItemClosed, NotAllowed."""
    signer = round.signers[number]
    if not signer.undecided:
        raise _ended(round, signer)
    return signer


def _holds(signer: Signer, actor: str) -> bool:
    return signer.person == actor


def _stands_behind(signer: Signer, actor: str) -> bool:
    """The absent one, for whom another stands in."""
    return signer.for_person == actor


def _may_take(signer: Signer, actor: str) -> bool:
    return signer.person is None and actor in signer.candidates


def _who(signer: Signer) -> str:
    return signer.person or ""


def _none(round: Round, actor: str) -> PartwellError:
    """Why this person has nothing to give now."""
    for signer in reversed(round.signers):
        if actor in (signer.person, signer.for_person, signer.acted):
            return _ended(round, signer)
        if actor in signer.candidates:
            return TakenByOther(who=_who(signer)) if signer.undecided else _ended(round, signer)
    return NotAllowed(reason="this work is not yours")


def _ended(round: Round, signer: Signer) -> PartwellError:
    cause = signer if signer.because is None else round.signers[signer.because]
    if signer.state == "lapsed" and signer.because is None:
        return ItemClosed(reason="the procedure went on without it")
    if signer.state in ("transferred", "removed"):
        return NotAllowed(reason="this work is no longer yours")
    if cause.acted is None:
        return DecidedByRule()
    return AlreadyDecided(who=cause.acted, when=cause.decided_at)


def admit(round: Round, person: str) -> None:
    """Raises MayNotSign, SignsAlready, or NotAllowed where there are too many: this person can get no sign-off here."""
    if person in round.barred:
        raise MayNotSign(who=person, reason=round.barred[person])
    if any(person in (signer.person, signer.for_person) for signer in round.signers if signer.state in COUNTED):
        raise SignsAlready(who=person)
    if len(round.signers) >= MOST:
        raise NotAllowed(reason=f"this step has {MOST} sign-offs already, and no more can be added")


def successor(round: Round, former: Signer, holder: Signer) -> Signer:
    """A new sign-off in the place of a former one, with its weight and turn, for whoever holds or may take the other."""
    return Signer(
        number=len(round.signers),
        person=holder.person,
        candidates=holder.candidates - round.barred.keys(),
        for_person=holder.for_person,
        weight=former.weight,
        place=former.place,
        origin=former.origin,
        by=former.by,
        former=former.number,
    )
