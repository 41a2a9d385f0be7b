"""程序令牌: administrators let programs in, each as a person of its own, for what it needs, until a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine.errors import FormInvalid
from engine.models import Account, Holding, Person
from engine.people import directory
from engine.people import tokens as engine_tokens

from .accounts import me, services
from .api.description import OF_TOKENS, SCOPES
from .i18n import gettext
from .people import administered, today

tokens = Blueprint("tokens", __name__, url_prefix="/people/tokens")
#: people without an account of whom one is chosen, those who hold a role first
_MOST = 200


@tokens.get("")
@administered
def index() -> Any:
    return _show({})


def _show(faults: dict[str, list[str]], made: str = "") -> str:
    typed = {name: request.form.get(name, "")[:100] for name in ("name", "person", "expires")}
    typed["expires"] = typed["expires"] or (today() + dt.timedelta(days=90)).isoformat()
    with services().database.reading() as connection:
        rows = engine_tokens.rows(connection)
        free = sa.select(Person.id, Person.name, Person.employee_no).where(
            directory.here(today()), ~sa.exists().where(Account.person_id == Person.id)
        )
        holds = sa.exists().where(Holding.person_id == Person.id)  # a program without a role could do next to nothing
        persons = connection.execute(free.order_by(holds.desc(), Person.name, Person.id).limit(_MOST)).all()
    return render_template(
        "tokens.html",
        rows=rows,
        last_day=engine_tokens.last_day,
        now=services().clock.now(),
        persons=persons,
        scopes={scope: SCOPES[scope] for scope in OF_TOKENS},
        chosen=request.form.getlist("scopes"),
        typed=typed,
        faults={field: " ".join(gettext(text) for text in texts) for field, texts in faults.items()},
        made=made,
        longest=(today() + dt.timedelta(days=engine_tokens.LONGEST)).isoformat(),
    )


@tokens.post("")
@administered
def issue() -> Any:
    """The page that answers is the only one that ever shows the token."""
    try:
        expires = dt.date.fromisoformat(request.form.get("expires", ""))
    except ValueError:
        expires = dt.date.min  # refused with what else is wrong
    scopes = [scope for scope in request.form.getlist("scopes") if scope in OF_TOKENS]
    named = {name: request.form.get(name, "")[:200] for name in ("name", "person")}
    try:
        made = engine_tokens.issue(services(), **named, scopes=scopes, expires_on=expires, by=me().id)
    except FormInvalid as invalid:
        return _show(dict(invalid.fields)), 422
    return _show({}, made)


@tokens.post("/<token_id>/revoke")
@administered
def revoke(token_id: str) -> Any:
    engine_tokens.revoke(services(), token_id, by=me().id)
    flash(gettext("Revoked. It opens nothing any more."), "success")
    return redirect(url_for("tokens.index"))
