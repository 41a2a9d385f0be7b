"""Call activities: another process with variables of its own; each case also restored after every action."""

from __future__ import annotations

import pytest
from diagrams import END, NOW, START, Play, both_ways, boundary, call, diagram, event, flows, mapping, node, service, timer, user, zeebe

from engine import errors
from engine.bpmn.program import Program

__all__ = ["both_ways"]

ERROR = '<bpmn:error id="E" errorCode="DOWN"/>'
CHILD = diagram(
    node("startEvent", "start"),
    user("a", mapping({"shown": "=is defined(n)"})),
    node("endEvent", "end", zeebe("properties", zeebe("property", name="wf.outcome", value="child"))),
    flows("start > a", "a > end"),
    id="child",
)


def parent(*inner: str, **settings: str) -> tuple[str, ...]:
    return START, call("c", "child", *inner, **settings), user("z"), END, flows("start > c", "c > z", "z > end")


def play(*inner: str, child: bytes = CHILD, **settings: str) -> Play:
    return Play(*parent(*inner, **settings), files={"child.bpmn": child}, n=1, subject={"id": "KF-017"})


def test_a_called_process_is_a_process_of_its_own():
    """Its elements are told from the caller's, its end ends only itself."""
    case = play()
    assert case.waits == "child:a" and case.instance("child:a") == "child:a#1"
    assert case.program.elements["child:a"].name == case.program.element("child:a").name
    case.done("child:a")
    assert case.waits == "z"
    assert "child:start" in case.passed and "child:end c" in case.passed
    assert case.done("z").outcome is None


def test_variables_go_in_and_come_back_as_said():
    """All or only those mapped, both ways; who the case is about is always known and never comes back."""
    case = play()
    case.done("child:a", n=2, m=3)
    assert case.values == {"n": 2, "m": 3, "subject": {"id": "KF-017"}}
    case = play(propagateAllParentVariables="false")
    assert case.last.opened[0].inputs == {"shown": False}
    assert case.execution.variables("child:a#1") == {"subject": {"id": "KF-017"}, "shown": False}
    case = play(mapping({"n": "=n + 10", "x": "=7"}, {"got": "=n * 2"}))
    assert case.execution.variables("child:a#1") == {"n": 11, "x": 7, "shown": True, "subject": {"id": "KF-017"}}
    case.done("child:a", n=5, m=3)
    assert case.values == {"n": 1, "got": 10, "subject": {"id": "KF-017"}}
    case = play(mapping({}, {"got": "=n * 2"}), propagateAllChildVariables="true")
    case.done("child:a", n=5)
    assert case.values["n"] == 5 and case.values["got"] == 10


def test_what_the_called_process_did_not_write_does_not_overwrite():
    """A value that changed meanwhile in the caller is not set back to what it was at the call."""
    case = Play(START, node("parallelGateway", "f"), call("c", "child"), user("u"), node("parallelGateway", "j"), user("z"),
                flows("start > f", "f > c", "f > u", "c > j", "u > j", "j > z"), files={"child.bpmn": CHILD}, n="OLD")  # fmt: skip
    case.done("u", n="NEW")
    case.done("child:a", m=1)
    assert case.values == {"n": "NEW", "m": 1}


def test_an_error_leaves_the_called_process():
    """From a job and from an end event, to the boundary event of the call."""
    child = diagram(node("startEvent", "start"), service("s"), node("endEvent", "fail", event("error", errorRef="E")),
                    flows("start > s", "s > fail"), id="child", named=ERROR)  # fmt: skip
    for act in (lambda case: case.failed("child:s", "DOWN"), lambda case: case.answered("child:s")):
        case = Play(*parent(), boundary("b", "c", event("error", errorRef="E")), user("repair"), flows("b > repair"), named=ERROR,
                    files={"child.bpmn": child})  # fmt: skip
        act(case)
        assert case.waits == "repair" and len(case.execution._tokens.scopes.tree) == 1


