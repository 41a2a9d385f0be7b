import datetime as dt
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from flask import Flask

import engine.errors
import webapp
from engine.errors import PartwellError
from webapp import i18n

WEB = Path(webapp.__file__).parent
_KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}


def _messages() -> dict[str, str]:
    """Every text marked for translation -> the file it is in."""
    found: dict[str, str] = {}
    sources = [("python", file) for file in WEB.rglob("*.py") if "company" not in file.parts]
    sources += [("jinja2.ext:babel_extract", file) for file in (WEB / "templates").rglob("*.html")]
    for method, file in sources:
        for _, message, _, _ in extract_from_file(method, str(file), keywords=_KEYWORDS, options={"silent": "false"}):
            found.setdefault(message if isinstance(message, str) else message[0], file.name)
    return found


def _errors() -> list[type[PartwellError]]:
    for module in pkgutil.iter_modules([str(WEB)]):
        if module.name not in ("commands", "benchmarks"):
            importlib.import_module(f"webapp.{module.name}")
    found, todo = [], [PartwellError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith(("engine", "webapp", "forms")):
            found.append(kind)
    return found


def test_every_text_of_the_web_is_there_in_chinese() -> None:
    """Whatever a template or a module marks for translation has a Chinese text."""
    chinese = i18n.catalogue("zh-CN")
    messages = _messages()
    missing = {
        text: file for text, file in messages.items() if chinese.gettext(text) == text and chinese.ngettext(text, "", 1) in (text, "")
    }
    assert len(messages) > 150 and not missing


def test_every_text_is_translated_in_one_catalogue() -> None:
    """A text that stood in two could be told in two ways, and only one of them would be shown."""
    found = Counter(message.id for file in i18n.FOLDER.rglob("*.po") for message in read_po(file.open("rb")) if message.id)
    assert [text for text, times in found.items() if times > 1] == []


def test_every_error_is_there_in_chinese_with_the_same_facts() -> None:
    """A translated error names exactly the facts that the English sentence names."""
    chinese = i18n.catalogue("zh-CN")
    for kind in _errors():
        template = " ".join((kind.__doc__ or "").split())
        translated = chinese.gettext(template)
        assert translated != template, kind
        assert set(re.findall(r"{(\w+)}", translated)) == set(re.findall(r"{(\w+)}", template)), kind


def test_places_of_messages_are_the_same_in_both_languages() -> None:
    """A translation that drops or renames a place would fail or lie when it is shown."""
    chinese = i18n.catalogue("zh-CN")
    for text in _messages():
        assert set(re.findall(r"%\((\w+)\)s", chinese.gettext(text))) <= set(re.findall(r"%\((\w+)\)s", text)), text


def test_messages_with_places_can_be_filled() -> None:
    """A per cent sign beside a place is written twice, else the page that says it fails."""
    chinese = i18n.catalogue("zh-CN")
    for text in _messages():
        for said in (text, chinese.gettext(text)):
            if places := re.findall(r"%\((\w+)\)s", said):
                assert said % dict.fromkeys(places, "x"), said


def test_templates_hold_no_chinese() -> None:
    """Every text of a template goes through the catalogues."""
    for file in (WEB / "templates").rglob("*.html"):
        assert not re.search(r"[\u3400-\u9fff]", file.read_text("utf-8")), file.name


def test_a_fact_that_is_a_sentence_or_a_moment_is_shown_in_the_reader_s_way() -> None:
    """Inside a translated error, reasons are translated and moments are in the company's time."""
    said = i18n.fill(engine.errors.AlreadyDecided(who="王芳", when="").template, {"who": "王芳", "when": "2026-11-24T01:30+00:00"})
    assert "2026年11月24日 09:30" in said and "王芳" in said
    refused = engine.errors.NotAllowed(reason="this work is not yours")
    assert "不属于您" in i18n.error_text(refused)


def test_a_reason_may_carry_a_detail() -> None:
    """What follows a known reason after a colon is kept as it is; an unknown reason stays whole."""
    assert i18n.reason("it refused the request: 404") == "对方拒绝了请求：404"
    assert i18n.reason("") == ""
    assert i18n.reason("nobody knows this: 404") == "nobody knows this: 404"


@pytest.mark.parametrize(("hours", "said"), [(0, "今天 10:00"), (24, "明天 10:00"), (-24, "昨天 10:00"), (72, "11月27日 10:00")])
def test_near_moments_are_told_by_their_day(hours: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Today, tomorrow and yesterday by name, in the company's time, counted by the calendar and not in hours."""
    now = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
    monkeypatch.setattr(i18n, "now", lambda: now)
    assert i18n.moment(now + dt.timedelta(hours=hours), "short") == said


def test_the_step_of_an_error_is_named_in_the_reader_s_language() -> None:
    """A fact that has an English twin is told in English to English readers only."""
    facts = {"step": "生成解除通知书", "step_en": "Write the notice"}
    template = engine.errors.NoWayBack(**facts).template
    assert "生成解除通知书" in i18n.fill(template, facts)
    with Flask("test").test_request_context(headers={"Accept-Language": "en"}):
        assert "Write the notice" in i18n.fill(template, facts)


@pytest.mark.parametrize("name", ["asked", "{odd}", "100%"])
def test_facts_are_never_read_as_templates(name: str) -> None:
    """Braces and percent signs in facts stay what they are."""
    assert name in i18n.error_text(engine.errors.NotFound(what="file", name=name))


def test_the_module_names_of_the_test_exist() -> None:
    """The errors of the web itself are among those checked."""
    assert {"LogInNeeded", "TooManyTries", "RequestInvalid", "FormInvalid"} <= {
        kind.__name__ for kind in _errors() if inspect.isclass(kind)
    }
