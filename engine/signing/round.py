"""A round of sign-offs as data, and what can be read off it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

#: not decided yet: its turn has not come, or it can be given now
UNDECIDED = frozenset(("waiting", "open"))
#: what the step's mode counts; everything else is history
COUNTED = UNDECIDED | {"approved", "rejected"}


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One sign-off. Once decided it stays as it is; only who decided it may withdraw it, and then `was` tells what it had been."""

    #: its place in `Round.signers`
    number: int
    #: who holds it; None while it is offered to `candidates`
    person: str | None
    #: `waiting` or `open`; `approved`, `rejected`, `returned`, `transferred`, `resolved` (a delegate's opinion, which decides
    #: nothing), `withdrawn`, `removed`, or `lapsed` (something else was decided, no opinion of this person)
    state: str = "waiting"
    candidates: frozenset[str] = frozenset()
    #: who is absent, where `person` stands in for somebody; both may act, the first counts
    for_person: str | None = None
    #: whom the candidate who acts would stand in for, while nobody holds it
    in_place_of: str | None = None
    weight: int = 1
    #: its turn, in a sequence
    place: int = 0
    #: `chain`; added `before`, `after` or `beside` the sign-off `by`; or `delegate`, asked by it for an opinion
    origin: str = "chain"
    by: int | None = None
    #: the sign-off whose place it takes, which was transferred, withdrawn or had lapsed
    former: int | None = None
    #: the sign-off whose end ended this one, too
    because: int | None = None
    #: who really acted; None where a rule decided
    acted: str | None = None
    #: what a withdrawn one had been
    was: str | None = None
    #: when it was decided, for messages
    decided_at: str = ""

    @property
    def undecided(self) -> bool:
        return self.state in UNDECIDED

    @property
    def counted(self) -> bool:
        return self.state in COUNTED and self.origin != "delegate"


@dataclass(frozen=True, kw_only=True)
class Round:
    """One pass through a step: its sign-offs, in the order in which they came to be, and how they are counted."""

    #: one of `modes.MODES`
    mode: str
    signers: tuple[Signer, ...]
    #: of mode `ratio`: percent of the counted weight that has to approve, 1 to 100
    ratio: int = 100
    #: of mode `all`: `at_once`, or `after_all` have given their opinion
    reject: str = "at_once"
    #: only a person may decide it
    decisive: bool = False
    #: `approved`, `rejected`, `returned` or `left`; None while it goes on
    outcome: str | None = None
    #: who may not sign here → the reason, such as the person whom the case is about
    barred: Mapping[str, str] = field(default_factory=dict)

    def first(self, number: int) -> int:
        """The sign-off whose place this one took in the end."""
        while (former := self.signers[number].former) is not None:
            number = former
        return number

    def latest(self, number: int) -> Signer:
        """Who has the place of a sign-off now."""
        first = self.first(number)
        return next(signer for signer in reversed(self.signers) if self.first(signer.number) == first)

    def parent(self, signer: Signer) -> Signer | None:
        """Who has the place now around which this one was added."""
        return None if signer.by is None else self.latest(signer.by)

    def added(self, number: int, *origins: str) -> Iterator[Signer]:
        """What was added around the place of a sign-off, and around these again: the first by `origins`, theirs all but peers."""
        first = self.first(number)
        for signer in self.signers:
            if signer.origin in origins and signer.by is not None and self.first(signer.by) == first:
                yield signer
                if signer.former is None:
                    yield from self.added(signer.number, "before", "after", "delegate")

    def depth(self, signer: Signer) -> int:
        """0 for whom the chain asks, 1 for whom they added, 2 for whom those added."""
        return 0 if signer.by is None else 1 + self.depth(self.signers[signer.by])

    def path(self, signer: Signer) -> list[Signer]:
        """The sign-offs whose place this one took, the first one first, and itself: shows a transfer that came back."""
        former = [] if signer.former is None else self.path(self.signers[signer.former])
        return [*former, signer]

    def with_(self, *signers: Signer) -> Round:
        """The same round with these in place of their numbers, or at its end."""
        changed = list(self.signers)
        for signer in signers:
            changed[signer.number : signer.number + 1] = [signer]
        return replace(self, signers=tuple(changed))


@dataclass(frozen=True, kw_only=True)
class Turned:
    """What an act made of a round."""

    before: Round
    round: Round

    @property
    def changes(self) -> list[Signer]:
        """Sign-offs that are new or differ, as they are now."""
        former = self.before.signers
        return [signer for signer in self.round.signers if signer.number >= len(former) or former[signer.number] != signer]

    @property
    def verdict(self) -> str | None:
        """`approved`, `rejected`, `returned` or `left`, if this act brought it."""
        return None if self.round.outcome == self.before.outcome else self.round.outcome

    @property
    def reopened(self) -> bool:
        """A round that was over goes on."""
        return self.before.outcome is not None and self.round.outcome is None
