"""What a line of a directory says: the kinds of lines, their columns, and how a cell becomes a value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ports import DirectoryLine

#: what separates the entries of a cell that holds several
_BETWEEN = re.compile(r"[;；、,，|\n]")
_DAY = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_YES = frozenset({"yes", "y", "true", "1", "是", "在职", "启用"})
_NO = frozenset({"no", "n", "false", "0", "否", "离职", "停用"})
SCOPES = ("person", "department", "entity", "region", "company")


@dataclass(frozen=True)
class Column:
    """One column of a kind of line."""

    name: str
    #: `text`, `number`, `day`, `flag`, `list` (of texts), `choice` (a scope)
    kind: str = "text"
    #: characters that can be stored
    longest: int = 100
    needed: bool = False
    #: kind of what the value names; `scope`: as the line's scope says
    of: str = ""


_KEY, _NAME = Column("key", needed=True), Column("name", longest=200, needed=True)
_FROM, _TO = Column("from", "day"), Column("to", "day")
_PERSON_NAME, _NUMBER = Column("name", needed=True), Column("employee_no", longest=50)

#: kind -> its columns; lines of a kind may refer to those of kinds before it
KINDS: Mapping[str, Sequence[Column]] = {
    "entities": (_KEY, _NAME, Column("name_en", longest=200)),
    "regions": (_KEY, _NAME, Column("name_en", longest=200)),
    "posts": (_KEY, Column("name", needed=True), Column("name_en")),
    "departments": (
        *(_KEY, _NAME, Column("name_en", longest=200)),
        *(Column("parent", of="departments"), Column("head", of="persons"), Column("entity", of="entities"), _FROM, _TO),
    ),
    "persons": (
        *(_NUMBER, _PERSON_NAME, Column("login"), Column("email", longest=200), Column("mobile", longest=50)),
        *(Column("department", of="departments"), Column("others", "list", of="departments"), Column("team")),
        *(Column("post"), Column("post_en"), Column("posts", "list", of="posts"), Column("manager", of="persons")),
        *(Column("entity", of="entities"), Column("region", of="regions"), Column("grade", "number")),
        *(Column("roles", "list"), Column("active", "flag"), _FROM, _TO),
    ),
    "groups": (_KEY, _NAME, Column("name_en", longest=200), Column("members", "list", of="persons")),
    "duties": (
        *(Column("duty", needed=True), Column("person", needed=True, of="persons")),
        *(Column("scope", "choice", needed=True), Column("ref", of="scope"), _FROM, _TO),
    ),
}


#: how columns of persons begin that hold what an outside service calls them, with the service's name behind: `id:dingtalk`
ID = "id:"


def column(kind: str, name: str) -> Column | None:
    """A column by its name; None where there is none."""
    if kind == "persons" and name.startswith(ID) and len(name) > len(ID):
        return Column(name, longest=200)
    return next((each for each in KINDS[kind] if each.name == name), None)


def columns(kind: str, entries: Iterable[Mapping[str, Any]], systems: Iterable[str] = ()) -> list[Column]:
    """The columns that lines of a kind have, with ids of these outside services and of those in the entries."""
    if kind != "persons":
        return list(KINDS[kind])
    kept = {name for entry in entries for name in entry if name.startswith(ID)}
    return [*KINDS[kind], *(Column(name, longest=200) for name in sorted({*kept, *(f"{ID}{system}" for system in systems)}))]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a line, or with the whole directory once the lines are in it."""

    #: one of `FAULTS`
    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: file and sheet
    where: str = ""
    #: line of the file, from 1; 0 where it is about no line
    line: int = 0
    column: str = ""

    @property
    def text(self) -> str:
        """The sentence in English, after where it is."""
        place = [self.where, f"line {self.line}" if self.line else "", self.column]
        said = self.template.format(**self.facts)
        return f"{', '.join(filter(None, place))}: {said}" if any(place) else said


