"""One file of a draft in its editor: what draws it where there is one and it can be read, else its text."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from engine.bpmn.outline import Unreadable, unreadable
from engine.errors import DraftFileChanged, FileRefused
from engine.letters import templates
from engine.studio import changing, drafts
from engine.studio.checking import findings
from engine.studio.drafts import Draft
from engine.studio.rows import DraftFile

from .. import i18n
from ..accounts import logged_in, me, services
from ..i18n import gettext
from . import checking, letters
from .addresses import studio

#: by the ending of a file: the script that draws it, below `static/vendor/studio`
EDITORS = {".bpmn": "modeler", ".dmn": "decisions", ".form": "forms", ".html": "letters"}
_BUNDLES = Path(__file__).parent.parent / "static/vendor/studio"
#: lines shown before and after the place of a fault, and letters of a line before it
_AROUND, _BEFORE = 2, 80


def bundle_of(file: DraftFile) -> str:
    """Name of the script that edits a file, "" where there is none."""
    name = EDITORS.get(PurePosixPath(file.path).suffix, "") if file.kind != "other" else ""
    return name if name and (_BUNDLES / f"{name}.js").is_file() else ""


@studio.get("/<procedure>/edit/<path:path>")
@logged_in
def edit(procedure: str, path: str) -> Any:
    """`?text` shows the text of a file that could be drawn, too."""
    draft = drafts.read(services(), procedure, actor=me().id)
    file = draft.file(path)
    content, revision = drafts.content(services(), procedure, path, actor=me().id)
    bundle = bundle_of(file)
    if bundle and "text" not in request.args and unreadable(content, path) is None:
        return render_template("studio_editor.html", draft=draft, file=file, bundle=bundle)
    return _text(draft, path, content, revision)


@studio.post("/<procedure>/edit/<path:path>")
@logged_in
def save(procedure: str, path: str) -> Any:
    """The text as it was typed. Where somebody else was faster, both are shown and nothing is lost."""
    stored = drafts.contents(services(), procedure, actor=me().id).get(path, b"")
    typed = request.form.get("text", "").replace("\r\n", "\n").encode("utf-8", "replace")
    if b"\r\n" in stored:  # as it was, whatever a browser makes of it
        typed = typed.replace(b"\n", b"\r\n")
    draft = drafts.read(services(), procedure, actor=me().id)
    revision = request.form.get("revision", 0, type=int)
    base = request.form.get("base", type=int)
    try:
        kept = changing.save(services(), procedure, path, typed, revision=revision, base=base, actor=me().id)
    except DraftFileChanged as error:
        if error.revision is None:
            return _text(draft, path, typed, revision, changed=i18n.error_text(error), gone=True), error.status
        theirs, seen = drafts.content(services(), procedure, path, actor=me().id)
        return _text(draft, path, typed, seen, changed=i18n.error_text(error), theirs=theirs), error.status
    except FileRefused as error:
        return _text(draft, path, typed, revision, changed=i18n.error_text(error)), error.status
    if kept == revision:
        flash(gettext("Nothing was changed."), "info")
    else:
        flash(gettext("Saved."), "success")
    return redirect(url_for("studio.edit", procedure=procedure, path=path, text=1))


def _text(
    draft: Draft, path: str, content: bytes, revision: int, *, changed: str = "", theirs: bytes | None = None, gone: bool = False
) -> Any:
    """The file as text. `changed`: why it was not saved; `theirs`: what somebody else saved meanwhile; `gone`: they took the file away."""
    fault = unreadable(content, path)
    return render_template(
        "studio_text.html",
        draft=draft,
        path=path,
        kind=next((file.kind for file in draft.files if file.path == path), "other"),
        text=_shown(content),
        revision=revision,
        fault=fault,
        excerpt=_excerpt(content, fault),
        findings=[] if fault else _findings(draft.procedure, path, content),
        changed=changed,
        theirs=None if theirs is None else _shown(theirs),
        gone=gone,
        **_sources(draft.procedure, path),
        editable=not path.startswith("original/") and _is_text(content),
        drawn=bool(bundle_of(draft.file(path))) and fault is None if not gone else False,
    )


def _sources(procedure: str, path: str) -> dict[str, Any]:
    """What a letter that is edited as text can be filled with."""
    if not path.endswith((".txt", ".typ")) or templates.served(path) is None:
        return {"sources": [], "source": ""}
    return letters.sources(procedure, drafts.contents(services(), procedure, actor=me().id), path)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _excerpt(content: bytes, fault: Unreadable | None) -> list[tuple[int, str]]:
    """The lines around a fault, numbered; of a long one what is around the place."""
    if fault is None or fault.line is None:
        return []
    lines = _shown(content).split("\n")
    first, begin = max(fault.line - _AROUND, 1), max((fault.column or 1) - _BEFORE, 0)
    around = range(first, min(fault.line + _AROUND, len(lines)) + 1)
    return [(number, ("…" if begin else "") + lines[number - 1][begin : begin + 2 * _BEFORE]) for number in around]


def _findings(procedure: str, path: str, content: bytes) -> list[dict[str, Any]]:
    """What the check says of this file, as it is typed."""
    files = {**drafts.contents(services(), procedure, actor=me().id), path: content}
    return checking.told(findings(services(), files).get(path, []))
