"""Commands about procedures: check, deploy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from engine.bpmn.findings import ADVICE, Finding
from engine.errors import NotDeployable

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell, services_of
from .console import say

_SEVERITY = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}


def _teller(as_json: bool) -> Callable[[Finding], str]:
    """What tells a finding: in English to programs, in their language to people."""
    return (lambda finding: finding.text) if as_json else (lambda finding: i18n.fill(finding.message, finding.facts))


@partwell.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--write", type=click.Path(file_okay=False, path_type=Path), help="Folder for what was converted from another engine.")
@click.option("--all", "whole", is_flag=True, help="Print the advice on drawing and time limits, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(paths: Sequence[Path], write: Path | None, whole: bool, as_json: bool) -> int:
    """Read diagrams and tables and say what would refuse them; files of one folder belong together.

    Diagrams of Camunda 7, Flowable and Activiti are converted first.
    """
    from ..checking import check_paths

    checked = check_paths(paths, write=write, tell=_teller(as_json))
    if as_json:
        click.echo(json.dumps(checked, ensure_ascii=False, indent=2))
    else:
        for file in checked:
            verdict = gettext("accepted") if file["accepted"] else gettext("refused")
            converted = gettext("converted, ") if file["converted"] else ""
            click.echo(f"{file['file']}: {converted}{verdict}")
            _say(file["findings"], whole=whole)
    return OUT if all(file["accepted"] for file in checked) else WRONG


@partwell.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--procedure", help="Its name; default: the folder's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def deploy(context: click.Context, path: Path, procedure: str | None, as_json: bool) -> int:
    """Make the files of a folder the version on which new cases start; running cases stay on theirs."""
    from engine import procedures

    from .. import FORMS

    services = services_of(context)
    folder = path if path.is_dir() else path.parent
    name = procedure or folder.resolve().name
    files = procedures.gather(path, FORMS)
    tell = _teller(as_json)
    findings = [(file, one) for file, found in procedures.findings(services, files).items() for one in found]
    said = [{"file": file, **one.as_dict(), "message": tell(one)} for file, one in findings]
    try:
        version, created = procedures.deploy(services, files, procedure=name)
    except NotDeployable as error:
        if as_json:
            click.echo(json.dumps({"deployed": False, "findings": said}, ensure_ascii=False, indent=2))
        else:
            click.echo(i18n.error_text(error), err=True)
            _say(said, err=True)
        return WRONG
    answer = {"deployed": True, "procedure": name, "version": version.number, "new": created, "findings": said}
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        _say(said)
        told = N_("%(procedure)s: version %(number)s is active") if created else N_("%(procedure)s: version %(number)s was active already")
        say(told, procedure=name, number=version.number)
    return OUT


def _say(findings: Sequence[Mapping[str, Any]], *, err: bool = False, whole: bool = False) -> None:
    """One line for each finding; unless the `whole` is wanted one line for all advice."""
    told = [finding for finding in findings if whole or finding["code"] not in ADVICE]
    for finding in told:
        file = f"{finding['file']}: " if finding.get("file") else ""
        line = gettext("line %(number)s: ", number=finding["line"]) if finding["line"] else ""
        place = f"{finding['element']}: " if finding["element"] else ""
        click.echo(f"  {file}{line}{gettext(_SEVERITY[finding['severity']])} {finding['code']} {place}{finding['message']}", err=err)
    if len(told) < len(findings):
        click.echo("  " + gettext("advice on drawing and time limits: %(number)s (check --all)", number=len(findings) - len(told)), err=err)
