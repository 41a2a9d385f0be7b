"""What people filled in at each step, read back from the ledger under the labels of the forms they used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import forms
from engine.timeline import Event
from engine.work import permissions

from .accounts import services
from .i18n import current, gettext


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One field as it was answered."""

    label: str
    text: str
    #: ids of the documents of a file field
    documents: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one person entered at one step."""

    event: Event
    answers: Sequence[Answer]


def entries(version_id: str, timeline: Sequence[Event]) -> list[Entry]:
    """Every form that was filled in and every opinion or attachment that was given, in the order of time, but for what was withdrawn."""
    found = []
    for event in (event for event in timeline if event.counts):
        answers = answers_of(version_id, event)
        if answers or event.detail.get("opinion") or event.detail.get("attachments"):
            found.append(Entry(event=event, answers=answers))
    return found


def answers_of(version_id: str, event: Event) -> list[Answer]:
    """The answers of the form that an event of the timeline carries; none where it carries no form."""
    deployed = services().programs.get(version_id)
    element, values = deployed.program.elements.get(event.element or ""), event.detail.get("values")
    schema = services().programs.form(deployed, element) if element else None
    if element is None or schema is None or not isinstance(values, Mapping):
        return []
    return filled_in(schema, values, hidden=[name for name, rule in permissions(element).items() if rule == "hidden"])


def filled_in(schema: Mapping[str, Any] | None, values: Mapping[str, Any], *, hidden: Collection[str] = ()) -> list[Answer]:
    """What of a form was filled in, as `values` say; fields that they do not have were not."""
    if schema is None or not values:
        return []
    readable = given(schema, values) | dict.fromkeys(hidden, "hidden")
    return answers(services().forms.view(schema, values, permissions=readable, locale=current(), record=True))


def given(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Permissions that show the fields for which there are values, and no others."""
    return {name: "readonly" if _given(values, name.split(".")) else "hidden" for name in forms.fields(schema)}


def _given(values: Any, path: Sequence[str]) -> bool:
    """Whether something lies at a path; in a list for every row what the list has."""
    for key in path:
        if isinstance(values, Sequence):
            return True
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def answers(fields: Sequence[Any]) -> list[Answer]:
    """What the views of a form's fields hold, in their order; empty fields are left out."""
    return list(_answers(fields))


def _answers(fields: Sequence[Any]) -> Iterator[Answer]:
    for field in fields:
        if field.kind == "dynamiclist":
            lines = [gettext("; ").join(f"{each.label}{gettext(': ')}{each.text}" for each in _answers(row.fields)) for row in field.rows]
            if text := "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1) if line):
                yield Answer(label=field.label, text=text)
        elif field.kind == "filepicker":
            if field.documents:
                yield Answer(label=field.label, text="", documents=field.documents)
        elif field.kind == "checkbox":
            if field.checked:
                yield Answer(label=field.label, text=gettext("Yes"))
        elif field.path and field.shown:
            shown = field.shown.replace("T", " ")[:16] if field.kind == "datetime" else field.shown
            yield Answer(label=field.label, text=f"{field.prefix}{shown}{field.suffix}")
        yield from _answers(field.fields)
