"""What an element asks of the world when a token reaches it, evaluated from its extension values. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from .. import errors
from ..calendar import Calendar
from ..ports import Json
from . import expressions, timers
from .advance import Opened, Requested
from .model import Element
from .scopes import nested


def value(text: str, data: Mapping[str, Json], now: dt.datetime) -> Json:
    """An extension value: FEEL if it begins with "=", else the text itself. Raises `errors.FeelError`."""
    return expressions.evaluate(text[1:], data, now=now) if text.startswith("=") else text


def mapped(mapping: tuple[tuple[str, str], ...], data: Mapping[str, Json], now: dt.datetime) -> dict[str, Json]:
    """The values of an input or output mapping, in order; a later line sees the earlier ones."""
    found: dict[str, Json] = {}
    for target, text in mapping:
        seen = {**data, **found}
        name, result = nested(target, value(text, seen, now), seen)
        found[name] = result
    return found


def opened(
    element: Element,
    instance: str,
    inputs: Mapping[str, Json],
    data: Mapping[str, Json],
    now: dt.datetime,
    calendar: Calendar | None = None,
) -> Opened:
    """The work item of a user task; `data` are the visible variables, inputs included. Raises `errors.FeelError`."""
    given = element.extensions
    for_subject = element.properties.get("wf.for") == "subject"
    due = _one(given.get("taskSchedule.dueDate"), data, now)
    return Opened(
        instance=instance,
        element=element.id,
        activation=activation(instance),
        chain=_one(element.properties.get("wf.chain"), data, now),
        assignee=_one("=subject.id" if for_subject else given.get("assignmentDefinition.assignee"), data, now),
        groups=_many(given.get("assignmentDefinition.candidateGroups"), data, now),
        persons=_many(given.get("assignmentDefinition.candidateUsers"), data, now),
        due=timers.moment(due, now, calendar) if due else None,
        priority=_priority(given.get("priorityDefinition.priority"), data, now, otherwise=50),
        inputs=inputs,
    )


def requested(element: Element, instance: str, inputs: Mapping[str, Json], data: Mapping[str, Json], now: dt.datetime) -> Requested:
    """The call of a service task. Raises `errors.FeelError`."""
    given = element.extensions
    retries = _one(given.get("taskDefinition.retries"), data, now) or "3"
    if not retries.isdigit() or retries == "0":
        raise errors.FeelError(expression=retries, reason="attempts are a whole number from 1 on")
    return Requested(
        instance=instance,
        element=element.id,
        activation=activation(instance),
        operation=_one(given.get("taskDefinition.type"), data, now) or "",
        input=inputs,
        headers=element.headers,
        attempts=int(retries),
        priority=_priority(given.get("jobPriorityDefinition.priority"), data, now, otherwise=0),
    )


def activation(instance: str) -> int:
    """1 for the first visit of the element."""
    return int(instance.rpartition("#")[2])


def text(given: str, data: Mapping[str, Json], now: dt.datetime) -> str:
    """A value that must be there, as text. Raises `errors.FeelError`."""
    found = _one(given, data, now)
    if not found:
        raise errors.FeelError(expression=given, reason="it must give a text")
    return found


def _one(text: str | None, data: Mapping[str, Json], now: dt.datetime) -> str | None:
    """Text, or None where nothing is given or FEEL gives null."""
    found = value(text, data, now) if text else None
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    raise errors.FeelError(expression=text or "", reason="it must give a text")


def _many(text: str | None, data: Mapping[str, Json], now: dt.datetime) -> tuple[str, ...]:
    """Texts: a FEEL list, or literal text with commas between."""
    if not text:
        return ()
    found = value(text, data, now)
    if isinstance(found, str):
        found = [part.strip() for part in found.split(",") if part.strip()]
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise errors.FeelError(expression=text, reason="it must give a list of texts")
    return tuple(found)


def _priority(text: str | None, data: Mapping[str, Json], now: dt.datetime, *, otherwise: int) -> int:
    found = value(text, data, now) if text else otherwise
    try:
        number = int(found)
    except (TypeError, ValueError, OverflowError):
        raise errors.FeelError(expression=text or "", reason="a priority is a whole number") from None
    if abs(number) >= 2**31:
        raise errors.FeelError(expression=text or "", reason="a priority lies between -2147483647 and 2147483647")
    return number
