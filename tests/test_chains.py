"""Approval chains: who signs, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from engine import chains
from engine.errors import FileRefused, NobodySigns, NotFound
from engine.models import Base, Chain, Headship, Person
from engine.people.importing import DepartmentLine, PersonLine, import_directory
from webapp.i18n import catalogue

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
CHINESE = catalogue("zh-CN").gettext

HEAD = {"rule": "department_head"}
DIRECTOR = {"rule": "role", "roles": ["hr_director"]}
STEPS = [
    {"name": "部门负责人", "name_en": "Head of department", "mode": "single", "approvers": [HEAD]},
    {"name": "人力资源总监", "name_en": "HR director", "mode": "claim", "approvers": [DIRECTOR]},
]


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        import_directory(
            connection,
            [
                DepartmentLine(key="company", name="示例公司", name_en="Company", head="1"),
                DepartmentLine(key="service", name="客服部", name_en="Customer Service", parent="company", head="2"),
            ],
            [
                PersonLine(employee_no="1", name="周明", department="company"),
                PersonLine(employee_no="2", name="赵敏", department="service", manager="1"),
                PersonLine(employee_no="3", name="陈立", department="service", manager="2"),
                PersonLine(employee_no="4", name="林北", department="service", manager="3"),
                PersonLine(employee_no="5", name="孙远", roles=["hr_director"]),
                PersonLine(employee_no="6", name="李想", roles=["hr_director"]),
                PersonLine(employee_no="9", name="管理员", roles=["admin"]),
            ],
        )
        yield connection


@pytest.fixture
def ids(connection: sa.Connection) -> dict[str, str]:
    return {row.name: row.id for row in connection.execute(sa.select(Person.name, Person.id))}


def signers(connection: sa.Connection, step: dict[str, Any], subject: str = "林北", initiator: str = "陈立") -> list[str]:
    """Names of the people of one step."""
    [resolved] = resolved_steps(connection, [step], subject, initiator)
    names = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name))}
    return [names[person] for person in resolved.persons]


def resolved_steps(connection: sa.Connection, steps: list[Any], subject: str = "林北", initiator: str = "陈立", **more: Any) -> list[Any]:
    ids = {row.name: row.id for row in connection.execute(sa.select(Person.name, Person.id))}
    return chains.resolve(connection, steps, subject=ids[subject], initiator=ids[initiator], at=NOW, **more)


def step(*rules: dict[str, Any], mode: str = "claim", **more: Any) -> dict[str, Any]:
    return {"name": "签批", "name_en": "Sign-off", "mode": mode, "approvers": list(rules), **more}


def leave(connection: sa.Connection, *names: str) -> None:
    connection.execute(sa.update(Person).where(Person.name.in_(names)).values(active=False))


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"rule": "person", "persons": ["6", "5", "6"]}, ["李想", "孙远"]),
        ({"rule": "role", "roles": ["hr_director"]}, ["孙远", "李想"]),
        ({"rule": "department_head"}, ["赵敏"]),
        ({"rule": "department_head", "of": "initiator", "level": 2}, ["周明"]),
        ({"rule": "manager", "of": "initiator"}, ["赵敏"]),
        ({"rule": "manager", "of": "subject", "level": 3}, ["周明"]),
    ],
)
def test_each_rule_finds_its_people(connection: sa.Connection, rule: dict[str, Any], found: list[str]) -> None:
    """Persons by number, holders of a role, heads by level, superiors by level; each person once, in order."""
    assert signers(connection, step(rule)) == found


def test_a_single_step_has_one_person(connection: sa.Connection) -> None:
    """The first found signs; a step to claim is offered to all."""
    assert signers(connection, step(DIRECTOR, mode="single")) == ["孙远"]


def test_who_left_does_not_sign(connection: sa.Connection) -> None:
    """The next person of the rule does, and after the last one the next rule is tried."""
    leave(connection, "孙远")
    assert signers(connection, step(DIRECTOR, HEAD)) == ["李想"]

    leave(connection, "李想")
    assert signers(connection, step(DIRECTOR, HEAD)) == ["赵敏"]


def test_the_subject_never_signs(connection: sa.Connection) -> None:
    """Not as a head, not by name, not as an administrator."""
    assert signers(connection, step(HEAD, {"rule": "manager"}), subject="赵敏") == ["周明"]
    assert signers(connection, step({"rule": "person", "persons": ["4"]})) == ["管理员"]
    with pytest.raises(NobodySigns, match="签批"):
        signers(connection, step({"rule": "person", "persons": ["9"]}), subject="管理员")


def test_a_vacant_head_is_nobody(connection: sa.Connection) -> None:
    """The head above is not asked in silence: the next rule is."""
    connection.execute(sa.delete(Headship).where(Headship.department_id == "service"))

    assert signers(connection, step(HEAD)) == ["管理员"]
    assert signers(connection, step(HEAD, {"rule": "department_head", "level": 2})) == ["周明"]


def test_where_nobody_is_found_the_administrators_take_it(connection: sa.Connection, ids: dict[str, str]) -> None:
    """And without one, nothing passes by itself."""
    leave(connection, "孙远", "李想")
    [resolved] = resolved_steps(connection, [step(DIRECTOR)])
    assert resolved.persons == [ids["管理员"]] and resolved.trace["policy"] == "to_managers"

    leave(connection, "管理员")
    with pytest.raises(NobodySigns):
        resolved_steps(connection, [step(DIRECTOR)])


def test_who_started_the_case_does_not_sign(connection: sa.Connection) -> None:
    """Others of the step sign, else the nearest active superior, else an administrator."""
    assert signers(connection, step(DIRECTOR), initiator="孙远") == ["李想"]
    assert signers(connection, step(HEAD), initiator="赵敏") == ["周明"]
    leave(connection, "周明")
    assert signers(connection, step(HEAD), initiator="赵敏") == ["管理员"]


def test_the_superior_who_signs_instead_is_not_the_subject(connection: sa.Connection) -> None:
    """A report about somebody's own superior goes past that superior."""
    assert signers(connection, step({"rule": "person", "persons": ["3"]}), subject="赵敏", initiator="陈立") == ["周明"]


