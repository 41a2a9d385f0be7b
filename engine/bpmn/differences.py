"""What changed between two versions of a procedure, as its owner would say it: elements, flows, cells, fields; never lines of XML.

How a diagram is drawn (places, sizes, bends) and the order of its XML are no change.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from .. import errors
from ..ports import Json
from . import moves
from .model import Element, Flow, Process
from .normalise import construct
from .parser import processes
from .reader import read_xml

#: fields of an element that its flows, or its place in the file, say already
_DERIVED = frozenset(("id", "process", "incoming", "outgoing"))
#: properties that are fields of an element, too
_SAID = frozenset(("wf.name.en",))
#: settings that are the id of something else in the same file
REFERENCES = frozenset(("from", "to", "lane", "default", "scope", "attached", "activity"))


@dataclass(frozen=True, kw_only=True)
class Named:
    """What an id stands for."""

    #: as a BPMN book calls it, such as `parallel gateway`, or what `Change.what` says
    kind: str
    #: "" for what has no name
    name: str
    name_en: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that was added, removed or changed."""

    #: path of the file in the procedure
    file: str
    #: `file`, `process`, `element`, `flow`, `lane`, `decision`, `column`, `rule`, `field` or `entry`
    what: str
    #: `added`, `removed`, `changed`, or `moved`: only drawn elsewhere
    how: str
    id: str
    #: what the file calls it, "" for what has no name
    name: str = ""
    #: for `changed`: setting -> before and after, as text or JSON; None: it was, or is, not there
    settings: Mapping[str, tuple[Json, Json]] = dataclasses.field(default_factory=dict)
    #: of a flow: the ids of what it comes from and leads to
    ends: tuple[str, ...] = ()
    #: names of the calendars in whose working time its durations count, before and after
    calendars: tuple[str | None, str | None] = (None, None)
    #: what its id, its ends and the settings of `REFERENCES` stand for
    named: Mapping[str, Named] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class _Thing:
    what: str
    name: str
    settings: Mapping[str, Json]
    #: as `Named.kind`; "": as `what`
    kind: str = ""


def between(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Change]:
    """Changes from one version's files to another's, by file, in the order of the newer file where there is one."""
    found: list[Change] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if old is None or new is None:
            found.append(Change(file=path, what="file", how="removed" if new is None else "added", id=path, name=PurePosixPath(path).name))
            continue
        changes = list(_changes(path, _things(path, old), _things(path, new)))
        found += changes or ([] if path.endswith((".bpmn", ".dmn", ".form", ".json")) else [_text_change(path, old, new)])
    return found


def moved(path: str, before: bytes, after: bytes) -> list[Change]:
    """What is only drawn elsewhere in a newer diagram. Raises `errors.FileRefused`."""
    old, new = _things(path, before), _things(path, after)
    found = [id for id in moves.moved(before, after) if old.get(id) == new.get(id)]
    # a pool is drawn, and is nothing that runs
    pool = Change(file=path, what="process", how="moved", id="")
    return [dataclasses.replace(_change(path, id, new, new) if id in new else pool, id=id, how="moved") for id in found]


def _changes(path: str, old: Mapping[str, _Thing], new: Mapping[str, _Thing]) -> Iterator[Change]:
    for key, thing in new.items():
        if old.get(key) != thing:
            yield _change(path, key, old, new)
    for key in old:
        if key not in new:
            yield _change(path, key, old, new)


