"""One act of a person in a scenario: with a work item, with the case, with a call that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ... import casefile, endings, returns, work
from ... import cases as case_acts
from ... import incidents as repairs
from ...bpmn.names import fields
from ...errors import FeelError, Sentence
from ...models import new_id
from ...ports import File, Json
from ...services import Services
from ..answering import over
from . import away, enclosures, expecting
from .calculating import calculated
from .model import ABSENCES, CASE_VERBS, STEP_VERBS, Act
from .places import Places, Unfit, unfit


class Acting:
    """Lets people act in one case. What does not fit raises Unfit, what is refused the error of the use case."""

    def __init__(self, places: Places, locale: str) -> None:
        self._places = places
        self._locale = locale

    @property
    def _services(self) -> Services:
        return self._places.sandbox.services

    def do(self, act: Act) -> None:
        if act.verb in STEP_VERBS:
            self._step(act)
        elif act.verb in CASE_VERBS:
            self._case(act)
        elif act.verb in ABSENCES:
            (away.leave if act.verb == "away" else away.come_back)(self._places, act)
        else:
            self._repair(act)

    def _case(self, act: Act) -> None:
        places, services, actor = self._places, self._services, self._places.person(act.by)
        told: dict[str, Any] = {"actor": actor, "reason": str(act.given.get("reason") or ""), "request_id": new_id()}
        match act.verb:
            case "go_back" | "reopen":
                ids = places.elements(str(act.given["to"]))
                reached = [step.element for step in returns.steps(services, places.case_id, actor=actor)]
                # one that was not reached is refused by name
                element = next((id for id in reached if id in ids), ids[0])
                (returns.reopen if act.verb == "reopen" else returns.return_to)(services, places.case_id, element, **told)
            case "jump":
                entering = [places.elements(name)[0] for name in act.given["to"]]
                returns.jump(services, places.case_id, leaving=self._left(act, actor), entering=entering, **told)
            case verb:
                _OF_CASE[verb](services, places.case_id, **told)

    def _left(self, act: Act, actor: str) -> list[str]:
        """The instances that a jump leaves: those of the steps that are named, else all where the case stands. Raises Unfit."""
        stands = returns.stands(self._services, self._places.case_id, actor=actor)
        if "leaving" not in act.given:
            return list(stands)
        found = []
        for name in act.given["leaving"]:
            ids = self._places.elements(name)
            there = [instance for instance, step in stands.items() if step.element in ids]
            if not there:
                names = ", ".join(dict.fromkeys(step.name for step in stands.values())) or "–"
                raise unfit("the case does not stand at {step}; it stands at: {known}", step=name, known=names)
            found += there
        return found

    def _repair(self, act: Act) -> None:
        incident = self._places.incident(step=act.step, operation=act.operation)
        given = self.evaluated(act.given, self._places.variables())
        reason = str(given.pop("reason", None) or "scenario")
        _OF_INCIDENTS[act.verb](self._services, incident, actor=self._places.person(act.by), reason=reason, request_id=new_id(), **given)

    def _step(self, act: Act) -> None:
        places, services = self._places, self._services
        actor = places.person(act.by)
        if act.verb == "withdraw":
            reason = str(act.given.get("reason") or "")
            work.withdraw(services, places.last_item(act.step), actor=actor, reason=reason, request_id=new_id())
            return
        step = places.item(act.step, actor)
        more = {"actor": actor, "request_id": new_id()}
        given = dict(act.given)
        match act.verb:
            case "complete":
                self.complete(step, actor, given)
            case "approve":
                self._approve(step, actor, given, more)
            case "reject":
                enclosed = self._enclosed(step, actor, given)
                work.reject(services, step.item_id, opinion=str(given.get("opinion") or ""), **enclosed, **more)
            case "return":
                self._return(step, given, more)
            case "transfer" | "delegate":
                verb = work.transfer if act.verb == "transfer" else work.delegate
                verb(services, step.item_id, to=places.person(str(given.get("to") or "")), reason=str(given.get("reason") or ""), **more)
            case "resolve":
                work.resolve(services, step.item_id, opinion=str(given.get("opinion") or ""), **more)
            case "claim":
                work.claim(services, step.item_id, **more)
            case "release":
                work.release(services, step.item_id, **more)
            case "stand_in":
                self._stand_in(step, places.person(str(given["of"])) if given.get("of") else actor, more)

    def _stand_in(self, step: casefile.OpenStep, holder: str, more: Mapping[str, Any]) -> None:
        """What waits for somebody absent goes to their substitute, too."""
        for each in work.open_with(self._services, holder, actor=more["actor"]):
            if each.item_id == step.item_id:
                work.stand_in(self._services, each.item_id, each.sign_off_id, **more)
                return
        raise unfit("{name} has nothing to sign at {step}", name=self._places.name(holder), step=step.name)

    def complete(self, step: casefile.OpenStep, actor: str, given: Mapping[str, Json]) -> None:
        """What is given, over what the form of the step holds already, is sent."""
        values = self._submitted(step, actor, given, whole=True)
        work.complete(self._services, step.item_id, values=values, locale=self._locale, actor=actor, request_id=new_id())

    def _approve(self, step: casefile.OpenStep, actor: str, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        values = self._submitted(step, actor, given.get("values") or {}, whole=False) if given.get("values") else {}
        work.approve(
            self._services,
            step.item_id,
            opinion=str(given.get("opinion") or ""),
            values=values,
            chosen=[self._places.person(name) for name in given.get("chosen") or ()],
            locale=self._locale,
            **self._enclosed(step, actor, given),
            **more,
        )

    def _enclosed(self, step: casefile.OpenStep, actor: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What goes with a decision: blank files of the names that are given, and a signature where the step asks for one."""
        services = self._services
        files = [enclosures.named(name) for name in given.get("attachments") or ()]
        found: dict[str, Any] = {"attachments": work.enclose(services, step.item_id, actor=actor, files=files) if files else []}
        if expecting.asks_signature(self._places, step):
            found["signature"] = work.draw(services, step.item_id, actor=actor, picture=enclosures.signature())
        return found

    def _return(self, step: casefile.OpenStep, given: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        services, wanted = self._services, str(given.get("to") or "")
        told = {"reason": str(given.get("reason") or ""), "resubmit": str(given.get("resubmit") or "")}
        found = work.targets(services, step.item_id, actor=more["actor"])
        fitting = [target for target in found if not wanted or wanted in (target.step, target.element, target.name, target.name_en)]
        if not fitting:
            names = ", ".join(target.name for target in found) or "–"
            raise unfit("it cannot be returned to {step}; it can be to: {known}", step=wanted, known=names)
        to = fitting[0]
        place = {"to_step": to.step} if to.step else {"to_element": to.element}
        work.return_(services, step.item_id, **told, **place, **more)

    def _submitted(self, step: casefile.OpenStep, actor: str, given: Mapping[str, Json], *, whole: bool) -> dict[str, Json]:
        """What is sent: what is given over what the form holds already, with blank files in place of their names."""
        services, places = self._services, self._places
        deployed = places.deployed
        element = deployed.program.elements[step.element]
        schema = services.programs.form(deployed, element)
        with services.database.reading() as connection:
            execution = casefile.restored(services, connection, places.row)
        instance = next((i for i, e in execution.waiting() if e.id == step.element), None)
        # the start form, where it is corrected, belongs to no place in the diagram where the case would stand
        stored = execution.variables(instance) if instance is not None else execution.variables()
        given = self.evaluated(given, stored)
        if schema is None:
            return dict(given)
        held = {name.partition(".")[0] for name in fields(schema)}
        try:
            seen = services.forms.visible(schema, stored, work.permissions(element), typed=given)
            values = over({name: value for name, value in seen.items() if name in held}, given) if whole else dict(given)
            files = {path: names for path, names in services.forms.files(schema, values).items() if any(map(_is_name, names))}
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise unfit("the values do not have the shape of the form of {step}", step=step.name) from error

        def store(path: str, brought: list[File]) -> Sequence[str]:
            stored = work.attach(services, step.item_id, actor=actor, files={path: brought}, locale=self._locale)
            return stored[path]

        return enclosures.brought(files, values, store)

    def evaluated(self, value: Json, seen: Mapping[str, Json]) -> Any:
        """The value with every text that begins with `=` calculated as FEEL. Raises Unfit."""
        try:
            return calculated(value, seen, now=self._places.sandbox.clock.now())
        except FeelError as error:
            raise Unfit(Sentence(error.template, error.facts)) from error


_OF_INCIDENTS: Mapping[str, Callable[..., None]] = {"retry": repairs.retry, "answer": repairs.answer, "skip": repairs.skip}
_OF_CASE: Mapping[str, Callable[..., None]] = {
    "cancel": endings.cancel,
    "terminate": endings.terminate,
    "suspend": case_acts.suspend,
    "resume": case_acts.resume,
    "void": endings.void,
    "confirm": endings.confirm,
    "decline": endings.decline,
}


def _is_name(text: str) -> bool:
    return len(text) != 32 or any(letter not in "0123456789abcdef" for letter in text)
