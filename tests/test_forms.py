"""Forms: what a person sends is checked against the form, and the form is prepared for the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict

import forms
from engine.bpmn import expressions
from engine.errors import FormInvalid
from forms.accepting import accepted
from forms.texts import Text

CATALOGUE = Path(__file__).parent.parent / "webapp/locale/zh_CN/forms.po"
CHINESE = {message.id: message.string for message in read_po(CATALOGUE.open("rb"))}


def translate(text: str, locale: str) -> str:
    return CHINESE[text] if locale.startswith("zh") else text


CHECKER = forms.FormChecker(evaluate=expressions.evaluate, check_expression=expressions.check, translate=translate)


def form(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": "default", "id": "form", "components": list(components)}


def text(key: str, **more: Any) -> dict[str, Any]:
    return {"type": "textfield", "key": key, "label": key, **more}


def check(schema: dict[str, Any], submitted: Any, stored: dict[str, Any] | None = None, *, locale: str = "en", **permissions: str) -> Any:
    return CHECKER.check(schema, submitted, stored or {}, permissions=permissions, locale=locale)


def faults(schema: dict[str, Any], submitted: Any, stored: dict[str, Any] | None = None, **options: Any) -> dict[str, list[str]]:
    with pytest.raises(FormInvalid) as refused:
        check(schema, submitted, stored, **options)
    return refused.value.fields


def view(schema: dict[str, Any], stored: dict[str, Any] | None = None, errors: Any = None, *, locale: str = "en", **options: Any) -> Any:
    permissions = options.pop("permissions", {})
    return CHECKER.view(schema, stored or {}, errors, permissions=permissions, locale=locale, **options)


DECISION = {
    "type": "radio",
    "key": "decision",
    "label": "结论",
    "properties": {"label_en": "Decision"},
    "values": [{"label": "同意", "value": "approve", "label_en": "Approve"}, {"label": "退回", "value": "return", "label_en": "Return"}],
    "validate": {"required": True},
}
REASON = {
    "type": "textarea",
    "key": "reason",
    "label": "理由",
    "conditional": {"hide": '=decision != "return"'},
    "validate": {"required": True, "minLength": 5},
}
NUMBER = {"type": "number", "key": "amount", "label": "金额"}
DAY = {"type": "datetime", "key": "day", "subtype": "date", "dateLabel": "日期"}
MOMENT = {"type": "datetime", "key": "at", "subtype": "datetime", "dateLabel": "时间"}
FACTS = {
    "type": "group",
    "path": "facts",
    "label": "事实",
    "components": [{"type": "checkbox", "key": "pregnant", "label": "孕期"}, {"type": "number", "key": "years", "label": "工龄"}],
}
WITNESSES = {
    "type": "dynamiclist",
    "path": "witnesses",
    "label": "见证人",
    "isRepeating": True,
    "components": [text("name", validate={"required": True}), {"type": "checkbox", "key": "signed", "label": "已签字"}],
}
FILES = {"type": "filepicker", "key": "proof", "label": "凭证", "multiple": True, "accept": ".pdf"}
EVERYTHING = form(DECISION, REASON, NUMBER, DAY, MOMENT, FACTS, WITNESSES, FILES, text("note"))


# --- values


@pytest.mark.parametrize(
    ("component", "sent", "clean"),
    [
        (text("x"), "  林小北 ", "林小北"),
        ({"type": "textarea", "key": "x"}, "a\r\nb\r\n", "a\nb"),
        ({"type": "number", "key": "x"}, "12", 12),
        ({"type": "number", "key": "x"}, "１２．５", 12.5),
        ({"type": "number", "key": "x"}, 3.0, 3),
        ({"type": "number", "key": "x", "serializeToString": True}, "1234.50", "1234.50"),
        ({"type": "select", "key": "x", "values": [{"label": "是", "value": True}]}, "true", True),
        ({"type": "select", "key": "x", "values": [{"label": "3", "value": 3}]}, "3", 3),
        (
            {"type": "checklist", "key": "x", "values": [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]},
            ["b", "a", "b"],
            ["b", "a"],
        ),
        ({"type": "checkbox", "key": "x"}, True, True),
        ({"type": "datetime", "key": "x", "subtype": "date"}, "2026-11-24", "2026-11-24"),
        ({"type": "datetime", "key": "x", "subtype": "time"}, "09:30", "09:30:00"),
        ({"type": "datetime", "key": "x", "subtype": "datetime"}, "2026-11-24T09:30", "2026-11-24T09:30:00"),
        ({"type": "datetime", "key": "x", "subtype": "datetime"}, "2026-11-24T01:30:00Z", "2026-11-24T09:30:00"),
        ({"type": "filepicker", "key": "x", "multiple": True}, ["a" * 32, "b" * 32], ["a" * 32, "b" * 32]),
        (text("x"), "", None),
        ({"type": "number", "key": "x"}, "", None),
        ({"type": "checklist", "key": "x", "values": [{"label": "a", "value": "a"}]}, [], []),
    ],
)
def test_a_value_enters_the_case_in_the_form_of_its_field(component: dict[str, Any], sent: Any, clean: Any) -> None:
    """Texts are trimmed, numbers become JSON numbers, choices keep their type, moments become local ISO text."""
    value = check(form(component), {"x": sent})["x"]

    assert value == clean and type(value) is type(clean)


@pytest.mark.parametrize(
    ("component", "sent", "message"),
    [
        (text("x"), ["a"], Text.NOT_TEXT),
        (text("x"), 5, Text.NOT_TEXT),
        (text("x"), "a\x00b", Text.CHARACTERS),
        (text("x"), "\ud800", Text.CHARACTERS),
        (text("x"), "a\nb", Text.ONE_LINE),
        (text("x"), "字" * 501, Text.TOO_LONG),
        ({"type": "textarea", "key": "x"}, "字" * 20_001, Text.TOO_LONG),
        (text("x", validate={"minLength": 3}), "ab", Text.TOO_SHORT),
        (text("x", validate={"maxLength": "=1 + 1"}), "abc", Text.TOO_LONG),
        (text("x", validate={"pattern": "^[A-Z]{2}-\\d+$"}), "KF17", Text.PATTERN),
        (text("x", validate={"pattern": "^(a+)+$"}), "a" * 60 + "!", Text.PATTERN),
        (text("x", validate={"validationType": "email"}), "nobody@", Text.EMAIL),
        (text("x", validate={"validationType": "phone"}), "call me", Text.PHONE),
        ({"type": "number", "key": "x"}, {"a": 1}, Text.NOT_NUMBER),
        ({"type": "number", "key": "x"}, True, Text.NOT_NUMBER),
        ({"type": "number", "key": "x"}, "1e9", Text.NOT_NUMBER),
        ({"type": "number", "key": "x"}, float("nan"), Text.NOT_NUMBER),
        ({"type": "number", "key": "x"}, "9" * 5000, Text.DIGITS),
        ({"type": "number", "key": "x"}, "1." + "0" * 40 + "1", Text.DIGITS),
        ({"type": "number", "key": "x", "decimalDigits": 2}, "0.125", Text.PLACES),
        ({"type": "number", "key": "x", "decimalDigits": 0}, "1.5", Text.WHOLE),
        ({"type": "number", "key": "x", "validate": {"min": 0.1}}, "0.09", Text.TOO_SMALL),
        ({"type": "number", "key": "x", "validate": {"max": 10}}, 11, Text.TOO_LARGE),
        (DECISION | {"key": "x"}, "fire", Text.NOT_OPTION),
        (DECISION | {"key": "x"}, ["approve"], Text.NOT_OPTION),
        ({"type": "checklist", "key": "x", "values": [{"label": "a", "value": "a"}]}, "a", Text.NOT_LIST),
        ({"type": "checklist", "key": "x", "values": [{"label": "a", "value": "a"}]}, ["a"] * 101, Text.TOO_MANY),
        ({"type": "checkbox", "key": "x"}, "yes", Text.NOT_YES_NO),
        ({"type": "checkbox", "key": "x", "validate": {"required": True}}, False, Text.TICK),
        (DAY | {"key": "x"}, "2026-02-30", Text.NOT_DATE),
        (DAY | {"key": "x"}, "0026-02-03", Text.NOT_DATE),
        (DAY | {"key": "x"}, 20261124, Text.NOT_DATE),
        (DAY | {"key": "x", "validate": {"min": "=earliest"}}, "2026-11-23", Text.TOO_EARLY),
        ({"type": "datetime", "key": "x", "subtype": "time"}, "25:00", Text.NOT_TIME),
        (MOMENT | {"key": "x"}, "9999-12-31T23:59:59-12:00", Text.NOT_DATETIME),
        (FILES | {"key": "x"}, [{"id": 1}], Text.NOT_FILES),
        (FILES | {"key": "x", "multiple": False}, ["a" * 32, "b" * 32], Text.TOO_MANY),
        (text("x", validate={"required": True}), "   ", Text.REQUIRED),
    ],
)
def test_a_wrong_value_gets_a_message_at_its_field(component: dict[str, Any], sent: Any, message: Text) -> None:
    """Whatever is sent for a field, the answer is a sentence about that field, in English and in Chinese, and never an exception."""
    for locale in ("en", "zh-CN"):
        [(path, [said])] = faults(form(component), {"x": sent}, {"earliest": "2026-11-24"}, locale=locale).items()

        assert path == "x"
        assert said.split("{")[0].startswith(translate(message, locale).split("{")[0])
        assert "{" not in said


def test_an_integer_too_long_for_python_to_write_is_refused() -> None:
    """Python refuses to turn integers of more than 4300 digits into text; a form must not stumble over that."""
    sent = {"amount": 10**5000, "decision": 10**5000}

    assert faults(form(NUMBER, DECISION), sent) == {"amount": [Text.DIGITS], "decision": [Text.NOT_OPTION]}
    assert len(view(form(NUMBER), submitted=sent)[0].value) == 5001


def test_money_is_compared_as_a_decimal() -> None:
    """A limit of 0.3 accepts 0.3, which a sum of binary fractions would refuse."""
    amount = NUMBER | {"validate": {"min": 0.3, "max": "=0.1 + 0.2"}}

    assert check(form(amount), {"amount": "0.3"}) == {"amount": 0.3}


def test_choices_may_come_from_the_case() -> None:
    """`valuesKey` names a variable that holds the choices, and an expression may give them."""
    by_key = form({"type": "select", "key": "ground", "valuesKey": "law.grounds"})
    by_expression = form({"type": "select", "key": "ground", "valuesExpression": "=for g in law.grounds return {label: g, value: g}"})
    stored = {"law": {"grounds": ["39(1)", "40(2)"]}}

    for schema in (by_key, by_expression):
        assert check(schema, {"ground": "40(2)"}, stored) == {"ground": "40(2)"}
        assert faults(schema, {"ground": "42"}, stored) == {"ground": [Text.NOT_OPTION]}
        assert faults(schema, {"ground": "42"}) == {"ground": [Text.NOT_OPTION]}


# --- what must be sent, and what may not be


@pytest.mark.parametrize(
    ("values", "fit"),
    [
        ({}, True),
        ({"guest": {"name": "李四"}, "people": [{"photos": ["a"]}], "reason": 1, "other": [1], "sum": {"a": 1}}, True),
        ({"guest": None, "people": None, "reason": None}, True),
        ({"guest": "李四"}, False),
        ({"guest": {"name": ["李四"]}}, False),
        ({"people": 6}, False),
        ({"people": "六人"}, False),
        ({"people": ["张三"]}, False),
        ({"people": [{"photos": "a"}]}, False),
        ({"reason": {"a": 1}}, False),
        ([], False),
    ],
)
def test_values_fit_a_form_that_has_their_objects_rows_and_lists(values: Any, fit: bool) -> None:
    """What fits is drawn; what the form does not have does not matter."""
    people = {"type": "dynamiclist", "path": "people", "components": [{"type": "filepicker", "key": "photos", "label": "照片"}]}
    group = {"type": "group", "path": "guest", "components": [text("name")]}
    schema = form(group, people, text("reason"), {"type": "expression", "key": "sum", "expression": "=1"})
    assert forms.fits(schema, values) is fit
    if fit:
        assert view(schema, values)


def test_a_required_field_must_be_sent_even_when_something_is_stored() -> None:
    """A second review does not inherit the decision of the first."""
    assert faults(form(DECISION), {}, {"decision": "approve"}) == {"decision": [Text.REQUIRED]}


def test_an_optional_field_that_was_not_sent_keeps_its_value() -> None:
    """What is stored stays, else the form's default, else the field is empty."""
    schema = form(text("a"), text("b", defaultValue="preset"), text("c"))

    assert check(schema, {}, {"a": "before"}) == {"a": "before", "b": "preset", "c": None}


