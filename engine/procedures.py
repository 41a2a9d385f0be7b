"""Procedures and their versions: gather, check, deploy, look up.

A version is a set of files that never changes. Forms a diagram refers to are copied into it, so that a running case keeps
its forms, tables and letters whatever is deployed later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import json_text, rules
from .bpmn import convert, lint
from .bpmn.findings import with_lines
from .bpmn.folder import needed, refused_parts
from .bpmn.model import Element
from .bpmn.order import RULES, missing_before
from .bpmn.program import Program
from .calendar import Calendars
from .chains import shipped
from .chains import versions as chain_versions
from .chains.company import Company
from .chains.steps import timed
from .db import Database, Statement
from .descriptions import Description, described
from .errors import FileRefused, NotDeployable, NotFound
from .models import Case, ProcedureFile, ProcedureVersion, VersionEvent, new_id
from .ports import Forms, Json

if TYPE_CHECKING:
    from .services import Services

#: file names that make up a procedure
KINDS = (".bpmn", ".dmn", ".form", ".typ", ".txt", ".json", ".svg", ".yaml")
#: bytes of one of them
LARGEST = 2 * 1024 * 1024


@dataclass(frozen=True)
class Deployed:
    """One version, ready to run."""

    id: str
    procedure: str
    number: int
    program: Program
    files: Mapping[str, bytes]
    forms: Mapping[str, Mapping[str, Json]]


class Programs:
    """Versions that were read and built already; safe to share between threads."""

    def __init__(self, database: Database, *, capacity: int = 64, calendars: Calendars | None = None) -> None:
        self._database = database
        self._calendars = calendars
        self._capacity = capacity
        self._known: OrderedDict[str, Deployed] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version_id: str) -> Deployed:
        """Raises NotFound."""
        with self._lock:
            if found := self._known.get(version_id):
                self._known.move_to_end(version_id)
                return found
        built = self._build(version_id)
        with self._lock:
            self._known[version_id] = built
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return built

    def program(self, version_id: str) -> Program:
        """Raises NotFound."""
        return self.get(version_id).program

    def latest(self, process: str) -> str | None:
        """Id of the active version, of whatever procedure, that holds an executable process of this id."""
        with self._database.reading() as connection:
            active = connection.execute(
                sa.select(ProcedureVersion.id).where(ProcedureVersion.active).order_by(ProcedureVersion.procedure)
            ).scalars()
            ids = list(active)
        return next((id for id in ids if process in self.get(id).program.processes), None)

    def form(self, deployed: Deployed, element: Element) -> Mapping[str, Json] | None:
        """The form of an element of the case's process or of a called one: that of the version the element belongs to."""
        owner = deployed.program.owner(element.id)
        forms = deployed.forms if owner is deployed.program else self.get(owner.version).forms
        return forms.get(element.form or "")

    def _build(self, version_id: str) -> Deployed:
        with self._database.reading() as connection:
            version = connection.execute(sa.select(ProcedureVersion.__table__).where(ProcedureVersion.id == version_id)).one_or_none()
            if version is None:
                raise NotFound(what="procedure version", name=version_id)
            rows = connection.execute(sa.select(ProcedureFile.path, ProcedureFile.content).where(ProcedureFile.version_id == version_id))
            files = {row.path: row.content for row in rows}
        program = Program(files, version=version_id, calendars=self._calendars, others=self)
        return Deployed(version_id, version.procedure, version.number, program, files, _schemas(files))


def files_of_case(database: Database, programs: Programs, number: str) -> Mapping[str, bytes]:
    """The files of the version on which a case runs. Raises NotFound."""
    with database.reading() as connection:
        version = connection.execute(sa.select(Case.version_id).where(Case.number == number)).scalar_one_or_none()
    if version is None:
        raise NotFound(what="case", name=number)
    return programs.get(version).files


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder that belong to a procedure, by relative path. Raises FileRefused for one that is too large."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        aside = any(part.startswith(".") for part in name.parts) or name.parts[0] == convert.ORIGINALS
        if path.is_file() and (path.suffix in KINDS or path.name.endswith(convert.ENDINGS)) and not aside:
            if path.stat().st_size > LARGEST:
                raise FileRefused(file=path, reason="it is larger than 2 MB")
            files[convert.plain(name.as_posix())] = path.read_bytes()
    return files


def gather(source: Path, forms: Path | None = None) -> dict[str, bytes]:
    """The files of a procedure by relative path: those of a folder, or one diagram with what lies beside it and what it calls.

    Other names of diagrams (`.bpmn20.xml`) become `.bpmn`; originals of converted files are left out. Forms that the
    diagrams name are taken from `forms` where the folder has none of its own. Raises FileRefused for a file
    that is too large, NotFound for a folder without a diagram.
    """
    folder = source.parent if source.is_file() else source
    files = contents(folder)
    if source.is_file():
        files = needed(files, convert.plain(source.name))
    if not any(name.endswith(".bpmn") for name in files):
        raise NotFound(what="diagram (*.bpmn) in the folder", name=folder)
    if forms is not None:
        for form in lint.forms_named(files):
            path = forms / f"{form}.form"
            if f"forms/{form}.form" not in files and path.is_file():
                files[f"forms/{form}.form"] = path.read_bytes()
    return files


