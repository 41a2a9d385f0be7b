"""Activities that run several times: multi-instance and standard loops; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import (
    END,
    START,
    Play,
    again,
    both_ways,
    boundary,
    call,
    diagram,
    flows,
    many,
    mapping,
    node,
    service,
    sub,
    timer,
    user,
    zeebe,
)

from engine import errors

__all__ = ["both_ways"]

VOTES = {"inputCollection": "=people", "inputElement": "person", "outputCollection": "votes", "outputElement": "=vote"}


def vote(until: str = "", *, sequential: bool = False, **more: str) -> tuple[str, ...]:
    task = user("a", many(until, sequential=sequential, **VOTES), mapping({"shown": '=person + "!"'}), **more)
    return START, task, user("z"), END, flows("start > a", "a > z", "z > end")


def open_now(play: Play, element: str = "a") -> list[str]:
    return [instance for instance, e in play.execution.waiting() if e.id == element]


def complete(play: Play, instance: str, **values: object) -> None:
    play.noted(play.execution.complete(instance, values, now=play.now))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_multi_instance_in_parallel_collects_by_index(order):
    """多实例 (multi-instance): whoever is first: the results stand in the order of the collection, and nobody's answer is another's."""
    play = Play(*vote(), people=["甲", "乙", "丙"])
    assert [o.inputs for o in play.seen.opened] == [{"shown": "甲!"}, {"shown": "乙!"}, {"shown": "丙!"}]
    instances = open_now(play)
    for i in order:
        complete(play, instances[i], vote=i, note=f"n{i}")
    assert play.waits == "z" and play.values["votes"] == [0, 1, 2]
    assert "vote" not in play.values and "person" not in play.values and "loopCounter" not in play.values


def test_multi_instance_in_sequence():
    """多实例 (multi-instance): the next begins when the one before is done, with the item of its turn."""
    play = Play(*vote(sequential=True), people=["甲", "乙"])
    assert len(open_now(play)) == 1
    play.done("a", vote="x")
    assert play.last.opened[0].inputs == {"shown": "乙!"}
    play.done("a", vote="y")
    assert play.waits == "z" and play.values["votes"] == ["x", "y"]


@pytest.mark.parametrize(
    ("until", "needed"),
    [
        ("numberOfCompletedInstances >= 1", 1),
        ("numberOfCompletedInstances / numberOfInstances >= 0.5", 2),
        ("count(votes[item = true]) >= 2", 2),
        ("numberOfActiveInstances = 1", 3),
        ("some v in votes satisfies v = false", 4),
    ],
)
@pytest.mark.parametrize("sequential", [False, True])
def test_a_completion_condition_ends_the_rest(until, needed, sequential):
    """Any, a ratio, the results so far: whoever has not answered is left."""
    if sequential and "Active" in until:
        until = "numberOfCompletedInstances = 3"
    play = Play(*vote(until, sequential=sequential), people=["1", "2", "3", "4"])
    for _ in range(needed):
        assert play.waits.startswith("a")
        complete(play, open_now(play)[0], vote=True)
    assert play.waits == "z"
    assert len([x for x in play.seen.left if x.element == "a"]) == (0 if sequential else 4 - needed)
    assert play.values["votes"] == [True] * needed + [None] * (4 - needed)


def test_it_can_be_entered_again():
    """A second round asks the present collection and collects anew."""
    play = Play(START, user("a", many(**VOTES)), user("again"), node("exclusiveGateway", "g", default="g_end"), END,
                flows("start > a", "a > again", "again > g", "g > a: more", "g > end"), people=["1", "2"])  # fmt: skip
    for instance in open_now(play):
        complete(play, instance, vote="no")
    play.done("again", more=True, people=["3"])
    assert len(open_now(play)) == 1
    play.done("a", vote="yes")
    assert play.values["votes"] == ["yes"]
    assert play.done("again", more=False).finished


@pytest.mark.parametrize("sequential", [False, True])
def test_an_empty_collection_passes_at_once(sequential):
    """Nobody is asked, and the result is an empty list."""
    play = Play(*vote(sequential=sequential), people=[])
    assert play.waits == "z" and play.values["votes"] == []
    assert [p.detail for p in play.seen.passed if p.element == "a"] == [{"instances": 0}]


@pytest.mark.parametrize("people", [None, "甲", {"a": 1}])
def test_what_is_no_list_is_stuck_and_named(people):
    """The incident names the expression, and a corrected variable repairs it."""
    play = Play(*vote(), people=people)
    assert [s.element for s in play.last.stuck] == ["a"] and "people" in play.last.stuck[0].error.message
    play.retried("a", people=["1"])
    assert len(open_now(play)) == 1


@pytest.mark.parametrize("number", ["3", "=n"])
def test_a_cardinality_gives_so_many_instances(number):
    """Each knows its number."""
    play = Play(START, user("a", many(cardinality=number), mapping({"i": "=loopCounter"})), user("z"), flows("start > a", "a > z"), n=3)
    assert [o.inputs["i"] for o in play.seen.opened] == [1, 2, 3]
    for instance in open_now(play):
        complete(play, instance)
    assert play.waits == "z"


def test_a_timer_sits_on_all_instances_together():
    """Interrupting: all are left, the answers given stay out of the case; the timer is there once."""
    play = Play(*vote(), boundary("t", "a", timer(duration="P1D")), user("late"), flows("t > late"), people=["1", "2", "3"])
    complete(play, open_now(play)[1], vote="yes")
    assert [s.element for s in play.seen.scheduled] == ["t"]
    advance = play.fired("t")
    assert play.waits == "late" and sorted(x.by for x in advance.left) == ["t", "t"]


def test_an_instance_that_writes_into_the_collected_results_is_stuck():
    """It is told which name is taken; with a list in it again the others and it go on."""
    collect = {"inputCollection": "=[1, 2]", "inputElement": "n", "outputCollection": "all", "outputElement": "=r"}
    play = Play(START, user("x", many(**collect)), END, flows("start > x", "x > end"))
    [stuck] = play.done("x", r=1, all="mine").stuck
    assert stuck.element == "x" and isinstance(stuck.error, errors.ValueRefused) and stuck.error.facts["name"] == "all"
    play.noted(play.execution.retry(stuck.instance, now=play.now, variables={"all": [None, None]}))
    assert play.noted(play.execution.complete(open_now(play, "x")[0], {"r": 2}, now=play.now)).finished
    assert play.values["all"] == [1, 2]


def test_jobs_scripts_sub_processes_and_calls_run_many_times():
    """Every kind of activity, in parallel and one after the other."""
    collect = {"inputCollection": "=[1, 2, 3]", "inputElement": "n", "outputCollection": "all", "outputElement": "=r"}
    other = diagram(node("startEvent", "os"), node("scriptTask", "o", zeebe("script", expression="=n * 10", resultVariable="r")),
                    flows("os > o"), id="other")  # fmt: skip
    body = (node("startEvent", "ps"), node("scriptTask", "o", zeebe("script", expression="=n * 10", resultVariable="r")), flows("ps > o"))
    for sequential in (False, True):
        loop = many(sequential=sequential, **collect)
        script = node("scriptTask", "x", zeebe("script", expression="=n * 10", resultVariable="r"), loop)
        files = {"other.bpmn": other}
        for activity in (script, sub("x", *body, loop), call("x", "other", loop), service("x", loop)):
            play = Play(START, activity, user("z"), flows("start > x", "x > z"), files=files if "calledElement" in activity else {})
            for n in (1, 2, 3):
                if "x" in play.waits.split():
                    play.noted(play.execution.answer(open_now(play, "x")[0], {"r": n * 10}, now=play.now))
            assert play.waits == "z" and play.values == {"all": [10, 20, 30]}


def test_instances_of_a_sub_process_wait_for_all_their_steps():
    """Each has a body of its own; a terminate end in one ends only that one."""
    body = (node("startEvent", "ps"), user("b"), user("c"), flows("ps > b", "b > c"))
    play = Play(START, sub("p", *body, many(inputCollection="=x", inputElement="i"), mapping({"own": "=i"})), user("z"),
                flows("start > p", "p > z"), x=[1, 2])  # fmt: skip
    first, second = open_now(play, "b")
    assert [play.execution.variables(i)["own"] for i in (first, second)] == [1, 2]
    complete(play, second)
    complete(play, open_now(play, "c")[0])
    assert play.waits == "b"
    complete(play, first)
    play.done("c")
    assert play.waits == "z"


def test_multi_instance_inside_multi_instance():
    """Collections of collections."""
    inner = user("b", many(inputCollection="=row", inputElement="cell", outputCollection="got", outputElement="=cell * k"))
    play = Play(
        START,
        sub("p", inner, many(inputCollection="=rows", inputElement="row", outputCollection="all", outputElement="=got")),
        user("z"),
        flows("start > p", "p > z"),
        rows=[[1, 2], [], [3]],
    )
    for instance in open_now(play, "b"):
        complete(play, instance, k=10)
    assert play.waits == "z" and play.values["all"] == [[10, 20], [], [30]]


def test_a_large_expression_keeps_its_parts_to_each_instance():
    """What a result is made of is the instance's own unless it means something outside."""
    given = {**VOTES, "outputElement": "={who: person, said: vote, of: title}"}
    play = Play(START, user("a", many(**given)), user("z"), flows("start > a", "a > z"), people=["甲", "乙"], title="t")
    first, second = open_now(play)
    complete(play, first, vote=1)
    complete(play, second, vote=2)
    assert play.values["votes"] == [{"who": "甲", "said": 1, "of": "t"}, {"who": "乙", "said": 2, "of": "t"}]
    assert "vote" not in play.values