def test_unknown_keys_are_named() -> None:
    """A key that the form does not have is an error, wherever it lies."""
    schema = form(FACTS, WITNESSES)
    sent = {"evil": 1, "facts": {"admin": True}, "witnesses": [{"name": "a", "role": "x"}]}

    assert faults(schema, sent).keys() == {"evil", "facts.admin", "witnesses[0].role"}


def test_noise_is_answered_briefly() -> None:
    """A thousand unknown keys do not get a thousand messages."""
    assert len(faults(form(text("a")), {f"k{i}": 1 for i in range(1000)})) <= 20


@pytest.mark.parametrize("submitted", [[], "text", None, 5])
def test_a_submission_must_be_an_object(submitted: Any) -> None:
    """A list or a text instead of fields gets a message of its own."""
    assert faults(form(text("a")), submitted) == {"": [Text.NOT_FIELDS]}


@pytest.mark.parametrize("permission", ["hidden", "readonly"])
def test_a_field_that_is_not_theirs_cannot_be_set(permission: str) -> None:
    """Another value for a hidden or read-only field is an error; the same one or none is what a browser may send."""
    schema = form(NUMBER, text("note"))
    stored = {"amount": 5000}

    assert faults(schema, {"amount": 1}, stored, amount=permission) == {"amount": [Text.NOT_YOURS]}
    for harmless in ({}, {"amount": ""}, {"amount": "5000"}, {"amount": 5000}):
        assert check(schema, {**harmless, "note": "n"}, stored, amount=permission) == {"note": "n"}


