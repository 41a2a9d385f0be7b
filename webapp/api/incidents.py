"""Incidents and their repair."""

from __future__ import annotations

from typing import Any

from flask import request

from engine import incidents

from ..accounts import me, services
from ..i18n import error_text, fill
from .exchange import api, body, field, plain, request_id


def told(row: incidents.IncidentRow) -> dict[str, Any]:
    """An incident with its sentence in the language of the request."""
    return {**plain(row), "message": fill(row.template, row.facts)}


@api.get("/incidents")
def incident_list() -> Any:
    """`all=1` gives resolved ones too."""
    rows = incidents.managed(services(), reader=me().id)
    return {"incidents": [told(row) for row in rows if request.args.get("all") or row.resolved_at is None]}


@api.post("/incidents/<incident_id>/retry")
def retry(incident_id: str) -> Any:
    """{reason, input?, variables?}: with a corrected input of the operation, or corrected case variables"""
    sent = body()
    reason, given, variables = field(sent, "reason", str), field(sent, "input", dict, {}), field(sent, "variables", dict, {})
    incidents.retry(
        services(), incident_id, actor=me().id, reason=reason, request_id=request_id(), input=given or None, variables=variables or None
    )
    return "", 204


@api.post("/incidents/retry")
def retry_all() -> Any:
    """{operation, reason} → {retried, refused: [{case, message}]}: every open incident of the operation"""
    sent = body()
    operation, reason = field(sent, "operation", str), field(sent, "reason", str)
    done = incidents.retry_all(services(), operation, actor=me().id, reason=reason, request_id=request_id())
    return {"retried": done.count, "refused": [{"case": case, "message": error_text(error)} for case, error in done.refused]}


@api.post("/incidents/<incident_id>/skip")
def skip(incident_id: str) -> Any:
    """{reason}: the element is passed without a result"""
    incidents.skip(services(), incident_id, actor=me().id, reason=field(body(), "reason", str), request_id=request_id())
    return "", 204


@api.post("/incidents/<incident_id>/answer")
def answer(incident_id: str) -> Any:
    """{reason, value}: what the outside system would have answered"""
    sent = body()
    reason, value = field(sent, "reason", str), field(sent, "value", dict)
    incidents.answer(services(), incident_id, actor=me().id, value=value, reason=reason, request_id=request_id())
    return "", 204
