"""The versions of a procedure: what there is, what changed, which one serves new cases, which one is at rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import checks, deploying
from .bpmn import differences
from .bpmn.differences import Change
from .cases import must_say
from .errors import ActivatedMeanwhile, NotAllowed, NotDeployable, NotFound
from .models import Case, Person, ProcedureVersion, VersionEvent, new_id
from .people import directory
from .rules import rules_of

if TYPE_CHECKING:
    from .db import Unit
    from .procedures import Deployed
    from .services import Services


@dataclass(frozen=True, kw_only=True)
class VersionAct:
    """What was done with a version."""

    act: str
    at: dt.datetime
    #: name of who did it; None for the command line
    by: str | None
    note: str


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """One version of a procedure."""

    id: str
    procedure: str
    number: int
    name: str
    name_en: str
    active: bool
    suspended: bool
    deployed_at: dt.datetime
    #: when it becomes the active one, while it waits for that
    scheduled_at: dt.datetime | None
    #: cases on it that are not closed
    running: int
    acts: Sequence[VersionAct]


def versions(services: Services, procedure: str) -> list[VersionRow]:
    """Every version, the newest first. Raises NotFound for a procedure without any."""
    running = sa.select(Case.version_id, sa.func.count().label("cases")).where(Case.status != "closed").group_by(Case.version_id).subquery()
    with services.database.reading() as connection:
        rows = connection.execute(
            sa.select(ProcedureVersion.__table__, sa.func.coalesce(running.c.cases, 0).label("running"))
            .outerjoin(running, running.c.version_id == ProcedureVersion.id)
            .where(ProcedureVersion.procedure == procedure)
            .order_by(ProcedureVersion.number.desc())
        ).all()
        if not rows:
            raise NotFound(what="deployed procedure", name=procedure)
        acts = connection.execute(
            sa.select(VersionEvent.version_id, VersionEvent.act, VersionEvent.at, VersionEvent.note, Person.name)
            .outerjoin(Person, Person.id == VersionEvent.by)
            .where(VersionEvent.version_id.in_([row.id for row in rows]))
            .order_by(VersionEvent.at, VersionEvent.id)
        ).all()
    found = []
    for row in rows:
        own = [VersionAct(act=act.act, at=act.at, by=act.name, note=act.note) for act in acts if act.version_id == row.id]
        values = {name: row._mapping[name] for name in VersionRow.__dataclass_fields__ if name in row._mapping}
        found.append(VersionRow(**values, acts=own))
    return found


def made(row: VersionRow) -> VersionAct | None:
    """Who made the version, when and why."""
    return next((act for act in row.acts if act.act in ("deployed", "scheduled")), None)


def numbered(services: Services, procedure: str, number: int | None) -> Deployed:
    """A version by its number; None: the active one. Raises NotFound."""
    of_procedure = ProcedureVersion.procedure == procedure
    which = ProcedureVersion.active if number is None else ProcedureVersion.number == number
    with services.database.reading() as connection:
        found = connection.execute(sa.select(ProcedureVersion.id).where(of_procedure, which)).scalar_one_or_none()
    if found is None:
        name = procedure if number is None else f"{procedure} {number}"
        raise NotFound(what="deployed procedure", name=name)
    return services.programs.get(found)


def difference(services: Services, procedure: str, before: int, after: int | None = None) -> list[Change]:
    """What changed from one version to another (None: the active one). Raises NotFound."""
    return differences.between(numbered(services, procedure, before).files, numbered(services, procedure, after).files)


def activate(
    services: Services,
    procedure: str,
    number: int,
    *,
    by: str | None,
    note: str,
    told: Callable[[int, int], object] | None = None,
    also: Callable[[Unit, int], object] = lambda unit, number: None,
) -> bool:
    """Let new cases start on this version; running ones stay on theirs. False if it was the active one already.

    It is checked anew, as operations and chains may have gone since it was deployed; one that never served plays its scenarios, too, as
    when it is published: `told` hears how many are done, of how many. `also` is done in the same transaction. `by` None: the command
    line. Raises NotFound, NotAllowed, NotDeployable, ScenariosFailed.
    """
    return _activate(services, procedure, number, by=by, note=note, told=told, also=also)


def considered(services: Services, procedure: str, number: int, *, by: str | None, note: str) -> Deployed:
    """The version that `activate` would make the active one, where nothing but its scenarios stands against it. Raises as `activate`."""
    must_say(note)
    version = numbered(services, procedure, number)
    try:  # whoever manages it now, not whoever did then
        managed = numbered(services, procedure, None)
    except NotFound:
        managed = version
    with services.database.reading() as connection:
        must_manage(connection, managed, by)
    findings = checks.faults(services, version.files)
    if findings:
        raise NotDeployable(findings, path=f"{procedure} {number}", count=len(findings))
    return version


def _activate(
    services: Services,
    procedure: str,
    number: int,
    *,
    by: str | None,
    note: str,
    instead_of: int | None = None,
    told: Callable[[int, int], object] | None = None,
    also: Callable[[Unit, int], object] = lambda unit, number: None,
) -> bool:
    """As `activate`; `instead_of`: number of the only version that is replaced. Raises ActivatedMeanwhile for another one."""
    from .studio import gate  # here, since a scheduled version becomes active by what this module offers

    said = must_say(note)
    version = considered(services, procedure, number, by=by, note=note)
    gate.must_have_passed(services, version, told=told or gate.in_silence)
    with services.database.unit() as unit:
        connection = unit.connection
        deploying.one_at_a_time(connection)
        of = (ProcedureVersion.procedure == procedure, ProcedureVersion.active)
        was = connection.execute(sa.select(ProcedureVersion.number).where(*of)).scalar_one_or_none()
        if was == number:
            return False
        if instead_of is not None and was != instead_of:
            raise ActivatedMeanwhile(number=was)
        now = services.clock.now()
        deploying.make_active(connection, procedure, version.id, version.files, by=by, now=now)
        record(connection, version.id, "activated", at=now, by=by, note=said)
        also(unit, number)
        unit.commit()
    return True


def roll_back(services: Services, procedure: str, *, by: str | None, note: str, seen: int | None = None) -> int:
    """Activate the version that was active before the present one; gives its number. `seen`: the one that was seen to be active, so that
    who repeats it, or is second, goes no further back. Raises as `activate`, and ActivatedMeanwhile.
    """
    present = numbered(services, procedure, None)
    if seen is not None and seen != present.number:
        raise ActivatedMeanwhile(number=present.number)
    with services.database.reading() as connection:
        must_manage(connection, present, by)
    before = former(services, procedure)
    if before is None:
        raise NotFound(what="earlier version", name=procedure)
    _activate(services, procedure, before, by=by, note=note, instead_of=present.number)
    return before


def former(services: Services, procedure: str) -> int | None:
    """Number of the version that was active before the present one."""
    with services.database.reading() as connection:
        served = connection.execute(
            sa.select(VersionEvent.version_id, ProcedureVersion.number, ProcedureVersion.active)
            .join(ProcedureVersion, ProcedureVersion.id == VersionEvent.version_id)
            .where(ProcedureVersion.procedure == procedure, VersionEvent.act.in_(("deployed", "activated", "activated on time")))
            .order_by(VersionEvent.at.desc(), VersionEvent.id.desc())
        ).all()
    return next((int(row.number) for row in served if not row.active), None)


def suspend(services: Services, procedure: str, number: int | None, *, by: str | None, note: str) -> int:
    """Nothing of the cases on a version (None: the active one) moves until it is resumed, and no case starts on it.

    No completion, no new call, no timer; only a call under way still answers, and managers may still cancel a case. Gives the
    version's number; one that is suspended stays so. Raises NotFound, NotAllowed.
    """
    return _hold(services, procedure, number, True, by, note)


def resume(services: Services, procedure: str, number: int | None, *, by: str | None, note: str) -> int:
    """The cases of a suspended version go on; what became due meanwhile is due now. Raises as `suspend`."""
    resumed = _hold(services, procedure, number, False, by, note)
    services.carrier.ring(None)
    return resumed


def _hold(services: Services, procedure: str, number: int | None, suspended: bool, by: str | None, note: str) -> int:
    said = must_say(note)
    version = numbered(services, procedure, number)
    with services.database.unit() as unit:
        connection = unit.connection
        must_manage(connection, version, by)
        change = sa.update(ProcedureVersion).where(ProcedureVersion.id == version.id, ProcedureVersion.suspended != suspended)
        if connection.execute(change.values(suspended=suspended)).rowcount:
            act = "suspended" if suspended else "resumed"
            record(connection, version.id, act, at=services.clock.now(), by=by, note=said)
        unit.commit()
    return version.number


def record(connection: sa.Connection, version_id: str, act: str, *, at: dt.datetime, by: str | None, note: str) -> None:
    """Keep what was done with a version; `act` as in `models.VersionEvent`."""
    connection.execute(sa.insert(VersionEvent).values(id=new_id(), version_id=version_id, act=act, at=at, by=by, note=note))


def must_manage(connection: sa.Connection, version: Any, actor: str | None) -> None:
    """Raises NotAllowed unless the actor's role manages the procedure; the command line may."""
    if actor is not None and not directory.roles_of(connection, actor) & rules_of(version.files).managers:
        raise NotAllowed(reason="only managers of this procedure can do it")
