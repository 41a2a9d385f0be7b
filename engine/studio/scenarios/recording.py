"""A scenario written down from a case that somebody tried: what was given, who did what, when time passed, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import yaml

from ... import documents, ledger
from ...ledger import Entry, Event
from ...models import Account, Person
from ...ports import Json
from ..tries import Told, Try
from . import expecting
from .places import Places

_DECISIONS = {Event.STEP_APPROVED: "approve", Event.STEP_REJECTED: "reject"}
_TAKEN = {Event.ITEM_CLAIMED: "claim", Event.ITEM_RELEASED: "release"}
_GIVEN_AWAY = {Event.SIGN_OFF_TRANSFERRED: "transfer", Event.SIGN_OFF_DELEGATED: "delegate"}
_OF_CASE = {
    Event.CASE_SUSPENDED: "suspend",
    Event.CASE_RESUMED: "resume",
    Event.CASE_VOIDED: "void",
    Event.ENDING_DECLINED: "decline",
}
_LEFT_OUT = frozenset(
    (
        *(Event.TIMER_MOVED, Event.CHOICE_CORRECTED, Event.STEP_RERESOLVED, Event.SIGN_OFF_ADDED, Event.SIGN_OFF_REMOVED),
        *(Event.SIGN_OFF_REASSIGNED, Event.SIGN_OFF_TAKEN_BACK, Event.SIGN_OFF_DUE_MOVED),
    )
)
_REPAIRS = {"retried": "retry", "corrected": "retry", "answered": "answer", "skipped": "skip"}


def recorded(tried: Try, *, name: str, name_en: str = "") -> str:
    """The text of the scenario file.

    What has no verb in scenarios (signers added, a time limit moved) is left out and named in a comment at the top.
    """
    case_id = tried.case_id
    assert case_id is not None  # there is nothing to record before it has begun
    return _Recording(tried, Places(tried.sandbox, case_id)).text(name, name_en)


class _Recording:
    def __init__(self, tried: Try, places: Places) -> None:
        self._try = tried
        self._places = places
        services = tried.sandbox.services
        self._zone = ZoneInfo(services.settings.zone)
        with services.database.reading() as connection:
            self._entries = ledger.history(connection, services.keyring, places.case_id)
            self._files = {row.id: row.name for row in documents.rows(connection, places.case_id)}
            people = sa.select(Person.id, Person.employee_no, Account.login).outerjoin(Account, Account.person_id == Person.id)
            self._keys = {row.id: row.employee_no or row.login for row in connection.execute(people)}
        names = [places.name(person) for person in self._keys]
        #: people by name, as one reads them; by number where two are called the same
        self._called = {id: places.name(id) if names.count(places.name(id)) == 1 else key for id, key in self._keys.items()}
        self._left_out: list[str] = []

    def text(self, name: str, name_en: str) -> str:
        started = next(entry for entry in self._entries if entry.event == Event.CASE_STARTED)
        case = self._places.row
        answers, fails = self._said(before=self._first_act())
        given: dict[str, Any] = {
            "clock": self._local(started.at),
            "subject": self._keys[case.subject_id],
            "initiator": self._called[case.initiator_id],
            "away": [self._away(told.act["away"]) for told in self._try.told() if not told.entries and "away" in told.act],
            "answers": answers,
            "fails": fails,
            "values": self._plain(started.payload["values"]),
        }
        whole: dict[str, Any] = {"name": name}
        if name_en:
            whole["name_en"] = name_en
        whole["given"] = {key: value for key, value in given.items() if value not in ({}, [])}
        whole["when"] = self._when()
        whole["then"] = self._then(case)
        text = yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=120, default_flow_style=False)
        left = "".join(f"# {line}\n" for line in dict.fromkeys(self._left_out))
        return left + text

    # --- what happened

    def _when(self) -> list[dict[str, Any]]:
        """Acts of people from the ledger, between them what was told from outside where it was told."""
        found: list[dict[str, Any]] = []
        # what was told before the case began is given
        told = [one for one in self._try.told() if one.entries]
        for entry in self._entries:
            while told and told[0].entries < entry.number:
                found += self._outside(told.pop(0))
            if act := self._act(entry):
                found += self._before(entry)
                found.append(act)
        for one in told:
            found += self._outside(one)
        return found

    def _act(self, entry: Entry) -> dict[str, Any] | None:
        if entry.actor is None:
            return None
        event, told = Event(entry.event), entry.payload
        who: dict[str, Any] = {"by": self._called.get(entry.actor, entry.actor)}
        step = {"step": self._places.title(entry.element or "")}
        match event:
            case Event.ITEM_COMPLETED if "values" in told and self._chainless(entry):
                return {**who, **step, "complete": self._plain(told["values"])}
            case Event.STEP_APPROVED | Event.STEP_REJECTED:
                return {**who, **step, _DECISIONS[event]: self._decision(told)}
            case Event.STEP_RETURNED:
                return {**who, **step, "return": {"to": told["back_to"], "reason": told["opinion"]}}
            case Event.SIGN_OFF_TRANSFERRED | Event.SIGN_OFF_DELEGATED if told.get("to") and not told.get("stands_in"):
                to = self._called.get(told["to"][0]["id"], told["to"][0]["name"])
                return {**who, **step, _GIVEN_AWAY[event]: {"to": to, "reason": told.get("reason") or ""}}
            case Event.SIGN_OFF_RESOLVED:
                return {**who, **step, "resolve": told["opinion"]}
            case Event.SIGN_OFF_WITHDRAWN:
                return {**who, **step, "withdraw": told.get("reason") or ""}
            case Event.ITEM_CLAIMED | Event.ITEM_RELEASED:
                return {**who, **step, _TAKEN[event]: None}
            case Event.SIGN_OFF_TRANSFERRED if told.get("stands_in"):
                holder = told["former"][0]["id"]
                return {**who, **step, "stand_in": None if holder == entry.actor else {"of": self._called.get(holder, holder)}}
            case Event.CASE_RESUBMITTED:
                return {**who, **step, "complete": self._plain(told["values"])}
            case Event.CASE_RETURNED | Event.CASE_REOPENED if "reason" in told and not self._by_signer(entry):
                verb = "go_back" if event is Event.CASE_RETURNED else "reopen"
                return {**who, verb: {"to": step["step"], "reason": told["reason"]}}
            case Event.CASE_MOVED:
                ways = {"to": told["entering"], "leaving": told["left"]}
                titles = {way: [self._places.title(element) for element in elements] for way, elements in ways.items() if elements}
                return {**who, "jump": {**titles, "reason": told["reason"]}}
            case Event.CASE_CLOSED | Event.CASE_VOIDED if "asked_by" in told:
                return {**who, "confirm": told.get("confirmed") or ""}
            case Event.ENDING_ASKED:
                return {**who, told["ending"]: told.get("reason") or ""}
            case Event.CASE_CLOSED if told.get("act") == "cancel":
                return {**who, "cancel" if told["outcome"] == "cancelled" else "terminate": told.get("reason") or ""}
            case event if event in _OF_CASE:
                return {**who, _OF_CASE[event]: told.get("reason") or ""}
            case Event.INCIDENT_RESOLVED if told.get("resolution") in _REPAIRS:
                return {**who, **step, **self._repair(told)}
            case Event.MESSAGE_RECEIVED | Event.SIGNAL_RECEIVED:
                kind = "message" if event is Event.MESSAGE_RECEIVED else "signal"
                return {kind: {"name": told["name"], "values": self._plain(told.get("values") or {})}}
            case event if event in _LEFT_OUT:
                self._left_out.append(f"{event}: {entry.element or ''}".strip(": "))
        return None

    def _by_signer(self, entry: Entry) -> bool:
        """Whether a case went back because somebody returned a step, which stands there already."""
        before = [one for one in self._entries if one.number < entry.number and one.event in (Event.STEP_RETURNED, Event.ITEM_OPENED)]
        last = before[-1] if before else None
        return last is not None and last.event == Event.STEP_RETURNED and last.payload["back_to"] == entry.element

    def _chainless(self, entry: Entry) -> bool:
        """Whether a person completed it: the item of a chain is completed by its last signature, which stands there already."""
        element = self._places.deployed.program.elements.get(entry.element or "")
        return element is not None and "wf.chain" not in element.properties

    def _decision(self, told: Mapping[str, Json]) -> Json:
        given: dict[str, Any] = {"opinion": told.get("opinion") or ""}
        if told.get("values"):
            given["values"] = self._plain(told["values"])
        if told.get("attachments"):
            given["attachments"] = [one["name"] for one in told["attachments"]]
        return given["opinion"] if given.keys() == {"opinion"} else given

    def _repair(self, told: Mapping[str, Json]) -> dict[str, Any]:
        reason = told.get("reason") or ""
        match _REPAIRS[str(told["resolution"])]:
            case "answer":
                return {"answer": {"value": self._plain(told.get("value") or {}), "reason": reason}}
            case "retry":
                more = {name: self._plain(told[key]) for name, key in (("input", "input"), ("variables", "values")) if told.get(key)}
                return {"retry": {"reason": reason, **more}}
        return {"skip": {"reason": reason}}

    # --- what was told from outside

    def _outside(self, told: Told) -> list[dict[str, Any]]:
        if "pass" in told.act:
            return [{"pass": self._moment(told.act["pass"])}]
        if "away" in told.act:
            said = self._away(told.act["away"])
            return [{"by": said.pop("by"), "away": said}]
        if "back" in told.act:
            chain = {"chain": told.act["chain"]} if told.act.get("chain") else None
            return [{"by": self._called.get(str(told.act["back"]), told.act["back"]), "back": chain}]
        return []

    def _away(self, told: Json) -> dict[str, Any]:
        """An absence as `given` says it."""
        absent, substitute = (self._called.get(told[role], told[role]) for role in ("absent", "substitute"))
        said = {"by": absent, "substitute": substitute, "from": self._moment(told["from"]), "until": self._moment(told["until"])}
        return said | ({"chain": told["chain"]} if told["chain"] else {})

    def _moment(self, told: Json) -> str:
        return self._local(dt.datetime.fromisoformat(str(told)))

    def _first_act(self) -> int:
        """Number of the entry of the first act after the start."""
        return self._next_act(1)

    def _next_act(self, number: int) -> int:
        """Number of the entry of the first act after an entry."""
        return next((entry.number for entry in self._entries if entry.number > number and self._act(entry)), len(self._entries) + 1)

    def _before(self, entry: Entry) -> list[dict[str, Any]]:
        """What must be said before an act, so that the calls that follow it are answered as they were by hand."""
        answers, fails = self._said(after=entry.number, before=self._next_act(entry.number))
        return [*([{"answers": answers}] if answers else []), *([{"fails": fails}] if fails else [])]

    def _said(self, *, before: int, after: int = 0) -> tuple[dict[str, Json], dict[str, Json]]:
        """Answers and failures by hand, of the calls that were asked for between two entries."""
        asked = {
            f"{self._places.case_id}:{entry.payload['instance']}": entry
            for entry in self._entries
            if entry.event == Event.OPERATION_REQUESTED and after < entry.number < before
        }
        answers: dict[str, Json] = {}
        fails: dict[str, Json] = {}
        for told in self._try.told():
            if told.act.get("key") in asked:
                operation = str(told.act["operation"])
                if "fails" in told.act:
                    fails[operation] = told.act["fails"]
                else:
                    answers[operation] = self._plain(told.act["value"])
        return answers, fails

    # --- what came of it

    def _then(self, case: Any) -> dict[str, Any]:
        services = self._try.sandbox.services
        expected: dict[str, Any] = {}
        if case.status == "closed":
            expected["ended"] = case.outcome
        else:
            held: dict[str, list[str]] = {}
            for step in self._places.open():
                held.setdefault(step.name, []).extend(self._called.get(id, id) for id in sorted(step.holder_ids))
            expected["open"] = {name: sorted(set(people)) for name, people in held.items()}
        made = [name for name in dict.fromkeys(row.kind for row in self._letters())]
        if made:
            expected["documents"] = made
        pushes = expecting.pushes(services, self._places.case_id)
        if pushes:
            expected["pushes"] = list(dict.fromkeys(name for name, _ in pushes))
        incidents = {row.name: row.code for row in self._places.incidents()}
        if incidents:
            expected["incidents"] = incidents
        return expected

    def _letters(self) -> Sequence[Any]:
        with self._try.sandbox.services.database.reading() as connection:
            return [row for row in documents.rows(connection, self._places.case_id) if row.created_by is None]

    # --- values

    def _plain(self, value: Json) -> Any:
        """A value as a scenario says it: files by name, and a text that would be taken for FEEL as FEEL that gives it."""
        match value:
            case str() if value in self._files:
                return self._files[value]
            case str() if value.startswith("="):
                escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                return f'="{escaped}"'
            case Mapping():
                return {name: self._plain(inner) for name, inner in value.items()}
            case list():
                return [self._plain(inner) for inner in value]
        return value

    def _local(self, at: dt.datetime) -> str:
        local = at.astimezone(self._zone)
        return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")
