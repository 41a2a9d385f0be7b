"""Decision tables and the other boxed expressions of DMN (OMG DMN 1.1 to 1.5).

`dmn` reads the XML, `feel/src/decisions.mjs` runs it. Where the standard answers null although somebody made a mistake (two
rules under UNIQUE, differing results under ANY, a missing input, a value of the wrong type), this raises `errors.DecisionFailed`.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import quickjs

from engine import errors
from engine.bpmn import dmn, expressions, feel
from engine.bpmn.dmn_analysis import Analysis, analyses
from engine.ports import Json


@dataclass(frozen=True)
class Result:
    """What a decision gave, and why."""

    #: one output: its value; several: a mapping; a multiple-hit policy: a list
    value: Json
    #: ids of the rules that applied, of the table asked for; a rule without id is `rule N`
    matched: list[str]
    #: input expression -> value, of the table asked for
    inputs: dict[str, Json]
    #: every decision evaluated, in order: `{"decision", "name", "value"}`, of tables also `"inputs"` and `"matched"`
    trace: list[dict[str, Json]]


class Decisions:
    """The decisions of one DMN file. Raises `errors.FileRefused` for a file that cannot be read as one."""

    def __init__(self, xml: bytes, *, file: str, beside: Mapping[str, bytes] | None = None) -> None:
        """`beside`: DMN files of the same folder by name, for what this one imports; others there do no harm."""
        try:
            model = dmn.model(xml, file, beside or {})
        except RecursionError:
            raise errors.FileRefused(file=file, reason="its expressions are nested too deeply") from None
        self._decisions: dict[str, str] = {
            id: node["name"] for id, node in model["nodes"].items() if node["kind"] in ("decision", "service") and not node["file"]
        }
        self._model = json.dumps(model, ensure_ascii=False)
        self._key = hashlib.sha256(self._model.encode()).hexdigest()
        self._analyses: list[Analysis] | None = None
        #: the names of variables that exist; None: not known
        self._known: frozenset[str] | None = None

    @property
    def names(self) -> dict[str, str]:
        """Id -> name, in the order of `ids`."""
        return dict(self._decisions)

    @property
    def ids(self) -> list[str]:
        """Ids of the decisions and decision services, those required by others first."""
        return list(self._decisions)

    def check(self, names: Collection[str] | None = None) -> list[tuple[str, str]]:
        """(id of the element, what is wrong with it) of every text in the file.

        `names`: the dotted names of variables that exist, as in `expressions.check`.
        """
        self._known = None if names is None else frozenset(names)
        return self._inspect("findings")

    def money(self) -> list[tuple[str, str]]:
        """(id of the element, name) of money that is multiplied or divided, as in `expressions.money`."""
        return self._inspect("money")

    def asks(self, decision_id: str) -> list[str]:
        """Names of the variables that a decision needs: its input data, or what the columns of its table begin with."""
        nodes: dict[str, Any] = json.loads(self._model)["nodes"]
        found: dict[str, None] = {}
        waiting, seen = [decision_id], set[str]()
        while waiting:
            id = waiting.pop()
            if id in seen or id not in nodes:
                continue
            seen.add(id)
            node = nodes[id]
            if node["kind"] == "input":
                found[node["name"]] = None
            waiting += reversed([need["id"] for need in node["needs"]])
        body = nodes[decision_id].get("body")
        if not found and body and body["kind"] == "table":
            columns = [name for column in body["inputs"] for name in sorted(expressions.uses(column["text"] or ""))]
            found = dict.fromkeys(name.partition(".")[0] for name in columns)
        return list(found)

    def analyses(self) -> list[Analysis]:
        """What the tables of this file have in overlaps, gaps and rules that are never reached."""
        if self._analyses is None:
            self._analyses = analyses(json.loads(self._model))
        return self._analyses

    def _inspect(self, kind: str) -> list[tuple[str, str]]:
        try:
            found = json.loads(_inspected(self._model, self._known))
        except feel.LimitReached:
            found = {"findings": [("", "the decisions are too large to be read")], "money": []}
        return [(element, message) for element, message in found[kind]]

    def decide(self, decision_id: str, data: Mapping[str, Json], *, now: dt.datetime | None = None) -> Result:
        """Evaluate one decision, and those it requires, over `data`.

        Text is read as a date, time or duration where an input declares that type. No rule that applies gives the default
        output, else None (a list policy: an empty list), with nothing matched. Raises `errors.NotFound` for an unknown id and
        `errors.DecisionFailed` for everything that keeps the decision from an answer, of these `errors.DecisionInputRefused` where
        an input is missing, not of its type, or not among the values it may have.
        """
        if decision_id not in self._decisions:
            raise errors.NotFound(what="decision", name=decision_id)
        name = self._decisions[decision_id]
        try:
            found = self._decide(decision_id, data, now)
        except feel.LimitReached:
            raise errors.DecisionFailed(decision=name, reason="it took too much time or memory") from None
        except ValueError as error:
            raise errors.DecisionInputRefused(decision=name, reason=str(error)) from None
        except quickjs.JSException as error:
            raise errors.DecisionFailed(decision=name, reason=f"the interpreter stopped: {feel.said(error)}") from None
        if "failed" in found:
            failure = errors.DecisionInputRefused if found.get("input") else errors.DecisionFailed
            raise failure(decision=found.get("decision") or name, reason=found["failed"])
        last = found["trace"][-1]
        return Result(found["value"], last.get("matched", []), last.get("inputs", {}), found["trace"])

    def _decide(self, decision_id: str, data: Mapping[str, Json], now: dt.datetime | None) -> Any:
        def ask(interpreter: feel.Interpreter) -> Any:
            needs = interpreter.compiled.get(self._key)
            if needs is None:
                interpreter.make_room()
                needs = interpreter.compiled[self._key] = json.loads(interpreter.call("load", self._key, self._model))
                interpreter.size += needs["size"]
            used = {name: data[name] for name in needs["uses"] if name in data}
            time = feel.local_time(now, expressions.ZONE) if needs["timed"] else ""
            return json.loads(interpreter.call("decide", self._key, decision_id, feel.wire(used), time))

        return feel.asked(ask, self._key)


@functools.lru_cache(maxsize=32)
def _inspected(model: str, known: frozenset[str] | None) -> str:
    """JSON of what is to be said about a model; a large table takes a second, and is asked about by check, deployment and activation."""
    names = json.dumps(None if known is None else sorted(known), ensure_ascii=False)
    answer: str = feel.asked(lambda interpreter: interpreter.call("inspect", model, names))
    return answer
