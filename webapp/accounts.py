"""Logging in and out, who is asking, and the language they chose."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from engine import observe
from engine.db import Database, Statement
from engine.errors import PartwellError
from engine.models import Account, FailedLogIn, Holding, Person, ServiceToken, WebSession, new_id
from engine.people import accounts as engine_accounts
from engine.people import directory, tokens
from engine.services import Services

from .database import begin_writing, db
from .i18n import DEFAULT, LOCALES, error_text, gettext

COOKIE = "partwell_session"
#: failed log-ins of one login from one address within the window before it must wait, whichever web process they come to
TRIES, WINDOW = 10, dt.timedelta(minutes=15)

_ON: sa.BindParameter[dt.date] = sa.bindparam("on", type_=sa.Date)
_OF_SESSION = (WebSession.id == sa.bindparam("session"), WebSession.expires_at > sa.bindparam("now"))
#: a row if somebody holds the session who may act
_READER = Statement(
    sa.select(Person.id, Person.name, *directory.title(_ON), Account.login, Account.locale, Account.onward)
    .join(Account, Account.person_id == Person.id)
    .join(WebSession, WebSession.login == Account.login)
    .where(*_OF_SESSION, Account.disabled.is_(False), directory.here(_ON))
)
_ROLES = Statement(
    sa.select(Holding.role)
    .join(Account, Account.person_id == Holding.person_id)
    .join(WebSession, WebSession.login == Account.login)
    .where(*_OF_SESSION)
)

_OF_TOKEN = (
    ServiceToken.digest == sa.bindparam("digest"),
    ServiceToken.expires_at > sa.bindparam("now"),
    ServiceToken.revoked_at.is_(None),
)
#: a row if the token holds and its person may act and has no account of their own
_PROGRAM = Statement(
    sa.select(
        *(Person.id.label("person"), Person.name, *directory.title(_ON)),
        *(ServiceToken.id, ServiceToken.name.label("token"), ServiceToken.scopes, ServiceToken.shown, ServiceToken.used_at),
    )
    .join(ServiceToken, ServiceToken.person_id == Person.id)
    .where(*_OF_TOKEN, directory.here(_ON), ~sa.exists().where(Account.person_id == Person.id))
)
_ROLES_OF_PROGRAM = Statement(sa.select(Holding.role).join(ServiceToken, ServiceToken.person_id == Holding.person_id).where(*_OF_TOKEN))

accounts = Blueprint("accounts", __name__)

P, R = ParamSpec("P"), TypeVar("R")


class LogInNeeded(PartwellError):
    """Please log in first."""

    status = 401


class LogInFailed(PartwellError):
    """The name or the password is wrong."""

    status = 401


class TooManyTries(PartwellError):
    """Too many failed tries. Please wait {minutes} minutes."""

    status = 429


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The logged-in person of this request."""

    id: str
    name: str
    post: str
    post_en: str
    login: str
    locale: str
    #: after a completion the next work item opens, and not the inbox
    onward: bool
    roles: frozenset[str]
    #: what the token of a program is for; None for somebody who logged in
    scopes: frozenset[str] | None = None

    def holds(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))


def services() -> Services:
    """The services of this application."""
    found: Services = current_app.extensions["partwell"]
    return found


def me() -> Reader:
    """Who is asking. Raises LogInNeeded."""
    person: Reader | None = g.get("person")
    if person is None:
        raise LogInNeeded()
    return person


