"""Benchmarks."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from . import OUT, partwell, settings_of


@partwell.group()
def bench() -> None:
    """Measure this installation; figures are printed, nothing is judged."""


def _measured_on(function: Callable[..., dict[str, Any]]) -> Callable[..., int]:
    """The options that all have, and the printing. PostgreSQL is the server of the settings if they name one, else a private one in
    a temporary folder; on both in a database of its own, which is dropped at the end.
    """

    @click.option("--db", "kind", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True, help="Which database.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.pass_context
    @functools.wraps(function)
    def command(context: click.Context, kind: str, as_json: bool, **options: Any) -> int:
        url = settings_of(context).database if kind == "postgres" else ""
        figures = function(kind, url=url if url.startswith("postgres") else "", **options)
        click.echo(json.dumps(figures, indent=None if as_json else 2, ensure_ascii=False))
        return OUT

    return command


@bench.command("six-tasks")
@click.option("--cases", type=click.IntRange(1), default=200, show_default=True, help="Cases measured for each process.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that work at the same time.")
@click.option("--http", is_flag=True, help="Through the HTTP interface, session look-up included.")
@_measured_on
def six_tasks(kind: str, **options: Any) -> dict[str, Any]:
    """Start, then six user tasks in a row with a form value each; every completion is a committed transaction of its own."""
    from ..benchmarks.six_tasks import six_tasks as measure

    return measure(kind, **options)


@bench.command()
@click.option("--bare", type=click.IntRange(1), default=5000, show_default=True, help="Jobs that touch no case.")
@click.option("--resuming", type=click.IntRange(1), default=500, show_default=True, help="Calls whose answers take a case on.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that claim them.")
@_measured_on
def jobs(kind: str, **options: Any) -> dict[str, Any]:
    """Jobs a second that several workers claim, carry out and end."""
    from ..benchmarks.jobs import jobs as measure

    return measure(kind, **options)


@bench.command("open-loop")
@click.option("--rate", type=click.FloatRange(0.1), default=50.0, show_default=True, help="Completions a second.")
@click.option("--seconds", type=click.FloatRange(0.1), default=20.0, show_default=True, help="How long.")
@click.option("--latency-ms", type=click.FloatRange(0), default=0.0, show_default=True, help="Added to each round trip to PostgreSQL.")
@_measured_on
def open_loop(kind: str, latency_ms: float, **options: Any) -> dict[str, Any]:
    """Completions at a steady rate beside jobs and inbox reads, timed from the moment they were meant to begin."""
    from ..benchmarks import others

    return others.open_loop(kind, latency=latency_ms / 1000, **options)


@bench.command()
@click.option("--rows", type=click.IntRange(1), default=100_000, show_default=True, help="Finished cases among which it is measured.")
@click.option("--measured", type=click.IntRange(1), default=50, show_default=True, help="Cases run for each measurement.")
@_measured_on
def growth(kind: str, **options: Any) -> dict[str, Any]:
    """A completion among few cases and among many, early and late laps of a loop, the state of a long row of tasks."""
    from ..benchmarks import others

    return others.growth(kind, **options)


@bench.command("heat-map")
@click.option("--cases", type=click.IntRange(1), default=100_000, show_default=True, help="Finished cases.")
@click.option("--looks", type=click.IntRange(1), default=10, show_default=True, help="How often the map is made.")
@_measured_on
def heat_map(kind: str, **options: Any) -> dict[str, Any]:
    """The heat map over very many finished cases: counted once, then looked at, then looked at after another case closed."""
    from ..benchmarks import others

    return others.heat_map(kind, **options)


@bench.command()
@click.option("--persons", type=click.IntRange(1, 20), default=5, show_default=True, help="Who finish at the same moment.")
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True, help="Cases.")
@_measured_on
def concurrent(kind: str, **options: Any) -> dict[str, Any]:
    """Several people finish their parts of one case at once; how long the last one waits, and whether all succeed."""
    from ..benchmarks import others

    return others.concurrent(kind, **options)


@bench.command()
@click.option("--items", type=click.IntRange(10), default=1_000_000, show_default=True, help="Open work items in all.")
@click.option("--reads", type=click.IntRange(1), default=200, show_default=True, help="Reads of each list.")
@_measured_on
def inbox(kind: str, **options: Any) -> dict[str, Any]:
    """One person's inbox among very many open work items."""
    from ..benchmarks import others

    return others.inbox(kind, **options)


