"""The part of the JSON interface by which outside systems tell a case that something happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from engine import messages
from engine.bpmn.events import LONGEST_NAME

from ..accounts import me, services
from .exchange import RequestInvalid, api, body, field, plain, request_id

#: longest time a message may be kept, in hours
_LONGEST = 24 * 366


@api.post("/messages")
def send() -> Any:
    """{name, key?, values?, subject? (id of an employee), keep_hours?} → {case_id, kept_until}

    202 while no case has taken it.
    """
    sent = body()
    taken = messages.send(
        services(),
        name=_name(sent),
        key=field(sent, "key", str, ""),
        values=field(sent, "values", dict, {}),
        subject=field(sent, "subject", str, "") or None,
        actor=me().id,
        keep=_keep(sent),
        request_id=request_id(),
    )
    return plain(taken), 200 if taken.case_id else 202


@api.post("/signals")
def signal() -> Any:
    """{name, values?} → {cases}: how many waits it goes to."""
    sent = body()
    reached = messages.signal(services(), name=_name(sent), values=field(sent, "values", dict, {}), actor=me().id, request_id=request_id())
    return {"cases": reached}, 202


@api.post("/cases/<case_id>/waits/<path:instance>")
def enter(case_id: str, instance: str) -> Any:
    """{reason, values?}: a manager enters by hand what the case waits for (`waits` of the case)"""
    sent = body()
    given = {"values": field(sent, "values", dict, {}), "reason": field(sent, "reason", str)}
    messages.enter(services(), case_id, instance, actor=me().id, request_id=request_id(), **given)
    return "", 204


def _name(sent: Mapping[str, Any]) -> str:
    name: str = field(sent, "name", str)
    if not 0 < len(name) <= LONGEST_NAME:
        raise RequestInvalid(reason=f"“name” has 1 to {LONGEST_NAME} characters", field="name")
    return name


def _keep(sent: Mapping[str, Any]) -> dt.timedelta | None:
    hours = sent.get("keep_hours")
    if hours is None:
        return None
    if isinstance(hours, bool) or not isinstance(hours, (int, float)) or not 0 <= hours <= _LONGEST:
        raise RequestInvalid(reason=f"“keep_hours” must be a number from 0 to {_LONGEST}", field="keep_hours")
    return dt.timedelta(hours=hours)
