"""From a scenario file to a scenario, or to everything that is wrong with it, each with its line and key."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast
from zoneinfo import ZoneInfo

from ...people.lines import KINDS
from ...ports import Json
from ..answering import FAILURES
from . import texts
from .model import ABSENCES, CASE_VERBS, EVENTS, EXPECTATIONS, NEEDED, REPAIRS, STEP_VERBS, Act, Scenario
from .passing import span
from .texts import Fault, Path, Text

FOLDER = "scenarios/"
#: what people usually do in the scenarios of a folder; no scenario itself
USUAL = f"{FOLDER}usual.yaml"
ENDINGS = (".yaml", ".yml")
_HEAD = ("name", "name_en", "note", "given", "usual", "when", "then")
_GIVEN = ("clock", "subject", "initiator", "locale", "people", "away", "answers", "fails", "values")
_BESIDE = ("by", "step", "operation", "refused")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?")
_MOST = 200


def paths(files: Collection[str]) -> list[str]:
    """The scenarios among the files of a procedure."""
    return sorted(path for path in files if path.startswith(FOLDER) and path.endswith(ENDINGS) and path != USUAL)


def usual(content: bytes | None) -> tuple[dict[str, Sequence[Act]], list[Fault]]:
    """What the file `usual.yaml` says people usually do, by step, and what is wrong with it."""
    text = texts.read(content or b"usual: {}")
    reading = _Reader(text, ZoneInfo("UTC"))
    found: dict[str, Sequence[Act]] = {}
    if reading.object((), text.value, ("usual",)):
        found = reading.usual(("usual",), cast(Any, text.value).get("usual", {}))
    return found, text.faults


def scenario(
    path: str, content: bytes, *, zone: ZoneInfo, usually: Mapping[str, Sequence[Act]] = {}
) -> tuple[Scenario | None, list[Fault]]:
    """The scenario in a file, None where it has faults. Never raises."""
    text = texts.read(content)
    if text.faults:
        return None, text.faults
    reader = _Reader(text, zone)
    found = reader.scenario(path, usually)
    return (None if text.faults else found), text.faults


def name(content: bytes) -> str:
    """What a scenario is called, whatever else is wrong with it; "" where that cannot be read."""
    value = texts.read(content).value
    named = value.get("name") if isinstance(value, Mapping) else None
    return named if isinstance(named, str) else ""


def moment(text: str, zone: ZoneInfo) -> dt.datetime | None:
    """A day or moment at the company's place; None for what is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


