"""How cases move: the tokens of BPMN, one diagram per rule; each case also restored after every action."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from diagrams import END, NOW, START, Play, event, flows, mapping, node, service, timer, user, zeebe

from engine import errors


@pytest.fixture(params=[False, True], ids=["live", "restored"], autouse=True)
def restored(request):
    """Every test runs twice: with the live case, and with one that is dumped and restored after every action."""
    original = Play.__init__

    def init(self, *body, **options):
        original(self, *body, restored=request.param, **options)

    Play.__init__ = init
    yield request.param
    Play.__init__ = original


def sub(id: str, *inner: str, **attributes: str) -> str:
    return node("subProcess", id, *inner, **attributes)


def boundary(id: str, host: str, definition: str, *inner: str, interrupting: bool = True) -> str:
    return node("boundaryEvent", id, *inner, definition, attachedToRef=host, cancelActivity=str(interrupting).lower())


# --- tokens


def test_a_row_of_tasks_opens_one_after_the_other():
    """A finished task opens the next; the last one finishes the case."""
    play = Play(START, user("a"), user("b"), END, flows("start > a", "a > b", "b > end"))
    assert play.waits == "a"
    assert play.last.opened[0].groups == ("hr",)
    advance = play.done("a", grade=5)
    assert [o.element for o in advance.opened] == ["b"] and not advance.finished
    advance = play.done("b")
    assert advance.finished and play.values == {"grade": 5}


def test_a_case_without_anybody_runs_through_at_once():
    """Manual and plain tasks wait for nobody."""
    play = Play(START, node("task", "t"), node("manualTask", "m"), END, flows("start > t", "t > m", "m > end"))
    assert play.last.finished and play.passed == "start t m end"


GATE = (START, user("a"), node("exclusiveGateway", "g", default="g_c"), user("b"), user("c"), END)
GATE_FLOWS = flows("start > a", "a > g", "g > b: n > 1", "g > c", "b > end", "c > end")


@pytest.mark.parametrize(("n", "expected"), [(2, "b"), (1, "c")])
def test_an_exclusive_gateway_takes_the_true_flow_or_the_default(n, expected):
    """Exactly one flow is taken, and it is written down which."""
    play = Play(*GATE, GATE_FLOWS)
    advance = play.done("a", n=n)
    assert play.waits == expected
    assert [p.detail for p in advance.passed if p.element == "g"] == [{"flows": [f"g_{expected}"]}]


def test_a_condition_that_fails_leaves_the_completion_standing():
    """The task stays done; the gateway is stuck until somebody gives the missing value."""
    play = Play(*GATE, GATE_FLOWS)
    advance = play.done("a")
    assert [(s.element, type(s.error)) for s in advance.stuck] == [("g", errors.FeelError)]
    assert play.waits == "g"
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)
    advance = play.retried("g")
    assert len(advance.stuck) == 1 and play.waits == "g"
    play.retried("g", n=3)
    assert play.waits == "b"


def test_a_gateway_without_a_true_flow_is_stuck():
    """No condition true and no default: an incident, never a silent end."""
    play = Play(START, node("exclusiveGateway", "g"), user("b"), user("c"), flows("start > g", "g > b: n > 1", "g > c: n > 2"), n=0)
    assert isinstance(play.last.stuck[0].error, errors.FlowStuck) and play.waits == "g"


@pytest.mark.parametrize("order", ["abc", "cba", "bac", "acb"])
def test_a_parallel_join_waits_for_every_branch(order):
    """Whatever the order of the branches, the join opens once, after the last."""
    tasks = [user(x) for x in "abc"]
    play = Play(START, node("parallelGateway", "f"), *tasks, node("parallelGateway", "j"), user("z"), END,
                flows("start > f", *(f"f > {x}" for x in "abc"), *(f"{x} > j" for x in "abc"), "j > z", "z > end"))  # fmt: skip
    for x in order:
        assert "z" not in play.waits
        play.done(x)
    assert play.waits == "z"
    assert play.done("z").finished


@pytest.mark.parametrize("rounds", ["ab", "ba"])
def test_a_parallel_join_in_a_loop_waits_in_every_round(rounds):
    """The branch of the first round does not count in the second, in either order."""
    play = Play(START, node("exclusiveGateway", "m"), node("parallelGateway", "f"), user("a"), user("b"), node("parallelGateway", "j"),
                user("z"), node("exclusiveGateway", "g", default="g_end"), END,
                flows("start > m", "m > f", "f > a", "f > b", "a > j", "b > j", "j > z", "z > g", "g > m: again", "g > end"))  # fmt: skip
    for _ in range(3):
        for first in rounds:
            assert first in play.waits
            play.done(first)
        assert play.waits == "z"
        play.done("z", again=True)
        assert play.waits == "a b"
        play.done("b")
        assert play.waits == "a"
        play.done("a")
        play.done("z", again=True)
    for first in rounds:
        play.done(first)
    assert play.done("z", again=False).finished


def test_a_join_keeps_a_second_token_of_the_same_flow_for_the_next_time():
    """Two tokens on one flow and one on the other make one passage; the spare token waits for its partner."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), user("c"), node("exclusiveGateway", "m"),
                node("parallelGateway", "j"),
                user("z"), flows("start > f", "f > a", "f > b", "f > c", "a > m", "b > m", "m > j", "c > j", "j > z"))  # fmt: skip
    play.done("a")
    play.done("b")
    assert play.waits == "c"
    play.done("c")
    assert play.waits == "z"
    advance = play.done("z")
    assert [s.element for s in advance.stuck] == ["j"], "the spare token can never be joined, and that is said"


