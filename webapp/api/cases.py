"""Procedures and cases, and the documents and snapshots in them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import request

from engine import casefile, caselist, originals, timers
from engine import cases as engine_cases

from ..accounts import me, services
from ..cases import document_file, sealed_file
from ..i18n import current
from ..start import open_to
from .exchange import RequestInvalid, api, body, download, field, files_of, number, plain, request_id, words
from .incidents import told


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
    return {**plain(found), "incidents": [told(row) for row in found.incidents]}


@api.post("/cases/<case_id>/<any(withdraw, cancel, suspend, resume):verb>")
def change_case(case_id: str, verb: str) -> Any:
    """{reason}"""
    act = getattr(engine_cases, verb)
    act(services(), case_id, actor=me().id, reason=field(body(), "reason", str), request_id=request_id())
    return "", 204


@api.post("/timers/<job_id>/due")
def reschedule(job_id: str) -> Any:
    """{due (ISO 8601 with offset), reason}: another due time of a running timer"""
    sent = body()
    reason = field(sent, "reason", str)
    try:
        due = dt.datetime.fromisoformat(field(sent, "due", str))
    except ValueError:
        due = dt.datetime.min
    if due.tzinfo is None or not dt.MINYEAR < due.year < dt.MAXYEAR:
        raise RequestInvalid(reason="“due” must be a time with offset, such as 2026-11-25T09:00:00+08:00", field="due")
    timers.reschedule(services(), job_id, due, actor=me().id, reason=reason, request_id=request_id())
    return "", 204


@api.get("/cases/<case_id>/sealed")
def sealed(case_id: str) -> Any:
    return download(sealed_file(case_id))


@api.get("/documents/<document_id>")
def document(document_id: str) -> Any:
    return download(document_file(document_id))


@api.get("/snapshots/<snapshot_id>")
def snapshot(snapshot_id: str) -> Any:
    """What an outside system said, as it came; reading it is recorded."""
    opened = originals.read_snapshot(services(), snapshot_id, reader=me().id)
    return {**plain(opened.row), "case_id": opened.case_id, "request": opened.request, "content": opened.content.decode("utf-8", "replace")}