@bench.command("inbox-http")
@click.option("--items", type=click.IntRange(10), default=1_000_000, show_default=True, help="Open work items in all.")
@click.option("--people", type=click.IntRange(1), default=5000, show_default=True, help="People among whom they are spread.")
@click.option("--reads", type=click.IntRange(1), default=100, show_default=True, help="Reads of each page.")
@_measured_on
def inbox_http(kind: str, **options: Any) -> dict[str, Any]:
    """The inbox's pages among very many open work items, by the time in which the server makes them."""
    from ..benchmarks import others

    return others.inbox_http(kind, **options)


@bench.command()
@click.option("--people", type=click.IntRange(1), default=50, show_default=True, help="People who approve, each in cases of their own.")
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Approvals of each.")
@click.option("--every", type=click.FloatRange(0.01), default=1.0, show_default=True, help="Seconds between two of one person.")
@_measured_on
def approvals(kind: str, **options: Any) -> dict[str, Any]:
    """Many people approve through HTTP: each at their own pace, then all at the same moment."""
    from ..benchmarks import others

    return others.approvals(kind, **options)


@bench.command()
@click.option("--people", type=click.IntRange(50), default=5000, show_default=True, help="People in the directory.")
@click.option("--rounds", type=click.IntRange(1), default=200, show_default=True, help="Resolutions, each about somebody else.")
@_measured_on
def chains(kind: str, **options: Any) -> dict[str, Any]:
    """Finding the people of an approval chain of ten steps, with the reason for each."""
    from ..benchmarks import others

    return others.chains(kind, **options)


@bench.command()
@click.option("--cases", type=click.IntRange(1), default=10_000, show_default=True, help="Idle cases.")
@click.option("--live", type=click.IntRange(1), default=2000, show_default=True, help="Cases kept ready in memory.")
@_measured_on
def idle(kind: str, **options: Any) -> dict[str, Any]:
    """What cases that wait cost the runner, and the memory of those that are kept ready."""
    from ..benchmarks import others

    return others.idle(kind, **options)


@bench.command()
@click.option("--jobs", type=click.IntRange(1), default=500, show_default=True, help="Jobs that piled up.")
@_measured_on
def backlog(kind: str, **options: Any) -> dict[str, Any]:
    """How long one worker takes for what piled up while none ran."""
    from ..benchmarks import others

    return others.backlog(kind, **options)


@bench.command()
@click.option("--rounds", type=click.IntRange(1), default=5000, show_default=True, help="Evaluations of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def feel(rounds: int, as_json: bool) -> int:
    """Expressions and a table of 20 rows over the data of a usual case, compiled once: processor time in microseconds."""
    from engine.bench.feel import figures

    measured = figures(rounds)
    if as_json:
        click.echo(json.dumps(measured))
    else:
        for kind, of in measured.items():
            click.echo(f"{kind:20} median {of['median_us']:8.1f}   p95 {of['p95_us']:8.1f}   p99 {of['p99_us']:8.1f} µs")
    return OUT


@bench.command("scenario")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often all of them are played.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def scenario(rounds: int, as_json: bool) -> int:
    """The scenarios of the shipped dismissal, each in a world of its own: milliseconds from an empty world to the verdict."""
    from ..benchmarks.scenarios import scenarios

    click.echo(json.dumps(scenarios(rounds), indent=None if as_json else 2, ensure_ascii=False))
    return OUT


@bench.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--times", type=click.IntRange(1), default=15, show_default=True, help="Checks of each draft, after a first one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_drafts(paths: tuple[Path, ...], times: int, as_json: bool) -> int:
    """The check of drafts of 100 and of 500 elements, and of the folders named, as while somebody draws: milliseconds."""
    from engine import procedures
    from engine.bench.checking import figures
    from engine.settings import Settings

    from .. import FORMS, form_checker

    drafts = {str(path): procedures.gather(path, FORMS) for path in paths}
    measured = figures(form_checker(Settings.zone), times=times, drafts=drafts)
    if as_json:
        click.echo(json.dumps(measured, ensure_ascii=False))
    else:
        for draft, of in measured.items():
            figures_of = f"median {of['median_ms']:7.1f}   p95 {of['p95_ms']:7.1f}   first {of['first_ms']:7.1f} ms"
            click.echo(f"{draft:30} {figures_of}   processor {of['processor_ms']:7.1f} ms")
    return OUT


@bench.command("modeler")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often each diagram is opened in each way.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def modeler(rounds: int, as_json: bool) -> int:
    """Opening diagrams in the modeler, typing expressions, moving steps, in a real browser: milliseconds until they are seen."""
    from ..benchmarks.modeler import modeler as measure

    click.echo(json.dumps(measure(rounds), indent=None if as_json else 2, ensure_ascii=False))
    return OUT
