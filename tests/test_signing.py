"""What each act makes of a round of sign-offs, case by case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import (
    ActedOn,
    AlreadyDecided,
    DecidedByRule,
    ItemClosed,
    MayNotSign,
    NotAllowed,
    NotYourTurn,
    SignsAlready,
    TakenByOther,
)
from engine.signing.adding import add, remove
from engine.signing.deciding import approve, by_rule, lapse, reject, resolve, return_
from engine.signing.passing import claim, delegate, hops, reassign, release, take_back, transfer
from engine.signing.round import Round, Signer, Turned
from engine.signing.turns import begin
from engine.signing.withdrawing import withdraw

SUBJECT = {"subject": "nobody decides in a case about themselves"}


def opened(mode: str, people: str, weights: tuple[int, ...] = (), **more: Any) -> Round:
    """A round that has just been opened for these people, in this order; `b/a` stands in for a."""
    signers = []
    for number, name in enumerate(people.split()):
        person, _, absent = name.partition("/")
        weight = weights[number] if weights else 1
        signers.append(Signer(number=number, person=person, for_person=absent or None, weight=weight, place=number))
    return begin(Round(mode=mode, signers=tuple(signers), barred=SUBJECT, **more)).round


def offered(people: str) -> Round:
    signer = Signer(number=0, person=None, candidates=frozenset(people.split()))
    return begin(Round(mode="claim", signers=(signer,), barred=SUBJECT)).round


def play(round: Round, *acts: tuple[Any, ...]) -> Round:
    """Each act: the function and what it takes after the round."""
    for act, *given in acts:
        round = act(round, *given).round
    return round


def told(round: Round) -> str:
    """Who stands where, in the order in which they were asked, and what came of it."""
    signers = " ".join(f"{signer.person}:{signer.state}" for signer in round.signers)
    return f"{signers} → {round.outcome}" if round.outcome else signers


# --- modes of a step


def test_all() -> None:
    """会签: all are asked at once, and it is approved when the last one has approved."""
    round = opened("all", "a b c")
    assert told(round) == "a:open b:open c:open"
    round = play(round, (approve, "b"), (approve, "a"))
    assert told(round) == "a:approved b:approved c:open"
    assert told(play(round, (approve, "c"))) == "a:approved b:approved c:approved → approved"


def test_all_is_rejected_by_one() -> None:
    """会签: one rejection decides, and whoever had not decided lapses without an opinion."""
    round = play(opened("all", "a b c"), (approve, "a"), (reject, "b"))
    assert told(round) == "a:approved b:rejected c:lapsed → rejected"
    assert round.signers[2].because == 1 and round.signers[2].acted is None


def test_all_after_all() -> None:
    """会签, every opinion first: a rejection waits for the others, and then decides."""
    round = play(opened("all", "a b c", reject="after_all"), (reject, "a"), (approve, "b"))
    assert told(round) == "a:rejected b:approved c:open"
    assert told(play(round, (approve, "c"))) == "a:rejected b:approved c:approved → rejected"


@pytest.mark.parametrize(("act", "state"), [(approve, "approved"), (reject, "rejected")])
def test_any(act: Callable[..., Turned], state: str) -> None:
    """或签: the first decision, whichever, decides."""
    assert told(play(opened("any", "a b c"), (act, "b"))) == f"a:lapsed b:{state} c:lapsed → {state}"


def test_sequence() -> None:
    """依次审批: one after another, and nobody before their turn."""
    round = opened("sequence", "a b c")
    assert told(round) == "a:open b:waiting c:waiting"
    with pytest.raises(NotYourTurn) as caught:
        approve(round, "c")
    assert caught.value.facts == {"who": "a"}
    round = play(round, (approve, "a"))
    assert told(round) == "a:approved b:open c:waiting"
    assert told(play(round, (reject, "b"))) == "a:approved b:rejected c:lapsed → rejected"
    assert told(play(round, (approve, "b"), (approve, "c"))) == "a:approved b:approved c:approved → approved"


@pytest.mark.parametrize(
    ("acts", "outcome"),
    [
        ("+a", None),
        ("+a +b", "approved"),
        ("-c", None),
        ("-c +a", None),
        ("-b", None),
        ("-b -c", "rejected"),
        ("-c +a -b", "rejected"),
        ("-a", "rejected"),
    ],
)
def test_ratio(acts: str, outcome: str | None) -> None:
    """票签: weights 3, 2, 1 and two thirds; as soon as 4 of 6 approve or can no longer, it is decided. Equal is enough."""
    round = opened("ratio", "a b c", weights=(3, 2, 1), ratio=66)
    for act in acts.split():
        round = play(round, (approve if act[0] == "+" else reject, act[1]))
    assert round.outcome == outcome


def test_ratio_is_reached_when_equal() -> None:
    """票签: half of the votes are half, neither more nor less; nothing is rounded."""
    assert play(opened("ratio", "a b", ratio=50), (approve, "a")).outcome == "approved"
    assert play(opened("ratio", "a b", ratio=51), (approve, "a")).outcome is None
    assert play(opened("ratio", "a b c", ratio=67), (approve, "a"), (approve, "b"), (reject, "c")).outcome == "rejected"


def test_random() -> None:
    """随机一人: whoever was drawn decides alone."""
    assert told(play(opened("random", "a"), (approve, "a"))) == "a:approved → approved"


def test_claim() -> None:
    """认领: whoever takes it has it until they put it back; to decide is to take."""
    round = play(offered("a b"), (claim, "a"))
    with pytest.raises(TakenByOther) as caught:
        claim(round, "b")
    assert caught.value.facts == {"who": "a"}
    round = play(round, (release, "a"))
    assert told(round) == "None:open" and release(round, "a").changes == []
    round = play(round, (approve, "b"))
    assert told(round) == "b:approved → approved" and round.signers[0].acted == "b"
    with pytest.raises(AlreadyDecided) as done:
        approve(round, "a")
    assert done.value.facts["who"] == "b"


def test_a_claim_never_blocks_an_administrator() -> None:
    """认领: what somebody holds can be given to somebody else, claimed or not."""
    for round in (offered("a b"), play(offered("a b"), (claim, "a"))):
        round = play(round, (reassign, "admin", 0, "c"))
        assert [signer.state for signer in round.signers] == ["transferred", "open"] and round.signers[1].person == "c"


def test_what_was_never_offered_is_not_put_back() -> None:
    """认领: a person who alone was asked has nobody to give it back to."""
    with pytest.raises(NotAllowed, match="alone"):
        release(opened("single", "a"), "a")


# --- approve, reject, return


def test_approve() -> None:
    """同意: the sign-off keeps who gave it."""
    round = play(opened("single", "a"), (approve, "a"))
    assert (round.signers[0].acted, round.outcome) == ("a", "approved")


def test_reject() -> None:
    """驳回: the rejecter is who pressed, not the last one in the list."""
    round = play(opened("all", "a b"), (reject, "a"))
    assert [signer.acted for signer in round.signers] == ["a", None]


@pytest.mark.parametrize("mode", ["all", "any", "sequence", "ratio"])
def test_return(mode: str) -> None:
    """退回: others lapse, delegations and additions with them; what was decided stays and stops counting."""
    round = opened(mode, "a b c", ratio=100)
    if mode in ("all", "ratio"):
        round = play(round, (approve, "c"), (add, "b", ["x"], "before"))
    before = [signer for signer in round.signers if not signer.undecided]
    round = play(round, (delegate, "x", "d")) if len(round.signers) > 3 else round
    round = play(round, (return_, "a"))
    assert round.outcome == "returned" and round.signers[0].state == "returned"
    assert all(signer.state == "lapsed" and signer.because == 0 for signer in round.signers[1:] if signer not in before)
    assert all(signer in round.signers for signer in before)
    with pytest.raises(AlreadyDecided):
        approve(round, "b")


def test_a_step_that_is_left() -> None:
    """When the procedure goes on without it, nobody is named as having decided, and nothing can be taken back."""
    round = play(opened("all", "a b"), (approve, "a"), (lapse,))
    assert told(round) == "a:approved b:lapsed → left"
    for act in (approve, withdraw):
        with pytest.raises(ItemClosed):
            act(round, "b")
    assert lapse(round).changes == []


# --- withdraw


def test_withdraw() -> None:
    """撤回: the decision stays to be read, as withdrawn, and it is my turn again; whoever had lapsed by it is asked again."""
    round = play(opened("any", "a b"), (approve, "a"), (withdraw, "a"))
    assert told(round) == "a:withdrawn b:lapsed a:open b:open"
    assert (round.signers[0].was, round.signers[0].acted) == ("approved", "a")
    assert told(play(round, (reject, "b"))).endswith("a:lapsed b:rejected → rejected")


def test_withdraw_in_an_unfinished_step() -> None:
    """撤回: peers who decided meanwhile keep their decisions."""
    round = play(opened("all", "a b c"), (approve, "a"), (approve, "b"), (withdraw, "a"))
    assert told(round) == "a:withdrawn b:approved c:open a:open"


def test_withdraw_in_a_sequence() -> None:
    """撤回: the next one waits again; once they have decided on it, it stands."""
    round = play(opened("sequence", "a b c"), (approve, "a"))
    assert told(play(round, (withdraw, "a"))) == "a:withdrawn b:waiting c:waiting a:open"
    with pytest.raises(ActedOn) as caught:
        withdraw(play(round, (approve, "b")), "a")
    assert caught.value.facts == {"who": "b"}


def test_withdraw_with_added_signers() -> None:
    """撤回: who signed before me keeps it, who was to sign after me lapses, and who did sign after me blocks it."""
    round = play(opened("single", "a"), (add, "a", ["x"], "before"), (approve, "x"), (add, "a", ["y"], "after"), (approve, "a"))
    assert told(round) == "a:approved x:approved y:open"
    assert told(play(round, (withdraw, "a"))) == "a:withdrawn x:approved y:lapsed a:open"
    with pytest.raises(ActedOn, match="y"):
        withdraw(play(round, (approve, "y")), "a")
    with pytest.raises(ActedOn):
        withdraw(round, "x")


def test_withdraw_a_transfer() -> None:
    """撤回: what was passed on comes back, until the receiver has acted."""
    round = play(opened("single", "a"), (transfer, "a", "b"))
    assert told(play(round, (withdraw, "a"))) == "a:withdrawn b:lapsed a:open"
    for acts in ([(transfer, "b", "c")], [(add, "b", ["x"], "before")], [(delegate, "b", "d")]):
        with pytest.raises(ActedOn) as caught:
            withdraw(play(round, *acts), "a")
        assert caught.value.facts == {"who": "b"}
    with pytest.raises(NotAllowed):
        withdraw(play(round, (approve, "b")), "a")


def test_withdraw_a_return() -> None:
    """撤回: a return taken back lets everybody go on where they were; delegations stay over."""
    round = opened("all", "a b c")
    round = play(round, (approve, "c"), (delegate, "b", "d"), (return_, "a"))
    with pytest.raises(NotAllowed):
        withdraw(round, "c")
    assert told(play(round, (withdraw, "a"))) == "a:withdrawn b:lapsed c:approved d:lapsed a:open b:open"


def test_withdraw_what_others_decided_anyway() -> None:
    """撤回: a vote that is not needed is withdrawn, and the step stays decided."""
    round = play(opened("ratio", "a b c", weights=(1, 3, 1), ratio=60), (approve, "a"), (approve, "b"))
    turned = withdraw(round, "a")
    assert told(turned.round) == "a:withdrawn b:approved c:lapsed → approved" and not turned.reopened and turned.verdict is None
    assert withdraw(round, "b").reopened


def test_nothing_to_withdraw() -> None:
    """撤回: only one's own acts can be taken back, and once."""
    round = opened("all", "a b")
    with pytest.raises(NotAllowed):
        withdraw(round, "a")
    round = play(round, (approve, "a"), (withdraw, "a"))
    with pytest.raises(NotAllowed):
        withdraw(round, "a")


