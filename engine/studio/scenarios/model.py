"""What a scenario is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...ports import Json

#: what people do with a work item, and what each takes: `text`, `object`, `nothing`, or the keys of an object, of which the first may
#: be given alone
STEP_VERBS: Mapping[str, str | Sequence[str]] = {
    "complete": "object",
    "approve": ("opinion", "values", "attachments", "chosen"),
    "reject": ("opinion", "attachments"),
    "return": ("reason", "to", "resubmit"),
    "transfer": ("to", "reason"),
    "delegate": ("to", "reason"),
    "resolve": ("opinion",),
    "withdraw": ("reason",),
    "claim": "nothing",
    "release": "nothing",
    "stand_in": ("of",),
}
#: what people do with a case
CASE_VERBS: Mapping[str, Sequence[str]] = {
    "cancel": ("reason",),
    "terminate": ("reason",),
    "suspend": ("reason",),
    "resume": ("reason",),
    "go_back": ("to", "reason"),
    "jump": ("to", "leaving", "reason"),
    "reopen": ("to", "reason"),
    "void": ("reason",),
    "confirm": ("reason",),
    "decline": ("reason",),
}
#: somebody is absent and names who signs for them, and is there again
ABSENCES: Mapping[str, Sequence[str]] = {
    "away": ("substitute", "until", "from", "chain"),
    "back": ("chain",),
}
#: what cannot be left out
NEEDED: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("go_back", "jump", "reopen"), ("to",)),
    "away": ("substitute", "until"),
}
#: what people do with a call that failed; `step` or `operation` says which
REPAIRS: Mapping[str, Sequence[str]] = {
    "retry": ("reason", "input", "variables"),
    "answer": ("value", "reason"),
    "skip": ("reason",),
}
#: what happens by itself
EVENTS = ("pass", "until", "message", "signal", "answers", "fails", "then")
#: what can be expected
EXPECTATIONS = (
    "open",
    "due",
    "variables",
    "pushes",
    "no_pushes",
    "documents",
    "incidents",
    "passed",
    "never",
    "ended",
)


@dataclass(frozen=True, kw_only=True)
class Act:
    """One entry of `when`."""

    #: of the file, from 1
    line: int
    #: one of those above
    verb: str
    #: who does it: employee number, log-in or name
    by: str = ""
    #: element of the diagram, by its id or name
    step: str = ""
    operation: str = ""
    #: what the verb is told
    given: Json = None
    #: code of the error with which it must be refused, `any` for whichever; "" where it must be done
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One file: given, when, then."""

    path: str
    name: str
    name_en: str
    #: what it is about, for people
    note: str
    clock: dt.datetime
    subject: str
    initiator: str
    locale: str
    #: lines of persons over those of the world
    people: Sequence[Mapping[str, Json]]
    #: by operation: what lies over the sample's answer
    answers: Mapping[str, Json]
    #: by operation: how it fails
    fails: Mapping[str, str]
    #: who is absent from the beginning on
    away: Sequence[Act]
    #: of the start form
    values: Mapping[str, Json]
    when: Sequence[Act]
    #: what people usually do at a step, by its id or name
    usual: Mapping[str, Sequence[Act]] = field(default_factory=dict)
