"""`partwell bench inbox-http`: the pages of the inbox as the server makes them, session look-up and template included."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from typing import Any

from engine.bench import inbox as reading
from engine.bench.six_tasks import People
from engine.models import Account, WebSession
from engine.services import Services

from .. import create_app
from ..accounts import COOKIE

_PAGES = {"mine": "/inbox", "group": "/inbox/group", "late": "/inbox?due=late", "search": "/inbox?search=林小北", "tabs": "/inbox/tabs"}


def measure(services: Services, people: People, items: int, persons: int, reads: int) -> dict[str, Any]:
    """`items` open ones spread over `persons`; `reads` of each page, each by another person, answered by the application itself."""
    roles = max(1, items // 10 // reading.SHARED)
    readers = reading.filled(services, people, items, reads, persons, roles)
    log_in(services, set(readers))
    client = create_app(services).test_client()
    took: dict[str, list[float]] = {page: [] for page in _PAGES}
    for reader in readers:
        client.set_cookie(COOKIE, reader)
        for page, seconds in took.items():
            began = time.perf_counter()
            answer = client.get(_PAGES[page])
            seconds.append(time.perf_counter() - began)
            if answer.status_code != 200:
                raise AssertionError(answer.text)
    return {"items": items, "persons": persons, "roles": roles, "reads": reads, **reading.shares(took)}


def log_in(services: Services, readers: set[str]) -> None:
    """A session for each, whose secret is their id."""
    now = services.clock.now()
    with services.database.unit() as unit:
        for reader in readers:
            unit.add(Account, login=reader, person_id=reader, password="", locale="zh-CN", disabled=False, onward=False)
            session = hashlib.sha256(reader.encode()).hexdigest()
            unit.add(WebSession, id=session, login=reader, created_at=now, expires_at=now + dt.timedelta(hours=8))
        unit.commit()