# --- transfer, delegate


def test_transfer() -> None:
    """转办: place, weight and turn move along; the former holder can no longer decide."""
    round = opened("ratio", "a b c", weights=(5, 1, 1), ratio=60)
    round = play(round, (transfer, "a", "d"))
    assert told(round) == "a:transferred b:open c:open d:open" and round.signers[3].weight == 5
    with pytest.raises(NotAllowed, match="no longer yours"):
        approve(round, "a")
    assert play(round, (approve, "d")).outcome == "approved"


def test_transfer_in_a_sequence() -> None:
    """转办: the receiver signs at the same place, and the next ones wait for them."""
    round = play(opened("sequence", "a b"), (transfer, "a", "d"))
    assert told(round) == "a:transferred b:waiting d:open"
    assert told(play(round, (approve, "d"))) == "a:transferred b:open d:approved"


def test_transfer_at_most_five_times() -> None:
    """转办: five hops, and the way back to somebody who had it is shown; an administrator is not bound."""
    round = opened("single", "a")
    for giver, receiver in ("ab", "ba", "ac", "cd", "de"):
        round = play(round, (transfer, giver, receiver))
    last = round.signers[-1]
    assert hops(round, last) == 5 and [one.person for one in round.path(last)] == ["a", "b", "a", "c", "d", "e"]
    with pytest.raises(NotAllowed, match="5 times"):
        transfer(round, "e", "f")
    assert told(play(round, (reassign, "admin", last.number, "f"), (approve, "f"))).endswith("f:approved → approved")


