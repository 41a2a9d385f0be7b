"""Files become a version of a procedure, and one of its versions the one on which new cases start."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .bpmn import convert
from .bpmn.program import Program
from .chains import shipped
from .chains import versions as chain_versions
from .checks import faults
from .errors import NotDeployable
from .models import ProcedureFile, ProcedureVersion, VersionEvent, new_id
from .procedures import digest_of

if TYPE_CHECKING:
    from .services import Services


def one_at_a_time(connection: sa.Connection) -> None:
    """Nobody else deploys or activates until the transaction ends: several machines deploy at their start.

    SQLite lets one write at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE procedure_versions IN SHARE ROW EXCLUSIVE MODE"))


def deploy(
    services: Services, files: Mapping[str, bytes], *, procedure: str, by: str | None = None, note: str = ""
) -> tuple[ProcedureVersion, bool]:
    """Store the files as the next version of `procedure` and make it the active one; `note`: what is new in it.

    Diagrams from elsewhere are converted, and kept as they came under `original/`. Gives the version and whether it is new: the same
    files again change nothing. Chains that come along are published where there is none of their key yet. Raises NotDeployable with
    the findings.
    """
    now = services.clock.now()
    files = deployable(services, files, procedure=procedure)
    with services.database.unit() as unit:
        connection = unit.connection
        one_at_a_time(connection)
        last = latest(connection, procedure)
        if last is not None and last.digest == digest_of(files) and last.active:
            return ProcedureVersion(**last._mapping), False
        version = store(connection, files, procedure=procedure, by=by, note=note, now=now)
        make_active(connection, procedure, version["id"], files, by=by, now=now)
        unit.commit()
    return ProcedureVersion(**version | {"active": True}), True


def deployable(services: Services, files: Mapping[str, bytes], *, procedure: str) -> dict[str, bytes]:
    """The files as they are stored: converted where they come from elsewhere, with those they came from. Raises NotDeployable."""
    if errors := faults(services, files):
        raise NotDeployable(errors, path=procedure, count=len(errors))
    conversion = convert.convert(files)
    return {**conversion.files, **{convert.original(path): content for path, content in conversion.originals.items()}}


def is_active(services: Services, files: Mapping[str, bytes], *, procedure: str) -> bool:
    """Whether just these files, as `deployable` gave them, are the active version already."""
    with services.database.reading() as connection:
        last = latest(connection, procedure)
    return last is not None and bool(last.active) and last.digest == digest_of(files)


def latest(connection: sa.Connection, procedure: str) -> sa.Row[Any] | None:
    """The version with the highest number."""
    newest = sa.select(ProcedureVersion.__table__).where(ProcedureVersion.procedure == procedure)
    return connection.execute(newest.order_by(ProcedureVersion.number.desc()).limit(1)).one_or_none()


def store(
    connection: sa.Connection,
    files: Mapping[str, bytes],
    *,
    procedure: str,
    by: str | None,
    note: str,
    now: dt.datetime,
    act: str = "deployed",
    **scheduled: Any,
) -> dict[str, Any]:
    """Keep the files as the next version, which is not active yet; whoever calls has the lock. `scheduled`: columns that say when it is."""
    program = Program(files, version="new")
    last = latest(connection, procedure)
    version = {
        "id": new_id(),
        "procedure": procedure,
        "number": last.number + 1 if last else 1,
        "digest": digest_of(files),
        "name": program.name,
        "name_en": program.name_en,
        "active": False,
        "suspended": False,
        "deployed_at": now,
        "deployed_by": by,
        **scheduled,
    }
    connection.execute(sa.insert(ProcedureVersion), version)
    connection.execute(
        sa.insert(ProcedureFile),
        [
            {"version_id": version["id"], "path": path, "content": content, "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in files.items()
        ],
    )
    connection.execute(sa.insert(VersionEvent).values(id=new_id(), version_id=version["id"], act=act, at=now, by=by, note=note))
    return version


def make_active(
    connection: sa.Connection, procedure: str, version_id: str, files: Mapping[str, bytes], *, by: str | None, now: dt.datetime
) -> None:
    """New cases start on this version from now on. Chains of its files are published where there is none of their key yet."""
    of_procedure = sa.update(ProcedureVersion).where(ProcedureVersion.procedure == procedure)
    connection.execute(of_procedure.where(ProcedureVersion.id != version_id).values(active=False))
    connection.execute(of_procedure.where(ProcedureVersion.id == version_id).values(active=True, scheduled_at=None))
    keys = chain_versions.keys(connection)
    for key, chain in shipped.chains(files).items():
        if key not in keys:
            chain_versions.publish(connection, key=key, **chain, by=by, now=now)
