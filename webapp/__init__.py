"""The composition root: the only place that knows every concrete class. Web, worker, command line and tests call it.

Imports stand inside the functions: the sample company lives in this package, too, and is a process that loads none of this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from flask import Flask

    from engine.descriptions import Description
    from engine.jobs import Runner
    from engine.ports import Carrier, Clock
    from engine.services import Services
    from engine.settings import Settings

#: procedures and forms as shipped
PROCEDURES = Path(__file__).parent.parent / "processes"
FORMS = Path(__file__).parent.parent / "forms"


def create_services(settings: Settings, *, clock: Clock | None = None, carrier: Carrier | None = None) -> Services:
    """Open the database at the present schema and join everything that the settings name.

    Raises SettingWrong naming the setting, OtherKeys for a database that was written with other keys.
    """
    import connectors
    from engine import announcing, keys, migrations
    from engine.bpmn import expressions
    from engine.bpmn.state import LiveCases
    from engine.calendar import Calendars
    from engine.db import Database
    from engine.distributed import carrier_of
    from engine.errors import SettingWrong
    from engine.fields import Keyring
    from engine.letters.operations import DraftLetter, RenderLetter
    from engine.procedures import Programs, files_of_case
    from engine.services import Services, SystemClock

    from . import i18n
    from .demo import sandboxes
    from .operations import PortraitOperation
    from .pdf import TypstRenderer

    expressions.configure(settings.zone)
    calendars = Calendars(settings.calendars, zone=settings.zone)
    keyring = Keyring.open(settings.key_file)
    database = Database(settings.database_url, keyring)
    migrations.upgrade(database)
    keys.check(database)
    programs = Programs(database, calendars=calendars)
    renderer = TypstRenderer()

    def letters(number: str) -> Mapping[str, bytes]:
        return files_of_case(database, programs, number)

    outside = connectors.load(settings.connectors)
    scanner = connectors.scanner(outside)
    if settings.scan_uploads and scanner is None:
        raise SettingWrong(setting="scan_uploads", reason="no connector is set up that looks for viruses, such as clamav")
    own = [RenderLetter(renderer, letters, zone=settings.zone), DraftLetter(letters), PortraitOperation()]
    return Services(
        settings=settings,
        keyring=keyring,
        database=database,
        clock=clock or SystemClock(),
        forms=form_checker(settings.zone, clock=clock),
        renderer=renderer,
        operations=connectors.operations((*own, *outside)),
        notifiers=connectors.notifiers(outside),
        scanner=scanner,
        listeners=announcing.checked(connectors.listeners(outside)),
        projectors=connectors.projectors(outside),
        finders=connectors.finders(outside),
        translate=i18n.translated,
        carrier=carrier or carrier_of(settings, database),
        programs=programs,
        live=LiveCases(settings.live_cases),
        calendars=calendars,
        sandboxes=sandboxes.of_installation,
    )


def told_of_operations() -> dict[str, Description]:
    """What our own operations and those of every installed connector say of themselves, set up or not, by their names."""
    import connectors
    from engine.letters.operations import DraftLetter, RenderLetter

    from .operations import PortraitOperation

    kinds = (*connectors.offered().values(), RenderLetter, DraftLetter, PortraitOperation)
    return {told.name: told for kind in kinds for told in getattr(kind, "descriptions", ())}


def form_checker(zone: str, *, clock: Clock | None = None) -> Any:
    """The form checker with our FEEL and our languages; expressions may ask what day it is."""

    from engine import documents
    from engine.bpmn import expressions
    from engine.services import SystemClock
    from forms import FormChecker

    from . import i18n

    def translate(text: str, locale: str) -> str:
        return i18n.catalogue(locale).gettext(text)

    now = (clock or SystemClock()).now

    def evaluate(text: str, data: Mapping[str, Any]) -> Any:
        return expressions.evaluate(text, data, now=now())

    return FormChecker(
        evaluate=evaluate,
        check_expression=expressions.check,
        translate=translate,
        zone=ZoneInfo(zone),
        now=now,
        file_types=documents.TYPES,
    )


def create_runner(services: Services, *, name: str) -> Runner:
    """What runs the jobs; closed cases are sealed with the readable report."""
    from engine import evidence
    from engine.jobs import Runner
    from processes.rules import charts

    from . import entries, i18n
    from .reports import CaseReport

    def answers(schema: Any, values: Any) -> list[entries.Answer]:
        view = cast(Any, services.forms).view
        return entries.answers(view(schema, values, permissions=entries.given(schema, values), locale="zh-CN"))

    report = CaseReport(services.renderer, i18n.catalogue("zh-CN").gettext, charts.of_portrait, answers)

    def seal(case_id: str) -> None:
        evidence.seal(services, case_id, report=report)

    return Runner(services, name=name, seal=seal)


def with_connectors(settings: Settings, config: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings with outside systems beside those they have."""
    return dataclasses.replace(settings, connectors={**config, **settings.connectors})


def create_monitor(services: Services, runner: Runner) -> Flask:
    """What a worker without pages answers: whether it lives and works, and its figures."""
    from flask import Flask

    from . import health, metrics, requestlog

    app = Flask(__name__, static_folder=None)
    app.extensions.update(partwell=services, runner=runner)
    for part in (requestlog, health, metrics):
        part.init_app(app)
    return app


def create_app(services: Services) -> Flask:
    """The web on these services."""
    from flask import Flask

    from . import site

    app = Flask(__name__)
    app.extensions["partwell"] = services
    site.init_app(app)
    return app
