"""A line of the directory as a form: the fields of a page from its values, and its values from what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.people.lines import KINDS, SCOPES, Column
from engine.people.state import State

from .headings import KINDS as KIND_NAMES
from .headings import label
from .i18n import N_, current, gettext
from .text import ROLE, called

#: columns that a page leaves alone: they say who it is
_IDENTITY = {"key", "employee_no", "duty", "person", "scope", "ref"}
#: what is named by choosing from a list; people are too many for one and are looked for
_CHOSEN = ("entities", "regions", "posts", "departments")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    #: `text`, `number`, `date`, `flag`, `choice` (one of the options), `choices`; `person` or `people`, whose value are ids, or
    #: `place`: one of the options, or a person
    kind: str
    needed: bool
    value: Any
    options: Sequence[tuple[str, str]] = ()
    longest: int = 100
    #: neither typed nor sent
    fixed: bool = False


def fields(
    kind: str, directory: State, line: Mapping[str, Any], typed: MultiDict[str, str] | None, *, new: bool, roles: Sequence[str]
) -> list[Field]:
    """The fields of a line; what was typed stays."""
    return [_field(kind, each, directory, line, typed, new, roles) for each in KINDS[kind]]


def _field(
    kind: str, each: Column, directory: State, line: Mapping[str, Any], typed: MultiDict[str, str] | None, new: bool, roles: Sequence[str]
) -> Field:
    widget, options, value = _widget(each), list[tuple[str, str]](), line.get(each.name)
    if each.of in _CHOSEN:
        options = [(key, named(directory, each.of, key)) for key in directory.lines[each.of]]
    elif each.name == "roles":
        options = [(role, called(ROLE, role)) for role in sorted({*roles, *line["roles"]})]
    elif widget == "place":
        units = [(kind, key) for kind in ("departments", "entities", "regions") for key in directory.lines[kind]]
        options = [(key, f"{gettext(KIND_NAMES[kind])} · {named(directory, kind, key)}") for kind, key in units]
    elif each.kind == "choice":
        options = [(scope, gettext(SCOPE_NAMES[scope])) for scope in SCOPES]
    if widget in ("person", "people"):
        keys = _meant(directory, each.name, typed) if typed is not None else value if widget == "people" else [value]
        value = [directory.ids[known] for key in keys for known in (key, f"login:{key}") if known in directory.ids]
    elif widget == "place" and typed is not None:
        value = _place_sent(typed)
    elif typed is not None:
        value = typed.getlist(each.name) if widget == "choices" else typed.get(each.name, "")
    elif each.of == "scope" and value:
        value = place(directory, line["scope"], value)
    elif each.kind == "choice" and value:
        value = value if new else gettext(SCOPE_NAMES[value])
    elif value is None:
        value = ""
    fixed = not new and each.name in _IDENTITY and (widget == "place" or bool(line.get(each.name)))
    value = told(directory, line[each.name]) if fixed and widget == "person" else value
    return Field(
        name=each.name,
        label=label(kind, each.name),
        kind=widget,
        needed=each.needed,
        value=value,
        options=options,
        longest=each.longest,
        fixed=fixed,
    )


SCOPE_NAMES = {
    "person": N_("One person"),
    "department": N_("A department and those below it"),
    "entity": N_("A legal entity"),
    "region": N_("A region"),
    "company": N_("The whole company"),
}
#: scope -> kind of what it names
_KINDS = {"person": "persons", "department": "departments", "entity": "entities", "region": "regions"}


def _widget(each: Column) -> str:
    if each.of == "scope":
        return "place"
    if each.of == "persons":
        return "people" if each.kind == "list" else "person"
    if each.kind == "list":
        return "choices"
    if each.of or each.kind == "choice":
        return "choice"
    return {"day": "date"}.get(each.kind, each.kind)


def values(kind: str, directory: State, sent: MultiDict[str, str], *, new: bool) -> dict[str, Any]:
    """What was sent, as a line of a file would say it."""
    found: dict[str, Any] = {}
    for each in KINDS[kind]:
        widget = _widget(each)
        if widget in ("person", "people", "place") and f"find.{each.name}" in sent:
            pass  # nobody at all may be chosen
        elif each.name not in sent and (widget not in ("choices", "flag") or (not new and each.name in _IDENTITY)):
            continue
        match widget:
            case "choices":
                found[each.name] = [*sent.getlist(each.name), *sent.get(f"{each.name}_more", "").split()]
            case "flag":
                found[each.name] = "yes" if sent.get(each.name) else "no"
            case "people":
                found[each.name] = _meant(directory, each.name, sent)
            case "person":
                found[each.name] = next(iter(_meant(directory, each.name, sent)), "")
            case "place":
                found[each.name] = _key(directory, _KINDS.get(sent.get("scope", ""), ""), _place_sent(sent))
            case _:
                found[each.name] = sent[each.name]
    return found


def place(directory: State, scope: str, ref: str | None) -> str:
    """What a duty is for, as people read it."""
    if scope == "company":
        return gettext(SCOPE_NAMES[scope])
    return told(directory, ref or "") if scope == "person" else named(directory, _KINDS.get(scope, ""), ref or "")


def _place_sent(sent: MultiDict[str, str]) -> str:
    """What a duty is for: the unit or the person that was chosen, or else the words by which the person was looked for."""
    return next((text.strip() for text in (*sent.getlist("ref"), sent.get("find.ref", "")) if text.strip()), "")


def _key(directory: State, kind: str, text: str) -> str:
    """What a text names: a key, or a name that only one has; else the text."""
    if kind == "persons":
        return meant(directory, text)
    known = directory.lines.get(kind, {})
    same = [key for key, line in known.items() if text in (line["name"], line.get("name_en"))]
    return text if text in known or len(same) != 1 else same[0]


def told(directory: State, key: str) -> str:
    """A person as one types them: number and name."""
    line = directory.lines["persons"].get(key)
    return f"{line['employee_no'] or line['login'] or ''} {line['name']}".strip() if line else key


def _meant(directory: State, field: str, sent: MultiDict[str, str]) -> list[str]:
    """The persons whom a form names in a field: those who were chosen, or else whom the words mean by which one was looked for."""
    named = sent.getlist(field) if field in sent else [sent.get(f"find.{field}", "")]
    return [meant(directory, text) for text in named if text.strip()]


def meant(directory: State, text: str) -> str:
    """The person whom a text names: id, number or login, alone or before the name, or a name that only one has; else the text."""
    text = text.strip()
    if key := next((key for key, id in directory.ids.items() if id == text), ""):
        return key.removeprefix("login:")
    first = text.split()[0] if text else ""
    if directory.person(first):
        return first
    same = [key for key, line in directory.lines["persons"].items() if line["name"] == text]
    return same[0].removeprefix("login:") if len(same) == 1 else text


def named(directory: State, kind: str, key: str) -> str:
    """What people call something, in the language of the request."""
    line = directory.lines.get(kind, {}).get(key)
    if line is None:
        return key
    return str((line.get("name_en") if current() == "en" else None) or line["name"])
