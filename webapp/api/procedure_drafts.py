"""Drafts of procedures as whole folders of files, for programs that keep procedures elsewhere, such as in git."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from engine.bpmn.findings import Finding
from engine.errors import ChangedInside, DraftGone, DraftMovedOn, PartwellError
from engine.studio import changing, checking, drafts, exchange, merging

from .. import failures, i18n
from ..accounts import me, services
from ..i18n import N_
from .exchange import api, body, declared, plain
from .matching import WANTED, NotAsRead, Superseded, tagged, wanted
from .shapes import Contents, Listed, Object, RequestInvalid, Text, Whole

#: all files of a folder, and what it was read from
FILES = N_("The whole folder: by path the text of each file, or its content as base64")
FOLDER = {"letters/notice.txt": {"text": "到期日"}}
BASE = Object(
    N_("By path the SHA-256 of each file as it was read, of the version and of the draft; what changed since is not overwritten"),
    of=Listed(of=Text()),
    default=None,
)
_TAG = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class GivenFile:
    """One file of a folder."""

    sha256: str
    #: None where it is no text in UTF-8: then it is base64
    text: str | None
    base64: str | None


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


def given(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Files as they are given, and taken again."""
    digests = exchange.digests(files)
    return {path: plain(_file(content, digests[path])) for path, content in files.items()}


def _file(content: bytes, digest: str) -> GivenFile:
    with contextlib.suppress(UnicodeDecodeError):
        text = content.decode()
        if "\0" not in text:
            return GivenFile(sha256=digest, text=text, base64=None)
    return GivenFile(sha256=digest, text=None, base64=base64.b64encode(content).decode())


def findings(files: Mapping[str, bytes]) -> dict[str, list[ToldFinding]]:
    """What the check says of the files, by path."""
    return {path: [_in_words(one) for one in found] for path, found in checking.findings(services(), files).items()}


def _in_words(finding: Finding) -> ToldFinding:
    same = {name: getattr(finding, name) for name in ("element", "name", "severity", "line")}
    return ToldFinding(**same, code=str(finding.code), message=i18n.fill(finding.message, finding.facts))


@contextlib.contextmanager
def as_read() -> Iterator[None]:
    """A draft that somebody changed, published or discarded meanwhile is told as a condition that does not hold any more."""
    try:
        yield
    except DraftMovedOn as changed:
        raise Superseded(**changed.facts) from changed
    except DraftGone as gone:
        raise NotAsRead() from gone


def seen() -> tuple[int, int | None]:
    """The draft's revision that was read, and the version that it began from or would begin from. Raises IfMatchNeeded, NotAsRead."""
    tag = _TAG.fullmatch(wanted())
    if tag is None:
        raise NotAsRead()
    return int(tag[1]), int(tag[2]) or None


def _tag(revision: int, base: int | None) -> str:
    return f"{revision}-{base or 0}"


def told(error: PartwellError, **more: Any) -> Any:
    """A refusal, with what a program needs to say more of it."""
    said, status, headers = failures.answer(error.status, error.code, i18n.error_text(error))
    return said | plain(more), status, headers


@api.errorhandler(ChangedInside)
def changed(error: ChangedInside) -> Any:
    """With the files, for a program to say which."""
    return told(error, theirs=error.theirs, both=error.both)


def _told(procedure: str) -> tuple[drafts.Draft, exchange.Inside, dict[str, Any]]:
    """The draft, read before its files: who changes what was read here passes over nothing that came between."""
    draft = drafts.read(services(), procedure, actor=me().id)
    found = exchange.inside(services(), procedure, draft=True, actor=me().id)
    return draft, found, {"draft": plain(draft), "findings": plain(findings(found.files))}


@api.get("/procedures/<procedure>/draft")
@declared(scope="read:procedures", gives={**_GIVES, "files": dict[str, GivenFile], "began": dict[str, str]}, tagged=True)
def procedure_draft(procedure: str) -> Any:
    """The files of the draft, what the check says, and the SHA-256 of each file of the version that it began from.

    Without `begun_at` there is none, and they are the active version's."""
    draft, found, answer = _told(procedure)
    return tagged({**answer, "files": given(found.files), "began": dict(found.began)}, _tag(draft.revision, draft.base))


@api.put("/procedures/<procedure>/draft")
@declared(
    scope="write:procedures",
    takes={
        "files": Contents(FILES, example=FOLDER),
        "base": BASE,
        "note": Text(N_("Why; kept with each file"), default="", example="少一步"),
    },
    gives={**_GIVES, "changed": [str]},
    tagged=True,
    matched=True,
    unless="base",
)
def procedure_save(procedure: str) -> Any:
    """Put a folder into the draft; `changed` names the files that were not so before.

    With If-Match the folder becomes the whole draft; where another version is active by then, that is taken over before publishing.
    With `base` only what differs from it is put there: refused (409) where others changed a file of the draft that the folder has
    not seen."""
    sent = body()
    files, base, note = sent["files"], sent["base"], sent["note"]
    if base is None or WANTED in request.headers:
        if base is not None:
            raise RequestInvalid(reason="send either If-Match or “base”", field="base")
        revision, began = seen()
        with as_read():
            new, paths = changing.replace(services(), procedure, files, revision=revision, base=began, actor=me().id, note=note)
    else:
        new, paths = exchange.put(services(), procedure, files, base=base, actor=me().id, note=note)
        began = None
    draft, _, answer = _told(procedure)
    # not the revision that is told: somebody may have saved in between, and the next change must not pass over that
    return tagged({**answer, "changed": paths}, _tag(new, began or draft.base))


@api.delete("/procedures/<procedure>/draft")
@declared(scope="write:procedures", matched=True)
def procedure_discard(procedure: str) -> Any:
    """Throw the draft of a procedure away."""
    with as_read():
        drafts.discard(services(), procedure, revision=seen()[0], actor=me().id)
    return "", 204


@api.get("/procedures/<procedure>/draft/conflicts")
@declared(scope="read:procedures", gives={"files": [merging.Apart]})
def procedure_conflicts(procedure: str) -> Any:
    """Files in which the draft and a version that was published since it began differ, and who changed what."""
    return {"files": plain(merging.compare(services(), procedure, actor=me().id))}


@api.post("/procedures/<procedure>/draft/take-over")
@declared(
    scope="write:procedures",
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
    with as_read():
        act: Any = {"revision": seen()[0], "active": sent["version"], "keep": sent["keep"]}
        revision = merging.take_over(services(), procedure, **act, actor=me().id)
    return tagged(_told(procedure)[2], _tag(revision, sent["version"]))