def _change(path: str, key: str, old: Mapping[str, _Thing], new: Mapping[str, _Thing]) -> Change:
    was, now = old.get(key), new.get(key)
    before, after = (thing.settings if thing else {} for thing in (was, now))
    thing = now or was
    assert thing is not None
    settings = {}
    if was and now:
        names = sorted(before.keys() | after.keys())
        settings = {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
    ends = tuple(str(thing.settings[end]) for end in ("from", "to")) if thing.what == "flow" else ()
    referred = {id for name, both in settings.items() if name in REFERENCES for id in both}
    found = {id: new.get(id) or old.get(id) for id in (key, *ends, *sorted(id for id in referred if isinstance(id, str)))}
    return Change(
        file=path,
        what=thing.what,
        how="added" if was is None else "removed" if now is None else "changed",
        id=key,
        name=thing.name or (was.name if was else ""),
        settings=settings,
        ends=ends,
        calendars=(_calendar(before), _calendar(after)),
        named={id: _named(each) for id, each in found.items() if each},
    )


def _calendar(settings: Mapping[str, Json]) -> str | None:
    return str(settings.get("wf.calendar") or "") or None


def _named(thing: _Thing) -> Named:
    return Named(kind=thing.kind or thing.what, name=thing.name, name_en=str(thing.settings.get("name_en") or ""))


def _things(path: str, content: bytes) -> Mapping[str, _Thing]:
    """What a file holds, by id. A file that cannot be read holds its text alone."""
    try:
        if path.endswith(".bpmn"):
            return {key: thing for process in processes(read_xml(content, path), path) for key, thing in _of_process(process)}
        if path.endswith(".dmn"):
            return dict(_of_decisions(read_xml(content, path)))
        if path.endswith(".form"):
            return dict(_of_form(json.loads(content), ""))
        if path.endswith(".json"):
            return dict(_of_json(json.loads(content)))
    except (errors.FileRefused, ValueError, RecursionError):
        pass
    return {}


def _of_process(process: Process) -> Iterator[tuple[str, _Thing]]:
    yield process.id, _Thing("process", process.name, {"name": process.name, "name_en": process.name_en, "executable": process.executable})
    for lane in process.lanes:
        yield lane.id, _Thing("lane", lane.name, {"name": lane.name, "name_en": lane.name_en})
    for element in process.elements.values():
        yield element.id, _Thing("element", element.name, dict(_settings(element)), construct(element))
    for flow in process.flows.values():
        yield flow.id, _Thing("flow", flow.name, _of_flow(flow))


def _of_flow(flow: Flow) -> Mapping[str, Json]:
    return {"name": flow.name, "name_en": flow.name_en, "from": flow.source, "to": flow.target, "condition": flow.condition}


def _settings(element: Element) -> Iterator[tuple[str, Json]]:
    """Every setting under the name a person finds it by: mappings line by line, extension values by their own names."""
    for field in dataclasses.fields(element):
        value = getattr(element, field.name)
        if field.name in _DERIVED:
            continue
        if field.name in ("inputs", "outputs"):
            yield from ((f"{field.name[:-1]} {target}", text) for target, text in value)
        elif field.name in ("properties", "headers", "extensions"):
            yield from ((name, text) for name, text in value.items() if name not in _SAID)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from ((f"{field.name}.{inner.name}", getattr(value, inner.name)) for inner in dataclasses.fields(value))
        else:
            yield field.name, value


def _of_decisions(root: etree._Element) -> Iterator[tuple[str, _Thing]]:
    for decision in (node for node in root.iter() if isinstance(node.tag, str) and _tag(node) in ("decision", "businessKnowledgeModel")):
        id, name = decision.get("id") or decision.get("name", ""), decision.get("name", "")
        required = sorted(node.get("href", "") for node in decision.iter() if isinstance(node.tag, str) and node.get("href"))
        texts = [" ".join((node.text or "").split()) for node in decision.iter("{*}text") if _under(node) == "literalExpression"]
        table = next(decision.iter("{*}decisionTable"), None)
        policy = None if table is None else " ".join((table.get("hitPolicy", "UNIQUE"), table.get("aggregation", ""))).strip()
        yield id, _Thing("decision", name, {"name": name, "requires": required, "expression": texts, "hit policy": policy})
        if table is not None:
            yield from _of_table(id, table)


def _of_table(decision: str, table: etree._Element) -> Iterator[tuple[str, _Thing]]:
    for number, column in enumerate((c for c in table if isinstance(c.tag, str) and _tag(c) in ("input", "output")), 1):
        name = column.get("label") or column.get("name") or ""
        kinds = [node.get("typeRef") for node in column.iter() if isinstance(node.tag, str) and node.get("typeRef")]
        settings = {"name": column.get("name"), "label": column.get("label"), "type": kinds, "text": _texts(column)}
        yield column.get("id") or f"{decision} column {number}", _Thing("column", name, settings)
    for number, rule in enumerate(table.iterfind("{*}rule"), 1):
        cells = [" ".join(_texts(cell)) for cell in rule if isinstance(cell.tag, str) and _tag(cell) in ("inputEntry", "outputEntry")]
        yield rule.get("id") or f"{decision} rule {number}", _Thing("rule", f"{number}", {"row": number, "cells": cells})


def _of_form(schema: Any, prefix: str) -> Iterator[tuple[str, _Thing]]:
    components = schema.get("components", ()) if isinstance(schema, dict) else ()
    for component in components if isinstance(components, list) else ():
        if not isinstance(component, dict):
            continue
        path = component.get("path") if component.get("type") in ("group", "dynamiclist") else component.get("key")
        id = f"{prefix}{path or component.get('id', '')}"
        settings = {name: value for name, value in component.items() if name not in ("id", "layout", "components")}
        yield id, _Thing("field", str(component.get("label") or ""), settings)
        yield from _of_form(component, f"{prefix}{path}." if path else prefix)


def _of_json(value: Any) -> Iterator[tuple[str, _Thing]]:
    for key, entry in value.items() if isinstance(value, dict) else ():
        yield key, _Thing("entry", "", {key: entry})


def _text_change(path: str, old: bytes, new: bytes) -> Change:
    before, after = (content.decode("utf-8", "replace") for content in (old, new))
    return Change(file=path, what="file", how="changed", id=path, name=PurePosixPath(path).name, settings={"text": (before, after)})


def _texts(node: etree._Element) -> list[str]:
    return [" ".join((text.text or "").split()) for text in node.iter("{*}text")]


def _under(node: etree._Element) -> str:
    parent = node.getparent()
    return "" if parent is None else _tag(parent)


def _tag(node: etree._Element) -> str:
    return str(etree.QName(node).localname)
