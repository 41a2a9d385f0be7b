"""Sealing a closed case into one signed file, handing it out, and the row that says where it lies."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from . import access, asking, bundle, documents, endings, ledger, snapshots, timeline
from .bpmn import render
from .db import Statement
from .errors import CaseNotRunning, Conflict, NotAllowed, NotFound, SealBroken
from .fields import Keyring
from .models import Case, Chain, Department, Job, JobAttempt, Person, ProcedureVersion, SealedFile, Snapshot, WorkItem
from .people import directory
from .ports import File, Json
from .rules import rules_of
from .turn import state_purpose
from .witness import witness

if TYPE_CHECKING:
    from .procedures import Deployed
    from .services import Services

#: makes the readable report: facts of the case (what `_Collected.facts` gives) and the diagram as SVG → PDF bytes
Report = Callable[[Mapping[str, Json], str], bytes]

#: entries that change nothing about a case: what of it was sealed, and who read it
_READ = frozenset((ledger.Event.BUNDLE_SEALED, ledger.Event.BUNDLE_EXPORTED, ledger.Event.DOCUMENT_READ, ledger.Event.SNAPSHOT_READ))
_README = Path(__file__).with_name("bundle-readme.txt")
_CHAINS, _PROCEDURE, _FORMER = "originals/chains/", "originals/procedure/", "originals/former-procedure/"
_ENDINGS = {"application/json": ".json", "text/csv": ".csv", "text/html": ".html", "application/xml": ".xml", "text/xml": ".xml"}
_INSERT = Statement(sa.insert(SealedFile))
_REPLACE = Statement(
    sa.update(SealedFile)
    .where(SealedFile.case_id == sa.bindparam("case_id"))
    .values({name: sa.bindparam(name) for name in ("path", "sha256", "size", "sealed_at")})
)


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """Where the sealed file of a case lies."""

    case_id: str
    #: below the home folder
    path: str
    sha256: str
    #: bytes
    size: int
    sealed_at: dt.datetime


def find(connection: sa.Connection, case_id: str) -> Sealed | None:
    """The sealed file of a case, if it has one yet."""
    row = connection.execute(sa.select(SealedFile.__table__).where(SealedFile.case_id == case_id)).one_or_none()
    return Sealed(**row._mapping) if row else None


def seal(services: Services, case_id: str, *, report: Report) -> Sealed:
    """Write the signed file of a closed case under `sealed/` of the home folder, once; called again it gives what is there.

    A case that was opened again and closed, is void, or was told of a late answer gets another file; the one before stays where it
    is, and in the ledger.
    The file holds the ledger up to the moment of sealing. That it was sealed becomes the chain's next entry. Raises
    NotFound, CaseNotRunning while the case is not closed, SealBroken where ledger or originals were tampered with.
    """
    with services.database.reading() as connection:
        before = find(connection, case_id)
        if before and not _told_since(services, connection, case_id):
            return before
        collected = _Collected(services, connection, case_id)
        content = bundle.seal(*collected.members(report), services.keyring.signer)
    path = f"sealed/{collected.case.number}{f'-{collected.case.entries}' if before else ''}.zip"
    _write(services.settings.home / path, content)
    row = Sealed(case_id=case_id, path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content), sealed_at=collected.sealed_at)
    facts = {"file": path, "sha256": row.sha256, "size": row.size, "entries": collected.case.entries}
    with services.database.unit() as unit:
        witness(unit, case_id, ledger.Event.BUNDLE_SEALED, at=row.sealed_at, actor=None, **facts)
        unit.write(_REPLACE if before else _INSERT, **asdict(row))
        try:
            unit.commit()
            return row
        except Conflict:
            pass
    return seal(services, case_id, report=report)  # somebody else sealed it meanwhile


def _told_since(services: Services, connection: sa.Connection, case_id: str) -> bool:
    """Whether the case is closed and its ledger tells more than what was sealed last and who read it."""
    if connection.execute(sa.select(Case.status).where(Case.id == case_id)).scalar_one_or_none() != "closed":
        return False
    entries = ledger.history(connection, services.keyring, case_id)
    last = max((entry.payload.get("entries", entry.number) for entry in entries if entry.event == ledger.Event.BUNDLE_SEALED), default=0)
    return any(entry.number > last and entry.event not in _READ for entry in entries)


def export(services: Services, case_id: str, *, actor: str) -> File:
    """The sealed file, handed out to `actor`; the ledger says so. For who may read the whole case.

    Raises NotFound where there is none, NotAllowed, SealBroken where the file on disk is no longer the one that was sealed.
    """
    with services.database.unit() as unit:
        case = access.case_row(unit.connection, case_id)
        rules = rules_of(services.programs.get(case.version_id).files)
        if not access.sight(unit.connection, case, rules, actor).whole:
            raise NotAllowed(reason="the sealed file is not open to you")
        sealed = find(unit.connection, case_id)
        path = services.settings.home / sealed.path if sealed else None
        if sealed is None or path is None or not path.exists():
            raise NotFound(what="sealed file of case", name=case.number)
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sealed.sha256:
            raise SealBroken(purpose=sealed.path)
        facts = {"file": sealed.path, "sha256": sealed.sha256}
        witness(unit, case_id, ledger.Event.BUNDLE_EXPORTED, at=services.clock.now(), actor=actor, element=None, **facts)
        unit.commit()
    return File(kind="bundle", name=path.name, media_type="application/zip", content=content)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by nobody else."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


class _Collected:
    """Everything that is known about a closed case, read in one go."""

    def __init__(self, services: Services, connection: sa.Connection, case_id: str) -> None:
        self._connection = connection
        self._services = services
        self._keyring: Keyring = services.keyring
        self._settings = services.settings
        self.sealed_at = services.clock.now()
        self.case: Any = connection.execute(sa.select(Case.__table__).where(Case.id == case_id)).one_or_none()
        if self.case is None:
            raise NotFound(what="case", name=case_id)
        if self.case.status != "closed":
            raise CaseNotRunning(case=self.case.number, state=self.case.status)
        self._deployed: Deployed = services.programs.get(self.case.version_id)
        #: with those that it came from
        self._versions = timeline.versions_of(services, connection, self.case)
        self._version = self._only(ProcedureVersion, self.case.version_id)
        self._entries = ledger.history(connection, services.keyring, case_id)[: self.case.entries]
        if ledger.faults(self._entries, head=self.case.head, count=self.case.entries):
            raise SealBroken(purpose=f"ledger of case {self.case.number}")
        self._people = self._read_people()
        self._files: dict[str, bytes] = {}
        self._about: dict[str, dict[str, Json]] = {}

    def members(self, report: Report) -> tuple[dict[str, bytes], dict[str, Json], dict[str, dict[str, Json]]]:
        """Files by path, facts for the manifest, and what is to be said about single files."""
        facts = self.facts()
        self._add_procedure()
        self._files |= {
            "README.txt": _README.read_bytes(),
            bundle.LEDGER: bundle.readable({"case": self.case.id, "entries": bundle.chain_of(self._entries)}),
            bundle.TIMELINE: bundle.readable({name: facts[name] for name in ("case", "subject", "initiator", "events")}),
            "calls.json": bundle.readable(facts["calls"]),
            "variables.json": bundle.readable(facts["variables"]),
            bundle.REPORT: report(facts, self._diagram()),
        }
        manifest = {name: facts[name] for name in ("case", "sealed_at", "ledger", "product")} | {
            "digest": "SHA-256",
            "timestamp": None,  # none by an independent third party; the README says what follows from it
        }
        return self._files, manifest, self._about

    def facts(self) -> dict[str, Json]:
        """The case as JSON: times in ISO form, UTC; elements and lanes by their names."""
        case, void = self.case, endings.voided(self._services, self._connection, self.case)
        return {
            "case": {
                "id": case.id,
                "number": case.number,
                "title": case.title,
                "procedure": case.procedure,
                "procedure_name": self._version.name,
                "version": self._version.number,
                "version_digest": self._version.digest,
                "outcome": case.outcome,
                "started_at": _iso(case.started_at),
                "closed_at": _iso(case.closed_at),
                "void": void and {**asdict(void), "at": _iso(void.at)},
            },
            "subject": self._people.get(case.subject_id),
            "initiator": self._people.get(case.initiator_id),
            "company": self._settings.company,
            "zone": self._settings.zone,
            "product": f"Partwell {version('partwell')}",
            "sealed_at": _iso(self.sealed_at),
            "events": [self._event(entry) for entry in self._entries],
            "calls": self._calls(),
            "documents": [self._add_document(number, row) for number, row in enumerate(documents.rows(self._connection, case.id), 1)],
            "snapshots": [self._add_snapshot(number, row) for number, row in enumerate(self._rows(Snapshot, Snapshot.received_at), 1)],
            "variables": self._variables(),
            "forms": self._forms(),
            "ledger": {"entries": case.entries, "head": case.head},
            "key": bundle.fingerprint(self._keyring.signer.public_key()),
        }

    # --- people and steps

    def _read_people(self) -> dict[str, dict[str, Json]]:
        ids = {self.case.subject_id, self.case.initiator_id, *(entry.actor for entry in self._entries if entry.actor)}
        on = directory.day(self.sealed_at)
        rows = self._connection.execute(
            sa.select(Person.id, Person.name, Person.employee_no, *directory.title(on), Department.name.label("department"))
            .select_from(directory.standing(on))
            .where(Person.id.in_(ids))
        )
        return {row.id: {name: getattr(row, name) for name in ("id", "name", "employee_no", "post", "department")} for row in rows}

    def _element(self, element: str | None) -> dict[str, Json] | None:
        if known := timeline.element_of(self._versions, element):
            _, found = known
            return {"id": element, "name": found.title, "name_en": found.name_en, "lane": found.lane}
        return {"id": element} if element else None

    def _forms(self) -> dict[str, Json]:
        """The forms by the elements that use them; those of this version before those of the ones that it came from."""
        found: dict[str, Json] = {}
        for deployed in reversed(self._versions):
            elements, forms = deployed.program.elements.values(), deployed.forms
            found |= {element.id: forms[element.form] for element in elements if element.form and element.form in forms}
        return found

    def _event(self, entry: ledger.Entry) -> dict[str, Json]:
        actor = self._people.get(entry.actor, {"id": entry.actor}) if entry.actor else None
        return {
            "number": entry.number,
            "at": entry.fields["at"],
            "event": entry.event,
            "actor": actor,
            "element": self._element(entry.element),
            "payload": {name: value for name, value in entry.payload.items() if name != "salt"},
            "digest": entry.digest,
        }

    def _calls(self) -> list[Json]:
        attempts: dict[str, list[Json]] = {}
        for row in self._rows(JobAttempt, JobAttempt.number):
            times = {"started_at": _iso(row.started_at), "ended_at": _iso(row.ended_at)}
            attempts.setdefault(row.job_id, []).append({"number": row.number, "result": row.result, "reason": row.reason, **times})
        return [
            {
                "id": job.id,
                "operation": job.operation,
                "element": self._element(job.element),
                "key": job.key,
                "state": job.state,
                "created_at": _iso(job.created_at),
                "finished_at": _iso(job.finished_at),
                "attempts": attempts.get(job.id, []),
            }
            for job in self._rows(Job, Job.created_at)
            if job.kind in asking.CALLS
        ]

    def _variables(self) -> dict[str, Json]:
        state = self._keyring.unseal(self.case.state, state_purpose(self.case.id))
        return dict(self._deployed.program.restore(state).variables())

    def _diagram(self) -> str:
        """The picture of the process that ran, with what was passed marked."""
        xml = next(content for path, content in sorted(self._deployed.files.items()) if path.endswith(".bpmn"))
        done = {entry.element for entry in self._entries if entry.element}
        return str(render.svg(xml, lit=set(), done=done, locale="zh-CN"))

    # --- originals

    def _add_document(self, number: int, row: documents.DocumentRow) -> dict[str, Json]:
        path = f"{bundle.DOCUMENTS}{number:03}-{documents.safe_name(row.name)}"
        self._files[path] = documents.content(self._connection, self._keyring, row)
        told = {name: getattr(row, name) for name in ("id", "kind", "name", "media_type", "created_by")}
        told |= {"sign_off": row.sign_off_id} if row.sign_off_id else {}
        self._about[path] = {**told, "element": row.element, "created_at": _iso(row.created_at)}
        by = self._people.get(row.created_by or "", {}).get("name")
        element = self._element(row.element)
        return {**self._about[path], "path": path, "size": row.size, "sha256": row.sha256, "created_by": by, "element": element}

    def _add_snapshot(self, number: int, row: Any) -> dict[str, Json]:
        content = self._keyring.unseal(row.content, snapshots.purpose(row.id, "content"))
        request = self._keyring.unseal(row.request, snapshots.purpose(row.id, "request"))
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise SealBroken(purpose=snapshots.purpose(row.id, "content"))
        stem = f"{bundle.SNAPSHOTS}{number:03}-{documents.safe_name(row.operation)}-{row.kind}"
        path = stem + _ENDINGS.get(row.media_type.partition(";")[0], ".txt")
        self._files |= {path: content, f"{stem}-request.json": request}
        told = {name: getattr(row, name) for name in ("id", "system", "operation", "kind", "media_type", "status")}
        self._about[path] = {**told, "element": row.element, "received_at": _iso(row.received_at)}
        self._about[f"{stem}-request.json"] = {"request_of": row.id}
        return {**self._about[path], "path": path, "size": len(content), "sha256": row.sha256, "element": self._element(row.element)}

    def _add_procedure(self) -> None:
        for former in self._versions[1:]:
            for path, content in former.files.items():
                self._files[f"{_FORMER}{former.number}/{PurePosixPath(path)}"] = content
        for path, content in self._deployed.files.items():
            self._files[_PROCEDURE + str(PurePosixPath(path))] = content
        used = sa.select(WorkItem.chain_id).where(WorkItem.case_id == self.case.id, WorkItem.chain_id.is_not(None))
        for chain in self._connection.execute(sa.select(Chain.__table__).where(Chain.id.in_(used))):
            told = {name: getattr(chain, name) for name in ("id", "key", "number", "name", "name_en", "steps", "published_by")}
            content = bundle.readable(told | {"published_at": _iso(chain.published_at)})
            self._files[f"{_CHAINS}{documents.safe_name(chain.key)}-{chain.number}.json"] = content

    # --- reading rows

    def _rows(self, model: Any, order: Any) -> Iterable[Any]:
        return self._connection.execute(sa.select(model.__table__).where(model.case_id == self.case.id).order_by(order))

    def _only(self, model: Any, row_id: str) -> Any:
        return self._connection.execute(sa.select(model.__table__).where(model.id == row_id)).one()


def _iso(at: dt.datetime | None) -> str | None:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds") if at else None
