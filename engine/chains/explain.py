"""Why somebody signs, in a sentence, from the trace that `resolve` left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..ports import Json

#: a sentence by its English, in a language
Translate = Callable[[str, str], str]


def _english(text: str, locale: str) -> str:
    return text


def explain(trace: Mapping[str, Json], locale: str, translate: Translate = _english, condition: Callable[[str], str] = str) -> str:
    """`sentences` as one text; "" where there is nothing to tell."""
    return between(locale).join(sentences(trace, locale, translate, condition))


def between(locale: str) -> str:
    """What stands between two sentences."""
    return "" if locale.startswith("zh") else " "


def sentences(trace: Mapping[str, Json], locale: str, translate: Translate = _english, condition: Callable[[str], str] = str) -> list[str]:
    """One about who signs, then one about each person who was not asked or is stood in for.

    `translate` knows the sentences by their English, and why an expression failed; where it gives markup, so are they. `condition`
    tells a condition, which is FEEL, as its reader understands it.
    """
    return _Teller(trace, locale, translate, condition).sentences()


class _Teller:
    def __init__(self, trace: Mapping[str, Json], locale: str, translate: Translate, condition: Callable[[str], str]) -> None:
        self._trace = trace
        self._english = locale.startswith("en")
        self._say: Callable[[str], str] = lambda text: translate(text, locale)
        self._comma = self._say(", ")
        self._condition = condition

    def sentences(self) -> list[str]:
        trace = self._trace
        policy, persons = trace.get("policy"), trace.get("persons") or []
        text = POLICIES.get(policy or "")
        if not persons and text is None and not trace.get("conditional"):
            return []
        facts = {"who": self._names(persons), "roles": "", "department": "", "below": "", "round": trace.get("round", "")}
        facts["initiator"] = (trace.get("initiator") or {}).get("name", "")
        facts["failed"] = self._say(trace.get("failed") or "")
        facts["when"] = self._condition(trace["when"]) if policy == "condition" else ""
        if trace.get("instead"):
            facts["who"] = self._names(trace["instead"])
        rule = trace["tried"][-1] if trace.get("tried") else {}
        facts["operation"] = rule.get("operation", "")
        if text is None:
            text = REASONS[rule["rule"]] if rule else ""
            facts |= self._facts(rule)
        told = [self._say(text).format(**facts)] if text else []
        told += [sentence for tried in trace.get("tried", ()) for sentence in self._dropped(tried)]
        told += self._dropped({"dropped": trace.get("instead_dropped", ())})
        if policy != "signed_before":
            told += [self._say(_ASKED_BEFORE).format(who=one["name"]) for one in trace.get("signed_before", ())]
        if trace.get("conditional"):
            told.append(self._say(_CONDITIONAL).format(when=self._condition(trace["conditional"])))
        told += [self._say(_CHANGED_SINCE).format(who=one["name"]) for one in trace.get("changed", ())]
        return told

    def _facts(self, rule: Mapping[str, Json]) -> dict[str, str]:
        facts = {"roles": self._comma.join(self._say(role.replace("_", " ")) for role in rule.get("roles", ()))}
        if units := rule.get("departments"):
            units = [unit for unit in units if isinstance(unit, Mapping)]
            facts["department"] = self._comma.join(dict.fromkeys(self._called(unit) for unit in units[-1:]))
            if rule["rule"] in ("department_heads", "department_members"):
                facts["department"] = self._comma.join(dict.fromkeys(map(self._called, units)))
        for named in ("posts", "groups"):
            facts[named] = self._comma.join(self._called(one) for one in rule.get(f"{named}_found", ()))
        if rule.get("below"):
            facts["below"] = rule["below"]["name"]
        if rule.get("held"):
            facts["held"] = self._called(rule["held"])
            facts["duty"] = self._say(rule["held"]["duty"].replace("_", " "))
        return facts

    def _dropped(self, rule: Mapping[str, Json]) -> list[str]:
        told = []
        for one in rule.get("dropped", ()):
            facts = {"who": one["name"], "until": str(one.get("until", ""))[:10], "substitute": one.get("substitute", {}).get("name", "")}
            told.append(self._say(DROPPED[one["reason"]]).format(**facts))
        told += [self._say(_GONE).format(who=one["name"]) for one in rule.get("gone", ())]
        if rule.get("failed"):
            told.append(self._say(_FAILED).format(failed=self._say(rule["failed"])))
        if rule.get("unanswered"):
            told.append(self._say(_UNANSWERED[rule["unanswered"]]).format(operation=rule["operation"]))
        for unit in rule.get("vacant_departments", ()):
            told.append(self._say(_VACANT).format(department=self._called(unit)))
        return told

    def _called(self, thing: Mapping[str, Any]) -> str:
        return str(thing.get("name_en" if self._english else "name") or thing.get("name") or thing["id"])

    def _names(self, persons: Sequence[Mapping[str, Json]]) -> str:
        return self._comma.join(
            self._say("{who} (for {absent})").format(who=one["name"], absent=one["for"]["name"]) if one.get("for") else one["name"]
            for one in persons
        )


REASONS = {
    "person": "To be signed by {who}, whom the approval chain names.",
    "role": "To be signed by {who}, in the role {roles}.",
    "group": "To be signed by {who}, of the group {groups}.",
    "post": "To be signed by {who}, in the post {posts}.",
    "department_members": "To be signed by {who}, of {department}.",
    "department_head": "To be signed by {who}, head of {department}.",
    "department_heads": "To be signed by {who}, heads of {department}.",
    "report_line": "To be signed by {who}, superior of {below}.",
    "manager": "To be signed by {who}, superior of {below}.",
    "hrbp": "To be signed by {who}, HR partner for {held}.",
    "counsel": "To be signed by {who}, legal counsel for {held}.",
    "duty": "To be signed by {who}, responsible for {duty} at {held}.",
    "initiator": "To be signed by {who}, who started this.",
    "initiator_chooses": "To be signed by {who}, chosen by whoever started this.",
    "signer_chooses": "To be signed by {who}, chosen by whoever signed the step before.",
    "form_person": "To be signed by {who}, named in the form.",
    "form_department": "To be signed by {who}, head of {department}, which the form names.",
    "expression": "To be signed by {who}, as the expression of the step gives.",
    "operation": "To be signed by {who}, as the outside system says that was asked ({operation}).",
}
POLICIES = {
    "to_managers": "The approval chain found nobody who may sign, so it goes to the managers of the procedure: {who}.",
    "to_person": "The approval chain found nobody who may sign, so it goes to whom it names for that: {who}.",
    "to_upper_head": "The approval chain found nobody who may sign, so it goes to the next head above: {who}.",
    "skip": "The approval chain found nobody who may sign, and then this step needs nobody.",
    "reject": "The approval chain found nobody who may sign, and then this step is rejected by rule.",
    "incident": "The approval chain found nobody who may sign; a manager of the procedure must look.",
    "nobody_left": "The approval chain found nobody who may sign, and there is no manager of the procedure to take it.",
    "superior_of_initiator": "{initiator} started this and does not sign; to be signed by the nearest superior, {who}.",
    "head_of_initiator": "{initiator} started this and does not sign; to be signed by the nearest head of department, {who}.",
    "others_than_initiator": "{initiator} started this and does not sign; to be signed by {who}.",
    "initiator_alone": "Only {initiator}, who started this, would sign; then this step needs nobody.",
    "signed_before": "{who} signed the step just before and is not asked a second time.",
    "signed_earlier": "{who} signed an earlier step and is not asked a second time.",
    "kept": "What was signed here in round {round} is kept.",
    "chosen_by_initiator": "Whoever starts this chooses who signs.",
    "chosen_by_signer": "Whoever signs before this step chooses who signs it.",
    "asking": "An outside system is being asked who signs ({operation}).",
    "asked_outside": "Who signs is asked of an outside system when the step opens ({operation}).",
    "not_known": "Who signs is found from what is not known yet.",
    "nothing_signed": "Not one step of the chain applies, though a person has to decide; a manager of the procedure must look.",
    "condition": "This step does not apply: {when}.",
    "condition_failed": "It could not be told whether this step applies: {failed}",
}
DROPPED = {
    "subject": "{who} was not asked, because this is about them.",
    "left": "{who} was not asked, because they are no longer active.",
    "disabled": "{who} was not asked, because they are no longer active.",
    "unknown": "{who} was not asked, because there is no such person.",
    "absent": "{who} is absent until {until} and names {substitute} as substitute.",
}
_VACANT = "{department} has no head at present."
_FAILED = "The expression could not be evaluated: {failed}"
_UNANSWERED = {
    "no_answer": "The outside system ({operation}) was asked who signs and gave no answer.",
    "shape": "The outside system ({operation}) was asked who signs, but its answer does not name persons.",
}
_GONE = "{who} was chosen, but can no longer be among those who sign here."
_CONDITIONAL = "It cannot be told yet whether this step applies: {when}"
_ASKED_BEFORE = "{who} signed an earlier step and is not asked a second time."
_CHANGED_SINCE = "{who} signed an earlier step, but the form has changed since, and is asked again."