class _Reader:
    def __init__(self, text: Text, zone: ZoneInfo) -> None:
        self._text = text
        self._zone = zone

    # --- shapes

    def object(self, at: Path, value: Json, known: Iterable[str] | None, *, needed: Iterable[str] = ()) -> bool:
        """Whether it is an object; with keys that are not known, or without those that are needed, it has faults."""
        if not isinstance(value, Mapping):
            self._text.fault(at, "this must be an object with keys")
            return False
        if known is not None:
            keys = list(known)
            for key in value:
                if key not in keys:
                    self._text.fault((*at, key), "there is no such key; known are {known}", known=", ".join(keys))
        for key in needed:
            if value.get(key) is None:
                self._text.fault((*at, key), "this is needed")
        return True

    def text(self, at: Path, value: Json) -> str:
        """A text, or a number taken for one: employee numbers and names may look like numbers."""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            self._text.fault(at, "this must be a text")
        return ""

    def texts(self, at: Path, value: Json) -> list[str]:
        """A text alone, or a list of texts."""
        if isinstance(value, list):
            return [self.text((*at, number), each) for number, each in enumerate(value)]
        return [self.text(at, value)]

    def list(self, at: Path, value: Json) -> Sequence[Json]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._text.fault(at, "this must be a list")
            return []
        if len(value) > _MOST:
            self._text.fault(at, "this has more than {most} entries", most=_MOST)
        return value[:_MOST]

    # --- the scenario

    def scenario(self, path: str, usually: Mapping[str, Sequence[Act]]) -> Scenario | None:
        whole = self._text.value
        if not self.object((), whole, _HEAD, needed=("name", "given")):
            return None
        given = whole.get("given")
        if given is None or not self.object(("given",), given, _GIVEN, needed=("clock", "subject", "initiator")):
            return None
        when = [self.act(("when", number), each) for number, each in enumerate(self.list(("when",), whole.get("when")))]
        if "then" in whole:
            when.append(self._then(("then",), whole["then"]))
        acts = [act for act in when if act is not None]
        if not any(act.verb == "then" for act in acts):
            self._text.fault((), "a scenario must say what it expects: it has no “then”")
        clock = self.text(("given", "clock"), given.get("clock"))
        at = moment(clock, self._zone)
        if at is None and clock:
            self._text.fault(("given", "clock"), "{text} is no moment such as 2026-11-24T09:30", text=clock)
        own = self.usual(("usual",), whole.get("usual") or {})
        return Scenario(
            path=path,
            name=self.text(("name",), whole.get("name")) or PurePosixPath(path).stem,
            name_en=self.text(("name_en",), whole.get("name_en")),
            note=self.text(("note",), whole.get("note")),
            clock=at or dt.datetime.fromtimestamp(0, dt.UTC),
            subject=self.text(("given", "subject"), given.get("subject")),
            initiator=self.text(("given", "initiator"), given.get("initiator")),
            locale=self._locale(given.get("locale")),
            people=self._people(given.get("people")),
            answers=self._answers(("given", "answers"), given.get("answers")),
            fails=self._fails(("given", "fails"), given.get("fails")),
            away=self._away(("given", "away"), given.get("away")),
            values=self._values(("given", "values"), given.get("values")),
            when=acts,
            usual={**usually, **own},
        )

    def usual(self, at: Path, value: Json) -> dict[str, Sequence[Act]]:
        found: dict[str, Sequence[Act]] = {}
        if not self.object(at, value, None):
            return found
        for step, entries in value.items():
            place = (*at, step)
            each = entries if isinstance(entries, list) else [entries]
            read = [self._usually((*place, number) if isinstance(entries, list) else place, one, step) for number, one in enumerate(each)]
            found[step] = [act for act in read if act is not None]
        return found

    def _usually(self, at: Path, value: Json, step: str) -> Act | None:
        if not self.object(at, value, ("by", *STEP_VERBS)):
            return None
        return self.act(at, {**value, "step": step})

    def _locale(self, value: Json) -> str:
        locale = self.text(("given", "locale"), value) or "zh-CN"
        if locale not in ("zh-CN", "en"):
            self._text.fault(("given", "locale"), "known are {known}", known="zh-CN, en")
        return locale

    def _people(self, value: Json) -> Sequence[Mapping[str, Json]]:
        columns = [column.name for column in KINDS["persons"]]
        return [
            person
            for number, person in enumerate(self.list(("given", "people"), value))
            if self.object(("given", "people", number), person, columns)
        ]

    def _answers(self, at: Path, value: Json) -> Mapping[str, Json]:
        if value is None or not self.object(at, value, None):
            return {}
        return dict(value)

    def _fails(self, at: Path, value: Json) -> Mapping[str, str]:
        """By operation, or one operation alone, or a list of them."""
        if isinstance(value, (str, list)):
            return dict.fromkeys(self.texts(at, value), "gave_up")
        if value is None or not self.object(at, value, None):
            return {}
        for operation, how in value.items():
            if how not in FAILURES:
                self._text.fault((*at, operation), "known are {known}", known=", ".join(FAILURES))
        return {operation: str(how) for operation, how in value.items()}

    def _away(self, at: Path, value: Json) -> Sequence[Act]:
        """Each as the act `away`, with who it is beside what it takes."""
        keys, found = ABSENCES["away"], []
        for number, each in enumerate(self.list(at, value)):
            place = (*at, number)
            if self.object(place, each, ("by", *keys), needed=("by", *NEEDED["away"])):
                given = {key: self._argument((*place, key), "away", key, each[key]) for key in keys if key in each}
                by = self.text((*place, "by"), each.get("by"))
                found.append(Act(line=self._text.line(place), verb="away", by=by, given=given))
        return found

    def _values(self, at: Path, value: Json) -> Mapping[str, Json]:
        return dict(value) if value is not None and self.object(at, value, None) else {}

    # --- acts

    def act(self, at: Path, value: Json) -> Act | None:
        if not isinstance(value, Mapping):
            self._text.fault(at, "this must be an object with keys")
            return None
        verbs = [*STEP_VERBS, *CASE_VERBS, *ABSENCES, *REPAIRS, *EVENTS]
        said = [verb for verb in verbs if verb in value]
        if not said:
            self._text.fault(at, "this says nothing that happens; known are {known}", known=", ".join(verbs))
            return None
        verb = said[0]
        if verb == "then":
            self.object(at, value, ("then",))
            return self._then((*at, "then"), value["then"])
        known = ("by", "step", "refused") if verb in STEP_VERBS else ("by", "refused") if verb in (*CASE_VERBS, *ABSENCES) else ()
        known = _BESIDE if verb in REPAIRS else (*known, "by") if verb in ("message", "signal") else known
        needed = ("by", "step") if verb in STEP_VERBS else ("by",) if verb in (*CASE_VERBS, *ABSENCES, *REPAIRS) else ()
        self.object(at, value, dict.fromkeys((*known, verb)), needed=needed)
        if verb in REPAIRS and not (value.get("step") or value.get("operation")):
            self._text.fault((*at, "operation"), "this is needed")
        refused = value.get("refused", "")
        return Act(
            line=self._text.line(at),
            verb=verb,
            by=self.text((*at, "by"), value.get("by")),
            step=self.text((*at, "step"), value.get("step")),
            operation=self.text((*at, "operation"), value.get("operation")),
            given=self._given((*at, verb), verb, value[verb]),
            refused="any" if refused is True else self.text((*at, "refused"), refused or None),
        )

    def _given(self, at: Path, verb: str, value: Json) -> Json:
        form = {**STEP_VERBS, **CASE_VERBS, **ABSENCES, **REPAIRS}.get(verb)
        match form:
            case "object":
                return self._values(at, value)
            case "nothing":
                if value not in (None, True):
                    self._text.fault(at, "this takes nothing")
                return {}
            case None:
                return self._happening(at, verb, value)
        keys = form
        given = value if isinstance(value, Mapping) and not (verb == "answer" and "value" not in value) else {keys[0]: value}
        if value is None or value is True:
            given = {}
        self.object(at, given, keys, needed=NEEDED.get(verb, ()))
        return {key: self._argument((*at, key), verb, key, each) for key, each in given.items()}

    def _argument(self, at: Path, verb: str, key: str, value: Json) -> Json:
        if key in ("attachments", "chosen") or (verb == "jump" and key in ("to", "leaving")):
            return self.texts(at, value)
        if verb == "away" and key in ("from", "until"):
            return self._time(at, value)
        if key in ("values", "input", "variables", "value"):
            return self._values(at, value)
        return self.text(at, value)

    def _happening(self, at: Path, verb: str, value: Json) -> Json:
        match verb:
            case "pass":
                return "next" if value == "next" else self._time(at, value)
            case "until":
                return self.text(at, value)
            case "answers":
                return self._answers(at, value)
            case "fails":
                return self._fails(at, value)
            case _:
                given = {"name": value} if isinstance(value, str) else value
                keys = ("name", "key", "values") if verb == "message" else ("name", "values")
                return dict(given) if self.object(at, given, keys, needed=("name",)) else {}

    def _time(self, at: Path, value: Json) -> str:
        """A moment, or how long it takes until then."""
        text = self.text(at, value)
        if span(text) is None and moment(text, self._zone) is None:
            template = "{text} is no time that passes, such as “2 working days”, “3 小时”, “P1D”, “next” or 2026-11-24T09:30"
            self._text.fault(at, template, text=text or "–")
        return text

    # --- expectations

    def _then(self, at: Path, value: Json) -> Act | None:
        if not self.object(at, value, EXPECTATIONS):
            return None
        if not value:
            self._text.fault(at, "this expects nothing")
        expected = {name: self._expected((*at, name), name, each) for name, each in value.items() if name in EXPECTATIONS}
        return Act(line=self._text.line(at), verb="then", given=expected)

    def _expected(self, at: Path, name: str, value: Json) -> Json:
        match name:
            case "open" | "due" | "incidents":
                if isinstance(value, list):
                    return dict.fromkeys(self.texts(at, value))
                if value is None:
                    return {}
                if isinstance(value, str):
                    return {value: None}
                if not self.object(at, value, None):
                    return {}
                if name == "open":
                    return {step: None if held is None else self.texts((*at, step), held) for step, held in value.items()}
                return {step: self.text((*at, step), each) for step, each in value.items()}
            case "variables":
                return self._values(at, value)
            case "pushes":
                return self._pushes(at, value)
            case "ended":
                return value if isinstance(value, bool) else self.text(at, value)
            case _:
                return self.texts(at, value if value is not None else [])

    def _pushes(self, at: Path, value: Json) -> Json:
        """A list of operations, each alone or with a part of its input."""
        if isinstance(value, str):
            return [[value, {}]]
        if isinstance(value, Mapping):
            value = [{operation: given} for operation, given in value.items()]
        found = []
        for number, each in enumerate(self.list(at, value)):
            if isinstance(each, Mapping) and len(each) == 1:
                [(operation, given)] = each.items()
                found.append([operation, self._values((*at, number, operation), given)])
            else:
                found.append([self.text((*at, number), each), {}])
        return found
