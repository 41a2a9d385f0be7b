"""Commands about the versions of a procedure: list, compare, activate, roll back, suspend, resume."""

from __future__ import annotations

import json

import click

from engine import versions as engine_versions
from engine.bpmn.differences import Change
from engine.errors import NotDeployable

from .. import i18n
from ..i18n import N_, gettext, ngettext
from ..text import THINGS
from . import OUT, WRONG, partwell, services_of
from .console import say, say_progress

_STATES = {"active": N_("active"), "suspended": N_("suspended")}
_ACTS = {
    **{"deployed": N_("deployed"), "activated": N_("activated"), "suspended": N_("suspended"), "resumed": N_("resumed")},
    **{"scheduled": N_("scheduled"), "unscheduled": N_("schedule cancelled")},
    **{"activated on time": N_("activated as scheduled"), "not activated": N_("could not become active")},
}


@partwell.command()
@click.argument("procedure")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def versions(context: click.Context, procedure: str, as_json: bool) -> int:
    """List the versions of a procedure: which one serves new cases, how many run on each, what was done and why."""
    from ..api.exchange import plain

    rows = engine_versions.versions(services_of(context), procedure)
    if as_json:
        click.echo(json.dumps(plain(rows), ensure_ascii=False, indent=2))
        return OUT
    for row in rows:
        states = [gettext(word) for state, word in _STATES.items() if getattr(row, state)]
        running = ngettext("%(num)s running case", "%(num)s running cases", row.running)
        click.echo(f"{row.number}  {i18n.moment(row.deployed_at, 'long')}  {running}  {' '.join(states)}".rstrip())
        for act in row.acts:
            who = act.by or gettext("command line")
            click.echo(f"     {i18n.moment(act.at, 'long')}  {gettext(_ACTS[act.act])}  {who}  {act.note}".rstrip())
    return OUT


@partwell.command()
@click.argument("procedure")
@click.argument("before", type=int)
@click.argument("after", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def diff(context: click.Context, procedure: str, before: int, after: int | None, as_json: bool) -> int:
    """Say what changed from one version to another (default: the active one), by element, cell and field."""
    from ..api.exchange import plain

    changes = engine_versions.difference(services_of(context), procedure, before, after)
    if as_json:
        click.echo(json.dumps(plain(changes), ensure_ascii=False, indent=2))
        return OUT
    file = ""
    for change in changes:
        if change.file != file:
            file = change.file
            click.echo(file)
        _tell(change)
    return OUT


def _tell(change: Change) -> None:
    sign = {"added": "+", "removed": "-", "changed": "~"}[change.how]
    name = f" ({change.name})" if change.name and change.name != change.id else ""
    click.echo(f"  {sign} {gettext(THINGS[change.what])} {change.id}{name}")
    for setting, (was, now) in change.settings.items():
        if isinstance(was, str) and isinstance(now, str) and "\n" in was + now:
            lines = {"before": len(was.splitlines()), "now": len(now.splitlines())}
            say(N_("      %(setting)s: %(before)s lines before, %(now)s now"), setting=setting, **lines)
        else:
            click.echo(f"      {setting}: {json.dumps(was, ensure_ascii=False)} -> {json.dumps(now, ensure_ascii=False)}")


@partwell.command()
@click.argument("procedure")
@click.argument("number", type=int)
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def activate(context: click.Context, procedure: str, number: int, note: str) -> int:
    """Let new cases start on this version; running ones stay on theirs."""
    try:
        new = engine_versions.activate(services_of(context), procedure, number, by=None, note=note, told=say_progress)
    except NotDeployable as error:
        click.echo(i18n.error_text(error), err=True)
        for finding in error.findings:
            click.echo(f"  {finding.code} {finding.element or ''}: {i18n.fill(finding.message, finding.facts)}", err=True)
        return WRONG
    told = N_("%(procedure)s: version %(number)s is active") if new else N_("%(procedure)s: version %(number)s was active already")
    say(told, procedure=procedure, number=number)
    return OUT


@partwell.command("roll-back")
@click.argument("procedure")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def roll_back(context: click.Context, procedure: str, note: str) -> int:
    """Activate the version that was active before the present one."""
    number = engine_versions.roll_back(services_of(context), procedure, by=None, note=note)
    say(N_("%(procedure)s: version %(number)s is active again"), procedure=procedure, number=number)
    return OUT


@partwell.command()
@click.argument("procedure")
@click.option("--version", "number", type=int, help="Its number; default: the active one.")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def suspend(context: click.Context, procedure: str, number: int | None, note: str) -> int:
    """Let nothing of a version's cases move, and no case start on it, until it is resumed."""
    found = engine_versions.suspend(services_of(context), procedure, number, by=None, note=note)
    say(N_("%(procedure)s: version %(number)s is suspended"), procedure=procedure, number=found)
    return OUT


@partwell.command()
@click.argument("procedure")
@click.option("--version", "number", type=int, help="Its number; default: the active one.")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def resume(context: click.Context, procedure: str, number: int | None, note: str) -> int:
    """Let the cases of a suspended version go on; what became due meanwhile is due now."""
    found = engine_versions.resume(services_of(context), procedure, number, by=None, note=note)
    say(N_("%(procedure)s: version %(number)s goes on"), procedure=procedure, number=found)
    return OUT
