"""Commands about the directory: bring it in from files, write it to files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..i18n import N_, gettext, ngettext
from . import OUT, WRONG, partwell, services_of

_ACTS = {"new": N_("new"), "changed": N_("changed"), "leaving": N_("leaving")}


@partwell.group()
def people() -> None:
    """The directory: people, departments, posts, groups, duties."""


@people.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only list what would change and what is wrong.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day from which places, heads and posts hold; default: today.")
@click.option("--complete", is_flag=True, help="The files name everybody: who is in none leaves the day before.")
@click.option("--note", default="", help="Why; kept with each change.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def bring(context: click.Context, files: Sequence[Path], dry_run: bool, on: Any, complete: bool, note: str, as_json: bool) -> int:
    """Bring the directory up to CSV files or workbooks, all or nothing: `departments.csv`, `persons.csv`, or one XLSX for all.

    What an export writes shows the columns. A column that is left out stays as it was.
    """
    from engine.people import importing, sheets

    from .. import headings

    lines, faults = [], []
    for file in files:
        found, wrong = sheets.read(file.name, file.read_bytes(), headings.columns(), headings.kinds())
        lines += found
        faults += wrong
    day: dt.date | None = on.date() if on else None
    done = importing.bring(services_of(context), lines, by=None, note=note, on=day, complete=complete, dry_run=dry_run, also=faults)
    if as_json:
        said = [{"kind": each.kind, "key": each.key, "name": each.name, "act": each.act, "changes": each.told} for each in done.differences]
        wrong_lines = [{"file": f.where, "line": f.line, "column": f.column, "message": f.text} for f in done.faults]
        click.echo(json.dumps({"on": done.on.isoformat(), "differences": said, "faults": wrong_lines}, ensure_ascii=False, indent=2))
        return WRONG if done.faults else OUT
    for each in done.differences:
        click.echo(f"{gettext(_ACTS[each.act])}  {gettext(headings.KINDS[each.kind])}  {each.name}")
        if each.act != "new":
            for column, (was, now) in each.told.items():
                click.echo(f"      {headings.label(each.kind, column)}: {_shown(was)} -> {_shown(now)}")
    for fault in done.faults:
        where, what = headings.told(fault)
        click.echo(gettext(": ").join(filter(None, (where, what))), err=True)
    if done.faults:
        click.echo(ngettext("%(num)s fault; nothing was changed.", "%(num)s faults; nothing was changed.", len(done.faults)), err=True)
        return WRONG
    count = ngettext("%(num)s difference", "%(num)s differences", len(done.differences))
    click.echo(f"{count}{gettext(', nothing was changed (dry run)') if dry_run else ''}")
    return OUT


def _shown(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)


@people.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day that is written; default: today.")
@click.pass_context
def export(context: click.Context, path: Path, on: Any) -> int:
    """Write the directory as it holds on a day: PATH is a workbook (.xlsx), or a folder for one CSV file of each kind.

    Headings are in the terminal's language; an import reads them in any.
    """
    from engine.notices import identities
    from engine.people import directory, sheets
    from engine.people.state import state

    from .. import headings, i18n

    services = services_of(context)
    with services.database.reading() as connection:
        lines = state(connection, on.date() if on else directory.day(services.clock.now())).lines
        systems = identities.systems(services, connection)
    columns, kinds = (headings.called(names, i18n.current()) for names in (headings.COLUMNS, headings.KINDS))
    if path.suffix.lower() == ".xlsx":
        path.write_bytes(sheets.workbook(lines, columns, kinds, systems))
    else:
        path.mkdir(parents=True, exist_ok=True)
        for kind in lines:
            (path / f"{kind}.csv").write_bytes(sheets.csv_file(kind, lines, columns, systems))
    click.echo(gettext("%(count)s lines written to %(path)s", count=sum(map(len, lines.values())), path=path))
    return OUT


@people.command("hand-over")
@click.argument("who")
@click.option("--to", help="Who gets everything: employee number, login or id; without it only a list.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day: until then what comes to them goes over, too.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day from which heads, duties and superiors change; default: today.")
@click.option("--note", default="", help="Why; kept with each thing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def hand_over(context: click.Context, who: str, to: str | None, until: Any, on: Any, note: str, as_json: bool) -> int:
    """Hand over what somebody holds, each thing by itself; without --to only list it. The same again does what is left.

    Exit code 1: something was not handed over.
    """
    from engine.work import handover

    from ..handover import KINDS
    from ..i18n import error_text, named

    services = services_of(context)
    person = _person(services, who)
    if to is None:
        done = [handover.Done(held=one, to="") for one in handover.look(services, person, actor=None).held]
    else:
        days = {"until": until.date() if until else None, "on": on.date() if on else None}
        done = handover.hand_over(services, person, to={"": _person(services, to)}, note=note, actor=None, **days)
    said = [(one.held, error_text(one.error) if one.error else "") for one in done]
    if as_json:
        rows = [
            {"kind": held.kind, "ref": held.ref, "name": held.name, "number": held.number, "error": error or None} for held, error in said
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for held, error in said:
            told = "  ".join(filter(None, (gettext(KINDS[held.kind]), named(held), named(held, "about"), held.number)))
            click.echo(f"{told}{gettext(': ') if error else ''}{error}", err=bool(error))
    return WRONG if any(error for _, error in said) else OUT


def _person(services: Any, text: str) -> str:
    """Id of a person by employee number, login or id. Raises NotFound."""
    import sqlalchemy as sa

    from engine.errors import NotFound
    from engine.models import Account, Person
    from engine.models.base import SoughtId

    with services.database.reading() as connection:
        named = sa.select(Person.id).outerjoin(Account, Account.person_id == Person.id)
        meant = sa.or_(Person.employee_no == text, Account.login == text.lower(), Person.id == sa.literal(text, SoughtId))
        found = connection.execute(named.where(meant)).scalars().first()
    if found is None:
        raise NotFound(what="person", name=text)
    return str(found)


@people.command("look-up")
@click.argument("service")
@click.option("--dry-run", is_flag=True, help="Only list what was found.")
@click.option("--note", default="", help="Why; kept with each change.")
@click.pass_context
def look_up(context: click.Context, service: str, dry_run: bool, note: str) -> int:
    """Ask SERVICE, a connector such as feishu, by mobile number and mail what it calls those who have no id there, and keep it.

    Exit code 1: somebody was not found.
    """
    from engine.people import importing, looking_up

    from .. import headings
    from ..i18n import sentence

    services, rest, lost, count = services_of(context), "", False, 0
    while True:
        answer = looking_up.look_up(services, service, by=None, after=rest, limit=100)
        done = importing.bring(services, answer.lines, by=None, note=note, dry_run=dry_run)
        for each in done.differences:
            click.echo("  ".join([each.key.removeprefix("login:"), each.name, *(str(id) for _, id in each.changes.values())]))
        for one in answer.left:
            click.echo(f"{one.employee_no or ''}  {one.name}{gettext(': ')}{sentence(one.reason)}", err=True)
        for fault in done.faults:
            click.echo(gettext(": ").join(filter(None, headings.told(fault))), err=True)
        lost, count = lost or bool(answer.left or done.faults), count + (0 if done.faults else len(done.differences))
        if not (rest := answer.rest):
            break
    told = ngettext("%(num)s difference", "%(num)s differences", count)
    click.echo(f"{told}{gettext(', nothing was changed (dry run)') if dry_run else ''}")
    return WRONG if lost else OUT


@people.command("ids")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def ids(context: click.Context, file: Path) -> int:
    """Enter what outside systems call people, all or nothing: a CSV file with the columns person, system, id.

    `person` is an employee number or a login, `system` the name under which channels ask for it, such as dingtalk. An empty id takes it
    away.
    """
    from engine.errors import IdsRefused
    from engine.notices import identities

    from .. import i18n

    try:
        reader = csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline=""), strict=True)
        if sorted(reader.fieldnames or ()) != ["id", "person", "system"]:
            raise IdsRefused(line=1, column="person", reason="the columns are person, system and id")
        found = []
        for row in reader:
            cells = {name: (row[name] or "").strip() for name in ("person", "system", "id")}
            found.append(identities.Line(**cells, number=reader.line_num))
        changed = identities.bring(services_of(context), found)
    except (UnicodeDecodeError, csv.Error):
        raise click.BadParameter(gettext("%(file)s is no CSV file in UTF-8", file=file.name), param_hint="FILE") from None
    except IdsRefused as refused:
        click.echo(i18n.error_text(refused), err=True)
        return WRONG
    click.echo(ngettext("%(num)s id was changed", "%(num)s ids were changed", changed))
    return OUT
