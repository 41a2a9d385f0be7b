"""Tokens by which programs act: each as one person without an account, for what it was made for, until a day.

Who has an account acts themselves: nobody makes a token that passes for them. A program gets a person of its own in the directory,
with the roles it needs, so that the ledger names it in whatever it does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ..errors import FormInvalid, NotFound
from ..models import Account, Person, ServiceToken, new_id
from . import directory, log

if TYPE_CHECKING:
    from ..services import Services

#: what each begins with, so that one that leaked into a file is found; no secret of a session has a dot
MARK = "partwell."
#: characters of one that are kept to be shown
SHOWN = len(MARK) + 6
#: days that one may hold
LONGEST = 366
#: how exactly it is kept when one was used last
_USED = dt.timedelta(minutes=10)


def digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(services: Services, *, name: str, person: str, scopes: Collection[str], expires_on: dt.date, by: str | None) -> str:
    """A new token, which is shown this once; it holds until the end of that day. `by`: None for the command line.

    Raises FormInvalid by `name`, `person`, `scopes` and `expires`.
    """
    now, secret, token_id = services.clock.now(), MARK + secrets.token_urlsafe(32), new_id()
    today, name = directory.day(now), name.strip()
    faults: dict[str, list[str]] = {}
    if not 0 < len(name) <= 100 or not name.isprintable():
        faults["name"] = ["Give it a name of at most 100 characters, such as the system that uses it."]
    if not scopes:
        faults["scopes"] = ["Choose at least one thing that it is for."]
    if not today < expires_on <= today + dt.timedelta(days=LONGEST):
        faults["expires"] = ["It must end on a day after today and within a year."]
    with services.database.unit() as unit:
        connection = unit.connection
        known = connection.execute(
            sa.select(
                Person.name, directory.here(today).label("here"), sa.exists().where(Account.person_id == Person.id).label("own")
            ).where(Person.id == person)
        ).one_or_none()
        if known is None or not known.here:
            faults["person"] = ["There is no such active person."]
        elif known.own:
            faults["person"] = [
                "This person logs in themselves, and no program passes for them. Enter a person for the program, without a login."
            ]
        if faults:
            raise FormInvalid(faults)
        assert known is not None
        log.one_at_a_time(connection)
        row = {"digest": digest(secret), "shown": secret[:SHOWN], "name": name, "person_id": person, "scopes": sorted(scopes)}
        expires = directory.midnight(expires_on + dt.timedelta(days=1))
        connection.execute(sa.insert(ServiceToken).values(id=token_id, **row, created_by=by, created_at=now, expires_at=expires))
        told = {"token": [None, name], "scopes": [None, sorted(scopes)], "expires": [None, expires_on.isoformat()]}
        log.record(connection, at=now, by=by, kind="tokens", ref=person, name=known.name, act="added", changes=told, note="")
        unit.commit()
    return secret


def revoke(services: Services, token_id: str, *, by: str | None) -> None:
    """It opens nothing any more, from the next request on. Again changes nothing. Raises NotFound."""
    now = services.clock.now()
    with services.database.unit() as unit:
        connection = unit.connection
        row = connection.execute(sa.select(ServiceToken.__table__).where(ServiceToken.id == token_id)).one_or_none()
        if row is None:
            raise NotFound(what="token", name=token_id)
        if row.revoked_at is None:
            log.one_at_a_time(connection)
            connection.execute(sa.update(ServiceToken).where(ServiceToken.id == token_id).values(revoked_at=now, revoked_by=by))
            name = connection.execute(sa.select(Person.name).where(Person.id == row.person_id)).scalar_one()
            about = {"kind": "tokens", "ref": row.person_id, "name": name, "act": "ended"}
            log.record(connection, at=now, by=by, changes={"token": [row.name, None]}, note="", **about)
        unit.commit()


def rows(connection: sa.Connection) -> Sequence[Any]:
    """All of them, those that hold first and the newest first: as `models.ServiceToken`, with `person` and `maker`, names."""
    maker = aliased(Person)
    return connection.execute(
        sa.select(ServiceToken.__table__, Person.name.label("person"), maker.name.label("maker"))
        .join(Person, Person.id == ServiceToken.person_id)
        .outerjoin(maker, maker.id == ServiceToken.created_by)
        .order_by(ServiceToken.revoked_at.is_not(None), ServiceToken.created_at.desc(), ServiceToken.id)
    ).all()


def last_day(row: Any) -> dt.date:
    """The day until whose end one holds."""
    return directory.day(row.expires_at) - dt.timedelta(days=1)


def used(services: Services, row: Any) -> None:
    """Keep that one is used now, to ten minutes. `row`: its `id` and `used_at`."""
    now = services.clock.now()
    if row.used_at is None or now - row.used_at >= _USED:
        with services.database.unit() as unit:
            unit.connection.execute(sa.update(ServiceToken).where(ServiceToken.id == row.id).values(used_at=now))
            unit.commit()
