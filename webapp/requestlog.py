"""Each HTTP request: an id on everything that is logged meanwhile and in its answer, its time in the figures, a span."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from engine import observe

log = logging.getLogger(__name__)

#: what may be a proxy's number for a request
_NUMBER = re.compile(r"[\w.-]{8,64}", re.ASCII)
#: our own ids; anything else in their place was typed by somebody
_ID = re.compile(r"[0-9a-f]{32}")
#: parts of addresses that are ids
_IDS = frozenset(("case_id", "item_id", "incident_id", "job_id", "document_id", "snapshot_id"))
#: what is asked all the time and tells nothing
_UNLOGGED = frozenset(("static", "health.health", "health.ready", "metrics.figures"))


def init_app(app: Flask) -> None:
    """To be called first, so that nothing happens outside."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request = given if _NUMBER.fullmatch(given) else secrets.token_hex(8)
        parts = ((name, str(value)) for name, value in (request.view_args or {}).items() if name in _IDS)
        named = {name.removesuffix("_id"): value for name, value in parts if _ID.fullmatch(value)}
        g.within = contextlib.ExitStack()
        g.within.enter_context(observe.within("request", request=g.request, endpoint=request.endpoint or "none", **named))

    @app.after_request
    def end(answer: Response) -> Response:
        seconds, endpoint = time.perf_counter() - g.began, request.endpoint or "none"
        answer.headers["X-Request-Id"] = g.request
        observe.REQUESTS.labels(_method(request.method), endpoint, str(answer.status_code)).observe(seconds)
        if endpoint not in _UNLOGGED:
            log.info("%s %s %s in %.1f ms", _method(request.method), endpoint, answer.status_code, seconds * 1000)
        return answer

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if within := g.pop("within", None):
            within.close()


def _method(sent: str) -> str:
    """Whatever was sent: one of the few there are, so that nobody makes figures without end."""
    return sent if sent in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
