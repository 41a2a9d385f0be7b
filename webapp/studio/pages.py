"""The pages of the studio: the procedures that somebody manages, and the draft of one."""

from __future__ import annotations

from typing import Any

from flask import render_template

from engine.errors import NotAllowed
from engine.studio import drafts, editing, listing

from ..accounts import logged_in, me, services
from .addresses import studio


@studio.get("")
@logged_in
def index() -> Any:
    with services().database.reading() as connection:
        found = listing.procedures(services(), connection, actor=me().id)
    may_begin = drafts.may_begin(me().roles)
    if not (found or may_begin):
        raise NotAllowed(reason="only managers of a procedure design it")
    return render_template("studio.html", procedures=found, may_begin=may_begin)


@studio.get("/<procedure>")
@logged_in
def show(procedure: str) -> Any:
    draft = drafts.read(services(), procedure, actor=me().id)
    with services().database.reading() as connection:
        open_now = editing.editing(connection, procedure, services().clock.now())
    return render_template("studio_draft.html", draft=draft, editing=open_now)