@pytest.mark.parametrize(("to", "error"), [("subject", MayNotSign), ("b", SignsAlready), ("a", SignsAlready)])
def test_nobody_gets_a_sign_off_twice_or_about_themselves(to: str, error: type[Exception]) -> None:
    """Every way to give somebody a sign-off refuses the subject, and whoever signs already."""
    round = opened("all", "a b")
    for act in (
        lambda: transfer(round, "a", to),
        lambda: delegate(round, "a", to),
        lambda: add(round, "a", [to], "beside"),
        lambda: add(round, "a", ["c", to], "before"),
        lambda: reassign(round, "admin", 0, to),
    ):
        with pytest.raises(error):
            act()


@pytest.mark.parametrize("act", [transfer, delegate])
def test_nobody_passes_on_to_themselves(act: Callable[..., Turned]) -> None:
    """Whoever passes on what they had not claimed yet claims it by that, and does not get it twice."""
    with pytest.raises(SignsAlready):
        act(offered("a b"), "a", "a")
    assert told(play(offered("a b"), (act, "a", "b"))).startswith("a:")


def test_delegate() -> None:
    """委派: the opinion comes back, the owner decides, and both are kept; an opinion counts nowhere."""
    round = play(opened("single", "a"), (delegate, "a", "d"))
    assert told(round) == "a:waiting d:open"
    for act in (approve, reject, return_):
        with pytest.raises(NotAllowed, match="opinion"):
            act(round, "d")
    with pytest.raises(NotYourTurn):
        approve(round, "a")
    round = play(round, (resolve, "d"))
    assert told(round) == "a:open d:resolved"
    assert told(play(round, (reject, "a"))) == "a:rejected d:resolved → rejected"


