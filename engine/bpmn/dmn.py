"""The XML of DMN (OMG DMN 1.1 to 1.5) as the plain model that `feel/src/decisions.mjs` compiles."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

from engine import errors
from engine.bpmn.reader import read_xml

_DMN: Final = "omg.org/spec/DMN/"
_POLICIES: Final = ("UNIQUE", "FIRST", "ANY", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER")
_REQUIREMENTS: Final = ("informationRequirement", "knowledgeRequirement")


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _all(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    return (child for child in element if _tag(child) in tags)


def _first(element: etree._Element | None, tag: str) -> etree._Element | None:
    return None if element is None else next(_all(element, tag), None)


def _text(element: etree._Element | None, tag: str = "text") -> str | None:
    child = _first(element, tag)
    return None if child is None else child.text or ""


def model(xml: bytes, file: str, beside: Mapping[str, bytes]) -> dict[str, Any]:
    """DMN XML -> the plain model that `decisions.mjs` compiles: `{files, types, nodes, order}`.

    Nodes by id, required ones earlier in `order`. What comes from an imported file has that file's namespace before its id or name.
    Raises `errors.FileRefused` with line and element.
    """
    readers = [_Reader(file, read_xml(xml, file), "")]
    others = {path: content for path, content in beside.items() if path != file}
    by_namespace = {readers[0].root.get("namespace", ""): readers[0]}
    for reader in readers:  # grows while it is gone through
        for imported in _all(reader.root, "import"):
            if _DMN not in imported.get("importType", _DMN):
                raise reader.refuse(imported, "only imports of other DMN files are read")
            namespace = imported.get("namespace", "")
            if namespace not in by_namespace:
                found = _beside(namespace, others)
                if found is None:
                    raise reader.refuse(imported, f'it imports "{namespace}", but no file beside it has that namespace')
                by_namespace[namespace] = _Reader(*found, namespace + "#")
                readers.append(by_namespace[namespace])
            reader.imports[namespace] = (imported.get("name", ""), by_namespace[namespace].prefix)
    for reader in readers:
        reader.known = {(other.prefix, name) for other in readers for name in other.declared()}
    nodes: dict[str, dict[str, Any]] = {}
    for number, reader in enumerate(readers):
        nodes.update({id: node | {"file": number} for id, node in reader.nodes().items()})
    for reader in readers:
        for element in reader.root:
            for needed in reader.needs(element):
                if needed["id"] not in nodes:
                    raise reader.refuse(element, f'it requires "{needed["id"].rpartition("#")[2]}", which is not in the file')
    # Nobody has to give an input that is only drawn.
    wanted = {need["id"] for node in nodes.values() for need in node["needs"]}
    nodes = {id: node for id, node in nodes.items() if node["kind"] != "input" or id in wanted}
    # Only a function may require itself.
    required = {id: [n["id"] for n in node["needs"] if n["id"] != id or node["kind"] != "knowledge"] for id, node in nodes.items()}
    try:
        order = list(graphlib.TopologicalSorter(required).static_order())
    except graphlib.CycleError as error:
        raise errors.FileRefused(file=file, reason="decisions require each other: " + ", ".join(error.args[1])) from None
    types = {reader.prefix + (e.get("name") or ""): reader.item(e) for reader in readers for e in _all(reader.root, "itemDefinition")}
    files = [{"prefix": r.prefix, "imports": list(r.imports.values())} for r in readers]
    return {"files": files, "types": types, "nodes": {id: nodes[id] for id in order}, "order": order}


def _beside(namespace: str, others: Mapping[str, bytes]) -> tuple[str, etree._Element] | None:
    """(name, root) of the file with this namespace; one that cannot be read is not the one that is meant."""
    for path, content in others.items():
        if namespace.encode() in content:
            try:
                root = read_xml(content, path)
            except errors.FileRefused:
                continue
            if root.get("namespace") == namespace:
                return path, root
    return None


class _Reader:
    """Reads one file."""

    def __init__(self, file: str, root: etree._Element, prefix: str) -> None:
        self.file = file
        self.root = root
        #: stands before the ids and names of an imported file
        self.prefix = prefix
        #: namespace -> (the name under which this file knows what it imports, the prefix of that file)
        self.imports: dict[str, tuple[str, str]] = {}
        #: (prefix, name) of every declared type
        self.known: set[tuple[str, str]] = set()
        if _tag(root) != "definitions" or _DMN not in (etree.QName(root).namespace or ""):
            raise self.refuse(root, "this is not a DMN file")
        for element in root.iter():
            language = element.get("expressionLanguage", "feel")
            if "feel" not in language.lower():
                raise self.refuse(element, f"it is written in {language}; only FEEL is read")

    def refuse(self, element: etree._Element, reason: str) -> errors.FileRefused:
        place = element.get("id") or element.get("name") or _tag(element)
        return errors.FileRefused(file=self.file, reason=f"line {element.sourceline}, {place}: {reason}")

    def declared(self) -> list[str]:
        """Names of the types of this file."""
        return [element.get("name", "") for element in _all(self.root, "itemDefinition")]

    def nodes(self) -> dict[str, dict[str, Any]]:
        nodes: dict[str, dict[str, Any]] = {}
        for element in self.root:
            if node := self.node(element):
                id = self.prefix + (element.get("id") or element.get("name", ""))
                if id in nodes:
                    raise self.refuse(element, "its id is used twice")
                nodes[id] = node
        return nodes

    def type(self, element: etree._Element | None) -> str | None:
        """The declared type; an item definition of DMN 1.1 carries it as a child, everything else as an attribute."""
        return None if element is None else self.type_named(element.get("typeRef"), element)

    def type_named(self, name: str | None, element: etree._Element) -> str | None:
        if not name:
            return None
        before, _, local = name.rpartition(":")
        for namespace, (known_as, prefix) in self.imports.items():
            rest = name.removeprefix(f"{known_as}." if known_as else "")
            if (rest != name or not known_as) and (prefix, rest) in self.known:
                return prefix + rest
            if before and element.nsmap.get(before) == namespace:
                return prefix + local
        return next((self.prefix + n for n in (name, local) if (self.prefix, n) in self.known), name)

    def reference(self, element: etree._Element) -> dict[str, Any]:
        """What an href points to: `{id, from}`, `from` the name of the import, empty for this file."""
        namespace, _, id = element.get("href", "").rpartition("#")
        if namespace in self.imports:
            known_as, prefix = self.imports[namespace]
            return {"id": prefix + id, "from": known_as}
        if namespace not in ("", self.root.get("namespace")):
            raise self.refuse(element, f'it points to "{namespace}", which this file does not import')
        return {"id": self.prefix + id, "from": ""}

    def needs(self, element: etree._Element) -> list[dict[str, Any]]:
        wanted = [r for q in _all(element, *_REQUIREMENTS) for r in q if _tag(r).startswith("required")]
        if _tag(element) == "decisionService":
            wanted = list(_all(element, "outputDecision", "inputData", "inputDecision"))
        return [self.reference(r) for r in wanted]

    def node(self, element: etree._Element) -> dict[str, Any] | None:
        variable = _first(element, "variable")
        name = element.get("name", element.get("id", ""))
        node: dict[str, Any] = {"name": name, "type": self.type(variable), "needs": self.needs(element)}
        match _tag(element):
            case "inputData":
                return node | {"kind": "input"}
            case "decision":
                return node | {"kind": "decision", "body": self.boxed(element)}
            case "businessKnowledgeModel":
                logic = _first(element, "encapsulatedLogic")
                body = None if logic is None else self.function(logic)
                return node | {"kind": "knowledge", "body": body, "type": None}
            case "decisionService":
                # In a call the input data come before the input decisions, although they stand behind them in the file.
                inputs = [self.reference(r)["id"] for tag in ("inputData", "inputDecision") for r in _all(element, tag)]
                outputs = [self.reference(r)["id"] for r in _all(element, "outputDecision")]
                if not outputs:
                    raise self.refuse(element, "it has no output decision")
                return node | {"kind": "service", "parameters": inputs, "results": outputs}
        return None

    def item(self, element: etree._Element) -> dict[str, Any]:
        allowed, function = _first(element, "typeConstraint"), _first(element, "functionItem")
        return {
            "name": element.get("name"),
            "list": element.get("isCollection") == "true",
            "base": self.type_named(_text(element, "typeRef"), element),
            "allowed": _text(allowed if allowed is not None else _first(element, "allowedValues")),
            "parts": [self.item(part) for part in _all(element, "itemComponent")] or None,
            "function": function is not None,
            "gives": None if function is None else self.type_named(function.get("outputTypeRef"), function),
        }

    # --- boxed expressions

    def boxed(self, element: etree._Element | None) -> dict[str, Any] | None:
        """The boxed expression inside `element`."""
        for child in () if element is None else element:
            if _tag(child) in _BOXED:
                return self.expression(child)
        return None

    def expression(self, element: etree._Element) -> dict[str, Any]:
        kind, read = _BOXED[_tag(element)]
        about: dict[str, Any] = {"kind": kind, "id": element.get("id") or self.owner(element), "type": self.type(element)}
        return about | dict(read(self, element))

    def owner(self, element: etree._Element) -> str:
        """Id of the nearest element around it that has one."""
        return next((a.get("id", "") for a in element.iterancestors() if a.get("id")), "")

    def many(self, element: etree._Element) -> list[dict[str, Any]]:
        return [self.expression(child) for child in element if _tag(child) in _BOXED]

    def text(self, element: etree._Element) -> dict[str, Any]:
        return {"text": _text(element)}

    def list(self, element: etree._Element) -> dict[str, Any]:
        return {"items": self.many(element)}

    def relation(self, element: etree._Element) -> dict[str, Any]:
        columns = [column.get("name") for column in _all(element, "column")]
        rows = [self.many(row) for row in _all(element, "row")]
        for number, row in enumerate(rows, 1):
            if len(row) != len(columns):
                raise self.refuse(element, f"row {number} has {len(row)} cells, but the relation {len(columns)} columns")
        return {"columns": columns, "rows": rows}

    def context(self, element: etree._Element) -> dict[str, Any]:
        entries = []
        for entry in _all(element, "contextEntry"):
            variable = _first(entry, "variable")
            name = None if variable is None else variable.get("name")
            entries.append({"name": name, "type": self.type(variable), "value": self.boxed(entry)})
        return {"entries": entries}

    def function(self, element: etree._Element) -> dict[str, Any]:
        parameters = [{"name": p.get("name"), "type": self.type(p)} for p in _all(element, "formalParameter")]
        about = {"kind": "function", "id": element.get("id") or self.owner(element), "type": None}
        return about | {"language": element.get("kind", "FEEL"), "parameters": parameters, "body": self.boxed(element)}

    def call(self, element: etree._Element) -> dict[str, Any]:
        bindings = []
        for binding in _all(element, "binding"):
            parameter = _first(binding, "parameter")
            if parameter is None:
                raise self.refuse(binding, "a binding has no parameter")
            bindings.append({"name": parameter.get("name"), "type": self.type(parameter), "value": self.boxed(binding)})
        return {"callee": self.boxed(element), "bindings": bindings}

    def conditional(self, element: etree._Element) -> dict[str, Any]:
        return {part: self.boxed(_first(element, part)) for part in ("if", "then", "else")}

    def filter(self, element: etree._Element) -> dict[str, Any]:
        return {part: self.boxed(_first(element, part)) for part in ("in", "match")}

    def iteration(self, element: etree._Element) -> dict[str, Any]:
        source, result = _first(element, "in"), _first(element, "return" if _tag(element) == "for" else "satisfies")
        return {"variable": element.get("iteratorVariable", ""), "in": self.boxed(source), "result": self.boxed(result)}

    def table(self, element: etree._Element) -> dict[str, Any]:
        policy = element.get("hitPolicy", "UNIQUE")
        if policy not in _POLICIES:
            raise self.refuse(element, f'there is no hit policy "{policy}"')
        inputs, outputs = [], []
        for column in _all(element, "input"):
            asked = _first(column, "inputExpression")
            allowed = _text(_first(column, "inputValues"))
            id = column.get("id") or self.owner(column)
            inputs.append({"id": id, "text": _text(asked) or "", "type": self.type(asked), "allowed": allowed or None})
        for number, column in enumerate(_all(element, "output"), 1):
            outputs.append(
                {
                    "id": column.get("id") or self.owner(column),
                    "name": column.get("name") or column.get("label") or f"output {number}",
                    "type": self.type(column),
                    "allowed": _text(_first(column, "outputValues")) or None,
                    "standard": _text(_first(column, "defaultOutputEntry")) or None,
                }
            )
        rules = [self.rule(rule, row, len(inputs), len(outputs)) for row, rule in enumerate(_all(element, "rule"), 1)]
        aggregation = element.get("aggregation") if policy == "COLLECT" else None
        return {"policy": policy, "aggregation": aggregation, "inputs": inputs, "outputs": outputs, "rules": rules}

    def rule(self, rule: etree._Element, row: int, inputs: int, outputs: int) -> dict[str, Any]:
        tests = [_text(cell) for cell in _all(rule, "inputEntry")]
        results = [_text(cell) for cell in _all(rule, "outputEntry")]
        if (len(tests), len(results)) != (inputs, outputs):
            reason = f"rule {row} has {len(tests)} + {len(results)} cells, but the table {inputs} + {outputs} columns"
            raise self.refuse(rule, reason)
        return {"id": rule.get("id") or f"rule {row}", "row": row, "tests": tests, "results": results}


_BOXED: Final[dict[str, tuple[str, Any]]] = {
    "literalExpression": ("text", _Reader.text),
    "decisionTable": ("table", _Reader.table),
    "context": ("context", _Reader.context),
    "invocation": ("call", _Reader.call),
    "list": ("list", _Reader.list),
    "relation": ("relation", _Reader.relation),
    "functionDefinition": ("function", _Reader.function),
    "conditional": ("conditional", _Reader.conditional),
    "filter": ("filter", _Reader.filter),
    "for": ("for", _Reader.iteration),
    "some": ("some", _Reader.iteration),
    "every": ("every", _Reader.iteration),
}
