"""What leaves for other programs: the finished cases as lines of a table, and as an event log (XES, IEEE 1849-2016).

Persons are pseudonyms: the same person is the same word in every export of this installation, and nobody without its keys learns who.
An administrator may have names instead; then every case says that, and to whom, it was handed out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import sqlalchemy as sa

from ..calendar import OFFICE
from ..errors import NotAllowed
from ..ledger import Event
from ..models import Case, Department, Person, Sequel
from ..people import directory
from ..witness import witness
from .counting import departments_of
from .scope import Scope, element_of
from .spans import Visit, visits

if TYPE_CHECKING:
    from ..services import Services

#: cases read at once, and cases of one export with names
_PORTION, MOST_NAMED = 500, 5000
_PURPOSE = "analytics.person"


@dataclass(frozen=True, kw_only=True)
class CaseLine:
    """One finished case. Times in seconds."""

    id: str
    number: str
    version: int
    started_at: dt.datetime
    closed_at: dt.datetime
    outcome: str
    void: bool
    #: id and name of the department; empty for none
    department: str
    department_name: str
    #: pseudonym, or employee number
    employee: str
    #: empty for a pseudonym
    employee_name: str
    duration: float
    duration_work: float
    #: kinds of what came of it, as recorded
    sequels: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is handed out: which cases, and whether with names."""

    scope: Scope
    which: sa.ColumnElement[bool]
    named: bool


def export(services: Services, scope: Scope, first: dt.date, last: dt.date, *, named: bool = False) -> Export:
    """The cases that closed from one day to another. With names that is recorded in each of them, here and now.

    Raises NotAllowed for names that no administrator asks for, or of too many cases.
    """
    begins, ends = directory.midnight(first), directory.midnight(last + dt.timedelta(days=1))
    which = sa.and_(scope.cases(), Case.closed_at >= begins, Case.closed_at < ends)
    if named:
        # just these: one that closes meanwhile is not handed out unrecorded
        which = sa.and_(which, Case.id.in_(_witnessed(services, scope.reader, which)))
    return Export(scope=scope, which=which, named=named)


def _witnessed(services: Services, reader: str, which: sa.ColumnElement[bool]) -> Sequence[str]:
    """Ids of the cases in which it is recorded now that they are handed out with names."""
    with services.database.reading() as connection:
        if "admin" not in directory.roles_of(connection, reader):
            raise NotAllowed(reason="only an administrator exports names; without them everybody who reads the cases may")
        ids = list(connection.execute(sa.select(Case.id).where(which).order_by(Case.id).limit(MOST_NAMED + 1)).scalars())
    if len(ids) > MOST_NAMED:
        raise NotAllowed(reason="an export with names has at most 5000 cases; choose a shorter time")
    for case_id in ids:  # one by one: no case waits for the others
        with services.database.unit() as unit:
            witness(unit, case_id, Event.CASE_EXPORTED, at=services.clock.now(), actor=reader)
            unit.commit()
    return ids


def lines(services: Services, wanted: Export) -> Iterator[CaseLine]:
    """One line for each case, the first that closed first."""
    calendar = services.calendars.get(OFFICE)
    versions = {version.id: version.number for version in wanted.scope.versions}
    with services.database.reading() as connection:
        names = {row.id: row.name for row in connection.execute(sa.select(Department.id, Department.name))}
    for rows, departments, people, sequels in _portions(services, wanted):
        for row in rows:
            person = people[row.subject_id]
            yield CaseLine(
                id=row.id,
                number=row.number,
                version=versions[row.version_id],
                started_at=row.started_at,
                closed_at=row.closed_at,
                outcome=row.outcome or "completed",
                void=row.voided_at is not None,
                department=departments[row.id],
                department_name=names.get(departments[row.id], departments[row.id]),
                employee=person[0],
                employee_name=person[1],
                duration=(row.closed_at - row.started_at).total_seconds(),
                duration_work=calendar.worked(row.started_at, row.closed_at).total_seconds(),
                sequels=sequels.get(row.id, ()),
            )


