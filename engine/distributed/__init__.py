"""Several processes on several machines: carriers beyond one process, and which process does what only one should do.

procrastinate and Celery are not part of an ordinary installation (`pip install 'partwell[distributed]'`): each is imported by
its own module, and that module only where the setting `carrier` names it.
"""

from __future__ import annotations

import importlib.util
import time

from ..bell import Bell
from ..db import Database
from ..errors import SettingWrong
from ..ports import Carrier, Runs
from ..settings import Settings

#: seconds by which the clock of whoever wrote a job may be ahead of ours
_AHEAD = 2.0


def heard(runner: Runs, job: str, due: float) -> None:
    """A message came: run one due job, the one that comes first; a message that names none runs all.

    `due`: of the job it was sent for, seconds since 1970. A message that is early by this machine's clock is not in vain.
    """
    time.sleep(min(max(due - time.time(), 0.0), _AHEAD))
    runner.run_due(1) if job else runner.run_due()


def carrier_of(settings: Settings, database: Database) -> Carrier:
    """The carrier that the settings name. Raises SettingWrong for one that is not installed or lacks what it needs."""
    name = settings.carrier
    if name != "embedded" and importlib.util.find_spec(name) is None:
        raise SettingWrong(setting="carrier", reason=f"{name} is not installed; install it with: pip install 'partwell[distributed]'")
    match name:
        case "procrastinate":
            if database.engine.dialect.name != "postgresql":
                raise SettingWrong(setting="carrier", reason="procrastinate needs PostgreSQL; on SQLite use embedded")
            from .by_procrastinate import Procrastinate

            return Procrastinate(database, threads=settings.job_threads)
        case "celery":
            if not settings.broker:
                raise SettingWrong(setting="broker", reason="Celery needs the address of its broker, such as redis://host or amqp://host")
            from .by_celery import Celery

            return Celery(settings.broker, threads=settings.job_threads, stale=settings.sweep)
        case _:
            return Bell(poll=settings.job_poll, threads=settings.job_threads)
