"""What a step of a chain is, and what is wrong with one.

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

What is left out is as in `DEFAULTS`. What would be ignored beside another setting is a fault; what is not carried out (`unwired`) can
be drafted and previewed, and is not published.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bpmn import expressions
from ..bpmn.names import CHAIN_RESULT, GIVEN
from ..errors import Sentence
from ..ports import Json
from . import giving
from .company import Company
from .rules import NEEDED, OUTSIDE, PARAMETERS

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
#: part of `on_due` -> the only thing to do for which it counts
_OF_DUE: Mapping[str, str] = {"times": "remind", "every_hours": "remind", "to": "transfer"}
_CHOICES: Mapping[str, Sequence[str]] = {
    "mode": MODES,
    "reject": ("at_once", "after_all"),
    "resubmit": ("onward", "back", "choose"),
    "initiator": INITIATOR,
    "twice": ("none", "once", "adjacent"),
}
ON_DUE = ("remind", "escalate", "transfer", "approve", "reject")
ACCESS = ("hidden", "readonly", "required", "editable")
#: those under which a signer fills in a field
WRITING = ("required", "editable")
#: what may stand for the initiator in a step that decides about an employment
DECISIVE_INITIATOR = ("manager", "department_head", "forbid")
#: the key of a chain
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_OPERATION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MOST = 20
_LONGEST = 1000


@dataclass(frozen=True)
class Fault:
    """Something that keeps a chain from being published."""

    #: which step, from 0; None for the chain itself
    step: int | None
    #: dotted path inside the step, such as `approvers.0.roles`
    field: str
    said: Sentence
    #: name of the step, where it has one
    name: str = ""

    @property
    def sentence(self) -> Sentence:
        """The fault with its place."""
        if self.step is None:
            return self.said
        place = {"number": self.step + 1, "name": self.name, "field": self.field, "fault": self.said}
        return (
            Sentence("step {number} ({name}), {field}: {fault}", place)
            if self.field
            else Sentence("step {number} ({name}): {fault}", place)
        )


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


def faults(name: Json, name_en: Json, steps: Json, company: Company | None = None) -> list[Fault]:
    """Everything that is wrong with a chain; `company`: where persons, departments and the like must exist."""
    found = [] if _named(name) and _named(name_en) else [Fault(None, "name", Sentence("it needs a name in Chinese and in English"))]
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not 1 <= len(steps) <= _MOST:
        return [*found, Fault(None, "steps", Sentence("it needs 1 to {most} steps", {"most": _MOST}))]
    keys: list[str] = []
    for number, step in enumerate(steps):
        if not isinstance(step, Mapping):
            found.append(Fault(number, "", Sentence("it is no object")))
            continue
        checked = _Step(step, keys, company)
        named = step.get("name")
        found += [Fault(number, field, said, named if isinstance(named, str) else "") for field, said in checked.found]
        # any step before may be the last that applies, whose approval opens this one
        if _asks_signer(step) and any(isinstance(before, Mapping) and before.get("batch") is True for before in steps[:number]):
            said = Sentence("who approves a step before chooses here who signs, so none before can be approved in a batch")
            found.append(Fault(number, "approvers", said, named if isinstance(named, str) else ""))
        keys.append(str(step.get("key")))
    return found


def _asks_signer(step: Mapping[str, Json]) -> bool:
    rules = step.get("approvers")
    return isinstance(rules, list) and any(isinstance(rule, Mapping) and rule.get("rule") == "signer_chooses" for rule in rules)


def unwired(steps: Sequence[Mapping[str, Json]]) -> list[Fault]:
    """What work items would not do, of steps that are otherwise sound."""
    found = []
    for number, step in enumerate(steps):
        names = [rule["rule"] for rule in step.get("copies") or ()]
        asked = [(f"copies.{place}", name) for place, name in enumerate(names) if name in (*CHOSEN, OUTSIDE)]
        template = "{what} is not carried out yet; a chain with it can be drafted and previewed, not published"
        found += [Fault(number, field, Sentence(template, {"what": what}), str(step.get("name"))) for field, what in asked]
    return found


def unoffered(steps: Sequence[Mapping[str, Json]], operations: Collection[str]) -> list[Fault]:
    """Outside systems to be asked that no connector knows, of steps that are otherwise sound. `operations`: those that are offered."""
    template = "no connector offers the operation {operation}; offered are: {choices}"
    return [
        Fault(number, f"approvers.{place}.operation", Sentence(template, facts), str(step.get("name")))
        for number, step in enumerate(steps)
        for place, rule in enumerate(step["approvers"])
        if rule["rule"] == OUTSIDE and rule["operation"] not in operations
        for facts in [{"operation": rule["operation"], "choices": ", ".join(sorted(operations)) or "–"}]
    ]


class _Step:
    """The check of one step: every fault goes to `found` with its field."""

    def __init__(self, step: Mapping[str, Json], earlier: Collection[str], company: Company | None) -> None:
        self.found: list[tuple[str, Sentence]] = []
        self._step = step
        self._earlier = earlier
        self._company = company
        self._own()
        self._approvers("approvers", step.get("approvers"), needed=True)
        self._approvers("copies", setting(step, "copies"), needed=False)
        self._choosers()
        self._limits()
        self._policies()
        self._form()
        self.found += giving.faults(step)
        if setting(step, "decisive") is True:
            self._decides()

    def _say(self, field: str, template: str, **facts: Any) -> None:
        self.found.append((field, Sentence(template, facts)))

    def _own(self) -> None:
        step = self._step
        for name in sorted(step.keys() - set(FIELDS), key=str):
            self._say(str(name), '"{name}" is not known', name=name)
        key = step.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            self._say("key", "it needs a key of at most 40 small letters, digits and _")
        elif key in self._earlier:
            self._say("key", 'the key "{key}" occurs twice', key=key)
        if not (_named(step.get("name")) and _named(step.get("name_en"))):
            self._say("name", "it needs a name in Chinese and in English")
        if not isinstance(step.get("when", ""), str | None):
            self._say("when", "it must be a text")
        elif condition(step):
            self._feel("when", condition(step))
        for field, choices in _CHOICES.items():
            self._choice(field, setting(step, field), choices)
        if not isinstance(setting(step, "decisive"), bool):
            self._say("decisive", "it must be true or false")
        reject = setting(step, "on_reject")
        if isinstance(reject, str) and reject.startswith("to:"):
            self._earlier_step("on_reject", reject.removeprefix("to:"))
        else:
            self._choice("on_reject", reject, ON_REJECT)
        if not _whole(setting(step, "ratio"), 1, 100):
            self._say("ratio", "it must be a whole number from {least} to {most}", least=1, most=100)
        for field, mode in OF_MODE.items():
            if setting(step, field) != DEFAULTS[field] and setting(step, "mode") != mode:
                self._only_with(field, "mode", mode)
        weights = setting(step, "weights")
        for number, weight in enumerate(weights if isinstance(weights, list) else ["?"]):
            sound = isinstance(weight, Mapping) and set(weight) in ({"persons", "weight"}, {"roles", "weight"})
            if not sound or not _whole(weight["weight"], 1, 1000) or not _texts(weight.get("persons", weight.get("roles"))):
                self._say(f"weights.{number}", "it must say persons or roles, and a weight from 1 to 1000")

    def _only_with(self, field: str, other: str, value: str) -> None:
        self._say(field, "it counts only where {other} is {value}; leave it out", other=other, value=value)

    def _choice(self, field: str, value: Json, choices: Sequence[str]) -> None:
        if value not in choices:
            self._say(field, "it must be one of {choices}", choices=", ".join(choices))

    def _feel(self, field: str, text: str) -> None:
        if len(text) > _LONGEST:
            self._say(field, "it has more than {most} characters", most=_LONGEST)
            return
        for problem in expressions.check(text):
            self._say(field, "the expression cannot be read: {reason}", reason=problem.message)

    def _earlier_step(self, field: str, key: str) -> None:
        if key not in self._earlier:
            self._say(field, 'there is no earlier step "{key}"', key=key)

    def _approvers(self, field: str, rules: Json, *, needed: bool) -> None:
        if not isinstance(rules, list) or (needed and not rules) or len(rules) > _MOST or not all(isinstance(r, Mapping) for r in rules):
            self._say(field, "it needs a list of approvers" if needed else "it must be a list of rules")
            return
        for number, rule in enumerate(rules):
            self._rule(f"{field}.{number}", rule)

    def _choosers(self) -> None:
        """One person chooses, somebody who acts before the step opens, and as many as can sign."""
        listed = self._step.get("approvers")
        rules = [(number, rule) for number, rule in enumerate(listed if isinstance(listed, list) else ()) if isinstance(rule, Mapping)]
        asking = [(number, rule) for number, rule in rules if rule.get("rule") in CHOSEN]
        for number, rule in asking:
            field = f"approvers.{number}"
            if number != asking[0][0]:
                self._say(field, "only one rule of a step can let somebody choose")
            if rule["rule"] == "signer_chooses" and any(place < number and one.get("rule") == OUTSIDE for place, one in rules):
                self._say(field, "nobody who signs before is there any more once an outside system was asked; let them choose first")
            if rule["rule"] == "signer_chooses" and not self._earlier:
                self._say(field, "nobody signs before the first step, so nobody can choose who signs it")
            least, most = (rule.get(name, default) for name, default in (("min", 1), ("max", MOST_CHOSEN)))
            if _whole(least, 1, MOST_CHOSEN) and _whole(most, 1, MOST_CHOSEN) and most < least:
                self._say(f"{field}.max", "it must not be less than min")
            if setting(self._step, "mode") == "single" and any(_whole(rule.get(name), 2, MOST_CHOSEN) for name in ("min", "max")):
                self._say(field, "one person signs this step, so only one can be chosen; choose another mode, or leave min and max out")

    def _rule(self, field: str, rule: Mapping[str, Json], *, inner: bool = False) -> None:
        name = rule.get("rule")
        if not isinstance(name, str) or name not in PARAMETERS or (inner and (name == OUTSIDE or "pool" in PARAMETERS[name])):
            self._say(field, 'the rule "{name}" is not known; possible are {choices}', name=name, choices=", ".join(PARAMETERS))
            return
        parameters = PARAMETERS[name]
        for other in sorted(rule.keys() - parameters.keys() - {"rule"}, key=str):
            self._say(field, '{rule}: "{name}" is not known', rule=name, name=other)
        for parameter, kind in parameters.items():
            if parameter in rule or kind in NEEDED:
                self._parameter(f"{field}.{parameter}", kind, rule.get(parameter))
        if name == "department_members" and "departments" not in rule and "of" not in rule:
            self._say(field, "it needs departments, or from whom they are found")

    def _parameter(self, field: str, kind: str, value: Json) -> None:
        match kind:
            case "persons" | "roles" | "groups" | "posts" | "departments":
                if not _texts(value):
                    self._say(field, "it must be a list of texts")
                else:
                    self._exist(field, kind, value)
            case "of":
                self._of(field, value)
            case "level" | "count":
                if not _whole(value, 1, _MOST):
                    self._say(field, "it must be a whole number from {least} to {most}", least=1, most=_MOST)
            case "end":
                self._end(field, value)
            case "within":
                self._choice(field, value, ("company", "entity", "department"))
            case "vacant":
                self._choice(field, value, ("empty", "next_up"))
            case "short":
                self._choice(field, value, ("empty", "top"))
            case "by":
                self._choice(field, value, ("entity", "region"))
            case "yes_no":
                if not isinstance(value, bool):
                    self._say(field, "it must be true or false")
            case "duty":
                if not isinstance(value, str) or not value or len(value) > 100:
                    self._say(field, "it must be a text")
                else:
                    self._exist(field, "duties", [value])
            case "field":
                if not isinstance(value, str) or not _PATH.fullmatch(value):
                    self._say(field, "it must be the name of a form field")
            case "operation":
                if not isinstance(value, str) or not _OPERATION.fullmatch(value):
                    self._say(field, "it must be the name of an operation, such as ehr.employee")
            case "values":
                if not isinstance(value, Mapping) or len(value) > _MOST or not all(isinstance(name, str) and name for name in value):
                    self._say(field, "it must be an object of at most {most} values, each with its expression", most=_MOST)
                    return
                for name, text in value.items():
                    if not isinstance(text, str) or not text.strip():
                        self._say(f"{field}.{name}", "it must be a text")
                    else:
                        self._feel(f"{field}.{name}", text)
            case "expression":
                if not isinstance(value, str) or not value.strip():
                    self._say(field, "it must be a text")
                else:
                    self._feel(field, value)
            case "pool":
                if not isinstance(value, Mapping):
                    self._say(field, "it must be a rule")
                else:
                    self._rule(field, value, inner=True)

    def _of(self, field: str, value: Json) -> None:
        kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if kind == "signer":
            self._earlier_step(field, name)
        elif not (value in ("subject", "initiator") or (kind == "field" and _PATH.fullmatch(name))):
            self._say(field, "it must be subject, initiator, field:<name> or signer:<step>")

    def _end(self, field: str, value: Json) -> None:
        kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if kind == "department":
            self._exist(field, "departments", [name])
        elif not (_whole(value, 1, _MOST) or value == "root" or (kind == "grade" and name.isdecimal() and len(name) < 4)):
            self._say(field, "it must be a level, root, department:<key> or grade:<number>")

    def _exist(self, field: str, kind: str, named: Sequence[str]) -> None:
        if self._company is None or kind == "roles":
            return
        for name in self._company.missing(kind, named):
            self._say(field, "there is no {kind} {name}", kind=Sentence(ONE_OF[kind]), name=name)

    def _limits(self) -> None:
        hours, days, due = (self._step.get(field) for field in ("limit_hours", "limit_days", "on_due"))
        for field, value, most in (("limit_hours", hours, 1000), ("limit_days", days, 250)):
            if value is not None and not _whole(value, 1, most):
                self._say(field, "it must be a whole number from {least} to {most}", least=1, most=most)
        if hours is not None and days is not None:
            self._say("limit_days", "say hours or days, not both")
        if due is None:
            return
        if not isinstance(due, Mapping) or due.keys() - {"do", "times", "every_hours", "to"}:
            self._say("on_due", "it must say what to do, and may say times, every_hours and to")
            return
        self._choice("on_due.do", due.get("do"), ON_DUE)
        if hours is None and days is None:
            self._say("on_due", "there is no limit after which it could be done")
        for field in ("times", "every_hours"):
            if field in due and not _whole(due[field], 1, 100):
                self._say(f"on_due.{field}", "it must be a whole number from {least} to {most}", least=1, most=100)
        for field, do in _OF_DUE.items():
            if field in due and due.get("do") != do:
                self._only_with(f"on_due.{field}", "on_due.do", do)
        if due.get("do") == "transfer" and not _named(due.get("to")):
            self._say("on_due.to", "say to whom")
        elif due.get("to") is not None:
            self._parameter("on_due.to", "persons", [due["to"]])

    def _policies(self) -> None:
        nobody = setting(self._step, "nobody")
        if not isinstance(nobody, Mapping) or nobody.keys() - {"do", "persons"}:
            self._say("nobody", "it must say what to do, and may name persons")
            return
        self._choice("nobody.do", nobody.get("do"), NOBODY)
        if "persons" in nobody and nobody.get("do") != "to_person":
            self._only_with("nobody.persons", "nobody.do", "to_person")
        elif nobody.get("do") == "reject" and setting(self._step, "on_reject") != "diagram":
            self._only_with("nobody.do", "on_reject", "diagram")
        elif nobody.get("do") == "to_person":
            self._parameter("nobody.persons", "persons", nobody.get("persons"))

    def _form(self) -> None:
        verbs, fields = setting(self._step, "verbs"), setting(self._step, "fields")
        if not isinstance(verbs, list) or any(verb not in VERBS for verb in verbs):
            self._say("verbs", "it must be a list of some of {choices}", choices=", ".join(VERBS))
        if not isinstance(fields, Mapping):
            self._say("fields", "it must say for each form field what signers may do with it")
            return
        for name, access in fields.items():
            if not isinstance(name, str) or not _PATH.fullmatch(name):
                self._say("fields", "it must be the name of a form field")
            self._choice(f"fields.{name}", access, ACCESS)
            if name in (*GIVEN, *CHAIN_RESULT) and access in WRITING:
                self._say(f"fields.{name}", "this value comes from the case itself; use a field with another name")
        if "required" in fields.values():
            self._by_hand(Sentence("a field must be filled in here, so this step cannot pass by itself"))

    def _by_hand(self, why: Sentence) -> None:
        """Nothing may approve the step but a person."""
        nobody, due = setting(self._step, "nobody"), self._step.get("on_due")
        if isinstance(nobody, Mapping) and nobody.get("do") == "skip":
            self.found.append(("nobody.do", why))
        if isinstance(due, Mapping) and due.get("do") == "approve":
            self.found.append(("on_due.do", why))

    def _decides(self) -> None:
        """A decision about an employment needs a person, and one who did not ask for it."""
        step = self._step
        nobody, due = setting(step, "nobody"), step.get("on_due")
        self._by_hand(Sentence("a person must decide this step, so it cannot pass by itself"))
        if isinstance(nobody, Mapping) and nobody.get("do") == "reject":
            self._say("nobody.do", "a person must decide this step, so it cannot pass by itself")
        if isinstance(due, Mapping) and due.get("do") == "reject":
            self._say("on_due.do", "a person must decide this step, so it cannot pass by itself")
        if setting(step, "mode") == "random":
            self._say("mode", "who decides this step cannot be left to chance")
        if setting(step, "initiator") not in DECISIVE_INITIATOR:
            self._say("initiator", "in a step that decides, it must be one of {choices}", choices=", ".join(DECISIVE_INITIATOR))


#: what a thing that a step names is called, one of it
ONE_OF = {
    "persons": "person",
    "departments": "department",
    "groups": "group",
    "posts": "post",
    "duties": "duty",
}


def _named(text: Json) -> bool:
    return isinstance(text, str) and text.isprintable() and 0 < len(text.strip()) <= 200


def _texts(listed: Json) -> bool:
    return isinstance(listed, list) and 0 < len(listed) <= 100 and all(_named(entry) for entry in listed)


def _whole(value: Json, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
