"""Every approver rule, the order in which a step finds its people, and the policies around it: a test for each row of the rules."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from engine.chains import resolve
from engine.chains.company import Company
from engine.chains.resolve import Resolved
from engine.chains.situation import Situation
from engine.db import Database
from engine.models import (
    Appointment,
    Department,
    Duty,
    Entity,
    Group,
    GroupMember,
    Headship,
    Holding,
    Membership,
    Person,
    Placement,
    Post,
    Region,
    Substitution,
    new_id,
)

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
#: key -> department, superior, legal entity, region
PEOPLE: dict[str, tuple[str | None, str | None, str, str]] = {
    "subject": ("line1", "lead", "north", "beijing"),
    "lead": ("line1", "chief", "north", "beijing"),
    "chief": ("works", "boss", "north", "beijing"),
    "boss": ("company", None, "north", "beijing"),
    "hr1": ("office", "boss", "north", "beijing"),
    "hr2": ("office", "boss", "south", "shanghai"),
    "law": ("office", "boss", "south", "shanghai"),
    "mate": ("line1", "lead", "north", "beijing"),
    "admin": (None, None, "north", "beijing"),
    "stranger": ("shop", "boss", "south", "shanghai"),
}
#: department -> the one above, head
UNITS = {
    "company": (None, "boss"),
    "works": ("company", "chief"),
    "line": ("works", None),
    "line1": ("line", "lead"),
    "office": ("company", "hr1"),
    "shop": ("company", None),
}


def person(key: str) -> str:
    return f"{list(PEOPLE).index(key) + 1:032x}"


class Firm:
    """A company, and a case in it about `subject`, started by `lead` unless it is said otherwise."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.case = Situation(subject=person("subject"), initiator=person("mate"), at=NOW)
        for key in ("north", "south"):
            self.add(Entity, id=key, name=key, name_en=key)
        for key in ("beijing", "shanghai"):
            self.add(Region, id=key, name=key, name_en=key)
        for key, (above, _) in UNITS.items():
            self.add(Department, id=key, name=key, name_en=key, parent_id=above)
        for number, (key, (unit, above, entity, region)) in enumerate(PEOPLE.items()):
            self.add(Person, id=person(key), employee_no=f"E{number}", name=key, post="", post_en="", active=True)
            place = {"department_id": unit, "manager_id": above and person(above), "entity_id": entity, "region_id": region}
            self.add(Placement, id=new_id(), person_id=person(key), **place)
        for key, (_, head) in UNITS.items():
            if head:
                self.add(Headship, id=new_id(), department_id=key, person_id=person(head))
        self.role("admin", "admin")

    def add(self, model: Any, **values: Any) -> None:
        self.connection.execute(sa.insert(model).values(values))

    def role(self, role: str, *keys: str) -> None:
        for key in keys:
            self.add(Holding, person_id=person(key), role=role)

    def duty(self, duty: str, who: str, scope: str, ref: str = "") -> None:
        self.add(Duty, id=new_id(), duty=duty, person_id=person(who), scope=scope, ref=ref)

    def leave(self, *keys: str) -> None:
        for key in keys:
            self.connection.execute(sa.update(Person).where(Person.id == person(key)).values(employed_to=dt.date(2026, 11, 23)))

    def absent(self, who: str, substitute: str, **more: Any) -> None:
        times = {"starts_at": NOW - dt.timedelta(days=1), "ends_at": NOW + dt.timedelta(days=9), "created_at": NOW}
        given = {"scope": "all", "ref": "", **times, **more}
        self.add(Substitution, id=new_id(), absent_id=person(who), substitute_id=person(substitute), created_by=person(who), **given)

    def resolve(self, *rules: Any, mode: str = "all", policy: str = "manager", **more: Any) -> Resolved:
        """One step with these rules in this case; `policy`: what is done where the initiator would sign it."""
        case = {name: more.pop(name) for name in list(more) if name in Situation.__dataclass_fields__}
        step = {"key": "sign", "name": "签批", "name_en": "Sign", "approvers": list(rules), "mode": mode, "initiator": policy, **more}
        return resolve.one(Company(self.connection, NOW), step, dataclasses.replace(self.case, **case))

    def who(self, *rules: Any, **more: Any) -> list[str]:
        """Keys of the people of that step."""
        return [list(PEOPLE)[int(id, 16) - 1] for id in self.resolve(*rules, **more).persons]


