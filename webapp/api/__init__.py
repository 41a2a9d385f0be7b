"""The JSON interface: the same use cases as the pages, under /api/v1, for other programs.

A program opens a session with a login and sends its token as `Authorization: Bearer …`. Each address declares below its route what
it takes and gives (`exchange.declared`): that reads its requests, refuses them by field, and is described at /api/openapi.json
(`description`). Writes take an `Idempotency-Key` header: the same key again gives the same result instead of a second act.
Failures are problem details (`webapp.failures`). Times are ISO 8601 with offset; ids are texts.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from ..security import csrf
from . import (
    absences,
    cases,
    chains,
    comments,
    copies,
    description,
    directory,
    endings,
    ids,
    incidents,
    items,
    messages,
    own,
    people,
    procedure_drafts,
    publications,
    publishing,
    repeats,
    returns,
    sessions,
    undelivered,
    versions,
)
from .exchange import api

__all__ = [
    "absences",
    "cases",
    "chains",
    "comments",
    "copies",
    "description",
    "directory",
    "endings",
    "ids",
    "incidents",
    "init_app",
    "items",
    "messages",
    "own",
    "people",
    "procedure_drafts",
    "publications",
    "publishing",
    "repeats",
    "returns",
    "sessions",
    "undelivered",
    "versions",
]


def init_app(app: Flask) -> None:
    """Programs send a bearer token, which no other site can make a browser send: no forgery check here."""
    csrf.exempt(api)
    app.register_blueprint(api)

    @app.get("/api/openapi.json", endpoint="openapi")
    def openapi() -> Any:
        return description.description(app)
