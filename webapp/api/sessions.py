"""Sessions, and who the caller may report."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import request

from ..accounts import Reader, close_session, me, open_session
from ..i18n import N_
from ..start import employees_for, open_to
from .exchange import api, asked, body, declared, plain
from .shapes import Text

SEARCH = Text(N_("Words that must occur"), default="", longest=100)
#: of `engine.people.directory.search`
_EMPLOYEE = {
    "id": str,
    "name": str,
    "employee_no": str,
    "department_name": str | None,
    "department_name_en": str | None,
    "post": str,
    "post_en": str,
}


@api.post("/session")
@declared(
    scope="",
    takes={"login": Text(example="wangfang"), "password": Text(example="partwell")},
    gives={"token": str, "expires_at": dt.datetime},
    status=201,
)
def log_in() -> Any:
    """Log in: the token goes into the Authorization header as `Bearer …`."""
    sent = body()
    token, ends = open_session(sent["login"][:100], sent["password"][:1000])
    return {"token": token, "expires_at": plain(ends)}, 201


@api.delete("/session")
@declared(scope="session")
def log_out() -> Any:
    """Log out: the token opens nothing any more."""
    close_session(request.headers["Authorization"].partition(" ")[2].strip())
    return "", 204


@api.get("/me")
@declared(scope="any", gives=Reader)
def myself() -> Any:
    """Who the caller is, and the roles they hold."""
    return plain(me())


@api.get("/employees")
@declared(scope="start", asks={"search": SEARCH}, gives={"employees": [_EMPLOYEE]})
def employees() -> Any:
    """Whom the caller may report, twenty at most; the search looks at names and numbers."""
    return {"employees": [dict(row._mapping) for row in employees_for(me(), asked()["search"], open_to(me()))]}
