"""Whatever people do in whatever order, no sign-off is lost, doubled or falsified.

The model is a naive one: a list of what was decided, which must stay, and a recount of the round from nothing but its rows.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from recount import recount, same_place

from engine.errors import PartwellError
from engine.signing.adding import add, remove
from engine.signing.deciding import approve, by_rule, lapse, reject, resolve, return_
from engine.signing.modes import MODES
from engine.signing.passing import MOST_HOPS, claim, delegate, reassign, release, take_back, transfer
from engine.signing.round import Round, Signer, Turned
from engine.signing.turns import begin
from engine.signing.withdrawing import withdraw

PEOPLE = [*"abcdefgh", "subject"]
FINAL = {"approved", "rejected", "returned", "transferred", "resolved", "withdrawn", "removed", "lapsed"}
GIVEN = {"approved", "rejected", "returned", "resolved"}
ONE = ("single", "claim", "random")


class Signing(RuleBasedStateMachine):
    """People act at random on one round."""

    @initialize(
        mode=st.sampled_from(sorted(MODES)),
        count=st.integers(1, 4),
        weights=st.lists(st.integers(1, 3), min_size=4, max_size=4),
        absent=st.booleans(),
        more=st.fixed_dictionaries(
            {"ratio": st.sampled_from([1, 50, 60, 67, 100]), "reject": st.sampled_from(["at_once", "after_all"]), "decisive": st.booleans()}
        ),
    )
    def open(self, mode: str, count: int, weights: list[int], absent: bool, more: dict[str, Any]) -> None:
        people = PEOPLE[: 1 if mode in ONE else count]
        signers: list[Signer] = [
            Signer(number=n, person=p, weight=weights[n], place=n, for_person="h" if absent and n == 0 else None)
            for n, p in enumerate(people)
        ]
        if mode == "claim":
            signers = [Signer(number=0, person=None, candidates=frozenset("abc"))]
        self.round = begin(Round(mode=mode, signers=tuple(signers), barred={"subject": "of them"}, **more)).round
        #: number → what was decided, as it was then
        self.decided: dict[int, Signer] = {}

    def _act(self, act: Callable[..., Turned], *given: Any) -> None:
        """Do it, and hold what it made against what was there before."""
        before = self.round
        try:
            turned = act(before, *given)
        except PartwellError as error:
            assert error.message and self.round is before
            return
        self.round = turned.round
        assert turned.before is before and {s.number for s in turned.changes} == {
            s.number for s in self.round.signers if s.number >= len(before.signers) or before.signers[s.number] != s
        }
        withdrawn = [s for s in turned.changes if s.state == "withdrawn"]
        assert len(withdrawn) == (1 if act is withdraw else 0)
        for one in withdrawn:
            was = self.decided.pop(one.number)
            assert was.state == one.was and (one.person, one.acted) == (was.person, was.acted)
            assert given[0] in (was.acted, was.for_person)
            self._nobody_after(before, was)
        if turned.verdict in ("approved", "rejected"):
            told = {s.number: before.signers[s.number] for s in turned.changes if s.state == "lapsed"}
            assert recount(replace(turned.round, signers=tuple(told.get(s.number, s) for s in turned.round.signers))) == turned.verdict
        gave = [s for s in turned.changes if s.state in GIVEN]
        assert len(gave) <= 1 and all(s.acted == (None if act is by_rule else given[0]) for s in gave)
        for signer in turned.changes:
            if signer.state in FINAL:
                self.decided[signer.number] = signer
        assert "subject" not in given[:1], "somebody who is barred did something"

    @staticmethod
    def _nobody_after(before: Round, was: Signer) -> None:
        """What is withdrawn has no decided sign-off that was given on it."""
        for other in before.signers:
            if other.state in ("approved", "rejected") and was.state in ("approved", "rejected", "resolved"):
                assert not (other.origin == "after" and same_place(before, other.by, was.number))
                assert not (was.origin in ("before", "delegate") and same_place(before, was.by, other.number))
                assert not (before.mode == "sequence" and other.place > was.place)

    def _actor(self, pick: int) -> str:
        """Mostly somebody whose turn it is, sometimes anybody."""
        held = [s.person or sorted(s.candidates)[0] for s in self.round.signers if s.state == "open"]
        everybody = [*held * 3, *PEOPLE]
        return everybody[pick % len(everybody)]

    picks = st.integers(0, 40)
    who = st.sampled_from(PEOPLE)

    @rule(pick=picks, act=st.sampled_from([approve, approve, reject, resolve, resolve, claim, release]))
    def sign(self, pick: int, act: Callable[..., Turned]) -> None:
        self._act(act, self._actor(pick))

    @rule(pick=picks, act=st.sampled_from([transfer, delegate]), to=who)
    def hand_on(self, pick: int, act: Callable[..., Turned], to: str) -> None:
        self._act(act, self._actor(pick), to)

    @rule(pick=picks, to=st.lists(who, min_size=1, max_size=2), where=st.sampled_from(["before", "after", "beside"]))
    def add(self, pick: int, to: Sequence[str], where: str) -> None:
        self._act(add, self._actor(pick), to, where)

    @rule(actor=who, number=st.integers(0, 12), admin=st.booleans())
    def remove(self, actor: str, number: int, admin: bool) -> None:
        self._act(lambda round, actor: remove(round, actor, number % len(round.signers), admin=admin), actor)

    @rule(number=st.integers(0, 12), to=who)
    def reassign(self, number: int, to: str) -> None:
        self._act(reassign, "admin", number % len(self.round.signers), to)

    @rule(actor=who)
    def take_back(self, actor: str) -> None:
        self._act(take_back, actor)

    @rule(actor=who)
    def withdraw(self, actor: str) -> None:
        self._act(withdraw, actor)

    @precondition(lambda self: any(s.state in ("approved", "rejected", "returned", "transferred") for s in self.round.signers))
    @rule(pick=picks)
    def withdraw_something(self, pick: int) -> None:
        done = [s.acted for s in self.round.signers if s.acted]
        if done:
            self._act(withdraw, done[pick % len(done)])

    @rule(number=st.integers(0, 12), state=st.sampled_from(["approved", "rejected"]))
    def time_out(self, number: int, state: str) -> None:
        before = self.round
        self._act(by_rule, number % len(before.signers), state)
        assert self.round is before or not before.decisive

    @rule(pick=picks, often=st.integers(0, 9))
    def send_back(self, pick: int, often: int) -> None:
        if often == 0:
            self._act(return_, self._actor(pick))
        elif often == 1:
            self._act(lambda round, _: lapse(round), "admin")

    @invariant()
    def lawful(self) -> None:
        self.what_was_decided_stays()
        self.the_verdict_is_what_the_rows_say()
        self.somebody_can_act()
        self.turns_are_kept()
        self.nobody_signs_twice_or_about_themselves()
        self.no_place_is_lost_or_held_twice()
        self.limits_are_kept()

    def what_was_decided_stays(self) -> None:
        """Person, state and who acted of a decided sign-off are for ever."""
        for number, signer in self.decided.items():
            assert self.round.signers[number] == signer
        assert [s.number for s in self.round.signers] == list(range(len(self.round.signers)))

    def the_verdict_is_what_the_rows_say(self) -> None:
        """Neither early nor late, and no opinion of somebody who lapsed or was removed is in it."""
        undecided = [s for s in self.round.signers if s.state in ("open", "waiting")]
        if self.round.outcome is None:
            assert recount(self.round) is None
        else:
            assert not undecided
            if self.round.outcome in ("approved", "rejected"):
                assert recount(self.round) == self.round.outcome

    def somebody_can_act(self) -> None:
        """A round that is not over is somebody's turn."""
        if self.round.outcome is None:
            assert any(s.state == "open" and (s.person or s.candidates) for s in self.round.signers)

    def turns_are_kept(self) -> None:
        """What waits has to wait, and what is open need not: for added ones, for an opinion, for who comes earlier in a sequence."""
        left = [s for s in self.round.signers if s.state in ("open", "waiting")]
        for signer in left:
            ahead = [s for s in left if s.origin in ("before", "delegate") and same_place(self.round, s.by, signer.number)]
            ahead += [s for s in left if signer.origin == "after" and same_place(self.round, signer.by, s.number)]
            ahead += [s for s in left if self.round.mode == "sequence" and s.place < signer.place]
            if signer.state == "open":
                assert not ahead
            elif not ahead:  # somebody whom those have added whom this one waited for
                assert any(s.by is not None and s.state == "open" for s in left)

    def nobody_signs_twice_or_about_themselves(self) -> None:
        """Each person has one sign-off that counts or may count, and whoever is barred none."""
        counted = [s for s in self.round.signers if s.state in ("open", "waiting", "approved", "rejected")]
        held = Counter(person for s in counted for person in (s.person, s.for_person) if person)
        assert max(held.values(), default=1) == 1 and "subject" not in held
        assert all("subject" not in (s.person, s.acted) for s in self.round.signers)

    def no_place_is_lost_or_held_twice(self) -> None:
        """A sign-off is followed by at most one other, and a place ends only by a decision, a removal or the round's end."""
        follows = Counter(s.former for s in self.round.signers if s.former is not None)
        assert max(follows.values(), default=1) == 1
        for signer in self.round.signers:
            if signer.state == "transferred":
                assert follows[signer.number] == 1
            if signer.state == "lapsed" and self.round.outcome is None:
                # replaced, added after a decision that was withdrawn, or asked for an opinion
                assert follows[signer.number] == 1 or signer.origin in ("after", "delegate") or self._inside_after(signer)
        assert any(s.origin == "chain" and s.state not in ("removed", "withdrawn", "transferred") for s in self.round.signers)

    def _inside_after(self, signer: Signer) -> bool:
        number: int | None = signer.number
        while number is not None:
            if self.round.signers[number].origin == "after":
                return True
            number = self.round.signers[number].by
        return False

    def limits_are_kept(self) -> None:
        """Added two deep at most; passed on by holders five times at most."""
        for signer in self.round.signers:
            assert self.round.depth(signer) <= (3 if signer.origin == "delegate" else 2)
            passed = [s for s in self.round.path(signer) if s.state == "transferred" and s.acted != "admin"]
            assert len(passed) <= MOST_HOPS