def logged_in(view: Callable[P, R]) -> Callable[P, R | Response]:
    """A page for logged-in people; others are sent to the log-in page and come back afterwards."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if g.get("person") is None:
            if request.method == "POST":
                raise LogInNeeded()  # what was typed lies in the page that sent it: nobody is led away from it
            back = request.full_path.rstrip("?") if "HX-Request" not in request.headers else request.referrer
            return to_log_in(_local(back))
        return view(*args, **kwargs)

    return guarded


def to_log_in(back: str) -> Response:
    """To the log-in page, and afterwards back to an address on this site."""
    address = url_for("accounts.log_in", next=back or None)
    if "HX-Request" in request.headers:  # the whole page goes to the log-in, not the part that was asked for
        answer = current_app.response_class(status=204)
        answer.headers["HX-Redirect"] = address
        return answer
    return redirect(address)


def _local(address: str | None) -> str:
    """The path of an address on this site, or nothing: a log-in never sends anybody elsewhere."""
    parts = urlsplit(address or "")
    if (parts.netloc and parts.netloc != request.host) or parts.scheme not in ("", "http", "https"):
        return ""
    path = "/" + parts.path.lstrip("/\\")
    return path + (f"?{parts.query}" if parts.query else "") if parts.path else ""


# --- sessions


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def open_session(login: str, password: str) -> tuple[str, dt.datetime]:
    """Check a log-in and open a session: its secret (only its digest is stored) and when it ends.

    Raises TooManyTries and LogInFailed.
    """
    now = services().clock.now()
    who = _digest(f"{login.casefold()}\0{request.remote_addr or ''}")
    with services().database.reading() as connection:
        _may_try(connection, who, now)
        person_id = engine_accounts.verify(connection, login, password, directory.day(now))
    if person_id is None:
        begin_writing()
        db.session.execute(sa.insert(FailedLogIn).values(id=new_id(), who=who, at=now))
        db.session.commit()
        raise LogInFailed()
    secret, ends = secrets.token_urlsafe(32), now + dt.timedelta(hours=services().settings.session_hours)
    begin_writing()
    db.session.execute(sa.delete(FailedLogIn).where(FailedLogIn.who == who))
    account = db.session.scalars(sa.select(Account.login).where(Account.person_id == person_id)).one()
    db.session.execute(sa.insert(WebSession).values(id=_digest(secret), login=account, created_at=now, expires_at=ends))
    db.session.commit()
    return secret, ends


def close_session(secret: str) -> None:
    begin_writing()
    db.session.execute(sa.delete(WebSession).where(WebSession.id == _digest(secret)))
    db.session.commit()


def reader_of(secret: str) -> Reader | None:
    """Who holds this session, or nobody: unknown, ended, disabled or no longer employed."""
    now = services().clock.now()
    asked = {"session": _digest(secret), "now": now, "on": directory.day(now)}
    persons, holdings = services().database.together((_READER, asked), (_ROLES, asked))
    roles = frozenset(row.role for row in holdings)
    return Reader(**persons[0]._asdict(), roles=roles) if persons else None


def program_of(secret: str) -> Reader | None:
    """As whom the program with this token acts, or nobody: unknown, revoked, over, or its person may not act any more."""
    now = services().clock.now()
    asked = {"digest": tokens.digest(secret), "now": now, "on": directory.day(now)}
    found, holdings = services().database.together((_PROGRAM, asked), (_ROLES_OF_PROGRAM, asked))
    if not found:
        return None
    [row] = found
    tokens.used(services(), row)
    g.within.enter_context(observe.within("token", token=row.shown))
    named = {"id": row.person, "name": row.name, "post": row.post, "post_en": row.post_en, "login": "", "locale": "", "onward": False}
    return Reader(**named, roles=frozenset(held.role for held in holdings), scopes=frozenset(row.scopes))


def _may_try(connection: sa.Connection, who: str, now: dt.datetime) -> None:
    """Raises TooManyTries."""
    recent = sa.select(FailedLogIn.at).where(FailedLogIn.who == who, FailedLogIn.at > now - WINDOW)
    times = connection.execute(recent.order_by(FailedLogIn.at.desc()).limit(TRIES)).scalars().all()
    if len(times) == TRIES:
        raise TooManyTries(minutes=int((times[-1] + WINDOW - now).total_seconds() // 60) + 1)


def forget_ended(database: Database, now: dt.datetime) -> None:
    """Remove sessions that have ended and failed log-ins that count no more."""
    with database.unit() as unit:
        unit.connection.execute(sa.delete(WebSession).where(WebSession.expires_at < now))
        unit.connection.execute(sa.delete(FailedLogIn).where(FailedLogIn.at <= now - WINDOW))
        unit.commit()


# --- pages


@accounts.get("/log-in")
def log_in() -> Any:
    if g.get("person"):
        return redirect(url_for("inbox.mine"))
    return render_template("log_in.html", next=_local(request.args.get("next")), login="", error="")


@accounts.post("/log-in")
def try_log_in() -> Any:
    login, password = request.form.get("login", "").strip()[:100], request.form.get("password", "")[:1000]
    back = _local(request.form.get("next"))
    try:
        secret, _ = open_session(login, password)
    except (LogInFailed, TooManyTries) as refusal:
        error, status = error_text(refusal), refusal.status
    else:
        if old := request.cookies.get(COOKIE):
            close_session(old)
        answer = redirect(back or url_for("inbox.mine"))
        answer.set_cookie(COOKIE, secret, httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"])
        return answer
    return render_template("log_in.html", next=back, login=login, error=error), status


def log_in_again() -> Any:
    """To a log-in page that is no longer valid: its browser forgot the cookie, or somebody logged in meanwhile in another tab."""
    if g.get("person"):
        return redirect(_local(request.form.get("next")) or url_for("inbox.mine"))
    said = gettext("This page was no longer valid. Please log in once more; if this happens again, allow your browser to keep cookies.")
    back, login = _local(request.form.get("next")), request.form.get("login", "").strip()[:100]
    return render_template("log_in.html", next=back, login=login, error=said), 400


@accounts.post("/log-out")
def log_out() -> Any:
    if secret := request.cookies.get(COOKIE):
        close_session(secret)
    session.clear()
    answer = redirect(url_for("accounts.log_in"))
    answer.delete_cookie(COOKIE)
    return answer


@accounts.get("/account")
@logged_in
def account() -> Any:
    return render_template("account.html")


@accounts.post("/language")
def language() -> Any:
    """Kept with the account, and in the browser for the log-in page."""
    chosen = request.form.get("locale", "")
    chosen = chosen if chosen in LOCALES else DEFAULT
    if person := g.get("person"):
        begin_writing()
        db.session.execute(sa.update(Account).where(Account.login == person.login).values(locale=chosen))
        db.session.commit()
    answer = redirect(_local(request.form.get("back")) or url_for("inbox.mine"))
    answer.set_cookie(
        "partwell_locale", chosen, max_age=31536000, samesite="Lax", httponly=True, secure=current_app.config["SESSION_COOKIE_SECURE"]
    )
    return answer


@accounts.post("/account/after-completing")
@logged_in
def after_completing() -> Any:
    """What opens after a completion: the next work item or the inbox."""
    begin_writing()
    db.session.execute(sa.update(Account).where(Account.login == me().login).values(onward=request.form.get("onward") == "yes"))
    db.session.commit()
    flash(gettext("Saved."), "success")
    return redirect(url_for("accounts.account"))


def _demo_accounts() -> list[dict[str, str]]:
    """Who may be chosen with one tap, in demo installations only."""
    if not services().settings.demo:
        return []
    from .demo import roster  # not part of an installation that is no demo

    logins = [employee.login for employee in roster.EMPLOYEES.values() if employee.login] + [roster.ADMIN[0]]
    rows = db.session.execute(
        sa.select(Account.login, Person.name, Person.post, Person.post_en).join(Person).where(Account.login.in_(logins))
    ).all()
    order = ("chenli", "wangfang", "zhaominhua", "sunzhiyuan", "zhengwenbo", "hexiulan", "linxiaobei", "liuhai", "admin")
    return sorted((dict(row._mapping) for row in rows), key=lambda row: order.index(row["login"]) if row["login"] in order else 99)


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(demo_accounts=_demo_accounts)

    @app.before_request
    def identify() -> None:
        """Pages know people by cookie, the JSON interface by bearer token only: it has no forgery check.

        In a sandbox, which nobody reaches but through the studio, it says as whom somebody tries it.
        """
        if app.config.get("SANDBOX"):
            g.person = request.environ["partwell.acts_as"]
            return
        if request.path.startswith("/api/"):
            kind, _, secret = request.headers.get("Authorization", "").partition(" ")
            secret = secret.strip() if kind.lower() == "bearer" else ""
            who = program_of if secret.startswith(tokens.MARK) else reader_of
        else:
            secret, who = request.cookies.get(COOKIE, "") if request.endpoint != "static" else "", reader_of
        g.person = who(secret) if secret else None

    @app.context_processor
    def person() -> dict[str, Any]:
        return {"me": g.get("person")}

    app.register_blueprint(accounts)
