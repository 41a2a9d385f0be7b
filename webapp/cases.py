"""事项: the list of cases, one case from all sides, its originals and its sealed file."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, send_file, url_for

from engine import approvals, bundle, casefile, caselist, comments, copies, evidence, forecast, messages, originals, snapshots, timers, work
from engine import cases as engine_cases
from engine.errors import NotFound
from engine.ports import File

from .accounts import logged_in, me, services
from .diagrams import diagram
from .entries import answers_of
from .facts import panels
from .i18n import N_, fill, gettext, zone
from .inbox import PAGE, page_number, search_words
from .items import request_id
from .text import main_events

cases = Blueprint("cases", __name__)

#: what may be done to a case as a whole -> what the button says
_VERBS = {
    "suspend": N_("Pause the case"),
    "resume": N_("Let it go on"),
}


@cases.get("/cases")
@logged_in
def index() -> Any:
    status = request.args.get("status", "")
    status = status if status in ("running", "suspended", "closed") else ""
    search, page = search_words(), page_number()
    rows, total = caselist.cases(services(), reader=me().id, search=search, status=status, page=page, size=PAGE)
    return render_template("cases.html", rows=rows, total=total, page=page, size=PAGE, search=search, status=status)


def _case(case_id: str) -> casefile.CasePage:
    return casefile.case_page(services(), case_id, reader=me().id)


def _standing(case: casefile.CasePage) -> dict[str, Any]:
    """What the part of the page needs that looks again while systems are asked."""
    return {
        "case": case,
        "own": {step.item_id for step in case.open if me().id in step.holder_ids},
        "running": [call for call in case.calls if call.state in ("waiting", "leased", "failed")],
        "troubles": [incident for incident in case.incidents if incident.resolved_at is None],
        "now": services().clock.now(),
    }


@cases.get("/cases/<case_id>")
@logged_in
def show(case_id: str) -> Any:
    case = _case(case_id)
    copies.read(services(), case_id, reader=me().id)
    everything = bool(request.args.get("all"))
    g.incidents = {incident.id: incident for incident in case.incidents}
    g.document_names = {document.id: document.name for document in case.documents}
    return render_template(
        "case.html",
        **_standing(case),
        everything=everything,
        approvals=approvals.approvals(services(), case_id, reader=me().id),
        ahead=forecast.of_case(services(), case_id, reader=me().id),
        chosen=work.to_correct(services(), case_id, actor=me().id),
        timeline=case.timeline if everything else main_events(case.timeline),
        panels=panels(case.variables),
        answered={event.number: answers_of(case.version_id, event) for event in case.timeline},
        received=_snapshots_by_job(case),
        copies=copies.copies(services(), case_id, reader=me().id),
        comments=comments.comments(services(), case_id, reader=me().id),
        may_comment=comments.may_write(services(), case_id, reader=me().id),
        diagram="" if case.subject["id"] == me().id else diagram(case.version_id, done=case.done, lit=case.lit),
        verbs=[(verb, gettext(name)) for verb, name in _VERBS.items() if verb in case.may],
        local=lambda moment: f"{moment.astimezone(zone()):%Y-%m-%dT%H:%M}",
        key=_key() if case.sealed else "",
        verification=_verified(case) if request.args.get("verify") and case.sealed else None,
    )


def _snapshots_by_job(case: casefile.CasePage) -> dict[str, list[snapshots.SnapshotRow]]:
    """What each call received, the answer as it came before what was read out of it."""
    found: dict[str, list[snapshots.SnapshotRow]] = {}
    for row in case.snapshots:
        found.setdefault(row.job_id, []).append(row)
    return found


@cases.get("/cases/<case_id>/live")
@logged_in
def live(case_id: str) -> Any:
    case = _case(case_id)
    answer = render_template("_live.html", **_standing(case))
    if case.working:
        return answer
    # Everything has come in: the page is read anew once, with its timeline, data and diagram.
    if case.open or case.status == "closed":
        flash(gettext("The systems have answered. This is where the case stands now."), "success")
    return answer, 200, {"HX-Refresh": "true"}


def _verified(case: casefile.CasePage) -> dict[str, Any]:
    with services().database.reading() as connection:
        sealed = evidence.find(connection, case.id)
    if sealed is None:
        raise NotFound(what="sealed file of case", name=case.number)
    found = bundle.verify(services().settings.home / sealed.path, key=_key())
    return {"ok": found.ok, "entries": found.entries, "findings": [fill(fault.template, fault.facts) for fault in found.faults]}


def _key() -> str:
    """Fingerprint of the key with which this installation signs."""
    return bundle.fingerprint(services().keyring.signer.public_key())


def sealed_file(case_id: str) -> File:
    """The sealed file, for a reader who may see it; handing it out is itself recorded. Raises NotFound, NotAllowed."""
    if not _case(case_id).sealed:
        raise NotFound(what="sealed file of case", name=case_id)
    return evidence.export(services(), case_id, actor=me().id)


@cases.get("/cases/<case_id>/sealed")
@logged_in
def sealed(case_id: str) -> Any:
    file = sealed_file(case_id)
    return send_file(io.BytesIO(file.content), mimetype=file.media_type, as_attachment=True, download_name=file.name)


@cases.post("/cases/<case_id>/<any(suspend, resume):verb>")
@logged_in
def change(case_id: str, verb: str) -> Any:
    """Suspend or resume, with a reason."""
    act = getattr(engine_cases, verb)
    act(services(), case_id, actor=me().id, reason=request.form.get("reason", ""), request_id=request_id())
    flash(gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("cases.show", case_id=case_id))


@cases.post("/cases/<case_id>/timers/<job_id>")
@logged_in
def reschedule(case_id: str, job_id: str) -> Any:
    """Another due time for a timer, as a person types it, in the time zone of the installation."""
    try:
        due = dt.datetime.fromisoformat(request.form.get("due", "")).replace(tzinfo=zone())
        if not 2000 <= due.year < 2200:
            raise ValueError
    except ValueError:
        flash(gettext("Give the day and the time at which the timer should end."), "danger")
        return redirect(url_for("cases.show", case_id=case_id) + "#timers")
    timers.reschedule(services(), job_id, due, actor=me().id, reason=request.form.get("reason", ""), request_id=request_id())
    flash(gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("cases.show", case_id=case_id))


@cases.post("/cases/<case_id>/waits/<path:instance>")
@logged_in
def enter(case_id: str, instance: str) -> Any:
    """What the case waits for has happened, says a manager."""
    reason = request.form.get("reason", "")
    messages.enter(services(), case_id, instance, actor=me().id, values={}, reason=reason, request_id=request_id())
    flash(gettext("Done. It is in the file with your reason."), "success")
    return redirect(url_for("cases.show", case_id=case_id))


def document_file(document_id: str) -> File:
    """A document, for a reader who may see it; the reading is recorded. Raises NotFound, NotAllowed."""
    return originals.read_document(services(), document_id, reader=me().id)


@cases.get("/documents/<document_id>")
@logged_in
def document(document_id: str) -> Any:
    """PDFs and pictures open in the browser, everything else is downloaded."""
    file = document_file(document_id)
    shown = file.media_type in ("application/pdf", "image/png", "image/jpeg", "image/webp")
    answer = send_file(io.BytesIO(file.content), mimetype=file.media_type, as_attachment=not shown, download_name=file.name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    if file.media_type == "application/pdf":  # browsers do not show a PDF in a sandbox
        answer.headers["Content-Security-Policy"] = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'"
    return answer


@cases.get("/snapshots/<snapshot_id>")
@logged_in
def snapshot(snapshot_id: str) -> Any:
    opened = originals.read_snapshot(services(), snapshot_id, reader=me().id)
    return render_template("snapshot.html", opened=opened, asked=_readable(opened.request), answered=_readable(opened.content))


def _readable(value: Any) -> str:
    """JSON indented; anything else as it came."""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
        try:
            value = json.loads(text)
        except ValueError:
            return text
    return json.dumps(value, ensure_ascii=False, indent=2) if value is not None else ""
