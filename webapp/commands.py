"""`partwell`: the command line. Exit code 0: done; 1: something is wrong with what was looked at; 2: it could not be done."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from engine import settings as settings_module
from engine.errors import BundleInvalid, NotDeployable, PartwellError
from engine.settings import Settings

OUT, WRONG, FAILED = 0, 1, 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "PARTWELL"})
@click.option("--home", type=click.Path(path_type=Path), help="Folder of database, keys and settings (PARTWELL_HOME).")
@click.option("--verbose", is_flag=True, help="Say more about what happens (PARTWELL_VERBOSE).")
@click.version_option(package_name="partwell")
@click.pass_context
def partwell(context: click.Context, home: Path | None, verbose: bool) -> None:
    """Partwell (好聚好散): dismissal and offboarding as procedures that everybody can see."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    context.obj = home


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every known error becomes one sentence on standard error and exit code 2."""
    try:
        code = partwell.main(args=arguments, prog_name="partwell", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else OUT)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(FAILED)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(FAILED)
    except PartwellError as error:
        click.echo(error.message, err=True)
        sys.exit(FAILED)
    except DBAPIError as error:
        click.echo(f"The database cannot be used: {error.orig}", err=True)
        sys.exit(FAILED)


def settings_of(context: click.Context, **given: Any) -> Settings:
    """Settings with the command's own options over them."""
    return settings_module.read(home=context.obj, **given)


# --- running


@partwell.command()
@click.option("--host", help="Address to listen on (PARTWELL_HOST).")
@click.option("--port", type=int, help="Port to listen on (PARTWELL_PORT).")
@click.pass_context
def up(context: click.Context, host: str | None, port: int | None) -> int:
    """Serve the web and run the jobs; the first start on an empty database loads the demo company."""
    from .server import Server

    server = Server(settings_of(context, host=host, port=port))
    _until_stopped(server.start, server.stop)
    return OUT


@partwell.command()
@click.pass_context
def worker(context: click.Context) -> int:
    """Run jobs only, beside any number of others on the same database."""
    from .server import Worker

    running = Worker(settings_of(context))
    _until_stopped(running.start, running.stop)
    return OUT


def _until_stopped(start: Callable[[], None], stop: Callable[[], None]) -> None:
    stopped = threading.Event()
    start()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()
    finally:
        stop()


@partwell.command("sample-company")
@click.option("--home", "folder", type=click.Path(path_type=Path), help="Folder of its data; default: sample-company in Partwell's home.")
@click.option("--port", type=int, default=8010, show_default=True, help="Port of its HTTP interface; 0 takes a free one.")
@click.option("--smtp-port", type=int, default=8025, show_default=True, help="Port of its mailbox; 0 takes a free one.")
@click.pass_context
def sample_company(context: click.Context, folder: Path | None, port: int, smtp_port: int) -> int:
    """An invented company's EHR, payroll, OA and mailbox as one HTTP process, for trying and testing."""
    from .demo.company.serve import serve

    serve(folder or settings_of(context).home / "sample-company", port, smtp_port)
    return OUT


# --- procedures


@partwell.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(paths: Sequence[Path], as_json: bool) -> int:
    """Read diagrams and tables and say what would refuse them; files of one folder belong together."""
    from .checking import check_paths

    checked = check_paths(paths)
    if as_json:
        click.echo(json.dumps(checked, ensure_ascii=False, indent=2))
    else:
        for file in checked:
            click.echo(f"{file['file']}: {'accepted' if file['accepted'] else 'refused'}")
            for finding in file["findings"]:
                place = f"{finding['element']}: " if finding["element"] else ""
                click.echo(f"  {finding['severity']} {finding['code']} {place}{finding['message']}")
    return OUT if all(file["accepted"] for file in checked) else WRONG


@partwell.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--procedure", help="Its name; default: the folder's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def deploy(context: click.Context, path: Path, procedure: str | None, as_json: bool) -> int:
    """Make the files of a folder the version on which new cases start; running cases stay on theirs."""
    from engine import procedures

    from . import FORMS, create_services
    from .demo.systems import offline

    services = create_services(offline(settings_of(context)))
    folder = path if path.is_dir() else path.parent
    name = procedure or folder.resolve().name
    try:
        version, created = procedures.deploy(services, procedures.gather(path, FORMS), procedure=name)
    except NotDeployable as error:
        findings = [finding.as_dict() for finding in error.findings]
        if as_json:
            click.echo(json.dumps({"deployed": False, "findings": findings}, ensure_ascii=False, indent=2))
        else:
            click.echo(error.message, err=True)
            for finding in findings:
                click.echo(f"  {finding['code']} {finding['element'] or ''}: {finding['message']}", err=True)
        return WRONG
    answer = {"deployed": True, "procedure": name, "version": version.number, "new": created}
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(f"{name}: version {version.number} is active" if created else f"{name}: version {version.number} was active already")
    return OUT


