"""The part of the JSON interface by which outside systems tell a case that something happened."""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine import messages
from engine.bpmn.events import LONGEST_NAME

from ..accounts import me, services
from ..i18n import N_
from .exchange import api, body, declared, plain, request_id
from .shapes import REASON, Number, Object, Text

#: longest time a message may be kept, in hours
_LONGEST = 24 * 366
_NAME = Text(N_("Name of the message or signal, as the diagram has it"), shortest=1, longest=LONGEST_NAME, example="badge returned")
_VALUES = Object(N_("Case variables that come with it"), default={}, example={"badge": True})


@api.post("/messages")
@declared(
    scope="messages",
    takes={
        "name": _NAME,
        "key": Text(N_("Correlation key, by which the case that waits is found"), default="", example="KF-017"),
        "values": _VALUES,
        "subject": Text(N_("Id of the employee whom a case that begins with the message is about"), default=""),
        "keep_hours": Number(N_("Hours for which it is kept while no case waits for it"), default=None, least=0, most=_LONGEST),
    },
    gives=messages.Sent,
    status=(200, 202),
)
def send() -> Any:
    """Tell the case that waits for a message that it has come; 202 while no case has taken it."""
    sent = body()
    keep = sent["keep_hours"]
    taken = messages.send(
        services(),
        name=sent["name"],
        key=sent["key"],
        values=sent["values"],
        subject=sent["subject"] or None,
        actor=me().id,
        keep=None if keep is None else dt.timedelta(hours=keep),
        request_id=request_id(),
    )
    return plain(taken), 200 if taken.case_id else 202


@api.post("/signals")
@declared(scope="messages", takes={"name": _NAME, "values": _VALUES}, gives={"cases": int}, status=202)
def signal() -> Any:
    """Tell every case that waits for a signal; the answer says how many waits it goes to."""
    sent = body()
    reached = messages.signal(services(), name=sent["name"], values=sent["values"], actor=me().id, request_id=request_id())
    return {"cases": reached}, 202


@api.post("/cases/<case_id>/waits/<path:instance>")
@declared(scope="admin:cases", takes={"values": _VALUES, "reason": REASON})
def enter(case_id: str, instance: str) -> Any:
    """Enter by hand what a case waits for (one of its `waits`), as a manager."""
    messages.enter(services(), case_id, instance, actor=me().id, request_id=request_id(), **body())
    return "", 204
