"""What people and programs see when something cannot be done: one page, or one JSON object, never a traceback."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, request, url_for
from flask import render_template as render
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from engine import documents
from engine.errors import DatabaseAway, FormInvalid, PartwellError
from engine.outages import is_away

from .accounts import LogInNeeded, log_in_again, services, to_log_in
from .api.shapes import RequestInvalid
from .i18n import N_, error_text, gettext, reason

log = logging.getLogger(__name__)

#: status -> (icon, title)
_TITLES = {
    400: ("alert-triangle", N_("This request could not be read")),
    401: ("lock", N_("Please log in")),
    403: ("lock", N_("This is not open to you")),
    404: ("search", N_("Not found")),
    405: ("alert-triangle", N_("This request could not be read")),
    409: ("circle-check", N_("Somebody was faster, or the case went on")),
    412: ("circle-check", N_("Somebody was faster, or the case went on")),
    413: ("paperclip", N_("The upload is too large")),
    415: ("alert-triangle", N_("This request could not be read")),
    422: ("alert-triangle", N_("Something needs your attention")),
    428: ("alert-triangle", N_("This request could not be read")),
    429: ("clock", N_("Too many tries")),
    502: ("plug-connected", N_("An outside system did not answer")),
    503: ("clock", N_("Please try again in a moment")),
}
#: seconds after which a program may send again what the database could not take
_RETRY_AFTER = 2
_TROUBLE = ("alert-triangle", N_("Something went wrong on our side"))


def wants_json() -> bool:
    return request.path.startswith("/api/") or request.blueprint == "studio_data"


def answer(
    status: int,
    code: str,
    message: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    reference: str = "",
    back: str = "",
    log_in: bool = False,
) -> Any:
    """The failure as problem details (RFC 9457) for programs, as a page for people.

    `code` is stable; `errors` are {detail, and `pointer` (RFC 6901) into the body, `parameter` of the query or `header`}.
    """
    headers = {**(headers or {}), **({"Retry-After": str(_RETRY_AFTER)} if status == 503 else {})}
    symbol, title = _TITLES.get(status, _TROUBLE)
    if wants_json():
        problem = {"type": "about:blank", "title": gettext(title), "status": status, "detail": message, "code": code}
        further = {"errors": list(errors), "reference": reference}
        headers["Content-Type"] = "application/problem+json"
        return problem | {key: value for key, value in further.items() if value}, status, headers
    again = request.full_path.rstrip("?") if status == 503 and request.method == "GET" else ""
    ways = {"back": back, "log_in": log_in, "again": again}
    return render("failure.html", symbol=symbol, title=gettext(title), message=message, reference=reference, **ways), status, headers


def init_app(app: Flask) -> None:
    @app.errorhandler(PartwellError)
    def known(error: PartwellError) -> Any:
        if isinstance(error, LogInNeeded) and not wants_json():
            if request.method == "GET":
                return to_log_in(request.full_path.rstrip("?"))
            said = N_(
                "Your log-in has ended. Log in in a new tab, then come back to this page and send it again: it still holds what you typed."
            )
            return answer(error.status, error.code, gettext(said), log_in=True)
        reference = _reference(error) if error.status == 500 else ""
        item = (request.view_args or {}).get("item_id")
        back = url_for("items.show", item_id=item) if item and error.status == 409 else ""
        return answer(error.status, error.code, error_text(error), errors=_errors(error), reference=reference, back=back)

    @app.errorhandler(sa.exc.DBAPIError)
    def database(error: sa.exc.DBAPIError) -> Any:
        """The web's own rows are read and written without a unit."""
        return known(DatabaseAway()) if is_away(error) else unknown(error)

    @app.errorhandler(sa.exc.DataError)
    def not_storable(error: sa.exc.DataError) -> Any:
        sentence = N_(
            "Nothing was changed: what was sent holds a character or a number that the database does not take, such as a zero byte. "
            "Go back, take it out and send it again."
        )
        return answer(422, "not_storable", gettext(sentence), reference=_reference(error))

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> Any:
        if request.endpoint == "accounts.try_log_in":
            return log_in_again()
        if g.get("person") is None:
            return known(LogInNeeded())
        return answer(
            400, "form_expired", gettext("This form is no longer valid. Go back, copy what you typed, reload the page and send it again.")
        )

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Any:
        if request.max_content_length != current_app.config["MAX_CONTENT_LENGTH"]:
            most = (request.max_content_length or 0) // documents.MEGABYTE
            return answer(413, "too_large", gettext("What was sent is larger than the %(limit)s MB that are taken here.", limit=most))
        limit = services().settings.upload_limit
        return answer(413, "too_large", gettext("A file may have at most %(limit)s MB. Go back and choose a smaller one.", limit=limit))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        status = error.code or 500
        sentence = {
            404: N_("There is no such page. The address may be mistyped."),
            405: N_("This address does not take requests of this kind."),
            415: N_("Send the body as application/json; files as multipart/form-data where the address takes them."),
        }.get(status, N_("The server could not read this request."))
        allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if isinstance(error, MethodNotAllowed) else None
        return answer(status, error.name.lower().replace(" ", "_"), gettext(sentence), headers=allowed)

    @app.errorhandler(Exception)
    def unknown(error: Exception) -> Any:
        reference = _reference(error)
        return answer(
            500,
            "internal",
            gettext("Nothing was changed. Please try again; if it happens again, tell an administrator this number."),
            reference=reference,
        )


def _errors(error: PartwellError) -> list[dict[str, str]]:
    """Which fields are at fault, for errors that know."""
    if isinstance(error, FormInvalid):
        # a form's paths are such as `witnesses[0].name`; what the body itself names, such as who is chosen to sign, is no field of a form
        declared = getattr(current_app.view_functions.get(request.endpoint or ""), "declared", None)
        own = {"chosen", *getattr(declared, "takes", ())} - {"values"}
        ways = ((re.findall(r"[^.\[\]]+", path), said) for path, said in error.fields.items())
        places = ((way if own.intersection(way[:1]) else ["values", *way], said) for way, said in ways)
        return [{"pointer": _pointer(*place), "detail": gettext(message)} for place, said in places for message in said]
    if isinstance(error, RequestInvalid) and error.at:
        at = {"body": "pointer", "query": "parameter"}.get(error.place, error.place)
        return [{at: _pointer(*error.at) if error.place == "body" else str(error.at[0]), "detail": reason(error.facts["reason"])}]
    return []


def _pointer(*way: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in way)


def _reference(error: BaseException) -> str:
    """A number under which the log has the details."""
    reference = secrets.token_hex(4)
    log.error("failure %s", reference, exc_info=error)
    return reference
