"""补全标识: asking outside services what they call people, for administrators: a look at what was found, then taking it over."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from engine.errors import PartwellError
from engine.people.importing import Plan, bring
from engine.people.looking_up import Answer, look_up
from engine.ports import DirectoryLine

from . import headings
from .accounts import me, services
from .directory_files import digest
from .i18n import error_text, fill, gettext, ngettext
from .people import SYSTEMS, administered

looking_up = Blueprint("looking_up", __name__, url_prefix="/people/look-up")


@looking_up.get("")
@administered
def index() -> Any:
    return _page()


@looking_up.post("")
@administered
def look_or_take() -> Any:
    """Ask a service, and show whom it knows; with `take`, what was shown is kept."""
    service, note = request.form.get("service", ""), request.form.get("note", "").strip()[:1000]
    try:
        if "take" not in request.form:
            found = look_up(services(), service, by=me().id, after=request.form.get("after", "")[:100])
            return _page(found, bring(services(), found.lines, by=me().id, note="", dry_run=True))
        lines = _unpacked(request.form.get("kept", ""))
        plan = bring(services(), lines, by=me().id, note=note, dry_run=True)
        seen = Answer(lines=lines, left=(), rest=request.form.get("after", "")[:100])
        if not note:
            return _page(seen, plan, error=gettext("Say why; it is kept with each change."))
        if digest(plan) != request.form.get("seen"):
            return _page(error=gettext("The directory was changed meanwhile. Look at the differences again before you take them over."))
        plan = plan if plan.faults else bring(services(), lines, by=me().id, note=note)
        if plan.faults:
            return _page(seen, plan)
    except PartwellError as refused:
        return _page(error=error_text(refused))
    flash(ngettext("%(num)s difference was taken over.", "%(num)s differences were taken over.", len(plan.differences)), "success")
    return redirect(url_for("looking_up.index"))


def _page(found: Answer | None = None, plan: Plan | None = None, *, error: str = "") -> Any:
    faults = [headings.told(fault) for fault in plan.faults] if plan else []
    page = render_template(
        "people_look_up.html",
        services={name: gettext(SYSTEMS[name]) if name in SYSTEMS else name for name in services().finders},
        service=request.form.get("service", ""),
        found=found,
        left=[(one, fill(one.reason.template, one.reason.facts)) for one in found.left] if found else [],
        plan=plan,
        kept=_packed(found.lines) if found else "",
        seen=digest(plan) if plan else "",
        note=request.form.get("note", "").strip()[:1000],
        faults=faults,
        error=error,
    )
    return (page, 422) if error or faults else page


def _packed(lines: Any) -> str:
    return json.dumps([dict(line.values) for line in lines])


def _unpacked(kept: str) -> list[DirectoryLine]:
    """What a page kept; whoever sends anything else may type it on the page of an import as well."""
    try:
        given = json.loads(kept)
        return [DirectoryLine(kind="persons", values={str(name): str(value) for name, value in one.items()}) for one in given]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []
