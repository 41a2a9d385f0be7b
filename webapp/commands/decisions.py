"""Asking a decision table: decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine.bpmn import expressions
from engine.bpmn.decisions import Decisions, Result
from engine.bpmn.reader import LARGEST
from engine.errors import DecisionFailed, DecisionInputRefused, NotFound
from engine.services import SystemClock

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell, settings_of
from .console import say


@partwell.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--decision", "wanted", help="Id or name; may be left out where the file has one.")
@click.option("--input", "text", help="The variables as JSON, such as '{\"months\": 14}'.")
@click.option("--input-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The same from a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def decide(context: click.Context, file: Path, wanted: str | None, text: str | None, input_file: Path | None, as_json: bool) -> int:
    """Evaluate a decision of a DMN file: the value, the rules that applied, and everything evaluated on the way.

    Exit code 1: the decision has no answer to this input; 2: the file, the decision or the input is not usable.
    """
    if text is not None and input_file is not None:
        raise click.UsageError(gettext("Give --input or --input-file, not both."))
    data = _variables(text if input_file is None else _read(input_file), str(input_file or "--input"))
    beside = {path.name: _content(path) for path in file.parent.glob("*.dmn") if path.is_file() and path != file}
    decisions = Decisions(_content(file), file=file.name, beside=beside)
    expressions.configure(settings_of(context).zone)
    decision = _chosen(decisions, wanted)
    try:
        result = decisions.decide(decision, data, now=SystemClock().now())
    except DecisionInputRefused:
        raise
    except DecisionFailed as error:
        if as_json:
            click.echo(json.dumps({"decision": decision, "failed": error.message}, ensure_ascii=False))
        else:
            click.echo(i18n.error_text(error), err=True)
        return WRONG
    if as_json:
        answer = {"decision": decision, "value": result.value, "matched": result.matched, "inputs": result.inputs, "trace": result.trace}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        _tell(result)
    return OUT


def _content(path: Path) -> bytes:
    """The file's bytes, and no more of them than it takes to be refused for its size."""
    with path.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(gettext("%(source)s is not text in UTF-8.", source=path)) from None


def _variables(text: str | None, source: str) -> dict[str, Any]:
    try:
        data = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno, "reason": error.msg}
        told = gettext("%(source)s is not JSON: line %(line)s, column %(column)s: %(reason)s.", source=source, **place)
        raise click.UsageError(told) from None
    except RecursionError:
        raise click.UsageError(gettext("%(source)s is nested too deeply.", source=source)) from None
    if not isinstance(data, dict):
        told = gettext('%(source)s must be an object that gives each variable its value, such as {"months": 14}.', source=source)
        raise click.UsageError(told)
    return data


def _chosen(decisions: Decisions, wanted: str | None) -> str:
    """Id of the decision meant by its id, its name, or by being the only one."""
    names = decisions.names
    found = [id for id, name in names.items() if wanted is None or wanted == id] or [id for id, name in names.items() if wanted == name]
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {id}  {name}" for id, name in names.items())
    if not names:
        raise NotFound(what="decision", name=wanted or "")
    if wanted is None:
        raise click.UsageError(gettext("The file has several decisions; choose one with --decision:") + f"\n{listed}")
    told = N_('The file has several decisions "%(name)s"; it has:') if found else N_('The file has no decision "%(name)s"; it has:')
    raise click.UsageError(gettext(told, name=wanted) + f"\n{listed}")


def _tell(result: Result) -> None:
    def shown(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    for step in result.trace:
        click.echo(f"{step['decision']}  {step['name']} = {shown(step['value'])}")
        for expression, value in step.get("inputs", {}).items():
            click.echo(f"    {expression} = {shown(value)}")
        if "matched" in step:
            say(N_("    rules: %(ids)s"), ids=", ".join(step["matched"]) or gettext("none"))
    click.echo(shown(result.value))
