"""Which procedure and which of its versions somebody looks at, and whether they may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .. import aftermath, rules
from ..bpmn import render
from ..bpmn.model import Element
from ..errors import NotAllowed, NotFound
from ..models import Case, ProcedureVersion
from ..people import directory
from ..rules import Aftermath

if TYPE_CHECKING:
    from ..procedures import Deployed
    from ..services import Services


@dataclass(frozen=True, kw_only=True)
class Readable:
    """A procedure of which somebody reads every case."""

    procedure: str
    name: str
    name_en: str
    #: whether they may also repair its cases
    manages: bool


@dataclass(frozen=True, kw_only=True)
class Version:
    id: str
    number: int
    active: bool
    deployed_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class Scope(Readable):
    """What one person looks at."""

    reader: str
    #: what may come of its cases (`aftermath.to_record`)
    aftermath: Aftermath | None
    #: all there are, the newest first
    versions: Sequence[Version]
    #: those that are looked at
    chosen: Sequence[Version]
    #: the only one chosen, or else the active one: its diagram is drawn
    drawn: Deployed

    @property
    def ids(self) -> list[str]:
        return [version.id for version in self.chosen]

    def cases(self) -> sa.ColumnElement[bool]:
        """Condition on cases: those of the chosen versions, none about the reader."""
        return sa.and_(Case.version_id.in_(self.ids), Case.subject_id != self.reader)


def readable(services: Services, reader: str) -> list[Readable]:
    """The procedures whose cases somebody may all read, by name."""
    found = []
    with services.database.reading() as connection:
        roles = directory.roles_of(connection, reader)
        of = rules.by_procedure(services, connection)
        rows = connection.execute(sa.select(ProcedureVersion.__table__).where(ProcedureVersion.active)).all()
    for row in rows:
        own = of[row.procedure]
        if roles & (own.readers | own.managers):
            manages = bool(roles & own.managers)
            found.append(Readable(procedure=row.procedure, name=row.name, name_en=row.name_en, manages=manages))
    return sorted(found, key=lambda each: each.name)


def scope(services: Services, procedure: str, *, reader: str, number: int | None = None) -> Scope:
    """Look at a procedure, at all its versions or at one. Raises NotFound, NotAllowed."""
    with services.database.reading() as connection:
        of = ProcedureVersion.procedure == procedure
        rows = connection.execute(sa.select(ProcedureVersion.__table__).where(of).order_by(ProcedureVersion.number.desc())).all()
    if not rows:
        raise NotFound(what="deployed procedure", name=procedure)
    known = next((each for each in readable(services, reader) if each.procedure == procedure), None)
    if known is None:
        raise NotAllowed(reason="only managers and readers of a procedure see how its cases go")
    with services.database.reading() as connection:
        listed = aftermath.to_record(services, connection, procedure, Case.version_id.in_([row.id for row in rows]))
    versions = [Version(id=row.id, number=row.number, active=row.active, deployed_at=row.deployed_at) for row in rows]
    chosen = versions if number is None else [version for version in versions if version.number == number]
    if not chosen:
        raise NotFound(what="deployed procedure", name=f"{procedure} {number}")
    drawn = chosen[0] if number is not None else next(version for version in versions if version.active)
    return Scope(
        procedure=procedure,
        name=known.name,
        name_en=known.name_en,
        manages=known.manages,
        aftermath=listed,
        reader=reader,
        versions=versions,
        chosen=chosen,
        drawn=services.programs.get(drawn.id),
    )


def element_of(services: Services, scope: Scope, key: str) -> Element | None:
    """An element by its id in the drawn version, else in the newest of the chosen ones that has it."""
    if found := scope.drawn.program.elements.get(key):
        return found
    return next((e for id in scope.ids if (e := services.programs.get(id).program.elements.get(key))), None)


def shown_at(scope: Scope, key: str) -> str:
    """Where the drawing shows an element: itself, the sub-process around it that is drawn closed, or the call activity of its process."""
    program = scope.drawn.program
    elements = program.elements
    while (prefix := key.rpartition(":")[0]) and key not in program.process.elements:
        called = prefix.partition("@")[0]
        around = next((e for e in elements.values() if e.called is not None and e.called.process == called and e.id != key), None)
        if around is None:
            return key
        key = around.id
    source = scope.drawn.files.get(program.process.file)
    shapes = render.shown(source) if source else frozenset()
    while shapes and key in program.process.elements and key not in shapes and elements[key].scope in elements:
        key = elements[key].scope
    return key