@pytest.mark.parametrize(("n", "expected"), [(1, "a"), (2, "a b"), (0, "c")])
def test_an_inclusive_gateway_takes_every_true_flow_and_joins_what_was_taken(n, expected):
    """The join waits for exactly the branches that were started."""
    play = Play(START, node("inclusiveGateway", "f", default="f_c"), user("a"), user("b"), user("c"), node("inclusiveGateway", "j"),
                user("z"),
                END, flows("start > f", "f > a: n > 0", "f > b: n > 1", "f > c", "a > j", "b > j", "c > j", "j > z", "z > end"),
                n=n)  # fmt: skip
    assert play.waits == expected
    for element in expected.split():
        assert "z" not in play.waits
        play.done(element)
    assert play.waits == "z"
    assert play.done("z").finished


def test_an_inclusive_join_waits_for_a_branch_that_may_still_turn_towards_it():
    """A token that can reach the join along a flow without token is waited for, even if it then goes elsewhere."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("exclusiveGateway", "x", default="x_end2"), user("c"),
                node("inclusiveGateway", "j"), user("z"), END, node("endEvent", "end2"),
                flows("start > f", "f > a", "f > b", "a > j", "b > x", "x > c: on", "x > end2", "c > j", "j > z", "z > end"))  # fmt: skip
    play.done("a")
    assert play.waits == "b"
    play.done("b", on=False)
    assert play.waits == "z"
    assert play.done("z").finished


def test_an_inclusive_join_does_not_wait_for_a_token_that_may_come_along_a_served_flow():
    """What can still reach the join the way another token already came need not come the other way (BPMN 2.0.2, 13.4.3)."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("exclusiveGateway", "x", default="x_m"),
                node("exclusiveGateway", "m"), user("c"), node("inclusiveGateway", "j"), user("z"),
                flows("start > f", "f > a", "f > b", "a > m", "m > j", "b > x", "x > m", "x > c: on", "c > j", "j > z"))  # fmt: skip
    play.done("a")
    assert play.waits == "b z"


@pytest.mark.parametrize(("k", "expected"), [(2, "b"), (3, "b d"), (0, "c")])
def test_conditional_flows_may_leave_a_task(k, expected):
    """Conditions on flows of a task work like an inclusive gateway, its default included."""
    play = Play(START, user("a", default="a_c"), user("b"), user("c"), user("d"), flows("start > a", "a > b: k > 1", "a > c",
                "a > d: k > 2"))
    play.done("a", k=k)
    assert play.waits == expected


def test_several_flows_leave_a_task_at_once():
    """Unconditional flows are taken together, beside a true conditional one."""
    play = Play(START, user("a"), user("b"), user("c"), user("d"), flows("start > a", "a > b", "a > c", "a > d: k > 2"))
    play.done("a", k=3)
    assert play.waits == "b c d"


def test_a_failing_condition_on_a_task_sticks_after_the_task():
    """The values are kept, the task is not done twice."""
    play = Play(START, user("a"), user("b"), user("c"), flows("start > a", "a > b: k > 1", "a > c: k < 2"))
    advance = play.done("a", other=1)
    assert [s.element for s in advance.stuck] == ["a"] and play.values == {"other": 1}
    with pytest.raises(errors.FlowStuck):
        play.done("a")
    play.retried("a", k=1)
    assert play.waits == "c" and [o.element for o in play.seen.opened] == ["a", "c"]


def test_a_loop_counts_its_rounds():
    """Each visit of an element is an instance of its own."""
    play = Play(START, user("a"), node("exclusiveGateway", "g", default="g_end"), END, flows("start > a", "a > g", "g > a: again",
                "g > end"))
    for _ in range(3):
        play.done("a", again=True)
    assert [(o.instance, o.activation) for o in play.seen.opened] == [("a#1", 1), ("a#2", 2), ("a#3", 3), ("a#4", 4)]
    assert play.done("a", again=False).finished


def test_an_endless_circle_of_automatic_elements_is_stopped():
    """It becomes an incident instead of a process that never answers."""
    play = Play(START, node("task", "t"), node("task", "u"), flows("start > t", "t > u", "u > t"))
    assert "circle" in play.last.stuck[0].error.message and len(play.waits.split()) == 1


