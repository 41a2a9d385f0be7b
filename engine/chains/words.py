"""What a step says, in words: names of its fields and choices, and each rule as a phrase. English here, translated where shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Sentence
from ..ports import Json
from .company import Company

FIELDS: Mapping[str, str] = {
    "name": "name",
    "name_en": "English name",
    "when": "condition",
    "approvers": "who signs",
    "mode": "how many sign",
    "ratio": "share needed, in percent",
    "weights": "weights",
    "reject": "after a rejection",
    "on_reject": "where a rejection leads",
    "resubmit": "after a return",
    "limit_hours": "limit in working hours",
    "limit_days": "limit in working days",
    "on_due": "when the limit is over",
    "nobody": "when nobody is found",
    "initiator": "when the initiator would sign",
    "twice": "the same person again",
    "verbs": "what signers may do",
    "opinion": "opinion",
    "signature": "signature",
    "attachments": "attachments",
    "attachment_types": "kinds of attachments",
    "attachment_mb": "size of an attachment, in MB",
    "batch": "several at once",
    "fields": "form fields",
    "copies": "copies to",
    "decisive": "decides about an employment",
}
#: field -> its choices
CHOICES: Mapping[str, Mapping[str, str]] = {
    "mode": {
        "single": "one person",
        "claim": "whoever takes it",
        "all": "all of them",
        "any": "any one of them",
        "sequence": "all, one after another",
        "ratio": "a share of the votes",
        "random": "one drawn by lot",
    },
    "reject": {"at_once": "decides at once", "after_all": "counts when all have signed"},
    "on_reject": {
        "diagram": "as the diagram says",
        "end": "the case ends",
        "to_initiator": "back to the initiator",
        "to_previous": "back to the step before",
    },
    "resubmit": {"onward": "through all steps again", "back": "straight to who returned it", "choose": "as the one who returns it says"},
    "nobody": {
        "to_managers": "the managers of the procedure take it",
        "to_person": "these persons take it",
        "to_upper_head": "the next head above takes it",
        "incident": "wait for a manager of the procedure",
        "skip": "pass without a signature",
        "reject": "reject by rule",
    },
    "initiator": {
        "self": "signs like others",
        "skip": "is left out",
        "manager": "the superior signs instead",
        "department_head": "the head of department signs instead",
        "forbid": "may not sign",
    },
    "twice": {"none": "signs every time", "once": "signs only once", "adjacent": "does not sign twice in a row"},
    "attachments": {"never": "are not taken", "allowed": "may be given", "required": "are needed with an approval"},
    "attachment_types": {
        "pdf": "PDF documents",
        "picture": "pictures",
        "word": "Word documents",
        "excel": "Excel sheets",
        "text": "text and CSV files",
    },
    "verbs": {
        "return": "send back",
        "transfer": "hand over",
        "delegate": "ask somebody's opinion first",
        "add": "add signers",
        "remove": "remove added signers",
        "withdraw": "take back",
        "urge": "urge",
        "copy": "send copies",
    },
    "opinion": {"never": "is not asked for with an approval", "on_reject": "is needed for a rejection", "always": "is always needed"},
    "on_due": {
        "remind": "remind",
        "escalate": "the superior signs instead",
        "transfer": "hand it to somebody",
        "approve": "approve by rule",
        "reject": "reject by rule",
    },
}
#: what a step lets its signers do with a form field
ACCESS: Mapping[str, str] = {
    "readonly": "to be read",
    "editable": "may be changed",
    "required": "must be filled in",
    "hidden": "not shown",
}
RULES: Mapping[str, str] = {
    "person": "certain persons",
    "role": "a role",
    "group": "a group",
    "post": "a post",
    "department_members": "members of a department",
    "department_head": "head of department",
    "department_heads": "heads of department upward",
    "report_line": "superior on the reporting line",
    "hrbp": "HR partner",
    "counsel": "legal counsel",
    "duty": "whoever holds a duty",
    "initiator": "the initiator",
    "initiator_chooses": "chosen by the initiator",
    "signer_chooses": "chosen by the signer before",
    "form_person": "person in the form",
    "form_department": "head of a department in the form",
    "expression": "an expression",
    "operation": "named by an outside system",
}
PHRASES: Mapping[str, str] = {
    "person": "{persons}",
    "role": "whoever holds the role {roles}",
    "group": "the group {groups}",
    "post": "whoever holds the post {posts}",
    "department_members": "the members of {of}",
    "department_head": "the head of the department of {of}, level {level}",
    "department_heads": "the heads upward from the department of {of}",
    "report_line": "the superior of {of}, level {level}",
    "hrbp": "the HR partner of {of}",
    "counsel": "the legal counsel for {of}",
    "duty": "whoever is responsible for {duty} for {of}",
    "initiator": "the initiator",
    "initiator_chooses": "whom the initiator chooses",
    "signer_chooses": "whom the signer of the step before chooses",
    "form_person": "the person in the form field {field}",
    "form_department": "the head of the department in the form field {field}, level {level}",
    "expression": "{expression}",
    "operation": "whom the outside system names ({operation})",
}
OF: Mapping[str, str] = {"subject": "the employee concerned", "initiator": "the initiator"}
_OF_FIELD, _OF_SIGNER = "the form field {name}", "the signer of step {name}"
_TO_STEP = "back to step {name}"


def field(name: str) -> Sentence:
    """What a field is called."""
    return Sentence(FIELDS[name])


def rule(company: Company, rule: Mapping[str, Json]) -> Sentence:
    """Who is meant, as a phrase."""
    name = str(rule.get("rule"))
    if name not in PHRASES:
        return Sentence("an unknown rule")
    facts: dict[str, Any] = {"level": rule.get("level", 1), "field": rule.get("field", ""), "expression": rule.get("expression", "")}
    facts["operation"] = rule.get("operation", "")
    facts["of"] = _of(str(rule.get("of", "subject")))
    facts["duty"] = Sentence(str(rule.get("duty", "")).replace("_", " "))
    for kind in ("persons", "roles", "groups", "posts"):
        facts[kind] = _listed(company, kind, rule.get(kind))
    if name in ("department_members", "department_head") and rule.get("departments"):
        units = _listed(company, "departments", rule["departments"])
        template = "the members of {of}" if name == "department_members" else "the head of {of}, level {level}"
        return Sentence(template, {**facts, "of": units})
    return Sentence(PHRASES[name], facts)


def _listed(company: Company, kind: str, named: Json) -> Any:
    if not isinstance(named, list):
        return ""
    if kind == "roles":
        return Sentence(
            ", ".join("{" + f"r{i}" + "}" for i in range(len(named))), {f"r{i}": Sentence(role_name(r)) for i, r in enumerate(named)}
        )
    if kind == "persons":
        return ", ".join(_person(company, one) for one in named)
    called = [company.called(kind.removesuffix("s"), str(one)) for one in named]
    names, english = (", ".join(str(one.get(key) or one["name"]) for one in called) for key in ("name", "name_en"))
    return Sentence("“{names}”", {"names": names, "names_en": english})


def _weight(company: Company, given: Mapping[str, Json]) -> Sentence:
    kind = "persons" if "persons" in given else "roles"
    return Sentence("{who} weighs {weight}", {"who": _listed(company, kind, given.get(kind)), "weight": given.get("weight", 1)})


def role_name(role: Json) -> str:
    return str(role).replace("_", " ")


def _person(company: Company, named: Json) -> str:
    found = company.find(named)
    return str(company.named([found])[0]["name"]) if found else str(named)


def _of(of: str) -> Sentence:
    kind, _, name = of.partition(":")
    if kind in OF:
        return Sentence(OF[kind])
    return Sentence(_OF_SIGNER if kind == "signer" else _OF_FIELD, {"name": name})


def value(company: Company, name: str, given: Json) -> Any:
    """The value of a field as people read it."""
    if given is None or given == "" or given == [] or given == {}:
        return Sentence("nothing")
    if name in ("approvers", "copies") and isinstance(given, list):
        return [rule(company, one) for one in given if isinstance(one, Mapping)]
    if name == "nobody" and isinstance(given, Mapping):
        said = Sentence(CHOICES["nobody"].get(str(given.get("do")), str(given.get("do"))))
        return [said, _listed(company, "persons", given["persons"])] if given.get("persons") else said
    if name == "on_due" and isinstance(given, Mapping):
        parts: list[Any] = [Sentence(CHOICES["on_due"].get(str(given.get("do")), str(given.get("do"))))]
        parts += [_person(company, given["to"])] if given.get("to") else []
        parts += [Sentence("{count} times", {"count": given["times"]})] if given.get("times") else []
        parts += [Sentence("every {count} working hours", {"count": given["every_hours"]})] if given.get("every_hours") else []
        return parts if len(parts) > 1 else parts[0]
    if name == "on_reject" and str(given).startswith("to:"):
        return Sentence(_TO_STEP, {"name": str(given).removeprefix("to:")})
    if name == "weights" and isinstance(given, list):
        return [_weight(company, one) for one in given if isinstance(one, Mapping)]
    if name == "fields" and isinstance(given, Mapping):
        return [
            Sentence("“{name}” {access}", {"name": key, "access": Sentence(ACCESS.get(str(may), str(may)))}) for key, may in given.items()
        ]
    if name in CHOICES and isinstance(given, list):
        return [Sentence(CHOICES[name].get(str(one), str(one))) for one in given]
    if isinstance(given, bool):
        return Sentence("yes" if given else "no")
    if name in CHOICES:
        return Sentence(CHOICES[name].get(str(given), str(given)))
    return given if isinstance(given, str | int) else str(given)