def test_readonly_and_disabled_in_the_form_count_too() -> None:
    """An expression may close a field, and what is sent cannot open it again."""
    schema = form(text("a", readonly="=not(open)"), text("b", disabled=True), text("open_too"))

    assert faults(schema, {"a": "x", "b": "y"}, {"open": False}) == {"a": [Text.NOT_YOURS], "b": [Text.NOT_YOURS]}
    assert faults(schema, {"a": "x", "open": True}, {"open": False}).keys() == {"a", "open"}
    assert check(schema, {"a": "x"}, {"open": True})["a"] == "x"


def test_a_step_may_demand_a_field() -> None:
    """The permission `required` makes an optional field obligatory; `readonly` of a group holds for all in it."""
    assert faults(form(text("note")), {}, note="required") == {"note": [Text.REQUIRED]}
    assert faults(form(FACTS), {"facts": {"years": 3}}, facts="readonly") == {"facts.years": [Text.NOT_YOURS]}


# --- conditions


def test_a_hidden_field_is_neither_asked_nor_kept() -> None:
    """While its condition hides it, a field is not required, what was sent for it is dropped, and what was stored is emptied."""
    schema = form(DECISION, REASON)

    first_round = {"decision": "return", "reason": "of the first round"}
    assert check(schema, {"decision": "approve", "reason": "left over"}, first_round) == {
        "decision": "approve",
        "reason": None,
    }
    assert faults(schema, {"decision": "return"}) == {"reason": [Text.REQUIRED]}