def test_the_same_person_is_not_asked_twice_in_a_row(connection: sa.Connection, ids: dict[str, str]) -> None:
    """A step whose only person signed the step before needs nobody, unless it says so; a later one asks again."""
    other = step({"rule": "person", "persons": ["1"]})
    first, second, third, fourth = resolved_steps(connection, [step(HEAD), step(HEAD), other, step(HEAD)])

    assert (first.persons, second.persons, fourth.persons) == ([ids["赵敏"]], [], [ids["赵敏"]])
    assert second.trace["policy"] == "signed_before" and third.persons == [ids["周明"]]
    assert resolved_steps(connection, [step(HEAD)], before=ids["赵敏"])[0].persons == []
    assert resolved_steps(connection, [step(HEAD, twice="asked")], before=ids["赵敏"])[0].persons == [ids["赵敏"]]


def test_the_trace_tells_what_was_tried(connection: sa.Connection, ids: dict[str, str]) -> None:
    """Rules in order, with candidates, dropped people, the directory's facts and the time."""
    leave(connection, "孙远", "李想")

    [resolved] = resolved_steps(connection, [step(DIRECTOR, HEAD)])

    assert resolved.trace == {
        "at": "2026-11-24T09:00:00+00:00",
        "policy": None,
        "persons": [{"id": ids["赵敏"], "name": "赵敏"}],
        "tried": [
            {
                "rule": "role",
                "roles": ["hr_director"],
                "candidates": [],
                "dropped": [],
            },
            {
                "rule": "department_head",
                "departments": [{"id": "service", "name": "客服部", "name_en": "Customer Service", "head": ids["赵敏"]}],
                "candidates": [{"id": ids["赵敏"], "name": "赵敏"}],
                "dropped": [],
            },
        ],
    }


def explained(trace: dict[str, Any], locale: str) -> str:
    return chains.explain(trace, locale, lambda text, locale: CHINESE(text) if locale.startswith("zh") else text)


