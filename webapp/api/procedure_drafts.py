"""Drafts of procedures as whole folders of files, for programs that keep procedures elsewhere, such as in git."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine import checks
from engine.bpmn.findings import Finding
from engine.errors import DraftGone, DraftMovedOn, FileRefused
from engine.studio import changing, drafts, merging, publishing, scheduling

from .. import i18n
from ..accounts import me, services
from ..effective import effective
from ..i18n import N_
from .exchange import api, body, declared, plain
from .matching import NotAsRead, Superseded, revision_read, tagged
from .shapes import REASON, Flag, Object, Text, Whole


@dataclass(frozen=True, kw_only=True)
class ToldFinding:
    """What the check says, in the reader's language."""

    element: str | None
    name: str | None
    severity: str
    code: str
    message: str
    line: int | None


_GIVES: Mapping[str, Any] = {"draft": drafts.Draft, "findings": dict[str, list[ToldFinding]]}


@contextlib.contextmanager
def _as_read() -> Iterator[None]:
    """A draft that somebody changed, published or discarded meanwhile is told as a condition that does not hold any more."""
    try:
        yield
    except DraftMovedOn as changed:
        raise Superseded(**changed.facts) from changed
    except DraftGone as gone:
        raise NotAsRead() from gone


def _findings(files: Mapping[str, bytes]) -> dict[str, list[ToldFinding]]:
    return {path: [_in_words(one) for one in found] for path, found in checks.findings(services(), files).items()}


def _in_words(finding: Finding) -> ToldFinding:
    same = {name: getattr(finding, name) for name in ("element", "name", "severity", "line")}
    return ToldFinding(**same, code=str(finding.code), message=i18n.fill(finding.message, finding.facts))


def _told(procedure: str) -> dict[str, Any]:
    draft = drafts.read(services(), procedure, actor=me().id)
    files = drafts.contents(services(), procedure, actor=me().id)
    return {"draft": plain(draft), "findings": plain(_findings(files))}


@api.get("/procedures/<procedure>/draft")
@declared(scope="admin:procedures", gives={**_GIVES, "files": dict[str, str]}, tagged=True)
def procedure_draft(procedure: str) -> Any:
    """The files of the draft as texts, and what the check says; without `begun_at` there is none, and they are the active version's."""
    told = _told(procedure)
    texts = {}
    for path, content in drafts.contents(services(), procedure, actor=me().id).items():
        try:
            texts[path] = content.decode()
        except UnicodeDecodeError:
            raise FileRefused(file=path, reason="it is no text in UTF-8") from None
    return tagged({**told, "files": texts}, told["draft"]["revision"])


@api.put("/procedures/<procedure>/draft")
@declared(
    scope="admin:procedures",
    takes={
        "files": Object(N_("The whole folder: the text of each file, by its path"), of=Text(), example={"rules.json": "{}"}),
        "base": Whole(N_("Version that was read where there was no draft"), default=None, example=3),
        "note": Text(N_("Why; kept with each file"), default="", example="少一步"),
    },
    gives=_GIVES,
    tagged=True,
    matched=True,
)
def procedure_save(procedure: str) -> Any:
    """Make these files the draft; the ETag of no draft is "0". A version published since `base` is taken over before publishing."""
    sent = body()
    files = {path: text.encode() for path, text in sent.pop("files").items()}
    with _as_read():
        revision = changing.replace(services(), procedure, files, revision=revision_read(), actor=me().id, **sent)
    # not the revision that is told: somebody may have saved in between, and the next change must not pass over that
    return tagged(_told(procedure), revision)


@api.delete("/procedures/<procedure>/draft")
@declared(scope="admin:procedures", matched=True)
def procedure_discard(procedure: str) -> Any:
    """Throw the draft of a procedure away."""
    with _as_read():
        drafts.discard(services(), procedure, revision=revision_read(), actor=me().id)
    return "", 204


@api.get("/procedures/<procedure>/draft/conflicts")
@declared(scope="admin:procedures", gives={"files": [merging.Apart]})
def procedure_conflicts(procedure: str) -> Any:
    """Files in which the draft and a version that was published since it began differ, and who changed what."""
    return {"files": plain(merging.compare(services(), procedure, actor=me().id))}


@api.post("/procedures/<procedure>/draft/take-over")
@declared(
    scope="admin:procedures",
    takes={
        "version": Whole(N_("Number of the version that is active now")),
        "keep": Object(N_("For each file that both changed: `draft` or `active`"), of=Text(choices=("draft", "active")), default={}),
    },
    gives=_GIVES,
    tagged=True,
    matched=True,
)
def procedure_take_over(procedure: str) -> Any:
    """Let the draft go on from the active version: what only that changed is taken."""
    sent = body()
    with _as_read():
        seen: Any = {"revision": revision_read(), "active": sent["version"], "keep": sent["keep"]}
        revision = merging.take_over(services(), procedure, **seen, actor=me().id)
    return tagged(_told(procedure), revision)


@api.post("/procedures/<procedure>/draft/publish")
@declared(
    scope="admin:procedures",
    takes={
        "note": REASON,
        "effective": Text(N_("Day or moment from which new cases start on it; without one at once"), default="", example="2027-01-04"),
        "replacing": Whole(N_("Number of a version whose changes are left out on purpose"), default=None),
        "override": Text(N_("Why it is published although scenarios fail"), default=""),
        "dry_run": Flag(N_("Only check"), default=False),
    },
    gives={"number": int | None, "effective_at": dt.datetime | None, **_GIVES},
    matched=True,
)
def procedure_publish(procedure: str) -> Any:
    """Publish the draft of a procedure. The same draft is not published twice: that is answered with 409 and its number."""
    sent = body()
    told = _told(procedure)
    if sent.pop("dry_run"):
        return {"number": None, "effective_at": None, **told}
    at = effective(sent.pop("effective"))
    with _as_read():
        done = publishing.publish(services(), procedure, revision=revision_read(), actor=me().id, at=at, **sent)
    return {"number": done.number, "effective_at": plain(done.at), **told}


@api.post("/procedures/<procedure>/versions/<int(max=1000000):version>/unschedule")
@declared(scope="admin:procedures", takes={"note": REASON})
def unschedule(procedure: str, version: int) -> Any:
    """Cancel that a version becomes active at a set time."""
    scheduling.cancel(services(), procedure, version, actor=me().id, note=body()["note"])
    return "", 204
