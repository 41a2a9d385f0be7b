"""The whole web put on an application: `init_app` once the services are in `app.extensions["partwell"]`."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, g, url_for

import forms
from engine import rules
from engine.chains.drafts import EDITORS
from engine.errors import DatabaseAway
from engine.models import new_id
from engine.studio.drafts import may_begin
from engine.studio.listing import rights

from . import (
    accounts,
    aftermath,
    analytics,
    api,
    cases,
    chains,
    comments,
    copies,
    corrections,
    database,
    directory_files,
    drafts,
    enclosures,
    endings,
    failures,
    feeds,
    handbook,
    handover,
    health,
    i18n,
    inbox,
    incidents,
    items,
    long_work,
    looking_up,
    metrics,
    notices,
    people,
    procedures,
    records,
    requestlog,
    returns,
    security,
    start,
    studio,
    substitutes,
    text,
    tokens,
    verbs,
    why,
)

_YEAR = 365 * 24 * 3600


@functools.cache
def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """Address of a static file; it changes with the content, so browsers may keep it for a year."""
    return url_for("static", filename=name, v=_digest(Path(__file__).parent / "static" / name))


def field_id(path: str) -> str:
    """Where an error's link leads: fields that belong to no form have their name as id."""
    return path if path in ("opinion", "reason", "attachments", "signature") else forms.field_id(path)


def document_name(document_id: str) -> str:
    """Name of a document of the case whose page is made."""
    return str(g.get("document_names", {}).get(document_id, document_id))


def _open_to(reader: accounts.Reader | None) -> dict[str, bool]:
    """Which parts of the product the reader's roles open, by the rules of the active procedures."""
    closed = dict.fromkeys(("start", "incidents", "procedures", "people", "chains"), False)
    if reader is None:
        return closed
    services = accounts.services()
    try:
        with services.database.reading() as connection:
            active = rules.by_procedure(services, connection).values()
    except DatabaseAway:  # the page that says so is made nevertheless
        return closed
    return {
        "start": any(each.starts(reader.roles) for each in active),
        "people": reader.holds("admin"),
        "chains": reader.holds(EDITORS),
        "incidents": any(reader.roles & each.managers for each in active),
        "procedures": may_begin(reader.roles) or any(rights(each, reader.roles).any for each in active),
    }


def init_app(app: Flask) -> None:
    """Register pages, JSON interface, security, languages and error pages."""
    settings = app.extensions["partwell"].settings
    app.config.update(
        MAX_CONTENT_LENGTH=(settings.upload_limit * 5 + 1) * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        SEND_FILE_MAX_AGE_DEFAULT=_YEAR,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["term"] = inbox.term_text
    app.jinja_env.globals.update(
        asset=asset,
        field_id=field_id,
        document_name=document_name,
        new_request_id=new_id,
        due_class=inbox.due_class,
        address_of_view=inbox.address_of,
        same_view=inbox.same,
        upload_limit=settings.upload_limit,
        labels=items.labels,
    )

    @app.context_processor
    def reach() -> dict[str, Any]:
        return {"open_to": _open_to(g.get("person"))}

    requestlog.init_app(app)
    health.init_app(app)
    metrics.init_app(app)
    database.init_app(app)
    long_work.init_app(app)
    accounts.init_app(app)  # the check of forms against forgery asks who sent them
    security.init_app(app)
    i18n.init_app(app)
    text.init_app(app)
    why.init_app(app)
    failures.init_app(app)
    people.init_app(app)
    handover.init_app(app)
    handbook.init_app(app)
    for blueprint in (
        directory_files.directory_files,
        looking_up.looking_up,
        substitutes.substitutes,
        notices.notices,
        tokens.tokens,
        feeds.feeds,
        inbox.inbox,
        items.items,
        drafts.drafts,
        cases.cases,
        chains.chains,
        start.start,
        incidents.incidents,
        procedures.procedures,
        endings.endings,
        returns.returns,
        aftermath.aftermath,
        copies.copies,
        comments.comments,
        verbs.verbs,
        corrections.corrections,
        records.records,
        enclosures.enclosures,
    ):
        app.register_blueprint(blueprint)
    studio.init_app(app)
    analytics.init_app(app)
    api.init_app(app)