def test_what_was_hidden_before_and_after_stays_as_it_is() -> None:
    """Nobody empties by sending a form what the case's own data hid from them all along, alone or in an object."""
    secret = text("secret", conditional={"hide": "=grade < 5"})
    group = {"type": "group", "path": "facts", "label": "g", "components": [text("open"), secret]}
    stored = {"grade": 3, "secret": "kept", "facts": {"secret": "kept, too"}}

    assert check(form(text("note"), secret), {"note": "a", "secret": "mine"}, stored) == {"note": "a"}
    assert check(form(group), {"facts": {"open": "a"}}, stored) == {"facts": {"open": "a", "secret": "kept, too"}}
    assert check(form(secret), {}, {"grade": 3}) == {"secret": None}


def test_what_was_hidden_in_a_row_stays_as_it_is() -> None:
    """Also in a list that was hidden as a whole; a field that the submission hides is emptied, and so are all in rows that come and go."""
    secret = text("secret", conditional={"hide": '=grade < 5 or a = "off"'})
    rows = {"type": "dynamiclist", "path": "rows", "label": "r", "allowAddRemove": False, "components": [text("a"), secret]}
    stored = {"grade": 3, "rows": [{"a": "x", "secret": "kept"}]}
    sent = {"rows": [{"a": "y"}]}

    assert check(form(rows), sent, stored) == {"rows": [{"a": "y", "secret": "kept"}]}
    assert check(form(rows), {"rows": [{"a": "off"}]}, stored | {"grade": 6}) == {"rows": [{"a": "off", "secret": None}]}
    assert check(form(rows | {"allowAddRemove": True}), sent, stored) == {"rows": [{"a": "y", "secret": None}]}
    turned = rows | {"conditional": {"hide": '=mode != "on"'}}
    before = {"grade": 6, "rows": [{"a": "x", "secret": "kept"}], "mode": "off"}
    clean = check(form(text("mode"), turned), {"mode": "on", "rows": [{"a": "off"}]}, before)
    assert clean == {"mode": "on", "rows": [{"a": "off", "secret": "kept"}]}


def test_a_condition_sees_that_another_field_is_hidden() -> None:
    """A field that depends on a hidden one sees it empty, whichever stands first."""
    first = text("first", conditional={"hide": "=second = null"})
    second = text("second", conditional={"hide": '=third != "show"'})

    assert check(form(first, second, text("third")), {"first": "a", "second": "b", "third": "no"}) == {
        "first": None,
        "second": None,
        "third": "no",
    }


def test_conditions_see_converted_values() -> None:
    """A number typed as text is a number to the expression."""
    schema = form(NUMBER, text("why", conditional={"hide": "=amount < 100"}, validate={"required": True}))

    assert check(schema, {"amount": "99", "why": ""})["why"] is None
    assert faults(schema, {"amount": "100", "why": ""}) == {"why": [Text.REQUIRED]}


def test_a_condition_of_a_group_holds_for_what_is_in_it() -> None:
    """Hiding a group, with a path or without, hides its fields."""
    inner = text("inner", validate={"required": True})
    group = {"type": "group", "label": "g", "conditional": {"hide": "=closed"}, "components": [inner]}

    assert check(form(group), {}, {"closed": True}) == {"inner": None}
    assert faults(form(group), {}, {"closed": False}) == {"inner": [Text.REQUIRED]}


def test_a_failing_expression_hides_nothing() -> None:
    """An expression over an unknown name counts as false, so the field is shown and asked."""
    schema = form(text("a", conditional={"hide": "=nowhere > 3"}, validate={"required": True}))

    assert faults(schema, {}) == {"a": [Text.REQUIRED]}


# --- groups and lists


def test_a_group_with_a_path_adds_to_the_stored_object() -> None:
    """Fields of the object that the form does not show stay, and the stored object itself is not touched."""
    stored = {"facts": {"years": 3, "pregnant": False, "on_leave": True}}

    clean = check(form(FACTS), {"facts": {"pregnant": True}}, stored)

    assert clean == {"facts": {"years": 3, "pregnant": True, "on_leave": True}}
    assert stored == {"facts": {"years": 3, "pregnant": False, "on_leave": True}}


def test_each_row_of_a_list_is_checked() -> None:
    """Messages carry the row's number; good rows come out clean."""
    rows = [{"name": " 王芳 ", "signed": True}, {"name": ""}, "row"]

    assert faults(form(WITNESSES), {"witnesses": rows}) == {
        "witnesses[1].name": [Text.REQUIRED],
        "witnesses[2]": [Text.NOT_FIELDS],
        "witnesses[2].name": [Text.REQUIRED],
    }
    assert check(form(WITNESSES), {"witnesses": rows[:1]}) == {"witnesses": [{"name": "王芳", "signed": True}]}


def test_a_list_has_a_hundred_rows_at_most() -> None:
    """More rows get one message at the list."""
    said = faults(form(WITNESSES), {"witnesses": [{"name": "a"}] * 101})

    assert said == {"witnesses": ["At most 100 entries are possible; there are 101."]}


def test_rows_with_fields_of_others_stay_as_many_as_they_are() -> None:
    """Where a field of the rows is read-only, rows are matched by number and keep it; none can be added."""
    stored = {"witnesses": [{"name": "王芳", "signed": True, "id": 7}, {"name": "刘海", "signed": False}]}
    sent = {"witnesses": [{"name": "王 芳"}, {"name": "刘海"}]}
    permissions = {"witnesses.signed": "readonly"}

    assert check(form(WITNESSES), sent, stored, **permissions) == {
        "witnesses": [{"name": "王 芳", "signed": True, "id": 7}, {"name": "刘海", "signed": False}]
    }
    assert faults(form(WITNESSES), {"witnesses": [{"name": "刘海"}]}, stored, **permissions) == {
        "witnesses": ["Rows cannot be added or removed here; there must be 2."]
    }


