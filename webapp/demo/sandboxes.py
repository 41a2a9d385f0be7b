"""What sandboxes are made of here: the sample company's people and answers, our forms, letters and arithmetic."""

from __future__ import annotations

import functools
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
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

#: on whatever is printed in a sandbox, in both languages: nobody is to take it for a real letter
MARK = "试运行 SANDBOX"
#: folders of what is carried out, and endings of such files; not those from which bundles are built
_SOURCES, _ENDINGS = ("engine", "forms", "processes/rules", "webapp"), (".py", ".js", ".mjs", ".json", ".po", ".typ")
_BUILDING = "frontend"


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
    return Sandboxes(_surroundings(settings, keyring, calendars=calendars, offered={}, anything_goes=True))


@functools.cache
def _program() -> str:
    """Digest of everything that is carried out here: our own sources, and which versions of others' packages they use."""
    whole = hashlib.sha256(sys.version.encode())
    for name, version in sorted({(each.name, each.version) for each in metadata.distributions()}):
        whole.update(f"{name}=={version}\n".encode())
    root = Path(__file__).parents[2]
    for part in _SOURCES:
        for file in sorted(path for path in (root / part).rglob("*") if path.suffix in _ENDINGS and path.is_file()):
            if _BUILDING not in file.parts:
                whole.update(f"{file.relative_to(root)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _surroundings(settings: Settings, keyring: Keyring, **more: Any) -> Surroundings:
    zone, renderer = settings.zone, TypstRenderer(mark=MARK)

    def own(files: Any) -> Sequence[Operation]:
        return [RenderLetter(renderer, files, zone=zone), DraftLetter(files), PortraitOperation()]

    return Surroundings(
        program=_program(),
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