@pytest.fixture
def firm(database: Database) -> Iterator[Firm]:
    with database.reading() as connection:
        yield Firm(connection)


def dropped(resolved: Resolved) -> list[tuple[str, str]]:
    """Whom a step dropped, and why."""
    return [(one["name"], one["reason"]) for rule in resolved.trace["tried"] for one in rule["dropped"]]


# --- the rules


def test_rule_person(firm: Firm) -> None:
    """指定人员 (person): those persons, in that order, by id or employee number."""
    assert firm.who({"rule": "person", "persons": ["E5", person("law"), "E5"]}) == ["hr2", "law"]


def test_rule_role(firm: Firm) -> None:
    """角色 (role): everybody who holds it and is there; within the entity or department of somebody only on demand."""
    firm.role("hr", "hr2", "hr1", "lead", "stranger")
    firm.leave("stranger")
    assert firm.who({"rule": "role", "roles": ["hr"]}) == ["lead", "hr1", "hr2"]
    assert firm.who({"rule": "role", "roles": ["hr"], "within": "entity"}) == ["lead", "hr1"]
    assert firm.who({"rule": "role", "roles": ["hr"], "within": "department"}) == ["lead"]


def test_rule_group(firm: Firm) -> None:
    """用户组 (group): the members of a group."""
    firm.add(Group, id="board", name="评审组", name_en="Board")
    for key in ("law", "chief"):
        firm.add(GroupMember, group_id="board", person_id=person(key))
    assert firm.who({"rule": "group", "groups": ["board"]}) == ["chief", "law"]


def test_rule_post(firm: Firm) -> None:
    """岗位 (post): who holds the post that day."""
    firm.add(Post, id="foreman", name="工段长", name_en="Foreman")
    for key, until in (("lead", None), ("law", None), ("hr1", dt.date(2026, 11, 1))):
        firm.add(Appointment, id=new_id(), person_id=person(key), post_id="foreman", to_day=until)
    assert firm.who({"rule": "post", "posts": ["foreman"]}) == ["lead", "law"]
    assert firm.who({"rule": "post", "posts": ["foreman"], "within": "entity"}) == ["lead"]


def test_rule_department_members(firm: Firm) -> None:
    """部门成员 (department_members): the head first, then who belongs there, mainly or besides; below it on demand."""
    firm.add(Membership, id=new_id(), person_id=person("law"), department_id="line1")
    assert firm.who({"rule": "department_members", "of": "subject"}, initiator=person("hr1")) == ["lead", "law", "mate"]
    assert firm.who({"rule": "department_members", "departments": ["works"]}) == ["chief"]
    below = firm.who({"rule": "department_members", "departments": ["works"], "sub": True}, initiator=person("hr1"))
    assert below == ["chief", "lead", "law", "mate"]


def test_rule_department_head(firm: Firm) -> None:
    """部门负责人 (department_head): exactly the level-th; a vacant level or a short line is nobody, unless the step says other."""
    assert firm.who({"rule": "department_head"}) == ["lead"]
    assert firm.who({"rule": "department_head", "of": "initiator", "level": 3}) == ["chief"]
    assert firm.who({"rule": "department_head", "level": 2}) == ["admin"]
    assert firm.who({"rule": "department_head", "level": 2, "vacant": "next_up"}) == ["chief"]
    assert firm.who({"rule": "department_head", "level": 9}) == ["admin"]
    assert firm.who({"rule": "department_head", "level": 9, "short": "top"}) == ["boss"]
    assert firm.who({"rule": "department_head", "departments": ["office", "works"]}) == ["hr1", "chief"]


