"""Publishing that nobody has to wait for: where scenarios must be played first it is kept, and a job does both, whatever process dies.

Where all scenarios are known to pass, the draft is a version at once.
"""

from __future__ import annotations

import base64
import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import procedures, versions
from ..db import Unit
from ..deferral import FINISH, add_job, give_back, request_purpose
from ..errors import DatabaseAway, NotFound, PartwellError, PublicationOver, PublicationWaits, ScenariosFailed
from ..leases import holds
from ..models import Job, Person, ProcedurePublication, new_id
from ..notices import telling
from ..ports import Json
from . import drafts, events, exchange, gate, publishing, refusals, rows
from .exchange import Base, Deployed
from .publishing import Published

if TYPE_CHECKING:
    from ..services import Services

#: of the job
KIND = "publish"
_ATTEMPTS = 5
#: until a publication looks again whether it is its turn in this process
_BREATH = dt.timedelta(seconds=1)
#: Scenarios keep a thread busy. One publication at a time leaves the others to the jobs of cases.
_TURN = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A draft or a folder that somebody publishes, or a version that somebody activates, while scenarios are played and afterwards."""

    id: str
    procedure: str
    #: of the draft, None for a folder, or where a version is activated
    revision: int | None
    #: number of that version, or of the one that the draft has become
    number: int | None
    #: when the version shall become active, None: at once
    at: dt.datetime | None
    #: `waiting`, `published`, `refused` or `withdrawn`
    state: str
    #: scenarios that are done, and how many there are
    played: int
    of: int
    asked_at: dt.datetime
    asked_by: str
    note: str
    ended_at: dt.datetime | None
    #: why it was refused: {template, facts} each, and which error that is
    reasons: Sequence[Json] = ()
    code: str = ""
    #: scenarios that fail, where that is why
    failing: Sequence[str] = ()


def publish(
    services: Services,
    procedure: str,
    *,
    revision: int,
    actor: str,
    note: str,
    at: dt.datetime | None = None,
    replacing: int | None = None,
    override: str = "",
) -> Published | Publication:
    """As `publishing.publish`, but a publication that waits where scenarios must be played first. Raises PublicationWaits, too."""
    how: dict[str, Any] = {"revision": revision, "note": note, "at": at, "replacing": replacing, "override": override}
    with services.database.reading() as connection:
        rows.must_edit(services, connection, procedure, actor)
        waiting = _waiting(connection, procedure)
    if waiting is not None:
        return _same(waiting, {"number": None, "asked_by": actor, **how})
    files = publishing.considered(services, procedure, actor=actor, **how)
    left = gate.unplayed(services, files, procedure=procedure)
    if not left:
        return publishing.publish(services, procedure, actor=actor, **how)
    return _begun(services, procedure, files=files, left=left, actor=actor, number=None, **how)


def activate(services: Services, procedure: str, number: int, *, actor: str, note: str) -> bool | Publication:
    """As `versions.activate`, but a publication that waits where scenarios must be played first. Raises PublicationWaits, too."""
    version = versions.considered(services, procedure, number, by=actor, note=note)
    left = gate.unplayed(services, version.files, procedure=procedure) if gate.has_to_pass(services, version) else ()
    if not left:
        return versions.activate(services, procedure, number, by=actor, note=note)
    given: dict[str, Any] = {"revision": None, "at": None, "replacing": None, "override": ""}
    return _begun(services, procedure, files=version.files, left=left, actor=actor, note=note, number=number, **given)


def deploy(
    services: Services, procedure: str, files: Mapping[str, bytes], *, base: Base, actor: str, note: str, override: str = ""
) -> Deployed | Publication:
    """As `exchange.deploy`, but a publication that keeps the files where scenarios must be played first. Raises PublicationWaits, too."""
    how: dict[str, Any] = {"actor": actor, "note": note, "override": override}
    stored, active = exchange.considered(services, procedure, files, base=base, **how)
    same = active is not None and procedures.digest_of(stored) == active.digest
    left = () if same else gate.unplayed(services, stored, procedure=procedure)
    if not left:
        return exchange.deploy(services, procedure, files, base=base, **how)
    given: dict[str, Any] = {"revision": None, "number": None, "at": None, "replacing": None}
    folder: dict[str, Json] = {"files": {path: base64.b64encode(content).decode() for path, content in sorted(files.items())}}
    folder["base"] = {path: list(seen) for path, seen in sorted(base.items())}
    return _begun(services, procedure, files=stored, left=left, folder=folder, **how, **given)


def read(services: Services, procedure: str, id: str, *, actor: str) -> Publication:
    """Raises NotAllowed for whoever does not manage the procedure, NotFound."""
    with services.database.reading() as connection:
        found = connection.execute(_SHOWN.where(_ROW.id == id, _ROW.procedure == procedure)).one_or_none()
        try:
            rows.must_edit(services, connection, procedure, actor)
        except NotFound:
            if found is None:
                raise
            drafts.must_begin(connection, procedure, actor)  # a folder of a new procedure is all there is of it
    if found is None:
        raise NotFound(what="publication", name=id)
    return _told(found)


def last(connection: sa.Connection, procedure: str) -> Publication | None:
    """The latest one of a procedure while it waits, or where it was refused and nothing became active since."""
    newest = _SHOWN.where(_ROW.procedure == procedure).order_by(_ROW.asked_at.desc(), _ROW.id.desc()).limit(1)
    found = connection.execute(newest).one_or_none()
    active = events.last_activation(connection, procedure)
    if found is None or found.state in ("published", "withdrawn"):
        return None
    if found.state == "refused" and active is not None and active.at > found.asked_at:
        return None
    return _told(found)


_ROW = ProcedurePublication
_SHOWN = sa.select(_ROW.__table__, Person.name.label("who")).outerjoin(Person, Person.id == _ROW.asked_by)


def _told(row: Any) -> Publication:
    same = {name: getattr(row, name) for name in Publication.__dataclass_fields__ if name in row._mapping}
    refusal = row.refusal
    more: dict[str, Any] = {name: refusal[name] for name in ("reasons", "code", "failing") if name in refusal}
    return Publication(**same | {"asked_by": row.who or ""}, **more)


# --- waiting


def _waiting(connection: sa.Connection, procedure: str) -> Any:
    return connection.execute(_SHOWN.where(_ROW.procedure == procedure, _ROW.state == "waiting")).one_or_none()


def _same(waiting: Any, asked: Mapping[str, Any]) -> Publication:
    """The one that waits already, for whoever asked for just this before. Raises PublicationWaits."""
    if any(getattr(waiting, name) != said for name, said in asked.items()):
        raise _waits(waiting)
    return _told(waiting)


def _waits(waiting: Any) -> PublicationWaits:
    return PublicationWaits(who=waiting.who or "", when=waiting.asked_at.isoformat(timespec="minutes"))


def _begun(
    services: Services, procedure: str, *, files: Any, left: Sequence[str], actor: str, folder: Json = None, **how: Any
) -> Publication:
    """`folder`: what is deployed, where that is neither the draft nor a version; it lies with the job until the end."""
    of, asked = gate.count(files), {"asked_by": actor, **how}
    with services.database.unit() as unit:
        connection, now = unit.connection, services.clock.now()
        rows.one_at_a_time(connection)
        waiting = _waiting(connection, procedure)
        if waiting is not None:
            job = connection.execute(sa.select(Job.__table__).where(Job.key == _key(waiting.id))).one()
            if folder != _folder(services, job):
                raise _waits(waiting)
            return _same(waiting, asked)
        if how["revision"] is not None:
            publishing.must_be(connection, procedure, how["revision"])
        begun = {"state": "waiting", "played": max(of - len(left), 0), "of": of, "asked_at": now, "refusal": {}}
        id = new_id()
        connection.execute(sa.insert(_ROW).values(id=id, procedure=procedure, **asked, **begun))
        add_job(services, unit, None, KIND, "", "", at=now, attempts=_ATTEMPTS, key=_key(id), payload=folder)
        found = _told(_waiting(connection, procedure))
        unit.commit()
    return found


def withdraw(services: Services, procedure: str, id: str, *, actor: str) -> None:
    """What waits is not published, and its scenarios are played no further. Raises PublicationOver, NotFound, NotAllowed."""
    read(services, procedure, id, actor=actor)
    with services.database.unit() as unit:
        connection, now = unit.connection, services.clock.now()
        row = _ended(connection, id, state="withdrawn", at=now)
        if row is None:
            raise PublicationOver
        events.record(connection, procedure, "withdrawn", at=now, by=actor, facts=_about(row))
        _tell(services, unit, row, "not_published", at=now, by=actor)
        # one that is carried out just now finds out by itself
        dropped = {"state": "dropped", "finished_at": now, "request": None}
        connection.execute(sa.update(Job).where(Job.key == _key(id), Job.state == "waiting").values(dropped))
        unit.commit()


def _ended(connection: sa.Connection, id: str, *, state: str, at: dt.datetime, values: Mapping[str, Any] = {}) -> Any:
    """End one that waits; gives its row, None where it ended before."""
    ended = {"state": state, "ended_at": at, **values}
    which = sa.update(_ROW).where(_ROW.id == id, _ROW.state == "waiting").values(ended)
    return connection.execute(which.returning(*_ROW.__table__.c)).one_or_none()


def _tell(services: Services, unit: Unit, row: Any, kind: str, *, at: dt.datetime, by: str | None = None) -> None:
    """Whoever published it need not wait for its end; `by`: who ended it, if anybody did."""
    telling.tell(services, unit, [telling.Told(kind=kind, persons=[row.asked_by])], at=at, by=by)


def _about(row: Any) -> dict[str, Json]:
    """Of which draft or version it is."""
    said = {"number": row.number} if row.number is not None else {"revision": row.revision}
    return {name: value for name, value in said.items() if value is not None}


def _key(id: str) -> str:
    return f"{KIND}:{id}"


# --- the job


class _Over(Exception):
    """Another worker has the job now, or the publication was withdrawn: nothing is published."""


def carry_out(services: Services, job: Any) -> None:
    """Play what must be played, then publish; what stands against it then is kept and told."""
    with services.database.reading() as connection:
        row = connection.execute(sa.select(_ROW.__table__).where(_ROW.id == _id(job), _ROW.state == "waiting")).one_or_none()
    if row is None:  # its end was written, and only that of the job was not
        return _finished(services, job)
    if not _TURN.acquire(blocking=False):  # another one is played in this process now
        return give_back(services, job, services.clock.now() + _BREATH)
    try:
        _carried_out(services, job, row)
    except _Over:
        _finished(services, job)
    except DatabaseAway:
        raise
    except PartwellError as error:
        _refused(services, job, error)
    finally:
        _TURN.release()


def failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """It could not even be tried, as often as it may be."""
    _refused(services, job, error)


def _finished(services: Services, job: Any) -> None:
    with services.database.unit() as unit:
        if holds(unit, job):
            _finish(unit, job, services.clock.now())
            unit.commit()


def _finish(unit: Unit, job: Any, at: dt.datetime) -> None:
    """Nor are the files of a folder kept with it any longer."""
    unit.write(FINISH, job_id=job.id, new_state="done", at=at)
    unit.connection.execute(sa.update(Job).where(Job.id == job.id).values(request=None))


def _folder(services: Services, job: Any) -> Any:
    """What lies with its job: {files, base}, files in base64; None where it is no folder."""
    return services.keyring.unseal_json(job.request, request_purpose(job.id)) if job.request is not None else None


def _carried_out(services: Services, job: Any, row: Any) -> None:
    def told(played: int, of: int) -> None:
        with services.database.unit() as unit:
            waits = sa.update(_ROW).where(_ROW.id == row.id, _ROW.state == "waiting")
            if not unit.connection.execute(waits.values(played=played, of=of)).rowcount:
                raise _Over
            unit.commit()

    at = row.at if row.at is not None and row.at > services.clock.now() else None

    def also(unit: Unit, number: int) -> None:
        now = services.clock.now()
        if not holds(unit, job) or _ended(unit.connection, row.id, state="published", at=now, values={"number": number, "at": at}) is None:
            raise _Over
        _finish(unit, job, now)
        _tell(services, unit, row, "published", at=now)

    how: dict[str, Any]
    if row.revision is not None:
        how = {"note": row.note, "replacing": row.replacing, "override": row.override, "told": told, "also": also}
        publishing.publish(services, row.procedure, revision=row.revision, actor=row.asked_by, at=at, **how)
        return
    if row.number is not None:
        number, new = (
            row.number,
            versions.activate(services, row.procedure, row.number, by=row.asked_by, note=row.note, told=told, also=also),
        )
    else:
        folder = _folder(services, job)
        files = {path: base64.b64decode(content) for path, content in folder["files"].items()}
        how = {"base": folder["base"], "actor": row.asked_by, "note": row.note, "override": row.override, "told": told, "also": also}
        done = exchange.deploy(services, row.procedure, files, **how)
        number, new = done.number, done.new
    if not new:  # it was the active one already
        with services.database.unit() as unit:
            also(unit, number)
            unit.commit()


def _refused(services: Services, job: Any, error: PartwellError) -> None:
    refusal: dict[str, Any] = {"code": error.code, "reasons": refusals.kept(refusals.reasons(error))}
    if isinstance(error, ScenariosFailed):
        refusal["failing"] = error.names
    with services.database.unit() as unit:
        if not holds(unit, job):
            return
        now = services.clock.now()
        _finish(unit, job, now)
        row = _ended(unit.connection, _id(job), state="refused", at=now, values={"refusal": refusal})
        if row is not None:
            facts = {"reasons": refusal["reasons"], **_about(row)}
            events.record(unit.connection, row.procedure, "not published", at=now, by=row.asked_by, facts=facts)
            _tell(services, unit, row, "not_published", at=now)
        unit.commit()


def _id(job: Any) -> str:
    return str(job.key.removeprefix(f"{KIND}:"))
