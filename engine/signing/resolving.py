"""A step whose people are found anew while it is open: who signs still, who takes whose place, who is asked no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .passing import hops
from .round import Round, Signer, Turned
from .turns import admit, may_act, settled, successor


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One person whom the step finds now."""

    person: str
    absent: str | None = None
    weight: int = 1


def find_anew(round: Round, actor: str, wanted: Sequence[Wanted]) -> Turned:
    """Undecided sign-offs of whom the step does not find go to whom it does, in order; what is too many is removed, what is missing added.

    What was decided stays and counts. Who was given a sign-off by its holder keeps it while the step finds that holder. What was
    added by signers stays with its place. Raises as `turns.admit`, NotAllowed for an actor who is barred.
    """
    may_act(round, actor)
    seats = [round.latest(one.number) for one in round.signers if one.origin == "chain" and one.former is None]
    left = list(wanted)
    free: list[Signer] = []
    for seat in seats:
        held = {one.person for one in round.path(seat)} if hops(round, seat) else {seat.person}
        found = next((one for one in left if one.person in held or one.person == seat.acted), None)
        if found:
            left.remove(found)
        elif seat.undecided:
            free.append(seat)
    after, last = round, None
    for seat in free:
        new = next((one for one in left if one.absent == seat.person), left[0] if left else None)
        if new is None:
            last = replace(after.signers[seat.number], state="removed", acted=actor)
            after = after.with_(last)
            continue
        left.remove(new)
        last = replace(after.signers[seat.number], state="transferred", acted=actor)
        after = after.with_(last)
        admit(after, new.person)
        holder = Signer(number=seat.number, person=new.person, for_person=new.absent)
        after = after.with_(successor(after, seat, holder))
    for one in left:
        admit(after, one.person)
        place = max((seat.place for seat in seats), default=0) + 1 if round.mode == "sequence" else 0
        last = Signer(number=len(after.signers), person=one.person, for_person=one.absent, weight=one.weight, place=place)
        after = after.with_(last)
    return Turned(before=round, round=round) if last is None else settled(round, after, last)
