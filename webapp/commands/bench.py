"""Benchmarks."""

from __future__ import annotations

import json

import click

from . import OUT, partwell, settings_of


@partwell.group()
def bench() -> None:
    """Measure this installation; figures are printed, nothing is judged."""


@bench.command("six-tasks")
@click.option("--db", "kind", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True, help="Which database.")
@click.option("--cases", type=click.IntRange(1), default=200, show_default=True, help="Cases measured for each process.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that work at the same time.")
@click.option("--http", is_flag=True, help="Through the HTTP interface, session look-up included.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def six_tasks(context: click.Context, kind: str, cases: int, processes: int, http: bool, as_json: bool) -> int:
    """Start, then six user tasks in a row with a form value each; every completion is a committed transaction of its own.

    PostgreSQL is the server of the settings if they name one, else a private one in a temporary folder; on both in a database
    of its own, which is dropped at the end.
    """
    from ..benchmarks import six_tasks as measure

    url = settings_of(context).database if kind == "postgres" else ""
    figures = measure(kind, url=url if url.startswith("postgres") else "", cases=cases, processes=processes, http=http)
    click.echo(json.dumps(figures, indent=None if as_json else 2))
    return OUT


@bench.command()
@click.option("--rounds", type=click.IntRange(1), default=5000, show_default=True, help="Evaluations of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def feel(rounds: int, as_json: bool) -> int:
    """Expressions and a table of 20 rows over the data of a usual case, compiled once: median and 99th percentile in microseconds."""
    from engine.bench.feel import figures

    measured = figures(rounds)
    if as_json:
        click.echo(json.dumps(measured))
    else:
        for kind, of in measured.items():
            click.echo(f"{kind:20} median {of['median_us']:8.1f} µs   p99 {of['p99_us']:8.1f} µs")
    return OUT
