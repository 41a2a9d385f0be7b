"""Substitutes: who signs for somebody absent, and what is open already."""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine import work
from engine.errors import NotAllowed
from engine.people import absences
from engine.work.standing_in import Open

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, asked, body, declared, plain, request_id
from .shapes import Moment, Text

_PERSON = N_("Id of a person; without one the caller")
_NAMED = {"id": str, "absent_id": str, "absent": str, "substitute_id": str, "substitute": str}
_ROW = {**_NAMED, "starts_at": dt.datetime, "ends_at": dt.datetime, "scope": str, "ref": str, "handover": bool, "uses": int}


@api.get("/substitutes")
@declared(
    scope="work",
    asks={"all": Text(N_("1: those of everybody, for administrators"), default="", choices=("", "1"))},
    gives={"substitutes": [_ROW]},
)
def substitute_list() -> Any:
    """Substitutions that hold now or will: those in which the caller is absent or stands in."""
    whose = "" if asked()["all"] else me().id
    if not whose and not me().holds("admin"):
        raise NotAllowed(reason="only administrators see the substitutes of others")
    with services().database.reading() as connection:
        rows = absences.rows(connection, services().clock.now(), person=whose)
    return {"substitutes": [{name: plain(getattr(row, name)) for name in _ROW} for row in rows]}


@api.post("/substitutes")
@declared(
    scope="work",
    takes={
        "absent": Text(_PERSON, default=""),
        "substitute": Text(N_("Id of a person")),
        "starts_at": Moment(example="2026-11-25T09:00:00+08:00"),
        "ends_at": Moment(example="2026-12-02T18:00:00+08:00"),
        "scope": Text(default="all", choices=absences.SCOPES),
        "ref": Text(N_("Key of the procedure or chain"), default=""),
        "note": Text(default=""),
    },
    gives={"id": str},
    status=201,
)
def appoint() -> Any:
    """Name who signs for the caller, or as an administrator for somebody else."""
    sent = body()
    return {"id": absences.appoint(services(), **{**sent, "absent": sent["absent"] or me().id}, by=me().id)}, 201


@api.post("/substitutes/<substitution_id>/end")
@declared(scope="work")
def end_substitution(substitution_id: str) -> Any:
    """End a substitution before its time."""
    absences.end(services(), substitution_id, by=me().id)
    return "", 204


@api.get("/substitutes/open")
@declared(scope="work", asks={"person": Text(_PERSON, default="")}, gives={"sign_offs": [Open]})
def open_now() -> Any:
    """What somebody absent has to sign already, and who would get it."""
    return {"sign_offs": plain(work.open_with(services(), asked()["person"] or me().id, actor=me().id))}


@api.post("/items/<item_id>/sign-offs/<sign_off_id>/stand-in")
@declared(scope="work")
def stand_in(item_id: str, sign_off_id: str) -> Any:
    """Give an open sign-off to who stands in for its holder, too; whoever of the two signs first counts."""
    work.stand_in(services(), item_id, sign_off_id, actor=me().id, request_id=request_id())
    return "", 204
