"""A whole directory, or a part of it, from lines: what would change, what is wrong, and then all of it or nothing.

Lines say what holds from a day on. Where somebody stands, who is head, and which posts are held change from that day, with what
was before still readable; everything else changes at once.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import FileRefused
from ..models import Headship, Placement
from ..notices import identities
from ..ports import DirectoryLine, Json
from . import checks, directory, lines, log, writing
from .accounts import hashed
from .lines import ID, KINDS, Fault, at
from .state import State, duty_key, empty, state

if TYPE_CHECKING:
    from ..services import Services

_DAY = dt.timedelta(days=1)
#: a day on which everything that has begun and not ended holds
_ALWAYS = dt.date.max
#: scope of a duty -> kind of what it refers to
_SCOPES = {"person": "persons", "department": "departments", "entity": "entities", "region": "regions"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What becomes of one line of the directory."""

    kind: str
    key: str
    #: what people call it
    name: str
    #: `new`, `changed` or `leaving`
    act: str
    #: column -> what it was and what it becomes, as `lines.read` gives them
    changes: Mapping[str, tuple[Any, Any]]
    #: the same as people read it, names instead of keys
    told: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What lines would do to the directory."""

    on: dt.date
    differences: Sequence[Difference]
    faults: Sequence[Fault]
    #: id of each person by key
    ids: dict[str, str] = field(default_factory=dict)

    def count(self, act: str) -> int:
        return sum(difference.act == act for difference in self.differences)


def bring(
    services: Services,
    given: Sequence[DirectoryLine],
    *,
    by: str | None,
    note: str,
    on: dt.date | None = None,
    complete: bool = False,
    dry_run: bool = False,
    also: Sequence[Fault] = (),
) -> Plan:
    """Bring the directory up to these lines from a day on (None: today), unless a line is faulty or it is a dry run.

    With `complete`, whoever has an employee number and is in no line of a person leaves the day before. `also`: faults found while
    the lines were read. `by` None: the command line. New log-ins get a password that nobody knows until it is set.
    """
    now = services.clock.now()
    day = on or directory.day(now)
    with services.database.unit() as unit:
        connection = unit.connection
        log.one_at_a_time(connection)
        made = plan(connection, given, day, complete=complete, also=also, systems=identities.systems(services, connection))
        if made.faults:
            return made
        before = _later(connection, day)
        writing.write(connection, made.differences, made.ids, on=day, password=_nobody_knows())
        identities.store(services, unit, _foreign(made), at=now)
        writing.record(connection, made.differences, made.ids, on=day, by=by, note=note, at=now)
        if later := _arising(connection, before):
            return Plan(on=day, differences=made.differences, faults=later)
        if not dry_run:
            unit.commit()
    return made


def _foreign(made: Plan) -> dict[tuple[str, str], str]:
    """What outside services are to call people: (id of the person, service) -> what, "" for nothing."""
    return {
        (made.ids[each.key], column.removeprefix(ID)): new or ""
        for each in made.differences
        for column, (_, new) in each.changes.items()
        if column.startswith(ID)
    }


@dataclass(frozen=True, kw_only=True)
class DepartmentLine:
    """One unit of the company, for `import_directory`."""

    key: str
    name: str
    name_en: str
    #: key of the unit above, "" at the top
    parent: str = ""
    #: employee number of the person in charge, "" while vacant
    head: str = ""


@dataclass(frozen=True, kw_only=True)
class PersonLine:
    """One person, for `import_directory`."""

    employee_no: str = ""
    name: str
    login: str = ""
    email: str = ""
    #: key of the department
    department: str = ""
    team: str = ""
    post: str = ""
    post_en: str = ""
    #: employee number of the direct superior
    manager: str = ""
    roles: Sequence[str] = ()
    active: bool = True


def import_directory(
    connection: sa.Connection,
    departments: Sequence[DepartmentLine],
    persons: Sequence[PersonLine],
    *,
    password: str | None = None,
    locale: str = "zh-CN",
) -> None:
    """Bring departments and persons up to these lines as if it had always been so; how an installation begins.

    Who is not in the lines stays as they are. A new login gets `password`, or one that nobody knows until it is set; known ones
    keep theirs. Raises FileRefused with every faulty line (departments and persons each counted from 1); then nothing was changed.
    """
    units = of_values("departments", map(vars, departments), "departments")
    begin(connection, [*units, *of_values("persons", map(vars, persons), "persons")], password=password, locale=locale)


def begin(connection: sa.Connection, given: Sequence[DirectoryLine], *, password: str | None = None, locale: str = "zh-CN") -> None:
    """`import_directory` from lines of any kind. Raises FileRefused with every faulty line."""
    made = plan(connection, given, _ALWAYS)
    if made.faults:
        raise FileRefused(file="The directory", reason="; ".join(fault.text for fault in made.faults))
    stored = functools.cache(lambda: hashed(password)) if password else _nobody_knows()
    writing.write(connection, made.differences, made.ids, on=None, password=stored, locale=locale)


def _nobody_knows() -> Callable[[], str]:
    return functools.cache(lambda: hashed(secrets.token_urlsafe()))


# --- what would change


def plan(
    connection: sa.Connection,
    given: Sequence[DirectoryLine],
    on: dt.date,
    *,
    complete: bool = False,
    also: Sequence[Fault] = (),
    systems: Collection[str] = (),
) -> Plan:
    """What these lines would do, and every fault. `systems`: outside services that call people something."""
    before = state(connection, on)
    after = State(on, {kind: dict(entries) for kind, entries in before.lines.items()}, before.ids)
    faults, came = list(also), dict[tuple[str, str], DirectoryLine]()
    read = [(line, *lines.read(line)) for line in sorted(given, key=lambda line: list(KINDS).index(line.kind))]
    for line, values, wrong in read:
        faults += wrong
        if line.kind != "duties" and (key := _key(before, line.kind, values)) is not None:
            faults += _put(after, before, line, key, values, came)
        elif line.kind == "persons":
            faults.append(at(line, lines.NO_IDENTITY, "employee_no"))
        elif line.kind != "duties":
            faults.append(at(line, lines.NEEDED, "key"))
    keys = {id(line): key for (_, key), line in came.items()}
    for line, values, _ in read:
        faults += _refer(after, line, values, came, keys)
    faults += [*_log_ins(after, came), *_unknown_services(given, systems), *_ids(after, came)]
    if complete and any(kind == "persons" for kind, _ in came):
        for key, person in before.lines["persons"].items():
            if ("persons", key) not in came and person["employee_no"] and before.here(key):
                after.lines["persons"][key] = {**person, "to": on - _DAY}
    faults += _whole(connection, before, after, came)
    faults.sort(key=lambda fault: (fault.where, fault.line))
    return Plan(on=on, differences=_differences(before, after), faults=faults, ids=before.ids)


def _key(before: State, kind: str, values: Mapping[str, Any]) -> str | None:
    """What a line is known again by: its key; of a person the employee number, or the login where there is no number yet."""
    if kind != "persons":
        return values.get("key")
    number, login = values.get("employee_no"), (values.get("login") or "").lower()
    by_login = before.logins.get(login, f"login:{login}") if login else None
    if number and (number in before.lines["persons"] or by_login is None or not (by_login in before.ids and by_login.startswith("login:"))):
        return str(number)
    return by_login


def _put(
    after: State, before: State, line: DirectoryLine, key: str, values: Mapping[str, Any], came: dict[tuple[str, str], DirectoryLine]
) -> list[Fault]:
    """Lay the values of a line over what was; a key that comes twice is a fault."""
    if first := came.get((line.kind, key)):
        one, other = first.values.get("head"), values.get("head")
        if line.kind == "departments" and one and other and one != other:
            return [at(line, lines.TWO_HEADS, "head", one=one, line=first.number, other=other)]
        return [at(line, lines.TWICE, "employee_no" if line.kind == "persons" else "key", line=first.number)]
    came[line.kind, key] = line
    known = before.lines[line.kind].get(key)
    said = dict(values)
    if line.kind == "persons":  # an empty number, log-in or state says nothing
        said = {name: value for name, value in values.items() if value is not None or name not in ("employee_no", "login", "active")}
        said |= {"login": said["login"].lower()} if "login" in said else {}
    after.lines[line.kind][key] = now = {**(known or empty(line.kind)), **said}
    if known is None and "name" not in values:
        return [at(line, lines.NEEDED, "name")]
    if now.get("from") and now.get("to") and now["to"] < now["from"] and not {"from", "to"} <= values.keys():
        return [at(line, lines.REVERSED, "to")]
    return []


def _refer(
    after: State, line: DirectoryLine, values: Mapping[str, Any], came: dict[tuple[str, str], DirectoryLine], keys: Mapping[int, str]
) -> list[Fault]:
    """Turn what a line names into keys; what is not there is a fault."""
    found, faults = dict(values), []
    for each in KINDS[line.kind]:
        kind = _SCOPES.get(values.get("scope") or "", "") if each.of == "scope" else each.of
        value = values.get(each.name)
        if not each.of or value is None:
            continue
        entries = value if isinstance(value, tuple) else (value,)
        meant = [_find(after, kind, entry) for entry in entries]
        faults += [at(line, lines.NOT_THERE, each.name, name=entry) for entry, key in zip(entries, meant, strict=True) if key is None]
        known = tuple(sorted({key for key in meant if key}))
        found[each.name] = known if isinstance(value, tuple) else next(iter(known), None)
    if line.kind == "duties":
        if found.get("scope") in _SCOPES and not values.get("ref"):
            faults.append(at(line, lines.NEEDED, "ref"))
        if faults or not all(found.get(name) for name in ("duty", "person", "scope")):
            missing = [each.name for each in KINDS["duties"] if each.needed and each.name not in values]
            return [*faults, *(at(line, lines.NEEDED, name) for name in missing)]
        duty = duty_key({**empty("duties"), **found})
        if first := came.get(("duties", duty)):
            return [at(line, lines.TWICE, "", line=first.number)]
        came["duties", duty] = line
        after.lines["duties"][duty] = {**(after.lines["duties"].get(duty) or empty("duties")), **found}
        return []
    key = keys.get(id(line))
    if key is not None:
        references = {each.name: found[each.name] for each in KINDS[line.kind] if each.of and each.name in found}
        after.lines[line.kind][key] = {**after.lines[line.kind][key], **references}
        if line.kind == "persons" and found.get("manager") == key:
            faults.append(at(line, lines.OWN_SUPERIOR, "manager"))
    return faults


def _find(after: State, kind: str, text: str) -> str | None:
    """The key that a text means: a key, or for persons an employee number or a login."""
    if kind == "persons":
        return after.person(text)
    return text if text in after.lines.get(kind, {}) else None


def _log_ins(after: State, came: Mapping[tuple[str, str], DirectoryLine]) -> list[Fault]:
    owners: dict[str, str] = {}
    faults = []
    for known_first in (False, True):
        for key, person in after.lines["persons"].items():
            line, login = came.get(("persons", key)), person["login"]
            if login is None or (line is not None) != known_first:
                continue
            if owners.setdefault(login, key) != key and line is not None:
                faults.append(at(line, lines.TAKEN, "login", login=login))
    return faults


def _unknown_services(given: Sequence[DirectoryLine], systems: Collection[str]) -> list[Fault]:
    """Columns for services that there are not, each once in a file."""
    facts = {"known": ", ".join(systems) or "–"}
    first = {(line.where, name): line for line in reversed(given) if line.kind == "persons" for name in line.values if name.startswith(ID)}
    wrong = [(line, name.removeprefix(ID)) for (_, name), line in first.items() if name.removeprefix(ID) not in systems]
    return [at(line, lines.NO_SERVICE, ID + service, service=service, **facts) for line, service in wrong]


def _ids(after: State, came: Mapping[tuple[str, str], DirectoryLine]) -> list[Fault]:
    """An outside service calls no two people the same."""
    owners: dict[tuple[str, str], str] = {}
    faults = []
    for known_first in (False, True):
        for key, person in after.lines["persons"].items():
            line = came.get(("persons", key))
            for name, id in person.items() if (line is not None) == known_first else ():
                if not name.startswith(ID) or not id or (owner := owners.setdefault((name, id), key)) == key or line is None:
                    continue
                other = came.get(("persons", owner))
                facts = {"id": id, "name": after.name("persons", owner)}
                if other is not None and name in other.values:
                    faults.append(at(line, lines.ID_TWICE, name, line=other.number, **facts))
                else:
                    faults.append(at(line, lines.ID_TAKEN, name, **facts))
    return faults


def _whole(connection: sa.Connection, before: State, after: State, came: Mapping[tuple[str, str], DirectoryLine]) -> list[Fault]:
    """What would be wrong with the directory as a whole and is not so already, at the line that it is about where there is one."""
    needed = checks.needed_roles(connection, after.on)
    was = {(about, fault.text) for about, found in checks.faults(before, needed).items() for fault in found}
    told = []
    for about, found in checks.faults(after, needed).items():
        line = came.get(about)
        place = {"where": line.where, "line": line.number} if line else {}
        told += [Fault(template=fault.template, facts=fault.facts, **place) for fault in found if (about, fault.text) not in was]  # type: ignore[arg-type]
    return told


# --- what was planned for later days must still hold


def _later(connection: sa.Connection, on: dt.date) -> dict[dt.date, frozenset[str]]:
    """Each later day on which somebody's place or a head changes already, with what is wrong then anyway."""
    days: set[dt.date] = set()
    for model in (Placement, Headship):
        days.update(row[0] for row in connection.execute(sa.select(model.from_day).where(model.from_day > on).distinct()) if row[0])
    return {day: _said(connection, day) for day in sorted(days)}