def _portions(services: Services, wanted: Export) -> Iterator[tuple[Sequence[Any], Mapping[str, str], Mapping[str, tuple[str, str]], Any]]:
    """Rows of cases with their departments, who they are about, and the kinds of what came of them."""
    columns = (Case.id, Case.number, Case.version_id, Case.subject_id, Case.started_at, Case.closed_at, Case.voided_at, Case.outcome)
    after: tuple[dt.datetime, str] | None = None
    while True:
        select = sa.select(*columns).where(wanted.which).order_by(Case.closed_at, Case.id).limit(_PORTION)
        if after:
            select = select.where(sa.or_(Case.closed_at > after[0], sa.and_(Case.closed_at == after[0], Case.id > after[1])))
        with services.database.reading() as connection:
            rows = connection.execute(select).all()
            if not rows:
                return
            departments = departments_of(connection, rows)
            people = persons(services, connection, {row.subject_id for row in rows}, named=wanted.named)
            sequels: dict[str, list[str]] = {}
            of = sa.select(Sequel.case_id, Sequel.kind).where(Sequel.case_id.in_([row.id for row in rows]))
            for sequel in connection.execute(of.order_by(Sequel.began_on, Sequel.id)):
                sequels.setdefault(sequel.case_id, []).append(sequel.kind)
        yield rows, departments, people, sequels
        after = rows[-1].closed_at, rows[-1].id


def persons(services: Services, connection: sa.Connection, ids: set[str], *, named: bool) -> dict[str, tuple[str, str]]:
    """Pseudonym and "", or with names: employee number and name, by id."""
    if not named:
        return {id: (services.keyring.digest(id, _PURPOSE)[:12], "") for id in ids}
    found = connection.execute(sa.select(Person.id, Person.employee_no, Person.name).where(Person.id.in_(ids)))
    return {row.id: (row.employee_no or "", row.name) for row in found}


# --- XES

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><string key="lifecycle:transition" value="complete"/>\
<date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/></global>
<classifier name="Step" keys="concept:name"/>
<classifier name="Step and transition" keys="concept:name lifecycle:transition"/>
"""


def xes(services: Services, wanted: Export) -> Iterator[str]:
    """The event log, piece by piece: a trace for each case, of each visit `schedule`, `start`, and `complete` or `withdraw`.

    The transitions are those of the standard lifecycle model. A timer or a wait that ended was never in anybody's hand: it has no start.
    """
    yield _HEAD
    yield _attribute("string", "concept:name", wanted.scope.name) + _attribute("string", "lifecycle:model", "standard")
    versions = {version.id: version.number for version in wanted.scope.versions}
    for rows, departments, people, sequels in _portions(services, wanted):
        of: dict[str, list[Visit]] = {}
        with services.database.reading() as connection:
            for visit in visits(connection, Case.id.in_([row.id for row in rows])):
                of.setdefault(visit.case_id, []).append(visit)
            by = {visit.by for each in of.values() for visit in each if visit.by}
            staff = persons(services, connection, by, named=wanted.named)
        for row in rows:
            yield "<trace>" + _attribute("string", "concept:name", row.number)
            yield _attribute("int", "version", versions[row.version_id])
            yield _attribute("string", "outcome", row.outcome or "completed")
            yield _attribute("boolean", "void", "true" if row.voided_at else "false")
            yield _attribute("string", "department", departments[row.id])
            yield _attribute("string", "employee", " ".join(filter(None, people[row.subject_id])))
            yield "".join(_attribute("string", "sequel", kind) for kind in sequels.get(row.id, ())[:1])
            own = sorted(of.get(row.id, ()), key=lambda visit: (visit.begin, visit.end))
            # of what happens at the same moment, that of the step which began earlier comes first
            events = [(at, place, text) for place, visit in enumerate(own) for at, text in _events(services, wanted.scope, visit, staff)]
            yield "\n".join(text for _, _, text in sorted(events, key=lambda event: event[:2]))
            yield "</trace>\n"
    yield "</log>\n"


def _events(services: Services, scope: Scope, visit: Visit, staff: Mapping[str, tuple[str, str]]) -> Iterator[tuple[dt.datetime, str]]:
    element = element_of(services, scope, visit.element)
    shared = _attribute("string", "concept:name", element.title if element else visit.element)
    shared += _attribute("string", "concept:instance", visit.key) + _attribute("string", "element", visit.element)
    if element and element.lane:
        shared += _attribute("string", "org:role", element.lane)
    who = staff.get(visit.by or "")
    resource = _attribute("string", "org:resource", " ".join(filter(None, who))) if who else ""
    moments = [("schedule", visit.begin, "")]
    moments += [("start", visit.handled[0][0], resource)] if visit.handled else []
    moments += [("withdraw" if visit.left else "complete", visit.end, resource)]
    for transition, at, by in moments:
        when = _attribute("date", "time:timestamp", at.astimezone(dt.UTC).isoformat(timespec="milliseconds"))
        yield at, f"<event>{shared}{_attribute('string', 'lifecycle:transition', transition)}{when}{by}</event>"


def _attribute(kind: str, key: str, value: object) -> str:
    """An attribute; characters that XML cannot hold are left out."""
    text = "".join(c for c in str(value) if c >= " " or c in "\t\n")
    return f"<{kind} key={quoteattr(key)} value={quoteattr(text)}/>"
