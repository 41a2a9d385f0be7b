"""From a step to the people who sign it: the rules in order, whom they may not be, who stands in, and why.

One code path for a step that opens, for what will follow, and for a preview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from ..bpmn import expressions
from ..errors import FeelError
from ..people import directory
from ..ports import Json
from . import rules
from .company import Company
from .situation import Situation
from .steps import WRITING, condition, setting

#: modes in which one signature is enough, so that the others of a step sign in the initiator's place
ONE_SIGNS = frozenset({"single", "claim", "any", "random"})


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One person who signs."""

    person: str
    #: the absent one in whose place they do
    absent: str | None = None
    weight: int = 1


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A step with its people."""

    key: str
    name: str
    name_en: str
    mode: str
    #: in order; empty where nobody is needed, or nobody was found
    signers: Sequence[Signer]
    #: None: they sign. `unreached`: its condition is not met; `skipped`: nobody needs to sign; `rejected`: decided by rule; `incident`:
    #: an administrator must look. `unknown`: cannot be told yet (`forecast`), or before an outside system is asked
    outcome: str | None
    #: why these people, for `explain`
    trace: Mapping[str, Json]

    @property
    def persons(self) -> list[str]:
        return [signer.person for signer in self.signers]


@dataclass(kw_only=True)
class _Fit:
    """Candidates as far as they may sign, and who may not, with the reason."""

    kept: list[Signer] = field(default_factory=list)
    dropped: list[dict[str, Json]] = field(default_factory=list)


def chain(company: Company, steps: Sequence[Mapping[str, Json]], case: Situation) -> list[Resolved]:
    """Every step as of now; who is found for one is taken to approve it."""
    found = []
    for step in steps:
        resolved = one(company, step, case)
        found.append(resolved)
        case = after(case, resolved)
    return found


def after(case: Situation, resolved: Resolved) -> Situation:
    """The situation once the step was approved: by everybody, or, where one is enough, by whoever is sure to be the one."""
    own = [signer.person for signer in resolved.signers if signer.absent is None]
    if resolved.outcome is not None or (resolved.mode in ONE_SIGNS and len(resolved.signers) > 1):
        own = []
    return case if resolved.outcome is not None else replace(case, signed={**case.signed, resolved.key: own})


def one(company: Company, step: Mapping[str, Json], case: Situation) -> Resolved:
    """The people of one step, with the reason for each."""
    mode = setting(step, "mode")
    trace: dict[str, Json] = {"at": case.at.isoformat(timespec="seconds"), "step": step["key"], "mode": mode, "tried": [], "policy": None}

    def result(outcome: str | None, signers: Sequence[Signer] = (), policy: str | None = None) -> Resolved:
        trace["policy"] = policy or trace["policy"]
        trace["persons"] = _signers(company, signers)
        kept = () if outcome else signers
        return Resolved(key=step["key"], name=step["name"], name_en=step["name_en"], mode=mode, signers=kept, outcome=outcome, trace=trace)

    if when := condition(step):
        trace["when"] = when
        try:
            applies = expressions.condition(when, rules.seen(company, case, when), now=case.at)
        except FeelError as error:
            trace["failed"] = error.facts["reason"]
            return result("incident", policy="condition_failed")
        if not applies:
            return result("unreached", policy="condition")
    signers = _by_rules(company, step, case, trace)
    if trace["tried"][-1].get("asks"):
        return result("unknown", policy="asked_outside")
    if not signers:
        outcome, signers = _nobody(company, step, case, trace)
        if outcome:
            return result(outcome, signers)
    if any(signer.person == case.initiator for signer in signers) and setting(step, "initiator") != "self":
        outcome, signers = _without_initiator(company, step, case, signers, trace)
        if outcome:
            return result(outcome)
    if signers := _weighted(company, step, signers):
        signers = signers[:1] if mode == "single" else _drawn(company, signers, case, trace) if mode == "random" else signers
    left = _not_again(company, step, case, signers, trace)
    if not left:
        return result("skipped", signers, "signed_before" if _just_before(case, signers) else "signed_earlier")
    return result(None, left)


def managers(company: Company, case: Situation) -> list[str]:
    """Who takes what nobody else can: whoever of the managers may sign here."""
    holders = company.in_order(person for role in case.managers for person in company.holders(role))
    return [signer.person for signer in _fit(company, holders, case).kept]


def fit(company: Company, candidates: Sequence[str], case: Situation) -> list[str]:
    """Who of them may sign here, absent ones replaced by who stands in for them."""
    return [signer.person for signer in _fit(company, candidates, case).kept]


def readers(company: Company, step: Mapping[str, Json], case: Situation) -> list[str]:
    """Who gets a copy once the step is decided: whom each of its rules finds, once, without who has left and the subject."""
    found = (person for rule in setting(step, "copies") for person in rules.find(company, rule, case, step["key"])[0])
    return [person for person in dict.fromkeys(found) if _unfit(company, person, case) is None]


def _by_rules(company: Company, step: Mapping[str, Json], case: Situation, trace: dict[str, Json]) -> list[Signer]:
    """The people of the first rule that gives any; the trace tells every rule tried. None comes after one that is still to be asked."""
    for rule in step["approvers"]:
        candidates, facts = rules.find(company, rule, case, step["key"])
        candidates = list(dict.fromkeys(candidates))
        fit = _fit(company, candidates, case)
        trace["tried"].append({**rule, **facts, "candidates": company.named(candidates), "dropped": fit.dropped})
        if fit.kept or facts.get("asks"):
            return fit.kept
    return []


def _fit(company: Company, candidates: Sequence[str], case: Situation, without: Set[str] = frozenset()) -> _Fit:
    """Each person once, in order: who may not sign is dropped, who is absent is replaced by who stands in."""
    fit, seen = _Fit(), set(without)
    for person in candidates:
        if reason := _unfit(company, person, case):
            fit.dropped.append({**company.named([person])[0], "reason": reason})
            continue
        absent, signs = None, person
        if stand_in := company.stand_in(person, case.procedure, case.chain):
            absent, signs = person, stand_in.person
            until = directory.day(stand_in.until).isoformat()
            path = [company.named([hop.substitute])[0] for hop in stand_in.path]
            told = {**company.named([person])[0], "reason": "absent", "until": until, "substitute": path[-1], "path": path}
            if reason := _unfit(company, signs, case):
                fit.dropped += [told, {**company.named([signs])[0], "reason": reason}]
                continue
            fit.dropped.append(told)
        if signs not in seen:
            seen.add(signs)
            fit.kept.append(Signer(person=signs, absent=absent))
    return fit


def _unfit(company: Company, person: str, case: Situation) -> str | None:
    """Why somebody may not sign here: a reason code, or None."""
    member = company.member(person)
    if member is None:
        return "unknown"
    if not member.active:
        return "disabled"
    if not member.employed:
        return "left"
    return "subject" if person == case.subject else None


def _nobody(
    company: Company, step: Mapping[str, Json], case: Situation, trace: dict[str, Json], without: Set[str] = frozenset()
) -> tuple[str | None, list[Signer]]:
    """What the step says for the case that nobody is found; its persons must be fit, too, else the managers take it."""
    policy = setting(step, "nobody")
    do = trace["policy"] = policy["do"]
    match do:
        case "skip" | "reject" | "incident":
            return {"skip": "skipped", "reject": "rejected", "incident": "incident"}[do], []
        case "to_person":
            candidates = [company.find(person) or person for person in policy["persons"]]
        case "to_upper_head":
            candidates = _heads_above(company, step, case, trace)
        case _:
            candidates = []
    fit = _fit(company, candidates, case, without)
    trace["instead_dropped"] = fit.dropped
    if fit.kept:
        return None, fit.kept[:1] if do == "to_upper_head" else fit.kept
    trace["policy"] = "to_managers"
    kept = [Signer(person=person) for person in managers(company, case) if person not in without]
    if not kept:
        trace["policy"] = "nobody_left"
    return (None, kept) if kept else ("incident", [])


def _heads_above(company: Company, step: Mapping[str, Json], case: Situation, trace: dict[str, Json]) -> list[str]:
    """Every head upward from where the first rule looked."""
    rule = step["approvers"][0]
    heads, _ = rules.find(company, {"rule": "department_heads", "of": rule.get("of", "subject")}, case)
    return heads


def _without_initiator(
    company: Company, step: Mapping[str, Json], case: Situation, signers: list[Signer], trace: dict[str, Json]
) -> tuple[str | None, list[Signer]]:
    """The initiator does not sign: others do, or whoever the step says, in the initiator's place."""
    policy = setting(step, "initiator")
    [trace["initiator"]] = company.named([case.initiator])
    others = [signer for signer in signers if signer.person != case.initiator]
    if others and (setting(step, "mode") in ONE_SIGNS or policy in ("skip", "forbid")):
        trace["policy"] = "others_than_initiator"
        return None, others
    if policy == "skip":
        trace["policy"] = "initiator_alone"
        return "skipped", []
    above: list[str] = []
    if policy == "manager":
        above = company.superiors(case.initiator)
    elif policy == "department_head":
        above, _ = rules.find(company, {"rule": "department_heads", "of": "initiator"}, case)
    fit = _fit(company, above, case, {case.initiator})
    if not fit.kept and not others:
        return _nobody(company, step, case, trace, {case.initiator})
    trace["policy"] = "superior_of_initiator" if policy == "manager" else "head_of_initiator"
    trace["instead_dropped"] = fit.dropped
    instead = fit.kept[:1]
    trace["instead"] = _signers(company, instead)
    placed: list[Signer] = []
    for signer in signers:
        placed += instead if signer.person == case.initiator else [signer]
    first: dict[str, Signer] = {}
    for signer in placed:
        first.setdefault(signer.person, signer)
    return None, list(first.values())


