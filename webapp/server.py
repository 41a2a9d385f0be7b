"""`partwell up` and `partwell worker`: web server, runner and, for the demo, the sample company's process."""

from __future__ import annotations

import datetime as dt
import os
import socket
import sys
import threading

import click
import waitress
from flask import Flask

from engine import messages, procedures
from engine.analytics import tallies
from engine.bell import Bell
from engine.distributed.sweep import Duty, Sweeper, strays
from engine.documents import MEGABYTE
from engine.errors import SettingWrong
from engine.projecting import reconciling
from engine.services import Services
from engine.settings import Settings
from engine.studio import tries
from engine.studio.scenarios import verdicts
from engine.work import rerouting

from . import FORMS, PROCEDURES, accounts, create_app, create_monitor, create_runner, create_services, with_connectors
from .api import repeats
from .api.shapes import FOLDER
from .demo import seed
from .demo.systems import SampleCompany
from .i18n import gettext

#: how long it is known that a scenario passed
_PLAYED = dt.timedelta(days=90)


class Monitor:
    """The port at which a worker says how it is."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        try:
            self._web = waitress.create_server(app, host=host, port=port, threads=2, clear_untrusted_proxy_headers=True, ident=None)
        except OSError as error:
            raise SettingWrong(setting="worker_port", reason=f"{host}:{port} cannot be listened on ({error.strerror})") from error
        threading.Thread(target=self._web.run, name="monitor", daemon=True).start()

    def stop(self) -> None:
        self._web.task_dispatcher.shutdown()
        self._web.close()


def _reroute(services: Services, now: dt.datetime) -> None:
    rerouting.reroute(services, now)


def sweeper(services: Services) -> Sweeper:
    """The sweep with all its duties."""
    every = services.settings.sweep
    duties: list[Duty] = [
        lambda now: accounts.forget_ended(services.database, now),
        lambda now: repeats.forget(services.database, now),
        lambda _now: _hand_out(services),
        lambda now: _forget(services, now),
        lambda now: _reroute(services, now),
        lambda now: reconciling.due(services, now),
        tallies.keeping_up(services),
    ]
    if not isinstance(services.carrier, Bell):  # which looks for jobs by itself, in each worker
        duties.append(strays(services.database, services.carrier, ahead=every))
    return Sweeper(services.database, services.clock, duties, every=every)


def _hand_out(services: Services) -> None:
    messages.hand_out(services)


def _forget(services: Services, now: dt.datetime) -> None:
    messages.forget(services.database, now)
    verdicts.forget(services, now - _PLAYED)
    tries.forget_old(services.settings.home)


class Worker:
    """Runs jobs until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self._company = SampleCompany(settings.home / "sample-company") if settings.demo and not settings.connectors else None
        if self._company:
            settings = with_connectors(settings, self._company.connectors)
        self.services = create_services(settings)
        self._sweeper = sweeper(self.services)

    def start(self) -> None:
        self._run_jobs()
        settings = self.services.settings
        if settings.worker_port:
            try:
                self._monitor = Monitor(create_monitor(self.services, self._runner), settings.host, settings.worker_port)
            except SettingWrong:
                self.stop()
                raise

    def _run_jobs(self) -> None:
        self._runner = create_runner(self.services, name=f"{socket.gethostname()}:{os.getpid()}")
        self.services.carrier.start(self._runner)
        self._sweeper.start()

    def stop(self) -> None:
        if monitor := getattr(self, "_monitor", None):
            monitor.stop()
        self._hurry()
        self._sweeper.stop()
        self.services.carrier.stop()
        self.services.database.dispose()
        if self._company:
            self._company.stop()

    def _hurry(self) -> None:
        if runner := getattr(self, "_runner", None):
            runner.hurry()


class Server(Worker):
    """A worker that serves the web, too."""

    def start(self) -> None:
        settings = self.services.settings
        if settings.demo:
            seed.load(self.services, procedures.gather(PROCEDURES / "termination", FORMS))
        try:
            app = create_app(self.services)
            self._web = waitress.create_server(
                app,
                host=settings.host,
                port=settings.port,
                threads=settings.threads,
                # more than the application takes, so that what is too large gets the application's own answer
                max_request_body_size=2 * max(app.config["MAX_CONTENT_LENGTH"], FOLDER * MEGABYTE),
                clear_untrusted_proxy_headers=True,
                ident=None,
            )
        except OSError as error:
            self.stop()
            raise SettingWrong(
                setting="port", reason=f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})"
            ) from error
        self._run_jobs()
        app.extensions["runner"] = self._runner
        self._serving = threading.Thread(target=self._web.run, name="web", daemon=True)
        self._serving.start()
        click.echo(f"Partwell  {settings.address}")
        if settings.demo:
            click.echo(gettext("Demo accounts, password %(password)s", password=seed.PASSWORD))
            for login, who in seed.accounts():
                click.echo(f"  {login:<12} {who}")
            if self._company:
                click.echo(gettext("Sample company") + f"  {self._company.address}")
        sys.stdout.flush()

    def stop(self) -> None:
        self._hurry()
        if web := getattr(self, "_web", None):
            web.task_dispatcher.shutdown()  # before the files close that its threads write to
            web.close()
        super().stop()
