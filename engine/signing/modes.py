"""Modes of a step: what its sign-offs come to. Decided as soon as the result is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .round import Round, Signer


def verdict(round: Round) -> str | None:
    """`approved`, `rejected`, or None while it is open.

    A sign-off that was added before or after another is a full one: its rejection counts as any other does.
    """
    return MODES[round.mode](round, [signer for signer in round.signers if signer.counted])


def _every(round: Round, counted: Sequence[Signer]) -> str | None:
    """All approve; one rejection is enough."""
    states = {signer.state for signer in counted}
    return "rejected" if "rejected" in states else "approved" if states == {"approved"} else None


def _all(round: Round, counted: Sequence[Signer]) -> str | None:
    if round.reject == "after_all" and any(signer.undecided for signer in counted):
        return None
    return _every(round, counted)


def _any(round: Round, counted: Sequence[Signer]) -> str | None:
    """The first decision decides. Whom somebody added before or after themselves decides together with them."""
    if any(signer.state == "rejected" for signer in counted):
        return "rejected"
    together: dict[int, set[str]] = {}
    for signer in counted:
        together.setdefault(_place(round, signer), set()).add(signer.state)
    return "approved" if {"approved"} in together.values() else None


def _place(round: Round, signer: Signer) -> int:
    while signer.by is not None and signer.origin != "beside":
        signer = round.signers[signer.by]
    return round.first(signer.number)


def _ratio(round: Round, counted: Sequence[Signer]) -> str | None:
    """Percent of the counted weight, reached when equal. Who was added after somebody is heard before it is approved."""
    total = sum(signer.weight for signer in counted)
    approving = sum(signer.weight for signer in counted if signer.state == "approved")
    rejecting = sum(signer.weight for signer in counted if signer.state == "rejected")
    if (total - rejecting) * 100 < round.ratio * total:
        return "rejected"
    reached = approving * 100 >= round.ratio * total
    return "approved" if reached and not any(_to_be_heard(round, signer) for signer in counted) else None


def _to_be_heard(round: Round, signer: Signer) -> bool:
    parent = round.parent(signer)
    return signer.undecided and signer.origin == "after" and parent is not None and not parent.undecided


#: mode → how it is counted. In `single`, `claim` and `random` the chain asks one person; in `sequence` one after another
MODES: Mapping[str, Callable[[Round, Sequence[Signer]], str | None]] = {
    "single": _every,
    "claim": _every,
    "random": _every,
    "sequence": _every,
    "all": _all,
    "any": _any,
    "ratio": _ratio,
}
#: modes in which signers are peers, so that another one can be added beside them
PEERS = frozenset(("all", "ratio"))
