"""The files of a draft as the editors in the browser read and save them, and who edits what."""

from __future__ import annotations

import json
import mimetypes
import re
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest

from engine.errors import DraftFileChanged
from engine.studio import changing, drafts, editing
from engine.studio.drafts import Draft
from engine.studio.editing import Editing
from engine.studio.rows import DraftFile

from .. import failures, i18n, uploads
from ..accounts import me, services
from ..api.shapes import RequestInvalid
from .addresses import data

#: how JSON writes half of a character, or one that is written as two halves
_HALF = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)
_NUMBER = re.compile(r'(?:W/)?"(\d{1,9})"')


@data.get("/<procedure>/draft.json")
def draft(procedure: str) -> Any:
    reader = me()
    found = drafts.read(services(), procedure, actor=reader.id)
    with services().database.reading() as connection:
        open_now = editing.editing(connection, procedure, services().clock.now())
    return told(found, open_now) | {"me": {"id": reader.id, "name": reader.name}, "locale": i18n.current()}


def told(draft: Draft, open_now: list[Editing]) -> dict[str, Any]:
    """A draft as the editors know it."""
    return {
        **{name: getattr(draft, name) for name in ("procedure", "name", "name_en", "base", "active", "revision")},
        "files": [_file(file) for file in draft.files],
        "editing": [_editing(one) for one in open_now],
    }


def _file(file: DraftFile) -> dict[str, Any]:
    by = file.changed_by
    return {
        **{name: getattr(file, name) for name in ("path", "kind", "revision", "size")},
        "changed_at": file.changed_at.isoformat() if file.changed_at else None,
        "changed_by": {"id": by.id, "name": by.name} if by else None,
    }


def _editing(one: Editing) -> dict[str, Any]:
    return {"path": one.path, "id": one.id, "name": one.name, "since": one.since.isoformat()}


@data.get("/<procedure>/files/<path:path>")
def read(procedure: str, path: str) -> Any:
    content, revision = drafts.content(services(), procedure, path, actor=me().id)
    # as text, so that no browser runs what a file holds
    answer = Response(content, content_type="text/plain; charset=utf-8")
    answer.headers["ETag"] = f'"{revision}"'
    if "download" in request.args:
        answer.headers.set("Content-Disposition", "attachment", filename=path.rpartition("/")[2])
        answer.content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return answer


@data.put("/<procedure>/files/<path:path>")
def save(procedure: str, path: str) -> Any:
    """The body is the content. `If-Match` has the revision that was seen, `If-None-Match: *` says that the file is new."""
    new = request.headers.get("If-None-Match", "").strip() == "*"
    seen = None if new else _seen()
    kept = changing.save(services(), procedure, path, uploads.body(), revision=seen, base=_base(), actor=me().id)
    return {"revision": kept}, 200, {"ETag": f'"{kept}"'}


@data.delete("/<procedure>/files/<path:path>")
def remove(procedure: str, path: str) -> Any:
    return {"revision": changing.remove(services(), procedure, path, revision=_seen(), base=_base(), actor=me().id)}


def _seen() -> int:
    """The revision in `If-Match`. Raises RequestInvalid where it is missing or none."""
    found = _NUMBER.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise RequestInvalid(reason='say in If-Match which revision you saw, such as "3"', field="If-Match", place="header")
    return int(found[1])


def _base() -> int | None:
    """The version that was seen, where the editor says it: `?base=3`."""
    return request.args.get("base", type=int)


@data.post("/<procedure>/editing")
def tell_editing(procedure: str) -> Any:
    """`{path}`: the reader has this file open; told every 15 seconds."""
    path = body().get("path")
    if not isinstance(path, str):
        raise RequestInvalid(reason="“path” must be a text", field="path")
    open_now, base, revisions = editing.tell(services(), procedure, path, actor=me().id)
    return {"editing": [_editing(one) for one in open_now], "revisions": revisions, "base": base}


def body() -> dict[str, Any]:
    """The JSON object that was sent. Raises RequestInvalid."""
    try:
        given = request.get_json() if uploads.body() else None
    except BadRequest:
        given = None
    if not isinstance(given, dict):
        raise RequestInvalid(reason="the body must be a JSON object", field="")
    if _HALF.search(uploads.body()) and not _whole(given):
        raise RequestInvalid(reason="a text in the body holds half of a character", field="")
    return given


def _whole(given: dict[str, Any]) -> bool:
    """Whether no text holds half of a surrogate pair, as JSON can, and no file."""
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@data.app_errorhandler(DraftFileChanged)
def changed(error: DraftFileChanged) -> Any:
    """Who was faster, for a program to say and compare."""
    if not failures.wants_json():
        return failures.answer(error.status, error.code, i18n.error_text(error))
    said, status, headers = failures.answer(error.status, error.code, i18n.error_text(error))
    by = {"id": error.by, "name": str(error.facts["who"])} if error.by else None
    return said | {"revision": error.revision, "changed_by": by, "changed_at": error.at.isoformat()}, status, headers
