"""Case variables: a tree of scopes beside the tokens. Values are JSON, copied at the border, written where the name lives."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import errors
from ..ports import Json
from .advance import Written

#: key of the process's own scope; every other scope has the key of the instance that opened it
PROCESS = ""
#: Integers from here on are no longer exact in FEEL (IEEE 754 doubles).
LARGEST = 2**53
#: half of a pair of UTF-16, which JSON can write and UTF-8 cannot
_HALF = re.compile("[\ud800-\udfff]")


@dataclass
class Scope:
    """The variables of the process, of a called process, or those local to one visit of an element."""

    parent: str | None
    values: dict[str, Json] = field(default_factory=dict)
    #: name -> (when by the scopes' clock, element) of the last write
    writers: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: names that were handed over at a call and not written since
    copied: set[str] = field(default_factory=set)


class Scopes:
    """All scopes of one case. The clock counts writes, so that overlapping work on one variable is noticed."""

    def __init__(self) -> None:
        self.tree: dict[str, Scope] = {PROCESS: Scope(None)}
        self.clock = 0

    def visible(self, key: str) -> dict[str, Json]:
        """What an expression in the scope sees. Not copied: for reading only."""
        scope = self.tree[key]
        if scope.parent is None:
            return scope.values
        return {**self.visible(scope.parent), **scope.values}

    def open(self, key: str, parent: str, values: Mapping[str, Json]) -> None:
        """A local scope, holding `values` that were evaluated already."""
        self.tree[key] = Scope(parent, dict(values))

    def call(self, key: str, values: Mapping[str, Json]) -> None:
        """The scope of a called process: it sees nothing of its caller but `values`, and writes nothing there."""
        self.tree[key] = Scope(None, dict(values), copied=set(values))

    def close(self, key: str) -> None:
        """Forgets a local scope, if there is one."""
        self.tree.pop(key, None)

    def write(self, key: str, values: Mapping[str, Json], element: str, since: int | None = None) -> list[Written]:
        """Writes each value in the innermost scope from `key` outwards that holds the name, else in that of the (called) process.

        `since` is the clock's reading when the writing work began: a value that another element wrote after that is
        overwritten unseen, and named in `Written.over`. The last write wins. Raises `errors.ValueRefused` before anything
        is written.
        """
        clean = {name: plain(name, value) for name, value in values.items()}
        written = []
        self.clock += 1
        for name, value in clean.items():
            scope = self._holder(key, name)
            when, writer = scope.writers.get(name, (0, element))
            over = writer if since is not None and when > since and writer != element else None
            scope.values[name] = value
            scope.writers[name] = (self.clock, element)
            scope.copied.discard(name)
            written.append(Written(name=name, element=element, over=over))
        return written

    def _holder(self, key: str, name: str) -> Scope:
        scope = self.tree[key]
        while scope.parent is not None and name not in scope.values:
            scope = self.tree[scope.parent]
        return scope

    def dump(self, since: Iterable[int]) -> Json:
        """JSON of all scopes. Writers are kept only where work that began before their write (`since`) still waits."""
        oldest = min(since, default=self.clock)
        return [
            self.clock,
            {
                key: [scope.parent, scope.values, {n: w for n, w in scope.writers.items() if w[0] > oldest}, *_copied(scope)]
                for key, scope in self.tree.items()
            },
        ]

    @classmethod
    def load(cls, state: Json) -> Scopes:
        """The scopes that `dump` described."""
        scopes = cls()
        scopes.clock, tree = state
        scopes.tree = {
            key: Scope(parent, values, {name: (when, element) for name, (when, element) in writers.items()}, set(*copied))
            for key, (parent, values, writers, *copied) in tree.items()
        }
        return scopes


def _copied(scope: Scope) -> list[list[str]]:
    return [sorted(scope.copied)] if scope.copied else []


def plain(name: str, value: Any) -> Json:
    """A copy of `value` if it is JSON. Raises `errors.ValueRefused` naming the variable otherwise."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _HALF.search(value):
            raise errors.ValueRefused(name=name, reason="it holds half of a character")
        return value
    if isinstance(value, int):
        if abs(value) >= LARGEST:
            raise errors.ValueRefused(name=name, reason="whole numbers from 2^53 on are not exact; store it as text")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise errors.ValueRefused(name=name, reason="it is not a finite number")
        return value
    if isinstance(value, list):
        return [plain(f"{name}[{i}]", item) for i, item in enumerate(value, 1)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise errors.ValueRefused(name=name, reason=f"a key in it is not text: {key!r}")
        return {key: plain(f"{name}.{key}", item) for key, item in value.items()}
    reason = f"it is no JSON, which has dates and amounts as text or whole numbers: {type(value).__name__}"
    raise errors.ValueRefused(name=name, reason=reason)


def nested(target: str, value: Json, visible: Mapping[str, Json]) -> tuple[str, Json]:
    """The variable and value of an output mapping: the target `a.b` sets `b` inside a copy of the variable `a`."""
    name, *path = target.split(".")
    for i in range(len(path), 0, -1):
        outer: Json = visible
        for step in [name, *path[: i - 1]]:
            outer = outer.get(step) if isinstance(outer, Mapping) else None
        value = {**(outer if isinstance(outer, Mapping) else {}), path[i - 1]: value}
    return name, value
