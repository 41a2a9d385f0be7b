"""A write that is sent again under the same key: it gets the answer that it got before, and nothing is done twice.

The engine knows the keys of its own acts by its ledger, in the transaction of the act. What is kept here beside it, for a day, tells
another request under the same key from the same one, and answers also for acts that have no ledger.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, g, request

from engine.db import Database
from engine.errors import PartwellError
from engine.models import AnsweredRequest

from .. import uploads
from ..accounts import me, services
from .exchange import KEY, api, declaration, request_id
from .matching import WANTED

#: how long an answer is kept
KEPT = dt.timedelta(days=1)
#: bytes of the longest answer that is kept; longer ones are made again
_LONGEST = 64 * 1024
_PURPOSE = "answered_requests.answer"


class KeyReused(PartwellError):
    """The key "{key}" was sent with another request before. Take a new key for each request, and the same one only to send it again."""

    status = 422


@api.before_request
def repeated() -> Any:
    """The answer of before, if this is the same request again. Raises KeyReused, RequestInvalid."""
    key = request.headers.get(KEY, "")
    if request.method != "POST" or not key or not declaration(str(request.endpoint)).scope:
        return None
    g.answered = hashlib.sha256(f"{me().id}\0{request_id()}".encode()).hexdigest(), _digest()
    wanted = sa.select(AnsweredRequest.request, AnsweredRequest.status, AnsweredRequest.answer).where(AnsweredRequest.id == g.answered[0])
    with services().database.reading() as connection:
        before = connection.execute(wanted).one_or_none()
    if before is None:
        return None
    if before.request != g.answered[1]:
        raise KeyReused(key=key)
    del g.answered
    if before.answer is None:
        return None
    content = services().keyring.unseal(before.answer, _PURPOSE)
    return current_app.response_class(content, before.status, mimetype="application/json" if content else None)


@api.after_request
def keep(answer: Response) -> Response:
    """What was done is remembered; what was refused may be sent again, corrected, under the same key."""
    asked = g.pop("answered", None)
    if asked is None or answer.status_code >= 300:
        return answer
    content = b"" if answer.is_streamed else answer.get_data()
    kept = services().keyring.seal(content, _PURPOSE) if not answer.is_streamed and len(content) <= _LONGEST else None
    values = {"id": asked[0], "request": asked[1], "status": answer.status_code, "answer": kept, "at": services().clock.now()}
    # it is done, whatever happens here: without its answer the engine still knows it by its key
    with contextlib.suppress(PartwellError), services().database.unit() as unit:
        unit.add(AnsweredRequest, **values)
        unit.commit()
    return answer


def _digest() -> str:
    """Tells the request from any other, also by what it read; the boundary between the parts of an upload is no part of it."""
    found = hashlib.sha256(f"{request.method} {request.full_path}\0{request.headers.get(WANTED, '')}\0".encode())
    if request.mimetype == "multipart/form-data":
        for name, file in request.files.items(multi=True):
            found.update(f"{name}\0{file.filename}\0".encode() + hashlib.file_digest(file.stream, "sha256").digest())
            file.seek(0)
    else:
        found.update(uploads.body())
    return found.hexdigest()


def forget(database: Database, now: dt.datetime) -> None:
    """Remove what was kept long enough."""
    with database.unit() as unit:
        unit.connection.execute(sa.delete(AnsweredRequest).where(AnsweredRequest.at <= now - KEPT))
        unit.commit()
