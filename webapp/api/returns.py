"""Back, elsewhere, and open again: what managers do to the course of a case."""

from __future__ import annotations

from typing import Any

from flask import request

from engine import returns

from ..accounts import me, services
from .exchange import api, body, field, plain, request_id, texts


@api.get("/cases/<case_id>/steps")
def steps(case_id: str) -> Any:
    """→ {steps, stands}: where the case can be returned to or opened again, the last one reached first; where it stands, by instance"""
    which = {"actor": me().id}
    return {"steps": plain(returns.steps(services(), case_id, **which)), "stands": plain(returns.stands(services(), case_id, **which))}


@api.get("/cases/<case_id>/prospect")
def prospect(case_id: str) -> Any:
    """`element` → {left, effects}: what a return there would leave, and what was done outside since; nothing is changed"""
    return _told(returns.prospect(services(), case_id, request.args.get("element", ""), actor=me().id))


@api.post("/cases/<case_id>/<any(return, reopen):verb>")
def back(case_id: str, verb: str) -> Any:
    """{element, reason, leaving? (instances, of a return)} → {left, effects}"""
    sent = body()
    which = {"actor": me().id, "reason": field(sent, "reason", str), "request_id": request_id()}
    element = field(sent, "element", str)
    if verb == "reopen":
        return _told(returns.reopen(services(), case_id, element, **which))
    leaving = texts(sent, "leaving") if "leaving" in sent else None
    return _told(returns.return_to(services(), case_id, element, leaving=leaving, **which))


@api.post("/cases/<case_id>/jump")
def jump(case_id: str) -> Any:
    """{leaving (instances), entering (elements), reason} → {left, effects}"""
    sent = body()
    which = {"actor": me().id, "reason": field(sent, "reason", str), "request_id": request_id()}
    return _told(returns.jump(services(), case_id, leaving=texts(sent, "leaving"), entering=texts(sent, "entering"), **which))


def _told(found: returns.Prospect) -> Any:
    return {"left": plain(found.left), "effects": plain(found.effects)}