def test_a_circle_through_a_timer_is_no_problem():
    """Task, timer, same task: nothing is foreseen without end."""
    play = Play(START, user("a"), node("intermediateCatchEvent", "t", timer(duration="P1D")), flows("start > a", "a > t", "t > a"))
    for _ in range(3):
        play.done("a")
        assert play.waits == "t"
        play.fired("t")
        assert play.waits == "a"


def test_link_events_join_two_halves():
    """Two throws lead to one catch."""
    throws = [node("intermediateThrowEvent", x, event("link", name="L")) for x in ("t1", "t2")]
    catch = node("intermediateCatchEvent", "l", event("link", name="L"))
    for n, throw in ((1, "t1"), (2, "t2")):
        play = Play(START, node("exclusiveGateway", "g", default="g_t2"), *throws, catch, user("b"),
                    flows("start > g", "g > t1: n = 1", "g > t2", "l > b"), n=n)  # fmt: skip
        assert play.waits == "b" and play.passed == f"start g {throw} l"


# --- data


def test_parallel_writes_to_one_variable_are_named():
    """The last write wins; what it overwrote unseen is said. The same write after reading is nothing special."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("parallelGateway", "j"), user("c"),
                flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > c"))  # fmt: skip
    play.done("a", v="from a", only_a=1)
    advance = play.done("b", v="from b", only_b=2)
    assert [(w.name, w.over) for w in advance.written] == [("v", "a"), ("only_b", None)]
    assert play.values == {"v": "from b", "only_a": 1, "only_b": 2}
    assert [(w.name, w.over) for w in play.done("c", v="from c").written] == [("v", None)]


def test_an_untouched_old_value_never_comes_back():
    """A join merges nothing: what one branch wrote stays, whichever branch comes last."""
    for order in ("ab", "ba"):
        play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("parallelGateway", "j"), user("c"),
                    flows("start > f", "f > a", "f > b", "a > j", "b > j", "j > c"), v="OLD", exams=[58, 58, 58])  # fmt: skip
        for x in order:
            play.done(x, **({"v": "NEW", "exams": [60]} if x == "b" else {}))
        assert play.values == {"v": "NEW", "exams": [60]}


def test_values_are_copied_at_the_border():
    """Changing an object afterwards changes nothing in the case."""
    given = {"name": "林小北", "exams": [58, 52, 55]}
    play = Play(START, user("a"), flows("start > a"), subject=given)
    given["exams"].append(100)
    play.values["subject"]["exams"].append(100)
    assert play.values["subject"]["exams"] == [58, 52, 55]


@pytest.mark.parametrize("value", [dt.date(2026, 1, 1), {1: 2}, float("nan"), 2**53, {"deep": [object()]}, (1, 2)])
def test_only_json_is_stored(value):
    """Anything else is refused with the variable's name, and the task stays open."""
    play = Play(START, user("a"), flows("start > a"))
    with pytest.raises(errors.ValueRefused, match="thing"):
        play.done("a", good=1, thing=value)
    assert play.waits == "a" and play.values == {}
    play.done("a", good=1)


def test_inputs_are_local_and_outputs_alone_leave():
    """The input mapping makes a local scope; with an output mapping nothing else leaves the task."""
    play = Play(START, user("a", mapping({"shown": "=n + 1"}, {"kept": "=shown + typed", "plan.text": "=note"})), user("b"),
                flows("start > a", "a > b"), n=1, plan={"by": "hr"})  # fmt: skip
    assert play.last.opened[0].inputs == {"shown": 2}
    assert play.execution.variables(play.instance("a")) == {"n": 1, "shown": 2, "plan": {"by": "hr"}}
    play.done("a", typed=5, note="x")
    assert play.values == {"n": 1, "kept": 7, "plan": {"by": "hr", "text": "x"}}


def test_a_failing_output_keeps_what_was_typed():
    """The completion is not undone: the outputs are evaluated again with what was entered."""
    play = Play(START, user("a", mapping(outputs={"kept": "=typed + missing"})), user("b"), flows("start > a", "a > b"))
    advance = play.done("a", typed=5)
    assert [s.element for s in advance.stuck] == ["a"]
    play.retried("a", missing=2)
    assert play.waits == "b" and play.values["kept"] == 7


def test_a_failing_input_keeps_the_task_from_opening():
    """The element is stuck, and opens once the value is there."""
    play = Play(START, user("a", mapping({"x": "=missing + 1"})), flows("start > a"))
    assert not play.last.opened and play.waits == "a"
    advance = play.retried("a", missing=1)
    assert advance.opened[0].inputs == {"x": 2} and advance.opened[0].instance == "a#1"


