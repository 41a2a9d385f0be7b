"""What a step is resolved for: whom a case is about, who started it, what it knows, and what happened in it so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..ports import Json


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One case, or one that might be, at one moment. Persons are named by id."""

    subject: str
    initiator: str
    #: the moment as of which people are found
    at: dt.datetime
    #: the case's variables, for conditions and form fields
    variables: Mapping[str, Json] = field(default_factory=dict)
    #: key of a step -> who approved it in its present round, in their own name; in the order of the steps
    signed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: key of a step -> who approved it -> case variables of the form that have changed since
    changed: Mapping[str, Mapping[str, Set[str]]] = field(default_factory=dict)
    #: key of a step -> persons whom the initiator, or the signer of the step before, chose for it
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: what an outside system was asked for this step (`rules.asked`) -> {persons}, or {failed}: `no_answer` or `shape`
    answers: Mapping[str, Json] = field(default_factory=dict)
    #: roles that take what nobody else can
    managers: Sequence[str] = ("admin",)
    #: name of the procedure and key of the chain, for substitutes who stand in for one of them only
    procedure: str | None = None
    chain: str | None = None
    #: draws one of so many, by its place; None where nothing is drawn yet, as in a forecast
    draw: Callable[[int], int] | None = None

    def value(self, path: str) -> Json:
        """The variable, or what lies in it under a dotted path; None where there is none."""
        found: Json = self.variables
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
