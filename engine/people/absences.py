"""Who stands in for whom: substitutes with a time and a scope.

A substitution applies to what opens while it holds. Substitutes of substitutes are followed three times at most. Whom a case
is about is never a substitute in it: whoever resolves a step asks for that, as for everybody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ..errors import NotAllowed, NotFound, SubstituteRefused
from ..models import Chain, Person, ProcedureVersion, Substitution, SubstitutionUse, new_id
from ..notices import telling
from . import directory, log

if TYPE_CHECKING:
    from ..db import Unit
    from ..services import Services

#: substitutes of substitutes that are followed
HOPS = 3
#: the nearest first
SCOPES = ("chain", "procedure", "all")
#: whoever holds it may enter substitutes for others
_MANAGERS = "admin"


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One substitution that was followed."""

    substitution: str
    absent: str
    substitute: str


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """Who signs for somebody absent."""

    #: id of the last substitute
    person: str
    #: from the absent person to the one who stands in
    path: Sequence[Hop]
    #: when the absent person is back
    until: dt.datetime


def stand_in(connection: sa.Connection, person: str, at: dt.datetime, procedure: str = "", chain: str = "") -> StandIn | None:
    """Who stands in for a person in a procedure and chain (keys); None while nobody does."""
    return stand_ins(connection, [person], at, procedure, chain).get(person)


def stand_ins(
    connection: sa.Connection, persons: Collection[str] | None, at: dt.datetime, procedure: str = "", chain: str = ""
) -> dict[str, StandIn]:
    """`stand_in` of several persons (None: of everybody), by the absent ones among them."""
    scoped = sa.or_(
        Substitution.scope == "all",
        sa.and_(Substitution.scope == "procedure", Substitution.ref == procedure),
        sa.and_(Substitution.scope == "chain", Substitution.ref == chain),
    )
    holding = sa.select(Substitution.__table__).where(scoped, *holds_at(at)).order_by(Substitution.id.desc())
    by_absent: dict[str, Any] = {}
    for nearest in sorted(connection.execute(holding), key=lambda row: SCOPES.index(row.scope)):
        by_absent.setdefault(nearest.absent_id, nearest)
    found = {}
    for person in by_absent if persons is None else persons:
        path: list[Hop] = []
        while len(path) < HOPS and (path[-1].substitute if path else person) in by_absent:
            row = by_absent[path[-1].substitute if path else person]
            path.append(Hop(substitution=row.id, absent=row.absent_id, substitute=row.substitute_id))
        if path:
            found[person] = StandIn(person=path[-1].substitute, path=path, until=by_absent[person].ends_at)
    return found


def holds_at(at: dt.datetime) -> list[sa.ColumnElement[bool]]:
    """Conditions on substitutions: those that hold at a moment."""
    return [Substitution.starts_at <= at, Substitution.ends_at > at, Substitution.ended_at.is_(None)]


def used(unit: Unit, stand_in: StandIn, sign_off: str, at: dt.datetime) -> None:
    """Keep that a sign-off, which the same unit may add, went to somebody by these substitutions."""
    for hop in stand_in.path:
        unit.add(SubstitutionUse, substitution_id=hop.substitution, sign_off_id=sign_off, at=at)


# --- entering and ending


def appoint(
    services: Services,
    *,
    absent: str,
    substitute: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    scope: str = "all",
    ref: str = "",
    by: str,
    note: str = "",
) -> str:
    """Let somebody sign for somebody absent from one moment to before another; gives its id.

    `ref`: key of the procedure or chain that `scope` says. Who enters it is absent themselves, or an administrator. Raises
    NotAllowed, NotFound, SubstituteRefused.
    """
    with services.database.unit() as unit:
        log.one_at_a_time(unit.connection)
        _may(unit.connection, absent, by)
        row = {"absent_id": absent, "substitute_id": substitute, "starts_at": starts_at, "ends_at": ends_at, "scope": scope, "ref": ref}
        found = _enter(services, unit, row, by=by, note=note)
        unit.commit()
    return found


def _enter(services: Services, unit: Unit, row: Mapping[str, Any], *, by: str | None, note: str) -> str:
    """A new substitution; its id. Raises NotFound, SubstituteRefused."""
    now, connection = services.clock.now(), unit.connection
    absent, substitute = row["absent_id"], row["substitute_id"]
    names = _names(connection, (absent, substitute))
    _check(connection, row, names, now)
    found = new_id()
    connection.execute(sa.insert(Substitution).values(id=found, **row, created_by=by or absent, created_at=now))
    told = {"substitute": [None, names[substitute]], "scope": [None, f"{row['scope']} {row['ref']}".strip()]}
    told |= {"starts_at": [None, _iso(row["starts_at"])], "ends_at": [None, _iso(row["ends_at"])]}
    _record(connection, absent, names, "added", told, now, by, note)
    telling.tell(services, unit, [telling.Told(kind="substitute_set", persons=[substitute, absent])], at=now, by=by)
    return found