def test_the_reason_is_a_sentence(connection: sa.Connection) -> None:
    """In both languages, for each way in which somebody comes to sign."""
    head, director = resolved_steps(connection, STEPS)
    assert explained(head.trace, "zh-CN") == "赵敏作为客服部负责人签批。"
    assert explained(head.trace, "en") == "To be signed by 赵敏, head of Customer Service."
    assert explained(director.trace, "zh-CN") == "孙远、李想以人力资源总监的角色签批。"
    assert explained(director.trace, "en") == "To be signed by 孙远, 李想, in the role hr director."

    [superior] = resolved_steps(connection, [step({"rule": "manager"})], initiator="周明")
    assert explained(superior.trace, "en") == "To be signed by 陈立, superior of 林北."
    [instead] = resolved_steps(connection, [step(HEAD)], initiator="赵敏")
    assert explained(instead.trace, "zh-CN") == "赵敏为发起人，不参与签批；由其直接上级周明签批。"
    [again] = resolved_steps(connection, [step(HEAD)], before=head.persons[0])
    assert explained(again.trace, "zh-CN") == "赵敏已在上一环节签批，本环节不再重复签批。"
    leave(connection, "孙远")
    [named] = resolved_steps(connection, [step({"rule": "person", "persons": ["5", "4", "6"]})])
    assert explained(named.trace, "zh-CN") == "李想由审批链指定签批。孙远已离职或停用，未请其签批。林北为当事人，未请其签批。"
    leave(connection, "李想")
    [managers] = resolved_steps(connection, [step(DIRECTOR)])
    assert explained(managers.trace, "zh-CN") == "审批链中没有可签批的人员，转交流程管理员：管理员。"


def publish(connection: sa.Connection, steps: Any, key: str = "approval") -> Chain:
    return chains.publish(connection, key=key, name="审批", name_en="Approval", steps=steps, by=None, now=NOW)


def test_publishing_makes_a_new_version(connection: sa.Connection) -> None:
    """The newest serves new work; the older ones stay for what began with them; other chains are not touched."""
    publish(connection, STEPS, "other")
    publish(connection, STEPS)

    assert publish(connection, STEPS[:1]).number == 2
    assert chains.active(connection, "approval").steps == STEPS[:1]
    assert chains.active(connection, "other").number == 1
    rows = connection.execute(sa.select(Chain.number, Chain.active).where(Chain.key == "approval").order_by(Chain.number))
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


def test_an_unknown_chain_is_an_error(connection: sa.Connection) -> None:
    """The message names it."""
    with pytest.raises(NotFound, match="nothing"):
        chains.active(connection, "nothing")


@pytest.mark.parametrize(
    ("steps", "part"),
    [
        ([], "it needs 1 to 20 steps"),
        ("steps", "it is no object"),
        ([5], "step 1: it is no object"),
        ([step(HEAD) | {"name": ""}], "step 1: it needs a name"),
        ([step(HEAD) | {"mode": "all"}], "step 1: its mode must be one of single, claim"),
        ([step(HEAD), step()], "step 2: it needs a list of approvers"),
        ([step("hr")], "step 1: it needs a list of approvers"),
        ([step({"rule": "hrbp"})], 'step 1: the rule "hrbp" is not known'),
        ([step({"rule": ["role"]})], "is not known"),
        ([step({"rule": "role"})], "role: roles must be a list"),
        ([step({"rule": "role", "roles": "hr"})], "role: roles must be a list"),
        ([step({"rule": "role", "roles": ["hr"], "role": "hr"})], 'role: "role" is not known'),
        ([step({"rule": "person", "persons": ["77"]})], "person: there is no person 77"),
        ([step({"rule": "manager", "of": "field:x"})], "manager: of must be one of"),
        ([step({"rule": "manager", "level": True})], "manager: level must be a whole number"),
        ([step(HEAD, skip=True)], 'step 1: "skip" is not known'),
        ([step(HEAD, twice="never")], "twice must be"),
    ],
)
def test_a_chain_that_cannot_work_is_not_published(connection: sa.Connection, steps: Any, part: str) -> None:
    """The message names step and fault; the version before stays active."""
    publish(connection, STEPS)

    with pytest.raises(FileRefused) as refused:
        publish(connection, steps)

    assert part in refused.value.message
    assert chains.active(connection, "approval").number == 1


def test_every_sentence_of_the_chains_is_translated() -> None:
    """The catalogues have each reason, and the error where nobody signs."""
    for text in (*chains._REASONS.values(), *chains._POLICIES.values(), *chains._DROPPED.values(), NobodySigns(step="x").template):
        assert CHINESE(text) != text