def test_a_service_task_asks_for_an_operation():
    """Inputs, headers and attempts are handed over; without a mapping the answer's keys become variables."""
    play = Play(START, node("serviceTask", "s", zeebe("taskDefinition", type="ehr.app_usage", retries="5"),
                mapping({"employee": "=subject.id"}), zeebe("taskHeaders", zeebe("header", key="unit", value="min"))), END,
                flows("start > s", "s > end"), subject={"id": "KF-017"})  # fmt: skip
    [asked] = play.last.requested
    assert (asked.operation, asked.input, dict(asked.headers), asked.attempts) == ("ehr.app_usage", {"employee": "KF-017"},
                {"unit": "min"}, 5)
    assert play.answered("s", {"rows": [1, 2]}).finished
    assert play.values["rows"] == [1, 2] and "employee" not in play.values


@pytest.mark.parametrize(
    ("extra", "answer", "kept"),
    [
        (mapping(outputs={"usage": "=result", "first": "=rows[1]"}), {"rows": [7]}, {"usage": {"rows": [7]}, "first": 7}),
        (zeebe("taskHeaders", zeebe("header", key="resultVariable", value="usage")), [1], {"usage": [1]}),
        ("", [1], {}),
        ("", None, {}),
    ],
)
def test_where_an_answer_goes(extra, answer, kept):
    """By output mapping, under the header resultVariable, or nowhere if it is no object."""
    play = Play(START, service("s", *([extra] if extra else [])), flows("start > s"))
    play.answered("s", answer)
    assert play.values == kept


def test_a_script_is_feel():
    """Its result is kept under its name and written down."""
    script = node("scriptTask", "s", zeebe("script", expression="=count(exams[item < 60])", resultVariable="failed"))
    play = Play(START, script, user("a"), flows("start > s", "s > a"), exams=[58, 52, 61])
    assert play.values["failed"] == 2
    assert [p.detail for p in play.last.passed if p.element == "s"] == [{"result": 2}]


DMN = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x">
<decision id="allowed" name="allowed"><decisionTable id="t" hitPolicy="FIRST">
<input id="i"><inputExpression id="ie" typeRef="string"><text>ground</text></inputExpression></input>
<output id="o" name="result" typeRef="string"/>
<rule id="r1"><inputEntry id="a1"><text>"39-1"</text></inputEntry><outputEntry id="b1"><text>"allowed"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="a2"><text>-</text></inputEntry><outputEntry id="b2"><text>"blocked"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def test_a_decision_is_taken_inside():
    """The result stands under its variable; inputs and matched rules are written down."""
    task = node("businessRuleTask", "check", zeebe("calledDecision", decisionId="allowed", resultVariable="law"))
    play = Play(START, task, user("a"), flows("start > check", "check > a"), files={"law.dmn": DMN.encode()}, ground="39-1")
    assert play.values["law"] == "allowed"
    [detail] = [p.detail for p in play.last.passed if p.element == "check"]
    assert detail == {"decision": "allowed", "inputs": {"ground": "39-1"}, "matched": ["r1"], "value": "allowed"}


def test_a_decision_without_its_input_is_stuck():
    """A missing input is an incident, never a silent null."""
    task = node("businessRuleTask", "check", zeebe("calledDecision", decisionId="allowed", resultVariable="law"))
    play = Play(START, task, user("a"), flows("start > check", "check > a"), files={"law.dmn": DMN.encode()})
    assert isinstance(play.last.stuck[0].error, errors.DecisionFailed)
    play.retried("check", ground="40-1")
    assert play.values["law"] == "blocked"


@pytest.mark.parametrize("name", ["subject", "initiator", "case"])
def test_nobody_writes_what_the_engine_gives(name):
    """No form and no answer of an outside system changes whom the case is about; an administrator may correct it."""
    play = Play(START, service("s"), user("a", mapping(outputs={"x": "=1"})), flows("start > s", "s > a"), **{name: {"id": "1"}})
    with pytest.raises(errors.ValueRefused, match=name):
        play.answered("s", {name: {"id": "2"}})
    play.answered("s", {"other": 1})
    with pytest.raises(errors.ValueRefused, match=name):
        play.done("a", **{name: {"id": "2"}})
    assert play.values[name] == {"id": "1"}
    play.noted(play.execution.set_variables({name: {"id": "3"}}, now=NOW))
    assert play.values[name] == {"id": "3"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {file}') = 0",
        "().__class__.__base__.__subclasses__()[0]",
        "exec('open({file!r}, \"w\")')",
        "open('{file}','w')",
    ],
)
def test_python_in_a_diagram_is_never_run(text, tmp_path):
    """Neither as a condition nor as a script, timer or assignment, before and after a restore: it is FEEL, and bad FEEL."""
    text = text.replace("{file!r}", f"'{tmp_path}/made'").replace("{file}", f"{tmp_path}/made")
    play = Play(
        START, node("parallelGateway", "f"),
        user("a"), node("exclusiveGateway", "g", default="g_b"), user("b"),
        node("scriptTask", "s", zeebe("script", expression=f"={text}", resultVariable="x")),
        node("intermediateCatchEvent", "t", timer(duration=f"={text}")),
        node("userTask", "u", zeebe("assignmentDefinition", assignee=f"={text}")),
        flows("start > f", "f > a", "f > s", "f > t", "f > u", "a > g", f"g > a: {text}", "g > b"),
    )  # fmt: skip
    assert play.last.stuck
    play.done("a")
    for element in ("g", "s", "t", "u"):
        if element in play.waits.split():
            with suppress(errors.NotFound):
                play.retried(element)
    assert not list(tmp_path.iterdir())


