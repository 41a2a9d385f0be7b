"""Approval chains: who signs, and why."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.chains import checks, explain, resolve, versions
from engine.chains.company import Company
from engine.chains.faults import faults
from engine.chains.situation import Situation
from engine.chains.steps import setting
from engine.errors import ChainRefused, NotFound
from engine.models import Base, Chain, Headship, Person
from engine.people.importing import DepartmentLine, PersonLine, import_directory
from webapp.i18n import catalogue

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
CHINESE = catalogue("zh-CN").gettext

HEAD: dict[str, Any] = {"rule": "department_head"}
DIRECTOR = {"rule": "role", "roles": ["hr_director"]}
STEPS = [
    {"key": "head", "name": "部门负责人", "name_en": "Head of department", "mode": "single", "approvers": [HEAD]},
    {"key": "director", "name": "人力资源总监", "name_en": "HR director", "mode": "claim", "approvers": [DIRECTOR]},
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
    case = Situation(subject=ids[subject], initiator=ids[initiator], at=NOW, **more)
    return resolve.chain(Company(connection, NOW), steps, case)


def step(*rules: dict[str, Any], mode: str = "claim", key: str = "sign", **more: Any) -> dict[str, Any]:
    return {"key": key, "name": "签批", "name_en": "Sign-off", "mode": mode, "approvers": list(rules), **more}


def leave(connection: sa.Connection, *names: str) -> None:
    connection.execute(sa.update(Person).where(Person.name.in_(names)).values(active=False))


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"rule": "person", "persons": ["6", "5", "6"]}, ["李想", "孙远"]),
        ({"rule": "role", "roles": ["hr_director"]}, ["孙远", "李想"]),
        ({"rule": "department_head"}, ["赵敏"]),
        ({"rule": "department_head", "of": "initiator", "level": 2}, ["周明"]),
        ({"rule": "report_line", "of": "initiator"}, ["赵敏"]),
        ({"rule": "report_line", "of": "subject", "level": 3}, ["周明"]),
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
    assert signers(connection, step(HEAD, {"rule": "report_line"}), subject="赵敏") == ["周明"]
    assert signers(connection, step({"rule": "person", "persons": ["4"]})) == ["管理员"]
    [nobody] = resolved_steps(connection, [step({"rule": "person", "persons": ["9"]})], subject="管理员")
    assert (nobody.outcome, nobody.persons) == ("incident", [])


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
    [nobody] = resolved_steps(connection, [step(DIRECTOR)])
    assert nobody.outcome == "incident" and nobody.trace["policy"] == "nobody_left"


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
    chain = [step(HEAD, key="a"), step(HEAD, key="b"), {**other, "key": "c"}, step(HEAD, key="d")]
    first, second, third, fourth = resolved_steps(connection, chain)

    assert (first.persons, second.persons, fourth.persons) == ([ids["赵敏"]], [], [ids["赵敏"]])
    assert second.trace["policy"] == "signed_before" and third.persons == [ids["周明"]]
    assert resolved_steps(connection, [step(HEAD)], signed={"a": [ids["赵敏"]]})[0].persons == []
    assert resolved_steps(connection, [step(HEAD, twice="none")], signed={"a": [ids["赵敏"]]})[0].persons == [ids["赵敏"]]


def test_explain_trace_tells_what_was_tried(connection: sa.Connection, ids: dict[str, str]) -> None:
    """解析依据 (explain trace): rules in order, with candidates, dropped people, the directory's facts and the time."""
    leave(connection, "孙远", "李想")

    [resolved] = resolved_steps(connection, [step(DIRECTOR, HEAD)])

    assert resolved.trace == {
        "at": "2026-11-24T09:00:00+00:00",
        "step": "sign",
        "mode": "claim",
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
                "looked_from": [{"id": ids["林北"], "name": "林北"}],
                "departments": [{"id": "service", "name": "客服部", "name_en": "Customer Service", "head": ids["赵敏"]}],
                "candidates": [{"id": ids["赵敏"], "name": "赵敏"}],
                "dropped": [],
            },
        ],
    }