def check(
    files: Mapping[str, bytes],
    forms: Forms,
    *,
    operations: Collection[str] | None,
    told: Mapping[str, Description] = {},
    chain_keys: Collection[str] | None,
    calendars: Calendars | None = None,
    company: Company | None = None,
    published: Mapping[str, bool] | None = None,
    apart: bool = False,
) -> dict[str, list[lint.Finding]]:
    """Findings of each diagram, table, form, rule file and chain; files without an error finding deploy, and a case of them starts.

    Diagrams from elsewhere are converted first; what that changed is among the findings. `operations`, `chain_keys`, `calendars`
    and `company`: what exists, or None where that is not known. `told`: as in `lint.check`. `published`: keys of chains for which the
    file's are not taken, each with whether all of its steps have a limit. `apart`: as in `lint.check`.
    """
    conversion = convert.convert(files)
    came, files = files, conversion.files
    schemas: dict[str, Json] = {}
    broken: dict[str, list[lint.Finding]] = {}
    for path, content in files.items():
        if path.endswith(".form"):
            try:
                schemas[Path(path).stem] = json_text.read(content)
            except ValueError as error:
                broken[path] = [lint.finding(lint.Code.NOT_JSON, None, reason=str(error))]
            else:
                faults = [
                    lint.finding(lint.Code.BAD_FORM, None, form=Path(path).stem, reason=fault)
                    for fault in forms.problems(schemas[Path(path).stem])
                ]
                broken.update({path: faults} if faults else {})
    for path, faulty in ((RULES, rules.faults), (shipped.CHAINS, shipped.faults)):
        if path in files and (said := faulty(files[path])):
            broken[path] = [lint.finding(lint.Code.NOT_JSON, None, reason=fault) for fault in said]
    usable = {form: schema for form, schema in schemas.items() if isinstance(schema, dict)}
    aside = shipped.findings(files, forms, usable, operations=operations, company=company, but=published or ())
    if aside:
        broken.setdefault(shipped.CHAINS, []).extend(aside)
    found = lint.check(
        files,
        forms=usable if usable or operations is not None else None,
        operations=operations,
        told=told,
        chains=chain_keys,
        timed={key: timed(chain["steps"]) for key, chain in shipped.chains(files).items()} | dict(published or {}),
        people=company,
        calendars=calendars,
        advice=True,
        apart=apart,
    )
    for path, findings in _out_of_order(files).items() if RULES not in broken else ():
        found.setdefault(path, []).extend(findings)
    found = {**found, **broken}
    for path, findings in conversion.findings.items():
        if path.endswith(".dmn") and any(one.code == lint.Code.NOT_TRANSLATED for one in findings):
            found.pop(path, None)  # it cannot be read for that reason
    every = dict.fromkeys([*found, *conversion.findings])
    found = {path: [*conversion.findings.get(path, ()), *found.get(path, ())] for path in every}
    for path, findings in refused_parts(files, found).items():
        found[path] += findings
    return {path: with_lines(findings, came.get(path)) for path, findings in found.items()}


def _out_of_order(files: Mapping[str, bytes]) -> dict[str, list[lint.Finding]]:
    """What the rules about the order of steps forbid; nothing as long as a diagram cannot be read, which is said anyway."""
    try:
        return missing_before(files)
    except FileRefused:
        return {}


def findings(services: Services, files: Mapping[str, bytes]) -> dict[str, list[lint.Finding]]:
    """What there is to say about the files in this installation, by path, as `check` says it of files that are deployed together."""
    with services.database.reading() as connection:
        published = chain_versions.timed(connection, services.clock.now())
        found = check(
            files,
            services.forms,
            operations=described(services.operations),
            chain_keys=published.keys() | shipped.chains(files).keys(),
            calendars=services.calendars,
            company=Company(connection, services.clock.now()),
            published=published,
        )
    # in a folder of loose diagrams it does no harm
    wrong = lint.Code.SEVERAL_PROCESSES
    return {path: [replace(one, severity="error") if one.code == wrong else one for one in said] for path, said in found.items()}


def faults(services: Services, files: Mapping[str, bytes]) -> list[lint.Finding]:
    """What keeps the files from being deployed in this installation."""
    return [finding for found in findings(services, files).values() for finding in found if finding.severity == "error"]


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


@dataclass(frozen=True, kw_only=True)
class Startable:
    """A procedure of which a case can be started now."""

    procedure: str
    version_id: str
    number: int
    name: str
    name_en: str
    #: form-js schema of the start event, or None
    form: Mapping[str, Json] | None


def startable(services: Services) -> list[Startable]:
    """The active version of each procedure."""
    with services.database.reading() as connection:
        rows = connection.execute(
            sa.select(ProcedureVersion.__table__).where(ProcedureVersion.active).order_by(ProcedureVersion.procedure)
        ).all()
    found = []
    for row in rows:
        deployed = services.programs.get(row.id)
        form = deployed.forms.get(deployed.program.start_form or "")
        found.append(
            Startable(procedure=row.procedure, version_id=row.id, number=row.number, name=row.name, name_en=row.name_en, form=form)
        )
    return found


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in order of names."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{hashlib.sha256(files[path]).hexdigest()}\n".encode())
    return whole.hexdigest()


def _schemas(files: Mapping[str, bytes]) -> dict[str, Mapping[str, Json]]:
    return {Path(path).stem: _json(content, path) for path, content in files.items() if path.endswith(".form")}


def _json(content: bytes, path: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise FileRefused(file=path, reason=f"it is not JSON ({error})") from error


#: the version on which new cases start
ACTIVE = Statement(
    sa.select(ProcedureVersion.id, ProcedureVersion.suspended).where(
        ProcedureVersion.procedure == sa.bindparam("procedure"), ProcedureVersion.active
    )
)
