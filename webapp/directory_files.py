"""导入与导出: the directory from and to files, for administrators: a look at what would change, then taking it over."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from engine.errors import PartwellError
from engine.notices import identities
from engine.people import sheets
from engine.people.importing import Plan, bring
from engine.people.lines import Fault
from engine.ports import DirectoryLine, File

from . import headings
from .accounts import me, services
from .i18n import current, error_text, gettext, ngettext
from .people import administered, day_of, state_on, today
from .uploads import packed, unpacked, uploaded

directory_files = Blueprint("directory_files", __name__, url_prefix="/people")

_TOO_LARGE = "these files are too large for a page; bring them in with the command partwell people import"


@directory_files.get("/export.xlsx")
@administered
def export() -> Any:
    file = exported()
    return Response(file.content, mimetype=file.media_type, headers={"Content-Disposition": f'attachment; filename="{file.name}"'})


def exported() -> File:
    """The directory as of today as a workbook, with headings in the language of the request."""
    called = (headings.called(names, current()) for names in (headings.COLUMNS, headings.KINDS))
    with services().database.reading() as connection:
        systems = identities.systems(services(), connection)
    content = sheets.workbook(state_on().lines, *called, systems=systems)
    name = f"partwell-{today().isoformat()}.xlsx"
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return File(kind="directory", name=name, media_type=media, content=content)


@directory_files.get("/import")
@administered
def upload() -> Any:
    return render_template(
        "people_import.html", plan=None, typed={"on": today().isoformat()}, kept="", faults=[], error="", looked_up=bool(services().finders)
    )


@directory_files.post("/import")
@administered
def look_or_bring() -> Any:
    """A look at what the files would change; with `take`, the files that were looked at are taken over."""
    typed = {name: request.form.get(name, "").strip()[:1000] for name in ("on", "note", "complete", "kept", "seen")}
    take, error = "take" in request.form, ""
    on, wrong = day_of(typed["on"])
    plan, kept = None, request.form.get("kept", "")
    try:
        files = (
            unpacked(kept)
            if take
            else [(str(file.filename)[:200], uploaded(file).content) for file in request.files.getlist("files") if file.filename]
        )
        if not files:
            error = gettext("Choose a file.")
        elif wrong:
            error = gettext("This is no date: %(text)s", text=wrong)
        elif take and not typed["note"]:
            error = gettext("Say why; it is kept with each change.")
        if not error or take:
            lines, faults = list[DirectoryLine](), list[Fault]()
            for name, content in files:
                found, bad = sheets.read(name, content, headings.columns(), headings.kinds())
                lines += found
                faults += bad
            kept = kept if take else packed(files, too_large=_TOO_LARGE)
            asked = {"by": me().id, "note": typed["note"], "on": on, "complete": bool(typed["complete"]), "also": faults}
            plan = bring(services(), lines, dry_run=True, **asked)
            if take and not error and not plan.faults:
                if digest(plan) != typed["seen"]:
                    error = gettext("The directory was changed meanwhile. Look at the differences again before you take them over.")
                else:
                    plan = bring(services(), lines, **asked)
                    if not plan.faults:
                        done = ngettext("%(num)s difference was taken over.", "%(num)s differences were taken over.", len(plan.differences))
                        flash(done, "success")
                        return redirect(url_for("people.changes"))
    except PartwellError as refused:
        error = error_text(refused)
    faulty = [headings.told(fault) for fault in plan.faults] if plan else []
    page = render_template(
        "people_import.html", plan=plan, typed=typed, kept=kept if plan and not plan.faults else "", faults=faulty, error=error,
        seen=digest(plan) if plan else "", looked_up=bool(services().finders),
    )  # fmt: skip
    return (page, 422) if error or faulty else page


def digest(plan: Plan) -> str:
    """Tells what was looked at from what would be taken over now."""
    said = [[each.kind, each.key, each.act, each.told] for each in plan.differences]
    return hashlib.sha256(json.dumps([said, plan.on.isoformat()], ensure_ascii=False).encode()).hexdigest()