def explained(trace: dict[str, Any], locale: str) -> str:
    return explain.explain(trace, locale, lambda text, locale: CHINESE(text) if locale.startswith("zh") else text)


def test_explain_trace_is_a_sentence(connection: sa.Connection) -> None:
    """解析依据 (explain trace): in both languages, for each way in which somebody comes to sign."""
    head, director = resolved_steps(connection, STEPS)
    assert explained(head.trace, "zh-CN") == "赵敏作为客服部负责人签批。"
    assert explained(head.trace, "en") == "To be signed by 赵敏, head of Customer Service."
    assert explained(director.trace, "zh-CN") == "孙远、李想以人力资源总监的角色签批。"
    assert explained(director.trace, "en") == "To be signed by 孙远, 李想, in the role hr director."

    [superior] = resolved_steps(connection, [step({"rule": "report_line"})], initiator="周明")
    assert explained(superior.trace, "en") == "To be signed by 陈立, superior of 林北."
    [instead] = resolved_steps(connection, [step(HEAD)], initiator="赵敏")
    assert explained(instead.trace, "zh-CN") == "赵敏为发起人，不参与签批；由其直接上级周明签批。"
    [again] = resolved_steps(connection, [step(HEAD)], signed={"a": head.persons})
    assert explained(again.trace, "zh-CN") == "赵敏已在上一环节签批，本环节不再重复签批。"
    leave(connection, "孙远")
    [named] = resolved_steps(connection, [step({"rule": "person", "persons": ["5", "4", "6"]})])
    assert explained(named.trace, "zh-CN") == "李想由审批链指定签批。孙远已离职或停用，未请其签批。林北为当事员工，未请其签批。"
    leave(connection, "李想")
    [managers] = resolved_steps(connection, [step(DIRECTOR)])
    assert explained(managers.trace, "zh-CN") == "审批链中没有可签批的人员，转交流程管理员：管理员。"


def publish(connection: sa.Connection, steps: Any, key: str = "approval") -> Chain:
    return versions.publish(connection, key=key, name="审批", name_en="Approval", steps=steps, by=None, now=NOW)


def test_publishing_makes_a_new_version(connection: sa.Connection) -> None:
    """The newest serves new work; the older ones stay for what began with them; other chains are not touched."""
    publish(connection, STEPS, "other")
    publish(connection, STEPS)

    assert publish(connection, STEPS[:1]).number == 2
    assert versions.active(connection, "approval", NOW).steps == STEPS[:1]
    assert versions.active(connection, "other", NOW).number == 1


def test_an_unknown_chain_is_an_error(connection: sa.Connection) -> None:
    """The message names it."""
    with pytest.raises(NotFound, match="nothing"):
        versions.active(connection, "nothing", NOW)


