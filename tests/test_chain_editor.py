"""The table of a chain: what it offers, that it loses nothing, and conditions as rows."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from test_web_chains import KEY, PAGE, typed
from web_office import Office

from engine.bpmn import expressions
from engine.chains import offered, steps, words
from engine.chains.faults import faults, unwired
from engine.chains.rules import PARAMETERS, sparse
from engine.chains.steps import DEFAULTS
from engine.models import Holding
from webapp import chainfields, chainform, i18n
from webapp.chainfields import Known
from webapp.chainwhen import OPERATORS, Conditions, Row

KNOWN = [
    Known(path="compensation_fen", label="补偿金额", kind="money"),
    Known(path="law.months", label="月数", kind="number"),
    Known(path="lieu", label="代通知金", kind="digits"),
    Known(path="warned", label="已提醒", kind="yes_no"),
    Known(path="kind", label="类别", kind="choice", options=[("phone", "玩手机"), ("learning", "学习能力差")]),
    Known(path="topics", label="谈及", kind="several", options=[("training", "培训成绩")]),
    Known(path="on", label="面谈日期", kind="date"),
    Known(path="subject.departments", label="部门（含下级部门）", kind="below", where="当事员工"),
    Known(path="remark", label="备注", kind="text"),
]
CONDITIONS = Conditions(KNOWN, {"production": "生产部", "hr": "人力资源部"})


@pytest.fixture
def office(own_office: Office) -> Office:
    return own_office


@pytest.mark.parametrize(
    ("path", "operator", "value", "feel"),
    [
        ("compensation_fen", ">", "50000 元", "compensation_fen > yuan(50000)"),
        ("compensation_fen", ">=", "5万", "compensation_fen >= yuan(50000)"),
        ("compensation_fen", "<", "￥1,234.50", "compensation_fen < yuan(1234.5)"),
        ("law.months", "<=", "12", "law.months <= 12"),
        ("lieu", "=", "0", "number(lieu) = 0"),
        ("warned", "=", "是", "warned = true"),
        ("kind", "!=", "玩手机", 'kind != "phone"'),
        ("topics", "=", "培训成绩", 'list contains(topics, "training")'),
        ("on", "<", "2026-12-01", 'date(on) < date("2026-12-01")'),
        ("subject.departments", "=", "生产部", 'list contains(subject.departments, "production")'),
        ("subject.departments", "!=", "production", 'not(list contains(subject.departments, "production"))'),
        ("remark", "=", "又 “and” 又", 'remark = "又 “and” 又"'),
        ("unknown_fen", ">", "1", "unknown_fen > yuan(1)"),
        ("unknown", "=", "x", 'unknown = "x"'),
    ],
)
def test_what_is_typed_becomes_an_expression_and_is_read_back(path: str, operator: str, value: str, feel: str) -> None:
    """Money in yuan, names in place of keys, yes and no; the expression can be evaluated, and its rows write it again."""
    written = CONDITIONS.written([Row(path=path, operator=operator, value=value)])
    rows = CONDITIONS.rows(written)
    assert written == feel and not expressions.check(written)
    assert rows is not None and CONDITIONS.written(rows) == written and not CONDITIONS.missing(written)


@pytest.mark.parametrize(
    ("path", "operator", "value"),
    [
        ("compensation_fen", ">", ""),
        ("compensation_fen", ">", "五万"),
        ("subject.departments", "=", "生产"),
        ("on", "<", "明天"),
        ("kind", ">", "玩手机"),
        ("warned", "=", "也许"),
    ],
)
def test_what_is_no_value_stays_and_is_not_published(path: str, operator: str, value: str) -> None:
    """It is shown as typed, with a sentence that names the field; no expression can be read with it."""
    written = CONDITIONS.written([Row(path=path, operator=operator, value=value)])
    assert CONDITIONS.rows(written) == [Row(path=path, operator=operator, value=value)]
    assert len(CONDITIONS.missing(written)) == 1 and expressions.check(written)


ROWS = st.builds(
    Row, path=st.sampled_from([one.path for one in KNOWN]), operator=st.sampled_from(list(OPERATORS)), value=st.text(max_size=12)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, max_size=3))
def test_rows_are_never_taken_for_other_rows(rows: list[Row]) -> None:
    """What is read back from an expression writes the same expression, or is left as one."""
    written = CONDITIONS.written(rows)
    back = CONDITIONS.rows(written)
    assert back is None or CONDITIONS.written(back) == written.strip()


@pytest.mark.parametrize("feel", ["a > 5 or b > 5", "if a then b else c", "a >  5", 'a = "x" and (b = 1)', 'remark = "x', "f(a) = 1"])
def test_an_expression_that_says_more_than_rows_stays_as_it_is(feel: str) -> None:
    """It is edited as FEEL."""
    assert CONDITIONS.rows(feel) is None and CONDITIONS.told(feel) == feel
    assert CONDITIONS.shown(feel) == Markup("<code>{}</code>").format(feel)


def test_two_designers_the_list_has_an_input_for_every_setting_that_is_accepted(office: Office) -> None:
    """双设计器 (two designers): and each of its choices is there to choose; what is refused is not offered."""
    page = office.browser("admin").get(PAGE).text
    for field in DEFAULTS:
        assert chainform.shown(field) == (field in ("when", "limit_days", "limit_hours") or offered.takes(field)), field
    for name, kind in {**{f: chainform.kind(f) for f in DEFAULTS if offered.takes(f)}, "mode": "choice"}.items():
        if kind in ("choice", "some", "yes_no", "nobody", "on_due", "on_reject"):
            assert f'name="s0.{name}"' in page, name
    for name in offered.rules():
        assert f'<option value="{name}"' in page


def test_every_choice_has_a_name() -> None:
    """What a setting may say is known to whoever reads the table."""
    assert set(steps.VERBS) == set(words.CHOICES["verbs"]) and set(steps.ACCESS) == set(words.ACCESS)
    assert set(steps.NOBODY) == set(words.CHOICES["nobody"]) and set(steps.ON_DUE) == set(words.CHOICES["on_due"])
    assert set(steps.MODES) == set(words.CHOICES["mode"]) and set(PARAMETERS) == set(words.RULES) == set(words.PHRASES)
    assert set(DEFAULTS) <= set(words.FIELDS)


def everything() -> dict[str, Any]:
    """A step in which every setting that publishing accepts says something of its own."""
    step: dict[str, Any] = {
        **{"key": "third", "name": "总经理", "name_en": "General manager", "mode": "ratio", "when": "compensation_fen > yuan(50000)"},
        "approvers": [{"rule": "role", "roles": ["hr", "admin"]}, {"rule": "department_head", "of": "initiator", "level": 2}],
        **{"ratio": 60, "weights": [{"roles": ["hr"], "weight": 3}, {"persons": ["GM-001"], "weight": 2}], "limit_hours": 6},
        "on_due": {"do": "remind", "times": 3, "every_hours": 2},
        "nobody": {"do": "to_person", "persons": ["GM-001", "HR-001"]},
        "on_reject": "to:head",
    }
    own = {"fields": {"compensation_fen": "hidden", "kind": "readonly"}, "copies": [{"rule": "role", "roles": ["legal"]}]}
    for field in DEFAULTS:
        if field in step or field in ("reject", "limit_days", "decisive") or not offered.takes(field):
            continue
        kind = chainform.kind(field)
        choices = [one for one in offered.choices(field) if one != DEFAULTS[field]] if field in words.CHOICES else []
        found = {"choice": choices[:1], "some": [choices[:1]], "yes_no": [True], "number": [7]}.get(kind) or [own.get(field)]
        tried = {**step, field: found[0]}
        if not faults("x", "x", [{**step, "key": "head", "on_reject": "end"}, tried]):
            step = tried
    return step


def test_the_table_sent_as_it_stands_changes_nothing(office: Office) -> None:
    """Whatever a draft holds: settings with inputs, conditions as rows or FEEL, and what no page shows."""
    client, headers = office.program("admin")
    at = f"/api/v1{PAGE}/draft"
    draft = client.get(at, headers=headers).json["draft"]
    odd = {
        "key": "odd",
        "name": "甲",
        "name_en": "甲",
        "mode": "all",
        "reject": "after_all",
        "approvers": [{"rule": "person", "persons": ["GM-001"]}],
    }
    odd |= {"when": "a > 5 or b", "verbs": [], "limit_days": "x", "unheard": {"a": [1]}, "on_due": ["?"], "nobody": "nobody"}
    usual = [{**step, "approvers": [sparse(rule) for rule in step["approvers"]]} for step in draft["steps"]]
    drafted = [*usual, everything(), odd]
    assert not unwired(drafted[:-1])
    drafted_as = office.draft(KEY, drafted, (client, headers))["If-Match"]
    admin = office.browser("admin")
    page = admin.get(PAGE).text
    assert office.post(admin, PAGE, typed(page)).status_code == 200
    after = client.get(at, headers=headers)
    assert after.json["draft"]["steps"] == drafted and after.headers["ETag"] == drafted_as
    page = office.post(admin, PAGE, {**typed(page), "do": "drop:3:unheard"}).text
    assert "unheard" not in client.get(at, headers=headers).json["draft"]["steps"][3]


def test_fields_are_known_by_what_people_call_them(office: Office) -> None:
    """Of the forms filled in before the approval, with where they are filled in; not of those after it."""
    with office.app.test_request_context(), i18n.speaking("zh-CN"):
        known = {one.path: one for one in chainfields.known(office.services, KEY)}
    assert known["kind"].label == "类别" and known["kind"].where == "提报" and ("phone", "玩手机") in known["kind"].options
    assert known["decision"].kind == "choice" and known["minutes"].kind == "number" and known["warned"].kind == "yes_no"
    assert known["subject.departments"].where == "当事员工" and "statement" not in known and "proof" not in known


def test_nobody_publishes_what_they_did_not_see(office: Office) -> None:
    """What was typed since the draft was kept is kept first, and shown; the reason stays typed."""
    admin = office.browser("admin", "en")
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), "s0.name_en": "One"}).text
    sent = {**typed(page), "s0.name_en": "Two", "reason": "because"}
    answer = office.post(admin, f"{PAGE}/publish", sent)
    assert answer.status_code == 200 and "was saved first" in answer.text and 'value="because"' in answer.text
    done = office.post(admin, f"{PAGE}/publish", {**typed(answer.text), "reason": "because"}, follow_redirects=True)
    assert "Version 2 is published." in done.text


ODD = (5, "x", [], {}, [5], {"do": 5}, {"a": 1}, [{"rule": 5}], [{"rule": ["x"]}], True, None)


@pytest.mark.parametrize("field", ["name", "name_en", "mode", "approvers", *DEFAULTS])
def test_whatever_a_program_drafted_can_be_opened(office: Office, field: str) -> None:
    """The table shows what it can, names the fault, and is saved again without an error of ours."""
    client, headers = office.program("admin")
    [first, second] = client.get(f"/api/v1{PAGE}/draft", headers=headers).json["draft"]["steps"]
    drafted = [{**first, "key": f"odd_{number}", field: odd} for number, odd in enumerate(ODD)]
    office.draft(KEY, [*drafted, second], (client, headers))
    admin = office.browser("admin")
    page = admin.get(PAGE)
    assert page.status_code == 200 and f"s{len(ODD)}.name" in page.text
    assert office.post(admin, PAGE, typed(page.text)).status_code == 200


@pytest.mark.parametrize("rule", offered.rules())
def test_every_rule_is_sent_as_it_stands(office: Office, rule: str) -> None:
    """With each of its parameters, and with what they hold that is not as usual."""
    some = {"persons": ["GM-001", "HR-001"], "roles": ["hr", "admin"], "groups": ["g"], "posts": ["p"], "departments": ["production", "hr"]}
    some |= {"within": "department", "of": "signer:head", "yes_no": True, "level": 3, "end": "grade:7", "vacant": "next_up", "short": "top"}
    some |= {"by": "region", "duty": "payroll", "field": "kind", "expression": "subject.id", "count": 2, "operation": "ehr.employee"}
    some |= {"values": {"about": "subject.id", "large": "amount >= 5"}}
    some |= {"pool": {"rule": "department_members", "of": "initiator", "sub": True}}
    one = {"rule": rule, **{name: some[kind] for name, kind in PARAMETERS[rule].items()}}
    client, headers = office.program("admin")
    at = f"/api/v1{PAGE}/draft"
    draft = client.get(at, headers=headers).json["draft"]
    usual = [{**step, "approvers": [sparse(each) for each in step["approvers"]]} for step in draft["steps"]]
    drafted = [usual[0], {**usual[1], "approvers": [one, {"rule": "initiator"}]}]
    office.draft(KEY, drafted, (client, headers))
    admin = office.browser("admin")
    office.post(admin, PAGE, typed(admin.get(PAGE).text))
    assert client.get(at, headers=headers).json["draft"]["steps"] == drafted


def test_two_administrators_publish_what_one_edited(tmp_path: Any) -> None:
    """The page says so, who edited it, and offers no button that would be refused; another administrator's page does."""
    office = Office(tmp_path, chains_four_eyes=True)
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.insert(Holding).values(person_id=office.people["sunzhiyuan"], role="admin"))
        unit.commit()
    admin, other = office.browser("admin", "en"), office.browser("sunzhiyuan", "en")
    page = office.post(admin, PAGE, {**typed(admin.get(PAGE).text), "s0.name_en": "One"}).text
    assert "You edited it, so another administrator must publish it." in page
    assert office.post(admin, f"{PAGE}/publish", {**typed(page), "reason": "x"}).status_code == 403
    page = other.get(PAGE).text
    assert "You edited it" not in page and "Edited by" in page
    done = office.post(other, f"{PAGE}/publish", {**typed(page), "reason": "checked"}, follow_redirects=True).text
    assert "Version 2 is published." in done and "checked" in done
    assert "another administrator must take it back" in done and "another administrator must take it back" not in admin.get(PAGE).text
    assert office.post(other, f"{PAGE}/undo", {"number": "1", "reason": "x"}).status_code == 403
    office.services.database.dispose()
