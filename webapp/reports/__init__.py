"""The readable report inside a sealed file: facts of a case as the engine knows them → PDF."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.ports import Json, Renderer

from .. import events, i18n, text
from ..entries import Answer
from ..facts import LAW

_TEMPLATE = Path(__file__).with_name("report.typ")
#: what only the complete list at the end tells
_QUIET = {
    "work:item:opened",
    "work:item:claimed",
    "work:item:released",
    "work:step:opened",
    "job:operation:requested",
    "process:element:passed",
    "evidence:snapshot:stored",
    "evidence:snapshot:read",
    "evidence:document:stored",
    "evidence:document:read",
}
#: what the system does by itself; the ledger names whose act set it going
_AUTOMATIC = {"work:item:opened", "work:step:opened", "job:operation:requested", "process:element:passed", "case:closed"}


class CaseReport:
    """Makes the report (`engine.evidence.Report`), in Chinese, the language of the authorities it is for."""

    def __init__(
        self,
        renderer: Renderer,
        translate: Callable[[str], str],
        charts: Callable[[Mapping[str, Json]], Mapping[str, str]],
        answers: Callable[[Mapping[str, Json], Mapping[str, Json]], Sequence[Answer]],
    ) -> None:
        self._renderer = renderer
        #: English message id → Chinese
        self._translate = translate
        #: portrait → pictures, SVG by name
        self._charts = charts
        #: schema of a form and its values → what was answered, under the labels of the form
        self._answers = answers

    def __call__(self, facts: Mapping[str, Json], diagram: str) -> bytes:
        """PDF bytes; the same facts give the same bytes. Raises PdfFailed."""
        zone = ZoneInfo(facts["zone"])
        sealed = dt.datetime.fromisoformat(facts["sealed_at"]).astimezone(zone)
        case, portrait = facts["case"], facts["variables"].get("portrait") or {}
        charts = dict(self._charts(portrait)) if portrait else {}
        lines = [self._line(event) for event in facts["events"]]
        files = {document["id"]: document["name"] for document in facts["documents"]}
        data = {
            **{name: facts[name] for name in ("company", "zone", "product", "subject", "initiator", "ledger", "key", "sealed_at")},
            **{name: facts[name] for name in ("documents", "snapshots")},
            "calls": [self._call(call) for call in facts["calls"]],
            "law": self._law(facts["variables"].get("law")),
            "filled": [
                line | {"answers": answers}
                for line, event in zip(lines, facts["events"], strict=True)
                if (answers := self._filled(event, facts["forms"], files))
            ],
            "date": [sealed.year, sealed.month, sealed.day],
            "case": case | {"outcome_name": self._translate(events.OUTCOMES.get(case["outcome"], case["outcome"]))},
            "story": [line for line in lines if line["event"] not in _QUIET],
            "events": lines,
            "portrait": portrait,
            "charts": sorted(charts),
        }
        return self._renderer.render(_TEMPLATE.read_text("utf-8"), _local(data, zone), {"diagram": diagram, **charts})

    def _line(self, event: Mapping[str, Json]) -> dict[str, Json]:
        actor, element, payload = event["actor"] or {}, event["element"] or {}, event["payload"]
        told = [payload[name] for name in ("step", "opinion", "text", "reason", "operation", "name", "message") if payload.get(name)]
        return {
            "number": event["number"],
            "at": event["at"],
            "event": event["event"],
            "name": self._translate(events.name(event["event"])),
            "element": "流程分支" if element and element.get("name") == element["id"] else element.get("name") or element.get("id") or "",
            "lane": element.get("lane") or "",
            "person": actor.get("name") or actor.get("id") or "",
            "post": actor.get("post") or "",
            "automatic": event["event"] in _AUTOMATIC,
            "note": "；".join(str(text) for text in told),
            "digest": event["digest"],
        }

    def _filled(self, event: Mapping[str, Json], forms: Mapping[str, Json], files: Mapping[str, str]) -> list[list[str]]:
        """Label and text of each field that a person filled in at this event."""
        schema, values = forms.get((event["element"] or {}).get("id", "")), event["payload"].get("values")
        if schema is None or not isinstance(values, Mapping):
            return []
        given = self._answers(schema, values)
        return [[answer.label, answer.text or "、".join(files.get(id, id) for id in answer.documents)] for answer in given]

    def _call(self, call: Mapping[str, Json]) -> dict[str, Json]:
        def said(attempt: Mapping[str, Json]) -> dict[str, Json]:
            result = text.STATE.get(attempt["result"], attempt["result"])
            return {**attempt, "result": self._translate(result), "reason": i18n.reason(attempt["reason"])}

        return {**call, "attempts": [said(attempt) for attempt in call["attempts"]]}

    def _law(self, law: Json) -> Json:
        """The last answer of the law table, if the procedure asked one."""
        if not isinstance(law, Mapping) or law.get("outcome") not in LAW:
            return None
        return {**law, "outcome_name": self._translate(LAW[law["outcome"]][0])}


def _local(value: Json, zone: ZoneInfo) -> Json:
    """Every point in time (a text under a name that ends in `at`) as people in `zone` read it."""
    if isinstance(value, list):
        return [_local(inner, zone) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: dt.datetime.fromisoformat(inner).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        if isinstance(inner, str) and (name == "at" or name.endswith("_at"))
        else _local(inner, zone)
        for name, inner in value.items()
    }