@pytest.mark.parametrize(
    ("steps", "part"),
    [
        ([], "it needs 1 to 20 steps"),
        ("steps", "it needs 1 to 20 steps"),
        ([5], "step 1 (): it is no object"),
        ([step(HEAD) | {"name": ""}], "step 1 (), name: it needs a name"),
        ([step(HEAD) | {"key": "No 1"}], "key: it needs a key"),
        ([step(HEAD), step(HEAD)], 'key: the key "sign" occurs twice'),
        ([step(HEAD) | {"mode": "most"}], "step 1 (签批), mode: it must be one of single, claim"),
        ([step(HEAD), step(key="b")], "step 2 (签批), approvers: it needs a list of approvers"),
        ([step("hr")], "step 1 (签批), approvers: it needs a list of approvers"),
        ([step({"rule": "nobody_knows"})], 'approvers.0: the rule "nobody_knows" is not known'),
        ([step({"rule": "operation"})], "approvers.0.operation: it must be the name of an operation"),
        ([step({"rule": ["role"]})], "is not known"),
        ([step({"rule": "role"})], "approvers.0.roles: it must be a list of texts"),
        ([step({"rule": "role", "roles": "hr"})], "approvers.0.roles: it must be a list of texts"),
        ([step({"rule": "role", "roles": ["hr"], "role": "hr"})], 'role: "role" is not known'),
        ([step({"rule": "role", "roles": ["hr"], "within": "town"})], "approvers.0.within: it must be one of"),
        ([step({"rule": "person", "persons": ["77"]})], "approvers.0.persons: there is no person 77"),
        ([step({"rule": "report_line", "of": "field:"})], "approvers.0.of: it must be subject"),
        ([step({"rule": "report_line", "of": "signer:later"})], 'there is no earlier step "later"'),
        ([step({"rule": "report_line", "level": True})], "approvers.0.level: it must be a whole number"),
        ([step({"rule": "department_heads", "to": "top"})], "approvers.0.to: it must be a level"),
        ([step({"rule": "department_heads", "to": "department:moon"})], "approvers.0.to: there is no department moon"),
        ([step({"rule": "department_members"})], "it needs departments"),
        ([step({"rule": "expression", "expression": "1 +"})], "approvers.0.expression: the expression cannot be read"),
        ([step({"rule": "form_person", "field": "a b"})], "approvers.0.field: it must be the name"),
        ([step({"rule": "initiator_chooses", "pool": {"rule": "initiator_chooses"}})], "approvers.0.pool: the rule"),
        ([step(HEAD, skip=True)], 'step 1 (签批), skip: "skip" is not known'),
        ([step(HEAD, twice="never")], "twice: it must be one of"),
        ([step(HEAD, when="amount >")], "when: the expression cannot be read"),
        ([step(HEAD, on_reject="to:later")], 'on_reject: there is no earlier step "later"'),
        ([step(HEAD, limit_days=0)], "limit_days: it must be a whole number"),
        ([step(HEAD, limit_days=1, limit_hours=1)], "say hours or days"),
        ([step(HEAD, on_due={"do": "remind"})], "there is no limit"),
        ([step(HEAD, nobody={"do": "to_person"})], "nobody.persons: it must be a list"),
        ([step(HEAD, verbs=["sell"])], "verbs: it must be a list of some of"),
        ([step(HEAD, fields={"amount": "seen"})], "fields.amount: it must be one of"),
        ([step(HEAD, weights=[{"persons": ["1"]}])], "weights.0: it must say"),
        ([step(HEAD, verbs=["decide"])], "verbs: it must be a list of some of"),
        ([step(HEAD, attachments="some")], "attachments: it must be one of never, allowed, required"),
        ([step(HEAD, attachment_types=["film"])], "attachment_types: it must be a list of some of pdf"),
        ([step(HEAD, attachment_types=[["pdf"]])], "attachment_types: it must be a list of some of pdf"),
        ([step(HEAD, attachment_mb=0)], "attachment_mb: it must be a whole number from 1 to 100"),
        ([step(HEAD, attachments="never", attachment_mb=5)], "attachment_mb: it counts only where attachments are allowed"),
        ([step(HEAD, batch=True, opinion="always")], "batch: several are not approved at once where opinion is always"),
        ([step(HEAD, batch=True, signature=True)], "batch: several are not approved at once where signature is true"),
        ([step(HEAD, batch=True, attachments="required")], "batch: several are not approved at once where attachments is required"),
        ([step(HEAD, batch=True, fields={"x": "required"})], "batch: several are not approved at once where fields.x is required"),
        ([step(HEAD, batch=True, fields={"x": "editable"})], "batch: several are not approved at once where fields.x is editable"),
        ([step(HEAD, batch=True, decisive=True)], "batch: several are not approved at once where decisive is true"),
        ([step({"rule": "signer_chooses"}, HEAD)], "step 1 (签批), approvers.0: nobody signs before the first step"),
        ([step(HEAD, mode="all", ratio=60)], "ratio: it counts only where mode is ratio"),
        ([step(HEAD, weights=[{"persons": ["1"], "weight": 2}])], "weights: it counts only where mode is ratio"),
        ([step(HEAD, mode="any", reject="after_all")], "reject: it counts only where mode is all"),
        ([step(HEAD, limit_days=1, on_due={"do": "escalate", "to": "1"})], "on_due.to: it counts only where on_due.do is transfer"),
        ([step(HEAD, limit_days=1, on_due={"do": "approve", "times": 2})], "on_due.times: it counts only where on_due.do is remind"),
        ([step(HEAD, nobody={"do": "skip", "persons": ["1"]})], "nobody.persons: it counts only where nobody.do is to_person"),
    ],
)
def test_a_chain_that_cannot_work_is_not_published(connection: sa.Connection, steps: Any, part: str) -> None:
    """The message names step, field and fault; the version before stays in force."""
    publish(connection, STEPS)

    with pytest.raises(ChainRefused) as refused:
        publish(connection, steps)

    assert part in refused.value.message
    assert versions.active(connection, "approval", NOW).number == 1