def test_rule_department_heads(firm: Firm) -> None:
    """连续多级部门负责人 (department_heads): upward, vacant levels skipped and named, to a level, department, grade or the root."""
    rule = {"rule": "department_heads"}
    resolved = firm.resolve(rule)
    assert firm.who(rule) == ["lead", "chief", "boss"]
    assert [unit["id"] for unit in resolved.trace["tried"][0]["vacant_departments"]] == ["line"]
    assert firm.who({**rule, "to": 2}) == ["lead"]
    assert firm.who({**rule, "from": 2, "to": "department:works"}) == ["chief"]
    firm.connection.execute(sa.update(Placement).where(Placement.person_id == person("chief")).values(grade=8))
    assert firm.who({**rule, "to": "grade:8"}) == ["lead", "chief"]


def test_rule_report_line(firm: Firm) -> None:
    """汇报线上级 (report_line): the superior on the reporting line, one level or several, whatever the departments say."""
    firm.connection.execute(sa.update(Placement).where(Placement.person_id == person("subject")).values(manager_id=person("law")))
    assert firm.who({"rule": "report_line"}) == ["law"]
    assert firm.who({"rule": "report_line", "level": 2}) == ["boss"]
    assert firm.who({"rule": "report_line", "level": 1, "to": 2}) == ["law", "boss"]
    assert firm.who({"rule": "report_line", "of": "initiator"}) == ["lead"]


def test_rule_hrbp(firm: Firm) -> None:
    """所属 HRBP (hrbp): the partner of the person, else of the nearest department upward."""
    firm.duty("hrbp", "hr1", "department", "company")
    assert firm.who({"rule": "hrbp"}) == ["hr1"]
    firm.duty("hrbp", "hr2", "department", "line")
    assert firm.who({"rule": "hrbp"}) == ["hr2"]
    firm.duty("hrbp", "law", "person", person("subject"))
    assert firm.who({"rule": "hrbp"}) == ["law"]


def test_rule_counsel(firm: Firm) -> None:
    """法务 (counsel): the counsel of the legal entity, then of the region; the other way round on demand."""
    firm.duty("counsel", "law", "region", "beijing")
    assert firm.who({"rule": "counsel"}) == ["law"]
    firm.duty("counsel", "hr2", "entity", "north")
    assert firm.who({"rule": "counsel"}) == ["hr2"]
    assert firm.who({"rule": "counsel", "by": "region"}) == ["law"]


def test_rule_duty(firm: Firm) -> None:
    """职责 (duty): whoever holds it nearest, at last for the whole company."""
    firm.duty("payroll", "hr1", "company")
    assert firm.who({"rule": "duty", "duty": "payroll"}) == ["hr1"]
    firm.duty("payroll", "hr2", "region", "shanghai")
    assert firm.who({"rule": "duty", "duty": "payroll", "of": "field:who"}, variables={"who": "E9"}) == ["hr2"]


def test_rule_initiator(firm: Firm) -> None:
    """发起人自己 (initiator): whoever started it, where the step lets them."""
    assert firm.who({"rule": "initiator"}, policy="self") == ["mate"]
    assert firm.who({"rule": "initiator"}, policy="manager") == ["lead"]


@pytest.mark.parametrize("rule", ["initiator_chooses", "signer_chooses"])
def test_rule_initiator_chooses_and_signer_chooses(firm: Firm, rule: str) -> None:
    """发起人自选、上一签批人指定 (initiator_chooses, signer_chooses): who was chosen, if in the pool, and neither too few nor too many."""
    pool = {"rule": "person", "persons": ["E4", "E5", "E6"]}
    chosen = {"sign": [person("law"), person("hr2")]}
    assert firm.who({"rule": rule, "pool": pool}, chosen=chosen) == ["law", "hr2"]
    assert firm.who({"rule": rule, "pool": pool, "max": 1}, chosen=chosen) == ["admin"]
    assert firm.who({"rule": rule, "pool": pool, "min": 2}, chosen={"sign": ["E4"]}) == ["admin"]
    assert firm.who({"rule": rule, "pool": pool}, chosen={"sign": ["E9"]}) == ["admin"]
    assert firm.who({"rule": rule}) == ["admin"]


