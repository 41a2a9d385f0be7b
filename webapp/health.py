"""`/health`: the process lives. `/ready`: it can work. For load balancers and supervisors; without a log-in, without details."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from engine import claims, migrations
from engine.bell import Bell
from engine.errors import PartwellError
from engine.jobs import Runner
from engine.services import Services

health = Blueprint("health", __name__)

#: seconds that a job may be due before it counts as late
_LATE = 60
#: days before a year whose working days are not announced is warned of
_AHEAD = 30


def init_app(app: Flask) -> None:
    app.register_blueprint(health)


@health.get("/health")
def alive() -> Any:
    """200 {"status": "ok"}; nothing is asked of anybody, so that a database that is down restarts no process."""
    return {"status": "ok"}


@health.get("/ready")
def ready() -> Any:
    """200 or 503 {"ready", "checks": {name: "ok" or what is wrong}, "warnings": [...]}."""
    services: Services = current_app.extensions["partwell"]
    runner: Runner | None = current_app.extensions.get("runner")
    checks, warnings = checked(services, runner)
    good = all(said == "ok" for said in checks.values())
    said = {"ready": good, "checks": checks, "warnings": warnings}
    return (said, 200) if good else (said, 503, {"Retry-After": "2"})


def checked(services: Services, runner: Runner | None) -> tuple[dict[str, str], list[str]]:
    """What must hold for this process to work, and what somebody should look at."""
    now = services.clock.now()
    checks = {"database": "ok", "schema": "ok"}
    warnings = [
        f"calendar {calendar.name}: the working days of {(now + dt.timedelta(days=_AHEAD)).year} are not announced or not entered"
        for calendar in services.calendars
        if not calendar.days.knows((now + dt.timedelta(days=_AHEAD)).year)
    ]
    try:
        with services.database.reading() as connection:
            revision = migrations.revision(connection)
            since = claims.oldest_due(connection, now)
    except (PartwellError, SQLAlchemyError):
        checks["database"], checks["schema"] = "it does not answer", "not known"
    else:
        if revision != migrations.head():
            checks["schema"] = f"it is at {revision}, this release needs {migrations.head()}"
        late = (now - since).total_seconds() if since else 0
        if late > _LATE:
            warnings.append(f"jobs are late: the oldest has been due for {late:.0f} seconds")
    if runner is not None and isinstance(services.carrier, Bell):  # other carriers look on their own
        settings = services.settings
        quiet = (now - runner.looked).total_seconds() if runner.looked else None
        if quiet is None:
            checks["jobs"] = "they were not looked for yet"
        elif quiet > settings.job_lease + 5 * settings.job_poll:
            checks["jobs"] = f"they were last looked for {quiet:.0f} seconds ago"
        else:
            checks["jobs"] = "ok"
    return checks, warnings
