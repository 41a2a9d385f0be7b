"""Which scenarios are known to pass, so that nothing is played twice: kept by a digest of all that decides what becomes of one.

That is the files of the procedure but for its other scenarios, the sample company, chains and operations of the installation, its
settings, and the program itself. Only that one passes is kept: one that fails may have failed for a reason that is gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ...descriptions import described
from ...models import ScenarioPass
from ..gate import Progress, in_silence
from ..sandbox import Surroundings
from . import reading
from .running import Outcome, in_turn

if TYPE_CHECKING:
    import datetime as dt

    from ...services import Services

#: where and how an installation runs, which decides nothing in a sandbox; options of its connectors are secrets, too
_BESIDE = frozenset(
    (
        *("home", "database", "keys", "host", "port", "public_url", "threads", "demo", "carrier", "broker", "sweep", "live_cases"),
        *("job_lease", "job_backoff", "job_backoff_limit", "job_longest", "job_threads", "job_poll", "session_hours", "scan_uploads"),
        *("metrics_token", "worker_port", "log_format", "operations", "connectors", "reconcile_minutes"),
    )
)
#: scenarios are played one at a time in a process, so that whoever works in it is still answered
_TURN = threading.Lock()
#: seconds after which whoever waits for that looks whether they are still to wait
_PATIENCE = 0.5


def unplayed(services: Services, files: Mapping[str, bytes], *, procedure: str) -> list[str]:
    """Paths of the scenarios that are not known to pass; none where nothing can be tried."""
    if services.sandboxes is None or not _any(files):
        return []
    with contextlib.closing(services.sandboxes(services)) as worlds:
        return _unplayed(services, worlds.around, files, procedure)


def play(
    services: Services,
    files: Mapping[str, bytes],
    *,
    procedure: str,
    only: Collection[str] | None = None,
    told: Progress = in_silence,
) -> list[Outcome]:
    """Play scenarios, all or `only` those of these paths, and keep which pass. Raises NotDeployable where the files have faults."""
    if services.sandboxes is None or not _any(files):
        return []
    found: list[Outcome] = []
    every = reading.paths(files)
    of, left = len(every), len(every) if only is None else len({*every} & {*only})
    told(of - left, of)
    with contextlib.closing(services.sandboxes(services)) as worlds:
        world = _world(worlds.around, files, procedure)
        outcomes = in_turn(worlds, files, procedure=procedure, only=only)
        while True:
            worlds.must_go_on()
            if not _TURN.acquire(timeout=_PATIENCE):
                continue
            try:
                outcome = next(outcomes, None)
            finally:
                _TURN.release()
            if outcome is None:
                return found
            found.append(outcome)
            if outcome.path == reading.USUAL:
                continue
            if outcome.passed:
                _keep(services, _digest(world, files, outcome.path), procedure, outcome.path)
            left -= 1
            told(of - left, of)


def digest(around: Surroundings, files: Mapping[str, bytes], path: str, *, procedure: str) -> str:
    """Of everything that decides what becomes of the scenario at this path."""
    return _digest(_world(around, files, procedure), files, path)


def forget(services: Services, before: dt.datetime) -> None:
    """Drop what was played before a moment."""
    with services.database.unit() as unit:
        unit.connection.execute(sa.delete(ScenarioPass).where(ScenarioPass.played_at < before))
        unit.commit()


def _any(files: Collection[str]) -> bool:
    return bool(reading.paths(files)) or reading.USUAL in files


def _unplayed(services: Services, around: Surroundings, files: Mapping[str, bytes], procedure: str) -> list[str]:
    world = _world(around, files, procedure)
    digests = {_digest(world, files, path): path for path in reading.paths(files)}
    with services.database.reading() as connection:
        known = set(connection.execute(sa.select(ScenarioPass.digest).where(ScenarioPass.digest.in_(digests))).scalars())
    _, wrong = reading.usual(files.get(reading.USUAL))
    return [*([reading.USUAL] if wrong else ()), *(path for digest, path in digests.items() if digest not in known)]


def _keep(services: Services, digest: str, procedure: str, path: str) -> None:
    row = {"procedure": procedure, "path": path, "played_at": services.clock.now()}
    with services.database.unit() as unit:
        insert: Any = postgresql.insert if unit.connection.dialect.name == "postgresql" else sqlite.insert
        again = insert(ScenarioPass).values(digest=digest, **row)
        unit.connection.execute(again.on_conflict_do_update(index_elements=[ScenarioPass.digest], set_=row))
        unit.commit()


def _digest(world: str, files: Mapping[str, bytes], path: str) -> str:
    return hashlib.sha256(f"{world}\0{path}\0".encode() + files[path]).hexdigest()


def _world(around: Surroundings, files: Mapping[str, bytes], procedure: str) -> str:
    """Digest of what all scenarios have in common."""
    whole = hashlib.sha256()
    for part in (procedure, around.program, around.anything_goes, sorted(around.reads), list(around.people)):
        whole.update(f"{part!r}\0".encode())
    settings = dataclasses.asdict(around.settings)
    chains = {key: dict(chain) for key, chain in around.chains.items()}
    shown = {name: value for name, value in settings.items() if name not in _BESIDE}
    whole.update(json.dumps([shown, chains], sort_keys=True, default=str, ensure_ascii=False).encode())
    for name, told in sorted(described(around.offered).items()):
        whole.update(f"{name}\0{told!r}\0".encode())
    scenarios = {*reading.paths(files)}
    for path in sorted(files.keys() - scenarios):
        whole.update(f"{path}\0{hashlib.sha256(files[path]).hexdigest()}\n".encode())
    return whole.hexdigest()
