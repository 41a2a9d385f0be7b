"""Forms: types of components that calculate, show or limit; each is checked by the server, whatever the browser sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

import forms
from engine.bpmn import expressions
from engine.errors import FormInvalid
from forms.view import TABLE_ROWS

#: morning of 2026-11-25 in Shanghai, still the day before in London
NOW = dt.datetime(2026, 11, 24, 23, 0, tzinfo=dt.UTC)


def evaluate(text: str, data: Any) -> Any:
    return expressions.evaluate(text, data, now=NOW)


CHECKER = forms.FormChecker(evaluate=evaluate, check_expression=expressions.check, now=lambda: NOW)


def form(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": "default", "id": "form", "components": list(components)}


def check(schema: dict[str, Any], submitted: Any, stored: Mapping[str, Any] = {}, **permissions: str) -> dict[str, Any]:
    assert CHECKER.problems(schema) == []
    return CHECKER.check(schema, submitted, stored, permissions=permissions, locale="en")


def refused(schema: dict[str, Any], submitted: Any, stored: Mapping[str, Any] = {}, **permissions: str) -> dict[str, list[str]]:
    with pytest.raises(FormInvalid) as said:
        check(schema, submitted, stored, **permissions)
    return said.value.fields


def view(schema: dict[str, Any], stored: Mapping[str, Any] = {}, *, locale: str = "en", **more: Any) -> list[forms.FieldView]:
    assert CHECKER.problems(schema) == []
    return CHECKER.view(schema, stored, permissions=more.pop("permissions", {}), locale=locale, **more)


NUMBER = {"type": "number", "key": "amount", "label": "金额"}
LINES = {
    "type": "dynamiclist",
    "path": "lines",
    "label": "明细",
    "components": [
        {"type": "number", "key": "count", "label": "数量"},
        {"type": "number", "key": "price", "label": "单价"},
        {"type": "expression", "key": "sum", "expression": "=count * price"},
    ],
}
TOTAL = {"type": "expression", "key": "total", "expression": "=sum(lines.sum)", "computeOn": "change"}
TWICE = {"type": "expression", "key": "twice", "expression": "=total * 2"}


# --- calculated


def test_what_is_calculated_is_calculated_by_the_server() -> None:
    """A field of the type expression takes no value from outside; later ones see earlier ones, and rows have their own."""
    sent = {"lines": [{"count": "2", "price": "1.5", "sum": "999"}, {"count": 1, "price": 4}], "total": 1, "twice": "x"}

    clean = check(form(LINES, TOTAL, TWICE), sent)

    assert [row["sum"] for row in clean["lines"]] == [3, 4]
    assert (clean["total"], clean["twice"]) == (7, 14)


def test_what_is_calculated_is_empty_while_it_is_hidden_or_fails() -> None:
    """Hidden by its condition it is null, as other fields are; an expression that fails gives null, too."""
    hidden = TOTAL | {"conditional": {"hide": "=true"}}

    assert check(form(LINES, hidden), {"lines": [{"count": 1, "price": 1}]})["total"] is None
    assert check(form(LINES, TOTAL), {"lines": [{"count": 1}]})["total"] is None


@pytest.mark.parametrize("permission", ["hidden", "readonly"])
def test_what_is_calculated_for_others_stays_as_it_is(permission: str) -> None:
    """Where the field is not the person's, nothing is calculated anew, and what they send for it does no harm."""
    assert "total" not in check(form(NUMBER, TOTAL | {"expression": "=amount"}), {"amount": 5, "total": 5}, {"total": 3}, total=permission)


def test_conditions_and_texts_see_what_is_calculated() -> None:
    """A condition may look at a calculated field, and a text may show it; the field itself is never drawn."""
    schema = form(
        NUMBER,
        {"type": "expression", "key": "large", "expression": "=amount > 100"},
        {"type": "textfield", "key": "reason", "label": "理由", "conditional": {"hide": "=not(large)"}},
        {"type": "text", "text": "{{#if large}}超过{{limit}}元{{/if}}"},
    )

    shown = view(schema, {"limit": 100}, submitted={"amount": "101"})

    assert [each.kind for each in shown] == ["number", "textfield", "text"]
    assert not shown[1].hidden and shown[2].text == "超过100元"
    assert view(schema, {"limit": 100}, submitted={"amount": "5"})[1].hidden


# --- shown


def test_a_table_shows_the_rows_of_a_list() -> None:
    """Columns lie in the form, with an English name where there is one; what a row lacks is an empty cell."""
    columns = [{"key": "name", "label": "姓名", "label_en": "Name"}, {"key": "signed", "label": "已签"}, {"key": "hours", "label": "工时"}]
    table = {"type": "table", "label": "见证人", "dataSource": "=witnesses", "columns": columns, "rowCount": 10}
    rows = [{"name": "李明", "signed": True, "hours": 2.5}, {"name": ["甲", "乙"], "signed": False}, "noise"]

    (shown,) = view(form(table), {"witnesses": rows})

    assert list(shown.columns) == ["Name", "已签", "工时"]
    assert shown.cells == [["李明", "✓", "2.5"], ["甲、乙", "–", ""], ["", "", ""]]
    assert view(form(table), {}, locale="zh-CN")[0].cells == []