def test_rule_form_person(firm: Firm) -> None:
    """表单内人员 (form_person): the persons in a form field, however it holds them."""
    for value in ("E6", {"id": person("law")}, [{"employee_no": "E6"}]):
        assert firm.who({"rule": "form_person", "field": "handover.to"}, variables={"handover": {"to": value}}) == ["law"]
    assert firm.who({"rule": "form_person", "field": "handover.to"}) == ["admin"]


def test_rule_form_department(firm: Firm) -> None:
    """表单内部门 (form_department): the head of the department in a form field."""
    rule = {"rule": "form_department", "field": "where"}
    assert firm.who(rule, variables={"where": "office"}) == ["hr1"]
    assert firm.who({**rule, "level": 2}, variables={"where": "works"}) == ["boss"]
    assert firm.who(rule, variables={"where": "nowhere"}) == ["admin"]
    assert firm.who(rule, variables={"where": ["office", "works", "office"]}) == ["hr1", "chief"]
    assert firm.who(rule, variables={"where": {"id": "office", "name": "办公室"}}) == ["hr1"]


def test_rule_expression(firm: Firm) -> None:
    """表达式 (expression): whom FEEL gives, filtered like any other; one that fails gives nobody and says why."""
    rule = {"rule": "expression", "expression": 'if days > 3 then ["E6", "E0"] else "E5"'}
    assert firm.who(rule, variables={"days": 4}) == ["law"]
    assert firm.who(rule, variables={"days": 1}) == ["hr2"]
    failed = firm.resolve({"rule": "expression", "expression": "days + true"}, variables={"days": 1})
    assert failed.persons == [person("admin")] and failed.trace["tried"][0]["failed"]


def test_of_a_signer(firm: Firm) -> None:
    """From whoever really signed an earlier step."""
    rule = {"rule": "department_head", "of": "signer:first"}
    assert firm.who(rule, signed={"first": [person("hr2")]}) == ["hr1"]


def test_of_a_field(firm: Firm) -> None:
    """From the person or the department that the field holds."""
    rule = {"rule": "department_head", "of": "field:x"}
    assert firm.who(rule, variables={"x": "E5"}) == ["hr1"]
    assert firm.who(rule, variables={"x": "works"}) == ["chief"]


def test_the_department_recorded_at_the_start_counts(firm: Firm) -> None:
    """Who moved, or is in several departments, is judged by the one in which the case began."""
    assert firm.who({"rule": "department_head"}, variables={"subject": {"department": "office"}}) == ["hr1"]
    assert firm.who({"rule": "department_head"}, variables={"subject": {"department": "gone"}}) == ["lead"]


# --- the order of application


def test_order_1_and_6_first_rule_that_gives_anybody(firm: Firm) -> None:
    """顺序 (order of application, 1 and 6): the rules are a list of fallbacks; every one that was tried is told."""
    resolved = firm.resolve({"rule": "role", "roles": ["x"]}, {"rule": "report_line"}, {"rule": "person", "persons": ["E6"]})
    assert resolved.persons == [person("lead")]
    assert [rule["rule"] for rule in resolved.trace["tried"]] == ["role", "report_line"]


def test_order_2_who_left_is_disabled_or_unknown_is_dropped(firm: Firm) -> None:
    """顺序 (order of application, 2): each with the reason."""
    firm.leave("hr1")
    firm.connection.execute(sa.update(Person).where(Person.id == person("hr2")).values(active=False))
    resolved = firm.resolve({"rule": "person", "persons": ["E4", "E5", "E77", "E6"]})
    assert resolved.persons == [person("law")]
    assert dropped(resolved) == [("hr1", "left"), ("hr2", "disabled"), ("E77", "unknown")]


def test_order_3_whom_it_is_about_is_dropped(firm: Firm) -> None:
    """顺序 (order of application, 3): nobody signs about themselves, whatever rule names them."""
    resolved = firm.resolve({"rule": "person", "persons": ["E0", "E6"]})
    assert resolved.persons == [person("law")]
    assert dropped(resolved) == [("subject", "subject")]


