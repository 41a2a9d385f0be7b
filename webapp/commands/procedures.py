"""Commands about procedures: check, deploy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from engine.errors import NotDeployable

from . import OUT, WRONG, partwell, settings_of


@partwell.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--write", type=click.Path(file_okay=False, path_type=Path), help="Folder for what was converted from another engine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(paths: Sequence[Path], write: Path | None, as_json: bool) -> int:
    """Read diagrams and tables and say what would refuse them; files of one folder belong together.

    Diagrams of Camunda 7, Flowable and Activiti are converted first.
    """
    from ..checking import check_paths

    checked = check_paths(paths, write=write)
    if as_json:
        click.echo(json.dumps(checked, ensure_ascii=False, indent=2))
    else:
        for file in checked:
            click.echo(f"{file['file']}: {'converted, ' if file['converted'] else ''}{'accepted' if file['accepted'] else 'refused'}")
            for finding in file["findings"]:
                line = f"line {finding['line']}: " if finding["line"] else ""
                place = f"{finding['element']}: " if finding["element"] else ""
                click.echo(f"  {line}{finding['severity']} {finding['code']} {place}{finding['message']}")
    return OUT if all(file["accepted"] for file in checked) else WRONG


@partwell.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--procedure", help="Its name; default: the folder's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def deploy(context: click.Context, path: Path, procedure: str | None, as_json: bool) -> int:
    """Make the files of a folder the version on which new cases start; running cases stay on theirs."""
    from engine import procedures

    from .. import FORMS, create_services
    from ..demo.systems import offline

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
