"""`partwell migrate`: running cases to another version of their procedure."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from engine import migration
from engine.migration import Candidate
from engine.models import new_id

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell, services_of
from .console import say


def _renamed(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    for pair in given:
        if not all(pair.partition("=")):
            raise click.BadParameter(gettext("%(pair)s must be OLD=NEW, ids of two elements", pair=pair))
    return {old: new for old, _, new in (pair.partition("=") for pair in given)}


@partwell.command()
@click.argument("procedure")
@click.option("--to", type=int, help="Number of the version; default: the active one.")
@click.option("--from", "since", type=int, help="Only cases on this version.")
@click.option("--case", "numbers", multiple=True, help="Only the case of this number; may be given several times.")
@click.option("--map", "mapping", multiple=True, callback=_renamed, help="OLD=NEW: an element that is called differently there.")
@click.option("--limit", type=click.IntRange(1), help="At most this many.")
@click.option("--undo", is_flag=True, help="Back to where each came from, if nothing has moved it since.")
@click.option("--dry-run", is_flag=True, help="Change nothing; name every case that cannot move, and why.")
@click.option("--note", default="", help="Why; kept in each case's ledger. Needed unless it is a dry run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def migrate(
    context: click.Context,
    procedure: str,
    to: int | None,
    since: int | None,
    numbers: Sequence[str],
    mapping: dict[str, str],
    limit: int | None,
    undo: bool,
    dry_run: bool,
    note: str,
    as_json: bool,
) -> int:
    """Let running cases go on on another version, each in a transaction of its own."""
    from ..api.exchange import plain

    if undo and (dry_run or to or since or mapping):
        raise click.UsageError(gettext("--undo takes only --case, --note and --json."))
    if not dry_run and not note.strip():
        raise click.UsageError(gettext("Say why with --note, or look first with --dry-run."))
    services = services_of(context)

    def progress(done: int, all: int) -> None:
        if done % 100 == 0 or done == all:
            say(N_("%(done)s of %(all)s"), done=done, all=all, err=True)

    if undo:
        found = migration.undo(services, procedure, actor=None, reason=note, request_id=new_id(), numbers=numbers)
    elif dry_run:
        found = migration.candidates(services, procedure, to, actor=None, since=since, numbers=numbers, mapping=mapping)
    else:
        which = {"since": since, "numbers": numbers, "mapping": mapping, "limit": limit, "progress": progress}
        found = migration.migrate(services, procedure, to, actor=None, reason=note, request_id=new_id(), **which)
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
    else:
        _tell(found, dry_run)
    return WRONG if any(case.hindrances for case in found) else OUT


def _tell(found: Sequence[Candidate], dry_run: bool) -> None:
    for case in found:
        said = N_("cannot move") if case.hindrances else N_("would move") if dry_run else N_("moved")
        click.echo(f"{case.number}  {gettext('version %(number)s', number=case.version)}  {gettext(said)}")
        for one in case.hindrances:
            where = f"{one.element} ({one.name}): " if one.element else ""
            click.echo(f"    {where}{i18n.reason(one.reason)}")
    stay = sum(bool(case.hindrances) for case in found)
    sum_up = N_("%(move)s would move, %(stay)s cannot") if dry_run else N_("%(move)s moved, %(stay)s cannot")
    say(sum_up, move=len(found) - stay, stay=stay)
