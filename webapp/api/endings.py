"""How a case ends before its diagram says so, and how a closed one becomes void."""

from __future__ import annotations

from typing import Any

from engine import endings, returns

from ..accounts import me, services
from .exchange import api, body, declared, plain, request_id
from .shapes import REASON, Text

_ANSWER = Text(REASON.says, default="", example=REASON.example)


@api.get("/cases/<case_id>/ending")
@declared(scope="read:cases", gives={"left": [returns.Step], "effects": [returns.Effect]})
def ending(case_id: str) -> Any:
    """What would be left if the case ended now, and what was done outside since it began; nothing is changed."""
    found = endings.prospect(services(), case_id, actor=me().id)
    return {"left": plain(found.left), "effects": plain(found.effects)}


@api.post("/cases/<case_id>/cancel")
@declared(scope="work", takes={"reason": REASON})
def cancel(case_id: str) -> Any:
    """Cancel a case that the caller started."""
    endings.cancel(services(), case_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


@api.post("/cases/<case_id>/<any(terminate, void):verb>")
@declared(scope="admin:cases", takes={"reason": REASON})
def end_case(case_id: str, verb: str) -> Any:
    """Terminate a running case or declare a closed one void; where it needs a second person, ask for one (`asked` of the case)."""
    getattr(endings, verb)(services(), case_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


@api.post("/cases/<case_id>/confirm")
@declared(scope="admin:cases", takes={"reason": _ANSWER})
def confirm(case_id: str) -> Any:
    """As the second person, have done what another manager asked for."""
    endings.confirm(services(), case_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


@api.post("/cases/<case_id>/decline")
@declared(scope="admin:cases", takes={"reason": REASON})
def decline(case_id: str) -> Any:
    """Decline what another manager asked for, or take back what the caller asked for."""
    endings.decline(services(), case_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204