def test_an_end_event_may_call_an_operation():
    """A message end event with a job type waits for the answer before it ends."""
    end = node("endEvent", "tell", event("message"), zeebe("taskDefinition", type="mail.send"))
    play = Play(START, end, flows("start > tell"))
    assert play.last.requested[0].operation == "mail.send" and not play.last.finished
    assert play.answered("tell").finished


# --- who does it, and by when


def test_who_does_a_task_is_literal_or_feel():
    """Lists with commas, FEEL lists, chains, priorities and due times."""
    task = node("userTask", "a", zeebe("assignmentDefinition", assignee="=lead.id", candidateGroups="hr, legal",
                candidateUsers='=["LG-001"]'),
                zeebe("taskSchedule", dueDate="2026-12-01"), zeebe("priorityDefinition", priority="=40 + 30"),
                zeebe("properties", zeebe("property", name="wf.chain", value="two-step")))  # fmt: skip
    [opened] = Play(START, task, flows("start > a"), lead={"id": "KF-002"}).last.opened
    assert (opened.assignee, opened.groups, opened.persons) == ("KF-002", ("hr", "legal"), ("LG-001",))
    assert opened.due == dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC) and opened.priority == 70 and opened.chain == "two-step"


def test_what_is_for_the_subject_goes_to_the_subject():
    """`wf.for = subject` assigns the employee concerned."""
    task = node("userTask", "a", zeebe("properties", zeebe("property", name="wf.for", value="subject")))
    assert Play(START, task, flows("start > a"), subject={"id": "KF-017"}).last.opened[0].assignee == "KF-017"


@pytest.mark.parametrize(
    ("times", "due"),
    [
        ({"duration": "PT36H"}, NOW + dt.timedelta(hours=36)),
        ({"duration": '=duration("P" + string(days) + "D")'}, NOW + dt.timedelta(days=3)),
        ({"duration": "P1M"}, dt.datetime(2026, 12, 24, 8, tzinfo=dt.UTC)),
        ({"date": "2026-12-01"}, dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC)),
        ({"date": "=date(on)"}, dt.datetime(2026, 12, 1, 16, tzinfo=dt.UTC)),
        ({"date": "2026-12-01T09:30:00+08:00"}, dt.datetime(2026, 12, 1, 1, 30, tzinfo=dt.UTC)),
        ({"date": "2020-01-01"}, NOW),
        ({"cycle": "R3/PT24H"}, NOW + dt.timedelta(days=1)),
    ],
)
def test_when_a_timer_is_due(times, due):
    """ISO text or FEEL, from the time that is passed in; a date is 00:00 in Shanghai, the past is now."""
    play = Play(START, node("intermediateCatchEvent", "t", timer(**times)), user("a"), flows("start > t", "t > a"), days=3,
                on="2026-12-02")
    assert [s.due for s in play.last.scheduled] == [due]
    play.fired("t")
    assert play.waits == "a"


def test_a_timer_that_cannot_be_read_is_stuck():
    """It can be repaired with a corrected variable."""
    play = Play(START, node("intermediateCatchEvent", "t", timer(duration="=wait")), flows("start > t"), wait="soon")
    assert [s.element for s in play.last.stuck] == ["t"]
    play.retried("t", wait="PT1H")
    assert play.seen.scheduled[0].due == NOW + dt.timedelta(hours=1)


def test_a_boundary_timer_that_cannot_be_read_is_stuck_beside_its_task():
    """The task is open meanwhile; the timer runs once its cause is repaired."""
    play = Play(START, user("a"), boundary("t", "a", timer(duration="=wait")), user("late"), flows("start > a", "t > late"))
    assert [s.element for s in play.last.stuck] == ["t"] and [o.element for o in play.last.opened] == ["a"]
    play.retried("t", wait="P1D")
    assert play.seen.scheduled[0].due == NOW + dt.timedelta(days=1)
    play.fired("t")
    assert play.waits == "late"


def test_a_timer_on_a_task_sees_its_inputs():
    """The local variables of the activity count for its boundary events."""
    play = Play(START, user("a", mapping({"wait": '="P2D"'})), boundary("t", "a", timer(duration="=wait")), user("late"),
                flows("start > a", "t > late"))  # fmt: skip
    assert play.last.scheduled[0].due == NOW + dt.timedelta(days=2)


