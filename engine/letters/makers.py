"""The steps that make a letter, as the diagrams of its procedure say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..bpmn.model import Element, Process
from ..bpmn.parser import processes_of
from ..errors import FileRefused
from . import templates


def making(files: Mapping[str, bytes]) -> Iterator[tuple[str, Process, Element, str]]:
    """Every step that makes a letter, with the path of its diagram, its process and the operation; what cannot be read has none."""
    for path, content in files.items():
        if not path.endswith(".bpmn"):
            continue
        try:
            read = processes_of(content, path)
        except FileRefused:
            continue
        for process in read:
            for element in process.elements.values():
                operation = element.extensions.get("taskDefinition.type", "")
                if operation in templates.ENDINGS and process.executable:
                    yield path, process, element, operation


def makers(files: Mapping[str, bytes], letter: str) -> list[tuple[Process, Element]]:
    """The steps that make the letter of this path."""
    served = templates.served(letter)
    if served is None:
        return []
    names, by = served
    return [
        (process, element)
        for _, process, element, operation in making(files)
        if operation == by and element.headers.get(templates.HEADER) in names
    ]
