"""审批单: the approvals of a case on paper, as a page to print and as PDF, with a code that leads back to the case."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, render_template, request, send_file, url_for

from engine import approvals, casefile, checkcodes, comments
from engine.chainview import StepView
from engine.documents import DocumentRow
from engine.errors import NotAllowed
from engine.ports import File

from . import enclosures
from .accounts import logged_in, me, services
from .entries import filled_in
from .i18n import gettext, moment, named, zone
from .text import STATE, STATUS, called
from .verbs import origin

records = Blueprint("records", __name__)

_TEMPLATE = Path(__file__).parent / "reports" / "approvals.typ"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One approval: its heading, and a line for each sign-off."""

    title: str
    about: str
    #: step, who, decision, opinion, time
    rows: Sequence[Sequence[str]]
    #: number of a row, from 0 -> the document of the signature that was drawn for it
    signatures: Mapping[int, DocumentRow] = field(default_factory=dict)


@records.get("/cases/<case_id>/approvals")
@logged_in
def printed(case_id: str) -> Any:
    return render_template("approvals.html", **_record(case_id, _chosen()))


@records.get("/cases/<case_id>/approvals.pdf")
@logged_in
def as_pdf(case_id: str) -> Any:
    file = pdf(case_id, _chosen())
    return send_file(io.BytesIO(file.content), mimetype=file.media_type, download_name=file.name)


def _chosen() -> Sequence[str] | None:
    """Ids of the attachments that were chosen to be printed; None where nobody chose."""
    return request.args.getlist("with") if "chosen" in request.args else None


def pdf(case_id: str, chosen: Sequence[str] | None = None) -> File:
    """The record as PDF/A, in the language of the request. `chosen`: ids of the attachments that it names; None for all.

    Raises NotFound, NotAllowed.
    """
    record = _record(case_id, chosen)
    now, case = record["printed_at"].astimezone(zone()), record["case"]
    data = {
        **{name: record[name] for name in ("title", "heads", "facts", "code", "address")},
        "company": services().settings.company,
        "date": [now.year, now.month, now.day],
        "sections": [
            {
                "title": one.title,
                "about": one.about,
                "rows": [list(row) for row in one.rows],
                "signatures": {str(number): row.id for number, row in one.signatures.items()},
            }
            for one in record["sections"]
        ],
        "check": gettext("Check code"),
        "printed": gettext("Printed by %(who)s on %(time)s", who=me().name, time=moment(record["printed_at"])),
    }
    drawn = {id: enclosures.drawing(address) for id, address in record["pictures"].items()}
    content = services().renderer.render(_TEMPLATE.read_text("utf-8"), data, drawn)
    return File(kind="approvals", name=f"{case.number}-{record['title']}.pdf", media_type="application/pdf", content=content)


@records.get("/check/<code>")
@logged_in
def check(code: str) -> Any:
    return render_template("check.html", code=code, found=checkcodes.check(services(), code, reader=me().id))


def _record(case_id: str, chosen: Sequence[str] | None) -> dict[str, Any]:
    case = casefile.case_page(services(), case_id, reader=me().id)
    if case.subject["id"] == me().id:
        raise NotAllowed(reason="the approvals are not open to the employee concerned")
    files = {document.id: document.name for document in case.documents}
    found = approvals.approvals(services(), case_id, reader=me().id, limit=None)
    attached = [one for approval in found for step in approval.steps for one in step.attachments]
    printed = frozenset(one.id for one in attached if chosen is None or one.id in chosen)
    code = checkcodes.code_of(services(), case_id)
    employee = (case.subject["name"], case.subject["employee_no"], case.subject["department_name"])
    facts = [
        (gettext("Case"), f"{case.number} · {named(case, 'title')}"),
        (
            gettext("Employee"),
            " · ".join(filter(None, employee)),
        ),
        (gettext("Reported by"), case.initiator["name"]),
        (gettext("Procedure"), f"{named(case, 'procedure_name')} · {gettext('version %(number)s', number=case.version)}"),
        (gettext("Started"), moment(case.started_at)),
    ]
    if case.void:
        facts.append((gettext("Void"), gettext("Declared by %(who)s on %(time)s", who=case.void.by, time=moment(case.void.at))))
    sections = [*(_section(approval, files, printed) for approval in reversed(found)), *_talk(case_id)]
    return {
        "case": case,
        "title": gettext("Approval record"),
        "facts": [list(fact) for fact in facts],
        "heads": [gettext("Step"), gettext("Signer"), gettext("Decision"), gettext("Opinion"), gettext("Time")],
        "sections": sections,
        "pictures": enclosures.pictures([row for one in sections for row in one.signatures.values()]),
        "attached": attached,
        "shown": printed,
        "query": {} if chosen is None else {"chosen": "1", "with": sorted(printed)},
        "code": code,
        "address": services().settings.address + url_for("records.check", code=code),
        "printed_at": services().clock.now(),
    }


