"""The handbook in the product: pages to read, search, and the page that explains each screen."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, g, render_template, request, url_for

from .. import accounts
from ..i18n import current
from .pages import GROUPS, Page, handbook, neighbours
from .screens import explained_at
from .search import search

handbook_pages = Blueprint("handbook", __name__, url_prefix="/handbook")


def _open_pages() -> dict[str, Page]:
    """The pages in the reader's language; without a log-in those about logging in only."""
    return {path: page for path, page in handbook(current()).items() if page.public or g.get("person")}


@handbook_pages.get("")
@accounts.logged_in
def index() -> Any:
    return render_template("handbook.html", groups=GROUPS, pages=list(_open_pages().values()), page=None)


@handbook_pages.get("/search")
@accounts.logged_in
def find() -> Any:
    question = request.args.get("q", "").strip()[:100]
    pages = list(_open_pages().values())
    return render_template("handbook_search.html", groups=GROUPS, pages=pages, page=None, question=question, hits=search(pages, question))


@handbook_pages.get("/<group>/<name>")
def show(group: str, name: str) -> Any:
    pages = _open_pages()
    page = pages.get(f"{group}/{name}")
    if page is None:
        if f"{group}/{name}" in handbook(current()):
            return accounts.to_log_in(request.path)
        abort(404)
    before, after = neighbours(page, list(pages.values()))
    return render_template("handbook_page.html", groups=GROUPS, pages=list(pages.values()), page=page, before=before, after=after)


def help_address() -> str:
    """Where the handbook explains the screen of this request."""
    person = g.get("person")
    path, _, anchor = explained_at(
        request.endpoint or "", request.view_args or {}, roles=person.roles if person else frozenset()
    ).partition("#")
    if not path:
        return url_for("handbook.index")
    group, name = path.split("/")
    return url_for("handbook.show", group=group, name=name, _anchor=anchor or None)


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(help_address=help_address)
    app.register_blueprint(handbook_pages)