def _said(connection: sa.Connection, day: dt.date) -> frozenset[str]:
    return frozenset(fault.text for found in checks.faults(state(connection, day), {}).values() for fault in found)


def _arising(connection: sa.Connection, before: Mapping[dt.date, frozenset[str]]) -> list[Fault]:
    found = []
    for day, was in before.items():
        arising = (fault for faults in checks.faults(state(connection, day), {}).values() for fault in faults)
        found += [Fault(template=fault.template, facts=fault.facts, where=day.isoformat()) for fault in arising if fault.text not in was]
    return found


# --- differences


def _differences(before: State, after: State) -> list[Difference]:
    found = []
    for kind in KINDS:
        for key, now in after.lines[kind].items():
            was = before.lines[kind].get(key)
            old = was or empty(kind)
            changes = {name: (old.get(name), value) for name, value in now.items() if value != old.get(name)}
            if was is None and kind == "persons":
                changes["active"] = (None, now["active"])
            if not changes and was is not None:
                continue
            act = "new" if was is None else "leaving" if _leaves(kind, was, now) else "changed"
            told = {name: [_told(before, kind, name, a, old), _told(after, kind, name, b, now)] for name, (a, b) in changes.items()}
            name = _called(after, kind, key)
            found.append(Difference(kind=kind, key=key, name=name, act=act, changes=changes, told=told))
    return found


def _leaves(kind: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if kind == "persons" and was["active"] and not now["active"]:
        return True
    return now.get("to") is not None and now["to"] != was.get("to") and (was["to"] is None or now["to"] < was["to"])


def _called(after: State, kind: str, key: str) -> str:
    if kind != "duties":
        return after.name(kind, key)
    duty = after.lines[kind][key]
    return f"{duty['duty']}: {after.name('persons', duty['person'])}"


def _told(of: State, kind: str, name: str, value: Any, line: Mapping[str, Any]) -> Json:
    """A value as people read it."""
    each = lines.column(kind, name) or lines.Column(name)
    kind_of = _SCOPES.get(line.get("scope") or "", "") if each.of == "scope" else each.of

    def one(entry: Any) -> Json:
        return entry.isoformat() if isinstance(entry, dt.date) else of.name(kind_of, entry) if kind_of else entry

    return [one(entry) for entry in value] if isinstance(value, tuple) else None if value is None else one(value)


def of_values(kind: str, values: Iterable[Mapping[str, Any]], where: str = "") -> list[DirectoryLine]:
    """Lines of a kind, numbered from 1."""
    return [DirectoryLine(kind=kind, values=each, where=where, number=number) for number, each in enumerate(values, 1)]
