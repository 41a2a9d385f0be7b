"""The product's own pages in a sandbox, as anybody of its company: the same forms, buttons and messages as in earnest.

They are an application of their own on the sandbox's services, mounted below the studio's address. Who asks was checked by the studio;
as whom they act stands in the address. Pages that have no part in a case are not there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, Response, abort, flash, get_flashed_messages, request
from werkzeug.wrappers import Response as Answer

from engine.errors import NotFound
from engine.models import Person
from engine.people import directory
from engine.services import Services

from ..accounts import Reader
from ..demo.sandboxes import MARK

#: parts of the product that belong to a case
_PARTS = frozenset(
    (
        *("static", "inbox", "items", "verbs", "drafts", "enclosures", "cases", "comments", "copies", "corrections", "endings"),
        *("incidents", "records", "returns", "start", "substitutes", "why"),
    )
)


def application(services: Services) -> Flask:
    """The pages of a case on a sandbox's services."""
    from .. import create_app

    app = create_app(services)
    app.config.update(SANDBOX=True, SESSION_COOKIE_NAME="partwell_sandbox")

    @app.before_request
    def only_of_a_case() -> None:
        part = (request.endpoint or "").partition(".")[0]
        if part not in _PARTS:
            abort(404)

    @app.after_request
    def hand_over(answer: Response) -> Response:
        """What is said with something done is told where it leads: outside."""
        address = answer.headers.get("Location") or answer.headers.get("HX-Redirect")
        if address and _leaves(address, request.environ["SCRIPT_NAME"]):
            request.environ["partwell.said"] += get_flashed_messages(with_categories=True)
        return answer

    @app.context_processor
    def way_back() -> dict[str, Any]:
        return {"sandbox": request.environ["partwell.back"], "sandbox_mark": MARK}

    return app


def reader(services: Services, person: str, *, locale: str) -> Reader:
    """Somebody of the sandbox's company as who asks. Raises NotFound."""
    today = directory.day(services.clock.now())
    with services.database.reading() as connection:
        shown = directory.display(connection, person, today)
        roles = directory.roles_of(connection, person)
        if connection.execute(sa.select(Person.id).where(Person.id == person, directory.here(today))).one_or_none() is None:
            raise NotFound(what="person", name=person)
    named = {"id": person, "name": shown["name"], "post": shown["post"], "post_en": shown["post_en"]}
    return Reader(**named, login="", locale=locale, onward=False, roles=frozenset(roles))


def answered(app: Flask, who: Reader, *, mount: str, path: str, back: str) -> Answer:
    """What the sandbox's pages answer to this request. `mount`: where they lie for this person; `back`: where the sandbox is seen.

    What would lead to an inbox leads back to the sandbox, where everybody's work is.
    """
    environ = dict(request.environ)
    said: list[tuple[str, str]] = []
    environ |= {
        "partwell.said": said,
        "SCRIPT_NAME": mount.rstrip("/"),
        "PATH_INFO": f"/{path}",
        "partwell.acts_as": who,
        "partwell.back": back,
    }
    # the form may have been read by the check against forgery of the application around
    answer = Response.from_app(app, environ, buffered=True)
    for header in ("Location", "HX-Redirect"):
        if header in answer.headers and _leaves(answer.headers[header], mount):
            answer.headers[header] = back
    for category, message in said:
        flash(message, category)
    return answer


def _leaves(address: str, mount: str) -> bool:
    """Whether an address is that of an inbox, or of a case that has just begun."""
    path = urlsplit(address).path.removeprefix(mount.rstrip("/"))
    return path in ("/", "") or path.startswith(("/inbox", "/cases/", "/items/"))
