"""草稿 on the page of a work item: kept by the button, quietly while typing, and before its reader goes to the page of another verb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

import forms
from engine import work
from engine.errors import DraftSavedElsewhere
from engine.inbox import ItemPage
from engine.models import new_id

from . import enclosures
from .accounts import logged_in, me, services
from .i18n import gettext
from .items import brought, fields_of, go_to, hidden_places, page_of, show_page, typed
from .verbs import VERBS

drafts = Blueprint("drafts", __name__, url_prefix="/items/<item_id>")
#: names of the page's fields: the revision it began with, what its own savings are called, and the revision to put its own in place of;
#: no field of a procedure's form can be called so
SEEN, OWN, OVER = "draft:seen", "draft:own", "draft:over"


@drafts.app_template_global()
def draft_of(item: ItemPage) -> dict[str, Any]:
    """What a page of the item carries of its draft: `seen`, `own`, and `other`, what another window saved meanwhile.

    A page that is made again with what stood on it goes on under the same names: it has not seen what is stored by now.
    """
    seen, own = _names()
    if request.method != "POST":
        seen = item.draft.revision if item.draft else ""
    return {"seen": seen, "own": own, "other": g.get("draft_elsewhere")}


def _names() -> tuple[str, str]:
    """The revision that the page has seen, and what its savings are called. Whoever puts theirs in another's place takes a new name,
    so that the other window learns of it.
    """
    given = {name: text for name in (SEEN, OWN, OVER) if 0 < len(text := request.form.get(name, "")) <= 100 and text.isprintable()}
    if over := given.get(OVER):
        g.setdefault("draft_anew", new_id())
        return over, g.draft_anew
    return given.get(SEEN, ""), given.get(OWN) or new_id()


@drafts.post("/draft")
@logged_in
def save(item_id: str) -> Any:
    """Keep what was typed. Asked for quietly it says which fields the conditions hide now; `then`: the verb to whose page it goes on."""
    page, then = page_of(item_id), request.args.get("then", "")
    part = "HX-Request" in request.headers
    if part and not then and not any(file.filename for file in request.files.values()):
        values = forms.parse(page.form or {}, request.form)
        kept = _kept(page, values)
        said = {"item": page, "saved_at": services().clock.now() if kept else None}
        said |= _hides(page, values, kept=kept) if "save" in page.may else {}
        return render_template("_saved.html", **said), 200 if kept else 409
    _, values, refused = typed(item_id)
    given = enclosures.received(item_id)
    kept = _kept(page, values)
    if refused or given.refused or not kept:
        shown = show_page(item_id, submitted=values, errors={**refused, **given.refused}, opinion=request.form.get("opinion", ""))
        return shown, 422 if kept else 409
    if then in VERBS and then in page.may:
        return go_to(url_for("verbs.ask", item_id=item_id, verb=then))
    if part:
        return show_page(item_id, submitted=values, opinion=request.form.get("opinion", ""), saved=True)
    flash(gettext("Saved. Nobody else sees it before you submit."), "success")
    return redirect(url_for("items.show", item_id=item_id))


def _hides(page: ItemPage, values: Mapping[str, Any], *, kept: bool) -> dict[str, Any]:
    """What the conditions hide now, and what they hide no longer. `kept`: what was typed is the draft by now."""
    fields, address = fields_of(page, values), {"item_id": page.id}
    back = brought(fields)
    documents = (page_of(page.id) if back and kept else page).documents  # the draft may open files that the page before it did not
    g.document_names = {document.id: document.name for document in documents}
    addresses = {"rows_address": url_for("items.fields", **address), "upload_address": url_for("drafts.upload", **address)}
    return {"hidden_fields": hidden_places(fields), "brought": back, **addresses}


@drafts.post("/upload")
@logged_in
def upload(item_id: str) -> Any:
    """Store files as soon as they are chosen; the page comes back with them as documents."""
    _, values, refused = typed(item_id)
    _kept(page_of(item_id), values)
    return show_page(item_id, submitted=values, errors=refused)


def _kept(page: ItemPage, values: Mapping[str, Any]) -> bool:
    """Save what came with the request; False where another window saved meanwhile, which the page then tells."""
    seen, own = _names()
    beside: dict[str, Any] = {}
    if page.chained:
        sent = g.get("enclosures")
        beside["opinion"] = request.form.get("opinion", "")
        beside["attachments"] = sent.attachments if sent else request.form.getlist(enclosures.ATTACHMENTS)
        beside["signature"] = sent.signature if sent else request.form.get(enclosures.KEPT, "")
    own_values = forms.draft(page.form or {}, values, page.permissions)
    try:
        work.save_draft(services(), page.id, actor=me().id, values=own_values, seen=seen, revision=own, **beside)
    except DraftSavedElsewhere as other:
        g.draft_elsewhere = {"at": other.facts["when"], "revision": other.facts["revision"]}
        return False
    return True
