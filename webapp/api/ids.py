"""What outside services call people, for programs: one person's ids, and looking up those that are missing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.errors import FormInvalid, IdsChanged, NotAllowed, NotFound
from engine.models import Person
from engine.models.base import SoughtId
from engine.notices import identities
from engine.people.importing import bring
from engine.people.looking_up import look_up

from ..accounts import me, services
from ..directory_files import digest
from ..headings import told
from ..i18n import N_, sentence
from .directory import DirectoryChanged
from .exchange import api, body, declared
from .matching import NotAsRead, tagged, wanted
from .shapes import Flag, Object, Text

_LEFT = {"id": str, "name": str, "employee_no": str | None, "reason": str}


@api.get("/people/<person_id>/ids")
@declared(scope="read:people", gives={"ids": dict[str, str]}, tagged=True)
def ids(person_id: str) -> Any:
    """What each outside service calls a person, "" where that is not known. For administrators."""
    if not me().holds("admin"):
        raise NotAllowed(reason="only administrators keep the directory")
    with services().database.reading() as connection:
        if not connection.execute(sa.select(Person.id).where(Person.id == sa.literal(person_id, SoughtId))).first():
            raise NotFound(what="person", name=person_id)
        kept = identities.of(connection, person_id)
        told = {system: kept.get(system, "") for system in identities.systems(services(), connection)}
    return tagged({"ids": told}, identities.mark(kept))


@api.put("/people/<person_id>/ids")
@declared(
    scope="import:people",
    takes={
        "ids": Object(
            N_("Ids by the name of the service; “” takes one away, and what is left out stays"), of=Text(), example={"dingtalk": "d_017"}
        )
    },
    matched=True,
)
def keep_ids(person_id: str) -> Any:
    """Set what outside services call a person. For administrators."""
    try:
        identities.keep(services(), person_id, body()["ids"], by=me().id, seen=wanted())
    except IdsChanged as changed:
        raise NotAsRead() from changed
    except FormInvalid as invalid:
        raise FormInvalid({f"ids.{system}": said for system, said in invalid.fields.items()}) from invalid
    return "", 204


@api.post("/people/look-up")
@declared(
    scope="import:people",
    takes={
        "service": Text(N_("Name of the connector that is asked, such as feishu"), example="feishu"),
        "after": Text(N_("`rest` of the answer before"), default="", longest=100),
        "dry_run": Flag(N_("Only say what would change and what is wrong"), default=False),
        "seen": Text(N_("`seen` of a dry run: nothing is taken over if something else would change by now"), default="", longest=64),
        "note": Text(N_("Why; kept with each change. Needed unless it is a dry run"), default="", longest=1000, example="补全编号"),
    },
    gives={"found": dict[str, str], "left": [_LEFT], "faults": [str], "rest": str, "seen": str, "stored": bool},
)
def look_ids_up() -> Any:
    """Ask a service by mobile number and mail what it calls those without an id there, some at a time; a dry run keeps nothing.

    For administrators."""
    sent = body()
    note = sent["note"].strip()
    if not sent["dry_run"] and not note:
        raise FormInvalid({"note": ["Say why; it is kept with each change."]})
    answer = look_up(services(), sent["service"], by=me().id, after=sent["after"])
    made = bring(services(), answer.lines, by=me().id, note=note, dry_run=True)
    if sent["seen"] and sent["seen"] != digest(made):
        raise DirectoryChanged()
    if not sent["dry_run"] and not made.faults:
        made = bring(services(), answer.lines, by=me().id, note=note)
    return {
        "found": {made.ids[each.key]: str(id) for each in made.differences for _, id in each.changes.values()},
        "left": [
            {**{name: getattr(one, name) for name in ("id", "name", "employee_no")}, "reason": sentence(one.reason)} for one in answer.left
        ],
        "faults": [": ".join(filter(None, told(fault))) for fault in made.faults],
        "rest": answer.rest,
        "seen": digest(made),
        "stored": not sent["dry_run"] and not made.faults,
    }
