"""加签 and 减签: further signers before, after or beside oneself, and fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import NotAllowed
from .modes import PEERS
from .round import Round, Signer, Turned
from .turns import admit, may_act, mine, settled, taken, undecided

#: added signers may add further ones until this deep
MOST_DEEP = 2


def add(round: Round, actor: str, persons: Sequence[str], where: str, *, weight: int = 1) -> Turned:
    """加签. `where`: `before`, and oneself waits for them; `after`, and the step waits for them; `beside`, as peers.

    Raises as `turns.mine` and `turns.admit`; NotAllowed where nobody can be added like this.
    """
    signer = mine(round, actor)
    if signer.origin == "delegate":
        raise NotAllowed(reason="you were asked for an opinion; who asked you decides")
    if round.depth(signer) >= MOST_DEEP:
        raise NotAllowed(reason="who was added by an added signer adds nobody further")
    if where == "beside" and round.mode not in PEERS:
        raise NotAllowed(reason="signers are added beside others only where all of them sign or vote")
    owner = taken(signer, actor)
    after = round.with_(owner)
    for person in persons:
        admit(after, person)
        new = Signer(number=len(after.signers), person=person, weight=weight, place=signer.place, origin=where, by=signer.number)
        after = after.with_(new)
    return settled(round, after, owner)


def remove(round: Round, actor: str, number: int, *, admin: bool = False) -> Turned:
    """减签: a signer whom oneself added, by an administrator any, is asked no longer; what then is certain is decided.

    Raises NotAllowed for others' signers and the last one whom the chain asks, and as `turns.undecided`.
    """
    may_act(round, actor)
    signer = undecided(round, number)
    owner = round.parent(signer)
    if not admin and (owner is None or actor not in (owner.person, owner.for_person, owner.acted)):
        raise NotAllowed(reason="you did not add this signer")
    if signer.origin == "chain" and not any(one.counted and one.origin == "chain" for one in round.signers if one != signer):
        raise NotAllowed(reason="the last one whom the chain asks cannot be removed, but somebody else can be asked instead")
    removed = replace(signer, state="removed", acted=actor)
    asked = (one for one in round.added(number, "delegate") if one.undecided)
    with_them = (replace(one, state="removed", acted=actor, because=number) for one in asked)
    return settled(round, round.with_(removed, *with_them), removed)
