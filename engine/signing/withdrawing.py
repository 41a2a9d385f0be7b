"""撤回: somebody takes back what they decided or passed on, as long as nobody acted on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..errors import ActedOn, ItemClosed, NotAllowed
from . import modes
from .round import Round, Signer, Turned
from .turns import admit, may_act, settled, successor

#: what can be taken back, and what of it once the round is decided
_ACTS = frozenset(("approved", "rejected", "returned", "transferred", "resolved"))
_DECISIONS = frozenset(("approved", "rejected", "returned"))


def withdraw(round: Round, actor: str) -> Turned:
    """The last thing this person did in the round is taken back, and it is their turn again.

    It stays to be read as withdrawn. Whoever was asked no longer because the round was decided is asked again; whom they
    added after themselves and who has not decided lapses. A round for which the others' decisions are enough stays decided.
    What happened outside the round since is the caller's to ask.

    Raises ActedOn with whoever acted on it, NotAllowed where there is nothing, ItemClosed, and as
    `turns.admit`.
    """
    may_act(round, actor)
    if round.outcome == "left":
        raise ItemClosed(reason="the procedure went on without it")
    done = last(round, actor)
    if done is None:
        raise NotAllowed(reason="you did nothing here that could be taken back")
    if follower := next(_acted_on(round, done), None):
        raise ActedOn(who=follower.acted or follower.person or "")
    withdrawn = replace(done, state="withdrawn", was=done.state)
    after = round.with_(withdrawn)
    for person in filter(None, (done.person, done.for_person)):
        admit(after, person)
    if done.state == "transferred":
        return settled(round, _called_back(after, done), withdrawn)
    added = {one.number for one in round.added(done.number, "after")}
    after = after.with_(*(replace(round.signers[n], state="lapsed", because=done.number) for n in added if round.signers[n].undecided))
    after = after.with_(successor(after, done, done))
    for signer in round.signers:
        if signer.number not in added and _no_longer_asked(round, signer):
            after = after.with_(successor(after, signer, signer))
    if round.outcome and modes.verdict(after) == round.outcome:
        return Turned(before=round, round=round.with_(withdrawn))
    return settled(round, after, withdrawn)


def last(round: Round, actor: str) -> Signer | None:
    """What this person did last that could be taken back, themselves or through who stood in for them."""
    acts = _ACTS if round.outcome is None else _DECISIONS if round.outcome != "returned" else {"returned"}
    for signer in reversed(round.signers):
        passed = signer.state == "transferred"
        if signer.state in acts and signer.acted and actor in ((signer.acted,) if passed else (signer.acted, signer.for_person)):
            return signer
    return None


def _called_back(after: Round, done: Signer) -> Round:
    """A transfer undone: the receiver's sign-off lapses, and its place is again whose it was."""
    receiver = after.latest(done.number)
    return after.with_(replace(receiver, state="lapsed", because=done.number), successor(after, receiver, done))


def _no_longer_asked(round: Round, signer: Signer) -> bool:
    """Whether it lapsed because the round was decided, and can be given again. Delegations are over."""
    if signer.state != "lapsed" or signer.because is None or signer.origin == "delegate":
        return False
    if signer.person in round.barred or signer.for_person in round.barred or round.latest(signer.number) != signer:
        return False
    return round.signers[signer.because].state in _DECISIONS | {"removed"}


def _acted_on(round: Round, done: Signer) -> Iterator[Signer]:
    """Who acted after it, knowing of it. Peers, who act beside each other, do not count."""
    if done.state == "transferred":
        receiver = next(one for one in round.signers if one.former == done.number)
        if not receiver.undecided or any(one.by == receiver.number for one in round.signers):
            yield receiver
        return
    yield from (one for one in round.added(done.number, "after") if _decided(one))
    signer: Signer | None = done
    while signer is not None:
        parent = round.parent(signer)
        if parent is not None and signer.origin in ("before", "delegate") and _decided(parent):
            yield parent
        signer = parent if signer.origin != "beside" else None
    if round.mode == "sequence":
        yield from (one for one in round.signers if one.place > done.place and _decided(one))


def _decided(signer: Signer) -> bool:
    return signer.state in ("approved", "rejected", "returned", "resolved")
