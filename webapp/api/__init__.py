"""The JSON interface: the same use cases as the pages, under /api/v1, for other programs.

A program opens a session with a login and sends its token as `Authorization: Bearer …`. Writes take a `Request-Id` header: the
same id again gives the same result instead of a second act. Failures are `{error, message, fields?, reference?}` with the
status that fits. Times are ISO 8601 with offset; ids are texts.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from engine.errors import NotFound

from ..i18n import error_text
from ..security import csrf
from . import cases, chains, incidents, items, messages, returns, sessions, versions
from .exchange import RequestInvalid, api

__all__ = ["cases", "chains", "incidents", "init_app", "items", "messages", "returns", "sessions", "versions"]


@api.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
def unknown(path: str) -> Any:
    raise NotFound(what="address", name=path)


@api.errorhandler(RequestInvalid)
def invalid(error: RequestInvalid) -> Any:
    said = {"error": error.code, "message": error_text(error), "fields": error.fields}
    return {key: value for key, value in said.items() if value}, error.status


def init_app(app: Flask) -> None:
    """Programs send a bearer token, which no other site can make a browser send: no forgery check here."""
    csrf.exempt(api)
    app.register_blueprint(api)
