"""Which parts the results of decisions have, as their tables, contexts and expressions show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import errors
from . import dmn, expressions
from .shapes import Shape, of_form, together

#: what a column adds up to
_COUNTED = ("SUM", "MIN", "MAX", "COUNT")


def decided(files: Mapping[str, bytes]) -> dict[str, Shape]:
    """By id, of all decisions and services among the files; what cannot be read decides nothing. An id that two files have is not known."""
    found: dict[str, Shape] = {}
    for path, content in files.items():
        if path.endswith(".dmn"):
            try:
                nodes = dmn.model(content, path, files)["nodes"]
            except (errors.FileRefused, RecursionError):
                continue
            own = _of_nodes(nodes)
            found |= {id: None if id in found else shape for id, shape in own.items() if not nodes[id]["file"]}
    return found


def _of_nodes(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for id, node in nodes.items():  # required ones come first
        if node["kind"] == "decision":
            needed = {nodes[need["id"]]["name"]: found.get(need["id"]) for need in node["needs"] if not need["from"]}
            found[id] = _boxed(node["body"], needed)
        elif node["kind"] == "service":
            several = {nodes[result]["name"]: found.get(result) for result in node["results"]}
            found[id] = several if len(several) > 1 else next(iter(several.values()), None)
    return found


def _boxed(body: Mapping[str, Any] | None, seen: Mapping[str, Shape]) -> Shape:
    """That of a boxed expression; `seen`: those of what its expressions may name."""
    match body or {}:
        case {"kind": "text", "text": str(text)}:
            return of_form(expressions.form(text, frozenset(name for name in seen if " " in name)), seen.get)
        case {"kind": "table", "outputs": [_, _, *_] as columns, "aggregation": counted} if counted not in _COUNTED:
            return dict.fromkeys(column["name"] for column in columns)
        case {"kind": "relation", "columns": names, "rows": rows}:
            return {name: together(_boxed(row[at], seen) for row in rows) for at, name in enumerate(names)}
        case {"kind": "list", "items": items}:
            return together(_boxed(item, seen) for item in items)
        case {"kind": "conditional", "then": one, "else": other}:
            return together((_boxed(one, seen), _boxed(other, seen)))
        case {"kind": "filter", "in": source}:
            return _boxed(source, seen)
        case {"kind": "for", "in": source, "result": result, "variable": item}:
            return _boxed(result, {**seen, item: _boxed(source, seen), "partial": None})
        case {"kind": "context", "entries": entries}:
            parts: dict[str, Shape] = {}
            for entry in entries:
                shape = _boxed(entry["value"], {**seen, **parts})
                if entry["name"] is None:
                    return shape
                parts[entry["name"]] = shape
            return parts
    return None
