"""What a round of sign-offs comes to, counted from nothing but its rows: the model to which the engine's reckoning is held."""

from __future__ import annotations

from engine.signing.round import Round, Signer


def recount(round: Round) -> str | None:
    """What the rows of a round come to, counted by hand; None where more has to be said."""
    rows = [s for s in round.signers if s.origin != "delegate" and s.state in ("open", "waiting", "approved", "rejected")]
    no = sum(s.weight for s in rows if s.state == "rejected")
    yes = sum(s.weight for s in rows if s.state == "approved")
    left = [s for s in rows if s.state in ("open", "waiting")]
    total = sum(s.weight for s in rows)
    if round.mode == "ratio":
        if 100 * (yes + sum(s.weight for s in left)) < round.ratio * total:
            return "rejected"
        if 100 * yes >= round.ratio * total:
            owed = [s for s in left if s.origin == "after" and not any(same_place(round, s.by, o.number) for o in left)]
            return None if owed else "approved"
        return None
    if no and not (round.mode == "all" and round.reject == "after_all" and left):
        return "rejected"
    if round.mode == "any":
        groups: dict[int, list[str]] = {}
        for s in rows:
            groups.setdefault(_group(round, s), []).append(s.state)
        return "approved" if any(all(state == "approved" for state in group) for group in groups.values()) else None
    return None if left else "approved"


def first_of(round: Round, number: int) -> int:
    """The first sign-off of the place that this one has."""
    while round.signers[number].former is not None:
        number = round.signers[number].former or 0
    return number


def same_place(round: Round, one: int | None, other: int) -> bool:
    """Whether two sign-offs had the same place, one after the other."""
    return one is not None and first_of(round, one) == first_of(round, other)


def _group(round: Round, signer: Signer) -> int:
    """The place around which a sign-off was added, before or after; its own where it was not."""
    number = signer.number
    while round.signers[number].by is not None and round.signers[number].origin != "beside":
        number = round.signers[number].by or 0
    return first_of(round, number)
