"""What a step of a chain is: its settings, and what counts where one is left out. `faults` tells what is wrong with one.

| field | also | meaning |
|---|---|---|
| `key` | | stable within the chain, `[a-z0-9_]{1,40}` |
| `name`, `name_en` | | what people read |
| `when` | | FEEL over the case's variables; without it: always |
| `approvers` | | rules in the order in which they are tried (`rules.PARAMETERS`) |
| `mode` | `ratio`, `weights`, `reject` | how many of those found must sign |
| `on_reject` | `resubmit` | where a rejection leads, and how it comes back |
| `limit_hours`, `limit_days` | `on_due` | working time until it is due, and what then |
| `nobody` | | what happens where nobody is found: {do, persons?} |
| `initiator` | | what happens where the initiator would sign |
| `twice` | | whether who signed before is asked again: `none` (yes), `once` (never), `adjacent` (not right after) |
| `verbs` | | what signers may do |
| `opinion`, `signature`, `attachments`, `batch` | `attachment_types`, `attachment_mb` | what they give with a decision (`giving`) |
| `fields` | | form field → `hidden`, `readonly`, `required` or `editable`; the rest is read-only, as is what the diagram closes |
| `copies` | | rules: who is told of the decision |
| `decisive` | | it decides about somebody's employment, so a person must decide it |

What is left out is as in `DEFAULTS`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from ..ports import Json
from . import giving

MODES = ("single", "claim", "all", "any", "sequence", "ratio", "random")
VERBS = ("return", "transfer", "delegate", "add", "remove", "withdraw", "urge", "copy")
NOBODY = ("to_managers", "to_person", "to_upper_head", "incident", "skip", "reject")
INITIATOR = ("self", "skip", "manager", "department_head", "forbid")
DEFAULTS: Mapping[str, Json] = {
    "when": "",
    "mode": "single",
    "ratio": 100,
    "weights": [],
    "reject": "at_once",
    "on_reject": "diagram",
    "resubmit": "onward",
    "limit_hours": None,
    "limit_days": None,
    "on_due": None,
    "nobody": {"do": "to_managers"},
    "initiator": "manager",
    "twice": "adjacent",
    "verbs": list(VERBS),
    **giving.DEFAULTS,
    "fields": {},
    "copies": [],
    "decisive": False,
}
FIELDS = ("key", "name", "name_en", "approvers", *DEFAULTS)
ON_REJECT = ("diagram", "end", "to_initiator", "to_previous")
#: rules that mean whom somebody chose to sign; nobody is asked to whom it is shown
CHOSEN = ("initiator_chooses", "signer_chooses")
#: most people whom somebody chooses for one step
MOST_CHOSEN = 20
#: field -> the only mode in which it counts
OF_MODE: Mapping[str, str] = {"ratio": "ratio", "weights": "ratio", "reject": "all"}
ON_DUE = ("remind", "escalate", "transfer", "approve", "reject")
ACCESS = ("hidden", "readonly", "required", "editable")
#: those under which a signer fills in a field
WRITING = ("required", "editable")
#: what may stand for the initiator in a step that decides about an employment
DECISIVE_INITIATOR = ("manager", "department_head", "forbid")
#: the key of a chain
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def setting(step: Mapping[str, Json], name: str) -> Json:
    """A field of a step, or its default."""
    if name in giving.DEFAULTS:
        return giving.value(step, name)
    given = step.get(name)
    return DEFAULTS[name] if given is None else given


def condition(step: Mapping[str, Json]) -> str:
    """FEEL that says whether a step applies, "" for always."""
    return str(step.get("when") or "").strip()


def keyed(steps: Json) -> Json:
    """The steps, each with a key: those that have none get one that no other has."""
    if not isinstance(steps, Sequence) or not all(isinstance(step, Mapping) for step in steps):
        return steps
    taken = {step.get("key") for step in steps}
    free = (key for number in itertools.count(1) if (key := f"step_{number}") not in taken)
    return [dict(step) if step.get("key") else {**step, "key": next(free)} for step in steps]


def timed(steps: Json) -> bool:
    """Whether each step has a limit of its own; steps of which the shape is wrong have none."""
    if not isinstance(steps, Sequence) or not all(isinstance(step, Mapping) for step in steps):
        return False
    return all(setting(step, "limit_hours") or setting(step, "limit_days") for step in steps)
