"""Procedures exchanged with folders elsewhere, such as ones in git."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from engine import checks
from engine.errors import ChangedInside, NotDeployable
from engine.studio import exchange

from .. import failures, i18n
from ..accounts import me, services
from ..i18n import N_
from .exchange import api, asked, body, declared, plain
from .shapes import REASON, Listed, Object, RequestInvalid, Text

_FILES = Object(N_("All files by path, each as base64"), of=Text(), example={"letters/notice.txt": "5Yiw5pyf5pel"})
_BASE = Object(
    N_("By path the SHA-256 of each file as it was read, of the version and of the draft; what changed since is not overwritten"),
    of=Listed(of=Text()),
    default={},
)


@api.get("/procedures/<procedure>/files")
@declared(
    scope="deploy:procedures",
    asks={"draft": Text(N_("Those of the draft, where there is one"), choices=("true", "false"), default="false")},
    gives={
        "procedure": str,
        "version": int | None,
        "draft": int | None,
        "files": [{"path": str, "content": str, "sha256": str}],
        "began": dict[str, str],
    },
)
def procedure_files(procedure: str) -> Any:
    """The files of the active version of a procedure, or of its draft; contents are base64."""
    found = exchange.inside(services(), procedure, draft=asked()["draft"] == "true", actor=me().id)
    digests = exchange.digests(found.files)
    files = [
        {"path": path, "content": base64.b64encode(content).decode(), "sha256": digests[path]} for path, content in found.files.items()
    ]
    return {"procedure": found.procedure, "version": found.version, "draft": found.draft, "files": files, "began": dict(found.began)}


@api.post("/procedures/<procedure>/deploy")
@declared(
    scope="deploy:procedures",
    takes={
        "files": _FILES,
        "base": _BASE,
        "note": REASON,
        "override": Text(N_("Why it is published although scenarios fail; for administrators"), default=""),
    },
    gives={"version": int, "new": bool, "digests": dict[str, str]},
)
def deploy_folder(procedure: str) -> Any:
    """Make files the active version; `new` is false if it held them already. Refused (409) where others were changed since `base`."""
    sent = body()
    files = _contents(sent["files"])
    given: dict[str, Any] = {"note": sent["note"], "override": sent["override"] or ""}
    try:
        done = exchange.deploy(services(), procedure, files, base=sent["base"] or {}, actor=me().id, **given)
    except NotDeployable as error:
        said, status, headers = failures.answer(error.status, error.code, i18n.error_text(error))
        found = [(path, one) for path, own in checks.findings(services(), files).items() for one in own if one.severity == "error"]
        findings = [{"file": path, **one.as_dict(), "message": i18n.fill(one.message, one.facts)} for path, one in found]
        return said | {"findings": plain(findings)}, status, headers
    except ChangedInside as error:
        return _changed(error)
    return {"version": done.number, "new": done.new, "digests": dict(done.digests)}


@api.post("/procedures/<procedure>/draft")
@declared(scope="deploy:procedures", takes={"files": _FILES, "base": _BASE, "note": REASON}, gives={"revision": int, "changed": [str]})
def put_folder(procedure: str) -> Any:
    """Put what was changed in files since `base` into the draft. Refused (409) where others were changed in the draft meanwhile."""
    sent = body()
    try:
        revision, changed = exchange.put(
            services(), procedure, _contents(sent["files"]), base=sent["base"] or {}, actor=me().id, note=sent["note"]
        )
    except ChangedInside as error:
        return _changed(error)
    return {"revision": revision, "changed": changed}


def _contents(sent: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for path, content in sent.items():
        try:
            found[path] = base64.b64decode(content, validate=True)
        except ValueError:
            raise RequestInvalid(reason=f"the content of “{path[:200]}” is not base64", at=("files", path)) from None
    return found


def _changed(error: ChangedInside) -> Any:
    """With the files, for a program to say which."""
    said, status, headers = failures.answer(error.status, error.code, i18n.error_text(error))
    return said | {"theirs": error.theirs, "both": error.both}, status, headers