Signing.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None, derandomize=True)
TestSigning = Signing.TestCase


def test_thousands_of_rounds() -> None:
    """The same acts and the same laws, drawn plainly, for many more rounds than can be shrunk to a short one."""
    draw = random.Random(20261124)
    ends: Counter[str | None] = Counter()
    for _ in range(3000):
        signing = Signing()
        signing.open(
            mode=draw.choice(sorted(MODES)),
            count=draw.randint(1, 4),
            weights=[draw.randint(1, 3) for _ in range(4)],
            absent=draw.random() < 0.5,
            more={
                "ratio": draw.choice([1, 50, 60, 67, 100]),
                "reject": draw.choice(["at_once", "after_all"]),
                "decisive": draw.random() < 0.3,
            },
        )
        for _ in range(25):
            _any_act(signing, draw)
            signing.lawful()
        ends[signing.round.outcome] += 1
    assert min(ends[outcome] for outcome in (None, "approved", "rejected", "returned", "left")) > 50


def _any_act(signing: Signing, draw: random.Random) -> None:
    pick, to, number = draw.randint(0, 40), draw.choice(PEOPLE), draw.randint(0, 12)
    match draw.choices(range(9), weights=[6, 2, 2, 1, 1, 1, 2, 1, 1])[0]:
        case 0:
            signing.sign(pick, draw.choice([approve, approve, approve, reject, resolve, resolve, claim, release]))
        case 1:
            signing.hand_on(pick, draw.choice([transfer, delegate]), to)
        case 2:
            signing.add(pick, [to], draw.choice(["before", "after", "beside"]))
        case 3:
            signing.remove(to, number, draw.random() < 0.5)
        case 4:
            signing.reassign(number, to)
        case 5:
            signing.take_back(to)
        case 6:
            signing.withdraw_something(pick)
        case 7:
            signing.time_out(number, draw.choice(["approved", "rejected"]))
        case 8:
            signing.send_back(pick, draw.randint(0, 4))