def test_expressions_in_a_row_see_the_row_and_the_form() -> None:
    """A condition inside a row looks at the row's own fields first, then at the case."""
    rows = WITNESSES | {
        "components": [text("name"), text("why", conditional={"hide": '=name = "a" or mode = "short"'}, validate={"required": True})]
    }
    sent = {"witnesses": [{"name": "a"}, {"name": "b"}]}

    assert faults(form(rows), sent, {"mode": "long"}) == {"witnesses[1].why": [Text.REQUIRED]}
    assert check(form(rows), sent, {"mode": "short"})["witnesses"][1] == {"name": "b", "why": None}


def test_a_list_may_demand_a_row() -> None:
    """`required` of a list means at least one row; what is in the row stays optional."""
    assert faults(form(WITNESSES), {"witnesses": []}, witnesses="required") == {"witnesses": [Text.ONE_ROW]}
    assert check(form(WITNESSES), {"witnesses": [{"name": "a"}]}, witnesses="required")["witnesses"][0]["signed"] is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SENSIBLE = st.sampled_from(["approve", "return", "2026-11-24", "2026-11-24T09:30", "12.5", {"years": "3"}, [{"name": "a"}]])
KEYS = st.sampled_from(["decision", "reason", "amount", "day", "at", "facts", "witnesses", "proof", "note", "other"])


@settings(max_examples=150, deadline=None)
@given(sent=st.dictionaries(KEYS, JSON | SENSIBLE, max_size=8) | JSON, stored=st.dictionaries(KEYS, JSON, max_size=4))
def test_no_submission_breaks_the_checker(sent: Any, stored: dict[str, Any]) -> None:
    """Any JSON is either clean, and then storable, or refused with messages; the page and the draft can show it in any case."""
    try:
        clean = check(EVERYTHING, sent, {key: None for key in stored})
        json.dumps(clean, allow_nan=False).encode()
        assert check(EVERYTHING, clean) == {"reason": None} | clean  # what is hidden all along is not in the result
    except FormInvalid as refused:
        assert refused.fields and all(refused.fields.values())
        repr(refused.fields).encode()
    kept = forms.draft(EVERYTHING, sent)
    json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()
    str(view(EVERYTHING, stored, submitted=kept)).encode()


# --- deployment


@pytest.mark.parametrize(
    ("component", "part"),
    [
        ({"type": "iframe"}, "not supported"),
        ({"type": "textfield"}, "needs a key"),
        ({"type": "dynamiclist", "components": []}, "needs a path"),
        ({"type": "textfield", "key": "a b"}, "needs a key"),
        ({"type": "group", "components": [text("twice"), text("twice")]}, "same key"),
        ({"type": "group", "path": "twice", "components": [text("a"), {"type": "group", "components": [text("a")]}]}, "same key"),
        (text("a", validate={"pattern": "("}), "no regular expression"),
        (text("a", conditional={"hide": "=1 +"}), "expression of conditional.hide"),
        (text("a", conditional={"hide": "b"}), "begins with ="),
        (text("a", validate={"min": "=("}), "expression of validate.min"),
        (text("a", validate={"maxLength": "many"}), "whole number"),
        (text("a", validate=["required"]), "must be an object"),
        (text("a", label="{{ name + }}"), "name +"),
        (text("a", label="{{#if name}}"), "not closed"),
        (text("a", label="{{/loop}}"), "closes no block"),
        (text("a", label="{{#each name}}"), "neither #if nor #loop"),
        ({"type": "iframe", "label": "a", "url": "https://example.com"}, "html"),
        ({"type": "html", "content": "<style>p {}</style><script>x</script>"}, "script, style"),
        ({"type": "image", "source": "https://example.com/logo.png"}, "another server"),
        ({"type": "table", "dataSource": "rows", "columns": [{"key": "a", "label": "a"}]}, "dataSource"),
        ({"type": "table", "dataSource": "=rows", "columns": [{"key": "a"}]}, "each column"),
        ({"type": "table", "dataSource": "=rows", "columnsExpression": "columns"}, "columnsExpression"),
        ({"type": "documentPreview", "dataSource": ""}, "dataSource"),
        ({"type": "expression", "key": "a", "expression": "1"}, "must begin with ="),
        ({"type": "expression", "key": "a", "expression": "=1 +"}, "expression of expression"),
        ({"type": "number", "key": "a", "increment": "0"}, "increment"),
        ({"type": "number", "key": "a", "decimalDigits": 99}, "decimalDigits"),
        ({"type": "datetime", "key": "a", "subtype": "time", "timeInterval": 90}, "timeInterval"),
        (WITNESSES | {"properties": {"min_rows": "3", "max_rows": "2"}}, "min_rows"),
        ({"type": "select", "key": "a"}, "choices"),
        ({"type": "select", "key": "a", "values": [{"label": "x"}]}, "label and a value"),
        ({"type": "select", "key": "a", "values": [{"label": "x", "value": 1}, {"label": "y", "value": "1"}]}, "same value"),
        ({"type": "datetime", "key": "a", "subtype": "week"}, "subtype"),
        ({"type": "group", "components": "none"}, "no list"),
        ("component", "no object"),
    ],
)
def test_a_form_that_cannot_work_is_described(component: Any, part: str) -> None:
    """Each fault of a form gives a sentence before the procedure is deployed."""
    problems = CHECKER.problems(form(component))

    assert len(problems) == 1 and part in problems[0]


