"""Incidents and their repair."""

from __future__ import annotations

from typing import Any

from engine import incidents

from ..accounts import me, services
from ..i18n import N_, error_text, fill
from .exchange import api, asked, body, declared, plain, request_id
from .shapes import REASON, Object, Text

#: an incident as `told` gives it
INCIDENT = {incidents.IncidentRow: {"message": str}}


def told(row: incidents.IncidentRow) -> dict[str, Any]:
    """An incident with its sentence in the language of the request."""
    return {**plain(row), "message": fill(row.template, row.facts)}


@api.get("/incidents")
@declared(
    scope="admin:cases",
    asks={"all": Text(N_("1: resolved ones, too"), default="", choices=("", "1"))},
    gives={"incidents": [INCIDENT]},
)
def incident_list() -> Any:
    """Incidents of the procedures that the caller manages."""
    rows = incidents.managed(services(), reader=me().id)
    return {"incidents": [told(row) for row in rows if asked()["all"] or row.resolved_at is None]}


@api.post("/incidents/<incident_id>/retry")
@declared(
    scope="admin:cases",
    takes={
        "reason": REASON,
        "input": Object(N_("Corrected input of the operation"), default=None),
        "variables": Object(N_("Corrected case variables"), default=None),
    },
)
def retry(incident_id: str) -> Any:
    """Try again what failed, with corrected values where they are sent."""
    sent = body()
    corrected = {"input": sent["input"] or None, "variables": sent["variables"] or None}
    incidents.retry(services(), incident_id, actor=me().id, reason=sent["reason"], request_id=request_id(), **corrected)
    return "", 204


@api.post("/incidents/retry")
@declared(
    scope="admin:cases",
    takes={"operation": Text(N_("Name of an operation"), example="ehr.app_usage"), "reason": REASON},
    gives={"retried": int, "refused": [{"case": str, "message": str}]},
)
def retry_all() -> Any:
    """Try every open incident of an operation again, and say which could not be."""
    sent = body()
    done = incidents.retry_all(services(), sent["operation"], actor=me().id, reason=sent["reason"], request_id=request_id())
    return {"retried": done.count, "refused": [{"case": case, "message": error_text(error)} for case, error in done.refused]}


@api.post("/incidents/<incident_id>/skip")
@declared(scope="admin:cases", takes={"reason": REASON})
def skip(incident_id: str) -> Any:
    """Pass the element that failed without a result."""
    incidents.skip(services(), incident_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


@api.post("/incidents/<incident_id>/answer")
@declared(scope="admin:cases", takes={"reason": REASON, "value": Object(N_("What the outside system would have answered"))})
def answer(incident_id: str) -> Any:
    """Answer by hand what an outside system did not."""
    incidents.answer(services(), incident_id, actor=me().id, request_id=request_id(), **body())
    return "", 204
