"""Commands about files of procedures: check."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from engine.bpmn.codes import ADVICE
from engine.bpmn.findings import Finding

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell
from .console import say

_SEVERITY = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}


def teller(as_json: bool) -> Callable[[Finding], str]:
    """What tells a finding: in English to programs, in their language to people."""
    return (lambda finding: finding.text) if as_json else (lambda finding: i18n.fill(finding.message, finding.facts))


@partwell.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--write", type=click.Path(file_okay=False, path_type=Path), help="Folder for what was converted from another engine.")
@click.option("--all", "whole", is_flag=True, help="Print the advice on drawing and time limits, too.")
@click.option("--scenarios/--no-scenarios", default=True, show_default=True, help="Play the scenarios of the folders named.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(paths: Sequence[Path], write: Path | None, whole: bool, scenarios: bool, as_json: bool) -> int:
    """Read diagrams and tables and say what would refuse them; files of one folder belong together.

    Diagrams of Camunda 7, Flowable and Activiti are converted first.

    Scenarios (scenarios/*.yaml) are played in a sandbox, and it is told how much of the diagram they pass.
    """
    from .. import scenario_results
    from ..checking import check_paths

    checked = check_paths(paths, write=write, tell=teller(as_json))
    if scenarios:
        checked += scenario_results.check_paths(paths, tell=str if as_json else i18n.sentence)
    if as_json:
        click.echo(json.dumps(checked, ensure_ascii=False, indent=2))
    else:
        for file in checked:
            if "coverage" in file:
                _say_coverage(file)
                continue
            verdict = gettext("accepted") if file["accepted"] else gettext("refused")
            converted = gettext("converted, ") if file["converted"] else ""
            if "scenario" in file:
                verdict = gettext("passed") if file["accepted"] else gettext("failed")
                passed = gettext("%(flows)s sequence flows", flows=file["scenario"]["flows"])
                verdict += f"  {file['scenario']['name']}  ({passed})"
            click.echo(f"{file['file']}: {converted}{verdict}")
            say_findings(file["findings"], whole=whole)
    return OUT if all(file["accepted"] for file in checked) else WRONG


def _say_coverage(file: Mapping[str, Any]) -> None:
    """How much of a diagram its scenarios pass, and what they leave out."""
    of = file["coverage"]
    told = N_("%(file)s: scenarios pass %(elements)s of %(elements_of)s elements and %(flows)s of %(flows_of)s sequence flows")
    say(told, file=file["file"], **{name: of[name] for name in ("elements", "elements_of", "flows", "flows_of")})
    if of["left"]:
        say(N_("  never passed: %(names)s"), names=", ".join(of["left"]))


def say_findings(findings: Sequence[Mapping[str, Any]], *, err: bool = False, whole: bool = False) -> None:
    """One line for each finding; unless the `whole` is wanted one line for all advice."""
    told = [finding for finding in findings if whole or finding["code"] not in ADVICE]
    for finding in told:
        file = f"{finding['file']}: " if finding.get("file") else ""
        line = gettext("line %(number)s: ", number=finding["line"]) if finding["line"] else ""
        place = f"{finding['element']}: " if finding["element"] else ""
        click.echo(f"  {file}{line}{gettext(_SEVERITY[finding['severity']])} {finding['code']} {place}{finding['message']}", err=err)
    if len(told) < len(findings):
        click.echo("  " + gettext("advice on drawing and time limits: %(number)s (check --all)", number=len(findings) - len(told)), err=err)
