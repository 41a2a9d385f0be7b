"""The whole story, played."""

from __future__ import annotations

import json

import click

from . import OUT, WRONG, console, partwell


@partwell.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--outside-fails", is_flag=True, help="The first two calls of each operation fail, the second after its effect.")
@click.option("--kill-worker", is_flag=True, help="Kill the worker in the middle (-9) and start another.")
def demo(as_json: bool, outside_fails: bool, kill_worker: bool) -> int:
    """Play the whole story with real processes in a temporary folder, through the HTTP interface, and print the timeline."""
    from ..demo.story import play

    told = play(outside_fails=outside_fails, kill_worker=kill_worker, say=None if as_json else console.say)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    return OUT if told["status"] == "closed" and told["ledger"]["verified"] else WRONG