NOT_THERE = 'there is no "{name}" that it could mean'
NEEDED = "this is needed"
TOO_LONG = "this has {count} characters; at most {limit} can be stored"
UNPRINTABLE = "this holds characters that cannot be stored"
NO_DAY = '"{text}" is no date; write it like 2026-12-31'
NO_NUMBER = '"{text}" is no whole number'
NO_FLAG = '"{text}" is neither yes nor no'
NO_SCOPE = '"{text}" is no scope; write person, department, entity, region or company'
REVERSED = "the last day lies before the first"
TWICE = "this is in line {line} already"
TWO_HEADS = "the department has two heads: {one} in line {line}, and {other} here"
NO_IDENTITY = "an employee number or a login is needed"
TAKEN = "the login {login} belongs to somebody else"
ID_TAKEN = "the id {id} belongs to {name}"
ID_TWICE = "the id {id} belongs to {name}, in line {line}"
NO_SERVICE = 'there is no outside service "{service}"; known are: {known}'
OWN_SUPERIOR = "nobody is their own superior"
UNKNOWN_COLUMN = 'the column "{text}" is not known; remove it, or name it as in an exported file'
DEPARTMENT_CIRCLE = "departments lie below each other in a circle: {names}"
LINE_CIRCLE = "people report to each other in a circle: {names}"
HEAD_LEFT = "{name} is head of {department} and does not work here on {day}; name another head first"
HOLDER_LEFT = "{name} holds the duty {duty} and does not work here on {day}; give it to somebody else first"
ROLE_EMPTY = 'nobody would hold the role "{role}", which the approval chain "{chain}" needs'
FAULTS = (
    *(NOT_THERE, NEEDED, TOO_LONG, UNPRINTABLE, NO_DAY, NO_NUMBER, NO_FLAG, NO_SCOPE, REVERSED, TWICE, TWO_HEADS, NO_IDENTITY, TAKEN),
    *(ID_TAKEN, ID_TWICE, NO_SERVICE, OWN_SUPERIOR, UNKNOWN_COLUMN, DEPARTMENT_CIRCLE, LINE_CIRCLE, HEAD_LEFT, HOLDER_LEFT, ROLE_EMPTY),
)


def read(line: DirectoryLine) -> tuple[dict[str, Any], list[Fault]]:
    """The values of a line by column: text, int, date, bool, tuple of texts, or None for an empty cell; and what is wrong."""
    values: dict[str, Any] = {}
    faults = []
    for name, given in line.values.items():
        known = column(line.kind, name)
        if known is None:
            faults.append(at(line, UNKNOWN_COLUMN, "", text=name))
            continue
        value, template, facts = _value(known, given)
        if template:
            faults.append(at(line, template, name, **facts))
        else:
            values[name] = value
    for each in KINDS[line.kind]:
        if each.needed and each.name in line.values and values.get(each.name, "") is None:
            faults.append(at(line, NEEDED, each.name))
    first, last = values.get("from"), values.get("to")
    if first and last and last < first:
        faults.append(at(line, REVERSED, "to"))
    return values, faults


def at(line: DirectoryLine, template: str, column: str = "", /, **facts: Any) -> Fault:
    """A fault of a line."""
    return Fault(template=template, facts=facts, where=line.where, line=line.number, column=column)


def _value(known: Column, given: Any) -> tuple[Any, str, dict[str, Any]]:
    """The value, or a template and its facts."""
    if known.kind == "list":
        entries = [str(entry).strip() for entry in (_BETWEEN.split(given) if isinstance(given, str) else given or ())]
        return _texts(known, tuple(sorted(set(filter(None, entries)))))
    if given is None or (isinstance(given, str) and not given.strip()):
        return None, "", {}
    text = given.strip() if isinstance(given, str) else str(given)
    match known.kind:
        case "number":
            return (int(text), "", {}) if re.fullmatch(r"-?\d{1,9}", text) else (None, NO_NUMBER, {"text": text[:40]})
        case "flag":
            if text.lower() in _YES | _NO:
                return text.lower() in _YES, "", {}
            return None, NO_FLAG, {"text": text[:40]}
        case "choice":
            return (text.lower(), "", {}) if text.lower() in SCOPES else (None, NO_SCOPE, {"text": text[:40]})
        case "day":
            return _day(given, text)
    [found], template, facts = _texts(known, (text,))
    return found, template, facts


def _texts(known: Column, entries: tuple[str, ...]) -> tuple[tuple[str, ...], str, dict[str, Any]]:
    for entry in entries:
        if len(entry) > known.longest:
            return entries, TOO_LONG, {"count": len(entry), "limit": known.longest}
        if not entry.isprintable():
            return entries, UNPRINTABLE, {}
    return entries, "", {}


def _day(given: Any, text: str) -> tuple[Any, str, dict[str, Any]]:
    if isinstance(given, dt.datetime):
        return given.date(), "", {}
    if isinstance(given, dt.date):
        return given, "", {}
    try:
        found = _DAY.fullmatch(text)
        return dt.date(*map(int, found.groups())) if found else dt.date.fromisoformat(text), "", {}
    except ValueError:
        return None, NO_DAY, {"text": text[:40]}