def replace(services: Services, substitution: str, *, substitute: str, by: str | None, note: str) -> None:
    """Somebody else stands in from now on; nothing is done where it holds no more. Raises NotFound, SubstituteRefused."""
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        log.one_at_a_time(connection)
        old = connection.execute(sa.select(Substitution.__table__).where(Substitution.id == substitution).with_for_update()).one_or_none()
        if old is None:
            raise NotFound(what="substitution", name=substitution)
        if old.ended_at is not None or old.ends_at <= now or old.substitute_id == substitute:
            return
        _end(connection, old, now, by, note)
        kept = {name: getattr(old, name) for name in ("absent_id", "ends_at", "scope", "ref", "handover")}
        _enter(services, unit, {**kept, "substitute_id": substitute, "starts_at": max(now, old.starts_at)}, by=by, note=note)
        unit.commit()


def hand_over(services: Services, person: str, to: str, *, until: dt.datetime, by: str | None, note: str) -> None:
    """Let what comes to somebody who leaves go to another person from now until a moment; the same again changes nothing.

    Whoever stands in for them in everything does so no longer. Raises NotFound, SubstituteRefused.
    """
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        log.one_at_a_time(connection)
        known = handover(connection, person, now)
        if known and (known.substitute_id, known.ends_at) == (to, until):
            return
        everything = (Substitution.absent_id == person, Substitution.scope == "all", Substitution.ended_at.is_(None))
        for old in connection.execute(sa.select(Substitution.__table__).where(*everything, Substitution.ends_at > now)).all():
            _end(connection, old, now, by, note)
        row = {"absent_id": person, "substitute_id": to, "starts_at": now, "ends_at": until, "scope": "all", "ref": "", "handover": True}
        _enter(services, unit, row, by=by, note=note)
        unit.commit()


def handover(connection: sa.Connection, person: str, at: dt.datetime) -> sa.Row[Any] | None:
    """By which substitution what comes to somebody who leaves is handed over, if any: a row of `substitutions`."""
    found = sa.select(Substitution.__table__).where(Substitution.absent_id == person, Substitution.handover, *holds_at(at))
    return connection.execute(found).one_or_none()


def end(services: Services, substitution: str, *, by: str, note: str = "") -> None:
    """Let a substitution hold no more; one that is over stays as it was. Raises NotFound, NotAllowed."""
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        row = connection.execute(sa.select(Substitution.__table__).where(Substitution.id == substitution).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(what="substitution", name=substitution)
        _may(connection, row.absent_id, by)
        if row.ended_at is not None or row.ends_at <= now:
            return
        _end(connection, row, now, by, note)
        unit.commit()


def _end(connection: sa.Connection, row: Any, now: dt.datetime, by: str | None, note: str) -> None:
    connection.execute(sa.update(Substitution).where(Substitution.id == row.id).values(ended_at=now))
    names = _names(connection, (row.absent_id, row.substitute_id))
    _record(connection, row.absent_id, names, "ended", {"substitute": [names[row.substitute_id], None]}, now, by, note)


def rows(connection: sa.Connection, now: dt.datetime, *, person: str = "", past: bool = False) -> list[sa.Row[Any]]:
    """Substitutions with the names of both, those of one person (absent or substitute) or all; with `past` also those that are
    over: rows of `substitutions` with `absent`, `substitute`, `uses`.
    """
    absent, substitute = aliased(Person), aliased(Person)
    uses = sa.select(sa.func.count()).where(SubstitutionUse.substitution_id == Substitution.id).correlate(Substitution).scalar_subquery()
    select = (
        sa.select(Substitution.__table__, absent.name.label("absent"), substitute.name.label("substitute"), uses.label("uses"))
        .join(absent, absent.id == Substitution.absent_id)
        .join(substitute, substitute.id == Substitution.substitute_id)
        .order_by(Substitution.starts_at.desc(), Substitution.id)
    )
    if person:
        select = select.where(sa.or_(Substitution.absent_id == person, Substitution.substitute_id == person))
    if not past:
        select = select.where(Substitution.ended_at.is_(None), Substitution.ends_at > now)
    return list(connection.execute(select))


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="minutes")


