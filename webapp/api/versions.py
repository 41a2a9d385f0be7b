"""Versions of procedures, for those who manage them."""

from __future__ import annotations

from typing import Any

from engine import migration, versions
from engine.bpmn.differences import Change
from engine.studio import publications
from engine.studio.publications import Publication

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, asked, body, declared, plain, request_id
from .publications import ToldPublication, accepted
from .shapes import REASON, Flag, Listed, Object, RequestInvalid, Text, Whole

_NOTE = {"note": REASON}
_NUMBERS = Listed(N_("Only the cases with these numbers"), of=Text(), default=None, example=["2026-0001"])


def _managed(procedure: str) -> None:
    """Raises NotFound, NotAllowed unless the caller manages the procedure."""
    found = versions.numbered(services(), procedure, None)
    with services().database.reading() as connection:
        versions.must_manage(connection, found, me().id)


@api.get("/procedures/<procedure>/versions")
@declared(scope="read:procedures", gives={"versions": [versions.VersionRow]})
def version_list(procedure: str) -> Any:
    """The versions of a procedure with what was done to them, the newest first."""
    _managed(procedure)
    return {"versions": plain(versions.versions(services(), procedure))}


@api.get("/procedures/<procedure>/versions/<int(max=1000000):version>/changes")
@declared(
    scope="read:procedures",
    asks={"since": Whole(N_("Number of the version it is compared with"), default=1)},
    gives={"changes": [Change]},
)
def changes(procedure: str, version: int) -> Any:
    """What changed in a procedure since another version."""
    _managed(procedure)
    return {"changes": plain(versions.difference(services(), procedure, asked()["since"], version))}


@api.post("/procedures/<procedure>/versions/<int(max=1000000):version>/activate")
@declared(
    scope="admin:procedures", takes=_NOTE, gives={"version": int, "new": bool, "publication": ToldPublication | None}, status=(200, 202)
)
def activate(procedure: str, version: int) -> Any:
    """Let new cases start on a version; `new` is false if they did already. 202: scenarios are played first, as when it is published."""
    new = publications.activate(services(), procedure, version, actor=me().id, **body())
    if isinstance(new, Publication):
        return accepted(new, version=version, new=True)
    return {"version": version, "new": new, "publication": None}


@api.post("/procedures/<procedure>/versions/<int(max=1000000):version>/<any(suspend, resume):verb>")
@declared(scope="admin:procedures", takes=_NOTE)
def hold_version(procedure: str, version: int, verb: str) -> Any:
    """Suspend a version: nothing of its cases moves until it is resumed, and none starts. Or resume it."""
    act = versions.suspend if verb == "suspend" else versions.resume
    act(services(), procedure, version, by=me().id, **body())
    return "", 204


@api.post("/procedures/<procedure>/roll-back")
@declared(scope="admin:procedures", takes=_NOTE, gives={"version": int})
def roll_back(procedure: str) -> Any:
    """Activate the version again that was active before; the answer has its number."""
    return {"version": versions.roll_back(services(), procedure, by=me().id, **body())}


@api.post("/procedures/<procedure>/versions/<int(max=1000000):version>/cases")
@declared(
    scope="admin:procedures",
    takes={
        "dry_run": Flag(N_("Only say which cases would move"), default=False),
        "note": Text(N_("Why; needed unless it is a dry run"), default="", example="少一步"),
        "since": Whole(N_("Only cases on the version with this number"), default=None),
        "numbers": _NUMBERS,
        "mapping": Object(N_("Old element to new element, where the id has changed"), of=Text(), default={}),
        "limit": Whole(N_("So many cases at most"), default=None),
    },
    gives={"cases": [migration.Candidate]},
)
def migrate(procedure: str, version: int) -> Any:
    """Move running cases to a version: those that moved, or would, and why others cannot."""
    sent = body()
    dry, note, limit = sent.pop("dry_run"), sent.pop("note"), sent.pop("limit")
    which = {**sent, "numbers": sent["numbers"] or [], "actor": me().id}
    if dry:
        return {"cases": plain(migration.candidates(services(), procedure, version, **which))}
    if not note.strip():
        raise RequestInvalid(reason="“note” is missing", field="note")
    found = migration.migrate(services(), procedure, version, reason=note, request_id=request_id(), limit=limit, **which)
    return {"cases": plain(found)}


@api.post("/procedures/<procedure>/cases/undo-migration")
@declared(scope="admin:procedures", takes={**_NOTE, "numbers": _NUMBERS}, gives={"cases": [migration.Candidate]})
def undo_migration(procedure: str) -> Any:
    """Move cases back to the version that each came from, if nothing has moved them since."""
    sent = body()
    which = {"actor": me().id, "reason": sent["note"], "numbers": sent["numbers"] or []}
    return {"cases": plain(migration.undo(services(), procedure, request_id=request_id(), **which))}
