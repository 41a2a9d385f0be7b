"""Two languages from the first string on: Chinese from the catalogues under `locale/`, English as the strings themselves.

Each part of the product keeps its own `.po` file; all are merged and compiled in memory at start, so that there is no build
step and no compiled file to forget. Errors are translated by their template and then filled with their facts.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gettext as gettext_module
import io
import re
import string
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, g, has_request_context, request
from markupsafe import Markup, escape

from engine.errors import PartwellError, Sentence

#: BCP 47 tag -> what the language calls itself
LOCALES = {"zh-CN": "中文", "en": "English"}
DEFAULT = "zh-CN"
FOLDER = Path(__file__).parent / "locale"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_QUOTED = re.compile(r'"{(\w+)}"')


def N_(text: str) -> str:
    """Mark a text for the catalogues where it is written; it is translated where it is shown."""
    return text


@functools.cache
def catalogue(locale: str) -> gettext_module.NullTranslations:
    """The translations of one language, all parts merged. English has none: its strings are the message ids."""
    merged = Catalog(locale=locale.replace("-", "_"))
    for message in _messages(locale, "*.po"):
        merged.add(message.id, message.string)
    if not len(merged):
        return gettext_module.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return gettext_module.GNUTranslations(compiled)


def _messages(locale: str, files: str) -> Iterator[Message]:
    """What is translated in the files so called."""
    for file in sorted((FOLDER / locale.replace("-", "_")).glob(files)):
        with file.open("rb") as stream:
            yield from (message for message in read_po(stream) if message.id and message.string and not message.fuzzy)


#: the language and the time zone where there is no request
_elsewhere = ContextVar("locale", default=DEFAULT)
_zone_elsewhere = ContextVar("zone", default="Asia/Shanghai")


@contextlib.contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Inside, what is told outside of requests is told in this language."""
    token = _elsewhere.set(locale)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def use_zone(zone: str) -> None:
    """Tell times in this zone where there is no request."""
    _zone_elsewhere.set(zone)


def current() -> str:
    """The language of this request: the person's own choice, else the browser's, else Chinese."""
    if not has_request_context():
        return _elsewhere.get()
    if "locale" not in g:
        g.locale = _chosen() or request.accept_languages.best_match(_accepted()) or DEFAULT
    return "en" if g.locale.startswith("en") else DEFAULT


def _chosen() -> str | None:
    person = g.get("person")
    chosen = person.locale if person else request.cookies.get("partwell_locale")
    return chosen if chosen in LOCALES else None


def _accepted() -> list[str]:
    return ["zh-CN", "zh", "en", "en-US", "en-GB"]


def gettext(text: str, /, **values: Any) -> str:
    """`text` in the language of the request; `values` fill its %(places)s."""
    translated = catalogue(current()).gettext(text)
    return translated % values if values else translated


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The form that fits `number`, which is also the value of %(num)s."""
    return catalogue(current()).ngettext(one, many, number) % {"num": number, **values}


def error_text(error: PartwellError) -> str:
    """The error's sentence in the language of the request."""
    return fill(error.template, error.facts)


def sentence(said: Sentence) -> str:
    """What the engine says, in the language of the request."""
    return fill(said.template, said.facts)


def translated(text: str, locale: str) -> str:
    """A sentence in a language, for the engine's own tellers."""
    return catalogue(DEFAULT).gettext(text) if locale == DEFAULT else text


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """A sentence of the engine, `{named}` places filled with facts.

    Facts that are sentences themselves are translated too; what stands between quotes was written by somebody and stays. With a fact
    that is markup the sentence is, too.
    """
    translated = catalogue(current()).gettext(template)
    if any(isinstance(value, Markup) for value in facts.values()):
        translated = escape(translated)
    if current() == "en":
        facts = {name: facts.get(f"{name}_en") or value for name, value in facts.items()}
    try:
        return translated.format(**{name: _fact(value, name in _QUOTED.findall(template)) for name, value in facts.items()})
    except (KeyError, IndexError, ValueError, AttributeError):
        return translated


def _fact(value: Any, quoted: bool) -> Any:
    if isinstance(value, Markup):
        return value
    if isinstance(value, dt.datetime):
        return moment(value)
    if isinstance(value, Sentence):
        return fill(value.template, value.facts)
    if isinstance(value, list):
        return gettext("; ").join(str(_fact(each, False)) for each in value)
    if isinstance(value, str) and value:
        return moment(value) if _MOMENT.fullmatch(value) else value if quoted else reason(value)
    return value


