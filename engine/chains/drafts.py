"""The next version of a chain while it is edited: one draft for each chain, shared by its editors, published as a whole.

Whoever saves says which revision they saw; what somebody else did meanwhile is never overwritten. A revision is how many acts the
chain had seen (`models.ChainEvent`), so none comes twice, whatever was published or thrown away in between. With the setting
`chains_four_eyes` whoever edited a draft does not publish it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..cases import must_say
from ..errors import AlreadyPublished, ChainRefused, DraftChanged, NotAllowed, NotFound, Sentence
from ..models import Chain, ChainDraft, Person
from ..people import directory
from ..ports import Json
from . import differences, preview, versions
from .company import Company
from .faults import Fault, faults, unoffered, unwired
from .steps import KEY, keyed

if TYPE_CHECKING:
    from ..services import Services

#: whoever holds it edits chains
EDITORS = "admin"
#: bytes of the steps of one draft, as JSON
_LARGEST = 100_000


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an editor sees."""

    key: str
    name: str
    name_en: str
    steps: Sequence[Mapping[str, Json]]
    #: number of the version it began from, 0 for a new chain
    base: int
    #: tells it from every draft, and every lack of one, that the chain had before or will have; 0: there is no such chain yet
    revision: int
    #: None: nothing is stored, this is the version in force
    saved_at: dt.datetime | None = None
    #: name of who saved it last
    saved_by: str = ""
    #: ids of everybody who saved it
    editors: Sequence[str] = ()


def must_edit(connection: sa.Connection, actor: str | None) -> None:
    """Raises NotAllowed unless the actor edits chains; the command line may."""
    if actor is not None and EDITORS not in directory.roles_of(connection, actor):
        raise NotAllowed(reason="only administrators edit approval chains")


def read(services: Services, key: str, *, actor: str | None) -> Draft:
    """The draft of a chain, or what it would begin with. Raises NotAllowed, NotFound."""
    with services.database.reading() as connection:
        must_edit(connection, actor)
        return _read(connection, key, services.clock.now())


def _read(connection: sa.Connection, key: str, now: dt.datetime) -> Draft:
    row = connection.execute(
        sa.select(ChainDraft.__table__, Person.name.label("saver"))
        .outerjoin(Person, Person.id == ChainDraft.saved_by)
        .where(ChainDraft.key == key)
    ).one_or_none()
    if row is None:
        current = versions.active(connection, key, now)
        given: dict[str, Any] = {"name": current.name, "name_en": current.name_en, "steps": current.steps, "base": current.number}
        return Draft(key=key, **given, revision=versions.acts(connection, key))
    values = {name: getattr(row, name) for name in ("key", "name", "name_en", "steps", "base", "revision", "saved_at", "editors")}
    return Draft(**values, saved_by=row.saver or "")


def save(
    services: Services,
    key: str,
    *,
    name: str,
    name_en: str,
    steps: Sequence[Mapping[str, Json]],
    revision: int,
    actor: str | None,
    act: str = "edited",
    note: str = "",
) -> Draft:
    """Keep a draft, with its faults. `revision`: the one that the editor saw.

    Raises DraftChanged where somebody did something else meanwhile, AlreadyPublished where they published just this, NotFound
    where nothing was ever done with the chain of which they saw one, ChainRefused for what is no list of steps, NotAllowed.
    """
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        must_edit(connection, actor)
        versions.one_at_a_time(connection)
        _storable(key, name, name_en, steps)
        stored = connection.execute(sa.select(ChainDraft.revision).where(ChainDraft.key == key)).scalar_one_or_none()
        known = bool(connection.execute(sa.select(Chain.id).where(Chain.key == key).limit(1)).first())
        before = _read(connection, key, now) if known or stored else Draft(key=key, name="", name_en="", steps=[], base=0, revision=0)
        kept = keyed(list(steps))
        if before.revision != revision:
            done = versions.published_as(connection, key, revision)
            if done and versions.same(versions.numbered(connection, key, done.number), name, name_en, kept):
                raise _published(done)
            raise _changed(connection, key)
        if stored is not None and (kept, name, name_en) == (list(before.steps), before.name, before.name_en):
            return before
        values: dict[str, Any] = {"name": name, "name_en": name_en, "steps": kept, "base": before.base}
        values |= {"revision": versions.acts(connection, key) + 1}
        values |= {"saved_at": now, "saved_by": actor, "editors": list(dict.fromkeys([*before.editors, *([actor] if actor else [])]))}
        if stored is None:
            connection.execute(sa.insert(ChainDraft).values(key=key, **values))
        else:
            connection.execute(sa.update(ChainDraft).where(ChainDraft.key == key).values(**values))
        found = _read(connection, key, now)
        changes = differences.renamed(before, found) if before.name else []
        changes += differences.between(_sound(before.steps), _sound(kept))
        versions.record(connection, key, act, at=now, by=actor, note=note, changes=changes)
        unit.commit()
    return found


def _changed(connection: sa.Connection, key: str) -> DraftChanged | NotFound:
    last = versions.last(connection, key)
    return DraftChanged(**_told(last)) if last else NotFound(what="approval chain", name=key)


def _published(act: sa.Row[Any]) -> AlreadyPublished:
    return AlreadyPublished(number=act.number, **_told(act))


def _told(act: sa.Row[Any]) -> dict[str, Any]:
    return {"who": act.who or Sentence("the command line"), "when": act.at.isoformat(timespec="minutes")}


