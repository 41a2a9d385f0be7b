"""What is read from a diagram: names in two languages, lanes, settings word for word."""

from __future__ import annotations

from diagrams import END, HEAD, START, diagram, event, flows, mapping, node, timer, user, zeebe

from engine.bpmn.model import Called, Multi, Repeat, Timer
from engine.bpmn.parser import processes
from engine.bpmn.reader import read_xml


def read(*body: str, **options: str):
    [process] = processes(read_xml(diagram(*body, **options), "x.bpmn"), "x.bpmn")
    return process


def test_settings_are_kept_word_for_word():
    """Properties, headers, mappings and every other extension value, with their leading "="."""
    task = user(
        "a",
        zeebe("formDefinition", formId="report"),
        zeebe("properties", zeebe("property", name="wf.name.en", value="Report"), zeebe("property", name="wf.chain", value="two")),
        zeebe("taskHeaders", zeebe("header", key="unit", value="min")),
        mapping({"x": "=1 + 1"}, {"y.z": "=x"}),
        name="提报\n 异常",
    )
    element = read(START, task, flows("start > a")).elements["a"]
    assert (element.name, element.name_en, element.title) == ("提报 异常", "Report", "提报 异常")
    assert element.properties["wf.chain"] == "two" and element.headers == {"unit": "min"}
    assert element.inputs == (("x", "=1 + 1"),) and element.outputs == (("y.z", "=x"),)
    assert element.form == "report"
    assert element.extensions["assignmentDefinition.candidateGroups"] == "hr"


def test_lanes_hold_their_elements_and_what_is_inside_those():
    """An element of a sub-process lies in the lane of the sub-process."""
    lanes = (
        '<bpmn:laneSet id="lanes"><bpmn:lane id="l1" name="人事"><bpmn:flowNodeRef>part</bpmn:flowNodeRef></bpmn:lane>'
        '<bpmn:lane id="l2" name="法务"><bpmn:flowNodeRef>b</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>'
    )
    process = read(lanes, START, node("subProcess", "part", user("a")), user("b"), flows("start > part", "part > b"))
    assert [process.elements[id].lane for id in ("part", "a", "b", "start")] == ["人事", "人事", "法务", None]
    assert [(lane.name, lane.elements) for lane in process.lanes] == [("人事", ("part",)), ("法务", ("b",))]


def test_events_say_what_they_wait_for():
    """Kind, code or name, time, and whether they interrupt."""
    process = read(
        START,
        user("a"),
        node("boundaryEvent", "t", timer(cycle="R3/PT24H"), attachedToRef="a", cancelActivity="false"),
        node("boundaryEvent", "e", event("error", errorRef="E"), attachedToRef="a", cancelActivity="false"),
        node("endEvent", "stop", event("terminate")),
        flows("start > a", "a > stop"),
        named='<bpmn:error id="E" name="故障" errorCode="DOWN"/>',
    )
    assert process.elements["t"].timer == Timer(kind="cycle", text="R3/PT24H") and not process.elements["t"].interrupting
    assert process.elements["e"].reference == "DOWN" and process.elements["e"].interrupting, "errors always interrupt"
    assert process.elements["stop"].event == "terminate"


def test_a_pool_gives_its_process_a_name():
    """A process without a name of its own is called as its pool."""
    xml = (
        f'{HEAD}<bpmn:collaboration id="c"><bpmn:participant id="p" name="辞退" processRef="process"/></bpmn:collaboration>'
        '<bpmn:process id="process" isExecutable="true"/></bpmn:definitions>'
    )
    [process] = processes(read_xml(xml.encode(), "x"), "x")
    assert process.name == "辞退"


def test_conditions_lose_their_equals_sign_and_nothing_else():
    """`=x > 1` is the FEEL text `x > 1`."""
    process = read(START, user("a"), END, flows("start > a", 'a > end: x = "y"'))
    assert process.flows["a_end"].condition == 'x = "y"'


def test_loops_calls_and_compensation_are_read():
    """Collections, completion conditions, rounds, called processes, keys, conditions and who undoes what."""
    many = (
        '<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:extensionElements>'
        '<zeebe:loopCharacteristics inputCollection="=people" inputElement="person" outputCollection="votes" outputElement="=vote"/>'
        "</bpmn:extensionElements><bpmn:completionCondition>=count(votes) &gt; 1</bpmn:completionCondition>"
        "</bpmn:multiInstanceLoopCharacteristics>"
    )
    again = '<bpmn:standardLoopCharacteristics testBefore="true" loopMaximum="3"><bpmn:loopCondition>=x</bpmn:loopCondition>'
    process = read(
        START,
        user("a", many),
        node("task", "b", again + "</bpmn:standardLoopCharacteristics>"),
        node("callActivity", "c", zeebe("calledElement", processId="other", propagateAllParentVariables="false"), mapping({}, {"y": "=x"})),
        node("receiveTask", "r", messageRef="M"),
        node("boundaryEvent", "u", event("compensate"), attachedToRef="a"),
        node("task", "undo", isForCompensation="true"),
        node("intermediateThrowEvent", "t", event("compensate", activityRef="a")),
        node(
            "boundaryEvent",
            "w",
            "<bpmn:conditionalEventDefinition><bpmn:condition>=x &gt; 1</bpmn:condition></bpmn:conditionalEventDefinition>",
            attachedToRef="b",
        ),
        '<bpmn:association id="x" sourceRef="u" targetRef="undo"/>',
        flows("start > a"),
        named='<bpmn:message id="M" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=order"/>'
        "</bpmn:extensionElements></bpmn:message>",
    )
    assert process.elements["a"].multi == Multi(
        sequential=True,
        collection="=people",
        element="person",
        output="votes",
        output_element="=vote",
        until="count(votes) > 1",
    )
    assert process.elements["b"].repeat == Repeat(condition="x", test_before=True, maximum=3)
    assert process.elements["c"].called == Called(process="other", binding="deployment", parent=False, child=False)
    receive = process.elements["r"]
    assert (receive.event, receive.reference, receive.key) == ("message", "paid", "=order")
    assert process.elements["u"].compensates == "undo" and process.elements["undo"].for_compensation
    assert process.elements["t"].activity == "a" and process.elements["w"].condition == "x > 1"