def _record(
    connection: sa.Connection,
    absent: str,
    names: Mapping[str, str],
    act: str,
    changes: Mapping[str, Any],
    now: dt.datetime,
    by: str | None,
    note: str,
) -> None:
    about = {"kind": "substitutions", "ref": absent, "name": names[absent], "act": act, "note": note}
    log.record(connection, at=now, by=by, changes=changes, on=None, **about)


def _may(connection: sa.Connection, absent: str, by: str) -> None:
    if by != absent and _MANAGERS not in directory.roles_of(connection, by):
        raise NotAllowed(reason="a substitute is named by whoever is absent, or by an administrator")


def _names(connection: sa.Connection, persons: Collection[str]) -> dict[str, str]:
    """Raises NotFound."""
    found = {row.id: row.name for row in connection.execute(sa.select(Person.id, Person.name).where(Person.id.in_(persons)))}
    for person in persons:
        if person not in found:
            raise NotFound(what="person", name=person)
    return found


def _check(connection: sa.Connection, new: Mapping[str, Any], names: Mapping[str, str], now: dt.datetime) -> None:
    """Raises SubstituteRefused."""
    absent, substitute = new["absent_id"], new["substitute_id"]
    if absent == substitute:
        raise SubstituteRefused(reason="nobody stands in for themselves")
    if new["ends_at"] <= new["starts_at"]:
        raise SubstituteRefused(reason="the end lies before the beginning")
    if new["ends_at"] <= now:
        raise SubstituteRefused(reason="the time is over already")
    for person in (absent, substitute):
        if not directory.present(connection, [person], directory.day(max(now, new["starts_at"]))):
            raise SubstituteRefused(reason=f"{names[person]} does not work here then")
    known = {"all": None, "procedure": ProcedureVersion.procedure, "chain": Chain.key}
    if new["scope"] not in known:
        raise SubstituteRefused(reason="the scope must be all, procedure or chain")
    column = known[new["scope"]]
    if column is None and new["ref"]:
        raise SubstituteRefused(reason="a substitution for everything names no procedure and no chain")
    if column is not None and connection.execute(sa.select(column).where(column == new["ref"]).limit(1)).first() is None:
        name = new["ref"]
        raise SubstituteRefused(reason=f'there is no procedure "{name}"' if new["scope"] == "procedure" else f'there is no chain "{name}"')
    others = connection.execute(sa.select(Substitution.__table__).where(Substitution.ended_at.is_(None), Substitution.ends_at > now)).all()
    for other in others:
        same = (other.absent_id, other.scope, other.ref) == (absent, new["scope"], new["ref"])
        if same and other.starts_at < new["ends_at"] and other.ends_at > new["starts_at"]:
            raise SubstituteRefused(reason="there is a substitute for this scope in this time already; end that one first")
    _check_hops(connection, new, others)


def _check_hops(connection: sa.Connection, new: Mapping[str, Any], others: Sequence[Any]) -> None:
    """Raises SubstituteRefused where the new one would close a circle, or one could be followed further than HOPS."""
    edges: dict[str, list[Mapping[str, Any]]] = {}
    for edge in (*(other._mapping for other in others), new):
        edges.setdefault(edge["absent_id"], []).append(edge)
    always = (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC))
    for start in edges:
        for way in _ways(edges, [start], *always, {}):
            if len(way) > 1 and way[-1] == start:
                raise SubstituteRefused(reason="they would stand in for each other in a circle: " + _told(connection, way))
            if len(way) > HOPS + 1:
                raise SubstituteRefused(reason="more than three would stand in one for another: " + _told(connection, way))


def _ways(
    edges: Mapping[str, Sequence[Mapping[str, Any]]], way: list[str], starts: dt.datetime, ends: dt.datetime, refs: Mapping[str, str]
) -> Iterator[list[str]]:
    """Every way on which substitutions can follow each other: their times have a moment in common, and no two name different
    procedures or different chains.
    """
    yield way
    if len(way) > HOPS + 1 or way[-1] in way[:-1]:
        return
    for edge in edges.get(way[-1], ()):
        begins, ceases = max(starts, edge["starts_at"]), min(ends, edge["ends_at"])
        if begins < ceases and refs.get(edge["scope"], edge["ref"]) == edge["ref"]:
            yield from _ways(edges, [*way, edge["substitute_id"]], begins, ceases, {**refs, edge["scope"]: edge["ref"]})


def _told(connection: sa.Connection, persons: Sequence[str]) -> str:
    names = _names(connection, set(persons))
    return " → ".join(names[person] for person in persons)
