"""What is wrong with one step of a chain, told by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..bpmn import expressions
from ..bpmn.names import CHAIN_RESULT, GIVEN
from ..errors import Sentence
from ..ports import Json
from . import giving
from .company import Company
from .rules import NEEDED, OUTSIDE, PARAMETERS
from .steps import (
    ACCESS,
    CHOSEN,
    DECISIVE_INITIATOR,
    DEFAULTS,
    FIELDS,
    INITIATOR,
    MODES,
    MOST_CHOSEN,
    NOBODY,
    OF_MODE,
    ON_DUE,
    ON_REJECT,
    VERBS,
    WRITING,
    condition,
    setting,
)

#: part of `on_due` -> the only thing to do for which it counts
_OF_DUE: Mapping[str, str] = {"times": "remind", "every_hours": "remind", "to": "transfer"}
_CHOICES: Mapping[str, Sequence[str]] = {
    "mode": MODES,
    "reject": ("at_once", "after_all"),
    "resubmit": ("onward", "back", "choose"),
    "initiator": INITIATOR,
    "twice": ("none", "once", "adjacent"),
}
#: what a thing that a step names is called, one of it
ONE_OF = {
    "persons": "person",
    "departments": "department",
    "groups": "group",
    "posts": "post",
    "duties": "duty",
}
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
#: most rules in a list, levels upward, people asked for, values of an operation
_MOST = 20
#: most characters of an expression
_LONGEST = 1000


class Check:
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
        if not (named(step.get("name")) and named(step.get("name_en"))):
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
                if not isinstance(value, str) or not _DOTTED.fullmatch(value):
                    self._say(field, "it must be the name of a form field")
            case "operation":
                if not isinstance(value, str) or not _DOTTED.fullmatch(value):
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
        elif not (value in ("subject", "initiator") or (kind == "field" and _DOTTED.fullmatch(name))):
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
        if due.get("do") == "transfer" and not named(due.get("to")):
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
            if not isinstance(name, str) or not _DOTTED.fullmatch(name):
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


def named(text: Json) -> bool:
    """Whether it is a text that can be shown as somebody's or something's name."""
    return isinstance(text, str) and text.isprintable() and 0 < len(text.strip()) <= 200


def _texts(listed: Json) -> bool:
    return isinstance(listed, list) and 0 < len(listed) <= 100 and all(named(entry) for entry in listed)


def _whole(value: Json, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