def test_order_4_absent_ones_are_replaced_by_substitutes(firm: Firm) -> None:
    """顺序 (order of application, 4): the sign-off tells for whom; substitutes are filtered as everybody; their scope counts."""
    firm.absent("hr1", "law")
    [signer] = firm.resolve({"rule": "person", "persons": ["E4"]}).signers
    assert (signer.person, signer.absent) == (person("law"), person("hr1"))
    firm.absent("lead", "subject")
    resolved = firm.resolve({"rule": "report_line"}, {"rule": "person", "persons": ["E5"]})
    assert resolved.persons == [person("hr2")] and dropped(resolved) == [("lead", "absent"), ("subject", "subject")]
    firm.absent("boss", "hr2", scope="procedure", ref="termination")
    assert firm.who({"rule": "person", "persons": ["E3"]}) == ["boss"]
    assert firm.who({"rule": "person", "persons": ["E3"]}, procedure="termination") == ["hr2"]


def test_order_5_doubles_collapse(firm: Firm) -> None:
    """顺序 (order of application, 5): the first place wins, also where somebody stands in for another of the step."""
    firm.absent("hr1", "law")
    resolved = firm.resolve({"rule": "person", "persons": ["E4", "E5", "E6"]})
    assert resolved.persons == [person("law"), person("hr2")] and resolved.signers[0].absent == person("hr1")


def test_order_6_the_persons_of_a_policy_are_filtered_too(firm: Firm) -> None:
    """顺序 (order of application, 6): whom the policy names may have left or be absent themselves."""
    firm.leave("hr1")
    firm.absent("hr2", "law")
    nobody = {"do": "to_person", "persons": ["E4", "E5"]}
    resolved = firm.resolve({"rule": "role", "roles": ["x"]}, nobody=nobody)
    assert resolved.persons == [person("law")] and resolved.trace["policy"] == "to_person"
    assert [one["reason"] for one in resolved.trace["instead_dropped"]] == ["left", "absent"]


def test_order_9_the_mode_comes_last(firm: Firm) -> None:
    """顺序 (order of application, 9): one of the people for a single step, one drawn for a random one, weights for a vote."""
    rule = {"rule": "person", "persons": ["E4", "E5", "E6"]}
    assert firm.who(rule, mode="single") == ["hr1"]
    drawn = firm.resolve(rule, mode="random", draw=lambda count: count - 1)
    assert drawn.persons == [person("law")] and len(drawn.trace["drawn_from"]) == 3
    assert len(firm.resolve(rule, mode="random").persons) == 3
    firm.role("legal", "law")
    weights = [{"persons": ["E4"], "weight": 3}, {"roles": ["legal"], "weight": 2}]
    assert [signer.weight for signer in firm.resolve(rule, mode="ratio", weights=weights).signers] == [3, 1, 2]


# --- nobody is found


@pytest.mark.parametrize(
    ("do", "outcome", "who"),
    [
        ("to_managers", None, "admin"),
        ("to_upper_head", None, "lead"),
        ("incident", "incident", None),
        ("skip", "skipped", None),
        ("reject", "rejected", None),
    ],
)
def test_nobody_found_by_each_policy(firm: Firm, do: str, outcome: str | None, who: str | None) -> None:
    """审批人为空 (nobody found): each policy does what it says, and the trace names it."""
    resolved = firm.resolve({"rule": "role", "roles": ["x"]}, nobody={"do": do})
    assert (resolved.outcome, resolved.persons) == (outcome, [person(who)] if who else [])
    assert resolved.trace["policy"] == do


def test_nobody_found_to_managers(firm: Firm) -> None:
    """审批人为空，转交流程管理员 (nobody found: to_managers): not to administrators whom it does not name; without any it stands."""
    firm.role("watch", "hr2")
    assert firm.who({"rule": "role", "roles": ["x"]}, managers=["watch"]) == ["hr2"]
    assert firm.resolve({"rule": "role", "roles": ["x"]}, managers=["none"]).outcome == "incident"


def test_nobody_found_to_upper_head(firm: Firm) -> None:
    """审批人为空，转上级负责人 (nobody found: to_upper_head): past vacant departments and heads who may not sign."""
    firm.leave("lead")
    assert firm.who({"rule": "report_line"}, nobody={"do": "to_upper_head"}) == ["chief"]