def test_delegate_one_level_only() -> None:
    """委派: whoever is asked for an opinion gives it themselves."""
    round = play(opened("single", "a"), (delegate, "a", "d"))
    for act in (lambda: delegate(round, "d", "e"), lambda: transfer(round, "d", "e"), lambda: add(round, "d", ["e"], "before")):
        with pytest.raises(NotAllowed, match="opinion"):
            act()
    with pytest.raises(NotAllowed, match="you decide"):
        resolve(opened("single", "a"), "a")


def test_delegate_taken_back() -> None:
    """委派: the owner need not wait for the opinion."""
    round = play(opened("single", "a"), (delegate, "a", "d"), (take_back, "a"))
    assert told(round) == "a:open d:removed"
    for who in ("a", "d"):
        with pytest.raises(NotAllowed):
            take_back(round, who)


# --- add and remove


def test_add_before() -> None:
    """加签（前）: I wait until the added ones have decided; a rejection of theirs is one."""
    round = play(opened("single", "a"), (add, "a", ["x", "y"], "before"))
    assert told(round) == "a:waiting x:open y:open"
    assert told(play(round, (approve, "y"), (approve, "x"))) == "a:open x:approved y:approved"
    assert told(play(round, (reject, "x"))) == "a:lapsed x:rejected y:lapsed → rejected"