def test_an_instance_that_fails_is_stuck_alone():
    """The others go on; repaired, it takes its place in the result."""
    given = {"inputCollection": "=x", "inputElement": "i", "outputCollection": "all", "outputElement": "=r"}
    script = node("scriptTask", "s", zeebe("script", expression="=100 / (i + k)", resultVariable="r"), many(**given))
    play = Play(START, node("parallelGateway", "f"), script, user("u"), user("z"), flows("start > f", "f > s", "f > u", "s > z"), x=[1])
    assert [s.element for s in play.last.stuck] == ["s"]
    play.retried("s", k=1)
    assert play.values["all"] == [50]


def test_a_thousand_instances_are_no_circle():
    """A long list is not taken for a process that goes round without end."""
    play = Play(START, user("a", many(inputCollection="=for i in 1..1200 return i")), flows("start > a"))
    assert not play.last.stuck and len(open_now(play)) == 1200


def test_too_many_instances_are_stopped():
    """Ten thousand at once are enough, also where many begin many; the case can be repaired with a shorter list."""
    play = Play(START, user("a", many(inputCollection="=x")), flows("start > a"), x=[0] * 10_001)
    assert "10000" in play.last.stuck[0].error.message and play.waits == "a"
    play.retried("a", x=[1])
    assert not play.last.stuck
    inner = user("b", many(inputCollection="=x"))
    play = Play(START, sub("p", inner, many(inputCollection="=x")), flows("start > p"), x=[0] * 150)
    assert play.last.stuck and len(open_now(play, "b")) < 11_000


