"""The JSON interface: the same use cases as the pages, under /api/v1, for other programs.

A program opens a session with a login and sends its token as `Authorization: Bearer …`. Writes take a `Request-Id` header: the
same id again gives the same result instead of a second act. Failures are `{error, message, fields?, reference?}` with the
status that fits. Times are ISO 8601 with offset; ids are texts.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import io
from collections.abc import Mapping, Sequence, Set
from typing import Any

from flask import Blueprint, Flask, request, send_file
from werkzeug.exceptions import HTTPException

import forms
from engine import casefile, caselist, inbox, incidents, originals, work
from engine import cases as engine_cases
from engine.errors import NotFound, PartwellError
from engine.models import new_id
from engine.ports import File

from .accounts import close_session, me, open_session, services
from .cases import document_file, sealed_file
from .i18n import current, error_text, fill
from .items import received
from .security import csrf
from .start import employees_for, open_to

#: levels of lists and objects in a body; forms have three
DEPTH = 50
_DEEP = f"the body is nested more than {DEPTH} levels deep"

api = Blueprint("api", __name__, url_prefix="/api/v1")


class RequestInvalid(PartwellError):
    """The request cannot be used: {reason}."""

    status = 400

    def __init__(self, *, reason: str, field: str = "") -> None:
        #: messages by field, as in `FormInvalid`
        self.fields = {field: [reason]} if field else {}
        super().__init__(reason=reason)


# --- reading requests and writing answers


def plain(value: Any) -> Any:
    """Dataclasses, moments and sets as JSON."""
    match value:
        case enum.Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case dt.datetime():
            return value.isoformat()
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case Set():
            return sorted(plain(inner) for inner in value)
        case Sequence():
            return [plain(inner) for inner in value]
    return str(value)


def body() -> dict[str, Any]:
    """The JSON object sent, {} for none. Raises RequestInvalid."""
    if not request.get_data(cache=True):
        return {}
    try:
        sent = request.get_json(force=True)
    except HTTPException:
        raise RequestInvalid(reason="the body is not JSON") from None
    except RecursionError:
        raise RequestInvalid(reason=_DEEP) from None
    if _deeper(sent, DEPTH):
        raise RequestInvalid(reason=_DEEP)
    if not isinstance(sent, dict):
        raise RequestInvalid(reason="the body must be a JSON object")
    return sent


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other more than `levels` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(one, levels - 1) for one in inner if isinstance(one, (dict, list)))


def field(sent: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """One field of the body in its type; missing ones need a default. Raises RequestInvalid naming the field."""
    value = sent.get(name)
    if value is None:
        if default is None:
            raise RequestInvalid(reason=f"“{name}” is missing", field=name)
        return default
    if not isinstance(value, kind):
        called = {str: "text", dict: "an object", list: "a list"}[kind]
        raise RequestInvalid(reason=f"“{name}” must be {called}", field=name)
    if isinstance(value, str) and ("\0" in value or (not value.isascii() and any(0xD800 <= ord(char) < 0xE000 for char in value))):
        raise RequestInvalid(reason=f"“{name}” holds characters that cannot be stored", field=name)
    return value


def request_id() -> str:
    given = request.headers.get("Request-Id", "")
    if len(given) > 100 or not given.isprintable():
        raise RequestInvalid(reason="the Request-Id header has at most 100 printable characters")
    return given or new_id()


def number(name: str, default: int, largest: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isdecimal() and text.isascii() and 1 <= int(text[:9]) <= largest):
        raise RequestInvalid(reason=f"“{name}” must be a whole number from 1 to {largest}", field=name)
    return int(text)


def words() -> str:
    return request.args.get("search", "").replace("\0", "")[:100]


def files_of(sent: Mapping[str, Any]) -> dict[str, list[File]]:
    """`files` of the body: {field: [{name, content (base64), media_type?}]}. Raises RequestInvalid."""
    found: dict[str, list[File]] = {}
    for path, held in field(sent, "files", dict, {}).items():
        if not isinstance(held, list):
            raise RequestInvalid(reason=f"“files.{path}” must be a list", field=f"files.{path}")
        for one in held:
            if not isinstance(one, dict):
                raise RequestInvalid(reason=f"“files.{path}” must hold objects", field=f"files.{path}")
            try:
                content = base64.b64decode(field(one, "content", str), validate=True)
            except ValueError:
                raise RequestInvalid(reason=f"the content of a file in “{path}” is not base64", field=f"files.{path}") from None
            kind = path.rpartition(".")[2][:50]
            name, media_type = field(one, "name", str), field(one, "media_type", str, "")
            found.setdefault(path, []).append(File(kind=kind, name=name, media_type=media_type, content=content))
    return found


# --- sessions and people


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


# --- cases


@api.get("/procedures")
def procedures() -> Any:
    return {"procedures": plain(open_to(me()))}


@api.get("/cases")
def case_list() -> Any:
    """`search`, `status`, `page`, `size` → {cases, total}"""
    status = request.args.get("status", "")
    if status not in ("", "running", "suspended", "closed"):
        raise RequestInvalid(reason="“status” is running, suspended or closed", field="status")
    page, size = number("page", 1, 100_000), number("size", 20, 100)
    rows, total = caselist.cases(services(), reader=me().id, search=words(), status=status, page=page, size=size)
    return {"cases": plain(rows), "total": total}


@api.post("/cases")
def start_case() -> Any:
    """{procedure, subject (id of an employee), values, files?} → {case_id, number}"""
    sent = body()
    started = engine_cases.start(
        services(),
        procedure=field(sent, "procedure", str),
        initiator=me().id,
        subject=field(sent, "subject", str),
        values=field(sent, "values", dict, {}),
        files=files_of(sent),
        request_id=request_id(),
        locale=current(),
    )
    return plain(started), 201


@api.get("/cases/<case_id>")
def case(case_id: str) -> Any:
    """The whole case: where it stands, timeline, documents, snapshots, calls, incidents."""
    found = casefile.case_page(services(), case_id, reader=me().id)
    return {**plain(found), "incidents": [_incident(row) for row in found.incidents]}


@api.post("/cases/<case_id>/<any(withdraw, cancel, suspend, resume):verb>")
def change_case(case_id: str, verb: str) -> Any:
    """{reason}"""
    act = getattr(engine_cases, verb)
    act(services(), case_id, actor=me().id, reason=field(body(), "reason", str), request_id=request_id())
    return "", 204


@api.get("/cases/<case_id>/sealed")
def sealed(case_id: str) -> Any:
    return _file(sealed_file(case_id))


# --- work items


@api.get("/items")
def item_list() -> Any:
    """`box` (mine, group, done), `search`, `page`, `size` → {items, total, counts}"""
    box = request.args.get("box", "mine")
    page, size = number("page", 1, 100_000), number("size", 20, 100)
    found = inbox.inbox(services(), me().id, box=box, search=words(), page=page, size=size)
    return {"items": plain(found.rows), "total": found.total, "counts": inbox.counts(services(), me().id)}


@api.get("/items/<item_id>")
def item(item_id: str) -> Any:
    found = inbox.item_page(services(), item_id, reader=me().id)
    form = forms.without_hidden(found.form, found.permissions) if found.form else None
    return {**plain(found), "form": form}


@api.post("/items/<item_id>/complete")
def complete(item_id: str) -> Any:
    """{values}; files are sent before, and the values hold the ids of their documents"""
    values = field(body(), "values", dict, {})
    work.complete(services(), item_id, actor=me().id, values=values, request_id=request_id(), locale=current())
    return "", 204


@api.post("/items/<item_id>/<any(approve, reject):verb>")
def sign(item_id: str, verb: str) -> Any:
    """{opinion}: optional for an approval"""
    act = work.approve if verb == "approve" else work.reject
    act(services(), item_id, actor=me().id, opinion=field(body(), "opinion", str, ""), request_id=request_id())
    return "", 204


@api.post("/items/<item_id>/<any(claim, release):verb>")
def hold(item_id: str, verb: str) -> Any:
    act = work.claim if verb == "claim" else work.release
    act(services(), item_id, actor=me().id, request_id=request_id())
    return "", 204


@api.put("/items/<item_id>/draft")
def draft(item_id: str) -> Any:
    """{values}: kept for the caller alone"""
    found = inbox.item_page(services(), item_id, reader=me().id)
    values = forms.draft(found.form or {}, field(body(), "values", dict))
    work.save_draft(services(), item_id, actor=me().id, values=values)
    return "", 204


# --- documents and snapshots


@api.post("/items/<item_id>/documents")
def upload(item_id: str) -> Any:
    """multipart/form-data, each part named by its form field → {documents: {field: [id]}}; put the ids into the values."""
    form = inbox.item_page(services(), item_id, reader=me().id).form or {}
    files = received(forms.uploads(form, request.files))
    if not files:
        raise RequestInvalid(reason="send files as multipart/form-data, each named by its form field")
    return {"documents": work.attach(services(), item_id, actor=me().id, files=files)}, 201


@api.get("/documents/<document_id>")
def document(document_id: str) -> Any:
    return _file(document_file(document_id))


@api.get("/snapshots/<snapshot_id>")
def snapshot(snapshot_id: str) -> Any:
    """What an outside system said, as it came; reading it is recorded."""
    opened = originals.read_snapshot(services(), snapshot_id, reader=me().id)
    return {**plain(opened.row), "case_id": opened.case_id, "request": opened.request, "content": opened.content.decode("utf-8", "replace")}


def _file(file: File) -> Any:
    return send_file(io.BytesIO(file.content), mimetype=file.media_type, as_attachment=True, download_name=file.name)


# --- incidents


def _incident(row: incidents.IncidentRow) -> dict[str, Any]:
    return {**plain(row), "message": fill(row.template, row.facts)}


@api.get("/incidents")
def incident_list() -> Any:
    """`all=1` gives resolved ones too."""
    rows = incidents.managed(services(), reader=me().id)
    return {"incidents": [_incident(row) for row in rows if request.args.get("all") or row.resolved_at is None]}


@api.post("/incidents/<incident_id>/retry")
def retry(incident_id: str) -> Any:
    """{reason, input?, variables?}: with a corrected input of the operation, or corrected case variables"""
    sent = body()
    reason, given, variables = field(sent, "reason", str), field(sent, "input", dict, {}), field(sent, "variables", dict, {})
    incidents.retry(
        services(), incident_id, actor=me().id, reason=reason, request_id=request_id(), input=given or None, variables=variables or None
    )
    return "", 204


@api.post("/incidents/<incident_id>/answer")
def answer(incident_id: str) -> Any:
    """{reason, value}: what the outside system would have answered"""
    sent = body()
    reason, value = field(sent, "reason", str), field(sent, "value", dict)
    incidents.answer(services(), incident_id, actor=me().id, value=value, reason=reason, request_id=request_id())
    return "", 204


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