def reason(text: str) -> str:
    """A reason in the language of the request; a detail that needs no translation may follow it after ": ".

    A reason with places, such as `there is no variable "{name}"`, is kept as the English sentence that was said, with its facts in
    place; here it is known again by the words around them. What was no English sentence stays as it is.
    """
    translated = gettext(text) if text else ""
    if translated != text or not text:
        return translated
    said, colon, detail = text.partition(": ")
    if colon and (known := gettext(said)) != said:
        return known + gettext(": ") + detail
    for template, words, pattern in _reasons(current()):
        if all(word in text for word in words) and (found := pattern.fullmatch(text)):
            return fill(template, found.groupdict())
    return text


@functools.cache
def _reasons(locale: str) -> list[tuple[str, list[str], re.Pattern[str]]]:
    """Every reason with places, the words around them, and the pattern of what may have been said.

    Those with most words come first, because they leave least to chance.
    """
    found = []
    for message in _messages(locale, "reasons.po"):
        parts = [(words, place) for words, place, _, _ in string.Formatter().parse(str(message.id))]
        if any(place for _, place in parts):
            pattern = "".join(re.escape(words) + (f"(?P<{place}>.+)" if place else "") for words, place in parts)
            found.append((str(message.id), [words for words, _ in parts], re.compile(pattern, re.DOTALL)))
    return sorted(found, key=lambda reason: -sum(map(len, reason[1])))


#: what people call outside systems by the usual names of their connectors; any other is called as it was configured
SYSTEMS = {
    "ehr": N_("the EHR"),
    "payroll": N_("the payroll system"),
    "oa": N_("the OA system"),
    "mail": N_("the mail server"),
    "partwell": N_("Partwell"),
}


def system(name: str) -> str:
    """What people call an outside system."""
    return gettext(SYSTEMS[name]) if name in SYSTEMS else name


def incident_text(incident: Any) -> str:
    """What happened, of an incident's row: its template and facts, the operation by the name of its step."""
    facts = dict(incident.facts)
    if facts.get("operation"):  # only the sealing of a closed case belongs to no step
        facts["operation"] = f"“{named(incident) or gettext('Sealing the file')}”"
    if facts.get("system"):
        facts["system"] = system(facts["system"])
    return fill(incident.template, facts)


def named(thing: Any, what: str = "name") -> str:
    """The name of something that carries a Chinese and an English one (an object or a mapping); or another text, such as `post`."""
    own, english = (thing.get(key) if isinstance(thing, Mapping) else getattr(thing, key, None) for key in (what, f"{what}_en"))
    return str((english if current() == "en" else own) or own or english or "")


def post(person: Any) -> str:
    """What a person's post is called."""
    return named(person, "post")


def moment(value: dt.datetime | str | None, style: str = "medium") -> str:
    """A point in time as people here read it. `style`: `medium` with the date, `long` to the second, `short` as near as it is."""
    if not value:
        return ""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if style == "short" and (near := _near(value)):
        return near
    pattern = {
        ("zh-CN", "medium"): "yyyy年M月d日 HH:mm",
        ("zh-CN", "short"): "M月d日 HH:mm",
        ("zh-CN", "long"): "yyyy-MM-dd HH:mm:ss",
        ("en", "medium"): "d MMM yyyy, HH:mm",
        ("en", "short"): "d MMM, HH:mm",
        ("en", "long"): "yyyy-MM-dd HH:mm:ss",
    }[current(), style]
    return format_datetime(value, pattern, tzinfo=zone(), locale=current().replace("-", "_"))


def _near(value: dt.datetime) -> str:
    """A moment of yesterday, today or tomorrow by that word; "" for any other."""
    words = {-1: N_("yesterday %(time)s"), 0: N_("today %(time)s"), 1: N_("tomorrow %(time)s")}
    days = days_from_now(value)
    return gettext(words[days], time=f"{value.astimezone(zone()):%H:%M}") if days in words else ""


def days_from_now(value: dt.datetime) -> int:
    """How many days of the calendar from the request's day: 0 is today."""
    return (value.astimezone(zone()).date() - now().astimezone(zone()).date()).days


def now() -> dt.datetime:
    """The time of the application's clock, or that of the sandbox of which a page tells (`g.now`)."""
    if has_request_context() and "now" in g:
        told: dt.datetime = g.now
        return told
    found: dt.datetime = current_app.extensions["partwell"].clock.now()
    return found


def zone() -> ZoneInfo:
    """The time zone of pages: the setting `zone`."""
    return ZoneInfo(g.zone if has_request_context() and "zone" in g else _zone_elsewhere.get())


def init_app(app: Flask) -> None:
    """Give templates `_`, `ngettext` and the filters for names, times and errors."""
    settings = app.extensions["partwell"].settings

    @app.before_request
    def remember_zone() -> None:
        g.zone = settings.zone

    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=False)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(_=gettext, N_=N_, locale=current, LOCALES=LOCALES)
    app.jinja_env.filters.update(
        named=named, post=post, moment=moment, incident_text=incident_text, reason=reason, system=system, sentence=sentence
    )
