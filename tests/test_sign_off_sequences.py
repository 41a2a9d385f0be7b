"""No sequence of verbs, whoever does them and however much time passes between, loses, doubles or falsifies a sign-off.

People act at random on the real engine and database. After each act the books (`books`) must add up: what was decided stands
unchanged, rows and ledger tell the same under the same names, each round comes to what its rows come to by hand, and the boxes
count what is open. In the end the ledger alone leads to the state that is stored (`conftest.services`).
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import books
import pytest
import sqlalchemy as sa
from chaos.consistency import assert_consistent
from diagrams import END, START, flows, mapping, node, user, zeebe
from engine_room import PEOPLE, Room, person
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from test_standing_steps import publish

from engine import cases, endings, inbox, incidents, returns, situations, work
from engine.errors import NotAllowed, PartwellError, SubstituteRefused
from engine.models import Person, new_id
from engine.people import absences
from engine.ports import Json
from engine.services import Services
from engine.sign_offs import answer_purpose
from engine.work import handover, reresolving
from engine.work.adding import WHERE
from engine.work.rerouting import reroute

LONG = os.environ.get("PARTWELL_CHAOS") == "long"
#: what needs nothing but the will: offered, it works
PLAIN = frozenset(("approve", "reject", "resolve", "take_back", "withdraw", "urge", "claim", "release", "remove"))
EVERYBODY = sorted(PEOPLE)
KEYS = {person(key): key for key in PEOPLE}
SIGNERS = ("hr", "hr2", "head", "director", "other", "boss")
MODES = ("single", "claim", "all", "any", "sequence", "ratio", "random")
#: verb -> how often it is tried
VERBS = {
    **{"decide": 10, "hold": 1, "hand_on": 3, "add": 3, "remove": 1, "take_back": 3, "send_back": 2, "urge": 1, "copy": 1},
    **{"reassign": 2, "move_due": 1, "pause": 1, "go_back": 1, "end": 1, "call_off": 1, "correct": 2, "anew": 2},
    **{"fill": 2, "take_again": 1, "time_passes": 2, "somebody_goes": 1, "somebody_is_absent": 2, "another_version": 1, "handed_over": 2},
}

#: what must really have been done, and not only tried
DONE = (
    *("approve", "reject", "resolve", "claim", "release", "transfer", "delegate", "add", "remove", "withdraw", "take_back", "return_"),
    *("urge", "copy", "reassign", "move_due", "suspend", "resume", "return_to", "reopen", "complete", "appoint", "stand_in"),
    *("cancel", "terminate", "resubmit", "retry", "find_signers_anew", "work:sign_off:handed_over"),
    *("work:sign_off:escalated", "work:sign_off:by_rule", "work:sign_off:reminded", "work:sign_off:rerouted"),
)


def a_step(draw: random.Random, number: int) -> dict[str, Json]:
    """A step of a chain, of any kind."""
    mode = draw.choice(MODES)
    people = ["subject"] if draw.random() < 0.1 else draw.sample([*SIGNERS, "subject"], draw.randint(1, 4))
    reject = draw.choice(["diagram", "diagram", "to_previous", "to_initiator", "end", f"to:s{number - 1}" if number else "diagram"])
    step: dict[str, Json] = {
        **{"key": f"s{number}", "name": f"第{number}步", "name_en": f"Step {number}", "mode": mode, "on_reject": reject},
        "approvers": [{"rule": "person", "persons": [person(key) for key in people]}],
        "nobody": {"do": draw.choice(["to_managers", "incident", "skip", *(["reject"] if reject == "diagram" else [])])},
        "resubmit": draw.choice(["onward", "back"]),
        "initiator": draw.choice(["self", "manager", "skip"]),
        "twice": draw.choice(["none", "adjacent", "once"]),
    }
    if mode == "all":
        step["reject"] = draw.choice(["at_once", "after_all"])
    if mode == "ratio":
        step["ratio"] = draw.choice([1, 50, 60, 67, 100])
        step["weights"] = [{"persons": [person(people[0])], "weight": draw.randint(1, 3)}]
    if do := draw.choice(["", "", "remind", "escalate", "transfer", "approve", "reject"]):
        step |= {"limit_hours": 8, "on_due": {"do": do, "to": person("worker")} if do == "transfer" else {"do": do}}
    return step


def a_chain(draw: random.Random) -> list[dict[str, Json]]:
    return [a_step(draw, number) for number in range(draw.randint(1, 3))]


def prepared(room: Room) -> Room:
    """With a procedure: a task, a chain that signs, and a task for each decision."""
    properties = zeebe("properties", zeebe("property", name="wf.chain", value="c"))
    signing = node("userTask", "sign", properties, mapping(outputs={"verdict": "=decision"}))
    gate = node("exclusiveGateway", "gate", default="gate_no")
    ways = ("start > fill", "fill > sign", "sign > gate", 'gate > yes: verdict = "approved"', "gate > no", "yes > end", "no > end")
    steps = [{"name": "签", "name_en": "Sign", "approvers": [{"rule": "role", "roles": ["hr"]}]}]
    chain = {"c": {"name": "审批", "name_en": "Chain", "steps": steps}}
    room.deploy(START, user("fill"), signing, gate, user("yes"), user("no"), END, flows(*ways), chains=chain)
    return room


class SigningOff(RuleBasedStateMachine):
    """People act at random on one case, some of them out of turn, too late, or about themselves."""

    def __init__(self, room: Room, done: Counter[str]) -> None:
        super().__init__()
        self.room = room
        #: how often each verb was really carried out
        self.done = done
        #: what was tried, for whoever reads of a fault
        self.tried: list[str] = []
        self.gone: set[str] = set()
        self.count = itertools.count(1)
        self.looks = itertools.count()

    seeds = st.integers(0, 2**32)

    @initialize(seed=seeds)
    def start(self, seed: int) -> None:
        chain = a_chain(random.Random(seed))
        self.tried.append(f"{chain}")
        publish(self.room, *chain)
        self.case = self.room.start()
        self.room.complete(self.case, "fill")
        self.books = books.read(self.room, self.case)
        self._add_up()

    @rule(seed=seeds)
    def act(self, seed: int) -> None:
        """Anything; what is offered to several is often claimed first, and where nothing is left to sign, it is mostly opened again."""
        draw = random.Random(seed)
        [verb] = draw.choices(list(VERBS), list(VERBS.values()))
        if self.books.items[self.item].status != "open" and draw.random() < 0.6:
            verb = "go_back"
        elif any(row.state == "open" and row.id in self.books.offered for row in self.rows) and draw.random() < 0.4:
            verb = "hold"
        try:
            getattr(self, verb)(draw)
        except Exception as error:
            error.add_note("\n".join(self.tried))
            raise

    # --- what is done, and what must be so after it

    def _do(self, verb: str, by: str, act: Callable[[str], Any], *, offered: bool | None = None, many: bool = False) -> bool:
        """Do it, and hold what became of the books against what was in them. `offered`: as the page says, where it says it."""
        before, request = self.books, new_id()
        try:
            act(request)
        except PartwellError as error:
            self.tried[-1] += f" – {error.code}"
            assert error.message and books.read(self.room, self.case) == before, f"{verb} was refused, yet did something: {error!r}"
            assert not (offered and verb in PLAIN), f"{verb} was offered, and refused: {error!r}"
            return False
        self.books = books.read(self.room, self.case)
        assert books.act_faults(before, self.books, person(by), many=many) == [], verb
        if self.books == before:  # it was so already
            return False
        assert offered is None or offered, f"{verb} worked, but was not offered"
        act(request)
        assert books.read(self.room, self.case) == self.books, f"{verb} was done again by the same request"
        self.done[verb] += 1
        self._add_up()
        return True

    def _happens(self, act: Callable[[], Any], by: str | None = None) -> None:
        """Something happens by itself, or elsewhere."""
        before = self.books
        act()
        self.books = books.read(self.room, self.case)
        assert books.act_faults(before, self.books, by and person(by), many=True) == []
        for entry in self.books.entries[len(before.entries) :]:
            self.done[entry.event] += 1
        self._add_up()

    def _add_up(self) -> None:
        assert books.faults(self.books) == []
        assert books.box_faults(self.room) == []

    # --- who and where

    @property
    def item(self) -> str:
        """The item that is signed, or the last one that was."""
        found = [item for item in self.books.items.values() if item.chain_id]
        return str(max(found, key=lambda item: (item.status == "open", item.id)).id)

    @property
    def rows(self) -> list[Any]:
        """The sign-offs of the round that goes on, else of the last one."""
        last = max(self.books.rounds.values(), key=lambda found: (found.outcome is None, found.id))
        return self.books.of(last.id)

    def _actor(self, draw: random.Random) -> str:
        """Mostly somebody whose turn it is, sometimes anybody."""
        held = [key for row in self.rows if row.state == "open" for one in self._holders(row) if (key := KEYS.get(one))]
        return draw.choice(held if held and draw.random() < 0.85 else EVERYBODY)

    def _holders(self, row: Any) -> list[str]:
        return [one for one in (row.person_id, row.for_id) if one] or list(self.books.offered.get(row.id, ()))

    def _sign_off(self, draw: random.Random) -> str:
        rows = self.rows or list(self.books.rows.values())
        return str(draw.choice(rows).id)

    def _verb(self, verb: str, by: str, *target: str, on: str = "", **given: Any) -> bool:
        """A verb of `engine.work` on the item, or on another one."""
        item, act = on or self.item, getattr(work, verb)
        self.tried.append(f"{by} {verb} {given}")
        offered = self._offered(item, by, *target)
        return self._do(
            verb,
            by,
            lambda request: act(self.room.services, item, *target, actor=person(by), request_id=request, **given),
            offered=None if offered is None else verb.strip("_") in offered,
        )

    def _offered(self, item: str, by: str, sign_off: str = "") -> frozenset[str] | None:
        """What the page of the item offers somebody, on the whole or on a sign-off; None where it is not looked at, to save time."""
        if by in self.gone:
            return frozenset()  # who is gone sees no page
        if next(self.looks) % 3:
            return None
        try:
            page = inbox.item_page(self.room.services, item, reader=person(by))
        except NotAllowed:
            return frozenset()
        return next((step.may for step in page.steps if step.sign_off == sign_off), frozenset()) if sign_off else page.may

    # --- verbs of signers

    def decide(self, draw: random.Random) -> None:
        """With words that nobody else says: they must stand under this name."""
        verb, words = draw.choice(["approve", "approve", "approve", "reject", "resolve"]), f"意见 {next(self.count)}"
        before = self.books.rows
        if self._verb(verb, self._actor(draw), opinion=words):
            state = {"approve": "approved", "reject": "rejected", "resolve": "resolved"}[verb]
            [row] = [row for id, row in self.books.rows.items() if row.state == state != before[id].state]
            assert self.room.services.keyring.unseal_json(row.answer, answer_purpose(row.id))["opinion"] == words

    def hold(self, draw: random.Random) -> None:
        """Mostly what can be held, or was offered to others, too."""
        for row in self.rows:
            if row.state == "open" and (offered := self.books.offered.get(row.id)) and draw.random() < 0.9:
                verb, by = ("release", row.person_id) if row.person_id else ("claim", draw.choice(offered))
                self._verb(verb, KEYS[by])
                return
        self._verb(draw.choice(["claim", "release"]), self._actor(draw))

    def hand_on(self, draw: random.Random) -> None:
        self._verb(draw.choice(["transfer", "delegate"]), self._actor(draw), to=person(draw.choice(EVERYBODY)))

    def add(self, draw: random.Random) -> None:
        to = [person(key) for key in draw.sample(EVERYBODY, draw.choice([1, 1, 2]))]
        self._verb("add", self._actor(draw), persons=to, where=draw.choice(WHERE), reason="加签")

    def remove(self, draw: random.Random) -> None:
        self._verb("remove", draw.choice(["admin", self._actor(draw)]), self._sign_off(draw), reason="减签")

    def take_back(self, draw: random.Random) -> None:
        """Mostly whoever did something before, or asked somebody."""
        asked = [self.rows[row.by_position].person_id for row in self.rows if row.origin == "delegate" and row.state == "open"]
        if asked and draw.random() < 0.5:
            self._verb("take_back", KEYS[asked[0]])
            return
        acted = [KEYS[row.decided_by] for row in self.books.rows.values() if row.item_id == self.item and row.decided_by]
        verb = draw.choice(["withdraw", "withdraw", "take_back"])
        self._verb(verb, draw.choice(acted) if acted and draw.random() < 0.8 else self._actor(draw))

    def send_back(self, draw: random.Random) -> None:
        """What goes back further than the chain is taken up again, or taken back."""
        to = draw.choice(["s0", "s0", "s1", "fill", "fill", "start", "sign", "yes"])
        by = self._actor(draw)
        returned = self._verb("return_", by, reason="退回", **{"to_step" if to in ("s0", "s1") else "to_element": to})
        if returned and draw.random() < 0.4:
            self._verb("withdraw", by)
        if draw.random() < 0.7:
            self._fill()

    def take_again(self, draw: random.Random) -> None:
        """What was corrected and sent again is taken back."""
        if sent := [item.id for item in self.books.items.values() if item.corrects and item.status == "completed"]:
            self._verb("withdraw", "boss", on=max(sent))

    def fill(self, draw: random.Random) -> None:
        self._fill()

    def urge(self, draw: random.Random) -> None:
        self._verb("urge", draw.choice(["boss", "admin", self._actor(draw)]))

    def copy(self, draw: random.Random) -> None:
        """To anybody who may have one; never to whom the case is about."""
        item, by, to = self.item, draw.choice(["boss", "admin", self._actor(draw)]), person(draw.choice(EVERYBODY))
        self.tried.append(f"{by} copy {to}")
        given: dict[str, Any] = {"persons": [to], "actor": person(by), "reason": "请知悉"}
        if self._do("copy", by, lambda request: work.copy(self.room.services, item, **given, request_id=request)):
            assert to != self.books.case.subject_id

    # --- verbs of who manages the procedure

    def call_off(self, draw: random.Random) -> None:
        """By who started the case, or a manager."""
        verb, by = draw.choice([("cancel", "boss"), ("terminate", "admin")])
        self.tried.append(f"{by} {verb}")
        act, given = getattr(endings, verb), {"actor": person(by), "reason": "理由"}
        self._do(verb, by, lambda request: act(self.room.services, self.case, **given, request_id=request))

    def reassign(self, draw: random.Random) -> None:
        to = person(draw.choice(EVERYBODY))
        self._verb("reassign", draw.choice(["admin", "admin", "hr"]), self._sign_off(draw), to=to, reason="改派")

    def move_due(self, draw: random.Random) -> None:
        item, sign_off, due = self.item, self._sign_off(draw), self.room.clock.now() + dt.timedelta(hours=draw.randint(-5, 100))
        self._manage("move_due", lambda **given: work.move_due(self.room.services, item, sign_off, due, **given))

    def pause(self, draw: random.Random) -> None:
        """Nothing happens in a suspended case."""
        services = self.room.services
        if self._manage("suspend", lambda **given: cases.suspend(services, self.case, **given)):
            worked = self._verb("approve", self._actor(draw))
            assert not worked
            self._manage("resume", lambda **given: cases.resume(services, self.case, **given))

    def go_back(self, draw: random.Random) -> None:
        services, to = self.room.services, draw.choice(["fill", "sign"])
        if self.books.case.status == "closed":
            self._manage("reopen", lambda **given: returns.reopen(services, self.case, to, **given))
        else:
            self._manage("return_to", lambda **given: returns.return_to(services, self.case, to, **given))
        self._fill()

    def _manage(self, verb: str, act: Callable[..., Any]) -> bool:
        self.tried.append(f"admin {verb}")
        return self._do(verb, "admin", lambda request: act(actor=person("admin"), reason="理由", request_id=request))

    def correct(self, draw: random.Random) -> None:
        """What was sent back to who started the case comes again; where nobody was found, that is tried again."""
        open_items = [item.id for item in self.books.items.values() if item.corrects and item.status == "open"]
        given: dict[str, Any] = {"actor": person("boss"), "values": {}}
        if open_items:
            self.tried.append("boss resubmit")
            act = partial(work.complete, self.room.services, open_items[0], **given)
            self._do("resubmit", "boss", lambda request: act(request_id=request))
        elif broken := self.room.incidents(self.case):
            self._manage("retry", lambda **given: incidents.retry(self.room.services, broken[0].id, **given))

    def anew(self, draw: random.Random) -> None:
        """The chain names others now, and who signs is found again."""
        item = self.item
        others = [{"rule": "person", "persons": [person(key) for key in draw.sample(SIGNERS, 3)]}]
        steps = [{**step, "approvers": others} for step in self.books.chains[self.books.items[item].chain_id]]
        self._happens(lambda: publish(self.room, *steps))
        self.tried.append("admin find_signers_anew")
        given: dict[str, Any] = {"actor": person("admin"), "reason": "调整"}
        act = partial(reresolving.find_signers_anew, self.room.services, item, **given)
        self._do("find_signers_anew", "admin", lambda request: act(request_id=request), many=True)

    def end(self, draw: random.Random) -> None:
        if self.room.open(self.case) in ("yes", "no"):
            self._complete(self.room.open(self.case))

    def _fill(self) -> None:
        """Where the work went back to the first task, that one is done again."""
        if self.room.open(self.case) == "fill":
            self._complete("fill")

    def _complete(self, element: str) -> None:
        given: dict[str, Any] = {"actor": person("hr"), "values": {}}
        for item in self._open(element):
            self.tried.append(f"hr complete {element}")
            complete = partial(work.complete, self.room.services, item, **given)
            self._do("complete", "hr", lambda request, complete=complete: complete(request_id=request))

    def _open(self, element: str) -> Sequence[str]:
        return [self.room.item(self.case, element)]

    # --- what happens by itself, or elsewhere

    def time_passes(self, draw: random.Random) -> None:
        hours = draw.choice([1, 9, 30, 100])
        self.tried.append(f"{hours} hours pass")
        self.room.clock.move(hours=hours)
        self._happens(self.room.run)

    def somebody_goes(self, draw: random.Random) -> None:
        """Or comes back."""
        who = draw.choice(["hr2", "other", "director", "worker"])
        self.gone ^= {who}
        self.tried.append(f"{who} {'is gone' if who in self.gone else 'is back'}")
        self.room.write(sa.update(Person).where(Person.id == person(who)).values(active=who not in self.gone))
        self._happens(lambda: reroute(self.room.services, self.room.clock.now()))

    def somebody_is_absent(self, draw: random.Random) -> None:
        who, by, now = draw.choice(SIGNERS), draw.choice(EVERYBODY), self.room.clock.now()
        self.tried.append(f"{by} stands in for {who}")
        times = {"starts_at": now, "ends_at": now + dt.timedelta(days=draw.randint(1, 5))}
        try:
            absences.appoint(self.room.services, absent=person(who), substitute=person(by), **times, by=person("admin"))
        except (SubstituteRefused, NotAllowed):
            return
        self.done["appoint"] += 1
        for row in self.rows:
            if row.person_id == person(who) and row.state in ("open", "waiting"):
                self._stand_in(row.id, draw.choice([who, "admin"]))

    def _stand_in(self, sign_off: str, asks: str) -> None:
        """What is open already goes to the substitute, too."""
        item = self.item
        self.tried.append(f"{asks} stand_in")
        given = {"actor": person(asks)}
        self._do("stand_in", asks, lambda request: work.stand_in(self.room.services, item, sign_off, **given, request_id=request))

    def handed_over(self, draw: random.Random) -> None:
        """What somebody holds goes to another, who may not be able to take it."""
        who, to = draw.choice(SIGNERS), draw.choice([key for key in EVERYBODY if key not in self.gone])
        self.tried.append(f"what {who} holds goes to {to}")
        given = {"to": {"sign_off": person(to), "offer": person(to)}, "note": "离职", "actor": person("admin")}
        if who != to:
            self._happens(lambda: handover.hand_over(self.room.services, person(who), **given), by="admin")

    def another_version(self, draw: random.Random) -> None:
        """What is open keeps the version with which it began."""
        self.tried.append("another version of the chain")
        self._happens(lambda: publish(self.room, *a_chain(draw)))

    def teardown(self) -> None:
        if not hasattr(self, "books"):
            return
        if self.books.case.status != "closed":
            endings.terminate(self.room.services, self.case, actor=person("admin"), reason="完", request_id=new_id())
        self.books = books.read(self.room, self.case)
        self._add_up()
        assert not any(row.state in ("open", "waiting") for row in self.books.rows.values())
        self.room.write(sa.update(Person).values(active=True))
        with self.room.services.database.reading() as connection:
            holding = absences.rows(connection, self.room.clock.now())
        for row in holding:
            absences.end(self.room.services, row.id, by=person("admin"))


@pytest.fixture
def room(services: Services, monkeypatch: pytest.MonkeyPatch) -> Room:
    # a draw that comes out the same when the sequence is tried again
    monkeypatch.setattr(situations.secrets, "randbelow", lambda of: of // 2)
    return prepared(Room(services))


def test_no_sequence_of_verbs_loses_doubles_or_falsifies_a_sign_off(room: Room) -> None:
    """Whatever people do in whatever order, the books add up after each act; most verbs really were done, at length each of them."""
    done: Counter[str] = Counter()
    draw = random.Random(20261126)
    for _ in range(200 if LONG else 7):
        signing = SigningOff(room, done)
        signing.start(draw.getrandbits(32))
        for _ in range(40):
            signing.act(draw.getrandbits(32))
        signing.teardown()
    missing = [verb for verb in DONE if not done[verb]]
    assert len(missing) <= (0 if LONG else len(DONE) // 3), missing
    assert_consistent(room.services)


def test_a_sequence_that_does_is_shown_short(room: Room) -> None:
    """The same acts drawn by Hypothesis, which leaves out of a sequence that breaks something all that is not needed for it.

    `make chaos` draws many, others each time; a fault is drawn again with pytest's `--hypothesis-seed` that is printed with it.
    """
    few, many = settings(max_examples=5, stateful_step_count=15, derandomize=True), settings(max_examples=200, print_blob=True)
    how = settings(many if LONG else few, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: SigningOff(room, Counter()), settings=how)