# --- outside systems


@partwell.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def connectors(context: click.Context, as_json: bool) -> int:
    """Ask every configured connector whether it works: settings, log-in, one harmless look at the other side."""
    from . import create_services

    services = create_services(settings_of(context))
    offered = {id(operation): operation for operation in services.operations.values()}
    found = [{"operations": list(operation.names), "problems": list(operation.check())} for operation in offered.values()]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for each in found:
            click.echo(f"{', '.join(each['operations'])}: {'; '.join(each['problems']) or 'ok'}")
    return WRONG if any(each["problems"] for each in found) else OUT


# --- people


@partwell.command()
@click.argument("login")
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role the person holds, such as admin or hr; may be given several times.")
@click.option("--employee-no", default="", help="Number in the EHR.")
@click.password_option(help="Password; asked for when it is not given (PARTWELL_ACCOUNT_PASSWORD).", envvar="PARTWELL_ACCOUNT_PASSWORD")
@click.pass_context
def account(context: click.Context, login: str, name: str, roles: Sequence[str], employee_no: str, password: str) -> int:
    """Let a person log in, such as the first administrator of an installation without the demo company.

    A login that exists gets the new password and stays as it is otherwise.
    """
    from engine import people
    from engine.errors import NotFound

    from . import create_services
    from .demo.systems import offline

    services = create_services(offline(settings_of(context)))
    line = people.PersonLine(employee_no=employee_no, name=name, login=login, roles=roles)
    with services.database.unit() as unit:
        try:
            people.set_password(unit.connection, login, password)
            done = f"{login} has a new password; nothing else was changed"
        except NotFound:
            people.import_directory(unit.connection, [], [line], password=password)
            done = f"{name} can log in as {login}"
        unit.commit()
    click.echo(done)
    return OUT


# --- evidence


@partwell.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="Fingerprint of the key that must have signed it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, key: str | None, as_json: bool) -> int:
    """Check a sealed file: signature, every digest, and the ledger from its entries up. Needs no database."""
    from engine import bundle

    try:
        found = bundle.verify(file, key=key)
    except BundleInvalid as error:
        with file.open("rb") as opened:
            if opened.read(2) != b"PK":
                raise  # it never was a sealed file
        found = bundle.Verification(faults=[bundle.Fault("{message}", {"message": error.message})])
    faults = [fault.message for fault in found.faults]
    if as_json:
        told = {"ok": found.ok, "case": found.case, "outcome": found.outcome, "sealed_at": found.sealed_at, "files": found.files}
        told |= {"entries": found.entries, "key": found.key, "faults": faults}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        verdict = "valid" if found.ok else "NOT valid"
        told = f"case {found.case or '?'}, {found.files} files, {found.entries} ledger entries, key {found.key or '?'}"
        click.echo(f"{file}: {verdict}; {told}")
        for fault in faults:
            click.echo(f"  {fault}")
    return OUT if found.ok else WRONG


# --- demo and benchmark


@partwell.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--outside-fails", is_flag=True, help="The first two calls of each operation fail, the second after its effect.")
@click.option("--kill-worker", is_flag=True, help="Kill the worker in the middle (-9) and start another.")
def demo(as_json: bool, outside_fails: bool, kill_worker: bool) -> int:
    """Play the whole story with real processes in a temporary folder, through the HTTP interface, and print the timeline."""
    from .demo.story import play

    told = play(outside_fails=outside_fails, kill_worker=kill_worker, say=None if as_json else click.echo)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    return OUT if told["status"] == "closed" and told["ledger"]["verified"] else WRONG


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
    from .benchmarks import six_tasks as measure

    url = settings_of(context).database if kind == "postgres" else ""
    figures = measure(kind, url=url if url.startswith("postgres") else "", cases=cases, processes=processes, http=http)
    click.echo(json.dumps(figures, indent=None if as_json else 2))
    return OUT


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