def test_the_columns_of_a_table_may_be_calculated() -> None:
    """columnsExpression gives them; one that gives no list leaves a table without columns and cells."""
    table = {"type": "table", "label": "表", "dataSource": "=rows", "columnsExpression": "=columns"}

    (shown,) = view(form(table), {"rows": [{"a": 1}], "columns": [{"key": "a", "label": "A"}]})

    assert (list(shown.columns), shown.cells) == (["A"], [["1"]])
    assert view(form(table), {"rows": [{"a": 1}], "columns": 5})[0].columns == []
    assert view(form(table), {"rows": [{"a": 1}], "columns": [{"key": ["a"], "label": "A"}]})[0].cells == [[""]], "a key that is none"


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    """A page shows 500 rows at most."""
    table = {"type": "table", "label": "表", "dataSource": "=rows", "columns": [{"key": "a", "label": "A"}]}

    (shown,) = view(form(table), {"rows": [{"a": number} for number in range(TABLE_ROWS + 3)]})

    assert len(shown.cells) == TABLE_ROWS and shown.left_out == 3


def test_html_is_harmless_whatever_is_put_into_it() -> None:
    """Values are text and never markup; scripts, pictures, styles and addresses that run something are taken away."""
    content = '<p onclick="x()" style="position:fixed">你好 <b>{{name}}</b> <a href="javascript:x()">a</a> <a href="https://example.com">b</a></p>'

    (shown,) = view(form({"type": "html", "content": content}), {"name": "<img src=x onerror=y><script>z</script>"})

    assert "&lt;img" in shown.text and "<img" not in shown.text and "<script" not in shown.text
    assert not any(part in shown.text for part in ("onclick", "style", "javascript"))
    assert '<a href="https://example.com" target="_blank" rel="noopener noreferrer">b</a>' in shown.text


def test_html_that_is_calculated_is_harmless_too() -> None:
    """An expression gives text, not markup."""
    (shown,) = view(form({"type": "html", "content": "=name"}), {"name": "<b>a</b>"})

    assert shown.text == "&lt;b&gt;a&lt;/b&gt;"


def test_a_picture_comes_with_the_form_or_not_at_all() -> None:
    """Only a picture that lies in its address itself is shown; nothing is asked of another server."""
    source = "data:image/png;base64,iVBORw0KGgo="

    assert view(form({"type": "image", "source": source, "alt": "{{name}}的照片"}), {"name": "李明"})[0].text == "李明的照片"
    assert view(form({"type": "image", "source": "=logo"}), {"logo": source})[0].source == source
    for wrong in ("https://example.com/a.png", "data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", 5):
        assert view(form({"type": "image", "source": "=logo"}), {"logo": wrong})[0].source == ""


def test_a_preview_of_documents_leads_to_them() -> None:
    """It shows what a file field holds, as links; who may not open a document is told so there."""
    schema = form({"type": "documentPreview", "label": "凭证", "dataSource": "=proof"})

    assert view(schema, {"proof": ["d1", "d2"]})[0].documents == ["d1", "d2"]
    assert view(schema, {"proof": "d1"})[0].documents == ["d1"]
    assert view(schema, {})[0].documents == []


def test_labels_are_filled_in_with_values_of_the_case() -> None:
    """{{ }} stands in labels, descriptions, texts and adorners; a loop goes through a list, and a name that is unknown is empty."""
    schema = form(
        NUMBER | {"label": "{{name}}的金额", "description": "{{nobody}}", "appearance": {"suffixAdorner": "{{unit}}"}},
        {"type": "text", "text": "{{#loop people}}{{this.name}}（{{age}}，{{parent.name}}）；{{/loop}}{{#loop tags}}{{this}} {{/loop}}"},
    )

    amount, text = view(schema, {"name": "李明", "unit": "元", "people": [{"name": "甲", "age": 30}, {"name": "乙"}], "tags": ["x", 2]})

    assert (amount.label, amount.description, amount.suffix) == ("李明的金额", "", "元")
    assert text.text.startswith("甲（30，李明）；乙（") and text.text.endswith("x 2 ")


# --- limits


