"""What service tasks may call here: operations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import i18n
from ..i18n import N_, gettext
from . import OUT, partwell, services_of
from .console import say

if TYPE_CHECKING:
    from engine.descriptions import Description, Parameter, Result


@partwell.command()
@click.option(
    "--templates",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write an element template of each into this folder, such as .camunda/element-templates beside the diagrams.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def operations(context: click.Context, folder: Path | None, as_json: bool) -> int:
    """Show the operations that service tasks can call here: what each takes and gives, and how it may fail."""
    from engine.descriptions import described
    from engine.documents import safe_name

    from ..studio.templates import element_templates

    told = [each for _, each in sorted(described(services_of(context).operations).items())]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for each, template in zip(told, element_templates(told, i18n.current()), strict=True):
            text = json.dumps(template, ensure_ascii=False, indent=2)
            (folder / safe_name(f"{each.name}.json")).write_text(text + "\n", "utf-8")
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in told], ensure_ascii=False, indent=2))
    else:
        for each in told:
            _tell(each)
    if folder is not None:
        say(N_("%(count)s templates were written into %(folder)s"), count=len(told), folder=folder, err=True)
    return OUT


def _tell(told: Description) -> None:
    chinese = i18n.current().startswith("zh")
    note = gettext("  (changes nothing outside)") if told.reads else ""
    click.echo(f"{told.name}  {told.label if chinese else told.label_en}{note}")
    if text := told.description if chinese else told.description_en:
        click.echo(f"    {text}")
    takes = [_named(told.inputs, chinese), gettext("anything else, too") if told.open else ""]
    for label, found in (
        (N_("Takes"), [part for part in takes if part]),
        (N_("Headers"), [_named(told.headers, chinese)]),
        (N_("Gives"), [_named(told.outputs, chinese) if told.outputs is not None else gettext("not told")]),
        (N_("Fails with"), [", ".join(fault.code for fault in told.errors)]),
    ):
        if any(found):
            click.echo(f"    {gettext(label)}: {'; '.join(found)}")


def _named(parts: Iterable[Parameter | Result], chinese: bool) -> str:
    """Names with their labels; a star where it is required."""
    star = {True: "*", False: ""}
    return "; ".join(f"{each.name}{star[getattr(each, 'required', False)]} {each.label if chinese else each.label_en}" for each in parts)
