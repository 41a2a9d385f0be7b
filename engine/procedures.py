"""Procedures and their versions: what files they are made of, and looking one up, ready to run.

A version is a set of files that never changes. Forms a diagram refers to are copied into it, so that a running case keeps
its forms, tables and letters whatever is deployed later.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .bpmn import convert, lint
from .bpmn.folder import needed
from .bpmn.model import Element
from .bpmn.program import Program
from .calendar import Calendars
from .db import Database, Statement
from .errors import FileRefused, NotFound
from .letters import templates
from .models import Case, ProcedureFile, ProcedureVersion
from .ports import Json

if TYPE_CHECKING:
    from .services import Services

#: file names that make up a procedure
KINDS = (".bpmn", ".dmn", ".form", ".html", ".typ", ".txt", ".json", ".svg", ".yaml")
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
        if path.is_file() and (of_kind(name.as_posix()) or path.name.endswith(convert.ENDINGS)) and not aside:
            if path.stat().st_size > LARGEST:
                raise FileRefused(file=path, reason="it is larger than 2 MB")
            files[convert.plain(name.as_posix())] = path.read_bytes()
    return files


def of_kind(path: str) -> bool:
    """Whether a file is of a kind that belongs to a procedure; other HTML than letters, such as what a modeler exports, does not."""
    name = PurePosixPath(path)
    return name.suffix in KINDS and (name.suffix != ".html" or name.parts[0] == templates.FOLDER)


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
