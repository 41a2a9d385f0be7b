"""Versions of procedures, for those who manage them."""

from __future__ import annotations

from typing import Any

from engine import versions

from ..accounts import me, services
from .exchange import api, body, field, number, plain


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