# --- boundary events


def test_an_interrupting_timer_ends_the_task():
    """The task is left by the timer's doing; the other way round the timer is left."""
    body = (START, user("a"), user("b"), user("late"), boundary("t", "a", timer(duration="P3D")), flows("start > a", "a > b", "t > late"))
    play = Play(*body)
    assert play.waits == "a t"
    advance = play.fired("t")
    assert play.waits == "late" and [(x.element, x.by) for x in advance.left] == [("a", "t")]
    play = Play(*body)
    advance = play.done("a")
    assert play.waits == "b" and [(x.element, x.by) for x in advance.left] == [("t", "a")]


def test_a_repeating_reminder_leaves_the_task_open():
    """R3: three reminders at regular times, then silence; each runs its own branch."""
    play = Play(START, user("a"), node("task", "remind"), node("endEvent", "e2"), END,
                boundary("t", "a", timer(cycle="R3/PT24H"), interrupting=False),
                flows("start > a", "a > end", "t > remind", "remind > e2"))  # fmt: skip
    for day in (1, 2, 3):
        assert play.seen.scheduled[-1].due == NOW + dt.timedelta(days=day)
        play.now = NOW + dt.timedelta(days=day, minutes=5)
        play.fired("t")
    assert play.waits == "a" and play.passed.count("remind") == 3
    assert [s.activation for s in play.seen.scheduled] == [1, 2, 3]
    assert play.done("a").finished


def test_missed_repetitions_are_not_made_up_for():
    """After a week of standstill there is one reminder, and the next one interval later."""
    play = Play(START, user("a"), boundary("t", "a", timer(cycle="R/P1D"), interrupting=False), node("task", "r"), flows("start > a",
                "t > r"))
    play.now = NOW + dt.timedelta(days=7, hours=1)
    play.fired("t")
    assert play.seen.scheduled[-1].due == play.now + dt.timedelta(days=1)


def test_branches_of_reminders_outlive_the_task():
    """What a non-interrupting event started goes on when the task is done."""
    play = Play(START, user("a"), user("b"), user("ask"), END, boundary("t", "a", timer(cycle="R/P1D"), interrupting=False),
                flows("start > a", "a > b", "t > ask", "b > end"))  # fmt: skip
    play.fired("t")
    play.fired("t")
    assert play.waits == "a ask ask t"
    play.done("a")
    assert play.waits == "ask ask b"
    play.done("ask")
    play.done("b")
    assert play.waits == "ask" and play.done("ask").finished


def test_a_task_with_a_boundary_event_in_a_loop():
    """Each round has its own timer; an old one cannot fire."""
    play = Play(START, user("a"), node("exclusiveGateway", "g", default="g_end"), END, user("late"), boundary("t", "a",
                timer(duration="P3D")),
                flows("start > a", "a > g", "g > a: again", "g > end", "t > late", "late > a"))  # fmt: skip
    play.done("a", again=True)
    assert play.waits == "a t" and play.instance("t") == "t#2"
    with pytest.raises(errors.NotFound):
        play.execution.fire("t#1", now=NOW)
    play.fired("t")
    assert play.waits == "late"
    play.done("late")
    assert play.waits == "a t"
    play.fired("t")
    play.done("late")
    assert play.done("a", again=False).finished


NAMED = (
    '<bpmn:error id="E" name="系统故障" errorCode="DOWN"/><bpmn:escalation id="X" name="升级" escalationCode="UP"/>'
    '<bpmn:signal id="G" name="stop"/>'
)


def test_an_error_of_an_operation_goes_to_its_boundary_event():
    """By code; one that catches all takes the rest, whichever is drawn first; without a catcher nothing happens."""
    one, rest = boundary("e1", "s", event("error", errorRef="E")), boundary("e2", "s", event("error"))
    for events in ((one, rest), (rest, one)):
        body = (START, service("s"), user("known"), user("other"), *events, flows("start > s", "e1 > known", "e2 > other"))
        play = Play(*body, named=NAMED)
        advance = play.failed("s", "DOWN")
        assert play.waits == "known" and [(x.element, x.by) for x in advance.left] == [("s", "e1")]
        play = Play(*body, named=NAMED)
        play.failed("s", "ELSE")
        assert play.waits == "other"
    play = Play(START, service("s"), user("known"), one, flows("start > s", "e1 > known"), named=NAMED)
    assert play.failed("s", "ELSE") is None and play.waits == "s"


def test_what_an_error_says_can_be_kept():
    """The boundary event's output mapping sees code and message."""
    play = Play(START, service("s"), user("a"), boundary("e", "s", event("error"),
                mapping(outputs={"why": '=errorCode + ": " + errorMessage'})),
                flows("start > s", "e > a"))  # fmt: skip
    play.failed("s", "DOWN")
    assert play.values == {"why": "DOWN: said so"}


