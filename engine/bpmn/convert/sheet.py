"""One diagram while it is converted: takes foreign settings out, puts ours in, and notes every change with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from ..codes import Code
from ..findings import Finding, finding
from ..reader import BPMN, ZEEBE
from . import juel, translation
from .translation import Use

#: the vocabularies that are converted, by the prefix people know them by
VOCABULARIES = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://www.camunda.com/fox": "camunda",
    "http://activiti.org/bpmn": "activiti",
    "http://activiti.com/modeler": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://flowable.org/design": "flowable",
    "http://flowable.org/modeler": "flowable",
}


@dataclass(frozen=True)
class Read:
    """A variable that an expression reads."""

    element: str
    name: str
    use: Use
    #: whether the element's own results are already there: its output mapping, the flows behind it
    after: bool = False


@dataclass
class Sheet:
    """The file's tree, changed in place, and what there is to say about it."""

    file: str
    root: etree._Element
    findings: list[Finding] = field(default_factory=list)
    #: form-js schemas that were made, by id
    forms: dict[str, dict[str, object]] = field(default_factory=dict)
    #: ids of the forms that came with the diagram
    known_forms: frozenset[str] = frozenset()
    reads: list[Read] = field(default_factory=list)
    #: (call activity, variable here, variable there) of what is handed over as it is
    passed: list[tuple[str, str, str]] = field(default_factory=list)
    #: variables that hold who started the case
    initiators: frozenset[str] = frozenset()
    #: forms of elements that are pages of the other engine, and elements that have none: what they give is open
    open_forms: dict[str, str | None] = field(default_factory=dict)
    changed: bool = False

    # --- taking out

    def take(self, node: etree._Element, *names: str) -> str | None:
        """A foreign attribute by any of its names, removed."""
        for key in list(node.attrib):
            tag = etree.QName(key)
            if tag.namespace in VOCABULARIES and tag.localname in names:
                self.changed = True
                return str(node.attrib.pop(key)).strip()
        return None

    def given(self, node: etree._Element, name: str) -> str | None:
        """A foreign attribute, left where it is."""
        found = ((etree.QName(key), value) for key, value in node.attrib.items())
        return next((str(value) for tag, value in found if tag.namespace in VOCABULARIES and tag.localname == name), None)

    def children(self, node: etree._Element, *names: str) -> list[etree._Element]:
        """Foreign elements in the extension elements of `node`, or directly in it, removed."""
        places = [node, *node.findall(BPMN + "extensionElements")]
        found = [child for place in places for child in place if foreign(child) in names]
        for child in found:
            remove(child)
            self.changed = True
        return found

    # --- putting in

    def extend(self, node: etree._Element, tag: str, **attributes: str) -> etree._Element:
        """The zeebe extension element `tag` of a node, with these attributes; made where there is none."""
        self.changed = True
        place = node.find(BPMN + "extensionElements")
        if place is None:
            place = etree.Element(BPMN + "extensionElements")
            place.sourceline = node.sourceline or 1
            node.insert(len(node.findall(BPMN + "documentation")), place)
        found = place.find(ZEEBE + tag)
        if found is None:
            found = etree.SubElement(place, ZEEBE + tag)
        found.attrib.update(attributes)
        return found

    def has(self, node: etree._Element, tag: str) -> bool:
        """Whether a zeebe extension element is there."""
        return node.find(f"{BPMN}extensionElements/{ZEEBE}{tag}") is not None

    def map(self, node: etree._Element, side: str, target: str, source: str) -> None:
        """Adds a line to the input or output mapping; a later line for the same variable counts for nothing."""
        mapping = self.extend(node, "ioMapping")
        if all(line.get("target") != target for line in mapping.findall(ZEEBE + side)):
            etree.SubElement(mapping, ZEEBE + side, source=source, target=target)

    def header(self, node: etree._Element, key: str, value: str) -> None:
        """A fixed text for the operation."""
        etree.SubElement(self.extend(node, "taskHeaders"), ZEEBE + "header", key=key, value=value)

    def retag(self, node: etree._Element, kind: str) -> None:
        """Makes it an element of another kind with the same id."""
        node.tag = BPMN + kind
        self.changed = True

    def rewrite(self, node: etree._Element, text: str) -> None:
        """Replaces the text of an element of the standard."""
        if node.text != text:
            node.text = text
            self.changed = True

    # --- saying

    def say(self, code: Code, node: etree._Element, *, severity: str | None = None, line: int | None = None, **facts: object) -> None:
        """A finding at the drawn element that holds `node`."""
        at = drawn(node)
        said = finding(code, None, severity=severity, at=at.get("id"), called=at.get("name"), **facts)
        self.findings.append(replace(said, line=line or node.sourceline or at.sourceline))

    def became(self, node: etree._Element, what: str, became: str) -> None:
        """Notes a conversion that keeps the meaning."""
        self.say(Code.CONVERTED, node, what=what, became=became)

    # --- expressions

    def text(self, node: etree._Element, where: str, text: str, *, after: bool = False, severity: str | None = None) -> str | None:
        """A value with `${…}` as FEEL with its leading "=", plain text as it is; None where FEEL has nothing like it (a finding)."""
        if not juel.has_expression(text):
            return f"={translation.quoted(text)}" if text.startswith("=") else text
        feel = self._translated(node, where, text, False, after, severity)
        return None if feel is None else f"={feel}"

    def condition(self, node: etree._Element, where: str, text: str, *, after: bool = False) -> str | None:
        """An expression that must be true or false, with its leading "="."""
        feel = self._translated(node, where, text, True, after)
        return None if feel is None else f"={feel}"

    def _translated(self, node: etree._Element, where: str, text: str, asks: bool, after: bool, severity: str | None = None) -> str | None:
        try:
            feel = translation.whole(text, self.initiators, true_or_false=asks)
        except (juel.Unreadable, translation.Untranslatable) as error:
            self.say(Code.NOT_TRANSLATED, node, severity=severity, where=where, expression=short(text), reason=error.args[0])
            return None
        self.read(node, feel, after=after)
        return feel.text

    def read(self, node: etree._Element, feel: translation.Feel, *, after: bool = False) -> None:
        """Notes what an expression of the element reads."""
        at = drawn(node).get("id", "")
        self.reads += [Read(at, name, use, after) for name, use in feel.uses.items()]


