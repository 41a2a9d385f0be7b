"""What people and outside systems could not be told: administrators see it and send it again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from engine import announcing
from engine.errors import NotAllowed
from engine.notices import failures

from ..accounts import me, services
from ..i18n import reason
from .exchange import api, declared, plain

_NOTICE = {"id": str, "kind": str, "person": str, "channel": str, "number": str | None, "created_at": dt.datetime, "reason": str}
_EVENT = {"id": str, "operation": str, "case_id": str, "number": str, "created_at": dt.datetime, "attempts": int, "reason": str | None}


@api.get("/undelivered")
@declared(scope="admin:cases", gives={"notices": [_NOTICE], "events": [_EVENT]})
def undelivered() -> Any:
    """The newest notices and events that could not be sent, a hundred of each at most, with the reason. For administrators."""
    if not me().holds("admin"):
        raise NotAllowed(reason="only administrators see what could not be sent")
    with services().database.reading() as connection:
        notices, events = failures.rows(connection), announcing.rows(connection)
    return {"notices": [_told(row, _NOTICE) for row in notices], "events": [_told(row, _EVENT) for row in events]}


def _told(row: Any, fields: dict[str, Any]) -> dict[str, Any]:
    return {**{name: plain(getattr(row, name)) for name in fields}, "reason": reason(row.reason or "")}


@api.post("/undelivered/notices/<delivery_id>/send")
@declared(scope="admin:cases")
def send_notice(delivery_id: str) -> Any:
    """Send a notice again that could not be sent. For administrators."""
    failures.send_again(services(), delivery_id, by=me().id)
    return "", 204


@api.post("/undelivered/events/<delivery_id>/send")
@declared(scope="admin:cases")
def send_event(delivery_id: str) -> Any:
    """Tell an outside system again, under the same key, what it could not be told. For administrators."""
    announcing.send_again(services(), delivery_id, by=me().id)
    return "", 204
