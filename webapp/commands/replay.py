"""`partwell replay`: whether a case's ledger leads to the state that is stored."""

from __future__ import annotations

import json

import click

from engine import replay as engine_replay

from .. import i18n
from ..i18n import N_
from . import OUT, WRONG, partwell, services_of
from .console import say


@partwell.command()
@click.argument("case")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def replay(context: click.Context, case: str, as_json: bool) -> int:
    """Rebuild a case, by its number, from its ledger on the versions it ran on, and compare; nothing is changed."""
    from ..api.exchange import plain

    found = engine_replay.replay(services_of(context), case)
    if as_json:
        click.echo(json.dumps({**plain(found), "same": found.same}, ensure_ascii=False, indent=2))
    elif found.same:
        say(N_("%(case)s: %(acts)s acts lead to the state that is stored"), case=case, acts=found.acts)
    else:
        say(N_("%(case)s: what %(acts)s acts lead to is not what is stored"), case=case, acts=found.acts)
        for difference in found.differences:
            click.echo(f"  {i18n.reason(difference)}")
    return OUT if found.same else WRONG