def _section(approval: approvals.Approval, files: Mapping[str, str], printed: Set[str]) -> Section:
    times = [moment(approval.opened_at), moment(approval.closed_at) if approval.closed_at else ""]
    about = " · ".join((called(STATUS, approval.status), " – ".join(filter(None, times))))
    steps = [step for step in approval.steps if not step.expected]
    drawn = {number: step.signature for number, step in enumerate(steps) if step.signature}
    return Section(title=named(approval), about=about, rows=[_row(step, approval, files, printed) for step in steps], signatures=drawn)


def _stands_in(name: str, absent: str | None) -> str:
    return f"{name} {gettext('(for %(who)s)', who=absent)}" if absent else name


def _talk(case_id: str) -> list[Section]:
    """The comments, where there are any."""
    said = comments.comments(services(), case_id, reader=me().id, limit=None)
    rows = []
    for one in said:
        kind = gettext("answers %(who)s", who=one.answered) if one.answered else gettext("Comment")
        to = "".join(f"\n@{name}" for name in one.mentions)
        rows.append([(named(one, "item") or "") if one.item else "", one.name, kind + to, one.text, moment(one.at)])
    return [Section(title=gettext("Comments"), about="", rows=rows)] if rows else []


def _row(step: StepView, approval: approvals.Approval, files: Mapping[str, str], printed: Set[str]) -> list[str]:
    name = named(step) or ""
    if step.round and step.round > 1:
        name += f" ({gettext('Round %(number)s', number=step.round)})"
    who = gettext(", ").join(_stands_in(name, step.absent or step.in_place_of.get(name)) for name in step.people)
    if step.acted:
        who += "\n" + gettext("Done by %(who)s", who=step.acted)
    if step.origin != "chain":
        who += "\n" + origin(step.origin, step.by)
    if step.passed_by:
        who += "\n" + gettext("Passed on by %(who)s", who=step.passed_by)
    state = called(STATE, step.state)
    if not step.counts and step.undone_by:
        state += "\n" + gettext("Counts no more (returned by %(who)s)", who=step.undone_by)
    elif not step.counts:
        state += "\n" + gettext("Counts no more")
    attached = [
        # in groups, between which a narrow column can break it
        gettext("Attachment: %(name)s (SHA-256 %(digest)s)", name=row.name, digest=re.sub("(.{8})(?=.)", r"\1 ", row.sha256))
        for row in step.attachments
        if row.id in printed
    ]
    said = [step.opinion or step.reason, *_answers(approval, step, files), *attached]
    return [name, who, state, "\n".join(filter(None, said)), moment(step.decided_at) if step.decided_at else ""]


def _answers(approval: approvals.Approval, step: StepView, files: Mapping[str, str]) -> list[str]:
    """What was filled in with a sign-off, a line for each field; files by their names as far as the reader sees them."""
    return [
        answer.label + gettext(": ") + (answer.text or gettext(", ").join(files.get(id, id[:8]) for id in answer.documents))
        for answer in filled_in(approval.form, step.values)
    ]
