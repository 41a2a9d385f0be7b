"""What tests of the studio's pages have in common: an office whose one procedure two managers change."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from web_office import FILES, Office

from engine import deploying, versions
from engine.models import Holding
from engine.studio import changing, drafts

MAIN = "/studio/office"
ANSWER = "forms/answer.form"


def second_manager(office: Office) -> None:
    """Two change the same draft."""
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.insert(Holding).values(person_id=office.people["wangfang"], role="admin"))
        unit.commit()


def save(office: Office, path: str, content: bytes, *, by: str = "admin") -> int:
    """Save over what is stored."""
    files = {file.path: file.revision for file in drafts.read(office.services, "office", actor=None).files}
    return changing.save(office.services, "office", path, content, revision=files.get(path), actor=office.people[by])


def reworded(text: str = "本人陈述与意见") -> bytes:
    return FILES[ANSWER].replace("本人陈述".encode(), text.encode())


def deploy(office: Office, **files: bytes) -> None:
    """A version from elsewhere, with these files changed."""
    deploying.deploy(office.services, {**FILES, **files}, procedure="office")


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def active(office: Office) -> Any:
    return versions.numbered(office.services, "office", None)