def foreign(node: etree._Element) -> str | None:
    """The name of an element of another engine's vocabulary, None for every other element."""
    if not isinstance(node.tag, str):
        return None
    tag = etree.QName(node)
    return tag.localname if tag.namespace in VOCABULARIES else None


def called(node: etree._Element, key: str | None = None) -> str:
    """A foreign element or attribute as people write it: `camunda:assignee`."""
    tag = etree.QName(key or node)
    return f"{VOCABULARIES.get(tag.namespace or '', node.prefix or '')}:{tag.localname}"


def attribute_of(node: etree._Element, name: str, default: str = "") -> str:
    """An attribute of a foreign element, with or without prefix."""
    for key, value in node.attrib.items():
        if etree.QName(key).localname == name:
            return str(value)
    return default


def inner(node: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Foreign elements directly below a foreign one."""
    return (child for child in node if foreign(child) in names)


def drawn(node: etree._Element) -> etree._Element:
    """The element or flow that `node` belongs to: itself or the nearest one around it."""
    around = node
    while around.getparent() is not None and (not _is_drawn(around)):
        around = around.getparent()
    return around


def _is_drawn(node: etree._Element) -> bool:
    tag = etree.QName(node)
    inside = ("EventDefinition", "Characteristics", "conditionExpression", "ioSpecification", "Association", "Expression", "Resource")
    return f"{{{tag.namespace}}}" == BPMN and bool(node.get("id")) and not tag.localname.endswith((*inside, "performer", "Owner", "script"))


def remove(node: etree._Element) -> None:
    """Takes a node out of its parent, which keeps the text behind it."""
    parent = node.getparent()
    if node.tail and node.tail.strip():
        before = node.getprevious()
        if before is None:
            parent.text = (parent.text or "") + node.tail
        else:
            before.tail = (before.tail or "") + node.tail
    parent.remove(node)


def short(text: str) -> str:
    """A text on one line, cut where it gets long."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
