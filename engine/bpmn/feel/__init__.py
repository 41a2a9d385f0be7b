"""The FEEL interpreter: feelin and the DMN layer of `src/`, bundled as `feel.js`, in QuickJS.

No network, no files, no host functions; limits on time, memory and stack. Contexts are made when first needed and lent to one thread
at a time. To build the bundle: `npm ci && npm run build` in this folder. What is inside is under the licences in `licences/`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import math
import pathlib
import re
import time
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

import orjson
import quickjs

from engine.ports import Json

_T = TypeVar("_T")

BUNDLE: Final = pathlib.Path(__file__).parent / "feel.js"
MEMORY: Final = 64 << 20
#: Seconds of processor time. QuickJS counts that of the whole process; `asked` sees to it that a thread pays for its own only.
SECONDS: Final = 1.0
#: how often something is asked whose time others used up
ATTEMPTS: Final = 5
#: Must stay below the real stack of a thread (8 MB with glibc), which QuickJS cannot see.
STACK: Final = 1 << 20
#: Reading a whole file of decisions takes up to 1 ms for each cell; so many characters of its model have a second more.
CHARACTERS: Final = 15_000
#: Expressions after which a context is made anew: 3000 take about 12 MB of the 64.
MOST: Final = 5000
#: Contexts kept for the next who needs one, about 9 MB each with a large table in it; more exist only while more threads evaluate.
KEPT: Final = 4
_FUNCTIONS = ("zone", "study", "form", "compile", "run", "inspect", "load", "decide")


class LimitReached(Exception):
    """A limit of time, memory or stack; the context is gone with all that was compiled in it, a new one is in its place."""

    def __init__(self, *, by_others: bool) -> None:
        super().__init__()
        #: the time was used up, and part of it not by the thread that asked
        self.by_others = by_others


class Interpreter:
    """A QuickJS context with the bundle in it, for one thread at a time."""

    def __init__(self) -> None:
        #: by how much the limit is raised for what others take of it meanwhile
        self.patience = 1
        self._begin()

    def _begin(self) -> None:
        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY)
        self._context.set_max_stack_size(STACK)
        self._context.eval(BUNDLE.read_text("utf-8"))
        self._functions: dict[str, Callable[..., Any]] = {name: self._context.eval(f"partwell.{name}") for name in _FUNCTIONS}
        #: what was compiled here, for those who compile: anything by any key
        self.compiled: dict[Any, Any] = {}
        #: expressions compiled here
        self.size = 0

    def make_room(self) -> None:
        """To be called before something is compiled: a context that holds the most begins anew."""
        if self.size >= MOST:
            self._begin()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of `src/main.mjs`. Raises `LimitReached`, or `quickjs.JSException` for a fault in the bundle."""
        more = sum(map(len, arguments)) / CHARACTERS if name in ("load", "inspect") else 0
        limit = SECONDS + more
        self._context.set_time_limit(limit * self.patience)
        began, together = time.thread_time(), time.process_time()
        while True:
            try:
                answer = self._functions[name](*arguments)
            except quickjs.JSException as error:
                message = str(error).split("\n")[0]
                # An interruption that passes through a catch of the interpreter arrives as the text "null".
                if isinstance(error, quickjs.StackOverflow) or message == "null" or "InternalError" in message:
                    ours, all_of_it = time.thread_time() - began, time.process_time() - together
                    self._begin()
                    raise LimitReached(by_others=ours < 0.9 * limit and all_of_it > limit) from None
                raise
            if not isinstance(answer, str) or answer[:1] != "z":
                if self.patience > 1 and time.thread_time() - began > limit:
                    raise LimitReached(by_others=False)  # what fails on a quiet machine is not answered on a busy one
                return answer
            self._functions["zone"](answer[1:], zone_table(answer[1:]))


def said(error: Exception) -> str:
    """The sentence of an error, without its kind and the place in the bundle."""
    return re.sub(r"^\w*Error: ", "", str(error).split("\n")[0]).rstrip(".")


