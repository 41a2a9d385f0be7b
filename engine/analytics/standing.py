"""Where the running cases of a procedure stand, from the rows of what waits; no case is opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..models import Case, Incident, Job, Person, Subscription, WorkItem
from ..timeline import title_en
from .scope import Scope, element_of, shown_at

if TYPE_CHECKING:
    from ..services import Services

#: jobs at which a case stands
_CALLS = ("operation", "asking")
#: an event of these kinds watches what it is drawn at; the case stands there, and not at the event
_WATCHING = ("boundaryEvent", "startEvent")


@dataclass(kw_only=True)
class AtElement:
    """How many running cases stand at one element."""

    element: str
    name: str
    name_en: str
    cases: int = 0
    #: of those, how many have an incident there
    incidents: int = 0
    #: since when the one stands there that has waited longest
    since: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StandingCase:
    """One running case at an element."""

    id: str
    number: str
    title: str
    title_en: str
    version: int
    status: str
    #: since when it stands there; None where only an incident says that it does
    since: dt.datetime | None
    due_at: dt.datetime | None
    #: ids of its open incidents there
    incidents: Sequence[str]


def standing(services: Services, scope: Scope) -> dict[str, AtElement]:
    """By element as it is drawn, in the order of the diagram. A case at several elements of a called process counts once."""
    cases: dict[str, dict[str, set[str]]] = {}
    since: dict[str, dt.datetime] = {}
    with services.database.reading() as connection:
        for row in connection.execute(_places(scope)):
            if not _stands(services, scope, row):
                continue
            at = shown_at(scope, row.element)
            of = cases.setdefault(at, {"cases": set(), "incidents": set()})
            of["cases"].add(row.case_id)
            if row.kind == "incident":
                of["incidents"].add(row.case_id)
            elif at not in since or row.since < since[at]:
                since[at] = row.since
    found = {}
    for key, of in sorted(cases.items(), key=lambda pair: order(scope, pair[0])):
        element = element_of(services, scope, key)
        name = element.title if element else key
        english = (element.name_en if element else "") or name
        counts = {"cases": len(of["cases"]), "incidents": len(of["incidents"])}
        found[key] = AtElement(element=key, name=name, name_en=english, since=since.get(key), **counts)
    return found


def cases_at(services: Services, scope: Scope, element: str, *, limit: int = 200) -> tuple[list[StandingCase], int]:
    """The running cases that stand at an element as it is drawn, those that have stood there longest first, and how many there are."""
    places: dict[str, list[Any]] = {}
    with services.database.reading() as connection:
        for row in connection.execute(_places(scope)):
            if shown_at(scope, row.element) == element and _stands(services, scope, row):
                places.setdefault(row.case_id, []).append(row)
        return _cases(services, scope, connection, places, limit), len(places)


def cases_of(services: Services, scope: Scope, ids: Sequence[str]) -> list[StandingCase]:
    """Those of these cases that are running and may be looked at, wherever they stand, with all their open incidents."""
    with services.database.reading() as connection:
        places: dict[str, list[Any]] = {id: [] for id in ids}
        for row in connection.execute(_places(scope, Case.id.in_(ids))):
            places[row.case_id].append(row)
        return _cases(services, scope, connection, places, len(ids))


def _cases(services: Services, scope: Scope, connection: sa.Connection, places: dict[str, list[Any]], limit: int) -> list[StandingCase]:
    numbers = {version.id: version.number for version in scope.versions}
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)
    begun = {case: min((row.since for row in rows if row.kind != "incident"), default=None) for case, rows in places.items()}
    chosen = sorted(places, key=lambda case: (begun[case] or latest, case))[:limit]
    columns = (Case.id, Case.number, Case.title, Case.version_id, Case.status, Person.name)
    select = sa.select(*columns).join(Person, Person.id == Case.subject_id)
    rows = {row.id: row for row in connection.execute(select.where(Case.id.in_(chosen), scope.cases(), Case.status != "closed"))}
    return [
        StandingCase(
            id=id,
            number=rows[id].number,
            title=rows[id].title,
            title_en=title_en(services, rows[id].version_id, rows[id].name),
            version=numbers[rows[id].version_id],
            status=rows[id].status,
            since=begun[id],
            due_at=min((row.due_at for row in places[id] if row.due_at), default=None),
            incidents=[row.id for row in places[id] if row.kind == "incident"],
        )
        for id in chosen
        if id in rows
    ]


def _places(scope: Scope, *which: sa.ColumnElement[bool]) -> sa.CompoundSelect[Any]:
    """Rows of (kind, id, case_id, element, since, due_at): everything that waits in the running cases, and their open incidents."""
    mine = sa.and_(scope.cases(), Case.status != "closed", *which)
    never = sa.null().cast(WorkItem.__table__.c.due_at.type)

    def of(kind: str, id: Any, model: Any, since: Any, due: Any, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        columns = (sa.literal(kind).label("kind"), id.label("id"), model.case_id, model.element, since.label("since"), due.label("due_at"))
        return sa.select(*columns).join(Case, Case.id == model.case_id).where(mine, *conditions)

    waits = Job.state.in_(("waiting", "leased", "failed"))
    return sa.union_all(
        of("item", WorkItem.id, WorkItem, WorkItem.opened_at, WorkItem.due_at, WorkItem.status == "open"),
        of("call", Job.id, Job, Job.created_at, never, waits, Job.kind.in_(_CALLS)),
        of("timer", Job.id, Job, Job.created_at, Job.due_at, waits, Job.kind == "timer"),
        of("wait", Subscription.case_id, Subscription, Subscription.opened_at, never),
        of("incident", Incident.id, Incident, Incident.opened_at, never, Incident.resolved_at.is_(None)),
    )


def _stands(services: Services, scope: Scope, row: Any) -> bool:
    """Whether the case stands at the row's element itself, not at what the event there watches."""
    if row.kind not in ("timer", "wait"):
        return bool(row.element)
    element = element_of(services, scope, row.element)
    return element is None or element.kind not in _WATCHING


def order(scope: Scope, key: str) -> tuple[int, str]:
    """Where an element comes in the diagram's text."""
    known = {id: number for number, id in enumerate(scope.drawn.program.process.elements)}
    return known.get(key, len(known)), key
