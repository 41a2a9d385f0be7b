"""Making a version: of the draft, or of a folder's files; its files read again; and taking back that it becomes active at a set time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from engine import checks
from engine.errors import NotDeployable
from engine.studio import exchange, publications, scheduling
from engine.studio.publications import Publication

from ..accounts import me, services
from ..effective import effective
from ..i18n import N_, fill
from .exchange import api, asked, body, declared, plain
from .procedure_drafts import BASE, FILES, GivenFile, ToldFinding, as_read, findings, given, seen, told
from .publications import ToldPublication, accepted
from .shapes import REASON, Contents, Flag, RequestInvalid, Text, Whole

#: what only a draft is published with
_OF_DRAFTS = ("effective", "replacing")


@api.get("/procedures/<procedure>/files")
@declared(
    scope="read:procedures",
    asks={"version": Whole(N_("Number of a version; without one the active one"), default=None)},
    gives={"procedure": str, "version": int | None, "files": dict[str, GivenFile]},
)
def version_files(procedure: str) -> Any:
    """The files of a version of a procedure."""
    found = exchange.inside(services(), procedure, draft=False, number=asked()["version"], actor=me().id)
    return {"procedure": procedure, "version": found.version, "files": given(found.files)}


@api.post("/procedures/<procedure>/versions")
@declared(
    scope="write:procedures",
    takes={
        "note": REASON,
        "files": Contents(FILES, default=None),
        "base": BASE,
        "effective": Text(N_("Day or moment from which new cases start on it; without one at once"), default="", example="2027-01-04"),
        "replacing": Whole(N_("Number of a version whose changes are left out on purpose"), default=None),
        "override": Text(N_("Why it is published although scenarios fail; for administrators"), default=""),
        "dry_run": Flag(N_("Only check"), default=False),
    },
    gives={
        "number": int | None,
        "new": bool,
        "effective_at": dt.datetime | None,
        "digests": dict[str, str],
        "findings": dict[str, list[ToldFinding]],
        "publication": ToldPublication | None,
    },
    status=(200, 202),
    matched=True,
    unless="files",
)
def publish(procedure: str) -> Any:
    """Make the next version of a procedure, on which new cases start; `digests` has the SHA-256 of each of its files.

    Of its draft, as If-Match names it: the same draft is not published twice, that is answered with 409 and its number.
    Or of `files`, whatever the draft holds: `new` is false if the active version held them already; refused (409) where others changed
    a file since `base`. Where scenarios must be played first the answer is 202, and Location tells what becomes of it."""
    sent = body()
    files = sent["files"]
    if files is not None and (wrong := [name for name in _OF_DRAFTS if sent[name]]):
        raise RequestInvalid(reason=f"“{wrong[0]}” is for drafts: leave “files” out", field=wrong[0])
    if sent["dry_run"]:
        tried = exchange.inside(services(), procedure, draft=True, actor=me().id).files if files is None else files
        return _answer(tried)
    said: dict[str, Any] = {"actor": me().id, "note": sent["note"], "override": sent["override"]}
    try:
        if files is not None:
            deployed = publications.deploy(services(), procedure, files, base=sent["base"] or {}, **said)
            if isinstance(deployed, Publication):
                return accepted(deployed, **_answer(files))
            number, new, at = deployed.number, deployed.new, None
        else:
            with as_read():
                more = {"revision": seen()[0], "replacing": sent["replacing"]}
                done = publications.publish(services(), procedure, at=effective(sent["effective"]), **more, **said)
            if isinstance(done, Publication):
                drawn = exchange.inside(services(), procedure, draft=True, actor=me().id).files
                return accepted(done, **_answer(drawn))
            number, new, at = done.number, True, done.at
    except NotDeployable as error:
        tried = exchange.inside(services(), procedure, draft=True, actor=me().id).files if files is None else files
        return told(error, findings=_refusing(tried))
    # as its rules are now, whoever published it may manage it no more
    now = exchange.inside(services(), procedure, draft=False, number=number, actor=None).files
    return _answer(now, number=number, new=new, effective_at=at)


def _answer(files: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
    """What is told of these files, whether they are a version already or not."""
    told = {"digests": exchange.digests(files), "findings": findings(files), "publication": None}
    found: dict[str, Any] = plain({"number": None, "new": False, "effective_at": None, **told, **more})
    return found


def _refusing(files: Any) -> list[dict[str, Any]]:
    """The errors that the check finds, each with its file."""
    found = [(path, one) for path, own in checks.findings(services(), files).items() for one in own if one.severity == "error"]
    return [{"file": path, **one.as_dict(), "message": fill(one.message, one.facts)} for path, one in found]


@api.post("/procedures/<procedure>/versions/<int(max=1000000):version>/unschedule")
@declared(scope="write:procedures", takes={"note": REASON})
def unschedule(procedure: str, version: int) -> Any:
    """Cancel that a version becomes active at a set time."""
    scheduling.cancel(services(), procedure, version, actor=me().id, note=body()["note"])
    return "", 204
