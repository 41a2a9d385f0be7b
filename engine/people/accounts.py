"""How people log in.

Functions take an open connection and neither commit nor begin.
"""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from collections.abc import Callable

import argon2
import sqlalchemy as sa

from ..errors import NotAllowed, NotFound
from ..models import Account, Person, WebSession
from .directory import here

#: characters of a password; the upper limit keeps hashing cheap
_PASSWORD = range(10, 201)


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    return argon2.PasswordHasher()


@functools.cache
def _nobody() -> str:
    """The hash of a password nobody has: checking it takes as long as checking a real one."""
    return _hasher().hash(secrets.token_urlsafe())


def set_password(connection: sa.Connection, login: str, password: str) -> None:
    """Who is logged in with the old one is logged out.

    Raises NotFound for an unknown login, NotAllowed for a password that is too short or too long.
    """
    stored = hashed(password)
    done = connection.execute(sa.update(Account).where(Account.login == login_of(login)).values(password=stored))
    if not done.rowcount:
        raise NotFound(what="account", name=login)
    connection.execute(sa.delete(WebSession).where(WebSession.login == login_of(login)))


def hashed(password: str) -> str:
    """What is stored of a password. Raises NotAllowed for one that is too short or too long."""
    if len(password) not in _PASSWORD or not password.isprintable():
        raise NotAllowed(reason="a password has 10 to 200 characters that can be typed")
    return _hasher().hash(password)


def verify(connection: sa.Connection, login: str, password: str, on: dt.date) -> str | None:
    """Id of the person who logs in so that day; None for an unknown login, a wrong password, a disabled account or somebody who
    does not work here.
    """
    account = None
    if len(login) <= 100 and login_of(login).isprintable():
        account = connection.execute(
            sa.select(Account.person_id, Account.password, Account.disabled)
            .join(Person, Person.id == Account.person_id)
            .where(Account.login == login_of(login), here(on))
        ).one_or_none()
    try:
        _hasher().verify(account.password if account else _nobody(), password[: _PASSWORD.stop])
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeEncodeError):
        return None
    return account.person_id if account and not account.disabled else None


def login_of(login: str) -> str:
    """A login as it is stored, however it was typed."""
    return login.strip().lower()


def admit(connection: sa.Connection, person: str, login: str, initial: Callable[[], str], locale: str) -> None:
    """The account of a person, made where there is none with the hash that `initial` gives."""
    before = connection.execute(sa.select(Account.login).where(Account.person_id == person)).scalar_one_or_none()
    if before is None:
        account = {"login": login, "person_id": person, "password": initial(), "locale": locale, "disabled": False}
        connection.execute(sa.insert(Account), account)
    elif before != login:
        connection.execute(sa.delete(WebSession).where(WebSession.login == before))
        connection.execute(sa.update(Account).where(Account.person_id == person).values(login=login))