# --- the initiator among the signers


@pytest.mark.parametrize(
    ("policy", "alone", "among"),
    [
        ("self", ["mate"], ["mate", "law"]),
        ("skip", None, ["law"]),
        ("manager", ["lead"], ["lead", "law"]),
        ("department_head", ["lead"], ["lead", "law"]),
        ("forbid", ["admin"], ["law"]),
    ],
)
def test_initiator_among_the_signers(firm: Firm, policy: str, alone: list[str] | None, among: list[str]) -> None:
    """发起人在审批人中 (initiator among the signers): alone, and beside another whose signature is needed as well."""

    def step(*numbers: str) -> Resolved:
        return firm.resolve({"rule": "person", "persons": list(numbers)}, policy=policy)

    one = step("E7")
    assert (one.outcome, one.persons) == (("skipped", []) if alone is None else (None, [person(key) for key in alone]))
    assert step("E7", "E6").persons == [person(key) for key in among]


def test_initiator_where_one_signature_is_enough(firm: Firm) -> None:
    """The others give it; nobody is asked in the initiator's place."""
    assert firm.who({"rule": "person", "persons": ["E7", "E6"]}, mode="claim") == ["law"]


def test_initiator_without_a_head_goes_to_the_empty_policy(firm: Firm) -> None:
    """Nothing passes by itself."""
    firm.connection.execute(sa.delete(Headship))
    resolved = firm.resolve({"rule": "initiator"}, policy="department_head")
    assert resolved.persons == [person("admin")] and resolved.trace["policy"] == "to_managers"


# --- the same person twice


SAME = {"rule": "person", "persons": ["E6"]}


@pytest.mark.parametrize(
    ("twice", "right_after", "later"),
    [("none", ["law"], ["law"]), ("once", [], []), ("adjacent", [], ["law"])],
)
def test_same_person_twice(firm: Firm, twice: str, right_after: list[str], later: list[str]) -> None:
    """重复审批 (the same person twice): right after the step that they signed, and after one more between."""
    signed = {"a": [person("law")]}
    assert firm.who(SAME, twice=twice, signed=signed) == right_after
    assert firm.who(SAME, twice=twice, signed={**signed, "b": [person("hr1")]}) == later


@pytest.mark.parametrize("wanted", [{"opinion": "always"}, {"signature": True}, {"fields": {"x": "required"}}])
def test_the_same_person_is_asked_again_where_the_step_wants_its_own(firm: Firm, wanted: dict[str, Any]) -> None:
    """An opinion, a signature or a field of the later step cannot be taken from an earlier one."""
    signed = {"a": [person("law")]}
    assert firm.who(SAME, signed=signed, **wanted) == ["law"]
    assert firm.who(SAME, signed=signed, fields={"x": "readonly"}) == []


def test_a_substitute_is_not_the_same_person(firm: Firm) -> None:
    """Who signed for themselves signs for an absent one nevertheless."""
    firm.absent("hr1", "law")
    assert firm.who({"rule": "person", "persons": ["E4"]}, signed={"a": [person("law")]}) == ["law"]


def test_of_a_countersigned_step_only_who_signed_before_is_left_out(firm: Firm) -> None:
    """The others still sign; where one signature is enough, whoever of them gives it."""
    rule = {"rule": "person", "persons": ["E5", "E6"]}
    assert firm.who(rule, signed={"a": [person("law")]}) == ["hr2"]
    assert firm.who(rule, mode="claim", signed={"a": [person("law")]}) == ["hr2", "law"]


# --- conditions


def test_a_step_applies_as_its_condition_says(firm: Firm) -> None:
    """True: its people; false: it is not reached; anything else: a person must look, and the fault is told."""
    given = {"when": "amount > yuan(50000)"}
    assert firm.who(SAME, **given, variables={"amount": 6_000_000}) == ["law"]
    assert firm.resolve(SAME, **given, variables={"amount": 1}).outcome == "unreached"
    unclear = firm.resolve(SAME, **given, variables={"amount": None})
    assert unclear.outcome == "incident" and unclear.trace["failed"]
