"""`partwell replay`: whether a case's ledger leads to the state that is stored."""

from __future__ import annotations

import json

import click

from engine import replay as engine_replay

from . import OUT, WRONG, partwell, settings_of


@partwell.command()
@click.argument("case")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def replay(context: click.Context, case: str, as_json: bool) -> int:
    """Rebuild a case, by its number, from its ledger on the versions it ran on, and compare; nothing is changed."""
    from .. import create_services
    from ..api.exchange import plain
    from ..demo.systems import offline

    found = engine_replay.replay(create_services(offline(settings_of(context))), case)
    if as_json:
        click.echo(json.dumps({**plain(found), "same": found.same}, ensure_ascii=False, indent=2))
    elif found.same:
        click.echo(f"{case}: {found.acts} acts lead to the state that is stored")
    else:
        click.echo(f"{case}: what {found.acts} acts lead to is not what is stored")
        for difference in found.differences:
            click.echo(f"  {difference}")
    return OUT if found.same else WRONG
