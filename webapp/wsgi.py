"""The web in several processes under gunicorn. None of them keeps anything: sessions, files and locks are in the database.

`partwell web` starts it; whoever has a gunicorn of their own runs `gunicorn 'webapp.wsgi:app()'` with `PARTWELL_HOME` set.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from typing import Any

from flask import Flask

from engine import procedures
from engine import settings as settings_module
from engine.errors import SettingWrong
from engine.settings import Settings

from . import FORMS, PROCEDURES, create_app, create_services, logs
from .demo import seed
from .demo.systems import offline

#: seconds in which a request that was begun is finished before its process is stopped or restarted
_GRACE = 30


def app(settings: Settings | None = None) -> Flask:
    """The application of one process. Raises the errors of `create_services`."""
    if settings is None:
        settings = settings_module.read()
        logs.configure(form=settings.log_format, verbose=False)
    return create_app(create_services(offline(settings)))


def serve(settings: Settings, *, processes: int) -> None:
    """Serve until SIGTERM or SIGINT. What would keep a process from starting is raised before any is started."""
    if importlib.util.find_spec("gunicorn") is None:
        raise SettingWrong(setting="processes", reason="gunicorn is not installed; install it with: pip install 'partwell[distributed]'")
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        raise SettingWrong(setting="port", reason=f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})") from error
    services = create_services(offline(settings))
    if settings.demo:
        seed.load(services, procedures.gather(PROCEDURES / "termination", FORMS))
    services.carrier.stop()
    services.database.dispose()

    from gunicorn.app.base import BaseApplication

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in _options(settings, processes).items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app(settings)  # in each process, so that no connection is shared

    Web().run()


def _options(settings: Settings, processes: int) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": processes,
        "worker_class": "gthread",
        "threads": settings.threads,
        "timeout": 2 * _GRACE,
        "graceful_timeout": _GRACE,
        "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,
        "control_socket_disable": True,
        "loglevel": "warning",
        "proc_name": "partwell",
        "child_exit": _forget,
        "when_ready": lambda _server: print(f"Partwell  {settings.address}", flush=True),
    }


def _forget(_server: Any, worker: Any) -> None:
    """A process that ended is counted no more among those that run."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