@pytest.mark.parametrize(
    ("component", "good", "bad", "said"),
    [
        (NUMBER | {"increment": "0.5"}, ["1.5", "-1"], "1.7", "This must be a multiple of 0.5; 1.5 and 2.0 are the nearest."),
        (
            {"type": "datetime", "key": "amount", "subtype": "time", "timeInterval": 15},
            ["09:45", "09:00"],
            "09:50",
            "The minutes must be a multiple of 15.",
        ),
        (
            {"type": "datetime", "key": "amount", "subtype": "datetime", "timeInterval": 60},
            ["2026-12-01T09:00"],
            "2026-12-01T09:30",
            "The minutes must be a multiple of 60.",
        ),
        (
            {"type": "datetime", "key": "amount", "disallowPassedDates": True},
            ["2026-11-25"],
            "2026-11-24",
            "This must not be before 2026-11-25.",
        ),
        (
            {"type": "datetime", "key": "amount", "subtype": "datetime", "disallowPassedDates": True},
            ["2026-11-25T00:00"],
            "2026-11-24T23:00",
            "This must not be before 2026-11-25.",
        ),
        (
            {"type": "datetime", "key": "amount", "validate": {"max": '=today() + duration("P7D")'}},
            ["2026-12-02"],
            "2026-12-03",
            "This must not be after 2026-12-02.",
        ),
        (
            {"type": "textfield", "key": "amount", "validate": {"pattern": "^[0-9]{6}$", "patternErrorMessage": "六位数字"}},
            ["123456"],
            "12345",
            "六位数字",
        ),
        (
            {"type": "filepicker", "key": "amount", "multiple": "=several"},
            [["a"]],
            ["a", "b"],
            "At most 1 entries are possible; there are 2.",
        ),
    ],
)
def test_a_value_outside_its_limits_is_told_which(component: dict[str, Any], good: list[Any], bad: Any, said: str) -> None:
    """Steps of numbers and minutes, days that have passed by the company's zone, an author's own sentence for a pattern."""
    for value in good:
        check(form(component), {"amount": value})

    assert refused(form(component), {"amount": bad}) == {"amount": [said]}


def test_limits_of_time_stand_in_the_page() -> None:
    """The browser offers the same minutes and no day that has passed."""
    moment = {"type": "datetime", "key": "at", "subtype": "datetime", "timeInterval": 30, "disallowPassedDates": True}

    assert view(form(moment))[0].limits == {"min": "2026-11-25T00:00", "step": "1800"}


def test_a_list_has_as_many_rows_as_its_form_allows() -> None:
    """Its properties min_rows and max_rows count on the server, and the page offers to add and remove rows only within them."""
    schema = form(LINES | {"properties": {"min_rows": "2", "max_rows": "3"}})
    rows = [{"count": number} for number in (1, 2, 3, 4)]

    assert len(check(schema, {"lines": rows[:2]})["lines"]) == 2
    assert refused(schema, {}) == {"lines": ["Add at least one row."]}
    assert refused(schema, {"lines": rows[:1]}) == {"lines": ["At least 2 rows are needed; there are 1."]}
    assert refused(schema, {"lines": rows}) == {"lines": ["At most 3 entries are possible; there are 4."]}
    shown = [view(schema, {"lines": rows[:many]})[0] for many in (2, 3)]
    assert [(each.can_add, each.can_remove) for each in shown] == [(True, False), (False, True)]
    assert len(view(schema)[0].rows) == 2


def test_a_field_of_half_the_width_says_so() -> None:
    """layout.columns counts sixteenths; what takes half or less stands beside another on a desk."""
    shown = view(form(NUMBER | {"layout": {"columns": 8}}, NUMBER | {"key": "b", "layout": {"columns": 10}}, NUMBER | {"key": "c"}))

    assert [each.narrow for each in shown] == [True, False, False]


# --- hidden


COLUMNS = [{"key": "open", "label": "o"}, {"key": "pay", "label": "p"}]
SECRETS = form(
    {"type": "textfield", "key": "secret", "label": "绝密"},
    {
        "type": "dynamiclist",
        "path": "rows",
        "label": "行",
        "components": [
            {"type": "textfield", "key": "open", "label": "{{secret}}{{pay}}{{open}}"},
            {"type": "textfield", "key": "pay", "label": "薪酬"},
            {"type": "text", "text": "{{secret}}{{pay}}{{this_is_nothing}}"},
        ],
    },
    {"type": "text", "text": "=secret"},
    {"type": "html", "content": "<p>{{secret}}{{#loop rows}}{{pay}}{{/loop}}</p>"},
    {"type": "table", "label": "{{secret}}", "dataSource": "=rows", "columns": COLUMNS},
    {"type": "select", "key": "choice", "label": "c", "valuesExpression": "=[secret]"},
    {"type": "number", "key": "limited", "label": "l", "description": "{{secret}}", "validate": {"max": "=number(secret)"}},
    {"type": "documentPreview", "label": "d", "dataSource": "=[secret]"},
)


def test_what_is_hidden_is_not_shown_by_way_of_another_component() -> None:
    """A text, table, label, choice or limit that quotes a hidden field is shown without it; conditions still see it."""
    stored = {"secret": "777", "rows": [{"open": "可见", "pay": "888"}]}
    asking = SECRETS["components"] + [{"type": "text", "text": "条件", "conditional": {"hide": '=secret = "777"'}}]

    everything = str(view(form(*asking), stored))
    shown = view(form(*asking), stored, permissions={"secret": "hidden", "rows.pay": "hidden"})

    assert "777" in everything and "888" in everything
    assert "777" not in str(shown) and "888" not in str(shown) and "可见" in str(shown)
    assert shown[-1].hidden
    assert refused(SECRETS, {"limited": 999}, stored)["limited"] == ["This must be at most 777."]
    assert refused(SECRETS, {"limited": 999}, stored, secret="hidden")["limited"] == ["This does not have the expected form."]