def test_a_timer_ends_the_called_process():
    """Everything in it is left."""
    case = Play(*parent(), boundary("t", "c", timer(duration="P1D")), user("late"), flows("t > late"), files={"child.bpmn": CHILD})
    advance = case.fired("t")
    assert case.waits == "late" and [(x.element, x.by) for x in advance.left] == [("child:a", "t")]


def test_calls_inside_calls():
    """Each has its own prefix, and the same process called twice its own instances."""
    middle = diagram(node("startEvent", "start"), call("k", "child"), flows("start > k"), id="middle")
    case = Play(START, call("c", "middle"), call("d", "child"), user("z"), flows("start > c", "c > d", "d > z"),
                files={"child.bpmn": CHILD, "middle.bpmn": middle})  # fmt: skip
    case.done("child:a")
    assert case.waits == "child:a" and case.instance("child:a") == "child:a#2"
    case.done("child:a")
    assert case.waits == "z"


def test_a_process_that_calls_itself_for_ever_is_stopped():
    """It is stuck at the depth where it was noticed; one that ends itself is no problem."""
    case = Play(START, call("c", "process"), flows("start > c"))
    assert "without end" in case.last.stuck[0].error.message
    script = node("scriptTask", "s", zeebe("script", expression="=n - 1", resultVariable="n"))
    gate = node("exclusiveGateway", "g", default="g_end")
    case = Play(START, script, gate, call("c", "process"), END, flows("start > s", "s > g", "g > c: n > 0", "g > end", "c > end"), n=5)
    assert case.last.finished and case.values["n"] == 0


@pytest.mark.parametrize("process", ["elsewhere", "=chosen", ""])
def test_a_process_that_is_not_there_is_refused(process):
    """By name when the file is read, and so is one that only an expression names."""
    with pytest.raises(errors.FileRefused, match="c:"):
        Play(START, call("c", process), flows("start > c"))


class Deployments:
    """Versions of a called process, the last one active."""

    def __init__(self) -> None:
        self.versions: list[Program] = []

    def deploy(self, task: str) -> None:
        body = (node("startEvent", "start"), call("k", "deep"), user(task), flows("start > k", f"k > {task}"))
        deep = diagram(node("startEvent", "start"), node("task", "t"), flows("start > t"), id="deep")
        files = {"child.bpmn": diagram(*body, id="child"), "deep.bpmn": deep}
        self.versions.append(Program(files, version=f"v{len(self.versions) + 1}", others=self))

    def latest(self, process: str) -> str | None:
        return self.versions[-1].version if self.versions and process in self.versions[-1].processes else None

    def program(self, version_id: str) -> Program:
        return next(program for program in self.versions if program.version == version_id)


def test_the_latest_version_is_taken_at_the_call_and_kept():
    """A deployment afterwards changes nothing for the running call; the next call takes the new one."""
    others = Deployments()
    case = Play(*parent(bindingType="latest"), flows("z > c"), others=others)
    assert "no process is deployed" in case.last.stuck[0].error.message
    others.deploy("one")
    case.retried("c")
    others.deploy("two")
    assert case.waits == "child@v1:one" and case.program.element("child@v1:one").kind == "userTask"
    assert "deep@v1:t" in case.passed, "a process it calls is that of its own version"
    restored = case.program.restore(case.execution.dump())
    restored.complete("child@v1:one#1", {}, now=NOW)
    case.done("child@v1:one")
    case.done("z")
    assert case.waits == "child@v2:two"


def test_the_process_of_a_case_is_the_one_that_no_other_calls():
    """Several that nobody calls are refused as ever."""
    files = {"a.bpmn": CHILD, "b.bpmn": diagram(*parent())}
    assert Program(files, version="1").process_id == "process"
    with pytest.raises(errors.FileRefused, match="exactly one"):
        Program({**files, "c.bpmn": diagram(START, END, flows("start > end"), id="third")}, version="1")
