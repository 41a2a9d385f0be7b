"""Commands about an installation: its connectors, its people."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from . import OUT, WRONG, partwell, settings_of


@partwell.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def connectors(context: click.Context, as_json: bool) -> int:
    """Ask every configured connector whether it works: settings, log-in, one harmless look at the other side."""
    from .. import create_services

    services = create_services(settings_of(context))
    offered = {id(operation): operation for operation in services.operations.values()}
    found = [{"operations": list(operation.names), "problems": list(operation.check())} for operation in offered.values()]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for each in found:
            click.echo(f"{', '.join(each['operations'])}: {'; '.join(each['problems']) or 'ok'}")
    return WRONG if any(each["problems"] for each in found) else OUT


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

    from .. import create_services
    from ..demo.systems import offline

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