def test_a_good_form_has_no_problems() -> None:
    """The form that these tests use is one that can be deployed; keys of list rows may repeat those of the form."""
    again = WITNESSES | {"path": "others", "components": [text("note")]}

    assert CHECKER.problems(form(*EVERYTHING["components"], again, {"type": "separator"})) == []


@settings(max_examples=150, deadline=None)
@given(
    JSON
    | st.fixed_dictionaries(
        {
            "id": JSON,
            "components": st.lists(
                JSON
                | st.dictionaries(
                    st.sampled_from(
                        ["type", "key", "path", "label", "values", "validate", "conditional", "components", "properties", "subtype"]
                    ),
                    JSON | st.sampled_from(["textfield", "select", "dynamiclist", "group", "datetime", "=1"]),
                ),
                max_size=3,
            ),
        }
    )
)
def test_no_file_breaks_the_look_at_a_form(schema: Any) -> None:
    """Any JSON is a form or gets sentences."""
    assert all(isinstance(problem, str) for problem in CHECKER.problems(schema))


def test_the_fields_of_a_form_are_listed_with_their_places() -> None:
    """Names that diagrams may use: keys, fields of groups, and lists with what is in their rows."""
    assert forms.fields(form(FACTS, WITNESSES, {"type": "text", "text": "hello"})) == {
        "facts.pregnant": "checkbox",
        "facts.years": "number",
        "witnesses": "dynamiclist",
        "witnesses.name": "textfield",
        "witnesses.signed": "checkbox",
    }


def test_what_is_hidden_leaves_the_schema() -> None:
    """A program gets the form without the components that its person may not see, with all that was said in them."""
    schema = form(NUMBER | {"defaultValue": 4711}, FACTS, text("note"))

    sent = json.dumps(forms.without_hidden(schema, {"amount": "hidden", "facts.years": "hidden"}))

    assert "4711" not in sent and "years" not in sent and "pregnant" in sent and "note" in sent


# --- the page


def test_a_view_speaks_the_language_of_the_reader() -> None:
    """Labels and choices are shown in English where the form has them, else in Chinese."""
    [english], [chinese] = view(form(DECISION), locale="en"), view(form(DECISION), locale="zh-CN")

    assert (english.label, [option.label for option in english.options]) == ("Decision", ["Approve", "Return"])
    assert (chinese.label, [option.label for option in chinese.options]) == ("结论", ["同意", "退回"])


def test_nothing_typed_is_lost_by_an_error() -> None:
    """What was sent comes back as it was typed, with its message, over what is stored."""
    sent = forms.parse(
        EVERYTHING,
        MultiDict([("decision", "return"), ("amount", "12,5"), ("day", "2026-02-30"), ("note", "<b>"), ("witnesses[0].name", "")]),
    )
    messages = faults(EVERYTHING, sent, {"amount": 7})
    fields = {field.path: field for field in view(EVERYTHING, {"amount": 7}, messages, submitted=sent)}

    assert (fields["amount"].value, fields["day"].value, fields["note"].value) == ("12,5", "2026-02-30", "<b>")
    assert fields["amount"].errors == (Text.NOT_NUMBER,)
    assert not fields["reason"].hidden and fields["reason"].errors == (Text.REQUIRED,)
    [row] = fields["witnesses"].rows
    assert row.name == "witnesses[0]" and row.fields[0].id == "field-witnesses-0-name" and row.fields[0].errors


def test_a_hidden_value_never_reaches_the_page() -> None:
    """A field hidden by permission is left out; one hidden by its condition is marked."""
    shown = view(form(NUMBER, FACTS, DECISION, REASON), {"amount": 4711}, permissions={"amount": "hidden", "facts": "hidden"})

    assert [(field.path, field.hidden) for field in shown] == [("decision", False), ("reason", True)]


def test_a_value_hidden_by_its_condition_never_leaves() -> None:
    """Neither of a field nor of what only shows it, in a group or a row; what was sent in this very request is given back."""
    hidden = {"hide": "=grade < 5"}
    quoting = {"type": "text", "text": "{{pay.amount}}"}
    group = {"type": "group", "id": "G", "path": "pay", "conditional": hidden, "components": [NUMBER, quoting]}
    rows = {"type": "dynamiclist", "path": "rows", "allowAddRemove": False, "components": [text("a"), text("b", conditional=hidden)]}
    schema = form(text("secret", conditional=hidden), group, rows)
    stored = {"grade": 3, "secret": "4711", "pay": {"amount": 4711}, "rows": [{"a": "x", "b": "4711"}], "other": 1}

    assert "4711" not in str(view(schema, stored))
    assert str(view(schema, stored | {"grade": 6})).count("4711") == 4
    assert "mine" in str(view(schema, stored, submitted={"secret": "mine"}))
    assert "mine" not in str(view(schema, stored, submitted={"secret": "mine"}, permissions={"secret": "readonly"}))
    assert CHECKER.visible(schema, stored, {}) == {"grade": 3, "rows": [{"a": "x"}], "pay": {}, "other": 1}
    assert CHECKER.visible(form(DECISION, REASON), {"reason": "kept"}, {}, typed={"decision": "return"}) == {"reason": "kept"}