def test_add_after() -> None:
    """加签（后）: my decision stands, and the step stays open until the added one decided."""
    round = play(opened("single", "a"), (add, "a", ["x"], "after"))
    assert told(round) == "a:open x:waiting"
    round = play(round, (approve, "a"))
    assert told(round) == "a:approved x:open"
    assert play(round, (approve, "x")).outcome == "approved" and play(round, (reject, "x")).outcome == "rejected"


@pytest.mark.parametrize("mode", ["all", "ratio"])
def test_add_beside(mode: str) -> None:
    """加签（并行）: a peer, who is counted."""
    round = play(opened(mode, "a b"), (add, "a", ["x"], "beside"))
    assert told(round) == "a:open b:open x:open"
    assert told(play(round, (approve, "a"), (approve, "b"))) == "a:approved b:approved x:open"


@pytest.mark.parametrize("mode", ["single", "any", "sequence", "claim", "random"])
def test_nobody_is_added_beside_where_there_are_no_peers(mode: str) -> None:
    """加签（并行）: only in 会签 and 票签."""
    with pytest.raises(NotAllowed):
        add(opened(mode, "a"), "a", ["x"], "beside")


def test_added_where_the_first_decides() -> None:
    """或签 with 加签: whom I added decides together with me; the others may still be first."""
    round = play(opened("any", "a b"), (add, "a", ["x"], "before"), (approve, "x"))
    assert told(round) == "a:open b:open x:approved"
    assert told(play(round, (approve, "a"))) == "a:approved b:lapsed x:approved → approved"
    round = play(opened("any", "a b"), (add, "a", ["x"], "after"), (approve, "a"))
    assert told(round) == "a:approved b:open x:open"
    assert told(play(round, (approve, "b"))) == "a:approved b:approved x:lapsed → approved"


def test_added_in_a_vote() -> None:
    """票签 with 加签: the added one votes, and whom somebody wanted after themselves is heard before it is approved."""
    round = play(opened("ratio", "a b c", weights=(5, 1, 1), ratio=60), (add, "a", ["x"], "after"), (approve, "a"))
    assert told(round) == "a:approved b:open c:open x:open"
    assert told(play(round, (reject, "x"))) == "a:approved b:lapsed c:lapsed x:rejected → approved"


def test_added_in_a_sequence() -> None:
    """依次 with 加签: added ones sign at the place of who added them."""
    round = play(opened("sequence", "a b"), (add, "a", ["x"], "after"), (approve, "a"))
    assert told(round) == "a:approved b:waiting x:open"
    assert told(play(round, (approve, "x"))) == "a:approved b:open x:approved"


def test_added_two_deep_at_most() -> None:
    """加签: whom an added one added adds nobody further."""
    round = play(opened("single", "a"), (add, "a", ["x"], "before"), (add, "x", ["y"], "before"))
    assert told(round) == "a:waiting x:waiting y:open"
    with pytest.raises(NotAllowed):
        add(round, "y", ["z"], "before")
    round = play(round, (transfer, "y", "z"))
    with pytest.raises(NotAllowed):
        add(round, "z", ["y"], "after")


def test_remove() -> None:
    """减签: I may remove whom I added and who has not decided; then it is my turn again."""
    round = play(opened("all", "a b"), (add, "a", ["x"], "before"))
    with pytest.raises(NotAllowed, match="did not add"):
        remove(round, "b", 2)
    assert told(play(round, (remove, "a", 2))) == "a:open b:open x:removed"
    with pytest.raises(AlreadyDecided):
        remove(play(round, (approve, "x")), "a", 2)


def test_remove_decides() -> None:
    """减签: what is certain without the removed one is decided at once."""
    round = play(opened("all", "a b"), (approve, "a"))
    turned = remove(round, "admin", 1, admin=True)
    assert told(turned.round) == "a:approved b:removed → approved" and turned.verdict == "approved"
    round = play(opened("ratio", "a b c", ratio=60), (approve, "a"))
    assert told(remove(round, "admin", 2, admin=True).round) == "a:approved b:open c:removed"


