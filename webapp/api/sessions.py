"""Sessions, and who the caller may report."""

from __future__ import annotations

from typing import Any

from flask import request

from ..accounts import close_session, me, open_session
from ..start import employees_for, open_to
from .exchange import api, body, field, plain, words


@api.post("/session")
def log_in() -> Any:
    """{login, password} → {token, expires_at}"""
    sent = body()
    token, ends = open_session(field(sent, "login", str)[:100], field(sent, "password", str)[:1000])
    return {"token": token, "expires_at": plain(ends)}, 201


@api.delete("/session")
def log_out() -> Any:
    me()
    close_session(request.headers["Authorization"].partition(" ")[2].strip())
    return "", 204


@api.get("/me")
def myself() -> Any:
    return plain(me())


@api.get("/employees")
def employees() -> Any:
    """Whom the caller may report; `search` in name and number."""
    return {"employees": [dict(row._mapping) for row in employees_for(me(), words(), open_to(me()))]}
