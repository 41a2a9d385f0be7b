"""Procedures and cases, and the documents and snapshots in them."""

from __future__ import annotations

from typing import Any

from engine import casefile, caselist, forecast, originals, timers, work
from engine import cases as engine_cases
from engine.procedures import Startable
from engine.snapshots import SnapshotRow
from engine.work.choosing import Chosen

from .. import records
from ..accounts import me, services
from ..cases import document_file, sealed_file
from ..i18n import N_, current
from ..start import open_to
from .exchange import FILE, PAGES, api, asked, body, declared, download, paged, plain, request_id
from .incidents import INCIDENT, told
from .sessions import SEARCH
from .shapes import REASON, Files, Listed, Moment, Object, Text

#: for the steps for which the initiator chooses
CHOSEN = Object(
    N_("Who signs the steps for which the initiator chooses: ids of people by chain and step"),
    of=Object(of=Listed(of=Text())),
    default={},
    example={"dismissal-approval": {"head": ["0192f0c1d2e3f4a5b6c7d8e9f0a1b2c3"]}},
)


@api.get("/procedures")
@declared(scope="start", gives={"procedures": [Startable]})
def procedures() -> Any:
    """The procedures of which the caller may start a case, each with the form of its start."""
    return {"procedures": plain(open_to(me()))}


@api.get("/cases")
@declared(
    scope="read:cases",
    asks={"search": SEARCH, "status": Text(default="", choices=("", "running", "suspended", "closed")), **PAGES},
    gives={"cases": [caselist.CaseRow], "total": int},
)
def case_list() -> Any:
    """The cases that the caller may see, the newest first, in pages."""
    rows, total = caselist.cases(services(), reader=me().id, **asked())
    return paged({"cases": plain(rows)}, total)


@api.post("/cases")
@declared(
    scope="start",
    takes={
        "procedure": Text(N_("Key of a procedure"), example="termination"),
        "subject": Text(N_("Id of the employee whom the case is about")),
        "values": Object(N_("Values of the start form by field"), default={}),
        "files": Files(N_("Files by field of the start form"), default={}),
        "chosen": CHOSEN,
    },
    gives=engine_cases.Started,
    status=201,
)
def start_case() -> Any:
    """Start a case."""
    started = engine_cases.start(services(), initiator=me().id, request_id=request_id(), locale=current(), **body())
    return plain(started), 201


@api.post("/procedures/<procedure>/forecast")
@declared(
    scope="start",
    takes={
        "subject": Text(N_("Id of the employee whom the case is about")),
        "values": Object(N_("Values of the start form by field"), default={}),
        "chosen": CHOSEN,
    },
    gives=forecast.Outlook,
)
def foresee(procedure: str) -> Any:
    """Which approvals a case would come to, who would sign them and why, as of now, and where the initiator chooses; nothing is started."""
    return plain(forecast.before_start(services(), procedure=procedure, initiator=me().id, locale=current(), **body()))


@api.get("/cases/<case_id>/forecast")
@declared(scope="read:cases", gives={"approvals": [forecast.Approval]})
def ahead(case_id: str) -> Any:
    """The approvals ahead of a running case, without those that are open: who would sign them and why, as of now."""
    return {"approvals": plain(forecast.of_case(services(), case_id, reader=me().id))}


@api.get("/cases/<case_id>")
@declared(scope="read:cases", gives={casefile.CasePage: {"incidents": [INCIDENT]}})
def case(case_id: str) -> Any:
    """The whole case: where it stands, timeline, documents, snapshots, calls, incidents."""
    found = casefile.case_page(services(), case_id, reader=me().id)
    return {**plain(found), "incidents": [told(row) for row in found.incidents]}


@api.post("/cases/<case_id>/<any(suspend, resume):verb>")
@declared(scope="admin:cases", takes={"reason": REASON})
def change_case(case_id: str, verb: str) -> Any:
    """Suspend or resume a case."""
    act = getattr(engine_cases, verb)
    act(services(), case_id, actor=me().id, reason=body()["reason"], request_id=request_id())
    return "", 204


@api.get("/cases/<case_id>/choices")
@declared(scope="read:cases", gives={"choices": [Chosen]})
def choices(case_id: str) -> Any:
    """The steps for which the initiator chooses who signs, as far as the caller may correct that now."""
    return {"choices": plain(work.to_correct(services(), case_id, actor=me().id))}


@api.post("/cases/<case_id>/choices")
@declared(
    scope="work",
    takes={
        "chain": Text(N_("Key of the chain")),
        "step": Text(N_("Key of its step")),
        "persons": Listed(N_("Ids of people"), of=Text()),
        "reason": REASON,
    },
)
def correct_choice(case_id: str) -> Any:
    """Let others sign a step for which the initiator chooses, whenever it opens from now on.

    For managers of the procedure, and for who started the case while it is with them again."""
    work.correct(services(), case_id, actor=me().id, request_id=request_id(), **body())
    return "", 204


@api.post("/timers/<job_id>/due")
@declared(scope="admin:cases", takes={"due": Moment(N_("When it fires"), example="2026-11-25T09:00:00+08:00"), "reason": REASON})
def reschedule(job_id: str) -> Any:
    """Give a running timer another due time."""
    sent = body()
    timers.reschedule(services(), job_id, sent["due"], actor=me().id, reason=sent["reason"], request_id=request_id())
    return "", 204


@api.get("/cases/<case_id>/sealed")
@declared(scope="read:cases", gives=FILE)
def sealed(case_id: str) -> Any:
    """The sealed file of a closed case."""
    return download(sealed_file(case_id))


@api.get("/cases/<case_id>/approvals.pdf")
@declared(scope="read:cases", gives=FILE)
def approval_record(case_id: str) -> Any:
    """The approval record of a case as PDF/A, with its check code; not for the employee concerned."""
    return download(records.pdf(case_id))


@api.get("/documents/<document_id>")
@declared(scope="read:cases", gives=FILE)
def document(document_id: str) -> Any:
    """A document of a case."""
    return download(document_file(document_id))


@api.get("/snapshots/<snapshot_id>")
@declared(scope="read:cases", gives={SnapshotRow: {"case_id": str, "request": Any, "content": str}})
def snapshot(snapshot_id: str) -> Any:
    """What an outside system said, as it came; reading it is recorded."""
    opened = originals.read_snapshot(services(), snapshot_id, reader=me().id)
    return {**plain(opened.row), "case_id": opened.case_id, "request": opened.request, "content": opened.content.decode("utf-8", "replace")}
