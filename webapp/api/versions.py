"""Versions of procedures, for those who manage them."""

from __future__ import annotations

from typing import Any

from engine import migration, versions

from ..accounts import me, services
from .exchange import RequestInvalid, api, body, field, number, plain, request_id


def _managed(procedure: str) -> None:
    """Raises NotFound, NotAllowed unless the caller manages the procedure."""
    found = versions.numbered(services(), procedure, None)
    with services().database.reading() as connection:
        versions.must_manage(connection, found, me().id)


@api.get("/procedures/<procedure>/versions")
def version_list(procedure: str) -> Any:
    _managed(procedure)
    return {"versions": plain(versions.versions(services(), procedure))}


@api.get("/procedures/<procedure>/versions/<int:version>/changes")
def changes(procedure: str, version: int) -> Any:
    """`since`: the number of the version it is compared with → {changes: [{file, what, how, id, name, settings}]}"""
    _managed(procedure)
    return {"changes": plain(versions.difference(services(), procedure, number("since", 1, 1_000_000), version))}


@api.post("/procedures/<procedure>/versions/<int:version>/activate")
def activate(procedure: str, version: int) -> Any:
    """{note}"""
    new = versions.activate(services(), procedure, version, by=me().id, note=field(body(), "note", str))
    return {"version": version, "new": new}


@api.post("/procedures/<procedure>/versions/<int:version>/<any(suspend, resume):verb>")
def hold_version(procedure: str, version: int, verb: str) -> Any:
    """{note}: nothing of the version's cases moves until it is resumed, and none starts"""
    act = versions.suspend if verb == "suspend" else versions.resume
    act(services(), procedure, version, by=me().id, note=field(body(), "note", str))
    return "", 204


@api.post("/procedures/<procedure>/roll-back")
def roll_back(procedure: str) -> Any:
    """{note} → {version}: the number that is active again"""
    return {"version": versions.roll_back(services(), procedure, by=me().id, note=field(body(), "note", str))}


@api.post("/procedures/<procedure>/versions/<int:version>/cases")
def migrate(procedure: str, version: int) -> Any:
    """{dry_run?, note, since?, numbers?, mapping?, limit?} → {cases}: those that moved (or would) to the version, and why others cannot

    `since`: number of the version they are on; `numbers`: only these cases; `mapping`: {old element: new element}.
    """
    sent = body()
    dry, mapping, numbers = sent.get("dry_run") is True, field(sent, "mapping", dict, {}), _texts(sent)
    if not all(isinstance(text, str) for text in mapping.values()):
        raise RequestInvalid(reason="“mapping” holds texts", field="mapping")
    which = {"actor": me().id, "since": _whole(sent, "since"), "numbers": numbers, "mapping": mapping}
    if dry:
        return {"cases": plain(migration.candidates(services(), procedure, version, **which))}
    note, limit = field(sent, "note", str), _whole(sent, "limit")
    found = migration.migrate(services(), procedure, version, reason=note, request_id=request_id(), limit=limit, **which)
    return {"cases": plain(found)}


@api.post("/procedures/<procedure>/cases/undo-migration")
def undo_migration(procedure: str) -> Any:
    """{note, numbers?} → {cases}: back to the version that each came from, if nothing has moved it since"""
    sent = body()
    which = {"actor": me().id, "reason": field(sent, "note", str), "numbers": _texts(sent)}
    return {"cases": plain(migration.undo(services(), procedure, request_id=request_id(), **which))}


def _texts(sent: dict[str, Any]) -> list[str]:
    """The case numbers. Raises RequestInvalid."""
    numbers: list[str] = field(sent, "numbers", list, [])
    if not all(isinstance(text, str) and text.isprintable() for text in numbers):
        raise RequestInvalid(reason="“numbers” holds texts", field="numbers")
    return numbers


def _whole(sent: dict[str, Any], name: str) -> int | None:
    value = sent.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000):
        raise RequestInvalid(reason=f"“{name}” must be a whole number from 1 to 1000000", field=name)
    return value