# --- standard loops


@pytest.mark.parametrize(("first", "rounds"), [(False, 3), (True, 2)])
def test_a_loop_runs_while_its_condition_holds(first, rounds):
    """Asked after each round, or also before the first."""
    script = node("scriptTask", "s", zeebe("script", expression="=n + 1", resultVariable="n"), again("n < 3", first=first))
    play = Play(START, script, END, flows("start > s", "s > end"), n=1 if first else 0)
    assert play.last.finished and play.values["n"] == 3 and play.passed.count("s") - play.passed.count("start") == rounds
    if first:
        assert Play(START, script, END, flows("start > s", "s > end"), n=9).values["n"] == 9


def test_a_loop_ends_at_its_maximum():
    """Whatever its condition says; each round knows its number."""
    play = Play(START, user("a", again("true", maximum=2), mapping({"i": "=loopCounter"})), user("z"), flows("start > a", "a > z"))
    play.done("a")
    play.done("a")
    assert play.waits == "z" and [o.inputs["i"] for o in play.seen.opened if o.element == "a"] == [1, 2]


def test_a_loop_of_a_sub_process_sees_what_its_rounds_wrote():
    """Its condition is asked with the variables as they are then; a boundary event ends all rounds."""
    body = (node("startEvent", "ps"), user("b"), flows("ps > b"))
    play = Play(START, sub("p", *body, again("not(ok)")), boundary("t", "p", timer(duration="P1D")), user("late"), user("z"),
                flows("start > p", "p > z", "t > late"))  # fmt: skip
    play.done("b", ok=False)
    assert play.waits == "b t" and [s.instance for s in play.seen.scheduled] == ["t#1"]
    play.done("b", ok=True)
    assert play.waits == "z"


def test_a_loop_or_multi_instance_that_says_nothing_is_refused():
    """Neither condition nor maximum, neither collection nor number."""
    for loop in (again(), many()):
        with pytest.raises(errors.FileRefused):
            Play(START, user("a", loop), flows("start > a"))


def test_a_missing_part_of_a_result_can_be_given():
    """What is corrected is the instance's own variable, from which its result is made."""
    each = many("enough", inputCollection="=[1]", inputElement="n", outputCollection="sums", outputElement="=n + more")
    play = Play(START, user("m", each), END, flows("start > m", "m > end"))
    assert [s.element for s in play.done("m").stuck] == ["m"]
    assert [s.element for s in play.retried("m", more=2).stuck] == ["m"]
    assert play.retried("m", enough=False).finished and play.values == {"sums": [3], "enough": False}