def test_a_hidden_list_that_is_sent_gives_back_only_that() -> None:
    """Whatever row is sent for it; what else stands in its rows is a place until the condition turns."""
    rows = {
        "type": "dynamiclist",
        "path": "rows",
        "label": "r",
        "conditional": {"hide": "=grade < 5"},
        "components": [text("a"), text("b")],
    }
    quoting = {"type": "text", "text": "{{b}}"}
    schema = form(rows | {"allowAddRemove": False, "components": [*rows["components"], quoting]})
    stored = {"grade": 3, "rows": [{"a": "x", "b": "4711"}]}

    for permissions in ({}, {"rows.b": "readonly"}):
        [shown] = view(schema, stored, submitted={"rows": [{"a": "mine"}]}, permissions=permissions)
        a, b, _ = shown.rows[0].fields
        assert shown.hidden and not shown.absent and "4711" not in str(shown) and a.value == "mine" and b.absent, permissions
        assert str(view(schema, stored | {"grade": 6}, submitted={"rows": [{"a": "mine"}]}, permissions=permissions)).count("4711") == 2


def test_what_was_typed_is_filled_in_by_its_path() -> None:
    """Beside what the case has in the same object or row, and not where it is not the person's to say."""
    locked, rows = text("locked", disabled=True), WITNESSES | {"allowAddRemove": False}
    group = {"type": "group", "path": "facts", "label": "g", "components": [text("open"), locked]}
    schema = form(group, rows, text("mine"), text("gone", conditional={"hide": '=mine = "x"'}))
    stored = {"facts": {"open": "a", "locked": "b"}, "witnesses": [{"name": "n", "signed": True}], "gone": "z", "other": 1}
    typed = {"facts": {"open": "t", "locked": "no"}, "witnesses": [{"name": "m"}], "mine": "x", "gone": "y"}

    assert CHECKER.filled(schema, stored, {}, typed=typed) == {
        "facts": {"open": "t", "locked": "b"},
        "witnesses": [{"name": "m", "signed": True}],
        "mine": "x",
        "other": 1,
    }
    assert CHECKER.filled(schema, stored, {"witnesses": "readonly"}, typed=typed)["witnesses"] == stored["witnesses"]


def test_a_page_says_which_fields_it_does_not_have() -> None:
    """So that a box or a list that is not there does not count as emptied."""
    schema = form({"type": "checkbox", "key": "box"}, WITNESSES, text("note"))

    assert forms.parse(schema, MultiDict({forms.ABSENT: "box"})) == {"witnesses": []}
    assert forms.parse(schema, MultiDict([(forms.ABSENT, "box"), (forms.ABSENT, "witnesses"), ("note", "x")])) == {"note": "x"}


def test_a_field_of_a_hidden_group_stays_hidden() -> None:
    """Whatever is said of the field itself: the strictest word counts."""
    permissions = {"facts": "hidden", "facts.years": "readonly", "facts.pregnant": "required"}

    assert view(form(FACTS), {"facts": {"years": 3}}, permissions=permissions) == []
    assert check(form(FACTS), {}, {"facts": {"years": 3}}, **permissions) == {}


def test_a_readonly_field_shows_what_is_stored() -> None:
    """Whatever a draft holds for it, and with the labels of what was chosen."""
    [field] = view(form(DECISION), {"decision": "approve"}, submitted={"decision": "return"}, permissions={"decision": "readonly"})

    assert field.readonly and not field.required and field.shown == "Approve"


def test_a_list_begins_with_the_rows_the_form_says() -> None:
    """A new list shows its first empty rows; whether rows can be added is said."""
    [two] = view(form(WITNESSES | {"defaultRepetitions": 2}))
    [fixed] = view(form(WITNESSES | {"allowAddRemove": False}))

    assert len(two.rows) == 2 and two.can_add and two.can_remove
    assert len(fixed.rows) == 1 and not fixed.can_add


def test_limits_reach_the_page() -> None:
    """Numbers and dates carry their limits, texts their length."""
    schema = form(NUMBER | {"decimalDigits": 2, "validate": {"min": "=lowest"}}, text("a", validate={"maxLength": 9}), FILES)
    number, line, files = view(schema, {"lowest": 5})

    assert number.limits == {"min": "5", "step": "0.01"}
    assert line.limits == {"maxlength": "9"}
    assert files.limits == {"accept": ".pdf"} and files.multiple


def test_static_texts_may_calculate() -> None:
    """A text that begins with = shows what the expression gives."""
    [field] = view(form({"type": "text", "text": '="第 " + string(round) + " 次"'}), {"round": 2}, locale="zh-CN")

    assert field.text == "第 2 次"


# --- what a browser posts


def test_a_posted_page_becomes_a_submission() -> None:
    """Names are paths; unticked boxes, unchosen radios and removed rows are known to be empty; rows are counted anew."""
    posted = MultiDict(
        [
            ("csrf_token", "x"),
            ("note", "n"),
            ("facts.years", "3"),
            ("witnesses[2].name", "b"),
            ("witnesses[0]", ""),
            ("witnesses[10].name", "c"),
            ("witnesses[10].signed", "true"),
            ("proof", "a" * 32),
        ]
    )

    assert forms.parse(EVERYTHING, posted, {"proof": ["b" * 32]}) == {
        "decision": None,
        "facts": {"pregnant": False, "years": "3"},
        "note": "n",
        "proof": ["a" * 32, "b" * 32],
        "witnesses": [{"signed": False}, {"name": "b", "signed": False}, {"name": "c", "signed": True}],
    }