SUB = sub("p", node("startEvent", "ps"), user("a"), user("b"), node("endEvent", "pe"), flows("ps > a", "a > b", "b > pe"))


def test_a_sub_process_is_a_step_of_its_own():
    """Its body runs to the end, then the flow behind it goes on; variables are the case's."""
    play = Play(START, SUB, user("z"), END, flows("start > p", "p > z", "z > end"))
    play.done("a", v=1)
    play.done("b")
    assert play.waits == "z" and play.values == {"v": 1}
    assert play.passed == "start ps pe p"
    assert play.done("z").finished


def test_a_sub_process_without_events_begins_where_nothing_leads_to():
    """Missing start and end events are as if drawn."""
    play = Play(START, sub("p", user("a"), user("b"), user("c"), flows("a > b")), user("z"), flows("start > p", "p > z"))
    assert play.waits == "a c"
    for x in "acb":
        play.done(x)
    assert play.waits == "z"


def test_a_sub_process_has_its_own_inputs():
    """They are local; its outputs leave it."""
    play = Play(START, sub("p", mapping({"x": "=n * 2"}, {"y": "=x + 1"}), user("a", mapping({"seen": "=x"})), user("b"), flows("a > b")),
                user("z"), flows("start > p", "p > z"), n=4)  # fmt: skip
    assert play.last.opened[0].inputs == {"seen": 8}
    play.done("a")
    play.done("b", x=10)
    assert play.values == {"n": 4, "y": 11}


def test_a_timer_on_a_sub_process_ends_all_of_it():
    """Nested scopes, too: everything inside is left."""
    inner = sub("q", user("c"), boundary("tc", "c", timer(duration="P1D")), user("lc"), flows("tc > lc"))
    play = Play(START, sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), inner, flows("ps > f", "f > a",
                "f > q")),
                boundary("t", "p", timer(duration="P3D")), user("late"), END, flows("start > p", "t > late", "late > end",
                "p > end"))  # fmt: skip
    assert play.waits == "a c t tc"
    advance = play.fired("t")
    assert play.waits == "late" and {(x.element, x.by) for x in advance.left} == {("a", "t"), ("c", "t"), ("tc", "t")}
    assert play.done("late").finished


def test_a_sub_process_in_a_loop():
    """Its body starts anew in every round."""
    play = Play(START, SUB, node("exclusiveGateway", "g", default="g_end"), END, flows("start > p", "p > g", "g > p: again", "g > end"))
    for again in (True, True, False):
        play.done("a", again=again)
        advance = play.done("b")
    assert advance.finished and [o.instance for o in play.seen.opened] == ["a#1", "b#1", "a#2", "b#2", "a#3", "b#3"]


def test_an_error_end_event_goes_outwards_to_the_nearest_catcher():
    """Over a scope that does not catch it, and ends everything inside the one that does."""
    fail = node("endEvent", "fail", event("error", errorRef="E"))
    inner = sub("q", node("startEvent", "qs"), user("c"), fail, flows("qs > c", "c > fail"))
    play = Play(START, sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), inner, flows("ps > f", "f > a",
                "f > q")),
                boundary("e", "p", event("error", errorRef="E")), user("repair"), flows("start > p", "e > repair"),
                named=NAMED)  # fmt: skip
    advance = play.done("c")
    assert play.waits == "repair" and [(x.element, x.by) for x in advance.left] == [("a", "e")]
    assert "fail" in play.passed


def test_an_error_nobody_catches_is_stuck():
    """It never ends the case silently."""
    play = Play(START, user("a"), node("endEvent", "fail", event("error", errorRef="E")), flows("start > a", "a > fail"), named=NAMED)
    advance = play.done("a")
    assert "catches" in advance.stuck[0].error.message and not advance.finished
    assert len(play.retried("fail").stuck) == 1


def test_a_job_error_leaves_the_sub_process():
    """An operation's error goes to the boundary event of an enclosing sub-process."""
    play = Play(START, sub("p", service("s"), user("a")), boundary("e", "p", event("error")), user("repair"), flows("start > p",
                "e > repair"))
    assert play.waits == "a s"
    play.failed("s", "X")
    assert play.waits == "repair"


@pytest.mark.parametrize("interrupting", [False, True])
def test_an_escalation_tells_the_scope_around(interrupting):
    """Non-interrupting: both go on, every time. Interrupting: the sub-process ends."""
    up = node("intermediateThrowEvent", "up", event("escalation", escalationRef="X"))
    play = Play(START, sub("p", node("startEvent", "ps"), user("a"), up, user("b"), flows("ps > a", "a > up", "up > b", "b > a")),
                boundary("e", "p", event("escalation", escalationRef="X"), interrupting=interrupting), user("told"),
                flows("start > p", "e > told"), named=NAMED)  # fmt: skip
    play.done("a")
    assert play.waits == ("told" if interrupting else "b told")
    if not interrupting:
        play.done("b")
        play.done("a")
        assert play.waits == "b told told"