def test_every_fault_of_a_chain_is_named_at_once(connection: sa.Connection) -> None:
    """One after another would be a guessing game."""
    with pytest.raises(ChainRefused) as refused:
        publish(connection, [step(HEAD, twice="x", batch=1), step({"rule": "role"}, key="b")])
    assert [(fault.step, fault.field) for fault in refused.value.found] == [(0, "twice"), (0, "batch"), (1, "approvers.0.roles")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"nobody": {"do": "skip"}}, "nobody.do"),
        ({"on_due": {"do": "approve"}, "limit_days": 1}, "on_due.do"),
        ({"mode": "random"}, "mode"),
        ({"initiator": "self"}, "initiator"),
        ({"initiator": "skip"}, "initiator"),
    ],
)
def test_a_step_that_decides_needs_a_person(wrong: dict[str, Any], field: str) -> None:
    """It never passes by itself, by chance, or by whoever asked for it."""
    found = faults("审批", "Approval", [step(HEAD, decisive=True, **wrong)])
    assert [fault.field for fault in found] == [field]
    assert faults("审批", "Approval", [step(HEAD, **wrong)]) == []


def test_every_setting_of_a_step_can_be_told() -> None:
    """A step with every field has no fault, and what is left out is as the defaults say."""
    whole = step(
        HEAD,
        {"rule": "department_heads", "of": "initiator", "from": 1, "to": "grade:9"},
        mode="ratio",
        ratio=60,
        weights=[{"roles": ["hr"], "weight": 2}],
        on_reject="to_previous",
        resubmit="back",
        limit_hours=8,
        on_due={"do": "transfer", "to": "1"},
        nobody={"do": "to_person", "persons": ["1"]},
        initiator="department_head",
        verbs=["return", "urge"],
        opinion="always",
        fields={"amount": "readonly"},
        copies=[DIRECTOR],
        decisive=True,
    )
    assert faults("审批", "Approval", [whole]) == []
    assert setting(step(HEAD), "initiator") == "manager" and setting(whole, "initiator") == "department_head"


def sentences() -> set[str]:
    """Every sentence that the package says of steps and people."""
    found = {*explain.REASONS.values(), *explain.POLICIES.values(), *explain.DROPPED.values(), *checks.ONE_OF.values()}
    for file in Path(checks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found |= {"Sentence": set(texts[:1]), "_say": set(texts[-1:])}.get(name, set())
    return found


def test_every_sentence_of_the_chains_is_translated() -> None:
    """The catalogue has each reason and fault, with the same places."""
    assert len(sentences()) > 70
    for text in sentences() - {"“{names}”"}:
        assert CHINESE(text) != text, text
        assert set(re.findall(r"{(\w+)}", CHINESE(text))) == set(re.findall(r"{(\w+)}", text)), text
