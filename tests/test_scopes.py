"""Case variables, and who does what by when; each case also restored after every action."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from diagrams import END, NOW, START, Play, both_ways, boundary, event, flows, mapping, node, service, timer, user, zeebe

from engine import errors

__all__ = ["both_ways"]


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
    assert (asked.operation, asked.input, dict(asked.headers), asked.attempts) == (
        "ehr.app_usage",
        {"employee": "KF-017"},
        {"unit": "min"},
        5,
    )
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
    play = Play(START, node("intermediateCatchEvent", "t", timer(**times)), user("a"), flows("start > t", "t > a"), days=3, on="2026-12-02")
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
