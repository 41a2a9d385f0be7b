"""What is said of the letters of a procedure before it is published: what cannot be printed, and what no step hands them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from diagrams import END, START, flows, mapping, service, user, zeebe
from engine_room import files, form
from termination_case import FILES
from termination_case import FORMS as TERMINATION_FORMS

from engine import checks
from engine.bpmn.findings import Finding
from engine.bpmn.lint import offered
from engine.bpmn.names import PERSON
from engine.letters import checking
from engine.people import directory
from webapp import form_checker, told_of_operations

FORMS = {"look": form("facts.day", "facts.why")}
HANDED = {"who": "=subject", "record": "=record", "facts": "=facts", "day": "=facts.day", "sum": "=1 + 1"}


def html(*body: str) -> bytes:
    lines = "\n".join(body)
    return f'<!doctype html><html lang="zh-CN"><head><title>x</title></head><body>\n{lines}\n</body></html>'.encode()


def checked(letters: Mapping[str, bytes], template: str = "notice", handed: Mapping[str, str] = HANDED) -> dict[str, list[Finding]]:
    """Errors, warnings and notes but advice, of a step that prints a letter after somebody filled in a form and a record was read."""
    header = zeebe("taskHeaders", zeebe("header", key="template", value=template))
    operation = "document.draft" if any(path.endswith(".txt") for path in letters) else "document.render"
    made = files(
        START,
        user("look", zeebe("formDefinition", formId="look"), name="查看"),
        service("read", mapping({"employee": "=subject.employee_no"}, {"record": "=result"}), operation="ehr.employee", name="取档案"),
        service("print", mapping(dict(handed), {"printed": "=result"}), header, operation=operation, name="生成通知"),
        END,
        flows("start > look", "look > read", "read > print", "print > end"),
        forms=FORMS,
    )
    found = checks.check({**made, **letters}, form_checker("Asia/Shanghai"), operations=told_of_operations(), chain_keys=())
    about = {path: [one for one in said if "letter" in one.code or "place" in one.code or path in letters] for path, said in found.items()}
    return {path: said for path, said in about.items() if said}


def said(body: str, **more: Mapping[str, str]) -> list[tuple[str, str]]:
    """Expression and reason of each finding of one letter."""
    found = checked({"letters/notice.html": html(body)}, **more).get("letters/notice.html", [])
    assert all(one.severity == "error" and one.line == 2 for one in found)
    return [(str(one.facts["expression"]), str(one.facts["reason"])) for one in found]


def test_a_letter_that_shows_what_it_is_handed_is_fine() -> None:
    """Variables and parts of them, its own date, and what stands for an item of a list."""
    body = (
        '<p><data value="who.name">甲</data><data value="record.contract.end">乙</data><data value="facts.why">丙</data>'
        '<data value="day">丁</data><data value="sum + 1">戊</data><data value="letter.date">己</data></p>'
        '<ul><li data-each="record.missing" data-if="item != null"><data value="item.anything">庚</data></li></ul>'
    )
    assert said(body) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [("notice.html", html("")), ("notice.html", html("<p> </p>", '<hr class="cut">')), ("notice.txt", b" \n")],
)
def test_a_letter_that_says_nothing_is_refused(path: str, content: bytes) -> None:
    """A blank sheet is served on nobody."""
    assert [str(one.code) for one in checked({f"letters/{path}": content})[f"letters/{path}"]] == ["empty_letter"]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("whom.name", 'there is no variable "whom.name"'),
        ("verdict", 'there is no variable "verdict"'),
        ("who.nmae", 'there is no variable "who.nmae"'),
        ("facts.wy", 'there is no variable "facts.wy"'),
        ("record.hired", 'there is no variable "record.hired"'),
        ("record.contract.strat", 'there is no variable "record.contract.strat"'),
        ("letter.day", 'there is no variable "letter.day"'),
        ("item", 'there is no variable "item"'),
        ("upper case(who", None),
    ],
)
def test_an_unknown_placeholder_is_refused(expression: str, reason: str | None) -> None:
    """A variable that the step does not hand on, a part that a form or an operation does not give, and what is no expression."""
    found = said(f'<p><data value="{expression}">甲</data></p>')
    assert [each for each, _ in found] == [expression] and (reason is None or found[0][1] == reason)


def test_conditions_lists_and_pictures_are_checked_too() -> None:
    """Each where it stands; a picture needs charts from its step."""
    assert said('<p data-if="gone">a</p><ul><li data-each="lost">b</li></ul><img src="chart:usage" alt="图">') == [
        ("gone", 'there is no variable "gone"'),
        ("lost", 'there is no variable "lost"'),
        ("charts", 'there is no variable "charts"'),
    ]
    assert said('<img src="chart:usage" alt="图">', handed={"charts": "={}"}) == []


def test_a_finding_names_the_place_and_the_step() -> None:
    """What people read at the place, the line and column of the placeholder, and what the step has to give."""
    [found] = checked({"letters/notice.html": html("<p>a</p>", '<p>某 <data value="gone">姓名</data></p>')})["letters/notice.html"]
    assert (found.line, found.facts["column"]) == (3, 6)
    assert found.text == (
        '姓名: "gone" fails at character 1: there is no variable "gone". The step "生成通知" hands the letter: '
        "day, facts, record, sum, who. Correct the name, or add it to the input mapping of the step."
    )


def test_a_letter_that_cannot_be_read_is_refused_with_every_place() -> None:
    """Each fault with its line."""
    found = checked({"letters/notice.html": html("<p onclick='x'>a</p>", "<script>b</script>")})["letters/notice.html"]
    assert [(one.code, one.severity, one.line) for one in found] == [("bad_letter", "error", 2), ("bad_letter", "error", 3)]


def test_every_language_is_checked() -> None:
    """The English twin of a letter is handed the same."""
    found = checked({"letters/notice.html": html("<p>a</p>"), "letters/notice_en.html": html('<p><data value="gone">b</data></p>')})
    assert list(found) == ["letters/notice_en.html"]


def test_places_of_a_draft_are_checked() -> None:
    """By line and column, as those of letters."""
    found = checked({"letters/notice.txt": "致 {who.name}\n{facts.day}{gone}".encode()})["letters/notice.txt"]
    assert [(one.line, one.facts["column"], one.facts["where"]) for one in found] == [(2, 12, "gone")]


def test_a_step_without_its_letter_and_a_letter_without_a_step() -> None:
    """The first is an error at the step, which names those there are; the second is worth a note."""
    found = checked({"letters/other.html": html("<p>a</p>")})
    assert [(one.element, one.code, one.severity, one.facts["known"]) for one in found["test.bpmn"]] == [
        ("print", "unknown_letter", "error", "other")
    ]
    assert [(one.code, one.severity) for one in found["letters/other.html"]] == [("unused_letter", "note")]
    assert checked({"letters/notice.typ": b"= x"}) == {}


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("facts.plannd_end", "facts.planned_end"),
        ("notice.evidense", "notice.evidence"),
        ("employer.unions_x", "employer.union"),
        ("law.grund", "law.ground"),
    ],
)
def test_a_part_that_no_step_writes_is_refused(wrong: str, meant: str) -> None:
    """Fields, contexts of scripts and mappings, and what a decision gives are known; the most alike is named first."""
    path = "letters/notice.html"
    lines = FILES[path].decode().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "<p" in line)
    lines[at - 1] = f'<p><data value="{wrong}">某</data></p>' + lines[at - 1]
    told = {name: told for name, told in told_of_operations().items() if told is not None}
    found = checking.findings({**FILES, path: "\n".join(lines).encode()}, forms=TERMINATION_FORMS, told=told)
    assert [(one.code, one.severity, one.line, str(one.facts["expression"])) for one in found[path]] == [
        ("unknown_place", "error", at, wrong)
    ]
    assert str(found[path][0].facts["known"]).startswith(f"{meant}, ")
    assert checking.findings(FILES, forms=TERMINATION_FORMS, told=told) == {}


def test_what_can_be_inserted_is_what_the_check_knows() -> None:
    """Parts of fields, contexts and decisions are listed under the names that the letter is handed, labels where a form has them."""
    told = {name: told for name, told in told_of_operations().items() if told is not None}
    listed = {each["name"]: each for each in offered.handed(FILES, TERMINATION_FORMS, told, {"notice"})}
    assert {"facts.planned_end", "notice.evidence", "employer.union", "law.ground.text", "subject.name", "number"} <= listed.keys()
    assert listed["notice.evidence"]["label"] and "case.number" not in listed
    [(_, known), *_] = checking.steps(FILES, "letters/notice.html", forms=TERMINATION_FORMS, told=told)
    assert listed.keys() == (known.known or frozenset()) | known.shapes


def test_the_parts_of_a_person_are_those_that_a_case_keeps() -> None:
    """What the check knows of them is what the directory gives."""
    assert list(PERSON) == [column.key for column in directory.DISPLAY.clause.selected_columns]
