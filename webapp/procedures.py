"""流程: the procedures that somebody has to do with, one page for each with a tab for everything one does with it; acts on its versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from engine import migration, rules, versions
from engine.errors import DraftOpen, FileRefused, NotAllowed, NotDeployable, PartwellError
from engine.studio import drafts, listing, publications
from engine.studio.publications import Publication

from .accounts import logged_in, me, services
from .diagrams import diagram
from .i18n import N_, error_text, fill, gettext, ngettext
from .items import request_id

procedures = Blueprint("procedures", __name__, url_prefix="/procedures")

#: cases moved by one click; the next click takes the next ones
PORTION = 500
#: the tabs of a procedure: endpoint, text, and to which rights it opens
_VIEWS = (
    ("procedures.show", N_("Overview"), "any"),
    ("studio.show", N_("Draft"), "manages"),
    ("studio.attempt", N_("Try the draft"), "manages"),
    ("studio.scenario_list", N_("Scenarios"), "manages"),
    ("studio.version_list", N_("Versions"), "manages"),
    ("operations.show", N_("Running cases"), "reads"),
    ("analytics.show", N_("Figures"), "reads"),
)
#: the tabs of one of which no version was active yet
_UNSERVED = {"studio.show", "studio.attempt", "studio.scenario_list"}


@procedures.get("")
@logged_in
def index() -> Any:
    return _list()


def _list(fault: PartwellError | None = None) -> Any:
    """All that the reader has to do with; `fault`: why the new one that they typed cannot be."""
    with services().database.reading() as connection:
        found = listing.procedures(services(), connection, actor=me().id)
    may_begin = drafts.may_begin(me().roles)
    if not (found or may_begin):
        raise NotAllowed(reason="your roles have nothing to do with any procedure")
    said = error_text(fault) if fault else ""
    page = render_template("procedures.html", procedures=found, may_begin=may_begin, fault=said, typed=request.form)
    return (page, fault.status) if fault else page


@procedures.post("")
@logged_in
def begin() -> Any:
    """A new procedure with an empty diagram."""
    key = request.form.get("key", "").strip()
    names = {name: request.form.get(name, "").strip() for name in ("name", "name_en")}
    try:
        drafts.create(services(), key, **names, actor=me().id)
    except (FileRefused, DraftOpen) as error:
        return _list(error)
    return redirect(url_for("studio.show", procedure=key))


@procedures.get("/<procedure>")
@logged_in
def show(procedure: str) -> Any:
    """What serves now, drawn; one without an active version is only a draft."""
    with services().database.reading() as connection:
        row = listing.procedure(services(), connection, procedure, actor=me().id)
    if row.active is None:
        return redirect(url_for("studio.show", procedure=procedure))
    version = versions.numbered(services(), procedure, row.active)
    rows = versions.versions(services(), procedure) if row.rights.reads else ()
    return render_template(
        "procedure.html",
        row=row,
        made=next((versions.made(each) for each in rows if each.active), None),
        rules=rules.rules_of(version.files),
        diagram=diagram(version.id),
    )


@procedures.app_template_global("views_of")
def views(procedure: str) -> list[tuple[str, str]]:
    """Endpoint and text of each tab of a procedure that the reader may open."""
    with services().database.reading() as connection:
        own = rules.by_procedure(services(), connection).get(procedure)
    may = listing.rights(own, me().roles)
    return [(at, text) for at, text, right in _VIEWS if getattr(may, right) and (own is not None or at in _UNSERVED)]


# --- acts on a version


@procedures.get("/<procedure>/versions/<int(max=1000000):number>/<any(activate, suspend, resume):act>")
@logged_in
def consider(procedure: str, number: int, act: str) -> Any:
    """What would follow; nothing is changed."""
    return _consider(procedure, number, act)


def _consider(procedure: str, number: int, act: str, faults: Sequence[str] = ()) -> Any:
    version = versions.numbered(services(), procedure, number)
    with services().database.reading() as connection:
        versions.must_manage(connection, version, me().id)
    row = next(row for row in versions.versions(services(), procedure) if row.number == number)
    page = render_template("version_act.html", version=row, act=act, faults=faults, typed=request.form)
    return (page, 422) if faults else page


@procedures.post("/<procedure>/versions/<int(max=1000000):number>/<any(activate, suspend, resume):act>")
@logged_in
def carry_out(procedure: str, number: int, act: str) -> Any:
    reason = request.form.get("reason", "").strip()
    if not reason:
        return _consider(procedure, number, act, [gettext("This is required.")])
    try:
        if act == "activate":
            begun = publications.activate(services(), procedure, number, actor=me().id, note=reason)
            if isinstance(begun, Publication):
                return redirect(url_for("studio.publication", procedure=procedure, id=begun.id))
        else:
            do = {"suspend": versions.suspend, "resume": versions.resume}[act]
            do(services(), procedure, number, by=me().id, note=reason)
    except NotDeployable as error:
        said = [" ".join(filter(None, (one.name or one.element, fill(one.message, one.facts)))) for one in error.findings]
        return _consider(procedure, number, act, [gettext("This version no longer fits what is installed."), *said])
    flash(gettext("Done. It is kept with the version, with your reason."), "success")
    return redirect(url_for("studio.version_list", procedure=procedure))


# --- moving cases


def _mapping(text: str) -> tuple[dict[str, str], list[str]]:
    """Renamings typed as `old = new`, one a line, and the lines that are none."""
    found, wrong = {}, []
    for line in filter(None, map(str.strip, text.splitlines())):
        old, sign, new = (part.strip() for part in line.partition("="))
        if old and sign and new:
            found[old] = new
        else:
            wrong.append(line)
    return found, wrong


@procedures.get("/<procedure>/versions/<int(max=1000000):to>/cases")
@logged_in
def cases(procedure: str, to: int) -> Any:
    """The dry run: which running cases can go on on this version, which cannot and why."""
    return _show(procedure, to)


def _show(procedure: str, to: int, *, faults: dict[str, list[str]] | None = None) -> Any:
    rows = versions.versions(services(), procedure)
    version = next((row for row in rows if row.number == to), None) or abort(404)
    mapping, wrong = _mapping(request.values.get("mapping", ""))
    faults = dict(faults or {})
    if wrong:
        faults["mapping"] = [gettext("Each line must be: old id = new id."), *wrong]
    found = migration.candidates(services(), procedure, to, actor=me().id, mapping=mapping)
    can = [case for case in found if not case.hindrances]
    page = render_template(
        "procedure_cases.html",
        version=version,
        can=can,
        cannot=[case for case in found if case.hindrances],
        portion=min(len(can), PORTION),
        faults=faults,
        typed=request.values,
    )
    return (page, 422) if faults else page


@procedures.post("/<procedure>/versions/<int(max=1000000):to>/cases")
@logged_in
def migrate(procedure: str, to: int) -> Any:
    mapping, wrong = _mapping(request.form.get("mapping", ""))
    reason = request.form.get("reason", "").strip()
    if wrong or not reason:
        return _show(procedure, to, faults={} if reason else {"reason": [gettext("This is required.")]})
    which = {"actor": me().id, "reason": reason, "request_id": request_id(), "mapping": mapping}
    can = [case.number for case in migration.candidates(services(), procedure, to, actor=me().id, mapping=mapping) if not case.hindrances]
    found = migration.migrate(services(), procedure, to, numbers=can[:PORTION], **which) if can else []
    moved = sum(case.moved for case in found)
    flash(ngettext("%(num)s case moved to this version.", "%(num)s cases moved to this version.", moved), "success" if moved else "info")
    return redirect(url_for("procedures.cases", procedure=procedure, to=to))


@procedures.post("/<procedure>/undo")
@logged_in
def undo(procedure: str) -> Any:
    """Cases that came from another version go back, as long as nothing has happened in them since."""
    found = migration.undo(services(), procedure, actor=me().id, reason=request.form.get("reason", ""), request_id=request_id())
    moved = sum(case.moved for case in found)
    flash(ngettext("%(num)s case is back on its former version.", "%(num)s cases are back on their former version.", moved), "success")
    return redirect(url_for("studio.version_list", procedure=procedure))
