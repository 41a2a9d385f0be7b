"""Settings: one frozen dataclass, read from `partwell.toml` and the environment (`PARTWELL_…`, which wins)."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .errors import SettingWrong

#: see `engine.distributed`
CARRIERS = ("embedded", "procrastinate", "celery")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How much an operation's outside system bears, by all workers together. None: as much as comes."""

    #: calls under way at once
    concurrency: int | None = None
    #: calls begun within any minute, further attempts included
    per_minute: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this installation runs."""

    #: folder of database, keys, sealed files and partwell.toml
    home: Path = Path(".partwell")
    #: SQLAlchemy address; empty means SQLite in the home folder
    database: str = ""
    #: key file; empty means keys.json in the home folder
    keys: str = ""
    #: address the web listens on
    host: str = "127.0.0.1"
    #: port the web listens on
    port: int = 8000
    #: address people use where a proxy stands in front; empty means http://host:port
    public_url: str = ""
    #: threads that answer requests
    threads: int = 8
    #: IANA time zone of dates in diagrams, forms and letters
    zone: str = "Asia/Shanghai"
    #: name of the employer in letters and on pages
    company: str = "示例科技有限公司"
    #: load the demo company into an empty database, and start its systems where no connector is set up
    demo: bool = True
    #: seconds a worker holds a job before another may take it
    job_lease: float = 60.0
    #: seconds to the second attempt of a job; doubled for each further one, with jitter
    job_backoff: float = 5.0
    #: longest pause between attempts, in seconds
    job_backoff_limit: float = 3600.0
    #: seconds after which the lease of a call that still runs is renewed no more: another worker takes it
    job_longest: float = 900.0
    #: operation calls running at once in this process
    job_threads: int = 4
    #: seconds between looks at the job table when nothing rings
    job_poll: float = 1.0
    #: hours that a message is kept for a case that asks for it later
    message_hours: float = 24.0
    #: what wakes a worker when a job is due: `embedded`, `procrastinate` or `celery`
    carrier: str = "embedded"
    #: address of Celery's broker
    broker: str = ""
    #: seconds between sweeps for what nobody noticed: lost messages and old ones, jobs of dead workers, ended log-ins
    sweep: float = 5.0
    #: live cases kept in memory
    live_cases: int = 1000
    #: hours until a log-in ends
    session_hours: int = 12
    #: largest upload in MB
    upload_limit: int = 20
    #: start only where a virus scanner for uploads is set up
    scan_uploads: bool = False
    #: whoever edited an approval chain does not publish it: another administrator must
    chains_four_eyes: bool = False
    #: whoever changed the draft of a procedure does not publish it: another of its managers must
    procedures_four_eyes: bool = False
    #: notices name the case by its title, in which the employee's name may stand; otherwise by its number alone
    notice_titles: bool = True
    #: minutes after which what outside centres of to-dos show is compared with what is open here
    reconcile_minutes: float = 60.0
    #: hours before something is due at which its holders are told
    due_soon_hours: float = 4.0
    #: working hours for which nobody urges again whoever holds a piece of work
    urge_hours: float = 4.0
    #: bearer token with which /metrics is read; empty: /metrics is closed
    metrics_token: str = ""
    #: port on which a worker answers /health, /ready and /metrics; 0: it does not
    worker_port: int = 0
    #: `console` for people, `json` for machines
    log_format: str = "console"
    #: one table for each calendar of working time: {name: {zone, holidays, hours, exceptions, …}}; `office` is always there
    calendars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: limits by operation: {name: {concurrency: …, per_minute: …}}; those of "*" hold for each operation without its own
    operations: Mapping[str, Limit] = field(default_factory=dict)
    #: one table for each outside system: {name: {type: …, options}}
    connectors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'partwell.db'}"

    @property
    def key_file(self) -> Path:
        return Path(self.keys) if self.keys else self.home / "keys.json"

    @property
    def address(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"


def read(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Settings from `given`, over the environment, over partwell.toml in the home folder, over the defaults.

    Raises SettingWrong naming the setting.
    """
    home = Path(given.get("home") or environ.get("PARTWELL_HOME") or ".partwell").absolute()
    values: dict[str, Any] = {}
    file = home / "partwell.toml"
    if file.exists():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingWrong(setting=str(file), reason=str(error)) from error
    known = {f.name: f for f in dataclasses.fields(Settings)}
    for name in values:
        if name not in known:
            raise SettingWrong(setting=f"{file}: {name}", reason=f"there is no such setting; known are {', '.join(sorted(known))}")
    for name in known:
        if (text := environ.get(f"PARTWELL_{name.upper()}")) is not None and name not in ("connectors", "calendars", "operations"):
            values[name] = text
    values.update({name: value for name, value in given.items() if value is not None})
    values["home"] = home
    return Settings(**{name: _typed(name, known[name].default, value) for name, value in values.items()})


def _typed(name: str, default: Any, value: Any) -> Any:
    try:
        match default:
            case bool():
                if isinstance(value, str):
                    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[value.lower()]
                return bool(value)
            case int() | float():
                number = type(default)(value)
                if not (number == float(value) and 0 < number < math.inf):
                    raise ValueError(f"it must be {'a whole number' if isinstance(default, int) else 'a number'} above 0")
                return number
            case str():
                if name == "zone":
                    ZoneInfo(value)
                if name == "log_format" and value not in ("console", "json"):
                    raise ValueError("it is console or json")
                if name == "carrier" and value not in CARRIERS:
                    raise ValueError(f"known are {', '.join(CARRIERS)}")
                return str(value)
            case Path():
                return Path(value)
            case _ if name == "operations":
                return {operation: _limit(operation, table) for operation, table in _tables(value).items()}
            case _:
                return _tables(value)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SettingWrong(setting=name, reason=f"{value!r} does not fit ({error})") from error


def _tables(value: Any) -> Mapping[str, Mapping[str, Any]]:
    if not (isinstance(value, Mapping) and all(isinstance(options, Mapping) for options in value.values())):
        raise ValueError("it must be a table of tables")
    return value


def _limit(operation: str, table: Mapping[str, Any]) -> Limit:
    """Raises SettingWrong that names the operation and the limit."""
    known = [f.name for f in dataclasses.fields(Limit)]
    for name, value in table.items():
        setting = f'operations."{operation}".{name}'
        if name not in known:
            raise SettingWrong(setting=setting, reason=f"there is no such limit; known are {', '.join(known)}")
        if type(value) is not int or value < 1:
            raise SettingWrong(setting=setting, reason=f"{value!r} does not fit (it must be a whole number above 0)")
    return Limit(**table)