def _weighted(company: Company, step: Mapping[str, Json], signers: Sequence[Signer]) -> list[Signer]:
    """In a vote, each with the first weight that names them or a role of theirs; a substitute votes with the absent one's."""
    if setting(step, "mode") != "ratio" or not setting(step, "weights"):
        return list(signers)
    weighted = []
    for signer in signers:
        who = signer.absent or signer.person
        fits = (
            weight["weight"]
            for weight in setting(step, "weights")
            if who in [company.find(person) for person in weight.get("persons", ())]
            or any(who in company.holders(role) for role in weight.get("roles", ()))
        )
        weighted.append(replace(signer, weight=next(fits, 1)))
    return weighted


def _drawn(company: Company, signers: Sequence[Signer], case: Situation, trace: dict[str, Json]) -> list[Signer]:
    """One of the signers; all of them where nothing is drawn yet."""
    if case.draw is None or not signers:
        return list(signers)
    drawn = signers[case.draw(len(signers))]
    trace["drawn_from"] = _signers(company, signers)
    return [drawn]


def _not_again(
    company: Company, step: Mapping[str, Json], case: Situation, signers: Sequence[Signer], trace: dict[str, Json]
) -> list[Signer]:
    """Without those who approved an earlier step in their own name, unless this one wants something of its own from them.

    Who would see something else in this step's form than they signed is asked again.
    """
    twice = setting(step, "twice")
    fields = setting(step, "fields")
    touched = [name for name, access in fields.items() if access in WRITING]
    if twice == "none" or not case.signed or touched or setting(step, "signature") or setting(step, "opinion") == "always":
        return list(signers)
    keys = list(case.signed)[-1:] if twice == "adjacent" else list(case.signed)
    signed = {person: key for key in keys for person in case.signed[key]}
    hidden = {name for name, access in fields.items() if access == "hidden"}
    since = {person: case.changed.get(key, {}).get(person, frozenset()) - hidden for person, key in signed.items()}
    told = [
        {**company.named([s.person])[0], "step": signed[s.person], "fields": sorted(since[s.person])}
        for s in signers
        if since.get(s.person)
    ]
    if told:
        trace["changed"] = told
    before = [signer for signer in signers if signer.absent is None and signer.person in signed and not since[signer.person]]
    if setting(step, "mode") not in ("all", "sequence") and len(before) < len(signers):
        return list(signers)  # one signature, or the count of a vote, is not told by who signed before
    if before:
        trace["signed_before"] = [{**company.named([s.person])[0], "step": signed[s.person]} for s in before]
    return [signer for signer in signers if signer not in before]


def _signers(company: Company, signers: Sequence[Signer]) -> list[dict[str, Json]]:
    told = []
    for signer in signers:
        one = company.named([signer.person])[0]
        if signer.absent:
            one["for"] = company.named([signer.absent])[0]
        if signer.weight != 1:
            one["weight"] = signer.weight
        told.append(one)
    return told


def _just_before(case: Situation, signers: Sequence[Signer]) -> bool:
    last = list(case.signed.values())[-1]
    return all(signer.person in last for signer in signers)