def test_withdraw_what_a_removal_had_decided() -> None:
    """撤回: who was asked no longer because somebody was removed is asked again when the vote is taken back."""
    round = play(opened("ratio", "a b c", ratio=50), (approve, "a"))
    round = remove(round, "admin", 2, admin=True).round
    assert told(round) == "a:approved b:lapsed c:removed → approved"
    assert told(play(round, (withdraw, "a"))) == "a:withdrawn b:lapsed c:removed a:open b:open"


def test_remove_never_the_last_of_the_chain() -> None:
    """减签: added signers do not stand in for the ones whom the chain asks."""
    round = play(opened("single", "a"), (add, "a", ["x"], "before"))
    with pytest.raises(NotAllowed, match="last"):
        remove(round, "admin", 0, admin=True)


def test_remove_ends_the_delegation() -> None:
    """减签: an opinion for somebody who no longer decides is not waited for."""
    round = play(opened("all", "a b"), (delegate, "a", "d"))
    assert told(remove(round, "admin", 0, admin=True).round) == "a:removed b:open d:removed"


# --- substitutes, administrators, rules


def test_substitute() -> None:
    """代理人: both may act, the first counts, and it is kept who did."""
    for who in ("b", "a"):
        round = play(opened("single", "b/a"), (approve, who))
        signer = round.signers[0]
        assert (signer.person, signer.for_person, signer.acted, round.outcome) == ("b", "a", who, "approved")
        with pytest.raises(AlreadyDecided) as caught:
            approve(round, "a" if who == "b" else "b")
        assert caught.value.facts["who"] == who


def test_a_substitute_gains_no_right_that_the_absent_one_lacks() -> None:
    """代理人: whoever may not sign cannot be stood in for, nor stand in."""
    with pytest.raises(ValueError, match="barred"):
        opened("single", "b/subject")
    with pytest.raises(ValueError, match="barred"):
        opened("single", "subject/a")


def test_the_absent_one_takes_back_what_was_done_for_them() -> None:
    """代理人: my decision is mine to withdraw, whoever gave it for me; the other may then act again, too."""
    round = play(opened("single", "b/a"), (approve, "b"), (withdraw, "a"))
    assert told(round) == "b:withdrawn b:open" and round.signers[1].for_person == "a"


def test_reassign() -> None:
    """改派: any undecided sign-off, waiting ones too; decided ones never."""
    round = play(opened("sequence", "a b"), (reassign, "admin", 1, "c"), (approve, "a"))
    assert told(round) == "a:approved b:transferred c:open" and round.signers[1].acted == "admin"
    with pytest.raises(AlreadyDecided):
        reassign(round, "admin", 0, "d")
    with pytest.raises(NotAllowed):
        reassign(round, "subject", 2, "d")


def test_by_rule() -> None:
    """超时: a rule decides in nobody's name, also for who waits for an opinion; the delegation is then over."""
    round = play(opened("all", "a b"), (delegate, "a", "d"), (by_rule, 0, "approved"))
    assert told(round) == "a:approved b:open d:lapsed" and round.signers[0].acted is None
    with pytest.raises(DecidedByRule):
        approve(round, "a")
    with pytest.raises(NotAllowed):
        by_rule(opened("sequence", "a b"), 1, "approved")


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_a_decision_needs_a_person(state: str) -> None:
    """No rule decides a step that a person must decide, whatever time has passed."""
    with pytest.raises(NotAllowed, match="person"):
        by_rule(opened("single", "a", decisive=True), 0, state)


def test_the_subject_acts_on_nothing() -> None:
    """Whoever is barred can do nothing, even with a sign-off that they held before."""
    round = Round(mode="all", signers=opened("all", "a b").signers, barred={"a": "nobody decides in a case about themselves"})
    for act in (approve, reject, return_, withdraw, claim, release, take_back, resolve):
        with pytest.raises(NotAllowed, match="about themselves"):
            act(round, "a")


def test_a_stranger_acts_on_nothing() -> None:
    """Whoever was not asked is told so."""
    with pytest.raises(NotAllowed, match="not yours"):
        approve(opened("all", "a b"), "z")


@pytest.mark.parametrize("people", ["", "a a"])
def test_a_round_needs_people(people: str) -> None:
    """None, or one twice, is a fault of who opens it."""
    with pytest.raises(ValueError, match="each once"):
        opened("all", people)
