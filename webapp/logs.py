"""Log lines: for people at a console or as JSON, with the ids of what they are about and nothing about anybody.

An exception's text may hold what people wrote, so a line has its kind, its place in the code and, where that is harmless, its
cause: the sentence of a known error without its facts, the words of the operating system, the state code of the database.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog
from sqlalchemy.exc import DBAPIError

from engine.errors import PartwellError

#: lines of others that say no more than ours do, or quote what they were sent
_QUIET = ("apscheduler", "mail.log", "spiff", "urllib3", "waitress")
_ROOT = str(Path(__file__).parent.parent)


def configure(*, form: str, verbose: bool, out: TextIO | None = None) -> None:
    """Everything that is logged from here on goes to `out` (standard error) as `console` or `json`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_words,
    ]
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    threading.excepthook = _thread_ended
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else "?"
    logging.getLogger(__name__).error("the thread %s ended", name, exc_info=(ended.exc_type, ended.exc_value, ended.exc_traceback))


def _without_words(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The exception of a line as kind, cause and places."""
    found = line.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        line["exception"] = " < ".join(_chain(error))
        line["at"] = _places(error)
    return line


def _chain(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    around: BaseException | None = error
    while around is not None and id(around) not in seen:
        seen.add(id(around))
        cause = _cause(around)
        yield f"{type(around).__name__}: {cause}" if cause else type(around).__name__
        around = around.__cause__ or (None if around.__suppress_context__ else around.__context__)


def _cause(error: BaseException) -> str:
    if isinstance(error, PartwellError):
        return error.template
    if isinstance(error, OSError):
        return error.strerror or ""
    if isinstance(error, DBAPIError):
        return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))
    return str(getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", ""))


def _places(error: BaseException) -> list[str]:
    """Where it happened, outermost first: our own files whole, of others the name."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{_file(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _file(name: str) -> str:
    return name.removeprefix(_ROOT + "/") if name.startswith(_ROOT) and "site-packages" not in name else "/".join(Path(name).parts[-2:])