def _storable(key: str, name: Json, name_en: Json, steps: Json) -> None:
    """Faults are kept in a draft, but not what no page could show again. Raises ChainRefused."""
    found = [fault for fault in faults(name, name_en, steps) if fault.step is None or fault.field == ""]
    if not KEY.fullmatch(key):
        found.append(Fault(None, "key", Sentence("its key has at most 40 small letters, digits, _ and -")))
    if len(json.dumps(steps)) > _LARGEST:
        found.append(Fault(None, "steps", Sentence("it is too large")))
    if found:
        raise ChainRefused(chain=key[:100], found=found)


def _sound(steps: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Steps that have a key of their own, for comparing."""
    return list({step["key"]: step for step in steps if isinstance(step.get("key"), str)}.values())


def discard(services: Services, key: str, *, revision: int, actor: str | None, note: str = "") -> None:
    """Forget the draft; what is in force stays. Raises NotFound where there is none, AlreadyPublished, DraftChanged, NotAllowed."""
    with services.database.unit() as unit:
        must_edit(unit.connection, actor)
        versions.one_at_a_time(unit.connection)
        _must_be(unit.connection, key, revision)
        unit.connection.execute(sa.delete(ChainDraft).where(ChainDraft.key == key))
        versions.record(unit.connection, key, "discarded", at=services.clock.now(), by=actor, note=note)
        unit.commit()


def _must_be(connection: sa.Connection, key: str, revision: int) -> None:
    """Raises NotFound where there is no draft, AlreadyPublished or DraftChanged where it is another one than was seen."""
    stored = connection.execute(sa.select(ChainDraft.revision).where(ChainDraft.key == key)).scalar_one_or_none()
    if stored == revision:
        return
    if done := versions.published_as(connection, key, revision):
        raise _published(done)
    if stored is None:
        raise NotFound(what="draft of an approval chain", name=key)
    raise _changed(connection, key)


def check(services: Services, draft: Draft) -> list[Fault]:
    """Everything that keeps a draft from being published: its shape first, then what is not carried out, then people without a signer."""
    now = services.clock.now()
    with services.database.reading() as connection:
        return checked(services, connection, draft, now)


def checked(services: Services, connection: sa.Connection, draft: Draft, now: dt.datetime) -> list[Fault]:
    """As `check`, on an open connection."""
    found = faults(draft.name, draft.name_en, draft.steps, Company(connection, now)) or unwired(draft.steps)
    found = found or unoffered(draft.steps, services.operations)
    if found:
        return found
    company = Company.whole(connection, now)
    for roles in preview.managers(services, connection, draft.key):
        found += (fault for fault in preview.unresolved(company, draft.key, draft.steps, roles) if fault not in found)
    return found


def changes(connection: sa.Connection, draft: Draft, now: dt.datetime) -> list[differences.Change]:
    """What the draft would change of what is in force."""
    current = versions.in_force(connection, draft.key, now)
    found = differences.renamed(current, draft) if current else []
    return found + differences.between(current.steps if current else [], _sound(draft.steps))


def publish(services: Services, key: str, *, revision: int, actor: str | None, note: str, effective: dt.datetime | None = None) -> Chain:
    """Make the draft the next version, in force from `effective` on (None: now).

    Raises ChainRefused with every fault, AlreadyPublished where just this draft was published before, DraftChanged, NotFound where
    there is no draft, NotAllowed, and where four eyes are asked for, for whoever edited it.
    """
    said = must_say(note)
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        must_edit(connection, actor)
        versions.one_at_a_time(connection)
        _must_be(connection, key, revision)
        draft = _read(connection, key, now)
        if services.settings.chains_four_eyes and (actor is None or actor in draft.editors):
            raise NotAllowed(reason="whoever edited an approval chain does not publish it; another administrator must")
        if found := checked(services, connection, draft, now):
            raise ChainRefused(chain=draft.name, found=found)
        given: dict[str, Any] = {"name": draft.name, "name_en": draft.name_en, "steps": draft.steps, "effective": effective}
        told = changes(connection, draft, now)
        published = versions.publish(connection, key=key, **given, by=actor, now=now, note=said, changes=told)
        connection.execute(sa.delete(ChainDraft).where(ChainDraft.key == key))
        unit.commit()
    return published


def undo(services: Services, key: str, number: int, *, actor: str | None, note: str) -> Chain:
    """Publish an earlier version again, from now on. A draft is left as it is. Raises NotFound, NotAllowed, ChainRefused."""
    said = must_say(note)
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        must_edit(connection, actor)
        versions.one_at_a_time(connection)
        old = versions.numbered(connection, key, number)
        last = connection.execute(sa.select(Chain.published_by).where(Chain.key == key).order_by(Chain.number.desc()).limit(1)).scalar_one()
        if services.settings.chains_four_eyes and actor == last and actor is not None:
            raise NotAllowed(reason="whoever published an approval chain does not take it back alone; another administrator must")
        draft = Draft(key=key, name=old.name, name_en=old.name_en, steps=old.steps, base=number, revision=versions.acts(connection, key))
        if found := checked(services, connection, draft, now):
            raise ChainRefused(chain=old.name, found=found)
        told = changes(connection, draft, now)
        given: dict[str, Any] = {"name": old.name, "name_en": old.name_en, "steps": old.steps}
        published = versions.publish(connection, key=key, **given, by=actor, now=now, note=said, act="undone", changes=told)
        unit.commit()
    return published
