"""Commands about the versions of a procedure: list, compare, activate, roll back, suspend, resume."""

from __future__ import annotations

import json
from typing import Any

import click

from engine import versions as engine_versions
from engine.bpmn.differences import Change
from engine.errors import NotDeployable

from . import OUT, WRONG, partwell, settings_of


def _services(context: click.Context) -> Any:
    from .. import create_services
    from ..demo.systems import offline

    return create_services(offline(settings_of(context)))


@partwell.command()
@click.argument("procedure")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def versions(context: click.Context, procedure: str, as_json: bool) -> int:
    """List the versions of a procedure: which one serves new cases, how many run on each, what was done and why."""
    from ..api.exchange import plain

    rows = engine_versions.versions(_services(context), procedure)
    if as_json:
        click.echo(json.dumps(plain(rows), ensure_ascii=False, indent=2))
        return OUT
    for row in rows:
        states = [word for word, is_so in (("active", row.active), ("suspended", row.suspended)) if is_so]
        click.echo(f"{row.number}  {row.deployed_at:%Y-%m-%d %H:%M}  {row.running} running  {' '.join(states)}".rstrip())
        for act in row.acts:
            click.echo(f"     {act.at:%Y-%m-%d %H:%M}  {act.act}  {act.by or 'command line'}  {act.note}".rstrip())
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

    changes = engine_versions.difference(_services(context), procedure, before, after)
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
    click.echo(f"  {sign} {change.what} {change.id}{f' ({change.name})' if change.name and change.name != change.id else ''}")
    for setting, (was, now) in change.settings.items():
        if isinstance(was, str) and isinstance(now, str) and "\n" in was + now:
            click.echo(f"      {setting}: {len(was.splitlines())} lines before, {len(now.splitlines())} now")
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
        new = engine_versions.activate(_services(context), procedure, number, by=None, note=note)
    except NotDeployable as error:
        click.echo(error.message, err=True)
        for finding in error.findings:
            click.echo(f"  {finding.code} {finding.element or ''}: {finding.text}", err=True)
        return WRONG
    click.echo(f"{procedure}: version {number} {'is' if new else 'was'} active{'' if new else ' already'}")
    return OUT


@partwell.command("roll-back")
@click.argument("procedure")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def roll_back(context: click.Context, procedure: str, note: str) -> int:
    """Activate the version that was active before the present one."""
    number = engine_versions.roll_back(_services(context), procedure, by=None, note=note)
    click.echo(f"{procedure}: version {number} is active again")
    return OUT


@partwell.command()
@click.argument("procedure")
@click.option("--version", "number", type=int, help="Its number; default: the active one.")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def suspend(context: click.Context, procedure: str, number: int | None, note: str) -> int:
    """Let nothing of a version's cases move, and no case start on it, until it is resumed."""
    found = engine_versions.suspend(_services(context), procedure, number, by=None, note=note)
    click.echo(f"{procedure}: version {found} is suspended")
    return OUT


@partwell.command()
@click.argument("procedure")
@click.option("--version", "number", type=int, help="Its number; default: the active one.")
@click.option("--note", required=True, help="Why; kept with the version.")
@click.pass_context
def resume(context: click.Context, procedure: str, number: int | None, note: str) -> int:
    """Let the cases of a suspended version go on; what became due meanwhile is due now."""
    found = engine_versions.resume(_services(context), procedure, number, by=None, note=note)
    click.echo(f"{procedure}: version {found} goes on")
    return OUT
