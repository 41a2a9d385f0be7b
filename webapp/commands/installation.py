"""Commands about an installation: its connectors, its people, its working time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import click

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell, services_of, settings_of
from .console import columns, say

_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


@partwell.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def connectors(context: click.Context, as_json: bool) -> int:
    """Ask every configured connector whether it works: settings, log-in, one harmless look at the other side."""
    from .. import create_services

    services = create_services(settings_of(context))
    told = {id(channel): channel.channel for channel in services.notifiers.values()}
    listens = {id(listener): listener.listener for listener in services.listeners.values()}
    every = (*services.operations.values(), *services.notifiers.values(), *services.listeners.values())
    offered: dict[int, Any] = {id(one): one for one in every}
    found = [
        {"operations": list(one.names), "problems": list(one.check())}
        | ({"notices": told[key]} if key in told else {})
        | ({"events": listens[key]} if key in listens else {})
        for key, one in offered.items()
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for each in found:
            verdict = "; ".join(map(i18n.reason, each["problems"])) or gettext("ok")
            click.echo(f"{', '.join(each['operations']) or each.get('notices') or each['events']}: {verdict}")
    return WRONG if any(each["problems"] for each in found) else OUT


@partwell.command()
@click.option("--centre", "chosen", help="Only this one; default: all that are switched on.")
@click.pass_context
def reconcile(context: click.Context, chosen: str | None) -> int:
    """Compare now what outside centres of to-dos show with what is open here; a worker shows anew what differs."""
    from engine.errors import NotFound
    from engine.projecting import reconciling

    from .. import create_services

    services = create_services(settings_of(context))
    if chosen and chosen not in services.projectors:
        raise NotFound(what="centre", name=chosen)
    for name, projector in services.projectors.items():
        if chosen in (None, name):
            say(
                N_("%(centre)s: shown otherwise: %(count)s"),
                centre=name,
                count=reconciling.reconcile(services, projector, services.clock.now()),
            )
    return OUT


@partwell.command()
def openapi() -> int:
    """Print what the JSON interface under /api/v1 takes and gives, as OpenAPI 3.1."""
    from flask import Flask

    from .. import api

    app = Flask("partwell")
    api.init_app(app)
    click.echo(json.dumps(api.description.description(app), ensure_ascii=False, indent=2))
    return OUT


@partwell.command()
@click.argument("login")
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role the person holds, such as admin or hr; may be given several times.")
@click.option("--employee-no", default="", help="Number in the EHR.")
@click.option(
    "--password", envvar="PARTWELL_ACCOUNT_PASSWORD", help="Password; asked for when it is not given (PARTWELL_ACCOUNT_PASSWORD)."
)
@click.pass_context
def account(context: click.Context, login: str, name: str, roles: Sequence[str], employee_no: str, password: str | None) -> int:
    """Let a person log in, such as the first administrator of an installation without the demo company.

    A login that exists gets the new password and stays as it is otherwise.
    """
    from engine.errors import NotFound
    from engine.people import accounts, importing

    password = password or _asked()
    services = services_of(context)
    line = importing.PersonLine(employee_no=employee_no, name=name, login=login, roles=roles)
    with services.database.unit() as unit:
        try:
            accounts.set_password(unit.connection, login, password)
            done = N_("%(login)s has a new password; nothing else was changed")
        except NotFound:
            importing.import_directory(unit.connection, [], [line], password=password)
            done = N_("%(name)s can log in as %(login)s")
        unit.commit()
    say(done, login=login, name=name)
    return OUT


def _asked() -> str:
    """A password, typed twice."""
    while True:
        password: str = click.prompt(gettext("Password"), hide_input=True)
        if password == click.prompt(gettext("The same again"), hide_input=True):
            return password
        say(N_("The two are not the same."), err=True)


@partwell.command()
@click.argument("name", default="office")
@click.option("--from", "first", help="First date, such as 2026-12-01; default: today.")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How many dates.")
@click.option("--add", "duration", help="Say instead when a duration of working time ends, such as P3D or PT8H.")
@click.option("--at", "start", help="Where it begins, such as 2026-12-31T15:00; default: now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def calendar(
    context: click.Context, name: str, first: str | None, days: int, duration: str | None, start: str | None, as_json: bool
) -> int:
    """Show the working time of a calendar, with the reason of each unusual day, or reckon with it."""
    from engine.bpmn import timers
    from engine.calendar import Calendars
    from engine.services import SystemClock

    settings = settings_of(context)
    working = Calendars(settings.calendars, zone=settings.zone).get(name)
    now = SystemClock().now()
    if duration is not None:
        due = timers.after(duration, timers.moment(start, now) if start else now, working)
        local, assumed = due.astimezone(working.days.zone).isoformat(timespec="minutes"), working.assumed(due)
        note = gettext("  (assumed)") if assumed else ""
        click.echo(json.dumps({"due": local, "assumed": assumed}) if as_json else f"{local}{note}")
        return OUT
    try:
        date = dt.date.fromisoformat(first) if first else now.astimezone(working.days.zone).date()
        shown = [working.day(date + dt.timedelta(days=n)) for n in range(days)]
    except (ValueError, OverflowError):
        raise click.BadParameter(gettext("%(text)s is no date such as 2026-12-01", text=first), param_hint="--from") from None
    lines = [
        {"date": day.date.isoformat(), "open": [_shift(*s) for s in day.shifts], "reason": day.reason, "assumed": day.assumed}
        for day in shown
    ]
    if as_json:
        click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
    else:
        for day, line in zip(shown, lines, strict=True):
            note = gettext("  (not announced yet)") if day.assumed else ""
            weekday = gettext(_WEEKDAYS[day.date.weekday()])
            hours = ", ".join(line["open"]) or gettext("no work")
            gap = " " * (26 - columns(hours))
            click.echo(f"{day.date}  {weekday}  {hours}{gap}{day.reason}{note}".rstrip())
    return OUT


def _shift(opens: int, closes: int) -> str:
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (opens, closes))
