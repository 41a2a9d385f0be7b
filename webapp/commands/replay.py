"""Cases played again from their ledgers: whether that leads to what is stored, and where they would have gone on the draft."""

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


@partwell.command("what-if")
@click.argument("procedure")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def what_if(context: click.Context, procedure: str, as_json: bool) -> int:
    """Play the latest 100 cases on the procedure's draft and say which would have gone elsewhere; nothing is changed.

    People, systems and the clock do what they did then. A new step is passed as if it were done.
    """
    from engine.studio import whatif

    from ..api.exchange import plain

    found = whatif.look(services_of(context), procedure, actor=None)
    other = whatif.elsewhere(found.cases)
    if as_json:
        told = [{**plain(case), "stopped": i18n.sentence(case.stopped) if case.stopped else None} for case in other]
        click.echo(json.dumps({"played": found.done, "elsewhere": told}, ensure_ascii=False, indent=2))
        return WRONG if other else OUT
    for case in other:
        click.echo(f"{case.number}  {case.title}")
        if case.first:
            say(N_("  first otherwise at %(step)s"), step=i18n.named(case.first))
        for sign, steps in (("+", case.new), ("-", case.left_out)):
            for step in steps:
                click.echo(f"  {sign} {i18n.named(step)}")
        if case.ended[0] != case.ended[1]:
            click.echo(f"  {case.ended[0] or '…'} -> {case.ended[1] or '…'}")
        if case.stopped:
            say(N_("  not played on: %(reason)s"), reason=i18n.sentence(case.stopped))
    say(N_("%(done)s cases played, %(other)s elsewhere"), done=found.done, other=len(other))
    return WRONG if other else OUT