def test_a_page_that_is_posted_back_unchanged_checks() -> None:
    """Read-only boxes and lists, which a browser posts as nothing, are no attempt to change them."""
    stored = {"facts": {"pregnant": True, "years": 3}, "witnesses": [{"name": "王芳", "signed": True}]}
    posted = forms.parse(form(FACTS, WITNESSES, text("note")), MultiDict([("note", "n"), ("witnesses[0]", "")]))

    assert check(form(FACTS, WITNESSES, text("note")), posted, stored, facts="readonly", witnesses="readonly") == {"note": "n"}


def test_chosen_files_are_found_by_field() -> None:
    """Files of the form's fields are given with their path; empty choices and strangers are not."""
    files = MultiDict(
        [("proof", FileStorage(filename="a.pdf")), ("proof", FileStorage(filename="")), ("other", FileStorage(filename="b.pdf"))]
    )

    assert [(path, file.filename) for path, file in forms.uploads(EVERYTHING, files)] == [("proof", "a.pdf")]


@pytest.mark.parametrize(
    ("accept", "endings"),
    [
        ("", ".pdf .png .jpg .jpeg"),
        (" .PDF ,.doc", ".pdf"),
        ("image/*", ".png .jpg .jpeg"),
        (".jpg", ".jpg .jpeg"),
        ("application/pdf,image/png", ".pdf .png"),
        ("*/*", ".pdf .png .jpg .jpeg"),
        ("audio/*", ""),
        ("image/", ""),
    ],
)
def test_accept_names_types_in_any_way_that_html_has(accept: str, endings: str) -> None:
    """Endings, types and families of types; what cannot be stored is none of them."""
    types = {"application/pdf": (".pdf",), "image/png": (".png",), "image/jpeg": (".jpg", ".jpeg")}
    assert " ".join(ending for each in accepted(accept, types).values() for ending in each) == endings
    checker = forms.FormChecker(evaluate=expressions.evaluate, translate=translate, file_types=types)
    schema = form({"type": "filepicker", "key": "proof", "label": "x", "accept": accept})
    assert any("can be stored" in problem for problem in checker.problems(schema)) is not bool(endings)
    given = {"proof": [("a.pdf", "application/pdf")]}
    if ".pdf" not in endings:
        with pytest.raises(FormInvalid) as refused:
            checker.check_files(schema, given, {}, permissions={}, locale="zh-CN")
        assert "“a.pdf”不符合此处要求" in refused.value.fields["proof"][0]
    else:
        checker.check_files(schema, given, {}, permissions={}, locale="zh-CN")


def test_rows_come_and_go_without_a_script() -> None:
    """The buttons for a row more and a row less change a copy of what was typed; a wrong name changes nothing."""
    sent = {"talks": [{"witnesses": [{"name": "a"}, {"name": "b"}]}]}

    assert forms.with_row(sent, "talks[0].witnesses")["talks"][0]["witnesses"] == [{"name": "a"}, {"name": "b"}, {}]
    assert forms.without_row(sent, "talks[0].witnesses[0]")["talks"][0]["witnesses"] == [{"name": "b"}]
    assert forms.with_row({"talks": []}, "talks") == {"talks": [{}]}
    for wrong in ("talks[5].witnesses", "nothing[x]", "", "talks[0]"):
        assert forms.without_row(sent, f"{wrong}[9]") == sent
    assert sent == {"talks": [{"witnesses": [{"name": "a"}, {"name": "b"}]}]}


# --- language


def test_every_message_is_translated() -> None:
    """Each sentence has a Chinese one with the same places."""
    for text in Text:
        assert CHINESE.get(text.value), text
        assert set(_places(CHINESE[text.value])) == set(_places(text.value)), text


def _places(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def test_a_form_that_was_changed_is_read_anew() -> None:
    """What is known of a form goes by its content, so a changed field counts at once; a form that JSON's writer refuses is read, too."""
    schema = form(text("name"))
    assert check(schema, {"name": "陈立"}) == {"name": "陈立"}
    schema["components"].append(text("post", validate={"required": True}))
    assert list(faults(schema, {"name": "陈立"})) == ["post"]
    schema["components"][0]["validate"] = {"maxLength": 10**30}
    assert check(schema, {"name": "陈立", "post": "客服"}) == {"name": "陈立", "post": "客服"}


def test_checking_changes_nothing_that_is_stored() -> None:
    """What is stored is lent to the form, not copied: values set inside an object or a row leave the stored ones as they were."""
    rows = {"type": "dynamiclist", "path": "witnesses", "components": [text("name"), {**text("seat"), "disabled": True}]}
    schema = form({"type": "group", "path": "meeting", "components": [text("place"), text("hour")]}, rows)
    stored = {"meeting": {"place": "三楼", "hour": "九点", "minutes": [1]}, "witnesses": [{"name": "陈立", "seat": "左"}]}
    before = json.dumps(stored)
    clean = check(schema, {"meeting": {"place": "五楼"}, "witnesses": [{"name": "王芳"}]}, stored)
    assert clean["meeting"] == {"place": "五楼", "hour": "九点", "minutes": [1]}
    assert clean["witnesses"] == [{"name": "王芳", "seat": "左"}]
    assert json.dumps(stored) == before
