"""The draft of a procedure with its files, and what is done with it as a whole."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for

from engine import deploying, versions
from engine.bpmn import blank
from engine.errors import NotFound
from engine.letters import blank as blank_letter
from engine.letters import templates
from engine.studio import changing, drafts, editing, events, publishing, titles
from engine.studio.scenarios import reading

from .. import i18n
from ..accounts import logged_in, me, services
from ..i18n import gettext
from . import checking
from .addresses import KINDS, studio
from .changes import by_file
from .publishing import concerns, last, why

#: files of a kind that are listed without being asked for
_FEW = 6


@studio.get("/<procedure>")
@logged_in
def show(procedure: str) -> Any:
    seen = publishing.preview(services(), procedure, actor=me().id)
    with services().database.reading() as connection:
        open_now = editing.editing(connection, procedure, services().clock.now())
        history = events.history(connection, procedure)
        editors = drafts.names(connection, seen.draft.editors)
        failure = events.failure(connection, procedure)
    try:
        rows = versions.versions(services(), procedure)
    except NotFound:
        rows = []
    latest = last(procedure)
    if latest is not None and latest.state == "refused" and latest.revision is not None and not concerns(latest, seen.draft):
        latest = None
    kinds = [(kind, [file for file in seen.draft.files if file.kind == kind]) for kind in KINDS]
    findings = {path: checking.told(found) for path, found in seen.findings.items() if found}
    return render_template(
        "studio_draft.html",
        draft=seen.draft,
        preview=seen,
        kinds=[(kind, those) for kind, those in kinds if those],
        titles=titles.titles(seen.files),
        letter_language=templates.language,
        usual=reading.USUAL,
        few=_FEW,
        findings=findings,
        editing=[one for one in open_now if one.id != me().id],
        editors=editors,
        failure=failure,
        publication=latest,
        refusal=why(latest) if latest is not None else "",
        history=history,
        versions=rows,
        reasons=_reasons,
    )


def _reasons(act: Any) -> list[str]:
    """Why a scheduled version did not become active, in the reader's language."""
    return [i18n.fill(reason["template"], reason["facts"]) for reason in (act.facts or {}).get("reasons", ())]


# --- files


@studio.post("/<procedure>/new")
@logged_in
def new_file(procedure: str) -> Any:
    """An empty file of a kind."""
    kind, name = request.form.get("kind", ""), request.form.get("name", "").strip()
    path, content = _empty(kind, name)
    changing.save(services(), procedure, path, content, revision=None, actor=me().id)
    return redirect(url_for("studio.edit", procedure=procedure, path=path))


def _empty(kind: str, name: str) -> tuple[str, bytes]:
    """Where a new file goes, and what it begins with. A name may come with its ending or without."""
    id = "".join(sign if sign.isalnum() else "_" for sign in PurePosixPath(name).stem) or "new"
    id = id if id[0].isalpha() else f"_{id}"
    match kind:
        case "bpmn":
            return _ending(name, ".bpmn"), blank.diagram(id, PurePosixPath(name).stem)
        case "dmn":
            return _ending(name, ".dmn"), blank.table(id, PurePosixPath(name).stem)
        case "form":
            path = _ending(name, ".form")
            return f"forms/{path}", blank.form(PurePosixPath(path).stem)
        case "letter":
            path = f"letters/{name if name.endswith(('.typ', '.txt')) else _ending(name, '.html')}"
            return path, blank_letter.letter(PurePosixPath(path).stem) if path.endswith(".html") else b"\n"
        case "scenario":
            return f"scenarios/{_ending(name, '.yaml')}", b"\n"
        case "rules.json" | "chains.json":
            return kind, b"{}\n"
        case _:
            return name, b"\n"


def _ending(name: str, ending: str) -> str:
    return name if name.endswith(ending) else name + ending


@studio.get("/<procedure>/file/<path:path>")
@logged_in
def file(procedure: str, path: str) -> Any:
    """What can be done with a file beside editing it."""
    draft = drafts.read(services(), procedure, actor=me().id)
    return render_template("studio_file.html", draft=draft, file=draft.file(path))


@studio.post("/<procedure>/file/<path:path>")
@logged_in
def change_file(procedure: str, path: str) -> Any:
    seen: Any = {"revision": request.form.get("revision", 0, type=int), "base": request.form.get("base", type=int), "actor": me().id}
    if "remove" in request.form:
        changing.remove(services(), procedure, path, **seen)
        flash(gettext("%(file)s was removed from the draft.", file=path), "success")
    else:
        to = request.form.get("to", "").strip()
        if to != path:
            changing.rename(services(), procedure, path, to, **seen)
            flash(
                gettext("%(file)s is called %(name)s now. What refers to it by its name must be changed, too.", file=path, name=to),
                "success",
            )
    return redirect(url_for("studio.show", procedure=procedure))


@studio.get("/<procedure>/folder.zip")
@logged_in
def folder(procedure: str) -> Any:
    """The whole draft, or the active version where there is none, as it lies in a folder of `processes/`."""
    files = drafts.contents(services(), procedure, actor=me().id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{procedure}/{path}", (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    answer = Response(packed.getvalue(), mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{procedure}.zip")
    return answer


# --- the draft as a whole


@studio.get("/<procedure>/discard")
@logged_in
def ask_discard(procedure: str) -> Any:
    """What would be lost."""
    seen = publishing.preview(services(), procedure, actor=me().id)
    if seen.draft.begun_at is None:
        return redirect(url_for("studio.show", procedure=procedure))
    return render_template("studio_discard.html", draft=seen.draft, changes=by_file(seen))


@studio.post("/<procedure>/discard")
@logged_in
def discard(procedure: str) -> Any:
    revision = request.form.get("revision", 0, type=int)
    drafts.discard(services(), procedure, revision=revision, actor=me().id, note=request.form.get("reason", "").strip()[:1000])
    flash(gettext("The draft was discarded."), "success")
    there = procedures_of(procedure)
    return redirect(url_for("studio.show", procedure=procedure) if there else url_for("procedures.index"))


def procedures_of(procedure: str) -> bool:
    """Whether there is a version of the procedure."""
    with services().database.reading() as connection:
        return deploying.latest(connection, procedure) is not None


@studio.post("/<procedure>/begin")
@logged_in
def begin_from(procedure: str) -> Any:
    """A draft with the files of an earlier version."""
    number = request.form.get("number", 0, type=int)
    drafts.begin_from(services(), procedure, number, actor=me().id)
    flash(gettext("The draft holds what version %(number)s held.", number=number), "success")
    return redirect(url_for("studio.show", procedure=procedure))