def test_an_escalation_nobody_catches_goes_on():
    """That is BPMN's rule for escalations, unlike errors."""
    play = Play(START, node("intermediateThrowEvent", "up", event("escalation", escalationRef="X")), user("a"), flows("start > up",
                "up > a"),
                named=NAMED)  # fmt: skip
    assert play.waits == "a"


def test_a_signal_reaches_everything_in_the_case_that_waits_for_it():
    """Boundary events and intermediate ones, in all scopes."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("t"), node("intermediateThrowEvent", "throw", event("signal",
                signalRef="G")),
                boundary("sa", "a", event("signal", signalRef="G"), interrupting=False), user("told"),
                sub("p", node("intermediateCatchEvent", "c", event("signal", signalRef="G")), user("b"), flows("c > b")), user("z"),
                flows("start > f", "f > a", "f > t", "f > p", "t > throw", "throw > z", "sa > told"), named=NAMED)  # fmt: skip
    assert play.waits == "a c sa t"
    play.done("t")
    assert play.waits == "a b sa told z"


def test_a_signal_end_event_throws():
    """SpiffWorkflow alone would stay silent."""
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), node("endEvent", "e", event("signal", signalRef="G")),
                boundary("s", "b", event("signal", signalRef="G")), user("told"),
                flows("start > f", "f > a", "f > b", "a > e", "s > told"), named=NAMED)  # fmt: skip
    play.done("a")
    assert play.waits == "told"


def test_an_event_based_gateway_takes_what_comes_first():
    """The other events stop waiting."""
    play = Play(START, node("eventBasedGateway", "g"), node("intermediateCatchEvent", "t1", timer(duration="P1D")),
                node("intermediateCatchEvent", "t2", timer(duration="P2D")), user("a"), user("b"), END,
                flows("start > g", "g > t1", "g > t2", "t1 > a", "t2 > b", "a > end", "b > end"))  # fmt: skip
    assert play.waits == "t1 t2"
    advance = play.fired("t2")
    assert play.waits == "b" and [(x.element, x.by) for x in advance.left] == [("t1", "t2")]
    assert play.done("b").finished


# --- the end


def test_a_terminate_end_event_ends_its_scope():
    """At the top it ends the case, inside a sub-process only that."""
    stop = node("endEvent", "stop", event("terminate"), zeebe("properties", zeebe("property", name="wf.outcome", value="rejected")))
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), stop, flows("start > f", "f > a", "f > b", "a > stop"))
    advance = play.done("a")
    assert advance.finished and advance.outcome == "rejected" and [(x.element, x.by) for x in advance.left] == [("b", "stop")]
    inside = sub("p", node("startEvent", "ps"), node("parallelGateway", "f"), user("a"), user("b"), node("endEvent", "stop",
                event("terminate")),
                 flows("ps > f", "f > a", "f > b", "a > stop"))  # fmt: skip
    play = Play(START, inside, user("z"), flows("start > p", "p > z"))
    advance = play.done("a")
    assert play.waits == "z" and [x.element for x in advance.left] == ["b"]


def test_the_outcome_is_that_of_the_end_that_finished_the_case():
    """An earlier end of another branch does not count."""
    ends = [node("endEvent", f"e{x}", zeebe("properties", zeebe("property", name="wf.outcome", value=x))) for x in "ab"]
    play = Play(START, node("parallelGateway", "f"), user("a"), user("b"), *ends, flows("start > f", "f > a", "f > b", "a > ea",
                "b > eb"))
    assert play.done("b").outcome is None
    assert play.done("a").outcome == "a"


def test_a_cancelled_case_leaves_everything():
    """Nothing waits afterwards, and nothing can be done any more."""
    play = Play(START, node("parallelGateway", "f"), user("a"), SUB.replace('"a"', '"pa"').replace("ps_a", "ps_pa").replace('"a_b"',
                '"pa_b"'),
                boundary("t", "a", timer(duration="P1D")), user("x"), flows("start > f", "f > a", "f > p", "t > x"))  # fmt: skip
    advance = play.noted(play.execution.cancel(now=NOW))
    assert advance.finished and {x.element for x in advance.left} == {"a", "pa", "t"} and play.waits == ""
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)


def test_an_instance_that_is_not_open_is_not_found():
    """The second of two completions gets a true answer."""
    play = Play(START, user("a"), user("b"), flows("start > a", "a > b"))
    play.done("a")
    with pytest.raises(errors.NotFound):
        play.execution.complete("a#1", {}, now=NOW)


def test_corrected_variables_are_written_down():
    """A person's correction goes to the process scope."""
    play = Play(START, user("a"), flows("start > a"), n=1)
    advance = play.noted(play.execution.set_variables({"n": 2}, now=NOW))
    assert [(w.name, w.element) for w in advance.written] == [("n", "process")] and play.values == {"n": 2}