#: who is free, the warmest last; a list's pop and append are atomic
_free: list[Interpreter] = []


def _take(holding: Any) -> Interpreter:
    for known in [one for one in reversed(_free) if holding in one.compiled]:
        with contextlib.suppress(ValueError):  # somebody else was faster
            _free.remove(known)
            return known
    try:
        return _free.pop()
    except IndexError:
        return Interpreter()


@contextlib.contextmanager
def interpreter(patience: int = 1, holding: Any = None) -> Iterator[Interpreter]:
    """An interpreter that nobody else has meanwhile; one that compiled `holding` where there is one, since a table takes long."""
    lent = _take(holding)
    lent.patience = patience
    try:
        yield lent
    finally:
        if len(_free) < KEPT:
            _free.append(lent)


def asked(ask: Callable[[Interpreter], _T], holding: Any = None) -> _T:
    """What an interpreter answers. Raises `LimitReached` as `Interpreter.call`.

    Where other threads used up its time it is asked again, and given as much more as there were attempts.
    """
    for patience in range(1, ATTEMPTS + 1):
        with interpreter(patience, holding) as lent:
            try:
                return ask(lent)
            except LimitReached as reached:
                if not reached.by_others or patience == ATTEMPTS:
                    raise
    raise AssertionError("an attempt ends with an answer or an error")


def wire(data: Mapping[str, Json]) -> str:
    """`data` as JSON text. Raises `ValueError` for what is not JSON, or as a double would not keep its exact value."""
    options = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    try:
        content = orjson.dumps(data, option=options)
    except TypeError as error:
        try:
            reason = _unfit(data)
        except RecursionError:
            reason = "the data contain themselves, or are nested too deeply"
        raise ValueError(reason or str(error).replace("Recursion limit reached", "the data are nested too deeply")) from None
    # orjson writes NaN and infinity as null: only where a null stands must the values be looked at.
    if b"null" in content and (reason := _unfit(data)):
        raise ValueError(reason)
    return content.decode()


def _unfit(value: Any) -> str | None:
    """Why `value` cannot be handed to FEEL."""
    if isinstance(value, Mapping):
        return next(filter(None, map(_unfit, value.values())), None)
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(_unfit, value)), None)
    if isinstance(value, Decimal):
        return f"{value} is a Decimal; pass integer fen, or text"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if isinstance(value, int) and abs(value) >= 2**53:
        return f"{value} is too large to be exact; pass text"
    if value is None or isinstance(value, (str, int, float)):
        return None
    return f"{type(value).__name__} is not JSON"


def local_time(now: dt.datetime | None, zone: str) -> str:
    """`now` as the bundle wants it, such as `2026-11-24T18:00:00@Asia/Shanghai`; empty for None."""
    if now is None:
        return ""
    if now.tzinfo is None:
        raise ValueError("the time passed in has no time zone")
    return f"{now.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None).isoformat()}@{zone}"


@functools.cache
def zone_names() -> dict[str, str]:
    """Names of all time zones by their upper-case form."""
    return {name.upper(): name for name in zoneinfo.available_timezones()}


@functools.lru_cache(maxsize=64)
def zone_table(name: str) -> str:
    """JSON of the offsets of a zone from 1900 to 2100 as `src/zones.mjs` wants it; `null` when there is no such zone."""
    known = zone_names().get(name.upper())
    if known is None:
        return "null"
    zone = zoneinfo.ZoneInfo(known)
    first = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)

    def offset(day: float) -> int:
        passed = (first + dt.timedelta(days=day)).astimezone(zone).utcoffset()
        return int(passed.total_seconds()) if passed else 0

    changes: list[int] = []
    offsets = [offset(0)]
    step = 15
    for day in range(step, 200 * 365, step):
        if (new := offset(day)) == offsets[-1]:
            continue
        low, high = (day - step) * 86400, day * 86400
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle / 86400) == offsets[-1] else (low, middle)
        changes.append(int(first.timestamp()) + high)
        offsets.append(new)
    return json.dumps({"changes": changes, "offsets": offsets, "name": known})
