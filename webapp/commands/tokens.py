"""Commands about the tokens of programs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import click
import sqlalchemy as sa

from ..api.description import OF_TOKENS
from ..i18n import N_, gettext, zone
from . import OUT, partwell, services_of
from .console import say


@partwell.group()
def token() -> None:
    """Tokens by which programs use the JSON interface, each as a person without a login."""


@token.command()
@click.argument("name")
@click.option("--person", required=True, help="Employee number of the person as whom the program acts.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(OF_TOKENS),
    metavar="SCOPE",
    help="What it is for; may be given several times.",
)
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day on which it holds, within a year.")
@click.pass_context
def create(context: click.Context, name: str, person: str, scopes: Sequence[str], until: Any) -> int:
    """Make a token for the program NAME and print it, this once."""
    from engine.models import Person
    from engine.people import tokens

    services = services_of(context)
    with services.database.reading() as connection:
        found = connection.execute(sa.select(Person.id).where(Person.employee_no == person)).scalar_one_or_none()
    click.echo(tokens.issue(services, name=name, person=found or "", scopes=scopes, expires_on=until.date(), by=None))
    return OUT


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> int:
    """What tokens there are: id, beginning, program, person, scopes, until when, last use."""
    from engine.people import tokens

    services = services_of(context)
    with services.database.reading() as connection:
        rows = tokens.rows(connection)
    if as_json:
        told = [{"id": r.id, "begins": r.shown, "name": r.name, "person": r.person, "scopes": r.scopes} for r in rows]
        times = [{n: at.isoformat() if (at := getattr(r, n)) else None for n in ("expires_at", "revoked_at", "used_at")} for r in rows]
        click.echo(json.dumps([{**one, **at} for one, at in zip(told, times, strict=True)], ensure_ascii=False, indent=2))
        return OUT
    now = services.clock.now()
    for row in rows:
        state = gettext("Revoked") if row.revoked_at else gettext("Over") if row.expires_at <= now else tokens.last_day(row).isoformat()
        used = _moment(row.used_at) if row.used_at else gettext("never used")
        click.echo(f"{row.id}  {row.shown}…  {row.name}  {row.person}  {' '.join(row.scopes)}  {state}  {used}")
    return OUT


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(zone()):%Y-%m-%d %H:%M}"


@token.command()
@click.argument("token_id")
@click.pass_context
def revoke(context: click.Context, token_id: str) -> int:
    """Let the token of this id open nothing any more."""
    from engine.people import tokens

    tokens.revoke(services_of(context), token_id, by=None)
    say(N_("Revoked. It opens nothing any more."))
    return OUT
