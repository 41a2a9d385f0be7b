"""Two versions of a procedure side by side: what was added, removed and changed, and what was only drawn elsewhere."""

from __future__ import annotations

import json
import re

import pytest
from diagrams import END, START, boxes, diagram, flows, user
from engine_room import Room, files, line, person

from engine.bpmn import moves, render, tables
from engine.errors import NotAllowed, NotFound
from engine.services import Services
from engine.studio import changing, comparing

TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x"><decision id="level" name="级别">
<decisionTable id="t">{columns}{rules}</decisionTable></decision></definitions>"""
AGE = '<input id="age" label="司龄"><inputExpression typeRef="number"><text>years</text></inputExpression></input>'
UNIT = '<input id="unit"><inputExpression typeRef="string"><text>unit</text></inputExpression></input>'
OUT = '<output id="o" name="level"/>'


def rule(id: str, *cells: str) -> str:
    *given, result = (f"<text>{cell}</text>" for cell in cells)
    return f'<rule id="{id}">{"".join(f"<inputEntry>{one}</inputEntry>" for one in given)}<outputEntry>{result}</outputEntry></rule>'


def table(columns: str, *rules: str) -> bytes:
    return TABLE.format(columns=columns, rules="".join(rules)).encode()


def drawn(*tasks: str) -> bytes:
    """Tasks in a row, with a drawing."""
    ways = [f"{a} > {b}" for a, b in zip(("start", *tasks), (*tasks, "end"), strict=True)]
    return boxes(diagram(START, *(user(task) for task in tasks), END, flows(*ways)))


# --- what is only drawn elsewhere


def test_what_lies_elsewhere_is_told_apart() -> None:
    """A step that was moved is named, with neither its flows nor what stayed; without a move there is nothing."""
    before = drawn("a", "b", "c")
    text = before.decode()
    place = text.index('bpmnElement="b"')
    moved = text[:place] + text[place:].replace(' y="', ' y="9', 1)
    assert moves.moved(before, before) == [] and moves.moved(before, moved.encode()) == ["b"]


def test_a_drawing_that_is_shifted_as_a_whole_moves_nothing() -> None:
    """As when somebody inserted a pool at the left; what moved against the rest is named nevertheless."""

    def shifted(xml: bytes, by: int) -> bytes:
        return re.sub(r' x="(-?[\d.]+)"', lambda found: f' x="{float(found[1]) + by}"', xml.decode()).encode()

    before = drawn("a", "b", "c")
    assert moves.moved(before, shifted(before, 300)) == []
    text = shifted(before, 300).decode()
    place = text.index('bpmnElement="c"')
    assert (moves.moved(before, (text[:place] + text[place:].replace(' y="', ' y="7', 1)).encode())) == ["c"]


def test_marks_are_drawn_and_said() -> None:
    """What was added has its colour, its sign and its word; a flow its word."""
    picture = render.svg(drawn("a", "b"), marks={"b": "added", "a_b": "added", "a": "moved"}, locale="en")
    for part in ('class="userTask added"', 'class="sequenceFlow added"', "<title>added</title>", 'class="userTask moved"', ">+<", ">↔<"):
        assert part in picture


# --- tables


def test_a_table_is_laid_over_its_earlier_self_cell_by_cell() -> None:
    """Changed cells, rules added and removed, and a rule that only changed its place."""
    before = table(AGE + OUT, rule("r1", "&lt; 3", "1"), rule("r2", "[3..5]", "2"), rule("r3", "-", "3"))
    after = table(AGE + OUT, rule("r2", "[3..6]", "2"), rule("r4", "&gt; 6", "4"), rule("r3", "-", "3"))
    [found] = tables.laid(before, after)
    assert (found.id, found.name) == ("level", "级别") and [column.after for column in found.columns] == ["司龄", "level"]
    told = [(row.how, row.before, row.after, row.cells[0]) for row in found.rows]
    assert told == [
        ("removed", 1, None, ("< 3", None)),
        ("changed", 2, 1, ("[3..5]", "[3..6]")),
        ("added", None, 2, (None, "> 6")),
        ("same", 3, 3, ("-", "-")),
    ]
    swapped = table(AGE + OUT, rule("r2", "[3..5]", "2"), rule("r1", "&lt; 3", "1"), rule("r3", "-", "3"))
    assert [row.how for row in tables.laid(before, swapped)[0].rows] == ["moved", "moved", "same"]
    assert tables.laid(before, before) == []


def test_a_new_column_leaves_the_other_cells_where_they_were() -> None:
    """Cells belong to their columns, wherever those stand."""
    before = table(AGE + OUT, rule("r1", "&lt; 3", "1"))
    after = table(UNIT + AGE + OUT, rule("r1", "-", "&lt; 3", "1"))
    [found] = tables.laid(before, after)
    assert [(column.before, column.after) for column in found.columns] == [(None, "unit"), ("司龄", "司龄"), ("level", "level")]
    assert found.rows[0].cells == [(None, "-"), ("< 3", "< 3"), ("1", "1")]


def test_a_table_that_is_new_or_gone_is_whole_on_one_side() -> None:
    """Each of its rules was added, or removed."""
    content = table(AGE + OUT, rule("r1", "-", "1"))
    assert [row.how for row in tables.laid(None, content)[0].rows] == ["added"]
    assert [row.how for row in tables.laid(content, None)[0].rows] == ["removed"]


# --- versions


@pytest.fixture
def room(services: Services) -> Room:
    """Two versions, of two steps and of three."""
    made = Room(services)
    made.deploy(*line("a", "b"), rules={"managers": ["hr_director"]}, beside={"letters/x.txt": b"one"})
    made.deploy(*line("a", "x", "b"), rules={"managers": ["hr_director"]}, beside={"letters/x.txt": b"two"})
    return made


def test_any_two_versions_are_compared_and_the_draft(room: Room) -> None:
    """Files that are the same are left out; the draft is a side as soon as there is one."""
    director = person("director")
    found = comparing.compare(room.services, "test", 1, 2, actor=director)
    assert [(file.path, file.kind, file.how) for file in found.files] == [
        ("letters/x.txt", "letter", "changed"),
        ("test.bpmn", "bpmn", "changed"),
    ]
    assert ("added", "x") in {(change.how, change.id) for change in found.files[1].changes}
    assert [side.number for side in comparing.sides(room.services, "test", actor=director)] == [2, 1]
    with pytest.raises(NotFound):
        comparing.compare(room.services, "test", 2, None, actor=director)
    changing.save(room.services, "test", "letters/x.txt", b"three", revision=0, actor=director)
    assert [side.number for side in comparing.sides(room.services, "test", actor=director)] == [None, 2, 1]
    [letter] = comparing.compare(room.services, "test", 2, None, actor=director).files
    assert (letter.before, letter.after) == (b"two", b"three")


def test_only_managers_compare(room: Room) -> None:
    """Whoever does not manage the procedure, and whoever asks for a version that is not there, is told."""
    with pytest.raises(NotAllowed):
        comparing.compare(room.services, "test", 1, 2, actor=person("hr"))
    with pytest.raises(NotFound):
        comparing.compare(room.services, "test", 1, 9, actor=person("director"))


def test_what_cannot_be_read_is_still_compared() -> None:
    """A draft may hold a broken diagram, table or form: it stands there with both texts."""
    good = files(*line("a"))["test.bpmn"]
    found = comparing.apart(
        {"a.bpmn": good, "b.dmn": table(AGE + OUT)}, {"a.bpmn": b"<oh", "b.dmn": b"", "c.form": json.dumps([]).encode()}
    )
    assert [(file.path, file.how, file.moved, file.tables) for file in found] == [
        ("a.bpmn", "changed", (), ()),
        ("b.dmn", "changed", (), ()),
        ("c.form", "added", (), ()),
    ]
