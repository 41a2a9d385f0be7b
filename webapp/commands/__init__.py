"""`partwell`: the command line. Exit code 0: done; 1: something is wrong with what was looked at; 2: it could not be done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.exc import DBAPIError

from engine import settings as settings_module
from engine.errors import FormInvalid, PartwellError
from engine.settings import Settings

from .. import i18n, logs
from ..i18n import N_
from . import console

if TYPE_CHECKING:
    from engine.services import Services

#: exit codes
OUT, WRONG, FAILED = 0, 1, 2


@click.group(cls=console.Group, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "PARTWELL"})
@click.option("--home", type=click.Path(path_type=Path), help="Folder of database, keys and settings (PARTWELL_HOME).")
@click.option("--verbose", is_flag=True, help="Say more about what happens (PARTWELL_VERBOSE).")
@click.version_option(package_name="partwell")
@click.pass_context
def partwell(context: click.Context, home: Path | None, verbose: bool) -> None:
    """Partwell (好聚好散): dismissal and offboarding as procedures that everybody can see."""
    logs.configure(form="console", verbose=verbose)
    context.obj = home


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every known error becomes one sentence on standard error and exit code 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    with i18n.speaking(console.language(given, os.environ)):
        _run(given)


def _run(arguments: Sequence[str]) -> None:
    try:
        code = partwell.main(args=arguments, prog_name="partwell", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else OUT)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        console.refuse(error)
        sys.exit(FAILED)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(FAILED)
    except FormInvalid as error:
        for field, messages in error.fields.items():
            click.echo(f"{field}: {' '.join(map(i18n.gettext, messages))}", err=True)
        sys.exit(FAILED)
    except PartwellError as error:
        click.echo(i18n.error_text(error), err=True)
        sys.exit(FAILED)
    except DBAPIError as error:
        console.say(N_("The database cannot be used: %(reason)s"), reason=error.orig, err=True)
        sys.exit(FAILED)


def settings_of(context: click.Context, **given: Any) -> Settings:
    """Settings with the command's own options over them."""
    settings = settings_module.read(home=context.obj, **given)
    i18n.use_zone(settings.zone)
    logs.configure(form=settings.log_format, verbose=context.find_root().params["verbose"])
    return settings


def services_of(context: click.Context) -> Services:
    """What a command works with that calls no outside system; those of the demo company need not run."""
    from .. import create_services
    from ..demo.systems import offline

    return create_services(offline(settings_of(context)))


from . import (  # noqa: E402  (each adds its commands to the group)
    bench,
    decisions,
    demo,
    evidence,
    folders,
    installation,
    migration,
    operations,
    people,
    procedures,
    replay,
    running,
    tokens,
    versions,
)

__all__ = [
    "bench",
    "decisions",
    "demo",
    "evidence",
    "folders",
    "installation",
    "main",
    "migration",
    "operations",
    "partwell",
    "people",
    "procedures",
    "replay",
    "running",
    "tokens",
    "versions",
]
