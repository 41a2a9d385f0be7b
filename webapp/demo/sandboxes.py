"""What sandboxes are made of here: the sample company's people and answers, our forms, letters and arithmetic."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.calendar import Calendars
from engine.chains import versions
from engine.fields import Keyring
from engine.letters.operations import DraftLetter, RenderLetter
from engine.people.importing import of_values
from engine.ports import DirectoryLine, Operation
from engine.services import Services
from engine.settings import Settings
from engine.studio.sandbox import Sandboxes, Surroundings

from .. import form_checker, i18n
from ..operations import PortraitOperation
from ..pdf import TypstRenderer
from . import roster, sampling


def people() -> list[DirectoryLine]:
    """The sample company's departments and people, and its administrator."""
    departments = of_values("departments", map(vars, roster.DEPARTMENTS.values()), "departments")
    persons = [
        {
            "employee_no": employee.id,
            "name": employee.name,
            "login": employee.login,
            "email": employee.email,
            "department": employee.department,
            "team": employee.team,
            "post": employee.post,
            "post_en": employee.post_en,
            "manager": employee.manager,
            "roles": roster.ROLES.get(employee.login, ()),
        }
        for employee in roster.EMPLOYEES.values()
    ]
    login, name = roster.ADMIN
    persons.append({"name": name, "login": login, "post": "系统管理员", "post_en": "System administrator", "roles": roster.ROLES[login]})
    return [*departments, *of_values("persons", persons, "persons")]


def of_installation(services: Services) -> Sandboxes:
    """Sandboxes beside an installation: its calendars, operations and languages, and the chains it has published."""
    with services.database.reading() as connection:
        chains = {}
        for key in versions.keys(connection):
            if row := versions.in_force(connection, key, services.clock.now()):
                chains[key] = {"name": row.name, "name_en": row.name_en, "steps": row.steps}
    return Sandboxes(
        _surroundings(
            services.settings,
            services.keyring,
            calendars=services.calendars,
            renderer=services.renderer,
            offered=services.operations,
            chains=chains,
        )
    )


def of_files(settings: Settings | None = None) -> Sandboxes:
    """Sandboxes where there is no installation: whatever operation a diagram names is there, and the keys are thrown away."""
    settings = settings or Settings()
    with tempfile.TemporaryDirectory(prefix="partwell-keys-") as folder:
        keyring = Keyring.open(Path(folder) / "keys.json")
    calendars = Calendars(settings.calendars, zone=settings.zone)
    return Sandboxes(_surroundings(settings, keyring, calendars=calendars, renderer=TypstRenderer(), offered={}, anything_goes=True))


def _surroundings(settings: Settings, keyring: Keyring, *, renderer: Any, **more: Any) -> Surroundings:
    zone = settings.zone

    def own(files: Any) -> Sequence[Operation]:
        return [RenderLetter(renderer, files, zone=zone), DraftLetter(files), PortraitOperation()]

    return Surroundings(
        settings=settings,
        keyring=keyring,
        renderer=renderer,
        forms=lambda clock: form_checker(zone, clock=clock),
        own=own,
        people=people(),
        sample=sampling.answer,
        reads=sampling.READS,
        translate=i18n.translated,
        **more,
    )
